# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of ProxySQL's admin interface: SQLite behind the MySQL protocol, three layers, LOAD and SAVE.

It behaves as the contract tests found the real one to behave, and no more than they need.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import threading
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import FAMILIES
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES
from mysql_mimic import IdentityProvider, MysqlServer, ResultColumn, ResultSet, User
from mysql_mimic.auth import NativePasswordAuthPlugin
from mysql_mimic.errors import ErrorCode, MysqlError
from mysql_mimic.session import BaseSession
from mysql_mimic.types import ColumnType
from mysql_mimic.variables import GlobalVariables, SessionVariables

from tests.contract import schema

POOL = """
    hostgroup srv_host srv_port status ConnUsed ConnFree ConnOK ConnERR MaxConnUsed Queries Queries_GTID_sync
    Bytes_data_sent Bytes_data_recv Latency_us
"""
# Read at start only, and what LOAD puts back because it is out of range.
FIXED = ("mysql-threads", "mysql-interfaces")
RANGES = {"mysql-monitor_ping_interval": range(100, 604800001)}
# How a table shows at runtime where that is not a copy.
ACTIVE_ONLY = ("mysql_users", "mysql_query_rules")
ACCOUNTS = {"mysql_users": ({"frontend": 1, "backend": 0}, {"frontend": 0, "backend": 1})}
NULL_IS_EMPTY = {"mysql_users": ("password", "default_schema"), "mysql_galera_hostgroups": ("comment",)}


class Admin:
    """What one ProxySQL holds, and its answers to statements."""

    def __init__(self, version: str, credentials: str) -> None:
        self.commands: list[str] = []
        self._tables = schema.statements(version)
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("ATTACH ':memory:' AS disk")
        self._db.execute("ATTACH ':memory:' AS stats")
        for name, statement in self._tables.items():
            columns = statement[statement.index("(") :]
            self._db.execute(f"CREATE TABLE main.{name} {columns}")
            self._db.execute(f"CREATE TABLE disk.{name} {columns}")
            self._db.execute(f"CREATE TABLE main.runtime_{name} AS SELECT * FROM main.{name}")
        variables = {
            **schema.variables(),
            "admin-version": f"{version}.0-double",
            "admin-admin_credentials": credentials,
        }
        for place in ("main.global_variables", "main.runtime_global_variables", "disk.global_variables"):
            self._db.execute(
                f"CREATE TABLE {place} (variable_name VARCHAR PRIMARY KEY, variable_value VARCHAR NOT NULL)"
            )
            self._db.executemany(f"INSERT INTO {place} VALUES (?, ?)", variables.items())
        self._db.execute("CREATE TABLE main.runtime_checksums_values (name, version, epoch, checksum)")
        self._db.execute(f"CREATE TABLE stats.stats_mysql_connection_pool ({', '.join(POOL.split())})")
        self._db.execute("CREATE TABLE stats.stats_mysql_global (Variable_Name, Variable_Value)")
        self._db.execute("INSERT INTO stats.stats_mysql_global VALUES ('ProxySQL_Uptime', 42)")

    def credentials(self) -> dict[str, str]:
        sql = "SELECT variable_value FROM runtime_global_variables WHERE variable_name = 'admin-admin_credentials'"
        return dict(pair.split(":", 1) for pair in str(self._db.execute(sql).fetchone()[0]).split(";"))

    def execute(self, sql: str) -> tuple[list[list[str | None]], list[str]]:
        """Rows, all text, and the names of their columns."""
        if re.match(r"SET |BEGIN|COMMIT|ROLLBACK", sql):
            return [], []
        command = re.fullmatch(r"(LOAD|SAVE) (.+) (TO RUNTIME|TO DISK|FROM DISK)", sql)
        if command:
            self.commands.append(sql)
            self._move(command[2], command[3])
            return [], []
        self._refresh(sql)
        cursor = self._db.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [[None if value is None else str(value) for value in row] for row in cursor], names

    def _move(self, unit: str, where: str) -> None:
        if unit in FAMILIES.values():
            self._move_variables(next(family for family, its in FAMILIES.items() if its == unit), where)
        for name in (name for name, its in TABLES.values() if its == unit and name in self._tables):
            if where == "TO RUNTIME":
                self._load(name)
            else:
                there, here = ("disk", "main") if where == "TO DISK" else ("main", "disk")
                self._db.execute(f"DELETE FROM {there}.{name}")
                self._db.execute(f"INSERT INTO {there}.{name} SELECT * FROM {here}.{name}")

    def _load(self, name: str) -> None:
        self._db.execute(f"DELETE FROM main.runtime_{name}")
        columns = [row[1] for row in self._db.execute(f"PRAGMA main.table_info({name})")]
        nullable = NULL_IS_EMPTY.get(name, ())
        for account in ACCOUNTS.get(name, ({},)):
            shown = {column: f"IFNULL({column}, '')" if column in nullable else column for column in columns}
            shown.update({side: str(is_one) for side, is_one in account.items()})
            tests = ["active"] * (name in ACTIVE_ONLY) + [side for side, is_one in account.items() if is_one]
            self._db.execute(
                f"INSERT INTO main.runtime_{name} SELECT {', '.join(shown.values())} FROM main.{name} "
                f"WHERE {' AND '.join(tests) or '1'}"
            )

    def _move_variables(self, family: str, where: str) -> None:
        there, here = {
            "TO RUNTIME": ("main.runtime_global_variables", "main.global_variables"),
            "TO DISK": ("disk.global_variables", "main.global_variables"),
            "FROM DISK": ("main.global_variables", "disk.global_variables"),
        }[where]
        if where == "TO RUNTIME":
            running = dict(self._db.execute("SELECT * FROM runtime_global_variables").fetchall())
            for name, value in self._db.execute(f"SELECT * FROM {here}").fetchall():
                if name in FIXED or (name in RANGES and int(value) not in RANGES[name]):
                    self._db.execute(f"REPLACE INTO {here} VALUES (?, ?)", (name, running[name]))
        self._db.execute(f"REPLACE INTO {there} SELECT * FROM {here} WHERE variable_name LIKE '{family}-%'")

    def _refresh(self, sql: str) -> None:
        """Tables that are made anew when they are asked for."""
        if "stats_mysql_connection_pool" in sql:
            self._db.execute("DELETE FROM stats_mysql_connection_pool")
            self._db.execute(
                "INSERT INTO stats_mysql_connection_pool SELECT hostgroup_id, hostname, port, status, "
                "0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM runtime_mysql_servers"
            )
        if "runtime_checksums_values" in sql:
            self._db.execute("DELETE FROM runtime_checksums_values")
            for name in ("mysql_query_rules", "mysql_servers", "mysql_users", "proxysql_servers"):
                rows = self._db.execute(f"SELECT * FROM runtime_{name}").fetchall()
                checksum = hashlib.sha256(repr(rows).encode()).hexdigest()[:16].upper() if rows else "0" * 16
                self._db.execute("INSERT INTO runtime_checksums_values VALUES (?, 1, 1, ?)", (name, f"0x{checksum}"))


class Session(BaseSession):
    """One connection to the double."""

    def __init__(self, admin: Admin) -> None:
        self.variables = SessionVariables(GlobalVariables())
        self.username = self.database = None
        self._admin = admin

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> Any:
        del attrs
        try:
            rows, names = self._admin.execute(sql)
        except sqlite3.Error as error:
            raise MysqlError(f"ProxySQL Admin Error: {error}", code=ErrorCode.ACCESS_DENIED_ERROR) from error
        return ResultSet(rows, [ResultColumn(name, ColumnType.VARCHAR) for name in names])


class Identities(IdentityProvider):
    """The admin users of a double."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def get_user(self, username: str) -> User | None:
        password = self._admin.credentials().get(username)
        if password is None:
            return None
        plugin = NativePasswordAuthPlugin
        return User(name=username, auth_string=plugin.create_auth_string(password), auth_plugin=plugin.name)


class Server:
    """A double that listens on a port of the loopback interface, in a thread of its own, from `with` to its end."""

    def __init__(self, admin: Admin) -> None:
        self._server = MysqlServer(lambda: Session(admin), identity_provider=Identities(admin))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Server:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._server.start_server(host="127.0.0.1", port=0), self._loop)
        starting.result(timeout=10)
        self.port = self._server.sockets()[0].getsockname()[1]
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _stop(self) -> None:
        """End the connections, too: clients that failed have left some open."""
        self._server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
