"""Who archives the binary logs: the first in rank, the next one when the archive stays behind; and from where on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from galera_backup import binlog, manifest, repository, stream

from .test_binlog import segment
from .test_manifest import UUID, made


class Node:
    """Its binary logs and what each begins behind."""

    name = "mariadb2"

    def __init__(self, position: int, logs: Mapping[str, int]) -> None:
        self.position = position
        self._logs = logs

    def binlog_position(self, _domain: int) -> tuple[str, int]:
        return UUID, self.position

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
        self.asked = 0

    def exists(self) -> bool:
        return True

    def binlogs(self, _listed: Any = None) -> list[binlog.Segment]:
        self.asked += 1
        return self.segments

    def snapshots(self, lenient: bool) -> Any:
        assert lenient
        listed = repository.Snapshots()
        listed.whole = self.whole
        return listed

    def manifests(self, _listed: Any, lenient: bool) -> list[Any]:
        assert lenient
        return self.backups


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
    assert streaming._start(UUID) == ("b1" if fills else "b2")


def test_a_gap_is_told_until_a_backup_has_made_it_good() -> None:
    segments = [segment(0, 10), segment(15, 20)]
    for backups, hole in (([], 0), ([5], 10), ([5, 16], 0), ([16, 5], 0)):
        assert stream.Stream._hole(UUID, segments, [made(number) for number in backups]) == hole, backups


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
    assert service(Node(30, logs), Repository(*segments), said=said)._start(UUID) == file
    assert any(each.startswith("GAP: the archive ends with 4") for each in said) == gap


def test_a_gap_that_may_be_filled_by_what_could_not_be_read_is_none_for_certain() -> None:
    said: list[str] = []
    place = Repository(segment(0, 4))
    place.whole = False
    assert service(Node(30, {"b1": 5}), place, said=said)._start(UUID) == "b1"
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
