# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against an SQLite with ProxySQL's three layers; tests/proxysql has the same against a real ProxySQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_client import AdminClient, Credentials
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import Desired, desired, plan
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES, ProxySQLError

pymysql = pytest.importorskip("pymysql")

OLD, NEW = Credentials("operator", "old"), Credentials("operator", "new")
VARIABLES = {"mysql-threads": "4", "mysql-max_connections": "10000", "mysql-server_version": "8.0.11"}


class Admin:
    """ProxySQL's admin interface as far as the client sees it: memory, runtime and disk, LOAD and SAVE."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.refuses: set[str] = set()
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = lambda cursor, row: {d[0]: v for d, v in zip(cursor.description, row)}
        self._db.execute("ATTACH ':memory:' AS disk")
        self._tables = {table.name: [c.name for c in table.columns] for table in TABLES.values()}
        self._tables["global_variables"] = ["variable_name PRIMARY KEY", "variable_value"]
        for name, columns in self._tables.items():
            for place in (f"main.{name}", f"main.runtime_{name}", f"disk.{name}"):
                check = ", CHECK (gtid_port <> port)" if name == "mysql_servers" else ""
                self._db.execute(f"CREATE TABLE {place} ({', '.join(columns)}{check})")
                if name == "global_variables":
                    self._db.executemany(f"INSERT INTO {place} VALUES (?, ?)", VARIABLES.items())
        self._db.execute("CREATE TABLE stats_mysql_connection_pool (hostgroup, srv_host, srv_port, ConnUsed)")
        self._db.execute("INSERT INTO stats_mysql_connection_pool VALUES ('0', 'db1', '3306', '2')")

    def cursor(self) -> Admin:
        return self

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        command = re.fullmatch(r"(LOAD|SAVE) (.+) TO (?:RUNTIME|DISK)", sql)
        if not command:
            self._found = self._db.execute(sql).fetchall()
            return
        self.commands.append(sql)
        load, unit = command[1] == "LOAD", command[2]
        if "VARIABLES" in unit:
            self._copy("global_variables", load)
        for table in TABLES.values():
            if table.unit == unit:
                self._copy(table.name, load)

    def fetchall(self) -> list[dict[str, Any]]:
        return self._found

    def _copy(self, name: str, load: bool) -> None:
        there = f"main.runtime_{name}" if load else f"disk.{name}"
        if name == "global_variables" and load:
            for kept in self.refuses | {"mysql-threads"}:
                running = f"SELECT variable_value FROM {there} WHERE variable_name = '{kept}'"
                self._db.execute(f"UPDATE {name} SET variable_value = ({running}) WHERE variable_name = '{kept}'")
        self._db.execute(f"DELETE FROM {there}")
        self._db.execute(f"INSERT INTO {there} SELECT * FROM main.{name}")


@pytest.fixture(name="admin")
def fixture_admin() -> Iterator[Admin]:
    admin = Admin()
    yield admin
    admin._db.close()


def configure(admin: Admin, want: Desired) -> list[str]:
    """Apply, and return the LOADs and SAVEs that it took."""
    admin.commands.clear()
    connection = AdminClient(admin)
    connection.apply(want, plan(want, connection.read(want)))
    return admin.commands


def test_the_second_run_has_nothing_to_do(admin: Admin) -> None:
    want = desired(
        {
            "servers": [{"hostname": "db1", "comment": "it's \\ \u00e9"}],
            "query_rules": [{"rule_id": 1, "active": 1, "match_digest": r"^SELECT\s"}],
            "variables": {"mysql-max_connections": 2048},
        }
    )
    units = ["MYSQL VARIABLES", "MYSQL SERVERS", "MYSQL QUERY RULES"]

    assert configure(admin, want) == [f"LOAD {u} TO RUNTIME" for u in units] + [f"SAVE {u} TO DISK" for u in units]
    assert configure(admin, want) == []
    assert AdminClient(admin).runtime_servers() == [
        {"hostgroup_id": 0, "hostname": "db1", "port": 3306, "status": "ONLINE", "weight": 1, "connections_used": 2}
    ]


@pytest.mark.parametrize(
    ("layer", "commands"),
    [
        ("main.mysql_servers", []),
        ("main.runtime_mysql_servers", ["LOAD MYSQL SERVERS TO RUNTIME"]),
        ("disk.mysql_servers", ["SAVE MYSQL SERVERS TO DISK"]),
    ],
)
def test_only_what_differs_is_loaded_or_saved(admin: Admin, layer: str, commands: list[str]) -> None:
    want = desired({"servers": [{"hostname": "db1"}]})
    configure(admin, want)
    admin.execute(f"DELETE FROM {layer}")

    assert configure(admin, want) == commands
    assert plan(want, AdminClient(admin).read(want)).changes == []


def test_a_row_that_the_server_refuses_leaves_everything_as_it_was(admin: Admin) -> None:
    configure(admin, desired({"servers": [{"hostname": "db1"}], "variables": {"mysql-max_connections": 99}}))
    wrong = desired(
        {
            "servers": [{"hostname": "db2", "port": 1, "gtid_port": 1}],
            "variables": {"mysql-max_connections": 5},
        }
    )

    with pytest.raises(ProxySQLError, match="ProxySQL failed to write mysql_servers: CHECK constraint failed"):
        configure(admin, wrong)
    assert admin.commands == []
    kept = desired({"servers": [{"hostname": "db1"}], "variables": {"mysql-max_connections": 99}})
    assert plan(kept, AdminClient(admin).read(kept)).changes == []


def test_a_value_that_proxysql_puts_back_is_an_error_and_not_saved(admin: Admin) -> None:
    admin.refuses = {"mysql-server_version"}

    with pytest.raises(ProxySQLError, match="ProxySQL did not take mysql-server_version as given"):
        configure(admin, desired({"variables": {"mysql-server_version": "?", "mysql-max_connections": 5}}))
    assert admin.commands == ["LOAD MYSQL VARIABLES TO RUNTIME"]


def test_variables_for_the_next_start_survive_a_load(admin: Admin) -> None:
    want = desired({"variables": {"mysql-threads": 8, "mysql-max_connections": 5}})

    assert configure(admin, want) == ["LOAD MYSQL VARIABLES TO RUNTIME", "SAVE MYSQL VARIABLES TO DISK"]
    assert configure(admin, want) == []
    assert plan(want, AdminClient(admin).read(want)).restart_required


def test_an_error_does_not_repeat_the_statement(admin: Admin) -> None:
    with pytest.raises(ProxySQLError) as error:
        AdminClient(admin).query("SELECT 'secret' FROM nowhere", "to read nowhere")

    assert str(error.value) == "ProxySQL failed to read nowhere: no such table: nowhere"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def answering(*answers: Any) -> Callable[..., Any]:
    """An opener of connections that gives or raises one answer a call."""
    left = list(answers)

    def opener(**_options: Any) -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return opener


REFUSED = pymysql.err.OperationalError(2003, "Connection refused")
DENIED = pymysql.err.OperationalError(1045, "Access denied")


def test_connecting_waits_for_the_interface(admin: Admin) -> None:
    clock = Clock()
    opener = answering(REFUSED, REFUSED, admin)

    client.connect("h", 1, [OLD], 5, wait=10, opener=opener, clock=clock, sleep=clock.sleep)
    assert clock.now == 1.0


def test_waiting_ends_with_the_last_error() -> None:
    clock = Clock()

    with pytest.raises(ProxySQLError, match="interface h:1 did not answer for 3 s: Connection refused"):
        client.connect("h", 1, [OLD], 5, wait=3, opener=answering(REFUSED), clock=clock, sleep=clock.sleep)
    assert clock.now == 3.0


def test_the_second_credentials_are_tried_when_the_first_are_refused(admin: Admin) -> None:
    client.connect("h", 1, [NEW, OLD], 5, opener=answering(DENIED, admin))


def test_refused_credentials_are_told_without_the_passwords() -> None:
    with pytest.raises(ProxySQLError) as error:
        client.connect("h", 1, [NEW, OLD], 5, opener=answering(DENIED))

    assert "accepts none of the given passwords of 'operator'" in str(error.value)
    assert "new" not in str(error.value)


def test_another_refusal_is_passed_on_at_once() -> None:
    remote = pymysql.err.OperationalError(1040, "User 'admin' can only connect locally")

    with pytest.raises(ProxySQLError, match="refused: User 'admin' can only connect locally"):
        client.connect("h", 1, [OLD], 5, wait=60, opener=answering(remote))


@pytest.mark.parametrize(
    ("line", "password"),
    [("password=a%b#c", "a%b#c"), ('password = "a\\"b\\\\c"', 'a"b\\c'), ("password='x y'", "x y")],
)
def test_the_login_file_is_an_option_file(tmp_path: Path, line: str, password: str) -> None:
    path = tmp_path / "admin.cnf"
    path.write_text(f"# Here\n[client]\nhost=127.0.0.1\nuser=operator\n{line}\nskip-ssl\n", encoding="utf-8")

    assert client.read_login_file(str(path)) == Credentials("operator", password)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read: No such file"), ("[client]\nuser=a\n", "has no section"), ("user=a\n", "has no section")],
)
def test_a_bad_login_file_is_named(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "admin.cnf"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(ProxySQLError, match=f"login_file .*admin.cnf {sentence}"):
        client.read_login_file(str(path))


@pytest.mark.parametrize(("value", "sql"), [(None, "NULL"), (3, "3"), ("it's", "'it''s'"), ("\\", "'\\'")])
def test_literals_are_sqlites(value: Any, sql: str) -> None:
    assert client.literal(value) == sql
