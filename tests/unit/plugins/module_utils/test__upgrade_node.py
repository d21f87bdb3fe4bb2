# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what decides without a daemon and a server; the scenario upgrade runs the rest against real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _upgrade_node
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._upgrade_node import Upgrade
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NotAnswering

RECORDED = Path(__file__).parent / "recorded"
LOG = (RECORDED / "11.8/settings.log").read_text()
CLEAN = """# GALERA saved state
version: 2.1
uuid:    f5a84299-e532-11f1-b3aa-dbb87aa99b48
seqno:   2
safe_to_bootstrap: 0
"""
OLD, NEW = "sha256:old", "sha256:new"


class Host:
    """An engine whose throw-away containers say this."""

    def __init__(self, log: str = LOG, code: int = 0, present: bool = True, container: str | None = OLD) -> None:
        self.log = log
        self.code = code
        self.present = present
        self.made_of = container
        self.asked: list[tuple[str, list[str]]] = []
        self.settings = ""

    def inspect(self, name: str) -> dict[str, Any] | None:
        if self.made_of is None or name != "mariadb2":
            return None
        return {"Image": self.made_of, "Config": {"Image": "mariadb:10.11"}, "State": {"Running": False}}

    def image_id(self, _name: str) -> str | None:
        return NEW if self.present else None

    def users_of(self, _datadir: str) -> list[str]:
        return []

    def mountpoint(self, datadir: str) -> str | None:
        return datadir if Path(datadir).is_dir() else None

    def run(
        self,
        _name: str,
        image: str,
        command: Sequence[str],
        binds: Sequence[str],
        _timeout: float,
        empty: Sequence[str] = (),
    ) -> tuple[int, str]:
        assert not empty
        self.asked.append((image, list(binds)))
        if not binds:  # the image of a stopped node
            return 0, (RECORDED / "10.11/settings.log").read_text()
        own = next(bind for bind in binds if bind.endswith("/galera.cnf:ro"))
        self.settings = Path(own.partition(":")[0]).read_text()
        assert command[-1] == "/lib/galera.so"
        return self.code, self.log


def upgrade(host: Host, place: Path) -> Upgrade:
    datadir = place / "datadir"
    (datadir / "mysql").mkdir(parents=True, exist_ok=True)
    (datadir / "mysql/db.frm").touch()
    (datadir / "grastate.dat").write_text(CLEAN)
    (place / "conf.d").mkdir(exist_ok=True)
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    return Upgrade(
        node, "mariadb:11.8", "/lib/galera.so", "[mariadbd]\n", str(place / "conf.d"), str(place / "upgrade.json")
    )


def test_the_new_image_is_asked_with_the_new_settings(tmp_path: Path) -> None:
    host = Host()
    target = upgrade(host, tmp_path).read(1, 60)["target"]
    assert host.settings == "[mariadbd]\n"
    assert (target["version"], target["provider"], target["provider_version"]) == ("11.8.6", True, "4.23(rXXXX)")
    assert target["unknown"] == ["old_alter_table", "no-such-setting"]
    assert len(target["warnings"]) == 3


def test_other_files_of_the_settings_count_too(tmp_path: Path) -> None:
    host = Host()
    asked = upgrade(host, tmp_path)
    for name in ("galera.cnf", "keys"):
        (tmp_path / f"conf.d/{name}").touch()
    asked.read(1, 60)
    binds = host.asked[0][1]
    assert binds[0].endswith(":/etc/mysql/mariadb.conf.d/galera.cnf:ro")
    assert binds[1:] == [f"{tmp_path}/conf.d/keys:/etc/mysql/mariadb.conf.d/keys:ro"]


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    host = Host(present=False)
    reading = upgrade(host, tmp_path).read(1, 60)
    assert (reading["current"], reading["target"]["present"], reading["target"]["version"]) == (False, False, None)
    assert [image for image, _binds in host.asked] == [OLD]


def test_an_image_without_a_server(tmp_path: Path) -> None:
    target = upgrade(Host("sh: mariadbd: not found\n", 127), tmp_path).read(1, 60)["target"]
    assert (target["present"], target["version"]) == (True, None)


def test_an_image_without_a_provider(tmp_path: Path) -> None:
    log = "".join(line for line in LOG.splitlines(keepends=True) if not line.startswith("provider"))
    target = upgrade(Host(log), tmp_path).read(1, 60)["target"]
    assert (target["provider"], target["provider_version"]) == (False, None)


def test_a_provider_without_a_version(tmp_path: Path) -> None:
    target = upgrade(Host(LOG.replace("provider 4.23(rXXXX)", "provider")), tmp_path).read(1, 60)["target"]
    assert (target["provider"], target["provider_version"]) == (True, None)


def test_a_server_that_ends_without_a_word_of_its_own(tmp_path: Path) -> None:
    log = "mariadbd  Ver 11.8.6-MariaDB for Linux\nprovider 4.23(r1)\nIllegal instruction\n"
    assert "Illegal instruction" in upgrade(Host(log, 132), tmp_path).read(1, 60)["target"]["errors"][0]


def test_what_a_stopped_node_was(tmp_path: Path) -> None:
    reading = upgrade(Host(), tmp_path).read(1, 60)
    assert (reading["state"], reading["version"], reading["current"]) == ("stopped", "10.11.19", False)
    assert (reading["write_rate"], reading["gcache_size"]) == (None, None)
    assert reading["turn"] is None


def test_a_node_that_has_the_image(tmp_path: Path) -> None:
    assert upgrade(Host(container=NEW), tmp_path).read(1, 60)["current"]


def test_a_node_in_its_turn_whose_container_is_gone(tmp_path: Path) -> None:
    asked = upgrade(Host(container=None), tmp_path)
    turn = {"before": "10.11.19", "after": "11.8.6", "image": "mariadb:11.8"}
    (tmp_path / "upgrade.json").write_text(json.dumps(turn))
    reading = asked.read(1, 60)
    assert (reading["turn"], reading["version"], reading["current"]) == (turn, "10.11.19", False)


def test_a_record_that_is_none(tmp_path: Path) -> None:
    asked = upgrade(Host(), tmp_path)
    (tmp_path / "upgrade.json").write_text("")
    with pytest.raises(GaleraError, match="is no record of an upgrade"):
        asked.read(1, 60)


@pytest.mark.parametrize("name", ["mariadb_upgrade_info", "mysql_upgrade_info"])
def test_the_version_of_the_tables(tmp_path: Path, name: str) -> None:
    asked = upgrade(Host(), tmp_path)
    assert asked.read(1, 60)["tables"] is None
    (tmp_path / "datadir" / name).write_text("10.11.19-MariaDB\0")
    assert asked.read(1, 60)["tables"] == "10.11.19-MariaDB"


class Server:
    """What a server answers, look by look."""

    def __init__(self, *looks: tuple[int, int, int]) -> None:
        self.looks = list(looks)
        self.rows: list[tuple[str, str]] = []

    def execute(self, statement: str, _names: object) -> None:
        if "VARIABLES" in statement:
            self.rows = [("wsrep_provider_options", "gcache.size = 64M; x = 1; "), ("innodb_fast_shutdown", "2")]
        else:
            names = ("wsrep_replicated_bytes", "wsrep_received_bytes", "wsrep_local_recv_queue")
            self.rows = [(name, str(value)) for name, value in zip(names, self.looks.pop(0))]

    def fetchall(self) -> list[tuple[str, str]]:
        return self.rows


def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server, seconds: float) -> Any:
    """Look at the traffic of a running node; only sleeping moves the clock."""
    now = [100.0]

    @contextmanager
    def connected(*_: object) -> Iterator[Any]:
        yield type("Connection", (), {"cursor": lambda _self: cursor()})()

    @contextmanager
    def cursor() -> Iterator[Server]:
        yield server

    def sleep(time: float) -> None:
        now[0] += time

    monkeypatch.setattr(_upgrade_node, "connect", connected)
    monkeypatch.setattr(_upgrade_node.time, "monotonic", lambda: now[0])
    return upgrade(Host(), tmp_path)._traffic(seconds, sleep)


def test_traffic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = Server((1000, 500, 3), (2000, 800, 1), (5000, 1500, 9))
    seen = watch(monkeypatch, tmp_path, server, 0.2)
    assert (round(seen.write_rate), seen.recv_queue) == (25000, 1)
    assert (seen.gcache_size, seen.fast_shutdown) == (64 * 2**20, 2)


def test_two_looks_at_least(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert round(watch(monkeypatch, tmp_path, Server((0, 0, 0), (0, 100, 0)), 0).write_rate) == 1000


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object) -> None:
        raise NotAnswering("gone")

    monkeypatch.setattr(_upgrade_node, "connect", refused)
    assert upgrade(Host(), tmp_path)._traffic(1, lambda _: None) is None
