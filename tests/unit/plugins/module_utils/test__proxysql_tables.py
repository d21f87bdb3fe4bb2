# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    GALERA_HOSTGROUPS,
    SERVERS,
    TABLES,
    USERS,
    ProxySQLError,
    from_server,
    native_password_hash,
    normalise,
)

HASH = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"  # of "password"


def test_rows_get_every_column_in_proxysqls_types() -> None:
    (row,) = normalise(SERVERS, [{"hostname": "db1", "port": "3307", "use_ssl": True, "status": "offline_soft"}])

    assert list(row) == [column.name for column in SERVERS.columns]
    assert row["hostgroup_id"] == 0
    assert row["port"] == 3307
    assert row["use_ssl"] == 1
    assert row["status"] == "OFFLINE_SOFT"
    assert row["comment"] == ""


def test_null_stands_for_the_default() -> None:
    (row,) = normalise(SERVERS, [{"hostname": "db1", "weight": None}])

    assert row["weight"] == 1


def test_rows_are_sorted_by_key_and_numbers_by_size() -> None:
    rows = normalise(SERVERS, [{"hostgroup_id": 100, "hostname": "a"}, {"hostgroup_id": 20, "hostname": "b"}])

    assert [row["hostgroup_id"] for row in rows] == [20, 100]


def test_json_is_taken_as_text_and_as_data() -> None:
    rows = normalise(USERS, [{"username": "a", "attributes": {"b": 1}}, {"username": "b", "attributes": '{"b": 1}'}])

    assert [row["attributes"] for row in rows] == ['{"b": 1}', '{"b": 1}']


@pytest.mark.parametrize(
    ("option", "row", "sentence"),
    [
        ("servers", {"hostname": "a", "wieght": 1}, "mysql_servers, row 1: there is no column 'wieght'"),
        ("servers", {"port": 3306}, "mysql_servers, row 1: hostname must have a value."),
        ("servers", {"hostname": "a", "port": "http"}, "port must be a whole number, not 'http'."),
        ("servers", {"hostname": "a", "port": 65536}, "port must be from 0 to 65535, not 65536."),
        ("servers", {"hostname": "a", "max_connections": -1}, "max_connections must be at least 0, not -1."),
        ("servers", {"hostname": "a", "use_ssl": 2}, "use_ssl must be one of 0, 1, not 2."),
        ("servers", {"hostname": "a", "status": "UP"}, "status must be one of OFFLINE_HARD, OFFLINE_SOFT, ONLINE"),
        ("servers", {"hostname": ["a"]}, "hostname must be text, not list."),
        ("servers", {"hostname": "a\0"}, "hostname must not contain a NUL character."),
        ("users", {"username": True}, "mysql_users, row 1: username must be text, not bool."),
        ("users", {"username": "a", "attributes": "{"}, "attributes must be JSON, not '{'."),
        ("query_rules", {"active": 1}, "mysql_query_rules, row 1: rule_id must have a value."),
        ("scheduler", {"id": 1, "filename": "/x", "interval_ms": 5}, "interval_ms must be from 100 to 100000000"),
    ],
)
def test_a_bad_value_is_told_by_table_row_and_column(option: str, row: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProxySQLError) as error:
        normalise(TABLES[option], [row])

    assert sentence in str(error.value)


def test_two_rows_with_one_key_are_refused() -> None:
    with pytest.raises(ProxySQLError) as error:
        normalise(SERVERS, [{"hostname": "a"}, {"hostname": "a", "weight": 5}])

    assert str(error.value) == "mysql_servers: two rows have hostgroup_id 0, hostname 'a', port 3306."


def test_hostgroups_shared_by_two_clusters_are_refused() -> None:
    one = {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20, "offline_hostgroup": 40}
    two = {"writer_hostgroup": 11, "backup_writer_hostgroup": 31, "reader_hostgroup": 20, "offline_hostgroup": 41}

    with pytest.raises(ProxySQLError, match="two rows have reader_hostgroup 20"):
        normalise(GALERA_HOSTGROUPS, [one, two])


@pytest.mark.parametrize("given", ["password", HASH, HASH.lower()])
def test_passwords_become_hashes(given: str) -> None:
    (row,) = normalise(USERS, [{"username": "a", "password": given}])

    assert row["password"] == HASH


def test_what_only_begins_like_a_hash_is_a_password() -> None:
    assert native_password_hash(HASH[:-1]) != HASH[:-1]


def test_rows_of_the_server_come_back_in_the_same_form() -> None:
    rows = normalise(SERVERS, [{"hostname": "b"}, {"hostname": "a"}])
    as_sent = [{name: str(value) for name, value in row.items()} for row in reversed(rows)]

    assert from_server(SERVERS, as_sent) == rows
