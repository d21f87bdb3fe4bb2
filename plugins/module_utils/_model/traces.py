# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs left on a host: containers, records, data. Pure; galera_traces reads it.

A blank datadir is not yet a new node: any of these traces can say that there was one, on a disk that is not mounted, on
another path, or under another name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.branch import SUFFIX, Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID

LABEL = "dbops.galera"
CLUSTER_LABEL = "dbops.galera.cluster"
# The name of the image, where the container was made of its id because the name meant another one.
IMAGE_LABEL = "dbops.galera.image"
# Where a node's container has its datadir.
DATADIR = "/var/lib/mysql"
# What LABEL says of containers that are not the node itself.
BOOTSTRAP, THROWAWAY = "bootstrap", "throwaway"
# Directories that a file system has of its own.
OF_THE_FILE_SYSTEM = ("lost+found",)
_GROUP = re.compile(r"^[ \t]*(?:loose[-_])?wsrep[-_]cluster[-_]name[ \t]*=[ \t]*['\"]?([^'\"\s#]*)", re.MULTILINE)
_UUID = re.compile(r"^uuid:[ \t]*([0-9a-fA-F-]{36})[ \t]*$", re.MULTILINE)


def cluster_of(settings: str) -> str:
    """The cluster's name in the text of a node's settings, without the generation of a branch; empty without one."""
    groups = _GROUP.findall(settings)
    return SUFFIX.sub("", groups[-1]) if groups else ""


def uuid_of(grastate: str) -> str:
    """The UUID in the text of a grastate.dat, empty where there is none or it is all zeros."""
    found = _UUID.search(grastate)
    return "" if found is None or found[1] == NULL_UUID else found[1].lower()


@dataclass(frozen=True)
class Container:
    """cluster and part are labels, empty where it has none; datadir is what it has at /var/lib/mysql, empty for none.

    resolved and run are paths without links, of the datadir and of /run/mysqld. started is when it was started last,
    None for never, in seconds since the epoch. uuid is that of the grastate.dat in its datadir. recorded is whether it
    has the node's record directory.
    """

    name: str
    cluster: str = ""
    part: str = ""
    running: bool = False
    started: float | None = None
    image: str = ""
    datadir: str = ""
    resolved: str = ""
    uuid: str = ""
    run: str = ""
    recorded: bool = False

    def node_of(self, cluster: str) -> bool:
        """Whether it is, or bootstraps, a node of a cluster."""
        return self.cluster == cluster and bool(self.datadir) and self.part != THROWAWAY


@dataclass(frozen=True)
class Record:
    """The record directory of a node. mounted is whether the recorded mount point is one today.

    had_data is whether the mark is there: the node had data.
    """

    path: str
    node: str
    cluster: str = ""
    datadir: str = ""
    resolved: str = ""
    mountpoint: str = ""
    mounted: bool = True
    had_data: bool = False
    uuid: str = ""
    members: tuple[str, ...] = ()
    branch: Mapping[str, Any] = field(default_factory=dict)
    fenced: str = ""

    def branch_of(self, cluster: str) -> Branch:
        return Branch.read(cluster, self.branch)


@dataclass(frozen=True)
class Datadir:
    """The datadir that the inventory names. known is whether it can be looked into, which a plugin's volume cannot.

    entries are some of its names without those of the file system itself; mountpoint is that of the file system that it
    is on, or would be; target is where a link leads to, empty where it is none.
    """

    given: str
    resolved: str = ""
    target: str = ""
    known: bool = True
    exists: bool = False
    entries: tuple[str, ...] = ()
    own_entries: bool = False
    tables: bool = False
    ibdata1: bool = False
    half: bool = False
    uuid: str = ""
    mountpoint: str = ""

    @property
    def blank(self) -> bool:
        return self.known and not self.entries

    @property
    def immovable(self) -> str:
        """What keeps data from being renamed where they are; empty where nothing does, or there are none."""
        if self.blank:
            return ""
        if not self.given.startswith("/"):
            return "a Docker volume"
        if self.target:
            return "a symbolic link"
        return "a mount point" if self.resolved == self.mountpoint else ""

    @property
    def ibdata_only(self) -> bool:
        """Data whose system tables are gone; an interrupted state transfer looks like that, too, and says so itself."""
        return self.known and self.ibdata1 and not self.tables and not self.half

    def __str__(self) -> str:
        if not self.exists:
            return "is absent"
        return "holds only lost+found" if self.own_entries else "is empty"


@dataclass(frozen=True)
class Mark:
    """A file that a node leaves beside its datadir. changed is in seconds since the epoch."""

    path: str
    changed: float
    cluster: str = ""
    uuid: str = ""


@dataclass(frozen=True)
class Live:
    """A node that is in a Primary Component now: itself and the nodes that it sees, by their UUIDs in the group.

    version and provider are those of its server and Galera provider, as they tell them.
    """

    gcomm_uuid: str
    view_members: tuple[str, ...]
    version: str = ""
    provider: str = ""


@dataclass(frozen=True)
class Traces:
    """All that a host tells. engine is whether Docker Engine answered; without it containers are read from its files.

    run is where the node's socket is to be, without links. marks are files of the node below galera_root: stopped.json,
    in-force.cnf. kept is when a datadir of the node was last moved aside, under a dated name beside it; None for never.
    live is None where no server on the datadir said that it is Primary, which it may be all the same.
    """

    datadir: Datadir
    run: str = ""
    engine: bool = True
    containers: tuple[Container, ...] = ()
    records: tuple[Record, ...] = ()
    marks: tuple[Mark, ...] = ()
    kept: float | None = None
    live: Live | None = None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Traces:
        """From what galera_traces returns."""
        return cls(
            datadir=Datadir(**{**found["datadir"], "entries": tuple(found["datadir"]["entries"])}),
            run=found["run"],
            engine=bool(found["engine"]),
            containers=tuple(Container(**container) for container in found["containers"]),
            records=tuple(Record(**{**record, "members": tuple(record["members"])}) for record in found["records"]),
            marks=tuple(Mark(**mark) for mark in found["marks"]),
            kept=found["kept"],
            live=Live(**{**found["live"], "view_members": tuple(found["live"]["view_members"])})
            if found["live"]
            else None,
        )

    def container(self, name: str) -> Container | None:
        return next((container for container in self.containers if container.name == name), None)

    def record(self, node: str) -> Record | None:
        return next((record for record in self.records if record.node == node), None)

    def here(self, container: Container) -> bool:
        """Whether a container has its data on the wanted datadir."""
        wanted = self.datadir
        return bool(container.datadir) and (
            container.datadir == wanted.given or (bool(container.resolved) and container.resolved == wanted.resolved)
        )

    def on_it(self, record: Record) -> bool:
        """Whether a record is of the wanted datadir."""
        wanted = self.datadir
        return record.datadir == wanted.given or (bool(record.resolved) and record.resolved == wanted.resolved)

    def evidence(self, node: str) -> list[str]:
        """What says that the node had data, the surest first.

        A datadir that was moved aside on purpose explains all that is older; the mark had-data is removed then.
        """
        found = []
        record = self.record(node)
        if record and record.had_data and self.on_it(record):
            found.append(f"the mark {record.path}/had-data")
        container = self.container(node)
        if (
            container
            and not container.recorded
            and container.started is not None
            and self.here(container)
            and not self._explained(container.started)
        ):
            found.append(f"container {node}, which was started before")
        found += [f"the file {mark.path}" for mark in self.marks if not self._explained(mark.changed)]
        return found

    def virgin(self, node: str) -> bool:
        """Whether nothing at all tells of an earlier node."""
        return (
            self.datadir.blank
            and not self.marks
            and self.container(node) is None
            and not any(record.node == node or self.on_it(record) for record in self.records)
        )

    def uuids(self, cluster: str, node: str) -> list[str]:
        """UUIDs that tell which history of a cluster is on this host, the surest source of each trace."""
        record = self.record(node)
        told = [self.datadir.uuid or (record.uuid if record and record.cluster == cluster else "")]
        told += [container.uuid for container in self.containers if container.node_of(cluster)]
        told += [other.uuid for other in self.records if other.cluster == cluster and other.node != node]
        if not any(told):
            told = [mark.uuid for mark in self.marks]
        return sorted({uuid for uuid in told if uuid not in ("", NULL_UUID)})

    def _explained(self, when: float) -> bool:
        return self.kept is not None and when < self.kept
