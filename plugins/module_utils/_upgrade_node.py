# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what one node runs and is written to, and what a new image would run with its settings. Changes nothing."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import bind_of, is_directory, mask
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from ansible_collections.dbops.galera.plugins.module_utils._node import CONFIG, Node
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import (
    parse_provider_options,
    parse_size,
    parse_told,
)
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import AccessRefused, NotAnswering, connect

FILE = "galera.cnf"
STATUS = ("wsrep_replicated_bytes", "wsrep_received_bytes", "wsrep_local_recv_queue")
SETTINGS = ("wsrep_provider_options", "innodb_fast_shutdown")
# Seconds between two looks at a server: a queue that keeps up with heavy writing is empty for moments only.
OFTEN = 0.1
# The provider is a library that has its version in it as text, such as 26.4.23(r1234).
ASK = r"""mariadbd --no-defaults --version || exit 127
if [ -e "$1" ]; then
  echo provider $(grep -a -o -E '([0-9]+\.)+[0-9]+\(r[0-9A-Za-z]+\)' "$1" | head -n 1)
fi
exec mariadbd --user=root --verbose --help 2>&1 >/dev/null"""


@dataclass(frozen=True)
class Traffic:
    """What was seen of a running server for some seconds. write_rate is bytes of write sets a second, of the whole
    cluster; recv_queue is the shortest that was seen."""

    write_rate: float
    recv_queue: int
    gcache_size: int
    fast_shutdown: int


@dataclass
class Upgrade:
    """One node's side of an upgrade. conf_d is the directory of its settings; record the path of the file that says
    that it is in its turn; provider the path of the provider in the image."""

    node: Node
    image: str
    provider: str
    settings: str
    conf_d: str
    record: str

    def read(self, seconds: float, timeout: float, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
        """The report of galera_seqno and what an upgrade has to know beyond it.

        seconds is how long to look at the traffic, timeout the limit of a throw-away container.
        """
        reading = self.node.report(self.image, None, timeout, recover=False)
        container = self.node.engine.inspect(self.node.name) or self.node.engine.inspect(self.node.bootstrap_container)
        target = self.node.engine.image_id(self.image)
        turn = self._turn()
        reading.update(
            turn=turn,
            current=container is not None and target is not None and container["Image"] == target,
            target=self._target(target is not None, timeout),
            tables=self._tables(),
            **dict.fromkeys(Traffic.__dataclass_fields__),
        )
        if reading["state"] == "running":
            traffic = self._traffic(seconds, sleep)
            reading.update(asdict(traffic) if traffic else {})
        elif container:
            reading["version"] = self._version_of(container["Image"], timeout)
        elif turn:
            reading["version"] = turn["before"]
        return reading

    def _turn(self) -> dict[str, Any] | None:
        try:
            with open(self.record, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise GaleraError(f"{self.node.name}: {self.record} is no record of an upgrade ({error}).") from error
        return found

    def _tables(self) -> str | None:
        """The version that the system tables were last upgraded to; None where the datadir does not tell."""
        for name in ("mariadb_upgrade_info", "mysql_upgrade_info"):
            path = os.path.join(self.node.datadir, name)
            if is_directory(self.node.datadir) and os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    return file.read(100).strip("\0\n ") or None
        return None

    def _traffic(self, seconds: float, sleep: Callable[[float], None]) -> Traffic | None:
        try:
            with connect(self.node.socket, self.node.defaults_file) as connection, connection.cursor() as cursor:
                cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", (SETTINGS,))
                settings = dict(cursor.fetchall())
                looks = [_look(cursor)]
                for _count in range(max(1, round(seconds / OFTEN))):
                    sleep(OFTEN)
                    looks.append(_look(cursor))
        except (NotAnswering, AccessRefused):
            return None  # the report says so already
        (began, first), (ended, last) = looks[0], looks[-1]
        written = sum(last[name] - first[name] for name in STATUS[:2])
        options = parse_provider_options(settings.get("wsrep_provider_options", ""))
        return Traffic(
            write_rate=max(0.0, written / (ended - began)) if ended > began else 0.0,
            recv_queue=min(look["wsrep_local_recv_queue"] for _when, look in looks),
            gcache_size=parse_size(options.get("gcache.size", "0")),
            fast_shutdown=int(settings.get("innodb_fast_shutdown", 1)),
        )

    def _target(self, present: bool, timeout: float) -> dict[str, Any]:
        target: dict[str, Any] = {
            "image": self.image,
            "present": present,
            "version": None,
            "provider": False,
            "provider_path": self.provider,
            "provider_version": None,
            "unknown": [],
            "errors": [],
            "warnings": [],
        }
        if not present:
            return target
        with tempfile.TemporaryDirectory(prefix="galera-upgrade-") as directory:
            path = os.path.join(directory, FILE)
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.settings)
            binds = [bind_of(path, f"{CONFIG}/{FILE}", read_only=True)]
            if os.path.isfile(os.path.join(self.conf_d, FILE)):
                binds.insert(0, bind_of(self.conf_d, CONFIG, read_only=True))
            code, log = self._run(self.image, ["sh", "-c", ASK, "sh", self.provider], binds, timeout)
        if code == 127:
            return target
        lines = log.splitlines()
        provider = next((line for line in lines if line.startswith("provider")), None)
        told = parse_told(mask(log))
        target.update(
            version=_version(log),
            provider=provider is not None,
            provider_version=(provider or "").partition(" ")[2].strip() or None,
            unknown=told.unknown,
            errors=told.errors,
            warnings=told.warnings,
        )
        if code != 0 and not told.unknown and not told.errors:
            target["errors"] = [mask(" ".join(lines[-3:]))]
        return target

    def _version_of(self, image: str, timeout: float) -> str | None:
        code, log = self._run(image, ["sh", "-c", "mariadbd --no-defaults --version"], [], timeout)
        return _version(log) if code == 0 else None

    def _run(self, image: str, command: Sequence[str], binds: Sequence[str], timeout: float) -> tuple[int, str]:
        return self.node.engine.run(f"{self.node.name}-upgrade", image, command, binds, timeout)


def _look(cursor: Any) -> tuple[float, dict[str, int]]:
    cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN %s", (STATUS,))
    found = dict(cursor.fetchall())
    return time.monotonic(), {name: int(found.get(name) or 0) for name in STATUS}


def _version(log: str) -> str | None:
    """Of `mariadbd --version`, among other lines; warnings before it begin with a date."""
    line = next((line for line in log.splitlines() if " Ver " in line), "")
    return str(Version.parse(line)) if line else None
