"""What status calls healthy, degraded and down."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._status import summarise, table

MEMBERS = {f"host{n}": {"name": f"mariadb{n}", "address": f"198.51.100.{n}", "port": 3306} for n in (1, 2, 3)}
VIP = "198.51.100.60"


def report(**changes: Any) -> dict[str, Any]:
    return {
        "state": "running",
        "cluster_status": "Primary",
        "local_state": "Synced",
        "cluster_size": 3,
        "uuid": "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11",
        "seqno": 42,
        "bootstrap": False,
        "version": "10.11.19-MariaDB",
        "provider_version": "26.4.27(r07f3a0c4)",
        "error": None,
        **changes,
    }


def proxy(writer: str = "198.51.100.1", status: str = "ONLINE") -> list[dict[str, Any]]:
    rows = [
        {"hostgroup_id": "20", "hostname": m["address"], "port": "3306", "status": "ONLINE"} for m in MEMBERS.values()
    ]
    return [*rows, {"hostgroup_id": "10", "hostname": writer, "port": "3306", "status": status}]


def healthy(**changes: Any) -> dict[str, Any]:
    return {"reports": {host: report() for host in MEMBERS}, "vip": VIP, "holders": ["host1"], "proxies": {}, **changes}


def one(host: str, **changes: Any) -> dict[str, Any]:
    return {**{name: report() for name in MEMBERS}, host: report(**changes)}


def test_all_synced_is_healthy() -> None:
    found = summarise(MEMBERS, **healthy())
    assert (found["code"], found["status"], found["problems"], found["warnings"]) == (0, "healthy", [], [])
    assert [row["role"] for row in found["nodes"]] == ["writer", "reader", "reader"]


def test_the_writer_is_the_one_that_the_proxies_write_to() -> None:
    found = summarise(MEMBERS, **healthy(proxies={"host1": proxy("198.51.100.2"), "host2": proxy("198.51.100.2")}))
    assert found["code"] == 0
    assert [row["role"] for row in found["nodes"]] == ["reader", "writer", "reader"]


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"reports": {"host1": report(), "host2": report()}}, 2, "host3 does not answer."),
        (
            {"reports": one("host3", state="crashed", cluster_status=None, local_state=None)},
            2,
            "host3: node mariadb3 is crashed.",
        ),
        (
            {"reports": one("host2", local_state="Joining: receiving State Transfer")},
            2,
            "host2: node mariadb2 is not Synced",
        ),
        ({"reports": one("host2", local_state="Donor/Desynced")}, 2, "host2: node mariadb2 is not Synced"),
        ({"reports": one("host2", cluster_size=2)}, 2, "host2 sees a cluster of 2, the inventory has 3 members."),
        ({"reports": one("host1", bootstrap=True)}, 2, "host1 still runs the bootstrap container"),
        ({"reports": one("host3", uuid="another")}, 3, "There is more than one cluster"),
        (
            {"reports": {h: report(cluster_status="non-Primary") for h in MEMBERS}},
            3,
            "host1: node mariadb1 is not Synced",
        ),
        ({"reports": {}}, 3, "host1 does not answer."),
        ({"holders": []}, 3, f"The VIP {VIP} is held by nobody"),
        ({"holders": ["host1", "host2"]}, 2, f"The VIP {VIP} is held by host1 and host2"),
        ({"proxies": {"host1": None, "host2": proxy()}}, 2, "ProxySQL on host1 does not answer."),
        ({"proxies": {"host1": proxy(status="SHUNNED")}}, 2, "ProxySQL on host1 has 0 ONLINE writers"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], code: int, sentence: str) -> None:
    found = summarise(MEMBERS, **healthy(**changes))
    assert found["code"] == code
    assert any(problem.startswith(sentence) for problem in found["problems"]), found["problems"]


def test_without_a_vip_nobody_has_to_hold_it() -> None:
    assert summarise(MEMBERS, **healthy(vip="", holders=[]))["code"] == 0


def with_arbitrator(state: str, size: int) -> dict[str, Any]:
    reports = {host: report(cluster_size=size) for host in MEMBERS}
    return healthy(reports=reports, arbitrators={"host4": {"name": "garbd", "state": state}})


def test_an_arbitrator_counts_as_a_member_of_the_group() -> None:
    found = summarise(MEMBERS, **with_arbitrator("running", 4))
    assert (found["code"], found["problems"]) == (0, [])
    assert {key: found["nodes"][-1][key] for key in ("host", "node", "state", "role", "size")} == {
        "host": "host4",
        "node": "garbd",
        "state": "running",
        "role": "arbitrator",
        "size": None,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (with_arbitrator("running", 3), "host1 sees a cluster of 3, the inventory has 3 members and 1 arbitrator."),
        (with_arbitrator("exited", 3), "host4: arbitrator garbd is exited."),
        (healthy(arbitrators={"host4": None}), "host4 does not answer."),
    ],
)
def test_an_arbitrator_that_is_missing_is_said(changes: dict[str, Any], sentence: str) -> None:
    found = summarise(MEMBERS, **changes)
    assert found["code"] == 2
    assert sentence in found["problems"]


# ---- Floors of versions

RAISED = {
    "name": "house rule",
    "what": "mariadb",
    "level": "refuse",
    "fixed_in": ["10.11.20"],
    "reason": "as our auditors want it",
    "source": "https://wiki.example.com/42",
}


def test_a_cluster_below_a_floor_is_healthy_and_named_with_the_version_to_go_to() -> None:
    found = summarise(MEMBERS, **healthy(), floors=[RAISED])
    assert (found["code"], found["status"], found["problems"]) == (0, "healthy", [])
    (warning,) = found["warnings"]
    assert warning == (
        "mariadb1 on host1, mariadb2 on host2 and mariadb3 on host3 run MariaDB 10.11.19, which is below 10.11.20: as "
        "our auditors want it (house rule, https://wiki.example.com/42). Upgrade to an image with MariaDB 10.11.20 or "
        "newer (playbook upgrade). Until then a new node of this version is refused, unless mariadb_allow_version is "
        "10.11.19."
    )
    (warning,) = summarise(MEMBERS, **healthy(), floors=[RAISED], allow_version="10.11.19")["warnings"]
    assert warning.endswith("Until then mariadb_allow_version=10.11.19 allows new nodes of it.")


def test_settings_that_cost_safety_are_told_and_change_nothing() -> None:
    found = summarise(MEMBERS, **healthy(), configs={"host1": {"mysqld": {"sync-binlog": 0}}, "host2": {}})
    assert (found["code"], len(found["warnings"])) == (0, 1)
    assert found["warnings"][0].startswith("host1: mariadb_config: sync-binlog is 0: ")


def test_databases_of_latin1_are_told_once_for_the_cluster_and_change_nothing() -> None:
    told = {host: report(latin1_databases=["shop", "application"]) for host in MEMBERS}
    found = summarise(MEMBERS, **healthy(reports=told))
    assert (found["code"], found["problems"], len(found["warnings"])) == (0, [], 1)
    assert found["warnings"][0].startswith("Databases with the default character set latin1: application and shop. ")
    wanted = {"host2": {"mariadbd": {"character_set_server": "latin1"}}}
    assert summarise(MEMBERS, **healthy(reports=told, configs=wanted))["warnings"] == []
    assert summarise(MEMBERS, **healthy(reports={"host1": report(latin1_databases=None)}))["warnings"] == []


def test_the_provider_has_a_floor_too() -> None:
    (warning,) = summarise(MEMBERS, **healthy(reports=one("host2", provider_version="4.23(rXXXX)")))["warnings"]
    assert warning.startswith("mariadb2 on host2 runs the Galera provider 26.4.23, which is below 26.4.27: an IST can ")


def test_only_who_answered_is_held_against_the_floors() -> None:
    """That a node does not answer is a problem of its own."""
    silent = {"version": None, "provider_version": None, "cluster_status": None, "local_state": None}
    for change in (silent, {**silent, "state": "stopped"}):
        assert summarise(MEMBERS, **healthy(reports=one("host2", **change)))["warnings"] == []
    assert summarise(MEMBERS, **healthy(reports={}))["warnings"] == []
    lost = one("host2", cluster_status="non-Primary", version="10.11.14-MariaDB")
    assert "mariadb2 on host2 runs MariaDB 10.11.14" in summarise(MEMBERS, **healthy(reports=lost))["warnings"][0]


def test_a_floor_that_cannot_be_read_is_a_warning() -> None:
    found = summarise(MEMBERS, **healthy(), floors=[{**RAISED, "level": "deny"}])
    assert found["code"] == 0
    assert found["warnings"] == ["mariadb_floors, row 1: level is 'deny', and must be refuse or warn."]


def test_the_table_lines_up() -> None:
    lines = table(summarise(MEMBERS, **healthy(reports={"host1": report()}))["nodes"])
    assert lines[0].split() == [
        "HOST",
        "NODE",
        "STATE",
        "CLUSTER",
        "SIZE",
        "SYNC",
        "ROLE",
        "VIP",
        "SEQNO",
        "VERSION",
        "PROVIDER",
    ]
    assert lines[1].split()[-2:] == ["10.11.19-MariaDB", "26.4.27(r07f3a0c4)"]
    assert lines[0].index("STATE") == lines[1].index("running") == lines[3].index("unreachable")
