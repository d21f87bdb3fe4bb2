# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    DISK,
    LAYERS,
    MEMORY,
    RUNTIME,
    Desired,
    Layer,
    State,
    desired,
    difference,
    plan,
    runtime_view,
    secrets,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import (
    TABLES,
    USERS,
    ProxySQLError,
    Rows,
    normalise,
)

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


def state(want: Desired, variables: dict[str, str] | None = None, **runtime: Rows) -> State:
    """All three layers as wanted, but for the given rows of runtime."""
    shown = VARIABLES if variables is None else variables
    clusters = want.tables.get("mysql_galera_hostgroups", [])
    tables = {table.name: table for table in TABLES.values()}
    loaded = {name: runtime_view(tables[name], rows, clusters) for name, rows in want.tables.items()}
    for name in {"mysql_servers", "mysql_galera_hostgroups"} & set(loaded):
        loaded[name] = want.tables[name]
    loaded.update(runtime)
    return {
        MEMORY: Layer(want.tables, shown),
        RUNTIME: Layer(loaded, shown),
        DISK: Layer(want.tables, shown),
    }


def cluster(*servers: dict[str, Any]) -> Desired:
    return desired({"galera_hostgroups": [CLUSTER], "servers": list(servers)})


def rows(*servers: dict[str, Any]) -> Rows:
    return normalise(TABLES["servers"], list(servers))


def differing(want: Desired, have: State) -> list[tuple[str, str]]:
    return [(change.layer, change.part) for change in plan(want, have).changes]


def test_layers_that_agree_need_nothing() -> None:
    want = desired({"users": [{"username": "a", "password": "x"}], "variables": {"mysql-threads": 4}})

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

    assert todo.units(missed) == ["MYSQL VARIABLES", "MYSQL SERVERS"]
    assert {change.layer for change in todo.changes} == {missed}


def test_units_are_loaded_in_order_credentials_last() -> None:
    want = desired({"users": [{"username": "a"}], "servers": [], "variables": {"admin-admin_credentials": "a:b"}})
    have = {layer: Layer({"mysql_users": [], "mysql_servers": rows(server(0, "a"))}, VARIABLES) for layer in LAYERS}

    assert plan(want, have).units(RUNTIME) == ["MYSQL SERVERS", "MYSQL USERS", "ADMIN VARIABLES"]


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

    def test_hostgroups_must_differ(self) -> None:
        with pytest.raises(ProxySQLError, match="the four hostgroups must differ"):
            desired({"galera_hostgroups": [{**CLUSTER, "offline_hostgroup": 10}]})


@pytest.mark.parametrize(("seen", "same"), [("SHUNNED", True), ("ONLINE", True), ("OFFLINE_SOFT", False)])
def test_monitoring_shuns_plain_servers_too(seen: str, same: bool) -> None:
    want = desired({"servers": [server(0, "a")]})
    have = state(want, mysql_servers=rows(server(0, "a", status=seen)))

    assert (differing(want, have) == []) is same


def test_runtime_shows_active_users_as_two_accounts() -> None:
    users = normalise(USERS, [{"username": "a"}, {"username": "b", "active": 0}, {"username": "c", "frontend": 0}])
    view = [(row["username"], row["frontend"], row["backend"]) for row in runtime_view(USERS, users, [])]

    assert view == [("a", 1, 0), ("a", 0, 1), ("c", 0, 1)]


def test_runtime_shows_active_rules_only() -> None:
    want = desired({"query_rules": [{"rule_id": 1, "active": 1}, {"rule_id": 2}]})

    assert [row["rule_id"] for row in runtime_view(TABLES["query_rules"], want.tables["mysql_query_rules"], [])] == [1]


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
        ("mysql-max_conections", 1, "variables: ProxySQL has no variable 'mysql-max_conections'"),
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
            "users": [{"username": "a", "password": "new-one"}, {"username": "b", "password": "same"}],
            "variables": {"mysql-monitor_password": "new-two", "admin-admin_credentials": "admin:admin"},
        }
    )
    before = normalise(USERS, [{"username": "a", "password": "old"}, {"username": "b", "password": "same"}])
    have = {layer: Layer({"mysql_users": before}, VARIABLES) for layer in LAYERS}
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
