# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: whether a cluster may grow, shrink, or move a node now, and what there is to do. In doubt it refuses.

The inventory says what shall be: a host of the group galera is to have a node, one of the group leaving none. What is
there already is told by the nodes' reports, so a run that was cut short is gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """One host's node: as the inventory names it, and as it was found. report is None where there is none."""

    host: str
    name: str
    address: str = ""
    port: int = 3306
    report: Mapping[str, Any] | None = None

    @property
    def state(self) -> str:
        return str(self.report["state"]) if self.report else "missing"

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def live(self) -> bool:
        """Part of the Primary Component, with all data."""
        return self.running and self._told("cluster_status") == "Primary" and self._told("local_state") in _WITH_DATA

    @property
    def synced(self) -> bool:
        return self.live and self._told("local_state") == "Synced"

    @property
    def blank(self) -> bool:
        """No data to lose."""
        return self.state in ("missing", "empty")

    @property
    def half(self) -> bool:
        """A state transfer to it did not end, so it holds no data of its own."""
        return bool(self._told("sst_in_progress")) and not self.running

    @property
    def arriving(self) -> bool:
        """On its way into the cluster, or stopped on that way."""
        return self.half or (self.running and not self.live and self._told("cluster_status") in (None, "Primary"))

    @property
    def uuid(self) -> str:
        return str(self._told("uuid"))

    @property
    def size(self) -> int:
        return int(self._told("cluster_size") or 0)

    @property
    def position(self) -> str:
        """UUID:seqno, empty where it is unknown."""
        seqno = self._told("seqno")
        return f"{self.uuid}:{seqno}" if seqno is not None and int(seqno) >= 0 else ""

    def _told(self, key: str) -> Any:
        return self.report.get(key) if self.report else None

    def __str__(self) -> str:
        """How it is, after a name: "is stopped at ..."."""
        if self.half:
            return "was left in the middle of a state transfer"
        if not self.running:
            return f"is {self.state}" + (f" at {self.position}" if self.position else "")
        told = self._told("error") or f"{self._told('cluster_status')}, {self._told('local_state')}"
        return f"runs and is not Synced in a Primary Component ({str(told).rstrip('.')})"


_WITH_DATA = ("Synced", "Donor/Desynced")


@dataclass(frozen=True)
class Scene:
    """What there is. proxies: host -> rows of runtime_mysql_servers, None where the proxy is silent."""

    members: list[Node]
    leaving: list[Node]
    silent: list[str]
    votes: int
    leaving_votes: list[str]
    proxies: Mapping[str, Sequence[Mapping[str, Any]] | None]
    holders: Sequence[str]
    fronts: Sequence[str]
    dead: str
    writer_hostgroup: int
    cluster: str

    def writes(self, node: Node) -> bool:
        """Whether applications write to this node now."""
        if not self.proxies:
            return node.host in self.holders
        return any(
            int(row["hostgroup_id"]) == self.writer_hostgroup and row["status"] == "ONLINE"
            for row in self._rows(node, self.proxies.values())
        )

    def unknown_to_a_proxy(self, node: Node) -> bool:
        return any(rows is not None and not self._rows(node, [rows]) for rows in self.proxies.values())

    def known_to_a_proxy(self, node: Node) -> bool:
        return bool(self._rows(node, self.proxies.values()))

    @staticmethod
    def _rows(node: Node, proxies: Any) -> list[Mapping[str, Any]]:
        return [
            row
            for rows in proxies
            for row in rows or ()
            if node.address and row["hostname"] == node.address and int(row["port"]) == node.port
        ]


@dataclass
class Plan:
    """problems are refusals; lines tell what will be done. hosts are those that have something to do, in order.

    step, for replace_node: copy (data go ahead, stop, the rest), start (the data are there already), sst (the old host
    is lost) or done.
    """

    problems: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    step: str = ""
    source: str = ""
    target: str = ""


def scale(
    members: Sequence[str],
    verb: str,
    names: Mapping[str, str],
    places: Mapping[str, Mapping[str, Any]],
    reports: Mapping[str, Mapping[str, Any]],
    present: Sequence[str],
    leaving: Sequence[str] = (),
    arbitrators: Sequence[str] = (),
    leaving_votes: Sequence[str] = (),
    proxies: Mapping[str, Sequence[Mapping[str, Any]] | None] | None = None,
    holders: Sequence[str] = (),
    fronts: Sequence[str] = (),
    dead: str = "",
    writer_hostgroup: int = 10,
    cluster: str = "galera",
) -> dict[str, Any]:
    """Judge a verb; the dictionary has the fields of Plan.

    members, leaving, arbitrators: hosts of these groups; names: host -> name of its node; places: host -> its node's
    address and port, missing where the host does not answer; reports: host -> report of galera_seqno, missing where the
    host has no Docker Engine yet; present: hosts that answer; leaving_votes: hosts of the group leaving where an
    arbitrator runs; holders: hosts that have the VIP; fronts: hosts of the groups proxysql and keepalived; dead: the
    host that the operator says is lost.
    """

    def nodes(hosts: Sequence[str]) -> list[Node]:
        where = {host: places.get(host) or {} for host in hosts}
        return [
            Node(
                host,
                names.get(host) or "",
                str(where[host].get("address") or ""),
                int(where[host].get("port") or 3306),
                reports.get(host),
            )
            for host in hosts
        ]

    scene = Scene(
        members=nodes(members),
        leaving=nodes(leaving),
        silent=[host for host in dict.fromkeys([*members, *leaving, *arbitrators, *fronts]) if host not in present],
        votes=len(arbitrators),
        leaving_votes=list(leaving_votes),
        proxies=proxies or {},
        holders=holders,
        fronts=fronts,
        dead=dead,
        writer_hostgroup=writer_hostgroup,
        cluster=cluster,
    )
    plan = {"add_node": _add, "remove_node": _remove, "replace_node": _replace}[verb](scene)
    return vars(plan)


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(node.host for node in nodes)


# ---- What every verb asks for


def _unanswered(scene: Scene, verb: str) -> Iterator[str]:
    """Hosts that do not answer, but for the one that the operator gave up."""
    gone = [node.host for node in scene.leaving]
    for host in scene.silent:
        if host not in gone:
            yield f"{host} does not answer, and {verb} needs every host: bring it back (or see remove_node)."
        elif host != scene.dead:
            yield f"{host} does not answer: bring it back; if it is lost for good, say so with -e {verb}_dead={host}."
    if scene.dead and scene.dead not in gone:
        yield f"{verb}_dead is {scene.dead}, which is not in the group leaving: move it there in the inventory."
    elif scene.dead and scene.dead not in scene.silent:
        yield f"{verb}_dead is {scene.dead}, and that host answers: leave it out, so that its node is stopped in order."


def _sick(nodes: Sequence[Node]) -> Iterator[str]:
    """Members that are not well."""
    for node in nodes:
        if not node.synced:
            yield (
                f"{node.host}: node {node.name} {node}. Every member has to be Synced first: see status, start, "
                "recover and repair_node."
            )
    uuids = sorted({node.uuid for node in nodes if node.live})
    if len(uuids) > 1:
        yield f"The members are not one cluster: {', '.join(uuids)}."


def _miscounted(nodes: Sequence[Node], least: int, most: int, cluster: str) -> Iterator[str]:
    """A node that sees another number than there ought to be."""
    for node in nodes:
        if node.live and not least <= node.size <= most:
            yield (
                f"{node.host} sees a cluster of {node.size}, and {least} members and arbitrators of {cluster} are "
                "known: either an arbitrator is missing, or there is a node that the inventory does not know. Put "
                "that right first."
            )
            return


def _even(votes: int) -> Iterator[str]:
    if votes % 2 == 0:
        yield (
            f"WARNING: {votes} votes are an even number: split in halves, neither half serves. Add a node, or a host "
            "to the group arbitrator."
        )


def _both(node: Node) -> str:
    return f"{node.host} is in the groups galera and leaving: take it out of one of them."


# ---- The verbs


def _add(scene: Scene) -> Plan:
    plan = Plan(problems=list(_unanswered(scene, "add_node")))
    live = [node for node in scene.members if node.live]
    coming = [node for node in scene.members if not node.live and (node.blank or node.arriving)]
    if not live:
        plan.problems.append(
            f"{scene.cluster} has no node that is Synced in a Primary Component, and a node can only be added to a "
            "living cluster. Empty hosts become one by site, a cluster that is down by start or recover."
        )
        return plan
    for node in scene.members:
        if node not in live and node not in coming and node.host not in scene.silent:
            plan.problems.append(
                f"{node.host}: node {node.name} {node}. An old member has to be Synced first (see start and "
                "repair_node); a new one has to have an empty datadir: move its data away."
            )
    running = sum(node.running for node in coming)
    # A donor of one that is on its way is well.
    plan.problems += _sick([node for node in live if node.synced or not running])
    base = len(live) + scene.votes
    plan.problems += _miscounted(live, base, base + running, scene.cluster)
    unknown = [node for node in live if scene.unknown_to_a_proxy(node)]
    if not (coming or unknown or plan.problems):
        plan.problems.append(
            f"Nothing is new: every host of the group galera ({_names(scene.members)}) has a Synced node of "
            f"{scene.cluster}. Put the new host into the group galera, with a galera_node_name of its own. Where an "
            "earlier run was cut short, site does what is left of it."
        )
    for node in coming:
        going_on = "" if node.blank else ", which goes on"
        plan.lines.append(f"{node.host}: {node.name} ({node.address}) joins by SST{going_on}")
    for node in unknown:
        plan.lines.append(f"{node.host}: {node.name} ({node.address}) has joined; the proxies get to know it")
    plan.lines += _even(len(scene.members) + scene.votes)
    plan.hosts = [node.host for node in coming]
    return plan


def _remove(scene: Scene) -> Plan:
    plan = Plan(problems=list(_unanswered(scene, "remove_node")))
    if not scene.leaving:
        plan.problems.append(
            f"No host of {scene.cluster} is in the group leaving: in the inventory, move the host whose node is to go "
            "from the group galera to the group leaving."
        )
        return plan
    for node in scene.leaving:
        plan.problems += _against_leaving(scene, node)
    if len(scene.members) < 2:
        plan.problems.append(
            f"Without {_names(scene.leaving)} {scene.cluster} has {len(scene.members)} "
            f"node{'s' * (len(scene.members) != 1)} left; a highly available database needs three, or two and an "
            "arbitrator. Add a node first (add_node)."
        )
    plan.problems += _sick([node for node in scene.members if node.host not in scene.silent])
    size = len(scene.members) + scene.votes + sum(node.live for node in scene.leaving) + len(scene.leaving_votes)
    # One that an earlier run has begun to stop may be counted still.
    stopping = sum(node.running and not node.live for node in scene.leaving)
    plan.problems += _miscounted(scene.members, size, size + stopping, scene.cluster)
    for node in scene.leaving:
        if node.host == scene.dead:
            plan.lines.append(f"{node.host} is lost: the others forget its node {node.name}")
        elif node.host in scene.leaving_votes:
            plan.lines.append(f"{node.host}: its arbitrator is stopped and removed")
        elif node.name and (node.state != "missing" or scene.known_to_a_proxy(node)):
            plan.lines.append(
                f"{node.host}: {node.name} is drained, stopped and removed; its datadir is kept under a dated name"
            )
            plan.hosts.append(node.host)
        else:
            plan.lines.append(f"{node.host}: nothing left to do; take it out of the group leaving")
    plan.lines += _even(len(scene.members) + scene.votes)
    return plan


def _against_leaving(scene: Scene, node: Node) -> Iterator[str]:
    homes = {member.name: member.host for member in scene.members}
    if node.host in homes.values():
        yield _both(node)
    elif node.name in homes:
        yield (
            f"{node.host}: its node {node.name} is to live on {homes[node.name]}, says the inventory, and moving a "
            f"node is the work of replace_node. If {homes[node.name]} is to be another node, give it another "
            "galera_node_name."
        )
    if node.host in scene.fronts:
        yield (
            f"{node.host} is still in the group proxysql or keepalived, so applications reach the cluster through it. "
            "Take it out of these groups, and have two other hosts in them."
        )
    if scene.writes(node):
        how = f"stop Keepalived there (docker stop keepalived on {node.host}), and the VIP moves to another host"
        if scene.proxies:
            how = (
                f"put {node.host} back into the group galera, run move_writer with -e move_writer_to=HOST for a host "
                "that stays, then move it to leaving"
            )
        yield f"{node.host}: its node {node.name} is the writer. Move the writer first: {how}."


def _replace(scene: Scene) -> Plan:
    plan = Plan(problems=list(_unanswered(scene, "replace_node")))
    pairs = [(old, new) for old in scene.leaving for new in scene.members if old.name and old.name == new.name]
    if len(scene.leaving) != 1 or len(pairs) != 1:
        plan.problems.append(
            f"replace_node moves one node at a time: one host in the group leaving ({_names(scene.leaving) or 'none'} "
            "is), and one in the group galera with the same galera_node_name. Give the new host the old one's "
            "galera_node_name, and move the old host from galera to leaving. A node that goes without a successor is "
            "removed by remove_node."
        )
        return plan
    old, new = pairs[0]
    plan.source, plan.target = old.host, new.host
    if old.host == new.host:
        plan.problems.append(_both(old))
        return plan
    others = [node for node in scene.members if node.host != new.host and node.host not in scene.silent]
    if not others:
        plan.problems.append(
            f"{new.host} would be the only node of {scene.cluster}, and nobody would serve while it moves. Add a node "
            "first (add_node)."
        )
    plan.problems += _sick(others)
    size = len(others) + scene.votes + old.live
    stopping = old.running and not old.live
    plan.problems += _miscounted(others, size, size + stopping + new.running, scene.cluster)
    try:
        plan.step = _after_a_loss(new) if scene.dead == old.host else _step(old, new)
    except _Refused as refused:
        plan.problems.append(str(refused))
    how = {
        "copy": f"its data go ahead while it runs, then it is stopped, the rest follows, and it starts on {new.host}",
        "start": f"its data are on {new.host} already, and it starts there",
        "sst": f"{old.host} is lost, so {new.host} joins by SST",
        "done": f"it runs on {new.host}; take {old.host} out of the group leaving",
    }
    if plan.step:
        plan.hosts = [new.host]
        plan.lines.append(f"{old.name} moves from {old.host} to {new.host}: {how[plan.step]}")
    return plan


class _Refused(Exception):
    """A move that cannot go on; says why."""


def _after_a_loss(new: Node) -> str:
    if new.live:
        return "done"
    if new.blank or new.arriving:
        return "sst"
    raise _Refused(_occupied(new))


def _occupied(new: Node) -> str:
    return f"{new.host}: node {new.name} {new}. Its datadir has to be empty: move its data away."


def _step(old: Node, new: Node) -> str:
    """How far a move has come."""
    if old.running and new.running:
        raise _Refused(
            f"{old.name} runs on {old.host} and on {new.host}: two servers with one node's identity. Stop the one that "
            f"does not belong there (docker stop --time 600 {old.name})."
        )
    if old.running:
        return _step_of_a_running_node(old, new)
    return _step_without_a_source(old, new) if old.blank else _step_of_a_stopped_node(old, new)


def _step_of_a_running_node(old: Node, new: Node) -> str:
    if not (new.blank or new.half):
        raise _Refused(_occupied(new))
    if not old.live:
        raise _Refused(
            f"{old.host}: node {old.name} {old}. It has to be Synced before it moves, or to have stopped: see status, "
            "and run replace_node again."
        )
    return "copy"


def _step_of_a_stopped_node(old: Node, new: Node) -> str:
    if not old.position:
        raise _Refused(
            f"{old.host}: node {old.name} {old}, at an unknown position. Start it (docker start {old.name}), wait "
            "until status shows it Synced, and run replace_node again."
        )
    if new.running:
        return "start"
    if new.blank or new.half or new.position == old.position:
        return "copy"
    raise _Refused(_occupied(new))


def _step_without_a_source(old: Node, new: Node) -> str:
    if new.live:
        return "done"
    if new.running or not (new.blank or new.half):
        return "start"
    raise _Refused(
        f"{old.name} has no data on {old.host}, and {new.host} {new}: there is nothing to move. Put its datadir back "
        f"on {old.host} (it may be kept there under a dated name), or let {new.host} join by SST: take {old.host} out "
        "of the group leaving, and run add_node."
    )
