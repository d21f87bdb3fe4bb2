"""Five members: the three that were given up come back at once, with a view that is a majority."""

from __future__ import annotations

import contextlib

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger
from .evidence import (
    CONFIRMED,
    Watch,
    forcing,
    generation,
    group,
    kept,
    make_branches,
    overrides,
    refused,
    repair,
    row_count,
    rows_in,
    stop,
    succeeds,
    wait_fenced,
    words,
    write,
    write_through_vip,
)

SURVIVORS, LOST = ["host1", "host2"], ["host3", "host4", "host5"]


def test_a_majority_that_was_given_up_returns(lab: Lab) -> None:
    new = [host for host in ("host4", "host5") if host not in lab.nodes]
    if new:
        lab.move("galera", *new)
        succeeds(lab, "add_node")
    harm.wait_whole(lab)
    old = generation(lab, "host1")
    make_branches(lab)
    with Ledger(lab) as before:
        before.wait_for(200)
    before.account()
    stop(lab, "host1")
    write(lab, "host2", "without host1", 2)
    stop(lab, "host2")
    write(lab, "host3", "three of five", 6)
    with contextlib.ExitStack() as dark:
        for host in LOST:
            dark.enter_context(harm.host_off(lab, host))
        said = refused(lab, "recover", *CONFIRMED, but=LOST)
        assert "host3, host4, host5 did not report" in said
        force = overrides(said)["host1"]
        said = succeeds(lab, "recover", *forcing(force))
        assert "power off host3, host4 and host5" in said
        harm.wait_whole(lab, hosts=SURVIVORS)
        assert {group(lab, host) for host in SURVIVORS} == {f"galera.{old + 1}a"}
        before.account(SURVIVORS)
        write_through_vip(lab, "new branch", 30)
        with Ledger(lab) as served:
            served.wait_for(200)
            served.mark("three return")
            with Watch(lab, *LOST, group=group(lab, "host1")) as watch:
                dark.close()
                for host in LOST:
                    wait_until(lambda host=host: lab.reaches(host), 90, f"SSH on {host}")
                wait_fenced(lab, *LOST)
                served.mark("fenced")
                served.wait_for(500, 60)
                status = lab.play("status")
                assert status.returncode == 2, status.stdout
                for host in LOST:
                    assert f"{host} holds branch {old} of the cluster, given up on" in words(status)
                refused(lab, "site", but=LOST)
            watch.account()
            served.mark("repair_node")
            for host in LOST:
                repair(lab, host)
            harm.wait_whole(lab)
            served.mark("whole")
            served.wait_for(200)
    served.account()
    assert served.errors == {}
    assert {generation(lab, host) for host in lab.nodes} == {old + 1}
    assert [row_count(lab, host) for host in lab.nodes] == [30] * 5
    for host in LOST:
        (aside,) = kept(lab, host)
        assert rows_in(lab, host, aside, "three of five") == 6
    (aside,) = kept(lab, "host2")
    assert rows_in(lab, "host2", aside, "without host1") == 2
