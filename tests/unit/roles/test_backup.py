"""What fits together to a backup, and whose turn it is to make it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from galera_backup import backup, branches, manifest, repository

from .test_manifest import DAY, UUID, made


@pytest.mark.parametrize(
    ("changes", "gtid", "said"),
    [
        ({"from_lsn": 99}, "0-1-6", "begins at LSN 99 instead of 100, where b1 ends"),
        ({"tool": "10.11.3-MariaDB"}, "0-1-6", "has mariadb-backup 10.11.3-MariaDB, and the node runs MariaDB 11.4.1"),
        ({}, "", "no GTID of the cluster down, and the node has 6 of them"),
    ],
)
def test_what_does_not_fit_is_no_backup(changes: dict[str, Any], gtid: str, said: str) -> None:
    facts = {"from_lsn": 100, "tool": "11.4.2-MariaDB", "server": "11.4.1-MariaDB-log"}
    backup._see_that_it_fits("mariadb", facts, made(1), "0-1-6", 6)
    with pytest.raises(manifest.BackupError, match=said):
        backup._see_that_it_fits("mariadb", {**facts, **changes}, made(1), gtid, 6)


class Others:
    """A repository in which other nodes' backups appear as time goes by."""

    def __init__(self, *appearing: tuple[list[manifest.Manifest], list[str]]) -> None:
        self._appearing = list(appearing)

    def exists(self) -> bool:
        return True

    def snapshots(self, lenient: bool) -> list[dict[str, Any]]:
        assert lenient
        return [
            {"id": "s1", "tags": ["stream", "b1", "mariadb3"], "time": "2100-01-01T00:00:00.1Z"},
            {"id": "s2", "tags": ["manifest", "b2"], "time": "2100-01-01T00:00:00.1Z"},
            {"id": "s3", "tags": ["stream", "b2", "mariadb3"], "time": "2100-01-01T00:00:00.1Z"},
        ]

    def manifests(self, _listed: list[dict[str, Any]], lenient: bool) -> list[manifest.Manifest]:
        assert lenient
        return self._appearing[0][0]

    unfinished = staticmethod(repository.Repository.unfinished)

    def writers(self, _now: float, _patience: float) -> list[str]:
        found = (self._appearing.pop(0) if len(self._appearing) > 1 else self._appearing[0])[1]
        if found == ["locked"]:
            raise repository.LockedError("The repository is locked.")
        return found


class Node:
    def __init__(self, writes: bool) -> None:
        self.name = "mariadb2"
        self._writes = writes

    def replicates(self, _seconds: float) -> bool:
        return self._writes

    def uuid(self) -> str:
        return UUID


CONFIG = {"nodes": 3, "rank": 1, "takeover_seconds": 600, "writer_sample": 5, "lock": "/nowhere/dbops-galera.lock"}


NEVER: tuple[list[manifest.Manifest], list[str]] = ([made(1)], [])


@pytest.mark.parametrize(
    ("writes", "others", "wanted", "waited"),
    [
        (False, [NEVER], True, 600),
        (True, [NEVER], True, 1800),
        (False, [([made(1), made(2, began=4e9)], [])], False, 600),
        # The first one is at it and makes it; or its lock grows old.
        (False, [([made(1)], ["galera.mariadb3-store"]), ([made(2, began=4e9)], [])], False, 660),
        (False, [([made(1)], ["galera.mariadb3-store"]), NEVER], True, 1260),
        # Hosts that a forced recovery gave up have made one of their own.
        (False, [([made(1), made(2, began=4e9, uuid="given up")], [])], True, 600),
        # It removes what is too old.
        (False, [([made(1)], ["locked"]), ([made(2, began=4e9)], [])], False, 660),
    ],
)
def test_whose_turn_it_is(writes: bool, others: list[Any], wanted: bool, waited: float) -> None:
    sleeps: list[float] = []
    assert backup.due(CONFIG, Node(writes), Others(*others), lambda _: None, sleeps.append) is wanted
    assert sum(sleeps) == waited


def test_operators_are_waited_for(tmp_path: Path) -> None:
    """Also those that begin while a node waits for its turn."""
    lock = tmp_path / "dbops-galera.lock"
    sleeps: list[float] = []
    said: list[str] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 1:
            lock.write_text("ada@bastion, whose upgrade began", encoding="utf-8")
        if len(sleeps) == 4:
            lock.unlink()

    assert backup.due({**CONFIG, "lock": str(lock)}, Node(False), Others(NEVER), said.append, sleep)
    assert sleeps == [600, 60, 60, 60]
    assert "ada@bastion" in said[0]


def test_the_lock_of_a_run_that_was_killed_is_not_waited_for_all_night(tmp_path: Path) -> None:
    lock = tmp_path / "dbops-galera.lock"
    lock.write_text("ada@bastion, whose upgrade began", encoding="utf-8")
    sleeps: list[float] = []
    backup.wait({"lock": str(lock)}, lambda _: None, sleeps.append)
    assert sum(sleeps) == 4 * 3600


def test_a_lock_that_stays_is_a_failure() -> None:
    with pytest.raises(repository.LockedError):
        backup.due(CONFIG, Node(False), Others(([made(1)], ["locked"])), lambda _: None, lambda _: None)


def test_a_node_that_counts_its_rows_is_at_it() -> None:
    """Its stream is there, its lock is gone, and the manifest comes when all rows are counted."""
    sleeps: list[float] = []
    others = Others(NEVER, NEVER, ([made(1), made(2, began=4e9)], []))
    assert not backup.due({**CONFIG, "count_rows": True}, Node(False), others, lambda _: None, sleeps.append)
    assert sum(sleeps) == 600 + 60 + 60


class Cluttered:
    """A repository with an old stream that never got a manifest, where one step fails."""

    def __init__(self, failing: str = "", error: manifest.BackupError | None = None) -> None:
        self._failing, self._error = failing, error
        self.done: list[str] = []

    def _do(self, step: str) -> None:
        if step == self._failing and self._error:
            raise self._error
        self.done.append(step)

    def snapshots(self) -> list[dict[str, Any]]:
        self._do("list")
        return [{"id": "s1", "tags": ["stream", "b0"], "time": "2020-01-01T00:00:00Z"}]

    def manifests(self, _listed: object) -> list[manifest.Manifest]:
        return [made(1)]

    unfinished = staticmethod(repository.Repository.unfinished)

    def binlogs(self, _listed: object) -> list[Any]:
        return []

    cut_short = branches = binlogs

    def ask(self, command: str, *_: str) -> None:
        self._do(command)

    def forget(self, identifiers: list[str]) -> None:
        self._do(f"forget {' '.join(identifiers)}")


@pytest.mark.parametrize(
    ("failing", "error", "good", "done"),
    [
        ("", None, True, ["list", "unlock", "forget b0", "prune"]),
        ("list", manifest.BackupError("Not all of it could be read"), False, []),
        ("list", repository.LockedError("It is locked"), True, []),
        ("forget b0", manifest.BackupError("It keeps what was to be removed"), False, ["list", "unlock"]),
        ("prune", manifest.BackupError("The index is not complete"), False, ["list", "unlock", "forget b0"]),
        ("prune", repository.LockedError("It is locked"), True, ["list", "unlock", "forget b0"]),
    ],
)
def test_what_cannot_be_removed_is_no_failure_of_the_backup(
    failing: str, error: manifest.BackupError | None, good: bool, done: list[str]
) -> None:
    said: list[str] = []
    place = Cluttered(failing, error)
    config = {"keep_days": 35, "keep_fulls": 2}
    assert backup.clear(config, place, said.append) == good
    assert place.done == done
    assert str(error or "Forgetting b0") in said[-1]


class Backed:
    """A node of which a backup is made."""

    name = "mariadb3"

    def __init__(self, uuid: str = UUID, mark: str = "b1", after: str = "") -> None:
        self._uuids = [uuid, after or uuid]
        self._mark = mark
        self.marked = ""

    def status(self) -> dict[str, str]:
        uuid = self._uuids.pop(0)
        state = {"wsrep_cluster_status": "Primary", "wsrep_local_state_comment": "Synced", "wsrep_last_committed": "7"}
        return {**state, "wsrep_cluster_state_uuid": uuid}

    def settings(self) -> dict[str, Any]:
        return {"binlog": 1, "domain": 0, "server": "10.11.19-MariaDB", "lower_case_table_names": 0}

    def binlog_position(self, _domain: int) -> tuple[str, int]:
        return self._uuids[0], 12

    def branch(self, uuid: str) -> branches.Branch | None:
        return branches.Branch(NEW, 1000.0, UUID) if uuid == NEW else None

    def last_before(self, _moment: float, _domain: int) -> int:
        return 8

    def mark(self) -> str:
        return self._mark

    def set_mark(self, identifier: str) -> None:
        self.marked = identifier

    def image(self) -> str:
        return "mariadb:10.11"

    def workspace(self) -> Any:
        return nullcontext(Path("/nowhere"))

    def desynced(self, _say: object) -> Any:
        return nullcontext()

    def stream(self, _workspace: Path, from_lsn: int, _log: object) -> Any:
        self.from_lsn = from_lsn
        return nullcontext()

    def facts(self, _workspace: Path) -> dict[str, Any]:
        version = {"server": "10.11.19-MariaDB", "tool": "10.11.19-MariaDB"}
        return {"from_lsn": self.from_lsn, "to_lsn": 300, "gtid": "0-1-12", **version}

    def datadir_size(self) -> int:
        return 1


class Place:
    """A repository with a backup, in which what was done is written down in its order."""

    url = "/repository"

    def __init__(self, *records: branches.Branch) -> None:
        self.records = list(records)
        self.done: list[Any] = []

    def exists(self) -> bool:
        return True

    def snapshots(self, _lenient: bool) -> repository.Snapshots:
        return repository.Snapshots()

    def manifests(self, _listed: object, _lenient: bool) -> list[manifest.Manifest]:
        return [made(1, began=4e9)]

    def binlogs(self, _listed: object) -> list[Any]:
        return []

    def branches(self, _listed: object) -> list[branches.Branch]:
        return self.records

    def begin(self, branch: branches.Branch) -> None:
        self.records.append(branch)
        self.done.append(branch)

    def store(self, _identifier: str, _log: object) -> Any:
        return nullcontext()

    def commit(self, new: manifest.Manifest) -> None:
        self.done.append(new)


NEW = "bbbbbbbb-0000-11f1-8000-000000000002"
BACKED = {"cluster": "galera", "full_every": 7 * DAY}


@pytest.fixture(autouse=True)
def _copying(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = backup.children.Copied()
    monkeypatch.setattr(backup.children, "pipe", lambda *_: copied)


def test_the_next_backup_is_a_full_one_in_a_new_branch() -> None:
    """Of a forced recovery, of a restore, and where the cluster lost transactions and kept its UUID."""
    place = Place()
    assert backup.take(BACKED, Backed(), place, "auto", lambda _: None).base == "b1"
    first = place.done[0]
    assert len(place.done) == 2
    assert (first.name, first.parent) == (UUID, "")
    place = Place(first)
    found = backup.take(BACKED, Backed(NEW), place, "auto", lambda _: None)
    assert (found.uuid, found.base, place.done) == (NEW, "", [branches.Branch(NEW, 1000.0, UUID, 8), found])
    found = backup.take(BACKED, Backed("restored"), Place(first), "auto", lambda _: None)
    assert (found.uuid, found.base) == ("restored", "")
    within = branches.Branch(f"{UUID}.2", first.began + 1, UUID)
    found = backup.take(BACKED, Backed(), Place(first, within), "auto", lambda _: None)
    assert (found.uuid, found.base) == (within.name, "")
    with pytest.raises(manifest.BackupError, match="no backup that an incremental one could add to"):
        backup.take(BACKED, Backed(NEW), Place(), "incremental", lambda _: None)


def test_a_backup_in_which_the_cluster_changed_its_uuid_is_none() -> None:
    place, job = Place(branches.Branch(UUID, 1.0)), Backed(after=NEW)
    with pytest.raises(manifest.BackupError, match=f"changed its cluster UUID from {UUID} to {NEW}"):
        backup.take(BACKED, job, place, "full", lambda _: None)
    assert (place.done, job.marked) == ([], "")
