# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real directories; only Docker Engine is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _traces
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Live, Traces
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import NodeStatus, NotAnswering

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"
GRASTATE = f"# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   7\nsafe_to_bootstrap: 0\n"

Read = Callable[..., Traces]


class Api:
    """As much of docker.APIClient as is asked; containers are inspections."""

    def __init__(self, *containers: dict[str, Any]) -> None:
        self.found = {each["Name"].lstrip("/"): each for each in containers}

    def containers(self, all: bool) -> list[dict[str, Any]]:  # noqa: A002
        assert all
        return [
            {"Names": [each["Name"]], "Labels": each["Config"]["Labels"], "Mounts": each["Mounts"]}
            for each in self.found.values()
        ]

    def inspect_container(self, name: str) -> dict[str, Any]:
        return self.found[name]

    def inspect_volume(self, name: str) -> dict[str, Any]:
        return {"Mountpoint": name}


def inspection(name: str, *mounts: tuple[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "Name": f"/{name}",
        "Config": {"Image": "mariadb:10.11", "Labels": changes.pop("labels", {"dbops.galera.cluster": "galera"})},
        "State": {"Running": True, "StartedAt": "2026-11-21T09:06:15.285513735Z", **changes},
        "Mounts": [{"Type": "bind", "Source": source, "Destination": place, "RW": True} for source, place in mounts],
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("containers/mariadb1/datadir/mysql", "containers/mariadb1/run", "records"):
        (tmp_path / name).mkdir(parents=True)
    datadir = tmp_path / "containers/mariadb1/datadir"
    (datadir / "grastate.dat").write_text(GRASTATE, encoding="utf-8")
    (datadir / "ibdata1").touch()
    (datadir / "mysql/user.frm").touch()
    return tmp_path


@pytest.fixture
def read(root: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    def reading(*containers: dict[str, Any], **changes: Any) -> Traces:
        engine = _traces.Containers(Api(*containers)) if changes.pop("engine", True) else None
        monkeypatch.setattr(_traces, "_engine", lambda: (engine, "" if engine else "It does not answer."))
        params = {
            "node": "mariadb1",
            "bootstrap_container": "mariadb0",
            "root": str(root / "containers"),
            "datadir": str(root / "containers/mariadb1/datadir"),
            "parts": {},
            **changes,
        }
        found = _traces.read(params, records=str(root / "records"), docker_root=str(root / "docker"))
        return Traces.read(json.loads(json.dumps(found)))

    return reading


def test_a_datadir_with_data(read: Read, root: Path) -> None:
    datadir = read().datadir
    assert (datadir.exists, datadir.blank, datadir.tables, datadir.ibdata1, datadir.half) == (
        True,
        False,
        True,
        True,
        False,
    )
    assert datadir.entries == ("grastate.dat", "ibdata1", "mysql")
    assert (datadir.uuid, datadir.target) == (UUID, "")
    assert datadir.resolved == str(root / "containers/mariadb1/datadir")
    assert str(root).startswith(datadir.mountpoint)


def test_a_datadir_that_is_blank(read: Read, root: Path) -> None:
    new = root / "new"
    assert (read(datadir=str(new)).datadir.exists, read(datadir=str(new)).datadir.blank) == (False, True)
    (new / "lost+found").mkdir(parents=True)
    datadir = read(datadir=str(new)).datadir
    assert (datadir.exists, datadir.blank, str(datadir)) == (True, True, "holds only lost+found")


def test_a_datadir_without_system_tables(read: Read, root: Path) -> None:
    (root / "containers/mariadb1/datadir/mysql/user.frm").unlink()
    assert read().datadir.ibdata_only is True
    (root / "containers/mariadb1/datadir/sst_in_progress").touch()
    assert read().datadir.ibdata_only is False


def test_a_link_is_told_with_its_target(read: Read, root: Path) -> None:
    (root / "link").symlink_to(root / "containers/mariadb1/datadir")
    datadir = read(datadir=str(root / "link")).datadir
    assert datadir.target == datadir.resolved == str(root / "containers/mariadb1/datadir")


def test_a_volume_is_looked_into_where_it_has_a_place(read: Read, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places: dict[str, str | None] = {"here": str(root / "containers/mariadb1/datadir"), "plugin": "", "none": None}
    monkeypatch.setattr(_traces.Engine, "mountpoint", lambda _self, name: places[name])
    assert read(datadir="here").datadir.tables is True
    assert read(datadir="plugin").datadir.known is False
    assert (read(datadir="none").datadir.known, read(datadir="none").datadir.blank) == (True, True)


def status(view: str, primary: bool = True) -> NodeStatus:
    told = {
        "wsrep_cluster_status": "Primary" if primary else "non-Primary",
        "wsrep_gcomm_uuid": "ABC",
        "wsrep_provider_version": "4.23(rXXXX)",
    }
    return NodeStatus.from_variables(told, "10.11.19", view.split())


@pytest.mark.parametrize(
    ("answers", "live"),
    [
        ([status("abc def")], Live("abc", ("abc", "def"), "10.11.19", "4.23(rXXXX)")),
        # A node is missing, so it is asked again.
        ([status("abc"), status("abc")], Live("abc", ("abc",), "10.11.19", "4.23(rXXXX)")),
        ([status("abc"), status("abc def")], None),
        ([status("abc"), None], None),
        ([status("abc def", primary=False)], None),
        ([None], None),
    ],
)
def test_a_node_tells_whom_it_sees(
    read: Read, root: Path, monkeypatch: pytest.MonkeyPatch, answers: list[NodeStatus | None], live: Live | None
) -> None:
    def answer(socket: str, timeout: float) -> NodeStatus:
        assert socket == str(root / "containers/mariadb1/run/mysqld.sock")
        assert timeout == _traces.PATIENCE
        if (told := answers.pop(0)) is None:
            raise NotAnswering("It is frozen.")
        return told

    monkeypatch.setattr(_traces, "read_status", answer)
    monkeypatch.setattr(_traces.time, "sleep", lambda _seconds: None)
    (root / "records/mariadb1").mkdir()
    (root / "records/mariadb1/members").write_text("mariadb1\nmariadb2\n", encoding="utf-8")
    datadir, run = (str(root / "containers/mariadb1" / name) for name in ("datadir", "run"))
    node = inspection("mariadb1", (datadir, "/var/lib/mysql"), (run, "/run/mysqld"))
    elsewhere = inspection("db", ("/x", "/var/lib/mysql"), (run, "/run/mysqld"))
    assert read(elsewhere, node).live == live
    assert answers == []


def test_nobody_is_asked_where_no_server_runs_on_the_datadir(read: Read, root: Path) -> None:
    datadir = str(root / "containers/mariadb1/datadir")
    for node in (
        inspection("mariadb1", (datadir, "/var/lib/mysql"), (str(root), "/run/mysqld"), Running=False),
        inspection("mariadb1", (datadir, "/var/lib/mysql")),
        inspection("mariadb1", ("/x", "/var/lib/mysql"), (str(root), "/run/mysqld")),
    ):
        assert read(node).live is None


def test_containers_are_found_by_label_by_datadir_and_by_name(read: Read, root: Path) -> None:
    datadir = str(root / "containers/mariadb1/datadir")
    node = inspection("mariadb1", (datadir, "/var/lib/mysql"), (str(root / "run"), "/run/mysqld"))
    traces = read(
        node,
        inspection("proxysql"),
        inspection("db", ("/x", "/var/lib/mysql"), labels={}),
        inspection("mariadb0", labels=None, StartedAt="0001-01-01T00:00:00Z", Running=False),
        inspection("web", labels={}),
    )
    assert [each.name for each in traces.containers] == ["mariadb1", "proxysql", "db", "mariadb0"]
    found = traces.containers[0]
    assert (found.cluster, found.running, found.datadir, found.resolved) == ("galera", True, datadir, datadir)
    assert (found.started, found.uuid, found.run) == (1795251975, UUID, str(root / "run"))
    assert found.recorded is False
    assert traces.containers[3].started is None
    assert traces.engine is True


def test_a_volume_of_a_container_goes_by_its_name(read: Read, root: Path) -> None:
    found = inspection("mariadb1")
    place = str(root / "containers/mariadb1/datadir")
    found["Mounts"] = [{"Type": "volume", "Name": "data", "Source": place, "Destination": "/var/lib/mysql", "RW": True}]
    container = read(found).containers[0]
    assert (container.datadir, container.resolved) == ("data", place)


def test_without_the_engine_containers_are_read_from_its_files(read: Read, root: Path) -> None:
    directory = root / "docker/containers/1346"
    directory.mkdir(parents=True)
    told = inspection("mariadb1")
    told["MountPoints"] = {"/var/lib/mysql": {"Source": "/x", "Destination": "/var/lib/mysql", "RW": True}}
    told["State"].update(Pid=0)
    (directory / "config.v2.json").write_text(json.dumps(told), encoding="utf-8")
    traces = read(engine=False)
    assert traces.engine is False
    assert [(each.name, each.datadir, each.running) for each in traces.containers] == [("mariadb1", "/x", False)]


def test_records_are_read_and_those_moved_aside_are_not(read: Read, root: Path) -> None:
    record = root / "records/mariadb1"
    record.mkdir()
    (root / "records/mariadb1.kept-20261121T091244").mkdir()
    node = {"cluster": "galera", "node": "mariadb1", "datadir": "/d", "resolved": "/r", "mountpoint": "/"}
    (record / "node.json").write_text(json.dumps(node), encoding="utf-8")
    (record / "branch.json").write_text('{"generation": 2}', encoding="utf-8")
    (record / "members").write_text("mariadb1\nmariadb2\n", encoding="utf-8")
    (record / "uuid").write_text(f"{UUID}\n", encoding="utf-8")
    (record / "had-data").touch()
    [found] = read().records
    assert (found.path, found.node, found.cluster, found.datadir) == (str(record), "mariadb1", "galera", "/d")
    assert (found.resolved, found.mountpoint, found.mounted, found.had_data) == ("/r", "/", True, True)
    assert (found.members, found.uuid, found.branch_of("galera").group) == (("mariadb1", "mariadb2"), UUID, "galera.2")
    (record / "node.json").write_text(json.dumps({**node, "mountpoint": str(record)}), encoding="utf-8")
    assert read().records[0].mounted is False


def test_marks_beside_the_datadir(read: Read, root: Path) -> None:
    directory = root / "containers/mariadb1"
    (directory / "run/in-force.cnf").write_text("[mariadbd]\nwsrep_cluster_name = galera.3\n", encoding="utf-8")
    stop = {"cluster": "galera", "last": "host1", "node": "mariadb1", "uuid": UUID, "seqno": 7}
    (directory / "stopped.json").write_text(json.dumps(stop), encoding="utf-8")
    traces = read()
    assert [(mark.path, mark.cluster, mark.uuid) for mark in traces.marks] == [
        (str(directory / "stopped.json"), "galera", UUID),
        (str(directory / "run/in-force.cnf"), "galera", ""),
    ]
    assert traces.run == str(directory / "run")
    (directory / "stopped.json").write_text("damaged", encoding="utf-8")
    assert read().marks[0].cluster == ""


def test_a_datadir_that_was_moved_aside(read: Read, root: Path) -> None:
    assert read().kept is None
    kept = root / "containers/mariadb1/datadir.kept-20261121T091244"
    kept.mkdir()
    assert read().kept == kept.stat().st_ctime


def test_a_host_without_a_node(read: Read) -> None:
    traces = read(
        inspection("proxysql"), node="", bootstrap_container="", datadir="", parts={"proxysql_container": "proxysql"}
    )
    assert [each.name for each in traces.containers] == ["proxysql"]
    assert (traces.marks, traces.run) == ((), "")


def test_a_mount_point_is_that_of_the_nearest_directory(tmp_path: Path) -> None:
    assert _traces.mount_point("/proc/none/at/all") == "/proc"
    assert _traces.mount_point("/") == "/"
    assert _traces.mount_point(str(tmp_path / "a/b")) == _traces.mount_point(str(tmp_path))


def test_the_engine_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_traces.Containers, "connect", SimpleNamespace)
    assert _traces._engine()[0] is not None

    def silent() -> None:
        raise _traces.GaleraError("Docker Engine does not answer.")

    monkeypatch.setattr(_traces.Containers, "connect", silent)
    assert _traces._engine() == (None, "Docker Engine does not answer.")
