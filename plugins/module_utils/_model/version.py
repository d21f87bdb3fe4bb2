# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of servers and of Galera providers, as they tell them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError

# A server's handshake began so before 11.0.1, for replicas of the age of MySQL 5.5:
# https://jira.mariadb.org/browse/MDEV-28910
HANDSHAKE = "5.5.5-"
_SERVER = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_PROVIDER = re.compile(r"(?:(\d+)\.)?(\d+)\.(\d+)\(r\w+\)")


@dataclass(frozen=True, order=True)
class Version:
    """Of a server (10.11.19) or a Galera provider (26.4.23). Its first two numbers are a series, which gets patches."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Of what a server or `mariadbd --version` says: 10.11.19-MariaDB-0+deb12u1. Raises GaleraError."""
        found = _SERVER.search(text.removeprefix(HANDSHAKE))
        if not found:
            raise GaleraError(f"'{text[:60]}' has no version of a MariaDB server in it")
        return cls(*(int(number) for number in found.groups()))

    @classmethod
    def parse_provider(cls, text: str) -> Version:
        """Of wsrep_provider_version: 26.4.23(r1234). Raises GaleraError.

        Some builds leave out the first number, which is that of the interface: 4.23(r1234). Providers 4 have 26, those
        before have 25: https://mariadb.com/docs/galera-cluster/reference/galera-wsrep-provider-versions
        """
        found = _PROVIDER.search(text)
        if not found:
            raise GaleraError(f"'{text[:60]}' is not a version of a Galera provider")
        interface, major, minor = (int(number or 0) for number in found.groups())
        return cls(interface or (26 if major >= 4 else 25), major, minor)

    @property
    def series(self) -> str:
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
