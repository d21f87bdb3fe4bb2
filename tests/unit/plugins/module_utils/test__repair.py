# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back of a node as a table: when it is no repair, when IST, when SST, and the reason that is given."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.filter.galera_unrepairable import FilterModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID
from ansible_collections.dbops.galera.plugins.module_utils._repair import decide, problems, signs

A = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
B = "bbbbbbbb-e532-11f1-8a96-fa36e0da60b6"
HOSTS = ["host1", "host2", "host3"]

Report = dict[str, Any]


def live(size: int = 2, uuid: str = A, state: str = "Synced") -> Report:
    return {
        "node": "mariadb1",
        "state": "running",
        "uuid": uuid,
        "seqno": 900,
        "source": "live",
        "cluster_status": "Primary",
        "local_state": state,
        "cluster_size": size,
    }


def crashed(seqno: int = 800, uuid: str = A, **more: Any) -> Report:
    source = "recovered" if seqno >= 0 else "none"
    return {"node": "mariadb2", "state": "crashed", "uuid": uuid, "seqno": seqno, "source": source, **more}


def seeing(own: str, *members: str) -> Report:
    return {**live(len(members)), "gcomm_uuid": own, "view_members": list(members)}


JOINING: Report = {**live(), "local_state": "Joining: receiving State Transfer"}
VOTED_OUT: Report = {**live(), "cluster_status": "Disconnected", "local_state": "Inconsistent", "uuid": NULL_UUID}


@pytest.mark.parametrize("ill", [crashed(), JOINING, VOTED_OUT, {"state": "running", "error": "not answering yet"}])
def test_a_repair(ill: Report) -> None:
    assert problems("host2", HOSTS, {"host1": live(), "host2": ill, "host3": live()}) == []
    # A third one that is ill too, or was not reached, does not matter while the rest is live.
    assert problems("host2", HOSTS, {"host1": live(1), "host2": ill, "host3": crashed()}) == []
    assert problems("host2", HOSTS, {"host1": live(1), "host2": ill}) == []
    assert FilterModule().filters()["galera_unrepairable"]({"host1": live(1), "host2": ill}, "host2", HOSTS) == []


@pytest.mark.parametrize(
    ("host", "reports", "sentence"),
    [
        ("", (live(), crashed(), live()), "repair_node_host is not set: name the host"),
        ("host9", (live(), crashed(), live()), "repair_node_host is 'host9': name the host"),
        ("host2", (live(), None, live()), "host2 was not reached: bring it back, or give its node a new host"),
        (
            "host1",
            (live(), crashed(), live()),
            f"host1: mariadb1 is Primary and Synced at {A}:900: there is nothing to",
        ),
        (
            "host2",
            (live(), {**live(), "local_state": "Donor/Desynced"}, live()),
            "host2: mariadb1 is Primary, and gives a state transfer or is backed up: wait",
        ),
        (
            "host2",
            ({**live(), "generation": 2}, live(uuid=B), {**live(), "generation": 2}),
            "host2: mariadb1 is Primary in branch 1 of the cluster, which was given up: stop it (docker stop mariadb1",
        ),
        # Added, and not recorded yet.
        (
            "host2",
            ({**live(), "generation": 2}, live(), {**live(), "generation": 2}),
            f"host2: mariadb1 is Primary and Synced at {A}:900: there is nothing to",
        ),
        ("host2", (crashed(), crashed(), crashed()), "No other node than that of host2 is in a Primary Component"),
        ("host2", (None, crashed(), None), "No other node than that of host2 is in a Primary Component"),
        ("host2", (live(), crashed(), live(uuid=B)), "The other nodes are Primary in different clusters"),
        ("host2", (live(1), crashed(), live(1)), "the cluster is split"),
        # An arbitrator makes the one half's size as large as the number of both.
        (
            "host2",
            (seeing("1", "1", "garbd"), crashed(), seeing("3", "3")),
            (
                "host1 and host3 are Primary without seeing each other (host1 and host3 are not among each other's "
                "members): the cluster is split."
            ),
        ),
    ],
)
def test_what_is_no_repair(host: str, reports: tuple[Report | None, ...], sentence: str) -> None:
    known = {name: report for name, report in zip(HOSTS, reports) if report}
    assert any(sentence in problem for problem in problems(host, HOSTS, known))


def peer(downto: int | None = 500, seqno: int = 900, uuid: str = A) -> Report:
    return {"uuid": uuid, "seqno": seqno, "cached_downto": downto}


PEERS = {"mariadb1": peer(), "mariadb3": peer(700)}
SHORT = {"mariadb1": peer(850), "mariadb3": peer(870)}
EMPTY: Report = {"node": "mariadb2", "state": "empty", "uuid": NULL_UUID, "seqno": -1, "source": "none"}


@pytest.mark.parametrize(
    ("report", "peers", "told"),
    [
        (crashed(800), PEERS, "100 write sets behind; mariadb1 and mariadb3 still have them"),
        (crashed(600), PEERS, "300 write sets behind; mariadb1 still has them"),
        (crashed(499), PEERS, "mariadb1 still has them"),
        (crashed(900), {"mariadb1": peer(None)}, f"at {A}:900, 0 write sets behind."),
        ({**crashed(850), "state": "stopped", "source": "grastate"}, SHORT, "50 write sets behind; mariadb1 still"),
    ],
)
def test_ist(report: Report, peers: dict[str, Report], told: str) -> None:
    method = decide("mariadb2", report, peers)
    assert method.name == "IST"
    assert method.reason.startswith("mariadb2 keeps its data and gets by IST what it missed")
    assert told in method.reason


@pytest.mark.parametrize(
    ("report", "more", "told"),
    [
        (EMPTY, {}, "because its datadir is empty"),
        ({**EMPTY, "state": "missing"}, {}, "because its datadir is empty"),
        ({**EMPTY, "emptied": True}, {}, "because its datadir is empty"),
        (crashed(-1, NULL_UUID, sst_in_progress=True, error="x"), {}, "because its last SST did not end"),
        (
            crashed(-1, error="mariadb2: grastate.dat disowns the data."),
            {},
            "because grastate.dat disowns the data. No",
        ),
        (crashed(800, error="mariadb2: grastate.dat is empty."), {}, "because grastate.dat is empty. No backup"),
        (
            crashed(-1, error="mariadb2: no position (code 1). Its last log lines:\nx\n[ERROR] InnoDB: Corrupt.\n"),
            {},
            "because no position (code 1); InnoDB: Corrupt. No backup",
        ),
        (crashed(-1), {}, "because its position is unknown"),
        (
            crashed(800),
            {"seen": ["InnoDB: Page is corrupted."]},
            "its log tells of bad data: InnoDB: Page is corrupted.",
        ),
        (crashed(800), {"failed": "It ended again."}, "started for an IST, and did not come back: It ended again. No"),
        (
            crashed(849),
            {"peers": {"mariadb1": peer(851)}},
            "in no peer's gcache any more (none of them older than 85",
        ),
        (crashed(800), {"peers": {"mariadb1": peer(None)}}, "any more (and none of them holds any)"),
        (crashed(901), {}, f"at {A}:901 it is ahead of the live cluster (seqno 900)"),
    ],
)
def test_sst(report: Report, more: dict[str, Any], told: str) -> None:
    method = decide("mariadb2", report, **{"peers": PEERS, **more})
    assert method.name == "SST"
    assert method.reason.startswith("mariadb2 gets all data anew by SST, because ")
    assert told in method.reason
    assert method.reason.endswith(("No backup is known that it could start from instead.", "kept; save them."))


@pytest.mark.parametrize(
    ("report", "peers", "sentence"),
    [
        (crashed(800, B), PEERS, f"mariadb2 holds data of another cluster \\({B}; the live one is {A}\\): this is no"),
        (crashed(-1, B, error="x"), PEERS, "holds data of another cluster"),
        (crashed(800), {"mariadb1": peer(), "mariadb3": peer(uuid=B)}, "The peers of mariadb2 are in 2 clusters"),
        (crashed(800), {}, "are in 0 clusters \\(none is live\\)"),
    ],
)
def test_data_of_another_cluster_are_not_replaced(report: Report, peers: dict[str, Report], sentence: str) -> None:
    with pytest.raises(GaleraError, match=sentence):
        decide("mariadb2", report, peers)


SECOND = Branch("shop", 2, A, f"host1@{B}:790", "2026-11-29T01:00:00Z")


@pytest.mark.parametrize("seqno", [800, 2000])
def test_an_abandoned_branch_is_taken_in_with_its_datadir_kept(seqno: int) -> None:
    """Whatever its UUID and number: ten write sets are only here, and the module keeps what an SST replaces."""
    method = decide("mariadb2", crashed(seqno, B), PEERS, branch=SECOND)
    assert method.name == "SST"
    assert method.reason == (
        f"mariadb2 holds branch 1 of the cluster, given up on 2026-11-29T01:00:00Z (recover_force=host1@{B}:790). "
        f"{seqno - 790} write sets are only there. It gets all data of branch 2 by SST. No backup is known that it "
        "could start from instead."
    )
    # Its group said the same UUID before: a number says nothing across branches.
    assert decide("mariadb2", crashed(800), PEERS, branch=SECOND).name == "SST"
    assert decide("mariadb2", crashed(800), PEERS, branch=Branch("shop")).name == "IST"


def test_a_node_of_the_latest_branch_is_repaired_as_ever() -> None:
    assert decide("mariadb2", crashed(800, generation=2), PEERS, branch=SECOND).name == "IST"
    assert "because its datadir is empty" in decide("mariadb2", EMPTY, PEERS, branch=SECOND).reason
    with pytest.raises(GaleraError, match="holds data of another cluster"):
        decide("mariadb2", crashed(800, B, generation=2), PEERS, branch=SECOND)


@pytest.mark.parametrize("told", [{"parent": B}, {"branch_uuid": B}], ids=["killed before its SST", "a twin"])
def test_data_of_another_branch_are_no_other_cluster_s(told: Report) -> None:
    method = decide("mariadb2", crashed(800, B, generation=2, **told), PEERS, branch=SECOND)
    assert method.name == "SST"
    assert method.reason == (
        f"mariadb2 gets all data anew by SST, because it holds data of a branch that was given up ({B}:800; the live "
        f"one is {A}). They are in the datadir that is kept. No backup is known that it could start from instead."
    )


def test_signs_of_bad_data_in_a_log() -> None:
    log = """\
2026-11-21  9:02:49 0 [Note] InnoDB: corrupted is only a word here
2026-11-21  9:02:49 0 [ERROR] InnoDB: Database page corruption on disk or a failed read of file './ibdata1'
2026-11-21  9:02:49 0 [ERROR] InnoDB: Database page corruption on disk or a failed read of file './ibdata1'
2026-11-21  9:02:49 0 [ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed.
2026-11-21  9:02:49 1 [ERROR] WSREP: Inconsistency detected: Inconsistent by consensus on c550f038:16
2026-11-21  9:02:49 0 [ERROR] Can't start server: Bind on TCP/IP port. Got error: 98: Address already in use
"""
    assert signs(log) == [
        "InnoDB: Database page corruption on disk or a failed read of file './ibdata1'",
        "Plugin 'InnoDB' registration as a STORAGE ENGINE failed.",
        "WSREP: Inconsistency detected: Inconsistent by consensus on c550f038:16",
    ]
    assert signs("") == []


def test_what_went_on_apart_is_not_completed_by_ist() -> None:
    views = {"mariadb1": ["v1", "v2"], "mariadb3": ["v2"]}
    method = decide("mariadb2", crashed(800, views=["v1", "apart"]), PEERS, views=views)
    assert method.name == "SST"
    assert "it was last in a Primary Component of which no record of" in method.reason
    assert "What it wrote alone is in the datadir that is kept; save it." in method.reason
    for own, others in (
        (["v1"], views),
        (["apart", "v2"], views),
        # What the others recorded began later.
        (["v0"], views),
        # Nobody knows.
        ([], views),
        (["apart"], {}),
        (["apart"], {"mariadb1": [], "mariadb3": []}),
    ):
        assert decide("mariadb2", crashed(800, views=own), PEERS, views=others).name == "IST"
