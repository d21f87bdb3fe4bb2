"""What an operator does with the router tier, and what it does by itself."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, recap, wait_until
from ..ledger import Ledger
from .conftest import Front

ROLE = "tests/e2e/failover/role.yml"


def changes(lab: Lab, playbook: str, *arguments: str) -> dict[str, int]:
    """Run a playbook; hosts where it changed something."""
    run = lab.play(playbook, *arguments)
    assert run.returncode == 0, run.stdout
    return {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]}


def extra(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps(variables)


def weights(lab: Lab, proxy: str) -> list[list[object]]:
    return harm.proxy_sql(lab, proxy, "SELECT hostgroup_id, hostname, weight, status FROM mysql_servers ORDER BY 1, 2")


def test_second_run_changes_nothing_with_a_node_down(front: Front) -> None:
    """Neither in any order of events: the node down, gone by the monitor's account, and back."""
    lab = front.lab
    writer = harm.writer(lab)
    assert changes(lab, ROLE) == {}
    lab.quick(writer, f"docker stop --time 60 {lab.nodes[writer]}")
    try:
        wait_until(lambda: harm.writers(lab) not in ([], [writer]), 30, "another writer")
        assert changes(lab, ROLE) == {}
    finally:
        lab.quick(writer, f"docker start {lab.nodes[writer]}")
    front.at_its_place()
    assert changes(lab, ROLE) == {}


def test_move_writer(front: Front) -> None:
    """There and back under load: no error, and nothing left behind."""
    lab = front.lab
    before = {proxy: weights(lab, proxy) for proxy in lab.proxies}
    home, other = harm.writer(lab), harm.readers(lab)[0]
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark(f"the writer to {other}")
        assert set(changes(lab, "move_writer", *extra(move_writer_to=other))) == set(lab.proxies)
        assert harm.writers(lab) == [other]
        assert changes(lab, "move_writer", *extra(move_writer_to=other)) == {}
        ledger.wait_for()
        ledger.mark(f"the writer to {home}")
        changes(lab, "move_writer", *extra(move_writer_to=lab.nodes[home]))
        assert harm.writers(lab) == [home]
        ledger.wait_for()
    ledger.account()
    assert ledger.errors == {}
    assert ledger.longest_gap < 1
    assert {proxy: weights(lab, proxy) for proxy in lab.proxies} == before
    assert changes(lab, ROLE) == {}


def test_the_inventory_keeps_a_moved_writer(front: Front) -> None:
    lab = front.lab
    home, other = harm.writer(lab), harm.readers(lab)[0]
    kept = extra(proxysql_writer=lab.nodes[other])
    changes(lab, "move_writer", *extra(move_writer_to=other))
    assert changes(lab, ROLE, *kept) == {}
    assert set(changes(lab, ROLE)) == set(lab.proxies)
    assert harm.writers(lab) == [home]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"move_writer_to": "nowhere"},
            "'nowhere' cannot be the writer: it is no node of the cluster, which has mariadb1",
        ),
        ({}, "'' cannot be the writer: it is no node of the cluster"),
        ({"move_writer_to": "host2", "proxysql_drained": ["mariadb2"]}, "it is among proxysql_drained"),
    ],
    ids=["unknown", "none", "drained"],
)
def test_move_writer_refuses(lab: Lab, variables: dict[str, object], sentence: str) -> None:
    run = lab.play("move_writer", *extra(**variables))
    assert run.returncode != 0
    assert sentence in " ".join(run.stdout.split())
    assert all(numbers["changed"] == 0 for numbers in recap(run.stdout).values())


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"proxysql_cluster_password": ""}, "proxysql_cluster_password: missing or empty on host1"),
        ({"proxysql_cluster_user": "admin"}, "proxysql_cluster_user is 'admin' on host1"),
        (
            {"proxysql_galera_monitor": "magic"},
            "proxysql_galera_monitor is 'magic' on host1; it must be",
        ),
        ({"proxysql_writer": "db9"}, "proxysql_writer is 'db9' on host1, which is no node of galera"),
        ({"proxysql_check_interval": 60}, "proxysql_check_interval is 60 on host1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_variable(lab: Lab, variables: dict[str, object], sentence: str) -> None:
    run = lab.play(ROLE, *extra(**variables))
    assert run.returncode != 0
    assert sentence in " ".join(run.stdout.split())
    assert all(numbers["changed"] == 0 for numbers in recap(run.stdout).values())


def test_the_admin_interface_is_for_the_host_and_the_other_proxies(lab: Lab) -> None:
    for proxy in lab.proxies:
        listening = lab.quick(proxy, "ss -Hltn sport = :6032").splitlines()
        assert {line.split()[3] for line in listening} == {"127.0.0.1:6032", f"{lab.addresses[proxy]}:6032"}


def test_move_writer_where_only_new_connections_fail(front: Front) -> None:
    """ProxySQL's checks go on over an old connection, so it never chooses another writer by itself."""
    lab = front.lab
    home, other = harm.writer(lab), harm.readers(lab)[0]
    application = "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = 'application'"
    client = f"docker exec -i {lab.nodes[home]} mariadb -BN"
    # In the network of the node's container, which may be the host's.
    inside = f"nsenter -n -t $(docker inspect -f '{{{{.State.Pid}}}}' {lab.nodes[home]})"
    rule = "INPUT -p tcp --syn --dport 3306 -j REJECT --reject-with tcp-reset"
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("no new connections")
        lab.quick(home, f'{inside} iptables -I {rule}; {client} -e "{application}" | {client} -f', check=False)
        try:
            wait_until(lambda: harm.writers(lab) == [], 30, "no server ONLINE in the writer hostgroup")
            changes(lab, "move_writer", *extra(move_writer_to=other))
            assert harm.writers(lab) == [other]
            ledger.mark("moved")
            ledger.wait_for()
        finally:
            lab.quick(home, f"{inside} iptables -D {rule}")
    ledger.account()
    assert ledger.phase("moved").errors == {}
    changes(lab, "move_writer", *extra(move_writer_to=home))


def repairs(lab: Lab, proxy: str) -> int:
    text = lab.quick(proxy, "cat /containers/proxysql/watchdog.prom")
    return int(re.search(r"^dbops_galera_writer_repairs_total\S* (\d+)$", text, re.MULTILINE)[1])  # type: ignore[index]


@contextlib.contextmanager
def without_monitor(lab: Lab) -> Iterator[None]:
    """ProxySQL's monitors stand still, so that what is wrong in the hostgroups stays wrong."""

    def switch(value: str) -> None:
        for proxy in lab.proxies:
            harm.proxy_do(lab, proxy, f"SET mysql-monitor_enabled = '{value}'", "LOAD MYSQL VARIABLES TO RUNTIME")

    switch("false")
    try:
        yield
    finally:
        switch("true")


def empty_writer_hostgroup(lab: Lab, proxy: str) -> None:
    """No writer at runtime, while memory and disk have one."""
    harm.proxy_do(
        lab,
        proxy,
        "DELETE FROM mysql_servers WHERE hostgroup_id = 10",
        "LOAD MYSQL SERVERS TO RUNTIME",
        "LOAD MYSQL SERVERS FROM DISK",
    )


def test_the_watchdog_repairs_a_proxy_without_a_writer(front: Front) -> None:
    lab = front.lab
    proxy = front.holder
    before, since = repairs(lab, proxy), harm.now(lab, proxy)
    with Ledger(lab) as ledger, without_monitor(lab):
        ledger.wait_for()
        ledger.mark("no writer")
        # At each: the VIP leaves a proxy that has no writer for one that has.
        for each in lab.proxies:
            empty_writer_hostgroup(lab, each)
        assert harm.writers(lab) == []
        wait_until(lambda: len(harm.writers(lab)) == 1, 20, "the watchdog's repair")
        ledger.mark("repaired")
        ledger.wait_for()
    ledger.account()
    assert repairs(lab, proxy) == before + 1
    journal = lab.quick(proxy, f"journalctl --unit proxysql-watchdog --since @{since} --output cat")
    assert f"repair number {before + 1}" in journal
    lab.say(f"without a writer for {ledger.longest_gap:.1f} s, target 15 s (10 s of patience, and to notice)")
    assert 9 < ledger.longest_gap < 15


def test_the_watchdog_does_nothing_while_no_node_is_well(front: Front) -> None:
    lab = front.lab
    before = {proxy: repairs(lab, proxy) for proxy in lab.proxies}
    harm.everywhere(lab, {host: f"docker stop --time 60 {node}" for host, node in lab.nodes.items()})
    try:
        wait_until(lambda: harm.writers(lab) == [], 30, "no writer")
        # Twice its patience; nothing is to happen, so there is nothing to wait for.
        time.sleep(20)
        assert {proxy: repairs(lab, proxy) for proxy in lab.proxies} == before
    finally:
        run = lab.play("start")
        assert run.returncode == 0, run.stdout
    front.at_its_place()


def test_scheduler_variant(front: Front) -> None:
    """As the reference has it: a script in place of the native monitor. Then back."""
    lab = front.lab
    checked = extra(proxysql_galera_monitor="scheduler")
    try:
        assert set(changes(lab, ROLE, *checked)) == set(lab.proxies)
        assert harm.proxy_sql(lab, lab.proxies[0], "SELECT COUNT(*) FROM runtime_mysql_galera_hostgroups") == [["0"]]
        front.at_its_place()
        assert changes(lab, ROLE, *checked) == {}
        with Ledger(lab) as ledger:
            ledger.wait_for()
            ledger.mark("moved")
            other = harm.readers(lab)[0]
            changes(lab, "move_writer", *checked, *extra(move_writer_to=other))
            assert harm.writers(lab) == [other]
            changes(lab, "move_writer", *checked, *extra(move_writer_to=lab.proxies[0]))
            assert ledger.errors == {}
            ledger.mark("writer killed")
            writer = harm.writer(lab)
            lab.quick(writer, f"docker stop --time 60 {lab.nodes[writer]}")
            wait_until(lambda: harm.writers(lab) not in ([], [writer]), 30, "another writer")
            assert changes(lab, ROLE, *checked) == {}
            lab.quick(writer, f"docker start {lab.nodes[writer]}")
            front.at_its_place()
            ledger.wait_for()
        ledger.account()
    finally:
        changes(lab, ROLE)
    front.at_its_place()
    assert changes(lab, ROLE) == {}


def test_users_of_the_cluster(lab: Lab) -> None:
    """On request every account with a password comes through the proxies, by its hash, which nobody gets to see."""
    lab.node_sql("host1", "CREATE OR REPLACE USER reporter@'%' IDENTIFIED BY 'let-me-read-1'")
    lab.node_sql("host1", "GRANT SELECT ON application.* TO reporter@'%'")
    password_hash = lab.node_sql("host1", "SELECT PASSWORD('let-me-read-1')")
    mirrored = extra(proxysql_mirror_users=True)
    try:
        run = lab.play(ROLE, *mirrored, "--diff")
        assert run.returncode == 0, run.stdout
        assert password_hash not in run.stdout
        for proxy in lab.proxies:
            users = {str(row[0]) for row in harm.proxy_sql(lab, proxy, "SELECT username FROM runtime_mysql_users")}
            assert "reporter" in users
            assert users.isdisjoint({"root", "admin", "mariadb.sys"})
        answer = lab.quick(
            lab.proxies[0],
            f"docker exec -e MYSQL_PWD=let-me-read-1 {lab.nodes[lab.proxies[0]]}"
            f" mariadb --skip-ssl-verify-server-cert -h {lab.vip} -P 6033 -u reporter -BNe 'SELECT 6 * 7'",
        )
        assert answer.strip() == "42"
        assert changes(lab, ROLE, *mirrored) == {}
        assert set(changes(lab, ROLE)) == set(lab.proxies)
    finally:
        lab.node_sql("host1", "DROP USER reporter@'%'")
