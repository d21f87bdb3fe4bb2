#!/usr/bin/python3
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has ProxySQL take its servers anew when it sends the writes nowhere although a node could have them.

It acts only when both have been so for the given time: no server ONLINE in the writer hostgroup, and a node that is
Synced in a Primary Component. On any doubt it does nothing. What it does it says in the journal, and counts for
Prometheus.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from typing import Any, Callable, NamedTuple

import pymysql

INTERVAL = 1.0

# The answer of a node that may have the writes; wsrep_sync_wait would have it wait for write sets.
QUESTION = """
SELECT COUNT(*) = 2 AND @@read_only = 0 AND @@wsrep_desync = 0 AND @@wsrep_reject_queries = 'NONE'
FROM information_schema.GLOBAL_STATUS
WHERE (VARIABLE_NAME, VARIABLE_VALUE) IN (('WSREP_LOCAL_STATE', '4'), ('WSREP_CLUSTER_STATUS', 'Primary'))
"""
# The same by the last answers that ProxySQL's own monitor had, which count for three seconds: some networks of
# containers keep the host out.
MONITORED = """
SELECT hostname, port FROM (
  SELECT hostname, port, MAX(time_start_us) AS last, error, primary_partition, wsrep_local_state, read_only,
  wsrep_desync, wsrep_reject_queries FROM monitor.mysql_server_galera_log GROUP BY hostname, port)
WHERE last > {since} AND error IS NULL AND primary_partition = 'YES' AND wsrep_local_state = 4
AND read_only = 'NO' AND wsrep_desync = 'NO' AND wsrep_reject_queries = 'NO'
AND (hostname, port) IN (SELECT hostname, port FROM mysql_servers)
"""
COUNT = """# HELP dbops_galera_writer_repairs_total Times that the watchdog had ProxySQL take its servers anew.
# TYPE dbops_galera_writer_repairs_total counter
dbops_galera_writer_repairs_total{{proxy="{name}"}} {count}
"""


class Seen(NamedTuple):
    """What one look found: how many servers get the writes, and the nodes that could have them."""

    writers: int
    well: list[str]


def stuck_since(since: float | None, now: float, seen: Seen | None) -> float | None:
    """Since when the writes have gone nowhere for no good reason; None when they go somewhere, or nobody could say."""
    if seen is None or seen.writers > 0 or not seen.well:
        return None
    return now if since is None else since


def is_due(since: float | None, now: float, patience: float) -> bool:
    return since is not None and now - since >= patience


def read_count(path: str) -> int:
    """The number in the file of the count; 0 where there is none yet."""
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(r"^dbops_galera_writer_repairs_total\S* (\d+)$", file.read(), re.MULTILINE)
    except FileNotFoundError:
        return 0
    return int(found[1]) if found else 0


def write_count(path: str, name: str, count: int) -> None:
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8") as file:
        file.write(COUNT.format(name=name, count=count))
    os.replace(new, path)


class Proxy:
    """ProxySQL's admin interface, and the nodes behind it."""

    def __init__(self, login_file: str, writer_hostgroup: int) -> None:
        self._login_file = login_file
        self._writer_hostgroup = writer_hostgroup

    def _admin(self) -> Any:
        return pymysql.connect(read_default_file=self._login_file, autocommit=True, connect_timeout=2, read_timeout=5)

    def look(self, clock: Callable[[], float] = time.time) -> Seen | None:
        """None when ProxySQL does not answer."""
        try:
            with self._admin() as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT COUNT(*) FROM runtime_mysql_servers"
                    f" WHERE hostgroup_id = {self._writer_hostgroup} AND status = 'ONLINE'"
                )
                writers = int(cursor.fetchone()[0])
                if writers:
                    return Seen(writers, [])
                cursor.execute(MONITORED.format(since=int((clock() - 3) * 1e6)))
                well = [f"{host}:{port}" for host, port in cursor.fetchall()]
                return Seen(writers, well or self._ask_nodes(cursor))
        except (pymysql.MySQLError, OSError):
            return None

    def _ask_nodes(self, cursor: Any) -> list[str]:
        """The nodes that say themselves that they are well, asked as the monitor asks."""
        cursor.execute(
            "SELECT variable_name, variable_value FROM runtime_global_variables"
            " WHERE variable_name IN ('mysql-monitor_username', 'mysql-monitor_password')"
        )
        login = dict(cursor.fetchall())
        cursor.execute("SELECT DISTINCT hostname, port FROM mysql_servers")
        well = []
        for host, port in cursor.fetchall():
            try:
                with (
                    pymysql.connect(
                        host=host,
                        port=int(port),
                        user=login["mysql-monitor_username"],
                        password=login["mysql-monitor_password"],
                        connect_timeout=1,
                        read_timeout=1,
                    ) as node,
                    node.cursor() as answer,
                ):
                    answer.execute("SET SESSION wsrep_sync_wait = 0")
                    answer.execute(QUESTION)
                    if answer.fetchone()[0] == 1:
                        well.append(f"{host}:{port}")
            except (pymysql.MySQLError, OSError):
                # Not well, then.
                continue
        return well

    def repair(self) -> None:
        with self._admin() as connection, connection.cursor() as cursor:
            cursor.execute("LOAD MYSQL SERVERS TO RUNTIME")


def watch(
    proxy: Proxy,
    patience: float,
    repaired: Callable[[Seen], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    rounds: int | None = None,
) -> None:
    """Look, and repair when it is due; afterwards the time begins anew. For ever, unless rounds are given."""
    since: float | None = None
    while rounds is None or rounds > 0:
        seen = proxy.look()
        since = stuck_since(since, clock(), seen)
        if seen is not None and is_due(since, clock(), patience):
            proxy.repair()
            repaired(seen)
            since = None
        sleep(INTERVAL)
        rounds = None if rounds is None else rounds - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--login-file", required=True, help="option file of the admin interface")
    parser.add_argument("--writer-hostgroup", type=int, required=True)
    parser.add_argument("--patience", type=float, required=True, help="seconds without a writer")
    parser.add_argument("--count-file", required=True, help="where repairs are counted, as Prometheus reads it")
    parser.add_argument("--name", required=True, help="name of the proxy in the count")
    given = parser.parse_args()

    def repaired(seen: Seen) -> None:
        count = read_count(given.count_file) + 1
        write_count(given.count_file, given.name, count)
        print(
            f"no writer for {given.patience:g} s though {', '.join(seen.well)} could be: had ProxySQL load its servers"
            f" to runtime; repair number {count}",
            flush=True,
        )

    write_count(given.count_file, given.name, read_count(given.count_file))
    print(f"watching hostgroup {given.writer_hostgroup} of {given.name}", flush=True)
    watch(Proxy(given.login_file, given.writer_hostgroup), given.patience, repaired)


if __name__ == "__main__":
    main()
