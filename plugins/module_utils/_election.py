# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may bootstrap the cluster. Pure: the members' reports in, a verdict with reasons out. In doubt it refuses.

Bootstrapping the wrong node throws away what the others have committed. So a verdict needs every member's report, and
every contradiction among them is a refusal. An operator may overrule by naming a node; the verdict then says so.
The background: https://galeracluster.com/library/documentation/crash-recovery.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._position import NULL_UUID, UNKNOWN_SEQNO, Position

STATES = ("running", "stopped", "crashed", "empty", "missing")
PURPOSES = ("create", "start", "recover")
_SOURCES = {"grastate": "read from grastate.dat", "recovered": "recovered from InnoDB", "live": "live"}


@dataclass(frozen=True)
class Member:
    """What one member's report says, as far as an election is concerned."""

    name: str
    state: str
    position: Position = field(default_factory=Position)
    source: str = "none"
    safe_to_bootstrap: bool = False
    cluster_status: str | None = None
    local_state: str | None = None
    cluster_size: int = 0
    bootstrap: bool = False
    sst_in_progress: bool = False
    error: str | None = None

    @classmethod
    def from_report(cls, name: str, report: Mapping[str, Any]) -> Member:
        """Read a report of galera_seqno; what it leaves out is unknown."""
        return cls(
            name=name,
            state=str(report.get("state")),
            position=Position(
                str(report.get("uuid") or NULL_UUID).lower(),
                UNKNOWN_SEQNO if report.get("seqno") is None else int(report["seqno"]),
            ),
            source=str(report.get("source") or "none"),
            safe_to_bootstrap=bool(report.get("safe_to_bootstrap")),
            cluster_status=report.get("cluster_status"),
            local_state=report.get("local_state"),
            cluster_size=int(report.get("cluster_size") or 0),
            bootstrap=bool(report.get("bootstrap")),
            sst_in_progress=bool(report.get("sst_in_progress")),
            error=report.get("error"),
        )

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def primary(self) -> bool:
        return self.running and self.cluster_status == "Primary"

    @property
    def starting(self) -> bool:
        """Whether its bootstrap container is on its way to Primary; one that lost its peers is non-Primary instead."""
        return self.bootstrap and self.running and self.cluster_status != "non-Primary"

    @property
    def blank(self) -> bool:
        """No data to lose: it can only join."""
        return self.state in ("empty", "missing")

    @property
    def foreign(self) -> bool:
        """Whether a state transfer could overwrite data here; an interrupted one has done so already."""
        return not (self.blank or self.sst_in_progress or self.primary)

    def __str__(self) -> str:
        if self.running:
            told = f"runs, {self.cluster_status or 'cluster status unknown'}, {self.local_state or 'state unknown'}"
        else:
            told = {"missing": "has no datadir", "empty": "has an empty datadir"}.get(self.state, f"is {self.state}")
        if self.position.known:
            told += f", at {self.position} ({_SOURCES.get(self.source, self.source)})"
        elif not self.blank:
            told += ", position unknown"
        if self.safe_to_bootstrap:
            told += ", safe to bootstrap"
        if self.error:
            told += f"; {self.error.rstrip('.')}"
        return f"{self.name} {told}."


@dataclass(frozen=True)
class Verdict:
    """What is to be done, and why.

    action is bootstrap (node is the member that does), join (nothing is bootstrapped, node is a member of the live
    Primary Component), settle (members run without a Primary Component: stop them and ask again; node is None) or
    refuse (node is None). created says that the bootstrap begins a new, empty cluster.
    """

    action: str
    node: str | None
    reason: str
    reasons: dict[str, str] = field(default_factory=dict)
    created: bool = False


@dataclass(frozen=True)
class Objection:
    """A sentence or two against a bootstrap, with what to do next. A forced one is overruled by naming a node."""

    text: str
    forceable: bool = True


def elect(
    members: Sequence[str],
    reports: Mapping[str, Mapping[str, Any]],
    purpose: str = "create",
    force: str | None = None,
    stopped_last: str | None = None,
) -> Verdict:
    """Decide by the reports of the members, which are in order of preference; one without a report was not reached.

    purpose is create (all members are empty), start (all were stopped on purpose, stopped_last as the last one) or
    recover (whatever happened). force names the member to be bootstrapped against objections, with recover only.
    """
    known = [Member.from_report(name, reports[name]) for name in members if reports.get(name)]
    missing = [name for name in members if not reports.get(name)]
    reasons = {name: f"{name} did not report: its host was not reached." for name in missing}
    reasons.update({member.name: str(member) for member in known})

    def verdict(action: str, node: str | None, reason: str, created: bool = False) -> Verdict:
        return Verdict(action, node, reason, {name: reasons[name] for name in members}, created)

    if refusals := list(_bad_input(members, known, purpose, force)):
        return verdict("refuse", None, " ".join(refusals))
    live = [member for member in known if member.primary]
    if live:
        if refusals := list(_against_joining(known, live)):
            return verdict("refuse", None, " ".join(refusals))
        unneeded = f" {force} was named to be bootstrapped, which is not needed." if force else ""
        return verdict("join", live[0].name, f"The cluster is live on {_names(live)}: the others join it.{unneeded}")
    running = [member for member in known if member.running]
    if len(running) == 1 and running[0].starting and not missing:
        created = purpose == "create" and all(member.blank for member in known if member not in running)
        return verdict("bootstrap", running[0].name, f"{running[0].name} is being bootstrapped already.", created)
    if purpose == "create":
        objections = list(_against_creating(known, missing))
        if objections:
            return verdict("refuse", None, " ".join(objection.text for objection in objections))
        node = force or members[0]
        return verdict("bootstrap", node, f"All members are empty: {node} begins the cluster.", created=True)
    if purpose == "start":
        return _start(known, missing, stopped_last, verdict)
    if running and force not in [member.name for member in running] and (force or not missing):
        told = f"{_names(running)} {'run' if len(running) > 1 else 'runs'} without a Primary Component"
        return verdict("settle", None, f"{told}, and can only be compared with the others when stopped.")
    return _recover(known, missing, force, verdict)


def _start(
    known: list[Member], missing: list[str], stopped_last: str | None, verdict: Callable[..., Verdict]
) -> Verdict:
    if unclean := list(_against_starting(known)):
        return verdict("refuse", None, " ".join([*(told.text for told in _against_silence(missing)), *unclean]))
    found = _recover(known, missing, None, verdict)
    if stopped_last and found.action == "bootstrap" and found.node != stopped_last:
        return verdict(
            "refuse",
            None,
            f"The record of the last stop names {stopped_last} as the last node, but by the positions it is "
            f"{found.node}: {found.reason} A node ran in between. Run the recover playbook, which shows all positions.",
        )
    return found


def _recover(known: list[Member], missing: list[str], force: str | None, verdict: Callable[..., Verdict]) -> Verdict:
    objections = list(_against_recovering(known, missing, force))
    standing = [objection.text for objection in objections if not (force and objection.forceable)]
    if standing:
        return verdict("refuse", None, " ".join(standing))
    if force:
        over = " ".join(["It was decided against these objections:", *(objection.text for objection in objections)])
        chosen = next(member for member in known if member.name == force)
        at = f"at {chosen.position}" if chosen.position.known else "at an unknown position"
        return verdict(
            "bootstrap", force, f"{force}, {at}, was named by the operator. {over if objections else ''}".strip()
        )
    # max() keeps the first of equals, which is inventory order.
    best = max(_candidates(known), key=lambda member: (member.position.seqno, member.safe_to_bootstrap))
    equals = [member for member in known if member.position == best.position]
    if len(equals) == 1:
        why = "the highest position of all members"
    elif best.safe_to_bootstrap:
        why = f"a position that {_names(equals)} share, and the one that is safe to bootstrap"
    else:
        why = f"a position that {_names(equals)} share, and the first of them"
    return verdict("bootstrap", best.name, f"{best.name} is at {best.position}, {why}.")


def _bad_input(members: Sequence[str], known: list[Member], purpose: str, force: str | None) -> Iterator[str]:
    if purpose not in PURPOSES:
        yield f"The purpose is '{purpose}': say create or recover."
    if not members:
        yield "The cluster has no members: name them."
    if len(set(members)) < len(members):
        yield f"A member is named twice among {', '.join(members)}: name each once."
    if force and force not in members:
        yield f"{force} was named to be bootstrapped, but it is no member: name one of {', '.join(members)}."
    for member in known:
        if member.state not in STATES:
            yield f"{member.name} reports the unknown state '{member.state}': read it again with galera_seqno."


def _against_joining(known: list[Member], live: list[Member]) -> Iterator[str]:
    uuids = {member.position.uuid for member in live}
    if len(uuids) > 1:
        yield (
            f"{_names(live)} are Primary in different clusters ({_positions(live)}): "
            "find out which one the application writes to, stop the other, and save its data before it joins."
        )
        return
    if len(live) > max(member.cluster_size for member in live) > 0:
        sizes = ", ".join(f"{member.name} counts {member.cluster_size}" for member in live)
        yield (
            f"{_names(live)} are Primary without seeing each other ({sizes}): the cluster is split. "
            "Find out which part the application writes to, stop the others, and save their data before they join."
        )
    (uuid,) = uuids
    reached = max(member.position.seqno for member in live)
    for member in known:
        if member.running and member.local_state == "Inconsistent":
            yield (
                f"{member.name} runs, but was put out of the cluster: its data differ from the other nodes'. "
                "To save them, and get the others', run the playbook repair_node."
            )
        elif member.foreign and member.position.uuid not in (uuid, NULL_UUID):
            yield (
                f"{member.name} holds data of another cluster ({member.position.uuid}; {_names(live)} is in {uuid}), "
                "which joining would overwrite: save the data and empty the datadir, or take it out of the inventory."
            )
        elif member.foreign and not member.running and member.position.known and member.position.seqno > reached:
            yield (
                f"{member.name} is at {member.position}, ahead of {_names(live)} (seqno {reached}): "
                "it holds writes that the live cluster lacks; save them and empty the datadir before it joins."
            )
        elif member.foreign and not member.running and member.position.uuid == NULL_UUID:
            yield (
                f"{member.name} holds data that belongs to no cluster, which joining would overwrite: "
                "save the data and empty the datadir, or take the host out of the inventory."
            )


def _against_creating(known: list[Member], missing: list[str]) -> Iterator[Objection]:
    yield from _against_silence(missing)
    running = [member for member in known if member.running]
    stopped = [member for member in known if not (member.running or member.blank)]
    for member in running:
        yield Objection(_not_primary(member) + " Wait until it is, or stop it and run the recover playbook.")
    if stopped:
        hint = " If its first start was interrupted, empty its datadir instead."
        yield Objection(
            f"The cluster is down, and there are data on it ({_positions(stopped)}): run the recover playbook."
            + ("" if any(member.position.known for member in stopped) else hint)
        )


def _against_starting(known: list[Member]) -> Iterator[str]:
    for member in known:
        if member.running:
            yield _not_primary(member) + " This is not a start after a stop: run the recover playbook."
        elif member.state == "crashed":
            yield f"{member.name} was not stopped cleanly, so this is no plain start: run the recover playbook."


def _against_recovering(known: list[Member], missing: list[str], force: str | None) -> Iterator[Objection]:
    yield from _against_silence(missing)
    chosen = next((member for member in known if member.name == force), None)
    if force and not chosen:
        yield Objection(f"{force} was named to be bootstrapped, but it did not report: bring its host back.", False)
    if chosen and (chosen.blank or chosen.sst_in_progress):
        what = "holds no data" if chosen.blank else "holds the half of an interrupted SST"
        yield Objection(f"{chosen.name} was named to be bootstrapped, but {what}: name a node that has data.", False)
    for member in known:
        if member.running:
            yield Objection(
                _not_primary(member) + f" Stop it, or name {member.name} to be bootstrapped.",
                chosen is not None and chosen.running,
            )
    if all(member.blank for member in known) and not missing:
        yield Objection("No member holds data, so there is nothing to recover: run site to create the cluster.", False)
        return
    for member in known:
        yield from _against_member(member)
    candidates = _candidates(known)
    if not candidates:
        yield Objection("No member's position is known: name the node to be bootstrapped, or restore a backup.")
    if len({member.position.uuid for member in candidates}) > 1:
        yield Objection(
            f"The members hold data of different clusters ({_positions(candidates)}): "
            "name the node that has the right data, and save what the others hold."
        )
    yield from _against_flags(known, candidates)


def _against_silence(missing: list[str]) -> Iterator[Objection]:
    if missing:
        yield Objection(
            f"{', '.join(missing)} did not report, and may be live or ahead of the others: "
            f"bring {_them(missing)} back, or take {_them(missing)} out of the inventory."
        )


def _against_member(member: Member) -> Iterator[Objection]:
    name = member.name
    if member.state == "missing":
        yield Objection(f"{name} has no datadir: mount or make it, or name the node to be bootstrapped.")
    elif member.state == "empty":
        yield Objection(
            f"{name} is empty beside members with data: make sure that its disk is mounted, "
            "then name the node to be bootstrapped."
        )
    elif member.sst_in_progress or member.running:
        return
    elif not member.position.known and member.safe_to_bootstrap:
        why = f" {member.error.rstrip('.')}." if member.error else ""
        yield Objection(
            f"{name} says that it is safe to bootstrap, but knows no position (its UUID is {member.position.uuid}, "
            f"its seqno {member.position.seqno}): it began a cluster of its own, or someone wrote its grastate.dat."
            f"{why} Name the node to be bootstrapped."
        )
    elif member.error:
        yield Objection(f"{name}: {member.error.rstrip('.')}. Repair that, or name the node to be bootstrapped.")
    elif not member.position.known:
        yield Objection(
            f"{name} holds data at an unknown position, and may be ahead of the others: "
            "repair it, or name the node to be bootstrapped."
        )


def _against_flags(known: list[Member], candidates: list[Member]) -> Iterator[Objection]:
    safe = [member for member in known if member.safe_to_bootstrap]
    if len(safe) > 1:
        yield Objection(
            f"{_names(safe)} all say that they left the cluster last (safe_to_bootstrap: 1), which only one can: "
            f"name the node to be bootstrapped ({_positions(safe)})."
        )
        return
    for last in safe:
        ahead = [other for other in candidates if other.position.uuid == last.position.uuid]
        ahead = [other for other in ahead if last.position.known and other.position.seqno > last.position.seqno]
        if ahead:
            yield Objection(
                f"{last.name} says that it left the cluster last (safe_to_bootstrap: 1), yet {_names(ahead)} is ahead "
                f"of it ({_positions([last, *ahead])}): one of them ran alone, and their data may differ. "
                "Name the node to be bootstrapped, and save what the others hold."
            )


def _candidates(known: list[Member]) -> list[Member]:
    return [member for member in known if member.position.known and not (member.blank or member.sst_in_progress)]


def _not_primary(member: Member) -> str:
    how = f"{member.cluster_status or 'cluster status unknown'}, {member.local_state or 'state unknown'}"
    why = f": {member.error.rstrip('.')}" if member.error else ""
    return f"{member.name} is running, but is not (yet) part of a Primary Component ({how}){why}."


def _names(members: Sequence[Member]) -> str:
    return " and ".join(member.name for member in members)


def _them(names: Sequence[str]) -> str:
    return "them" if len(names) > 1 else "it"


def _positions(members: Sequence[Member]) -> str:
    return ", ".join(f"{member.name} {member.position}" for member in members)
