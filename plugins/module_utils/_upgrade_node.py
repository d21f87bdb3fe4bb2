# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what one node runs and is written to, and what a new image would run with its settings. Changes nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import is_directory
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._trial import Place, Trial, version_in
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import parse_provider_options, parse_size
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import AccessRefused, NotAnswering, connect

# What a trial tells of the new image.
TRIED = ("version", "provider", "provider_version", "unknown", "errors", "warnings")
STATUS = ("wsrep_replicated_bytes", "wsrep_received_bytes", "wsrep_local_recv_queue")
SETTINGS = ("wsrep_provider_options", "innodb_fast_shutdown")
# Seconds between two looks at a server: a queue that keeps up with heavy writing is empty for moments only.
OFTEN = 0.1


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
    """One node's side of an upgrade. config_dir is the directory of its settings; record the path of the file that says
    that it is in its turn; provider the path of the provider in the image; volumes are further ones of the node's."""

    node: Node
    image: str
    provider: str
    settings: str
    config_dir: str
    record: str
    in_force: str = ""
    volumes: Sequence[str] = ()
    uid: int = 999

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
            "against": [],
        }
        if not present:
            return target
        trial = Trial(
            engine=self.node.engine,
            name=f"{self.node.name}-upgrade",
            image=self.image,
            provider=self.provider,
            settings=self.settings,
            config_dir=self.config_dir,
            volumes=self.volumes,
        )
        tried = trial.run(timeout)
        if tried.version is not None:
            target.update({name: getattr(tried, name) for name in TRIED})
            if not (tried.unknown or tried.errors) and tried.provider:
                place = self.place
                target["against"] = [*place.volume_problems(), *place.problems(tried, self.node.engine)]
        return target

    @property
    def place(self) -> Place:
        return Place(
            node=self.node.name,
            socket=self.node.socket,
            defaults_file=self.node.defaults_file,
            image=self.image,
            provider=self.provider,
            settings=self.settings,
            config_dir=self.config_dir,
            record=self.in_force,
            datadir=self.node.datadir,
            volumes=self.volumes,
            uid=self.uid,
        )

    def _version_of(self, image: str, timeout: float) -> str | None:
        command = ["sh", "-c", "mariadbd --no-defaults --version"]
        code, log = self.node.engine.run(f"{self.node.name}-upgrade", image, command, [], timeout)
        return version_in(log) if code == 0 else None


def _look(cursor: Any) -> tuple[float, dict[str, int]]:
    cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN %s", (STATUS,))
    found = dict(cursor.fetchall())
    return time.monotonic(), {name: int(found.get(name) or 0) for name in STATUS}
