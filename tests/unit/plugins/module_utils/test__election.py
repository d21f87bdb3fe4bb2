# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The election as a table: every verdict, every refusal, and what naming a node overrules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._election import Verdict, elect
from ansible_collections.dbops.galera.plugins.module_utils._position import NULL_UUID

A = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
B = "bbbbbbbb-e532-11f1-8a96-fa36e0da60b6"
MEMBERS = ["db1", "db2", "db3"]

Report = dict[str, Any]


def stopped(seqno: int, uuid: str = A, safe: bool = False, **more: Any) -> Report:
    return {
        "state": "stopped",
        "uuid": uuid,
        "seqno": seqno,
        "source": "grastate",
        "safe_to_bootstrap": safe,
        **more,
    }


def crashed(seqno: int, uuid: str = A, **more: Any) -> Report:
    return stopped(seqno, uuid, **{"state": "crashed", "source": "recovered", **more})


def running(status: str | None, seqno: int = 9, uuid: str = A, size: int = 3, **more: Any) -> Report:
    return {
        "state": "running",
        "uuid": uuid,
        "seqno": seqno,
        "source": "live",
        "cluster_status": status,
        "local_state": "Synced" if status == "Primary" else "Initialized",
        "cluster_size": size,
        **more,
    }


EMPTY: Report = {"state": "empty", "uuid": NULL_UUID, "seqno": -1, "source": "none"}
MISSING: Report = {**EMPTY, "state": "missing"}
LIVE = running("Primary")
ALONE = running("non-Primary", size=1)
DEAF: Report = {"state": "running", "uuid": NULL_UUID, "seqno": -1, "error": "db1 is running but not answering yet."}
STARTING: Report = {**DEAF, "bootstrap": True}
UNKNOWN = crashed(-1, NULL_UUID, source="none")
# Its grastate.dat knew the cluster, InnoDB did not tell the position.
LOST = crashed(-1, A, source="none", error="db2: mariadbd --wsrep-recover told no position (exit code 1).")
HALF = crashed(-1, NULL_UUID, source="none", sst_in_progress=True, error="its last SST did not end")
TORN = crashed(7, error="db2: grastate.dat is empty.")


def decide(*reports: Report | None, purpose: str = "recover", force: str | None = None) -> Verdict:
    known = {name: report for name, report in zip(MEMBERS, reports) if report is not None}
    return elect(MEMBERS, known, purpose, force)


@pytest.mark.parametrize("purpose", ["create", "recover"])
@pytest.mark.parametrize(
    ("reports", "node"),
    [
        ((LIVE, LIVE, LIVE), "db1"),
        ((EMPTY, LIVE, MISSING), "db2"),
        ((stopped(3), crashed(5), LIVE), "db3"),
        # Nothing is bootstrapped, so that a host that is away does not matter.
        ((None, LIVE, LIVE), "db2"),
        ((HALF, LIVE, LIVE), "db2"),
        ((DEAF, LIVE, LIVE), "db2"),
        ((LOST, LIVE, LIVE), "db2"),
        ((running("Primary", size=1, bootstrap=True), EMPTY, EMPTY), "db1"),
        # Reports are read one after the other: db1 still saw itself alone.
        ((running("Primary", size=1), running("Primary", size=2), EMPTY), "db1"),
    ],
)
def test_a_live_primary_component_is_joined(purpose: str, reports: tuple[Report | None, ...], node: str) -> None:
    verdict = decide(*reports, purpose=purpose)
    assert (verdict.action, verdict.node, verdict.created) == ("join", node, False)
    assert list(verdict.reasons) == MEMBERS


def test_a_live_primary_component_is_never_overruled() -> None:
    verdict = decide(stopped(9, safe=True), LIVE, LIVE, force="db1")
    assert verdict.action == "join"
    assert "db1 was named to be bootstrapped, which is not needed" in verdict.reason


@pytest.mark.parametrize(
    ("reports", "sentence"),
    [
        ((LIVE, stopped(3, B), EMPTY), f"db2 holds data of another cluster ({B}; db1 is in {A})"),
        ((LIVE, crashed(12), EMPTY), f"db2 is at {A}:12, ahead of db1 (seqno 9)"),
        ((LIVE, crashed(-1, B, source="none"), EMPTY), "db2 holds data of another cluster"),
        ((LIVE, running("non-Primary", uuid=B), EMPTY), "db2 holds data of another cluster"),
        ((LIVE, UNKNOWN, EMPTY), "db2 holds data that belongs to no cluster"),
        (
            (LIVE, {**running("Disconnected", -1, NULL_UUID), "local_state": "Inconsistent"}, EMPTY),
            "db2 runs, but was put out of the cluster: its data differ",
        ),
        ((LIVE, running("Primary", uuid=B), EMPTY), "db1 and db2 are Primary in different clusters"),
        (
            (running("Primary", size=1), running("Primary", size=1), EMPTY),
            "db1 and db2 are Primary without seeing each other (db1 counts 1, db2 counts 1)",
        ),
    ],
)
def test_joining_is_refused(reports: tuple[Report, ...], sentence: str) -> None:
    for force in (None, "db1"):
        verdict = decide(*reports, force=force)
        assert (verdict.action, verdict.node) == ("refuse", None)
        assert sentence in verdict.reason
        assert "save" in verdict.reason


@pytest.mark.parametrize("reports", [(EMPTY, EMPTY, EMPTY), (MISSING, EMPTY, EMPTY), (MISSING, MISSING, MISSING)])
def test_empty_members_create_a_cluster(reports: tuple[Report, ...]) -> None:
    verdict = decide(*reports, purpose="create")
    assert (verdict.action, verdict.node, verdict.created) == ("bootstrap", "db1", True)
    assert decide(*reports, purpose="create", force="db2").node == "db2"


@pytest.mark.parametrize(
    ("reports", "purpose", "created"),
    [
        ((STARTING, EMPTY, EMPTY), "create", True),
        (({**ALONE, "cluster_status": "Disconnected", "bootstrap": True}, EMPTY, MISSING), "create", True),
        ((STARTING, stopped(3), EMPTY), "create", False),
        ((STARTING, stopped(3), crashed(2)), "recover", False),
    ],
)
def test_a_bootstrap_under_way_goes_on(reports: tuple[Report, ...], purpose: str, created: bool) -> None:
    verdict = decide(*reports, purpose=purpose)
    assert (verdict.action, verdict.node, verdict.created) == ("bootstrap", "db1", created)
    assert "already" in verdict.reason


@pytest.mark.parametrize(
    ("reports", "sentences"),
    [
        ((EMPTY, None, None), ["db2, db3 did not report", "bring them back"]),
        ((stopped(5), EMPTY, EMPTY), ["The cluster is down", f"db1 {A}:5", "run the recover playbook"]),
        ((crashed(5), stopped(4), EMPTY), ["The cluster is down", "run the recover playbook"]),
        ((UNKNOWN, EMPTY, EMPTY), ["run the recover playbook", "empty its datadir instead"]),
        ((ALONE, EMPTY, EMPTY), ["db1 is running, but is not (yet) part of a Primary Component (non-Primary"]),
        ((DEAF, EMPTY, EMPTY), ["db1 is running, but is not (yet) part", "not answering yet"]),
        ((STARTING, None, EMPTY), ["db2 did not report", "db1 is running, but is not (yet)"]),
        ((STARTING, STARTING, EMPTY), ["db1 is running, but", "db2 is running, but"]),
        (({**ALONE, "bootstrap": True}, EMPTY, EMPTY), ["db1 is running, but is not (yet) part"]),
    ],
)
def test_creating_is_refused(reports: tuple[Report | None, ...], sentences: list[str]) -> None:
    for force in (None, "db1"):
        verdict = decide(*reports, purpose="create", force=force)
        assert (verdict.action, verdict.node) == ("refuse", None)
        for sentence in sentences:
            assert sentence in verdict.reason


def test_advice_to_empty_a_datadir_is_not_given_beside_known_positions() -> None:
    assert "empty" not in decide(UNKNOWN, stopped(3), EMPTY, purpose="create").reason


@pytest.mark.parametrize(
    ("reports", "node", "why"),
    [
        ((crashed(7), crashed(7), crashed(8)), "db3", "the highest position of all members"),
        ((crashed(7), stopped(9, safe=True), stopped(8)), "db2", "the highest position"),
        ((stopped(9), stopped(9), stopped(9)), "db1", "the first of them"),
        ((stopped(9), stopped(9), stopped(9, safe=True)), "db3", "safe to bootstrap"),
        ((crashed(0), crashed(0), crashed(0)), "db1", "the first of them"),
        # Half a state transfer is no data of its own.
        ((HALF, stopped(4), crashed(5)), "db3", "the highest position"),
    ],
)
def test_the_most_advanced_is_elected(reports: tuple[Report, ...], node: str, why: str) -> None:
    verdict = decide(*reports)
    assert (verdict.action, verdict.node, verdict.created) == ("bootstrap", node, False)
    assert why in verdict.reason


REFUSED = [
    ((crashed(7), None, crashed(8)), "db2 did not report"),
    ((crashed(7), crashed(7, B), crashed(8)), "different clusters"),
    ((crashed(7), EMPTY, crashed(8)), "db2 is empty beside members with data"),
    ((crashed(7), MISSING, crashed(8)), "db2 has no datadir"),
    ((crashed(7), TORN, crashed(8)), "db2: grastate.dat is empty. Repair that"),
    ((crashed(7), LOST, crashed(8)), "told no position"),
    ((crashed(7), UNKNOWN, crashed(8)), "db2 holds data at an unknown position"),
    ((UNKNOWN, UNKNOWN, UNKNOWN), "No member's position is known"),
    (
        (UNKNOWN, {**UNKNOWN, "safe_to_bootstrap": True}, crashed(8)),
        "db2 says that it is safe to bootstrap, but knows no",
    ),
    ((stopped(7, safe=True), stopped(7, safe=True), stopped(7)), "db1 and db2 all say that they left the cluster last"),
    ((stopped(7, safe=True), crashed(9), stopped(7)), "db1 says that it left the cluster last"),
]


@pytest.mark.parametrize(("reports", "sentence"), REFUSED)
def test_recovering_is_refused(reports: tuple[Report | None, ...], sentence: str) -> None:
    verdict = decide(*reports)
    assert (verdict.action, verdict.node) == ("refuse", None)
    assert sentence in verdict.reason
    assert verdict.reason.endswith(".")


@pytest.mark.parametrize(("reports", "sentence"), REFUSED)
def test_naming_a_node_overrules_and_says_so(reports: tuple[Report | None, ...], sentence: str) -> None:
    verdict = decide(*reports, force="db1")
    assert (verdict.action, verdict.node, verdict.created) == ("bootstrap", "db1", False)
    assert "named by the operator. It was decided against these objections:" in verdict.reason
    assert sentence in verdict.reason


def test_naming_a_node_that_nothing_speaks_against() -> None:
    verdict = decide(crashed(7), crashed(7), crashed(7), force="db2")
    assert verdict.node == "db2"
    assert verdict.reason == f"db2, at {A}:7, was named by the operator."


@pytest.mark.parametrize(
    ("reports", "force", "sentence"),
    [
        ((EMPTY, EMPTY, EMPTY), "db1", "nothing to recover"),
        ((EMPTY, EMPTY, EMPTY), None, "nothing to recover"),
        ((crashed(7), EMPTY, crashed(8)), "db2", "db2 was named to be bootstrapped, but holds no data"),
        ((crashed(7), HALF, crashed(8)), "db2", "but holds the half of an interrupted SST"),
        ((crashed(7), None, crashed(8)), "db2", "db2 was named to be bootstrapped, but it did not report"),
        ((crashed(7), crashed(8), crashed(9)), "db4", "db4 was named to be bootstrapped, but it is no member"),
    ],
)
def test_what_naming_a_node_cannot_overrule(
    reports: tuple[Report | None, ...], force: str | None, sentence: str
) -> None:
    verdict = decide(*reports, force=force)
    assert (verdict.action, verdict.node) == ("refuse", None)
    assert sentence in verdict.reason


def test_a_remainder_that_runs_is_bootstrapped_by_naming_it() -> None:
    verdict = decide(ALONE, ALONE, crashed(8), force="db2")
    assert (verdict.action, verdict.node) == ("bootstrap", "db2")
    assert "db1 is running, but" in verdict.reason


@pytest.mark.parametrize(
    ("members", "reports", "purpose", "sentence"),
    [
        ([], {}, "create", "no members"),
        (["db1", "db1"], {}, "create", "named twice"),
        (["db1"], {"db1": EMPTY}, "destroy", "say create or recover"),
        (["db1"], {"db1": {"state": "asleep"}}, "create", "unknown state 'asleep'"),
    ],
)
def test_bad_input(members: list[str], reports: dict[str, Report], purpose: str, sentence: str) -> None:
    verdict = elect(members, reports, purpose)
    assert verdict.action == "refuse"
    assert sentence in verdict.reason


def test_reasons_say_what_is_known_of_each_member() -> None:
    verdict = decide(crashed(7), None, stopped(8, safe=True))
    assert verdict.reasons == {
        "db1": f"db1 is crashed, at {A}:7 (recovered from InnoDB).",
        "db2": "db2 did not report: its host was not reached.",
        "db3": f"db3 is stopped, at {A}:8 (read from grastate.dat), safe to bootstrap.",
    }
    assert decide(LIVE, EMPTY, LOST).reasons == {
        "db1": f"db1 runs, Primary, Synced, at {A}:9 (live).",
        "db2": "db2 has an empty datadir.",
        "db3": "db3 is crashed, position unknown; db2: mariadbd --wsrep-recover told no position (exit code 1).",
    }


def test_members_of_other_clusters_are_not_looked_at() -> None:
    assert elect(["db1"], {"db1": EMPTY, "elsewhere": LIVE}).created


@pytest.mark.parametrize("force", [None, "db3"])
def test_members_without_a_primary_component_are_stopped_before_they_are_compared(force: str | None) -> None:
    verdict = decide(crashed(7), ALONE, crashed(8), force=force)
    assert (verdict.action, verdict.node) == ("settle", None)
    assert "db2 runs without a Primary Component" in verdict.reason


def test_nothing_is_stopped_while_a_member_may_be_live_elsewhere() -> None:
    verdict = decide(crashed(7), ALONE, None)
    assert verdict.action == "refuse"
    assert "db3 did not report, and may be live" in verdict.reason


def test_a_running_member_that_is_named_is_promoted_where_it_stands() -> None:
    verdict = decide(None, ALONE, None, force="db2")
    assert (verdict.action, verdict.node) == ("bootstrap", "db2")


STARTS: list[tuple[tuple[Report | None, ...], str | None, str, str | None]] = [
    ((stopped(7), stopped(7), stopped(7, safe=True)), "db3", "bootstrap", "db3"),
    ((stopped(7), stopped(7), stopped(7, safe=True)), None, "bootstrap", "db3"),
]


@pytest.mark.parametrize(("reports", "last", "action", "node"), STARTS)
def test_a_start_follows_the_record(
    reports: tuple[Report | None, ...], last: str | None, action: str, node: str | None
) -> None:
    verdict = elect(MEMBERS, dict(zip(MEMBERS, reports)), "start", stopped_last=last)  # type: ignore[arg-type]
    assert (verdict.action, verdict.node) == (action, node)


@pytest.mark.parametrize(
    ("reports", "last", "sentence"),
    [
        ((stopped(7), crashed(7), stopped(7, safe=True)), "db3", "db2 was not stopped cleanly"),
        ((stopped(7), ALONE, stopped(7, safe=True)), "db3", "This is not a start after a stop"),
        ((stopped(7), None, stopped(7, safe=True)), "db3", "db2 did not report, and may be live"),
        ((stopped(7), EMPTY, stopped(7, safe=True)), "db3", "db2 is empty beside members with data"),
        ((stopped(7), stopped(9, safe=True), stopped(7)), "db3", "names db3 as the last node, but by the positions"),
    ],
)
def test_a_start_is_refused(reports: tuple[Report | None, ...], last: str | None, sentence: str) -> None:
    verdict = elect(MEMBERS, dict(zip(MEMBERS, reports)), "start", stopped_last=last)  # type: ignore[arg-type]
    assert verdict.action == "refuse"
    assert sentence in verdict.reason
