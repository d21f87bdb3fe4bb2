# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: two option files and the server's own catalogue of variables -> what can be set now, and what needs a restart.

Option files: https://mariadb.com/kb/en/configuring-mariadb-with-option-files/
The catalogue: https://mariadb.com/kb/en/information-schema-system_variables-table/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

Value = Union[int, float, str]

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}
_TRUTH = {"on": 1, "true": 1, "1": 1, "off": 0, "false": 0, "0": 0}
_SECRET = re.compile(r"passw|secret|auth|passphrase")
# Read at the next start only. wsrep_cluster_address would make the node leave and join again, and Galera keeps the
# addresses itself; instead of wsrep_allowlist a running server uses its table.
AT_NEXT_START = frozenset(["wsrep_cluster_address", "wsrep_allowlist"])
# The server would take these, but not act on them as a start does: some make the node leave and join, some are read
# when it joins, and the provider's options are a list of which only some can be changed.
_JOINING = "takes effect when the node joins the cluster"
ONLY_AT_START = {
    "wsrep_on": "takes the node out of the cluster while it runs",
    "wsrep_provider_options": "is a list of options, not all of which a running provider takes",
    "wsrep_start_position": "is the node's position, not a setting",
    "wsrep_desync": "is a state of the node, not a setting",
    "wsrep_cluster_name": _JOINING,
    "wsrep_node_address": _JOINING,
    "wsrep_node_incoming_address": _JOINING,
    "wsrep_node_name": _JOINING,
}
# Where DEFAULT is not what a server without the setting starts with, because it computes that: variables that can be
# set and whose value differed from DEFAULT_VALUE, or came from AUTO, on servers without settings (10.11.19, 11.8.6).
COMPUTED_AT_START = frozenset(
    [
        "character_set_collations",
        "general_log_file",
        "host_cache_size",
        "innodb_adaptive_hash_index_cells",
        "innodb_buffer_pool_size_auto_min",
        "innodb_io_capacity_max",
        "innodb_log_file_buffering",
        "innodb_lru_flush_size",
        "log_slow_query_file",
        "max_relay_log_size",
        "slow_query_log_file",
        "sql_big_selects",
        "system_versioning_asof",
        "table_definition_cache",
        "table_open_cache",
        "thread_cache_size",
        "thread_pool_size",
    ]
)


@dataclass(frozen=True)
class Variable:
    """A row of information_schema.SYSTEM_VARIABLES. name is in lower case."""

    name: str
    type: str
    scope: str
    read_only: bool


@dataclass(frozen=True)
class Change:
    """A setting that two option files say differently; None where a file does not have it."""

    section: str
    name: str
    before: str | None
    after: str | None

    def told(self) -> dict[str, str | None]:
        """For results and differences: what looks like a secret is hidden."""
        secret = _SECRET.search(self.name)
        before, after = ("***" if secret and value else value for value in (self.before, self.after))
        return {"section": self.section, "name": self.name, "before": before, "after": after}


@dataclass(frozen=True)
class Plan:
    """assignments: variable and value, None for its default, in one SET GLOBAL; restart: setting and why it needs one.

    changes are all that differ and matter now; with any entry in restart nothing is to be set.
    """

    changes: list[Change] = field(default_factory=list)
    assignments: list[tuple[str, Value | None]] = field(default_factory=list)
    restart: dict[str, str] = field(default_factory=dict)

    def statement(self) -> tuple[str, list[Value]]:
        """One statement: the server checks all values before it sets the first."""
        parts = [f"GLOBAL {name} = {'DEFAULT' if value is None else '%s'}" for name, value in self.assignments]
        return f"SET {', '.join(parts)}", [value for _name, value in self.assignments if value is not None]


def parse(text: str) -> dict[str, dict[str, str]]:
    """Sections of an option file, each a dictionary of settings; - and upper case in names are made _ and lower case.

    A name without a value means ON. Of a name that comes twice in a section the last one counts, as it does for the
    server. What stands before the first section, and !include, are not read.
    """
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;!":
            continue
        if line.startswith("["):
            section = sections.setdefault(line[1:].split("]")[0].strip().lower(), {})
            continue
        name, equals, value = _uncommented(line).partition("=")
        section[normal(name)] = _unquoted(value.strip()) if equals else "ON"
    return sections


def normal(name: str) -> str:
    """The name of a variable as the server compares it; loose_ only says that a server may not know it."""
    return re.sub(r"^loose_", "", name.strip().lower().replace("-", "_"))


def server_sections(version: str) -> list[str]:
    """Sections that a server reads, as `mariadbd --verbose --help` tells them; version such as 10.11.19-MariaDB."""
    series = ".".join(version.split(".")[:2])
    names = ("mysqld", "server", f"mysqld-{series}", "mariadb", f"mariadb-{series}", "mariadbd", f"mariadbd-{series}")
    return [*names, "client-server", "galera"]


def differences(before: str, after: str, version: str) -> list[Change]:
    """What two option files say differently, settings of the server first; names in the server's sections are one."""
    old, new = _flat(before, version), _flat(after, version)
    keys = sorted({*old, *new}, key=lambda key: (key[0] != "", key))
    changed = [key for key in keys if old.get(key) != new.get(key)]
    return [Change(*key, old.get(key), new.get(key)) for key in changed]


def plan(changes: Sequence[Change], variables: Mapping[str, Variable]) -> Plan:
    """Decide by the server's catalogue of variables; settings of other programs are read whenever they are used."""
    result = Plan()
    for change in changes:
        variable = variables.get(change.name)
        if change.section:
            result.changes.append(change)
        elif change.name in AT_NEXT_START or (variable and _same(change, variable)):
            continue
        else:
            result.changes.append(change)
            why = _against_setting(change, variable)
            if why or variable is None:
                result.restart[change.name] = why
            else:
                value = None if change.after is None else typed(change.after, variable)
                result.assignments.append((variable.name, value))
    # A variable can have two names: what is set must come after what goes back to its default.
    result.assignments.sort(key=lambda assignment: assignment[1] is not None)
    return result


def shown(changes: Sequence[Mapping[str, str | None]], which: str) -> str:
    """The before or after of told changes, as lines of an option file."""
    there = [change for change in changes if change[which] is not None]
    return "".join(f"[{change['section'] or 'mariadbd'}] {change['name']} = {change[which]}\n" for change in there)


def typed(value: str, variable: Variable) -> Value | None:
    """A value of an option file as SET GLOBAL takes it, or None where it cannot be said in SQL."""
    if variable.type == "BOOLEAN":
        return _TRUTH.get(value.lower())
    if "INT" in variable.type:
        return _size(value)
    if variable.type == "DOUBLE":
        return float(value) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", value.lower()) else None
    if variable.type in ("ENUM", "SET") and value.isdigit():
        return int(value)
    if variable.type == "FLAGSET":
        # A start begins with the defaults, SET with the present value.
        return f"default,{value}"
    return value


def _against_setting(change: Change, variable: Variable | None) -> str:
    if variable is None:
        return "is no variable of the server that could be set"
    if change.name in ONLY_AT_START:
        return ONLY_AT_START[change.name]
    if variable.read_only:
        return "is read-only while the server runs"
    if variable.scope == "SESSION ONLY":
        return "has no global value"
    if change.after is None:
        return "has a default that is computed at a start" if change.name in COMPUTED_AT_START else ""
    return "" if typed(change.after, variable) is not None else "has a value that SQL cannot say"


def _same(change: Change, variable: Variable) -> bool:
    if change.before is None or change.after is None or variable.type == "VARCHAR":
        return False
    before, after = typed(change.before, variable), typed(change.after, variable)
    return before is not None and str(before).lower() == str(after).lower()


def _flat(text: str, version: str) -> dict[tuple[str, str], str]:
    """(section, name) -> value; the section is empty for the server's own, of which the last one wins."""
    own = server_sections(version)
    return {
        ("" if section in own else section, name): value
        for section, settings in parse(text).items()
        for name, value in settings.items()
    }


def _uncommented(line: str) -> str:
    """A line without the comment that a # begins, unless it stands in quotes."""
    quote = ""
    for at, sign in enumerate(line):
        if sign in "'\"" and line[at - 1 : at] != "\\":
            quote = "" if quote == sign else quote or sign
        elif sign == "#" and not quote:
            return line[:at].rstrip()
    return line


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        value = value[1:-1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), value)


def _size(value: str) -> int | None:
    match = re.fullmatch(r"([-+]?\d+)([kmgtpe]?)", value.lower())
    return int(match[1]) << _UNITS[match[2]] if match else None
