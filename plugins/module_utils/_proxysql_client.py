# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ProxySQL's admin interface: an SQLite that speaks the MySQL protocol and has no transactions."""

from __future__ import annotations

import configparser
import functools
import json
import os
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable, NamedTuple

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    CONTEXT,
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
    row_changes,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    SERVERS,
    ProxySQLError,
    Row,
    Rows,
    Schema,
    Table,
    Value,
    read_schema,
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
# Rows come as JSON, thousands in one text: several times as fast as one after the other through the protocol.
PART = 4096
PREFIX = {MEMORY: "main.", RUNTIME: "main.runtime_", DISK: "disk."}


# What every module that logs in has in common; the doc fragment `proxysql` describes it.
LOGIN_ARGUMENTS: dict[str, Any] = {
    "login_host": {"type": "str", "default": "127.0.0.1", "fallback": (env_fallback, ["PROXYSQL_LOGIN_HOST"])},
    "login_port": {"type": "int", "default": 6032, "fallback": (env_fallback, ["PROXYSQL_LOGIN_PORT"])},
    "login_user": {"type": "str", "fallback": (env_fallback, ["PROXYSQL_LOGIN_USER"])},
    "login_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["PROXYSQL_LOGIN_PASSWORD"])},
    "login_file": {"type": "path", "fallback": (env_fallback, ["PROXYSQL_LOGIN_FILE"])},
    "login_ca_cert": {"type": "path", "fallback": (env_fallback, ["PROXYSQL_LOGIN_CA_CERT"])},
    "login_check_hostname": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 10},
    "wait": {"type": "int", "default": 0},
}
LOGIN_RULES: dict[str, Any] = {
    "required_one_of": [("login_password", "login_file")],
    "required_together": [("login_user", "login_password")],
}


class Credentials(NamedTuple):
    user: str
    password: str


class AdminClient:
    """A connection to one ProxySQL. Every failure is a ProxySQLError that says what was asked of it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._schema: Schema | None = None

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

    def schema(self) -> Schema:
        """The server's version and tables."""
        if self._schema is None:
            sql = "SELECT variable_value FROM main.runtime_global_variables WHERE variable_name = 'admin-version'"
            (version,) = self.query(sql, "to read its version")
            tables = self.query("SELECT name, sql FROM main.sqlite_master WHERE type = 'table'", "to read its tables")
            statements = {str(row["name"]): str(row["sql"]) for row in tables}
            self._schema = read_schema(str(version["variable_value"]), statements)
        return self._schema

    def read(self, want: Desired) -> State:
        """The three layers of all wanted tables, and all variables."""
        known = self.schema().tables
        names = {layer: list(want.tables) for layer in LAYERS}
        names[MEMORY] += [name for name in CONTEXT if name in known and name not in want.tables]
        return {
            layer: Layer({name: self.rows(layer, known[name]) for name in names[layer]}, self.variables(layer))
            for layer in LAYERS
        }

    def checksums(self) -> dict[str, str]:
        """ProxySQL's own checksums of what is in force, by group of tables."""
        found = self.query("SELECT name, checksum FROM runtime_checksums_values", "to read its checksums")
        return {str(row["name"]): str(row["checksum"]) for row in found}

    def runtime_servers(self) -> list[Row]:
        """Where the servers stand now, by hostgroup, and how many connections to them are in use."""
        columns = ("hostgroup_id", "hostname", "port", "status", "weight")
        pool = self.connection_pool()
        used = {(row["hostgroup"], row["srv_host"], row["srv_port"]): row["ConnUsed"] for row in pool}
        return [
            {
                **{name: row[name] for name in columns},
                "connections_used": used.get((row["hostgroup_id"], row["hostname"], row["port"]), 0),
            }
            for row in self.rows(RUNTIME, self.schema().tables[SERVERS])
        ]

    def connection_pool(self) -> list[Row]:
        """A row a server and hostgroup: connections, queries, bytes, and the latency in microseconds."""
        found = self.query("SELECT * FROM stats_mysql_connection_pool", "to read its connections")
        text = ("srv_host", "status")
        return [{n: v if n in text else int(v or 0) for n, v in row.items()} for row in found]

    def statistics(self) -> dict[str, Value]:
        """Counters and sizes by name."""
        found = self.query("SELECT Variable_Name, Variable_Value FROM stats_mysql_global", "to read its statistics")
        return {str(row["Variable_Name"]): _number_or_text(str(row["Variable_Value"])) for row in found}

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

    def rows(self, layer: str, table: Table) -> Rows:
        """What a table holds in a layer, in the order of its key."""
        columns = ", ".join(column.name for column in table.columns)
        sql = f"SELECT json_group_array(json_array({columns})) AS part FROM {PREFIX[layer]}{table.name}"
        found = self.query(f"{sql} GROUP BY rowid / {PART}", f"to read {table.name} ({layer})")
        return table.from_server([row for part in found for row in json.loads(str(part["part"]))])

    def variables(self, layer: str) -> dict[str, str]:
        """All variables of a layer."""
        sql = f"SELECT json_group_object(variable_name, variable_value) AS part FROM {PREFIX[layer]}global_variables"
        (found,) = self.query(sql, f"to read the variables ({layer})")
        return {name: str(value or "") for name, value in json.loads(str(found["part"])).items()}

    def _write(self, changes: Sequence[Change]) -> None:
        """Change memory; when ProxySQL refuses a row, put all of it back, for there is no transaction to do so."""
        written: list[Change] = []
        try:
            for change in changes:
                written.append(change)
                self._change(change)
        except ProxySQLError:
            for change in written:
                self._change(replace(change, before=change.after, after=change.before))
            raise

    def _change(self, change: Change) -> None:
        """Rows that stay are never touched, so that an interruption cannot lose one that nobody declares again."""
        doing = f"to write {change.part}"
        table = change.table
        if table is None:
            values = ", ".join(f"({literal(name)}, {literal(value)})" for name, value in change.after.items())
            self.query(f"REPLACE INTO global_variables (variable_name, variable_value) VALUES {values}", doing)
            return
        gone, come = row_changes(table, change.before, change.after)
        if gone:
            key, values = ", ".join(table.key), _values(map(table.key_of, gone))
            self.query(f"DELETE FROM {change.part} WHERE ({key}) IN (VALUES {values})", doing)
        if come:
            columns = ", ".join(come[0])
            values = _values(row.values() for row in come)
            self.query(f"REPLACE INTO {change.part} ({columns}) VALUES {values}", doing)


def log_in(module: Any) -> AdminClient:
    """Log in with the LOGIN_ARGUMENTS of a module, and keep their passwords out of its output."""
    params = module.params
    if not HAS_PYMYSQL:
        module.fail_json(msg=missing_required_lib("PyMySQL"))
    credentials = []
    if params["login_password"] is not None:
        credentials.append(Credentials(params["login_user"], params["login_password"]))
    if params["login_file"] and (not credentials or os.path.exists(params["login_file"])):
        credentials.append(read_login_file(params["login_file"]))
    module.no_log_values.update(login.password for login in credentials if login.password)
    tls: dict[str, Any] = {}
    if params["login_ca_cert"]:
        if not os.path.exists(params["login_ca_cert"]):
            raise ProxySQLError(f"login_ca_cert {params['login_ca_cert']} is not there.")
        tls = {"ca": params["login_ca_cert"], "check_hostname": params["login_check_hostname"]}
    opener = functools.partial(pymysql.connect, ssl=tls) if tls else None
    return connect(
        params["login_host"], params["login_port"], credentials, params["timeout"], params["wait"], opener=opener
    )


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
                    # PyMySQL itself would encode text as latin1, which has not every letter.
                    password=password.encode(),
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
            unverified = isinstance(getattr(error, "original_exception", None), ssl.SSLCertVerificationError)
            if code in NOT_UP_YET and not unverified:
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


def _number_or_text(text: str) -> Value:
    return int(text) if text.lstrip("-").isdigit() else text


def _values(rows: Iterable[Iterable[Value]]) -> str:
    return ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)


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
