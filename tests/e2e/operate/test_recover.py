"""recover: the plan, the confirmation, the refusals of poisoned datadirs, and a non-Primary remainder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..interrupt import kill_at
from ..ledger import Ledger

NULL = "00000000-0000-0000-0000-000000000000"
OTHER = "aaaaaaaa-0000-11f0-0000-000000000000"


def grastate(lab: Lab, host: str) -> str:
    return f"/containers/{lab.nodes[host]}/datadir/grastate.dat"


def nothing_runs(lab: Lab) -> bool:
    return all("mariadb" not in lab.quick(host, "docker ps --format '{{.Names}}'") for host in lab.nodes)


def plan(lab: Lab, *arguments: str) -> str:
    run = lab.play("recover", *arguments)
    assert run.returncode == 0, run.stdout
    return " ".join(run.stdout.split())


def refused(lab: Lab, *arguments: str) -> str:
    run = lab.play("recover", "-e", "recover_confirm=yes", *arguments)
    assert run.returncode != 0, run.stdout
    assert nothing_runs(lab), "a refusal starts nothing"
    return " ".join(run.stdout.split())


def test_the_most_advanced_node_is_bootstrapped(lab: Lab) -> None:
    """The third node is cut off first, so that it is behind, then all are killed."""
    with Ledger(lab) as ledger:
        ledger.wait_for()
        lab.quick("host3", f"docker kill {lab.nodes['host3']}")
        ledger.mark("two nodes")
        ledger.wait_for()
        for host in ("host1", "host2"):
            lab.quick(host, f"docker kill {lab.nodes[host]}")
        ledger.mark("none")
    said = plan(lab)
    assert "nothing was changed. To carry it out" in said
    assert "HOST NODE REACHABLE STATE" in said
    assert "recovered" in said
    assert nothing_runs(lab)
    since = {host: lab.quick(host, "date +%s").strip() for host in lab.nodes}

    kill_at(lab, "recover", r"PLAY \[Nodes that join", arguments=["-e", "recover_confirm=yes"])
    run = lab.play("recover", "-e", "recover_confirm=yes")
    assert run.returncode == 0, run.stdout
    assert lab.quick("host1", "ls -d /containers/mariadb1/kept-*/grastate.dat")
    ledger.account()
    for host, node in lab.nodes.items():
        log = lab.quick(host, f"docker logs --since {since[host]} {node} 2>&1")
        assert "Proceeding with SST" not in log
    assert lab.whole()


def test_a_live_cluster_is_not_bootstrapped_and_stragglers_rejoin(lab: Lab) -> None:
    before = lab.uuids()
    lab.quick("host2", f"docker kill {lab.nodes['host2']}")
    force = harm.override(lab, "host2")
    run = lab.play("recover", "-e", "recover_confirm=yes", "-e", f"recover_force={force}")
    assert run.returncode == 0, run.stdout
    assert "join: The cluster is live on host1 and host3" in " ".join(run.stdout.split())
    assert lab.uuids() == before
    assert lab.whole()


def test_a_remainder_without_primary_component_is_promoted_by_name(lab: Lab) -> None:
    """Two of three are lost at once; the third refuses writes until a person names it."""
    with Ledger(lab) as ledger:
        ledger.wait_for()
    for host in ("host1", "host3"):
        lab.quick(host, f"docker kill {lab.nodes[host]}")
    status = "SHOW STATUS LIKE 'wsrep_cluster_status'"
    wait_until(
        lambda: "non-Primary" in lab.node_sql("host2", status), 30, "the remainder to lose its Primary Component"
    )
    assert "settle: host2 runs without a Primary Component" in plan(lab)
    run = lab.play("recover", "-e", "recover_confirm=yes", "-e", f"recover_force={harm.override(lab, 'host2')}")
    assert run.returncode == 0, run.stdout
    ledger.account()
    assert lab.whole()


@pytest.fixture
def stopped(lab: Lab) -> Iterator[Lab]:
    """All nodes stopped cleanly; afterwards their state files are as they were, and the cluster runs."""
    run = lab.play("stop", "-e", "stop_front=no")
    assert run.returncode == 0, run.stdout
    for host in lab.nodes:
        lab.quick(host, f"cp -p {grastate(lab, host)} /root/grastate.dat")
    yield lab
    for host in lab.nodes:
        lab.quick(host, f"cp -p /root/grastate.dat {grastate(lab, host)}")
    run = lab.play("start")
    assert run.returncode == 0, run.stdout


def test_poisoned_recoveries_are_refused(stopped: Lab) -> None:
    lab = stopped

    def poison(**commands: str) -> None:
        for host in lab.nodes:
            lab.quick(host, f"cp -p /root/grastate.dat {grastate(lab, host)}")
        for host, command in commands.items():
            lab.quick(host, command.replace("FILE", grastate(lab, host)))

    null = (
        f"sed -i 's/^uuid:.*/uuid: {NULL}/; s/^seqno:.*/seqno: -1/; s/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' FILE"
    )
    poison(host2=null)
    assert "grastate.dat disowns the data (a UUID of zeros)" in refused(lab)

    safe = "sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' FILE"
    poison(host1=safe, host2=safe, host3=safe)
    assert "all say that they left the cluster last (safe_to_bootstrap: 1), which only one can" in refused(lab)

    poison(host3=f"sed -i 's/^uuid:.*/uuid: {OTHER}/' FILE")
    assert "The members hold data of different clusters" in refused(lab)

    poison(host2="rm FILE")
    assert "mariadb2: there are data, but no grastate.dat beside them" in refused(lab)

    poison(host2="truncate --size 40 FILE")
    assert "mariadb2: grastate.dat has no readable uuid" in refused(lab)

    poison(host2="head -c 200 /dev/urandom > FILE")
    assert "grastate.dat is not a text file: it holds binary data" in refused(lab)

    # A server that does not find its redo log cannot tell the position either.
    settings = "/containers/mariadb*/conf.d/galera.cnf"
    section = r"[mariadbd]\ninnodb_log_group_home_dir=/nowhere\n"
    unknown = f"sed -i 's/^seqno:.*/seqno: -1/' FILE; printf '{section}' >> {settings}"
    poison(**dict.fromkeys(lab.nodes, unknown))
    assert "No member's position is known" in refused(lab)
    for host in lab.nodes:
        lab.quick(host, f"sed -i '/^innodb_log_group_home_dir/d' {settings}")

    poison()
    with lab.unreachable("host3"):
        run = lab.play("recover", "-e", "recover_confirm=yes")
    assert run.returncode != 0, run.stdout
    assert "host3 did not report, and may be live or ahead of the others" in " ".join(run.stdout.split())
    assert nothing_runs(lab)
