# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides, branches, and what becomes of each survivor; and a forced recovery that is killed at any point."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import (
    ASIDE,
    CLUSTER_LENGTH,
    GROUP_LENGTH,
    KEEP,
    LEAD,
    NOTHING,
    REPLACE,
    Branch,
    Override,
    as_before,
    before,
    begin,
    fate,
    fates,
    given_up,
    group_name,
    letter_of,
    unfinished,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.election import Verdict, elect
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID, Position
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report
from ansible_collections.dbops.galera.plugins.module_utils._status import _of_member
from hypothesis import given
from hypothesis import strategies as st

A = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
B = "bbbbbbbb-e532-11f1-8a96-fa36e0da60b6"
C = "cccccccc-e532-11f1-8a96-fa36e0da60b6"

Told = dict[str, Any]


def crashed(seqno: int = 100, uuid: str = A, **more: Any) -> Told:
    source = "recovered" if seqno >= 0 else "none"
    return {"state": "crashed", "uuid": uuid, "seqno": seqno, "source": source, **more}


EMPTY: Told = {"state": "empty", "uuid": NULL_UUID, "seqno": -1}
MISSING: Told = {**EMPTY, "state": "missing"}
HALF = crashed(-1, NULL_UUID, sst_in_progress=True, error="mariadb2: its last SST did not end.")
LOST = crashed(-1, error="mariadb2: mariadbd --wsrep-recover told no position (exit code 1).")
DISOWNED = crashed(disowned=True, error="mariadb2: grastate.dat disowns the data.")
TORN = crashed(error="mariadb2: grastate.dat is empty.")
DEAF: Told = {"state": "running", "uuid": NULL_UUID, "seqno": -1}


@pytest.mark.parametrize(
    ("generation", "group"),
    [(0, "shop"), (1, "shop"), (2, "shop.2b"), (10, "shop.10b"), (99, "shop.99b"), (999, "shop.999")],
)
def test_the_name_of_a_group(generation: int, group: str) -> None:
    branch = Branch("shop", generation, letter="b")
    assert group_name("shop", generation, "b") == branch.group == group
    assert Branch.read("shop", branch.record()).group == group


def test_a_record_of_before_names_a_group_without_a_letter() -> None:
    assert Branch.read("shop", {"generation": 2, "group": "shop.2"}).group == "shop.2"


@pytest.mark.parametrize(
    ("node", "letter"), [("mariadb1", "a"), ("db-2", "b"), ("mariadb26", "z"), ("mariadb27", "a"), ("mariadb", "")]
)
def test_the_letter_of_a_node(node: str, letter: str) -> None:
    assert letter_of(node) == letter


branches = st.tuples(st.integers(1, 99), st.sampled_from("abz"))


@given(st.text("abcXYZ019_.-", min_size=1, max_size=CLUSTER_LENGTH), branches, branches)
def test_names_of_groups_fit_and_differ(cluster: str, one: tuple[int, str], other: tuple[int, str]) -> None:
    assert len(group_name(cluster, *one)) <= GROUP_LENGTH == 32
    same = one == other or one[0] == other[0] == 1
    assert (group_name(cluster, *one) == group_name(cluster, *other)) == same


def test_two_branches_of_one_generation_have_two_names() -> None:
    one, other = (FIRST.next(f"db{n}@{A}:100", A, "", [], f"mariadb{n}") for n in (1, 2))
    assert (one.group, other.group) == ("shop.2a", "shop.2b")


def test_the_longest_name_of_a_cluster() -> None:
    assert CLUSTER_LENGTH == 28
    assert {len(group_name("c" * CLUSTER_LENGTH, number, "z")) for number in (99, 999)} == {GROUP_LENGTH}


@pytest.mark.parametrize(
    ("text", "override"),
    [
        (f"db1@{A}:100", Override("db1", Position(A, 100))),
        (f" db1@{A.upper()}:0100\n", Override("db1", Position(A, 100))),
        (f"db1@{A}:0", Override("db1", Position(A, 0))),
        ("db1.example.org@unknown", Override("db1.example.org", None)),
    ],
)
def test_an_override(text: str, override: Override) -> None:
    assert Override.parse(text) == override
    assert Override.parse(str(override)) == override


@pytest.mark.parametrize(
    "text",
    [
        "db1",
        "",
        "@unknown",
        "db1@",
        "db1@Unknown",
        "db1@unknown:",
        "db1@unknown:a",
        f"db1@{A}",
        f"db1@{A}:",
        f"db1@{A}:-1",
        f"db1@{A}:100,0-1-7",
        f"db1@{A[:-1]}:100",
        f"db1@{A}:1 db2@{A}:2",
        f"db1@db2@{A}:1",
        f"db 1@{A}:1",
        f"{A}:100",
    ],
)
def test_what_is_no_override(text: str) -> None:
    sentence = (
        f"recover_force is '{text}': name the host and the position that it has, as HOST@UUID:SEQNO or HOST@unknown, "
        "so that the same words overrule nothing at another time. The plan of recover, without recover_force, shows "
        "all positions."
    )
    with pytest.raises(GaleraError, match=f"^{re.escape(sentence)}$"):
        Override.parse(text)


@given(
    st.from_regex(r"[a-z0-9._-]+", fullmatch=True), st.none() | st.builds(Position, st.uuids().map(str), st.integers(0))
)
def test_an_override_is_read_as_it_is_written(host: str, position: Position | None) -> None:
    assert Override.parse(str(Override(host, position))) == Override(host, position)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (crashed(), f"db1@{A}:100"),
        (crashed(0), f"db1@{A}:0"),
        (TORN, f"db1@{A}:100"),
        (LOST, "db1@unknown"),
        (DISOWNED, "db1@unknown"),
        (HALF, "db1@unknown"),
        (EMPTY, "db1@unknown"),
    ],
)
def test_the_override_that_names_a_member_as_it_is(report: Told, text: str) -> None:
    assert str(Override.of(Report.of("db1", report))) == text


def test_a_branch_is_read_as_it_is_recorded() -> None:
    branch = Branch("shop", 2, B, f"db1@{A}:100", "2026-11-29T01:00:00Z", A, ("mariadb1", "garbd"))
    assert branch.record() == {
        "cluster": "shop",
        "generation": 2,
        "group": "shop.2",
        "uuid": B,
        "forced": f"db1@{A}:100",
        "begun": "2026-11-29T01:00:00Z",
        "parent": A,
        "members": ["mariadb1", "garbd"],
    }
    assert Branch.read("shop", branch.record()) == branch
    assert replace(branch, ended=True).record() == {**branch.record(), "ended": True}
    assert Branch.read("shop", {**branch.record(), "ended": True}) == replace(branch, ended=True)
    assert Branch.read("shop", {**branch.record(), "uuid": B.upper()}) == branch
    for nothing in (None, {}, {"generation": None, "uuid": None, "members": None}):
        assert Branch.read("shop", nothing) == Branch("shop")


FIRST = Branch("shop")
FORCED = f"db1@{A}:100"


def test_the_next_branch() -> None:
    branch = FIRST.next(FORCED, A, "2026-11-29T01:00:00Z", ["mariadb1"], "mariadb1")
    assert (branch.cluster, branch.generation, branch.group) == ("shop", 2, "shop.2a")
    assert (branch.forced, branch.parent, branch.begun) == (FORCED, A, "2026-11-29T01:00:00Z")
    assert branch.members == ("mariadb1",)
    assert str(UUID(branch.uuid)) == branch.uuid
    # It does not depend on when and where it is asked, and is another one for all that a person decides.
    assert FIRST.next(FORCED, A, "later", [], "mariadb1").uuid == branch.uuid
    others = [
        FIRST.next(f"db1@{A}:101", A, "", [], "mariadb1"),
        FIRST.next(f"db2@{A}:100", A, "", [], "mariadb1"),
        Branch("stock").next(FORCED, A, "", [], "mariadb1"),
        branch.next(FORCED, A, "", [], "mariadb1"),
        Branch("shop", 1, C).next(FORCED, A, "", [], "mariadb1"),
    ]
    uuids = {branch.uuid, *(other.uuid for other in others)}
    assert len(uuids) == 1 + len(others)
    assert not uuids & {A, NULL_UUID}
    assert others[3].group == "shop.3a"


def of(name: str, told: Told) -> Report:
    return Report.of(name, {"node": f"mariadb{name[-1]}", **told})


KEPT = "its datadir is kept under a dated name, and it gets its data from db1."
FATES: list[tuple[Told, Told, str, str]] = [
    (crashed(), crashed(), KEEP, "db2 is at the same position, keeps its data, and needs no state transfer."),
    (crashed(), crashed(99), REPLACE, "db2 is 1 write set behind, and gets all data by SST."),
    (crashed(), crashed(0), REPLACE, "db2 is 100 write sets behind, and gets all data by SST."),
    (crashed(), crashed(101), ASIDE, f"db2 is 1 write set ahead of db1: {KEPT}"),
    (crashed(), crashed(110), ASIDE, f"db2 is 10 write sets ahead of db1: {KEPT}"),
    (crashed(), crashed(5, B), ASIDE, f"db2 holds data of another history ({B}): {KEPT}"),
    (crashed(), LOST, ASIDE, f"db2 cannot be compared with db1: {KEPT}"),
    (crashed(), DISOWNED, ASIDE, f"db2 was voted out, so what it holds is not what the others hold: {KEPT}"),
    (crashed(), TORN, ASIDE, f"db2 has a problem (mariadb2: grastate.dat is empty): {KEPT}"),
    (crashed(), {**TORN, "seqno": 3}, ASIDE, f"db2 has a problem (mariadb2: grastate.dat is empty): {KEPT}"),
    (crashed(), DEAF, ASIDE, f"db2 cannot be compared with db1: {KEPT}"),
    (crashed(), HALF, NOTHING, "db2 holds no data of its own, and gets them from db1."),
    (crashed(), EMPTY, NOTHING, "db2 holds no data of its own, and gets them from db1."),
    (crashed(), {**MISSING, "emptied": True}, NOTHING, "db2 holds no data of its own, and gets them from db1."),
    # Nothing can be compared with an elected one whose position is not known, or whose data are disowned.
    (LOST, crashed(), ASIDE, f"db2 cannot be compared with db1: {KEPT}"),
    (LOST, LOST, ASIDE, f"db2 cannot be compared with db1: {KEPT}"),
    (DISOWNED, crashed(), ASIDE, f"db2 cannot be compared with db1: {KEPT}"),
]


@pytest.mark.parametrize(("elected", "survivor", "action", "reason"), FATES)
def test_what_becomes_of_a_survivor(elected: Told, survivor: Told, action: str, reason: str) -> None:
    found = fate(of("db2", survivor), of("db1", elected))
    assert (found.action, found.reason) == (action, reason)


@pytest.mark.parametrize(
    ("elected", "reason"),
    [
        (crashed(), f"db1 begins the new branch at {A}:100."),
        (LOST, "db1 begins the new branch at an unknown position."),
    ],
)
def test_what_becomes_of_the_elected_one(elected: Told, reason: str) -> None:
    found = fate(of("db1", elected), of("db1", elected))
    assert (found.action, found.reason) == (LEAD, reason)


positions = st.builds(
    crashed,
    st.integers(-1, 9),
    st.sampled_from([A, B, NULL_UUID]),
    disowned=st.booleans(),
    error=st.sampled_from([None, "x"]),
)


@given(positions, positions)
def test_no_data_are_overwritten_that_the_elected_one_may_lack(elected: Told, survivor: Told) -> None:
    action = fate(of("db2", survivor), of("db1", elected)).action
    assert action in (KEEP, REPLACE, ASIDE)
    if action != ASIDE:
        assert survivor["uuid"] == elected["uuid"] != NULL_UUID
        assert 0 <= survivor["seqno"] <= elected["seqno"]
        assert {survivor["disowned"], elected["disowned"]} == {False}
        assert survivor["error"] is None
        assert (action == KEEP) == (survivor["seqno"] == elected["seqno"])


def test_what_becomes_of_all() -> None:
    reports = {"db1": crashed(), "db2": crashed(110), "db3": crashed(), "db5": crashed()}
    assert fates(["db1", "db2", "db3", "db4"], reports, "db1", FORCED) == [
        f"db2 is 10 write sets ahead of db1: {KEPT}",
        "db3 is at the same position, keeps its data, and needs no state transfer.",
    ]


OF_BRANCH_1 = f"db2 holds branch 1 of the cluster, given up on 2026-11-29T01:00:00Z (recover_force={FORCED})."
LATEST = of("db1", {"state": "running", "generation": 2, "decision": FORCED, "begun": "2026-11-29T01:00:00Z"})


@pytest.mark.parametrize(
    ("report", "latest", "sentence"),
    [
        (
            crashed(110),
            LATEST,
            f"{OF_BRANCH_1} 10 write sets are only there.",
        ),
        (
            crashed(101),
            LATEST,
            f"{OF_BRANCH_1} 1 write set is only there.",
        ),
        (
            crashed(100),
            LATEST,
            OF_BRANCH_1,
        ),
        (
            crashed(110),
            of("db1", {"state": "running", "generation": 2, "decision": "db1@unknown"}),
            "db2 holds branch 1 of the cluster, given up (recover_force=db1@unknown).",
        ),
        (crashed(110), of("db1", {"state": "running"}), "db2 holds branch 1 of the cluster, given up."),
    ],
)
def test_a_branch_that_was_given_up(report: Told, latest: Report, sentence: str) -> None:
    assert given_up(of("db2", report), latest) == sentence


# A run that is killed. NEW is the branch's UUID.
NEW = FIRST.next(FORCED, A, "", [], "mariadb1").uuid
OF_IT: Told = {"generation": 2, "decision": FORCED, "branch_uuid": NEW, "parent": A, "recorded_uuid": A}


@pytest.mark.parametrize(
    ("report", "position"),
    [
        # It was killed after grastate.dat was written; at its first start; before either.
        (crashed(100, NEW, **OF_IT), Position(A, 100)),
        (crashed(-1, NEW, **OF_IT, error="grastate.dat is of the cluster"), Position(A, 100)),
        (crashed(100, **OF_IT), Position(A, 100)),
        # Something was written since: the same words are about another position now.
        (crashed(101, NEW, **OF_IT), Position(NEW, 101)),
        (crashed(99, NEW, **OF_IT), Position(NEW, 99)),
        # It was in a Primary Component of the branch, or that is not known: what cannot be read may be anything.
        (crashed(-1, NEW, **{**OF_IT, "recorded_uuid": NEW}, error="InnoDB: corrupted"), Position(NEW)),
        (crashed(-1, NEW, **{**OF_IT, "recorded_uuid": None}, error="InnoDB: corrupted"), Position(NEW)),
        # Another decision.
        (crashed(100, NEW, **{**OF_IT, "decision": f"db2@{A}:100"}), Position(NEW, 100)),
        (crashed(100, NEW, **{**OF_IT, "branch_uuid": C}), Position(NEW, 100)),
    ],
)
def test_a_member_as_it_was_before(report: Told, position: Position) -> None:
    before = as_before(of("db1", report), Override.parse(FORCED))
    assert before.position == position
    changed = position.uuid != report["uuid"]
    assert (before.error is None) == (changed or "error" not in report)
    assert as_before(of("db1", report), None) == of("db1", report)


def test_a_survivor_that_saw_the_first_view_by_itself_as_it_was_before() -> None:
    report = crashed(101, NEW, **OF_IT)
    override = Override.parse(FORCED)
    assert as_before(of("db2", report), override).position == Position(A, 100)
    # The elected one sees it when it is bootstrapped.
    assert as_before(of("db1", report), override).position == Position(NEW, 101)
    assert as_before(of("db2", {**report, "seqno": 102}), override).position == Position(NEW, 102)


@pytest.mark.parametrize(
    ("report", "changed"),
    [
        (crashed(0, NEW, disowned=True), True),
        (crashed(-1, NEW, error="x"), True),
        (crashed(1, NEW), False),
        (crashed(-1, NEW, recorded_uuid=NEW, error="x"), False),
    ],
)
def test_a_member_at_an_unknown_position_as_it_was_before(report: Told, changed: bool) -> None:
    told = of("db1", {**OF_IT, "decision": "db1@unknown", **report})
    before = as_before(told, Override.parse("db1@unknown"))
    assert (before != told) is changed
    if changed:
        assert (before.position, before.error, before.disowned) == (Position(), None, False)


MEMBERS = ["db1", "db2", "db3", "db4"]
NODES = {name: f"mariadb{name[-1]}" for name in MEMBERS}
OLD_RECORD: Told = {"members": list(NODES.values()), "recorded_uuid": A, "had_data": True}
NEW_RECORD: Told = {**OF_IT, "members": ["mariadb1", "mariadb2", "mariadb3"]}
# db1 is forced: db2 holds the same, db3 more, and db4 is silent. How far the run came on each host.
STEPS: dict[str, list[Told]] = {
    "db1": [
        crashed(100, **OLD_RECORD),
        crashed(100, **NEW_RECORD, had_data=True),
        {**crashed(100, NEW, **NEW_RECORD, had_data=True), "state": "stopped", "safe_to_bootstrap": True},
        {**crashed(100, NEW, **NEW_RECORD), "state": "stopped", "safe_to_bootstrap": True},
        crashed(-1, NEW, **NEW_RECORD, error="grastate.dat is of the cluster, and InnoDB holds another"),
    ],
    "db2": [
        crashed(100, **OLD_RECORD),
        crashed(100, **NEW_RECORD, had_data=True),
        {**crashed(100, NEW, **NEW_RECORD, had_data=True), "state": "stopped"},
        crashed(-1, NEW, **NEW_RECORD, had_data=True, safe_to_bootstrap=True, error="InnoDB holds another"),
        {**crashed(101, NEW, **NEW_RECORD), "state": "stopped"},
    ],
    "db3": [
        crashed(110, **OLD_RECORD),
        crashed(110, **NEW_RECORD, had_data=True),
        {**MISSING, **NEW_RECORD, "had_data": True, "emptied": True},
        {**EMPTY, **NEW_RECORD, "had_data": True, "emptied": True},
        {**EMPTY, **NEW_RECORD},
    ],
}
POINTS = [dict(zip(STEPS, steps)) for steps in product(*STEPS.values())]
BEGUN = [point for point in POINTS if any("generation" in told for told in point.values())]


def with_nodes(point: dict[str, Told]) -> dict[str, Told]:
    return {name: {"node": NODES[name], **told} for name, told in point.items()}


def force(point: dict[str, Told], override: str | None = FORCED, purpose: str = "recover") -> Verdict:
    return elect(MEMBERS, with_nodes(point), purpose, override, nodes=NODES)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_killed_run_is_resumed_by_the_same_words(point: dict[str, Told]) -> None:
    verdict = force(point)
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", True)
    assert verdict.abandoned == ()
    # Each host finds the same branch, and its own part in it.
    recorded = [told for told in point.values() if "generation" in told]
    current = FIRST.next(FORCED, A, "then", ["mariadb1", "mariadb2", "mariadb3"], "mariadb1") if recorded else FIRST
    found = {name: begin(current, FORCED, MEMBERS, point, name, "now", ["mariadb1"]) for name in point}
    assert {branch.uuid for branch, _fate, _position in found.values()} == {NEW}
    assert {branch.generation for branch, _fate, _position in found.values()} == {2}
    assert {branch.begun for branch, _fate, _position in found.values()} == {"then" if recorded else "now"}
    assert {position for _branch, _fate, position in found.values()} == {Position(A, 100)}
    assert (found["db1"][1].action, found["db2"][1].action) == (LEAD, KEEP)
    assert found["db3"][1].action == (ASIDE if point["db3"]["state"] == "crashed" else NOTHING)
    assert [told for told in fates(MEMBERS, point, "db1", FORCED) if told.startswith("db2")] == [
        "db2 is at the same position, keeps its data, and needs no state transfer."
    ]


@pytest.mark.parametrize("purpose", ["recover", "start", "create"])
@pytest.mark.parametrize("point", BEGUN, ids=str)
def test_what_a_killed_run_left_is_not_bootstrapped_without_its_words(point: dict[str, Told], purpose: str) -> None:
    """Data with the old UUID must not go on in the new group; with the new UUID on all, there is no doubt any more."""
    verdict = force(point, None, purpose)
    if verdict.action == "bootstrap":
        assert verdict.node == "db1"
        assert point["db1"]["uuid"] == point["db2"]["uuid"] == NEW
        assert point["db3"].get("generation") != 2 or point["db3"]["state"] != "crashed"
    else:
        assert verdict.action == "refuse"
        assert verdict.reason.endswith(".")


def test_the_words_that_resume_are_named() -> None:
    point = {"db1": STEPS["db1"][1], "db2": STEPS["db2"][0], "db3": STEPS["db3"][1]}
    assert (
        f"A forced recovery was begun on db1 and db3 and did not end: run recover again with the same "
        f"recover_force={FORCED}."
    ) in force(point, None).reason
    assert "was begun on" not in force(point).reason
    # Another decision overrules this one, and says so.
    verdict = force(point, f"db3@{A}:110")
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db3", True)
    assert "A forced recovery was begun on db1 and db3 and did not end" in verdict.reason


def test_what_only_the_older_branch_holds() -> None:
    """db3 was moved aside before the run came to the others, or the disks of the new branch are gone."""
    point = {"db1": STEPS["db1"][0], "db2": STEPS["db2"][0], "db3": STEPS["db3"][4]}
    verdict = force(point, None)
    assert (verdict.action, verdict.abandoned) == ("refuse", ("db1", "db2"))
    assert verdict.reason.startswith(
        "No member of the latest branch holds data, and db1 and db2 those of a branch that was given up. Make sure "
        "that the disks of the others are mounted. To go back to the older branch, name "
        f"recover_force=db1@{A}:100 or recover_force=db2@{A}:100."
    )
    created = force(point, None, "create")
    assert (created.action, created.created) == ("refuse", False)
    assert "Nothing is created where a cluster was." in created.reason


DONE = f"recover_force={FORCED} was carried out: it began branch 2, and overrules nothing more. "
# It served: db1 was Primary.
SERVED = {**NEW_RECORD, "recorded_uuid": NEW, "had_data": True}


def test_after_the_bootstrap_the_words_are_not_needed() -> None:
    rest = {"db2": STEPS["db2"][4], "db3": STEPS["db3"][4]}
    starting = {"state": "running", "uuid": NULL_UUID, "seqno": -1, "bootstrap": True, **NEW_RECORD}
    verdict = force({"db1": starting, **rest})
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", False)
    assert verdict.reason == "db1 is being bootstrapped already."
    live = {**starting, "uuid": NEW, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1, **SERVED}
    verdict = force({"db1": live, **rest})
    assert (verdict.action, verdict.node) == ("join", "db1")


def test_words_that_are_left_over_are_refused() -> None:
    """The run that they were meant for came to its end, a month ago."""
    ended = {**SERVED, "ended": True}
    verdict = force({"db1": crashed(5000, NEW, **ended), "db2": crashed(5000, NEW, **ended)})
    assert verdict.action == "refuse"
    assert f"recover_force names {FORCED}, but db1 is at {NEW}:5000 now: look at the plan again." in verdict.reason


@pytest.mark.parametrize("seqno", [101, 5000])
def test_words_that_are_left_over_overrule_nothing(seqno: int) -> None:
    point = {
        "db1": crashed(seqno, NEW, **SERVED),
        "db2": crashed(101, NEW, **NEW_RECORD),
        "db3": {**EMPTY, **SERVED, "emptied": True},
    }
    verdict = force(point)
    assert verdict.action == "refuse"
    assert verdict.reason.startswith(DONE + "db3: its datadir is empty, but its node had data. Is its")


@pytest.mark.parametrize("words", [FORCED, "db1@unknown"])
def test_a_run_that_was_killed_between_the_bootstrap_and_the_node_goes_on(words: str) -> None:
    """The words are not true of the elected member any more, and nothing has to be overruled."""
    told = {**SERVED, "decision": words}
    point = {"db1": {**crashed(101, NEW, **told), "state": "stopped"}, "db3": {**EMPTY, **NEW_RECORD}}
    verdict = elect(["db1", "db2", "db3"], with_nodes(point), "recover", words, nodes=NODES)
    assert verdict.action == "refuse"
    assert "db2 did not report" in verdict.reason
    point["db2"] = crashed(101, NEW, **NEW_RECORD)
    verdict = elect(["db1", "db2", "db3"], with_nodes(point), "recover", words, nodes=NODES)
    assert verdict.reason == (
        f"recover_force={words} was carried out: it began branch 2, and overrules nothing more. "
        f"db1 is at {NEW}:101, a position that db1 and db2 share, and the first of them."
    )
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", False)


def test_words_that_are_left_over_overrule_nothing_where_the_position_is_lost() -> None:
    lost = crashed(-1, NEW, **SERVED, error="mariadb1: mariadbd --wsrep-recover told no position (exit code 1).")
    point = {"db1": lost, "db2": crashed(5000, NEW, **SERVED), "db3": crashed(5000, NEW, **SERVED)}
    verdict = force(point)
    assert verdict.action == "refuse"
    assert verdict.reason.startswith(DONE)
    assert "db1: mariadb1: mariadbd --wsrep-recover told no position (exit code 1). Repair that." in verdict.reason
    with pytest.raises(GaleraError, match=rf"{FORCED} was named, and the member is db1@unknown now: look at the plan"):
        begin(Branch("shop", 2, NEW, FORCED), FORCED, MEMBERS, point, "db1", "", [])


def test_a_killed_run_that_goes_on_takes_in_who_came_meanwhile() -> None:
    """Else a host that it did not reach would take itself for the only member, and bootstrap the branch once more."""
    first = begin(FIRST, FORCED, MEMBERS, {"db1": crashed()}, "db1", "then", ["mariadb1", "garbd"])[0]
    told = {"generation": 2, "decision": FORCED, "branch_uuid": first.uuid, "parent": A}
    reports = {"db1": crashed(**told), "db2": crashed()}
    for name in reports:
        again = begin(first, FORCED, MEMBERS, reports, name, "now", ["mariadb1", "mariadb2"])[0]
        assert again == replace(first, members=("mariadb1", "garbd", "mariadb2"))


def test_an_unknown_position_is_named_once() -> None:
    """A month later the same words, left in a file, would be true again: the next branch takes others."""
    words = "db1@unknown"
    first, position = begin(FIRST, words, MEMBERS, {"db1": LOST}, "db1", "", ["mariadb1"])[::2]
    assert (first.generation, position) == (2, Position())
    told = {"generation": 2, "decision": words, "branch_uuid": first.uuid, "parent": A, "recorded_uuid": A}
    # Killed, and resumed.
    for report in ({**LOST, **told}, {**crashed(0, first.uuid, **told)}, {**LOST, **told, "uuid": first.uuid}):
        assert begin(first, words, MEMBERS, {"db1": report}, "db1", "", [])[::2] == (first, Position())
    # A month later.
    again = {**LOST, **told, "uuid": first.uuid, "recorded_uuid": first.uuid}
    reports = {"db1": {**again, "node": "mariadb1", "ended": True}}
    refused = elect(["db1", "db2"], reports, "recover", words)
    assert refused.action == "refuse"
    assert "recover_force=db1@unknown began branch 2, and overrules nothing more." in refused.reason
    assert "name recover_force=db1@unknown:2." in refused.reason
    with pytest.raises(GaleraError, match="look at the plan again"):
        begin(first, words, MEMBERS, reports, "db1", "", ["mariadb1"])
    verdict = elect(["db1", "db2"], reports, "recover", f"{words}:2")
    assert (verdict.action, verdict.branch) == ("bootstrap", True)
    second = begin(first, f"{words}:2", MEMBERS, reports, "db1", "", ["mariadb1"])[0]
    assert (second.generation, second.group) == (3, "shop.3a")
    assert second.uuid not in (first.uuid, A)
    told = {"generation": 3, "decision": f"{words}:2", "branch_uuid": second.uuid, "recorded_uuid": first.uuid}
    killed = {"db1": {**LOST, **told, "uuid": second.uuid}}
    assert begin(second, f"{words}:2", MEMBERS, killed, "db1", "", [])[0] == second


@pytest.mark.parametrize(("reports", "member"), [({"db2": crashed()}, "db2"), ({"db1": crashed()}, "db2"), ({}, "db1")])
def test_no_branch_begins_without_reports(reports: dict[str, Told], member: str) -> None:
    with pytest.raises(GaleraError, match=f"^db1 or {member} did not report, so no branch can begin.$"):
        begin(FIRST, FORCED, MEMBERS, reports, member, "", [])


def test_no_branch_begins_at_another_position() -> None:
    with pytest.raises(GaleraError, match=f"{FORCED} was named, and the member is db1@{A}:101 now: look at the plan"):
        begin(FIRST, FORCED, MEMBERS, {"db1": crashed(101)}, "db1", "", [])


def test_a_disowned_member_begins_a_history_of_its_own() -> None:
    """Nobody else can have that position, so no peer may be taken for one that has the same data."""
    branch, found, position = begin(FIRST, "db1@unknown", MEMBERS, {"db1": DISOWNED, "db2": crashed()}, "db1", "", [])
    assert (found.action, position, branch.parent) == (LEAD, Position(), A)
    assert begin(FIRST, "db1@unknown", MEMBERS, {"db1": DISOWNED, "db2": crashed()}, "db2", "", [])[1].action == ASIDE


@pytest.mark.parametrize(
    ("reports", "words", "resumed"),
    [
        ([crashed()], FORCED, False),
        ([crashed(**OF_IT)], FORCED, True),
        ([crashed(), crashed(**OF_IT)], FORCED, True),
        ([crashed(**OF_IT)], f"db2@{A}:100", False),
        ([crashed(**OF_IT)], None, False),
        ([crashed(**OF_IT), crashed(101, NEW, **SERVED)], FORCED, False),
        (
            [crashed(**OF_IT), {**crashed(101, NEW, **OF_IT), "state": "running", "cluster_status": "Primary"}],
            FORCED,
            False,
        ),
        # A later branch has followed.
        ([crashed(**OF_IT), crashed(generation=3, decision="db2@unknown", branch_uuid=C)], FORCED, False),
    ],
)
def test_whether_a_run_is_resumed(reports: list[Told], words: str | None, resumed: bool) -> None:
    told = {f"db{number}": report for number, report in enumerate(reports, 1)}
    found, goes_on = before(MEMBERS, told, Override.parse(words) if words else None)
    assert (goes_on, list(found)) == (resumed, list(told))
    if not resumed:
        assert found == {name: Report.of(name, report) for name, report in told.items()}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (crashed(), False),
        (crashed(**OF_IT), True),
        (crashed(7, **OF_IT), True),
        (crashed(100, NEW, **OF_IT), True),
        (crashed(-1, NEW, **OF_IT), True),
        (crashed(101, NEW, **OF_IT), False),
        (crashed(101, NEW, **SERVED), False),
        (crashed(-1, NEW, **SERVED), False),
        # Restored since, and moved aside.
        (crashed(5, C, **{**OF_IT, "recorded_uuid": C}), False),
        ({**EMPTY, **OF_IT}, False),
    ],
)
def test_whether_a_run_is_unfinished(report: Told, expected: bool) -> None:
    assert unfinished(of("db1", report)) is expected


@pytest.mark.parametrize(
    ("left", "joins"),
    [
        (crashed(100), True),
        (crashed(60), True),
        (crashed(101), False),
        (LOST, False),
        ({**crashed(60), "error": "mariadb2: grastate.dat is empty."}, False),
        ({**crashed(60), "decision": "db1@unknown"}, False),
        (crashed(60, B), False),
    ],
)
def test_data_that_the_killed_run_would_have_replaced_join(left: Told, joins: bool) -> None:
    """The elected one is Primary in the branch, and the run was killed before the others got its data."""
    live = {"state": "running", "uuid": NEW, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1, **SERVED}
    verdict = force({"db1": live, "db2": {**NEW_RECORD, **left}, "db3": {**EMPTY, **NEW_RECORD}})
    assert (verdict.action, "db2" in verdict.reason) == (("join", False) if joins else ("refuse", True))
    assert verdict.reason.startswith(DONE)
    if not joins:
        assert verdict.reason.endswith(".")
        assert "repair_node" in verdict.reason or "holds data of another cluster" in verdict.reason


def test_data_of_the_branch_before_that_the_new_one_lacks_are_told() -> None:
    live = {"state": "running", "uuid": NEW, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1, **SERVED}
    verdict = force({"db1": live, "db2": crashed(101, **NEW_RECORD)}, None, "create")
    assert verdict.reason == (
        f"db2 holds data of the branch before this one ({A}:101), which joining would overwrite. Run repair_node "
        "-e repair_node_host=db2, which keeps the datadir."
    )


def test_a_server_that_somebody_started_on_data_that_were_given_up_is_named() -> None:
    live = {"state": "running", "uuid": NEW, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1, **SERVED}
    used = "mariadb3: the datadir /data is in use by another container, byhand: stop it first."
    verdict = force(
        {"db1": live, "db2": {**live, "cluster_size": 0}, "db3": {**MISSING, "state": "elsewhere", "error": used}}
    )
    assert (verdict.action, verdict.abandoned) == ("refuse", ("db3",))
    assert verdict.reason == f"{DONE}db3 holds branch 1 of the cluster, which was given up. {used}"


LIVE: Told = {"state": "running", "uuid": NEW, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1, **SERVED}


@pytest.mark.parametrize("told", [crashed(60), {**DEAF, "uuid": A, "seqno": 60, "cluster_status": "non-Primary"}])
def test_what_another_decision_would_have_replaced_is_not_overwritten(told: Told) -> None:
    """Its host recorded the twin of the branch that lives: what that one began with is not all in this one."""
    twin = {**NEW_RECORD, "branch_uuid": B, "decision": f"db3@{A}:105"}
    verdict = force({"db1": LIVE, "db2": {**twin, **told}}, None)
    assert verdict.action == "refuse"
    assert "db2 holds data of the branch before this one" in verdict.reason
    assert "repair_node_host=db2" in verdict.reason


def test_words_that_were_carried_out_do_not_live_again_when_the_node_is_stopped() -> None:
    """Its position may not be read then, which is what the words say."""
    words = "db1@unknown"
    served = {**SERVED, "decision": words}
    alone = {**DEAF, "uuid": NEW, "seqno": 150, "cluster_status": "non-Primary", **served}
    point = {"db1": alone, "db2": crashed(170, NEW, **served), "db3": {**EMPTY, **NEW_RECORD}}
    verdict = force(point, words)
    assert verdict.action == "refuse"
    assert verdict.reason.startswith(f"recover_force={words} was carried out")
    assert verdict.reason.endswith("Run it without recover_force.")


def test_data_that_were_given_up_are_not_offered() -> None:
    point = {"db1": crashed(105, NEW, **SERVED), "db2": crashed(60, **NEW_RECORD), "db3": {**EMPTY, **NEW_RECORD}}
    verdict = force(point)
    assert verdict.action == "refuse"
    assert "The members hold data of different clusters" in verdict.reason
    assert verdict.reason.endswith(f"name it as it is now: recover_force=db1@{NEW}:105.")


def test_a_container_of_another_name_is_told_where_the_node_is_fenced_too() -> None:
    used = "mariadb3: the datadir /data is in use by another container, byhand: stop it first."
    report = {"state": "elsewhere", "fenced": "2026-11-29T01:00:00Z 198.51.100.1:4567", "error": used}
    assert _of_member("db3", "mariadb3", report, 3, 0) == [f"db3: node mariadb3 is elsewhere. {used}"]


@pytest.mark.parametrize("purpose", ["create", "start", "recover"])
def test_a_node_that_was_voted_out_and_is_not_started_is_named_at_once(purpose: str) -> None:
    why = "mariadb2 is not started by its start script: The other nodes voted this node out."
    live = {"state": "running", "uuid": A, "seqno": 105, "cluster_status": "Primary", "cluster_size": 1}
    refused = {**DEAF, "marks": ["refused"], "disowned": True, "error": why}
    verdict = force({"db1": live, "db2": refused}, None, purpose)
    assert verdict.action == "refuse"
    assert why in verdict.reason
    assert "repair_node_host=db2" in verdict.reason
