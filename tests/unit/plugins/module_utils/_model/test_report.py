# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each word on a member, as a table of reports; and that no report is two things that exclude each other."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID, Position
from ansible_collections.dbops.galera.plugins.module_utils._model.report import STATES, Report
from hypothesis import given
from hypothesis import strategies as st

A = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
B = "bbbbbbbb-e532-11f1-8a96-fa36e0da60b6"


def told(**keys: Any) -> Report:
    return Report.of("db1", {"node": "mariadb1", **keys})


def live(status: str | None = "Primary", state: str | None = "Synced", **keys: Any) -> Report:
    return told(**{"state": "running", "uuid": A, "seqno": 9, "cluster_status": status, "local_state": state, **keys})


def at_rest(state: str = "stopped", uuid: str = A, seqno: int = 9, **keys: Any) -> Report:
    return told(**{"state": state, "uuid": uuid, "seqno": seqno, "source": "grastate", **keys})


EMPTY = told(state="empty", uuid=NULL_UUID, seqno=-1)
EMPTIED = told(state="empty", uuid=NULL_UUID, seqno=-1, emptied=True)
GONE = told(state="missing", uuid=NULL_UUID, seqno=-1, emptied=True)
MISSING = told(state="missing", uuid=NULL_UUID, seqno=-1)
STOPPED = at_rest()
CRASHED = at_rest("crashed")
LOST = at_rest("crashed", seqno=-1, error="mariadb1: mariadbd --wsrep-recover told no position (exit code 1).")
UNREAD = at_rest("crashed", seqno=-1)
HALF = at_rest("crashed", NULL_UUID, -1, sst_in_progress=True, error="mariadb1: its last SST did not end.")
DISOWNED = at_rest("crashed", disowned=True, error="mariadb1: grastate.dat disowns the data.")
ELSEWHERE = told(state="elsewhere", error="mariadb1: the container mariadb1 has its data in /old.")
PRIMARY = live()
JOINER = live(state="Joining: receiving State Transfer")
DONOR = live(state="Donor/Desynced")
VOTED_OUT = live("Disconnected", "Inconsistent")
NON_PRIMARY = live("non-Primary", "Initialized")
DEAF = live(None, None, uuid=NULL_UUID, seqno=-1, error="mariadb1 is running but not answering.")
MARKED = live(None, None, uuid=NULL_UUID, seqno=-1, error="mariadb1 is running but not answering.", marks=["joining"])
STARTING = live(None, None, uuid=NULL_UUID, seqno=-1, bootstrap=True)
ALONE = live("non-Primary", "Initialized", bootstrap=True)

WORDS: dict[str, tuple[Report, set[str]]] = {
    "empty": (EMPTY, {"blank"}),
    "emptied": (EMPTIED, {"emptied"}),
    "a disk that is gone": (GONE, {"emptied"}),
    "missing": (MISSING, {"blank"}),
    "stopped": (STOPPED, {"holds_data", "candidate"}),
    "crashed": (CRASHED, {"holds_data", "candidate"}),
    "position lost": (LOST, {"holds_data", "unreadable"}),
    "position not looked for": (UNREAD, {"holds_data"}),
    "half an SST": (HALF, set()),
    "disowned": (DISOWNED, {"holds_data", "disowned"}),
    "elsewhere": (ELSEWHERE, {"holds_data", "unreadable"}),
    "Primary": (PRIMARY, {"running", "primary", "synced", "serves", "holds_data", "candidate"}),
    "joiner": (JOINER, {"running", "primary", "holds_data", "candidate"}),
    "donor": (DONOR, {"running", "primary", "serves", "holds_data", "candidate"}),
    "voted out": (VOTED_OUT, {"running", "not_primary", "holds_data", "candidate"}),
    "non-Primary": (NON_PRIMARY, {"running", "not_primary", "holds_data", "candidate"}),
    "deaf": (DEAF, {"running", "unknown", "holds_data"}),
    "deaf, with a mark": (MARKED, {"running", "not_primary", "holds_data"}),
    "being bootstrapped": (STARTING, {"running", "unknown", "starting", "holds_data"}),
    "bootstrapped, peers lost": (ALONE, {"running", "not_primary", "holds_data", "candidate"}),
}
ALL = (
    "running",
    "primary",
    "synced",
    "serves",
    "not_primary",
    "unknown",
    "starting",
    "blank",
    "emptied",
    "disowned",
    "holds_data",
    "candidate",
    "unreadable",
)


@pytest.mark.parametrize(("report", "words"), WORDS.values(), ids=WORDS)
def test_words(report: Report, words: set[str]) -> None:
    assert {word for word in ALL if getattr(report, word)} == words


reports = st.builds(
    told,
    state=st.sampled_from(STATES),
    uuid=st.sampled_from([A, B, NULL_UUID, None]),
    seqno=st.sampled_from([None, -1, 0, 7]),
    cluster_status=st.sampled_from([None, "Primary", "non-Primary", "Disconnected"]),
    local_state=st.sampled_from([None, "Synced", "Donor/Desynced", "Joined", "Initialized", "Inconsistent"]),
    marks=st.sampled_from([[], ["joining"], ["non-primary"]]),
    error=st.sampled_from([None, "It is damaged."]),
    bootstrap=st.booleans(),
    sst_in_progress=st.booleans(),
    disowned=st.booleans(),
    emptied=st.booleans(),
)


@given(reports)
def test_no_report_is_two_things_at_once(report: Report) -> None:
    assert report.running == (report.primary + report.not_primary + report.unknown == 1)
    assert not (report.primary and report.not_primary)
    assert not (report.blank and (report.emptied or report.holds_data or report.running))
    assert not (report.synced and not report.serves)
    assert not (report.serves and not report.primary)
    assert not (report.unreadable and (report.candidate or report.running))
    assert not (report.candidate and (report.disowned or report.sst_in_progress or not report.position.known))
    assert not (report.starting and not report.running)
    assert report.apart(report) is False
    assert str(report).startswith("db1 ")
    assert str(report).endswith(".")


@given(reports, reports)
def test_nobody_is_ahead_of_whom_he_cannot_be_compared_with(one: Report, other: Report) -> None:
    ahead = one.ahead(other.position)
    assert ahead >= 0
    if ahead:
        assert one.position.known
        assert one.position.uuid == other.position.uuid
        assert other.ahead(one.position) == 0
        assert not one.foreign(other.position.uuid)


def test_what_a_report_leaves_out_is_unknown() -> None:
    report = Report.of("db1", {"state": "running"})
    assert report == Report(name="db1", node="db1", state="running")
    assert report.unknown
    assert (report.position, report.generation, report.members) == (Position(), 1, ())
    emptied = dict.fromkeys([field.name for field in fields(Report)])
    assert Report.of("db1", {**emptied, "state": "running"}) == report


def test_a_report_as_it_comes() -> None:
    report = told(
        state="crashed",
        uuid=A.upper(),
        seqno="7",
        generation=2,
        decision=f"db1@{B}:5",
        branch_uuid=A.upper(),
        members=["mariadb1", "garbd"],
        view_members=["x"],
        marks=["joining"],
    )
    assert report.node == "mariadb1"
    assert report.position == Position(A, 7)
    assert (report.generation, report.branch_uuid, report.decision) == (2, A, f"db1@{B}:5")
    assert (report.members, report.view_members, report.marks) == (("mariadb1", "garbd"), ("x",), ("joining",))


@pytest.mark.parametrize(
    ("report", "uuid", "foreign"),
    [
        (STOPPED, A, False),
        (STOPPED, B, True),
        (LOST, B, True),
        (NON_PRIMARY, B, True),
        (HALF, B, False),
        (EMPTY, B, False),
        (at_rest("crashed", NULL_UUID, -1), B, False),
    ],
)
def test_foreign(report: Report, uuid: str, foreign: bool) -> None:
    assert report.foreign(uuid) is foreign


@pytest.mark.parametrize(
    ("report", "of", "ahead"),
    [
        (STOPPED, Position(A, 8), 1),
        (STOPPED, Position(A, 9), 0),
        (STOPPED, Position(A, 10), 0),
        (STOPPED, Position(A), 10),
        (STOPPED, Position(B, 1), 0),
        (STOPPED, Position(), 0),
        (UNREAD, Position(A, 1), 0),
        (EMPTY, Position(A, 1), 0),
        (NON_PRIMARY, Position(A, 1), 8),
        (DISOWNED, Position(A, 1), 8),
    ],
)
def test_ahead(report: Report, of: Position, ahead: int) -> None:
    assert report.ahead(of) == ahead


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (("1", ["1", "2"]), ("2", ["1", "2"]), False),
        (("1", ["1", "9"]), ("2", ["2"]), True),
        # One was read before the other came.
        (("1", ["1"]), ("2", ["1", "2"]), False),
        # Who does not tell is not known to be apart.
        (("1", []), ("2", ["2"]), False),
        (("1", ["1"]), ("2", []), False),
    ],
)
def test_two_that_are_not_among_each_others_members(
    one: tuple[str, list[str]], other: tuple[str, list[str]], apart: bool
) -> None:
    first, second = (live(gcomm_uuid=uuid, view_members=view) for uuid, view in (one, other))
    assert first.apart(second) is second.apart(first) is apart
    idle = live("non-Primary", "Initialized", gcomm_uuid="2", view_members=["2"])
    assert not first.apart(idle)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (PRIMARY, f"db1 runs, Primary, Synced, at {A}:9 (none)."),
        (
            DEAF,
            "db1 runs, cluster status unknown, state unknown, position unknown; mariadb1 is running but not answering.",
        ),
        (EMPTIED, "db1 has an empty datadir, and had data before."),
        (GONE, "db1 has an empty datadir, and had data before."),
        (EMPTY, "db1 has an empty datadir."),
        (MISSING, "db1 has no datadir."),
        (at_rest(safe_to_bootstrap=True), f"db1 is stopped, at {A}:9 (read from grastate.dat), safe to bootstrap."),
        (at_rest("crashed", source="recovered"), f"db1 is crashed, at {A}:9 (recovered from InnoDB)."),
        (HALF, "db1 is crashed, position unknown; mariadb1: its last SST did not end."),
    ],
)
def test_in_words(report: Report, sentence: str) -> None:
    assert str(report) == sentence
