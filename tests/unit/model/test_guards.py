# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With any one guard taken out something is lost: here is a row of actions for each that shows it.

Each story is harmless with the guard and breaks an invariant without it, so a guard that went missing does not pass
unnoticed, and neither does a world that has become blind. Where two guards stand for each other, both are taken out.
Some rows were found by the machine of test_world.py and made shorter, others were thought of. That a killed recovery
is resumed has none: without it the run refuses, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model import branch as branches
from ansible_collections.dbops.galera.plugins.module_utils._model import checks, election, start
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report

from tests.unit.model.hosts import Broken
from tests.unit.model.test_world import Operators, replay
from tests.unit.model.verbs import Judgement

Patch = Callable[[pytest.MonkeyPatch], type[Operators]]


@dataclass(frozen=True)
class Guard:
    """without is how it is taken out, story what happens then."""

    name: str
    without: Patch
    story: str = ""


def judging(**changed: Any) -> Patch:
    """By a judgement in which these functions are others."""

    def machine(_patch: pytest.MonkeyPatch) -> type[Operators]:
        return type("Careless", (Operators,), {"judgement": Judgement(**changed)})

    return machine


def starting(forget: Callable[[start.Facts], dict[str, Any]]) -> Patch:
    """By start scripts that are blind for some of their facts."""
    return judging(decide=lambda facts: start.decide(replace(facts, **forget(facts))))


def reporting(**told: Any) -> Patch:
    """By elections that take reports for others than they are."""

    def elect(members: Any, reports: Any, *rest: Any, **more: Any) -> election.Verdict:
        return election.elect(members, {name: {**report, **told} for name, report in reports.items()}, *rest, **more)

    return judging(elect=elect)


def patching(target: Any, name: str, value: Any) -> Patch:
    """With a function of the judgement replaced."""

    def machine(patch: pytest.MonkeyPatch) -> type[Operators]:
        patch.setattr(target, name, value)
        return Operators

    return machine


def checking(*rows: str) -> Patch:
    """Without some rows of the checks that every verb begins with."""

    def machine(patch: pytest.MonkeyPatch) -> type[Operators]:
        for table in ("HOSTS", "CLUSTERS"):
            patch.setattr(checks, table, tuple(row for row in getattr(checks, table) if row.name not in rows))
        return Operators

    return machine


def together(*patches: Patch) -> Patch:
    """Several at once: guards that stand for each other."""

    def machine(patch: pytest.MonkeyPatch) -> type[Operators]:
        judgements = [vars(each(patch).judgement) for each in patches]
        usual = vars(Judgement())
        changed = {name: value for told in judgements for name, value in told.items() if value is not usual[name]}
        return type("Careless", (Operators,), {"judgement": Judgement(**changed)})

    return machine


def nothing(*_arguments: Any) -> tuple[()]:
    return ()


def one_uuid(*arguments: Any) -> Any:
    branch, fate, position = branches.begin(*arguments)
    return replace(branch, uuid=branch.parent), fate, position


def no_strangers(*arguments: Any) -> election.Scene:
    return replace(_SCENE_OF(*arguments), strangers=[])


def never_aside(report: Report, elected: Report) -> branches.Fate:
    found = _FATE(report, elected)
    return replace(found, action=branches.REPLACE) if found.action == branches.ASIDE else found


def always_before(members: Any, reports: Any, override: branches.Override | None) -> tuple[dict[str, Report], bool]:
    """A member of whom the override spoke once is at that position for ever."""
    found = {name: Report.of(name, reports[name]) for name in members if reports.get(name)}
    for name, report in found.items():
        if override and report.decision == str(override):
            found[name] = replace(report, position=override.position or branches.Position(), error=None)
    return found, any(override and report.decision == str(override) for report in found.values())


def whatever_it_is(current: Any, force: str, members: Any, reports: Any, *rest: Any) -> Any:
    """The words are taken for those of now."""
    name = branches.Override.parse(force).host
    return branches.begin(current, str(branches.Override.of(Report.of(name, reports[name]))), members, reports, *rest)


def unheard(current: Any) -> tuple[str, ...]:
    return tuple("silent" if answer == "other" else answer for answer in current)


_SCENE_OF, _FATE = election.Scene.of, branches.fate

GUARDS = [
    Guard(
        "start: another group answers",
        starting(lambda facts: {"answers": unheard(facts.answers)}),
        """
        state.begin(shape=(3, 0, 0), number=0, past='forced', behind={0}, writes=0)
        state.all_is_well_again(first=0)
        """,
    ),
    Guard(
        "start: fenced for good",
        starting(lambda _facts: {"fenced": False}),
        """
        state.begin(shape=(3, 0, 0), writes=1, behind={0}, past='', number=0)
        state.lose_a_majority_and_force(number=0, lag=0, steps=None)
        state.power_on(numbers={1, 2})
        state.let_time_pass(first=0, rounds=40)
        state.power_off(numbers={0}, lag=0)
        state.power_off(numbers={1, 2}, lag=0)
        state.power_on(numbers={1, 2})
        state.let_time_pass(first=1, rounds=40)
        """,
    ),
    Guard(
        "start: settings of another branch",
        starting(lambda _facts: {"misfit": False}),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.harm(number=0, what='vote_out')
        state.power_off(lag=0, numbers={0, 1, 2})
        state.power_on(numbers={0})
        state.force(number=0, steps=4)
        state.power_on(numbers={1, 2})
        state.let_time_pass(first=1, rounds=40)
        """,
    ),
    Guard(
        "start: a view of more than half",
        starting(lambda facts: {"members": 1 if facts.view else facts.members}),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=0)
        state.kill(ddl=True, lag=0, numbers={0, 1, 2, 3, 4})
        state.let_time_pass(first=0, rounds=40)
        """,
    ),
    Guard(
        "start: members are those of the record",
        starting(lambda _facts: {"members": 0}),
        """
        state.begin(writes=0, shape=(2, 1, 0), behind=set(), past='', number=0)
        state.edit_the_inventory(back=False, number=0)
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        state.power_off(lag=0, numbers={1, 3, 4})
        state.power_on(numbers={0, 1, 2, 3, 4})
        state.recover(steps=None)
        """,
    ),
    Guard(
        "start: alone only as the whole branch",
        starting(lambda _facts: {"members": 1}),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=0)
        state.kill(ddl=True, lag=0, numbers={0, 1, 2, 3, 4})
        state.let_time_pass(first=0, rounds=40)
        """,
    ),
    Guard(
        "start: had data",
        starting(lambda _facts: {"had_data": False}),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.power_off(lag=0, numbers={0})
        state.harm(number=0, what='unmount')
        state.power_on(numbers={0})
        state.let_time_pass(first=0, rounds=40)
        """,
    ),
    Guard(
        "start: voted out",
        starting(lambda _facts: {"disowned": False}),
        """
        state.begin(writes=0, behind=set(), shape=(3, 0, 0), number=0, past='')
        state.harm(number=0, what='vote_out')
        state.power_off(lag=0, numbers={0, 1, 2, 3, 4})
        state.all_is_well_again(first=0)
        """,
    ),
    Guard(
        "branch: a letter for the node that it began on",
        patching(branches, "letter_of", lambda _node: ""),
        """
        state.begin(shape=(3, 0, 0), writes=0, past='', behind=set(), number=0)
        state.lose_a_majority_and_force(lag=0, number=0, steps=None)
        state.write(count=2)
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        state.force(number=1, steps=None)
        state.power_on(numbers={0})
        state.let_time_pass(first=0, rounds=12)
        """,
    ),
    Guard(
        "branch: a group name of its own",
        patching(branches, "group_name", lambda cluster, _generation, _letter: cluster),
        """
        state.begin(shape=(3, 0, 0), writes=0, past='', behind=set(), number=0)
        state.lose_a_majority_and_force(lag=0, number=0, steps=None)
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        state.lose_a_majority_and_force(lag=0, number=0, steps=None)
        """,
    ),
    Guard(
        "branch: a UUID of its own",
        judging(begin=one_uuid),
        """
        state.begin(shape=(2, 1, 0), writes=0, behind=set(), past='forced', number=1)
        state.lose_a_majority_and_force(lag=0, number=0, steps=None)
        state.all_is_well_again(first=0)
        state.force(number=0, steps=5)
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        """,
    ),
    Guard(
        "branch: what is only there is moved aside",
        patching(branches, "fate", never_aside),
        """
        state.begin(writes=2, shape=(3, 0, 0), number=0, past='crashed', behind=set())
        state.by_hand(number=0, what='stop')
        state.let_time_pass(first=0, rounds=40)
        state.force(number=1, steps=None)
        state.force(number=1, steps=None)
        """,
    ),
    Guard(
        "branch: an override holds as long as nothing was written",
        together(
            patching(branches, "before", always_before),
            patching(election, "before", always_before),
            patching(election, "carried_out", lambda *_arguments: ""),
        ),
        """
        state.begin(number=0, behind=set(), shape=(3, 0, 0), past='forced', writes=0)
        state.write(count=2)
        state.power_off(lag=0, numbers={0, 1, 2})
        state.power_on(numbers={0, 1, 2})
        state.force_as_before(number=0, steps=None)
        """,
    ),
    Guard(
        "branch: begins on data at rest",
        together(judging(at_rest=False), judging(asks=False)),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind={0}, writes=2)
        state.lose_a_majority_and_force(number=0, lag=0, steps=1)
        state.all_is_well_again(first=0)
        state.by_hand(number=0, what='start')
        state.let_time_pass(first=0, rounds=40)
        state.go_on(steps=None)
        """,
    ),
    Guard(
        "branch: the elected host asks the silent ones",
        judging(asks=False),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.by_hand(number=0, what='stop')
        state.write(count=2)
        state.harm(number=1, what='hide')
        state.harm(number=2, what='hide')
        state.force(number=0, steps=None)
        """,
    ),
    Guard(
        "election: silent members",
        patching(election, "_against_silence", nothing),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.by_hand(number=0, what='stop')
        state.write(count=2)
        state.by_hand(number=1, what='stop')
        state.by_hand(number=2, what='stop')
        state.power_off(lag=0, numbers={1, 2})
        state.recover(steps=None)
        """,
    ),
    Guard(
        "election: members that left the inventory",
        patching(election.Scene, "of", no_strangers),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.by_hand(number=0, what='stop')
        state.write(count=2)
        state.by_hand(number=1, what='stop')
        state.by_hand(number=2, what='stop')
        state.edit_the_inventory(number=2, back=False)
        state.edit_the_inventory(number=1, back=False)
        state.recover(steps=None)
        """,
    ),
    Guard(
        "election: members that are ahead",
        patching(Report, "ahead", lambda *_arguments: 0),
        """
        state.begin(behind={0, 3}, writes=0, shape=(2, 1, 0), number=0, past='crashed')
        state.lose_a_majority_and_force(lag=0, number=1, steps=None)
        state.power_on(numbers={3})
        state.force(number=0, steps=None)
        """,
    ),
    Guard(
        "election: unknown is not no",
        patching(Report, "unknown", False),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind={0}, writes=1)
        state.harm(number=1, what='hang')
        state.harm(number=2, what='hang')
        state.force(number=0, steps=None)
        """,
    ),
    Guard(
        "election: the override is true now",
        together(patching(election, "_against_override", nothing), judging(begin=whatever_it_is)),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind={0}, writes=1)
        state.run(verb='plan', steps=None)
        state.by_hand(number=0, what='start')
        state.let_time_pass(first=0, rounds=40)
        state.write(count=3)
        state.by_hand(number=0, what='stop')
        state.power_off(lag=0, numbers={1, 2})
        state.force_as_before(number=2, steps=None)
        """,
    ),
    Guard(
        "election: what speaks against each member",
        patching(election, "_against_member", nothing),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.by_hand(number=0, what='stop')
        state.by_hand(number=1, what='stop')
        state.write(count=2)
        state.power_off(lag=0, numbers={0, 1, 2})
        state.harm(number=2, what='damage')
        state.power_on(numbers={0, 1, 2})
        state.recover(steps=None)
        """,
    ),
    Guard(
        "recover: what is stopped is read again",
        judging(reads_again=False),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.power_off(lag=0, numbers={1, 2})
        state.let_time_pass(first=0, rounds=40)
        state.force(number=0, steps=1)
        state.all_is_well_again(first=0)
        state.go_on(steps=None)
        """,
    ),
    Guard(
        "checks: abandoned branches",
        checking("abandoned branch"),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.by_hand(number=0, what='stop')
        state.write(count=2)
        state.power_off(lag=0, numbers={1, 2})
        state.force(number=0, steps=None)
        state.cut_the_network(numbers={0}, controller=2)
        state.power_on(numbers={1, 2})
        state.run(verb='site', steps=None)
        state.all_is_well_again(first=0)
        """,
    ),
    Guard(
        "data that joining overwrites",
        together(patching(election, "_against_joining", nothing), starting(lambda _facts: {"disowned": False})),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind=set(), writes=1)
        state.harm(number=0, what='vote_out')
        state.by_hand(number=0, what='stop')
        state.recover(steps=None)
        """,
    ),
    Guard(
        "a live Primary Component is joined",
        together(patching(election, "_of_live", lambda *_arguments: None), judging(reads_again=False)),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind={0}, writes=1)
        state.write(count=2)
        state.force(number=0, steps=None)
        """,
    ),
    Guard(
        "emptied datadirs",
        together(reporting(emptied=False, had_data=False), checking("emptied", "unmounted", "all emptied")),
        """
        state.begin(number=0, past='stopped', shape=(3, 0, 0), behind=set(), writes=1)
        state.harm(number=0, what='unmount')
        state.harm(number=1, what='unmount')
        state.harm(number=2, what='unmount')
        state.run(verb='site', steps=None)
        """,
    ),
    Guard(
        "who went on apart",
        patching(election, "strays", lambda *_arguments: []),
        """
        state.begin(number=0, past='', shape=(3, 0, 0), behind={0}, writes=1)
        state.cut_the_network(numbers={0}, controller=2)
        state.by_hand(number=0, what='bootstrap')
        state.let_time_pass(first=0, rounds=40)
        state.write_past_the_front_door(which=0)
        state.write(count=3)
        state.by_hand(number=0, what='stop')
        state.all_is_well_again(first=0)
        state.recover(steps=None)
        """,
    ),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_that_is_taken_out_is_missed(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    replay(Operators, guard.story)
    machine = guard.without(monkeypatch)
    with pytest.raises(Broken):
        replay(machine, guard.story)
