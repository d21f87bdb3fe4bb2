# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import (
    MIB,
    Wishes,
    backup_problem,
    gcache_needed,
    jump_problem,
    parse_provider_options,
    parse_size,
    parse_told,
)

RECORDED = Path(__file__).parent / "recorded"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)


# ---- What a server tells


@pytest.mark.parametrize(("text", "size"), [("128", 128), ("64M", 64 * MIB), ("2g", 2048 * MIB)])
def test_size(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_no_size() -> None:
    with pytest.raises(GaleraError, match="no size such as 512M"):
        parse_size("plenty")


def test_provider_options() -> None:
    told = "base_port = 4567; gcache.dir = /var/lib/mysql/; gcache.size = 64M; gcomm.thread_prio = ; "
    assert parse_provider_options(told)["gcache.size"] == "64M"
    assert parse_provider_options(told)["gcomm.thread_prio"] == ""


# ---- The way


@pytest.mark.parametrize(
    ("running", "target", "allowed"),
    [
        ("10.11.18", "10.11.19", ""),
        ("10.11.19", "10.11.18", ""),
        ("10.6.20", "10.11.4", ""),
        ("10.11.19", "11.4.2", ""),
        ("11.4.9", "11.8.6", ""),
        ("11.8.6", "12.3.1", ""),
        ("10.11.19", "11.8.6", "10.11 to 11.8"),
        ("10.11.19", "11.8.6", " 10.11  to 11.8 "),
        ("12.0.2", "12.1.2", "12.0 to 12.1"),
        ("12.0.2", "12.0.3", ""),
    ],
)
def test_ways_that_lead_there(running: str, target: str, allowed: str) -> None:
    assert jump_problem(Version.parse(running), Version.parse(target), allowed) == ""


@pytest.mark.parametrize(
    ("running", "target", "allowed", "sentence"),
    [
        ("10.11.19", "11.8.6", "", "10.11 to 11.4 to 11.8"),
        ("10.11.19", "11.8.6", "", 'say upgrade_allow_jump="10.11 to 11.8"'),
        ("10.11.19", "11.8.6", "yes", "rolling upgrades are made from one long-term series to the next"),
        ("10.6.20", "11.8.6", "10.11 to 11.8", "10.6 to 10.11 to 11.4 to 11.8"),
        ("11.8.6", "12.0.2", "", "between long-term series (10.6, 10.11, 11.4, 11.8, 12.3)"),
        ("12.0.2", "12.3.1", "", "between long-term series"),
        ("10.5.28", "10.6.20", "", "between long-term series"),
        ("11.8.6", "10.11.19", "", "does not go back from 11.8 to 10.11"),
        ("11.8.6", "10.11.19", "11.8 to 10.11", "does not go back from 11.8 to 10.11"),
    ],
)
def test_ways_that_do_not(running: str, target: str, allowed: str, sentence: str) -> None:
    assert sentence in jump_problem(Version.parse(running), Version.parse(target), allowed)


# ---- The backup


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(without_backup=True),
        Wishes(backup_taken="2026-11-21T03:00:00Z"),
        Wishes(backup_taken="2026-11-21T03:00:00+02:00"),
        Wishes(backup_taken="2026-11-21 12:04:00+00:00"),
        Wishes(backup_taken="2026-11-18T12:00Z", backup_max_age=72),
    ],
)
def test_a_backup_that_is_new_enough(wishes: Wishes) -> None:
    assert backup_problem(wishes, NOW) == ""


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (Wishes(), "No backup is named"),
        (Wishes(), "such as 2026-11-21T12:00Z"),
        (Wishes(), "upgrade_without_backup=yes"),
        (Wishes(backup_taken="2026-11-20T10:30:00Z"), "25.5 h old, more than upgrade_backup_max_age (24 h)"),
        (Wishes(backup_taken="yesterday"), "'yesterday', which is no ISO 8601 time with a time zone"),
        (Wishes(backup_taken="2026-11-21T03:00:00"), "no ISO 8601 time with a time zone"),
        (Wishes(backup_taken="2026-11-21T13:00:00Z"), "yet to come"),
    ],
)
def test_a_backup_that_will_not_do(wishes: Wishes, sentence: str) -> None:
    assert sentence in backup_problem(wishes, NOW)


# ---- The settings


def test_settings_that_11_8_does_not_know() -> None:
    told = parse_told((RECORDED / "11.8/settings.log").read_text())
    assert told.unknown == ["old_alter_table", "no-such-setting"]
    assert told.errors == []
    assert told.warnings == [
        "option 'max_connections': unsigned value 1 adjusted to 10",
        "--innodb-flush-method is deprecated and will be removed in a future release",
        "'innodb-defragment' was removed. It does nothing now and exists only for compatibility with old my.cnf files",
    ]


def test_settings_that_10_11_does_not_know() -> None:
    told = parse_told((RECORDED / "10.11/settings.log").read_text())
    assert told.unknown == ["no-such-setting"]
    assert told.warnings == ["option 'max_connections': unsigned value 1 adjusted to 10"]


def test_values_are_not_told() -> None:
    assert "secret" not in str(parse_told((RECORDED / "11.8/settings.log").read_text()))


def test_another_error() -> None:
    log = "2026-11-21  9:00:00 0 [ERROR] mariadbd: Error while setting value 'x' to 'binlog_format'.\n"
    assert parse_told(log).errors == ["mariadbd: Error while setting value 'x' to 'binlog_format'"]


# ---- The gcache


def test_gcache_needed() -> None:
    assert gcache_needed(MIB, 120) == 150 * MIB
