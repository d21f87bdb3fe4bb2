"""Branches of the role backup's program: their order, what two of them have in common, and which one a restore goes by.

A cluster writes OLD and is archived up to 1000; a forced recovery on day 10 goes on from 998 as NEW, so that 999 and
1000 are other transactions in each of the two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from galera_backup import binlog, branches, manifest, plan, restore
from hypothesis import given
from hypothesis import strategies as st

from .test_binlog import XID, event, gtid, log
from .test_manifest import DAY, UUID, made

OLD, NEW = UUID, "bbbbbbbb-0000-11f1-8000-000000000002"
FORK = 10 * DAY
RECORDS = [branches.Branch(OLD, DAY), branches.Branch(NEW, FORK, OLD, 998)]


def segment(begin: int, end: int, latest: float, branch: str = OLD, node: str = "mariadb3") -> binlog.Segment:
    return binlog.Segment(
        f"{branch[0]}{begin}-{end}", branch, 0, node, f"mariadb-bin.{begin}", begin, end, int(latest), 1000
    )


BEFORE = made(9, gtid="0-1-900")
AFTER = made(11, gtid="0-1-1400", uuid=NEW, began=FORK + 2900, ended=FORK + 3000)
LOST = segment(800, 1000, FORK - 300)
KEPT = segment(998, 1500, FORK + 4000, NEW, "mariadb1")
LOGS = [LOST, KEPT]


def planned(
    wanted: plan.Wanted,
    manifests: Sequence[manifest.Manifest],
    logs: Sequence[binlog.Segment] = tuple(LOGS),
    records: Sequence[branches.Branch] = tuple(RECORDS),
) -> tuple[str, list[tuple[str, int, int]]]:
    found = plan.plan(wanted, manifests, logs, records)
    # What is fetched is what was planned.
    again = plan.plan(found.pinned, manifests, logs, records)
    assert (again.name, again.steps, again.arguments) == (found.name, found.steps, found.arguments)
    return found.last.id, [(step.segment.uuid, step.behind, step.end) for step in found.steps]


def test_a_branch_is_read_from_its_tags() -> None:
    for branch in RECORDS:
        assert branches.Branch.from_tags("s1", branch.tags()) == branch
    with pytest.raises(manifest.BackupError, match="snapshot s1"):
        branches.Branch.from_tags("s1", ["branch", "began=1"])


def test_the_newest_is_of_the_branch_that_began_last() -> None:
    """Though hosts that a forced recovery gave up went on writing, and were backed up."""
    living = [made(12, gtid="0-1-1300"), made(13, gtid="0-1-1310")]
    logs = [*LOGS, segment(1000, 1320, 13 * DAY)]
    assert planned(plan.Wanted(), [BEFORE, AFTER, *living], logs) == ("b11", [(NEW, 1400, 1500)])
    (said,) = plan.plan(plan.Wanted(), [BEFORE, AFTER, *living], logs, RECORDS).notes
    assert said.startswith(f"Branch {OLD} was still written at 1970-01-14 00:00:00 UTC, after branch {NEW} had begun")
    assert planned(plan.Wanted(branch=OLD), [BEFORE, AFTER, *living], logs) == ("b13", [(OLD, 1310, 1320)])
    assert plan.plan(plan.Wanted(), [BEFORE, AFTER], LOGS, RECORDS).notes == []


def test_a_backup_of_before_leads_into_the_new_branch() -> None:
    """Until the first one of it is there: over what both have, and never over what is only in the old one."""
    across = [(OLD, 900, 998), (NEW, 998, 1500)]
    assert planned(plan.Wanted(), [BEFORE]) == ("b9", across)
    assert planned(plan.Wanted(at=FORK + 1000), [BEFORE, AFTER]) == ("b9", across)
    assert planned(plan.Wanted(seqno=1200), [BEFORE, AFTER]) == ("b9", across)
    found = plan.plan(plan.Wanted(seqno=1200), [BEFORE, AFTER], LOGS, RECORDS)
    assert found.arguments == ["--backup", "b9", "--gtid", "0-1-1200", "--branch", NEW]
    # The archive of the old one may have ended earlier; the new one's first node has what lies between.
    short = [segment(800, 950, FORK - 900), segment(800, 998, FORK - 300, NEW), KEPT]
    assert planned(plan.Wanted(), [BEFORE], short) == ("b9", [(NEW, 900, 998), (NEW, 998, 1500)])


def test_a_backup_of_what_was_lost_leads_nowhere_else() -> None:
    late = made(9, gtid="0-1-999")
    with pytest.raises(manifest.BackupError, match=f"branch {NEW}, which began at .* has no backup: .* newest is b9"):
        planned(plan.Wanted(), [late])
    assert planned(plan.Wanted(), [late, AFTER]) == ("b11", [(NEW, 1400, 1500)])
    assert planned(plan.Wanted("b9"), [late]) == ("b9", [])
    with pytest.raises(
        manifest.BackupError, match=f"b9 is a backup of branch {OLD} and does not lead into branch {NEW}"
    ):
        planned(plan.Wanted("b9", branch=NEW), [late])


def test_a_sequence_number_is_one_of_the_current_branch_unless_another_is_named() -> None:
    assert planned(plan.Wanted(seqno=999), [BEFORE]) == ("b9", [(OLD, 900, 998), (NEW, 998, 1500)])
    assert planned(plan.Wanted(seqno=999, branch=OLD), [BEFORE]) == ("b9", [(OLD, 900, 1000)])
    assert planned(plan.Wanted("b9", 999), [BEFORE]) == ("b9", [(OLD, 900, 1000)])
    with pytest.raises(manifest.BackupError, match=f"knows no branch other. It knows: {OLD}, {NEW}"):
        planned(plan.Wanted(branch="other"), [BEFORE])


def test_a_time_is_one_of_the_branch_that_was_written_then() -> None:
    """Also where clients had seen what was lost later."""
    logs = [segment(800, 950, FORK - 900), segment(950, 1000, FORK - 300), KEPT]
    assert planned(plan.Wanted(at=FORK - 1000), [BEFORE, AFTER], logs) == ("b9", [(OLD, 900, 950)])
    assert planned(plan.Wanted(at=FORK - 300), [BEFORE, AFTER], logs) == ("b9", [(OLD, 900, 950), (OLD, 950, 1000)])
    (said,) = plan.plan(plan.Wanted(at=FORK - 300), [BEFORE, AFTER], logs, RECORDS).notes
    assert f"left branch {OLD} at 1970-01-11 00:00:00 UTC and continued as branch {NEW} after 0-1-998" in said
    assert planned(plan.Wanted(at=FORK + 3500), [BEFORE, AFTER], logs) == ("b11", [(NEW, 1400, 1500)])


def test_a_time_between_the_last_transaction_and_the_new_branch_is_refused_with_the_two_that_can_be_had() -> None:
    with pytest.raises(
        manifest.BackupError,
        match=r"do not reach 1970-01-10 23:58:20 UTC: they end with sequence number 1000 .*To restore all of branch"
        rf" {OLD}, name the branch and no time; .* with, name the GTID 0-1-998 and no time",
    ):
        planned(plan.Wanted(at=FORK - 100), [BEFORE, AFTER])
    assert planned(plan.Wanted(branch=OLD), [BEFORE, AFTER]) == ("b9", [(OLD, 900, 1000)])
    assert planned(plan.Wanted(seqno=998), [BEFORE, AFTER]) == ("b9", [(OLD, 900, 998)])


def test_what_the_new_branch_has_of_before_counts_for_the_old_one_too() -> None:
    """The archive was behind when the cluster was lost, and the survivors' binary logs were archived as the new one."""
    logs = [segment(800, 950, FORK - 900), segment(800, 998, FORK - 300, NEW), KEPT]
    assert planned(plan.Wanted(at=FORK - 300), [BEFORE], logs) == ("b9", [(NEW, 900, 998)])


def test_branches_without_a_common_point_are_not_mixed() -> None:
    """As of a restored cluster, or a forced recovery of a node whose position could not be read."""
    for records in ([], [branches.Branch(NEW, FORK)], [RECORDS[0], branches.Branch(NEW, FORK, OLD)]):
        with pytest.raises(manifest.BackupError, match=f"branch {NEW}, which began at .* has no backup"):
            planned(plan.Wanted(), [BEFORE], LOGS, records)
        assert planned(plan.Wanted(), [BEFORE, AFTER], LOGS, records) == ("b11", [(NEW, 1400, 1500)])
        assert planned(plan.Wanted(branch=OLD), [BEFORE, AFTER], LOGS, records) == ("b9", [(OLD, 900, 1000)])
    # The day before is not touched by that.
    assert planned(plan.Wanted(at=FORK - 500), [BEFORE], LOGS, [RECORDS[0], branches.Branch(NEW, FORK)])[0] == "b9"


def test_a_gap_at_the_fork_is_a_gap() -> None:
    with pytest.raises(manifest.BackupError, match="have a gap: nothing has what follows sequence number 950"):
        planned(plan.Wanted(), [BEFORE], [segment(800, 950, FORK - 900), KEPT])


def test_a_chain_of_forced_recoveries() -> None:
    """The third branch goes on from the first one, so that nothing of the second is in it."""
    third = branches.Branch("cccccccc", 11 * DAY, OLD, 1000)
    known = branches.Branches([*RECORDS, third])
    assert known.limits("cccccccc") == {"cccccccc": binlog.ALL, OLD: 1000, NEW: 998}
    assert known.limits(NEW) == {NEW: binlog.ALL, OLD: 998, "cccccccc": 998}
    fourth = branches.Branch("dddddddd", 12 * DAY, NEW, 1200)
    known = branches.Branches([*RECORDS, third, fourth])
    assert known.limits("dddddddd") == {"dddddddd": binlog.ALL, NEW: 1200, OLD: 998, "cccccccc": 998}
    assert [each.name for each in known.order] == [OLD, NEW, "cccccccc", "dddddddd"]
    assert [known.origin("dddddddd", n) for n in (998, 999, 1200, 1201)] == [OLD, NEW, NEW, "dddddddd"]
    assert (known.at(10.5 * DAY), known.at(0), known.current) == (NEW, OLD, "dddddddd")


def test_a_branch_never_comes_before_the_one_that_it_left() -> None:
    clocks = [branches.Branch(OLD, FORK + 60), branches.Branch(NEW, FORK, OLD, 998)]
    assert branches.Branches(clocks).current == NEW


def test_of_two_records_the_one_that_knows_more_counts() -> None:
    seen, filled = branches.Branch(NEW, FORK + 500), branches.Branch(NEW, FORK, OLD)
    for records in ([seen, filled, RECORDS[1]], [RECORDS[1], filled, seen]):
        assert branches.Branches(records).get(NEW) == RECORDS[1]
    # It was backed up before there were records.
    assert branches.Branches([branches.Branch(OLD, 20 * DAY)], [BEFORE]).get(OLD).began == BEFORE.began


def test_a_branch_within_a_uuid() -> None:
    known = branches.Branches([branches.Branch(OLD, DAY)])
    assert (known.named(OLD), known.named(NEW), known.following(OLD)) == (OLD, NEW, f"{OLD}.2")
    known = branches.Branches([branches.Branch(OLD, DAY), branches.Branch(f"{OLD}.2", FORK, OLD)], [], [LOST])
    assert (known.named(OLD), known.following(OLD), known.current) == (f"{OLD}.2", f"{OLD}.3", f"{OLD}.2")
    assert branches.uuid_of(known.current) == OLD
    assert known.limits(known.current) == {f"{OLD}.2": binlog.ALL}


def test_binary_logs_of_a_branch_are_kept_for_a_backup_of_the_one_before() -> None:
    def unneeded(kept: list[manifest.Manifest]) -> list[str]:
        firsts = branches.Branches(RECORDS, kept, LOGS).firsts(kept)
        return binlog.unneeded(LOGS, firsts, 1e9)

    assert unneeded([BEFORE]) == []
    assert unneeded([AFTER]) == [LOST.snapshot]
    assert unneeded([made(9, gtid="0-1-999")]) == [KEPT.snapshot]


def test_the_last_backup_of_the_current_branch_is_kept() -> None:
    """Whatever hosts still back up that a forced recovery gave up."""
    backups = [made(11, uuid=NEW), made(40), made(41), made(42)]
    known = branches.Branches([branches.Branch(NEW, FORK, OLD, 5), branches.Branch(OLD, DAY)], backups)
    assert known.current == NEW
    gone = manifest.expired(backups, 35, 2, 90 * DAY, lambda each: known.holds(known.current, each))
    assert gone == ["b40"]


class Archive:
    """Binary logs of the two branches, in which each transaction has the time that its number has."""

    def fetch_binlog(self, wanted: binlog.Segment, target: Any) -> None:
        numbers = [n for n in range(wanted.begin + 1, wanted.end + 1) if n not in (997, 998) or wanted.uuid == NEW]
        events = [each for n in numbers for each in (gtid(n, at=n), event(XID, b"12345678"))]
        target.write(log(wanted.begin, *events).getvalue())

    def shell(self, _script: str, *ranges: str, **_: str) -> None:
        self.ranges = ranges


def test_what_was_lost_is_not_replayed(tmp_path: Path) -> None:
    """Nor is it asked for where the old branch has no transaction of the last number in common."""
    archive = Archive()
    job = restore.Restore({}, "own", archive, tmp_path, lambda _: None)
    kept = dataclasses.replace(KEPT, begin=996)
    point = plan.plan(plan.Wanted(), [BEFORE], [LOST, kept], RECORDS)
    assert job.replay(archive, point, "0-1-900") == "0-1-1500"
    assert [each for each in archive.ranges if each.startswith("0-")] == ["0-1-900", "0-1-996", "0-1-996", "0-1-1500"]
    bare = dataclasses.replace(LOST, begin=996)
    point = plan.Plan([BEFORE], [binlog.Step(bare, 996, 998), binlog.Step(kept, 998, 1500)], None, None)
    assert job.replay(archive, point, "0-1-996") == "0-1-1500"
    assert archive.ranges[1:] == ("0-1-996", "0-1-1500")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 60)), max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(1, 20)), max_size=12),
    st.integers(0, 5),
    st.integers(0, 30),
    st.integers(0, 60),
)
def test_no_plan_has_a_transaction_of_another_branch(
    forks: list[tuple[int, int, int]], ranges: list[tuple[int, int, int]], wanted: int, position: int, seqno: int
) -> None:
    """A branch is simulated as the list of its transactions, each of which knows where it was written first."""
    records = [branches.Branch("0", 0)]
    histories = {"0": [("0", n) for n in range(1, 61)]}
    for number, (parent, fork, _rest) in enumerate(forks, 1):
        left = str(parent % number)
        records.append(branches.Branch(str(number), number, left, fork))
        histories[str(number)] = histories[left][:fork] + [(str(number), n) for n in range(fork + 1, 61)]
    names = list(histories)
    logs = [
        segment(begin, begin + length, 1, names[name % len(names)], f"n{number}")
        for number, (name, begin, length) in enumerate(ranges)
    ]
    branch = names[wanted % len(names)]
    known = branches.Branches(records, [], logs)
    try:
        steps = binlog.lead(logs, known.limits(branch), position, seqno)
    except manifest.BackupError:
        return
    got = [histories[step.segment.uuid][n - 1] for step in steps for n in range(step.behind + 1, step.end + 1)]
    end = steps[-1].end if steps else position
    assert got == histories[branch][position:end]
    assert end >= seqno or seqno <= position
