"""Backup, restore and drill of 2 GB, as ratios within one run. Run by `make bench`; only lost rows fail."""

from __future__ import annotations

import json
import statistics
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


def test_drill_under_a_limit(lab: Lab) -> None:
    """How much of the disk throughput that a drill may take it takes."""
    limit = 40
    config = "/containers/drill/config.json"
    limits = {"cpus": 0, "memory": "2g", "memory_reservation": "1g", "network_kib": 0, "disk_write_mb": limit}
    limits |= {"disk_read_mb": 0, "disk_read_iops": 0, "disk_write_iops": 0}
    script = (
        f"import json; c = json.load(open('{config}')); c['limits'].update(json.loads('{json.dumps(limits)}'));"
        f" json.dump(c, open('{config}', 'w'))"
    )
    lab.quick("backup1", f"python3 - <<'END'\n{script}\nEND")
    run = f"python3 /containers/drill/galera_backup --config {config} drill --record /srv/drill.json"
    lab.quick("backup1", run, seconds=1200)
    (result,) = json.loads(lab.quick("backup1", "cat /srv/drill.json"))
    rate = result["size"] / result["streamed"] / (1 << 20)
    lab.say(
        f"drill: {rate:.1f} MiB/s written / a limit of {limit} = {rate / limit:.2f} (aim: at least 0.95);"
        f" RTO {result['rto']:.0f} s, RPO {result['rpo']:.0f} s, {result['checked']} tables looked at"
    )
    assert result["error"] == ""


def test_a_restore_in_a_container_beside_one_outside(lab: Lab) -> None:
    """The same programs on the same stream: in a container, and in the image's files without one."""
    host = next(iter(lab.nodes))
    own = directory(lab, host)
    config = json.loads(lab.quick(host, f"cat {own}/backup/config.json"))
    lab.quick(host, "rm -rf /srv/bench; mkdir -p -m 777 /srv/bench /srv/bench/root")
    lab.quick(
        host,
        f"docker run --rm --network none --user {config['uid']} --entrypoint sh -v {own}/datadir:/var/lib/mysql:ro"
        f" -v {own}/run:/run/mysqld -v {own}/conf.d:/etc/mysql/mariadb.conf.d:ro -v /srv/bench:/srv/bench"
        f" {config['image']} -c"
        " 'mariadb-backup --backup --stream=mbstream --user=mysql --target-dir=/tmp >/srv/bench/stream'",
        seconds=600,
    )
    lab.quick(
        host,
        f"docker create --name bench {config['image']} && docker export bench | tar -x -C /srv/bench/root;"
        " docker rm bench; mkdir /srv/bench/root/srv/bench; mount --rbind /dev /srv/bench/root/dev;"
        " mount -t proc proc /srv/bench/root/proc; mount --bind /srv/bench /srv/bench/root/srv/bench",
        seconds=300,
    )
    restore = (
        "rm -rf /srv/bench/data; mkdir /srv/bench/data; mbstream -x -C /srv/bench/data </srv/bench/stream;"
        " mariadb-backup --prepare --target-dir=/srv/bench/data 2>/dev/null"
    )
    try:
        inside, outside = [], []
        for _ in range(3):
            inside.append(
                seconds_of(
                    lab,
                    host,
                    f"docker run --rm --network none --user 0 --entrypoint sh -v /srv/bench:/srv/bench"
                    f" {config['image']} -c '{restore}'",
                )
            )
            outside.append(seconds_of(lab, host, f"chroot /srv/bench/root sh -c '{restore}'"))
    finally:
        lab.quick(host, "cd /srv/bench/root && umount srv/bench proc && umount -l dev; rm -rf /srv/bench", check=False)
    ratio = statistics.median(inside) / statistics.median(outside)
    lab.say(f"restore in a container / outside one {ratio:.2f} (aim: at most 1.10), medians of 3")
