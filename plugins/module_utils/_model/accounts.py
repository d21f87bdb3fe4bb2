# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of the server that the inventory no longer has: which are left, and what to do about them. Pure.

A user who was renamed, or whose clients' addresses were narrowed, leaves an account with its old password and all its
rights. It is named, not dropped: an application may use it still, and the record of what was made lies where the
server's own user can write, so it proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

# What the server, and this collection through the socket, cannot be without.
OWN_USERS = ("root", "mysql", "mariadb.sys")
SOCKET = "localhost"


@dataclass(frozen=True, order=True)
class Account:
    """host is a pattern, in MariaDB's notation."""

    user: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Account:
        """From USER@HOST; a user's name may have an @ in it."""
        user, _at, host = text.rpartition("@")
        return cls(user, host)

    @property
    def own(self) -> bool:
        return self.host == SOCKET and self.user in OWN_USERS

    @property
    def sql(self) -> str:
        """As a statement has it, such as 'admin'@'%'."""
        return "@".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in (self.user, self.host))

    def __str__(self) -> str:
        return f"{self.user}@{self.host}"


@dataclass(frozen=True)
class Left:
    """An account that can log in and is not wanted. made is whether a run wrote down that it made it."""

    account: Account
    made: bool

    def __str__(self) -> str:
        whose = (
            "which an earlier run made, and which the inventory does not have any more"
            if self.made
            else "of a user of the inventory, and mariadb_client_hosts does not have that host"
        )
        return (
            f"The server has the account {self.account}, {whose}. It keeps its password and all its rights. Once "
            f"nobody uses it, drop it on one node: DROP USER {self.account.sql};"
        )


def left(active: Iterable[Account], wanted: Collection[Account], made: Collection[Account]) -> Iterator[Left]:
    """Of the accounts that can log in those that are not wanted, and were made or have the name of a wanted one."""
    users = {account.user for account in wanted}
    for account in sorted(active):
        if account not in wanted and not account.own and (account in made or account.user in users):
            yield Left(account, account in made)


def recorded(existing: Collection[Account], wanted: Collection[Account], made: Collection[Account]) -> list[Account]:
    """What is to be written down as made: all that were, as long as they exist."""
    return sorted(account for account in {*wanted, *made} if account in existing)
