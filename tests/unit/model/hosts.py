# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is on a host of the simulated world: datadirs, records, containers, servers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model import start
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import SUFFIX
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID, UNKNOWN_SEQNO, Position

EMPTIED, BLANK, DATA, HALF, IBDATA_ONLY = start.DATADIRS
# What a container is: the node's own, the bootstrap container, one that a person made, the arbitrator's.
NODE, MARIADB0, BY_HAND, GARBD = "node", "mariadb0", "by hand", "garbd"


class Broken(AssertionError):
    """Something happened that never may."""


@dataclass(frozen=True)
class View:
    """gvwstate.dat: a Primary Component by its number, and the identities of its members in the group."""

    number: int
    members: frozenset[int]
    own: int

    @property
    def id(self) -> tuple[int, int]:
        """Views are ordered by number, and those of one number by who brought them up."""
        return self.number, self.origin

    @property
    def origin(self) -> int:
        return min(self.members)


@dataclass(frozen=True)
class Grastate:
    """grastate.dat. Galera writes seqno -1 while a server runs, and zeros where it disowns the data."""

    uuid: str = NULL_UUID
    seqno: int = UNKNOWN_SEQNO
    safe: bool = False


@dataclass
class Data:
    """A datadir. content is what a client would find in it: the numbers of all writes.

    uuid and seqno are InnoDB's position. log is the write-set cache: by seqno, the write (None for a view) and the host
    that had it first. durable is the last seqno that a crash cannot take away. by_hand: it went through a component
    that a person bootstrapped past all guards, so that nothing is promised about it.
    """

    kind: str = EMPTIED
    content: frozenset[int] = frozenset()
    uuid: str = NULL_UUID
    seqno: int = UNKNOWN_SEQNO
    log: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    durable: int = UNKNOWN_SEQNO
    grastate: Grastate | None = None
    view: View | None = None
    by_hand: bool = False

    @property
    def zeros(self) -> bool:
        return self.kind == DATA and self.grastate is not None and self.grastate.uuid == NULL_UUID


@dataclass
class Record:
    """The record directory of a node, which is never on a disk that can be missing."""

    made: bool = False
    had_data: bool = False
    members: tuple[str, ...] = ()
    uuid: str = ""
    branch: dict[str, Any] = field(default_factory=dict)
    fenced: bool = False
    held: View | None = None
    views: list[str] = field(default_factory=list)
    mountpoint: str = ""

    @property
    def generation(self) -> int:
        return int(self.branch.get("generation") or 1)

    def clear(self, had_data: bool = True) -> None:
        """Remove the marks of a branch that was given up; had_data too where its data were."""
        self.fenced, self.held = False, None
        if had_data:
            self.had_data, self.views = False, []


@dataclass(eq=False)
class Component:
    """A component of a group; a Primary Component has a position.

    number is that of the last view. primary is what the members agree on among themselves (gcomm). Without a member
    that has all data the component is not usable (gcs: "No node with complete state"), and says non-Primary.
    """

    group: str
    members: frozenset[int]
    number: int
    primary: bool = False
    uuid: str = NULL_UUID
    seqno: int = UNKNOWN_SEQNO
    by_hand: bool = False
    usable: bool = True


@dataclass(eq=False)
class Process:
    """What runs in a container: the start script, which may have refused, or the server.

    phase is script, refused, started, connected or ended. ident is the server's identity in the group. restored is the
    last view from disk, last the one that it was in while it ran. at is the position from which it joins.
    complete: it had all data of the component that it was in last.
    """

    part: str
    bootstrap: bool = False
    phase: str = "script"
    state: str = "Initialized"
    group: str = ""
    ident: int = 0
    restored: View | None = None
    last: View | None = None
    at: Position = field(default_factory=Position)
    sst: bool = False
    complete: bool = False
    component: Component | None = None
    waited: int = 0

    @property
    def connected(self) -> bool:
        return self.phase == "connected" and self.state != "Inconsistent"

    @property
    def primary(self) -> bool:
        return self.connected and self.component is not None and self.component.primary and self.component.usable

    @property
    def synced(self) -> bool:
        return self.primary and self.state == "Synced"


@dataclass(eq=False)
class Host:
    """network: hosts of the same number reach each other. control: whether the controller reaches it.

    wanted: Docker starts the node's container by itself (it ran, and nobody stopped it). group and peers are those in
    the node's settings. transfer: the start script keeps a copy of the view of a joiner, which has not got its state.
    damaged: InnoDB does not tell its position. deaf: its server takes part, and tells nobody how it is. heard: the
    youngest generation that its start script could hear of.
    """

    name: str
    node: str
    arbitrator: bool = False
    power: bool = True
    network: int = 0
    control: bool = True
    mounted: bool = True
    disk: Data = field(default_factory=Data)
    under: Data = field(default_factory=Data)
    kept: list[Data] = field(default_factory=list)
    kept_at: float | None = None
    record: Record = field(default_factory=Record)
    group: str = ""
    peers: tuple[str, ...] = ()
    container: bool = False
    started: float | None = None
    wanted: bool = False
    process: Process | None = None
    marks: set[str] = field(default_factory=set)
    stopped: str | None = None
    stopped_at: float = 0
    transfer: bool = False
    damaged: bool = False
    deaf: bool = False
    heard: int = 0
    attempts: int = 0

    @property
    def data(self) -> Data:
        """The datadir as the host sees it."""
        return self.disk if self.mounted else self.under

    @data.setter
    def data(self, value: Data) -> None:
        if self.mounted:
            self.disk = value
        else:
            self.under = value

    @property
    def reachable(self) -> bool:
        return self.power and self.control

    @property
    def generation(self) -> int:
        """That of the group in its settings."""
        return generation_of(self.group)


def generation_of(group: str) -> int:
    named = SUFFIX.search(group)
    return int(named[1]) if named else 1
