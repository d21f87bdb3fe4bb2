# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _wsrep
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.position import Position
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    NodeStatus,
    NotAnswering,
    TimedOut,
    Wanted,
    log_in,
    read_status,
    replace_allowlist,
    wait_for,
)

UUID = "e8101d12-e532-11f1-8a96-fa36e0da60b6"
ROWS = {
    "wsrep_cluster_conf_id": "2",
    "wsrep_cluster_size": "2",
    "wsrep_cluster_state_uuid": UUID,
    "wsrep_cluster_status": "Primary",
    "wsrep_connected": "ON",
    "wsrep_desync_count": "0",
    "wsrep_flow_control_paused": "0.25",
    "wsrep_gcomm_uuid": "e8c71533-e532-11f1-b634-0ad43952bbc7",
    "wsrep_incoming_addresses": "198.51.100.11:3306,AUTO",
    "wsrep_last_committed": "15",
    "wsrep_local_recv_queue": "4",
    "wsrep_local_state_comment": "Synced",
    "wsrep_provider_version": "4.23(rXXXX)",
    "wsrep_ready": "ON",
}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def status(**changed: str) -> NodeStatus:
    return NodeStatus.from_variables({**ROWS, **changed}, "10.11.19-MariaDB")


def test_status_of_a_live_node() -> None:
    seen = status()
    assert seen.position == Position(UUID, 15)
    assert (seen.primary, seen.synced, seen.recv_queue, seen.cluster_size) == (True, True, 4, 2)
    assert seen.incoming_addresses == ["198.51.100.11:3306", "AUTO"]
    assert seen.flow_control_paused == 0.25
    assert str(seen) == "Primary, Synced, cluster size 2, receive queue 4"


@pytest.mark.parametrize(
    ("told", "downto"), [("58", 58), ("18446744073709551615", None), ("-1", None), ("0", None), ("", None)]
)
def test_what_a_gcache_reaches_back_to(told: str, downto: int | None) -> None:
    assert status(wsrep_local_cached_downto=told).cached_downto == downto


def test_a_node_that_was_put_out() -> None:
    assert status(wsrep_local_state_comment="Inconsistent").put_out
    assert not status().put_out


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "10.11.19-MariaDB-0+deb12u1"),
        ("11.8.6-MariaDB-0+deb13u1 from Debian", "11.8.6-MariaDB-0+deb13u1 from Debian"),
    ],
)
def test_version(told: str, version: str) -> None:
    assert NodeStatus.from_variables(ROWS, told).version == version


@pytest.mark.parametrize("rows", [{}, dict.fromkeys(ROWS, "")])
def test_status_of_a_server_without_galera(rows: dict[str, str]) -> None:
    seen = NodeStatus.from_variables(rows, "10.11.19-MariaDB")
    assert (seen.cluster_status, seen.primary, seen.synced) == ("Disconnected", False, False)
    assert not seen.position.known


@pytest.mark.parametrize(
    ("wanted", "changed", "met"),
    [
        (Wanted(), {}, True),
        (Wanted(), {"wsrep_cluster_status": "non-Primary"}, False),
        (Wanted(), {"wsrep_local_state_comment": "Donor/Desynced"}, False),
        (Wanted(), {"wsrep_ready": "OFF"}, False),
        (Wanted(synced=False), {"wsrep_local_state_comment": "Donor/Desynced"}, True),
        (Wanted(primary=False, synced=False), {"wsrep_cluster_status": "non-Primary"}, True),
        (Wanted(cluster_size=2), {}, True),
        (Wanted(cluster_size=3), {}, False),
        (Wanted(receive_queue_empty=True), {}, False),
        (Wanted(receive_queue_empty=True), {"wsrep_local_recv_queue": "0"}, True),
    ],
)
def test_wanted(wanted: Wanted, changed: dict[str, str], met: bool) -> None:
    assert wanted.met(status(**changed)) is met
    assert not wanted.met(None)


def test_wanted_in_words() -> None:
    assert str(Wanted(cluster_size=3, receive_queue_empty=True)) == (
        "Primary, Synced, cluster size 3, an empty receive queue"
    )
    assert str(Wanted(primary=False, synced=False)) == "an answer"


class Cursor:
    """A server's answers; an exception is raised."""

    def __init__(self, members: Any, databases: Any = (), allowlist: Any = ()) -> None:
        self.answers = {"wsrep_cluster_members": members, "SCHEMATA": databases, "SHOW GLOBAL STATUS": ROWS.items()}
        self.answers["ip FROM mysql.wsrep_allowlist"] = allowlist
        self.asked: list[str] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def execute(self, statement: str, arguments: Any = None) -> None:
        self.asked.append(statement)
        self.given = arguments
        if isinstance(self._answer(), Exception):
            raise self._answer()

    def fetchall(self) -> list[tuple[str, ...]]:
        return list(self._answer())

    def _answer(self) -> Any:
        return next((answer for table, answer in self.answers.items() if table in self.asked[-1]), ())


class Connection(Cursor):
    def cursor(self) -> Cursor:
        return self

    def get_server_info(self) -> str:
        return "10.11.19-MariaDB"

    def commit(self) -> None:
        self.asked.append("COMMIT")


@pytest.mark.parametrize(
    ("told", "members"),
    [
        ([("B",), ("A",)], ("a", "b")),
        ([], ()),
        # The table is not for every account, and nobody reads it outside a Primary Component.
        ((1142, "SELECT command denied"), ()),
        ((1047, "WSREP has not yet prepared node for application use"), ()),
    ],
)
def test_whom_a_node_sees(monkeypatch: pytest.MonkeyPatch, told: Any, members: tuple[str, ...]) -> None:
    pymysql = pytest.importorskip("pymysql")
    answer = pymysql.err.OperationalError(*told) if isinstance(told, tuple) else told
    monkeypatch.setattr(pymysql, "connect", lambda **_options: Connection(answer))
    seen = read_status("/run/mysqld.sock")
    assert seen.view_members == members
    assert (seen.primary, seen.gcomm_uuid) == (True, ROWS["wsrep_gcomm_uuid"])


@pytest.mark.parametrize(
    ("told", "databases"),
    [
        ([("shop",), ("mysql",), ("application",)], ("application", "shop")),
        ([("mysql",)], ()),
        # What it does not tell costs no status.
        ((1047, "WSREP has not yet prepared node for application use"), None),
        ((2013, "Lost connection to MySQL server during query (timed out)"), None),
    ],
)
def test_databases_of_latin1(monkeypatch: pytest.MonkeyPatch, told: Any, databases: tuple[str, ...] | None) -> None:
    answer = pymysql.err.OperationalError(*told) if isinstance(told, tuple) else told
    connection = Connection([("A",)], answer)
    monkeypatch.setattr(pymysql, "connect", lambda **_options: connection)
    seen = read_status("/run/mysqld.sock", databases=True)
    assert seen.latin1_databases == databases
    assert (seen.primary, seen.view_members) == (True, ("a",))


def test_databases_are_read_only_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection([], [("shop",)])
    monkeypatch.setattr(pymysql, "connect", lambda **_options: connection)
    assert read_status("/run/mysqld.sock").latin1_databases is None
    assert not any("SCHEMATA" in statement for statement in connection.asked)


NO_TABLE = pymysql.err.ProgrammingError(1146, "Table 'mysql.wsrep_allowlist' doesn't exist")


@pytest.mark.parametrize(("told", "allowed"), [([("b",), ("a",)], ("a", "b")), ([], ()), (NO_TABLE, None)])
def test_who_may_connect(monkeypatch: pytest.MonkeyPatch, told: Any, allowed: tuple[str, ...] | None) -> None:
    monkeypatch.setattr(pymysql, "connect", lambda **_options: Connection([], allowlist=told))
    assert read_status("/run/mysqld.sock", allowlist=True).allowlist == allowed
    assert read_status("/run/mysqld.sock").allowlist is None


@pytest.mark.parametrize(
    ("after", "predict", "statements"),
    [
        (
            ["a", "b"],
            False,
            ["TRUNCATE TABLE mysql.wsrep_allowlist", "INSERT INTO mysql.wsrep_allowlist VALUES (%s), (%s)"],
        ),
        ([], False, ["TRUNCATE TABLE mysql.wsrep_allowlist"]),
        (["a", "b"], True, []),
    ],
)
def test_the_allowlist_is_replaced(
    monkeypatch: pytest.MonkeyPatch, after: list[str], predict: bool, statements: list[str]
) -> None:
    """TRUNCATE does the same on all nodes: the row of one that another has already would put that one out."""
    connection = Connection([], allowlist=[("a",)])
    monkeypatch.setattr(pymysql, "connect", lambda **_options: connection)
    assert replace_allowlist("/run/mysqld.sock", None, lambda _before: after, predict, 60) == (("a",), after)
    changes = [statement for statement in connection.asked if not statement.startswith(("SELECT", "SET"))]
    assert [statement for statement in changes if statement != "COMMIT"] == statements
    assert ("COMMIT" in changes) == ("INSERT" in " ".join(statements))


def test_an_allowlist_that_is_right_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection([], allowlist=[("a",)])
    monkeypatch.setattr(pymysql, "connect", lambda **_options: connection)
    asked: list[Any] = []
    assert replace_allowlist("/run/mysqld.sock", None, asked.append, False, 60) is None
    assert asked == [("a",)]
    assert not any("TRUNCATE" in statement for statement in connection.asked)


def test_waiting_ends_when_the_state_is_reached() -> None:
    time, states = Time(), iter([1, 2, 3, 4])
    assert wait_for(lambda: next(states), lambda state: state == 3, 60, 0.5, time.clock, time.sleep) == 3
    assert time.slept == [0.5, 0.5]


def test_a_reached_state_is_not_waited_for() -> None:
    time = Time()
    assert wait_for(lambda: 1, lambda state: state == 1, 0, 0.5, time.clock, time.sleep) == 1
    assert time.slept == []


def test_waiting_tells_the_last_state_seen_at_the_time_out() -> None:
    time = Time()
    with pytest.raises(TimedOut, match=r"not reached within 1\.2 s; the last state seen was: joining") as error:
        wait_for(lambda: "joining", lambda state: state == "synced", 1.2, 0.5, time.clock, time.sleep)
    assert error.value.last == "joining"
    assert time.slept == pytest.approx([0.5, 0.5, 0.2])


def test_waiting_ends_at_once_when_it_is_in_vain() -> None:
    def read() -> Iterator[None]:
        raise GaleraError("Container mariadb2 has ended.")

    time = Time()
    with pytest.raises(GaleraError, match="has ended"):
        wait_for(read, lambda _state: False, 60, 0.5, time.clock, time.sleep)
    assert time.slept == []


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("pymysql")
    with pytest.raises(NotAnswering, match=r"No answer at .*/none\.sock: .*No such file"):
        read_status(str(tmp_path / "none.sock"))


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wsrep, "HAS_PYMYSQL", False)
    with pytest.raises(GaleraError, match=r"PyMySQL.*python3-pymysql"):
        read_status("/none.sock")


@pytest.mark.parametrize("code", [1045, 1130, 1698])
def test_a_refused_account_is_told_from_silence(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    pymysql = pytest.importorskip("pymysql")

    def connect(**_options: Any) -> None:
        raise pymysql.err.OperationalError(code, "Access denied for user 'root'@'localhost'")

    monkeypatch.setattr(pymysql, "connect", connect)
    with pytest.raises(_wsrep.AccessRefused, match="refuses root: Access denied"):
        read_status("/run/mysqld.sock")
    with pytest.raises(_wsrep.AccessRefused, match=r"refuses the account of /root/\.my\.cnf"):
        read_status("/run/mysqld.sock", "/root/.my.cnf")


@pytest.mark.parametrize("password", ["secret", "pässwörd", "пароль€", "😀"])
def test_a_client_logs_in_with_any_letters(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """PyMySQL sends bytes as they are, and text as latin1, which has no letter for most of these."""
    seen: list[bytes] = []

    def connect(**login: Any) -> contextlib.AbstractContextManager[None]:
        seen.append(pymysql.connections.Connection(**login, defer_connect=True).password)
        return contextlib.nullcontext()

    monkeypatch.setattr(_wsrep.pymysql, "connect", connect)
    with log_in("198.51.100.10", 3306, "application", password):
        assert seen == [password.encode("utf-8")]
