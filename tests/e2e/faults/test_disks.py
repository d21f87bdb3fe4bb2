"""The file system of one node's datadir is full. The node ends, or is put out; the others go on, and it comes back.

InnoDB ends the server where rolling back needs room too. Where that works, the node has failed to apply what the others
have, so that they put it out as inconsistent: for repair_node, which cannot keep a datadir that is a file system of its
own, and says so. Then a restart gives it all data anew.
"""

from __future__ import annotations

import threading

import pymysql
import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger


class Bulk:
    """A client that makes the database grow, by some 200 kB a row, until it is told to stop."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Bulk:
        with self.lab.through_vip() as connection:
            connection.cursor().execute("CREATE OR REPLACE TABLE bulk (id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)")
        self._thread.start()
        return self

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                with self.lab.through_vip(patience=5) as connection:
                    while not self._stop.is_set():
                        connection.cursor().execute("INSERT INTO bulk (b) VALUES (REPEAT(MD5(RAND()), 6000))")
            except pymysql.MySQLError:
                self._stop.wait(0.2)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self.stop()
        with self.lab.through_vip() as connection:
            connection.cursor().execute("DROP TABLE bulk")


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_disk_full(lab: Lab, role: str) -> None:
    host = harm.writer(lab) if role == "writer" else harm.readers(lab)[0]
    with harm.small_disk(lab, host):
        # It was away for a moment, and the traffic comes back to the first host when that is well again.
        wait_until(lambda: (harm.writers(lab) == [host]) == (role == "writer"), 30, f"{host} as {role}")
        since, before = harm.now(lab, host), harm.restarts(lab, host)
        with Ledger(lab) as ledger, Bulk(lab) as bulk:
            ledger.wait_for()
            harm.fill_disk(lab, host)
            ledger.mark(f"{role}'s disk full")
            ended = False

            def is_out() -> bool:
                nonlocal ended
                ended = harm.restarts(lab, host) > before
                return ended or harm.status(lab, host).get("wsrep_local_state_comment") == "Inconsistent"

            wait_until(is_out, 60, f"the end of the server on {host}, or of its membership")
            bulk.stop()
            ledger.wait_for()
            ledger.mark("room again")
            harm.free_disk(lab, host)
            if not ended:
                refused = lab.play("repair_node", "-e", f"repair_node_host={host}")
                assert "is a file system of its own" in refused.stdout, refused.stdout
                # Its start script does not start it over the data that differ; a person gives them up.
                node, place = lab.nodes[host], harm.datadir(lab, host)
                lab.quick(host, f"docker stop --time 60 {node}", seconds=120)
                lab.quick(host, f"find {place} -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {{}} +")
                lab.quick(host, f"rm /var/lib/dbops-galera/{node}/had-data && docker start {node}")
            harm.wait_whole(lab)
            ledger.mark("whole")
            ledger.wait_for()
        ledger.account()
        lab.say(f"{host}: {'the server ended' if ended else 'the node was put out as inconsistent'}")
        assert ("Proceeding with SST" in harm.log(lab, host, since)) == (not ended)
