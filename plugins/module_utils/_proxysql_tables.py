# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ProxySQL's tables as the server itself describes them, and rows brought to that form. No I/O.

The admin interface is an SQLite: from its CREATE TABLE statements come columns, types, defaults, keys and CHECK
constraints, and an SQLite of one's own can say of any row whether that server would take it. So every version of
ProxySQL is known by what it says of itself.

https://proxysql.com/documentation/main-runtime/
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple, Union

Value = Union[str, int, None]
Row = dict[str, Value]
Rows = list[Row]

SERVERS = "mysql_servers"
USERS = "mysql_users"
QUERY_RULES = "mysql_query_rules"
GALERA_HOSTGROUPS = "mysql_galera_hostgroups"
REPLICATION_HOSTGROUPS = "mysql_replication_hostgroups"

# By option of the module: the table, and the words by which LOAD and SAVE call its group. In the order of writing.
TABLES = {
    "servers": (SERVERS, "MYSQL SERVERS"),
    "servers_ssl_params": ("mysql_servers_ssl_params", "MYSQL SERVERS"),
    "galera_hostgroups": (GALERA_HOSTGROUPS, "MYSQL SERVERS"),
    "replication_hostgroups": (REPLICATION_HOSTGROUPS, "MYSQL SERVERS"),
    "hostgroup_attributes": ("mysql_hostgroup_attributes", "MYSQL SERVERS"),
    "users": (USERS, "MYSQL USERS"),
    "query_rules": (QUERY_RULES, "MYSQL QUERY RULES"),
    "query_rules_fast_routing": ("mysql_query_rules_fast_routing", "MYSQL QUERY RULES"),
    "firewall_whitelist_users": ("mysql_firewall_whitelist_users", "MYSQL FIREWALL"),
    "firewall_whitelist_rules": ("mysql_firewall_whitelist_rules", "MYSQL FIREWALL"),
    "firewall_whitelist_sqli_fingerprints": ("mysql_firewall_whitelist_sqli_fingerprints", "MYSQL FIREWALL"),
    "scheduler": ("scheduler", "SCHEDULER"),
    "restapi_routes": ("restapi_routes", "RESTAPI"),
    "proxysql_servers": ("proxysql_servers", "PROXYSQL SERVERS"),
}
# Columns that are never shown.
SECRETS = {USERS: "password"}


class ProxySQLError(Exception):
    """What is wrong and where, as one sentence for the operator."""


class Rule(NamedTuple):
    """A CHECK constraint: the column that it stands with, and its condition in SQL."""

    column: str
    condition: str


@dataclass(frozen=True)
class Column:
    """A column: its type, its default, and whether ProxySQL compares its text in one case."""

    name: str
    kind: str = "text"  # text, int or json
    default: Value = None
    required: bool = False
    case: str = ""  # upper or lower

    def value(self, given: Any) -> Value:
        """The given value as ProxySQL would store it, or a ValueError that says what is expected."""
        if given is None:
            if self.required:
                raise ValueError("must have a value")
            return self.default
        if self.kind == "int":
            return _number(given)
        if self.kind == "json":
            return _json_text(given)
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            raise ValueError(f"must be text, not {type(given).__name__}")
        text = str(given)
        if "\0" in text:
            raise ValueError("must not contain a NUL character")
        return {"upper": text.upper(), "lower": text.lower()}.get(self.case, text)


@dataclass(frozen=True)
class Table:
    """A table of the admin interface, and the words by which LOAD and SAVE call its group."""

    name: str
    unit: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    rules: tuple[Rule, ...] = ()

    def key_of(self, row: Mapping[str, Value]) -> tuple[Value, ...]:
        return tuple(row[name] for name in self.key)

    def sorted(self, rows: Rows) -> Rows:
        """By key, numbers by size."""
        return sorted(rows, key=lambda row: [(isinstance(value, str), value) for value in self.key_of(row)])

    def typed(self, given: Sequence[Mapping[str, Any]], version: str, what: str = "row") -> Rows:
        """Rows with the given columns only, in ProxySQL's types. The ProxySQLError names row and column at fault."""
        columns = {column.name: column for column in self.columns}
        result: Rows = []
        for number, row in enumerate(given, 1):
            typed: Row = {}
            for name, value in row.items():
                if name not in columns:
                    raise ProxySQLError(
                        f"{self.name}, {what} {number}: there is no column '{name}' in ProxySQL {version}; "
                        f"there are {', '.join(columns)}."
                    )
                try:
                    typed[name] = columns[name].value(value)
                except ValueError as error:
                    raise ProxySQLError(f"{self.name}, {what} {number}: {name} {error}.") from None
            result.append(typed)
        return result

    def completed(self, typed: Row, number: int, base: Mapping[str, Value]) -> Row:
        """A row with every column: what is given, else what `base` has, else the default."""
        full: Row = {}
        for column in self.columns:
            if column.name in typed:
                full[column.name] = typed[column.name]
            elif column.name in base:
                full[column.name] = base[column.name]
            elif column.required:
                raise ProxySQLError(f"{self.name}, row {number}: {column.name} must have a value.")
            else:
                full[column.name] = column.default
        return full

    def check(self, rows: Mapping[int, Row]) -> None:
        """Refuse, by its number, the first row that the server's CHECK constraints would refuse."""
        names = ", ".join(column.name for column in self.columns)
        marks = ", ".join("?" for _column in self.columns)
        tests = ", ".join(f"({rule.condition})" for rule in self.rules) or "1"
        sql = f"WITH one_row({names}) AS (VALUES ({marks})) SELECT {tests} FROM one_row"
        with _sqlite() as database:
            for number, row in rows.items():
                for rule, answer in zip(self.rules, database.execute(sql, tuple(row.values())).fetchone()):
                    if answer == 0:  # NULL passes, in SQL as here
                        raise ProxySQLError(
                            f"{self.name}, row {number}: {rule.column} {row[rule.column]!r} breaks the rule "
                            f"{rule.condition}."
                        )

    def check_unique(self, rows: Rows) -> None:
        """Refuse two rows with the same key."""
        for key in (self.key, *self.unique):
            seen = set()
            for row in rows:
                values = tuple(row[name] for name in key)
                if values in seen:
                    words = ", ".join(f"{name} {value!r}" for name, value in zip(key, values))
                    raise ProxySQLError(f"{self.name}: two rows have {words}.")
                seen.add(values)

    def from_server(self, rows: Sequence[Sequence[Value]]) -> Rows:
        """Rows whose values come in the order of the columns; SQLite's column types have made numbers of numbers."""
        names = [column.name for column in self.columns]
        return self.sorted([dict(zip(names, row)) for row in rows])


@dataclass(frozen=True)
class Schema:
    """What one server has: its version, and its tables by name."""

    version: str
    tables: Mapping[str, Table]

    def table(self, option: str) -> Table:
        """The table of an option of the module."""
        name = TABLES[option][0]
        if name not in self.tables:
            raise ProxySQLError(f"{option}: ProxySQL {self.version} has no table {name}.")
        return self.tables[name]


def read_schema(version: str, statements: Mapping[str, str]) -> Schema:
    """The schema of a server from its CREATE TABLE statements, by table."""
    with _sqlite() as database:
        tables = {
            name: _table(database, name, unit, statements[name]) for name, unit in TABLES.values() if name in statements
        }
    return Schema(version, tables)


def _table(database: sqlite3.Connection, name: str, unit: str, statement: str) -> Table:
    database.execute(statement)
    info = database.execute(f"PRAGMA table_info({name})").fetchall()
    indexes = [row[1] for row in database.execute(f"PRAGMA index_list({name})") if row[2]]
    unique = [tuple(part[2] for part in database.execute(f"PRAGMA index_info({index})")) for index in indexes]
    defaults = {row[1]: database.execute(f"SELECT {row[4] or 'NULL'}").fetchone()[0] for row in info}
    rules = list(_rules(statement))
    columns = []
    for _number, column, kind, not_null, default, _key in info:
        own = [rule.condition for rule in rules if rule.column == column]
        is_int = kind.upper().startswith("INT")
        if is_int and not own:
            # Ids, hostgroups and flags that ProxySQL keeps in unsigned numbers, yet does not check.
            rules.append(Rule(column, f"{column} BETWEEN 0 AND 65535" if column == "port" else f"{column} >= 0"))
        case = re.search(rf"\b(UPPER|LOWER)\({column}\) IN", " ".join(own), re.IGNORECASE)
        is_json = any(condition.upper().startswith("JSON_VALID") for condition in own)
        optional_comment = column == "comment" and bool(not_null)
        columns.append(
            Column(
                name=column,
                kind="int" if is_int else "json" if is_json else "text",
                default="" if optional_comment and default is None else defaults[column],
                required=bool(not_null) and default is None and not optional_comment,
                case=case[1].lower() if case else "",
            )
        )
    key = tuple(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5])
    return Table(
        name=name,
        unit=unit,
        columns=tuple(columns),
        key=key,
        unique=tuple(names for names in unique if names != key),
        rules=tuple(rules),
    )


def _rules(statement: str) -> Iterator[Rule]:
    """The CHECK constraints of the columns of a CREATE TABLE statement."""
    body = statement[statement.index("(") + 1 : statement.rindex(")")]
    depths = _depths(body)
    commas = [place for place, char in enumerate(body) if char == "," and depths[place] == 0]
    for start, end in zip([0, *(comma + 1 for comma in commas)], [*commas, len(body)]):
        column = body[start:end].split()[0]
        for check in re.compile(r"\bCHECK\s*\(", re.IGNORECASE).finditer(body, start, end):
            close = depths.index(0, check.end())
            yield Rule(column, " ".join(body[check.end() : close].split()))


def _depths(sql: str) -> list[int]:
    """For each character how many parentheses and quotes are open around it."""
    depth, quoted, result = 0, False, []
    for char in sql:
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
        result.append(depth + quoted)
    return result


def _sqlite() -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(":memory:"))


def _number(given: Any) -> int:
    if not isinstance(given, (bool, int)) and not (isinstance(given, str) and re.fullmatch(r"-?[0-9]{1,18}", given)):
        raise ValueError(f"must be a whole number, not {given!r}")
    number = int(given)
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"must be from {-(2**31)} to {2**31 - 1}, not {number}")
    return number


def _json_text(given: Any) -> str:
    if isinstance(given, (dict, list)):
        return json.dumps(given, sort_keys=True)
    try:
        if given != "":
            json.loads(given)
    except (TypeError, ValueError):
        raise ValueError(f"must be JSON, not {given!r}") from None
    return str(given)
