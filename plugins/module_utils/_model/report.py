# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One member's report, and what it says about that member: each word is defined once, here. Pure.

The dictionary comes from galera_seqno, on the member's host. What it leaves out is unknown, and unknown is not no: a
server that does not answer is neither Primary nor non-Primary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    UNKNOWN_SEQNO,
    Position,
)

# elsewhere: the node's container has its data on another path than the inventory says.
STATES = ("running", "stopped", "crashed", "empty", "missing", "elsewhere")
_SOURCES = {"grastate": "read from grastate.dat", "recovered": "recovered from InnoDB", "live": "live"}
_WITH_DATA = ("Synced", "Donor/Desynced")


@dataclass(frozen=True)
class Report:
    """name is the member's name in the inventory, node the name of its container and of its node in the group.

    members are the nodes and arbitrators of its last Primary Components, by the record on its host; empty where there
    is none. generation counts the branches of the cluster, 1 for the first; decision is the override that began the
    branch, begun the time, parent the UUID of the history that it came from. recorded_uuid is that of the node's last
    Primary Component. marks are those that the start script leaves for a server that is in no Primary Component.
    view_members and gcomm_uuid are UUIDs in the group, of a live node. views are the Primary Components that the node
    was in, the newest last.
    """

    name: str
    node: str
    state: str
    position: Position = field(default_factory=Position)
    source: str = "none"
    safe_to_bootstrap: bool = False
    cluster_status: str | None = None
    local_state: str | None = None
    cluster_size: int = 0
    bootstrap: bool = False
    sst_in_progress: bool = False
    disowned: bool = False
    emptied: bool = False
    members: tuple[str, ...] = ()
    generation: int = 1
    begun: str = ""
    ended: bool = False
    decision: str = ""
    branch_uuid: str = NULL_UUID
    parent: str = NULL_UUID
    recorded_uuid: str = ""
    had_data: bool = False
    marks: tuple[str, ...] = ()
    gcomm_uuid: str = ""
    view_members: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    error: str | None = None

    @classmethod
    def of(cls, name: str, report: Mapping[str, Any]) -> Report:
        """Read a report of galera_seqno."""
        seqno = report.get("seqno")
        return cls(
            name=name,
            node=str(report.get("node") or name),
            state=str(report.get("state")),
            position=Position(
                str(report.get("uuid") or NULL_UUID).lower(), UNKNOWN_SEQNO if seqno is None else int(seqno)
            ),
            source=str(report.get("source") or "none"),
            safe_to_bootstrap=bool(report.get("safe_to_bootstrap")),
            cluster_status=report.get("cluster_status"),
            local_state=report.get("local_state"),
            cluster_size=int(report.get("cluster_size") or 0),
            bootstrap=bool(report.get("bootstrap")),
            sst_in_progress=bool(report.get("sst_in_progress")),
            disowned=bool(report.get("disowned")),
            emptied=bool(report.get("emptied")),
            members=tuple(report.get("members") or ()),
            generation=int(report.get("generation") or 1),
            begun=str(report.get("begun") or ""),
            ended=bool(report.get("ended")),
            decision=str(report.get("decision") or ""),
            branch_uuid=str(report.get("branch_uuid") or NULL_UUID).lower(),
            parent=str(report.get("parent") or NULL_UUID).lower(),
            recorded_uuid=str(report.get("recorded_uuid") or "").lower(),
            had_data=bool(report.get("had_data")),
            marks=tuple(report.get("marks") or ()),
            gcomm_uuid=str(report.get("gcomm_uuid") or ""),
            view_members=tuple(report.get("view_members") or ()),
            views=tuple(report.get("views") or ()),
            error=report.get("error"),
        )

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def primary(self) -> bool:
        return self.running and self.cluster_status == "Primary"

    @property
    def synced(self) -> bool:
        return self.primary and self.local_state == "Synced"

    @property
    def serves(self) -> bool:
        """Whether it answers clients with all of the cluster's data."""
        return self.primary and self.local_state in _WITH_DATA

    @property
    def not_primary(self) -> bool:
        """Whether it says itself that it is in no Primary Component: by SQL, or by a mark while it does not answer."""
        if not self.running or self.primary:
            return False
        return bool(self.cluster_status or self.marks)

    @property
    def unknown(self) -> bool:
        """A server that runs, does not answer, and left no mark: it may be Primary, and take writes."""
        return self.running and not (self.primary or self.not_primary)

    @property
    def starting(self) -> bool:
        """Whether its bootstrap container is on its way to Primary; one that lost its peers is non-Primary instead."""
        return self.bootstrap and self.running and self.cluster_status != "non-Primary"

    @property
    def blank(self) -> bool:
        """No data, and no trace of any: it can only join."""
        return self.state in ("empty", "missing") and not self.emptied

    @property
    def holds_data(self) -> bool:
        """Data that a state transfer would overwrite; an interrupted one has done so already."""
        return not (self.state in ("empty", "missing") or self.emptied or self.sst_in_progress)

    @property
    def candidate(self) -> bool:
        """Whether its position can be compared with the others'."""
        return self.holds_data and self.position.known and not self.disowned

    @property
    def unreadable(self) -> bool:
        """Data at a position that was looked for and not found."""
        return self.holds_data and not (self.running or self.position.known) and bool(self.error or self.disowned)

    @property
    def served(self) -> bool:
        """Whether it was in a Primary Component of the branch that its host recorded."""
        return self.generation > 1 and self.recorded_uuid == self.branch_uuid

    @property
    def half_begun(self) -> bool:
        """Whether its host recorded a new branch, and its data still have the UUID of the history before it."""
        return self.generation > 1 and self.holds_data and self.position.uuid == self.parent != NULL_UUID

    @property
    def never_filled(self) -> bool:
        """Whether its record, which lies on another disk, knows of no data: it is new, or they were moved aside."""
        return self.state == "empty" and bool(self.members) and not self.had_data and not self.emptied

    def foreign(self, uuid: str) -> bool:
        """Whether it holds data of another history than the one of this UUID."""
        return self.holds_data and self.position.uuid not in (uuid, NULL_UUID)

    def ahead(self, of: Position) -> int:
        """How many write sets it holds that a node at that position does not, 0 where that cannot be compared."""
        if not (self.holds_data and self.position.known and self.position.uuid == of.uuid):
            return 0
        return max(0, self.position.seqno - of.seqno)

    def apart(self, other: Report) -> bool:
        """Whether two Primary nodes are not among each other's members: the cluster is split."""
        if not (self.primary and other.primary and self.view_members and other.view_members):
            return False
        # Of a node that joins while the two are read, only one lacks the other.
        return self.gcomm_uuid not in other.view_members and other.gcomm_uuid not in self.view_members

    def __str__(self) -> str:
        if self.running:
            told = f"runs, {self.cluster_status or 'cluster status unknown'}, {self.local_state or 'state unknown'}"
        elif self.emptied:
            told = "has an empty datadir, and had data before"
        else:
            told = {"missing": "has no datadir", "empty": "has an empty datadir"}.get(self.state, f"is {self.state}")
        if self.position.known:
            told += f", at {self.position} ({_SOURCES.get(self.source, self.source)})"
        elif self.state not in ("empty", "missing"):
            told += ", position unknown"
        if self.safe_to_bootstrap:
            told += ", safe to bootstrap"
        if self.error:
            told += f"; {self.error.rstrip('.')}"
        return f"{self.name} {told}."


def strays(leading: Iterable[Report], members: Iterable[Report]) -> list[Report]:
    """Members that went on apart: nobody of the history of the leading ones was in their last Primary Component.

    Then their data may differ at the same sequence numbers. Who was in the last one of a member that belongs to that
    history belongs to it too. A record that began after the other's last entry says nothing: those of a split have
    what was before it in common. Where nothing is recorded, nobody knows, and nobody is one.
    """
    seen = {view for member in leading for view in member.views}
    left = [member for member in members if member.views and member.holds_data]
    if not seen:
        return []
    while found := [member for member in left if member.views[-1] in seen]:
        seen.update(view for member in found for view in member.views)
        left = [member for member in left if member not in found]
    return [member for member in left if seen.intersection(member.views)]
