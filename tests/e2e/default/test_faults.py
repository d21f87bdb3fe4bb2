"""Under load: a killed node comes back by IST, a changed setting is rolled out; no acknowledged row is missing."""

from __future__ import annotations

import json
import threading
import time

import pymysql
import pytest

from ..conftest import Lab, wait_until


class Ledger:
    """Clients that write through the VIP and remember each acknowledgement."""

    def __init__(self, lab: Lab, clients: int = 4) -> None:
        self.lab = lab
        self.acknowledged: list[tuple[int, int]] = []
        self.times: list[float] = []
        self.errors: dict[str, int] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._write, args=(client,)) for client in range(clients)]
        with lab.through_vip() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE OR REPLACE TABLE ledger (client INT, number INT, PRIMARY KEY (client, number))")

    def __enter__(self) -> Ledger:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                with self.lab.through_vip() as connection, connection.cursor() as cursor:
                    while not self._stop.is_set():
                        number += 1
                        cursor.execute("INSERT INTO ledger VALUES (%s, %s)", (client, number))
                        with self._lock:
                            self.acknowledged.append((client, number))
                            self.times.append(time.monotonic())
            except pymysql.MySQLError as error:
                with self._lock:
                    self.errors[str(error.args[0])] = self.errors.get(str(error.args[0]), 0) + 1
                time.sleep(0.1)

    def longest_gap(self) -> float:
        return max(later - earlier for earlier, later in zip(self.times, self.times[1:]))

    def missing(self, host: str) -> int:
        """Acknowledged rows that are not on a node."""
        rows = self.lab.node_sql(host, "SET wsrep_sync_wait=1; SELECT client, number FROM application.ledger")
        there = {tuple(map(int, row.split())) for row in rows.splitlines()}
        return len(set(self.acknowledged) - there)


def test_a_killed_node_comes_back_by_ist(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    host = next(h for h in reversed(list(lab.nodes)) if f" {lab.vip}/" not in lab.on(h, "ip -4 -o address"))
    node = lab.nodes[host]
    before = lab.on(host, "date +%s").strip()
    with Ledger(lab) as ledger:
        wait_until(lambda: len(ledger.acknowledged) > 200, 30, "clients that write")
        lab.on(host, "kill -9 $(docker inspect -f '{{.State.Pid}}' " + node + ")")
        wait_until(
            lambda: lab.on(host, "docker inspect -f '{{.RestartCount}}' " + node).strip() != "0",
            30,
            "a restart of the container",
        )

        question = (
            f"docker exec {node} mariadb -BN -e \"SHOW STATUS LIKE 'wsrep_local_state_comment'\" 2>/dev/null || true"
        )
        wait_until(lambda: "Synced" in lab.on(host, question), 90, f"{node} Synced again")
        time.sleep(1)

    log = lab.on(host, f"docker logs --since {before} {node} 2>&1")
    assert "galera-start: recovered position" in log
    assert "Receiving IST: " in log
    assert "Proceeding with SST" not in log
    account(lab, ledger, capsys)


def account(lab: Lab, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """Print what the clients saw, and look for every acknowledged row on every node."""
    missing = {name: ledger.missing(name) for name in lab.nodes}
    with capsys.disabled():
        print(
            f"\nledger: {len(ledger.acknowledged)} rows acknowledged, missing {missing}, errors {ledger.errors},"
            f" longest gap {ledger.longest_gap():.2f} s"
        )
    assert set(missing.values()) == {0}
    assert len(lab.uuids()) == 1


def test_a_changed_setting_is_rolled_out(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    before = lab.on(next(iter(lab.nodes)), "date +%s").strip()
    setting = json.dumps({"mariadb_config": {"mariadbd": {"max_connections": 77}}})
    with Ledger(lab) as ledger:
        wait_until(lambda: len(ledger.acknowledged) > 200, 30, "clients that write")
        run = lab.play("site", "-e", setting)
        assert run.returncode == 0, run.stdout
    for host, node in lab.nodes.items():
        assert lab.node_sql(host, "SELECT @@max_connections") == "77"
        assert "Proceeding with SST" not in lab.on(host, f"docker logs --since {before} {node} 2>&1")
    account(lab, ledger, capsys)
    back = lab.play("site")
    assert back.returncode == 0, back.stdout
    assert {lab.node_sql(host, "SELECT @@max_connections") for host in lab.nodes} != {"77"}
    assert lab.play("status").returncode == 0
