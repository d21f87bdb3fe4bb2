# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts are told to be left, and that none of the server's own and none of a stranger's is."""

from __future__ import annotations

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.accounts import Account, left, recorded
from hypothesis import given
from hypothesis import strategies as st

WANTED = [Account(user, "10.0.0.%") for user in ("admin", "monitor", "application")] + [Account("monitor", "localhost")]
SERVER = [Account("root", "localhost"), Account("mysql", "localhost"), Account("mariadb.sys", "localhost")]


def told(*others: str, made: tuple[str, ...] = ()) -> list[str]:
    active = [*WANTED, *SERVER, *map(Account.parse, others)]
    return [str(each) for each in left(active, WANTED, [*map(Account.parse, made)])]


def test_nothing_is_left() -> None:
    assert told() == []
    assert told("dba@%", "reporting@10.0.0.%") == []


def test_a_narrowed_pattern_leaves_accounts() -> None:
    assert told("admin@%") == [
        (
            "The server has the account admin@%, of a user of the inventory, and mariadb_client_hosts does not have "
            "that host. It keeps its password and all its rights. Once nobody uses it, drop it on one node: "
            "DROP USER 'admin'@'%';"
        )
    ]


def test_a_renamed_user_leaves_an_account_that_was_written_down() -> None:
    assert told("dba@10.0.0.%") == []
    assert told("dba@10.0.0.%", made=("dba@10.0.0.%",)) == [
        (
            "The server has the account dba@10.0.0.%, which an earlier run made, and which the inventory does not "
            "have any more. It keeps its password and all its rights. Once nobody uses it, drop it on one node: DROP "
            "USER 'dba'@'10.0.0.%';"
        )
    ]


def test_roots_own_account_is_never_told() -> None:
    wanted = [Account("root", "%")]
    assert list(left([*wanted, *SERVER], wanted, SERVER)) == []


@pytest.mark.parametrize(
    ("text", "user", "sql"),
    [
        ("admin@%", "admin", "'admin'@'%'"),
        ("x@y.z@10.0.0.%", "x@y.z", "'x@y.z'@'10.0.0.%'"),
        ("it's\\@%", "it's\\", "'it''s\\\\'@'%'"),
    ],
)
def test_accounts_as_text(text: str, user: str, sql: str) -> None:
    account = Account.parse(text)
    assert (account.user, str(account), account.sql) == (user, text, sql)


def test_what_is_written_down_is_what_exists() -> None:
    old, gone, stranger = Account("dba", "%"), Account("gone", "%"), Account("reporting", "%")
    assert recorded([*WANTED, *SERVER, old, stranger], WANTED, [old, gone]) == sorted([*WANTED, old])
    assert recorded(SERVER, WANTED, []) == []


accounts = st.lists(st.builds(Account, st.sampled_from("ab"), st.sampled_from(["%", "localhost", "10.%"])), unique=True)


@given(accounts, accounts, accounts)
def test_no_wanted_account_is_left_and_none_that_is_not_there(
    active: list[Account], wanted: list[Account], made: list[Account]
) -> None:
    found = {each.account for each in left(active, wanted, made)}
    assert found <= set(active)
    assert not found & set(wanted)
    assert found >= set(active) & set(made) - set(wanted)
