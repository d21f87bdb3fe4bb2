# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: the rules of an upgrade, as sentences where one is broken.

Rolling upgrades go one long-term series at a time:
https://mariadb.com/docs/server/server-management/install-and-upgrade-mariadb/upgrading/mariadb-community-server-upgrade-paths/general-upgrade-information
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version

# Series with long-term support, oldest first: https://mariadb.org/about/#maintenance-policy
LONG_TERM = ("10.6", "10.11", "11.4", "11.8", "12.3")
# Write sets take more room in the gcache than their bytes are, and the rate that was measured is no promise.
ROOM = 1.25
MIB = 2**20
# A clock may be ahead by that much.
TOLERANCE = timedelta(minutes=5)

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_UNKNOWN = re.compile(r"unknown (?:variable|option) '(?:--)?([^'=]+)")
_TELLING = re.compile(r"deprecated|was removed|adjusted to|takes precedence|ignored", re.IGNORECASE)
_LOGGED = re.compile(r"\[(ERROR|Warning)\] (?:\w+: (?=unknown ))?(?:Buffered warning: )?(.*)")


@dataclass(frozen=True)
class Told:
    """What an image's server says of settings: names that it does not know, other errors, warnings that matter."""

    unknown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wishes:
    """What the operator says; hours, seconds, an ISO 8601 time, a jump such as "10.11 to 11.8", floors of versions."""

    backup_taken: str = ""
    backup_max_age: float = 24
    without_backup: bool = False
    allow_jump: str = ""
    node_absence: float = 120
    floors: Floors = field(default_factory=Floors)


def parse_provider_options(text: str) -> dict[str, str]:
    """wsrep_provider_options as a dictionary."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def parse_size(text: str) -> int:
    """Bytes of a provider's size such as 512M."""
    found = re.fullmatch(r"(\d+)([KMGT]?)", text.strip().upper())
    if not found:
        raise GaleraError(f"'{text[:60]}' is no size such as 512M")
    return int(found[1]) << _UNITS[found[2]]


def parse_told(text: str) -> Told:
    """Read the log of `mariadbd --verbose --help`."""
    told = Told()
    for kind, line in _LOGGED.findall(text):
        unknown = _UNKNOWN.search(line)
        if kind == "ERROR" and unknown:
            _add(told.unknown, unknown[1])
        elif kind == "ERROR":
            _add(told.errors, line.rstrip("."))
        elif _TELLING.search(line) and not line.startswith("WSREP: Failed to guess"):
            _add(told.warnings, line.rstrip("."))
    return told


def backup_problem(wishes: Wishes, now: datetime) -> str:
    """A sentence where no backup is new enough; now has a time zone."""
    if wishes.without_backup:
        return ""
    ways = "or go without one by upgrade_without_backup=yes"
    if not wishes.backup_taken:
        return (
            "No backup is named, and after a major upgrade there is no other way back. Give the time of the newest "
            f"good one as upgrade_backup_taken (ISO 8601, such as {now:%Y-%m-%dT%H:%MZ}), {ways}."
        )
    try:
        taken = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", wishes.backup_taken.strip()))
    except ValueError:
        taken = None
    if taken is None or taken.tzinfo is None:
        return (
            f"upgrade_backup_taken is '{wishes.backup_taken}', which is no ISO 8601 time with a time zone; "
            f"write it like {now:%Y-%m-%dT%H:%MZ}."
        )
    age = now - taken
    if age < -TOLERANCE:
        return (
            f"upgrade_backup_taken is {wishes.backup_taken}, which is yet to come; look at the zone, and at the clocks."
        )
    if age > timedelta(hours=wishes.backup_max_age):
        return (
            f"The newest backup is {_hours(age)} old, more than upgrade_backup_max_age ({wishes.backup_max_age:g} h). "
            f"Take one and give its time as upgrade_backup_taken, {ways}."
        )
    return ""


def jump_problem(running: Version, target: Version, allow_jump: str = "") -> str:
    """Why a rolling upgrade does not lead from one version to the other, to be part of a sentence; empty if it does."""
    if running.series == target.series:
        return ""
    if goes_back(running, target):
        return f"MariaDB does not go back from {running.series} to {target.series}"
    jump = f"{running.series} to {target.series}"
    if jump == " ".join(allow_jump.split()):
        return ""
    following = [series for series in LONG_TERM if _number(series) > _number(running.series)]
    if running.series in LONG_TERM and following and following[0] == target.series:
        return ""
    way = [series for series in following if _number(series) <= _number(target.series)]
    if running.series in LONG_TERM and target.series in LONG_TERM:
        why = f"rolling upgrades are made from one long-term series to the next: {' to '.join([running.series, *way])}"
    else:
        why = f"rolling upgrades are made between long-term series ({', '.join(LONG_TERM)})"
    return f'{why}. To do it nevertheless, say upgrade_allow_jump="{jump}"'


def gcache_needed(write_rate: float, absence: float) -> int:
    """Bytes of gcache that hold what is written (bytes a second) in a node's absence (seconds)."""
    return int(write_rate * absence * ROOM)


def goes_back(running: Version, target: Version) -> bool:
    """Whether the target's series is older."""
    return _number(target.series) < _number(running.series)


def _number(series: str) -> tuple[int, int]:
    major, minor = series.split(".")
    return int(major), int(minor)


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} h"


def _add(lines: list[str], line: str) -> None:
    if line not in lines:
        lines.append(line)
