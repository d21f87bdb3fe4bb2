# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    SERVERS,
    TABLES,
    ProxySQLError,
    Row,
    Table,
    read_schema,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.schema import statements

SCHEMA = read_schema("2.7.1", statements("2.7"))
ALL = pytest.mark.parametrize("option", TABLES)


def complete(option: str, *rows: dict[str, Any]) -> list[Row]:
    table = SCHEMA.table(option)
    typed = enumerate(table.typed(rows, SCHEMA.version), 1)
    result = [table.completed(row, number, {}) for number, row in typed]
    table.check(dict(enumerate(result, 1)))
    table.check_unique(result)
    return result


def test_columns_keys_and_rules_come_from_the_statement() -> None:
    statement = """CREATE TABLE mysql_servers (
        hostname VARCHAR NOT NULL , port INT CHECK (port >= 0 AND
        port <= 65535) NOT NULL DEFAULT 3306 , status VARCHAR CHECK (UPPER(status) IN ('ON,LINE', 'it''s (')) NOT NULL
        DEFAULT ('ON,LINE') , weight INT UNSIGNED , comment VARCHAR NOT NULL , settings VARCHAR CHECK (
        JSON_VALID(settings) OR settings = '') NOT NULL DEFAULT '' ,
        PRIMARY KEY (port, hostname) , UNIQUE (weight, port))"""
    table = read_schema("9.9", {SERVERS: statement}).tables[SERVERS]

    assert [(c.name, c.kind, c.default, c.required, c.case) for c in table.columns] == [
        ("hostname", "text", None, True, ""),
        ("port", "int", 3306, False, ""),
        ("status", "text", "ON,LINE", False, "upper"),
        ("weight", "int", None, False, ""),
        ("comment", "text", "", False, ""),
        ("settings", "json", "", False, ""),
    ]
    assert (table.key, table.unique, table.unit) == (("port", "hostname"), (("weight", "port"),), "MYSQL SERVERS")
    assert [tuple(rule) for rule in table.rules] == [
        ("port", "port >= 0 AND port <= 65535"),
        ("status", "UPPER(status) IN ('ON,LINE', 'it''s (')"),
        ("settings", "JSON_VALID(settings) OR settings = ''"),
        ("weight", "weight >= 0"),
    ]


@ALL
def test_every_table_is_understood(option: str) -> None:
    table = SCHEMA.table(option)

    assert table.name == TABLES[option][0]
    assert table.key
    assert {rule.column for rule in table.rules} <= {column.name for column in table.columns}


def test_an_older_server_has_less() -> None:
    old = read_schema("2.5.5", statements("2.5"))

    with pytest.raises(ProxySQLError) as error:
        old.table("servers_ssl_params")
    assert str(error.value) == "servers_ssl_params: ProxySQL 2.5.5 has no table mysql_servers_ssl_params."
    with pytest.raises(ProxySQLError, match=r"there is no column 'hostgroup_settings' in ProxySQL 2\.5\.5; there are"):
        old.table("hostgroup_attributes").typed([{"hostgroup_id": 1, "hostgroup_settings": {}}], old.version)


def test_rows_get_every_column_in_proxysqls_types() -> None:
    (row,) = complete("servers", {"hostname": "db1", "port": "3307", "use_ssl": True, "status": "offline_soft"})

    assert list(row) == [column.name for column in SCHEMA.table("servers").columns]
    assert row["hostgroup_id"] == 0
    assert row["port"] == 3307
    assert row["use_ssl"] == 1
    assert row["status"] == "OFFLINE_SOFT"
    assert row["comment"] == ""


def test_null_stands_for_the_default() -> None:
    (row,) = complete("servers", {"hostname": "db1", "weight": None})

    assert row["weight"] == 1


def test_rows_are_sorted_by_key_and_numbers_by_size() -> None:
    rows = complete("servers", {"hostgroup_id": 100, "hostname": "a"}, {"hostgroup_id": 20, "hostname": "b"})

    assert [row["hostgroup_id"] for row in SCHEMA.table("servers").sorted(rows)] == [20, 100]


def test_json_is_taken_as_text_and_as_data() -> None:
    rows = complete("users", {"username": "a", "attributes": {"b": 1}}, {"username": "b", "attributes": '{"b": 1}'})

    assert [row["attributes"] for row in rows] == ['{"b": 1}', '{"b": 1}']


@pytest.mark.parametrize(
    ("option", "row", "sentence"),
    [
        (
            "servers",
            {"hostname": "a", "wieght": 1},
            "mysql_servers, row 1: there is no column 'wieght' in ProxySQL 2.7.1",
        ),
        ("servers", {"port": 3306}, "mysql_servers, row 1: hostname must have a value."),
        ("servers", {"hostname": "a", "port": "http"}, "port must be a whole number, not 'http'."),
        ("servers", {"hostname": "a", "port": 0.5}, "port must be a whole number, not 0.5."),
        ("servers", {"hostname": "a", "port": 65536}, "port 65536 breaks the rule port >= 0 AND port <= 65535."),
        (
            "servers",
            {"hostname": "a", "max_connections": -1},
            "max_connections -1 breaks the rule max_connections >= 0.",
        ),
        (
            "servers",
            {"hostname": "a", "max_connections": 2**40},
            "max_connections must be from -2147483648 to 2147483647",
        ),
        ("servers", {"hostname": "a", "use_ssl": 2}, "use_ssl 2 breaks the rule use_ssl IN (0, 1)."),
        ("servers", {"hostname": "a", "status": "UP"}, "status 'UP' breaks the rule UPPER(status) IN ('ONLINE', "),
        ("servers", {"hostname": "a", "gtid_port": 3306}, "gtid_port 3306 breaks the rule"),
        ("servers", {"hostname": ["a"]}, "hostname must be text, not list."),
        ("servers", {"hostname": "a\0"}, "hostname must not contain a NUL character."),
        ("users", {"username": True}, "mysql_users, row 1: username must be text, not bool."),
        (
            "users",
            {"username": "a", "default_hostgroup": -1},
            "default_hostgroup -1 breaks the rule default_hostgroup >= 0",
        ),
        ("users", {"username": "a", "attributes": "{"}, "attributes must be JSON, not '{'."),
        ("query_rules", {"active": 1}, "mysql_query_rules, row 1: rule_id must have a value."),
        ("scheduler", {"id": 1, "filename": "/x", "interval_ms": 5}, "interval_ms 5 breaks the rule"),
        ("proxysql_servers", {"hostname": "a", "port": 65536}, "port 65536 breaks the rule port BETWEEN 0 AND 65535."),
    ],
)
def test_a_bad_value_is_told_by_table_row_and_column(option: str, row: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProxySQLError) as error:
        complete(option, row)

    assert sentence in str(error.value)


def test_two_rows_with_one_key_are_refused() -> None:
    with pytest.raises(ProxySQLError) as error:
        complete("servers", {"hostname": "a"}, {"hostname": "a", "weight": 5})

    assert str(error.value) == "mysql_servers: two rows have hostgroup_id 0, hostname 'a', port 3306."


def test_hostgroups_shared_by_two_clusters_are_refused() -> None:
    one = {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20, "offline_hostgroup": 40}
    two = {"writer_hostgroup": 11, "backup_writer_hostgroup": 31, "reader_hostgroup": 20, "offline_hostgroup": 41}

    with pytest.raises(ProxySQLError, match="two rows have reader_hostgroup 20"):
        complete("galera_hostgroups", one, two)


def test_rows_of_the_server_come_back_in_the_same_form() -> None:
    rows = complete("servers", {"hostname": "a"}, {"hostname": "b"})
    as_sent = [list(row.values()) for row in reversed(rows)]

    assert SCHEMA.table("servers").from_server(as_sent) == rows


def any_row(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with some of the columns, good and bad."""
    numbers = st.one_of(st.integers(-2, 4), st.integers(-(2**31), 2**31 - 1), st.sampled_from([100, 65535, 65536]))
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
    kinds = {"int": numbers, "text": texts, "json": st.sampled_from(["", "{}", '{"a": 1}'])}
    columns = {column.name: kinds[column.kind] for column in table.columns}
    needed = {column.name: columns.pop(column.name) for column in table.columns if column.required}
    return st.fixed_dictionaries(needed, optional=columns)


@ALL
@given(data=st.data())
def test_what_passes_is_taken_by_the_server_as_it_is(option: str, data: st.DataObject) -> None:
    """An SQLite with the server's own statement is the judge."""
    table = SCHEMA.table(option)
    rows = data.draw(st.lists(any_row(table), max_size=3))
    try:
        full = complete(option, *rows)
    except ProxySQLError:
        return
    with sqlite3.connect(":memory:") as server:
        server.execute(statements("2.7")[table.name])
        marks = ", ".join("?" for _column in table.columns)
        server.executemany(f"INSERT INTO {table.name} VALUES ({marks})", [tuple(row.values()) for row in full])
        there = server.execute(f"SELECT * FROM {table.name}").fetchall()
    assert table.from_server(there) == table.sorted(full)
