# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: an option file, tried by the server that is to read it, on a throw-away datadir and without a network.

`mariadbd --verbose --help` finds unknown settings and bad values, and stops before it loads a plugin, the Galera
provider, a key or a time zone. So the server is also started once. A bad option of the provider, which would keep a
node from starting again, is an error there.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine, bind_of, is_directory, mask
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import (
    DATADIR,
    FIXED,
    comparable,
    directories,
    meant,
    read_only,
    source_and_target,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined
from ansible_collections.dbops.galera.plugins.module_utils._node import CONFIG
from ansible_collections.dbops.galera.plugins.module_utils._settings import parse
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import (
    MIB,
    parse_provider_options,
    parse_size,
    parse_told,
)
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import AccessRefused, NotAnswering, connect

FILE = "galera.cnf"
# Exit codes of the script below.
NO_SERVER, NOT_READY = 127, 124
# What the server is asked for beyond what is fixed, since it would be allocated in full.
LOG_SIZE, ZONE = "innodb_log_file_size", "default_time_zone"
ASKED = (*FIXED, LOG_SIZE, ZONE)
# The provider's options are told as a whole beside the one that is wrong.
_OPTIONS = re.compile(r" with options '[^']*'")
# Seconds that a server on an empty datadir may take to be ready.
START_TIMEOUT = 60
# The provider is a library that has its version in it as text, such as 26.4.23(r1234).
_ASK = r"""mariadbd --no-defaults --version || exit 127
if [ -e "$1" ]; then
  echo "provider $(grep -a -o -E '([0-9]+\.)+[0-9]+\(r[0-9A-Za-z]+\)' "$1" | head -n 1)"
fi
mariadbd --user=root --verbose --help >/tmp/values 2>/tmp/told
code=$?
cat /tmp/told
zone=$(sed -n "s/^default-time-zone  *//p" /tmp/values | tail -n 1)
[ -e "/usr/share/zoneinfo/$zone" ] && echo zoneinfo
sed -n "/^Variables (/,\$s/^\(@ASKED@\)  */value \1 /p" /tmp/values
[ $code = 0 ] || exit $code
file=$(sed -n "s/^init-file  *//p" /tmp/values | tail -n 1)
case $file in '' | '('*) ;; *) [ -f "$file" ] || { echo "[ERROR] init_file $file: not found"; exit 1; } ;; esac
"""
# What would open a door, ask another host or take the room of a real node is overridden; all else is as it will be.
_START = r"""datadir=/var/lib/mysql
log=/trial/log.err
mkdir -p /trial $datadir/mysql "$@" && : >$log && chown mysql: /trial $log $datadir $datadir/mysql "$@" || exit 1
options=$(my_print_defaults --mariadbd mysqld | sed -n 's/^--wsrep[-_]provider[-_]options=//p' | tail -n 1)
mariadbd --user=mysql --datadir=$datadir --socket=/trial/socket --pid-file=/trial/pid --log-error=$log \
  --skip-networking --skip-grant-tables --skip-slave-start --default-time-zone=SYSTEM --init-file= \
  --wsrep-new-cluster --wsrep-cluster-address=gcomm:// --wsrep-node-address=127.0.0.1 --wsrep-notify-cmd= \
  --wsrep-provider-options="$options;gcache.size=1M;gmcast.listen_addr=tcp://127.0.0.1:4567" \
  --innodb-data-file-path=ibdata1:12M:autoextend --innodb-temp-data-file-path=ibtmp1:12M:autoextend \
  --innodb-buffer-pool-size=32M --innodb-log-file-size=16M >>$log 2>&1 &
server=$!
for _ in $(seq @TENTHS@); do
  if grep -q 'ready for connections' $log; then kill -KILL $server; grep -F '[ERROR]' $log; exit 0; fi
  if ! kill -0 $server 2>/dev/null; then wait $server; code=$?; cat $log; exit $((code == 0 ? 1 : code)); fi
  sleep 0.1
done
kill -KILL $server
cat $log
exit 124
"""
SCRIPT = "".join(
    [
        _ASK.replace("@ASKED@", r"\|".join(name.replace("_", "-") for name in ASKED)),
        "shift\n",
        _START.replace("@TENTHS@", str(START_TIMEOUT * 10)),
    ]
)


@dataclass(frozen=True)
class Tried:
    """What came of it. version is the server's, None where the image has none; provider_version None where the file
    does not tell; errors are sentences of the server; values are what ASKED would be set to;
    zoneinfo is whether the image has a file of the time zone."""

    version: str | None = None
    provider: bool = False
    provider_version: str | None = None
    unknown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    zoneinfo: bool = False


@dataclass(frozen=True)
class Trial:
    """An option file and the image that is to read it. name is the throw-away container's, provider the provider's
    path in the image, config_dir the host's directory of settings, whose other files count as they are."""

    engine: Engine
    name: str
    image: str
    provider: str
    settings: str
    config_dir: str
    volumes: Sequence[str] = ()

    def run(self, timeout: float) -> Tried:
        """Ask the server, and start it; timeout of the container in seconds."""
        with tempfile.TemporaryDirectory(prefix="galera-settings-") as directory:
            path = os.path.join(directory, FILE)
            # The server reads no file that everybody could write, and reads this one as the user mysql.
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.settings)
            binds = [bind_of(path, f"{CONFIG}/{FILE}", read_only=True)]
            others = sorted(os.listdir(self.config_dir)) if os.path.isdir(self.config_dir) else []
            mounted = [(os.path.join(self.config_dir, name), f"{CONFIG}/{name}") for name in others if name != FILE]
            mounted += [source_and_target(each) for each in self.volumes if read_only(each)]
            # Docker would make what is missing; Place tells of that.
            binds += [bind_of(*each, read_only=True) for each in mounted if os.path.exists(each[0])]
            # What a server writes to elsewhere is empty here, and goes with the container.
            empty = [source_and_target(each)[1] for each in self.volumes if not read_only(each)]
            places = [DATADIR, *empty]
            made = [each for paths in directories(_server_settings(self.settings) or {}).values() for each in paths]
            below = sorted({each for each in made if any(each.startswith(f"{place}/") for place in places)})
            command = ["sh", "-c", SCRIPT, "sh", self.provider, *empty, *below]
            code, log = self.engine.run(self.name, self.image, command, binds, timeout, empty=empty)
        return read(code, log)


def read(code: int, log: str) -> Tried:
    """What the script's exit code and output tell."""
    if code == NO_SERVER:
        return Tried()
    lines = log.splitlines()
    provider = next((line for line in lines if line.startswith("provider")), None)
    told = parse_told(mask(log))
    # The first ones name the cause; what follows from it is left out.
    errors = [_OPTIONS.sub("", line) for line in told.errors if line != "Aborting"][:2]
    if code == NOT_READY:
        errors = [f"the server was not ready within {START_TIMEOUT} s"]
    elif code != 0 and not told.unknown and not errors:
        errors = [mask(" ".join(line.strip() for line in lines[-3:]))]
    values = (line.split(maxsplit=2) for line in lines if line.startswith("value "))
    return Tried(
        version=version_in(log),
        provider=provider is not None,
        provider_version=(provider or "").partition(" ")[2].strip() or None,
        unknown=told.unknown,
        errors=errors,
        warnings=told.warnings,
        values={value[1].replace("-", "_"): value[2].strip() if len(value) > 2 else "" for value in values},
        zoneinfo="zoneinfo" in lines,
    )


def version_in(log: str) -> str | None:
    """Of `mariadbd --version`, among other lines; warnings before it begin with a date."""
    line = next((line for line in log.splitlines() if " Ver " in line), "")
    return str(Version.parse(line)) if line else None


@dataclass(frozen=True)
class Place:
    """A node's host, as far as its settings are concerned: where the present ones are, and what they need.

    settings are the new ones; config_dir, record (of what is in force), socket and datadir are paths on the host, the
    latter perhaps a volume's name; uid is the server's.
    """

    node: str
    socket: str
    defaults_file: str | None
    image: str
    provider: str
    settings: str
    config_dir: str
    record: str
    datadir: str
    volumes: Sequence[str]
    uid: int

    def settled(self) -> bool:
        """Whether the host has these settings already, which were tried then."""
        return _text(os.path.join(self.config_dir, FILE)) == self.settings

    def problems(self, tried: Tried, engine: Engine) -> list[str]:
        """A sentence for each thing that speaks against the settings on this host."""
        if tried.version is None:
            return [f"mariadb_image {self.image} has no MariaDB server. Set mariadb_image to an image of MariaDB."]
        if not tried.provider:
            missing = f"mariadb_image {self.image} has no Galera provider at {self.provider}."
            return [f"{missing} Set mariadb_provider to its path in the image."]
        if told := [*(f"unknown variable '{name}'" for name in tried.unknown), *tried.errors]:
            refused = f"{self.node}: the server of {self.image} refuses the settings: {'; '.join(told[:2])}."
            return [f"{refused} Change mariadb_config or mariadb_provider_options. No settings were replaced."]
        return [
            *self._directories(engine),
            *self._moved(engine),
            *self._fixed(tried.values),
            *self._room(tried.values, engine),
            *self._zone(tried),
        ]

    def volume_problems(self) -> Iterator[str]:
        """A sentence for each further directory that is missing, or that the server could not write to.

        Docker would make what is missing, on whatever disk is there, so this comes before any container.
        """
        for volume in self.volumes:
            source, target = source_and_target(volume)
            if not os.path.exists(source):
                yield (
                    f"{self.node}: mariadb_volumes has {source} for {target}, and it does not exist on this host. Make "
                    "it, or mount its disk."
                )
            elif not read_only(volume) and os.stat(source).st_uid != self.uid:
                yield (
                    f"{self.node}: mariadb_volumes has {source} for {target}, and it belongs to the user "
                    f"{os.stat(source).st_uid}. Give it to the server's user ({self.uid}), or end the volume in :ro."
                )

    def _directories(self, engine: Engine) -> Iterator[str]:
        """Directories that settings name and nobody has made. The role makes the datadir itself, after this."""
        for setting, paths in directories(_server_settings(self.settings) or {}).items():
            for path in paths:
                if path == DATADIR:
                    continue
                place = self._on_host(path, engine)
                if place and not os.path.isdir(place):
                    yield (
                        f"{self.node}: {setting} in mariadb_config needs the directory {place}, which does not exist "
                        f"on this host. Make it for the user {self.uid}, or choose another path."
                    )

    def _moved(self, engine: Engine) -> Iterator[str]:
        """Further directories with data in them that would come from another place of the host."""
        container = engine.inspect(self.node) or {}
        binds = ((container.get("HostConfig") or {}).get("Binds")) or ()
        before = {target: source for source, target in (source_and_target(bind) for bind in binds)}
        data = [path for paths in directories(_server_settings(_text(self.record)) or {}).values() for path in paths]
        for source, target in map(source_and_target, self.volumes):
            holds = any(path == target or path.startswith(f"{target}/") for path in data)
            if holds and before.get(target, source).rstrip("/") != source.rstrip("/"):
                yield (
                    f"{self.node}: a part of its data is in {before[target]} (for {target}), and mariadb_volumes would "
                    f"have it in {source}. Set it back."
                )

    def _on_host(self, path: str, engine: Engine) -> str:
        """Where a path in the container is on the host; empty where it is in the container alone, or not known."""
        places = {target: source for source, target in map(source_and_target, self.volumes)}
        places[DATADIR] = engine.mountpoint(self.datadir) or (self.datadir if is_directory(self.datadir) else "")
        for target, source in places.items():
            if path == target or path.startswith(f"{target}/"):
                return source + path[len(target) :] if source else ""
        return ""

    def _fixed(self, values: Mapping[str, str]) -> Iterator[str]:
        """Settings that the datadir was made with, and that would be others."""
        old, new = (_server_settings(text) for text in (_text(self.record), self.settings))
        changed = [name for name in FIXED if old is not None and (new or {}).get(name) != old.get(name)]
        if not changed:
            return
        running = self._ask("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", (changed,))
        for name in changed:
            if running is None:
                yield (
                    f"{self.node}: {name} in mariadb_config differs from what its server was started with, and the "
                    "server does not answer, so they cannot be compared. Set it back, or try again when the node runs."
                )
            elif (
                name in values and name in running and comparable(name, values[name]) != comparable(name, running[name])
            ):
                yield (
                    f"{self.node}: its data were made with {name}={running[name]}, and mariadb_config would have it "
                    f"{values[name]}: the server would not start, or not find its data. Set it back."
                )

    def _room(self, values: Mapping[str, str], engine: Engine) -> Iterator[str]:
        """What the server allocates in full, against what is free there, by file system."""
        settings = _server_settings(self.settings) or {}
        options = parse_provider_options(settings.get("wsrep_provider_options", ""))
        redo = directories(settings).get("innodb_log_group_home_dir", [DATADIR])[0]
        needed: dict[int, list[tuple[str, str, int]]] = {}
        for name, path, file, size in (
            ("gcache.size", DATADIR, "galera.cache", parse_size(options.get("gcache.size", "0"))),
            (LOG_SIZE, redo, "ib_logfile0", int(values.get(LOG_SIZE) or 0)),
        ):
            if place := self._on_host(path, engine):
                there = _existing(place)
                needed.setdefault(os.stat(there).st_dev, []).append((name, there, size - _size(place, file)))
        for parts in needed.values():
            place = parts[0][1]
            more, free = sum(max(0, size) for _name, _place, size in parts), _free(place)
            if more > free:
                yield (
                    f"{self.node}: {joined([name for name, _place, size in parts if size > 0])} take "
                    f"{-(-more // MIB)} MiB more at {place}, and {free // MIB} MiB are free there. Make room, or "
                    "choose less."
                )

    def _zone(self, tried: Tried) -> Iterator[str]:
        """A server reads a named time zone from tables at its start. A new cluster gets them when it is made."""
        zone = tried.values.get(ZONE, "")
        before = _server_settings(_text(self.record))
        if zone[:1] in ("", "(", "+", "-") or zone.upper() == "SYSTEM" or (before or {}).get(ZONE) == zone:
            return
        found = self._ask("SELECT Name, 1 FROM mysql.time_zone_name WHERE Name = %s", (zone,))
        if not tried.zoneinfo:
            yield f"{self.node}: default_time_zone is {zone}, which the image does not know. Write it like Europe/Rome."
        elif found is None and before is not None:
            yield (
                f"{self.node}: default_time_zone is {zone}, and its server does not answer, so whether it has the "
                "tables of time zones is unknown. Set it when the node runs."
            )
        elif found == {}:
            yield (
                f"{self.node}: default_time_zone is {zone}, and the server has no time zone of that name in its "
                "tables, so it would not start. Run site with mariadb_load_time_zones=true and without this setting "
                "first."
            )

    def _ask(self, statement: str, arguments: tuple[Any, ...]) -> dict[str, str] | None:
        """First and second column of what the running server says; None where it does not answer."""
        try:
            with connect(self.socket, self.defaults_file) as connection, connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return {str(row[0]).lower(): str(row[1]) for row in cursor.fetchall()}
        except (NotAnswering, AccessRefused, GaleraError):
            return None


def _server_settings(text: str | None) -> dict[str, str] | None:
    """Settings of the server in an option file, by what their names mean; None where there is no file."""
    if text is None:
        return None
    found = (meant(name, value) for settings in parse(text).values() for name, value in settings.items())
    return dict(found)


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _size(place: str, name: str) -> int:
    path = os.path.join(place, name)
    return os.path.getsize(path) if os.path.isfile(path) else 0


def _free(path: str) -> int:
    there = os.statvfs(path)
    return there.f_bavail * there.f_frsize


def _existing(path: str) -> str:
    """The path, or the nearest directory above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path
