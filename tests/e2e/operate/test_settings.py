"""A changed setting: set while the server runs where the server can, rolled out where it cannot."""

from __future__ import annotations

import json

import pytest

from ..conftest import Lab, recap
from ..ledger import Ledger


def settings(**mariadbd: object) -> tuple[str, str]:
    return "-e", json.dumps({"mariadb_config": {"mariadbd": mariadbd}})


def started(lab: Lab) -> dict[str, str]:
    """When each node's container was started."""
    return {host: lab.on(host, "docker inspect -f '{{.State.StartedAt}}' " + node) for host, node in lab.nodes.items()}


def asked(lab: Lab, variable: str) -> set[str]:
    return {lab.node_sql(host, f"SELECT @@GLOBAL.{variable}") for host in lab.nodes}


def changed(output: str) -> int:
    return sum(host["changed"] for host in recap(output).values())


@pytest.fixture(scope="module", autouse=True)
def as_declared(lab: Lab):  # type: ignore[no-untyped-def]
    """Before and after these tests the nodes have the inventory's settings."""
    for before in (True, False):
        run = lab.play("site")
        assert run.returncode == 0, run.stdout
        if before:
            yield


def test_a_dynamic_setting_is_set_without_a_restart(lab: Lab) -> None:
    before = started(lab)
    wanted = settings(max_connections=177, long_query_time="0.5", max_allowed_packet="32M", optimizer_switch="mrr=on")
    predicted = lab.play("site", "--check", "--diff", *wanted)
    assert predicted.returncode == 0, predicted.stdout
    assert "+[mariadbd] max_connections = 177" in predicted.stdout
    assert "177" not in asked(lab, "max_connections")

    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        run = lab.play("site", *wanted)
        assert run.returncode == 0, run.stdout
    ledger.account()
    assert ledger.errors == {}
    assert "set without a restart: long_query_time, max_allowed_packet, max_connections, optimizer_switch" in " ".join(
        run.stdout.split()
    )
    assert started(lab) == before
    assert asked(lab, "max_connections") == {"177"}
    assert asked(lab, "long_query_time") == {"0.500000"}
    assert asked(lab, "max_allowed_packet") == {str(32 << 20)}
    assert all("mrr=on" in value for value in asked(lab, "optimizer_switch"))

    again = lab.play("site", *wanted)
    assert (again.returncode, changed(again.stdout)) == (0, 0), again.stdout

    # What is gone is at the server's default again, as after a restart.
    back = lab.play("site", *settings(max_connections=177))
    assert back.returncode == 0, back.stdout
    assert started(lab) == before
    assert asked(lab, "long_query_time") == {"10.000000"}
    assert not any("mrr=on" in value for value in asked(lab, "optimizer_switch"))


def test_another_spelling_and_section_is_the_same_setting(lab: Lab) -> None:
    """It wins over the role's, and the proxies go by it."""
    wanted = "-e", json.dumps({"mariadb_config": {"mysqld": {"Max-Connections": 200, "event-scheduler": True}}})
    run = lab.play("site", *wanted)
    assert run.returncode == 0, run.stdout
    assert (asked(lab, "max_connections"), asked(lab, "event_scheduler")) == ({"200"}, {"ON"})
    again = lab.play("site", *wanted)
    assert (again.returncode, changed(again.stdout)) == (0, 0), again.stdout


def test_text_and_time_zones_are_right(lab: Lab) -> None:
    """utf8mb4 on every series, and time zones that a living cluster gets on all nodes at once."""
    assert asked(lab, "character_set_server") == {"utf8mb4"}
    lab.node_sql("host1", "CREATE TABLE application.words (id INT PRIMARY KEY, s VARCHAR(20))")
    words = "(1, '\u65e5\u672c'), (2, '\U0001f600')"
    lab.node_sql("host1", f"SET NAMES utf8mb4; INSERT INTO application.words VALUES {words}")
    codes = "SELECT GROUP_CONCAT(HEX(s) ORDER BY id) FROM application.words"
    assert {lab.node_sql(host, codes) for host in lab.nodes} == {"E697A5E69CAC,F09F9880"}
    lab.node_sql("host1", "DROP TABLE application.words")

    run = lab.play("site", "-e", "mariadb_load_time_zones=true")
    assert run.returncode == 0, run.stdout
    count = "SELECT COUNT(*) FROM mysql.time_zone_transition"
    counts = {lab.node_sql(host, count) for host in lab.nodes}
    assert len(counts) == 1
    assert int(counts.pop()) > 10000
    converted = "SELECT CONVERT_TZ('2025-07-01 12:00', 'UTC', 'Europe/Berlin')"
    assert {lab.node_sql(host, converted) for host in lab.nodes} == {"2025-07-01 14:00:00"}


def test_it_outlives_a_restart_of_the_container(lab: Lab) -> None:
    host, node = list(lab.nodes.items())[-1]
    wanted = settings(max_connections=178)
    assert lab.play("site", *wanted).returncode == 0
    lab.on(host, f"docker restart --time 60 {node}")
    again = lab.play("site", *wanted)
    assert (again.returncode, changed(again.stdout)) == (0, 0), again.stdout
    assert asked(lab, "max_connections") == {"178"}


def test_a_static_setting_is_rolled_out_with_the_dynamic_ones(lab: Lab) -> None:
    before = started(lab)
    wanted = settings(back_log=91, max_connections=179)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        run = lab.play("site", *wanted)
        assert run.returncode == 0, run.stdout
    ledger.account()
    said = " ".join(run.stdout.split())
    for host, node in lab.nodes.items():
        assert f"{node} has to be restarted for its settings: back_log is read-only while the server runs" in said
        assert started(lab)[host] != before[host]
    assert asked(lab, "back_log") == {"91"}
    assert asked(lab, "max_connections") == {"179"}
    again = lab.play("site", *wanted)
    assert (again.returncode, changed(again.stdout)) == (0, 0), again.stdout


def test_a_setting_that_a_killed_run_left_unset_is_set_by_the_next(lab: Lab) -> None:
    """The file is written, and the run ends there."""
    wanted = settings(back_log=91, max_connections=180)
    before = started(lab)
    run = lab.play("tests/e2e/operate/settings.yml", *wanted)
    assert "180" not in asked(lab, "max_connections"), run.stdout
    again = lab.play("site", *wanted)
    assert again.returncode == 0, again.stdout
    assert asked(lab, "max_connections") == {"180"}
    assert started(lab) == before


def test_the_record_is_as_unreadable_as_the_settings(lab: Lab) -> None:
    for host, node in lab.nodes.items():
        files = f"/containers/{node}/conf.d/galera.cnf /containers/{node}/run/in-force.cnf"
        assert set(lab.on(host, f"stat -c '%a %g' {files}").split("\n")) - {""} == {"640 999"}
