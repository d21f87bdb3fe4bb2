# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Galera's membership in the simulated world: who forms a component, whether it is Primary, who needs what. Pure.

The rules are those of gcomm/src/pc_proto.cpp (26.4): have_quorum, is_prim, handle_state (conflicting prims) and
deliver_view (pc.recovery), and of ReplicatorSMM::state_transfer_required for what a joiner gets. What was left out:
weights, segments, eviction, the unknown state of a view that was torn during its installation.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.dbops.galera.plugins.module_utils._model.position import Position

from tests.unit.model.hosts import DATA, Broken, Component, Grastate, Host, Process, View


class Group:
    """Servers on hosts, and the components that they form."""

    def __init__(self, hosts: dict[str, Host]) -> None:
        self.hosts = hosts
        self._numbers = 0

    def number(self) -> int:
        """A new identity in a group, or part of a new UUID."""
        self._numbers += 1
        return self._numbers

    def new_uuid(self) -> str:
        return f"{self.number():08x}-0000-4000-8000-00000000cafe"

    def connected(self) -> Iterator[Host]:
        return (host for host in self.hosts.values() if host.process and host.process.connected)

    def components(self) -> list[Component]:
        found = {id(host.process.component): host.process.component for host in self.connected() if host.process}
        return [component for component in found.values() if component]

    def primaries(self) -> list[Component]:
        return [component for component in self.components() if component.primary and component.usable]

    def members_of(self, component: Component) -> list[Host]:
        return [host for host in self.connected() if host.process and host.process.component is component]

    def synced_of(self, component: Component) -> list[Host]:
        return [host for host in self.members_of(component) if host.process and host.process.synced]

    # Galera's membership.

    def regroup(self, left: frozenset[int] = frozenset()) -> None:
        """Who reaches whom has changed, or a member left in order: components form."""
        again = True
        while again:
            again = False
            bunches: dict[tuple[int, str], list[Host]] = {}
            for host in self.connected():
                if host.process:
                    bunches.setdefault((host.network, host.process.group), []).append(host)
            for bunch in bunches.values():
                if self._regrouped(bunch, left):
                    again = True
                    break

    def _regrouped(self, bunch: list[Host], left: frozenset[int]) -> bool:
        """Have one component of all hosts that see each other; whether a server was thrown out meanwhile."""
        processes = [host.process for host in bunch if host.process]
        idents = frozenset(process.ident for process in processes)
        before = {id(process.component): process.component for process in processes if process.component}
        if len(before) == 1 and all(process.component for process in processes):
            (component,) = before.values()
            if component.members == idents:
                return False
        for host, process in zip(bunch, processes):
            if process.synced and not host.arbitrator:
                process.at = Position(host.data.uuid, host.data.seqno)
        primaries = [component for component in before.values() if component.primary]
        quorate = [component for component in primaries if _quorum(component, idents, left)]
        if len(quorate) > 1:
            self._clash(bunch, quorate)
            return True
        if quorate:
            self.install(bunch, quorate[0])
        elif base := self._restored(processes) or self._met_again(processes):
            self._found(bunch, base)
        else:
            component = Component(processes[0].group, idents, _next_number(processes))
            for host, process in zip(bunch, processes):
                process.component, process.state = component, "Initialized"
                if not host.arbitrator:
                    host.marks.add("non-primary")
        return False

    def _clash(self, bunch: list[Host], primaries: list[Component]) -> None:
        """Conflicting Primary Components: that with the greater view goes on, the servers of the other one end."""
        honest = [component for component in primaries if not component.by_hand]
        if len(honest) > 1:
            told = " and ".join(f"{component.group} {component.uuid}" for component in honest)
            raise Broken(f"Two Primary Components of one group meet: {told}.")
        stays = max(primaries, key=lambda component: (component.number, min(component.members)))
        for host in bunch:
            if host.process and host.process.component is not stays and host.process.primary:
                self.crash(host)

    def _restored(self, processes: list[Process]) -> Position | None:
        """pc.recovery: the members of a last view, and nobody else, all of them from disk."""
        idents = frozenset(process.ident for process in processes)
        views = [process.restored for process in processes if process.restored and not process.last]
        if len(views) != len(processes) or len({view.origin for view in views}) > 1:
            return None
        newest = max(views, key=lambda view: view.number)
        return self._base(processes) if newest.members == idents else None

    def _met_again(self, processes: list[Process]) -> Position | None:
        """All members of the last view that any of them was in while it ran."""
        idents = frozenset(process.ident for process in processes)
        views = [process.last for process in processes if process.last]
        newest = max((view.id for view in views), default=None)
        were = [view.members for view in views if view.id == newest]
        if not were or not were[0] <= idents:
            return None
        return self._base(
            [process for process in processes if process.last and process.last.id == newest and process.complete]
        )

    @staticmethod
    def _base(processes: list[Process]) -> Position | None:
        """The furthest position; none where the members hold several histories."""
        known = [process.at for process in processes if process.at.known]
        if len({at.uuid for at in known}) != 1:
            return None
        return max(known, key=lambda at: at.seqno)

    def _found(self, bunch: list[Host], base: Position) -> None:
        """A Primary Component comes back, from views of an earlier one."""
        by_hand = any(host.data.by_hand for host in bunch if not host.arbitrator)
        group = bunch[0].process.group if bunch[0].process else ""
        self.install(bunch, Component(group, frozenset(), 0, True, base.uuid, base.seqno, by_hand))

    def install(self, bunch: list[Host], base: Component) -> None:
        """A view of a Primary Component, which takes a sequence number: who is behind it becomes a joiner."""
        processes = [host.process for host in bunch if host.process]
        idents = frozenset(process.ident for process in processes)
        nodes = [(host, process) for host, process in zip(bunch, processes) if not host.arbitrator]
        whole = {process for _host, process in nodes if _needs_nothing(process, base)}
        number = _next_number(processes)
        component = Component(base.group, idents, number, True, base.uuid, base.seqno, base.by_hand, bool(whole))
        component.seqno += component.usable
        for process in processes:
            process.restored, process.last = None, View(number, idents, process.ident)
            process.component, process.state = component, "Synced"
        for host, process in nodes:
            process.complete = process in whole
            if process.complete:
                self._view_applied(host, process, component)
            else:
                process.state = "Joiner"
                host.transfer = True
                host.marks.discard("non-primary")
            host.data.view = process.last
        for host, process in nodes:
            if process.complete:
                self.notify(host, component)

    def notify(self, host: Host, component: Component) -> None:
        """galera-notify, which the server runs at a view of a Primary Component once it has all data."""
        record = host.record
        names = [other.node for other in self.members_of(component)]
        record.members += tuple(name for name in names if name not in record.members)
        record.uuid, record.held, record.had_data = component.uuid, None, True
        view = f"{component.uuid} {sorted(component.members)}"
        if record.views[-1:] != [view]:
            record.views.append(view)
        host.marks -= {"non-primary", "joining"}
        host.transfer = False

    def _view_applied(self, host: Host, process: Process, component: Component) -> None:
        """A member that needs no state transfer. One that was ahead is set back without a word."""
        data = host.data
        if data.uuid != component.uuid:
            data.log = {}
        data.log = {seqno: entry for seqno, entry in data.log.items() if seqno < component.seqno}
        data.log[component.seqno] = (None, "")
        data.uuid, data.seqno = component.uuid, component.seqno
        data.grastate = Grastate(component.uuid)
        # What was written before the view is applied before it.
        data.durable = data.seqno
        data.by_hand |= component.by_hand
        process.state, process.at = "Synced", Position(component.uuid, component.seqno)

    def leave(self, host: Host) -> None:
        """A server ends in order: it writes its position down, and its view is gone."""
        process, data = host.process, host.data
        if process is None or process.phase not in ("started", "connected"):
            return
        if host.arbitrator or process.state == "Inconsistent":
            process.phase = "ended"
            self.regroup(frozenset({process.ident}))
            return
        last = bool(process.primary and process.component and process.component.members == {process.ident})
        if process.state == "Synced":
            data.grastate = Grastate(data.uuid, data.seqno, last)
        elif process.at.known and not process.sst and data.kind == DATA:
            data.grastate = Grastate(process.at.uuid, process.at.seqno, False)
        data.view = None
        process.phase = "ended"
        self.regroup(frozenset({process.ident}))

    def crash(self, host: Host, lag: int = 0) -> None:
        """A server is gone at once. It may lose the last of what it had not applied yet, not what it began itself."""
        process, data = host.process, host.data
        host.process = None
        if process is None or host.arbitrator or not process.synced:
            return
        for _number in range(lag):
            write, first = data.log.get(data.seqno, (None, host.name))
            if data.seqno <= data.durable or data.seqno not in data.log or (write is not None and first == host.name):
                break
            del data.log[data.seqno]
            data.seqno -= 1
            if write is not None:
                data.content -= {write}


def _quorum(component: Component, idents: frozenset[int], left: frozenset[int]) -> bool:
    """More than half of the last view, those not counted that left in order."""
    present, gone = component.members & idents, component.members & left
    return 2 * len(present) + len(gone) > len(component.members)


def _next_number(processes: list[Process]) -> int:
    """Greater than that of every view that one of them knows."""
    views = [view.number for process in processes for view in (process.restored, process.last) if view]
    return 1 + max([0, *views, *(process.component.number for process in processes if process.component)])


def _needs_nothing(process: Process, base: Component) -> bool:
    """Whether a member of a new view has all data: it had them in the one before, or is at its position, or ahead."""
    if process.component is base:
        return process.state == "Synced"
    at = process.at
    return at.known and at.uuid == base.uuid and at.seqno >= base.seqno
