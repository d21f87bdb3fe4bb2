# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as the inventory has it, with what its hosts tell, and the run that is about to change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import Asked
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import BOOTSTRAP, Record, Traces

MEMBER, LEAVING = "galera", "leaving"
# What galera_forget_cluster names where no host tells a UUID.
UNKNOWN = "unknown"
NOTHING_ASKED = Asked({}, {})


@dataclass(frozen=True)
class Run:
    """How ansible-playbook was called. hosts are those that --limit leaves; forced and repaired are variables of verbs.

    forget are the UUIDs of galera_forget_cluster, or the word unknown.
    """

    verb: str = "playbook"
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("all",)
    skip_tags: tuple[str, ...] = ()
    strategy: str = "linear"
    forced: str = ""
    repaired: str = ""
    forget: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """A host of a cluster. told is what galera_traces read there, None where the host was not reached.

    root and datadir are galera_root and mariadb_datadir, without slashes too many. parts are the variables that name
    this host's other containers, with the names. settings are what an operator wrote for the node's server. given are
    the variables that names.py judges, as the inventory has them. Passwords are among them, so they are in no
    representation.
    """

    name: str
    groups: frozenset[str] = frozenset({MEMBER})
    node: str = ""
    bootstrap_container: str = ""
    root: str = ""
    datadir: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    settings: Asked = NOTHING_ASKED
    told: Traces | None = None
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def member(self) -> bool:
        return bool(self.node) and MEMBER in self.groups

    @property
    def has_node(self) -> bool:
        return bool(self.node) and not self.groups.isdisjoint((MEMBER, LEAVING))


@dataclass(frozen=True)
class Place:
    """A host that was reached, in its cluster."""

    cluster: Cluster
    host: Host
    traces: Traces

    @property
    def run(self) -> Run:
        return self.cluster.run

    @property
    def record(self) -> Record | None:
        """The record of this node, unless it is of another cluster."""
        record = self.traces.record(self.host.node)
        return record if record and record.cluster in ("", self.cluster.name) else None

    @property
    def branch(self) -> Branch:
        """The branch that the host's record tells; without a record the first."""
        return self.record.branch_of(self.cluster.name) if self.record else Branch(self.cluster.name)

    @property
    def uuids(self) -> list[str]:
        return self.traces.uuids(self.cluster.name, self.host.node)

    @property
    def evidence(self) -> list[str]:
        """What says that a blank datadir had data."""
        return self.traces.evidence(self.host.node) if self.traces.datadir.blank else []

    @property
    def abandoned(self) -> bool:
        """Whether it has data of a branch that is older than another host's."""
        return self.branch.generation < self.cluster.branch.generation and not self.traces.datadir.blank

    @property
    def remounted(self) -> tuple[str, str] | None:
        """Where the file system of the datadir was mounted by the record, and where today's is, if that differs."""
        record, today = self.record, self.traces.datadir.mountpoint
        if record is None or not (record.mountpoint and today) or not self.traces.on_it(record):
            return None
        return None if record.mountpoint == today else (record.mountpoint, today)

    @property
    def begins(self) -> bool:
        """Whether a bootstrap container runs on the datadir, which may be making its system tables."""
        return any(
            container.running and container.part == BOOTSTRAP and self.traces.here(container)
            for container in self.traces.containers
        )

    def carries(self, node: str) -> bool:
        """Whether a container of this name would be this host's node."""
        return node in (self.host.node, self.host.bootstrap_container)


@dataclass(frozen=True)
class Cluster:
    """One cluster of the inventory, its members first and in their order, and the run that is about to change it."""

    name: str
    hosts: tuple[Host, ...] = ()
    run: Run = Run()
    floors: Floors = field(default_factory=Floors)

    @property
    def reached(self) -> list[Place]:
        return [Place(self, host, host.told) for host in self.hosts if host.told]

    @property
    def nodes(self) -> list[Place]:
        """Hosts with a node, members or leaving, that were reached."""
        return [place for place in self.reached if place.host.has_node]

    @property
    def members(self) -> list[Place]:
        return [place for place in self.reached if place.host.member]

    @property
    def abandoned(self) -> list[str]:
        """Members in reach whose data are of an older branch, while those are not given up."""
        return [] if self.forgetting else [place.host.name for place in self.members if place.abandoned]

    @property
    def known(self) -> bool:
        """Whether a host has a trace of a cluster of this name."""
        return any(
            any(container.node_of(self.name) for container in place.traces.containers)
            or any(record.cluster == self.name for record in place.traces.records)
            or any(mark.cluster == self.name for mark in place.traces.marks)
            for place in self.reached
        )

    @property
    def branch(self) -> Branch:
        """The youngest branch that any host holds, with all members that the records of its hosts name."""
        branches = [place.branch for place in self.nodes] or [Branch(self.name)]
        youngest = max(branches, key=lambda branch: branch.generation)
        names = list(youngest.members)
        for place in self.nodes:
            if place.record and place.branch.generation == youngest.generation:
                names += [name for name in place.record.members if name not in names]
        return replace(youngest, members=tuple(names))

    @property
    def uuids(self) -> list[str]:
        """UUIDs of the histories that the hosts tell of."""
        return sorted({uuid for place in self.nodes for uuid in place.uuids})

    @property
    def name_of_all(self) -> str:
        """What galera_forget_cluster has to be to give all of them up."""
        return ",".join(self.uuids) or UNKNOWN

    @property
    def forgetting(self) -> bool:
        """Whether this run gives the cluster's traces up, as a person named them."""
        if self.run.verb != "site" or not self.run.forget:
            return False
        if self.uuids:
            return bool(set(self.run.forget) & set(self.uuids))
        return UNKNOWN in self.run.forget and not all(place.traces.virgin(place.host.node) for place in self.nodes)
