"""The controller is killed in the middle of site, and site is run again: the same state, one UUID, no row lost.

One lab goes through all four interruptions in turn, each of which lets the run come a little further.
"""

from __future__ import annotations

from ..conftest import Lab, recap
from ..interrupt import kill_at

BOOTSTRAP = r"TASK \[dbops.galera.mariadb : Decide, and bootstrap"
SYNCED = r"TASK \[dbops.galera.mariadb : Wait until the node is Synced"
LAST = r"PLAY \[The writer, or the node in place"
STOPPED = r"TASK \[dbops.galera.mariadb : Stop the container"
KEEPALIVED = r"PLAY \[Keepalived\]"


def running(lab: Lab, host: str) -> set[str]:
    return set(lab.on(host, "docker ps --format '{{.Names}}'").split())


def write(lab: Lab, host: str, row: str) -> None:
    lab.node_sql(
        host,
        "CREATE DATABASE IF NOT EXISTS kept; CREATE TABLE IF NOT EXISTS kept.kept (name VARCHAR(20) PRIMARY KEY);"
        f"INSERT INTO kept.kept VALUES ('{row}')",
    )


def test_a_killed_while_mariadb0_starts(lab: Lab) -> None:
    kill_at(lab, "site", BOOTSTRAP, when=lambda: "mariadb0" in running(lab, "host1"))
    assert "mariadb1" not in running(lab, "host1")
    assert "mariadb2" not in running(lab, "host2")


def test_b_killed_after_the_second_node_joined(lab: Lab) -> None:
    kill_at(lab, "site", SYNCED, r"^(ok|changed): \[host2\]")
    assert "mariadb0" in running(lab, "host1")
    assert "mariadb2" in running(lab, "host2")
    write(lab, "host2", "after b")


def test_c_killed_between_stopping_mariadb0_and_starting_mariadb1(lab: Lab) -> None:
    kill_at(lab, "site", LAST, STOPPED, r"^changed: \[host1\]")
    assert running(lab, "host1").isdisjoint({"mariadb0", "mariadb1"})
    write(lab, "host3", "after c")


def test_d_killed_during_keepalived(lab: Lab) -> None:
    kill_at(lab, "site", KEEPALIVED, r"TASK .*Start Keepalived")
    write(lab, "host1", "after d")


def test_e_site_again_ends_in_the_same_state(lab: Lab) -> None:
    run = lab.play("site")
    assert run.returncode == 0, run.stdout
    assert len(lab.uuids()) == 1
    for host, node in lab.nodes.items():
        assert node in running(lab, host)
        assert "mariadb0" not in running(lab, host)
        rows = lab.node_sql(host, "SET wsrep_sync_wait=1; SELECT name FROM kept.kept ORDER BY name").splitlines()
        assert rows == ["after b", "after c", "after d"]
    assert lab.play("status").returncode == 0
    again = lab.play("site")
    assert {numbers["changed"] for numbers in recap(again.stdout).values()} == {0}, again.stdout
