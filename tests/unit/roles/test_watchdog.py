"""The watchdog of the proxies: when it acts, and above all when it does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/proxysql/files/proxysql_watchdog.py"
SPEC = importlib.util.spec_from_file_location("proxysql_watchdog", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
watchdog = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(watchdog)

WRITER = watchdog.Seen(1, [])
STUCK = watchdog.Seen(0, ["198.51.100.11:3306"])
ALL_DOWN = watchdog.Seen(0, [])
SILENT = None


class Proxy:
    """Sees what it is told to see, one look a second."""

    def __init__(self, *seen: Any) -> None:
        self.seen = list(seen)
        self.now = 0.0
        self.repairs: list[float] = []

    def look(self) -> Any:
        return self.seen.pop(0)

    def repair(self) -> None:
        self.repairs.append(self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def watched(self, patience: float = 3) -> list[float]:
        """When it was repaired."""
        told: list[Any] = []
        watchdog.watch(self, patience, told.append, lambda: self.now, self.sleep, rounds=len(self.seen))
        assert len(told) == len(self.repairs)
        return self.repairs


@pytest.mark.parametrize(
    ("seen", "repairs"),
    [
        ([WRITER] * 10, []),
        ([STUCK] * 3, []),
        ([STUCK] * 4, [3]),
        ([WRITER, STUCK, STUCK, STUCK, STUCK], [4]),
        # The time begins anew after a repair, and whenever a look finds it otherwise.
        ([STUCK] * 8, [3, 7]),
        ([STUCK, STUCK, WRITER, STUCK, STUCK, STUCK], []),
        # It fails closed.
        ([ALL_DOWN] * 10, []),
        ([SILENT] * 10, []),
        ([STUCK, STUCK, ALL_DOWN, STUCK, STUCK, STUCK], []),
        ([STUCK, STUCK, SILENT, STUCK, STUCK, STUCK], []),
        ([ALL_DOWN, ALL_DOWN, ALL_DOWN, ALL_DOWN, STUCK], []),
    ],
    ids=[
        "writer",
        "not yet",
        "due",
        "lost",
        "again",
        "back by itself",
        "no node",
        "no answer",
        "node lost",
        "answer lost",
        "node back",
    ],
)
def test_when_it_repairs(seen: list[Any], repairs: list[float]) -> None:
    assert Proxy(*seen).watched() == repairs


def test_the_count_outlives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.prom"
    assert watchdog.read_count(str(file)) == 0
    watchdog.write_count(str(file), "proxysql", 41)
    assert watchdog.read_count(str(file)) == 41
    assert 'dbops_galera_writer_repairs_total{proxy="proxysql"} 41' in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


def test_a_count_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.prom"
    file.write_text("")
    assert watchdog.read_count(str(file)) == 0


def test_a_proxy_that_does_not_answer_is_a_look_without_a_finding(tmp_path: Path) -> None:
    login = tmp_path / "admin.cnf"
    login.write_text("[client]\nhost=127.0.0.1\nport=1\nuser=operator\npassword=x\n")
    assert watchdog.Proxy(str(login), 10).look() is None
