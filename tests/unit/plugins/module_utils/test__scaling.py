"""When a cluster may grow, shrink or move a node, and how far an earlier run has come."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._scaling import scale

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"


def node(number: int, name: str = "") -> dict[str, Any]:
    return {"name": name or f"mariadb{number}", "address": f"198.51.100.{number}", "port": 3306}


def synced(**changes: Any) -> dict[str, Any]:
    return {
        "state": "running",
        "cluster_status": "Primary",
        "local_state": "Synced",
        "cluster_size": 3,
        "uuid": UUID,
        "seqno": 42,
        "sst_in_progress": False,
        "error": None,
        **changes,
    }


def at_rest(state: str, seqno: int = -1, **changes: Any) -> dict[str, Any]:
    return synced(state=state, cluster_status=None, local_state=None, cluster_size=None, seqno=seqno, **changes)


STARTING = synced(
    cluster_status=None,
    local_state=None,
    cluster_size=None,
    seqno=-1,
    error="mariadb4 is running but not answering yet.",
)
HALF = at_rest("crashed", sst_in_progress=True)


def rows(*numbers: int, writer: int = 1) -> list[dict[str, Any]]:
    readers = [{"hostgroup_id": 20, "hostname": f"198.51.100.{n}", "port": 3306, "status": "ONLINE"} for n in numbers]
    return [*readers, {"hostgroup_id": 10, "hostname": f"198.51.100.{writer}", "port": 3306, "status": "ONLINE"}]


def judge(verb: str, members: dict[str, Any], reports: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Judge a verb; members and leaving are dictionaries of nodes here."""
    known = {**changes.pop("leaving", {}), **members}
    leaving = [host for host in known if host not in members] + changes.pop("both", [])
    present = changes.pop("present", [*known, "host9"])
    return scale(
        list(members),
        verb,
        {host: node["name"] for host, node in known.items()},
        {host: node for host, node in known.items() if host in present},
        reports,
        present,
        leaving,
        **changes,
    )


def three(**changes: Any) -> dict[str, Any]:
    return {**{f"host{n}": synced() for n in (1, 2, 3)}, **changes}


MEMBERS = {f"host{n}": node(n) for n in (1, 2, 3)}
FOUR = {f"host{n}": node(n) for n in (1, 2, 3, 4)}
FIVE = {f"host{n}": node(n) for n in (1, 2, 3, 4, 5)}


# ---- add_node


def test_hosts_without_an_engine_or_with_an_empty_datadir_are_new() -> None:
    plan = judge("add_node", FIVE, three(host5=at_rest("empty")))
    assert plan["problems"] == []
    assert plan["hosts"] == ["host4", "host5"]
    assert plan["lines"] == [
        "host4: mariadb4 (198.51.100.4) joins by SST",
        "host5: mariadb5 (198.51.100.5) joins by SST",
    ]


@pytest.mark.parametrize("report", [STARTING, HALF, synced(local_state="Joining: receiving State Transfer")])
def test_a_node_that_was_on_its_way_goes_on(report: dict[str, Any]) -> None:
    plan = judge(
        "add_node",
        FIVE,
        three(host3=synced(local_state="Donor/Desynced"), host4=report)
        if report["state"] == "running"
        else three(host4=report),
    )
    assert plan["problems"] == []
    assert plan["hosts"] == ["host4", "host5"]
    assert plan["lines"][0] == "host4: mariadb4 (198.51.100.4) joins by SST, which goes on"


def test_a_node_that_the_proxies_do_not_know_yet_is_new() -> None:
    reports = {f"host{n}": synced(cluster_size=5) for n in (1, 2, 3, 4, 5)}
    plan = judge("add_node", FIVE, reports, proxies={"host1": rows(1, 2, 3, 4), "host2": None})
    assert plan["problems"] == []
    assert plan["lines"] == ["host5: mariadb5 (198.51.100.5) has joined; the proxies get to know it"]


def test_an_even_number_of_votes_is_warned_of() -> None:
    assert any("4 votes are an even number" in line for line in judge("add_node", FOUR, three())["lines"])
    reports = {name: synced(cluster_size=4) for name in three()}
    assert not any("even" in line for line in judge("add_node", FOUR, reports, arbitrators=["host9"])["lines"])


@pytest.mark.parametrize(
    ("members", "reports", "changes", "sentence"),
    [
        (MEMBERS, three(), {}, "Nothing is new: every host of the group galera (host1, host2, host3)"),
        (FOUR, {}, {}, "galera has no node that is Synced in a Primary Component"),
        (FOUR, three(host2=at_rest("stopped", 40)), {}, f"host2: node mariadb2 is stopped at {UUID}:40."),
        (FOUR, three(host4=at_rest("crashed")), {}, "host4: node mariadb4 is crashed. An old member has to be Synced"),
        (FOUR, three(host2=synced(cluster_status="non-Primary")), {}, "host2: node mariadb2 runs and is not Synced"),
        (FOUR, three(host2=synced(local_state="Donor/Desynced")), {}, "host2: node mariadb2 runs and is not Synced"),
        (FOUR, three(host2=synced(uuid="another")), {}, "The members are not one cluster"),
        (FOUR, three(host1=synced(cluster_size=4)), {}, "host1 sees a cluster of 4, and 3 members and arbitrators"),
        (FOUR, three(), {"arbitrators": ["host9"]}, "host1 sees a cluster of 3, and 4 members and arbitrators"),
        (
            FOUR,
            three(),
            {"present": ["host1", "host2", "host3"]},
            "host4 does not answer, and add_node needs every host",
        ),
    ],
)
def test_adding_is_refused(
    members: dict[str, Any], reports: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    problems = judge("add_node", members, reports, **changes)["problems"]
    assert any(problem.startswith(sentence) for problem in problems), problems


# ---- remove_node


def five(size: int = 5, **changes: Any) -> dict[str, Any]:
    return {**{f"host{n}": synced(cluster_size=size) for n in (1, 2, 3, 4, 5)}, **changes}


LEAVING = {"host4": node(4), "host5": node(5)}


def test_leaving_nodes_are_removed_in_order() -> None:
    plan = judge("remove_node", MEMBERS, five(), leaving=LEAVING, proxies={"host1": rows(1, 2, 3, 4, 5)})
    assert plan["problems"] == []
    assert plan["hosts"] == ["host4", "host5"]
    assert plan["lines"][0].startswith("host4: mariadb4 is drained, stopped and removed")


def test_what_an_earlier_run_has_done_is_not_done_again() -> None:
    reports = five(4, host4=at_rest("missing"))
    plan = judge("remove_node", MEMBERS, reports, leaving=LEAVING)
    assert plan["problems"] == []
    assert plan["hosts"] == ["host5"]
    assert plan["lines"][0] == "host4: nothing left to do; take it out of the group leaving"
    known = judge("remove_node", MEMBERS, reports, leaving=LEAVING, proxies={"host1": rows(1, 2, 3, 4, 5)})
    assert known["hosts"] == ["host4", "host5"]


def test_a_node_that_does_not_run_needs_no_quorum_to_go() -> None:
    reports = five(4, host5=at_rest("crashed"))
    assert judge("remove_node", MEMBERS, reports, leaving=LEAVING)["problems"] == []


@pytest.mark.parametrize("size", [4, 5])
def test_a_node_that_is_just_stopping_may_be_counted_or_not(size: int) -> None:
    assert judge("remove_node", MEMBERS, five(size, host5=STARTING), leaving=LEAVING)["problems"] == []


def test_a_lost_host_is_left_alone() -> None:
    plan = judge("remove_node", FOUR, five(4, host5=None), leaving={"host5": node(5)}, present=list(FOUR), dead="host5")
    assert plan["problems"] == []
    assert plan["hosts"] == []
    assert plan["lines"][0] == "host5 is lost: the others forget its node mariadb5"


def test_an_arbitrator_leaves_too() -> None:
    leaving = {"host4": {"name": ""}}
    reports = {name: synced(cluster_size=4) for name in three()}
    plan = judge("remove_node", MEMBERS, reports, leaving=leaving, leaving_votes=["host4"])
    assert (plan["problems"], plan["hosts"]) == ([], [])
    assert plan["lines"] == ["host4: its arbitrator is stopped and removed"]


@pytest.mark.parametrize(
    ("members", "reports", "changes", "sentence"),
    [
        (MEMBERS, five(3), {"leaving": {}}, "No host of galera is in the group leaving"),
        (MEMBERS, five(3), {"leaving": {}, "both": ["host3"]}, "host3 is in the groups galera and leaving"),
        (MEMBERS, five(4), {"leaving": {"host4": node(4, "mariadb3")}}, "host4: its node mariadb3 is to live on host3"),
        (MEMBERS, five(), {"fronts": ["host4"]}, "host4 is still in the group proxysql or keepalived"),
        (
            MEMBERS,
            five(),
            {"holders": ["host4"]},
            "host4: its node mariadb4 is the writer. Move the writer first: stop Keep",
        ),
        (MEMBERS, five(), {"proxies": {"host1": rows(1, 4, writer=4)}}, "host4: its node mariadb4 is the writer."),
        ({"host1": node(1)}, five(2), {"leaving": {"host2": node(2)}}, "Without host2 galera has 1 node left;"),
        (MEMBERS, five(host2=at_rest("stopped", 3)), {}, f"host2: node mariadb2 is stopped at {UUID}:3."),
        (MEMBERS, five(4), {}, "host1 sees a cluster of 4, and 5 members"),
        (MEMBERS, five(), {"present": [*MEMBERS, "host4"]}, "host5 does not answer: bring it back; if it is lost"),
        (
            MEMBERS,
            five(),
            {"present": ["host1", "host2", *LEAVING]},
            "host3 does not answer, and remove_node needs every",
        ),
        (MEMBERS, five(), {"dead": "host5"}, "remove_node_dead is host5, and that host answers"),
        (MEMBERS, five(), {"dead": "host3"}, "remove_node_dead is host3, which is not in the group leaving"),
    ],
)
def test_removing_is_refused(
    members: dict[str, Any], reports: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    problems = judge("remove_node", members, reports, **{"leaving": LEAVING, **changes})["problems"]
    assert any(problem.startswith(sentence) for problem in problems), problems


# ---- replace_node

MOVED = {"host1": node(1), "host2": node(2), "host4": node(4, "mariadb3")}
OLD = {"host3": node(3)}


def moving(old: dict[str, Any] | None, new: dict[str, Any] | None, size: int = 3) -> dict[str, Any]:
    found = {"host1": synced(cluster_size=size), "host2": synced(cluster_size=size), "host3": old, "host4": new}
    return {host: report for host, report in found.items() if report}


@pytest.mark.parametrize(
    ("old", "new", "size", "step"),
    [
        (synced(), None, 3, "copy"),
        (synced(), HALF, 3, "copy"),
        (at_rest("stopped", 42), HALF, 2, "copy"),
        (at_rest("stopped", 42), at_rest("stopped", 42), 2, "copy"),
        (at_rest("missing"), at_rest("stopped", 42), 2, "start"),
        (at_rest("missing"), at_rest("crashed"), 2, "start"),
        (at_rest("missing"), STARTING, 2, "start"),
        (at_rest("missing"), STARTING, 3, "start"),
        (at_rest("stopped", 42), synced(), 3, "start"),
        (at_rest("missing"), synced(), 3, "done"),
    ],
)
def test_how_far_a_move_has_come(old: dict[str, Any], new: dict[str, Any] | None, size: int, step: str) -> None:
    plan = judge("replace_node", MOVED, moving(old, new, size), leaving=OLD)
    assert plan["problems"] == []
    assert (plan["step"], plan["source"], plan["target"]) == (step, "host3", "host4")
    assert plan["lines"][0].startswith("mariadb3 moves from host3 to host4: ")


@pytest.mark.parametrize(
    ("new", "step"), [(None, "sst"), (HALF, "sst"), (STARTING, "sst"), (synced(cluster_size=3), "done")]
)
def test_a_lost_host_is_replaced_by_sst(new: dict[str, Any] | None, step: str) -> None:
    reports = moving(None, new, 3 if step == "done" else 2)
    plan = judge("replace_node", MOVED, reports, leaving=OLD, present=list(MOVED), dead="host3")
    assert (plan["problems"], plan["step"]) == ([], step)


@pytest.mark.parametrize(
    ("old", "new", "changes", "sentence"),
    [
        (
            synced(),
            None,
            {"leaving": {}},
            "replace_node moves one node at a time: one host in the group leaving (none is)",
        ),
        (synced(), None, {"leaving": {**OLD, "host5": node(5)}}, "replace_node moves one node at a time"),
        (synced(), None, {"leaving": {"host3": node(3, "mariadb9")}}, "replace_node moves one node at a time"),
        (synced(), STARTING, {}, "mariadb3 runs on host3 and on host4: two servers"),
        (
            synced(),
            at_rest("stopped", 7),
            {},
            f"host4: node mariadb3 is stopped at {UUID}:7. Its datadir has to be empty",
        ),
        (at_rest("crashed"), None, {}, "host3: node mariadb3 is crashed, at an unknown position. Start it"),
        (synced(local_state="Joining"), None, {}, "host3: node mariadb3 runs and is not Synced"),
        (at_rest("missing"), HALF, {}, "mariadb3 has no data on host3, and host4 was left in the middle"),
        (
            synced(),
            None,
            {"present": ["host1", "host2", "host4"]},
            "host3 does not answer: bring it back; if it is lost",
        ),
        (synced(), None, {"dead": "host3"}, "replace_node_dead is host3, and that host answers"),
        (synced(), None, {"arbitrators": ["host9"]}, "host1 sees a cluster of 3, and 4 members"),
    ],
)
def test_moving_is_refused(
    old: dict[str, Any], new: dict[str, Any] | None, changes: dict[str, Any], sentence: str
) -> None:
    problems = judge(
        "replace_node", MOVED, moving(old, new, 3 if old.get("cluster_status") else 2), **{"leaving": OLD, **changes}
    )["problems"]
    assert any(problem.startswith(sentence) for problem in problems), problems


def test_the_only_node_does_not_move() -> None:
    plan = judge("replace_node", {"host4": node(4, "mariadb3")}, {"host3": synced(cluster_size=1)}, leaving=OLD)
    assert plan["problems"][0].startswith("host4 would be the only node")
