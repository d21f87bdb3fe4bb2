# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxysql_admin against a real ProxySQL that carries no traffic: its tables are emptied and filled.

PROXYSQL_ADMIN=127.0.0.1:6032,/path/to/login_file pytest tests/proxysql
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_client import AdminClient
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import FAMILIES, TEXT_VARIABLES
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import NO_DEFAULT, TABLES, Table
from ansible_collections.dbops.galera.plugins.modules import proxysql_admin

WHERE = os.environ.get("PROXYSQL_ADMIN", "")
pytestmark = pytest.mark.skipif(not WHERE, reason="PROXYSQL_ADMIN=host:port,login_file is not set")

Result = dict[str, Any]
Run = Callable[..., Result]
PASSWORD = "correct horse's \\ \u00e9"

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
    "hostgroup_attributes": [{"hostgroup_id": 99, "init_connect": "SET @a='b'", "servers_defaults": {"weight": 5}}],
    "users": [
        {"username": "application", "password": PASSWORD, "default_hostgroup": 10, "attributes": {"a": "b"}},
        {"username": "frontend", "password": PASSWORD, "backend": 0, "default_schema": "t"},
        {"username": "backend", "password": "*2470c0c06dee42fd1618bb99005adca2ec9d1e19", "frontend": 0},
        {"username": "none"},
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
EMPTY: dict[str, Any] = {option: [] for option in TABLES}


@pytest.fixture(name="login")
def fixture_login() -> dict[str, Any]:
    address, login_file = WHERE.split(",")
    host, port = address.split(":")
    return {"login_host": host, "login_port": int(port), "login_file": login_file, "wait": 20}


@pytest.fixture(name="run")
def fixture_run(login: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Run:
    def run(check: bool = False, **arguments: Any) -> Result:
        options = {"_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args({**login, **arguments, **options}), pytest.raises(SystemExit):
            proxysql_admin.main()
        result: Result = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture(name="admin")
def fixture_admin(login: dict[str, Any]) -> Iterator[AdminClient]:
    credentials = [client.read_login_file(login["login_file"])]
    admin = client.connect(login["login_host"], login["login_port"], credentials, timeout=10, wait=20)
    yield admin
    admin.close()


@pytest.fixture(autouse=True)
def clean(run: Run) -> None:
    result = run(**EMPTY, variables={"mysql-max_connections": 2048, "mysql-monitor_password": "other"})
    assert not result.get("failed"), result


def test_check_run_check_run(run: Run) -> None:
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        result = run(check, **CONFIGURATION)
        assert not result.get("failed"), result
        assert result["changed"] is changed
        assert bool(result["changed_parts"]) is bool(result["loaded"]) is bool(result["saved"]) is changed
        assert PASSWORD not in json.dumps(result, ensure_ascii=False)


def test_everything_can_be_taken_away_again(run: Run) -> None:
    run(**CONFIGURATION)

    assert run(**EMPTY)["changed"]
    result = run(**EMPTY)
    assert not result["changed"]
    assert result["runtime_servers"] == []


def test_without_tables_it_only_reads(run: Run) -> None:
    run(**CONFIGURATION)
    result = run()

    assert not result["changed"]
    assert {row["hostname"] for row in result["runtime_servers"]} >= {"192.0.2.1", "192.0.2.2", "192.0.2.3"}


@pytest.mark.parametrize("part", [*TABLES, "mysql-max_connections", "admin-refresh_interval"])
@pytest.mark.parametrize("missed", ["LOAD", "SAVE"])
def test_a_missed_load_or_save_is_made_good(run: Run, admin: AdminClient, part: str, missed: str) -> None:
    run(**CONFIGURATION)
    unit = TABLES[part].unit if part in TABLES else FAMILIES[part.partition("-")[0]]
    spoil = (
        "DELETE FROM {}." + TABLES[part].name
        if part in TABLES
        else ("UPDATE {}.global_variables SET variable_value = '1999' WHERE variable_name = '" + part + "'")
    )
    if missed == "SAVE":
        steps = [spoil.format("disk")]
    else:
        steps = [spoil.format("main"), f"LOAD {unit} TO RUNTIME", f"LOAD {unit} FROM DISK"]
    for step in steps:
        admin.query(step, step)
    result = run(**CONFIGURATION)

    assert [result["loaded"], result["saved"]] == [[unit] if missed == kind else [] for kind in ("LOAD", "SAVE")]
    assert not run(**CONFIGURATION)["changed"]


def test_a_refused_row_changes_nothing(run: Run) -> None:
    run(**CONFIGURATION)
    result = run(servers=[{"hostname": "a", "port": 5, "gtid_port": 5}])

    assert "ProxySQL failed to write mysql_servers" in result["msg"]
    assert not run(**CONFIGURATION)["changed"]


def test_a_refused_value_is_named(run: Run) -> None:
    result = run(variables={"mysql-monitor_ping_interval": 1, "mysql-monitor_password": "new-secret"})

    assert "did not take mysql-monitor_ping_interval as given" in result["msg"]
    assert "new-secret" not in json.dumps(result)


def test_an_unknown_variable_is_named(run: Run) -> None:
    assert "no variable 'mysql-nonsense'" in run(variables={"mysql-nonsense": 1})["msg"]


def test_variables_for_the_next_start_are_saved_once(run: Run, admin: AdminClient) -> None:
    running = admin.query(
        "SELECT variable_value FROM runtime_global_variables WHERE variable_name='mysql-threads'", "to read"
    )
    threads = int(str(running[0]["variable_value"]))
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
    user, old = client.read_login_file(login["login_file"])
    stale = tmp_path / "admin.cnf"
    stale.write_text(Path(login["login_file"]).read_text(encoding="utf-8"), encoding="utf-8")
    rotate = {
        "login_file": str(stale),
        "login_user": user,
        "login_password": "n3w",
        "variables": {"admin-admin_credentials": f"{user}:n3w"},
    }
    try:
        assert run(**rotate)["changed"]
        again = run(**rotate)
        assert not again.get("failed"), again
        assert not again["changed"]
        assert "accepts none of the given passwords" in run(login_file=str(stale))["msg"]
    finally:
        login_back = {"login_user": user, "login_password": "n3w", "login_file": None}
        run(**login_back, variables={"admin-admin_credentials": f"{user}:{old}"})
    assert not run().get("failed")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_schema_is_the_servers(admin: AdminClient, table: Table) -> None:
    columns = {str(row["name"]): row for row in admin.query(f"PRAGMA table_info({table.name})", "to read the schema")}

    assert list(columns) == [column.name for column in table.columns]
    for column in table.columns:
        there = columns[column.name]
        assert str(there["type"]).startswith("INT") == (column.kind == "int"), column.name
        default = str(there["dflt_value"] or "NULL").strip("'")
        assert default == ("NULL" if column.default in (None, NO_DEFAULT) else str(column.default)), column.name
        must = str(there["notnull"]) == "1" and there["dflt_value"] is None
        assert must == (column.default is NO_DEFAULT), column.name
    assert {name for name, row in columns.items() if str(row["pk"]) != "0"} == set(table.key)


def test_text_variables_are_known(admin: AdminClient) -> None:
    rows = admin.query("SELECT variable_name FROM global_variables", "to read the variables")

    assert {row["variable_name"] for row in rows} >= TEXT_VARIABLES
