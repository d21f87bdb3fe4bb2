"""Which node is desynced for its backup, and for how long."""

from __future__ import annotations

import json
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from galera_backup import binlog, branches, manifest, node


class Desynced(node.Node):
    """A node that tells what it was set to, in a cluster whose members change after so many looks."""

    def __init__(
        self, directory: Path, addresses: str, writes: bool = False, steady: int = 1000, silent: bool = False
    ) -> None:
        super().__init__({"directory": str(directory), "node": "mariadb3", "nodes": 3, "writer_sample": 0}, "own")
        self._addresses = addresses
        self._writes = writes
        self._steady = steady
        self._silent = silent
        self.set: list[str] = []

    def _ask(self, *statements: str) -> list[Any]:
        self.set += [each for each in statements if each.startswith("SET")]
        return [[0]]

    def status(self) -> dict[str, str]:
        self._steady -= 1
        conf = "7" if self._steady > 0 else "8"
        return {"wsrep_incoming_addresses": self._addresses, "wsrep_cluster_conf_id": conf}

    def replicates(self, _seconds: float, _pause: object = None) -> bool:
        if self._silent:
            raise manifest.BackupError("mariadb3 does not answer")
        return self._writes


ALL = "10.0.0.1:3306,10.0.0.2:3306,10.0.0.3:3306"


ON_AND_OFF = ["SET GLOBAL wsrep_desync = ON", "SET GLOBAL wsrep_desync = OFF"]


@pytest.mark.parametrize(
    ("addresses", "writes", "set_to"),
    [
        (ALL, False, ON_AND_OFF),
        (f"{ALL},", False, ON_AND_OFF),
        (ALL, True, []),
        # One is away; what stands in for it is an arbitrator.
        ("10.0.0.2:3306,10.0.0.3:3306", False, []),
        (",10.0.0.2:3306,10.0.0.3:3306", False, []),
    ],
)
def test_a_node_that_clients_need_is_not_desynced(
    tmp_path: Path, addresses: str, writes: bool, set_to: list[str]
) -> None:
    said: list[str] = []
    job = Desynced(tmp_path, addresses, writes)
    with job.desynced(said.append):
        until = time.monotonic() + 10
        while not (said or job.set) and time.monotonic() < until:
            time.sleep(0.01)
        assert (tmp_path / "desynced").exists() == bool(set_to)
    assert job.set == set_to
    assert bool(said) != bool(set_to)
    assert not (tmp_path / "desynced").exists()


def test_a_node_that_does_not_answer_leaves_the_backup_alone(tmp_path: Path) -> None:
    told = threading.Event()
    job = Desynced(tmp_path, ALL, silent=True)
    with job.desynced(lambda _: told.set()):
        assert told.wait(10)
    assert job.set == []


def test_a_node_is_back_as_soon_as_another_one_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_WATCH", 0.01)
    told = threading.Event()
    job = Desynced(tmp_path, ALL, steady=5)
    with job.desynced(lambda _: told.set()):
        assert told.wait(10)
        assert job.set == ON_AND_OFF
        # Until the backup has ended: it may be killed.
        assert (tmp_path / "desynced").exists()


def test_a_wish_to_desync_that_still_waits_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would come after what a killed run's node is set back with."""
    pending = [1, 1, 0]

    class Waiting(Desynced):
        def _ask(self, *statements: str) -> list[Any]:
            super()._ask(*statements)
            return [[pending.pop(0)]] if "processlist" in statements[0] else [[0]]

    monkeypatch.setattr(node.time, "sleep", lambda _: None)
    monkeypatch.setattr(node.children, "remove_all", lambda _: [])
    (tmp_path / "desynced").touch()
    job = Waiting(tmp_path, ALL)
    assert job.settle() == ["Had mariadb3 take part in flow control again."]
    assert (job.set, pending) == (ON_AND_OFF[1:], [])
    assert not (tmp_path / "desynced").exists()


NEW, OLD = "bbbbbbbb-0000-11f1-8000-000000000002", "f8eb8a01-e5bf-11f1-9dff-9bb2314c7b01"
TOLD = {"generation": 2, "uuid": NEW.upper(), "begun": "1970-01-11T00:00:00Z", "parent": OLD, "members": ["mariadb1"]}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, branches.Branch(NEW, 864000, OLD)),
        ({"begun": "1970-01-11 01:00:00+01:00"}, branches.Branch(NEW, 864000, OLD)),
        ({"parent": "00000000-0000-0000-0000-000000000000"}, branches.Branch(NEW, 864000)),
        ({"parent": None}, branches.Branch(NEW, 864000)),
        # The cluster was restored since.
        ({"uuid": OLD}, None),
    ],
)
def test_what_a_forced_recovery_wrote_down(
    tmp_path: Path, changes: dict[str, Any], found: branches.Branch | None
) -> None:
    job = node.Node({"directory": str(tmp_path), "node": "mariadb3", "record": str(tmp_path)}, "own")
    assert job.branch(NEW) is None
    (tmp_path / "branch.json").write_text(json.dumps({**TOLD, **changes}), encoding="utf-8")
    assert job.branch(NEW) == found


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"uuid": NEW}), json.dumps({**TOLD, "begun": "yesterday"})])
def test_a_damaged_record_of_a_branch_is_named(tmp_path: Path, text: str) -> None:
    """To take it for none would be to mix two branches."""
    (tmp_path / "branch.json").write_text(text, encoding="utf-8")
    job = node.Node({"directory": str(tmp_path), "node": "mariadb3", "record": str(tmp_path)}, "own")
    with pytest.raises(manifest.BackupError, match=r"/branch.json is damaged"):
        job.branch(NEW)


class Server(node.Node):
    """A node with binary logs: what each begins behind, and when it was opened."""

    def __init__(self, directory: Path, logs: dict[str, tuple[int, int]], **status: str) -> None:
        super().__init__({"directory": "/d", "node": "mariadb3", "datadir": str(directory)}, "own")
        self._logs = logs
        self._status = status
        self.asked: list[str] = []
        self.silent = False
        for name, (_size, at) in logs.items():
            header = struct.pack("<IBIIIH", at, 15, 1, 252, 256, 0) if at else b""
            (directory / name).write_bytes(binlog.MAGIC + header + bytes(300))

    def binlogs(self) -> list[str]:
        return list(self._logs)

    def binlog_begin(self, file: str, _domain: int) -> int:
        return self._logs[file][0]

    def status(self) -> dict[str, str]:
        return self._status

    def _ask(self, *statements: str) -> list[Any]:
        self.asked += statements
        if self.silent:
            raise manifest.BackupError("mariadb3 does not answer: (1205, 'Lock wait timeout exceeded')")
        return [["0-1-998,103-1-2"]]


@pytest.mark.parametrize(
    ("logs", "seqno"),
    [
        ({"b1": (0, 8000), "b2": (500, 9000), "b3": (998, 10010), "b4": (2000, 12000)}, 998),
        # A file that it began within the minute before counts as a later one.
        ({"b1": (0, 8000), "b2": (990, 9970), "b3": (998, 10010)}, 990),
        # It was filled by SST.
        ({"b3": (998, 10010), "b4": (2000, 12000)}, 0),
        ({"b1": (0, 0), "b3": (998, 10010)}, 0),
        ({}, 0),
    ],
)
def test_the_number_at_which_a_branch_began(tmp_path: Path, logs: dict[str, tuple[int, int]], seqno: int) -> None:
    assert Server(tmp_path, logs).last_before(10000, 0) == seqno


def test_a_node_is_asked_once_it_has_caught_up(tmp_path: Path) -> None:
    state = {"wsrep_cluster_status": "Primary", "wsrep_cluster_state_uuid": OLD}
    job = Server(tmp_path, {}, wsrep_local_state_comment="Synced", **state)
    assert job.caught_up(0) == (OLD, 998)
    assert job.asked == ["SET SESSION wsrep_sync_wait = 1", "SELECT 1", "SELECT @@gtid_binlog_pos"]
    job.silent = True
    assert job.caught_up(0) is None
    job = Server(tmp_path, {}, wsrep_local_state_comment="Donor/Desynced", **state)
    assert (job.caught_up(0), job.asked) == (None, [])
