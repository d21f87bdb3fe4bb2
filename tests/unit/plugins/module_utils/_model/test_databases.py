# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.databases import latin1_warnings, of_applications

REST = (
    ". New tables in them cannot store every character. ALTER DATABASE ... CHARACTER SET utf8mb4 changes that for new "
    "tables; existing tables keep theirs."
)


def test_the_servers_own_databases_are_left_out() -> None:
    told = ["sys", "shop", "mysql", "INFORMATION_SCHEMA", "performance_schema", "#mysql50#lost+found", "application"]
    assert of_applications(told) == ["application", "shop"]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ([["shop"]], "shop"),
        # Members have the same databases; one of them may not have told, or lag behind.
        ([["shop", "application"], ["shop"], None], "application and shop"),
        (
            [[f"db{number:02}" for number in range(10)]],
            ", ".join(f"db{number:02}" for number in range(9)) + " and db09",
        ),
        (
            [[f"db{number:02}" for number in range(11)]],
            ", ".join(f"db{number:02}" for number in range(10)) + " and 1 more",
        ),
    ],
)
def test_databases_are_named_once(told: list[list[str] | None], names: str) -> None:
    assert latin1_warnings(told, [{}]) == [f"Databases with the default character set latin1: {names}{REST}"]


@pytest.mark.parametrize("told", [[], [None, None], [[], None], [["mysql"]]])
def test_what_is_not_known_is_not_warned_of(told: list[list[str] | None]) -> None:
    assert latin1_warnings(told, []) == []


@pytest.mark.parametrize(
    ("config", "warned"),
    [
        ({"mariadbd": {"character_set_server": "latin1"}}, False),
        ({"mysqld": {"collation-server": "latin1_german1_ci"}}, False),
        ({"mariadbd": {"character_set_server": "utf8mb4"}}, True),
        (None, True),
    ],
)
def test_who_wants_latin1_is_not_warned_of_it(config: Any, warned: bool) -> None:
    assert bool(latin1_warnings([["shop"]], [{}, config])) is warned
