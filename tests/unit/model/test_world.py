# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators' verbs and mistakes, and faults, in any order, in the simulated world: nothing is lost, nothing fails open.

MODEL_EXAMPLES is how many rows of actions are tried, MODEL_STEPS how long one is at most; `make model` tries 10,000.
MODEL_SEED makes other rows than the usual ones. What fails is printed as a row of calls; COUNTEREXAMPLES are some that
were found.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Override
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.unit.model.hosts import DATA, Host
from tests.unit.model.verbs import Judgement, Refused, Steps, Verbs
from tests.unit.model.world import World

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "500"))
STEPS = int(os.environ.get("MODEL_STEPS", "40"))
LARGEST = 5

# A host is drawn by number, counted round, so that all rules are alike in worlds of all sizes.
a_host = st.integers(0, LARGEST - 1)
some_hosts = st.sets(a_host, min_size=1)
# How many steps of a verb are done before something else happens; None: all.
progress = st.one_of(st.none(), st.integers(0, 12), st.integers(0, 30))
# Nodes, arbitrators and hosts without a node yet.
shapes = st.sampled_from([(3, 0, 0), (3, 0, 1), (2, 1, 0), (5, 0, 0), (4, 0, 0)])


class Operators(RuleBasedStateMachine):
    """One cluster, its operators, and the world's ill will. A subclass judges by less, see test_guards.py."""

    judgement = Judgement()

    def __init__(self) -> None:
        super().__init__()
        self._make(World())

    def _make(self, world: World) -> None:
        self.world = world
        self.verbs = Verbs(world, self.judgement)
        self.verb: Steps | None = None

    @initialize(
        shape=shapes,
        writes=st.integers(0, 2),
        behind=st.sets(a_host, max_size=2),
        past=st.sampled_from(["", "", "crashed", "stopped", "forced"]),
        number=a_host,
    )
    def begin(self, shape: tuple[int, int, int], writes: int, behind: set[int], past: str, number: int) -> None:
        """A cluster that has a past: nodes that stopped earlier, a crash of all, a stop, or a forced recovery."""
        self._make(World(*shape))
        self._run(self.verbs.site(), None)
        self.world.write(1)
        for name in self._any(behind):
            self.world.stop_container(self.world.hosts[name])
            self.world.write(writes)
        if past == "crashed":
            self.world.write(2)
            self.world.kill(list(self.world.hosts), writes)
        elif past == "stopped":
            self._run(self.verbs.stop(), None)
        elif past == "forced":
            self.lose_a_majority_and_force(number, writes, None)
            self.world.write(writes)

    # Hosts by number.

    def _any(self, numbers: set[int]) -> list[str]:
        names = list(self.world.hosts)
        return sorted({names[number % len(names)] for number in numbers})

    def _one(self, number: int, wanted: Callable[[Host], bool] = lambda _host: True) -> str:
        """A node's host, rather one that is wanted."""
        names = [host.name for host in self.world.nodes if wanted(host)] or [host.name for host in self.world.nodes]
        return names[number % len(names)]

    # Verbs: one at a time, since there is a lock. One that stands still is gone on with, or killed by the next.

    def _run(self, verb: Steps, steps: int | None) -> None:
        self.verb = verb
        self._advance(steps)

    def _advance(self, steps: int | None) -> None:
        verb, done = self.verb, 0
        try:
            while verb and (steps is None or done <= steps):
                next(verb)
                self.world.check()
                done += 1
        except (StopIteration, Refused):
            self.verb = None

    def _force(self, name: str, steps: int | None) -> None:
        """recover_force of a host as the plan shows it now."""
        word = str(Override.of(Report.of(name, self.world.report(name))))
        if word not in self.verbs.words:
            self.verbs.words.append(word)
        self._run(self.verbs.recover(word), steps)

    @rule(steps=progress)
    def go_on(self, steps: int | None) -> None:
        self._advance(steps)

    @rule(verb=st.sampled_from(["site", "start", "stop", "plan"]), steps=progress)
    def run(self, verb: str, steps: int | None) -> None:
        self._run(getattr(self.verbs, verb)(), steps)

    @rule(verb=st.sampled_from(["restart", "remove_node", "add_node"]), number=a_host, steps=progress)
    def change(self, verb: str, number: int, steps: int | None) -> None:
        world = self.world
        outside = verb == "add_node"
        name = self._one(number, lambda host: (host.name in world.inventory) != outside)
        if verb != "remove_node" or name in world.inventory + world.leaving:
            self._run(getattr(self.verbs, verb)(name), steps)

    @rule(steps=progress)
    def recover(self, steps: int | None) -> None:
        self._run(self.verbs.recover(), steps)

    @rule(number=a_host, steps=progress)
    def force(self, number: int, steps: int | None) -> None:
        self._force(self._one(number, lambda host: host.reachable and host.data.kind == DATA), steps)

    @rule(number=st.integers(0, 9), steps=progress)
    def force_as_before(self, number: int, steps: int | None) -> None:
        """recover_force as it was left in a file, or as an earlier plan showed it; 0 is the newest."""
        words = self.verbs.words[::-1]
        if words:
            self._run(self.verbs.recover(words[number % len(words)]), steps)

    @rule(number=a_host, lag=st.integers(0, 2), steps=progress)
    def lose_a_majority_and_force(self, number: int, lag: int, steps: int | None) -> None:
        """The hosts of all nodes but one or two are lost, and a person decides."""
        world = self.world
        stays = {self._one(number), self._one(number + lag)}
        world.power_off([name for name in world.hosts if name not in stays], lag)
        world.power_on(stays)
        for name in stays:
            world.hosts[name].control = True
        world.settle()
        self._force(self._one(number), steps)

    @rule(number=a_host, steps=progress)
    def repair_node(self, number: int, steps: int | None) -> None:
        self._run(self.verbs.repair_node(self._one(number, lambda host: host.reachable and not _synced(host))), steps)

    @rule(number=a_host, back=st.booleans())
    def edit_the_inventory(self, number: int, back: bool) -> None:
        """A run that stands still is killed by it: a real one has read its inventory at its begin."""
        world, self.verb = self.world, None
        name = self._one(number, lambda host: (host.name in world.inventory) != back)
        if back and name not in world.inventory:
            world.leaving = [other for other in world.leaving if other != name]
            world.inventory = sorted([*world.inventory, name])
        elif not back and name in world.inventory and len(world.inventory) > 1:
            world.inventory.remove(name)

    # Clients.

    @rule(count=st.integers(1, 3))
    def write(self, count: int) -> None:
        self.world.write(count)

    @rule(which=st.integers(0, 3))
    def write_past_the_front_door(self, which: int) -> None:
        primaries = self.world.primaries()
        if primaries:
            self.world.write(1, primaries[which % len(primaries)])

    # What happens by itself, and what is put right.

    @rule(first=a_host, rounds=st.one_of(st.just(40), st.integers(1, 6)))
    def let_time_pass(self, first: int, rounds: int) -> None:
        names = list(self.world.hosts)
        first %= len(names)
        self.world.settle(names[first:] + names[:first], rounds)

    @rule(first=a_host)
    def all_is_well_again(self, first: int) -> None:
        """Power, networks and disks; containers that nobody stopped start by themselves."""
        for host in self.world.hosts.values():
            self.world.mount(host.name)
            host.damaged, host.deaf, host.control = False, False, True
        self.world.power_on(list(self.world.hosts))
        self.world.partition([0] * len(self.world.hosts))
        self.let_time_pass(first, 40)

    @rule(number=a_host, what=st.sampled_from(["stop", "stop", "start", "start", "bootstrap"]))
    def by_hand(self, number: int, what: str) -> None:
        """docker stop, docker start, or a container with gcomm://"""
        host = self.world.hosts[self._one(number)]
        if what == "stop":
            self.world.stop_container(host)
        elif what == "bootstrap":
            self.world.bootstrap_by_hand(host.name)
        elif host.container:
            self.world.start_container(host)

    # Faults.

    @rule(numbers=some_hosts, lag=st.integers(0, 3), ddl=st.booleans())
    def kill(self, numbers: set[int], lag: int, ddl: bool) -> None:
        self.world.kill(self._any(numbers), lag, ddl)

    @rule(numbers=some_hosts, lag=st.integers(0, 3))
    def power_off(self, numbers: set[int], lag: int) -> None:
        self.world.power_off(self._any(numbers), lag)

    @rule(lag=st.integers(0, 3), power=st.booleans())
    def all_end_at_once(self, lag: int, power: bool) -> None:
        (self.world.power_off if power else self.world.kill)(list(self.world.hosts), lag)

    @rule(numbers=some_hosts)
    def power_on(self, numbers: set[int]) -> None:
        self.world.power_on(self._any(numbers))

    @rule(number=a_host, how=st.sampled_from(["stop", "power", "kill", "cut", "hide"]), count=st.integers(0, 2))
    def all_but_one_go(self, number: int, how: str, count: int) -> None:
        """One node is alone; with writes that only it has, where the others left in order."""
        world, name = self.world, self._one(number, _synced)
        others = [other for other in world.hosts if other != name]
        if how == "power":
            world.power_off(others, count)
        elif how == "kill":
            world.kill(others, count)
        elif how == "cut":
            world.partition([int(other == name) for other in world.hosts])
        for other in others:
            if how in ("kill", "stop"):
                world.stop_container(world.hosts[other])
            elif how == "hide":
                world.hosts[other].control = False
        world.write(count)

    @rule(numbers=st.sets(a_host), controller=st.integers(0, 2))
    def cut_the_network(self, numbers: set[int], controller: int) -> None:
        """Some hosts, or none, are cut off from the others; the controller reaches one side, the other one, or both."""
        away = self._any(numbers)
        self.world.partition([int(name in away) for name in self.world.hosts])
        for name, host in self.world.hosts.items():
            host.control = controller == 2 or (name in away) == bool(controller)

    @rule(
        number=a_host,
        what=st.sampled_from(["hide", "hang", "unmount", "mount", "lose_disk", "damage", "lose_cache", "vote_out"]),
    )
    def harm(self, number: int, what: str) -> None:
        host = self.world.hosts[self._one(number)]
        if what == "hide":
            # SSH to the host is broken; the cluster does not notice.
            host.control = False
        elif what == "hang":
            # Too many connections, or a lock that nobody gives back: it stays in the group.
            host.deaf = not host.deaf
        elif what == "damage":
            # InnoDB does not tell its position any more, or does again.
            host.damaged = not host.damaged
        elif what == "lose_cache":
            # The write-set cache reaches back no further.
            host.data.log = {seqno: entry for seqno, entry in host.data.log.items() if seqno >= host.data.seqno}
        else:
            getattr(self.world, what)(host.name)

    @invariant()
    def nothing_is_broken(self) -> None:
        self.world.check()


def _synced(host: Host) -> bool:
    return bool(host.process and host.process.synced)


def replay(machine: type[Operators], story: str) -> Operators:
    """Do what Hypothesis printed, a call a line, and look after each."""
    state = machine()
    for line in story.split("\n"):
        if line.strip():
            call = ast.parse(line.strip(), mode="eval").body
            assert isinstance(call, ast.Call)
            assert isinstance(call.func, ast.Attribute)
            arguments = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
            getattr(state, call.func.attr)(**arguments)
            state.world.check()
    return state


def search(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int = STEPS) -> None:
    """Raise Broken with the row of actions that leads there; it is not made shorter, which takes minutes."""
    chosen = os.environ.get("MODEL_SEED")
    run_state_machine_as_test(
        seed(int(chosen))(machine) if chosen else machine,
        settings=settings(
            settings.get_profile("repeatable"),
            derandomize=not chosen,
            max_examples=examples,
            stateful_step_count=steps,
            phases=[Phase.generate, Phase.shrink] if os.environ.get("MODEL_SHRINK") else [Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        ),
    )


COUNTEREXAMPLES = {
    "a bootstrap that goes on after a killed forced recovery begins no new cluster": """
        state.begin(shape=(2, 1, 0), past='stopped', number=0, behind=set(), writes=0)
        state.force_as_before(number=0, steps=10)
        state.run(steps=None, verb='site')
    """,
    "a host that a killed forced recovery did not reach does not take itself for the only member": """
        state.begin(number=2, past='', shape=(3, 0, 0), behind={3}, writes=1)
        state.edit_the_inventory(back=False, number=0)
        state.kill(ddl=False, lag=2, numbers={0, 1})
        state.lose_a_majority_and_force(lag=1, number=2, steps=6)
        state.power_on(numbers={0, 1, 2, 3, 4})
        state.force_as_before(number=0, steps=None)
    """,
}


@pytest.mark.parametrize("story", COUNTEREXAMPLES.values(), ids=COUNTEREXAMPLES)
def test_what_was_found_stays_mended(story: str) -> None:
    replay(Operators, story)


def test_nothing_fails_open() -> None:
    search(Operators, EXAMPLES)
