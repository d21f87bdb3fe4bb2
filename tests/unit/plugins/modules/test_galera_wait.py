# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node, Seen
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NodeStatus, TimedOut, Wanted
from ansible_collections.dbops.galera.plugins.modules import galera_wait

SYNCED = NodeStatus.from_variables(
    {
        "wsrep_cluster_status": "Primary",
        "wsrep_local_state_comment": "Synced",
        "wsrep_ready": "ON",
        "wsrep_cluster_size": "3",
    },
    "11.8.6-MariaDB",
)
STARTING = Seen(None, "mariadb2 runs, but there is no status: No answer at /none.sock.")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seen: Seen | GaleraError, **arguments: Any
) -> tuple[dict[str, Any], Wanted, float]:
    asked: list[tuple[Wanted, float]] = []

    def wait(_node: Node, wanted: Wanted, timeout: float, _interval: float) -> Seen:
        asked.append((wanted, timeout))
        if isinstance(seen, GaleraError):
            raise seen
        return seen

    monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: None))
    monkeypatch.setattr(Node, "wait", wait)
    with patch_module_args({"node": "mariadb2", "socket": "/none.sock", **arguments}), pytest.raises(SystemExit):
        galera_wait.main()
    return (json.loads(capsys.readouterr().out), *asked[0])


def test_reached(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result, wanted, timeout = run(monkeypatch, capsys, Seen(SYNCED), cluster_size=3)
    assert (result["reached"], result["changed"]) == (True, False)
    assert result["status"]["local_state"] == "Synced"
    assert result["state"] == "Primary, Synced, cluster size 3, receive queue 0"
    assert (wanted, timeout) == (Wanted(cluster_size=3), 120)


def test_the_record_tells_of_primary_components(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "views" not in run(monkeypatch, capsys, Seen(SYNCED))[0]["status"]
    assert run(monkeypatch, capsys, Seen(SYNCED), record=str(tmp_path))[0]["status"]["views"] == []
    (tmp_path / "views").write_text("one\ntwo\n", encoding="utf-8")
    assert run(monkeypatch, capsys, Seen(SYNCED), record=str(tmp_path))[0]["status"]["views"] == ["one", "two"]


def test_a_time_out_fails_with_the_last_state_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result, _wanted, _timeout = run(monkeypatch, capsys, TimedOut(STARTING, 120))
    assert result["failed"]
    assert result["msg"].startswith("mariadb2 did not reach Primary, Synced. Last state seen: mariadb2 runs, but")
    assert (result["status"], result["phase"]) == (None, "starting")


def test_patience_comes_back_without_failing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result, _wanted, timeout = run(monkeypatch, capsys, TimedOut(STARTING, 10), patience=10, timeout=3600)
    assert not result.get("failed")
    assert (result["reached"], timeout) == (False, 10)


@pytest.mark.parametrize("patience", [0, 10])
def test_an_ended_container_fails_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patience: float
) -> None:
    error = GaleraError("Container mariadb2 has ended with exit code 1.")
    result, _wanted, _timeout = run(monkeypatch, capsys, error, patience=patience)
    assert result["failed"]
    assert result["msg"] == "mariadb2 will not reach Primary, Synced. Container mariadb2 has ended with exit code 1."
