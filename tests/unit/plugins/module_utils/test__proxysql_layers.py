# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_layers as layers
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    DISK,
    LAYERS,
    MEMORY,
    RUNTIME,
    Desired,
    Layer,
    State,
    Wish,
    difference,
    plan,
    runtime_view,
    secrets,
    without_secrets,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_passwords import native_hash
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    ProxySQLError,
    Rows,
    read_schema,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.schema import statements

SCHEMA = read_schema("2.7.1", statements("2.7"))
USERS = SCHEMA.table("users")

SERVED = {"servers": [{"hostname": "db"}]}  # Users need a hostgroup with a server.
CLUSTER = {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20, "offline_hostgroup": 40}
VARIABLES = {
    "mysql-max_connections": "10000",
    "mysql-threads": "4",
    "mysql-have_ssl": "true",
    "mysql-monitor_password": "1234",
    "admin-admin_credentials": "admin:admin",
}


def server(hostgroup: int, hostname: str, **columns: Any) -> dict[str, Any]:
    return {"hostgroup_id": hostgroup, "hostname": hostname, **columns}


def desired(config: dict[str, Any]) -> Desired:
    return layers.desired(config, SCHEMA)


def content(want: Desired) -> dict[str, Rows]:
    """What the tables hold once they hold what is wanted."""
    return {name: wish.content([]) for name, wish in want.tables.items()}


def state(want: Desired, variables: dict[str, str] | None = None, **runtime: Rows) -> State:
    """All three layers as wanted, but for the given rows of runtime."""
    shown = VARIABLES if variables is None else variables
    tables = content(want)
    clusters = tables.get("mysql_galera_hostgroups", [])
    loaded = {name: runtime_view(want.tables[name].table, rows, clusters) for name, rows in tables.items()}
    for name in {"mysql_servers", "mysql_galera_hostgroups"} & set(loaded):
        loaded[name] = tables[name]
    loaded.update(runtime)
    return {MEMORY: Layer(tables, shown), RUNTIME: Layer(loaded, shown), DISK: Layer(tables, shown)}


def cluster(*servers: dict[str, Any]) -> Desired:
    return desired({"galera_hostgroups": [CLUSTER], "servers": list(servers)})


def rows(*given: dict[str, Any], option: str = "servers") -> Rows:
    table = SCHEMA.table(option)
    return Wish(table, table.typed(given, SCHEMA.version)).content([])


def differing(want: Desired, have: State) -> list[tuple[str, str]]:
    return [(change.layer, change.part) for change in plan(want, have).changes]


def test_layers_that_agree_need_nothing() -> None:
    want = desired({**SERVED, "users": [{"username": "a", "password": "x"}], "variables": {"mysql-threads": 4}})

    assert differing(want, state(want)) == []


def test_what_is_not_given_is_not_compared() -> None:
    assert differing(desired({"servers": None}), state(desired({"servers": [server(0, "a")]}))) == []


def test_an_empty_table_is_a_wish() -> None:
    have = state(desired({"servers": [server(0, "a")]}))

    assert differing(desired({"servers": []}), have) == [(layer, "mysql_servers") for layer in LAYERS]


@pytest.mark.parametrize("missed", [RUNTIME, DISK])
def test_an_interrupted_load_or_save_is_made_good(missed: str) -> None:
    want = desired({"servers": [server(0, "a")], "variables": {"mysql-max_connections": 10000}})
    have = {**state(want), missed: Layer({"mysql_servers": []}, {**VARIABLES, "mysql-max_connections": "99"})}
    todo = plan(want, have)

    assert todo.counts() == {}

    assert todo.units(missed) == ["MYSQL VARIABLES", "MYSQL SERVERS"]
    assert {change.layer for change in todo.changes} == {missed}


def test_units_are_loaded_in_order_credentials_last() -> None:
    want = desired({**SERVED, "users": [{"username": "a"}], "variables": {"admin-admin_credentials": "a:b"}})
    have = {layer: Layer({"mysql_users": [], "mysql_servers": rows(server(0, "a"))}, VARIABLES) for layer in LAYERS}

    assert plan(want, have).units(RUNTIME) == ["MYSQL SERVERS", "MYSQL USERS", "ADMIN VARIABLES"]
    assert plan(want, have).counts() == {
        "mysql_servers": {"added": 1, "changed": 0, "removed": 1},
        "mysql_users": {"added": 1, "changed": 0, "removed": 0},
    }


class TestGaleraHostgroups:
    want = cluster(server(10, "a", weight=9), server(10, "b", weight=8, status="SHUNNED"), server(20, "a", weight=9))

    @pytest.mark.parametrize(
        "seen",
        [
            # The usual sight, a lost node, a moved writer with a drained connection, monitoring not yet begun.
            [server(10, "a", weight=9), server(10, "b", weight=8, status="SHUNNED"), server(30, "b", weight=8)],
            [server(10, "b", weight=8), server(20, "b", weight=8), server(40, "a", weight=9)],
            [server(10, "b", weight=8), server(20, "a", weight=9), server(30, "a", weight=1, status="OFFLINE_HARD")],
            [server(10, "a", weight=9), server(10, "b", weight=8)],
        ],
    )
    def test_where_the_monitor_moves_servers_is_no_difference(self, seen: list[dict[str, Any]]) -> None:
        assert differing(self.want, state(self.want, mysql_servers=rows(*seen))) == []

    @pytest.mark.parametrize(
        "seen",
        [
            [server(10, "a", weight=9)],
            [server(10, "a", weight=9), server(10, "b", weight=7)],
            [server(10, "a", weight=9), server(20, "a", weight=1), server(10, "b", weight=8)],
            [server(10, "a", weight=9), server(10, "b", weight=8), server(20, "c")],
            [server(10, "a", weight=9), server(10, "b", weight=8), server(99, "b", weight=8)],
        ],
    )
    def test_other_servers_and_weights_are_a_difference(self, seen: list[dict[str, Any]]) -> None:
        assert differing(self.want, state(self.want, mysql_servers=rows(*seen))) == [(RUNTIME, "mysql_servers")]

    def test_hostgroups_of_memory_count_when_none_are_given(self) -> None:
        want = desired({"servers": [server(10, "a")]})
        have = state(cluster(server(10, "a")), mysql_servers=rows(server(40, "a")))

        assert differing(want, have) == []

    def test_an_inactive_cluster_manages_nothing(self) -> None:
        want = desired({"galera_hostgroups": [{**CLUSTER, "active": 0}], "servers": [server(10, "a")]})

        assert differing(want, state(want, mysql_servers=rows(server(40, "a")))) == [(RUNTIME, "mysql_servers")]

    def test_one_server_with_two_weights_is_refused(self) -> None:
        want = cluster(server(10, "a", weight=9), server(20, "a", weight=1))

        with pytest.raises(ProxySQLError, match="a:3306 has weight 9 and 1 in the hostgroups of one Galera cluster"):
            plan(want, state(want))


@pytest.mark.parametrize(("seen", "same"), [("SHUNNED", True), ("ONLINE", True), ("OFFLINE_SOFT", False)])
def test_monitoring_shuns_plain_servers_too(seen: str, same: bool) -> None:
    want = desired({"servers": [server(0, "a")]})
    have = state(want, mysql_servers=rows(server(0, "a", status=seen)))

    assert (differing(want, have) == []) is same


def test_runtime_shows_active_users_as_two_accounts() -> None:
    users = rows({"username": "a"}, {"username": "b", "active": 0}, {"username": "c", "frontend": 0}, option="users")
    view = [(row["username"], row["frontend"], row["backend"]) for row in runtime_view(USERS, users, [])]

    assert view == [("a", 1, 0), ("a", 0, 1), ("c", 0, 1)]


def test_runtime_shows_active_rules_only() -> None:
    rules = rows({"rule_id": 1, "active": 1}, {"rule_id": 2}, option="query_rules")

    assert [row["rule_id"] for row in runtime_view(SCHEMA.table("query_rules"), rules, [])] == [1]


def test_variables_taken_only_at_start_go_to_disk() -> None:
    want = desired({"variables": {"mysql-threads": 8}})
    todo = plan(want, state(want))
    on_disk = {**VARIABLES, "mysql-threads": "8"}

    assert [change.layer for change in todo.changes] == [MEMORY, DISK]
    assert todo.restart_required
    saved = {**state(want), MEMORY: Layer({}, on_disk), DISK: Layer({}, on_disk)}
    assert plan(want, saved).changes == []
    assert plan(want, saved).restart_required
    assert not plan(want, state(want, variables=on_disk)).restart_required


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("mysql-have_ssl", False, "false"),
        ("mysql-have_ssl", "yes", "true"),
        ("mysql-max_connections", "2048", "2048"),
        ("mysql-monitor_password", "s3cret", "s3cret"),
        ("mysql-monitor_password", 99, "99"),
    ],
)
def test_variables_are_written_as_proxysql_does(name: str, value: Any, text: str) -> None:
    want = desired({"variables": {name: value}})
    after = [change.after[name] for change in plan(want, state(want)).changes]

    assert set(after) <= {text}
    assert after or VARIABLES[name] == text


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("mysql-max_conections", 1, "variables: ProxySQL 2.7.1 has no variable 'mysql-max_conections'"),
        ("mysql-max_connections", "many", "variables: mysql-max_connections must be a whole number, not 'many'."),
        ("mysql-max_connections", True, "must be a whole number, not True."),
        ("mysql-have_ssl", 2, "variables: mysql-have_ssl must be true or false, not 2."),
        ("mysql-monitor_password", ["a"], "variables: mysql-monitor_password must be text."),
        ("admin-admin_credentials", "admin:", "must be user:password"),
        ("admin-admin_credentials", "", "must be user:password"),
    ],
)
def test_a_bad_variable_is_told_by_name(name: str, value: Any, sentence: str) -> None:
    want = desired({"variables": {name: value}})

    with pytest.raises(ProxySQLError) as error:
        plan(want, state(want))
    assert sentence in str(error.value)


def test_the_diff_hides_secrets_and_shows_that_they_change() -> None:
    want = desired(
        {
            **SERVED,
            "users": [{"username": "a", "password": "new-one"}, {"username": "b", "password": "same"}],
            "variables": {"mysql-monitor_password": "new-two", "admin-admin_credentials": "admin:admin"},
        }
    )
    before = rows({"username": "a", "password": "old"}, {"username": "b", "password": "same"}, option="users")
    have = {
        layer: Layer({"mysql_users": before, "mysql_servers": rows(*SERVED["servers"])}, VARIABLES) for layer in LAYERS
    }
    shown = difference(plan(want, have).changes)

    assert shown["before"]["memory"]["mysql_users"] == {
        "a, 1": {"password": "(hidden)"},
        "b, 1": {"password": "(hidden)"},
    }
    assert shown["after"]["memory"]["mysql_users"]["a, 1"] == {"password": "(hidden), changed"}
    assert shown["after"]["memory"]["mysql_users"]["b, 1"] == {"password": "(hidden)"}
    assert shown["after"]["disk"]["mysql_variables"] == {"mysql-monitor_password": "(hidden), changed"}
    text = json.dumps(shown)
    assert not [secret for secret in ("new-one", "new-two", "1234", "*") if secret in text]


def test_the_diff_leaves_defaults_out() -> None:
    want = desired({"servers": [server(10, "a", weight=9)]})
    have = {layer: Layer({"mysql_servers": []}, VARIABLES) for layer in LAYERS}

    assert difference(plan(want, have).changes)["after"]["disk"] == {"mysql_servers": {"10, a, 3306": {"weight": 9}}}


def test_secrets_are_found_as_given() -> None:
    config = {
        "users": [{"username": "a", "password": "one"}, {"username": "b"}],
        "variables": {"mysql-monitor_password": "two", "admin-admin_credentials": "a:three;b:four", "mysql-threads": 4},
    }

    assert secrets(config) == ["one", "two", "a:three;b:four", "three", "four"]


class TestMerge:
    there = rows(server(10, "a", weight=5, comment="kept"), server(10, "b"), server(20, "b"))

    def merged(self, **config: Any) -> list[tuple[Any, ...]]:
        want = desired({"merge": ["servers"], **config})
        found = want.tables["mysql_servers"].content(self.there)
        return [(row["hostgroup_id"], row["hostname"], row["weight"], row["comment"]) for row in found]

    def test_other_rows_and_columns_stay(self) -> None:
        assert self.merged(servers=[server(10, "a", weight=7), server(30, "c")]) == [
            (10, "a", 7, "kept"),
            (10, "b", 1, ""),
            (20, "b", 1, ""),
            (30, "c", 1, ""),
        ]

    def test_null_sets_a_column_back(self) -> None:
        assert self.merged(servers=[server(10, "a", weight=None)])[0] == (10, "a", 1, "kept")

    def test_absent_rows_go_by_the_values_that_are_given(self) -> None:
        assert self.merged(absent={"servers": [{"hostname": "b", "hostgroup_id": "20"}]}) == [
            (10, "a", 5, "kept"),
            (10, "b", 1, ""),
        ]

    def test_what_is_absent_alone_leaves_the_rest(self) -> None:
        want = desired({"absent": {"servers": [{"hostname": "b"}]}})

        assert [row["hostname"] for row in want.tables["mysql_servers"].content(self.there)] == ["a"]

    @pytest.mark.parametrize(
        ("config", "sentence"),
        [
            ({"absent": {"nonsense": []}}, "absent: there is no table 'nonsense'; there are servers, "),
            ({"absent": {"servers": [{}]}}, "absent: each of servers must be a mapping"),
            ({"absent": {"servers": ["a"]}}, "absent: each of servers must be a mapping"),
            ({"absent": {"servers": "a"}}, "absent: servers must be a list of mappings, not str."),
            ({"absent": {"servers": [{"port": "x"}]}}, "mysql_servers, absent row 1: port must be a whole number"),
            (
                {"servers": [server(10, "a")], "absent": {"servers": [{"hostname": "a"}]}},
                "mysql_servers, row 1: it is among the rows of absent, too.",
            ),
            ({"servers": [server(10, "a"), server(10, "a")]}, "two rows have hostgroup_id 10, hostname 'a', port 3306"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, config: dict[str, Any], sentence: str) -> None:
        with pytest.raises(ProxySQLError) as error:
            self.merged(**config)
        assert sentence in str(error.value)


keys = st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(1, 2))
tables_of_servers = st.dictionaries(keys, st.integers(0, 3), max_size=8).map(
    lambda found: [server(group, host, port=port, weight=weight) for (group, host, port), weight in found.items()]
)


@given(tables_of_servers, tables_of_servers, st.booleans())
def test_what_is_reached_is_wanted_no_more(before: list[Any], wanted: list[Any], merge: bool) -> None:
    want = desired({"servers": wanted, "merge": ["servers"] if merge else []})
    have = {layer: Layer({"mysql_servers": rows(*before)}, VARIABLES) for layer in LAYERS}
    (after,) = [change.after for change in plan(want, have).of(MEMORY)] or [rows(*before)]

    assert plan(want, {layer: Layer({"mysql_servers": after}, VARIABLES) for layer in LAYERS}).changes == []
    given_rows = rows(*wanted)
    assert [row for row in given_rows if row not in after] == []
    if not merge:
        assert after == given_rows


@pytest.mark.parametrize("kept", ["clear", "hash"])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_form_of_a_password_is_no_difference(layer: str, kept: str) -> None:
    want = desired({**SERVED, "users": [{"username": "a", "password": "s3cret"}]})
    have = dict(state(want))
    stored = {"clear": "s3cret", "hash": native_hash("s3cret")}[kept]
    accounts = [{**row, "password": stored} for row in have[layer].tables["mysql_users"]]
    have[layer] = Layer({**have[layer].tables, "mysql_users": accounts}, VARIABLES)

    assert differing(want, have) == []


def test_an_unknown_hostgroup_of_a_user_is_refused() -> None:
    users = [{"username": "a", "default_hostgroup": 20}, {"username": "b", "default_hostgroup": 77}]
    want = desired({"galera_hostgroups": [CLUSTER], "users": users})

    with pytest.raises(ProxySQLError, match="mysql_users, row 2: default_hostgroup 77 of user 'b' has no server"):
        plan(want, state(want))


@pytest.mark.parametrize("column", ["active", "frontend"])
def test_a_user_that_sends_nothing_needs_no_hostgroup(column: str) -> None:
    want = desired({"users": [{"username": "b", "default_hostgroup": 77, column: 0}]})

    assert differing(want, state(want)) == []


def test_secrets_are_hidden_from_what_is_read() -> None:
    users = rows({"username": "a", "password": "s3cret"}, {"username": "b"}, option="users")

    assert [row["password"] for row in without_secrets(USERS, users)] == ["(hidden)", None]
    shown = without_secrets(None, [VARIABLES])[0]
    assert (shown["mysql-threads"], shown["mysql-monitor_password"]) == ("4", "(hidden)")
