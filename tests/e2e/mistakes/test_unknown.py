"""Unknown is not no: servers that do not answer, hosts that a run leaves out, a cluster that is split."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger
from .evidence import (
    CONFIRMED,
    ask_datadir,
    cache_of_facts,
    containers,
    forcing,
    generation,
    kept,
    make_branches,
    overrides,
    refused,
    repair,
    row_count,
    slay,
    stop,
    succeeds,
    taken_out,
    words,
    write,
)


@pytest.mark.usefixtures("served")
class TestWhileItServes:
    """Runs that look at a part of the cluster, or in an order of their own, while clients write."""

    @pytest.mark.parametrize("verb", ["stop", "restart", "site", "recover", "start"])
    def test_a_limit_that_leaves_out_members(self, lab: Lab, verb: str) -> None:
        said = refused(lab, verb, *CONFIRMED, "--limit", "host1")
        assert "--limit leaves out host2 and host3 of the cluster galera" in said

    @pytest.mark.parametrize("verb", ["restart", "recover"])
    def test_a_limit_that_leaves_out_the_vip(self, lab: Lab, verb: str) -> None:
        said = refused(lab, verb, *CONFIRMED, "--limit", "host2:host3")
        assert "--limit leaves out host1 of the cluster galera" in said

    def test_a_limit_that_leaves_out_nobody(self, lab: Lab) -> None:
        said = succeeds(lab, "site", "--limit", "host1:host2:host3")
        assert "changed=0" in said

    @pytest.mark.parametrize(
        ("verb", "option"),
        [
            ("start", ("--tags", "mariadb_bootstrap")),
            ("recover", ("--tags", "mariadb_bootstrap")),
            ("restart", ("--tags", "mariadb_roll")),
            ("site", ("--skip-tags", "galera_lock")),
            ("recover", ("--skip-tags", "galera_preflight")),
        ],
        ids=lambda value: value if isinstance(value, str) else " ".join(value),
    )
    def test_a_part_of_a_playbook(self, lab: Lab, verb: str, option: tuple[str, str]) -> None:
        said = refused(lab, verb, *CONFIRMED, *option)
        assert f"{option[0]} {option[1]}: the checks, the lock and the order of hosts" in said

    @pytest.mark.parametrize("verb", ["site", "restart", "recover"])
    def test_another_strategy(self, lab: Lab, verb: str) -> None:
        said = refused(lab, verb, *CONFIRMED, environment={"ANSIBLE_STRATEGY": "free"})
        assert "The strategy is free" in said

    def test_one_host_after_the_other(self, lab: Lab) -> None:
        before = containers(lab, lab.nodes)
        said = succeeds(lab, "site", "--forks", "1")
        assert said.count("changed=0") == len(lab.nodes)
        assert "join: The cluster is live on host1, host2 and host3" in succeeds(lab, "recover", "--forks", "1")
        assert containers(lab, lab.nodes) == before

    def test_facts_of_an_earlier_run(self, lab: Lab, tmp_path: pathlib.Path) -> None:
        """The cache has the facts of a host that is out of reach."""
        cached = cache_of_facts(tmp_path / "facts")
        succeeds(lab, "recover", environment=cached)
        assert list((tmp_path / "facts").glob("*host3"))
        with lab.unreachable("host3"):
            said = refused(lab, "site", but=["host3"], environment=cached)
            assert "host3: unreachable" in said
            assert "join: The cluster is live on host1 and host2" in succeeds(lab, "recover", environment=cached)


def test_servers_that_run_and_do_not_answer(lab: Lab) -> None:
    """The node of host1 is down; the two others are Primary, and hang."""
    with Ledger(lab, patience=5) as ledger:
        ledger.wait_for(200)
        slay(lab, "host1")
        ledger.mark("host1 down")
        ledger.wait_for(200)
        plan = words(lab.play("recover"))
        assert "join: The cluster is live on host2 and host3" in plan
        ledger.mark("hanging")
        with harm.frozen(lab, "host2"), harm.container_frozen(lab, "host3", lab.nodes["host3"]):
            said = refused(lab, "recover", *CONFIRMED)
            for host in ("host2", "host3"):
                assert f"{host} runs" in said
            assert "may be Primary" in said
            force = harm.override(lab, "host1")
            said = refused(lab, "recover", *forcing(force))
            assert "may be Primary" in said
            refused(lab, "start")
            status = lab.play("status")
            assert status.returncode == 3, status.stdout
        ledger.mark("awake")
        harm.wait_whole(lab, hosts=["host2", "host3"])
        ledger.wait_for(200)
        succeeds(lab, "recover", *CONFIRMED)
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for(200)
    ledger.account()


# Watches a node's grastate.dat, and stops the server as soon as the position is there: InnoDB has not ended yet.
CATCH = """
import os, re, signal, subprocess, time
pid = int(subprocess.check_output(["docker", "inspect", "-f", "{{{{.State.Pid}}}}", "{node}"]))
end = time.monotonic() + 120
while time.monotonic() < end:
    with open("{datadir}/grastate.dat") as file:
        if re.search(r"^seqno: +[0-9]", file.read(), re.M):
            os.kill(pid, signal.SIGSTOP)
            print("caught", flush=True)
            break
"""


def test_a_server_that_was_killed_while_it_ended_is_not_stopped_cleanly(lab: Lab) -> None:
    """Galera writes the position down before InnoDB has shut down; then the time is over, and Docker kills."""
    # The first that is stopped.
    reader = next(host for host in lab.nodes if host != harm.writer(lab))
    script = CATCH.format(node=lab.nodes[reader], datadir=harm.datadir(lab, reader))
    with Ledger(lab, patience=5) as ledger:
        ledger.wait_for(200)
        lab.quick(reader, f"cat >/root/catch.py <<'SCRIPT'\n{script}\nSCRIPT")
        lab.quick(reader, "setsid python3 /root/catch.py >/root/caught 2>&1 </dev/null &")
        run = lab.play("stop", "-e", "stop_front=no", "-e", "galera_stop_timeout=5")
        assert "caught" in lab.quick(reader, "cat /root/caught")
        assert run.returncode != 0, run.stdout
        said = words(run)
        assert f"{lab.nodes[reader]} is crashed after SIGTERM" in said
        assert "The nodes that still run were not touched" in said
        assert lab.quick(reader, f"docker inspect -f '{{{{.State.ExitCode}}}}' {lab.nodes[reader]}").strip() == "137"
        others = [host for host in lab.nodes if host != reader]
        harm.wait_whole(lab, hosts=others)
        ledger.mark("killed")
        ledger.wait_for(200)
        # The cluster lives, so the node joins it.
        succeeds(lab, "recover", *CONFIRMED)
        harm.wait_whole(lab)
        ledger.wait_for(200)
    ledger.account()
    assert all(lab.quick(host, f"test ! -e /containers/{node}/stopped.json") == "" for host, node in lab.nodes.items())


def test_a_split_is_named_and_nobody_works_on_it(lab: Lab) -> None:
    """host3 is cut off, and somebody makes it a Primary Component of its own."""
    make_branches(lab)
    with Ledger(lab, patience=5) as ledger:
        ledger.wait_for(200)
        with harm.cut(lab, "host3"):
            harm.wait_for_status(lab, "host3", "non-Primary")
            lab.node_sql("host3", "SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")
            harm.wait_for_status(lab, "host3", "Primary")
            wait_until(lambda: harm.is_synced(lab, "host3", 1), 30, "host3 a cluster of its own")
            write(lab, "host3", "minority", 3)
            ledger.mark("split")
            ledger.wait_for(200)
            status = lab.play("status")
            assert status.returncode in (2, 3), status.stdout
            assert "the cluster is split" in words(status)
            for verb in ("site", "restart", "recover", "start", "move_writer", "stop"):
                said = refused(lab, verb, *CONFIRMED, "-e", "move_writer_to=host2")
                assert "the cluster is split" in said, f"{verb}: {said}"
            stop(lab, "host3")
        ledger.mark("healed")
        said = words(lab.play("recover"))
        lab.say(f"recover on the side that was stopped: {said[said.find('HOST') :][:1500]}")
        repaired = repair(lab, "host3")
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for(200)
    ledger.account()
    lab.say(f"repair_node: {repaired[repaired.find('mariadb3 ') :][:600]}")
    assert [row_count(lab, host) for host in lab.nodes] == [0, 0, 0], "rows of the minority"
    (old,) = kept(lab, "host3")
    assert ask_datadir(lab, "host3", old, "SELECT COUNT(*) FROM application.branches") == "3"


class TestAliveOutOfReach:
    """SSH to two hosts is broken; their nodes are Primary, and serve. The node of host1 is stopped."""

    @pytest.fixture(autouse=True)
    def served(self, lab: Lab) -> Iterator[Ledger]:
        with Ledger(lab, patience=5) as ledger:
            ledger.wait_for(200)
            stop(lab, "host1")
            ledger.mark("host1 stopped")
            ledger.wait_for(200)
            with lab.unreachable("host2"), lab.unreachable("host3"):
                yield ledger
            ledger.mark("reachable")
            ledger.wait_for(100)
            succeeds(lab, "start")
            harm.wait_whole(lab)
            ledger.wait_for(100)
        ledger.account()

    def is_down(self, lab: Lab) -> bool:
        return "mariadb" not in lab.quick("host1", "docker ps --format '{{.Names}}'")

    def test_a_forced_recovery_asks_them_itself(self, lab: Lab, served: Ledger) -> None:
        before = generation(lab, "host1")
        said = refused(lab, "recover", *CONFIRMED, but=["host2", "host3"])
        assert "host2, host3 did not report, and may be live or ahead" in said
        begin = time.monotonic()
        said = refused(lab, "recover", *forcing(overrides(said)["host1"]), but=["host2", "host3"])
        lab.say(f"refused within {time.monotonic() - begin:.0f} s")
        assert f"{lab.addresses['host2']}:4567 and {lab.addresses['host3']}:4567: a node answers there" in said
        served.wait_for(100)
        assert generation(lab, "host1") == before
        assert self.is_down(lab)

    def test_taking_them_out_of_the_inventory_does_not_help(self, lab: Lab, served: Ledger) -> None:
        before = generation(lab, "host1")
        with taken_out(lab, "host2", "host3"):
            said = refused(lab, "recover", *CONFIRMED)
            assert "mariadb2 and mariadb3 are in the cluster by the record of host1" in said
            # Where a person insists on it, they are asked all the same.
            for override in overrides(said).values():
                assert "a node answers there" in refused(lab, "recover", *forcing(override))
            refused(lab, "start")
            assert self.is_down(lab)
        served.wait_for(100)
        assert generation(lab, "host1") == before
