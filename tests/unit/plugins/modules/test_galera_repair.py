# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.modules import galera_repair

UUID = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
STOPPED = {"state": "stopped", "uuid": UUID, "seqno": 800, "source": "grastate"}
EMPTY = {"state": "empty", "uuid": None, "seqno": -1, "source": "none"}
PEERS = {"mariadb1": {"uuid": UUID, "seqno": 900, "cached_downto": 700}}


class Host:
    """An engine with these containers on the datadir, and this log."""

    def __init__(self, users: list[str], log: str) -> None:
        self.users = users
        self.log = log

    def users_of(self, _datadir: str) -> list[str]:
        return self.users

    def inspect(self, _name: str) -> None:
        return None

    def last_life(self, _name: str) -> str:
        return self.log


def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    datadir: Path,
    report: dict[str, Any],
    users: list[str] | None = None,
    log: str = "",
    **arguments: Any,
) -> dict[str, Any]:
    monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: Host(users or [], log)))
    asked = {"node": "mariadb2", "socket": "/none.sock", "datadir": str(datadir), "report": report, "peers": PEERS}
    with patch_module_args({**asked, **arguments}), pytest.raises(SystemExit):
        galera_repair.main()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    path = tmp_path / "datadir"
    path.mkdir()
    (path / "ibdata1").touch()
    return path


Capture = pytest.CaptureFixture[str]


def test_an_ist_moves_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Capture, datadir: Path) -> None:
    result = run(monkeypatch, capsys, datadir, STOPPED)
    assert (result["method"], result["changed"], result["kept"], result["all_kept"]) == ("IST", False, None, [])
    assert os.listdir(datadir) == ["ibdata1"]


@pytest.mark.parametrize(
    "more", [{"failed": "It ended again."}, {"log": "[ERROR] InnoDB: Checksum mismatch in the first page"}]
)
def test_an_sst_keeps_the_datadir(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, datadir: Path, more: dict[str, Any]
) -> None:
    predicted = run(monkeypatch, capsys, datadir, STOPPED, **more, _ansible_check_mode=True)
    assert (predicted["method"], predicted["changed"], predicted["kept"]) == ("SST", True, None)
    assert os.listdir(datadir) == ["ibdata1"]
    result = run(monkeypatch, capsys, datadir, STOPPED, **more)
    assert (result["method"], result["changed"], result["all_kept"]) == ("SST", True, [result["kept"]])
    assert os.listdir(result["kept"]) == ["ibdata1"]
    assert os.listdir(datadir) == []


def test_an_empty_datadir_is_left(monkeypatch: pytest.MonkeyPatch, capsys: Capture, datadir: Path) -> None:
    result = run(monkeypatch, capsys, datadir, EMPTY)
    assert (result["method"], result["changed"], result["kept"]) == ("SST", False, None)


def test_a_node_that_runs(monkeypatch: pytest.MonkeyPatch, capsys: Capture, datadir: Path) -> None:
    predicted = run(monkeypatch, capsys, datadir, STOPPED, ["mariadb2"], _ansible_check_mode=True)
    assert (predicted["method"], predicted["changed"]) == ("unknown", True)
    result = run(monkeypatch, capsys, datadir, STOPPED, ["mariadb2"], failed="It ended.")
    assert result["failed"]
    assert "mariadb2 runs on the datadir" in result["msg"]
    assert os.listdir(datadir) == ["ibdata1"]


def test_data_of_another_cluster(monkeypatch: pytest.MonkeyPatch, capsys: Capture, datadir: Path) -> None:
    result = run(monkeypatch, capsys, datadir, {**STOPPED, "uuid": UUID.replace("a", "b")})
    assert "holds data of another cluster" in result["msg"]
