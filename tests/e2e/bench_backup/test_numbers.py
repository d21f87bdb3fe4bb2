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
    new_repository(lab, host, backup)
    took = seconds_of(lab, host, f"{bench(backup)} run --kind full")
    lab.say(f"backup: {took:.1f} s / tar | zstd {tar:.1f} s = {took / tar:.2f} (aim: at most 1.5)")
    again = seconds_of(lab, host, f"{bench(backup)} run --kind full")
    lab.say(f"a later full backup: {again:.1f} s / tar | zstd {tar:.1f} s = {again / tar:.2f} (aim: at most 1.5)")
    new_repository(lab, host, backup)
    with Ledger(lab, pause=0) as ledger:
        ledger.wait_for()
        ledger.mark("before")
        time.sleep(40)
        ledger.mark("backup")
        lab.quick(host, f"{bench(backup)} run --kind full", seconds=1200)
        ledger.mark("after")
        time.sleep(40)
        ledger.mark("end")
    ledger.account()
    during = ledger.phase("backup")
    # The rate sinks as the table grows: what it is compared with lies on both sides of the backup.
    around = statistics.mean(ledger.phase(name).rate for name in ("before", "after"))
    lab.say(
        f"during a backup: write rate / before and after {during.rate / around:.2f} (aim: at least 0.8),"
        f" longest gap {during.longest_gap:.2f} s (aim: at most 1)"
    )
    lab.quick(host, f"rm {backup}/bench.json; systemctl start galera-backup-{node}-binlog")


def bench(backup: str) -> str:
    return f"python3 {backup}/galera_backup --config {backup}/bench.json"


def new_repository(lab: Lab, host: str, backup: str) -> None:
    """One in which none of the data are known yet."""
    lab.quick("backup1", "rm -rf /srv/bench")
    script = (
        f"import json, sys; sys.path.insert(0, '{backup}'); from galera_backup.repository import Repository;"
        f" Repository(json.load(open('{backup}/bench.json')), 'bench').make()"
    )
    lab.quick(host, f'python3 -c "{script}"')


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


def root_of(lab: Lab, host: str, image: str, directory: str, *binds: str) -> str:
    """The files of an image as a directory of the host, with /dev, /proc and these directories in it: for chroot."""
    mounts = [f"mount --bind /dev {directory}/dev", f"mount -t proc proc {directory}/proc"]
    for bind in binds:
        source, _, target = bind.partition(":")
        mounts.append(f"mkdir -p {directory}{target} && mount --bind {source} {directory}{target}")
    lab.quick(
        host,
        f"mkdir {directory}; docker create --name bench {image} && docker export bench | tar -x -C {directory};"
        f" docker rm bench; {' && '.join(mounts)}",
        seconds=300,
    )
    return f"chroot {directory}"


def test_a_restore_in_containers_beside_one_without(lab: Lab) -> None:
    """The same programs on the same backup: as the product has them run, and from the images' files."""
    host = next(iter(lab.nodes))
    own = f"{directory(lab, host)}/backup"
    config = json.loads(lab.quick(host, f"cat {own}/config.json"))
    newest = json.loads(program(lab, host, "restore --check --target /srv/none").splitlines()[-1])["chain"][-1]
    lab.quick(host, "mkdir -p /srv/bench")
    mariadb = root_of(lab, host, config["image"], "/srv/bench/mariadb", "/srv/bench:/srv/bench")
    restic = root_of(
        lab, host, config["restic_image"], "/srv/bench/restic", f"{own}/secrets:/secrets", f"{own}/cache:/cache"
    )
    ssh = (
        "sftp.args=-F none -o BatchMode=yes -o IdentityFile=/secrets/ssh_key -o UserKnownHostsFile=/secrets/known_hosts"
    )
    data = "/srv/bench/data"
    outside = (
        f"{restic} restic --repo {config['repository']} --password-file /secrets/password --cache-dir /cache"
        f" --option '{ssh}' dump --tag stream,{newest} latest /{newest}.stream"
        f" | {mariadb} mbstream -x -C {data} && {mariadb} mariadb-backup --prepare --target-dir={data}"
    )
    # What it looks up first is no part of it.
    inside = (
        f"set -o pipefail; python3 -u {own}/galera_backup --config {own}/config.json restore --target {data}"
        f" --backup {newest}"
        " | while read line; do test -e /srv/bench/begun || date +%s.%N >/srv/bench/begun; done"
    )
    ratios = []
    try:
        for _ in range(3):
            lab.quick(host, f"rm -rf {data} /srv/bench/begun; sync")
            lab.quick(host, f"{{ {inside}; }} && sync && date +%s.%N >/srv/bench/ended", seconds=600)
            begun, ended = map(float, lab.quick(host, "cat /srv/bench/begun /srv/bench/ended").split())
            lab.quick(host, f"rm -rf {data}; mkdir {data}; sync")
            ratios.append((ended - begun) / seconds_of(lab, host, f"{outside} 2>/dev/null"))
    finally:
        lab.quick(
            host,
            "umount -l /srv/bench/*/dev /srv/bench/*/proc /srv/bench/mariadb/srv/bench /srv/bench/restic/secrets"
            " /srv/bench/restic/cache && rm -rf --one-file-system /srv/bench",
            check=False,
        )
    lab.say(
        f"restore in containers / without {statistics.median(ratios):.2f} (aim: at most 1.10), median of"
        f" {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
    )
