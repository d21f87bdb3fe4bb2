# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated world: hosts with power, disks and networks, Docker on them, Galera's membership, and clients. Pure.

It knows what is true (which writes were acknowledged, which datadir holds what); the judgement under test, _model, only
gets what a host could tell. Time is a row of small events: a start script decides, a server connects, a state transfer
begins, ends. settle() lets them happen; a fault may fall between any two.

Left out: donors that end during a transfer, disks that are full, answers that are slow, and all that is not the nodes
(proxies, the VIP, backups).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model import start
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID, UNKNOWN_SEQNO, Position
from ansible_collections.dbops.galera.plugins.module_utils._model.start import Facts, Start
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container, Datadir, Live, Mark, Traces
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Record as TracedRecord

from tests.unit.model.galera import Group
from tests.unit.model.hosts import (
    BLANK,
    BY_HAND,
    DATA,
    EMPTIED,
    GARBD,
    HALF,
    IBDATA_ONLY,
    MARIADB0,
    NODE,
    Broken,
    Component,
    Data,
    Grastate,
    Host,
    Process,
    generation_of,
)

CLUSTER = "galera"
MOUNT, ROOT_DISK = "/data", "/"
# How often a start script that waits for the others looks again, before it goes on without them.
PATIENCE = 2
# How often Docker starts again, within one settle(), what ended or refused by itself.
ATTEMPTS = 2


class World(Group):
    """The hosts, what is true of them, and what happens by itself."""

    def __init__(self, members: int = 3, arbitrators: int = 0, spare: int = 0) -> None:
        names = [f"host{number}" for number in range(1, members + spare + 1)]
        super().__init__({name: Host(name, f"mariadb{name[4:]}") for name in names})
        self.hosts |= {f"vote{number}": Host(f"vote{number}", "garbd", True) for number in range(1, arbitrators + 1)}
        # The inventory's groups galera, leaving and arbitrator.
        self.inventory = names[:members]
        self.leaving: list[str] = []
        self.arbitrators = [name for name, host in self.hosts.items() if host.arbitrator]
        self.clock = 0.0
        self._writes = 0
        # By write: where it was acknowledged. owed are those of the branch that serves that nobody gave up.
        self.acknowledged: dict[int, tuple[str, int, int]] = {}
        self.owed: frozenset[int] = frozenset()
        # The branch that clients are sent to.
        self.group, self.uuid = CLUSTER, NULL_UUID
        # Whether a person began two branches, of which one did not know of the other.
        self.twins = False
        # What the start script decides by; tests take its rows out.
        self.decide: Callable[[Facts], Start] = start.decide

    # What is where.

    def now(self) -> float:
        self.clock += 1
        return self.clock

    @property
    def nodes(self) -> list[Host]:
        return [host for host in self.hosts.values() if not host.arbitrator]

    def serving(self) -> Component | None:
        """The component that the front door leads to: that of the branch which lives."""
        for component in self.primaries():
            ours = component.group == self.group and component.uuid == self.uuid and not component.by_hand
            if ours and any(not host.arbitrator for host in self.synced_of(component)):
                return component
        return None

    def copies(self, but: Data | None = None) -> list[Data]:
        """All datadirs that there are, in use, kept, or on a disk that is not mounted."""
        return [
            data
            for host in self.nodes
            for data in (host.disk, host.under, *host.kept)
            if data is not but and data.content
        ]

    def holders(self, write: int) -> list[Host]:
        """Hosts with a datadir, kept ones left out, that has a write."""
        return [host for host in self.nodes if write in host.disk.content | host.under.content]

    # Clients.

    def write(self, count: int = 1, component: Component | None = None) -> None:
        """Writes that are acknowledged, through the front door or, past it, in a component."""
        component = component or self.serving()
        synced = [host for host in self.synced_of(component) if not host.arbitrator] if component else []
        if component is None or not synced:
            return
        for _number in range(count):
            self._writes += 1
            component.seqno += 1
            for host in synced:
                data = host.data
                data.content |= {self._writes}
                data.seqno = component.seqno
                data.log[component.seqno] = (self._writes, synced[0].name)
            generation = generation_of(component.group)
            self.acknowledged[self._writes] = (component.uuid, component.seqno, generation)
            if component is self.serving():
                self.owed |= {self._writes}

    # The start script and the server's life.

    def answers(self, host: Host) -> tuple[str, ...]:
        """What the other configured addresses answer to a node's start script."""
        return tuple(self.answer(host, peer, host.group) for peer in host.peers if peer != host.name)

    def answer(self, host: Host, address: str, group: str) -> str:
        peer = self.hosts[address]
        up = peer.power and peer.process is not None and peer.process.connected
        if not (up and host.power and peer.network == host.network and peer.process):
            return "silent"
        if peer.process.group == group:
            return "same"
        return "older" if generation_of(peer.process.group) < generation_of(group) else "other"

    def facts(self, host: Host) -> Facts:
        """What a node's start script sees."""
        data, record, process = host.data, host.record, host.process
        view = data.view or record.held
        half = data.zeros and host.transfer
        return Facts(
            bootstrap=bool(process and process.bootstrap),
            datadir=HALF if half else data.kind,
            disowned=data.zeros and not half and not self._on_the_way(host),
            undefined=data.zeros and not half and self._on_the_way(host),
            had_data=record.had_data,
            fenced=record.fenced,
            misfit=bool(record.branch and process and process.part != BY_HAND)
            and Branch.read(CLUSTER, record.branch).group != host.group,
            view=len(view.members) if view else 0,
            members=len({*record.members, host.node}) if record.members else 0,
            answers=self.answers(host),
        )

    @staticmethod
    def _on_the_way(host: Host) -> bool:
        """Whether its last life ended in the group, or on the way into it: a node that was voted out leaves no view."""
        return bool(host.data.view or host.record.held or "joining" in host.marks)

    def start_container(self, host: Host, part: str = NODE, bootstrap: bool = False) -> None:
        """docker start; nothing happens where one runs on the datadir."""
        if not host.power or host.process:
            return
        host.process = Process(part, bootstrap, group=host.group)
        host.started = self.now()
        host.wanted = part in (NODE, GARBD)

    def settle(self, order: Sequence[str] = (), rounds: int = 40) -> None:
        """Let happen what happens by itself, host by host in an order, for a number of rounds or until all is quiet."""
        for host in self.hosts.values():
            host.attempts = 0
        hosts = [self.hosts[name] for name in order or self.hosts]
        for _number in range(rounds):
            happened = [self._tick(host) for host in hosts]
            if not any(happened):
                break
        for component in self.primaries():
            for host in self.synced_of(component):
                host.data.durable = host.data.seqno

    def _tick(self, host: Host) -> bool:
        """The next event on a host; whether there was one."""
        process = host.process
        if not host.power:
            return False
        if process is None:
            if not host.wanted:
                return False
            self.start_container(host, GARBD if host.arbitrator else NODE)
            return True
        if process.phase in ("script", "refused"):
            return self._script(host, process)
        if process.phase == "started":
            self._connect(host, process)
            return True
        if process.primary and process.state == "Joiner":
            return self._transfer(host, process)
        return self._give_up(host, process)

    def _again(self, host: Host) -> bool:
        """Whether Docker starts it once more in this settle()."""
        host.attempts += 1
        return host.attempts <= ATTEMPTS

    def _script(self, host: Host, process: Process) -> bool:
        """galera-start: it waits, refuses, or starts the server."""
        if host.arbitrator:
            process.phase = "started"
            return True
        if process.phase == "refused" and not self._again(host):
            return False
        # A new life reads the settings again.
        process.group = host.group
        facts = self.facts(host)
        # A node that was cut off lets the others go first.
        if facts.view and "non-primary" in host.marks and "silent" in facts.answers and process.waited < PATIENCE:
            process.waited += 1
            return True
        host.heard = max([host.heard, *self._younger(host)])
        decided = self._decided(host, facts)
        if decided.action != start.REFUSE:
            host.record.had_data |= facts.datadir == DATA
            self._start(host, process, decided.action)
            return True
        if not decided.reason.strip():
            raise Broken(f"{host.name}: the start script refuses without a sentence.")
        process.phase = "refused"
        host.record.fenced |= decided.fence
        if process.part != NODE:
            host.process = None
        return True

    def _decided(self, host: Host, facts: Facts) -> Start:
        decided = self.decide(facts)
        grastate = host.data.grastate
        no_position = grastate is None or grastate.seqno == UNKNOWN_SEQNO
        if decided.action != start.REFUSE and facts.datadir == DATA and host.damaged and no_position:
            return Start(start.REFUSE, "The position could not be recovered.")
        return decided

    def _younger(self, host: Host) -> Iterator[int]:
        """Generations younger than its own that answer a host."""
        for peer in host.peers:
            process = self.hosts[peer].process
            if peer != host.name and self.answer(host, peer, host.group) == "other" and process:
                yield generation_of(process.group)

    def _start(self, host: Host, process: Process, action: str) -> None:
        """The server begins to run: from here on grastate.dat has no position."""
        data, record = host.data, host.record
        if action == start.START_WITHOUT_VIEW:
            record.held, data.view = data.view or record.held, None
        elif action == start.START_ALONE:
            process.bootstrap = True
            own = data.grastate if data.grastate and data.grastate.uuid != NULL_UUID else Grastate(data.uuid)
            data.grastate, data.view = replace(own, safe=True), None
        elif record.held and not process.bootstrap:
            data.view, record.held = data.view or record.held, None
        if process.bootstrap and data.kind in (DATA, HALF) and not (data.grastate and data.grastate.safe):
            # "It may not be safe to bootstrap the cluster from this node": the server ends.
            host.process = None
            return
        process.at = self._position(data, process.bootstrap)
        if data.kind == EMPTIED:
            data.kind = BLANK
        if data.kind == BLANK and process.bootstrap:
            data.kind = DATA
        if data.kind == DATA:
            own = data.grastate or Grastate()
            data.grastate = Grastate(own.uuid if process.at.known or process.bootstrap else NULL_UUID)
        if not process.bootstrap:
            host.marks.add("joining")
            process.restored = data.view
        process.phase = "started"

    @staticmethod
    def _position(data: Data, bootstrap: bool) -> Position:
        """From where Galera goes on: grastate.dat, or InnoDB's position where that is of the same UUID.

        A joiner goes by what InnoDB holds, whatever grastate.dat says (seen on a lab, 26.4.18).
        """
        grastate = data.grastate
        if data.kind != DATA or grastate is None or grastate.uuid == NULL_UUID:
            return Position()
        if grastate.uuid != data.uuid and not bootstrap:
            return Position()
        if grastate.seqno >= 0:
            return Position(grastate.uuid, grastate.seqno)
        return Position(data.uuid, data.seqno) if grastate.uuid == data.uuid else Position()

    def _connect(self, host: Host, process: Process) -> None:
        process.phase = "connected"
        process.ident = process.restored.own if process.restored else self.number()
        if process.bootstrap:
            at = process.at = process.at if process.at.known else Position(self.new_uuid(), 0)
            by_hand = process.part == BY_HAND or host.data.by_hand
            alone = frozenset({process.ident})
            self.install([host], Component(process.group, alone, 0, True, at.uuid, at.seqno, by_hand))
        self.regroup()

    def _give_up(self, host: Host, process: Process) -> bool:
        """A server that finds no Primary Component ends after 30 s; one with a restored view waits for ever."""
        if not process.connected or process.primary or process.last or process.restored or not self._again(host):
            return False
        self.leave(host)
        host.process = None
        return True

    def _transfer(self, host: Host, process: Process) -> bool:
        """A joiner gets what it lacks: IST at once, SST in two steps."""
        component = process.component
        donors = [donor for donor in self.synced_of(component) if not donor.arbitrator] if component else []
        if component is None or not donors:
            return False
        data, donor = host.data, donors[0].data
        missing = range(process.at.seqno + 1, component.seqno + 1)
        ist = process.at.known and process.at.uuid == component.uuid and all(seqno in donor.log for seqno in missing)
        if not ist and not process.sst:
            self._replace(host, component)
            host.data = Data(kind=HALF, view=data.view, grastate=Grastate())
            process.sst = True
            return True
        if ist:
            fresh = {seqno: donor.log[seqno] for seqno in missing}
            data.content |= {write for write, _host in fresh.values() if write is not None}
            data.log = {**(data.log if data.uuid == component.uuid else {}), **fresh}
        else:
            data.content, data.log, data.kind = donor.content, dict(donor.log), DATA
        data.by_hand = component.by_hand or (ist and data.by_hand) or donor.by_hand
        data.uuid, data.seqno, data.durable = component.uuid, component.seqno, component.seqno
        data.grastate = Grastate(component.uuid)
        process.state, process.sst, process.complete = "Synced", False, True
        process.at = Position(data.uuid, data.seqno)
        self.notify(host, component)
        return True

    def _replace(self, host: Host, component: Component) -> None:
        """An SST is about to overwrite a datadir: is all of it elsewhere?"""
        data = host.data
        if component.by_hand or data.by_hand:
            return
        if not host.mounted and host.disk.content and host.record.had_data and not data.content:
            raise Broken(f"{host.name} fills the disk below the mount point of its data, which are not mounted.")
        self.must_be_elsewhere(host, data, "an SST overwrites")

    def must_be_elsewhere(self, host: Host, data: Data, what: str) -> None:
        if data.by_hand:
            return
        elsewhere = frozenset().union(*(copy.content for copy in self.copies(but=data)))
        if only := data.content - elsewhere:
            raise Broken(f"{host.name}: {what} writes that are nowhere else: {sorted(only)}.")

    # Operators' hands and faults.

    def stop_container(self, host: Host) -> None:
        """docker stop: SIGTERM and time."""
        host.wanted = False
        self.leave(host)
        host.process = None

    def kill(self, names: Sequence[str], lag: int = 0, ddl: bool = False) -> None:
        """SIGKILL of servers at the same moment; Docker will start the nodes' containers again."""
        for name in names:
            self._gone(self.hosts[name], lag, ddl)
        self.regroup()
        for host in (self.hosts[name] for name in names):
            if host.wanted:
                self.start_container(host, GARBD if host.arbitrator else NODE)

    def _gone(self, host: Host, lag: int, ddl: bool) -> None:
        synced = bool(host.process and host.process.synced) and not host.arbitrator
        self.crash(host, lag)
        if ddl and synced:
            host.data.grastate = Grastate()

    def power_off(self, names: Iterable[str], lag: int = 0) -> None:
        for name in names:
            self._gone(self.hosts[name], lag, False)
            self.hosts[name].power = False
        self.regroup()

    def power_on(self, names: Iterable[str]) -> None:
        for name in names:
            self.hosts[name].power = True

    def partition(self, networks: Sequence[int]) -> None:
        for host, network in zip(self.hosts.values(), networks):
            host.network = network
        self.regroup()

    def unmount(self, name: str) -> None:
        """The data disk is missing; a server that runs keeps it busy."""
        host = self.hosts[name]
        if host.process is None or host.process.phase == "refused":
            host.mounted = False

    def mount(self, name: str) -> None:
        host = self.hosts[name]
        if host.process is None or host.process.phase == "refused":
            host.mounted = True

    def lose_disk(self, name: str) -> None:
        """Somebody puts an empty disk in the place of the full one. What was only there is their fault."""
        host = self.hosts[name]
        if host.process is None or host.process.phase == "refused":
            host.data = Data()
            self.owed &= frozenset().union(*(copy.content for copy in self.copies()))

    def vote_out(self, name: str) -> None:
        """A node whose data differ from the others' leaves, and disowns them. It holds a row that nobody else has."""
        host = self.hosts[name]
        process = host.process
        if not (process and process.synced and process.component) or len(self.synced_of(process.component)) < 3:
            return
        self._writes += 1
        host.data.content |= {self._writes}
        host.data.grastate, host.data.view = Grastate(), None
        process.state = "Inconsistent"
        self.regroup(frozenset({process.ident}))

    def bootstrap_by_hand(self, name: str) -> None:
        """A person edits grastate.dat and starts the node with gcomm://, past all playbooks."""
        host = self.hosts[name]
        if host.process or not host.power or not host.container:
            return
        if host.data.grastate:
            host.data.grastate = replace(host.data.grastate, safe=True)
        self.start_container(host, BY_HAND, bootstrap=True)

    # What modules read on a host.

    def report(self, name: str, recover: bool = True) -> dict[str, Any]:
        """What galera_seqno returns."""
        host = self.hosts[name]
        record = host.record
        told: dict[str, Any] = {
            "node": host.node,
            "uuid": NULL_UUID,
            "seqno": UNKNOWN_SEQNO,
            "had_data": record.had_data,
            "members": list(record.members),
            "views": list(record.views),
            "fenced": "another branch" if record.fenced else None,
            "recorded_uuid": record.uuid or None,
            "generation": record.generation,
            "decision": record.branch.get("forced"),
            "begun": record.branch.get("begun"),
            "ended": record.branch.get("ended"),
            "branch_uuid": record.branch.get("uuid"),
            "parent": record.branch.get("parent"),
        }
        return {**told, **(self._live(host, host.process) if host.process else self._at_rest(host, recover))}

    def _live(self, host: Host, process: Process) -> dict[str, Any]:
        told: dict[str, Any] = {
            "state": "running",
            "container": process.part,
            "bootstrap": process.part == MARIADB0,
            "marks": sorted(host.marks),
        }
        if host.record.fenced and process.phase in ("script", "refused"):
            return {**told, "error": f"{host.node} is fenced by its start script.", "marks": ["fenced"]}
        if process.phase == "refused":
            emptied = host.data.kind == EMPTIED and host.record.had_data
            return {**told, "error": f"{host.node} is not started.", "marks": ["refused"], "emptied": emptied}
        # During an SST, and before its first Primary Component, a server takes no connections.
        deaf = (
            host.deaf
            or process.phase != "connected"
            or process.sst
            or (process.state == "Initialized" and not process.last)
        )
        if deaf:
            return {**told, "error": f"{host.node} is running but not answering yet."}
        status = "Primary" if process.primary else "non-Primary"
        component = process.component
        return {
            **told,
            "uuid": component.uuid if component and component.primary else host.data.uuid,
            "seqno": component.seqno if component and component.primary else host.data.seqno,
            "source": "live",
            "cluster_status": "Disconnected" if process.state == "Inconsistent" else status,
            "local_state": process.state if process.primary or process.state == "Inconsistent" else "Initialized",
            "cluster_size": len(component.members) if component else 0,
            "gcomm_uuid": str(process.ident),
            "view_members": [str(ident) for ident in sorted(component.members)] if component else [],
        }

    def _at_rest(self, host: Host, recover: bool) -> dict[str, Any]:
        data, node = host.data, host.node
        grastate = data.grastate
        if data.kind in (EMPTIED, BLANK):
            return {"state": "empty", "emptied": data.kind == EMPTIED and host.record.had_data}
        safe = bool(grastate and grastate.safe)
        if data.kind == HALF or (data.zeros and host.transfer):
            error = f"{node}: its last SST did not end, so it holds no position and has to join."
            return {"state": "crashed", "sst_in_progress": True, "error": error, "safe_to_bootstrap": safe}
        undefined = data.zeros and self._on_the_way(host)
        told: dict[str, Any] = {"disowned": data.zeros and not undefined, "safe_to_bootstrap": safe}
        if data.kind == IBDATA_ONLY:
            error = f"{node}: ibdata1 is there, and the directory mysql beside it is empty: the data are damaged."
            return {**told, "state": "crashed", "error": error}
        if grastate and grastate.uuid != NULL_UUID and grastate.seqno >= 0:
            return {**told, "state": "stopped", "uuid": grastate.uuid, "seqno": grastate.seqno, "source": "grastate"}
        told["state"] = "crashed"
        own = grastate.uuid if grastate else NULL_UUID
        if not recover:
            return {**told, "uuid": own}
        if host.damaged:
            return {**told, "uuid": own, "error": f"{node}: mariadbd --wsrep-recover told no position (exit code 1)."}
        if data.zeros and not undefined:
            return {**told, "uuid": data.uuid, "error": f"{node}: grastate.dat disowns the data (a UUID of zeros)."}
        if not undefined and (grastate is None or grastate.uuid != data.uuid):
            error = f"{node}: grastate.dat is of the cluster {own}, and InnoDB holds {data.uuid}:{data.seqno}."
            return {**told, "uuid": own, "error": error}
        return {**told, "uuid": data.uuid, "seqno": data.seqno, "source": "recovered"}

    def traces(self, name: str) -> Traces:
        """What galera_traces returns."""
        host = self.hosts[name]
        data, path, record = host.data, f"{MOUNT}/{host.node}", host.record
        entries = {EMPTIED: (), BLANK: ("grastate.dat", "mysql"), IBDATA_ONLY: ("ibdata1", "mysql")}
        grastate = data.grastate.uuid if data.grastate and data.grastate.uuid != NULL_UUID else ""
        mountpoint = MOUNT if host.mounted else ROOT_DISK
        containers, records, marks = [], [], []
        if host.container or host.process:
            own = {
                "cluster": CLUSTER,
                "datadir": path,
                "resolved": path,
                "uuid": grastate,
                "run": "/run",
                "recorded": True,
            }
            part = host.process.part if host.process else NODE
            if host.container:
                running = host.process is not None and part != MARIADB0
                containers.append(Container(host.node, running=running, started=host.started, **own))
            if part == MARIADB0:
                containers.append(Container("mariadb0", part="bootstrap", running=True, started=host.started, **own))
        if record.made:
            records.append(
                TracedRecord(
                    path=f"/var/lib/dbops-galera/{host.node}",
                    node=host.node,
                    cluster=CLUSTER if record.mountpoint else "",
                    datadir=path if record.mountpoint else "",
                    resolved=path if record.mountpoint else "",
                    mountpoint=record.mountpoint,
                    mounted=record.mountpoint in ("", ROOT_DISK) or host.mounted,
                    had_data=record.had_data,
                    uuid=record.uuid,
                    members=record.members,
                    branch=record.branch,
                    fenced="another branch" if record.fenced else "",
                )
            )
        if host.started is not None:
            marks.append(Mark("/containers/run/in-force.cnf", host.started, CLUSTER))
        if host.stopped:
            marks.append(Mark("/containers/stopped.json", host.stopped_at, CLUSTER))
        return Traces(
            datadir=Datadir(
                given=path,
                resolved=path,
                exists=True,
                entries=entries.get(data.kind, ("grastate.dat", "ibdata1", "mysql")),
                tables=data.kind in (DATA, HALF),
                ibdata1=data.kind in (DATA, HALF, IBDATA_ONLY),
                half=data.kind == HALF,
                uuid=grastate,
                mountpoint=mountpoint,
            ),
            run="/run",
            containers=tuple(containers),
            records=tuple(records),
            marks=tuple(marks),
            kept=host.kept_at,
            live=self._seen(host),
        )

    @staticmethod
    def _seen(host: Host) -> Live | None:
        process = host.process
        if host.deaf or not (process and process.primary and process.component):
            return None
        return Live(str(process.ident), tuple(str(ident) for ident in sorted(process.component.members)))

    # What a module changes on a host.

    def move_aside(self, host: Host) -> None:
        """The datadir gets a dated name, and an empty one takes its place."""
        host.kept.append(host.data)
        host.kept_at = self.now()
        host.data = Data()

    def begin(self, host: Host, branch: Branch, position: Position) -> None:
        """grastate.dat names the new branch at the position that the data have; the last view is gone."""
        host.data.grastate = Grastate(branch.uuid, position.seqno if position.known else 0, True)
        host.data.view = None

    def see_first_view(self, host: Host) -> None:
        """A survivor that keeps its data sees the branch's first view by itself, in a server that nobody reaches."""
        data = host.data
        if data.grastate:
            data.uuid, data.seqno = data.grastate.uuid, data.grastate.seqno + 1
            data.log, data.durable = {data.seqno: (None, "")}, data.seqno
            data.grastate = Grastate(data.uuid, data.seqno)

    # What never may be.

    def check(self) -> None:
        """The invariants that can be seen at any moment; the others are raised where something would be overwritten."""
        honest = [component for component in self.primaries() if not component.by_hand]
        for number, one in enumerate(honest):
            for other in honest[number + 1 :]:
                if (one.group, one.uuid) == (other.group, other.uuid):
                    raise Broken(
                        f"Two Primary Components of {one.group} {one.uuid}: {one.members} and {other.members}."
                    )
        for host in self.connected():
            process = host.process
            primary = process and process.primary and process.component and not process.component.by_hand
            if primary and not host.arbitrator and host.heard > generation_of(process.group if process else ""):
                raise Broken(
                    f"{host.name} could hear that branch {host.heard} lives, and is Primary in an earlier one."
                )
        for component in honest:
            if component.group == self.group and component.uuid != self.uuid != NULL_UUID:
                told = f"{component.uuid} is Primary, and clients of {self.group} are those of {self.uuid}"
                raise Broken(f"Another history under the name of the one that lives: {told}.")
        if serving := self.serving():
            self._check_serving(serving)

    def _check_serving(self, component: Component) -> None:
        synced = [host for host in self.synced_of(component) if not (host.arbitrator or host.data.by_hand)]
        for host in synced:
            if lost := self.owed - host.data.content:
                raise Broken(f"{host.name} is Synced, and lacks acknowledged writes: {sorted(lost)}.")
            if more := host.data.content ^ synced[0].data.content:
                raise Broken(f"{host.name} and {synced[0].name} are Synced, and differ in {sorted(more)}.")


def names_something(sentence: str, world: World) -> bool:
    """Whether a refusal names a host, a node, the cluster, a variable, a path or the verb to run next."""
    names = [CLUSTER, *world.hosts, *(host.node for host in world.hosts.values())]
    return any(name in sentence for name in names) or bool(
        re.search(r"[a-z]+_[a-z]+|/[a-z]+/|run (site|start)", sentence)
    )
