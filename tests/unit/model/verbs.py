# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, as rows of steps in the simulated world: what they read, in which order, and what the judgement says.

A verb is a generator: it yields a word after each step, so that a test can end a run between any two, or let a fault
happen there. Refused is what an operator reads when a verb does not do what it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils import _repair, _scaling
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model import branch as branches
from ansible_collections.dbops.galera.plugins.module_utils._model import checks, election, start
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import (
    ASIDE,
    KEEP,
    LEAD,
    REPLACE,
    Branch,
    Override,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import LEAVING, MEMBER, Cluster, Run
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import Host as InventoryHost
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report

from tests.unit.model.hosts import BY_HAND, DATA, EMPTIED, GARBD, MARIADB0, NODE, Broken, Component, Host
from tests.unit.model.world import CLUSTER, MOUNT, ROOT_DISK, World, names_something

Steps = Iterator[str]


class Refused(Exception):
    """A verb ends with a sentence, before or in the middle of its work."""


class Stuck(Refused):
    """What a verb waited for did not come, or a host went away under it."""


@dataclass
class Play:
    """What one run of a playbook knows."""

    verb: str
    present: list[str]
    branch: Branch
    force: str = ""
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    verdict: election.Verdict | None = None
    # By the hosts' records, as long as there is no verdict on their positions.
    given_up: list[str] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)

    @property
    def judged(self) -> election.Verdict:
        if self.verdict is None:
            raise Refused("no verdict")
        return self.verdict


@dataclass
class Judgement:
    """The functions of _model that playbooks and nodes go by; a test takes guards out of them here.

    asks: whether the elected host asks the silent ones itself. reads_again: whether what is stopped for a recovery is
    read in the same moment. at_rest: whether a branch begins on data at rest only.
    """

    decide: Callable[[start.Facts], start.Start] = start.decide
    elect: Callable[..., election.Verdict] = election.elect
    begin: Callable[..., Any] = branches.begin
    repair: Callable[..., Any] = _repair.decide
    judge: Callable[..., checks.Verdict] = checks.judge
    asks: bool = True
    reads_again: bool = True
    at_rest: bool = True


class Verbs:
    """An operator at the controller of a world."""

    def __init__(self, world: World, judgement: Judgement | None = None) -> None:
        self.world = world
        self.model = judgement or Judgement()
        world.decide = self.model.decide
        # What an operator has read: overrides that a plan named, or that were used.
        self.words: list[str] = []

    # The verbs.

    def site(self, verb: str = "site") -> Steps:
        play = self._enter(verb)
        yield "entered"
        yield from self._cluster(play)

    def start(self) -> Steps:
        play = self._enter("start")
        yield "entered"
        last = self._recalled(play)
        self._read(play)
        self._judge(play, "start", stopped_last=last)
        yield "judged"
        self._give_way(play)
        yield from self._bootstrap(play, "start", stopped_last=last)
        self._arbitrators(play)
        yield from self._rolling(play)
        self._forget(play)
        yield "forgotten"

    def stop(self) -> Steps:
        world = self.world
        play = self._enter("stop")
        yield "entered"
        self._read(play, recover=False)
        running = self._in_order(play)
        for name in running[:-1]:
            yield from self._halt(name)
        for name in play.present:
            if world.hosts[name].arbitrator:
                world.stop_container(world.hosts[name])
        for name in running[-1:]:
            yield from self._halt(name)
        self._read(play, recover=False)
        verdict = self._judge(play, "start")
        if verdict.node and not play.reports[verdict.node].get("safe_to_bootstrap"):
            raise self._refused(f"{verdict.node} stopped last, and its grastate.dat does not say safe_to_bootstrap: 1.")
        for name in world.inventory:
            host = self._touch(name)
            host.stopped, host.stopped_at = verdict.node, world.now()
            yield f"recorded {name}"

    def restart(self, name: str) -> Steps:
        play = self._enter("restart")
        yield "entered"
        self._read(play, recover=False)
        self._in_order(play)
        for member in self.world.inventory:
            if play.reports[member]["state"] != "running":
                raise self._refused(f"{member}: while a node is down no other is restarted.")
        play.steps = {name: "roll"}
        yield from self._rolling(play)

    def plan(self, force: str = "") -> Steps:
        """recover without confirmation: it shows, and changes nothing."""
        play = self._enter("recover", unreachable=True, force=force)
        self._read(play)
        yield "read"
        self._judge(play, "recover", force)

    def recover(self, force: str = "") -> Steps:
        """With recover_confirm=yes."""
        play = self._enter("recover", unreachable=True, force=force)
        yield "entered"
        self._read(play)
        self._judge(play, "recover", force)
        yield "judged"
        self._give_way(play)
        yield "gave way"
        yield from self._settle(play, force)
        if play.judged.branch:
            yield from self._branch(play)
        yield from self._bootstrap(play, "recover", force)
        self._arbitrators(play)
        yield "arbitrators"
        yield from self._rolling(play)
        self._forget(play)
        if play.judged.branch or (play.branch.generation > 1 and not play.branch.ended):
            yield from self._record(play, [name for name in self.world.inventory if name in play.present])

    def repair_node(self, name: str) -> Steps:
        world = self.world
        play = self._enter("repair_node", repaired=name)
        yield "entered"
        self._read(play, recover=False)
        if problems := _repair.problems(name, world.inventory, play.reports):
            raise self._refused(" ".join(problems))
        host = self._touch(name)
        if host.process:
            world.settle()
            if host.process and host.process.synced:
                return
        yield "waited"
        self._stop(host, NODE)
        yield "stopped"
        failed = ""
        for _attempt in range(2):
            method = yield from self._choose(play, host, failed)
            self._stop(host, MARIADB0)
            world.start_container(self._touch(name))
            yield "started"
            world.settle()
            if host.process and host.process.synced:
                return
            if method == "SST":
                break
            self._stop(host, NODE)
            failed = f"{host.node} did not come back."
        raise self._stuck(f"{name}: {host.node} did not come back by {method}.")

    def remove_node(self, name: str) -> Steps:
        """The host is in the group leaving, or was put there just now."""
        world = self.world
        if name in world.inventory:
            world.inventory.remove(name)
            world.leaving.append(name)
        try:
            play = self._enter("remove_node", unreachable=True)
            hosts = self._scale(play, "remove_node")
        except Refused:
            # Nothing was changed, so the operator takes the inventory back.
            world.leaving.remove(name)
            world.inventory = sorted([*world.inventory, name])
            raise
        yield "entered"
        for leaving in hosts:
            host = self._touch(leaving)
            running = host.process is not None
            if running:
                self._wait_whole(play, len(world.inventory) + len(world.arbitrators) + 1)
                self._stop(host, host.process.part if host.process else NODE)
                yield "departed"
                left = world.report(leaving, recover=False)
                if left["state"] != "stopped":
                    raise self._refused(f"{leaving}: {host.node} was stopped, and is {left['state']}.")
            host.container = False
            yield "containers removed"
            if host.data.kind != EMPTIED:
                world.move_aside(host)
            host.record, host.stopped, host.started = type(host.record)(), None, None
            yield "kept"
        play.branch = self._branch_of(play)
        yield from self._cluster(play)
        if name in world.leaving:
            world.leaving.remove(name)

    def add_node(self, name: str) -> Steps:
        world = self.world
        if name not in world.inventory:
            world.inventory.append(name)
        play = self._enter("add_node")
        yield "entered"
        self._scale(play, "add_node")
        yield from self._cluster(play)

    # Stages of several playbooks.

    def _enter(self, verb: str, unreachable: bool = False, force: str = "", repaired: str = "") -> Play:
        """Who is there, and what the hosts carry."""
        world = self.world
        concerned = [*world.inventory, *world.leaving, *world.arbitrators]
        present = [name for name in concerned if world.hosts[name].reachable]
        silent = [name for name in concerned if name not in present]
        if silent and not unreachable:
            raise self._refused(f"{', '.join(silent)}: unreachable. Nothing was changed anywhere.")
        if world.leaving and verb not in ("remove_node", "replace_node"):
            raise self._refused(f"{', '.join(world.leaving)}: in the group leaving.")
        play = Play(verb, present, Branch(CLUSTER), force)
        cluster = self._cluster_of(verb, force, repaired)
        play.given_up = cluster.abandoned
        verdict = self.model.judge(cluster)
        if verdict.problems:
            raise self._refused(" ".join(verdict.problems))
        play.branch = verdict.branch
        return play

    def _branch_of(self, play: Play) -> Branch:
        """galera_branch stays what it was when the run began."""
        return play.branch

    def _cluster_of(self, verb: str, force: str, repaired: str) -> Cluster:
        world = self.world
        concerned = [*world.inventory, *world.leaving, *world.arbitrators]
        hosts = [
            InventoryHost(
                name,
                frozenset({"arbitrator" if host.arbitrator else LEAVING if name in world.leaving else MEMBER}),
                node="" if host.arbitrator else host.node,
                bootstrap_container="" if host.arbitrator else MARIADB0,
                root="/containers",
                datadir=f"{MOUNT}/{host.node}",
                told=world.traces(name) if host.reachable and not host.arbitrator else None,
            )
            for name, host in ((name, world.hosts[name]) for name in concerned)
        ]
        return Cluster(CLUSTER, tuple(hosts), Run(verb, tuple(concerned), forced=force, repaired=repaired))

    def _members(self, play: Play) -> list[Host]:
        return [self._touch(name) for name in self.world.inventory if name in play.present]

    def _touch(self, name: str) -> Host:
        """A task is about to run on a host."""
        host = self.world.hosts[name]
        if not host.reachable:
            raise self._stuck(f"{name}: unreachable in the middle of the run.")
        return host

    def _read(self, play: Play, recover: bool = True) -> None:
        play.reports = {host.name: self.world.report(host.name, recover) for host in self._members(play)}

    def _elect(self, play: Play, purpose: str, force: str = "", stopped_last: str | None = None) -> election.Verdict:
        world = self.world
        verdict = self.model.elect(
            list(world.inventory),
            play.reports,
            purpose,
            force or None,
            stopped_last,
            nodes={name: world.hosts[name].node for name in world.inventory},
            arbitrators=["garbd"] if world.arbitrators else [],
        )
        play.verdict = verdict
        if verdict.action == "refuse":
            raise self._refused(verdict.reason)
        if verdict.action == "bootstrap" and verdict.branch and verdict.node:
            self._ask(play, self._touch(verdict.node))
        return verdict

    def _judge(self, play: Play, purpose: str, force: str = "", stopped_last: str | None = None) -> election.Verdict:
        """The plan that a person sees, positions and overrides in it."""
        for name, report in play.reports.items():
            if str(word := Override.of(Report.of(name, report))) not in self.words:
                self.words.append(str(word))
        return self._elect(play, purpose, force, stopped_last)

    def _ask(self, play: Play, elected: Host) -> None:
        """The elected host asks the members that the controller did not reach."""
        if not self.model.asks:
            return
        concerned = dict.fromkeys([*self.world.inventory, *elected.peers])
        silent = [name for name in concerned if name not in play.reports]
        group = play.branch.group
        alive = [name for name in silent if self.world.answer(elected, name, group) != "silent"]
        if alive:
            raise self._refused(
                f"{' and '.join(alive)}: a node answers there, though the controller does not reach it."
            )

    def _cluster(self, play: Play) -> Steps:
        """playbooks/cluster.yml"""
        world = self.world
        if len(world.inventory) < 2:
            raise self._refused(f"{', '.join(world.inventory)}: the cluster {CLUSTER} has one node.")
        yield from self._settings(play, self._members(play))
        self._read(play)
        yield "read"
        yield from self._bootstrap(play, "create")
        self._arbitrators(play)
        yield "arbitrators"
        yield from self._rolling(play)
        yield from self._record(play, world.inventory)

    def _settings(self, play: Play, hosts: Sequence[Host]) -> Steps:
        """The role's main: directories, and settings with group name and addresses."""
        for host in [self._touch(host.name) for host in hosts]:
            host.record.made = True
            host.group, host.peers = play.branch.group, tuple(self.world.inventory)
            yield f"settings of {host.name}"

    def _bootstrap(self, play: Play, purpose: str, force: str = "", stopped_last: str | None = None) -> Steps:
        """roles/mariadb/tasks/bootstrap.yml"""
        world = self.world
        for host in self._members(play):
            host.container = True
        verdict = self._elect(play, purpose, force, stopped_last)
        if verdict.action == "bootstrap" and verdict.node:
            yield from self._mariadb0(self._touch(verdict.node), verdict)
        for host in self._members(play):
            report = play.reports[host.name]
            elected = verdict.action == "bootstrap" and verdict.node == host.name
            step = "join" if report.get("cluster_status") != "Primary" else "steady"
            if host.name in verdict.abandoned:
                step = "steady"
            elif elected or report.get("bootstrap"):
                step = "swap"
            play.steps[host.name] = step
        if verdict.created and world.uuid == NULL_UUID:
            world.uuid = self._touch(str(verdict.node)).data.uuid
        yield "bootstrapped"

    def _mariadb0(self, host: Host, verdict: election.Verdict) -> Steps:
        """The bootstrap container on the elected node's datadir."""
        world = self.world
        if host.process and host.process.part != MARIADB0:
            raise self._refused(f"{host.node} runs on {host.name}: stop it first.")
        if verdict.created and world.owed:
            raise Broken(f"A new cluster begins, and acknowledged writes are left behind: {sorted(world.owed)}.")
        own = Branch.read(CLUSTER, host.record.branch)
        if world.twins and not verdict.branch and own.uuid != NULL_UUID and own.uuid != world.uuid:
            world.group, world.uuid = own.group, own.uuid
            world.owed &= host.data.content
        if not host.process:
            grastate = host.data.grastate
            if grastate and grastate.uuid != NULL_UUID:
                host.data.grastate = type(grastate)(grastate.uuid, grastate.seqno, True)
                yield "safe to bootstrap"
            elif host.data.kind == DATA:
                raise self._refused(
                    f"{host.node} has data, but its grastate.dat does not tell of which cluster they are."
                )
            world.start_container(self._touch(host.name), MARIADB0, bootstrap=True)
            yield "mariadb0 started"
        world.settle()
        if not (host.process and host.process.part == MARIADB0 and host.process.synced):
            raise self._stuck(f"mariadb0 on {host.name} is not Primary and Synced.")
        if host.process.component:
            self._one_branch(host.name, host.process.component)

    def _one_branch(self, name: str, component: Component) -> None:
        """What was bootstrapped is the branch that lives."""
        world = self.world
        if not any(other.record.uuid == world.uuid for other in world.nodes):
            # A run that was killed had begun another branch, which has never been Primary; its hosts are away.
            world.group, world.uuid = component.group, component.uuid
        if component.by_hand:
            return
        if world.uuid not in (NULL_UUID, component.uuid):
            raise Broken(f"{name} is bootstrapped at {component.uuid}, and the branch that lives is {world.uuid}.")
        if component.group != world.group:
            raise Broken(f"{name} is bootstrapped in {component.group}, and the branch that lives is {world.group}.")

    def _rolling(self, play: Play) -> Steps:
        """playbooks/rolling.yml"""
        world = self.world
        for wanted in (("join",), ("roll",), ("last", "swap")):
            for name in [name for name in world.inventory if play.steps.get(name) in wanted]:
                host = self._touch(name)
                if wanted != ("join",):
                    self._wait_whole(play)
                self._stop(host, NODE if wanted == ("roll",) else MARIADB0)
                yield f"stopped {name}"
                host = self._touch(name)
                serving = world.serving()
                if wanted == ("join",) and serving and host.data.by_hand and host.data.uuid == serving.uuid:
                    raise Broken(f"{name} was made Primary beside the others by hand, and joins them with its data.")
                world.start_container(host)
                host.container = True
                yield f"started {name}"
                world.settle()
                if not (host.process and host.process.synced):
                    raise self._stuck(f"{name}: {host.node} is not Synced.")
                yield f"synced {name}"

    def _wait_whole(self, play: Play, size: int | None = None) -> None:
        world = self.world
        world.settle()
        abandoned = play.verdict.abandoned if play.verdict else play.given_up
        present = [name for name in play.present if name not in world.leaving and name not in abandoned]
        for host in (self._touch(name) for name in present):
            process = host.process
            size_seen = len(process.component.members) if process and process.synced and process.component else 0
            if not host.arbitrator and size_seen < (size if size is not None else len(present)):
                raise self._stuck(f"{host.name}: {host.node} sees a cluster of {size_seen}.")

    def _stop(self, host: Host, part: str) -> None:
        """A container of another name is left as it is."""
        host = self._touch(host.name)
        if part == NODE:
            host.wanted = False
        if host.process and (host.process.part == part or (part == NODE and host.process.part == BY_HAND)):
            self.world.stop_container(host)

    def _record(self, play: Play, members: Sequence[str], blank: Sequence[str] = ()) -> Steps:
        """roles/mariadb/tasks/record_members.yml"""
        world = self.world
        names = [world.hosts[name].node for name in members] + (["garbd"] if world.arbitrators else [])
        exact = bool(world.leaving) or (bool(play.force) and bool(play.verdict and play.verdict.branch))
        abandoned = play.verdict.abandoned if play.verdict else ()
        for host in self._members(play):
            if host.name not in abandoned and (not blank or host.name in blank):
                record = host.record
                others = [] if exact else [name for name in record.members if name not in names]
                record.made, record.members = True, (*names, *others)
                record.mountpoint = MOUNT if host.mounted else ROOT_DISK
                if play.branch.generation > 1:
                    record.branch = replace(play.branch, ended=True).record()
                    host.heard = min(host.heard, play.branch.generation)
                if blank:
                    record.clear()
                yield f"recorded {host.name}"

    def _arbitrators(self, play: Play) -> None:
        """playbooks/arbitrators.yml: they run in the group of the branch."""
        world = self.world
        for name in world.arbitrators:
            host = world.hosts[name]
            if name in play.present and host.reachable:
                if host.process and host.process.group != play.branch.group:
                    world.stop_container(host)
                host.group, host.container = play.branch.group, True
                world.start_container(host, GARBD)
        world.settle()

    def _give_way(self, play: Play) -> None:
        """An arbitrator that outlived the nodes is stopped."""
        world = self.world
        if any(report.get("cluster_status") == "Primary" for report in play.reports.values()):
            return
        for name in world.arbitrators:
            if name in play.present and world.hosts[name].reachable:
                world.stop_container(world.hosts[name])

    def _recalled(self, play: Play) -> str | None:
        found = {host.stopped for host in self._members(play) if host.stopped}
        if len(found) > 1:
            raise self._refused(f"The records of the last stop differ ({', '.join(sorted(found))} as the last node).")
        return found.pop() if found else None

    def _forget(self, play: Play) -> None:
        for host in self._members(play):
            host.stopped = None

    # recover, stop and repair_node.

    def _settle(self, play: Play, force: str) -> Steps:
        """roles/mariadb/tasks/settle.yml"""
        world = self.world
        if play.judged.action != "settle":
            return
        for host in self._members(play):
            if host.name in play.judged.abandoned or not host.process:
                continue
            now = Report.of(host.name, world.report(host.name))
            if now.primary and self.model.reads_again:
                continue
            if now.unknown and self.model.reads_again:
                raise self._refused(f"{host.node} on {host.name} runs and does not say how it is.")
            if host.process.primary and host.process.component and not host.process.component.by_hand:
                raise Broken(f"{host.name} is stopped for a recovery, and is Primary.")
            world.stop_container(host)
            yield f"settled {host.name}"
        self._read(play)
        self._judge(play, "recover", force)
        yield "judged again"

    def _branch(self, play: Play) -> Steps:
        """roles/mariadb/tasks/branch.yml, the elected host's verdict before it, as a person read it."""
        world = self.world
        verdict, current = play.judged, play.branch
        self._ask(play, world.hosts[str(verdict.node)])
        hosts = [host for host in self._members(play) if host.name not in verdict.abandoned]
        runs = [f"{host.node} on {host.name}" for host in hosts if host.process]
        if runs and self.model.at_rest:
            raise self._refused(f"{' and '.join(runs)} runs: a branch begins from data at rest. Stop it first.")
        self._nobody_serves(self._touch(str(verdict.node)))
        self._give_up(play, verdict)
        names = [world.hosts[name].node for name in world.inventory if name in play.reports]
        names += ["garbd"] if any(name in play.present for name in world.arbitrators) else []
        for host in hosts:
            try:
                branch, fate, position = self.model.begin(
                    current, play.force, list(world.inventory), play.reports, host.name, f"day {world.clock}", names
                )
            except GaleraError as error:
                raise self._refused(str(error)) from error
            if self._touch(host.name).process and self.model.at_rest:
                raise self._refused(f"{host.node} on {host.name} runs: a branch begins from data at rest.")
            host.record.made = True
            host.record.branch, host.record.members = branch.record(), branch.members
            host.heard = min(host.heard, branch.generation)
            play.branch = branch
            self._lives(play, branch)
            yield f"branch of {host.name}"
            if fate.action == ASIDE:
                world.move_aside(host)
            elif fate.action in (LEAD, KEEP):
                world.begin(host, branch, position)
                if fate.action == KEEP:
                    yield f"grastate of {host.name}"
                    world.see_first_view(host)
            elif fate.action == REPLACE:
                host.data.view = None
            host.record.clear(had_data=fate.action not in (LEAD, KEEP, REPLACE))
            yield f"fate of {host.name}"
        yield from self._settings(play, hosts)

    def _nobody_serves(self, elected: Host) -> None:
        """A branch does not begin beside one that lives, if the elected host could have found out."""
        serving = self.world.serving()
        for host in self.world.synced_of(serving) if serving else []:
            if host.name in elected.peers and host.network == elected.network:
                raise Broken(f"A branch begins on {elected.name}, and {host.name} serves, which could have been asked.")

    def _give_up(self, play: Play, verdict: election.Verdict) -> None:
        """A person decided: what the elected node lacks is given up, if the words named who has it."""
        world = self.world
        elected = world.hosts[str(verdict.node)]
        meant = Override.parse(play.force).position
        if meant and meant.uuid == elected.data.uuid and meant.seqno != elected.data.seqno:
            raise Broken(f"{elected.name} is at {elected.data.seqno}, and what a person decided was {play.force}.")
        concerned = [name for name in world.inventory if name not in verdict.abandoned]
        # The plan tells what becomes of each; of a datadir that is moved aside it says so.
        fates = branches.fates(concerned, play.reports, elected.name, play.force)
        aside = [fate for fate in fates if "dated name" in fate]
        told = " ".join([verdict.reason, *verdict.warnings, *aside])
        lost = world.owed - elected.data.content
        for write in sorted(lost):
            # What a person took out of the inventory after two decisions that did not know of each other, nobody knows.
            known = [holder for holder in world.holders(write) if not world.twins or holder.name in world.inventory]
            holders = known if len(known) == len(world.holders(write)) else []
            named = any(holder.name in told or holder.node in told for holder in holders)
            if holders and not (named or elected.data.by_hand):
                who = " and ".join(holder.name for holder in holders)
                raise Broken(
                    f"{elected.name} is bootstrapped without write {write} of {who}, and nobody said so: {told}"
                )
        world.owed -= lost

    def _lives(self, play: Play, branch: Branch) -> None:
        """From now on the front door leads to the new branch."""
        world = self.world
        world.group, world.uuid = branch.group, branch.uuid
        # A person forced two decisions, and the host of one was out of reach at the other: it cannot know that it was
        # given up, and which of the two goes on is theirs to say.
        away = [host.record for host in world.nodes if host.name not in play.reports]
        world.twins |= any(record.generation > 1 and record.branch.get("uuid") != branch.uuid for record in away)

    def _in_order(self, play: Play) -> list[str]:
        """roles/mariadb/tasks/order.yml: the running members, the writer last."""
        running = []
        for name, report in play.reports.items():
            if name in play.given_up and report.get("cluster_status") != "Primary":
                continue
            if report.get("bootstrap"):
                raise self._refused(f"{name} still runs the bootstrap container mariadb0.")
            if report["state"] == "running":
                if (report.get("cluster_status"), report.get("local_state")) != ("Primary", "Synced"):
                    raise self._refused(f"{name}: its node is not Synced in a Primary Component.")
                running.append(name)
        serving = self.world.serving()
        writer = self.world.synced_of(serving)[0].name if serving else None
        return sorted(running, key=lambda name: name == writer)

    def _halt(self, name: str) -> Steps:
        host = self._touch(name)
        self._stop(host, NODE)
        yield f"halted {name}"
        if self.world.report(name, recover=False)["state"] != "stopped":
            raise self._refused(f"{name}: {host.node} did not write its position down.")

    def _choose(self, play: Play, host: Host, failed: str) -> Iterator[Any]:
        """roles/mariadb/tasks/repair_choose.yml; the method is what the generator returns."""
        world = self.world
        own = world.report(host.name)
        peers = {}
        for name, report in play.reports.items():
            if name == host.name or report.get("cluster_status") != "Primary":
                continue
            peer = self._touch(name)
            if not (peer.process and peer.process.synced):
                raise self._stuck(f"{name}: {peer.node} is not Synced.")
            data = peer.data
            peers[peer.node] = {"uuid": data.uuid, "seqno": data.seqno, "cached_downto": min(data.log, default=None)}
        try:
            seen = {peer.node: peer.record.views for peer in self.world.nodes if peer.node in peers}
            method = self.model.repair(host.node, own, peers, [], failed, play.branch, seen)
        except GaleraError as error:
            raise self._refused(str(error)) from error
        if method.name == "SST" and own["state"] != "empty":
            world.move_aside(host)
        yield "chosen"
        if int(own["generation"]) < play.branch.generation:
            host.group, host.peers = play.branch.group, tuple(world.inventory)
            yield "settings"
        if method.name == "SST":
            yield from self._record(play, world.inventory, blank=[host.name])
        return method.name

    def _scale(self, play: Play, verb: str) -> list[str]:
        """Whether the cluster may grow or shrink now; hosts with something to do."""
        world = self.world
        concerned = [*world.inventory, *world.leaving]
        plan = _scaling.scale(
            list(world.inventory),
            verb,
            {name: world.hosts[name].node for name in concerned},
            {},
            {name: world.report(name, recover=False) for name in concerned if name in play.present},
            play.present,
            leaving=list(world.leaving),
            arbitrators=list(world.arbitrators),
        )
        if plan["problems"]:
            raise self._refused(" ".join(plan["problems"]))
        return list(plan["hosts"])

    # How verbs end.

    def _refused(self, sentence: str) -> Refused:
        return Refused(self._sentence(sentence))

    def _stuck(self, sentence: str) -> Stuck:
        return Stuck(self._sentence(sentence))

    def _sentence(self, sentence: str) -> str:
        if not (sentence.strip() and names_something(sentence, self.world)):
            raise Broken(f"A refusal names no host and no variable: '{sentence}'")
        return sentence


def run(steps: Steps) -> str:
    """Run a verb to its end; returns its refusal, empty where it did what it was asked for."""
    try:
        for _step in steps:
            pass
    except Refused as refused:
        return str(refused)
    return ""
