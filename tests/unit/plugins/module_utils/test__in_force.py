# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record is a real file; the server's answers are given. A real server: tests/e2e/operate/test_settings.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _in_force
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._in_force import InForce
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NotAnswering

BEFORE = "[mariadbd]\nback_log = 80\nmax_connections = 100\n"
DYNAMIC = BEFORE.replace("100", "200")
STATIC = DYNAMIC.replace("80", "90")
CATALOGUE = [("back_log", "BIGINT UNSIGNED", "GLOBAL", "YES"), ("max_connections", "BIGINT UNSIGNED", "GLOBAL", "NO")]


class Server:
    """A connection to a server with this catalogue, which answers SET with an error or warnings."""

    def __init__(self, error: Exception | None = None, warnings: list[tuple[str, int, str]] | None = None) -> None:
        self.error = error
        self.warnings = warnings or []
        self.asked: list[tuple[str, Any]] = []
        self.rows: list[Any] = []

    def get_server_info(self) -> str:
        return "5.5.5-10.11.19-MariaDB"

    def cursor(self) -> Server:
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def execute(self, statement: str, values: Any = None) -> None:
        self.asked.append((statement, values))
        if statement.startswith("SELECT"):
            self.rows = [row for row in CATALOGUE if row[0] in values[0]]
        elif statement.startswith("SET"):
            if self.error:
                raise self.error
        else:
            self.rows = self.warnings

    def fetchall(self) -> list[Any]:
        return self.rows

    @property
    def set(self) -> list[tuple[str, Any]]:
        return [asked for asked in self.asked if asked[0].startswith("SET")]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "in-force.cnf"
    path.write_text(BEFORE, encoding="utf-8")
    return path


def node(monkeypatch: pytest.MonkeyPatch, record: Path, server: Server | None) -> InForce:
    @contextmanager
    def connect(*_arguments: Any) -> Iterator[Any]:
        if server is None:
            raise NotAnswering("No answer at /none.sock.")
        yield server

    monkeypatch.setattr(_in_force, "connect", connect)
    return InForce("mariadb2", "/none.sock", str(record))


def test_dynamic_settings_are_set_and_recorded(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server()
    outcome = node(monkeypatch, record, server).bring(DYNAMIC)
    assert (outcome.changed, outcome.restart) == (True, {})
    assert outcome.reason("mariadb2") == "mariadb2: set without a restart: max_connections."
    assert server.set == [("SET GLOBAL max_connections = %s", [200])]
    assert record.read_text(encoding="utf-8") == DYNAMIC


def test_a_second_time_nothing_differs(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server()
    outcome = node(monkeypatch, record, server).bring(BEFORE)
    assert (outcome.changed, outcome.running, outcome.reason("mariadb2"), server.asked) == (False, True, "", [])


def test_a_prediction_sets_nothing(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server()
    outcome = node(monkeypatch, record, server).bring(DYNAMIC, predict=True)
    assert outcome.changed
    assert server.set == []
    assert record.read_text(encoding="utf-8") == BEFORE


def test_one_static_setting_leaves_all_to_the_restart(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server()
    outcome = node(monkeypatch, record, server).bring(STATIC)
    assert (outcome.changed, outcome.restart) == (False, {"back_log": "is read-only while the server runs"})
    assert outcome.reason("mariadb2") == (
        "mariadb2 has to be restarted for its settings: back_log is read-only while the server runs."
    )
    assert server.set == []
    assert record.read_text(encoding="utf-8") == BEFORE


def test_settings_of_other_programs_are_recorded(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server()
    settings = BEFORE + "[sst]\ncompressor = zstd\n"
    assert node(monkeypatch, record, server).bring(settings).changed
    assert server.set == []
    assert record.read_text(encoding="utf-8") == settings


@pytest.mark.parametrize(
    "server",
    [
        Server(pymysql.OperationalError(1231, "Variable can't be set to the value of '200'")),
        Server(warnings=[("Warning", 1292, "Truncated incorrect max_connections value: '200'")]),
    ],
)
def test_what_the_server_does_not_take_needs_a_restart(
    monkeypatch: pytest.MonkeyPatch, record: Path, server: Server
) -> None:
    outcome = node(monkeypatch, record, server).bring(DYNAMIC)
    assert not outcome.changed
    assert "value" in outcome.restart["max_connections"]
    assert record.read_text(encoding="utf-8") == BEFORE


def test_a_lost_connection_is_told(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    server = Server(pymysql.OperationalError(2013, "Lost connection"))
    with pytest.raises(GaleraError, match="mariadb2: the connection was lost while setting max_connections"):
        node(monkeypatch, record, server).bring(DYNAMIC)
    again = node(monkeypatch, record, Server()).bring(BEFORE)
    assert "is missing" in again.restart[str(record)]


def test_without_a_record_a_running_node_is_restarted(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    record.unlink()
    outcome = node(monkeypatch, record, Server()).bring(DYNAMIC)
    assert (outcome.running, outcome.changed) == (True, False)
    assert "is missing" in outcome.restart[str(record)]


def test_a_node_that_is_down_starts_with_the_new_settings(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    outcome = node(monkeypatch, record, None).bring(STATIC)
    assert (outcome.running, outcome.changed, outcome.restart) == (False, False, {})
