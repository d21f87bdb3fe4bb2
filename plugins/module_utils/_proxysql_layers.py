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

from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    GALERA_HOSTGROUPS,
    QUERY_RULES,
    SERVERS,
    TABLES,
    USERS,
    ProxySQLError,
    Row,
    Rows,
    Table,
    Value,
    normalise,
)

MEMORY, RUNTIME, DISK = LAYERS = ("memory", "runtime", "disk")

# What LOAD and SAVE take, in the order of loading: who monitors comes first, who administers last.
UNITS = ("MYSQL VARIABLES", "MYSQL SERVERS", "MYSQL USERS", "MYSQL QUERY RULES", "SCHEDULER", "ADMIN VARIABLES")
FAMILIES = {"mysql": "MYSQL VARIABLES", "admin": "ADMIN VARIABLES"}

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
_NULL_IS_EMPTY = {USERS.name: ("password", "default_schema"), GALERA_HOSTGROUPS.name: ("comment",)}

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Layer:
    """What one layer holds: rows by table name, and all variables."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


State = Mapping[str, Layer]


@dataclass(frozen=True)
class Desired:
    """The complete rows of the tables that were given, by table name, and the variables as they were given."""

    tables: Mapping[str, Rows]
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One part (a table, or a family of variables) that differs in one layer."""

    layer: str
    part: str
    unit: str
    before: Any
    after: Any


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


def desired(config: Mapping[str, Any]) -> Desired:
    """Complete and check a configuration {option: rows, ..., "variables": {...}}; None stands for not given."""
    tables = {t.name: normalise(t, config[option]) for option, t in TABLES.items() if config.get(option) is not None}
    for row in tables.get(GALERA_HOSTGROUPS.name, []):
        groups = _galera_groups(row)
        if len(set(groups)) < len(groups):
            raise ProxySQLError(f"{GALERA_HOSTGROUPS.name}: the four hostgroups must differ, not be {groups}.")
    return Desired(tables, config.get("variables") or {})


def plan(want: Desired, state: State) -> Plan:
    """Everything in which the three layers differ from what is wanted. Raises ProxySQLError on what cannot be."""
    clusters = want.tables.get(GALERA_HOSTGROUPS.name, state[MEMORY].tables.get(GALERA_HOSTGROUPS.name, []))
    _check_galera_servers(want.tables.get(SERVERS.name, []), clusters)
    variables = _check_variables(want.variables, state[RUNTIME].variables)
    compared: list[Change] = []
    for family, unit in FAMILIES.items():
        for layer in LAYERS:
            names = [n for n in sorted(variables) if n.startswith(f"{family}-")]
            if layer == RUNTIME:
                names = [n for n in names if n not in RESTART_VARIABLES]
            before = {n: state[layer].variables.get(n) for n in names}
            compared.append(Change(layer, f"{family}_variables", unit, before, {n: variables[n] for n in names}))
    for table in TABLES.values():
        for layer in LAYERS if table.name in want.tables else ():
            before_rows, after_rows = state[layer].tables[table.name], want.tables[table.name]
            if layer == RUNTIME:
                before_rows, after_rows = (runtime_view(table, rows, clusters) for rows in (before_rows, after_rows))
            compared.append(Change(layer, table.name, table.unit, before_rows, after_rows))
    pending = RESTART_VARIABLES & set(variables)
    return Plan(
        changes=[change for change in compared if change.before != change.after],
        restart_required=any(state[RUNTIME].variables[name] != variables[name] for name in pending),
    )


def runtime_view(table: Table, rows: Rows, clusters: Rows) -> Rows:
    """Rows of memory or of runtime, brought to what the two have in common once memory is loaded.

    - Only active users and rules are loaded, and a user becomes a frontend account and a backend account.
    - Monitoring shuns servers and brings them back; a server removed under traffic lingers as OFFLINE_HARD.
    - In the hostgroups of a Galera cluster the monitor decides where a server stands, and in what status; what stays
      the operator's is which servers there are, and their weights and limits.
    """
    if table is SERVERS:
        rows = _servers_view(rows, clusters)
    elif table is USERS:
        rows = [dict(row, **account) for row in rows if row["active"] for account in _accounts(row)]
    elif table is QUERY_RULES:
        rows = [row for row in rows if row["active"]]
    nullable = _NULL_IS_EMPTY.get(table.name, ())
    return table.sorted([{k: "" if v is None and k in nullable else v for k, v in row.items()} for row in rows])


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


def _check_variables(wanted: Mapping[str, Any], running: Mapping[str, str]) -> dict[str, str]:
    """Wanted variables as ProxySQL writes them; the running server shows which there are, and their types."""
    result = {}
    for name, value in wanted.items():
        if name not in running or name.partition("-")[0] not in FAMILIES:
            raise ProxySQLError(f"variables: ProxySQL has no variable '{name}'; names begin with mysql- or admin-.")
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
        other = seen.setdefault(tuple(row[name] for name in SERVERS.key), row)
        for column, value in row.items():
            if other[column] != value:
                raise ProxySQLError(
                    f"{SERVERS.name}: {row['hostname']}:{row['port']} has {column} {other[column]!r} and {value!r} in "
                    f"the hostgroups of one Galera cluster, where ProxySQL keeps one value for a server."
                )


def _servers_view(rows: Rows, clusters: Rows) -> Rows:
    managed = {group: row["writer_hostgroup"] for row in clusters if row["active"] for group in _galera_groups(row)}
    view: Rows = []
    for row in rows:
        if row["status"] == "OFFLINE_HARD":
            continue
        common = dict(row, status="ONLINE") if str(row["status"]).startswith("SHUNNED") else dict(row)
        if row["hostgroup_id"] in managed:
            common.update(hostgroup_id=f"of writer {managed[row['hostgroup_id']]}", status="as monitored")
        if common not in view:
            view.append(common)
    return view


def _accounts(user: Row) -> list[Row]:
    return [{"frontend": 0, "backend": 0, side: 1} for side in ("frontend", "backend") if user[side]]


def _galera_groups(row: Row) -> list[Value]:
    return [row[f"{role}_hostgroup"] for role in ("writer", "backup_writer", "reader", "offline")]


def _is_secret(variable: str) -> bool:
    return variable.endswith(("_password", "_credentials"))


def _readable(change: Change) -> tuple[Any, Any]:
    """A change as mappings: rows by their key, with the columns that are not ProxySQL's defaults; secrets hidden."""
    if change.part.endswith("_variables"):
        return _hide(change.before, change.after, [name for name in change.after if _is_secret(name)])
    table = next(table for table in TABLES.values() if table.name == change.part)
    columns = [column.name for column in table.columns if column.secret]
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
