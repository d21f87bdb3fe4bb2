# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what earlier runs left of a node is moved aside, so that the host is like a new one. No data are removed.

What tells which history was here goes last: a run that is killed on the way is resumed by the same words.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container, Record, Traces

# Below the node's directory: what its scripts and the verbs left there of the old data.
LEFT = (
    "run/joining",
    "run/non-primary",
    "run/gvwstate.dat",
    "moved-ahead",
    "upgrade.json",
    "restored",
    "run/in-force.cnf",
    "stopped.json",
)


class Leavings:
    """What is left of a node on this host. params are those of galera_forget; engine is None without Docker Engine."""

    def __init__(self, engine: Engine | None, params: Mapping[str, Any], traces: Traces) -> None:
        self._engine = engine
        self._node: str = params["node"]
        self._cluster: str = params["cluster"]
        self._uuids: list[str] = params["uuids"]
        self._directory = os.path.join(params["root"], self._node)
        self._datadir = traces.datadir
        self._told = traces.uuids(self._cluster, self._node)
        names = (self._node, params["bootstrap_container"])
        self._containers = [each for each in traces.containers if self._ours(each, names)]
        self._elsewhere = {each.name for each in self._containers if not traces.here(each)}
        self._records = [each for each in traces.records if self._of_this(each)]

    def check(self) -> None:
        """Raise GaleraError where something speaks against giving it up."""
        if unnamed := [uuid for uuid in self._told if uuid not in self._uuids]:
            raise GaleraError(
                f"{self._node}: there are traces of {' and '.join(unnamed)}, which was not named to be given up."
            )
        users = {each.name for each in self._containers if each.running}
        if self._engine and not self._datadir.blank:
            users.update(self._engine.users_of(self._datadir.given))
        if users:
            raise GaleraError(
                f"{self._node}: {' and '.join(sorted(users))} runs: stop it before its data are given up."
            )
        if self._containers and self._engine is None:
            raise GaleraError(
                f"{self._node}: container {self._containers[0].name} is to be removed, and Docker Engine does not "
                "answer. Start it, and run again."
            )
        if self._datadir.immovable:
            raise GaleraError(
                f"{self._node}: the datadir {self._datadir.given} is {self._datadir.immovable} and not empty, so it "
                "cannot be kept under a dated name. Copy what it holds elsewhere, empty it, and run again."
            )

    def give_up(self, now: float, predict: bool) -> list[str]:
        """Move it aside, or only tell what would be done; now is in seconds since the epoch."""
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
        done = [self._keep(what, path, stamp, predict) for what, path in self._before()]
        for container in self._containers:
            if self._engine and not predict:
                self._engine.remove_stopped(container.name)
            stay = f"; its data stay at {container.datadir}" if container.name in self._elsewhere else ""
            done.append(f"The container {container.name} {_was(predict)} removed{stay}.")
        return done + [self._keep(what, path, stamp, predict) for what, path in self._after()]

    def _before(self) -> Iterator[tuple[str, str]]:
        # A blank datadir serves the new cluster.
        if not self._datadir.blank:
            yield "The datadir", self._datadir.given

    def _after(self) -> Iterator[tuple[str, str]]:
        for name in LEFT:
            path = os.path.join(self._directory, name)
            if os.path.exists(path):
                yield "The file", path
        for record in self._records:
            yield "The record", record.path

    @staticmethod
    def _keep(what: str, path: str, stamp: str, predict: bool) -> str:
        kept = f"{path}.kept-{stamp}"
        if not predict:
            os.rename(path, kept)
        return f"{what} {path} {_was(predict)} renamed to {kept}."

    def _ours(self, container: Container, names: tuple[str, ...]) -> bool:
        return container.node_of(self._cluster) or (container.name in names and container.cluster == "")

    def _of_this(self, record: Record) -> bool:
        return record.cluster == self._cluster or (record.node == self._node and record.cluster == "")


def _was(predict: bool) -> str:
    return "would be" if predict else "was"
