"""A forced recovery begins a branch; the hosts that were given up come back, and neither join nor serve.

The rows of the table `branches` say where they were written.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import time

from .. import harm
from ..conftest import Lab, wait_until
from ..interrupt import kill_at
from ..ledger import Ledger
from .evidence import (
    CONFIRMED,
    Watch,
    came_by_sst,
    containers,
    fingerprint,
    forcing,
    generation,
    group,
    is_fenced,
    kept,
    make_branches,
    overrides,
    record,
    refused,
    repair,
    row_count,
    rows_in,
    slay,
    start,
    stop,
    succeeds,
    wait_fenced,
    words,
    write,
    write_through_vip,
)


def come_back(lab: Lab, *hosts: str) -> None:
    """Wait until hosts that have power again can be logged in to."""
    for host in hosts:
        wait_until(lambda host=host: lab.reaches(host), 90, f"SSH on {host}")


def of_the_same_branch(lab: Lab, hosts: list[str], number: int) -> None:
    """The hosts' records tell of this branch, and all tell the same, but for who was known when each was written."""
    assert {host: generation(lab, host) for host in hosts} == dict.fromkeys(hosts, number)
    told = [{**json.loads(record(lab, host, "branch.json")), "members": []} for host in hosts]
    assert all(each == told[0] for each in told), told
    assert {group(lab, host) for host in hosts} == {told[0]["group"]}
    assert re.fullmatch(rf"galera\.{number}[a-z]", told[0]["group"])


ONLY_THERE = r"\d+ write sets? (is|are) only there"


def is_left_alone(lab: Lab, force: str, served: Ledger, lost: str, *also: str) -> None:
    """status names the branch that was given up; site and start do not touch the node, and the living do not notice."""
    untouched = fingerprint(lab, lost)
    status = lab.play("status")
    assert status.returncode == 2, status.stdout
    said = words(status)
    assert re.search(rf"{lost} holds branch \d+ of the cluster, given up on \S+ \(recover_force={force}\)", said), said
    assert re.search(ONLY_THERE + "|How many write sets are only there", said), said
    assert f"repair_node_host={lost}" in said
    for verb in ("site", "start", "restart"):
        said = refused(lab, verb, but=[lost, *also])
        assert f"{lost}: it holds branch" in said, said
        assert f"repair_node_host={lost}" in said, said
    assert fingerprint(lab, lost) == untouched
    served.wait_for(100)


def says_why(lab: Lab, host: str, since: str, living: str) -> None:
    """The node's log tells of the branch that lives, and of the way back."""
    log = harm.log(lab, host, since)
    said = [line for line in log.splitlines() if "galera-start" in line]
    lab.say(f"{lab.nodes[host]}: {said[-1] if said else log[-500:]}\n  fenced: {record(lab, host, 'fenced')}")
    assert living in log
    assert "repair_node" in log
    assert not came_by_sst(lab, host, since)


def test_the_host_that_was_given_up_returns(lab: Lab) -> None:
    """host1 and host2 are stopped in order, host3 writes on and loses power; host1 is named, and host3 comes back."""
    old = generation(lab, "host1")
    make_branches(lab)
    with Ledger(lab) as before:
        before.wait_for(200)
    before.account()
    (uuid,) = lab.uuids()
    stop(lab, "host1")
    write(lab, "host2", "without host1", 5)
    stop(lab, "host2")
    write(lab, "host3", "host3 alone", 10)
    survivors = ["host1", "host2"]
    with contextlib.ExitStack() as dark:
        dark.enter_context(harm.host_off(lab, "host3"))
        said = refused(lab, "recover", *CONFIRMED, but=["host3"])
        assert "host3 did not report, and may be live or ahead of the others" in said
        force = overrides(said)["host1"]
        assert force.startswith(f"host1@{uuid}:")
        assert "HOST@UUID:SEQNO" in refused(lab, "recover", *forcing("host1"), but=["host3"])
        stale = f"{force.rpartition(':')[0]}:{int(force.rpartition(':')[2]) - 1}"
        said = refused(lab, "recover", *forcing(stale), but=["host3"])
        assert f"recover_force names {stale}, but host1 is at {force.partition('@')[2]} now" in said

        as_they_were = containers(lab, survivors)
        plan = succeeds(lab, "recover", "-e", f"recover_force={force}")
        assert containers(lab, survivors) == as_they_were
        ahead = re.search(r"host2 is (\d+) write sets ahead of host1", plan)
        assert ahead, plan
        assert int(ahead[1]) >= 1
        assert "It begins a new branch of the cluster" in plan
        assert "power off host3" in plan

        said = succeeds(lab, "recover", *forcing(force))
        assert f"host2 is {ahead[1]} write sets ahead of host1: its datadir is kept" in said
        harm.wait_whole(lab, hosts=survivors)
        of_the_same_branch(lab, survivors, old + 1)
        write_through_vip(lab, "new branch", 50)

        with Ledger(lab) as served:
            served.wait_for(200)
            since = harm.now(lab, "host1")
            with Watch(lab, "host3", group=group(lab, "host1")) as watch:
                served.mark("host3 returns")
                dark.close()
                come_back(lab, "host3")
                wait_fenced(lab, "host3")
                served.mark("host3 fenced")
                served.wait_for(1000, 90)
                says_why(lab, "host3", since, group(lab, "host1"))
                is_left_alone(lab, force, served, "host3")
            watch.account()
            served.mark("repair_node")
            since = harm.now(lab, "host3")
            assert re.search("branch .*" + ONLY_THERE, repair(lab, "host3"))
            harm.wait_whole(lab)
            served.mark("whole")
            served.wait_for(200)
    served.account()
    assert served.errors == {}
    assert came_by_sst(lab, "host3", since)
    of_the_same_branch(lab, list(lab.nodes), old + 1)
    assert lab.uuids() != {uuid}
    for host in lab.nodes:
        assert row_count(lab, host, "origin = 'new branch'") == 50
        assert row_count(lab, host) == 50
    (old2,), (old3,) = kept(lab, "host2"), kept(lab, "host3")
    assert (rows_in(lab, "host2", old2, "without host1"), rows_in(lab, "host3", old3, "host3 alone")) == (5, 10)
    assert rows_in(lab, "host3", old3, "without host1") == 5
    assert lab.play("status").returncode == 0


# Where the controller is killed in a forced recovery: the task or play, and what has to be printed after it.
KILLS = [
    (r"TASK .*Begin the new branch on this host",),
    (r"TASK .*Begin the new branch on this host", r"^changed: \["),
    (r"TASK .*Decide, and bootstrap the elected node",),
    (r"PLAY \[Nodes that join", r"TASK .*Wait until the node is Synced"),
    (r"PLAY \[VIP",),
]


def test_the_living_restart_while_it_returns(lab: Lab) -> None:
    """host1, which the VIP prefers, is given up; the run is killed several times, and the same words resume it.

    In the minute in which host1 comes back both living nodes are killed, and one is restarted. At the end somebody
    starts a server on host1 by hand, with gcomm://.
    """
    old = generation(lab, "host1")
    make_branches(lab)
    with Ledger(lab) as before:
        before.wait_for(200)
    before.account()
    stop(lab, "host2", "host3")
    write(lab, "host1", "host1 alone", 3)
    living = ["host2", "host3"]
    with contextlib.ExitStack() as dark:
        dark.enter_context(harm.host_off(lab, "host1"))
        force = overrides(refused(lab, "recover", *CONFIRMED, but=["host1"]))["host2"]
        for patterns in KILLS:
            kill_at(lab, "recover", *patterns, arguments=forcing(force))
        succeeds(lab, "recover", *forcing(force))
        harm.wait_whole(lab, hosts=living)
        of_the_same_branch(lab, living, old + 1)
        before.account(living)
        write_through_vip(lab, "new branch", 20)

        with Ledger(lab, patience=5) as served:
            served.wait_for(200)
            since = harm.now(lab, "host2")
            with Watch(lab, "host1", group=group(lab, "host2")) as watch:
                served.mark("host1 returns, host2 and host3 are killed")
                dark.close()
                harm.kill(lab, *living)
                harm.wait_whole(lab, hosts=living)
                served.mark("host3 is restarted")
                lab.quick("host3", f"docker restart {lab.nodes['host3']}", seconds=90)
                harm.wait_whole(lab, hosts=living)
                come_back(lab, "host1")
                wait_fenced(lab, "host1")
                served.mark("host1 fenced")
                served.wait_for(500, 60)
                says_why(lab, "host1", since, group(lab, "host2"))
                is_left_alone(lab, force, served, "host1")
            watch.account()
            wrong = by_hand(lab, "host1", living, served, group(lab, "host2"))
            served.mark("repair_node")
            repair(lab, "host1")
            harm.wait_whole(lab)
            served.mark("whole")
            served.wait_for(200)
    served.account()
    of_the_same_branch(lab, list(lab.nodes), old + 1)
    assert [row_count(lab, host) for host in lab.nodes] == [20, 20, 20]
    (old1,) = kept(lab, "host1")
    assert rows_in(lab, "host1", old1, "host1 alone") == 3
    assert wrong == []


BY_HAND = """
docker stop --time 60 {node} >/dev/null
sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' {datadir}/grastate.dat
docker run --detach --rm --name byhand --network host --volumes-from {node} --entrypoint mariadbd \
  $(docker inspect -f '{{{{.Image}}}}' {node}) --user=mysql --wsrep_cluster_address=gcomm:// >/dev/null
"""


def by_hand(lab: Lab, host: str, living: list[str], served: Ledger, name: str) -> list[str]:
    """Somebody starts the abandoned node past its start script, as a cluster of its own. Returns what went wrong then.

    No client gets there, not even when a living node stops, the one that has the writes or whose host has the VIP.
    """
    wrong: list[str] = []
    question = "docker exec byhand mariadb -BNe \"SHOW STATUS LIKE 'wsrep_cluster_status'\" 2>/dev/null || true"
    try:
        lab.quick(host, BY_HAND.format(node=lab.nodes[host], datadir=harm.datadir(lab, host)), seconds=90)
        wait_until(lambda: "Primary" in lab.quick(host, question), 60, "a server started by hand to be Primary")
        with Watch(lab, group=name) as watch:
            served.mark("started by hand")
            served.wait_for(500, 60)
            status = words(lab.play("status"))
            if host not in status or "branch" not in status:
                wrong.append(f"status does not name the server that was started by hand: {status[-1500:]}")
            said = refused(lab, "recover", *CONFIRMED)
            if "which was given up" not in said:
                wrong.append(f"recover: {said[-1000:]}")
            busy = next(found for found in [*harm.vip_holders(lab), *living] if found in living)
            served.mark("a living node stopped")
            stop(lab, busy)
            time.sleep(15)
            start(lab, busy)
            harm.wait_whole(lab, hosts=living)
            served.wait_for(100, 60)
        lab.say(f"groups that clients got, with a server of a branch that was given up: {dict(watch.groups)}")
        if set(watch.groups) != {name}:
            wrong.append(f"clients got {dict(watch.groups)}")
    finally:
        lab.quick(host, f"docker stop --time 60 byhand; docker start {lab.nodes[host]}", seconds=90)
    return wrong


def test_survivors_at_one_position(lab: Lab, tmp_path: pathlib.Path) -> None:
    """Two nodes and the third's host die at once: the second survivor needs no SST.

    The words of that day then lie in a file, when all nodes die again.
    """
    old = generation(lab, "host1")
    with Ledger(lab) as before:
        before.wait_for(200)
    before.account()
    with contextlib.ExitStack() as dark:
        dark.enter_context(harm.host_off(lab, "host3"))
        slay(lab, "host1", "host2")
        said = refused(lab, "recover", *CONFIRMED, but=["host3"])
        found = overrides(said)
        assert found["host1"].partition("@")[2] == found["host2"].partition("@")[2], found
        since = harm.now(lab, "host2")
        said = succeeds(lab, "recover", *forcing(found["host1"]))
        assert "host2 is at the same position, keeps its data, and needs no state transfer" in said
        assert not came_by_sst(lab, "host2", since)
        assert kept(lab, "host2") == []
        before.account(["host1", "host2"])
        with Ledger(lab) as served, Watch(lab, "host3", group=group(lab, "host1")) as watch:
            served.wait_for(200)
            dark.close()
            come_back(lab, "host3")
            wait_fenced(lab, "host3")
            served.wait_for(200)
        watch.account()
        repair(lab, "host3")
        harm.wait_whole(lab)
    of_the_same_branch(lab, list(lab.nodes), old + 1)
    served.account()
    assert served.errors == {}

    with Ledger(lab) as after:
        after.wait_for(200)
    slay(lab, *lab.nodes)
    file = tmp_path / "recover.json"
    file.write_text(json.dumps({"recover_confirm": "yes", "recover_force": found["host1"]}))
    since = harm.now(lab, "host1")
    said = refused(lab, "recover", "-e", f"@{file}")
    assert f"recover_force names {found['host1']}, but host1 is at" in said
    succeeds(lab, "recover", *CONFIRMED)
    harm.wait_whole(lab)
    of_the_same_branch(lab, list(lab.nodes), old + 1)
    assert not any(came_by_sst(lab, host, since) for host in lab.nodes)
    after.account()


def test_a_run_is_killed_after_the_branch_has_served(lab: Lab) -> None:
    """The survivor that was behind still has the data of the old branch; then only the swap of mariadb0 is missing."""
    old = generation(lab, "host1")
    with Ledger(lab) as before:
        before.wait_for(100)
        stop(lab, "host2")
        before.wait_for(200)
    before.account(["host1", "host3"])
    with contextlib.ExitStack() as dark:
        dark.enter_context(harm.host_off(lab, "host3"))
        slay(lab, "host1")
        force = overrides(refused(lab, "recover", *CONFIRMED, but=["host3"]))["host1"]
        kill_at(lab, "recover", r"PLAY \[Nodes that join", arguments=forcing(force))
        assert generation(lab, "host2") == old + 1
        kill_at(
            lab, "recover", r"PLAY \[The writer, or the node", "Have the container started", arguments=forcing(force)
        )
        said = succeeds(lab, "recover", *forcing(force))
        lab.say(said[said.find("msg:") :][:400])
        before.account(["host1", "host2"])
        with Ledger(lab) as served:
            served.wait_for(200)
            dark.close()
            come_back(lab, "host3")
            wait_fenced(lab, "host3")
            repair(lab, "host3")
            harm.wait_whole(lab)
    served.account()
    assert served.errors == {}
    of_the_same_branch(lab, list(lab.nodes), old + 1)


def test_a_survivor_alone(lab: Lab) -> None:
    """It serves, after SIGKILL and a reboot of its host too; then the majority that was given up comes back."""
    old = generation(lab, "host1")
    make_branches(lab)
    with Ledger(lab) as before:
        before.wait_for(200)
    before.account()
    stop(lab, "host1")
    write(lab, "host2", "two of three", 4)
    with contextlib.ExitStack() as dark:
        dark.enter_context(harm.host_off(lab, "host2"))
        dark.enter_context(harm.host_off(lab, "host3"))
        force = overrides(refused(lab, "recover", *CONFIRMED, but=["host2", "host3"]))["host1"]
        said = succeeds(lab, "recover", *forcing(force))
        assert "power off host2 and host3" in said
        of_the_same_branch(lab, ["host1"], old + 1)
        with Ledger(lab, patience=5) as served:
            served.wait_for(200)
            served.mark("SIGKILL")
            harm.kill(lab, "host1")
            served.wait_for(200, 60)
            served.mark("reboot")
            harm.restart_host(lab, "host1")
            served.wait_for(200, 120)
            served.mark("host2 and host3 return")
            with Watch(lab, "host2", "host3", group=group(lab, "host1")) as watch:
                since = harm.now(lab, "host1")
                dark.close()
                come_back(lab, "host2", "host3")
                wait_fenced(lab, "host2", "host3")
                served.mark("fenced")
                served.wait_for(500, 60)
                for host in ("host2", "host3"):
                    says_why(lab, host, since, group(lab, "host1"))
                is_left_alone(lab, force, served, "host2", "host3")
                served.mark("stopped, and started beside them")
                succeeds(lab, "stop")
                said = refused(lab, "start", but=["host2", "host3"])
                assert "While the cluster is down, run recover first, which leaves it alone." in said
                succeeds(lab, "recover", *CONFIRMED)
                served.wait_for(500, 60)
                assert is_fenced(lab, "host2")
                assert is_fenced(lab, "host3")
            watch.account()
            served.mark("repair_node")
            for host in ("host2", "host3"):
                repair(lab, host)
            harm.wait_whole(lab)
            served.mark("whole")
            served.wait_for(200)
    served.account()
    assert served.phase("host2 and host3 return").errors == {}
    assert served.phase("fenced").errors == {}
    of_the_same_branch(lab, list(lab.nodes), old + 1)
    assert [row_count(lab, host) for host in lab.nodes] == [0, 0, 0]
    (old2,) = kept(lab, "host2")
    assert rows_in(lab, "host2", old2, "two of three") == 4


def test_two_decisions_that_did_not_know_of_each_other(lab: Lab) -> None:
    """host1 is named while the others are away, and host2 while host1 is: two branches of one generation."""
    old = generation(lab, "host1")
    make_branches(lab)
    others = ["host2", "host3"]
    with contextlib.ExitStack() as away:
        with contextlib.ExitStack() as dark:
            for host in others:
                dark.enter_context(harm.host_off(lab, host))
            stop(lab, "host1")
            force = overrides(refused(lab, "recover", *CONFIRMED, but=others))["host1"]
            succeeds(lab, "recover", *forcing(force))
            write(lab, "host1", "first decision", 7)
            away.enter_context(harm.host_off(lab, "host1"))
        come_back(lab, *others)
        stop(lab, *others)
        force = overrides(refused(lab, "recover", *CONFIRMED, but=["host1"]))["host2"]
        succeeds(lab, "recover", *forcing(force))
        harm.wait_whole(lab, hosts=others)
        of_the_same_branch(lab, others, old + 1)
        write_through_vip(lab, "second decision", 20)
        with Ledger(lab) as served, Watch(lab, "host1", group=group(lab, "host2")) as watch:
            served.wait_for(200)
            since = harm.now(lab, "host2")
            served.mark("host1 returns")
            away.close()
            come_back(lab, "host1")
            wait_fenced(lab, "host1")
            served.wait_for(500, 60)
            says_why(lab, "host1", since, group(lab, "host2"))
            for verb in ("site", "start"):
                said = refused(lab, verb, but=["host1"])
                assert f"Two forced recoveries of galera each began a branch {old + 1}" in said
            served.wait_for(100)
        watch.account()
        served.account(others)
        assert served.errors == {}
    stop(lab, *lab.nodes)
    force = overrides(refused(lab, "recover", *CONFIRMED))["host2"]
    succeeds(lab, "recover", *forcing(force))
    harm.wait_whole(lab)
    served.account()
    of_the_same_branch(lab, list(lab.nodes), old + 2)
    assert [row_count(lab, host) for host in lab.nodes] == [20, 20, 20]
    (old1,) = kept(lab, "host1")
    assert rows_in(lab, "host1", old1, "first decision") == 7


def test_a_node_that_was_voted_out_is_not_overwritten(lab: Lab) -> None:
    """A row is on one node only; the others' write cannot be applied there. Then its host's Docker starts it again."""
    host = harm.readers(lab)[0]
    node = lab.nodes[host]
    lab.node_sql("host1", "CREATE OR REPLACE TABLE application.differing (id INT PRIMARY KEY)")
    lab.node_sql(host, "SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM application.differing")
    lab.node_sql(host, "SET SESSION wsrep_on=OFF; INSERT INTO application.differing VALUES (1), (2)")
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        lab.node_sql(harm.writer(lab), "INSERT INTO application.differing VALUES (1)")
        wait_until(
            lambda: harm.status(lab, host).get("wsrep_local_state_comment") == "Inconsistent", 30, f"{node} put out"
        )
        ledger.mark("voted out")
        stop(lab, host)
        since = harm.now(lab, host)
        start(lab, host)
        wait_until(lambda: "repair_node" in harm.log(lab, host, since), 60, f"{node} says what is to be done")
        assert not came_by_sst(lab, host, since)
        for verb in ("site", "start", "recover"):
            said = refused(lab, verb, *CONFIRMED, but=[host])
            assert f"repair_node_host={host}" in said, f"{verb}: {said}"
        ledger.wait_for(200)
        ledger.mark("repair_node")
        repair(lab, host)
        harm.wait_whole(lab)
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}
    (old,) = kept(lab, host)
    assert lab.quick(host, f"ls {old}/application/differing.ibd")
