# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import MIB, Wishes
from ansible_collections.dbops.galera.plugins.module_utils._upgrade_plan import judge

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
MEMBERS = ["host1", "host2", "host3"]
NEWEST = "26.4.27(r1234)"
GOOD = Wishes(without_backup=True, allow_jump="10.11 to 11.8")


def target(**changed: Any) -> dict[str, Any]:
    return {
        "image": "mariadb:11.8",
        "present": True,
        "version": "11.8.9",
        "provider": True,
        "provider_path": "/usr/lib/galera/libgalera_smm.so",
        "provider_version": NEWEST,
        "unknown": [],
        "errors": [],
        "warnings": [],
        "against": [],
        **changed,
    }


def reading(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "node": f"mariadb{number}",
        "state": "running",
        "bootstrap": False,
        "cluster_status": "Primary",
        "local_state": "Synced",
        "cluster_size": 3,
        "recv_queue": 0,
        "version": "10.11.19-MariaDB-0+deb12u1",
        "provider_version": "4.23(rXXXX)",
        "error": None,
        "current": False,
        "turn": None,
        "tables": "10.11.19-MariaDB",
        "write_rate": 1.0 * MIB,
        "gcache_size": 512 * MIB,
        "fast_shutdown": 1,
        "target": target(),
        **changed,
    }


def upgraded(number: int, **changed: Any) -> dict[str, Any]:
    return reading(number, **{"version": "11.8.9-MariaDB", "provider_version": NEWEST, "current": True, **changed})


TURN = {"before": "10.11.19", "after": "11.8.9", "image": "mariadb:11.8"}
# In its turn, between stop and start.
DOWN = {
    "state": "stopped",
    "cluster_status": None,
    "local_state": None,
    "cluster_size": None,
    "write_rate": None,
    "gcache_size": None,
    "fast_shutdown": None,
    "provider_version": None,
}


def plan(wishes: Wishes = GOOD, writer: str = "host1", missing: str = "", **changed: dict[str, Any]) -> dict[str, Any]:
    """The plan of three members, all as they should be but for changed (host -> reading or changes of it)."""
    readings = {host: reading(number, **changed.get(host, {})) for number, host in enumerate(MEMBERS, 1)}
    readings.pop(missing, None)
    return judge(readings, MEMBERS, 3, writer, wishes, NOW)


def everywhere(**changed: Any) -> dict[str, Any]:
    return dict.fromkeys(MEMBERS, changed)


# ---- The plan


def test_a_plan_that_nothing_speaks_against() -> None:
    found = plan()
    assert found["problems"] == []
    assert found["complete"]
    assert found["steps"] == {"host1": "last", "host2": "roll", "host3": "roll"}
    assert (found["before"], found["after"]) == (["10.11.19"], "11.8.9")
    assert found["lines"][:4] == [
        "10.11.19 -> 11.8.9 (mariadb:11.8)",
        "1. host2 mariadb2: 10.11.19 -> 11.8.9",
        "2. host3 mariadb3: 10.11.19 -> 11.8.9",
        "3. host1 mariadb1, the writer: 10.11.19 -> 11.8.9",
    ]
    assert "ok: the cluster is healthy: 3 members Synced, receive queues empty" in found["lines"]
    assert "ok: Galera provider 26.4.23 to 26.4.27" in found["lines"]
    assert "ok: 10.11.19 to 11.8.9 can be rolled" in found["lines"]
    assert "ok: host1, host2, host3: MariaDB 11.8.9 takes the settings" in found["lines"]
    assert "ok: MariaDB 11.8.9 is below no floor of versions" in found["lines"]
    assert any(line.startswith("ok: gcache of 512 MiB: 1.00 MiB/s are written") for line in found["lines"])


def test_the_writer_goes_last_whichever_it_is() -> None:
    assert plan(writer="host2")["steps"] == {"host1": "roll", "host2": "last", "host3": "roll"}


def test_nothing_to_do() -> None:
    found = judge({host: upgraded(n) for n, host in enumerate(MEMBERS, 1)}, MEMBERS, 3, "host1", Wishes(), NOW)
    assert found["problems"] == []
    assert set(found["steps"].values()) == {"steady"}
    assert found["lines"] == ["Every node runs mariadb:11.8 (11.8.9) already: nothing to do."]


def test_all_problems_are_told_at_once() -> None:
    found = plan(Wishes(), host2={"local_state": "Donor/Desynced"}, host3={"gcache_size": MIB})
    assert len(found["problems"]) == 4
    assert [line for line in found["lines"] if line.startswith("refused: ")] == [
        f"refused: {problem}" for problem in found["problems"]
    ]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"host3": {"state": "stopped", **DOWN}},
            "host3: mariadb3 is stopped; while a node is down no other is upgraded",
        ),
        (
            {"host2": {"local_state": "Joined"}},
            "host2: mariadb2 is not Synced in a Primary Component (Primary, Joined)",
        ),
        ({"host2": {"local_state": None, "error": "no answer"}}, "(no answer)"),
        ({"host1": {"cluster_size": 2}}, "host1: mariadb1 sees a cluster of 2, the inventory has 3"),
        ({"host2": {"recv_queue": 7}}, "host2: mariadb2 lags behind, its receive queue held 7 write sets"),
        ({"host1": {"bootstrap": True}}, "host1 still runs the bootstrap container: run site"),
        ({"host2": {"fast_shutdown": 2}}, "host2: innodb_fast_shutdown is 2"),
        (everywhere(target=target(provider=False)), "has no Galera provider at /usr/lib/galera/libgalera_smm.so"),
        (everywhere(target=target(provider_version=None)), "does not tell its version"),
        (everywhere(target=target(provider_version="26.4.22(r1)")), "is 26.4.22, older than the running 26.4.23, so"),
        (everywhere(target=target(version=None)), "host1, host2, host3: mariadb:11.8 has no MariaDB server"),
        (
            {"host2": {"target": target(version="11.8.10")}},
            "11.8.9 of mariadb:11.8 on host1, host3; 11.8.10 of mariadb:11.8 on host2",
        ),
        (everywhere(target=target(unknown=["a", "b"])), "host1, host2, host3: MariaDB 11.8.9 does not know a, b"),
        ({"host2": {"target": target(errors=["bad value"])}}, "host2: MariaDB 11.8.9 refuses the settings: bad value."),
        ({"host2": {"gcache_size": 100 * MIB}}, "host2: gcache.size is 100 MiB. 1.00 MiB/s are written, so 120 s"),
        ({"host2": {"gcache_size": 100 * MIB}}, "Set gcache.size in mariadb_provider_options to 150M"),
        (
            everywhere(version="11.8.9-MariaDB", target=target(version="11.4.2")),
            "MariaDB does not go back from 11.8 to 11.4",
        ),
    ],
)
def test_gates(changed: dict[str, Any], sentence: str) -> None:
    assert [problem for problem in plan(**changed)["problems"] if sentence in problem]


def test_a_host_that_told_nothing() -> None:
    assert "host2: no report; an upgrade needs every member." in plan(missing="host2")["problems"]


def test_the_busiest_node_and_the_smallest_gcache_count() -> None:
    found = plan(host1={"write_rate": 10.0 * MIB}, host2={"write_rate": 0.0})
    assert [problem for problem in found["problems"] if "10.00 MiB/s" in problem and "need 1500 MiB" in problem]


def test_warnings_of_the_settings() -> None:
    found = plan(host2={"target": target(warnings=["--x is deprecated"])})
    assert "host2: MariaDB 11.8.9 says of the settings: --x is deprecated." in found["warnings"]
    assert found["problems"] == []


def test_no_backup_is_a_warning_where_it_was_wanted() -> None:
    assert plan()["warnings"] == ["There may be no backup to go back to (upgrade_without_backup)."]


def test_an_image_that_is_not_there_yet() -> None:
    absent = target(present=False, version=None, provider=False, provider_version=None)
    found = plan(**everywhere(target=absent))
    assert not found["complete"]
    assert found["problems"] == []
    assert found["warnings"][-1].startswith("host1, host2, host3: mariadb:11.8 is not there yet")
    assert found["lines"][0] == "10.11.19 -> ? (mariadb:11.8)"
    assert found["steps"]["host1"] == "last"


def test_gates_that_need_no_image_are_told_without_it() -> None:
    absent = target(present=False, version=None, provider=False, provider_version=None)
    found = plan(Wishes(), **everywhere(target=absent, recv_queue=1))
    assert len(found["problems"]) == 4


# ---- Floors of versions


def floors(*rows: dict[str, Any], allow: str = "") -> Wishes:
    return replace(GOOD, floors=Floors.read(rows, allow))


RAISED = {
    "name": "house rule",
    "what": "mariadb",
    "level": "refuse",
    "fixed_in": ["11.8.10"],
    "reason": "as our auditors want it",
    "source": "https://wiki.example.com/42",
}


def test_an_image_below_a_floor_is_refused_beside_the_other_problems() -> None:
    found = plan(replace(GOOD, without_backup=False), **everywhere(target=target(version="11.8.7")))
    assert len(found["problems"]) == 2
    refusal = "mariadb:11.8 on host1, host2 and host3 has MariaDB 11.8.7, which is below 11.8.8: whoever reaches the "
    assert found["problems"][1].startswith(refusal)
    assert f"refused: {found['problems'][1]}" in found["lines"]
    assert "is below no floor" not in " ".join(found["lines"])


def test_a_fault_of_the_image_is_a_warning_of_the_plan() -> None:
    found = plan(**everywhere(target=target(provider_version="4.23(rXXXX)")))
    assert found["problems"] == []
    assert found["warnings"][-1].startswith(
        "mariadb:11.8 on host1, host2 and host3 has the Galera provider 26.4.23, which is below 26.4.27: an IST can "
    )
    assert f"warning: {found['warnings'][-1]}" in found["lines"]


def test_a_floor_that_was_raised_is_overridden_by_the_version_only() -> None:
    assert "11.8.9, which is below 11.8.10: as our auditors want it" in plan(floors(RAISED))["problems"][0]
    assert len(plan(floors(RAISED, allow="11.8.8"))["problems"]) == 2
    found = plan(floors(RAISED, allow="11.8.9"))
    assert found["problems"] == []
    assert found["warnings"][-1].endswith("Until then mariadb_allow_version=11.8.9 allows it.")


def test_an_image_that_is_absent_or_no_server_is_not_held_against_floors() -> None:
    absent = target(present=False, version=None, provider=False, provider_version=None)
    assert plan(floors(RAISED), **everywhere(target=absent))["problems"] == []
    (problem,) = plan(floors(RAISED), **everywhere(target=target(version=None)))["problems"]
    assert "has no MariaDB server" in problem


def test_what_runs_already_is_warned_of_where_there_is_nothing_to_do() -> None:
    """To refuse a run that changes nothing would make nothing safer."""
    readings = {host: upgraded(number) for number, host in enumerate(MEMBERS, 1)}
    found = judge(readings, MEMBERS, 3, "host1", floors(RAISED), NOW)
    assert found["problems"] == []
    (warning,) = found["warnings"]
    assert warning.startswith("mariadb1 on host1, mariadb2 on host2 and mariadb3 on host3 run MariaDB 11.8.9, which is")
    assert found["lines"][1:] == [f"warning: {warning}"]


# ---- Going on


def test_what_was_done_is_left_alone() -> None:
    readings = {"host1": reading(1), "host2": upgraded(2), "host3": reading(3)}
    found = judge(readings, MEMBERS, 3, "host1", GOOD, NOW)
    assert found["problems"] == []
    assert found["steps"] == {"host1": "last", "host2": "steady", "host3": "roll"}
    assert "done: host2 mariadb2, 11.8.9" in found["lines"]
    assert found["before"] == ["10.11.19", "11.8.9"]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({**DOWN}, "join"),
        ({**DOWN, "state": "crashed", "version": "11.8.9", "current": True}, "join"),
        ({"local_state": "Joining", "version": "11.8.9", "current": True}, "join"),
        ({"version": "11.8.9", "current": True}, "join"),
        ({}, "roll"),
    ],
    ids=["stopped", "new and crashed", "joining", "tables not done", "not stopped yet"],
)
def test_a_run_that_was_killed_in_a_turn(change: dict[str, Any], step: str) -> None:
    others = {"cluster_size": 3 if change.get("cluster_size", 3) else 2}
    found = plan(host1=others, host2={"turn": TURN, **change}, host3=others)
    assert found["problems"] == []
    assert found["steps"] == {"host1": "last", "host2": step, "host3": "roll"}


def test_the_interrupted_node_goes_first() -> None:
    lines = plan(host3={"turn": TURN, **DOWN}, host1={"cluster_size": 2}, host2={"cluster_size": 2})["lines"]
    assert lines[1] == "1. host3 mariadb3, which an interrupted run left in its turn: 10.11.19 -> 11.8.9"


def test_two_nodes_down_in_their_turns() -> None:
    down = {"turn": TURN, **DOWN}
    assert "host2 and host3 are down" in " ".join(plan(host2=down, host3=down, host1={"cluster_size": 1})["problems"])


def test_an_unclean_stop_is_not_for_another_version() -> None:
    crashed = {"turn": TURN, **DOWN, "state": "crashed"}
    problems = plan(host2=crashed, host1={"cluster_size": 2}, host3={"cluster_size": 2})["problems"]
    assert len(problems) == 1
    assert problems[0].startswith("host2: mariadb2 did not stop cleanly in its turn")
    assert "docker start mariadb2" in problems[0]


def test_a_node_whose_version_is_not_known() -> None:
    problems = plan(host2={"turn": TURN, **DOWN, "version": None}, host1={"cluster_size": 2}, host3={"cluster_size": 2})
    assert "host2: which version wrote its data last is not known" in " ".join(problems["problems"])


def test_back_to_a_patch_before() -> None:
    readings = {
        "host1": reading(
            1, target=target(version="10.11.18", provider_version="4.22(r1)"), provider_version="4.22(r1)", current=True
        ),
        "host2": reading(2, target=target(version="10.11.18", provider_version="4.22(r1)")),
        "host3": reading(
            3, target=target(version="10.11.18", provider_version="4.22(r1)"), provider_version="4.22(r1)", current=True
        ),
    }
    found = judge(readings, MEMBERS, 3, "host1", Wishes(without_backup=True), NOW)
    assert found["problems"] == []
    assert found["steps"] == {"host1": "steady", "host2": "roll", "host3": "steady"}


def test_back_to_a_series_before_once_a_node_was_upgraded() -> None:
    readings = {
        host: reading(n, target=target(version="10.11.19"), current=host != "host2")
        for n, host in enumerate(MEMBERS, 1)
    }
    readings["host2"]["version"] = "11.8.9-MariaDB"
    problems = judge(readings, MEMBERS, 3, "host1", GOOD, NOW)["problems"]
    assert len(problems) == 1
    assert problems[0].startswith("host2: MariaDB does not go back from 11.8 to 10.11")
    assert "full SST" in problems[0]


def test_back_to_a_series_before_while_no_node_was_upgraded() -> None:
    """The node in its turn was stopped, and no newer server has touched its data."""
    readings = {
        "host1": reading(1, target=target(version="10.11.19"), current=True, cluster_size=2),
        "host2": reading(2, target=target(version="10.11.19"), current=True, turn=TURN, **DOWN),
        "host3": reading(3, target=target(version="10.11.19"), current=True, cluster_size=2),
    }
    found = judge(readings, MEMBERS, 3, "host1", Wishes(without_backup=True), NOW)
    assert found["problems"] == []
    assert found["steps"] == {"host1": "steady", "host2": "join", "host3": "steady"}
