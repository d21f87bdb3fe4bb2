"""Which node is desynced for its backup, and for how long."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from galera_backup import manifest, node


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
