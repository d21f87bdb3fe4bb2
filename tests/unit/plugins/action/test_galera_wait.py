# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.action import galera_wait

JOINING = {"reached": False, "phase": "joiner (SST)", "received": 3 * 2**29, "msg": "mariadb2 did not reach Synced."}
STARTING = {"reached": False, "phase": "starting", "received": 0, "msg": "mariadb2 did not reach Synced."}
REACHED = {"reached": True, "phase": "Primary, Synced", "elapsed": 0.1}
ENDED = {"failed": True, "reached": False, "msg": "Container mariadb2 has ended."}


class Waiting:
    """The action with a module that takes as long as it may, and gives these results."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *results: dict[str, Any], **arguments: Any) -> None:
        self.now = 0.0
        self.slices: list[float] = []
        self.shown: list[str] = []
        self.results = list(results)
        monkeypatch.setattr(galera_wait.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(galera_wait.display, "display", self.shown.append)
        monkeypatch.setattr(galera_wait.ActionBase, "run", lambda *_arguments: {})
        self.action = galera_wait.ActionModule.__new__(galera_wait.ActionModule)
        self.action._task = SimpleNamespace(args={"node": "mariadb2", **arguments})
        self.action._execute_module = self.execute

    def execute(self, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        assert task_vars == {}
        self.slices.append(module_args["patience"])
        self.now += module_args["patience"]
        return dict(self.results.pop(0) if len(self.results) > 1 else self.results[0])

    def run(self) -> dict[str, Any]:
        result: dict[str, Any] = self.action.run(None, {})
        return result


def test_progress_is_shown_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting(monkeypatch, STARTING, JOINING, REACHED, timeout=3600)
    assert waiting.run()["elapsed"] == 30
    assert waiting.slices == [10, 10, 10]
    assert waiting.shown == ["mariadb2: starting, 10 s", "mariadb2: joiner (SST), 1.5 GiB received, 20 s"]


def test_a_short_wait_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting(monkeypatch, REACHED)
    assert waiting.run()["reached"]
    assert waiting.shown == []


@pytest.mark.parametrize(("timeout", "slices"), [(25, [10, 10, 5]), ("4", [4]), (None, [10] * 12)])
def test_the_time_out_counts_all_slices(monkeypatch: pytest.MonkeyPatch, timeout: Any, slices: list[float]) -> None:
    waiting = Waiting(monkeypatch, JOINING, timeout=timeout)
    result = waiting.run()
    assert result["failed"]
    assert result["msg"] == f"Timed out after {sum(slices)} s: mariadb2 did not reach Synced."
    assert waiting.slices == slices


def test_a_failure_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting(monkeypatch, STARTING, ENDED)
    assert waiting.run()["msg"] == "Container mariadb2 has ended."
    assert waiting.slices == [10, 10]


def test_a_bad_time_out_is_left_to_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting(monkeypatch, {"failed": True, "msg": "timeout is no int"}, timeout="soon")
    assert waiting.run()["msg"] == "timeout is no int"


@pytest.mark.parametrize(("size", "line"), [(5 * 2**20, "5 MiB"), (5 * 2**30, "5.0 GiB"), (2**40, "1024.0 GiB")])
def test_amounts(size: int, line: str) -> None:
    assert galera_wait.progress("db", "joiner (SST)", size, 34.4) == f"db: joiner (SST), {line} received, 34 s"
