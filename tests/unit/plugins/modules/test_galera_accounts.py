# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read, written down and warned of; the server's answer is given."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NotAnswering
from ansible_collections.dbops.galera.plugins.modules import galera_accounts

ROWS = [("root", "localhost", 1), ("admin", "%", 1), ("admin", "10.0.0.%", 1), ("monitor", "10.0.0.%", 1)]
WANTED = ["admin@10.0.0.%", "monitor@10.0.0.%", "monitor@localhost"]


class Server:
    """A connection and its cursor."""

    def __init__(self, rows: list[tuple[str, str, int]]) -> None:
        self.rows = rows

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def cursor(self) -> Server:
        return self

    def execute(self, statement: str) -> None:
        assert "mysql.global_priv" in statement

    def fetchall(self) -> list[tuple[str, str, int]]:
        return self.rows


class Host:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], record: Path) -> None:
        self.monkeypatch, self.capsys, self.record = monkeypatch, capsys, record
        self.warnings: list[str] = []
        # Ansible tells the same warning once a process.
        monkeypatch.setattr(AnsibleModule, "warn", lambda _module, said: self.warnings.append(said))

    def run(self, rows: Any, wanted: list[str], **arguments: Any) -> dict[str, Any]:
        @contextlib.contextmanager
        def connect(_socket: str, _defaults_file: str | None) -> Iterator[Server]:
            if isinstance(rows, Exception):
                raise rows
            yield Server(rows)

        self.monkeypatch.setattr(galera_accounts, "connect", connect)
        given = {"node": "mariadb1", "socket": "/s", "accounts": wanted, "record": str(self.record), **arguments}
        with patch_module_args(given), pytest.raises(SystemExit):
            galera_accounts.main()
        told: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return told


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Host:
    return Host(monkeypatch, capsys, tmp_path)


def test_a_narrowed_pattern_is_warned_of(host: Host) -> None:
    result = host.run(ROWS, WANTED)
    assert result["left"] == [{"account": "admin@%", "made": False}]
    assert [said[:42] for said in host.warnings] == ["The server has the account admin@%, of a u"]


def test_what_exists_is_written_down_once(host: Host) -> None:
    assert host.run(ROWS, WANTED)["changed"] is True
    written = json.loads((host.record / "accounts.json").read_text(encoding="utf-8"))
    assert written == {"accounts": ["admin@10.0.0.%", "monitor@10.0.0.%"]}
    assert host.run(ROWS, WANTED)["changed"] is False


def test_a_renamed_user_is_known_by_what_was_written_down(host: Host) -> None:
    host.run([("dba", "%", 1)], ["dba@%"])
    result = host.run([("dba", "%", 1), ("admin", "%", 1)], ["admin@%"])
    assert result["left"] == [{"account": "dba@%", "made": True}]
    assert host.run([("admin", "%", 1)], ["admin@%"])["left"] == []
    assert json.loads((host.record / "accounts.json").read_text(encoding="utf-8")) == {"accounts": ["admin@%"]}


def test_a_locked_account_lets_nobody_in(host: Host) -> None:
    assert host.run([("admin", "%", 0), ("admin", "10.0.0.%", 1)], WANTED)["left"] == []


def test_check_mode_writes_nothing(host: Host) -> None:
    assert host.run(ROWS, WANTED, _ansible_check_mode=True)["changed"] is True
    assert list(host.record.iterdir()) == []


def test_a_server_that_does_not_answer(host: Host) -> None:
    assert host.run(NotAnswering("No answer at /s: gone."), WANTED)["msg"] == "No answer at /s: gone."


def test_a_record_that_is_damaged(host: Host) -> None:
    (host.record / "accounts.json").write_text("[]", encoding="utf-8")
    assert host.run(ROWS, WANTED)["msg"] == (
        f"{host.record}/accounts.json is damaged: it holds no mapping. Remove it, and run site, which writes it again, "
        "and will not know accounts that it made before."
    )
