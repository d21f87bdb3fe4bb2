"""The cluster from its repository: what is damaged is refused by name, and empty hosts are enough."""

from __future__ import annotations

import json

from .. import harm
from ..conftest import Lab
from ..interrupt import kill_at
from ..ledger import Ledger
from .test_backup import REPOSITORY, backups, good, program, refused

CONFIRMED = ("-e", "restore_confirm=galera")


def rows(lab: Lab, table: str) -> set[str]:
    """How many rows each node has."""
    return {
        lab.node_sql(host, f"SET wsrep_sync_wait=1; SELECT COUNT(*) FROM application.{table}") for host in lab.nodes
    }


def write(lab: Lab, value: str) -> None:
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (value VARCHAR(40) PRIMARY KEY)")
        cursor.execute("INSERT INTO kept VALUES (%s)", (value,))


def values(lab: Lab) -> list[set[str]]:
    return [set(lab.node_sql(host, "SELECT value FROM application.kept").split()) for host in lab.nodes]


def test_over_a_living_cluster_and_killed(lab: Lab) -> None:
    """Rows of before the backup are there and later ones are not; the controller is killed at four moments."""
    write(lab, "full")
    good(lab, "full")
    write(lab, "incremental")
    wanted = good(lab, "incremental")["id"]
    write(lab, "afterwards")
    arguments = (*CONFIRMED, "-e", f"restore_backup={wanted}")
    kill_at(lab, "restore", r"TASK \[.*Fetch and prepare the backup\]", arguments=arguments)
    kill_at(lab, "restore", r"TASK \[.*Keep the datadir under a dated name\]", arguments=arguments)
    kill_at(lab, "restore", r"TASK \[.*Decide, and bootstrap the elected node\]", arguments=arguments)
    kill_at(lab, "restore", r"TASK \[.*Wait until the node is Synced\]", arguments=arguments)
    run = lab.play("restore", *arguments)
    assert run.returncode == 0, run.stdout
    assert values(lab) == [{"full", "incremental"}] * len(lab.nodes)
    assert lab.whole()
    for host, node in lab.nodes.items():
        kept = lab.quick(host, f"ls -d /containers/{node}/datadir.kept-*").split()
        assert len(kept) == 1, f"{host}: {kept}"
        lab.quick(host, f"rm -r {kept[0]}")
    with Ledger(lab) as ledger:
        ledger.wait_for()
    ledger.account()


def test_the_next_backup_of_a_restored_cluster_is_a_full_one(lab: Lab) -> None:
    assert good(lab)["base"] == ""


def test_onto_empty_hosts(lab: Lab) -> None:
    """Nothing is left of the hosts' databases, containers and images but what the inventory and the repository say."""
    with Ledger(lab) as ledger:
        ledger.wait_for(500)
    ledger.account()
    good(lab)
    before = rows(lab, "ledger")
    for host in lab.nodes:
        lab.quick(host, "docker rm -f $(docker ps -aq) >/dev/null; rm -rf /containers", seconds=120)
    run = lab.play("restore", *CONFIRMED)
    assert run.returncode == 0, run.stdout
    assert rows(lab, "ledger") == before
    assert lab.whole()
    ledger.account()


def test_a_damaged_repository_is_named(lab: Lab) -> None:
    good(lab, "full")
    newest = good(lab, "incremental")
    host = next(iter(lab.nodes))
    saved = "/srv/repository.saved"
    lab.quick("backup1", f"rm -rf {saved}; cp -a {REPOSITORY} {saved}", seconds=120)
    biggest = lab.quick("backup1", f"ls -S {REPOSITORY}/data/*/* | head -1").strip()
    try:
        # A bit flipped in the middle of a pack.
        lab.quick(
            "backup1",
            f"chmod u+w {biggest}; python3 -c \"f=open('{biggest}','r+b'); f.seek(100000); b=f.read(1); f.seek(100000);"
            ' f.write(bytes([b[0] ^ 1]))"',
        )
        said = program(lab, host, "check", check=False)
        assert "cannot be used" in said, said
        assert "every pack" not in said
    finally:
        lab.quick("backup1", f"rm -rf {REPOSITORY}; mv {saved} {REPOSITORY}", seconds=120)
    assert "every pack was read" in program(lab, list(lab.nodes)[-1], "check")
    assert newest["id"] == backups(lab)[-1]["id"]


def test_a_full_repository_is_no_backup(lab: Lab) -> None:
    before = {each["id"] for each in backups(lab)}
    lab.quick("backup1", "mkdir -p /srv/small && mount -t tmpfs -o size=8m tmpfs /srv/small")
    try:
        url = f"sftp:root@{lab.addresses['backup1']}:/srv/small"
        run = lab.play("backup", "-e", json.dumps({"backup_repository": url, "backup_kind": "full"}))
        assert run.returncode != 0
        assert "failed" in run.stdout or "cannot be used" in run.stdout
    finally:
        lab.quick("backup1", "umount /srv/small")
        assert lab.play("site").returncode == 0
    assert {each["id"] for each in backups(lab)} == before
    harm.wait_whole(lab)


def test_a_lost_repository_is_told(lab: Lab) -> None:
    lab.quick("backup1", f"mv {REPOSITORY} {REPOSITORY}.away")
    try:
        refused(lab, "There is no repository at")
    finally:
        lab.quick("backup1", f"mv {REPOSITORY}.away {REPOSITORY}")


def test_a_missing_incremental_is_named(lab: Lab) -> None:
    good(lab, "full")
    middle, last = good(lab, "incremental"), good(lab, "incremental")
    host = list(lab.nodes)[-1]
    directory = f"/containers/{lab.nodes[host]}/backup"
    script = (
        f"import json, sys; sys.path.insert(0, '{directory}'); from galera_backup.repository import Repository;"
        f" config = json.load(open('{directory}/config.json'));"
        f" Repository(config, 'test').forget(['{middle['id']}'])"
    )
    lab.quick(host, f'python3 -c "{script}"')
    refused(lab, f"no backup {middle['id']}, which {last['id']} adds to", "-e", f"restore_backup={last['id']}")
