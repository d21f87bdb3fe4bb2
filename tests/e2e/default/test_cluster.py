"""The state that site promises, seen from outside."""

from __future__ import annotations

import json
import pathlib
import subprocess
import uuid

import pytest

from ..conftest import ROOT, Lab, recap


def test_three_nodes_are_synced_in_one_primary_component(lab: Lab) -> None:
    assert len(lab.nodes) >= 3
    for host in lab.nodes:
        status = dict(
            line.split("\t", 1) for line in lab.node_sql(host, "SHOW STATUS LIKE 'wsrep%'").splitlines() if "\t" in line
        )
        assert status["wsrep_cluster_status"] == "Primary"
        assert status["wsrep_local_state_comment"] == "Synced"
        assert int(status["wsrep_cluster_size"]) == len(lab.nodes)
    assert len(lab.uuids()) == 1


def test_the_bootstrap_container_is_gone(lab: Lab) -> None:
    for host in lab.nodes:
        names = lab.on(host, "docker ps -a --format '{{.Names}}'").split()
        assert lab.nodes[host] in names
        assert "mariadb0" not in names


def test_a_row_written_through_the_vip_is_on_every_node(lab: Lab) -> None:
    token = uuid.uuid4().hex
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS seen (token CHAR(32) PRIMARY KEY)")
        cursor.execute("INSERT INTO seen VALUES (%s)", (token,))
    for host in lab.nodes:
        assert (
            lab.node_sql(host, f"SET wsrep_sync_wait=1; SELECT COUNT(*) FROM application.seen WHERE token='{token}'")
            == "1"
        )


def test_exactly_one_host_holds_the_vip(lab: Lab) -> None:
    holders = [host for host in lab.nodes if f" {lab.vip}/" in lab.on(host, "ip -4 -o address")]
    assert len(holders) == 1


def test_proxysql_has_one_writer_and_reads_from_every_node(lab: Lab) -> None:
    if not lab.proxies:
        pytest.skip("no ProxySQL image in this lab")
    query = "SELECT hostgroup_id, status, COUNT(*) FROM runtime_mysql_servers GROUP BY 1, 2"
    script = (
        "import json, pymysql; c = pymysql.connect(read_default_file='/containers/proxysql/admin.cnf').cursor(); "
        f"c.execute('{query}'); print(json.dumps(c.fetchall()))"
    )
    for proxy in lab.proxies:
        found = json.loads(lab.on(proxy, f'python3 -c "{script}"'))
        rows = {(int(group), status): int(count) for group, status, count in found}
        assert rows[(10, "ONLINE")] == 1
        assert rows[(20, "ONLINE")] == len(lab.nodes)


def test_status_is_healthy_and_speaks_json(lab: Lab, tmp_path: pathlib.Path) -> None:
    run = lab.play("status", "-e", f"galera_status_file={tmp_path}/status.json")
    assert run.returncode == 0, run.stdout
    assert "cluster galera is healthy" in run.stdout
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["status"] == "healthy"
    assert [node["sync"] for node in status["nodes"]] == ["Synced"] * len(lab.nodes)
    assert sorted(node["role"] for node in status["nodes"]).count("writer") == 1


def test_a_cluster_below_a_floor_is_told_of_and_nothing_is_refused(lab: Lab, tmp_path: pathlib.Path) -> None:
    raised = {
        "name": "house rule",
        "what": "mariadb",
        "level": "refuse",
        "fixed_in": ["10.11.99", "11.8.99"],
        "reason": "our auditors want nothing older",
        "source": "https://wiki.example.com/42",
    }
    given = json.dumps({"mariadb_floors": [raised], "galera_status_file": f"{tmp_path}/status.json"})
    run = lab.play("status", "-e", given)
    assert run.returncode == 0, run.stdout
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["status"], status["problems"]) == ("healthy", [])
    (warning,) = [each for each in status["warnings"] if "our auditors want nothing older (house rule, " in each]
    assert [node for node in lab.nodes.values() if node not in warning] == []
    site = lab.play("site", "--check", "-e", given)
    assert site.returncode == 0, site.stdout
    assert " ".join(warning.split()) in " ".join((site.stdout + site.stderr).split())


def test_site_in_check_mode_foresees_no_change(lab: Lab) -> None:
    run = lab.play("site", "--check", "--diff")
    assert run.returncode == 0, run.stdout
    assert {numbers["changed"] for numbers in recap(run.stdout).values()} == {0}


def test_the_sql_client_of_the_lab_reaches_the_database(lab: Lab) -> None:
    run = subprocess.run(
        [ROOT / "lab/sql.sh", lab.name, "-BN", "-e", "SELECT 41 + 1"],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert run.stdout.strip() == "42"
