# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status of a live node over SQL, and waiting for one.

The status variables: https://mariadb.com/kb/en/galera-cluster-status-variables/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.databases import LATIN1, of_applications
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID, UNKNOWN_SEQNO, Position
from ansible_collections.dbops.galera.plugins.module_utils._model.version import HANDSHAKE

try:
    import pymysql
except ImportError:
    HAS_PYMYSQL = False
else:
    HAS_PYMYSQL = True

State = TypeVar("State")

VARIABLES = (
    "wsrep_cluster_conf_id",
    "wsrep_cluster_size",
    "wsrep_cluster_state_uuid",
    "wsrep_cluster_status",
    "wsrep_connected",
    "wsrep_desync_count",
    "wsrep_flow_control_paused",
    "wsrep_gcomm_uuid",
    "wsrep_incoming_addresses",
    "wsrep_last_committed",
    "wsrep_local_cached_downto",
    "wsrep_local_recv_queue",
    "wsrep_local_state_comment",
    "wsrep_provider_version",
    "wsrep_ready",
)
# ER_ACCESS_DENIED_ERROR, ER_HOST_NOT_PRIVILEGED, ER_ACCESS_DENIED_NO_PASSWORD_ERROR
_REFUSED = (1045, 1130, 1698)


class NotAnswering(GaleraError):
    """The server does not take connections: it starts, takes a state transfer, or is gone."""


class AccessRefused(GaleraError):
    """The server runs, but does not let the account in."""


class TimedOut(GaleraError, Generic[State]):
    """A wait reached its end. last is the last state seen."""

    def __init__(self, last: State, timeout: float) -> None:
        super().__init__(f"not reached within {timeout:g} s; the last state seen was: {last}")
        self.last = last


@dataclass(frozen=True)
class NodeStatus:
    """A live node's view of itself and its cluster. Queues are write sets; flow_control_paused is a share, 0 to 1."""

    position: Position
    cluster_status: str
    local_state: str
    cluster_size: int
    conf_id: int
    connected: bool
    ready: bool
    recv_queue: int
    # The oldest write set in the node's gcache, from which it can give an IST; None where it holds none.
    cached_downto: int | None
    desync_count: int
    flow_control_paused: float
    gcomm_uuid: str
    incoming_addresses: list[str]
    provider_version: str
    version: str
    # UUIDs in the group of the nodes that it sees, itself among them; empty where it does not tell.
    view_members: tuple[str, ...] = ()
    # Databases with that default character set, without the server's own; None where nobody asked or it does not tell.
    latin1_databases: tuple[str, ...] | None = None
    # Addresses that may connect to its group; None where nobody asked, and of a server before 10.10.
    allowlist: tuple[str, ...] | None = None

    @classmethod
    def from_variables(cls, rows: Mapping[str, str], version: str, view_members: Sequence[str] = ()) -> NodeStatus:
        """Read SHOW GLOBAL STATUS; a server without Galera (wsrep_on=OFF) has few or none of the variables."""

        def number(name: str, default: int) -> int:
            return int(rows.get(name) or default)

        return cls(
            position=Position(
                (rows.get("wsrep_cluster_state_uuid") or NULL_UUID).lower(),
                number("wsrep_last_committed", UNKNOWN_SEQNO),
            ),
            cluster_status=rows.get("wsrep_cluster_status") or "Disconnected",
            local_state=rows.get("wsrep_local_state_comment") or "Initialized",
            cluster_size=number("wsrep_cluster_size", 0),
            conf_id=number("wsrep_cluster_conf_id", 0),
            connected=rows.get("wsrep_connected") == "ON",
            ready=rows.get("wsrep_ready") == "ON",
            recv_queue=number("wsrep_local_recv_queue", 0),
            cached_downto=_cached(number("wsrep_local_cached_downto", UNKNOWN_SEQNO)),
            desync_count=number("wsrep_desync_count", 0),
            flow_control_paused=float(rows.get("wsrep_flow_control_paused") or 0),
            gcomm_uuid=rows.get("wsrep_gcomm_uuid") or "",
            incoming_addresses=[address for address in rows.get("wsrep_incoming_addresses", "").split(",") if address],
            provider_version=rows.get("wsrep_provider_version") or "",
            version=told_version(version),
            view_members=tuple(view_members),
        )

    @property
    def primary(self) -> bool:
        return self.cluster_status == "Primary"

    @property
    def synced(self) -> bool:
        return self.ready and self.local_state == "Synced"

    @property
    def put_out(self) -> bool:
        """Whether the other nodes found that its data differ from theirs. It runs on until someone stops it."""
        return self.local_state == "Inconsistent"

    def __str__(self) -> str:
        counts = f"cluster size {self.cluster_size}, receive queue {self.recv_queue}"
        return f"{self.cluster_status}, {self.local_state}, {counts}"


@dataclass(frozen=True)
class Wanted:
    """What to wait for."""

    primary: bool = True
    synced: bool = True
    cluster_size: int = 0
    receive_queue_empty: bool = False

    def met(self, status: NodeStatus | None) -> bool:
        return (
            status is not None
            and (status.primary or not self.primary)
            and (status.synced or not self.synced)
            and status.cluster_size >= self.cluster_size
            and (status.recv_queue == 0 or not self.receive_queue_empty)
        )

    def __str__(self) -> str:
        parts = {
            "Primary": self.primary,
            "Synced": self.synced,
            f"cluster size {self.cluster_size}": self.cluster_size,
            "an empty receive queue": self.receive_queue_empty,
        }
        return ", ".join(part for part, asked in parts.items() if asked) or "an answer"


def _cached(seqno: int) -> int | None:
    """An empty gcache tells -1, or that as an unsigned number."""
    return seqno if 0 < seqno < 2**63 else None


def told_version(handshake: str) -> str:
    """The server's version, without the prefix for old replicas."""
    return handshake.removeprefix(HANDSHAKE)


@contextmanager
def connect(socket: str, defaults_file: str | None = None, timeout: float = 5) -> Iterator[Any]:
    """A connection to the server at a Unix socket; timeout in seconds. Raises NotAnswering or AccessRefused."""
    account: dict[str, Any] = {"read_default_file": defaults_file} if defaults_file else {"user": "root"}
    who = f"the account of {defaults_file}" if defaults_file else "root"
    with _connection(socket, who, timeout, unix_socket=socket, **account) as connection:
        # A node that is busy with a backlog would hold the answer back until it has caught up. Not as init_command:
        # PyMySQL commits after that, which a node outside a Primary Component refuses.
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION wsrep_sync_wait = 0")
        yield connection


@contextmanager
def log_in(host: str, port: int, user: str, password: str, timeout: float = 5) -> Iterator[Any]:
    """A connection as a client has it; timeout in seconds. Raises NotAnswering or AccessRefused."""
    # As other clients send it; PyMySQL itself would encode text as latin1, which has not every letter.
    account = {"host": host, "port": port, "user": user, "password": password.encode()}
    with _connection(f"{host}:{port}", user, timeout, **account) as connection:
        yield connection


@contextmanager
def _connection(where: str, who: str, timeout: float, **account: Any) -> Iterator[Any]:
    if not HAS_PYMYSQL:
        raise GaleraError(f"{missing_required_lib('PyMySQL')} Debian: python3-pymysql; Red Hat: python3-PyMySQL.")
    try:
        connection = pymysql.connect(
            connect_timeout=max(1, int(timeout)),
            read_timeout=timeout,
            write_timeout=timeout,
            autocommit=True,
            **account,
        )
        with connection:
            yield connection
    except (pymysql.Error, OSError) as error:
        code, text = error.args if len(error.args) == 2 else (0, error)
        if code in _REFUSED:
            raise AccessRefused(f"The server at {where} refuses {who}: {text}.") from error
        raise NotAnswering(f"No answer at {where}: {text}.") from error


def read_status(
    socket: str,
    defaults_file: str | None = None,
    timeout: float = 5,
    databases: bool = False,
    allowlist: bool = False,
) -> NodeStatus:
    """Ask the server at a Unix socket; timeout of an answer in seconds. Raises NotAnswering or AccessRefused.

    databases is whether it is also asked for those with the character set latin1, allowlist whether for that.
    """
    with connect(socket, defaults_file, timeout) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN %s", (VARIABLES,))
        rows = dict(cursor.fetchall())
        status = NodeStatus.from_variables(rows, connection.get_server_info(), _view_members(cursor))
        return replace(
            status,
            latin1_databases=_latin1_databases(cursor) if databases else None,
            allowlist=_allowlist(cursor) if allowlist else None,
        )


def _allowlist(cursor: Any) -> tuple[str, ...] | None:
    try:
        cursor.execute("SELECT ip FROM mysql.wsrep_allowlist")
    except pymysql.Error:
        return None
    return tuple(sorted(str(row[0]) for row in cursor.fetchall()))


def replace_allowlist(
    socket: str,
    defaults_file: str | None,
    wanted: Callable[[Sequence[str] | None], Sequence[str] | None],
    predict: bool,
    timeout: float,
) -> tuple[Sequence[str], Sequence[str]] | None:
    """Give the cluster the allowlist that wanted says for this node's; before and after, or None: nothing is changed.

    TRUNCATE runs on all nodes alike. A row that is replicated to a node which has it already would put that node out of
    the cluster, and a node that bootstrapped can have other rows than the rest. timeout of an answer in seconds: it
    waits for the transactions before it.
    """
    with connect(socket, defaults_file, timeout) as connection, connection.cursor() as cursor:
        before = _allowlist(cursor)
        after = wanted(before)
        if after is None:
            return None
        if not predict:
            cursor.execute("TRUNCATE TABLE mysql.wsrep_allowlist")
            if after:
                rows = ", ".join(["(%s)"] * len(after))
                cursor.execute(f"INSERT INTO mysql.wsrep_allowlist VALUES {rows}", tuple(after))
                connection.commit()
        return before or (), after


def _view_members(cursor: Any) -> list[str]:
    """Who is in the node's view; the table is not for every account, and is read only in a Primary Component."""
    try:
        cursor.execute("SELECT node_uuid FROM mysql.wsrep_cluster_members")
    except pymysql.Error:
        return []
    return sorted(str(row[0]).lower() for row in cursor.fetchall())


def _latin1_databases(cursor: Any) -> tuple[str, ...] | None:
    """By https://mariadb.com/kb/en/information-schema-schemata-table/; no status is lost where that is not told."""
    try:
        cursor.execute(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE DEFAULT_CHARACTER_SET_NAME = %s", (LATIN1,)
        )
    except pymysql.Error:
        return None
    return tuple(of_applications(str(row[0]) for row in cursor.fetchall()))


def wait_for(
    read: Callable[[], State],
    reached: Callable[[State], bool],
    timeout: float,
    interval: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> State:
    """Read until a state is reached, and return it; times in seconds.

    Raises TimedOut with the last state seen. What read() raises ends the wait at once: waiting on is in vain then.
    """
    deadline = clock() + timeout
    while True:
        state = read()
        if reached(state):
            return state
        left = deadline - clock()
        if left <= 0:
            raise TimedOut(state, timeout)
        sleep(min(interval, left))
