# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ProxySQL's admin interface: an SQLite that speaks the MySQL protocol and has no transactions."""

from __future__ import annotations

import configparser
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    DISK,
    LAYERS,
    MEMORY,
    RUNTIME,
    Change,
    Desired,
    Layer,
    Plan,
    State,
    plan,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    GALERA_HOSTGROUPS,
    SERVERS,
    TABLES,
    ProxySQLError,
    Row,
    Rows,
    Table,
    Value,
    from_server,
)

try:
    import pymysql
    import pymysql.cursors
except ImportError:
    HAS_PYMYSQL = False
else:
    HAS_PYMYSQL = True

ACCESS_DENIED = 1045
NOT_UP_YET = (2002, 2003, 2006, 2013)
PREFIX = {MEMORY: "main.", RUNTIME: "main.runtime_", DISK: "disk."}


class Credentials(NamedTuple):
    user: str
    password: str


class AdminClient:
    """A connection to one ProxySQL. Every failure is a ProxySQLError that says what was asked of it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, sql: str, doing: str) -> Rows:
        """Run one statement; `doing` stands for it in an error, because the statement itself may hold a secret."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        except Exception as error:
            raise ProxySQLError(f"ProxySQL failed {doing}: {_message(error)}") from error

    def close(self) -> None:
        self._connection.close()

    def read(self, want: Desired) -> State:
        """The three layers of all wanted tables, and all variables."""
        tables = [table for table in TABLES.values() if table.name in (*want.tables, GALERA_HOSTGROUPS.name)]
        return {
            layer: Layer({t.name: self._rows(layer, t) for t in tables}, self._variables(layer)) for layer in LAYERS
        }

    def runtime_servers(self) -> list[Row]:
        """Where the servers stand now, by hostgroup, and how many connections to them are in use."""
        columns = ("hostgroup_id", "hostname", "port", "status", "weight")
        place = ("hostgroup", "srv_host", "srv_port")
        pool = self.query(
            f"SELECT {', '.join(place)}, ConnUsed FROM stats_mysql_connection_pool", "to read its connections"
        )
        used = {tuple(str(row[name]) for name in place): int(row["ConnUsed"] or 0) for row in pool}
        return [
            {
                **{name: row[name] for name in columns},
                "connections_used": used.get((str(row["hostgroup_id"]), str(row["hostname"]), str(row["port"])), 0),
            }
            for row in self._rows(RUNTIME, SERVERS)
        ]

    def apply(self, want: Desired, todo: Plan) -> None:
        """Bring memory, then runtime, then disk to what is wanted."""
        self._write(todo.of(MEMORY))
        for unit in todo.units(RUNTIME):
            self.query(f"LOAD {unit} TO RUNTIME", f"to LOAD {unit} TO RUNTIME")
        rest = plan(want, self.read(want))
        if rest.of(RUNTIME):
            raise ProxySQLError(_refused(rest.of(RUNTIME)))
        # What LOAD has put back in memory is taken only at start, from disk.
        self._write(rest.of(MEMORY))
        for unit in rest.units(DISK):
            self.query(f"SAVE {unit} TO DISK", f"to SAVE {unit} TO DISK")

    def _rows(self, layer: str, table: Table) -> Rows:
        columns = ", ".join(column.name for column in table.columns)
        found = self.query(f"SELECT {columns} FROM {PREFIX[layer]}{table.name}", f"to read {table.name} ({layer})")
        return from_server(table, found)

    def _variables(self, layer: str) -> dict[str, str]:
        sql = f"SELECT variable_name, variable_value FROM {PREFIX[layer]}global_variables"
        found = self.query(sql, f"to read the variables ({layer})")
        return {str(row["variable_name"]): str(row["variable_value"] or "") for row in found}

    def _write(self, changes: Sequence[Change]) -> None:
        """Change memory; when ProxySQL refuses a row, put all of it back, for there is no transaction to do so."""
        written: list[Change] = []
        try:
            for change in changes:
                written.append(change)
                self._replace(change.part, change.after)
        except ProxySQLError:
            for change in written:
                self._replace(change.part, change.before)
            raise

    def _replace(self, part: str, content: Any) -> None:
        doing = f"to write {part}"
        if part.endswith("_variables"):
            values = ", ".join(f"({literal(name)}, {literal(value)})" for name, value in content.items())
            self.query(f"REPLACE INTO global_variables (variable_name, variable_value) VALUES {values}", doing)
            return
        self.query(f"DELETE FROM {part}", doing)
        if content:
            columns = ", ".join(content[0])
            values = ", ".join("(" + ", ".join(map(literal, row.values())) + ")" for row in content)
            self.query(f"INSERT INTO {part} ({columns}) VALUES {values}", doing)


def connect(
    host: str,
    port: int,
    credentials: Sequence[Credentials],
    timeout: float,
    wait: float = 0,
    opener: Callable[..., Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> AdminClient:
    """Log in with the first credentials that are accepted, waiting up to `wait` seconds for the interface to be up.

    Several credentials make a change of the password safe to interrupt: either the old or the new one is in force.
    """
    deadline = clock() + wait
    while True:
        try:
            return _login(host, port, credentials, timeout, opener or pymysql.connect)
        except ConnectionError as error:
            if clock() >= deadline:
                waited = f" for {wait:g} s" if wait else ""
                raise ProxySQLError(
                    f"ProxySQL's admin interface {host}:{port} did not answer{waited}: {error}"
                ) from error
        sleep(min(0.5, max(0.0, deadline - clock())))


def _login(
    host: str, port: int, credentials: Sequence[Credentials], timeout: float, opener: Callable[..., Any]
) -> AdminClient:
    for user, password in credentials:
        try:
            return AdminClient(
                opener(
                    host=host,
                    port=port,
                    user=user,
                    password=password,
                    connect_timeout=timeout,
                    read_timeout=timeout,
                    write_timeout=timeout,
                    charset="utf8mb4",
                    autocommit=True,
                    cursorclass=pymysql.cursors.DictCursor,
                )
            )
        except pymysql.err.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in NOT_UP_YET:
                raise ConnectionError(_message(error)) from error
            if code != ACCESS_DENIED:
                raise ProxySQLError(f"ProxySQL's admin interface {host}:{port} refused: {_message(error)}") from error
    users = " and ".join(dict.fromkeys(f"'{user}'" for user, _password in credentials))
    raise ProxySQLError(
        f"ProxySQL's admin interface {host}:{port} accepts none of the given passwords of {users}; "
        "give the one in force as login_password or in login_file."
    )


def read_login_file(path: str) -> Credentials:
    """User and password of the section [client] in an option file, as the mariadb client reads it.

    https://mariadb.com/kb/en/configuring-mariadb-with-option-files/
    """
    parser = configparser.RawConfigParser(allow_no_value=True)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        client = parser["client"]
        return Credentials(_unquoted(client["user"] or ""), _unquoted(client["password"] or ""))
    except OSError as error:
        raise ProxySQLError(f"login_file {path} cannot be read: {error.strerror}.") from error
    except (KeyError, configparser.Error) as error:
        raise ProxySQLError(f"login_file {path} has no section [client] with user and password.") from error


def literal(value: Value) -> str:
    """A value in SQLite's SQL, where a quote is doubled and a backslash is only a backslash."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _message(error: BaseException) -> str:
    return str(error.args[1] if len(error.args) > 1 else error)


def _refused(changes: Sequence[Change]) -> str:
    """What ProxySQL did not take over, told by names alone."""
    names: list[str] = []
    for change in changes:
        if isinstance(change.after, Mapping):
            names += [name for name in change.after if change.before.get(name) != change.after[name]]
        else:
            names.append(change.part)
    return f"ProxySQL did not take {', '.join(names)} as given; its log says why. Nothing was saved to disk."
