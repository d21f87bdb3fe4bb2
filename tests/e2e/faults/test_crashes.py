"""Servers are killed: one, two, all. Docker starts them again, and nobody decides anything."""

from __future__ import annotations

import re

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger


def suspect_timeout(lab: Lab) -> float:
    options = lab.node_sql(next(iter(lab.nodes)), "SELECT @@wsrep_provider_options")
    return float(re.search(r"evs.suspect_timeout = PT([0-9.]+)S", options)[1])  # type: ignore[index]


def logs(lab: Lab, since: dict[str, str]) -> str:
    return "\n".join(harm.log(lab, host, when) for host, when in since.items())


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_sigkill_of_one(lab: Lab, role: str) -> None:
    host = harm.writer(lab) if role == "writer" else harm.readers(lab)[0]
    since = {host: harm.now(lab, host)}
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark(f"{role} killed")
        harm.kill(lab, host)
        ledger.wait_for()
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    assert "Proceeding with SST" not in logs(lab, since)
    assert ledger.longest_gap < 3
    # The check of the proxies, 1 s, is the slower one.
    assert ledger.longest_gap <= 1.25 * (suspect_timeout(lab) + 1)


def test_sigkill_of_two_within_a_second(lab: Lab) -> None:
    hosts = [harm.writer(lab), harm.readers(lab)[0]]
    since = {host: harm.now(lab, host) for host in hosts}
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("two killed")
        harm.kill(lab, *hosts)
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    assert "Proceeding with SST" not in logs(lab, since)


def test_sigkill_of_all_within_a_second(lab: Lab) -> None:
    since = {host: harm.now(lab, host) for host in lab.nodes}
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("all killed")
        harm.kill(lab, *lab.nodes)
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    said = logs(lab, since)
    assert said.count("galera-start: recovered position") == len(lab.nodes)
    assert "promote to primary component" in said, "the last view on disk, and nobody else, forms the Primary Component"
    assert "Proceeding with SST" not in said


def test_sigkill_of_all_when_one_was_behind(lab: Lab) -> None:
    """One is cut off first, so that it is behind and its last view is older; the network heals as all are killed."""
    behind = harm.readers(lab)[0]
    since = {host: harm.now(lab, host) for host in lab.nodes}
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("one cut off")
        lab.quick(behind, harm.cutting(lab, behind, harm.REPLICATION))
        harm.wait_for_status(lab, behind, "non-Primary")
        ledger.wait_for(500)
        ledger.mark("all killed")
        commands = {host: harm.killing(lab, host) for host in lab.nodes}
        commands[behind] += f"; {harm.HEALING}"
        harm.everywhere(lab, commands)
        harm.wait_whole(lab, 180)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    positions = {
        host: int(re.findall(r"galera-start: recovered position \S+:(\d+)", harm.log(lab, host, since[host]))[0])
        for host in lab.nodes
    }
    lab.say(f"recovered positions: {positions}")
    assert min(positions.values()) == positions[behind] < max(positions.values())
    assert "was in no Primary Component when it ended" in harm.log(lab, behind, since[behind])
    assert "Proceeding with SST" not in logs(lab, since)


def test_memory_limit_reached(lab: Lab) -> None:
    """A query on the writer eats memory until the kernel kills the server."""
    host = harm.writer(lab)
    since, before = harm.now(lab, host), harm.restarts(lab, host)
    statement = (
        "SET SESSION max_heap_table_size = 4294967296;"
        " CREATE TEMPORARY TABLE eater (b VARCHAR(8000) CHARACTER SET latin1) ENGINE=MEMORY"
        " SELECT 'x' AS b FROM seq_1_to_500000"
    )
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("memory eaten")
        lab.quick(host, f'docker exec {lab.nodes[host]} mariadb application -e "{statement}"', check=False)
        wait_until(lambda: harm.restarts(lab, host) > before, 60, "the end of the server")
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    events = "docker events --filter event=oom --format '{{.Actor.Attributes.name}}'"
    assert lab.nodes[host] in lab.quick(host, f"{events} --since {since} --until $(date +%s)").split()
    assert ledger.longest_gap < 10
