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
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import (
    Override,
    before,
    carried_out,
    given_up,
    to_be_replaced,
    unfinished,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    Position,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.report import STATES, Report, strays
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

PURPOSES = ("create", "start", "recover", "restore")


@dataclass(frozen=True)
class Verdict:
    """What is to be done, and why.

    action is bootstrap (node is the member that does), join (nothing is bootstrapped, node is a member of the live
    Primary Component), settle (members run without a Primary Component: stop them and ask again; node is None) or
    refuse (node is None). created says that the bootstrap begins a new, empty cluster; branch that it begins a new
    branch, against objections. warnings are on members that are left alone, abandoned their names.
    """

    action: str
    node: str | None
    reason: str
    reasons: dict[str, str] = field(default_factory=dict)
    created: bool = False
    branch: bool = False
    warnings: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """A sentence or two against a bootstrap, with what to do next. A forced one is overruled by naming a node."""

    text: str
    forceable: bool = True


@dataclass(frozen=True)
class Scene:
    """What an election judges.

    known are the reports that count, abandoned those of hosts whose branch was given up. missing are all members of the
    inventory without a report, silent those of them that belong to the branch by its record; strangers are nodes that
    the record knows and the inventory does not.
    """

    known: list[Report]
    abandoned: list[Report]
    silent: list[str]
    strangers: list[str]
    missing: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        members: Sequence[str],
        reports: Mapping[str, Mapping[str, Any]],
        nodes: Mapping[str, str],
        arbitrators: Sequence[str],
        override: Override | None,
    ) -> Scene:
        reported, resumed = before(members, reports, override)
        found = list(reported.values())
        chosen = override.host if override else None
        latest = max((report.generation for report in found), default=1)
        # Naming a host of an abandoned branch goes back to that branch, and gives up the later one. A host that a
        # killed run did not come to still belongs to those that it decided on.
        abandoned = [
            report
            for report in found
            if report.generation < latest
            and report.name != chosen
            and (report.running or (report.holds_data and not resumed))
        ]
        known = [report for report in found if report not in abandoned]
        named = {report.name: report.node for report in found}
        # Membership is what the nodes recorded, not only what the inventory says today.
        record = {name for report in known if report.generation == latest for name in report.members}
        missing = [name for name in members if name not in named]
        silent = missing
        if record:
            silent = [name for name in missing if nodes.get(name, name) in record or name not in nodes]
        here = {*named.values(), *(nodes.get(name, name) for name in members), *arbitrators}
        return cls(known, abandoned, silent, sorted(record - here), missing)


def elect(
    members: Sequence[str],
    reports: Mapping[str, Mapping[str, Any]],
    purpose: str = "create",
    force: str | None = None,
    stopped_last: str | None = None,
    nodes: Mapping[str, str] | None = None,
    arbitrators: Sequence[str] = (),
    restored: str | None = None,
) -> Verdict:
    """Decide by the reports of the members, which are in order of preference; one without a report was not reached.

    purpose is create (all members are empty), start (all were stopped on purpose, stopped_last as the last one),
    recover (whatever happened) or restore (force is the member with the restored data, restored their UUID). With
    recover, force is an override, such as HOST@UUID:SEQNO: that member is bootstrapped against objections, if
    it still is at that position; one that was carried out is no override any more. nodes are the members' names in the
    group, arbitrators those of voters without data.
    """
    nodes = nodes or {}
    try:
        override = Override.parse(force) if force and purpose == "recover" else None
    except GaleraError as error:
        return Verdict("refuse", None, str(error), _reasons(members, reports))
    done = carried_out(Report.of(override.host, reports.get(override.host) or {}), override) if override else ""
    if done:
        override = force = None
    chosen = override.host if override else force
    scene = Scene.of(members, reports, nodes, arbitrators, override)
    reasons = _reasons(members, reports)
    warnings = tuple(_of_abandoned(scene))
    abandoned = tuple(member.name for member in scene.abandoned)

    def verdict(action: str, node: str | None, reason: str, created: bool = False, branch: bool = False) -> Verdict:
        told = f"{done} {reason}".strip()
        return Verdict(action, node, told, reasons, created, branch, warnings, abandoned)

    if refusals := list(_bad_input(members, scene, purpose, chosen)):
        return verdict("refuse", None, " ".join(refusals))
    if found := _of_live(scene, chosen, verdict) or _of_running(scene, purpose, override, chosen, verdict):
        if done and found.action == "settle":
            # The same words may be true again of a stopped node, and overrule what nobody has read.
            return replace(found, action="refuse", reason=f"{found.reason} Run it without recover_force.")
        return found
    if purpose == "create":
        return _create(members, scene, verdict)
    if purpose == "start":
        return _start(scene, stopped_last, verdict)
    if purpose == "restore":
        return _restore(scene, chosen, restored, verdict)
    return _recover(scene, override, verdict)


def _of_live(scene: Scene, chosen: str | None, verdict: Callable[..., Verdict]) -> Verdict | None:
    """A live Primary Component is never overruled: the others join it, if nothing is lost by that."""
    live = [member for member in scene.known if member.primary]
    if not live:
        return None
    if refusals := list(_against_joining(scene.known, live)):
        return verdict("refuse", None, " ".join(refusals))
    unneeded = f" {chosen} was named to be bootstrapped, which is not needed." if chosen else ""
    return verdict("join", live[0].name, f"The cluster is live on {_names(live)}: the others join it.{unneeded}")


def _of_running(
    scene: Scene, purpose: str, override: Override | None, chosen: str | None, verdict: Callable[..., Verdict]
) -> Verdict | None:
    """Servers that run without a Primary Component are stopped; one that does not say how it is may be Primary."""
    running = [member for member in scene.known if member.running]
    if len(running) == 1 and running[0].starting and not (scene.silent or scene.strangers):
        # After a forced recovery that was killed it runs on the data that the branch begins with.
        new = not (running[0].had_data or running[0].recorded_uuid)
        created = purpose == "create" and new and all(member.blank for member in scene.known if member not in running)
        return verdict("bootstrap", running[0].name, f"{running[0].name} is being bootstrapped already.", created)
    if not running or purpose in ("create", "start"):
        return None
    if refusals := [_may_be_primary(member) for member in running if member.unknown]:
        return verdict("refuse", None, " ".join(refusals))
    if not chosen and (scene.silent or scene.strangers):
        return None
    # Before anything is stopped for it.
    named = [member for member in running if override and member.name == chosen and Override.of(member) != override]
    if named and named[0].candidate:
        return verdict("refuse", None, _not_there(named[0], override))
    told = f"{_names(running)} {'run' if len(running) > 1 else 'runs'} without a Primary Component"
    return verdict(
        "settle",
        None,
        f"{told}, and can only be compared with the others when stopped. Until the end of the recovery nobody can "
        "read from there.",
    )


def _reasons(members: Sequence[str], reports: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {
        name: str(Report.of(name, reports[name]))
        if reports.get(name)
        else f"{name} did not report: its host was not reached."
        for name in members
    }


def _create(members: Sequence[str], scene: Scene, verdict: Callable[..., Verdict]) -> Verdict:
    if objections := list(_against_creating(scene)):
        return verdict("refuse", None, " ".join(objections))
    return verdict("bootstrap", members[0], f"All members are empty: {members[0]} begins the cluster.", created=True)


def _start(scene: Scene, stopped_last: str | None, verdict: Callable[..., Verdict]) -> Verdict:
    if unclean := list(_against_starting(scene.known)):
        silence = [told.text for told in _against_silence(scene)]
        return verdict("refuse", None, " ".join([*silence, *unclean]))
    found = _recover(scene, None, verdict)
    if "recover_force=" in found.reason:
        return replace(found, reason=f"{found.reason} Only the playbook recover takes these words.")
    if stopped_last and found.action == "bootstrap" and found.node != stopped_last:
        return verdict(
            "refuse",
            None,
            f"The record of the last stop names {stopped_last} as the last node, but by the positions it is "
            f"{found.node}: {found.reason} A node ran in between. Run the recover playbook, which shows all positions.",
        )
    return found


def _restore(scene: Scene, chosen: str | None, restored: str | None, verdict: Callable[..., Verdict]) -> Verdict:
    """The restored data have a history of their own already, so nothing else can be taken for them."""
    for member in scene.known:
        if member.name == chosen and restored and member.position.uuid == restored.lower() and member.holds_data:
            return verdict("bootstrap", member.name, f"{member.name} has the restored data, at {member.position}.")
    return verdict(
        "refuse",
        None,
        f"{chosen} does not hold the restored data ({restored}): run restore again, with the same point.",
    )


def _recover(scene: Scene, override: Override | None, verdict: Callable[..., Verdict]) -> Verdict:
    chosen = next((member for member in scene.known if override and member.name == override.host), None)
    objections = list(_against_recovering(scene, override, chosen))
    standing = [objection.text for objection in objections if not (override and objection.forceable)]
    if standing:
        return verdict("refuse", None, " ".join([*standing, *_way_out(scene, override, objections)]))
    if override and chosen:
        over = " ".join(["It was decided against these objections:", *(objection.text for objection in objections)])
        at = f"at {chosen.position}" if chosen.position.known else "at an unknown position"
        branch = bool(objections) or chosen.decision == str(override)
        reason = f"{chosen.name}, {at}, was named by the operator. {over if objections else ''}".strip()
        if branch:
            reason += " It begins a new branch of the cluster, under another UUID and group name. " + _cannot_be_fenced(
                [*scene.missing, *scene.strangers]
            )
        return verdict("bootstrap", chosen.name, reason.strip(), branch=branch)
    # max() keeps the first of equals, which is inventory order. Who wrote down one view more knows more.
    best = max(
        _candidates(scene.known),
        key=lambda member: (member.position.seqno, member.safe_to_bootstrap, len(member.views)),
    )
    equals = [member for member in scene.known if member.position == best.position]
    if len(equals) == 1:
        why = "the highest position of all members"
    elif best.safe_to_bootstrap:
        why = f"a position that {_names(equals)} share, and the one that is safe to bootstrap"
    elif len(best.views) > len(equals[0].views):
        why = f"a position that {_names(equals)} share, and the one that wrote down the last view"
    else:
        why = f"a position that {_names(equals)} share, and the first of them"
    return verdict("bootstrap", best.name, f"{best.name} is at {best.position}, {why}.")


def _way_out(scene: Scene, override: Override | None, objections: list[Objection]) -> Iterator[str]:
    """How a person overrules what can be overruled."""
    if override or any(not objection.forceable for objection in objections):
        return
    begun = {member.branch_uuid for member in scene.known if member.served}
    able = [member for member in scene.known if member.holds_data and not member.unknown]
    able = [member for member in able if not any(to_be_replaced(member, uuid) for uuid in begun)]
    # The most advanced first.
    able.sort(key=lambda member: -member.position.seqno if member.candidate else 1)
    if names := [str(Override.of(member)) for member in able]:
        yield (
            "To begin a new branch of the cluster from one of them in spite of that, and give up what only others hold,"
            f" name it as it is now: recover_force={' or recover_force='.join(names)}."
        )


def _cannot_be_fenced(absent: Sequence[str]) -> str:
    if not absent:
        return ""
    return (
        f"A host that cannot be reached cannot be fenced by anybody: power off {joined(absent)}, or keep "
        f"{_them(absent)} from the network, until {'they are' if len(absent) > 1 else 'it is'} taken in by repair_node."
    )


def _bad_input(members: Sequence[str], scene: Scene, purpose: str, chosen: str | None) -> Iterator[str]:
    if purpose not in PURPOSES:
        yield f"The purpose is '{purpose}': name one of {', '.join(PURPOSES)}."
    if not members:
        yield "The cluster has no members: name them."
    if len(set(members)) < len(members):
        yield f"A member is named twice among {', '.join(members)}: name each once."
    if chosen and chosen not in members:
        yield f"{chosen} was named to be bootstrapped, but it is no member: name one of {', '.join(members)}."
    for member in scene.known:
        if member.state not in STATES:
            yield f"{member.name} reports the unknown state '{member.state}': read it again with galera_seqno."
        elif member.state == "elsewhere":
            yield f"{member.name}: {member.error or 'its node has its data on another path than mariadb_datadir.'}"
    for member in scene.abandoned:
        yield from _against_serving(member)


def _against_serving(abandoned: Report) -> Iterator[str]:
    """Nobody is to serve from data that were given up."""
    name, which = abandoned.name, f"branch {abandoned.generation} of the cluster, which was given up"
    if abandoned.state == "elsewhere":
        yield f"{name} holds {which}. {abandoned.error}"
    elif abandoned.primary:
        yield (
            f"{name} is Primary in {which}: stop it (docker stop {abandoned.node} on {name}), and take it in with the "
            "playbook repair_node."
        )


def _of_abandoned(scene: Scene) -> Iterator[str]:
    latest = max(scene.known, key=lambda member: member.generation, default=None)
    for member in scene.abandoned:
        told = given_up(member, latest) if latest else f"{member.name} holds a branch that was given up."
        yield f"{told} It is left alone: repair_node -e repair_node_host={member.name} takes it in and keeps its data."


def _against_joining(known: list[Report], live: list[Report]) -> Iterator[str]:
    uuids = {member.position.uuid for member in live}
    if len(uuids) > 1:
        yield (
            f"{_names(live)} are Primary in different clusters ({_positions(live)}): "
            "find out which one the application writes to, stop the other, and save its data before it joins."
        )
        return
    if sentence := split(live):
        yield sentence
    (uuid,) = uuids
    reached = Position(uuid, max(member.position.seqno for member in live))
    for member in known:
        if member.primary:
            continue
        yield from _against_member_joining(member, live, reached)
    of_it = [member for member in known if not member.running and member.position.uuid == uuid]
    for member in strays(live, [*of_it, *(member for member in known if to_be_replaced(member, uuid))]):
        yield (
            f"{member.name} {_apart(live)}. Run repair_node -e repair_node_host={member.name}, which keeps the datadir."
        )


def split(live: Sequence[Report]) -> str:
    """A sentence on Primary nodes that do not see each other; empty where there are none."""
    pairs = [(one, two) for number, one in enumerate(live) for two in live[number + 1 :] if one.apart(two)]
    sizes = [member.cluster_size for member in live]
    if pairs:
        told = ", ".join(f"{one.name} and {two.name}" for one, two in pairs)
        told = f"{told} are not among each other's members"
    elif live and len(live) > max(sizes) > 0:
        told = ", ".join(f"{member.name} counts {member.cluster_size}" for member in live)
    else:
        return ""
    return (
        f"{_names(live)} are Primary without seeing each other ({told}): the cluster is split. Find out which part the "
        "application writes to, stop the nodes of the other part by name (docker stop), and let repair_node take them "
        "in: it keeps their datadirs."
    )


def _against_member_joining(member: Report, live: list[Report], reached: Position) -> Iterator[str]:
    name, keep = member.name, f"Run repair_node -e repair_node_host={member.name}, which keeps the datadir."
    if member.running and member.local_state == "Inconsistent":
        yield f"{name} runs, but was put out of the cluster: its data differ from the other nodes'. {keep}"
    elif member.emptied:
        yield (
            f"{name}: its datadir is empty, but its node had data. Is its disk mounted? "
            f"If the data are lost, run repair_node -e repair_node_host={name}."
        )
    elif member.disowned:
        yield f"{name} was put out of the cluster, or a state transfer to it failed: {_why(member)}. {keep}"
    elif member.foreign(reached.uuid):
        yield from _against_history(member, live, keep)
    elif member.unknown:
        yield _may_be_primary(member)
    elif not member.running:
        yield from _against_position(member, live, reached, keep)


def _against_history(member: Report, live: list[Report], keep: str) -> Iterator[str]:
    """Its data are of another history than those of the live ones."""
    if to_be_replaced(member, live[0].position.uuid):
        return
    if member.half_begun:
        yield (
            f"{member.name} holds data of the branch before this one ({member.position}), which joining would "
            f"overwrite. {keep}"
        )
    else:
        yield (
            f"{member.name} holds data of another cluster ({member.position.uuid}; {_names(live)} is in "
            f"{live[0].position.uuid}), which joining would overwrite: check that the right disk is mounted, or take "
            "the host out of the group."
        )


def _against_position(member: Report, live: list[Report], reached: Position, keep: str) -> Iterator[str]:
    name = member.name
    if more := member.ahead(reached):
        yield (
            f"{name} is at {member.position}, {more} ahead of {_names(live)} (seqno {reached.seqno}): "
            f"it holds writes that the live cluster lacks. {keep}"
        )
    elif member.unreadable:
        yield f"{name} holds data at an unknown position, which joining may overwrite: {_why(member)}. {keep}"
    elif member.holds_data and member.position.uuid == NULL_UUID:
        yield f"{name} holds data that belongs to no cluster, which joining would overwrite. {keep}"


def _against_creating(scene: Scene) -> Iterator[str]:
    yield from (objection.text for objection in _against_silence(scene))
    yield from (f"{warning} Nothing is created where a cluster was." for warning in _of_abandoned(scene))
    stopped = [member for member in scene.known if not member.running and member.holds_data]
    new = all(member.position.uuid == NULL_UUID and not (member.had_data or member.members) for member in stopped)
    for member in scene.known:
        if member.running:
            yield _not_primary(member) + " Wait until it is, or stop it and run the recover playbook."
        elif member.emptied or (member.blank and member.had_data):
            yield (
                f"{member.name}: its datadir is empty, but its node had data. Is its disk mounted? "
                "Nothing is created where a cluster was."
            )
        elif member.sst_in_progress:
            yield f"{member.name} holds the half of an interrupted SST: run the recover playbook."
    if stopped:
        hint = (
            f" If the very first start of {_names(stopped)} was interrupted, rename {_its(stopped)} "
            f"(mv DATADIR DATADIR.kept-first), and run this again."
        )
        yield (
            f"The cluster is down, and there are data on it ({_positions(stopped)}): run the recover playbook."
            + (hint if new else "")
        )


def _against_starting(known: list[Report]) -> Iterator[str]:
    for member in known:
        if member.running:
            yield _not_primary(member) + " This is not a start after a stop: run the recover playbook."
        elif member.state == "crashed":
            yield f"{member.name} was not stopped cleanly, so this is no plain start: run the recover playbook."


def _against_recovering(scene: Scene, override: Override | None, chosen: Report | None) -> Iterator[Objection]:
    known = scene.known
    yield from _against_silence(scene)
    if override and not chosen:
        yield Objection(
            f"{override.host} was named to be bootstrapped, but it did not report: bring its host back.", False
        )
    if chosen and override:
        yield from _against_override(chosen, override)
    for member in known:
        if member.running:
            yield Objection(
                _not_primary(member) + " It is stopped before it is compared with the others.", not override
            )
    if not any(member.holds_data or member.sst_in_progress for member in known) and not scene.silent:
        yield Objection(_nothing_to_recover(scene), False)
        return
    yield from _against_unfinished(known, override)
    for member in known:
        yield from _against_chosen(member, known) if member is chosen else _against_member(member)
    candidates = _candidates(known)
    if not candidates:
        yield Objection("No member's position is known: name the node to be bootstrapped, or restore a backup.")
    if len({member.position.uuid for member in candidates}) > 1:
        yield Objection(
            f"The members hold data of different clusters ({_positions(candidates)}): "
            "name the node that has the right data."
        )
    yield from _against_strays(candidates)
    yield from _against_flags(known, candidates)


def _against_unfinished(known: list[Report], override: Override | None) -> Iterator[Objection]:
    """The old history must not go on in the group of the branch that was to replace it."""
    begun = [member for member in known if unfinished(member)]
    if any(member.served for member in known):
        return
    for decision in sorted({member.decision for member in begun} - {str(override)}):
        yield Objection(
            f"A forced recovery was begun on {_names([member for member in begun if member.decision == decision])} and "
            f"did not end: run recover again with the same recover_force={decision}."
        )


def _against_override(chosen: Report, override: Override) -> Iterator[Objection]:
    """Whether the words of the override are true of the member now, or were when a run that was killed began."""
    if chosen.emptied or not chosen.holds_data:
        what = "holds the half of an interrupted SST" if chosen.sst_in_progress else "holds no data"
        yield Objection(f"{chosen.name} was named to be bootstrapped, but {what}: name a node that has data.", False)
    elif not chosen.running and Override.of(chosen) != override:
        yield Objection(_not_there(chosen, override), False)


def _not_there(chosen: Report, override: Override | None) -> str:
    if override and Override.of(chosen) == replace(override, again=chosen.generation):
        return (
            f"recover_force={override} began branch {chosen.generation}, and overrules nothing more. If it is to begin "
            f"another one, name recover_force={Override.of(chosen)}."
        )
    return (
        f"recover_force names {override}, but {chosen.name} is at "
        f"{chosen.position if chosen.candidate else 'an unknown position'} now: look at the plan again. If that is "
        f"still what you want, name recover_force={Override.of(chosen)}."
    )


def _against_chosen(chosen: Report, known: list[Report]) -> Iterator[Objection]:
    if chosen.disowned or not chosen.position.known:
        yield Objection(f"{chosen.name}: {_why(chosen)}. What it holds cannot be compared with the others' data.")
    elif chosen.error:
        yield Objection(f"{chosen.name}: {chosen.error.rstrip('.')}.")
    for member in known:
        if member is not chosen and (more := member.ahead(chosen.position)):
            yield Objection(
                f"{member.name} is {more} write set{'s' * (more > 1)} ahead of {chosen.name} "
                f"({member.position}): acknowledged writes would be given up."
            )
    if chosen.generation < max(member.generation for member in known):
        yield Objection(f"{chosen.name} holds branch {chosen.generation}, which was given up for a later one.")


def _nothing_to_recover(scene: Scene) -> str:
    if scene.abandoned:
        named = " or recover_force=".join(str(Override.of(member)) for member in scene.abandoned)
        return (
            f"No member of the latest branch holds data, and {_names(scene.abandoned)} those of a branch that was "
            "given up. Make sure that the disks of the others are mounted. To go back to the older branch, name "
            f"recover_force={named}."
        )
    if emptied := [member for member in scene.known if member.emptied]:
        return (
            f"No member holds data now, but {_names(emptied)} had: make sure that the disks are mounted, and run this "
            "again. Do not run site: it would not find the cluster either."
        )
    return "No member holds data, nor a trace of any, so there is nothing to recover: run site to create the cluster."


def _against_silence(scene: Scene) -> Iterator[Objection]:
    if scene.silent:
        yield Objection(
            f"{', '.join(scene.silent)} did not report, and may be live or ahead of the others: "
            f"bring {_them(scene.silent)} back."
        )
    if scene.strangers:
        witnesses = [member for member in scene.known if set(scene.strangers) & set(member.members)]
        yield Objection(
            f"{joined(scene.strangers)} {'are' if len(scene.strangers) > 1 else 'is'} in the cluster by the record of "
            f"{_names(witnesses)}, and no host of the inventory has {_them(scene.strangers)}: taking a host out of the "
            "inventory takes no vote away. Put it back, and bring it back."
        )


def _against_member(member: Report) -> Iterator[Objection]:
    name = member.name
    if member.never_filled:
        return
    if member.emptied:
        yield Objection(f"{name}: its datadir is empty, but its node had data. Is its disk mounted?")
    elif member.state == "missing":
        yield Objection(f"{name} has no datadir: mount or make it.")
    elif member.state == "empty":
        yield Objection(f"{name} is empty beside members with data. Is its disk mounted?")
    elif member.sst_in_progress or member.running:
        return
    elif not member.position.known and member.safe_to_bootstrap:
        why = f" {member.error.rstrip('.')}." if member.error else ""
        yield Objection(
            f"{name} says that it is safe to bootstrap, but knows no position (its UUID is {member.position.uuid}, "
            f"its seqno {member.position.seqno}): it began a cluster of its own, or someone wrote its grastate.dat."
            f"{why}"
        )
    elif member.error:
        yield Objection(f"{name}: {member.error.rstrip('.')}. Repair that.")
    elif not member.position.known:
        yield Objection(f"{name} holds data at an unknown position, and may be ahead of the others: repair it.")


def _apart(others: Sequence[Report]) -> str:
    return (
        f"was last in a Primary Component of which no record of {_names(others)} tells: the cluster was split, and "
        "their data may differ at the same sequence numbers"
    )


def _against_strays(candidates: list[Report]) -> Iterator[Objection]:
    # Of a view that only one of two had written down when the power went, that one knows more.
    best = max(candidates, key=lambda member: (member.position.seqno, len(member.views)), default=None)
    others = [member for member in candidates if best and member.position.uuid == best.position.uuid]
    if best and (apart := strays([best], others)):
        rest = [member for member in others if member not in apart]
        yield Objection(f"{_names(apart)} {_apart(rest)}: name the node that has the right data.")


def _against_flags(known: list[Report], candidates: list[Report]) -> Iterator[Objection]:
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


def _candidates(known: list[Report]) -> list[Report]:
    return [member for member in known if member.candidate]


def _not_primary(member: Report) -> str:
    how = f"{member.cluster_status or 'cluster status unknown'}, {member.local_state or 'state unknown'}"
    why = f": {member.error.rstrip('.')}" if member.error else ""
    return f"{member.name} is running, but is not (yet) part of a Primary Component ({how}){why}."


def _may_be_primary(member: Report) -> str:
    why = f" ({member.error.rstrip('.')})" if member.error else ""
    return (
        f"{member.name}: the server of {member.node} runs and does not say how it is{why}: it may be Primary and take "
        f"writes. Wait until it answers. If it never does, look at docker logs {member.node}, stop it there "
        f"(docker stop {member.node}), and run this again."
    )


def _why(member: Report) -> str:
    return member.error.rstrip(".") if member.error else "its position is unknown"


def _names(members: Sequence[Report]) -> str:
    return joined([member.name for member in members])


def _its(members: Sequence[Report]) -> str:
    return "their datadirs" if len(members) > 1 else "its datadir"


def _them(names: Sequence[str]) -> str:
    return "them" if len(names) > 1 else "it"


def _positions(members: Sequence[Report]) -> str:
    return ", ".join(f"{member.name} {member.position}" for member in members)
