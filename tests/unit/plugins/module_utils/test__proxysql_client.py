# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against the core of the contract tests' double, without a network."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_layers as layers
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_client import AdminClient, Credentials
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import LAYERS, Desired, Plan, plan
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import ProxySQLError, Table, read_schema

from tests.contract import double
from tests.contract.schema import statements

pymysql = pytest.importorskip("pymysql")

OLD, NEW = Credentials("operator", "old"), Credentials("operator", "new")
SCHEMA = read_schema("2.7.1", statements("2.7"))


class Admin(double.Admin):
    """The double's core in the place of a connection."""

    def __init__(self) -> None:
        super().__init__("2.7", "operator:old")
        self.stop_at = ""

    def cursor(self) -> Cursor:
        return Cursor(self)


class Cursor:
    """One statement and its answer."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        if self._admin.stop_at and sql.startswith(self._admin.stop_at):
            raise KeyboardInterrupt
        self._rows, self._names = self._admin.execute(sql)

    def fetchall(self) -> list[dict[str, Any]]:
        return [dict(zip(self._names, row)) for row in self._rows]


@pytest.fixture(name="admin")
def fixture_admin() -> Admin:
    return Admin()


def desired(config: dict[str, Any]) -> Desired:
    return layers.desired(config, SCHEMA)


def configure(admin: Admin, want: Desired) -> list[str]:
    """Apply, and return the LOADs and SAVEs that it took."""
    admin.commands.clear()
    AdminClient(admin).apply(want, todo(admin, want))
    return admin.commands


def todo(admin: Admin, want: Desired) -> Plan:
    return plan(want, AdminClient(admin).read(want))


def test_the_second_run_has_nothing_to_do(admin: Admin) -> None:
    want = desired(
        {
            "servers": [{"hostname": "db1", "comment": "it's \\ \u00e9"}],
            "query_rules": [{"rule_id": 1, "active": 1, "match_digest": r"^SELECT\s"}],
            "variables": {"mysql-max_connections": 2048},
        }
    )
    units = ["MYSQL VARIABLES", "MYSQL SERVERS", "MYSQL QUERY RULES"]

    assert configure(admin, want) == [f"LOAD {u} TO RUNTIME" for u in units] + [f"SAVE {u} TO DISK" for u in units]
    assert configure(admin, want) == []
    assert AdminClient(admin).runtime_servers() == [
        {"hostgroup_id": 0, "hostname": "db1", "port": 3306, "status": "ONLINE", "weight": 1, "connections_used": 0}
    ]


@pytest.mark.parametrize(
    ("layer", "commands"),
    [
        ("main.mysql_servers", []),
        ("main.runtime_mysql_servers", ["LOAD MYSQL SERVERS TO RUNTIME"]),
        ("disk.mysql_servers", ["SAVE MYSQL SERVERS TO DISK"]),
    ],
)
def test_only_what_differs_is_loaded_or_saved(admin: Admin, layer: str, commands: list[str]) -> None:
    want = desired({"servers": [{"hostname": "db1"}]})
    configure(admin, want)
    admin.execute(f"DELETE FROM {layer}")

    assert configure(admin, want) == commands
    assert todo(admin, want).changes == []


def test_a_row_that_the_server_refuses_leaves_everything_as_it_was(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with a constraint that its CREATE TABLE statement does not tell of."""
    monkeypatch.setattr(Table, "check", lambda *_arguments: None)
    configure(admin, desired({"servers": [{"hostname": "db1"}], "variables": {"mysql-max_connections": 99}}))
    wrong = desired(
        {
            "servers": [{"hostname": "db2", "port": 1, "gtid_port": 1}],
            "variables": {"mysql-max_connections": 5},
        }
    )

    with pytest.raises(ProxySQLError, match="ProxySQL failed to write mysql_servers: CHECK constraint failed"):
        configure(admin, wrong)
    assert admin.commands == []
    kept = desired({"servers": [{"hostname": "db1"}], "variables": {"mysql-max_connections": 99}})
    assert todo(admin, kept).changes == []


def test_a_value_that_proxysql_puts_back_is_an_error_and_not_saved(admin: Admin) -> None:
    with pytest.raises(ProxySQLError, match="ProxySQL did not take mysql-monitor_ping_interval as given"):
        configure(admin, desired({"variables": {"mysql-monitor_ping_interval": 1, "mysql-max_connections": 5}}))
    assert admin.commands == ["LOAD MYSQL VARIABLES TO RUNTIME"]


@pytest.mark.parametrize("stop_at", ["REPLACE INTO mysql_servers", "LOAD", "SAVE"])
@pytest.mark.parametrize("merge", [[], ["servers"]])
def test_an_interrupted_run_loses_no_row_and_the_next_one_ends_it(admin: Admin, stop_at: str, merge: list[str]) -> None:
    configure(admin, desired({"servers": [{"hostname": "db1"}, {"hostname": "db2"}, {"hostname": "db3"}]}))
    want = desired(
        {
            "merge": merge,
            "servers": [{"hostname": "db2", "weight": 7}, {"hostname": "db4"}],
            "absent": {"servers": [{"hostname": "db3"}]},
        }
    )
    admin.stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        configure(admin, want)
    admin.stop_at = ""
    configure(admin, want)

    assert todo(admin, want).changes == []
    for layer in LAYERS:
        names = [row["hostname"] for row in AdminClient(admin).rows(layer, SCHEMA.tables["mysql_servers"])]
        assert names == (["db1", "db2", "db4"] if merge else ["db2", "db4"])


def test_many_rows_are_read_in_parts_and_written_at_once(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cluster gets another's reader hostgroup: row by row that would break a unique key on the way."""
    clusters = [
        {"writer_hostgroup": n, "backup_writer_hostgroup": n + 1, "reader_hostgroup": n + 2, "offline_hostgroup": n + 3}
        for n in range(0, 400, 4)
    ]
    monkeypatch.setattr(client, "PART", 16)
    configure(admin, desired({"galera_hostgroups": clusters}))
    readers = [cluster["reader_hostgroup"] for cluster in [*clusters[1:], clusters[0]]]
    moved = [{**cluster, "reader_hostgroup": reader} for cluster, reader in zip(clusters, readers)]
    want = desired({"galera_hostgroups": moved})

    assert todo(admin, want).counts()["mysql_galera_hostgroups"] == {"added": 0, "changed": 100, "removed": 0}
    configure(admin, want)
    assert todo(admin, want).changes == []


def test_variables_for_the_next_start_survive_a_load(admin: Admin) -> None:
    want = desired({"variables": {"mysql-threads": 8, "mysql-max_connections": 5}})

    assert configure(admin, want) == ["LOAD MYSQL VARIABLES TO RUNTIME", "SAVE MYSQL VARIABLES TO DISK"]
    assert configure(admin, want) == []
    assert todo(admin, want).restart_required


def test_an_error_does_not_repeat_the_statement(admin: Admin) -> None:
    with pytest.raises(ProxySQLError) as error:
        AdminClient(admin).query("SELECT 'secret' FROM nowhere", "to read nowhere")

    assert str(error.value) == "ProxySQL failed to read nowhere: no such table: nowhere"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def answering(*answers: Any) -> Callable[..., Any]:
    """An opener of connections that gives or raises one answer a call."""
    left = list(answers)

    def opener(**_options: Any) -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return opener


REFUSED = pymysql.err.OperationalError(2003, "Connection refused")
DENIED = pymysql.err.OperationalError(1045, "Access denied")


def test_connecting_waits_for_the_interface(admin: Admin) -> None:
    clock = Clock()
    opener = answering(REFUSED, REFUSED, admin)

    client.connect("h", 1, [OLD], 5, wait=10, opener=opener, clock=clock, sleep=clock.sleep)
    assert clock.now == 1.0


def test_waiting_ends_with_the_last_error() -> None:
    clock = Clock()

    with pytest.raises(ProxySQLError, match="interface h:1 did not answer for 3 s: Connection refused"):
        client.connect("h", 1, [OLD], 5, wait=3, opener=answering(REFUSED), clock=clock, sleep=clock.sleep)
    assert clock.now == 3.0


def test_the_second_credentials_are_tried_when_the_first_are_refused(admin: Admin) -> None:
    client.connect("h", 1, [NEW, OLD], 5, opener=answering(DENIED, admin))


def test_refused_credentials_are_told_without_the_passwords() -> None:
    with pytest.raises(ProxySQLError) as error:
        client.connect("h", 1, [NEW, OLD], 5, opener=answering(DENIED))

    assert "accepts none of the given passwords of 'operator'" in str(error.value)
    assert "new" not in str(error.value)


def test_another_refusal_is_passed_on_at_once() -> None:
    remote = pymysql.err.OperationalError(1040, "User 'admin' can only connect locally")

    with pytest.raises(ProxySQLError, match="refused: User 'admin' can only connect locally"):
        client.connect("h", 1, [OLD], 5, wait=60, opener=answering(remote))


def test_a_certificate_that_cannot_be_verified_is_not_waited_for() -> None:
    unverified = pymysql.err.OperationalError(2003, "certificate verify failed")
    unverified.original_exception = ssl.SSLCertVerificationError()

    with pytest.raises(ProxySQLError, match="refused: certificate verify failed"):
        client.connect("h", 1, [OLD], 5, wait=60, opener=answering(unverified))


def test_a_password_has_any_letters() -> None:
    seen: dict[str, Any] = {}
    client.connect("h", 1, [Credentials("operator", "pässwörd€")], 5, opener=lambda **login: seen.update(login))
    assert seen["password"] == "pässwörd€".encode()


@pytest.mark.parametrize(
    ("line", "password"),
    [("password=a%b#c", "a%b#c"), ('password = "a\\"b\\\\c"', 'a"b\\c'), ("password='x y'", "x y")],
)
def test_the_login_file_is_an_option_file(tmp_path: Path, line: str, password: str) -> None:
    path = tmp_path / "admin.cnf"
    path.write_text(f"# Here\n[client]\nhost=127.0.0.1\nuser=operator\n{line}\nskip-ssl\n", encoding="utf-8")

    assert client.read_login_file(str(path)) == Credentials("operator", password)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read: No such file"), ("[client]\nuser=a\n", "has no section"), ("user=a\n", "has no section")],
)
def test_a_bad_login_file_is_named(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "admin.cnf"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(ProxySQLError, match=f"login_file .*admin.cnf {sentence}"):
        client.read_login_file(str(path))


@pytest.mark.parametrize(("value", "sql"), [(None, "NULL"), (3, "3"), ("it's", "'it''s'"), ("\\", "'\\'")])
def test_literals_are_sqlites(value: Any, sql: str) -> None:
    assert client.literal(value) == sql
