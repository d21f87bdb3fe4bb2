# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ProxySQL's admin interface has, from tables.txt and variables.txt, as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def variables() -> dict[str, str]:
    """Every variable with its default."""
    lines = (HERE / "variables.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def statements(version: str) -> dict[str, str]:
    """CREATE TABLE statements of a version such as 2.7, by table."""
    result = {}
    for block in (HERE / "tables.txt").read_text(encoding="utf-8").split("\n\n")[1:]:
        head, *lines = block.strip().splitlines()
        name = head.split()[0]
        if _is_in(head, version):
            parts = [_column(line) for line in lines if _is_in(line, version)] + list(_constraints(head))
            result[name] = f"CREATE TABLE {name} ({', '.join(parts)})"
    return result


def _is_in(line: str, version: str) -> bool:
    since = re.search(r" since (\S+)$", line)
    return not since or _number(since[1]) <= _number(version)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _constraints(head: str) -> Iterator[str]:
    for word, columns in re.findall(r"(key|unique) (\S+)", head):
        yield f"{'PRIMARY KEY' if word == 'key' else 'UNIQUE'} ({columns})"


def _column(line: str) -> str:
    name, kind, default, *rest = line.split(maxsplit=3)
    rule = re.sub(r" ?since \S+$", "", rest[0]) if rest else ""
    sql = f"{name} {'INT' if kind == 'int' else 'VARCHAR'}"
    if default != "null":
        sql += " NOT NULL" if default == "required" else f" NOT NULL DEFAULT {default}"
    return f"{sql} CHECK ({_condition(name, rule)})" if rule else sql


def _condition(name: str, rule: str) -> str:
    if rule == "json":
        return f"JSON_VALID({name}) OR {name} = ''"
    if rule == "flag":
        return f"{name} IN (0, 1)"
    choice = re.fullmatch(r"(upper |lower |)one of (.*)", rule)
    if choice:
        subject = f"{choice[1].strip().upper()}({name})" if choice[1] else name
        words = [word if re.fullmatch(r"-?\d+", word) else f"'{word}'" for word in choice[2].split()]
        return f"{subject} IN ({', '.join(words)})"
    span, _semicolon, condition = (part.strip() for part in rule.partition(";"))
    low, _dots, high = span.partition("..")
    tests = [f"{name} >= {low}"] if low else []
    tests += [f"{name} <= {high}"] if high else []
    tests += [f"({condition})"] if condition else []
    return " AND ".join(tests)
