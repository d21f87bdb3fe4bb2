# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ProxySQL's tables as data: columns, types, defaults and constraints, and rows brought to that form. No I/O.

https://proxysql.com/documentation/main-runtime/
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

Value = Union[str, int, None]
Row = dict[str, Value]
Rows = list[Row]

NO_DEFAULT = object()


class ProxySQLError(Exception):
    """What is wrong and where, as one sentence for the operator."""


@dataclass(frozen=True)
class Column:
    """A column: its type, its default and the values that ProxySQL's CHECK constraints allow."""

    name: str
    kind: str = "text"  # text, int or json
    default: Any = NO_DEFAULT
    low: int | None = None
    high: int | None = None
    choices: frozenset[Value] = frozenset()
    secret: bool = False

    def value(self, given: Any) -> Value:
        """The given value as ProxySQL would store it, or a ValueError that says what is expected."""
        if given is None:
            if self.default is NO_DEFAULT:
                raise ValueError("must have a value")
            default: Value = self.default
            return default
        if self.kind == "int":
            return self._number(given)
        if self.kind == "json":
            return _json_text(given)
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            raise ValueError(f"must be text, not {type(given).__name__}")
        text = str(given)
        if "\0" in text:
            raise ValueError("must not contain a NUL character")
        if self.choices:
            text = text.upper()
            if text not in self.choices:
                raise ValueError(f"must be one of {', '.join(sorted(map(str, self.choices)))}, not {given!r}")
        return native_password_hash(text) if self.secret and text else text

    def _number(self, given: Any) -> int:
        if not isinstance(given, (bool, int)) and not (isinstance(given, str) and re.fullmatch(r"-?\d+", given)):
            raise ValueError(f"must be a whole number, not {given!r}")
        number = int(given)
        if self.choices and number not in self.choices:
            raise ValueError(f"must be one of {', '.join(sorted(map(str, self.choices)))}, not {number}")
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            limits = f"at least {self.low}" if self.high is None else f"from {self.low} to {self.high}"
            raise ValueError(f"must be {limits}, not {number}")
        return number


@dataclass(frozen=True)
class Table:
    """A table of the admin interface, and the words by which LOAD and SAVE call it."""

    name: str
    unit: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = ()

    def sorted(self, rows: Rows) -> Rows:
        """By key, numbers by size."""
        return sorted(rows, key=lambda row: [(isinstance(row[k], str), row[k]) for k in self.key])


def _text(name: str, default: Any = "", secret: bool = False) -> Column:
    return Column(name, default=default, secret=secret)


def _json(name: str) -> Column:
    return Column(name, kind="json", default="")


def _int(name: str, default: Any = None, low: int | None = 0, high: int | None = None) -> Column:
    return Column(name, kind="int", default=default, low=low, high=high)


def _one_of(name: str, choices: Sequence[int], default: Any) -> Column:
    return Column(name, kind="int", default=default, choices=frozenset(choices))


def _flag(name: str, default: Any) -> Column:
    return _one_of(name, (0, 1), default)


_PORT = 65535
_STATUS = frozenset({"ONLINE", "SHUNNED", "OFFLINE_SOFT", "OFFLINE_HARD"})

# Keyed by the option of the module, in the order in which they are to be written and loaded.
# https://proxysql.com/documentation/main-runtime/ ; columns, defaults and constraints of ProxySQL 2.7.
TABLES: dict[str, Table] = {
    "servers": Table(
        name="mysql_servers",
        unit="MYSQL SERVERS",
        key=("hostgroup_id", "hostname", "port"),
        columns=(
            _int("hostgroup_id", 0),
            _text("hostname", NO_DEFAULT),
            _int("port", 3306, 0, _PORT),
            _int("gtid_port", 0, 0, _PORT),
            Column("status", default="ONLINE", choices=_STATUS),
            _int("weight", 1, 0, 10000000),
            _flag("compression", 0),
            _int("max_connections", 1000),
            _int("max_replication_lag", 0, 0, 126144000),
            _flag("use_ssl", 0),
            _int("max_latency_ms", 0),
            _text("comment"),
        ),
    ),
    "galera_hostgroups": Table(
        name="mysql_galera_hostgroups",
        unit="MYSQL SERVERS",
        key=("writer_hostgroup",),
        columns=(
            _int("writer_hostgroup", NO_DEFAULT),
            _int("backup_writer_hostgroup", NO_DEFAULT),
            _int("reader_hostgroup", NO_DEFAULT, 1),
            _int("offline_hostgroup", NO_DEFAULT),
            _flag("active", 1),
            _int("max_writers", 1),
            _one_of("writer_is_also_reader", (0, 1, 2), 0),
            _int("max_transactions_behind", 0),
            _text("comment", None),
        ),
        unique=(("backup_writer_hostgroup",), ("reader_hostgroup",), ("offline_hostgroup",)),
    ),
    "hostgroup_attributes": Table(
        name="mysql_hostgroup_attributes",
        unit="MYSQL SERVERS",
        key=("hostgroup_id",),
        columns=(
            _int("hostgroup_id", NO_DEFAULT),
            _int("max_num_online_servers", 1000000, 0, 1000000),
            _one_of("autocommit", (-1, 0, 1), -1),
            _int("free_connections_pct", 10, 0, 100),
            _text("init_connect"),
            _flag("multiplex", 1),
            _flag("connection_warming", 0),
            _int("throttle_connections_per_sec", 1000000, 1, 1000000),
            _json("ignore_session_variables"),
            _json("hostgroup_settings"),
            _json("servers_defaults"),
            _text("comment"),
        ),
    ),
    "users": Table(
        name="mysql_users",
        unit="MYSQL USERS",
        key=("username", "backend"),
        columns=(
            _text("username", NO_DEFAULT),
            _text("password", None, secret=True),
            _flag("active", 1),
            _flag("use_ssl", 0),
            _int("default_hostgroup", 0),
            _text("default_schema", None),
            _flag("schema_locked", 0),
            _flag("transaction_persistent", 1),
            _flag("fast_forward", 0),
            _flag("backend", 1),
            _flag("frontend", 1),
            _int("max_connections", 10000),
            _json("attributes"),
            _text("comment"),
        ),
        unique=(("username", "frontend"),),
    ),
    "query_rules": Table(
        name="mysql_query_rules",
        unit="MYSQL QUERY RULES",
        key=("rule_id",),
        columns=(
            _int("rule_id", NO_DEFAULT, 1),
            _flag("active", 0),
            _text("username", None),
            _text("schemaname", None),
            _int("flagIN", 0),
            _text("client_addr", None),
            _text("proxy_addr", None),
            _int("proxy_port", None, 0, _PORT),
            _text("digest", None),
            _text("match_digest", None),
            _text("match_pattern", None),
            _flag("negate_match_pattern", 0),
            _text("re_modifiers", "CASELESS"),
            _int("flagOUT"),
            _text("replace_pattern", None),
            _int("destination_hostgroup"),
            _int("cache_ttl", None, 1),
            _flag("cache_empty_result", None),
            _int("cache_timeout"),
            _flag("reconnect", None),
            _int("timeout"),
            _int("retries", None, 0, 1000),
            _int("delay"),
            _int("next_query_flagIN"),
            _int("mirror_flagOUT"),
            _int("mirror_hostgroup"),
            _text("error_msg", None),
            _text("OK_msg", None),
            _flag("sticky_conn", None),
            _one_of("multiplex", (0, 1, 2), None),
            _int("gtid_from_hostgroup"),
            _flag("log", None),
            _flag("apply", 0),
            _json("attributes"),
            _text("comment", None),
        ),
    ),
    "scheduler": Table(
        name="scheduler",
        unit="SCHEDULER",
        key=("id",),
        columns=(
            _int("id", NO_DEFAULT, 1),
            _flag("active", 1),
            _int("interval_ms", NO_DEFAULT, 100, 100000000),
            _text("filename", NO_DEFAULT),
            _text("arg1", None),
            _text("arg2", None),
            _text("arg3", None),
            _text("arg4", None),
            _text("arg5", None),
            _text("comment"),
        ),
    ),
}
SERVERS = TABLES["servers"]
GALERA_HOSTGROUPS = TABLES["galera_hostgroups"]
USERS = TABLES["users"]
QUERY_RULES = TABLES["query_rules"]


def native_password_hash(password: str) -> str:
    """A password as the plugin mysql_native_password stores it; a hash (*, 40 hexadecimal digits) stays as it is.

    https://mariadb.com/kb/en/password/
    """
    if re.fullmatch(r"\*[0-9A-Fa-f]{40}", password):
        return password.upper()
    inner = hashlib.new("sha1", password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.new("sha1", inner, usedforsecurity=False).hexdigest().upper()


def normalise(table: Table, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows with every column, in ProxySQL's types. Raises ProxySQLError naming the row and the column at fault."""
    known = [column.name for column in table.columns]
    result: Rows = []
    for number, row in enumerate(rows, 1):
        for name in row:
            if name not in known:
                raise ProxySQLError(
                    f"{table.name}, row {number}: there is no column '{name}'; there are {', '.join(known)}."
                )
        full: Row = {}
        for column in table.columns:
            try:
                full[column.name] = column.value(row.get(column.name))
            except ValueError as error:
                raise ProxySQLError(f"{table.name}, row {number}: {column.name} {error}.") from None
        result.append(full)
    for key in (table.key, *table.unique):
        seen = set()
        for full in result:
            values = tuple(full[name] for name in key)
            if values in seen:
                raise ProxySQLError(f"{table.name}: two rows have {_words(key, values)}.")
            seen.add(values)
    return table.sorted(result)


def from_server(table: Table, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows as the admin interface returns them (all text), with numbers as numbers."""
    numbers = {column.name for column in table.columns if column.kind == "int"}
    return table.sorted([{k: int(v) if k in numbers and v is not None else v for k, v in row.items()} for row in rows])


def _json_text(given: Any) -> str:
    if isinstance(given, (dict, list)):
        return json.dumps(given, sort_keys=True)
    try:
        if given != "":
            json.loads(given)
    except (TypeError, ValueError):
        raise ValueError(f"must be JSON, not {given!r}") from None
    return str(given)


def _words(names: Sequence[str], values: Sequence[Value]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in zip(names, values))
