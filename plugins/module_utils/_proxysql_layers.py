# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of ProxySQL against what its three layers hold. No I/O.

ProxySQL keeps its configuration in memory (what the admin interface edits), runtime (what is in force) and disk (what
survives a restart). It is in place only when all three agree, so all three are compared: a LOAD or SAVE that an
interrupted run left out shows as a difference and is made up for.

https://proxysql.com/documentation/main-runtime/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._proxysql_passwords import same_password, stored_form
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    GALERA_HOSTGROUPS,
    QUERY_RULES,
    REPLICATION_HOSTGROUPS,
    SECRETS,
    SERVERS,
    TABLES,
    USERS,
    ProxySQLError,
    Row,
    Rows,
    Schema,
    Table,
    Value,
)

MEMORY, RUNTIME, DISK = LAYERS = ("memory", "runtime", "disk")

# What LOAD and SAVE take, in the order of loading: who monitors comes first, who administers last.
FAMILIES = {"mysql": "MYSQL VARIABLES", "admin": "ADMIN VARIABLES"}
UNITS = (FAMILIES["mysql"], *dict.fromkeys(unit for _name, unit in TABLES.values()), FAMILIES["admin"])

# Read from memory whatever is wanted: they say which hostgroups there are, and which of them are Galera's.
CONTEXT = (SERVERS, GALERA_HOSTGROUPS, REPLICATION_HOSTGROUPS)

# Taken only at start. LOAD puts memory back to the running value, so these go to disk and wait for a restart.
# https://proxysql.com/documentation/global-variables/mysql-variables/#mysql-threads
RESTART_VARIABLES = frozenset({"mysql-threads", "mysql-interfaces"})

# Variables that hold text; of all others the running value tells whether they are numbers or true and false.
_TEXT = """
    admin-admin_credentials admin-cluster_password admin-cluster_username admin-mysql_ifaces admin-ssl_keylog_file
    admin-stats_credentials admin-telnet_admin_ifaces admin-telnet_stats_ifaces admin-version
    mysql-add_ldap_user_comment mysql-auditlog_filename mysql-default_authentication_plugin mysql-default_charset
    mysql-default_collation_connection mysql-default_schema mysql-default_session_track_gtids mysql-eventslog_filename
    mysql-firewall_whitelist_errormsg mysql-init_connect mysql-interfaces mysql-keep_multiplexing_variables
    mysql-ldap_user_variable mysql-monitor_password mysql-monitor_replication_lag_use_percona_heartbeat
    mysql-monitor_username mysql-proxy_protocol_networks mysql-server_version mysql-ssl_p2s_ca mysql-ssl_p2s_capath
    mysql-ssl_p2s_cert mysql-ssl_p2s_cipher mysql-ssl_p2s_crl mysql-ssl_p2s_crlpath mysql-ssl_p2s_key
"""
TEXT_VARIABLES = frozenset(_TEXT.split())
_BOOLEANS = {"true": "true", "1": "true", "on": "true", "yes": "true"}
_BOOLEANS.update({"false": "false", "0": "false", "off": "false", "no": "false"})

# Columns whose NULL the runtime tables show as an empty text.
_NULL_IS_EMPTY = {USERS: ("password", "default_schema"), GALERA_HOSTGROUPS: ("comment",)}

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Layer:
    """What one layer holds: rows by table name, and all variables."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


State = Mapping[str, Layer]


@dataclass(frozen=True)
class Wish:
    """What is wanted of one table: rows with the given columns only, whether other rows stay, and which rows go."""

    table: Table
    given: Rows
    merge: bool = False
    absent: Rows = field(default_factory=list)

    def content(self, there: Rows) -> Rows:
        """The rows that the table is to hold, where memory now holds these. Raises ProxySQLError on what cannot be."""
        table, secret = self.table, SECRETS.get(self.table.name, "")
        before = {table.key_of(row): row for row in there}
        rows, new = [], {}
        for number, given in enumerate(self.given, 1):
            old = before.get(self.key(given), {})
            row = table.completed(given, number, old if self.merge else {})
            if given.get(secret):
                stored = str(old.get(secret) or "")
                row[secret] = stored if same_password(str(given[secret]), stored) else stored_form(str(given[secret]))
            if self._is_absent(row):
                raise ProxySQLError(f"{table.name}, row {number}: it is among the rows of absent, too.")
            rows.append(row)
            if row != old:
                new[number] = row
        table.check(new)
        if self.merge:
            keys = {table.key_of(row) for row in rows}
            rows += [row for key, row in before.items() if key not in keys and not self._is_absent(row)]
        table.check_unique(rows)
        return table.sorted(rows)

    def with_wanted_passwords(self, there: Rows, wanted: Rows) -> Rows:
        """The rows of a layer; where a password is the given one in another form, it has the wanted form."""
        secret = SECRETS.get(self.table.name, "")
        form = {self.table.key_of(row): row.get(secret) for row in wanted}
        known: dict[Value, list[tuple[str, Value]]] = {}
        for given in self.given:
            if given.get(secret):
                known.setdefault(given["username"], []).append((str(given[secret]), form[self.key(given)]))
        if not known:
            return there
        result = []
        for row in there:
            of_user = known.get(row["username"], [])
            same = [as_wanted for password, as_wanted in of_user if same_password(password, str(row[secret] or ""))]
            result.append({**row, secret: same[0]} if same else row)
        return result

    def key(self, given: Row) -> tuple[Value, ...]:
        return self.table.key_of({**{column.name: column.default for column in self.table.columns}, **given})

    def _is_absent(self, row: Row) -> bool:
        return any(all(row[name] == value for name, value in gone.items()) for gone in self.absent)


@dataclass(frozen=True)
class Desired:
    """What is wanted of the tables that were given, by table name, and of the variables, as they were given."""

    schema: Schema
    tables: Mapping[str, Wish]
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One part (a table, or a family of variables) that differs in one layer."""

    layer: str
    part: str
    unit: str
    before: Any
    after: Any
    table: Table | None = None


@dataclass(frozen=True)
class Plan:
    """All that is to change, and whether ProxySQL runs with another value of a variable that it takes at start."""

    changes: Sequence[Change]
    restart_required: bool

    def of(self, layer: str) -> list[Change]:
        return [change for change in self.changes if change.layer == layer]

    def units(self, layer: str) -> list[str]:
        """What to LOAD (runtime) or SAVE (disk), in order."""
        differing = {change.unit for change in self.of(layer)}
        return [unit for unit in UNITS if unit in differing]

    def counts(self) -> dict[str, dict[str, int]]:
        """By table, how many rows are added, changed and removed in memory."""
        result = {}
        for change in self.of(MEMORY):
            if change.table:
                gone, come = row_changes(change.table, change.before, change.after)
                added = len(change.after) + len(gone) - len(change.before)
                result[change.part] = {"added": added, "changed": len(come) - added, "removed": len(gone)}
        return result


def desired(config: Mapping[str, Any], schema: Schema) -> Desired:
    """The options of proxysql_admin in the server's types; None stands for not given."""
    absent = config.get("absent") or {}
    for option, rows in absent.items():
        if option not in TABLES:
            raise ProxySQLError(f"absent: there is no table '{option}'; there are {', '.join(TABLES)}.")
        if not isinstance(rows, list):
            raise ProxySQLError(f"absent: {option} must be a list of mappings, not {type(rows).__name__}.")
        if not all(isinstance(row, Mapping) and row for row in rows):
            raise ProxySQLError(f"absent: each of {option} must be a mapping of columns to values, with at least one.")
    tables = {}
    for option in TABLES:
        rows, gone = config.get(option), absent.get(option) or []
        if rows is None and not gone:
            continue
        table = schema.table(option)
        tables[table.name] = Wish(
            table=table,
            given=table.typed(rows or [], schema.version),
            merge=rows is None or option in (config.get("merge") or ()),
            absent=table.typed(gone, schema.version, "absent row"),
        )
    return Desired(schema, tables, config.get("variables") or {})


def plan(want: Desired, state: State) -> Plan:
    """Everything in which the three layers differ from what is wanted. Raises ProxySQLError on what cannot be."""
    memory = state[MEMORY].tables
    content = {name: wish.content(memory[name]) for name, wish in want.tables.items()}
    after = {**memory, **content}
    clusters = after.get(GALERA_HOSTGROUPS, [])
    _check_galera_servers(content.get(SERVERS, []), clusters)
    if USERS in content:
        _check_users(content[USERS], want.tables[USERS], after)
    variables = _check_variables(want.variables, state[RUNTIME].variables, want.schema.version)
    compared: list[Change] = []
    for family, unit in FAMILIES.items():
        for layer in LAYERS:
            names = [n for n in sorted(variables) if n.startswith(f"{family}-")]
            if layer == RUNTIME:
                names = [n for n in names if n not in RESTART_VARIABLES]
            before = {n: state[layer].variables.get(n) for n in names}
            compared.append(Change(layer, f"{family}_variables", unit, before, {n: variables[n] for n in names}))
    for name, wish in want.tables.items():
        for layer in LAYERS:
            there, wanted = wish.with_wanted_passwords(state[layer].tables[name], content[name]), content[name]
            if layer == RUNTIME:
                there, wanted = (runtime_view(wish.table, rows, clusters) for rows in (there, wanted))
            compared.append(Change(layer, name, wish.table.unit, there, wanted, wish.table))
    pending = RESTART_VARIABLES & set(variables)
    return Plan(
        changes=[change for change in compared if change.before != change.after],
        restart_required=any(state[RUNTIME].variables[name] != variables[name] for name in pending),
    )


def row_changes(table: Table, before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """The rows that are to go, and those that are to come or to change."""
    there = {table.key_of(row): row for row in before}
    wanted = {table.key_of(row): row for row in after}
    return (
        [row for key, row in there.items() if key not in wanted],
        [row for key, row in wanted.items() if there.get(key) != row],
    )


def runtime_view(table: Table, rows: Rows, clusters: Rows) -> Rows:
    """Rows of memory or of runtime, brought to what the two have in common once memory is loaded.

    - Only active users and rules are loaded, and a user becomes a frontend account and a backend account.
    - Monitoring shuns servers and brings them back; a server removed under traffic lingers as OFFLINE_HARD.
    - In the hostgroups of a Galera cluster the monitor decides where a server stands, and in what status; what stays
      the operator's is which servers there are, and their weights and limits.
    """
    if table.name == SERVERS:
        rows = _servers_view(rows, clusters)
    elif table.name == USERS:
        rows = [dict(row, **account) for row in rows if row["active"] for account in _accounts(row)]
    elif table.name == QUERY_RULES:
        rows = [row for row in rows if row["active"]]
    nullable = _NULL_IS_EMPTY.get(table.name, ())
    return table.sorted([{**row, **{name: row[name] or "" for name in nullable}} for row in rows] if nullable else rows)


def secrets(config: Mapping[str, Any]) -> list[str]:
    """Every secret in a configuration as it was given, so that none of them is ever printed."""
    found = [str(row["password"]) for row in config.get("users") or [] if row.get("password")]
    for name, value in (config.get("variables") or {}).items():
        if _is_secret(name) and value:
            found.append(str(value))
            if name.endswith("_credentials"):
                found += [pair.partition(":")[2] for pair in str(value).split(";")]
    return [secret for secret in found if secret]


def difference(changes: Sequence[Change]) -> dict[str, dict[str, Any]]:
    """Before and after for Ansible's diff mode, by layer and part, with secrets hidden."""
    result: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for change in changes:
        before, after = _readable(change)
        result["before"].setdefault(change.layer, {})[change.part] = before
        result["after"].setdefault(change.layer, {})[change.part] = after
    return result


def without_secrets(table: Table | None, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table, or mappings of variables, with every secret hidden."""
    return [
        {
            name: HIDDEN
            if value and (_is_secret(name) if table is None else SECRETS.get(table.name) == name)
            else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _check_users(users: Rows, wish: Wish, after: Mapping[str, Rows]) -> None:
    """Refuse a given user whose statements would go to a hostgroup that nothing has."""
    groups = {row["hostgroup_id"] for row in after.get(SERVERS, [])}
    for name in (GALERA_HOSTGROUPS, REPLICATION_HOSTGROUPS):
        rows = after.get(name, [])
        groups.update(value for row in rows for column, value in row.items() if column.endswith("_hostgroup"))
    there = {wish.table.key_of(row): row for row in users}
    for number, given in enumerate(wish.given, 1):
        row = there[wish.key(given)]
        if row["active"] and row["frontend"] and row["default_hostgroup"] not in groups:
            raise ProxySQLError(
                f"{USERS}, row {number}: default_hostgroup {row['default_hostgroup']} of user '{row['username']}' has "
                f"no server and is no cluster's hostgroup; give its servers in the same call, or before."
            )


def _check_variables(wanted: Mapping[str, Any], running: Mapping[str, str], version: str) -> dict[str, str]:
    """Wanted variables as ProxySQL writes them; the running server shows which there are, and their types."""
    result = {}
    for name, value in wanted.items():
        if name not in running or name.partition("-")[0] not in FAMILIES:
            raise ProxySQLError(
                f"variables: ProxySQL {version} has no variable '{name}'; names begin with mysql- or admin-."
            )
        try:
            result[name] = _variable_text(name, value, running[name])
        except ValueError as error:
            raise ProxySQLError(f"variables: {name} {error}.") from None
    return result


def _variable_text(name: str, value: Any, running: str) -> str:
    if name not in TEXT_VARIABLES and running in ("true", "false"):
        if str(value).lower() not in _BOOLEANS:
            raise ValueError(f"must be true or false, not {value!r}")
        return _BOOLEANS[str(value).lower()]
    if name not in TEXT_VARIABLES and re.fullmatch(r"-?\d+", running):
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
            raise ValueError(f"must be a whole number, not {value!r}")
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value):
        raise ValueError("must be text")
    if name.endswith("_credentials") and not all(re.fullmatch("[^:]+:.+", pair) for pair in str(value).split(";")):
        raise ValueError("must be user:password, several of them separated by ';', with no password empty")
    return str(value)


def _check_galera_servers(rows: Rows, clusters: Rows) -> None:
    """Refuse rows of one server that differ: ProxySQL's Galera monitor copies one of them over the others."""
    seen: dict[tuple[Value, ...], Row] = {}
    for row in _servers_view(rows, clusters):
        other = seen.setdefault(tuple(row[name] for name in ("hostgroup_id", "hostname", "port")), row)
        for column, value in row.items():
            if other[column] != value:
                raise ProxySQLError(
                    f"{SERVERS}: {row['hostname']}:{row['port']} has {column} {other[column]!r} and {value!r} in "
                    f"the hostgroups of one Galera cluster, where ProxySQL keeps one value for a server."
                )


def _servers_view(rows: Rows, clusters: Rows) -> Rows:
    managed = {group: row["writer_hostgroup"] for row in clusters if row["active"] for group in _galera_groups(row)}
    view: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        if row["status"] == "OFFLINE_HARD":
            continue
        common = dict(row, status="ONLINE") if str(row["status"]).startswith("SHUNNED") else dict(row)
        if row["hostgroup_id"] in managed:
            common.update(hostgroup_id=f"of writer {managed[row['hostgroup_id']]}", status="as monitored")
        view[tuple(common.values())] = common
    return list(view.values())


def _accounts(user: Row) -> list[Row]:
    return [{"frontend": 0, "backend": 0, side: 1} for side in ("frontend", "backend") if user[side]]


def _galera_groups(row: Row) -> list[Value]:
    return [row[f"{role}_hostgroup"] for role in ("writer", "backup_writer", "reader", "offline")]


def _is_secret(variable: str) -> bool:
    return variable.endswith(("_password", "_credentials"))


def _readable(change: Change) -> tuple[Any, Any]:
    """A change as mappings: rows by their key, with the columns that are not ProxySQL's defaults; secrets hidden."""
    table = change.table
    if table is None:
        return _hide(change.before, change.after, [name for name in change.after if _is_secret(name)])
    columns = [name for name in [SECRETS.get(table.name)] if name]
    before, after = _by_key(table, change.before), _by_key(table, change.after)
    return (
        {key: _hide(row, {}, columns)[0] for key, row in before.items()},
        {key: _hide(before.get(key, {}), row, columns)[1] for key, row in after.items()},
    )


def _by_key(table: Table, rows: Rows) -> dict[str, dict[str, Any]]:
    own = [column for column in table.columns if column.name not in table.key]
    return {
        ", ".join(str(row[name]) for name in table.key): {
            column.name: row[column.name] for column in own if row[column.name] not in (column.default, None, "")
        }
        for row in rows
    }


def _hide(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, Any]:
    """Both with the named values hidden, yet so that a change of one of them shows."""
    old, new = dict(before), dict(after)
    for name in names:
        if new.get(name):
            new[name] = HIDDEN if old.get(name) == new[name] else f"{HIDDEN}, changed"
        if old.get(name):
            old[name] = HIDDEN
    return old, new
