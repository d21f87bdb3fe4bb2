"""stop, start and restart: in order, under load, interrupted, by one operator at a time."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest

from ..conftest import PLAIN, ROOT, Lab, recap
from ..interrupt import kill_at
from ..ledger import Ledger

RECORD = "/containers/{node}/stopped.json"


def running(lab: Lab, host: str) -> set[str]:
    return set(lab.quick(host, "docker ps --format '{{.Names}}'").split())


def started(lab: Lab) -> dict[str, str]:
    """When each node's container was started."""
    return {
        host: lab.quick(host, "docker inspect -f '{{.State.StartedAt}}' " + node) for host, node in lab.nodes.items()
    }


def rows(lab: Lab, host: str) -> list[str]:
    return lab.node_sql(host, "SET wsrep_sync_wait=1; SELECT name FROM application.kept ORDER BY name").splitlines()


@pytest.fixture(scope="module", autouse=True)
def table(lab: Lab) -> None:
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE kept (name VARCHAR(40) PRIMARY KEY)")


def write(lab: Lab, name: str) -> None:
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept VALUES (%s)", (name,))


def test_check_mode_of_the_verbs_changes_nothing(lab: Lab) -> None:
    before = started(lab)
    for verb in ("stop", "restart", "start"):
        run = lab.play(verb, "--check", "--diff")
        assert run.returncode == 0, run.stdout
    assert started(lab) == before
    assert lab.whole()


def test_restart_is_rolling_and_the_writer_goes_last(lab: Lab) -> None:
    before = started(lab)
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("restart")
        run = lab.play("restart")
        ledger.mark("after")
        ledger.wait_for()
    assert run.returncode == 0, run.stdout
    ledger.account()
    after = started(lab)
    assert all(after[host] != before[host] for host in lab.nodes)
    assert max(after, key=lambda host: after[host]) == "host1"
    if lab.proxies:
        assert ledger.errors == {}
    assert lab.whole()


def test_restart_while_a_proxy_does_not_answer_is_of_all_nodes(lab: Lab) -> None:
    if not lab.proxies:
        pytest.skip("no ProxySQL in this lab")
    before = started(lab)
    # Not the one that has the VIP.
    lab.quick(lab.proxies[-1], "docker stop proxysql")
    try:
        run = lab.play("restart")
    finally:
        lab.quick(lab.proxies[-1], "docker start proxysql")
    assert run.returncode == 0, run.stdout
    after = started(lab)
    assert all(after[host] != before[host] for host in lab.nodes)


def test_stop_and_start_in_order(lab: Lab) -> None:
    write(lab, "before the stop")
    run = lab.play("stop")
    assert run.returncode == 0, run.stdout
    records = {host: json.loads(lab.quick(host, f"cat {RECORD.format(node=node)}")) for host, node in lab.nodes.items()}
    assert len({json.dumps(record) for record in records.values()}) == 1
    last = records["host1"]["last"]
    assert "safe_to_bootstrap: 1" in lab.quick(last, f"cat /containers/{lab.nodes[last]}/datadir/grastate.dat")
    assert all(running(lab, host).isdisjoint({*lab.nodes.values(), "proxysql", "keepalived"}) for host in lab.nodes)

    again = lab.play("stop")
    assert again.returncode == 0, again.stdout
    assert {numbers["changed"] for numbers in recap(again.stdout).values()} == {0}, again.stdout

    run = lab.play("start")
    assert run.returncode == 0, run.stdout
    assert f"bootstrap: {last} is at" in run.stdout
    assert all(rows(lab, host) == ["before the stop"] for host in lab.nodes)
    assert lab.whole()


def test_stop_with_the_front_left_up_and_start_with_a_node_missing(lab: Lab) -> None:
    run = lab.play("stop", "-e", "stop_front=no")
    assert run.returncode == 0, run.stdout
    assert "keepalived" in running(lab, "host1")

    with lab.unreachable("host2"):
        refused = lab.play("start")
        assert refused.returncode != 0
        assert "host2: unreachable. Nothing was changed anywhere" in refused.stdout
        assert running(lab, "host1").isdisjoint({"mariadb0", "mariadb1"})
    run = lab.play("start")
    assert run.returncode == 0, run.stdout
    assert lab.whole()


def test_start_refuses_after_a_crash(lab: Lab) -> None:
    for host, node in lab.nodes.items():
        lab.quick(host, f"docker kill {node}")
    refused = lab.play("start")
    assert refused.returncode != 0
    assert "host1 was not stopped cleanly, so this is no plain start: run the recover playbook" in refused.stdout
    recovered = lab.play("recover", "-e", "recover_confirm=yes")
    assert recovered.returncode == 0, recovered.stdout
    assert len(lab.uuids()) == 1


STOP = r"TASK \[dbops.galera.mariadb : Stop the container"
SYNCED = r"TASK \[dbops.galera.mariadb : Wait until the node is Synced"


@pytest.mark.parametrize(
    ("verb", "patterns"),
    [
        ("restart", (r"PLAY \[Nodes that restart", STOP, r"^changed: \[host2\]")),
        ("stop", (r"PLAY \[Readers", STOP, r"^changed: \[host2\]")),
        ("start", (r"PLAY \[Nodes that join", SYNCED, r"^ok: \[host")),
    ],
)
def test_a_verb_that_was_killed_is_run_again(lab: Lab, verb: str, patterns: tuple[str, ...]) -> None:
    """The controller is killed between two nodes. A killed restart leaves a node down, which start brings back."""
    if verb != "start":
        write(lab, f"before a killed {verb}")
    kill_at(lab, verb, *patterns)
    if verb == "restart":
        run = lab.play("start")
        assert run.returncode == 0, run.stdout
    run = lab.play(verb)
    assert run.returncode == 0, run.stdout
    if verb != "stop":
        assert lab.whole()
        assert len({tuple(rows(lab, host)) for host in lab.nodes}) == 1
        assert "before a killed restart" in rows(lab, "host1")


def test_restart_refuses_while_a_node_is_down(lab: Lab) -> None:
    lab.quick("host3", f"docker stop --time 60 {lab.nodes['host3']}")
    before = started(lab)
    refused = lab.play("restart")
    assert refused.returncode != 0
    assert f"host3: {lab.nodes['host3']} is stopped; while a node is down no other is restarted" in refused.stdout
    assert started(lab) == before
    run = lab.play("start")
    assert run.returncode == 0, run.stdout
    assert lab.whole()


def test_restart_names_a_host_that_is_none(lab: Lab) -> None:
    refused = lab.play("restart", "-e", json.dumps({"restart_hosts": ["host9"]}))
    assert refused.returncode != 0
    assert "host9: no host of the group galera" in refused.stdout


def test_the_second_operator_is_refused(lab: Lab, tmp_path: pathlib.Path) -> None:
    """First beside a run of this controller that lives, then beside one of another controller."""
    lock = "/run/dbops-galera-galera.lock"
    first = tmp_path / "first.yml"
    first.write_text(
        f"- import_playbook: {ROOT}/playbooks/enter.yml\n  vars: {{galera_verb: upgrade}}\n"
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - pause:\n"
    )
    holder = subprocess.Popen(
        ["ansible-playbook", "-i", str(lab.inventory), str(first)],
        cwd=ROOT,
        env=PLAIN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    try:
        for line in holder.stdout:
            if "TASK [pause]" in line:
                break
        refused = lab.play("restart")
        assert refused.returncode != 0
        assert "is locked by" in refused.stdout
        assert "whose upgrade began at" in refused.stdout
        assert "Nothing was changed" in refused.stdout
    finally:
        holder.kill()
        holder.wait()
    # That run has ended, as this controller sees.
    run = lab.play("start")
    assert run.returncode == 0, run.stdout
    assert "Relieved of the lock, since that run has ended" in run.stdout
    assert lab.quick("host1", f"ls {lock}", check=False) == ""

    other = {"name": "eve@elsewhere", "verb": "restart", "since": "2026-01-01T00:00:00Z"}
    other |= {"place": "elsewhere", "process": 7, "started": "8"}
    lab.quick("host3", f"echo '{json.dumps(other)}' > {lock}")
    refused = lab.play("restart")
    assert refused.returncode != 0
    assert "is locked by eve@elsewhere, whose restart began at 2026-01-01T00:00:00Z (process 7)" in refused.stdout
    assert "-e galera_break_lock_of=eve@elsewhere" in refused.stdout
    assert lab.quick("host1", f"ls {lock}", check=False) == "", "what was taken on other hosts is given back"
    run = lab.play("start", "-e", "galera_break_lock_of=eve@elsewhere")
    assert run.returncode == 0, run.stdout
    assert lab.quick("host3", f"ls {lock}", check=False) == ""
