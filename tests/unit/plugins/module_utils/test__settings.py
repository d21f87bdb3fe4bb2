# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option files as the server reads them, and what of a difference can be set. The catalogue is MariaDB 10.11's."""

from __future__ import annotations

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._settings import (
    Change,
    Plan,
    Variable,
    differences,
    parse,
    plan,
    server_sections,
    shown,
    typed,
)

VERSION = "10.11.19-MariaDB-deb12"
ROWS = [
    ("back_log", "BIGINT UNSIGNED", "GLOBAL", True),
    ("binlog_row_image", "ENUM", "SESSION", False),
    ("general_log", "BOOLEAN", "GLOBAL", False),
    ("gtid_seq_no", "BIGINT UNSIGNED", "SESSION ONLY", False),
    ("init_connect", "VARCHAR", "GLOBAL", False),
    ("innodb_io_capacity_max", "BIGINT UNSIGNED", "GLOBAL", False),
    ("log_slow_query", "BOOLEAN", "SESSION", False),
    ("long_query_time", "DOUBLE", "SESSION", False),
    ("max_allowed_packet", "BIGINT UNSIGNED", "SESSION", False),
    ("max_connections", "BIGINT UNSIGNED", "GLOBAL", False),
    ("max_user_connections", "INT", "SESSION", False),
    ("optimizer_switch", "FLAGSET", "SESSION", False),
    ("skip_name_resolve", "BOOLEAN", "GLOBAL", True),
    ("slow_query_log", "BOOLEAN", "SESSION", False),
    ("sql_mode", "SET", "SESSION", False),
    ("wsrep_cluster_address", "VARCHAR", "GLOBAL", False),
    ("wsrep_node_name", "VARCHAR", "GLOBAL", False),
    ("wsrep_on", "BOOLEAN", "SESSION", False),
    ("wsrep_provider_options", "VARCHAR", "GLOBAL", False),
    ("wsrep_sst_auth", "VARCHAR", "GLOBAL", False),
    ("wsrep_sst_donor", "VARCHAR", "GLOBAL", False),
]
CATALOGUE = {row[0]: Variable(*row) for row in ROWS}


def change(name: str, before: str | None, after: str | None, section: str = "") -> Change:
    return Change(section, name, before, after)


def decide(*changes: Change) -> Plan:
    return plan(changes, CATALOGUE)


def test_an_option_file_is_read_as_the_server_reads_it() -> None:
    text = """
# {{ ansible_managed }}
ignored = 1
!includedir /etc/elsewhere
[mariadbd]
Max-Connections = 100
max_connections=200   # the last one counts
skip-name-resolve
  init_connect = "SET NAMES 'utf8' # no comment"
sql_mode =
; another comment
log_error = a\\sb\\\\c
[ client ]
socket = '/run/mysqld/mysqld.sock'
"""
    sections = parse(text)
    assert sections == {
        "mariadbd": {
            "max_connections": "200",
            "skip_name_resolve": "ON",
            "init_connect": "SET NAMES 'utf8' # no comment",
            "sql_mode": "",
            "log_error": "a b\\c",
        },
        "client": {"socket": "/run/mysqld/mysqld.sock"},
    }


def test_the_sections_of_a_server_are_one() -> None:
    assert "mariadbd-10.11" in server_sections(VERSION)
    before = "[mysqld]\nmax_connections = 100\nback_log = 80\n[mariadbd-11.8]\nback_log = 1\n"
    after = "[galera]\nmax-connections = 100\n[mariadb-10.11]\nback_log = 90\n[mariadbd-11.8]\nback_log = 1\n"
    assert differences(before, after, VERSION) == [change("back_log", "80", "90")]


def test_differences_are_the_servers_first() -> None:
    before = "[client]\nuser = a\n[mysqld]\nb = 1\nc = 1\n"
    after = "[client]\nuser = b\n[mysqld]\na = 1\nc = 1\n"
    assert differences(before, after, VERSION) == [
        change("a", None, "1"),
        change("b", "1", None),
        change("user", "a", "b", "client"),
    ]
    assert differences(before, before + "# a comment\n", VERSION) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_connections", "500", 500),
        ("max_allowed_packet", "16M", 16777216),
        ("max_allowed_packet", "1g", 1073741824),
        ("max_user_connections", "-1", -1),
        ("max_connections", "many", None),
        ("max_connections", "1.5G", None),
        ("general_log", "ON", 1),
        ("general_log", "True", 1),
        ("general_log", "off", 0),
        ("general_log", "yes", None),
        ("long_query_time", "0.5", 0.5),
        ("long_query_time", "2", 2.0),
        ("long_query_time", "soon", None),
        ("binlog_row_image", "MINIMAL", "MINIMAL"),
        ("binlog_row_image", "1", 1),
        ("sql_mode", "", ""),
        ("sql_mode", "ANSI,TRADITIONAL", "ANSI,TRADITIONAL"),
        ("optimizer_switch", "mrr=on", "default,mrr=on"),
        ("wsrep_sst_donor", "1", "1"),
    ],
)
def test_values_are_typed_as_the_variable_is(name: str, value: str, expected: object) -> None:
    result = typed(value, CATALOGUE[name])
    assert result == expected
    assert type(result) is type(expected)


def test_all_is_set_in_one_statement_what_goes_back_to_its_default_first() -> None:
    found = decide(
        change("log_slow_query", None, "ON"),
        change("max_allowed_packet", "16M", "32M"),
        change("slow_query_log", "ON", None),
        change("user", "a", "b", "client"),
    )
    assert found.restart == {}
    assert found.statement() == (
        "SET GLOBAL slow_query_log = DEFAULT, GLOBAL log_slow_query = %s, GLOBAL max_allowed_packet = %s",
        [1, 33554432],
    )
    assert len(found.changes) == 4


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (change("back_log", "80", "90"), "is read-only while the server runs"),
        (change("back_log", "80", None), "is read-only while the server runs"),
        (change("plugin_load_add", None, "x"), "is no variable of the server"),
        (change("gtid_seq_no", None, "1"), "has no global value"),
        (change("max_connections", "100", "many"), "has a value that SQL cannot say"),
        (change("innodb_io_capacity_max", "4000", None), "has a default that is computed at a start"),
        (change("wsrep_on", "ON", "OFF"), "takes the node out of the cluster"),
        (change("wsrep_provider_options", "gcache.size=1G", "gcache.size=2G"), "is a list of options"),
        (change("wsrep_node_name", "a", "b"), "takes effect when the node joins"),
    ],
)
def test_what_needs_a_restart(one: Change, why: str) -> None:
    found = decide(one, change("max_connections", "1", "2") if one.name != "max_connections" else one)
    assert why in found.restart[one.name]
    assert one in found.changes


def test_what_is_set_though_it_concerns_the_cluster() -> None:
    found = decide(change("wsrep_sst_donor", "mariadb2,", "mariadb3,"), change("wsrep_sst_auth", None, "mysql:"))
    assert (found.restart, len(found.assignments)) == ({}, 2)


def test_the_members_addresses_wait_for_the_next_start() -> None:
    assert decide(change("wsrep_cluster_address", "gcomm://a", "gcomm://a,b")) == Plan()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("skip_name_resolve", "ON", "1"),
        ("max_allowed_packet", "16M", "16777216"),
        ("binlog_row_image", "full", "FULL"),
        ("long_query_time", "2", "2.0"),
    ],
)
def test_the_same_value_in_other_words(name: str, before: str, after: str) -> None:
    assert decide(change(name, before, after)) == Plan()


def test_secrets_are_hidden() -> None:
    told = [change("wsrep_sst_auth", None, "sst:secret").told(), change("back_log", "80", None).told()]
    assert shown(told, "before") == "[mariadbd] back_log = 80\n"
    assert shown(told, "after") == "[mariadbd] wsrep_sst_auth = ***\n"
