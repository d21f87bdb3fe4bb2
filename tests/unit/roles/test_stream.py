"""Who archives the binary logs: the first in rank, the next one when the archive stays behind; and from where on."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from galera_backup import archive, binlog, branches, manifest, repository, stream

from .test_binlog import XID, event, gtid, log, segment
from .test_manifest import UUID, made


class Node:
    """Its binary logs and what each begins behind."""

    name = "mariadb2"

    def __init__(self, position: int, logs: Mapping[str, int], uuid: str = UUID) -> None:
        self.position = position
        self.cluster = uuid
        # What a forced recovery left on its host, and the last number that it had before that.
        self.told: branches.Branch | None = None
        self.before = 0
        self._logs = logs

    def binlog_position(self, _domain: int) -> tuple[str, int]:
        return self.cluster, self.position

    caught_up = binlog_position

    def started(self) -> float:
        return 2000

    def branch(self, uuid: str) -> branches.Branch | None:
        return self.told if self.told and self.told.name == uuid else None

    def last_before(self, _moment: float, _domain: int) -> int:
        return self.before

    def binlogs(self) -> list[str]:
        return list(self._logs)

    def binlog_begin(self, file: str, _domain: int) -> int:
        return self._logs[file]


class Repository:
    url = "/repository"
    # Whether restic could read all of it.
    whole = True

    def __init__(self, *segments: binlog.Segment) -> None:
        self.segments = list(segments)
        self.backups: list[Any] = []
        self.records: list[branches.Branch] = []
        self.asked = 0

    def exists(self) -> bool:
        return True

    def binlogs(self, _listed: Any = None) -> list[binlog.Segment]:
        self.asked += 1
        return self.segments

    def snapshots(self, _lenient: bool) -> Any:
        listed = repository.Snapshots()
        listed.whole = self.whole
        return listed

    def manifests(self, _listed: Any, _lenient: bool) -> list[Any]:
        return self.backups

    def branches(self, _listed: Any) -> list[branches.Branch]:
        return self.records

    def begin(self, branch: branches.Branch) -> None:
        self.records = [*self.records, branch]


class Clock(threading.Event):
    """Waiting takes no time; what happens meanwhile does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, happens: Mapping[float, Any], until: float) -> None:
        super().__init__()
        self.now = 0.0
        self._happens = dict(happens)
        self._until = until
        monkeypatch.setattr(stream.time, "monotonic", lambda: self.now)

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        for at in [at for at in self._happens if at <= self.now]:
            self._happens.pop(at)()
        if self.now >= self._until:
            self.set()
        return self.is_set()


def read(place: Any) -> archive.Archive:
    return archive.Archive.read(place)


def service(
    node: Node, repository: Repository, clock: Any = None, rank: int = 1, said: list[str] | None = None
) -> stream.Stream:
    config = {
        "directory": "/tmp",
        "rank": rank,
        "ranking": ["mariadb3", "mariadb2", "mariadb1"],
        "binlog_takeover_seconds": 60,
        "binlog_seconds": 10,
    }
    say = (said if said is not None else []).append
    return stream.Stream(
        config, "galera.mariadb2-binlog", node, repository, say, lambda _: None, clock or threading.Event()
    )


@pytest.mark.parametrize(("rank", "after"), [(0, 60), (1, 120), (2, 180)])
def test_a_node_takes_over_after_its_rank(rank: int, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {}, until=1000)
    assert service(Node(20, {}), Repository(segment(0, 10)), clock, rank)._wait_for_turn()
    assert after < clock.now <= after + 60


@pytest.mark.parametrize(("oldest", "fills"), [(10, True), (11, False)])
def test_a_gap_that_another_node_left_is_filled(oldest: int, fills: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a node whose binary logs go back to before it, while the other one goes on."""
    repository = Repository(segment(0, 10), segment(15, 20, "mariadb3"))
    repository.backups = [made(5)]
    streaming = service(Node(20, {"b1": oldest, "b2": 14}), repository, Clock(monkeypatch, {}, until=1000))
    assert streaming._wait_for_turn() == fills
    assert streaming._start(read(repository), UUID) == ("b1" if fills else "b2")


def test_a_gap_is_told_until_a_backup_has_made_it_good() -> None:
    segments = [segment(0, 10), segment(15, 20)]
    for backups, hole in (([], 0), ([5], 10), ([5, 16], 0), ([16, 5], 0)):
        place = Repository(*segments)
        place.backups = [made(number) for number in backups]
        assert stream.Stream._hole(read(place), UUID) == hole, backups


def test_it_stands_by_as_long_as_the_archive_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    node, repository = Node(20, {}), Repository(segment(0, 10))

    def write(own: int, archived: int) -> Any:
        def happen() -> None:
            node.position = own
            repository.segments.append(segment(0, archived))

        return happen

    # Always behind, never by what was there two minutes ago.
    clock = Clock(monkeypatch, {at: write(20 + at, at) for at in range(30, 900, 30)}, until=900)
    assert not service(node, repository, clock)._wait_for_turn()


def test_a_restored_cluster_has_nothing_to_archive_until_it_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {}, until=1000)
    assert not service(Node(30, {"b1": 30}), Repository(), clock)._wait_for_turn()
    clock = Clock(monkeypatch, {}, until=1000)
    assert service(Node(31, {"b1": 30}), Repository(), clock)._wait_for_turn()


def test_an_idle_cluster_asks_the_repository_once(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(segment(0, 10))
    assert not service(Node(10, {}), repository, Clock(monkeypatch, {}, until=1000))._wait_for_turn()
    assert repository.asked == 1


@pytest.mark.parametrize(
    ("archived", "file", "gap"),
    [(25, "b3", False), (20, "b3", False), (19, "b2", False), (7, "b1", False), (4, "b1", True), (0, "b1", False)],
)
def test_it_begins_within_the_archive_or_says_that_there_is_a_gap(archived: int, file: str, gap: bool) -> None:
    said: list[str] = []
    segments = [segment(0, archived)] if archived else []
    logs = {"b1": 5, "b2": 10, "b3": 20}
    place = Repository(*segments)
    assert service(Node(30, logs), place, said=said)._start(read(place), UUID) == file
    assert any(each.startswith("GAP: the archive ends with 4") for each in said) == gap


def test_a_gap_that_may_be_filled_by_what_could_not_be_read_is_none_for_certain() -> None:
    said: list[str] = []
    place = Repository(segment(0, 4))
    place.whole = False
    assert service(Node(30, {"b1": 5}), place, said=said)._start(read(place), UUID) == "b1"
    assert said[0].startswith("GAP, unless what could not be read fills it: the archive ends with 4")


def test_a_node_of_higher_rank_stands_back() -> None:
    lower = segment(0, 40, "mariadb1")
    for segments, better in (
        ([segment(0, 31, "mariadb3"), lower], "mariadb3"),
        ([lower], ""),
        ([segment(0, 99, "mariadb3", uuid="the history before a restore")], ""),
        ([segment(0, 30, "mariadb3")], ""),
    ):
        assert service(Node(30, {}), Repository())._better(UUID, 30, segments) == better


def test_of_two_that_are_equally_fast_the_higher_one_stands_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time that it looks it has just stored more than the other one."""
    said: list[str] = []
    repository = Repository(segment(0, 10, "mariadb3"))
    clock = Clock(monkeypatch, {}, until=2000)
    streaming = service(Node(30, {}), repository, clock, said=said)
    followed = {"b1": stream.Followed(Path("/tmp/b1"), 0)}

    def store(_uuid: str, _followed: Any) -> None:
        at = int(clock.now)
        if at >= 300:
            repository.segments.append(segment(0, at - 1, "mariadb3"))
        followed["b1"].segment = segment(0, at, "mariadb2")

    monkeypatch.setattr(streaming, "_store", store)
    assert streaming._archive(UUID, followed, lambda: clock.now < 1000)
    assert said == ["mariadb3 streams as well, and comes first: mariadb2 stands by."]
    assert 300 < clock.now <= 300 + 2 * 70


def test_a_node_that_has_gone_is_nobody_who_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {}, until=2000)
    streaming = service(Node(30, {}), Repository(), clock)
    monkeypatch.setattr(streaming, "_store", lambda *_: None)
    assert not streaming._archive(UUID, {}, lambda: clock.now < 50)
    assert streaming._archive(UUID, {}, lambda: True)


def test_a_repository_that_keeps_everything_is_said_once_and_streamed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    error: Exception = manifest.BackupError("The repository keeps what was to be removed: ...")

    def drop(_snapshots: object) -> None:
        raise error

    place = Repository()
    monkeypatch.setattr(place, "drop", drop, raising=False)
    streaming = service(Node(30, {}), place, said=said)
    for _again in range(2):
        streaming._drop(segment(0, 10))
    assert said == ["Shorter copies of binary logs stay. The repository keeps what was to be removed: ..."]
    error = OSError("what nobody thought of")
    with pytest.raises(OSError, match="what nobody thought of"):
        streaming._drop(segment(0, 10))


NEW = "bbbbbbbb-0000-11f1-8000-000000000002"


def recovered(*segments: binlog.Segment, position: int = 20, before: int = 8) -> tuple[Node, Repository]:
    """A node of the branch that a forced recovery began after number 8, and the archive of the one that it left."""
    node = Node(position, {"b1": 0, "b2": 8}, NEW)
    node.told, node.before = branches.Branch(NEW, 1000, UUID), before
    return node, Repository(*segments)


def test_a_new_branch_is_recorded_by_who_knows_most_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything of it is archived, and whosever turn that is."""
    node, place = recovered(segment(0, 10), before=0)
    assert not service(node, place, Clock(monkeypatch, {}, until=10))._wait_for_turn()
    assert place.records == [branches.Branch(NEW, 1000, UUID)]
    assert not service(node, place, Clock(monkeypatch, {}, until=10))._wait_for_turn()
    node.before = 8
    assert not service(node, place, Clock(monkeypatch, {}, until=10))._wait_for_turn()
    assert not service(node, place, Clock(monkeypatch, {}, until=10))._wait_for_turn()
    assert place.records[1:] == [branches.Branch(NEW, 1000, UUID, 8)]
    assert branches.Branches(place.records).get(NEW) == branches.Branch(NEW, 1000, UUID, 8)


def test_a_new_branch_is_archived_from_where_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from the number that the lost branch had reached."""
    node, place = recovered(segment(0, 10))
    clock = Clock(monkeypatch, {}, until=1000)
    streaming = service(node, place, clock)
    assert streaming._wait_for_turn()
    assert streaming._start(*streaming._look(NEW, 20)) == "b2"
    # The archive was behind: what both have in common comes from the binary logs of before.
    node, place = recovered(segment(0, 7))
    streaming = service(node, place)
    assert streaming._start(*streaming._look(NEW, 20)) == "b1"


def test_a_new_branch_has_nothing_to_archive_until_it_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    node, place = recovered(segment(0, 10), position=8)
    assert not service(node, place, Clock(monkeypatch, {}, until=1000))._wait_for_turn()
    node.position = 9
    assert service(node, place, Clock(monkeypatch, {}, until=1000))._wait_for_turn()


def test_a_branch_into_which_no_backup_leads_is_told() -> None:
    for before, backup, missing in ((8, made(5), False), (8, made(9), True), (0, made(5), True)):
        node, place = recovered(segment(0, 10), before=before)
        place.backups = [backup]
        streaming = service(node, place)
        archive, name = streaming._look(NEW, 20)
        assert streaming._missing(archive, name) == missing, (before, backup.id)
    # As where the position of the node that was bootstrapped could not be read, or before a restore's own backup.
    place = Repository(segment(0, 10))
    place.backups = [made(5, uuid="before")]
    assert service(Node(20, {}), place)._missing(read(place), UUID)
    # A cluster that was newly made is on its way to its first one.
    place.backups = []
    assert not service(Node(20, {}), place)._missing(read(place), UUID)


def test_a_cluster_that_lost_what_was_archived_begins_a_branch_within_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody's decision, as when all nodes lost power and InnoDB did not wait for the disks."""
    said: list[str] = []
    place = Repository(segment(0, 10))
    place.backups = [made(5)]
    node = Node(8, {"b1": 0, "b2": 8})
    streaming = service(node, place, Clock(monkeypatch, {}, until=1000), said=said)
    # Nothing is written yet, and still it is seen.
    assert streaming._wait_for_turn()
    assert [(each.name, each.parent, each.seqno) for each in place.records] == [(f"{UUID}.2", UUID, 0)]
    assert said[0] == (
        f"LOST: the archive of {UUID} ends with 10, but the cluster has sequence number 8: the cluster has lost"
        f" transactions, and gives their numbers to others. From now on it is archived as branch {UUID}.2, into"
        " which no backup leads: make a backup now."
    )
    node.position = 12
    archive, name = streaming._look(UUID, 12)
    assert (name, streaming._start(archive, name), streaming._missing(archive, name)) == (f"{UUID}.2", "b2", True)
    place.segments.append(segment(8, 12, uuid=name))
    place.backups.append(made(9, uuid=name))
    assert not streaming._missing(read(place), name)
    assert streaming._look(UUID, 12)[1] == name
    assert len(place.records) == 1


def test_a_node_that_is_only_behind_the_archive_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow one, one that does not answer in time, or one whose cluster's UUID has changed meanwhile."""
    for caught_up in ((UUID, 10), (UUID, 11), None, (NEW, 8)):
        node, place = Node(8, {}), Repository(segment(0, 10))
        monkeypatch.setattr(node, "caught_up", lambda _, found=caught_up: found)
        assert service(node, place)._look(UUID, 8)[1] == UUID
        assert place.records == []
    # It has run since then: numbers may be missing in its binary log, as of a statement that failed.
    place = Repository(dataclasses.replace(segment(0, 10), stored=3000))
    assert service(Node(8, {}), place)._look(UUID, 8)[1] == UUID
    place = Repository(segment(0, 10))
    place.whole = False
    assert service(Node(8, {}), place)._look(UUID, 8)[1] == UUID
    assert place.records == []


@pytest.mark.parametrize(("began", "lost"), [(990, False), (1004, False), (1006, True)])
def test_a_number_that_was_given_out_again_is_seen_by_its_time(
    began: int, lost: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cluster has passed the archive's end again before this node looked. What the archive had at 1000 began by
    then, but for what two clocks may differ.
    """
    place = Repository(dataclasses.replace(segment(0, 10), stored=1000))
    streaming = service(Node(12, {"b2": 8}), place)
    streaming._start(*streaming._look(UUID, 12))
    file = tmp_path / "b2"
    events = [each for n in (9, 10, 11) for each in (gtid(n, at=began), event(XID, b"12345678"))]
    file.write_bytes(log(8, *events).getvalue())
    stored: list[binlog.Segment] = []
    monkeypatch.setattr(place, "store_binlog", lambda new, _: stored.append(new) or new, raising=False)
    with file.open("rb") as opened:
        if lost:
            with pytest.raises(
                manifest.BackupError, match=f"{UUID} is not the cluster's branch any more: mariadb2 has"
            ):
                streaming._store_one(UUID, stream.Followed(file, 8), opened)
            assert (stored, place.records[0].name) == ([], f"{UUID}.2")
        else:
            streaming._store_one(UUID, stream.Followed(file, 8), opened)
            assert ([each.end for each in stored], place.records) == ([11], [])


def test_a_node_ends_with_a_branch_that_another_one_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    place = Repository(segment(0, 10))
    place.records = [branches.Branch(UUID, 1), branches.Branch(f"{UUID}.2", 2, UUID)]
    clock = Clock(monkeypatch, {}, until=2000)
    streaming = service(Node(30, {}), place, clock, said=said)
    monkeypatch.setattr(streaming, "_store", lambda *_: None)
    assert streaming._archive(UUID, {}, lambda: clock.now < 1000)
    assert said == [f"Another node has recorded a later branch than {UUID}: mariadb2 starts again."]


def test_a_branch_is_recorded_once_before_its_first_binary_log() -> None:
    place = Repository()
    archive.remember(place, read(place), UUID)
    archive.remember(place, read(place), UUID)
    assert [(each.name, each.parent) for each in place.records] == [(UUID, "")]
