"""Backups while clients write, killed at different moments, and refused when something about them is wrong."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .. import harm
from ..conftest import Lab, recap, wait_until
from ..interrupt import kill_at
from ..ledger import Ledger

REPOSITORY = "/srv/repository"


def program(lab: Lab, host: str, *arguments: str, check: bool = True) -> str:
    """The program's output, with what it says of a failure."""
    directory = f"/containers/{lab.nodes[host]}/backup"
    command = f"python3 {directory}/galera_backup --config {directory}/config.json {' '.join(arguments)} 2>&1"
    return lab.quick(host, command, check=check, seconds=300)


def backups(lab: Lab) -> list[dict[str, Any]]:
    """The manifests in the repository, oldest first."""
    told = program(lab, list(lab.nodes)[-1], "list")
    return sorted(json.loads(told.splitlines()[-1]), key=lambda each: each["ended"])


def settled(lab: Lab) -> bool:
    """Whether no node is desynced, and no container of a backup is left; that of the binary logs stays."""
    question = "docker ps -a --filter label=dbops.galera.backup --format '{{.Names}}'"
    alone = all("binlog" in name for host in lab.nodes for name in lab.quick(host, question).split())
    return alone and lab.whole() and all(lab.node_sql(host, "SELECT @@wsrep_desync") == "0" for host in lab.nodes)


def good(lab: Lab, kind: str = "auto") -> dict[str, Any]:
    """Make a backup; it is the newest afterwards."""
    known = {each["id"] for each in backups(lab)} if lab_has_repository(lab) else set()
    run = lab.play("backup", "-e", f"backup_kind={kind}")
    assert run.returncode == 0, run.stdout
    newest = backups(lab)[-1]
    assert newest["id"] not in known
    return newest


def lab_has_repository(lab: Lab) -> bool:
    return "config" in lab.quick("backup1", f"ls {REPOSITORY} 2>/dev/null", check=False)


def test_full_and_incremental_under_load(lab: Lab) -> None:
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("full")
        full = good(lab, "full")
        ledger.mark("incremental")
        more = good(lab, "incremental")
        ledger.mark("after")
        ledger.wait_for()
    ledger.account()
    base = next(each for each in backups(lab) if each["id"] == more["base"])
    assert full["base"] == ""
    assert (more["node"], more["from_lsn"]) == (base["node"], base["to_lsn"])
    assert lab.nodes[harm.writer(lab)] not in (full["node"], more["node"])
    assert full["uuid"] in lab.uuids()
    assert settled(lab)
    host = next(host for host, name in lab.nodes.items() if name == more["node"])
    labels = f'{{cluster="{more["cluster"]}",node="{more["node"]}"}}'
    told = lab.metrics(host, f"galera-backup-{more['node']}")
    assert f"dbops_galera_backup_failed{labels} 0\n" in told, told
    assert f"dbops_galera_backup_size_bytes{labels} {more['size']}\n" in told, told
    lab.say(
        f"full: {full['size'] >> 20} MiB in {full['ended'] - full['began']:.1f} s;"
        f" incremental: {more['size'] >> 20} MiB in {more['ended'] - more['began']:.1f} s"
    )


def test_site_again_changes_nothing(lab: Lab) -> None:
    run = lab.play("site")
    assert run.returncode == 0, run.stdout
    assert all(counts["changed"] == 0 for counts in recap(run.stdout).values()), run.stdout


@contextlib.contextmanager
def configured(lab: Lab, host: str, **changes: float) -> Iterator[None]:
    """Other settings for what begins meanwhile: the program reads them at its start."""
    file = f"/containers/{lab.nodes[host]}/backup/config.json"
    script = f"import json; c = json.load(open('{file}')); c.update({changes}); json.dump(c, open('{file}', 'w'))"
    lab.quick(host, f'cp -p {file} {file}.saved; python3 -c "{script}"')
    try:
        yield
    finally:
        lab.quick(host, f"mv {file}.saved {file}")


def kill_main(lab: Lab, host: str) -> None:
    lab.quick(host, f"systemctl kill --kill-who=main --signal=KILL galera-backup-{lab.nodes[host]}-now.service")


def kill_container(purpose: str) -> Callable[[Lab, str], None]:
    def kill(lab: Lab, host: str) -> None:
        lab.quick(host, f"docker kill $(docker ps -q --filter name=-{purpose}$)")

    return kill


def kill_node(lab: Lab, host: str) -> None:
    lab.quick(host, f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {lab.nodes[host]})")


@pytest.mark.parametrize(
    ("what", "kill", "said"),
    [
        ("the program", kill_main, ""),
        ("mariadb-backup", kill_container("stream"), "mariadb-backup failed"),
        ("restic", kill_container("store"), "restic"),
        ("the node", kill_node, ""),
    ],
)
def test_killed(lab: Lab, what: str, kill: Callable[[Lab, str], None], said: str) -> None:
    """The unit that the playbook and the timers start; slow enough to be met in the middle."""
    before = {each["id"] for each in backups(lab)}
    host = next(name for name, node in lab.nodes.items() if node == backups(lab)[-1]["node"])
    directory, unit = f"/containers/{lab.nodes[host]}/backup", f"galera-backup-{lab.nodes[host]}-now"
    list_locks = f"ls {REPOSITORY}/locks"
    locks = set(lab.quick("backup1", list_locks).split())
    with Ledger(lab) as ledger:
        ledger.wait_for()
        # mariadb-backup would be through before it is seen that clients do without the node, and restic soon after it.
        with configured(lab, host, limit_upload_kib=500, throttle=1, writer_sample=1):
            begun = harm.now(lab, host)
            lab.quick(host, f"echo BACKUP_KIND=full >{directory}/now; systemctl start --no-block {unit}")
            wait_until(lambda: "-store\n" in lab.quick(host, "docker ps --format '{{.Names}}'"), 180, "a backup")
            question = f"docker exec {lab.nodes[host]} mariadb -BNe 'SELECT @@wsrep_desync'"
            wait_until(lambda: lab.quick(host, question).strip() == "1", 30, "the node desynced")
            ledger.mark(f"{what} killed")
            kill(lab, host)
            wait_until(lambda: "failed" in lab.quick(host, f"systemctl is-active {unit}", check=False), 120, "its end")
        wait_until(lambda: settled(lab), 120, "all nodes take part, and no container is left")
        if what != "restic":
            # The stream of binary logs has one again and again.
            wait_until(lambda: set(lab.quick("backup1", list_locks).split()) <= locks, 60, "no lock is left")
    ledger.account()
    assert said in lab.quick(host, f"journalctl --unit {unit} --since @{begun.split('.')[0]} --output cat")
    assert {each["id"] for each in backups(lab)} == before
    made = re.findall(r"^(\S+): \d+ MiB in", program(lab, host, "run"), re.MULTILINE)
    assert made[-1] == backups(lab)[-1]["id"]
    assert made[-1] not in before


def test_a_node_serves_while_it_is_backed_up_when_the_others_go(lab: Lab) -> None:
    """Desynced it would be sent no client; where there are proxies it is the only one left in the end."""
    host, first = list(lab.nodes)[-1], harm.writer(lab)
    other = next(name for name in lab.nodes if name not in (host, first))
    directory, unit = f"/containers/{lab.nodes[host]}/backup", f"galera-backup-{lab.nodes[host]}-now"
    going = [other, first] if lab.proxies else [other]
    # New to the repository, and nothing makes it any smaller: more than a minute.
    with lab.through_vip(patience=60) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE ballast (id INT PRIMARY KEY, value BLOB)")
        cursor.execute("INSERT INTO ballast SELECT seq, RANDOM_BYTES(1024) FROM seq_1_to_20480")
    with Ledger(lab) as ledger:
        ledger.wait_for()
        with configured(lab, host, limit_upload_kib=250):
            lab.quick(host, f"echo BACKUP_KIND=full >{directory}/now; systemctl start --no-block {unit}")
            wait_until(lambda: lab.node_sql(host, "SELECT @@wsrep_desync") == "1", 180, "the node desynced")
        for name in going:
            ledger.mark(f"{lab.nodes[name]} goes")
            lab.quick(name, f"docker stop --time 60 {lab.nodes[name]}", seconds=90)
            wait_until(lambda: lab.node_sql(host, "SELECT @@wsrep_desync") == "0", 30, "the node in flow control")
        ledger.wait_for(500)
        assert "activating" in lab.quick(host, f"systemctl is-active {unit}", check=False)
        wait_until(lambda: "inactive" in lab.quick(host, f"systemctl is-active {unit}", check=False), 300, "its end")
        ledger.mark("another backup of a node that is needed")
        assert "is needed by clients" in program(lab, host, "run")
        for name in reversed(going):
            lab.quick(name, f"docker start {lab.nodes[name]}")
        wait_until(lambda: settled(lab), 180, "all nodes are back")
    ledger.account()
    with lab.through_vip(patience=60) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE ballast")


def test_controller_killed(lab: Lab) -> None:
    """systemd goes on with the backup; it is there in the end."""
    before = {each["id"] for each in backups(lab)}
    kill_at(lab, "backup", r"TASK \[.*Wait for it\]")
    wait_until(lambda: {each["id"] for each in backups(lab)} > before, 300, "the backup")
    wait_until(lambda: settled(lab), 120, "all nodes take part, and no container is left")
    good(lab)


def test_another_node_takes_over(lab: Lab) -> None:
    """Its timer goes off on every host: the first one makes the backup; when it is away, the next one does."""
    hosts = list(lab.nodes)
    first, second = hosts[-1], hosts[-2]
    quick = {"backup_jitter_seconds": 0, "backup_takeover_seconds": 40}
    assert lab.play("site", "-e", json.dumps(quick)).returncode == 0
    for away in ("", first):
        known = {each["id"] for each in backups(lab)}
        for host in hosts:
            if host != away:
                lab.quick(host, f"systemctl start --no-block galera-backup-{lab.nodes[host]}.service")
        wait_until(
            lambda: (
                not any(
                    "activating" in lab.quick(h, "systemctl is-active 'galera-backup-*'", check=False) for h in hosts
                )
            ),
            600,
            "all have had their turn",
        )
        new = [each for each in backups(lab) if each["id"] not in known]
        assert [each["node"] for each in new] == [lab.nodes[second if away else first]]
    assert settled(lab)
    assert lab.play("site").returncode == 0


def restorable(lab: Lab, *arguments: str) -> str:
    run = lab.play("restore", *arguments)
    assert run.returncode == 0, run.stdout
    return run.stdout


def refused(lab: Lab, said: str, *arguments: str) -> None:
    """A restore that is confirmed, and yet ends before anything was stopped."""
    run = lab.play("restore", "-e", "restore_confirm=galera", *arguments)
    assert run.returncode != 0, run.stdout
    told = " ".join(run.stdout.split())
    assert re.search(said, told), run.stdout
    assert "Nothing was stopped" in told
    assert lab.whole()


def test_without_confirmation_it_is_a_plan(lab: Lab) -> None:
    newest = backups(lab)[-1]["id"]
    said = restorable(lab)
    assert newest in said
    assert "-e restore_confirm=galera" in said
    assert lab.whole()


def test_a_datadir_that_is_a_mount_point_is_refused(lab: Lab) -> None:
    """A restore renames the datadir."""
    host = list(lab.nodes)[-1]
    place = harm.datadir(lab, host)
    lab.quick(host, f"mount --bind {place} {place}")
    try:
        refused(lab, f"{host}: {place} is a mount point")
    finally:
        lab.quick(host, f"umount {place}")


def test_refusals_of_a_restore(lab: Lab) -> None:
    refused(lab, "has no backup 20200101T000000Z-mariadb9", "-e", "restore_backup=20200101T000000Z-mariadb9")
    refused(lab, "does not open with this key", "-e", "backup_password=another")
    assert lab.play("site").returncode == 0
