"""Backup, restore and drill of 2 GB, as ratios within one run. Run by `make bench`; only lost rows fail."""

from __future__ import annotations

import json
import time

from ..backup.test_backup import program
from ..conftest import Lab, wait_until
from ..ledger import Ledger

GIB = 1 << 30
ROWS_A_CHUNK = 20_000


def seconds_of(lab: Lab, host: str, command: str) -> float:
    """How long a shell command takes on a host, with what it wrote on the disk."""
    begin = time.monotonic()
    lab.quick(host, f"{{ {command}; }} && sync", seconds=1200)
    return time.monotonic() - begin


def last(lab: Lab) -> str:
    return list(lab.nodes)[-1]


def directory(lab: Lab, host: str) -> str:
    return f"/containers/{lab.nodes[host]}"


def datadir_bytes(lab: Lab, host: str) -> int:
    told = lab.quick(host, f"du -sb --exclude=galera.cache --exclude='mariadb-bin.*' {directory(lab, host)}/datadir")
    return int(told.split()[0])


def fill(lab: Lab) -> None:
    """2 GB of rows that compress to about half."""
    host = next(iter(lab.nodes))
    sql = "CREATE TABLE IF NOT EXISTS application.bulk (id INT PRIMARY KEY, data VARCHAR(1100) NOT NULL)"
    lab.quick(host, f"docker exec {lab.nodes[host]} mariadb -e '{sql}'")
    hashes = ", ".join(f"SHA2(seq * 8 + {n}, 512)" for n in range(8))
    first = 0
    while datadir_bytes(lab, host) < 2 * GIB + GIB // 10:
        chunk = f"seq_{first + 1}_to_{first + ROWS_A_CHUNK}"
        sql = f"INSERT INTO bulk SELECT seq, CONCAT({hashes}) FROM {chunk}"
        lab.quick(host, f"docker exec {lab.nodes[host]} mariadb application -e '{sql}'", seconds=300)
        first += ROWS_A_CHUNK
    lab.say(f"{first} rows, a datadir of {datadir_bytes(lab, host) / GIB:.2f} GiB")


def archived(lab: Lab) -> bool:
    """Whether all binary logs are in the repository, so that they take no part in what follows."""
    plan = json.loads(program(lab, last(lab), "restore --check --target /srv/none").splitlines()[-1])
    reached = int(plan["plan"].rpartition(" ")[2])
    own = lab.quick(last(lab), f"docker exec {lab.nodes[last(lab)]} mariadb -BNe 'SELECT @@gtid_binlog_pos'")
    return max(int(gtid.split("-")[2]) for gtid in own.split(",") if gtid.startswith("0-")) <= reached


def test_backup(lab: Lab) -> None:
    """Backup beside tar and zstd of the same datadir; and what clients notice of it."""
    fill(lab)
    host = last(lab)
    node = lab.nodes[host]
    program(lab, host, "run --kind full")
    wait_until(lambda: archived(lab), 600, "the binary logs in the archive")
    # Another repository, in which nothing is known yet.
    lab.quick("backup1", "rm -rf /srv/bench")
    backup = f"{directory(lab, host)}/backup"
    lab.quick(
        host,
        f"cd {backup}; sed 's,/srv/repository,/srv/bench,' config.json >bench.json;"
        f" systemctl stop galera-backup-{node}-binlog",
    )
    image = json.loads(lab.quick(host, f"cat {backup}/config.json"))["image"]
    tar = seconds_of(
        lab,
        host,
        f"docker run --rm --entrypoint sh -v {directory(lab, host)}/datadir:/data:ro -v /srv:/srv {image} -c"
        " 'tar -C /data --exclude=galera.cache --exclude=mariadb-bin.* -c . | zstd -q -f -o /srv/bench.tar.zst'",
    )
    lab.quick(host, "rm /srv/bench.tar.zst")
    command = f"python3 {backup}/galera_backup --config {backup}/bench.json run --kind full"
    took = seconds_of(lab, host, command)
    lab.say(f"backup: {took:.1f} s / tar | zstd {tar:.1f} s = {took / tar:.2f} (aim: at most 1.5)")
    with Ledger(lab, pause=0) as ledger:
        ledger.wait_for()
        ledger.mark("before")
        time.sleep(20)
        ledger.mark("backup")
        lab.quick(host, command, seconds=1200)
        ledger.mark("after")
        ledger.wait_for()
    ledger.account()
    during = ledger.phase("backup")
    lab.say(
        f"during a backup: write rate / before {during.rate / ledger.phase('before').rate:.2f} (aim: at least 0.8),"
        f" longest gap {during.longest_gap:.2f} s (aim: at most 1)"
    )
    lab.quick(host, f"rm {backup}/bench.json; systemctl start galera-backup-{node}-binlog")


def test_restore_of_the_first_node(lab: Lab) -> None:
    """From the repository to a datadir that a server can start on, beside a copy of that datadir."""
    host = next(iter(lab.nodes))
    target = f"{directory(lab, host)}/bench"
    lab.quick(host, f"rm -rf {target} {target}.copy")
    plan = json.loads(program(lab, host, "restore --check --target /srv/none").splitlines()[-1])
    backup = f"{directory(lab, host)}/backup"
    restore = f"python3 {backup}/galera_backup --config {backup}/config.json restore --target {target}"
    took = seconds_of(lab, host, f"{restore} --backup {plan['chain'][-1]}")
    copy = seconds_of(lab, host, f"cp -a {target} {target}.copy")
    lab.quick(host, f"rm -rf {target} {target}.copy")
    lab.say(f"restore: {took:.1f} s / copy of the datadir {copy:.1f} s = {took / copy:.2f} (aim: at most 4)")
