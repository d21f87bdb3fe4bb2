"""Binary logs of the role backup's program: what one holds, what leads to a point in time, and where a gap is."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from galera_backup import binlog, branches, manifest, plan, repository, restore
from hypothesis import given
from hypothesis import strategies as st

from .test_manifest import UUID, made

ONE = {UUID: binlog.ALL}
REAL = Path(__file__).parent / "data/mariadb-bin.000001"
QUERY, ROWS, XID, GTID, GTID_LIST = 2, 23, 16, 162, 163
CHECKSUM = b"crc."


def event(kind: int, body: bytes, at: int = 0, server: int = 1) -> bytes:
    return struct.pack("<IBIIIH", at, kind, server, 19 + len(body) + 4, 0, 0) + body + CHECKSUM


def query(statement: bytes) -> bytes:
    return event(QUERY, struct.pack("<IIBHH", 1, 0, 4, 0, 3) + b"sta" + b"test\0" + statement)


def gtid(seqno: int, domain: int = 0, at: int = 0, standalone: bool = False) -> bytes:
    return event(GTID, struct.pack("<QIB6s", seqno, domain, int(standalone), b""), at)


def log(begin: int, *events: bytes) -> io.BytesIO:
    listed = struct.pack("<I", 2) + struct.pack("<IIQ", 0, 1, begin) + struct.pack("<IIQ", 103, 1, 99)
    return io.BytesIO(binlog.MAGIC + event(GTID_LIST, listed) + b"".join(events))


def seqnos(file: io.BytesIO) -> list[int]:
    return [each.seqno for each in binlog.transactions(file, 0)]


def test_a_servers_own_file() -> None:
    with REAL.open("rb") as file:
        assert binlog.begin(file, 0) == 9
        found = list(binlog.transactions(file, 0))
        # Sequence number 14 was a statement that failed.
        assert [each.seqno for each in found] == [10, 11, 12, 13, 15, 16]
        assert list(binlog.transactions(file, 0, found[2].end)) == found[3:]
    assert [each.end for each in found] == [562, 780, 998, 1214, 1436, 1660]


def test_transactions_end_as_they_do() -> None:
    whole = log(
        5,
        *(gtid(6), event(ROWS, b"row"), event(XID, b"12345678")),
        *(gtid(7, standalone=True), query(b"DROP TABLE a")),
        *(gtid(8), event(ROWS, b"row"), query(b"COMMIT")),
        # A node's own, outside of the cluster.
        *(gtid(1, domain=103, standalone=True), query(b"CREATE TABLE local (i INT)")),
        # CREATE TABLE ... SELECT is no statement by itself.
        *(gtid(9), query(b"CREATE TABLE b (i INT)"), event(ROWS, b"row"), event(XID, b"12345678")),
    )
    assert binlog.begin(whole, 0) == 5
    assert seqnos(whole) == [6, 7, 8, 9]
    assert [each.statement for each in binlog.transactions(whole, 0)] == ["", "test: DROP TABLE a", "", ""]


def test_a_passwords_hash_is_not_shown() -> None:
    created = log(5, gtid(6, standalone=True), query(b"CREATE USER a@b IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD'"))
    assert next(binlog.transactions(created, 0)).statement == "test: CREATE USER a@b"


@given(st.integers(min_value=4))
def test_a_transaction_counts_once_it_is_whole(cut: int) -> None:
    whole = log(5, gtid(6), event(ROWS, b"row"), event(XID, b"12345678"), gtid(7, standalone=True), query(b"DROP"))
    data = whole.getvalue()
    for each in binlog.transactions(io.BytesIO(data[: cut % (len(data) + 1)] if cut > 4 else data[:4]), 0):
        assert each.end <= cut % (len(data) + 1)


@pytest.mark.parametrize("data", [b"", b"nothing of this kind", binlog.MAGIC, binlog.MAGIC + b"\0" * 40])
def test_what_is_no_binary_log_is_refused(data: bytes) -> None:
    with pytest.raises(manifest.BackupError):
        binlog.begin(io.BytesIO(data), 0)


@pytest.mark.parametrize(
    ("listed", "found", "seqno"),
    [("0-1-15,103-1-2", "0-1-15", 15), ("103-1-2", "", 0), ("", "", 0), ("0-1-5, 0-2-9", "0-2-9", 9)],
)
def test_the_clusters_gtid_in_a_list(listed: str, found: str, seqno: int) -> None:
    assert (binlog.gtid_in(listed, 0), binlog.seqno_of(listed, 0)) == (found, seqno)


def segment(
    begin: int, end: int, node: str = "mariadb3", file: str = "", latest: int = 0, uuid: str = UUID
) -> binlog.Segment:
    name = file or f"mariadb-bin.{begin:06}"
    return binlog.Segment(f"{node}{begin}{end}", uuid, 0, node, name, begin, end, latest or end, 1000)


def test_a_segment_is_read_from_its_tags() -> None:
    assert binlog.Segment.from_tags("mariadb3510", segment(5, 10).tags()) == segment(5, 10)
    with pytest.raises(manifest.BackupError, match="snapshot abc"):
        binlog.Segment.from_tags("abc", ["binlog", "uuid=1"])


def test_a_longer_copy_of_a_binary_log_makes_shorter_ones_needless() -> None:
    short, longer, longest = segment(5, 8), segment(5, 9), segment(5, 12)
    assert set(binlog.superseded([longest, short, segment(5, 8, "mariadb2"), longer])) == {
        short.snapshot,
        longer.snapshot,
    }


def test_a_file_name_that_comes_again_is_another_binary_log() -> None:
    """After an SST the node numbers its files anew."""
    early, late = segment(5, 9, file="mariadb-bin.000001"), segment(60, 70, file="mariadb-bin.000001")
    assert binlog.superseded([early, late]) == []
    assert binlog.longer([late], early) is None


def test_a_binary_log_that_was_stored_in_part_is_none() -> None:
    listed = [
        {
            "id": f"s{stored}",
            "tags": segment(5, 9).tags(),
            "time": "2026-11-21T18:38:50.1Z",
            "summary": {"total_bytes_processed": stored},
        }
        for stored in (400, 1000)
    ]
    store = repository.Repository({"repository": "/r", "directory": "/d"}, "galera.mariadb2")
    assert [each.snapshot for each in store.binlogs(listed)] == ["s1000"]
    assert store.cut_short(listed) == ["s400"]


def test_a_longer_copy_takes_a_segments_place() -> None:
    wanted = segment(5, 9)
    others = [segment(5, 8), segment(5, 20, "mariadb2"), segment(6, 20), segment(5, 20, uuid="another history")]
    assert binlog.longer([*others, segment(5, 12), segment(5, 30)], wanted) == segment(5, 30)
    assert binlog.longer([*others, wanted], wanted) is None


def test_binary_logs_are_needed_as_long_as_a_backup_goes_on_with_them() -> None:
    logs = [
        segment(1, 5, latest=10),
        segment(5, 9, latest=20),
        segment(9, 12, latest=30),
        segment(0, 3, uuid="gone", latest=5),
    ]
    firsts = branches.Branches([], [], logs).firsts([made(6), made(1, gtid="", dump="schema")])
    assert binlog.unneeded(logs, firsts, before=25) == [logs[0].snapshot, logs[3].snapshot]
    assert binlog.unneeded(logs, firsts, before=0) == []


def steps(found: Sequence[binlog.Step]) -> list[tuple[str, int, int]]:
    return [(step.segment.node, step.segment.begin, step.behind) for step in found]


def test_it_leads_over_another_nodes_files() -> None:
    logs = [segment(0, 10), segment(10, 20), segment(15, 40, "mariadb2"), segment(12, 18, "mariadb2")]
    assert steps(binlog.lead(logs, ONE, 5)) == [("mariadb3", 0, 5), ("mariadb3", 10, 10), ("mariadb2", 15, 20)]
    assert steps(binlog.lead(logs, ONE, 5, seqno=20)) == [("mariadb3", 0, 5), ("mariadb3", 10, 10)]
    assert binlog.lead(logs, ONE, 40) == []
    assert binlog.lead(logs, {"another branch": binlog.ALL}, 5) == []


def test_a_gap_is_refused_with_the_last_point_before_it() -> None:
    logs = [segment(0, 10, latest=1795286330), segment(12, 20)]
    with pytest.raises(
        manifest.BackupError,
        match=r"have a gap.*last point that can be reached is sequence number 10 \(2026-11-21 18:38:50 UTC\)",
    ):
        binlog.lead(logs, ONE, 5)
    with pytest.raises(manifest.BackupError, match="have a gap"):
        binlog.lead(logs, ONE, 5, seqno=15)
    # What lies before it can be had.
    assert steps(binlog.lead(logs, ONE, 5, seqno=10)) == [("mariadb3", 0, 5)]
    with pytest.raises(manifest.BackupError, match="that of the backup itself"):
        binlog.lead([segment(12, 20)], ONE, 5)


def test_what_was_not_archived_is_refused() -> None:
    logs = [segment(0, 10)]
    with pytest.raises(manifest.BackupError, match="do not reach sequence number 11: they end with sequence number 10"):
        binlog.lead(logs, ONE, 5, seqno=11)
    with pytest.raises(manifest.BackupError, match="do not reach 2026-"):
        binlog.lead(logs, ONE, 5, at=1795286330.0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=12),
    st.integers(0, 30),
    st.integers(0, 40),
)
def test_steps_never_leave_anything_out(ranges: list[tuple[int, int]], position: int, wanted: int) -> None:
    logs = [segment(begin, begin + length, file=f"f{n}") for n, (begin, length) in enumerate(ranges)]
    covered = {seqno for each in logs for seqno in range(each.begin + 1, each.end + 1)}
    try:
        found = binlog.lead(logs, ONE, position, seqno=wanted)
    except manifest.BackupError:
        assert not set(range(position + 1, wanted + 1)) <= covered
        return
    reached = position
    for step in found:
        assert step.segment.begin <= step.behind == reached < step.segment.end
        reached = step.segment.end
    assert reached >= wanted


def test_a_plan_of_the_newest_goes_to_the_archives_end() -> None:
    found = plan.plan(plan.Wanted(), [made(1), made(2, 1)], [segment(0, 10)])
    assert ([each.id for each in found.chain], steps(found.steps)) == (["b1", "b2"], [("mariadb3", 0, 2)])
    assert found.arguments == ["--backup", "b2", "--gtid", "0-1-10"]
    again = plan.plan(plan.Wanted("b2", 10), [made(1), made(2, 1)], [segment(0, 12)])
    assert (again.name, again.arguments) == (found.name, found.arguments)


def test_a_plan_of_a_backup_is_that_backup() -> None:
    found = plan.plan(plan.Wanted("b1"), [made(1), made(2, 1)], [segment(0, 10)])
    assert ([each.id for each in found.chain], found.steps, found.arguments) == (["b1"], [], ["--backup", "b1"])


def test_a_plan_begins_with_the_last_backup_before_its_point() -> None:
    backups = [made(1), made(2), made(3)]
    assert plan.plan(plan.Wanted(seqno=2), backups, []).last.id == "b2"
    logs = [segment(0, 10, latest=int(backups[2].ended) + 50)]
    found = plan.plan(plan.Wanted(at=backups[1].ended + 5), backups, logs)
    assert (found.last.id, steps(found.steps)) == ("b2", [("mariadb3", 0, 2)])
    assert found.arguments[2:] == ["--time", "1970-01-03T00:00:05+00:00"]
    grown = [segment(0, 12, latest=int(backups[2].ended) + 90)]
    assert plan.plan(plan.Wanted(at=backups[1].ended + 5), backups, grown).name == found.name


def test_a_restored_cluster_without_a_backup_is_not_restored_to_what_was_before() -> None:
    backups, logs = [made(1)], [segment(0, 10), segment(10, 20, latest=int(made(1).ended) + 60, uuid="restored")]
    for wanted in (plan.Wanted(), plan.Wanted(seqno=5)):
        with pytest.raises(
            manifest.BackupError, match=r"branch restored, which began at .*, has no backup: .* the newest is b1"
        ):
            plan.plan(wanted, backups, logs)
    assert plan.plan(plan.Wanted("b1", 5), backups, logs).last.id == "b1"
    assert plan.plan(plan.Wanted(), [*backups, made(2, uuid="restored", gtid="0-1-12")], logs).last.id == "b2"


def test_what_is_archived_is_not_left_out_for_want_of_a_position() -> None:
    backups, logs = [made(1, gtid="")], [segment(0, 10, latest=int(made(1).ended) + 60)]
    with pytest.raises(manifest.BackupError, match="b1 was made without binary logs, and the archive has younger ones"):
        plan.plan(plan.Wanted(), backups, logs)
    assert plan.plan(plan.Wanted("b1"), backups, logs).steps == []
    assert plan.plan(plan.Wanted(), backups, [segment(0, 10)]).steps == []


class Archive:
    """Of the transactions 5 to 9, of which the first has a clock that is ahead by far."""

    TIMES: ClassVar[dict[int, int]] = {5: 900, 6: 100, 7: 110, 8: 120, 9: 130}

    def fetch_binlog(self, _segment: binlog.Segment, target: Any) -> None:
        events = [each for n, at in self.TIMES.items() for each in (gtid(n, at=at), event(XID, b"12345678"))]
        target.write(log(4, *events).getvalue())

    def shell(self, _script: str, *ranges: str, **_: str) -> None:
        self.ranges = ranges


@pytest.mark.parametrize(
    ("seqno", "at", "reached"),
    [(None, None, "0-1-9"), (7, None, "0-1-7"), (None, 120.0, "0-1-7"), (None, 100.0, "0-1-5")],
)
def test_it_is_replayed_up_to_the_point(seqno: int | None, at: float | None, reached: str, tmp_path: Path) -> None:
    archive = Archive()
    job = restore.Restore({}, "own", archive, tmp_path, lambda _: None)
    point = plan.Plan([made(1, gtid="0-1-5")], [binlog.Step(segment(4, 9, latest=900), 5, 9)], seqno, at)
    assert job.replay(archive, point, "0-1-5") == reached
    if reached != "0-1-5":
        assert archive.ranges[1:] == ("0-1-5", reached)


def test_a_time_that_only_a_wrong_clock_told_is_refused(tmp_path: Path) -> None:
    job = restore.Restore({}, "own", Archive(), tmp_path, lambda _: None)
    point = plan.Plan([made(1, gtid="0-1-5")], [binlog.Step(segment(4, 9, latest=900), 5, 9)], None, 500.0)
    with pytest.raises(manifest.BackupError, match=r"No transaction between b1 and 0-1-9 began at 1970-01-01 00:08:20"):
        job.replay(Archive(), point, "0-1-5")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (plan.Wanted("b9"), "has no backup b9"),
        (plan.Wanted("b2", 1), "b2 holds 0-1-2 already, which is after sequence number 1"),
        (plan.Wanted("b2", at=5.0), "b2 ended at 1970-01-03 00:00:00 UTC, which is after 1970-01-01 00:00:05 UTC"),
        (plan.Wanted(seqno=0), "no backup"),
        (plan.Wanted(at=5.0), "no backup that had ended by"),
        (plan.Wanted("b3", 4), "b3 was made without binary logs"),
        (plan.Wanted(seqno=99), "do not reach sequence number 99"),
        (plan.Wanted("b4"), "b4 is a schema dump"),
    ],
)
def test_a_plan_that_cannot_be_had_is_refused(wanted: plan.Wanted, said: str) -> None:
    backups = [made(1), made(2), made(3, gtid=""), made(4, dump="schema")]
    with pytest.raises(manifest.BackupError, match=said):
        plan.plan(wanted, backups, [])


def test_points() -> None:
    assert plan.parse_gtid("0-1-4711") == 4711
    assert plan.parse_time("2026-11-21T18:38:50Z") == plan.parse_time("2026-11-21 19:38:50+01:00") == 1795286330
    assert plan.parse_time("2026-11-21T18:38:50") == 1795286330
    for text in ("4711", "0-1-x", "", "0-1-2,0-1-3"):
        with pytest.raises(manifest.BackupError, match="is no GTID"):
            plan.parse_gtid(text)
    with pytest.raises(manifest.BackupError, match="'yesterday' is no time"):
        plan.parse_time("yesterday")


def test_a_time_ends_before_the_first_transaction_that_began_then() -> None:
    found = [binlog.Transaction(n, 1, at, n) for n, at in ((1, 10), (2, 10), (3, 12), (4, 11), (5, 12))]
    assert plan.stop_before(found, 12) == found[1]
    assert plan.stop_before(found, 13) == found[4]
    assert plan.stop_before(found, 10) is None
