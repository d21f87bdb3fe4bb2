# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what speaks against restored data, as sentences. No sentence, nothing speaks against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What a semicolon may stand in without ending a statement, then the semicolon.
_PIECES = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`
    | /\*.*?\*/ | (?:\#|--(?=\s|$))[^\n]* | (?P<end>;)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_COMMENT = re.compile(r"/\*(?!!).*?\*/|(?:#|--(?=\s|$))[^\n]*", re.DOTALL | re.MULTILINE)
# A problem of the server's storage that many tables share is told by its first ones.
_SHOWN = 5


def statements(sql: str) -> list[str]:
    """The statements of a file, each with the comments before it; what holds nothing but comments is none."""
    ends = [found.start() for found in _PIECES.finditer(sql) if found["end"]]
    parts = (sql[begin:end].strip() for begin, end in zip([0, *(end + 1 for end in ends)], [*ends, len(sql)]))
    return [part for part in parts if _COMMENT.sub("", part).strip()]


def holds(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether an assertion's answer is exactly one row that begins with 1 or true."""
    return len(rows) == 1 and bool(rows[0]) and str(rows[0][0]).strip().lower() in ("1", "true")


def asserted(statement: str, rows: Sequence[Sequence[Any]] = (), error: str = "") -> list[str]:
    """error: what the server said instead of rows."""
    if holds(rows):
        return []
    said = error or (f"{len(rows)} rows" if len(rows) != 1 else ", ".join(str(value) for value in rows[0]))
    return [f"The assertion does not hold: {' '.join(statement.split())[:200]} gave {said[:200]} instead of 1."]


def checked(said: str) -> tuple[int, list[str], list[str]]:
    """How many tables mariadb-check looked at; its errors; its warnings, such as of a table that was copied open."""
    looked, table = 0, ""
    found: dict[str, list[str]] = {"error": [], "warning": []}
    for line in filter(None, map(str.strip, said.splitlines())):
        told = re.match(r"(error|warning|info|note|status)\s*:\s*(.*)", line, re.IGNORECASE)
        if told:
            found.get(told[1].lower(), []).append(f"{table}: {told[2].rstrip('.')}")
        else:
            looked += 1
            table = re.sub(r"\s+OK$", "", line)
    errors, warnings = (_shortened(f"mariadb-check ({kind})", lines) for kind, lines in found.items())
    return looked, errors, warnings


def differing(what: str, wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """what: of a table, such as 'rows'; wanted: by the manifest; found: in the restored data, where they are."""
    lines = [
        f"{table} has {what} {found[table]} instead of {number}" if table in found else f"{table} is missing"
        for table, number in sorted(wanted.items())
        if found.get(table) != number
    ]
    return _shortened("Not what the manifest says", lines)


def _shortened(what: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return [f"{what}: {'; '.join(lines[:_SHOWN])}{more}."]
