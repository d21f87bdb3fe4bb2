# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proxysql_admin and proxysql_info promise, on whatever server conftest.py gives: a double, or a real ProxySQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_client import AdminClient, Credentials
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import FAMILIES, LAYERS, TEXT_VARIABLES
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_passwords import native_hash
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES
from ansible_collections.dbops.galera.plugins.modules import proxysql_admin, proxysql_info

Result = dict[str, Any]
Run = Callable[..., Result]
PASSWORD = "correct horse's \\ \u00e9"
# Of "s3cret pass"; ProxySQL's own function CACHING_SHA2_PASSWORD gave it.
SHA2 = "$A$005$abcdefghijklmnopqrstHIcmu.gRx9ZFJ2aX2ocMVs2bZZbjhjU.vOtdpiomVO2"

# Every table, with values that are hard to carry: quotes, backslashes, text beyond ASCII, NULLs, inactive rows.
CONFIGURATION: dict[str, Any] = {
    "galera_hostgroups": [
        {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20, "offline_hostgroup": 40}
    ],
    "servers": [
        {"hostgroup_id": 10, "hostname": "192.0.2.1", "weight": 1000, "comment": "it's \\ \u00e9"},
        {"hostgroup_id": 10, "hostname": "192.0.2.2", "weight": 999, "status": "SHUNNED"},
        {"hostgroup_id": 30, "hostname": "192.0.2.2", "weight": 999},
        {"hostgroup_id": 99, "hostname": "192.0.2.3", "port": 3307, "status": "OFFLINE_SOFT"},
        {"hostgroup_id": 99, "hostname": "192.0.2.4", "port": 3307, "status": "OFFLINE_HARD"},
    ],
    "servers_ssl_params": [
        {"hostname": "192.0.2.1", "ssl_ca": "/ca.pem", "comment": "it's"},
        {"hostname": "192.0.2.1", "port": 3307, "username": "u", "tls_version": "TLSv1.3"},
    ],
    "replication_hostgroups": [
        {"writer_hostgroup": 50, "reader_hostgroup": 51, "check_type": "SUPER_READ_ONLY", "comment": "it's"},
        {"writer_hostgroup": 52, "reader_hostgroup": 53},
    ],
    "proxysql_servers": [{"hostname": "127.0.0.9", "port": 9}, {"hostname": "127.0.0.8", "port": 9, "weight": 2}],
    "restapi_routes": [
        {"id": 1, "active": 0, "timeout_ms": 1000, "method": "get", "uri": "one", "script": "/bin/true"},
        {
            "id": 2,
            "active": 0,
            "timeout_ms": 100,
            "method": "POST",
            "uri": "two",
            "script": "/bin/true",
            "comment": "c",
        },
    ],
    "query_rules_fast_routing": [
        {"username": "application", "schemaname": "it's", "destination_hostgroup": 10},
        {"username": "application", "schemaname": "", "flagIN": 1, "destination_hostgroup": 99, "comment": "c"},
    ],
    "firewall_whitelist_users": [
        {"username": "application", "client_address": ""},
        {"username": "frontend", "client_address": "192.0.2.9", "mode": "PROTECTING", "active": 0, "comment": "c"},
    ],
    "firewall_whitelist_rules": [
        {"username": "application", "client_address": "", "schemaname": "s", "digest": "0x0123456789ABCDEF"},
        {"username": "a", "client_address": "", "schemaname": "s", "flagIN": 1, "digest": "0x0", "active": 0},
    ],
    "firewall_whitelist_sqli_fingerprints": [{"fingerprint": "s&1c"}, {"fingerprint": "it's", "active": False}],
    "hostgroup_attributes": [{"hostgroup_id": 99, "init_connect": "SET @a='b'", "servers_defaults": {"weight": 5}}],
    "users": [
        {"username": "application", "password": PASSWORD, "default_hostgroup": 10, "attributes": {"a": "b"}},
        {"username": "frontend", "password": PASSWORD, "backend": 0, "default_schema": "t", "default_hostgroup": 51},
        {"username": "backend", "password": "*2470c0c06dee42fd1618bb99005adca2ec9d1e19", "frontend": 0},
        {"username": "modern", "password": SHA2, "default_hostgroup": 99},
        {"username": "none", "default_hostgroup": 99},
        {"username": "idle", "active": False},
    ],
    "query_rules": [
        {"rule_id": 1, "active": 1, "match_digest": r"^SELECT\s.*FOR UPDATE", "destination_hostgroup": 10, "apply": 1},
        {"rule_id": 2, "match_pattern": "'", "replace_pattern": "\\1", "cache_ttl": 5, "comment": "inactive"},
        {
            "rule_id": 3,
            "active": 1,
            "username": "",
            "schemaname": "s",
            "flagIN": 1,
            "client_addr": "192.0.2.%",
            "proxy_addr": "192.0.2.9",
            "proxy_port": 6033,
            "digest": "0x0123456789ABCDEF",
            "match_pattern": "x",
            "negate_match_pattern": 1,
            "re_modifiers": "CASELESS,GLOBAL",
            "flagOUT": 2,
            "replace_pattern": "y",
            "cache_ttl": 1000,
            "cache_empty_result": 0,
            "cache_timeout": 5,
            "reconnect": 0,
            "timeout": 7,
            "retries": 2,
            "delay": 3,
            "next_query_flagIN": 4,
            "mirror_flagOUT": 5,
            "mirror_hostgroup": 99,
            "error_msg": "it's no",
            "OK_msg": "fine",
            "sticky_conn": 1,
            "multiplex": 2,
            "gtid_from_hostgroup": 10,
            "log": 1,
            "attributes": {"flagOUTs": []},
        },
    ],
    "scheduler": [
        {"id": 1, "active": 0, "interval_ms": 1000, "filename": "/bin/true", "arg1": "it's"},
        {"id": 2, "active": 0, "interval_ms": 99999, "filename": "/bin/true", "arg1": "a", "arg2": "", "comment": "c"},
    ],
    "variables": {
        "mysql-max_connections": 2047,
        "mysql-init_connect": "SET @a='b'",
        "mysql-commands_stats": False,
        "mysql-monitor_password": PASSWORD,
        "mysql-monitor_enabled": "no",
        "admin-web_enabled": "off",
        "admin-refresh_interval": "2001",
    },
}
ONE_SERVER: dict[str, Any] = {"servers": [{"hostgroup_id": 99, "hostname": "192.0.2.3"}]}


@pytest.fixture(name="module")
def fixture_module(login: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Run:
    def run(module: Any, check: bool = False, **arguments: Any) -> Result:
        given = {name: value for name, value in {**login, **arguments}.items() if value is not None}
        with (
            patch_module_args({**given, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            module.main()
        result: Result = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture(name="run")
def fixture_run(module: Run) -> Run:
    return lambda **arguments: module(proxysql_admin, **arguments)


@pytest.fixture(name="admin")
def fixture_admin(login: dict[str, Any]) -> Iterator[AdminClient]:
    credentials = [Credentials(login["login_user"], login["login_password"])]
    admin = client.connect(login["login_host"], login["login_port"], credentials, timeout=10, wait=20)
    yield admin
    admin.close()


@pytest.fixture(name="options")
def fixture_options(admin: AdminClient) -> list[str]:
    """The options whose tables this server has."""
    return [option for option, (name, _unit) in TABLES.items() if name in admin.schema().tables]


@pytest.fixture(name="configuration")
def fixture_configuration(options: list[str]) -> dict[str, Any]:
    return {option: rows for option, rows in CONFIGURATION.items() if option in (*options, "variables")}


@pytest.fixture(autouse=True)
def clean(run: Run, options: list[str]) -> None:
    empty: dict[str, Any] = {option: [] for option in options}
    result = run(**empty, variables={"mysql-max_connections": 2048, "mysql-monitor_password": "other"})
    assert not result.get("failed"), result


def everything(admin: AdminClient) -> dict[str, Any]:
    """All that the three layers hold."""
    tables = admin.schema().tables.values()
    found = {(layer, table.name): admin.rows(layer, table) for layer in LAYERS for table in tables}
    return {**found, **{layer: admin.variables(layer) for layer in LAYERS}}


def test_check_run_check_run(run: Run, configuration: dict[str, Any]) -> None:
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        result = run(check=check, **configuration)
        assert not result.get("failed"), result
        assert result["changed"] is changed
        assert bool(result["changed_parts"]) is bool(result["loaded"]) is bool(result["saved"]) is changed
        assert not set(result["invocation"]["module_args"]) & set(TABLES)
        tables = {TABLES[option][0] for option in configuration if option != "variables"}
        assert set(result["rows"]) == (tables if changed else set())
        text = json.dumps(result, ensure_ascii=False)
        assert not [secret for secret in (PASSWORD, native_hash(PASSWORD), SHA2) if secret in text]


def test_check_mode_changes_nothing(run: Run, admin: AdminClient, configuration: dict[str, Any]) -> None:
    before = everything(admin)
    run(check=True, **configuration)

    assert everything(admin) == before


def test_everything_can_be_taken_away_again(run: Run, options: list[str], configuration: dict[str, Any]) -> None:
    run(**configuration)
    empty: dict[str, Any] = {option: [] for option in options}

    result = run(**empty)
    assert result["rows"]["mysql_servers"] == {"added": 0, "changed": 0, "removed": 5}
    result = run(**empty)
    assert not result["changed"]
    assert result["runtime_servers"] == []


def test_without_tables_it_only_reads(run: Run, admin: AdminClient, configuration: dict[str, Any]) -> None:
    run(**configuration)
    result = run()

    assert not result["changed"]
    assert {row["hostname"] for row in result["runtime_servers"]} >= {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert result["version"] == admin.schema().version
    assert result["checksums"]["mysql_users"].startswith("0x")


def test_checksums_tell_configurations_apart(run: Run) -> None:
    one = run(**ONE_SERVER, users=[{"username": "a", "default_hostgroup": 99}])["checksums"]
    other = run(users=[{"username": "b", "default_hostgroup": 99}])["checksums"]

    assert one["mysql_users"] != other["mysql_users"]
    assert run(users=[{"username": "a", "default_hostgroup": 99}])["checksums"]["mysql_users"] == one["mysql_users"]


@pytest.mark.parametrize("part", [*TABLES, "mysql-max_connections", "admin-refresh_interval"])
@pytest.mark.parametrize("missed", ["LOAD", "SAVE"])
def test_a_missed_load_or_save_is_made_good(
    run: Run, admin: AdminClient, configuration: dict[str, Any], part: str, missed: str
) -> None:
    if part in TABLES and part not in configuration:
        assert "has no table" in run(**{part: []})["msg"]
        return
    run(**configuration)
    if part in TABLES:
        name, unit = TABLES[part]
        spoil = "DELETE FROM {}." + name
    else:
        unit = FAMILIES[part.partition("-")[0]]
        spoil = "UPDATE {}.global_variables SET variable_value = '1999' WHERE variable_name = '" + part + "'"
    if missed == "SAVE":
        steps = [spoil.format("disk")]
    else:
        steps = [spoil.format("main"), f"LOAD {unit} TO RUNTIME", f"LOAD {unit} FROM DISK"]
    for step in steps:
        admin.query(step, step)
    result = run(**configuration)

    assert [result["loaded"], result["saved"]] == [[unit] if missed == kind else [] for kind in ("LOAD", "SAVE")]
    assert result["rows"] == {}
    assert not run(**configuration)["changed"]


GALERA = {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20, "offline_hostgroup": 40}
BAD = [
    (
        {"servers": [{"hostname": "a", "port": "http"}]},
        "mysql_servers, row 1: port must be a whole number, not 'http'.",
    ),
    (
        {"servers": [{"hostname": "a"}, {"hostname": "b", "weight": -1}]},
        "mysql_servers, row 2: weight -1 breaks the rule",
    ),
    ({"servers": [{"hostname": "a", "port": 65536}]}, "mysql_servers, row 1: port 65536 breaks the rule"),
    ({"servers": [{"hostname": "a", "port": 5, "gtid_port": 5}]}, "mysql_servers, row 1: gtid_port 5 breaks the rule"),
    ({"servers": [{"hostname": "a", "status": "UP"}]}, "mysql_servers, row 1: status 'UP' breaks the rule"),
    (
        {"servers": [{"hostname": "a", "wieght": 1}]},
        "mysql_servers, row 1: there is no column 'wieght' in ProxySQL VERSION; ",
    ),
    ({"servers": [{"port": 1}]}, "mysql_servers, row 1: hostname must have a value."),
    ({"servers": [{"hostname": "a"}, {"hostname": "a"}]}, "mysql_servers: two rows have hostgroup_id 0, hostname 'a'"),
    (
        {"galera_hostgroups": [{**GALERA, "reader_hostgroup": 10}]},
        "mysql_galera_hostgroups, row 1: reader_hostgroup 10 breaks the rule",
    ),
    (
        {"replication_hostgroups": [{"writer_hostgroup": 1, "reader_hostgroup": 1}]},
        "mysql_replication_hostgroups, row 1: reader_hostgroup 1 breaks the rule",
    ),
    ({"query_rules": [{"rule_id": 7}, {"rule_id": 7}]}, "mysql_query_rules: two rows have rule_id 7."),
    ({"query_rules": [{"rule_id": 7, "replace_pattern": "x"}]}, "mysql_query_rules, row 1: replace_pattern 'x' breaks"),
    ({"query_rules": [{"rule_id": 7, "destination_hostgroup": -1}]}, "row 1: destination_hostgroup -1 breaks the rule"),
    ({"users": [{"username": "a", "attributes": "{"}]}, "mysql_users, row 1: attributes must be JSON, not '{'."),
    (
        {"users": [{"username": "a", "default_hostgroup": 77}]},
        "mysql_users, row 1: default_hostgroup 77 of user 'a' has no server",
    ),
    ({"proxysql_servers": [{"hostname": "a", "port": 70000}]}, "proxysql_servers, row 1: port 70000 breaks the rule"),
    (
        {"restapi_routes": [{"id": 1, "timeout_ms": 1, "method": "GET", "uri": "u", "script": "s"}]},
        "restapi_routes, row 1: timeout_ms 1 breaks the rule",
    ),
    ({"absent": {"nonsense": []}}, "absent: there is no table 'nonsense'"),
    ({"absent": {"servers": [{}]}}, "absent: each of servers must be a mapping"),
    ({"servers": [{"hostname": "a"}], "absent": {"servers": [{"hostname": "a"}]}}, "mysql_servers, row 1: it is among"),
    ({"variables": {"mysql-nonsense": 1}}, "variables: ProxySQL VERSION has no variable 'mysql-nonsense'"),
    ({"variables": {"mysql-max_connections": "many"}}, "variables: mysql-max_connections must be a whole number"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[sentence for _arguments, sentence in BAD])
def test_what_is_bad_is_refused_before_anything_changes(
    run: Run, admin: AdminClient, configuration: dict[str, Any], arguments: dict[str, Any], sentence: str
) -> None:
    run(**configuration)
    before = everything(admin)
    good = {"scheduler": [], "variables": {"mysql-max_connections": 5}}
    result = run(**{**good, **arguments})

    assert sentence.replace("VERSION", admin.schema().version) in result["msg"]
    assert everything(admin) == before


def test_what_the_server_alone_refuses_is_put_back(
    run: Run, admin: AdminClient, configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constraint that the module does not know of stops the second table, when the first has been written."""
    run(**configuration)
    before = everything(admin)
    monkeypatch.setattr("ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables.Table.check", ignore)
    result = run(servers=[], galera_hostgroups=[{**GALERA, "reader_hostgroup": 10}])

    assert "ProxySQL failed to write mysql_galera_hostgroups: ProxySQL Admin Error: CHECK constraint" in result["msg"]
    assert everything(admin) == before


def ignore(*_arguments: Any) -> None:
    pass


def test_a_refused_value_is_named(run: Run) -> None:
    result = run(variables={"mysql-monitor_ping_interval": 1, "mysql-monitor_password": "new-secret"})

    assert "did not take mysql-monitor_ping_interval as given" in result["msg"]
    assert "new-secret" not in json.dumps(result)


def test_merged_rows_leave_the_others_and_their_own_columns(run: Run, admin: AdminClient) -> None:
    key = {"hostgroup_id": 99, "hostname": "192.0.2.3"}
    run(servers=[{**key, "weight": 5, "comment": "kept"}, {"hostgroup_id": 99, "hostname": "192.0.2.4"}])
    merge = {"merge": ["servers"], "servers": [{**key, "weight": 7}, {"hostgroup_id": 98, "hostname": "192.0.2.5"}]}

    result = run(**merge)
    assert result["rows"] == {"mysql_servers": {"added": 1, "changed": 1, "removed": 0}}
    assert not run(**merge)["changed"]
    for layer in LAYERS:
        rows = admin.rows(layer, admin.schema().tables["mysql_servers"])
        assert [(row["hostgroup_id"], row["hostname"], row["weight"], row["comment"]) for row in rows] == [
            (98, "192.0.2.5", 1, ""),
            (99, "192.0.2.3", 7, "kept"),
            (99, "192.0.2.4", 1, ""),
        ]


def test_absent_rows_go_by_what_they_have(run: Run) -> None:
    run(
        servers=[{"hostgroup_id": group, "hostname": host} for group in (98, 99) for host in ("192.0.2.3", "192.0.2.4")]
    )
    gone = {"absent": {"servers": [{"hostname": "192.0.2.3"}]}}

    result = run(**gone)
    assert result["rows"] == {"mysql_servers": {"added": 0, "changed": 0, "removed": 2}}
    assert [(row["hostgroup_id"], row["hostname"]) for row in result["runtime_servers"]] == [
        (98, "192.0.2.4"),
        (99, "192.0.2.4"),
    ]
    assert not run(**gone)["changed"]


@pytest.mark.parametrize("stored", ["s3cret pass", native_hash("s3cret pass"), SHA2], ids=["clear", "native", "sha2"])
def test_the_form_of_a_password_is_no_change(run: Run, admin: AdminClient, stored: str) -> None:
    user = {"username": "a", "default_hostgroup": 99}
    run(**ONE_SERVER, users=[{**user, "password": "other"}])
    for step in (
        f"UPDATE mysql_users SET password = {client.literal(stored)}",
        "LOAD MYSQL USERS TO RUNTIME",
        "SAVE MYSQL USERS TO DISK",
    ):
        admin.query(step, step)

    assert not run(users=[{**user, "password": "s3cret pass"}])["changed"]
    assert not run(users=[{**user, "password": stored}])["changed"]
    assert run(users=[{**user, "password": "s3cret Pass"}])["changed"]


def test_a_thousand_rows_take_as_many_statements_as_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    query = AdminClient.query

    def counted(self: AdminClient, sql: str, doing: str) -> Any:
        counts[-1] += 1
        return query(self, sql, doing)

    monkeypatch.setattr(AdminClient, "query", counted)
    for many in (1, 1000):
        counts.append(0)
        rules = [{"rule_id": number, "active": 1, "match_digest": f"^{many}"} for number in range(1, many + 1)]
        assert run(query_rules=rules)["rows"]["mysql_query_rules"]["added"] == max(1, many - 1)

    assert counts[0] == counts[1]


def test_variables_for_the_next_start_are_saved_once(run: Run, admin: AdminClient) -> None:
    threads = int(admin.variables("runtime")["mysql-threads"])
    wanted = {"mysql-threads": threads + 1, "mysql-max_connections": 77}

    assert run(variables=wanted)["restart_required"]
    again = run(variables=wanted)
    assert (again["changed"], again["restart_required"]) == (False, True)
    back = run(variables={"mysql-threads": threads})
    assert (back["changed"], back["restart_required"]) == (True, False)


def test_the_password_can_be_changed_and_the_change_interrupted(
    run: Run, login: dict[str, Any], tmp_path: Path
) -> None:
    """The file holds the old password until the end; a run that stopped in between finds one of the two."""
    user, old = login["login_user"], login["login_password"]
    stale = tmp_path / "admin.cnf"
    stale.write_text(f"[client]\nuser={user}\npassword={old}\n", encoding="utf-8")
    rotate = {
        "login_file": str(stale),
        "login_password": "n3w",
        "variables": {"admin-admin_credentials": f"{user}:n3w"},
    }
    try:
        assert run(**rotate)["changed"]
        again = run(**rotate)
        assert not again.get("failed"), again
        assert not again["changed"]
        only_old = run(login_file=str(stale), login_user=None, login_password=None)
        assert "accepts none of the given passwords" in only_old["msg"]
    finally:
        run(login_password="n3w", variables={"admin-admin_credentials": f"{user}:{old}"})
    assert not run().get("failed")


def test_the_environment_tells_how_to_log_in(run: Run, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for option in ("login_user", "login_password"):
        monkeypatch.setenv(f"PROXYSQL_{option.upper()}", login[option])

    assert not run(login_user=None, login_password=None).get("failed")


def test_a_server_that_cannot_be_verified_is_refused(run: Run) -> None:
    """The double has no TLS at all; a real ProxySQL has a certificate of its own making."""
    result = run(login_ca_cert=certifi.where(), wait=0)

    assert result["msg"].startswith("ProxySQL's admin interface")


def test_tables_statistics_and_connections_are_read_as_data(
    module: Run, run: Run, options: list[str], configuration: dict[str, Any]
) -> None:
    run(**configuration)
    result = module(proxysql_info, layer="memory")

    assert list(result["tables"]) == options
    assert [len(rows) for rows in result["tables"].values()] == [len(configuration[option]) for option in options]
    assert result["tables"]["servers"][0]["port"] == 3306
    assert {user["username"]: user["password"] for user in result["tables"]["users"]}["modern"] == "(hidden)"
    assert result["variables"]["mysql-monitor_password"] == "(hidden)"
    assert result["variables"]["mysql-max_connections"] == "2047"
    assert {row["srv_host"] for row in result["connection_pool"]} >= {"192.0.2.1"}
    assert result["statistics"]["ProxySQL_Uptime"] > 0
    text = json.dumps(result, ensure_ascii=False)
    assert not [secret for secret in (PASSWORD, native_hash(PASSWORD), SHA2) if secret in text]


def test_text_variables_are_known(admin: AdminClient) -> None:
    assert set(admin.variables("memory")) >= TEXT_VARIABLES
