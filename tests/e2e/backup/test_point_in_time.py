"""Binary logs in the repository, whoever streams them, and the cluster as it was just before a mistake."""

from __future__ import annotations

import contextlib
import datetime
import functools
import re
import time
from collections.abc import Iterator

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger
from .test_backup import program, refused

CONFIRMED = ("-e", "restore_confirm=galera")


def streaming(lab: Lab, *hosts: str) -> list[str]:
    """Those of the hosts from which binary logs are being archived."""
    return [host for host in hosts if lab.quick(host, "docker ps -q --filter name=-binlog-follow").strip()]


def made(lab: Lab, kind: str) -> str:
    """The id of a backup that the last host makes; as the playbook has it done."""
    told = program(lab, list(lab.nodes)[-1], f"run --kind {kind}")
    return re.findall(r"^(\S+): \d+ MiB in", told, re.MULTILINE)[-1]


def planned(lab: Lab, arguments: str = "") -> str:
    """What the first host would restore, or why it could not."""
    return program(lab, next(iter(lab.nodes)), f"restore --check --target /srv/restored {arguments}", check=False)


def sql(lab: Lab, host: str, statement: str) -> str:
    return lab.quick(host, f'docker exec {lab.nodes[host]} mariadb -BN -e "{statement}"').strip()


def statements(lab: Lab) -> dict[str, str]:
    """The archived statements of the last minutes and their GTIDs."""
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)).isoformat()
    told = program(lab, next(iter(lab.nodes)), f"statements --since {since}")
    return {match[2]: match[1] for match in re.finditer(r"^(\S+)  .{23}  (.*)$", told, re.MULTILINE)}


def position(lab: Lab) -> dict[str, str]:
    """The cluster's last GTID on each node; what a node writes outside of the cluster has another domain."""
    told = {host: sql(lab, host, "SELECT @@gtid_binlog_pos").split(",") for host in lab.nodes}
    return {host: next(gtid for gtid in gtids if gtid.startswith("0-")) for host, gtids in told.items()}


def mark(lab: Lab, name: str) -> None:
    """A statement, which is in the archive once everything before it is."""
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE TABLE {name} (i INT PRIMARY KEY)")
        cursor.execute(f"INSERT INTO {name} VALUES (1), (2), (3)")


def archived(lab: Lab, statement: str, seconds: float = 120) -> str:
    """The GTID of a statement, once it is in the archive."""
    wait_until(lambda: any(statement in each for each in statements(lab)), seconds, f"{statement} in the archive")
    return next(gtid for each, gtid in statements(lab).items() if statement in each)


def test_gtids_are_the_same_on_all_nodes_and_one_of_them_streams(lab: Lab) -> None:
    made(lab, "full")
    mark(lab, "first")
    archived(lab, "TABLE first")
    assert len(set(position(lab).values())) == 1, position(lab)
    last = list(lab.nodes)[-1]
    wait_until(lambda: streaming(lab, *lab.nodes) == [last], 120, f"{last} alone streams")


@contextlib.contextmanager
def node_down(lab: Lab, host: str) -> Iterator[None]:
    """Killed, and not started again for a while."""
    node = lab.nodes[host]
    lab.quick(host, f"docker update --restart=no {node}; docker kill {node}")
    try:
        yield
    finally:
        lab.quick(host, f"docker update --restart=unless-stopped {node}; docker start {node}")


def test_another_node_takes_the_stream_over_without_a_gap(lab: Lab) -> None:
    """Twice, under load: the streaming node is killed, then the whole host of the next one stands still."""
    with Ledger(lab) as ledger:
        ledger.wait_for()
        for harmed, down in (("killed", node_down), ("frozen", harm.host_frozen)):
            (host,) = streaming(lab, *lab.nodes)
            ledger.mark(f"streaming node {harmed}")
            others = [each for each in lab.nodes if each != host]
            with down(lab, host):
                wait_until(functools.partial(streaming, lab, *others), 120, "another node streams")
                ledger.wait_for()
            harm.wait_whole(lab)
            wait_until(lambda: len(streaming(lab, *lab.nodes)) == 1, 120, "one node streams")
        ledger.wait_for()
    ledger.account()
    mark(lab, "second")
    archived(lab, "TABLE second")
    # The plan goes through all archived binary logs, and would name a gap.
    assert "mariadb-bin" in planned(lab)
    assert len(set(position(lab).values())) == 1, position(lab)


def test_just_before_a_table_was_dropped(lab: Lab) -> None:
    """Every row that was acknowledged before that moment is there, and none that was begun after it."""
    mark(lab, "precious")
    with Ledger(lab) as ledger:
        ledger.wait_for()
        made(lab, "full")
        ledger.wait_for()
        made(lab, "incremental")
        ledger.wait_for(2000, 120)
        before = len(ledger.acknowledged)
        with lab.through_vip() as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE precious")
        # Each client may have one row on its way.
        after = len(ledger.acknowledged) + 4
        ledger.wait_for(500)
    ledger.account()
    domain, server, seqno = archived(lab, "DROP TABLE `precious`").split("-")
    old = lab.uuids()
    run = lab.play("restore", *CONFIRMED, "-e", f"restore_to_gtid={domain}-{server}-{int(seqno) - 1}")
    assert run.returncode == 0, run.stdout
    assert lab.whole()
    assert not lab.uuids() & old
    for host in lab.nodes:
        assert sql(lab, host, "SELECT COUNT(*) FROM application.precious") == "3"
        text = lab.quick(
            host, f"docker exec {lab.nodes[host]} mariadb -BN -e 'SELECT client, number FROM application.ledger'"
        )
        there = {(int(client), int(number)) for client, number in (line.split() for line in text.splitlines())}
        assert not set(ledger.acknowledged[:before]) - there, f"{host} lacks rows from before"
        assert not set(ledger.acknowledged[after:]) & there, f"{host} has rows from after"
    lab.say(
        f"{before} rows were acknowledged before the table was dropped and {len(ledger.acknowledged) - after} begun"
        f" after it; {len(there)} restored: of the former 0 missing, of the latter 0 there"
    )
    with Ledger(lab, table="again") as again:
        again.wait_for()
    again.account()


def test_one_table_without_touching_the_cluster(lab: Lab) -> None:
    mark(lab, "single")
    archived(lab, "TABLE single")
    made(lab, "full")
    with lab.through_vip() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO single VALUES (4)")
        cursor.execute("DROP TABLE single")
    dropped = archived(lab, "DROP TABLE `single`")
    prefix, _, seqno = dropped.rpartition("-")
    before = lab.uuids()
    only = ("-e", "scratch_only=application.single")
    run = lab.play("scratch", *only, "-e", f"restore_to_gtid={prefix}-{int(seqno) - 1}")
    assert run.returncode == 0, run.stdout
    host = list(lab.nodes)[-1]
    directory = f"/containers/{lab.nodes[host]}/backup/scratch"
    container = lab.quick(host, "docker ps --format '{{.Names}}' --filter name=-scratch-server").strip()
    question = "mariadb --no-defaults --socket=/restore/run/sock -BNe 'SELECT COUNT(*) FROM application.single'"
    assert lab.quick(host, f"docker exec --user 0 {container} {question}").strip() == "4"
    assert "INSERT INTO `single` VALUES" in lab.quick(host, f"cat {directory}/application.single.sql")
    assert lab.quick(host, f"stat -c %a {directory}/application.single.sql").strip() == "600"
    run = lab.play("scratch")
    assert run.returncode == 0, run.stdout
    assert lab.quick(host, "docker ps -aq --filter name=-scratch").strip() == ""
    assert lab.quick(host, f"ls {directory}", check=False) == ""
    assert lab.whole()
    assert lab.uuids() == before
    run = lab.play("scratch", "-e", "scratch_only=application.nothing")
    assert run.returncode != 0
    assert "Dumping application.nothing failed" in run.stdout
    assert lab.play("scratch").returncode == 0


def test_to_a_time(lab: Lab) -> None:
    """What began before that second."""
    made(lab, "full")
    mark(lab, "third")
    time.sleep(2)
    wanted = lab.quick(next(iter(lab.nodes)), "date --utc +%FT%TZ").strip()
    assert "do not reach" in planned(lab, f"--time {wanted}")
    assert "is no time" in planned(lab, "--time yesterday")
    assert "is no GTID" in planned(lab, "--gtid 4711")
    assert "no backup that had ended by" in planned(lab, "--time 2020-01-01T00:00:00Z")
    time.sleep(2)
    mark(lab, "later")
    archived(lab, "TABLE later")
    run = lab.play("restore", *CONFIRMED, "-e", f"restore_to_time={wanted}")
    assert run.returncode == 0, run.stdout
    assert lab.whole()
    for host in lab.nodes:
        assert sql(lab, host, "SELECT COUNT(*) FROM application.third") == "3"
        assert sql(lab, host, "SHOW TABLES IN application LIKE 'later'") == ""


def test_a_gap_is_said_at_once_and_refused(lab: Lab) -> None:
    newest = made(lab, "full")
    mark(lab, "fourth")
    last = archived(lab, "TABLE fourth")
    hosts = list(lab.nodes)
    for host in hosts:
        lab.quick(host, f"systemctl stop galera-backup-{lab.nodes[host]}-binlog")
    mark(lab, "lost")
    for host in hosts:
        sql(lab, host, "FLUSH BINARY LOGS")
        name = sql(lab, host, "SHOW BINARY LOGS").splitlines()[-1].split()[0]
        sql(lab, host, f"PURGE BINARY LOGS TO '{name}'")
    mark(lab, "fifth")
    for host in hosts:
        lab.quick(host, f"systemctl start galera-backup-{lab.nodes[host]}-binlog")
    archived(lab, "TABLE fifth")
    (host,) = streaming(lab, *lab.nodes)
    journal = lab.quick(host, f"journalctl -u galera-backup-{lab.nodes[host]}-binlog --since -10min --output cat")
    assert "GAP: the archive ends with" in journal
    refused(lab, "have a gap")
    seqno = re.search(r"reached is sequence number (\d+)", planned(lab))
    assert seqno
    prefix, _, first = last.rpartition("-")
    assert int(seqno[1]) > int(first)
    assert newest in planned(lab, f"--gtid {prefix}-{seqno[1]}")
    # A backup after the gap makes it good.
    made(lab, "full")
    mark(lab, "sixth")
    archived(lab, "TABLE sixth")
    assert "mariadb-bin" in planned(lab)
