"""One node is cut off from the others while clients write on both sides: the minority refuses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger, kind


class Direct:
    """A client of one node, past the front door. It remembers what it was told, and when."""

    def __init__(self, lab: Lab, host: str) -> None:
        self.lab, self.host = lab, host
        self.acknowledged: list[tuple[float, int]] = []
        self.errors: list[tuple[float, str]] = []
        self._stop = threading.Event()

    def _write(self) -> None:
        number = 0
        while not self._stop.wait(0.1):
            number += 1
            try:
                with pymysql.connect(
                    host=self.lab.addresses[self.host],
                    port=3306,
                    user="application",
                    password=self.lab.secrets["mariadb_application_password"],
                    database="application",
                    autocommit=True,
                    connect_timeout=2,
                    read_timeout=10,
                ) as connection:
                    connection.cursor().execute("INSERT INTO direct VALUES (%s)", (number,))
                    self.acknowledged.append((time.monotonic(), number))
            except pymysql.MySQLError as error:
                self.errors.append((time.monotonic(), kind(error)))

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self.lab.through_vip() as connection:
            connection.cursor().execute("CREATE OR REPLACE TABLE direct (number INT PRIMARY KEY)")
        thread = threading.Thread(target=self._write)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_one_node_cut_off(lab: Lab, role: str) -> None:
    if lab.variables["galera_network_driver"] != "host":
        pytest.skip("the nodes do not listen on their hosts' addresses")
    host = harm.writer(lab) if role == "writer" else harm.readers(lab)[0]
    since = harm.now(lab, host)
    minority = Direct(lab, host)
    with Ledger(lab, patience=5) as ledger, minority.writing():
        ledger.wait_for()
        ledger.mark(f"{role} cut off")
        with harm.cut(lab, host):
            harm.wait_for_status(lab, host, "non-Primary")
            refusing = time.monotonic()
            # The majority goes on, whoever holds the VIP now.
            ledger.wait_for()
            time.sleep(5)
            healing = time.monotonic()
        ledger.mark("healed")
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    errors = {name for when, name in minority.errors if refusing < when < healing}
    lab.say(f"the minority of {host} refused with {', '.join(sorted(errors))}")
    assert "1047 WSREP_NOT_READY" in errors
    assert [number for when, number in minority.acknowledged if refusing < when < healing] == []
    for name in lab.nodes:
        there = lab.node_sql(name, "SET SESSION wsrep_sync_wait=1; SELECT number FROM application.direct").split()
        assert {str(number) for _, number in minority.acknowledged} <= set(there)
    assert "Proceeding with SST" not in harm.log(lab, host, since)


def test_stopped_while_it_waits_for_the_others(lab: Lab) -> None:
    """A node that crashed outside the Primary Component waits for the others; SIGTERM ends that at once."""
    host = harm.readers(lab)[0]
    with harm.cut(lab, host):
        harm.wait_for_status(lab, host, "non-Primary")
        since = harm.now(lab, host)
        harm.kill(lab, host)
        wait_until(lambda: "waiting until they answer" in harm.log(lab, host, since), 30, "a node that waits")
        begin = time.monotonic()
        lab.quick(host, f"docker stop {lab.nodes[host]}")
        assert time.monotonic() - begin < 10, "the wait is a minute, the stop timeout ten"
    lab.quick(host, f"docker start {lab.nodes[host]}")
