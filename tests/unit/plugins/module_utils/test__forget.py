# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real directories; only Docker Engine is given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._forget import Leavings
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container, Datadir, Record, Traces

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"
NOW = 1763716364.0
STAMP = "kept-20251121T091244"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("mariadb1/datadir/mysql", "mariadb1/run", "records/mariadb1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "mariadb1/stopped.json").touch()
    (tmp_path / "mariadb1/run/in-force.cnf").touch()
    return tmp_path


def engine(*users: str) -> Any:
    removed: list[str] = []
    return SimpleNamespace(users_of=lambda _datadir: list(users), remove_stopped=removed.append, removed=removed)


def traces(root: Path, **changes: Any) -> Traces:
    datadir = str(root / "mariadb1/datadir")
    found: dict[str, Any] = {
        "datadir": Datadir(datadir, resolved=datadir, exists=True, entries=("mysql",), uuid=UUID, mountpoint="/"),
        "containers": (
            Container("mariadb1", cluster="galera", datadir=datadir, resolved=datadir),
            Container("mariadb0", cluster="galera", part="bootstrap", datadir=datadir, resolved=datadir),
            Container("proxysql", cluster="galera", running=True),
            Container("shop1", cluster="shop", running=True, datadir="/shop", resolved="/shop"),
        ),
        "records": (Record(str(root / "records/mariadb1"), node="mariadb1", cluster="galera", uuid=UUID),),
    }
    return Traces(**{**found, **changes})


def leavings(root: Path, docker: Any, found: Traces, *uuids: str) -> Leavings:
    params = {"node": "mariadb1", "cluster": "galera", "bootstrap_container": "mariadb0", "root": str(root)}
    return Leavings(docker, {**params, "uuids": list(uuids or (UUID,))}, found)


def test_everything_of_the_node_is_moved_aside(root: Path) -> None:
    docker = engine()
    gone = leavings(root, docker, traces(root))
    gone.check()
    assert gone.give_up(NOW, predict=False) == [
        f"The datadir {root}/mariadb1/datadir was renamed to {root}/mariadb1/datadir.{STAMP}.",
        "The container mariadb1 was removed.",
        "The container mariadb0 was removed.",
        f"The file {root}/mariadb1/run/in-force.cnf was renamed to {root}/mariadb1/run/in-force.cnf.{STAMP}.",
        f"The file {root}/mariadb1/stopped.json was renamed to {root}/mariadb1/stopped.json.{STAMP}.",
        f"The record {root}/records/mariadb1 was renamed to {root}/records/mariadb1.{STAMP}.",
    ]
    assert docker.removed == ["mariadb1", "mariadb0"]
    assert (root / f"mariadb1/datadir.{STAMP}/mysql").is_dir()
    assert not (root / "mariadb1/datadir").exists()
    assert (root / f"records/mariadb1.{STAMP}").is_dir()


def test_check_mode_tells_the_same_and_does_nothing(root: Path) -> None:
    docker = engine()
    done = leavings(root, docker, traces(root)).give_up(NOW, predict=True)
    assert len(done) == 6
    assert done[1] == "The container mariadb1 would be removed."
    assert docker.removed == []
    assert (root / "mariadb1/datadir").is_dir()


def test_a_blank_datadir_stays_for_the_new_cluster(root: Path) -> None:
    datadir = str(root / "mariadb1/datadir")
    blank = traces(root, datadir=Datadir(datadir, resolved=datadir, mountpoint=datadir), containers=(), records=())
    gone = leavings(root, None, blank, "unknown")
    gone.check()
    assert [said.split(" ")[1] for said in gone.give_up(NOW, predict=False)] == ["file", "file"]
    assert (root / "mariadb1/datadir").is_dir()


def test_data_on_another_path_stay_there(root: Path) -> None:
    away = Container("mariadb1", cluster="galera", datadir="/old/datadir", resolved="/old/datadir")
    gone = leavings(root, engine(), traces(root, containers=(away,)))
    assert "The container mariadb1 would be removed; its data stay at /old/datadir." in gone.give_up(NOW, predict=True)


def running(root: Path) -> Traces:
    return traces(root, containers=(Container("mariadb1", cluster="galera", running=True, datadir="/x"),))


def test_a_history_that_was_not_named_is_kept(root: Path) -> None:
    with pytest.raises(
        GaleraError, match=rf"^mariadb1: there are traces of {UUID}, which was not named to be given up"
    ):
        leavings(root, engine(), traces(root), "other").check()


def test_nothing_is_given_up_under_a_server_that_runs(root: Path) -> None:
    with pytest.raises(GaleraError, match=r"^mariadb1: mariadb1 runs: stop it before its data are given up"):
        leavings(root, engine(), running(root)).check()
    with pytest.raises(GaleraError, match=r"^mariadb1: squatter runs"):
        leavings(root, engine("squatter"), traces(root)).check()


def test_containers_cannot_be_removed_without_the_engine(root: Path) -> None:
    with pytest.raises(
        GaleraError, match=r"^mariadb1: container mariadb1 is to be removed, and Docker Engine does not"
    ):
        leavings(root, None, traces(root)).check()


def test_what_cannot_be_renamed_is_kept(root: Path) -> None:
    datadir = str(root / "mariadb1/datadir")
    mounted = Datadir(datadir, resolved=datadir, mountpoint=datadir, exists=True, entries=("mysql",))
    with pytest.raises(GaleraError, match="is a mount point and not empty, so it cannot be kept under a dated name"):
        leavings(root, engine(), traces(root, datadir=mounted)).check()
