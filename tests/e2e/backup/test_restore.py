"""The cluster from its repository: what is damaged is refused by name, and empty hosts are enough."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from .. import harm
from ..conftest import Lab
from ..interrupt import kill_at
from ..ledger import Ledger
from .test_backup import REPOSITORY, backups, good, program, refused

CONFIRMED = ("-e", "restore_confirm=galera")
RESTORED = {"full", "incremental", "meanwhile"}


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
    """Rows of before the backup are there and later ones are not; the controller is killed five times on the way."""
    write(lab, "full")
    good(lab, "full")
    write(lab, "incremental")
    wanted = good(lab, "incremental")["id"]
    write(lab, "afterwards")
    before, olds = lab.uuids(), {host: kept(lab, host) for host in lab.nodes}
    arguments = (*CONFIRMED, "-e", f"restore_backup={wanted}")
    for task in (
        "Fetch and prepare the backup",
        "Have the restored one begin a new history",
        "Record it",
        "Decide, and bootstrap the elected node",
        "Wait until the node is Synced",
        "Wait for it",
    ):
        kill_at(lab, "restore", rf"TASK \[.*{task}\]", arguments=arguments)
    # It serves already: what is written now stays, though the last run names no backup.
    write(lab, "meanwhile")
    run = lab.play("restore", *CONFIRMED)
    assert run.returncode == 0, run.stdout
    assert "what is left of that restore is done" in " ".join(run.stdout.split())
    assert values(lab) == [RESTORED] * len(lab.nodes)
    assert lab.whole()
    # A history of its own: in the old one the same seqnos were other write sets.
    assert len(lab.uuids() | before) == 2
    for host in lab.nodes:
        assert len(kept(lab, host)) == len(olds[host]) + 1, f"{host}: {kept(lab, host)}"
    with Ledger(lab) as ledger:
        ledger.wait_for()
    ledger.account()


def kept(lab: Lab, host: str) -> list[str]:
    """The datadirs that restores have kept, oldest first."""
    return lab.quick(host, f"ls -d {harm.datadir(lab, host)}.kept-* 2>/dev/null", check=False).split()


def test_the_old_history_joins_by_sst_only(lab: Lab) -> None:
    """A host that was away during the restore comes back with the old datadir."""
    host, node = list(lab.nodes.items())[-1]
    place, old = harm.datadir(lab, host), kept(lab, host)[-1]
    before = lab.uuids()
    lab.quick(
        host, f"docker stop --time 60 {node}; rm -r {place} && mv {old} {place} && docker start {node}", seconds=120
    )
    harm.wait_whole(lab)
    assert values(lab) == [RESTORED] * len(lab.nodes)
    assert lab.uuids() == before
    for other in lab.nodes:
        lab.quick(other, f"rm -rf {harm.datadir(lab, other)}.kept-*")


def test_killed_after_a_restore_it_goes_on_in_the_new_history(lab: Lab) -> None:
    before = lab.uuids()
    with Ledger(lab) as ledger:
        ledger.wait_for()
    for host, node in lab.nodes.items():
        lab.quick(host, f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {node})")
    harm.wait_whole(lab, 180)
    assert lab.uuids() == before
    ledger.account()


def test_the_next_backup_of_a_restored_cluster_is_a_full_one(lab: Lab) -> None:
    """It is made at the end of the restore."""
    first = backups(lab)[-1]
    assert (first["base"], {first["uuid"]}) == ("", lab.uuids())


def test_onto_empty_hosts(lab: Lab) -> None:
    """Nothing is left of the hosts' databases, containers and images but what the inventory and the repository say."""
    with Ledger(lab) as ledger:
        ledger.wait_for(500)
    ledger.account()
    good(lab)
    before = rows(lab, "ledger")
    for host in lab.nodes:
        lab.quick(host, "docker rm -f $(docker ps -aq) >/dev/null; rm -rf /containers", seconds=120)
    # What was at work there held them, and nothing else is: else half an hour.
    lab.quick("backup1", f"rm -f {REPOSITORY}/locks/*")
    run = lab.play("restore", *CONFIRMED)
    assert run.returncode == 0, run.stdout
    assert rows(lab, "ledger") == before
    assert lab.whole()
    ledger.account()


@contextlib.contextmanager
def harmed(lab: Lab) -> Iterator[None]:
    """The repository is as it was before, whatever is done to it."""
    saved = f"{REPOSITORY}.saved"
    lab.quick("backup1", f"rm -rf {saved}; cp -a {REPOSITORY} {saved}", seconds=120)
    try:
        yield
    finally:
        lab.quick("backup1", f"rm -rf {REPOSITORY}; mv {saved} {REPOSITORY}", seconds=120)


def test_a_flipped_bit_is_found_and_named(lab: Lab) -> None:
    """By a verification, and by a restore. Once the pack is repaired, a full backup is good again."""
    host = next(iter(lab.nodes))
    lab.quick("backup1", "touch /srv/before")
    full = good(lab, "full")["id"]
    packs = f"find {REPOSITORY}/data -type f -newer /srv/before -printf '%s %p\\n'"
    size, biggest = lab.quick("backup1", f"{packs} | sort -n | tail -n 1").split()
    middle = int(size) // 2
    newest = good(lab, "incremental")["id"]
    with harmed(lab):
        lab.quick(
            "backup1",
            f"chmod u+w {biggest}; python3 -c \"f=open('{biggest}','r+b'); f.seek({middle}); b=f.read(1);"
            f' f.seek({middle}); f.write(bytes([b[0] ^ 1]))"',
        )
        said = program(lab, host, "check", check=False)
        assert f"The repository {url(lab)} cannot be used" in said, said
        assert "every pack" not in said
        for wanted in (full, newest):
            refused(lab, rf"{host}: Fetching {full} from {url(lab)} failed", "-e", f"restore_backup={wanted}")
        pack = Path(biggest).name
        assert pack in said
        program(lab, host, "restic", "repair", "packs", pack)
        again = good(lab, "full")
        stream = ["--tag", f"stream,{again['id']}", "latest", f"/{again['id']}.stream"]
        assert again["sha256"] in program(lab, host, "restic", "dump", "--quiet", *stream, "| sha256sum")
    assert "every pack was read" in program(lab, host, "check")
    assert newest == backups(lab)[-1]["id"]


def test_a_snapshot_that_cannot_be_read_is_named_and_nothing_is_decided_without_it(lab: Lab) -> None:
    """restic lists the others, and ends well."""
    full, newest = good(lab, "full")["id"], good(lab, "incremental")["id"]
    first, *_, maker = lab.nodes
    listed = program(lab, first, "restic", "snapshots", "--json", "--tag", f"manifest,{newest}")
    (snapshot,) = (each["id"] for each in json.loads(listed.splitlines()[-1]))
    with harmed(lab):
        file = f"{REPOSITORY}/snapshots/{snapshot}"
        lab.quick("backup1", f"chmod u+w {file}; truncate --size 0 {file}")
        for host in (first, maker):
            # A host that has met it knows it still.
            lab.quick(host, f"rm -r /containers/{lab.nodes[host]}/backup/cache/*")
        refused(lab, rf"{first}: Not all of the repository {url(lab)} could be read: Ignoring .*{snapshot}")
        said = program(lab, maker, "run --kind full")
        assert f"Nothing is forgotten. Not all of the repository {url(lab)} could be read" in said, said
        target = f"/containers/{lab.nodes[first]}/fetched"
        try:
            assert f"holds {full}" in program(lab, first, "restore", "--backup", full, "--target", target)
        finally:
            lab.quick(first, f"rm -rf {target} {target}.lock")
    assert newest == backups(lab)[-1]["id"]


def test_a_stream_that_was_cut_off_is_named(lab: Lab) -> None:
    """Between two chunks, where nothing but the SHA-256 tells it, and within one."""
    host, wanted = next(iter(lab.nodes)), good(lab, "full")["id"]
    script = """
import json, sys, tempfile
sys.path.insert(0, {directory!r})
from galera_backup.repository import Repository
repository = Repository(json.load(open({directory!r} + "/config.json")), "test")
with tempfile.TemporaryFile() as log:
    with repository.fetch({wanted!r}, log) as source:
        stream = source.output.read()
        source.end("fetching")
    end = {end}
    with repository.store({wanted!r}, log) as target:
        target.input.write(stream[:end])
        target.input.close()
        target.end("storing")
"""
    directory = f"/containers/{lab.nodes[host]}/backup"
    for end, said in (
        ('stream.rindex(b"XBSTCK01")', rf"{host}: The stream of {wanted} is not what was stored"),
        ("len(stream) // 2", rf"{host}: (Unpacking|The stream of) {wanted} "),
    ):
        text = script.format(directory=directory, wanted=wanted, end=end)
        with harmed(lab):
            lab.quick(host, f"python3 - <<'EOF'\n{text}\nEOF", seconds=120)
            refused(lab, said, "-e", f"restore_backup={wanted}")


def url(lab: Lab) -> str:
    return str(lab.variables["backup_repository"])


def test_a_full_repository_is_no_backup(lab: Lab) -> None:
    before = {each["id"] for each in backups(lab)}
    # Nothing makes this any smaller.
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE noise (id INT PRIMARY KEY, value BLOB)")
        cursor.execute("INSERT INTO noise SELECT seq, RANDOM_BYTES(1024) FROM seq_1_to_8192")
    lab.quick("backup1", "mkdir -p /srv/small && mount -t tmpfs -o size=2m tmpfs /srv/small")
    try:
        small = f"sftp:root@{lab.addresses['backup1']}:/srv/small"
        run = lab.play("backup", "-e", json.dumps({"backup_repository": small, "backup_kind": "full"}))
        assert run.returncode != 0
        assert re.search(rf"host\d: .*{small}.* no space left", " ".join(run.stdout.split())), run.stdout
    finally:
        lab.quick("backup1", "umount /srv/small")
        assert lab.play("site").returncode == 0
    assert {each["id"] for each in backups(lab)} == before
    harm.wait_whole(lab)


def test_a_lost_repository_is_told(lab: Lab) -> None:
    host = next(name for name, node in lab.nodes.items() if node == backups(lab)[-1]["node"])
    lab.quick("backup1", f"mv {REPOSITORY} {REPOSITORY}.away")
    try:
        said = program(lab, host, "run --kind auto", check=False)
        assert "There is no repository at" in said
        assert "was backed up before" in said
        refused(lab, f"There is no repository at {url(lab)}")
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
