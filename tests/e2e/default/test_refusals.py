"""Bad input: each gets a sentence that names the variable or the host, and nothing is changed."""

from __future__ import annotations

import json
import pathlib
import shutil

import pytest
import yaml

from ..conftest import Lab, recap


def refused(lab: Lab, *arguments: str) -> str:
    """Run site; it must fail, and must not have changed anything. Returns what it said."""
    run = lab.play("site", *arguments)
    assert run.returncode != 0, run.stdout
    assert {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]} == {}, (
        run.stdout
    )
    return " ".join(run.stdout.split())


def extra(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps(variables)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"mariadb_admin_password": ""}, "mariadb_admin_password: missing or empty on host1"),
        ({"galera_network_driver": "bridge"}, "galera_network_driver is 'bridge' on host1"),
        ({"galera_node_name": "mariadb1"}, "host2: this host carries mariadb2, a node of galera, and galera_node"),
        ({"galera_node_name": "db"}, "host1: this host carries mariadb1, a node of galera, and galera_node_name is db"),
        ({"galera_minimum_free_mb": 10**9}, "galera_minimum_free_mb asks for 1000000000 MiB"),
        ({"galera_vip": "192.0.2.9"}, "galera_vip 192.0.2.9"),
        ({"mariadb_binlog": True, "mariadb_binlog_keep_hours": 0}, "mariadb_binlog_keep_hours is 0 on host1"),
        ({"backup_repository": "/srv/x", "backup_password": ""}, "backup_password is missing or empty on host1"),
        (
            {"backup_repository": "sftp:there:/here", "backup_password": "secret", "backup_binlog_seconds": 0},
            "Too little on host1: backup_binlog_seconds is 0",
        ),
        ({"mariadb_memory_mb": 10}, "mariadb_memory_mb is 10 on host1"),
        ({"mariadb_config": ["max_connections"]}, "host1: mariadb_config is not a mapping"),
        ({"mariadb_config": {"mariadbd": {"no_such_setting": 1}}}, "unknown variable 'no_such_setting"),
        (
            {"mariadb_image": "dbops.invalid/nothing:1", "docker_host_images": ["dbops.invalid/nothing:1"]},
            "dbops.invalid/nothing:1",
        ),
        ({"docker_host_engine_source": "docker"}, "docker_host_engine_source is docker: docker-ce would take"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_variable(lab: Lab, variables: dict[str, object], sentence: str) -> None:
    assert sentence in refused(lab, *extra(**variables))


@pytest.mark.parametrize(
    ("variables", "sentences"),
    [
        (
            {
                "galera_address": "fd00::1",
                "galera_vip": "fd00::5",
                "mariadb_client_hosts": "app.example.com",
                "mariadb_application_database": "a/b",
                "mariadb_admin_user": "monitor",
                "mariadb_monitor_password": "hunter2\n",
                "mariadb_application_password": 12345678,
                "mariadb_environment": {"TZ": None},
            },
            [
                "nodes, proxies and arbitrators reach each other over IPv4",
                "this is an IPv6 address, and nodes and proxies listen on IPv4",
                "the server does not look names up (skip_name_resolve)",
                "a database cannot have / in its name here",
                "mariadb_admin_user and galera_monitor_user are both",
                "mariadb_monitor_password cannot be used on host1",
                "mariadb_application_password is a number on host1",
                "which is null. A value is text, a number, or true or false.",
            ],
        ),
        (
            {
                "docker_host_engine_version": "1.2",
                "docker_host_daemon_config": {"live-restore": False, "data-root": "/srv", "bip": "198.18.0.1/24"},
            },
            [
                "docker_host_engine_version is 1.2: another version restarts Docker",
                "live-restore is to be off, so the restart of Docker",
                "data-root would change from /var/lib/docker to /srv",
            ],
        ),
    ],
    ids=["names", "Docker Engine"],
)
def test_all_that_is_wrong_is_told_at_once(lab: Lab, variables: dict[str, object], sentences: list[str]) -> None:
    said = refused(lab, *extra(**variables))
    assert [sentence for sentence in sentences if sentence not in said] == []


def test_two_nodes_with_one_address(lab: Lab) -> None:
    address = lab.addresses["host1"]
    said = refused(lab, *extra(galera_address=address))
    assert f"galera_address {address} on host1, " in said
    assert "is another node's address too" in said


def test_a_port_that_is_taken(lab: Lab) -> None:
    if lab.variables["galera_network_driver"] != "host":
        pytest.skip("the nodes have ports of their own")
    assert "host1: port 22 is taken by sshd" in refused(lab, *extra(galera_port=22))


def test_another_image_is_not_for_site(lab: Lab) -> None:
    image = str(lab.variables["keepalived_image"])
    said = refused(lab, *extra(mariadb_image=image))
    assert f"mariadb_image is {image}. The image of a node with data is changed by the playbook upgrade" in said


def changed_inventory(lab: Lab, tmp_path: pathlib.Path, hosts: dict[str, str]) -> str:
    copy = tmp_path / "inventory"
    shutil.copytree(lab.inventory, copy)
    groups = yaml.safe_load((copy / "hosts.yml").read_text())
    groups["galera"]["hosts"] = {
        host: {"ansible_host": address, "galera_node_name": f"mariadb{n}"}
        for n, (host, address) in enumerate(hosts.items(), 1)
    }
    groups["keepalived"]["hosts"] = {host: {} for host in list(hosts)[:1]}
    groups["proxysql"]["hosts"] = {host: {} for host in list(hosts)[:1] if lab.proxies}
    (copy / "hosts.yml").write_text(yaml.safe_dump(groups))
    return str(copy)


def test_a_host_that_is_unreachable(lab: Lab, tmp_path: pathlib.Path) -> None:
    nobody = ".".join([*lab.vip.split(".")[:3], str(int(lab.vip.split(".")[3]) + 19)])
    inventory = changed_inventory(lab, tmp_path, {**lab.addresses, "host9": nobody})
    assert "host9: unreachable. Nothing was changed anywhere" in refused(
        lab, "-i", inventory, "-e", "ansible_timeout=3"
    )


def test_a_cluster_of_one_node(lab: Lab, tmp_path: pathlib.Path) -> None:
    inventory = changed_inventory(lab, tmp_path, {"host1": lab.addresses["host1"]})
    lab.inventory = pathlib.Path(inventory)
    try:
        assert "The cluster galera has one node (host1)" in refused(lab)
    finally:
        lab.__post_init__()


def test_two_nodes_without_an_arbitrator_are_warned_of(lab: Lab, tmp_path: pathlib.Path) -> None:
    two = {host: lab.addresses[host] for host in ("host1", "host2")}
    lab.inventory = pathlib.Path(changed_inventory(lab, tmp_path, two))
    try:
        run = lab.play("tests/e2e/default/preflight.yml")
    finally:
        lab.__post_init__()
    assert run.returncode == 0, run.stdout
    assert "WARNING: galera has 2 votes (2 nodes, 0 arbitrators), an even number" in " ".join(run.stdout.split())


@pytest.fixture
def stopped_node(lab: Lab):  # type: ignore[no-untyped-def]
    """The last host's node, stopped; afterwards site has to bring it back."""
    host = list(lab.nodes)[-1]
    lab.on(host, f"docker stop {lab.nodes[host]}")
    yield host
    run = lab.play("site")
    assert run.returncode == 0, run.stdout
    assert lab.node_sql(host, "SHOW STATUS LIKE 'wsrep_local_state_comment'").split()[1] == "Synced"


def test_another_name_for_a_living_cluster(lab: Lab) -> None:
    said = refused(lab, *extra(galera_cluster_name="shop"))
    assert "belongs to the cluster galera, and galera_cluster_name is shop" in said


def test_a_datadir_of_another_cluster(lab: Lab, stopped_node: str) -> None:
    grastate = f"/containers/{lab.nodes[stopped_node]}/datadir/grastate.dat"
    other = "11111111-2222-3333-4444-555555555555"
    lab.on(stopped_node, f"cp -p {grastate} {grastate}.kept && sed -i 's/^uuid: .*/uuid:    {other}/' {grastate}")
    try:
        said = refused(lab)
    finally:
        lab.on(stopped_node, f"mv {grastate}.kept {grastate}")
    assert stopped_node in said
    assert other in said


def test_a_datadir_that_another_container_uses(lab: Lab, stopped_node: str) -> None:
    datadir = f"/containers/{lab.nodes[stopped_node]}/datadir"
    image = lab.variables["mariadb_image"]
    lab.on(
        stopped_node,
        f"docker run -d --rm --name squatter --network none -v {datadir}:/data --entrypoint sleep {image} 600",
    )
    try:
        said = refused(lab)
    finally:
        lab.on(stopped_node, "docker rm -f squatter")
    assert "squatter" in said
    assert datadir in said
