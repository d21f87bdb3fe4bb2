"""Two nodes and an arbitrator: either node may go, and after a stop or a power loss the cluster is whole again."""

from __future__ import annotations

import yaml

from ..conftest import Lab, wait_until
from ..harm import everywhere, now, status, writer
from ..ledger import Ledger
from ..stranger import stays_out


def arbitrator(lab: Lab) -> str:
    return next(iter(lab.groups()["arbitrator"]))


def wait_for_votes(lab: Lab, votes: int, *hosts: str) -> None:
    wait_until(
        lambda: all(
            status(lab, host).get("wsrep_cluster_size") == str(votes)
            and status(lab, host).get("wsrep_local_state_comment") == "Synced"
            for host in hosts or lab.nodes
        ),
        60,
        f"{votes} votes",
    )


def test_status_counts_it(lab: Lab) -> None:
    run = lab.play("status")
    assert run.returncode == 0, run.stdout
    assert "cluster galera is healthy" in run.stdout
    row = next(line for line in run.stdout.splitlines() if "garbd" in line)
    assert row.split()[:5] == ["-", arbitrator(lab), "garbd", "running", "-"]
    assert " arbitrator " in row


def test_an_arbitrator_beside_a_node_is_refused(lab: Lab) -> None:
    hosts = lab.inventory / "hosts.yml"
    before = hosts.read_text()
    try:
        groups = yaml.safe_load(before)
        groups["arbitrator"]["hosts"] = {"host2": {}}
        hosts.write_text(yaml.safe_dump(groups, sort_keys=False))
        run = lab.play("site")
    finally:
        hosts.write_text(before)
    assert run.returncode != 0
    assert "host2: it is in the group arbitrator and runs a node of galera: that is no independent vote" in " ".join(
        run.stdout.split()
    )


def test_a_stranger_stays_out(lab: Lab) -> None:
    """An arbitrator would let him in, and the nodes would connect to him by themselves."""
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stays_out(lab, lab.addresses[arbitrator(lab)])
        wait_for_votes(lab, 3)
    ledger.account()


def test_either_node_may_be_lost(lab: Lab) -> None:
    for victim in list(lab.nodes):
        survivor = next(host for host in lab.nodes if host != victim)
        with Ledger(lab) as ledger:
            ledger.wait_for(200)
            ledger.mark(f"{victim} killed, {'writer' if writer(lab) == victim else 'reader'}")
            lab.quick(victim, f"docker kill {lab.nodes[victim]}")
            wait_for_votes(lab, 2, survivor)
            ledger.wait_for(200)
            ledger.mark("started again")
            lab.quick(victim, f"docker start {lab.nodes[victim]}")
            wait_for_votes(lab, 3)
        ledger.account()


def test_all_three_come_back_by_themselves(lab: Lab) -> None:
    names = {**lab.nodes, arbitrator(lab): "garbd"}
    begun = now(lab, "host1")
    with Ledger(lab) as ledger:
        ledger.wait_for(200)
        everywhere(
            lab,
            {host: f"kill -KILL $(docker inspect -f '{{{{.State.Pid}}}}' {name})" for host, name in names.items()},
        )
        wait_for_votes(lab, 3)
        ledger.wait_for(200)
    assert "Receiving SST" not in lab.quick("host1", f"docker logs --since {begun} {lab.nodes['host1']} 2>&1")
    ledger.account()


def test_stop_and_start(lab: Lab) -> None:
    stopped = lab.play("stop")
    assert stopped.returncode == 0, stopped.stdout
    assert lab.quick(arbitrator(lab), "docker ps --all --quiet") == ""
    run = lab.play("start")
    assert run.returncode == 0, run.stdout
    wait_for_votes(lab, 3)
    assert lab.play("status").returncode == 0
