# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node on this host: its container or bootstrap container, its datadir, its server."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine, bind_of, is_directory, mask
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._position import (
    GraState,
    Position,
    View,
    allow_bootstrap,
    parse_grastate,
    parse_gvwstate,
    parse_recovered,
)
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    AccessRefused,
    NodeStatus,
    NotAnswering,
    TimedOut,
    Wanted,
    read_status,
    wait_for,
)

DATADIR = "/var/lib/mysql"
CONFIG = "/etc/mysql/mariadb.conf.d"
# How long a running server may take to answer before it is reported as not answering, seconds.
PATIENCE = 2.0
BOOTSTRAP = ["--wsrep_cluster_address=gcomm://"]
# MariaDB's own galera_recovery does the same: https://mariadb.com/kb/en/galera-cluster-recovery/
# The provider has to be named but is not loaded; without it, or without ROW, the server skips the recovery.
RECOVER = [
    "mariadbd",
    "--user=mysql",
    "--wsrep-recover",
    "--wsrep_on=ON",
    "--wsrep_provider=not-loaded",
    "--binlog-format=ROW",
    "--wsrep_cluster_address=gcomm://",
    "--log-error=/dev/stderr",
    "--skip-networking",
]
# A volume is read by a shell inside a container; each line is a file's name, and its content in base64.
READ = f"""cd {DATADIR} || exit 1
for file in grastate.dat gvwstate.dat; do
  [ ! -f $file ] || echo "$file $(head -c 65536 $file | base64 -w 0)"
done
[ ! -e sst_in_progress ] || echo sst_in_progress
[ -z "$(ls -A mysql 2>/dev/null)" ] || echo mysql"""
WRITE = f"sed -i 's/^\\(safe_to_bootstrap:[[:space:]]*\\)0[[:space:]]*$/\\11/' {DATADIR}/grastate.dat"


@dataclass(frozen=True)
class Datadir:
    """What a datadir holds, as far as positions are concerned. The texts are None where there is no such file."""

    grastate: str | None = None
    gvwstate: str | None = None
    has_tables: bool = False
    sst_in_progress: bool = False


@dataclass(frozen=True)
class Seen:
    """What a wait saw last: a status, or why there is none."""

    status: NodeStatus | None
    why: str = ""

    def report(self) -> dict[str, Any] | None:
        return _told(self.status) if self.status else None

    def __str__(self) -> str:
        return str(self.status or self.why)


@dataclass
class Node:
    """name and bootstrap_container are containers; datadir is a directory or a volume's name; socket is on the host."""

    engine: Engine
    name: str
    bootstrap_container: str
    datadir: str
    socket: str
    defaults_file: str | None = None
    # How often Docker had restarted the container when a wait first looked.
    restarts: int | None = None

    def container(self) -> str | None:
        """The node's container that runs, or None. Refuses where another one, or both, are on the datadir."""
        users = self.engine.users_of(self.datadir)
        strangers = [user for user in users if user not in (self.name, self.bootstrap_container)]
        if strangers:
            raise GaleraError(
                f"{self.name}: the datadir {self.datadir} is in use by another container, {' and '.join(strangers)}: "
                "stop it first, two servers must never run on one datadir."
            )
        if self.bootstrap_container not in users:
            other = self.engine.inspect(self.bootstrap_container)
            if other and other["State"]["Running"]:
                raise GaleraError(
                    f"{self.name}: {self.bootstrap_container} runs on another datadir than {self.datadir}: "
                    "give each cluster on this host a galera_bootstrap_container of its own."
                )
        if len(users) > 1:
            raise GaleraError(
                f"{self.name}: {' and '.join(users)} both run on the datadir {self.datadir}: "
                f"stop {self.bootstrap_container} at once, two servers must never run on one datadir."
            )
        return users[0] if users else None

    def report(self, image: str, config_dir: str | None, timeout: float, recover: bool = True) -> dict[str, Any]:
        """The node's position and where it was read; timeout of a recovery in seconds.

        Without recover a killed node's position stays unknown.
        """
        report = {**dict.fromkeys(FIELDS), "node": self.name, "bootstrap": False, "sst_in_progress": False}
        report.update(_position(Position(), "none"))
        container = self.container()
        if container:
            report.update(state="running", container=container, bootstrap=container == self.bootstrap_container)
            report.update(self._live())
        elif self.engine.mountpoint(self.datadir) is None:
            report.update(state="missing")
        else:
            report.update(self._at_rest(self._own_image() or image, config_dir, timeout, recover))
        return report

    def wait(self, wanted: Wanted, timeout: float, interval: float = 0.5) -> Seen:
        """Wait for a state of the server; raises TimedOut[Seen], or at once when the container has ended."""
        watch = self.engine.watch([self.name, self.bootstrap_container], restarts=self.restarts)

        def read() -> Seen:
            watch()
            self.restarts = watch.restarts
            try:
                return Seen(read_status(self.socket, self.defaults_file))
            except (NotAnswering, AccessRefused) as error:
                return Seen(None, f"{watch.name} runs, but there is no status: {error}")

        return wait_for(read, lambda seen: wanted.met(seen.status), timeout, interval)

    def bootstrap(self, timeout: float, predict: bool = False) -> bool:
        """Have the bootstrap container Primary and Synced; timeout in seconds.

        Returns whether it was started, or would be (predict).
        """
        running = self.container()
        if running == self.name:
            raise GaleraError(
                f"{self.name} is to be bootstrapped, but is running: stop it first "
                f"(docker stop --time 600 {self.name}), two servers must never run on one datadir."
            )
        if predict:
            return not running
        if not running:
            source = self.engine.inspect(self.name)
            if source is None:
                raise GaleraError(
                    f"{self.name}: there is no container of that name to make {self.bootstrap_container} from."
                )
            self.engine.remove_stopped(self.bootstrap_container)
            self._allow_bootstrap(source["Image"], timeout)
            self.engine.clone(source, self.bootstrap_container, BOOTSTRAP)
        try:
            self.wait(Wanted(), timeout)
        except TimedOut as error:
            raise GaleraError(
                f"{self.bootstrap_container} is not Primary and Synced after {timeout:g} s. "
                f"Last state seen: {error.last}. It keeps running; run again to wait on. "
                f"Its last log lines:\n{self.engine.tail(self.bootstrap_container)}"
            ) from error
        return not running

    def received(self) -> int | None:
        """Bytes on disk of a datadir that is a directory, without the write-set cache; grows while an SST arrives."""
        if not is_directory(self.datadir):
            return None
        total = 0
        for directory, _directories, files in os.walk(self.datadir):
            for file in files:
                if file != "galera.cache":
                    try:
                        total += os.lstat(os.path.join(directory, file)).st_blocks * 512
                    except OSError:
                        continue  # it was moved or removed while being looked at
        return total

    def phase(self) -> str:
        """What a node that does not answer yet is doing, as its datadir shows."""
        if is_directory(self.datadir) and os.path.exists(os.path.join(self.datadir, "sst_in_progress")):
            return "joiner (SST)"
        return "starting"

    def _live(self) -> dict[str, Any]:
        def read() -> Seen:
            try:
                return Seen(read_status(self.socket, self.defaults_file, PATIENCE))
            except NotAnswering as error:
                return Seen(None, str(error).rstrip("."))

        try:
            status = wait_for(read, lambda seen: seen.status is not None, PATIENCE).status
        except TimedOut as error:
            return {"error": f"{self.name} is running but not answering yet ({error.last})."}
        except AccessRefused as error:
            return {"error": f"{self.name} is running. {error}"}
        return _told(status) if status else {}

    def _own_image(self) -> str | None:
        """The image that its container was made of: a newer server must not touch data that it only looks at."""
        container = self.engine.inspect(self.name) or self.engine.inspect(self.bootstrap_container)
        return str(container["Image"]) if container else None

    def _at_rest(self, image: str, config_dir: str | None, timeout: float, recover: bool) -> dict[str, Any]:
        found = self._read(image, timeout)
        told: dict[str, Any] = {"sst_in_progress": found.sst_in_progress}
        grastate, view, problems = _parsed(found)
        if view:
            told["view"] = {
                "my_uuid": view.my_uuid,
                "view_id": view.view_id,
                "bootstrap": view.bootstrap,
                "members": view.members,
            }
        if grastate:
            told["safe_to_bootstrap"] = grastate.safe_to_bootstrap
        if found.sst_in_progress:
            told.update(
                state="crashed",
                error=f"{self.name}: its last SST did not end, so it holds no position and has to join.",
            )
        elif not (found.has_tables or problems) and (grastate is None or grastate.position == Position()):
            told.update(state="empty")
        elif grastate and grastate.position.known:
            told.update(state="stopped", **_position(grastate.position, "grastate"))
        elif not recover:
            told.update(state="crashed", uuid=grastate.uuid if grastate else Position().uuid)
        else:
            position, problem = self._recover(image, config_dir, timeout)
            problems += [problem] if problem else []
            known = position is not None and position.known
            told.update(state="crashed", **_position(position or Position(), "recovered" if known else "none"))
            if grastate and not known:
                told["uuid"] = grastate.uuid
        if problems:
            told["error"] = " ".join(f"{self.name}: {problem}" for problem in problems)
        return told

    def _recover(self, image: str, config_dir: str | None, timeout: float) -> tuple[Position | None, str]:
        """The position that InnoDB holds, and a sentence where it told none."""
        binds = [bind_of(self.datadir, DATADIR)]
        if config_dir:
            binds.append(bind_of(config_dir, CONFIG, read_only=True))
        code, log = self.engine.run(self._helper, image, RECOVER, binds, timeout)
        position = parse_recovered(log)
        if position is None:
            tail = mask("\n".join(log.strip().splitlines()[-15:]))
            return None, f"mariadbd --wsrep-recover told no position (exit code {code}). Its last log lines:\n{tail}"
        if not position.known:
            return position, "its data carries no position of a cluster."
        return position, ""

    def _read(self, image: str, timeout: float) -> Datadir:
        if not is_directory(self.datadir):
            binds = [bind_of(self.datadir, DATADIR, read_only=True)]
            return parse_listing(self.engine.run(self._helper, image, ["sh", "-c", READ], binds, timeout)[1])
        files = {}
        for name in ("grastate.dat", "gvwstate.dat"):
            path = os.path.join(self.datadir, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    files[name] = file.read(65536).decode("utf-8", "replace")
        tables = os.path.join(self.datadir, "mysql")
        return Datadir(
            grastate=files.get("grastate.dat"),
            gvwstate=files.get("gvwstate.dat"),
            has_tables=os.path.isdir(tables) and bool(os.listdir(tables)),
            sst_in_progress=os.path.exists(os.path.join(self.datadir, "sst_in_progress")),
        )

    def _allow_bootstrap(self, image: str, timeout: float) -> None:
        """Set safe_to_bootstrap: 1, without which Galera refuses to bootstrap a node that did not leave last."""
        if not is_directory(self.datadir):
            self.engine.run(self._helper, image, ["sh", "-c", WRITE], [bind_of(self.datadir, DATADIR)], timeout)
            return
        path = os.path.join(self.datadir, "grastate.dat")
        if not os.path.isfile(path):
            return
        with open(path, encoding="utf-8") as file:
            before = file.read()
        after = allow_bootstrap(before)
        if after != before:
            _replace(path, after)

    @property
    def _helper(self) -> str:
        return f"{self.name}-position"


FIELDS = (
    "node",
    "state",
    "uuid",
    "seqno",
    "source",
    "safe_to_bootstrap",
    "sst_in_progress",
    "cluster_status",
    "local_state",
    "cluster_size",
    "ready",
    "recv_queue",
    "view",
    "container",
    "bootstrap",
    "version",
    "provider_version",
    "error",
)


def parse_listing(text: str) -> Datadir:
    """Read what the shell of READ told of a volume."""
    files: dict[str, str] = {}
    for line in text.splitlines():
        name, _space, content = line.partition(" ")
        try:
            files[name] = base64.b64decode(content, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise GaleraError(f"The volume could not be read: {line[:200]}") from error
    return Datadir(files.get("grastate.dat"), files.get("gvwstate.dat"), "mysql" in files, "sst_in_progress" in files)


def _parsed(found: Datadir) -> tuple[GraState | None, View | None, list[str]]:
    """The state files, and a sentence for a grastate.dat that cannot be read; a view is only told."""
    grastate, view, problems = None, None, []
    if found.grastate is not None:
        try:
            grastate = parse_grastate(found.grastate)
        except GaleraError as error:
            problems.append(str(error))
    if found.gvwstate is not None:
        try:
            view = parse_gvwstate(found.gvwstate)
        except GaleraError:
            view = None
    return grastate, view, problems


def _position(position: Position, source: str) -> dict[str, Any]:
    return {"uuid": position.uuid, "seqno": position.seqno, "source": source}


def _told(status: NodeStatus) -> dict[str, Any]:
    names = ("cluster_status", "local_state", "cluster_size", "ready", "recv_queue", "version", "provider_version")
    return {**_position(status.position, "live"), **{name: getattr(status, name) for name in names}}


def _replace(path: str, text: str) -> None:
    """Write a file so that it is whole at any moment, with its owner and mode."""
    old = os.stat(path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".grastate.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchown(handle, old.st_uid, old.st_gid)
            os.fchmod(handle, old.st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
