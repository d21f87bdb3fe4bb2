#!/usr/bin/python3
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches where ProxySQL sends the clients, and corrects two things that ProxySQL's own monitor does not.

Writes that go nowhere: it has ProxySQL load its servers again when for the given time no server was ONLINE in the
writer hostgroup, and a node was Synced in a Primary Component.

An abandoned branch: a forced recovery begins another generation of the cluster, with a group name of its own
(wsrep_cluster_name: NAME, then NAME.2a). A node of an earlier generation that somebody starts by hand is Primary
and Synced by itself; the watchdog takes it out of ProxySQL's servers for good. Only site and repair_node put it back.

On any doubt it does nothing. What it does it says in the journal, and counts for Prometheus.
"""

from __future__ import annotations

import argparse
import configparser
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple

import pymysql

INTERVAL = 1.0
# Rounds from one question for the branch to the next, where each question is a program that is started.
SELDOM = 5

# A node's group, if it is in a Primary Component.
GROUP = """
SELECT @@wsrep_cluster_name FROM information_schema.GLOBAL_STATUS
WHERE VARIABLE_NAME = 'WSREP_CLUSTER_STATUS' AND VARIABLE_VALUE = 'Primary'
"""
# The name of a node that may have the writes.
WELL = """
SELECT @@wsrep_node_name FROM information_schema.GLOBAL_STATUS
WHERE (VARIABLE_NAME, VARIABLE_VALUE) IN (('WSREP_LOCAL_STATE', '4'), ('WSREP_CLUSTER_STATUS', 'Primary'))
HAVING COUNT(*) = 2 AND @@read_only = 0 AND @@wsrep_desync = 0 AND @@wsrep_reject_queries = 'NONE'
"""
# Both would wait for write sets otherwise.
AT_ONCE = "SET SESSION wsrep_sync_wait = 0"
# The nodes that may have the writes by the last answers that ProxySQL's own monitor had, which count for three seconds.
MONITORED = """
SELECT hostname, port FROM (
  SELECT hostname, port, MAX(time_start_us) AS last, error, primary_partition, wsrep_local_state, read_only,
  wsrep_desync, wsrep_reject_queries FROM monitor.mysql_server_galera_log GROUP BY hostname, port)
WHERE last > {since} AND error IS NULL AND primary_partition = 'YES' AND wsrep_local_state = 4
AND read_only = 'NO' AND wsrep_desync = 'NO' AND wsrep_reject_queries = 'NO'
AND (hostname, port) IN (SELECT hostname, port FROM mysql_servers)
"""
# Servers in force, and those that the next LOAD brings. One that was removed lingers as long as a client is on it.
SERVERS = """
SELECT hostname, port, comment FROM runtime_mysql_servers WHERE status <> 'OFFLINE_HARD'
UNION SELECT hostname, port, comment FROM mysql_servers
"""
LOGIN = """
SELECT variable_name, variable_value FROM runtime_global_variables
WHERE variable_name IN ('mysql-monitor_username', 'mysql-monitor_password')
"""
REPAIRS, REMOVALS = "dbops_galera_writer_repairs_total", "dbops_galera_abandoned_servers_total"
COUNTS = {
    REPAIRS: "Times that the watchdog had ProxySQL load its servers again.",
    REMOVALS: "Servers that the watchdog took out of ProxySQL because they are not of the latest branch.",
}


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


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Server(NamedTuple):
    """A server of ProxySQL. From the second generation on its comment names the group: `mariadb2 (galera.2a)`."""

    address: Address
    comment: str

    @property
    def group(self) -> str:
        """The group that the row was written for, empty where none is named."""
        found = re.fullmatch(r".* \((\S+)\)", self.comment)
        return found[1] if found else ""

    def written_for(self, group: str) -> Server:
        name = self.comment[: -len(self.group) - 3] if self.group else self.comment
        return self._replace(comment=f"{name} ({group})")


class Verdict(NamedTuple):
    """The latest group; servers that are not of it, with the reason; and rows that stay, with their new comment."""

    group: str = ""
    out: Mapping[Server, str] = {}
    renewed: Mapping[Server, Server] = {}


def generation(cluster: str, group: str) -> int:
    """The generation of a group: 1 for NAME, 2 for NAME.2a and NAME.2b, 0 for a group of another cluster."""
    if group == cluster:
        return 1
    found = re.fullmatch(re.escape(cluster) + r"\.([1-9][0-9]{0,2})[a-z]?", group)
    return int(found[1]) if found else 0


def judge(cluster: str, servers: Iterable[Server], groups: Mapping[Address, str]) -> Verdict:
    """Who may be served, by the groups of the servers that are in a Primary Component.

    The latest generation is the highest that a server is Primary in, or that rows were written for. A server that is
    Primary in a lower one goes, even where it is the last. Rows that were all written for a lower one are those of a
    proxy that missed the recovery: whatever does not show that it is of the latest goes, before it can be started.
    Of two branches of the latest generation it is the one that rows were written for.
    """
    servers = list(servers)
    told = {address: generation(cluster, group) for address, group in groups.items()}
    rows = {server.group: generation(cluster, server.group) for server in servers}
    written = max(rows.values(), default=0)
    latest = max([written, *told.values()])
    if latest < 2:
        return Verdict()
    known = {**{groups[address]: number for address, number in told.items()}, **rows}
    group = min(known, key=lambda name: (known[name] != latest, name not in rows, name))
    out, renewed = {}, {}
    for server in servers:
        own = told.get(server.address, 0)
        if 0 < own < latest or (own == latest and groups[server.address] != group):
            out[server] = f"it is Primary in group {groups[server.address]}, an abandoned branch"
        elif own < latest and written < latest:
            out[server] = f"it does not show that it is of group {group}, and the rows here are of an earlier branch"
        elif own == latest != generation(cluster, server.group):
            renewed[server] = server.written_for(group)
    return Verdict(group, out, renewed)


def read_counts(path: str) -> dict[str, int]:
    """The numbers in the file of the counts; 0 where there is none yet."""
    try:
        with open(path, encoding="utf-8") as file:
            found = re.findall(r"^(\w+)\{.*\} (\d+)$", file.read(), re.MULTILINE)
    except FileNotFoundError:
        found = []
    return {**dict.fromkeys(COUNTS, 0), **{name: int(number) for name, number in found if name in COUNTS}}


def write_counts(path: str, name: str, counts: Mapping[str, int]) -> None:
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8") as file:
        for metric, text in COUNTS.items():
            file.write(f"# HELP {metric} {text}\n# TYPE {metric} counter\n")
            file.write(f'{metric}{{proxy="{name}"}} {counts[metric]}\n')
    os.replace(new, path)


def count(path: str, name: str, metric: str, by: int) -> int:
    """Raise a count, and return it."""
    counts = read_counts(path)
    counts[metric] += by
    write_counts(path, name, counts)
    return counts[metric]


class Login(NamedTuple):
    user: str
    password: str


def read_login_file(path: str) -> tuple[Address, Login]:
    """Where ProxySQL's admin interface is, and who may log in, from a file that the mariadb client reads, too.

    PyMySQL would read it itself, but leaves the backslashes in that stand in front of quotes and backslashes.
    """
    parser = configparser.RawConfigParser(allow_no_value=True)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    given = {name: parser.get("client", name, fallback="") or "" for name in ("host", "port", "user", "password")}
    quoted = re.fullmatch(r'"(.*)"', given["password"])
    password = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given["password"]
    return Address(given["host"], int(given["port"] or 0)), Login(given["user"], password)


# What asks a node: an address, a login and a question; the first value of the answer, empty where there is none.
Ask = Callable[[Address, Login, str], str]


class Nodes:
    """The nodes, asked from the host over connections that stay open."""

    def __init__(self) -> None:
        self._open: dict[Address, Any] = {}

    def ask(self, address: Address, login: Login, question: str) -> str:
        # A connection that was kept may be one to a server that was restarted since.
        for _attempt in range(2 if address in self._open else 1):
            try:
                connection = self._open.pop(address, None) or self._connect(address, login)
                with connection.cursor() as cursor:
                    cursor.execute(question)
                    row = cursor.fetchone()
                self._open[address] = connection
                return str(row[0]) if row else ""
            except (pymysql.MySQLError, OSError):
                continue
        return ""

    def _connect(self, address: Address, login: Login) -> Any:
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=login.user,
            # PyMySQL itself would encode text as latin1, which has not every letter.
            password=login.password.encode(),
            autocommit=True,
            connect_timeout=1,
            read_timeout=1,
            init_command=AT_ONCE,
        )


def ask_inside(container: str) -> Ask:
    """Ask from inside ProxySQL's container, whose network may be closed to the host. Its image has a client."""

    def ask(address: Address, login: Login, question: str) -> str:
        client = ["mysql", f"--host={address.host}", f"--port={address.port}", f"--user={login.user}"]
        client += ["--connect-timeout=1", "--loose-skip-ssl-verify-server-cert", "--batch", "--skip-column-names"]
        command = ["docker", "exec", "--env", "MYSQL_PWD", container, "timeout", "2", *client]
        try:
            done = subprocess.run(
                [*command, f"--execute={AT_ONCE};{question}"],
                env={**os.environ, "MYSQL_PWD": login.password},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=5,
                check=True,
                text=True,
            )
        except (subprocess.SubprocessError, OSError):
            return ""
        return done.stdout.strip()

    return ask


class Proxy:
    """ProxySQL's admin interface, and the nodes behind it."""

    def __init__(self, login_file: str, writer_hostgroup: int, cluster: str, ask: Ask, rounds: int = 1) -> None:
        self._login_file = login_file
        self._writer_hostgroup = writer_hostgroup
        self._cluster = cluster
        self._ask = ask
        self._rounds = rounds
        self._round = 0

    def _admin(self) -> Any:
        where, login = read_login_file(self._login_file)
        return pymysql.connect(
            host=where.host,
            port=where.port,
            user=login.user,
            password=login.password.encode(),
            autocommit=True,
            connect_timeout=2,
            read_timeout=5,
        )

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
                return Seen(writers, well or [str(address) for address in self._answers(cursor, WELL)])
        except (pymysql.MySQLError, OSError):
            return None

    def repair(self) -> None:
        with self._admin() as connection, connection.cursor() as cursor:
            cursor.execute("LOAD MYSQL SERVERS TO RUNTIME")

    def fence(self) -> Verdict:
        """Take out servers that are not of the latest branch, if there are any; for good, so on disk, too."""
        self._round += 1
        if self._round % self._rounds:
            return Verdict()
        try:
            with self._admin() as connection, connection.cursor() as cursor:
                servers = self._servers(cursor)
                verdict = judge(self._cluster, servers, self._answers(cursor, GROUP))
                if verdict.out or verdict.renewed:
                    for statement in statements(verdict):
                        cursor.execute(statement)
                return verdict
        except (pymysql.MySQLError, OSError):
            return Verdict()

    @staticmethod
    def _servers(cursor: Any) -> list[Server]:
        cursor.execute(SERVERS)
        return [Server(Address(host, int(port)), comment) for host, port, comment in cursor.fetchall()]

    def _answers(self, cursor: Any, question: str) -> dict[Address, str]:
        """What the nodes say that answer a question, asked with the monitor's account."""
        cursor.execute(LOGIN)
        found = dict(cursor.fetchall())
        login = Login(found["mysql-monitor_username"], found["mysql-monitor_password"])
        addresses = sorted({server.address for server in self._servers(cursor)})
        if not addresses:
            return {}
        with ThreadPoolExecutor(len(addresses)) as pool:
            said = pool.map(lambda address: self._ask(address, login, question), addresses)
        return {address: answer for address, answer in zip(addresses, said) if answer}


def statements(verdict: Verdict) -> Sequence[str]:
    """What brings a verdict into force. A row that somebody has written meanwhile has another comment, and stays."""

    def where(server: Server) -> str:
        host, comment = (value.replace("'", "''") for value in (server.address.host, server.comment))
        return f"WHERE hostname = '{host}' AND port = {server.address.port} AND comment = '{comment}'"

    renewed = []
    for old, new in verdict.renewed.items():
        comment = new.comment.replace("'", "''")
        renewed.append(f"UPDATE mysql_servers SET comment = '{comment}' {where(old)}")
    return [
        *(f"DELETE FROM mysql_servers {where(server)}" for server in verdict.out),
        *renewed,
        "LOAD MYSQL SERVERS TO RUNTIME",
        "SAVE MYSQL SERVERS TO DISK",
    ]


def watch(
    proxy: Proxy,
    patience: float,
    repaired: Callable[[Seen], None],
    fenced: Callable[[Verdict], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    rounds: int | None = None,
) -> None:
    """Look, and correct what is due; after a repair the time begins again. For ever, unless rounds are given."""
    since: float | None = None
    while rounds is None or rounds > 0:
        begun = clock()
        verdict = proxy.fence()
        if verdict.out or verdict.renewed:
            fenced(verdict)
        seen = proxy.look()
        since = stuck_since(since, clock(), seen)
        if seen is not None and is_due(since, clock(), patience):
            proxy.repair()
            repaired(seen)
            since = None
        sleep(max(0.0, begun + INTERVAL - clock()))
        rounds = None if rounds is None else rounds - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--login-file", required=True, help="option file of the admin interface")
    parser.add_argument("--writer-hostgroup", type=int, required=True)
    parser.add_argument("--patience", type=float, required=True, help="seconds without a writer")
    parser.add_argument("--count-file", required=True, help="where repairs are counted, as Prometheus reads it")
    parser.add_argument("--name", required=True, help="name of the proxy in the count, and of its container")
    parser.add_argument("--cluster", required=True, help="name of the cluster, and of its first group")
    parser.add_argument("--inside", action="store_true", help="ask the nodes from inside the container")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(text, flush=True)

    def repaired(seen: Seen) -> None:
        number = count(given.count_file, given.name, REPAIRS, 1)
        say(
            f"no writer for {given.patience:g} s though {', '.join(seen.well)} could be: had ProxySQL load its servers"
            f" to runtime; repair number {number}"
        )

    def fenced(verdict: Verdict) -> None:
        count(given.count_file, given.name, REMOVALS, len({server.address for server in verdict.out}))
        for server, reason in verdict.out.items():
            say(
                f"took {server.address} ({server.comment}) out of ProxySQL's servers: {reason}. The latest branch of"
                f" {given.cluster} is {verdict.group}; repair_node takes a node into it, and site writes all rows again"
            )
        if verdict.renewed:
            kept = ", ".join(sorted(str(server.address) for server in verdict.renewed))
            say(f"noted at {kept} that they are of {verdict.group}")

    write_counts(given.count_file, given.name, read_counts(given.count_file))
    say(f"watching hostgroup {given.writer_hostgroup} of {given.name}")
    asked = (ask_inside(given.name), SELDOM) if given.inside else (Nodes().ask, 1)
    proxy = Proxy(given.login_file, given.writer_hostgroup, given.cluster, *asked)
    watch(proxy, given.patience, repaired, fenced)


if __name__ == "__main__":
    main()
