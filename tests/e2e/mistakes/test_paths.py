"""Paths, names and disks that are not what they were: a cluster is created only where no trace of one is."""

from __future__ import annotations

import contextlib
import pathlib
import re
from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, recap, wait_until
from ..ledger import Ledger
from .evidence import (
    CONFIRMED,
    RECORDS,
    came_by_sst,
    containers,
    extra,
    generation,
    group,
    kept,
    overlay,
    record,
    refused,
    start,
    stop,
    succeeds,
    words,
)

# How a disk that is not mounted looks: `DIR` is the datadir, whose contents were moved away.
MISSING = {"empty": "mkdir DIR", "absent": "true", "lost+found": "mkdir -p DIR/lost+found"}
# What must never be said of hosts that had a cluster.
MISLEADING = ("run site to create the cluster", "begins the cluster", "stop that or choose another port")


def take_away(lab: Lab, host: str, how: str = "empty") -> None:
    """The disk of a stopped node's datadir is not mounted any more."""
    place = harm.datadir(lab, host)
    lab.quick(host, f"mv {place} {place}.away && {MISSING[how].replace('DIR', place)}")


def bring_back(lab: Lab, host: str) -> None:
    """The disk is mounted again, over whatever is there; nothing but directories of Docker's or the test's may be."""
    place = harm.datadir(lab, host)
    left = lab.quick(host, f"test ! -e {place} || {{ find {place} -type f; find {place} -depth -type d -delete; }}")
    assert left == "", f"written onto the root disk of {host}: {left}"
    lab.quick(host, f"mv {place}.away {place}")


@pytest.fixture
def reader(lab: Lab) -> str:
    """The host of a node that has not the writes."""
    return harm.readers(lab)[0]


@pytest.mark.usefixtures("served")
class TestWhileItServes:
    """One variable is not what it was; the cluster serves."""

    @pytest.mark.parametrize("verb", ["site", "recover", "restart", "stop"])
    def test_another_galera_root(self, lab: Lab, verb: str) -> None:
        said = refused(lab, verb, *CONFIRMED, *extra(galera_root="/srv/galera"))
        for host, node in lab.nodes.items():
            assert f"{host}: {node} of galera has its data at /containers/{node}/datadir" in said
        assert "Set mariadb_datadir (or galera_root) back" in said
        for host in lab.nodes:
            lab.quick(host, "test ! -e /srv/galera")

    @pytest.mark.parametrize("verb", ["site", "recover", "repair_node"])
    def test_another_datadir(self, lab: Lab, verb: str) -> None:
        said = refused(
            lab, verb, *CONFIRMED, "-e", "repair_node_host=host3", *extra(mariadb_datadir="/containers/other")
        )
        for host, node in lab.nodes.items():
            assert f"{host}: {node} of galera has its data at /containers/{node}/datadir" in said
        for host in lab.nodes:
            lab.quick(host, "test ! -e /containers/other")

    def test_another_cluster_name(self, lab: Lab) -> None:
        said = refused(lab, "site", *extra(galera_cluster_name="shop"))
        assert "belongs to the cluster galera, and galera_cluster_name is shop" in said

    def test_a_name_that_leaves_no_room_for_branches(self, lab: Lab) -> None:
        said = refused(lab, "site", *extra(galera_cluster_name="production-customer-database1"))
        assert "it has 29 characters, and 28 are possible" in said

    def test_a_renamed_node(self, lab: Lab, tmp_path: pathlib.Path) -> None:
        said = refused(lab, "site", *overlay(tmp_path, {"host1": {"galera_node_name": "db1"}}))
        assert "host1: this host carries mariadb1, a node of galera, and galera_node_name is db1" in said
        assert not any(sentence in said for sentence in MISLEADING)

    @pytest.mark.parametrize("verb", ["site", "recover"])
    def test_all_nodes_renamed(self, lab: Lab, tmp_path: pathlib.Path, verb: str) -> None:
        names = {host: {"galera_node_name": f"db{number}"} for number, host in enumerate(lab.nodes, 1)}
        said = refused(lab, verb, *CONFIRMED, *overlay(tmp_path, names))
        for number, (host, node) in enumerate(lab.nodes.items(), 1):
            assert f"{host}: this host carries {node}, a node of galera, and galera_node_name is db{number}" in said
        assert not any(sentence in said for sentence in MISLEADING)

    def test_a_slash_too_many(self, lab: Lab, tmp_path: pathlib.Path) -> None:
        # Proxies and VIP of hosts that were away during a forced recovery learn of the branch by site.
        succeeds(lab, "site")
        before = containers(lab, lab.nodes)
        slashes = {host: {"mariadb_datadir": f"/containers//{node}/datadir/"} for host, node in lab.nodes.items()}
        run = lab.play("site", *overlay(tmp_path, slashes), *extra(galera_root="/containers/"))
        assert run.returncode == 0, run.stdout
        assert {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]} == {}
        assert containers(lab, lab.nodes) == before


def test_what_is_kept_in_spite_of_a_slash(lab: Lab, reader: str, tmp_path: pathlib.Path) -> None:
    """A datadir that is given up gets its name beside the datadir, not in it."""
    place = harm.datadir(lab, reader)
    slashes = {host: {"mariadb_datadir": f"{harm.datadir(lab, host)}/"} for host in lab.nodes}
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stop(lab, reader)
        lab.quick(reader, f"rm {place}/grastate.dat")
        succeeds(lab, "repair_node", "-e", f"repair_node_host={reader}", *overlay(tmp_path, slashes))
        harm.wait_whole(lab)
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}
    assert len(kept(lab, reader)) == 1
    assert "kept" not in lab.quick(reader, f"ls -A {place}")


@pytest.mark.parametrize("how", list(MISSING))
def test_one_disk_is_missing(lab: Lab, reader: str, how: str) -> None:
    """Docker starts the node by itself; no SST fills the root disk."""
    node = lab.nodes[reader]
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stop(lab, reader)
        take_away(lab, reader, how)
        try:
            # Before Docker makes the directory.
            said = refused(lab, "site")
            assert f"{reader}: the datadir {harm.datadir(lab, reader)} of {node}" in said
            assert "Is its disk mounted?" in said
            since = harm.now(lab, reader)
            start(lab, reader)
            wait_until(lambda: harm.restarts(lab, reader) > 1, 60, f"{node} ends, and is started again by Docker")
            log = harm.log(lab, reader, since)
            lab.say(f"{node}: {next(line for line in log.splitlines()[::-1] if 'galera-start' in line)}")
            assert "had data" in log
            assert "repair_node" in log
            status = lab.play("status")
            assert status.returncode == 2, status.stdout
            assert f"the datadir of {node} is empty, but it had data. Is its disk mounted?" in words(status)
            for verb in ("site", "start", "recover"):
                said = refused(lab, verb, *CONFIRMED, but=[reader])
                assert "Is its disk mounted?" in said, f"{verb}: {said}"
                assert f"repair_node_host={reader}" in said, f"{verb}: {said}"
            ledger.wait_for(100)
            assert not came_by_sst(lab, reader, since)
        finally:
            stop(lab, reader)
            bring_back(lab, reader)
            since = harm.now(lab, reader)
            start(lab, reader)
        harm.wait_whole(lab)
        assert not came_by_sst(lab, reader, since)
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}


def test_a_file_system_that_is_not_mounted(lab: Lab, reader: str) -> None:
    """The datadir is a mount point, and site has seen that; what is beneath it is an empty directory."""
    node, place = lab.nodes[reader], harm.datadir(lab, reader)
    with harm.small_disk(lab, reader):
        succeeds(lab, "site")
        assert f'"mountpoint": "{place}"' in record(lab, reader, "node.json")
        stop(lab, reader)
        (device,) = lab.quick(reader, f"findmnt --noheadings --output SOURCE {place}").split()
        lab.quick(reader, f"umount {place}")
        try:
            said = refused(lab, "site")
            assert f"It was on the file system mounted at {place}" in said
            # Nor is the wrong disk filled by a person who believes that the data are lost.
            said = refused(lab, "repair_node", "-e", f"repair_node_host={reader}")
            assert "Mount it" in said
            lab.quick(reader, f'test -z "$(ls -A {place})"')
        finally:
            lab.quick(reader, f"mount {device} {place} && docker start {node}")
        harm.wait_whole(lab)
    # The data were moved to another file system on purpose.
    said = refused(lab, "site")
    assert f"was on the file system mounted at {place}, which is not mounted today" in said
    lab.quick(reader, f"rm {RECORDS}/{node}/node.json")
    succeeds(lab, "site")


def test_all_disks_are_missing(lab: Lab) -> None:
    """Stopped in order; the hosts come back without the disks. Nothing that is said leads to a new cluster."""
    with Ledger(lab) as ledger:
        ledger.wait_for(200)
    uuids = lab.uuids()
    succeeds(lab, "stop")
    for host, how in zip(lab.nodes, MISSING):
        take_away(lab, host, how)
    try:
        for verb in ("start", "recover", "site"):
            said = refused(lab, verb, *CONFIRMED)
            lab.say(f"{verb}: {said[said.find('fatal') :][:700]}")
            for host in lab.nodes:
                assert f"{host}: the datadir {harm.datadir(lab, host)}" in said, f"{verb}: {said}"
            assert "mount" in said
            assert not any(sentence in said for sentence in MISLEADING), f"{verb}: {said}"
        plan = words(lab.play("recover"))
        assert not any(sentence in plan for sentence in MISLEADING), plan
        assert lab.play("status").returncode == 3
    finally:
        for host in lab.nodes:
            bring_back(lab, host)
    since = {host: harm.now(lab, host) for host in lab.nodes}
    succeeds(lab, "start")
    harm.wait_whole(lab)
    ledger.account()
    assert lab.uuids() == uuids
    assert not any(came_by_sst(lab, host, since[host]) for host in lab.nodes)


def test_data_without_system_tables(lab: Lab, reader: str) -> None:
    """ibdata1 beside an empty mysql/ is no new node: nothing is initialised over it, and no SST replaces it."""
    place = harm.datadir(lab, reader)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        stop(lab, reader)
        lab.quick(reader, f"mv {place}/mysql /root/mysql && install -d -o 999 -g 999 {place}/mysql")
        try:
            since = harm.now(lab, reader)
            start(lab, reader)
            wait_until(lambda: harm.restarts(lab, reader) > 1, 60, "a node that ends, and is started again by Docker")
            log = harm.log(lab, reader, since)
            lab.say(next(line for line in log.splitlines()[::-1] if "galera-start" in line))
            assert "no system tables in mysql/" in log
            assert not came_by_sst(lab, reader, since)
            for verb in ("site", "start"):
                said = refused(lab, verb, but=[reader])
                assert "holds ibdata1, and its mysql/ is empty or absent" in said, f"{verb}: {said}"
        finally:
            stop(lab, reader)
            lab.quick(reader, f"rmdir {place}/mysql && mv /root/mysql {place}/mysql")
            start(lab, reader)
        harm.wait_whole(lab)
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}


@contextlib.contextmanager
def linked(lab: Lab, host: str) -> Iterator[None]:
    """The node's datadir is a symbolic link to a directory elsewhere."""
    place = harm.datadir(lab, host)
    stop(lab, host)
    lab.quick(host, f"mv {place} /containers/large && ln -s /containers/large {place}")
    start(lab, host)
    try:
        harm.wait_whole(lab)
        yield
    finally:
        stop(lab, host)
        lab.quick(host, f"rm {place} && mv /containers/large {place}")
        start(lab, host)
        harm.wait_whole(lab)


def test_a_symbolic_link(lab: Lab, reader: str, tmp_path: pathlib.Path) -> None:
    """A living node may have it, but no verb renames it; a new node may not."""
    with Ledger(lab) as ledger:
        with linked(lab, reader):
            succeeds(lab, "site")
            stop(lab, reader)
            said = refused(lab, "repair_node", "-e", f"repair_node_host={reader}")
            assert (
                f"{reader}: mariadb_datadir is {harm.datadir(lab, reader)}, a symbolic link to /containers/large"
                in said
            )
            assert lab.quick(reader, f"readlink {harm.datadir(lab, reader)}").strip() == "/containers/large"
        groups = lab.groups()
        if groups["spare"]:
            new = next(iter(groups["spare"]))
            lab.quick(new, "mkdir -p /srv/large && ln -sfn /srv/large /srv/link")
            told = overlay(tmp_path, {new: {**groups["spare"][new], "mariadb_datadir": "/srv/link"}})
            said = refused(lab, "add_node", *told)
            assert f"{new}: mariadb_datadir is /srv/link, a symbolic link to /srv/large" in said
            assert lab.quick(new, "ls -A /srv/large") == ""
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}


def test_z_a_new_cluster_on_hosts_of_an_old_one(lab: Lab) -> None:
    """The way to begin again names what it gives up, and keeps it."""
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        (uuid,) = lab.uuids()
        wrong = "11111111-2222-3333-4444-555555555555"
        said = refused(lab, "site", "-e", f"galera_forget_cluster={uuid}")
        assert "Stop the cluster first, with the playbook stop" in said
        ledger.wait_for(100)
    ledger.account()
    succeeds(lab, "stop")
    said = refused(lab, "site", "-e", f"galera_forget_cluster={wrong}")
    assert f"galera_forget_cluster is {wrong}, and the hosts of galera tell of {uuid}" in said
    said = succeeds(lab, "site", "-e", f"galera_forget_cluster={uuid}")
    harm.wait_whole(lab)
    assert lab.uuids() != {uuid}
    for host, node in lab.nodes.items():
        (old,) = kept(lab, host)
        assert old in said
        assert uuid in lab.quick(host, f"cat {old}/grastate.dat")
        assert re.search("ledger", lab.quick(host, f"ls {old}/application"))
        assert (generation(lab, host), group(lab, host)) == (1, "galera")
        lab.quick(host, f"test ! -e /containers/{node}/stopped.json")
    with Ledger(lab) as ledger:
        ledger.wait_for(200)
        run = lab.play("site")
        assert run.returncode == 0, run.stdout
        assert {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]} == {}
    ledger.account()
    assert lab.play("status").returncode == 0
