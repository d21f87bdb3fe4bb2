"""The witness: clients that write through the front door the whole time, and a search for every acknowledged row.

with Ledger(lab) as ledger:
    ledger.wait_for(200)
    ledger.mark("killed")
    ...
ledger.account()
"""

from __future__ import annotations

import collections
import concurrent.futures
import datetime
import hashlib
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

import pymysql
from pymysql.constants import CR, ER

from .conftest import Lab, wait_until

# Error codes of MariaDB, of the client's library and of ProxySQL.
NAMES = {
    code: name
    for names in (CR, ER)
    for name, code in vars(names).items()
    if isinstance(code, int) and name not in ("ERROR_FIRST", "ERROR_LAST", "CR_ERROR_FIRST", "CR_ERROR_LAST")
} | {
    1047: "WSREP_NOT_READY",
    9001: "PROXYSQL_CONNECT_TIMEOUT",
    9002: "PROXYSQL_NO_BACKEND",
}


def kind(error: pymysql.MySQLError) -> str:
    """An error's code and short name, such as `2013 CR_SERVER_LOST`."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return f"{code} {NAMES.get(code, type(error).__name__)}"


def clock(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%H:%M:%S")


@dataclass
class Phase:
    """What happened between two marks. A gap belongs to the phase in which it ends."""

    name: str
    seconds: float
    rows: int
    errors: dict[str, int]
    longest_gap: float

    @property
    def rate(self) -> float:
        """Acknowledged rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.rows} rows in {self.seconds:.1f} s ({self.rate:.0f}/s), errors {told(self.errors)},"
            f" longest gap {self.longest_gap:.2f} s"
        )


def told(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in sorted(errors.items())) or "0"


@dataclass
class Account:
    """What a search of all nodes found."""

    lost: dict[str, int]
    differing: int
    rows: int
    uuids: set[str] = field(default_factory=set)


class Ledger:
    """Clients that write through the VIP and remember each acknowledgement.

    Each of them inserts one row after the other, every row a transaction of its own. A client that meets an error
    connects again 0.1 s later, and the row whose outcome it does not know is written off: it may or may not be there.

    patience: seconds that a client waits for an answer before it gives its connection up.
    pause: seconds between an answer and the client's next row: an application's pace, which leaves the machine to
        what is tested. 0 where the rate is what is measured.
    """

    def __init__(
        self, lab: Lab, clients: int = 4, patience: float = 10.0, pause: float = 0.01, table: str = "ledger"
    ) -> None:
        self.lab = lab
        self.table = table
        self.acknowledged: list[tuple[int, int]] = []
        self._patience = patience
        self._pause = pause
        self._clients = clients
        self._run = uuid.uuid4().hex
        self._times: list[float] = []
        self._errors: list[tuple[float, str]] = []
        self._marks: list[tuple[str, float]] = []
        self._stop = threading.Event()
        self._end = 0.0
        self._pool = concurrent.futures.ThreadPoolExecutor(clients)
        self._futures: list[concurrent.futures.Future[None]] = []
        # Wall clock minus monotonic clock.
        self._offset = time.time() - time.monotonic()
        with lab.through_vip() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"CREATE OR REPLACE TABLE {table} (client INT, number INT, value CHAR(32) NOT NULL,"
                " PRIMARY KEY (client, number)) ENGINE=InnoDB"
            )

    def __enter__(self) -> Ledger:
        self._marks.append(("start", time.monotonic()))
        self._futures = [self._pool.submit(self._write, client) for client in range(self._clients)]
        return self

    def __exit__(self, *_: object) -> None:
        self._end = time.monotonic()
        self._stop.set()
        self._pool.shutdown()
        for future in self._futures:
            future.result()

    def _value(self, client: int, number: int) -> str:
        return hashlib.blake2b(f"{self._run} {client} {number}".encode(), digest_size=16).hexdigest()

    def _write(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                with self.lab.through_vip(patience=self._patience) as connection, connection.cursor() as cursor:
                    while not self._stop.is_set():
                        number += 1
                        row = (client, number, self._value(client, number))
                        cursor.execute(f"INSERT INTO {self.table} VALUES (%s, %s, %s)", row)
                        # One operation each, so that no lock is needed: `acknowledged` is at least as long as `_times`.
                        self.acknowledged.append((client, number))
                        self._times.append(time.monotonic())
                        if self._pause:
                            self._stop.wait(self._pause)
            except pymysql.MySQLError as error:
                self._errors.append((time.monotonic(), kind(error)))
                self._stop.wait(0.1)

    def wait_for(self, rows: int = 200, seconds: float = 30) -> None:
        """Wait until the clients have had this many more rows acknowledged."""
        goal = len(self._times) + rows
        wait_until(
            lambda: len(self._times) >= goal, seconds, f"{rows} more rows acknowledged; errors {told(self.errors)}"
        )

    def mark(self, name: str) -> None:
        """Begin a phase."""
        self._marks.append((name, time.monotonic()))

    @property
    def errors(self) -> dict[str, int]:
        """Errors that clients met, by kind."""
        return dict(collections.Counter(name for _, name in self._errors))

    @property
    def seconds(self) -> float:
        return (self._end or time.monotonic()) - self._marks[0][1]

    @property
    def rate(self) -> float:
        """Acknowledged rows a second."""
        return len(self._times) / self.seconds

    def _gaps(self) -> list[tuple[float, float]]:
        """Length and end of each time without an acknowledgement, those at the start and at the end included."""
        times = [self._marks[0][1], *sorted(self._times), self._end or time.monotonic()]
        return [(later - earlier, later) for earlier, later in zip(times, times[1:])]

    @property
    def longest_gap(self) -> float:
        """Seconds of the longest time without an acknowledgement."""
        return max(self._gaps())[0]

    @property
    def phases(self) -> list[Phase]:
        ends = [when for _, when in self._marks[1:]] + [self._end or time.monotonic()]
        gaps = self._gaps()
        return [
            Phase(
                name=name,
                seconds=end - begin,
                rows=sum(begin <= when < end for when in self._times),
                errors=dict(collections.Counter(error for when, error in self._errors if begin <= when < end)),
                longest_gap=max((length for length, when in gaps if begin < when <= end), default=0.0),
            )
            for (name, begin), end in zip(self._marks, ends)
        ]

    def phase(self, name: str) -> Phase:
        return next(phase for phase in self.phases if phase.name == name)

    def search(self, hosts: Iterable[str]) -> Account:
        """Read the whole table on every node, after it has caught up, and compare."""
        statement = (
            "SET SESSION wsrep_sync_wait=1; SHOW STATUS LIKE 'wsrep_cluster_state_uuid';"
            f" SELECT client, number, value FROM application.{self.table}"
        )
        expected = {f"{client}\t{number}\t{self._value(client, number)}" for client, number in self.acknowledged}
        there: dict[str, set[str]] = {}
        account = Account({}, 0, 0)
        for host in hosts:
            state, *rows = self.lab.quick(
                host, f'docker exec {self.lab.nodes[host]} mariadb -BN --quick -e "{statement}"'
            ).splitlines()
            account.uuids.add(state.split()[1])
            there[host] = set(rows)
            account.lost[host] = len(expected - there[host])
        everything: set[str] = set()
        for rows_there in there.values():
            everything |= rows_there
        account.rows = len(everything)
        account.differing = sum(any(row not in rows_there for rows_there in there.values()) for row in everything)
        return account

    def account(self, hosts: Iterable[str] | None = None) -> Account:
        """Print the report and see that no node lacks a row, that all have the same, and that they are one cluster."""
        account = self.search(list(self.lab.nodes) if hosts is None else hosts)
        length, end = max(self._gaps())
        began = end - length
        report = (
            f"ledger: {len(self._times)} rows acknowledged in {self.seconds:.1f} s ({self.rate:.0f}/s),"
            f" lost {sum(account.lost.values())}, differing {account.differing}, errors {told(self.errors)},"
            f" longest gap {length:.2f} s at {began - self._marks[0][1]:.1f} s ({clock(began + self._offset)} UTC)"
        )
        lines = [report]
        if len(self._marks) > 1:
            lines += [f"  {phase}" for phase in self.phases]
        self.lab.say("\n".join(lines))
        assert set(account.lost.values()) == {0}, f"rows lost: {account.lost}"
        assert account.differing == 0, f"{account.differing} rows are not the same on all nodes"
        assert len(account.uuids) == 1, f"more than one cluster: {account.uuids}"
        return account
