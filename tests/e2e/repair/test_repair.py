"""A node that cannot start comes back by the best way there is; a datadir given up is kept; clients write on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from ..conftest import Lab, wait_until
from ..harm import is_synced, override, status, wait_whole, writer
from ..interrupt import kill_at
from ..ledger import Ledger


@pytest.fixture(autouse=True)
def whole(lab: Lab) -> Iterator[None]:
    """Every test begins with a cluster that lacks nothing, and what it kept is removed afterwards."""
    wait_whole(lab)
    yield
    for host in lab.nodes:
        lab.on(host, f"rm -rf {datadir(lab, host)}.kept-*")


@pytest.fixture
def host(lab: Lab) -> str:
    """The host of a reader."""
    return next(host for host in reversed(list(lab.nodes)) if host != writer(lab))


def datadir(lab: Lab, host: str) -> str:
    return f"/containers/{lab.nodes[host]}/datadir"


def kept(lab: Lab, host: str) -> list[str]:
    return lab.on(host, f"ls -d {datadir(lab, host)}.kept-* 2>/dev/null || true").split()


def stop(lab: Lab, host: str) -> None:
    lab.on(host, f"docker stop --time 60 {lab.nodes[host]}")


def repair(lab: Lab, host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lab.play("repair_node", "-e", f"repair_node_host={host}", *arguments)


def words(run: subprocess.CompletedProcess[str]) -> str:
    """What a run said, without the line breaks that Ansible puts in."""
    return " ".join(run.stdout.split())


def now(lab: Lab, host: str) -> str:
    return lab.on(host, "date +%s").strip()


def log(lab: Lab, host: str, since: str) -> str:
    return lab.on(host, f"docker logs --since {since} {lab.nodes[host]} 2>&1")


def came_by_sst(lab: Lab, host: str, since: str) -> bool:
    return "Proceeding with SST" in log(lab, host, since)


def donors(lab: Lab, host: str, since: str) -> list[str]:
    """Names of the nodes that were chosen to give their state."""
    return re.findall(r"Selected \d+\.\d+ \((\w+)\)\(SYNCED\) as donor", log(lab, host, since))


def test_a_corrupt_system_tablespace(lab: Lab, host: str) -> None:
    """It was killed: after a stop the server would join by its grastate.dat, fail, and may get an SST by itself."""
    node, data = lab.nodes[host], datadir(lab, host)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        lab.on(host, f"docker kill {node}")
        lab.on(host, f"dd if=/dev/urandom of={data}/ibdata1 bs=16k count=64 conv=notrunc status=none")
        since = now(lab, host)
        lab.on(host, f"docker start {node}")
        restarts = "docker inspect -f '{{.RestartCount}}' " + node
        wait_until(lambda: int(lab.on(host, restarts)) > 0, 60, f"{node} does not start")
        ledger.mark("repair")
        run = repair(lab, host)
        assert run.returncode == 0, run.stdout
        ledger.mark("repaired")
        ledger.wait_for(100)
    ledger.account()
    said = words(run)
    assert f"{node} gets all data anew by SST, because mariadbd --wsrep-recover told no position" in said
    assert "No backup is known that it could start from instead." in said
    (old,) = kept(lab, host)
    assert f"The old datadir is kept: {old}" in said
    assert "Nothing removes them" in said
    assert lab.on(host, f"ls {old}/ibdata1")
    assert lab.on(host, f"stat -c '%u %a' {data}") == lab.on(host, f"stat -c '%u %a' {old}")
    assert came_by_sst(lab, host, since)
    assert lab.nodes[writer(lab)] not in donors(lab, host, since)
    assert lab.play("status").returncode == 0


def test_a_table_that_is_corrupt_without_anyone_knowing(lab: Lab, host: str) -> None:
    """InnoDB starts and the position is good: IST is tried first. Then the server meets the table."""
    node, data = lab.nodes[host], datadir(lab, host)
    with Ledger(lab) as ledger:
        ledger.wait_for(500)
        stop(lab, host)
        lab.on(
            host, f"dd if=/dev/urandom of={data}/application/ledger.ibd bs=16k seek=3 count=6 conv=notrunc status=none"
        )
        ledger.wait_for(200)
        run = repair(lab, host)
        assert run.returncode == 0, run.stdout
    ledger.account()
    said = words(run)
    assert f"{node} keeps its data and gets by IST what it missed" in said
    assert f"{node} gets all data anew by SST, because it was started for an IST, and did not come back" in said
    assert len(kept(lab, host)) == 1


def test_an_sst_that_broke_off(lab: Lab, host: str) -> None:
    node, data = lab.nodes[host], datadir(lab, host)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stop(lab, host)
        lab.on(host, f"rm -rf {data}/application {data}/grastate.dat && touch {data}/sst_in_progress")
        run = repair(lab, host)
        assert run.returncode == 0, run.stdout
    ledger.account()
    assert f"{node} gets all data anew by SST, because its last SST did not end" in words(run)
    assert len(kept(lab, host)) == 1


@pytest.mark.parametrize("how", ["stop --time 60", "kill"])
def test_a_node_that_is_only_down_comes_back_by_ist(lab: Lab, host: str, how: str) -> None:
    node = lab.nodes[host]
    since = now(lab, host)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        lab.on(host, f"docker {how} {node}")
        ledger.wait_for(200)
        run = repair(lab, host)
        assert run.returncode == 0, run.stdout
    ledger.account()
    assert f"{node} keeps its data and gets by IST what it missed" in words(run)
    assert "Receiving IST: " in log(lab, host, since)
    assert not came_by_sst(lab, host, since)
    assert kept(lab, host) == []


def test_a_node_that_was_put_out(lab: Lab, host: str) -> None:
    """A row is on one node only; the others' writes then cannot be applied there."""
    node, other = lab.nodes[host], writer(lab)
    lab.node_sql(other, "CREATE OR REPLACE TABLE application.differing (id INT PRIMARY KEY)")
    lab.node_sql(host, "SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM application.differing")
    lab.node_sql(host, "SET SESSION wsrep_on=OFF; INSERT INTO application.differing VALUES (1)")
    with Ledger(lab) as ledger:
        lab.node_sql(other, "INSERT INTO application.differing VALUES (1)")
        wait_until(lambda: status(lab, host)["wsrep_local_state_comment"] == "Inconsistent", 30, f"{node} put out")
        refused = lab.play("site")
        assert refused.returncode != 0
        assert f"{host} runs, but was put out of the cluster" in words(refused)
        run = repair(lab, host)
        assert run.returncode == 0, run.stdout
    ledger.account()
    assert f"{node} gets all data anew by SST, because grastate.dat disowns the data" in words(run)
    (old,) = kept(lab, host)
    assert lab.on(host, f"ls {old}/application/differing.ibd")


def test_what_is_refused(lab: Lab, host: str) -> None:
    for named, sentence in (
        (host, f"{host}: {lab.nodes[host]} is Primary and Synced at"),
        ("host99", "repair_node_host is 'host99': name the host whose node is to be repaired"),
        ("", "repair_node_host is not set"),
    ):
        run = repair(lab, named)
        assert run.returncode != 0
        assert sentence in words(run)
    assert is_synced(lab, host, len(lab.nodes))


def test_a_prediction_changes_nothing(lab: Lab, host: str) -> None:
    stop(lab, host)
    run = repair(lab, host, "--check")
    assert run.returncode == 0, run.stdout
    assert "by IST what it missed" in words(run)
    assert status(lab, host) == {}
    assert repair(lab, host).returncode == 0


@pytest.mark.parametrize(
    "patterns",
    [
        (r"TASK .*Choose, and move", r"^changed: \["),
        (r"TASK .*Have the container started", r"^changed: \["),
    ],
    ids=["the datadir is moved", "the SST goes on"],
)
def test_a_killed_controller(lab: Lab, host: str, patterns: tuple[str, ...]) -> None:
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stop(lab, host)
        lab.on(host, f"rm {datadir(lab, host)}/grastate.dat")
        kill_at(lab, "repair_node", *patterns, arguments=("-e", f"repair_node_host={host}"))
        run = repair(lab, host)
        assert run.returncode == 0 or "there is nothing to repair" in words(run), run.stdout
        wait_whole(lab)
    ledger.account()
    assert len(kept(lab, host)) == 1


def test_a_forced_bootstrap_of_data_without_a_grastate_spares_the_others_an_sst(lab: Lab, host: str) -> None:
    """The last resort of recover: a branch of its own, whose UUID the others get as well, so that they join by IST."""
    before = lab.uuids()
    since = {name: now(lab, name) for name in lab.nodes}
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
    for name, node in lab.nodes.items():
        lab.on(name, f"docker kill {node}")
    lab.on(host, f"rm {datadir(lab, host)}/grastate.dat")
    refused = lab.play("recover", "-e", "recover_confirm=yes")
    assert refused.returncode != 0
    assert "there are data, but no grastate.dat beside them" in words(refused)
    run = lab.play("recover", "-e", "recover_confirm=yes", "-e", f"recover_force={override(lab, host)}")
    assert run.returncode == 0, run.stdout
    ledger.account()
    assert len(lab.uuids()) == 1
    assert lab.uuids() != before
    assert not any(came_by_sst(lab, name, since[name]) for name in lab.nodes)
