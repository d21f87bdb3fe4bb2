# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The election as a table: every verdict, every refusal, and what naming a node overrules; then what always holds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import ASIDE, KEEP, Override, fate
from ansible_collections.dbops.galera.plugins.module_utils._model.election import PURPOSES, Verdict, elect, split
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report as Known
from hypothesis import given, settings
from hypothesis import strategies as st

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
# It does not answer either, but its start script says that it has not been in a Primary Component.
MARKED: Report = {**DEAF, "marks": ["joining"]}
STARTING: Report = {**DEAF, "bootstrap": True}
EMPTIED: Report = {**EMPTY, "emptied": True, "had_data": True}
GONE: Report = {**MISSING, "emptied": True, "had_data": True}
ELSEWHERE: Report = {"state": "elsewhere", "error": "mariadb2: the container mariadb2 has its data in /old."}
UNKNOWN = crashed(-1, NULL_UUID, source="none")
# Its grastate.dat knew the cluster, InnoDB did not tell the position.
LOST = crashed(-1, A, source="none", error="db2: mariadbd --wsrep-recover told no position (exit code 1).")
HALF = crashed(-1, NULL_UUID, source="none", sst_in_progress=True, error="its last SST did not end")
TORN = crashed(7, error="db2: grastate.dat is empty.")
DISOWNED = crashed(7, disowned=True, error="db2: grastate.dat disowns the data (a UUID of zeros).")
NODES = {"db1": "mariadb1", "db2": "mariadb2", "db3": "mariadb3"}


def decide(*reports: Report | None, purpose: str = "recover", force: str | None = None, **more: Any) -> Verdict:
    known = {name: report for name, report in zip(MEMBERS, reports) if report is not None}
    return elect(MEMBERS, known, purpose, force, **more)


def words(name: str, *reports: Report | None) -> str:
    """The override that names a member as it is."""
    return str(Override.of(Known.of(name, reports[MEMBERS.index(name)] or {})))


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
        ((MARKED, LIVE, LIVE), "db2"),
        ((ALONE, LIVE, LIVE), "db2"),
        # Its position was not looked for: its start script does that.
        ((crashed(-1, A, source="none"), LIVE, LIVE), "db2"),
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
    verdict = decide(stopped(9, safe=True), LIVE, LIVE, force=f"db1@{A}:9")
    assert verdict.action == "join"
    assert verdict.reason == (
        "The cluster is live on db2 and db3: the others join it. db1 was named to be bootstrapped, which is not needed."
    )


REPAIR = "Run repair_node -e repair_node_host=db2, which keeps the datadir."
FOREIGN = (
    f"db2 holds data of another cluster ({B}; db1 is in {A}), which joining would overwrite: check that the right "
    "disk is mounted, or take the host out of the group."
)
SPLIT = (
    "the cluster is split. Find out which part the application writes to, stop the nodes of the other part by name "
    "(docker stop), and let repair_node take them in: it keeps their datadirs."
)
NOT_JOINING: list[tuple[tuple[Report, ...], str]] = [
    ((LIVE, stopped(3, B), EMPTY), FOREIGN),
    ((LIVE, crashed(-1, B, source="none"), EMPTY), FOREIGN),
    ((LIVE, running("non-Primary", uuid=B), EMPTY), FOREIGN),
    (
        (LIVE, crashed(12), EMPTY),
        f"db2 is at {A}:12, 3 ahead of db1 (seqno 9): it holds writes that the live cluster lacks. {REPAIR}",
    ),
    ((LIVE, UNKNOWN, EMPTY), f"db2 holds data that belongs to no cluster, which joining would overwrite. {REPAIR}"),
    (
        (LIVE, LOST, EMPTY),
        (
            "db2 holds data at an unknown position, which joining may overwrite: db2: mariadbd --wsrep-recover told "
            f"no position (exit code 1). {REPAIR}"
        ),
    ),
    (
        (LIVE, DISOWNED, EMPTY),
        (
            "db2 was put out of the cluster, or a state transfer to it failed: db2: grastate.dat disowns the data (a "
            f"UUID of zeros). {REPAIR}"
        ),
    ),
    (
        (LIVE, EMPTIED, EMPTY),
        (
            "db2: its datadir is empty, but its node had data. Is its disk mounted? If the data are "
            "lost, run repair_node -e repair_node_host=db2."
        ),
    ),
    (
        (LIVE, GONE, EMPTY),
        (
            "db2: its datadir is empty, but its node had data. Is its disk mounted? If the data are "
            "lost, run repair_node -e repair_node_host=db2."
        ),
    ),
    (
        (LIVE, {**running("Disconnected", -1, NULL_UUID), "local_state": "Inconsistent"}, EMPTY),
        f"db2 runs, but was put out of the cluster: its data differ from the other nodes'. {REPAIR}",
    ),
    (
        (LIVE, running("Primary", uuid=B), EMPTY),
        (
            f"db1 and db2 are Primary in different clusters (db1 {A}:9, db2 {B}:9): find out which one the "
            "application writes to, stop the other, and save its data before it joins."
        ),
    ),
    (
        (running("Primary", size=1), running("Primary", size=1), EMPTY),
        f"db1 and db2 are Primary without seeing each other (db1 counts 1, db2 counts 1): {SPLIT}",
    ),
    # An arbitrator makes the size of one half as large as the number of both.
    (
        (
            running("Primary", size=2, gcomm_uuid="1", view_members=["1", "garbd"]),
            running("Primary", size=1, gcomm_uuid="2", view_members=["2"]),
            EMPTY,
        ),
        "db1 and db2 are Primary without seeing each other (db1 and db2 are not among each other's members): " + SPLIT,
    ),
    (
        (LIVE, {**DEAF, "error": None}, EMPTY),
        (
            "db2: the server of db2 runs and does not say how it is: it may be Primary and take writes. Wait until it "
            "answers. If it never does, look at docker logs db2, stop it there (docker stop db2), and run this again."
        ),
    ),
    (
        (LIVE, ELSEWHERE, EMPTY),
        "db2: mariadb2: the container mariadb2 has its data in /old.",
    ),
]


@pytest.mark.parametrize(("reports", "sentence"), NOT_JOINING)
@pytest.mark.parametrize("purpose", ["create", "start", "recover"])
def test_joining_is_refused(reports: tuple[Report, ...], sentence: str, purpose: str) -> None:
    for force in (None, f"db1@{A}:9"):
        verdict = decide(*reports, purpose=purpose, force=force if purpose == "recover" else None)
        assert (verdict.action, verdict.node) == ("refuse", None)
        assert verdict.reason == sentence


def test_a_split_is_of_primary_nodes() -> None:
    reports = [running("Primary", gcomm_uuid=uuid, view_members=["1", "2"]) for uuid in ("1", "2")]
    live = [Known.of(f"db{number}", report) for number, report in enumerate(reports, 1)]
    assert split(live) == split(live[:1]) == split([]) == ""


@pytest.mark.parametrize("reports", [(EMPTY, EMPTY, EMPTY), (MISSING, EMPTY, EMPTY), (MISSING, MISSING, MISSING)])
def test_empty_members_create_a_cluster(reports: tuple[Report, ...]) -> None:
    verdict = decide(*reports, purpose="create")
    assert (verdict.action, verdict.node, verdict.created) == ("bootstrap", "db1", True)
    assert verdict.reason == "All members are empty: db1 begins the cluster."
    # There is nothing to overrule.
    assert decide(*reports, purpose="create", force="db2") == verdict


@pytest.mark.parametrize(
    ("reports", "purpose", "created"),
    [
        ((STARTING, EMPTY, EMPTY), "create", True),
        (({**ALONE, "cluster_status": "Disconnected", "bootstrap": True}, EMPTY, MISSING), "create", True),
        ((STARTING, stopped(3), EMPTY), "create", False),
        # A forced recovery was killed, which had moved the others' data aside.
        (({**STARTING, "had_data": True}, EMPTY, EMPTY), "create", False),
        (({**STARTING, "recorded_uuid": A}, EMPTY, EMPTY), "create", False),
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
        (
            (UNKNOWN, EMPTY, EMPTY),
            ["run the recover playbook", "first start of db1 was interrupted, rename its datadir"],
        ),
        (({**UNKNOWN, "had_data": True}, EMPTY, EMPTY), ["run the recover playbook."]),
        ((ALONE, EMPTY, EMPTY), ["db1 is running, but is not (yet) part of a Primary Component (non-Primary"]),
        ((DEAF, EMPTY, EMPTY), ["db1 is running, but is not (yet) part", "not answering yet"]),
        ((STARTING, None, EMPTY), ["db2 did not report", "db1 is running, but is not (yet)"]),
        ((STARTING, STARTING, EMPTY), ["db1 is running, but", "db2 is running, but"]),
        (({**ALONE, "bootstrap": True}, EMPTY, EMPTY), ["db1 is running, but is not (yet) part"]),
        ((MARKED, EMPTY, EMPTY), ["db1 is running, but is not (yet) part"]),
        (
            (EMPTIED, EMPTIED, EMPTIED),
            [
                f"{name}: its datadir is empty, but its node had data. Is its disk mounted? Nothing is "
                "created where a cluster was."
                for name in MEMBERS
            ],
        ),
        ((EMPTY, GONE, EMPTY), ["db2: its datadir is empty, but its node had data", "Nothing is created"]),
        # What an attempt to join left behind, below the mount point of a disk that is gone.
        ((EMPTY, {**EMPTY, "had_data": True}, EMPTY), ["db2: its datadir is empty, but its node had data"]),
        ((HALF, EMPTY, EMPTY), ["db1 holds the half of an interrupted SST: run the recover playbook."]),
        (({**EMPTY, "members": ["db9"]}, EMPTY, EMPTY), ["db9 is in the cluster by the record of db1"]),
        (
            (EMPTY, {**EMPTY, "generation": 2}, stopped(3)),
            ["db3 holds branch 1 of the cluster, given up", "Nothing is created where a cluster was."],
        ),
        ((EMPTY, ELSEWHERE, EMPTY), ["db2: mariadb2: the container mariadb2 has its data in /old."]),
        ((UNKNOWN, stopped(3), None), ["db3 did not report", "The cluster is down"]),
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


# With the words that name a member in spite of that: the first one that holds data.
REFUSED: list[tuple[tuple[Report | None, ...], str, str]] = [
    (
        (crashed(7), None, crashed(8)),
        "db1",
        "db2 did not report, and may be live or ahead of the others: bring it back.",
    ),
    (
        (crashed(7), None, None),
        "db1",
        "db2, db3 did not report, and may be live or ahead of the others: bring them back.",
    ),
    (
        (crashed(7), crashed(7, B), crashed(8)),
        "db1",
        (
            f"The members hold data of different clusters (db1 {A}:7, db2 {B}:7, db3 {A}:8): name the node that has "
            "the right data."
        ),
    ),
    (
        (crashed(7), EMPTY, crashed(8)),
        "db3",
        "db2 is empty beside members with data. Is its disk mounted?",
    ),
    (
        (crashed(7), EMPTIED, crashed(8)),
        "db3",
        "db2: its datadir is empty, but its node had data. Is its disk mounted?",
    ),
    (
        (crashed(7), GONE, crashed(8)),
        "db3",
        "db2: its datadir is empty, but its node had data. Is its disk mounted?",
    ),
    ((crashed(7), MISSING, crashed(8)), "db3", "db2 has no datadir: mount or make it."),
    ((crashed(7), TORN, crashed(8)), "db3", "db2: db2: grastate.dat is empty. Repair that."),
    ((TORN, crashed(7), crashed(7)), "db2", "db1: db2: grastate.dat is empty. Repair that."),
    (
        (crashed(7), LOST, crashed(8)),
        "db3",
        "db2: db2: mariadbd --wsrep-recover told no position (exit code 1). Repair that.",
    ),
    (
        (crashed(7), DISOWNED, crashed(8)),
        "db3",
        "db2: db2: grastate.dat disowns the data (a UUID of zeros). Repair that.",
    ),
    (
        (crashed(7), UNKNOWN, crashed(8)),
        "db3",
        "db2 holds data at an unknown position, and may be ahead of the others: repair it.",
    ),
    (
        (UNKNOWN, UNKNOWN, UNKNOWN),
        "db1",
        "No member's position is known: name the node to be bootstrapped, or restore a backup.",
    ),
    (
        (UNKNOWN, {**UNKNOWN, "safe_to_bootstrap": True}, crashed(8)),
        "db3",
        (
            f"db2 says that it is safe to bootstrap, but knows no position (its UUID is {NULL_UUID}, its seqno -1): "
            "it began a cluster of its own, or someone wrote its grastate.dat."
        ),
    ),
    (
        (stopped(7, safe=True), stopped(7, safe=True), stopped(7)),
        "db1",
        (
            "db1 and db2 all say that they left the cluster last (safe_to_bootstrap: 1), which only one can: name the "
            f"node to be bootstrapped (db1 {A}:7, db2 {A}:7)."
        ),
    ),
    (
        (stopped(7, safe=True), crashed(9), stopped(7)),
        "db1",
        (
            "db1 says that it left the cluster last (safe_to_bootstrap: 1), yet db2 is ahead of it "
            f"(db1 {A}:7, db2 {A}:9): one of them ran alone, and their data may differ. Name the node to be "
            "bootstrapped, and save what the others hold."
        ),
    ),
    (
        (crashed(7, members=["db1", "db2", "db3", "db9"]), crashed(7), crashed(8)),
        "db1",
        (
            "db9 is in the cluster by the record of db1, and no host of the inventory has it: taking a host out of "
            "the inventory takes no vote away. Put it back, and bring it back."
        ),
    ),
]
IN_SPITE = (
    "To begin a new branch of the cluster from one of them in spite of that, and give up what only others hold, name it"
)


@pytest.mark.parametrize(("reports", "named", "sentence"), REFUSED)
def test_recovering_is_refused(reports: tuple[Report | None, ...], named: str, sentence: str) -> None:
    verdict = decide(*reports)
    assert (verdict.action, verdict.node, verdict.branch) == ("refuse", None, False)
    assert sentence in verdict.reason
    # It ends with the words that overrule it.
    assert IN_SPITE in verdict.reason
    assert f"recover_force={words(named, *reports)}" in verdict.reason
    assert verdict.reason.endswith(".")


@pytest.mark.parametrize(("reports", "named", "sentence"), REFUSED)
def test_naming_a_node_overrules_and_says_so(reports: tuple[Report | None, ...], named: str, sentence: str) -> None:
    verdict = decide(*reports, force=words(named, *reports))
    assert (verdict.action, verdict.node, verdict.created, verdict.branch) == ("bootstrap", named, False, True)
    assert "was named by the operator. It was decided against these objections:" in verdict.reason
    assert sentence in verdict.reason
    assert "It begins a new branch of the cluster, under another UUID and group name." in verdict.reason


def test_whom_a_forced_recovery_cannot_fence() -> None:
    verdict = decide(crashed(7), None, crashed(7), force=f"db1@{A}:7")
    assert verdict.reason == (
        f"db1, at {A}:7, was named by the operator. It was decided against these objections: db2 did not report, and "
        "may be live or ahead of the others: bring it back. It begins a new branch of the cluster, under another UUID "
        "and group name. A host that cannot be reached cannot be fenced by anybody: power off db2, or keep it from "
        "the network, until it is taken in by repair_node."
    )
    verdict = decide(crashed(7, members=["db9"]), crashed(7), crashed(7), force=f"db1@{A}:7")
    assert "power off db9, or keep it from" in verdict.reason
    verdict = decide(crashed(7), None, None, force=f"db1@{A}:7")
    assert "power off db2 and db3, or keep them from the network, until they are taken in" in verdict.reason
    assert "fenced" not in decide(crashed(7), EMPTY, crashed(7), force=f"db1@{A}:7").reason


def test_who_is_behind_is_named_against_those_that_are_ahead() -> None:
    verdict = decide(crashed(7), crashed(8), crashed(17), force=f"db1@{A}:7")
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", True)
    for objection in (
        f"db2 is 1 write set ahead of db1 ({A}:8): acknowledged writes would be given up.",
        f"db3 is 10 write sets ahead of db1 ({A}:17): acknowledged writes would be given up.",
    ):
        assert objection in verdict.reason


@pytest.mark.parametrize(
    ("report", "objection"),
    [
        (
            DISOWNED,
            (
                "db1: db2: grastate.dat disowns the data (a UUID of zeros). What it holds cannot be compared with the "
                "others' data."
            ),
        ),
        (
            LOST,
            (
                "db1: db2: mariadbd --wsrep-recover told no position (exit code 1). What it holds cannot be compared "
                "with the others' data."
            ),
        ),
        (UNKNOWN, "db1: its position is unknown. What it holds cannot be compared with the others' data."),
        (TORN, "db1: db2: grastate.dat is empty."),
    ],
)
def test_who_is_named_although_its_data_are_doubtful(report: Report, objection: str) -> None:
    verdict = decide(report, crashed(7), crashed(7), force=words("db1", report))
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", True)
    assert objection in verdict.reason
    assert ("at an unknown position, was named" in verdict.reason) is (report["seqno"] < 0)


def test_naming_a_node_that_nothing_speaks_against() -> None:
    verdict = decide(crashed(7), crashed(7), crashed(7), force=f"db2@{A}:7")
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db2", False)
    assert verdict.reason == f"db2, at {A}:7, was named by the operator."


MOVED = (
    "recover_force names db1@{}, but db1 is at {} now: look at the plan again. If that is still what you want, name "
    "recover_force=db1@{}."
)


@pytest.mark.parametrize(
    ("report", "said", "is_now"),
    [
        (crashed(7), f"{A}:6", f"{A}:7"),
        (crashed(7), f"{A}:8", f"{A}:7"),
        (crashed(7), f"{B}:7", f"{A}:7"),
        (crashed(7), "unknown", f"{A}:7"),
        (LOST, f"{A}:7", "unknown"),
        (DISOWNED, f"{A}:7", "unknown"),
        (UNKNOWN, f"{NULL_UUID}:0", "unknown"),
    ],
)
def test_words_about_another_position_overrule_nothing(report: Report, said: str, is_now: str) -> None:
    verdict = decide(report, crashed(7), crashed(7), force=f"db1@{said}")
    assert (verdict.action, verdict.node, verdict.branch) == ("refuse", None, False)
    told = is_now if is_now != "unknown" else "an unknown position"
    assert MOVED.format(said, told, is_now) in verdict.reason
    assert IN_SPITE not in verdict.reason


@pytest.mark.parametrize("force", ["db1", "db1@7", f"db1@{A}"])
def test_words_that_name_no_position(force: str) -> None:
    verdict = decide(crashed(7), None, crashed(8), force=force)
    assert (verdict.action, verdict.node) == ("refuse", None)
    assert verdict.reason.startswith(f"recover_force is '{force}': name the host and the position that it has")
    assert list(verdict.reasons) == MEMBERS


@pytest.mark.parametrize(
    ("reports", "force", "sentence"),
    [
        (
            (EMPTY, EMPTY, EMPTY),
            "db1@unknown",
            (
                "No member holds data, nor a trace of any, so there is nothing to recover: run site to create the "
                "cluster."
            ),
        ),
        (
            (EMPTY, MISSING, EMPTY),
            None,
            (
                "No member holds data, nor a trace of any, so there is nothing to recover: run site to create the "
                "cluster."
            ),
        ),
        (
            (EMPTIED, EMPTY, GONE),
            None,
            (
                "No member holds data now, but db1 and db3 had: make sure that the disks are mounted, and run this "
                "again. Do not run site: it would not find the cluster either."
            ),
        ),
        (
            (EMPTIED, EMPTIED, EMPTIED),
            "db1@unknown",
            "No member holds data now, but db1, db2 and db3 had: make sure that the disks are mounted",
        ),
        (
            (crashed(7), EMPTY, crashed(8)),
            "db2@unknown",
            "db2 was named to be bootstrapped, but holds no data: name a node that has data.",
        ),
        (
            (crashed(7), EMPTIED, crashed(8)),
            "db2@unknown",
            "db2 was named to be bootstrapped, but holds no data: name a node that has data.",
        ),
        (
            (crashed(7), HALF, crashed(8)),
            "db2@unknown",
            "db2 was named to be bootstrapped, but holds the half of an interrupted SST: name a node that has data.",
        ),
        (
            (crashed(7), None, crashed(8)),
            f"db2@{A}:7",
            "db2 was named to be bootstrapped, but it did not report: bring its host back.",
        ),
        (
            (crashed(7), crashed(8), crashed(9)),
            f"db4@{A}:7",
            "db4 was named to be bootstrapped, but it is no member: name one of db1, db2, db3.",
        ),
        (
            (crashed(7), ELSEWHERE, crashed(9)),
            f"db1@{A}:7",
            "db2: mariadb2: the container mariadb2 has its data in /old.",
        ),
    ],
)
def test_what_naming_a_node_cannot_overrule(
    reports: tuple[Report | None, ...], force: str | None, sentence: str
) -> None:
    verdict = decide(*reports, force=force)
    assert (verdict.action, verdict.node) == ("refuse", None)
    assert sentence in verdict.reason
    assert IN_SPITE not in verdict.reason


def test_a_server_that_runs_and_says_nothing_is_not_overruled() -> None:
    sentence = (
        "db2: the server of mariadb2 runs and does not say how it is (db1 is running but not answering yet): it may "
        "be Primary and take writes. Wait until it answers. If it never does, look at docker logs mariadb2, stop it "
        "there (docker stop mariadb2), and run this again."
    )
    for force in (None, f"db1@{A}:7", "db2@unknown"):
        for third in (crashed(8), ALONE, MARKED, None):
            verdict = decide(crashed(7), {**DEAF, "node": "mariadb2"}, third, force=force)
            assert (verdict.action, verdict.node) == ("refuse", None)
            assert verdict.reason == sentence


@pytest.mark.parametrize(
    ("members", "reports", "purpose", "sentence"),
    [
        ([], {}, "create", "The cluster has no members: name them."),
        (["db1", "db1"], {}, "create", "A member is named twice among db1, db1: name each once."),
        (["db1"], {"db1": EMPTY}, "destroy", "The purpose is 'destroy': name one of create, start, recover, restore."),
        (["db1"], {"db1": {"state": "asleep"}}, "create", "db1 reports the unknown state 'asleep': read it again with"),
        (["db1"], {"db1": {**ELSEWHERE, "error": None}}, "create", "db1: its node has its data on another path than"),
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


SETTLE = (
    "without a Primary Component, and can only be compared with the others when stopped. Until the end of the "
    "recovery nobody can read from there."
)


@pytest.mark.parametrize("force", [None, f"db3@{A}:8", f"db2@{A}:9", f"db3@{A}:1"])
@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ((crashed(7), ALONE, crashed(8)), "db2 runs"),
        ((crashed(7), MARKED, crashed(8)), "db2 runs"),
        ((ALONE, ALONE, MARKED), "db1, db2 and db3 run"),
        (({**ALONE, "bootstrap": True}, crashed(7), crashed(8)), "db1 runs"),
        (({**STARTING, "marks": ["non-primary"]}, ALONE, crashed(8)), "db1 and db2 run"),
    ],
)
def test_members_without_a_primary_component_are_stopped_before_they_are_compared(
    reports: tuple[Report, ...], told: str, force: str | None
) -> None:
    """None is promoted where it stands: the branch gets a UUID and a group name of its own."""
    verdict = decide(*reports, force=force)
    assert (verdict.action, verdict.node, verdict.branch) == ("settle", None, False)
    assert verdict.reason == f"{told} {SETTLE}"


def test_nothing_is_stopped_while_a_member_may_be_live_elsewhere() -> None:
    for third in (None, {**crashed(8), "members": ["db9"]}):
        verdict = decide(crashed(7), ALONE, third)
        assert verdict.action == "refuse"
        assert (
            "db2 is running, but is not (yet) part of a Primary Component (non-Primary, Initialized)" in verdict.reason
        )
        assert "It is stopped before it is compared with the others." in verdict.reason
    assert "db3 did not report, and may be live" in decide(crashed(7), ALONE, None).reason


def test_a_remainder_is_stopped_once_a_person_decides_without_the_others() -> None:
    verdict = decide(None, ALONE, None, force=f"db2@{A}:9")
    assert (verdict.action, verdict.node) == ("settle", None)
    verdict = decide(None, stopped(9), None, force=f"db2@{A}:9")
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db2", True)


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


def on(generation: int, report: Report, **more: Any) -> Report:
    return {**report, "generation": generation, **more}


SECOND: Report = {
    "decision": f"db1@{A}:5",
    "branch_uuid": B,
    "parent": A,
    "recorded_uuid": B,
    "begun": "2026-11-29T01:00:00Z",
}
GIVEN_UP = (
    f"db3 holds branch 1 of the cluster, given up on 2026-11-29T01:00:00Z (recover_force=db1@{A}:5). 15 write sets "
    "are only there. It is left alone: repair_node -e repair_node_host=db3 takes it in and keeps its data."
)


@pytest.mark.parametrize("old", [crashed(20), stopped(20, safe=True), running("non-Primary", 20)])
def test_who_holds_an_abandoned_branch_is_left_alone(old: Report) -> None:
    """Though it is ahead: its number is of another history, and those of the branch that lives do not need it."""
    verdict = decide(on(2, crashed(9, B), **SECOND), on(2, crashed(8, B), **SECOND), old)
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db1", False)
    assert (verdict.warnings, verdict.abandoned) == ((GIVEN_UP,), ("db3",))
    live = on(2, running("Primary", 9, B), **SECOND)
    verdict = decide(live, on(2, crashed(8, B), **SECOND), old)
    assert (verdict.action, verdict.node) == ("join", "db1")
    assert (verdict.warnings, verdict.abandoned) == ((GIVEN_UP,), ("db3",))


def test_an_abandoned_branch_that_is_primary_is_stopped_by_hand() -> None:
    sentence = (
        "db3 is Primary in branch 1 of the cluster, which was given up: stop it (docker stop mariadb3 on db3), and "
        "take it in with the playbook repair_node."
    )
    old = running("Primary", 20, node="mariadb3")
    for first in (on(2, crashed(9, B), **SECOND), on(2, running("Primary", 9, B), **SECOND)):
        for force in (None, f"db1@{B}:9"):
            verdict = decide(first, on(2, crashed(8, B), **SECOND), old, force=force)
            assert (verdict.action, verdict.reason) == ("refuse", sentence)


def test_a_host_of_an_older_branch_without_data_joins() -> None:
    verdict = decide(on(2, running("Primary", 9, B), **SECOND), on(2, running("Primary", 9, B), **SECOND), EMPTY)
    assert (verdict.action, verdict.abandoned) == ("join", ())


def test_naming_a_host_of_an_abandoned_branch_goes_back_to_it() -> None:
    verdict = decide(on(2, crashed(9, B), **SECOND), on(2, crashed(9, B), **SECOND), crashed(20), force=f"db3@{A}:20")
    assert (verdict.action, verdict.node, verdict.branch, verdict.abandoned) == ("bootstrap", "db3", True, ())
    assert "db3 holds branch 1, which was given up for a later one." in verdict.reason
    assert f"The members hold data of different clusters (db1 {B}:9, db2 {B}:9, db3 {A}:20)" in verdict.reason


@pytest.mark.parametrize("purpose", ["recover", "start"])
def test_membership_is_what_the_nodes_recorded(purpose: str) -> None:
    def judged(*reports: Report | None, members: tuple[str, ...] = tuple(MEMBERS), **more: Any) -> Verdict:
        known = {name: {"node": NODES[name], **report} for name, report in zip(MEMBERS, reports) if report}
        return elect(members, known, purpose, nodes={name: NODES[name] for name in members}, **more)

    three: Report = {"members": ["mariadb1", "mariadb2", "mariadb3"]}
    # Taken out of the inventory: no vote less.
    verdict = judged(stopped(7, **three), stopped(7, **three), members=MEMBERS[:2])
    assert verdict.action == "refuse"
    assert verdict.reason.startswith(
        "mariadb3 is in the cluster by the record of db1 and db2, and no host of the inventory has it: taking a host "
        "out of the inventory takes no vote away. Put it back, and bring it back."
    )
    # One record is enough.
    assert judged(stopped(7), stopped(7, **three), members=MEMBERS[:2]).action == "refuse"
    # Never a member, or no longer one: its silence is no doubt.
    two: Report = {"members": ["mariadb1", "mariadb2"]}
    assert judged(stopped(7, **two), stopped(7, **two)).action == "bootstrap"
    assert judged(stopped(7, **two), stopped(7, **three)).action == "refuse"
    assert judged(stopped(7), stopped(7)).action == "refuse"
    # Named otherwise since: the old name is missed.
    renamed = elect(
        MEMBERS,
        {name: {"node": NODES[name], **stopped(7, **three)} for name in MEMBERS[:2]},
        purpose,
        nodes={**NODES, "db3": "new"},
    )
    assert "mariadb3 is in the cluster by the record of db1 and db2" in renamed.reason
    # Arbitrators vote, and have no data.
    voters: Report = {"members": [*three["members"], "garbd"]}
    all_of_them = [stopped(7, **voters)] * 3
    assert judged(*all_of_them, arbitrators=["garbd"]).action == "bootstrap"
    assert "garbd is in the cluster by the record of" in judged(*all_of_them).reason


def test_records_of_an_older_branch_do_not_count() -> None:
    """A forced sole survivor is its branch, whatever the others remember."""
    old = crashed(20, members=["db1", "db2", "db3", "db9"])
    verdict = elect(
        MEMBERS,
        {"db1": on(2, crashed(9, B), members=["db1"], **SECOND), "db3": old},
        "recover",
        nodes=NODES | {name: name for name in MEMBERS},
    )
    assert (verdict.action, verdict.node, verdict.abandoned) == ("bootstrap", "db1", ("db3",))


def test_a_bootstrap_under_way_of_a_cluster_that_has_more_members() -> None:
    verdict = decide({**STARTING, "members": ["db1", "db9"]}, stopped(3), EMPTY)
    assert verdict.action == "refuse"
    assert "db1: the server of db1 runs and does not say how it is" in verdict.reason


RESTORED: dict[str, Any] = {"purpose": "restore", "force": "db1", "restored": B.upper()}


@pytest.mark.parametrize("others", [(EMPTY, EMPTY), (crashed(9), None), (HALF, stopped(9, safe=True)), (EMPTIED, GONE)])
@pytest.mark.parametrize("restored", [stopped(0, B, safe=True), crashed(-1, B, error="InnoDB holds another")])
def test_restored_data_have_a_history_of_their_own(restored: Report, others: tuple[Report | None, ...]) -> None:
    verdict = decide(restored, *others, **RESTORED)
    assert (verdict.action, verdict.node, verdict.created, verdict.branch) == ("bootstrap", "db1", False, False)
    assert verdict.reason == f"db1 has the restored data, at {B}:{restored['seqno']}."


@pytest.mark.parametrize(
    ("first", "restored"),
    [
        (stopped(9), B),
        (EMPTY, B),
        (None, B),
        (crashed(-1, B, sst_in_progress=True), B),
        (stopped(0, B), None),
        (UNKNOWN, ""),
    ],
)
def test_what_is_not_the_restored_data(first: Report | None, restored: str | None) -> None:
    verdict = decide(first, stopped(0, B), EMPTY, purpose="restore", force="db1", restored=restored)
    assert (verdict.action, verdict.node) == ("refuse", None)
    assert verdict.reason == (
        f"db1 does not hold the restored data ({restored}): run restore again, with the same point."
    )


def test_a_restore_beside_what_runs() -> None:
    restored = stopped(0, B, safe=True)
    assert decide(restored, ALONE, EMPTY, **RESTORED).action == "settle"
    assert decide(restored, DEAF, EMPTY, **RESTORED).action == "refuse"
    assert decide(restored, LIVE, EMPTY, **RESTORED).action == "refuse"
    assert decide(running("Primary", 3, B), EMPTY, EMPTY, **RESTORED).action == "join"


# What always holds, whatever the members and their records say.

SOUND = [
    stopped(5),
    stopped(5, safe=True),
    crashed(5),
    crashed(6),
    crashed(9),
    crashed(5, B),
    crashed(0, B),
    HALF,
    EMPTY,
]
ODD = [
    stopped(0, B, safe=True),
    LOST,
    UNKNOWN,
    {**UNKNOWN, "safe_to_bootstrap": True},
    crashed(-1, B, source="none"),
    TORN,
    DISOWNED,
    {**UNKNOWN, "disowned": True, "error": "db1: grastate.dat disowns the data."},
    MISSING,
    EMPTIED,
    GONE,
    {**EMPTY, "had_data": True},
    ELSEWHERE,
    LIVE,
    running("Primary", 5, size=1, bootstrap=True),
    running("Primary", 9, B, size=1, gcomm_uuid="2", view_members=["2"]),
    running("Primary", 9, gcomm_uuid="1", view_members=["1", "3"]),
    {**running("Primary", 3), "local_state": "Joined"},
    ALONE,
    {**ALONE, "bootstrap": True},
    {**running("Disconnected", -1, NULL_UUID), "local_state": "Inconsistent"},
    MARKED,
    DEAF,
    STARTING,
    {**STARTING, "marks": ["non-primary"]},
]
THREE = ["mariadb1", "mariadb2", "mariadb3"]
RECORDS: list[Report] = [
    {},
    {"members": THREE, "recorded_uuid": A, "had_data": True},
    {"members": [*THREE, "garbd"], "recorded_uuid": A},
    {"members": ["mariadb1", "mariadb2"], "recorded_uuid": A},
    {"members": [*THREE, "mariadb9"], "recorded_uuid": A},
    # Of a forced recovery, from before and after it served.
    on(2, {}, members=["mariadb1", "mariadb2"], **{**SECOND, "recorded_uuid": A}),
    on(2, {}, members=["mariadb1", "mariadb2"], **SECOND),
    on(2, {}, members=["mariadb1"], **{**SECOND, "decision": "db1@unknown"}),
]


def member(reports: list[Report], records: list[Report]) -> Any:
    return st.builds(lambda report, record: {**record, **report}, st.sampled_from(reports), st.sampled_from(records))


# After a crash, with one or another in doubt; with a host that is away, and strange records; anything; no data.
DOUBTFUL = [LOST, UNKNOWN, TORN, DISOWNED, EMPTIED, EMPTY]
worlds = st.one_of(
    st.fixed_dictionaries({name: member([*SOUND[:5] * 2, *SOUND[5:], *DOUBTFUL], RECORDS[1:2]) for name in MEMBERS}),
    st.fixed_dictionaries({name: st.none() | member(SOUND, RECORDS) for name in MEMBERS}),
    st.fixed_dictionaries({name: st.none() | member([*SOUND, *ODD], RECORDS) for name in MEMBERS}),
    st.fixed_dictionaries({name: member([EMPTY, EMPTY, MISSING, EMPTIED, STARTING], RECORDS[:4]) for name in MEMBERS}),
)
at_rest = [report for report in [*SOUND, *ODD] if report["state"] not in ("running", "elsewhere")]
calm = st.fixed_dictionaries({name: st.sampled_from(at_rest) for name in MEMBERS})
arbitrators = st.sampled_from([[], ["garbd"]])
many = settings(max_examples=200)


def judge(world: dict[str, Report | None], purpose: str, voters: list[str], force: str | None = None) -> Verdict:
    reports = {name: {"node": NODES[name], **report} for name, report in world.items() if report}
    return elect(MEMBERS, reports, purpose, force, nodes=NODES, arbitrators=voters, restored=B)


def found(world: dict[str, Report | None]) -> dict[str, Known]:
    return {name: Known.of(name, {"node": NODES[name], **report}) for name, report in world.items() if report}


unforced = st.sampled_from(["create", "start", "recover"])


@many
@given(worlds, unforced, arbitrators)
def test_nothing_is_bootstrapped_while_a_recorded_member_is_silent(
    world: dict[str, Report | None], purpose: str, voters: list[str]
) -> None:
    verdict = judge(world, purpose, voters)
    if verdict.action != "bootstrap":
        return
    known = found(world)
    latest = max(report.generation for report in known.values())
    of_it = {name for report in known.values() if report.generation == latest for name in report.members}
    reported_nodes = {NODES[name] for name in known}
    assert of_it <= reported_nodes | set(voters)
    assert of_it or reported_nodes == set(NODES.values())


@many
@given(worlds, unforced, arbitrators)
def test_who_is_elected_without_force(world: dict[str, Report | None], purpose: str, voters: list[str]) -> None:
    verdict = judge(world, purpose, voters)
    if verdict.action != "bootstrap" or "already" in verdict.reason:
        return
    known = found(world)
    assert verdict.branch is False
    assert verdict.node not in verdict.abandoned
    if verdict.created:
        assert all(report.blank and not report.had_data for report in known.values())
        return
    elected = known[verdict.node or ""]
    assert elected.holds_data
    assert elected.candidate
    assert not elected.running
    assert not elected.error
    assert elected.generation == max(report.generation for report in known.values())
    for other in known.values():
        if other.name not in verdict.abandoned:
            assert other.ahead(elected.position) == 0
            assert not other.candidate or other.position.uuid == elected.position.uuid
            assert {other.emptied, other.disowned, other.unreadable} == {False}
    if purpose == "start":
        assert elected.state == "stopped"


@many
@given(worlds, st.sampled_from(PURPOSES), arbitrators, st.sampled_from([None, *MEMBERS]))
def test_nothing_is_done_beside_a_server_that_does_not_say_how_it_is(
    world: dict[str, Report | None], purpose: str, voters: list[str], name: str | None
) -> None:
    known = found(world)
    force = str(Override.of(known[name])) if name in known and purpose == "recover" else name
    verdict = judge(world, purpose, voters, force)
    unknown = [report.name for report in known.values() if report.unknown and report.name not in verdict.abandoned]
    if verdict.action == "bootstrap":
        assert unknown in ([], [verdict.node])
        assert not unknown or known[verdict.node or ""].starting
        assert not any(report.primary for report in known.values())
    if verdict.action == "settle":
        assert unknown == []
        assert not any(report.primary for report in known.values())
        assert any(report.not_primary for report in known.values())
    if verdict.action == "join":
        assert known[verdict.node or ""].primary


@many
@given(worlds, st.sampled_from(PURPOSES), arbitrators, st.sampled_from([None, *MEMBERS]))
def test_a_verdict_is_whole_and_does_not_depend_on_the_order_of_the_reports(
    world: dict[str, Report | None], purpose: str, voters: list[str], name: str | None
) -> None:
    known = found(world)
    force = str(Override.of(known[name])) if name in known and purpose == "recover" else name
    verdict = judge(world, purpose, voters, force)
    backwards = dict(reversed(world.items()))
    assert judge(backwards, purpose, voters, force) == verdict
    assert verdict.action in ("bootstrap", "join", "settle", "refuse")
    assert (verdict.node in MEMBERS) == (verdict.action in ("bootstrap", "join"))
    assert list(verdict.reasons) == MEMBERS
    for sentence in (verdict.reason, *verdict.reasons.values(), *verdict.warnings):
        assert re.fullmatch(r"\S.*\S[.]", sentence)
        assert "  " not in sentence
    assert len(verdict.warnings) == len(verdict.abandoned)
    assert not (verdict.created and verdict.branch)
    assert not ((verdict.created or verdict.branch) and verdict.action != "bootstrap")


@many
@given(worlds, arbitrators, st.sampled_from(MEMBERS))
def test_a_decision_against_objections_begins_a_branch(
    world: dict[str, Report | None], voters: list[str], name: str
) -> None:
    known = found(world)
    if name not in known:
        return
    verdict = judge(world, "recover", voters, str(Override.of(known[name])))
    if verdict.action != "bootstrap" or "already" in verdict.reason:
        assert not verdict.branch
        return
    assert verdict.node == name
    without = judge(world, "recover", voters)
    if without.action == "refuse" or "objections" in verdict.reason:
        assert verdict.branch
        assert "It was decided against these objections: " in verdict.reason
        assert "It begins a new branch of the cluster" in verdict.reason
    # Nobody's data are overruled unseen.
    for other in known.values():
        if other.name not in verdict.abandoned and known[name].position.known and other.ahead(known[name].position):
            assert verdict.branch
    assert known[name].holds_data
    assert not known[name].running


@many
@given(worlds, arbitrators, st.sampled_from(MEMBERS), st.sampled_from([A, B]), st.sampled_from([None, 0, 5, 6]))
def test_words_about_another_position_bootstrap_nothing(
    world: dict[str, Report | None], voters: list[str], name: str, uuid: str, seqno: int | None
) -> None:
    told = f"{name}@{uuid}:{seqno}" if seqno is not None else f"{name}@unknown"
    known = found(world)
    # A run of the same words that was killed is the one exception: test_branch.
    killed = any(report.decision == told for report in known.values())
    if killed or (name in known and str(Override.of(known[name])) == told):
        return
    verdict = judge(world, "recover", voters, told)
    assert verdict.branch is False
    assert verdict.action != "bootstrap" or "already" in verdict.reason


@many
@given(calm)
def test_what_is_refused_has_a_way_out(world: dict[str, Report | None]) -> None:
    """Where anybody at rest holds data, the words that name one are told, and do what they say."""
    verdict = judge(world, "recover", [])
    assert verdict.action in ("bootstrap", "refuse")
    if verdict.action == "refuse" and any(report.holds_data for report in found(world).values()):
        named = re.findall(r"recover_force=([^ ]+?)[.]?(?= |$)", verdict.reason)
        assert named
        for told in named:
            forced = judge(world, "recover", [], told)
            assert (forced.action, forced.node, forced.branch) == ("bootstrap", told.partition("@")[0], True)


# What went on apart under one UUID: its data differ at the same sequence numbers, though it may be behind.


def test_a_member_that_went_on_apart_does_not_join() -> None:
    first, second = running("Primary", views=["v1", "v2"]), running("Primary", views=["v2"])
    verdict = decide(first, second, crashed(7, views=["v1", "apart"]))
    assert verdict.action == "refuse"
    assert verdict.reason == (
        "db3 was last in a Primary Component of which no record of db1 and db2 tells: the cluster was split, and their "
        "data may differ at the same sequence numbers. Run repair_node -e repair_node_host=db3, which keeps the "
        "datadir."
    )
    # The last one: what the others recorded began later.
    for views in (["v1"], ["v2"], [], ["v0"]):
        assert decide(first, second, crashed(7, views=views)).action == "join"


def test_the_longer_one_of_two_histories_is_not_elected_by_length() -> None:
    members = (crashed(9, views=["v1", "v2"]), crashed(8, views=["v1", "v2"]), crashed(7, views=["v1", "apart"]))
    verdict = decide(*members)
    assert verdict.action == "refuse"
    assert "db3 was last in a Primary Component of which no record of db1 and db2 tells" in verdict.reason
    assert decide(*members, force=f"db3@{A}:7").branch
    # Who left early vouches for who left before that, and is vouched for by who stayed.
    chain = (crashed(9, views=["v3"]), crashed(8, views=["v1", "v2", "v3"]), crashed(7, views=["v1"]))
    assert decide(*chain).node == "db1"


def test_a_survivor_that_went_on_apart_is_moved_aside() -> None:
    elected = Known.of("db1", crashed(9, views=["v1", "v2"]))
    for seqno in (9, 8):
        told = fate(Known.of("db2", crashed(seqno, views=["v1", "apart"])), elected)
        assert told.action == ASIDE
        assert told.reason == (
            "db2 was last in a Primary Component that db1 was not in: its datadir is kept under a dated name, and it "
            "gets its data from db1."
        )
    assert fate(Known.of("db2", crashed(9, views=["v1"])), elected).action == KEEP
