# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A survivor's part of a forced recovery, and a node's record, in real directories; nothing runs in containers "
"here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.module_utils._aside import Aside
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    GraState,
    Position,
    grastate_of,
    parse_grastate,
)
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._record import MARKS, Record
from ansible_collections.dbops.galera.plugins.modules import galera_branch

A = "aaaaaaaa-e532-11f1-8a96-fa36e0da60b6"
FORCED = f"db1@{A}:100"
NEW = Branch("shop").next(FORCED, A, "now", ["mariadb1", "mariadb2", "garbd"], "mariadb1")
THEN = "2026-11-29T01:00:00Z"


def at(seqno: int, **more: Any) -> dict[str, Any]:
    return {"state": "crashed", "uuid": A, "seqno": seqno, "source": "recovered", **more}


class Host:
    """An engine with these containers on the datadir."""

    def __init__(self, users: list[str]) -> None:
        self.users = users

    def users_of(self, _datadir: str) -> list[str]:
        return self.users

    def inspect(self, _name: str) -> None:
        return None


class Place:
    """This host's datadir and record, and the module on it, as the member db2."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.datadir = path / "datadir"
        (self.datadir / "mysql").mkdir(parents=True)
        (self.datadir / "mysql/db.frm").touch()
        (self.datadir / "ibdata1").write_text("innodb", encoding="utf-8")
        (self.datadir / "grastate.dat").write_text(grastate_of(Position(A, 100), False), encoding="utf-8")
        (self.datadir / "gvwstate.dat").touch()
        self.record = Record(str(path / "dbops-galera/mariadb2"))
        self.users: list[str] = []
        self._capsys = capsys
        monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: Host(self.users)))

    def run(self, **arguments: Any) -> dict[str, Any]:
        asked = {
            "node": "mariadb2",
            "datadir": str(self.datadir),
            "socket": "/none.sock",
            "record": self.record.path,
            "uid": os.getuid(),
            "cluster": "shop",
            "member": "db2",
            "members": ["db1", "db2", "db3"],
            "nodes": {"db1": "mariadb1", "db2": "mariadb2", "db3": "mariadb3"},
            "arbitrators": ["garbd"],
        }
        with patch_module_args({**asked, **arguments}), pytest.raises(SystemExit):
            galera_branch.main()
        told: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return told

    def begin(self, own: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        reports = {"db1": at(100), "db2": own}
        return self.run(**{"state": "begun", "reports": reports, "force": FORCED, "begun": THEN, **arguments})

    def grastate(self) -> GraState:
        return parse_grastate((self.datadir / "grastate.dat").read_text(encoding="utf-8"))

    def kept(self) -> list[Path]:
        return sorted(self.datadir.parent.glob("datadir.kept-*"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, monkeypatch, capsys)


RECORDED = {
    "cluster": "shop",
    "generation": 2,
    "group": "shop.2a",
    "uuid": NEW.uuid,
    "forced": FORCED,
    "begun": THEN,
    "parent": A,
    "members": ["mariadb1", "mariadb2", "garbd"],
}


def test_a_survivor_that_holds_the_same_keeps_its_data(place: Place) -> None:
    result = place.begin(at(100))
    assert (result["changed"], result["kept"], result["branch"]) == (True, None, RECORDED)
    assert result["reason"] == "db2 is at the same position, keeps its data, and needs no state transfer."
    assert place.grastate() == GraState(NEW.uuid, 100, False)
    assert not (place.datadir / "gvwstate.dat").exists()
    assert place.record.branch() == RECORDED
    assert place.record.members() == RECORDED["members"]
    assert place.kept() == []
    # A run of the same words that follows comes to the same.
    again = place.begin(at(100, decision=FORCED, generation=2), current=RECORDED, begun="later")
    assert (again["changed"], again["branch"]) == (False, RECORDED)
    assert place.grastate() == GraState(NEW.uuid, 100, False)


def test_the_elected_one_may_be_bootstrapped(place: Place) -> None:
    result = place.begin(at(100), force=f"db2@{A}:100")
    assert result["reason"] == f"db2 begins the new branch at {A}:100."
    assert place.grastate() == GraState(result["branch"]["uuid"], 100, True)
    assert result["branch"]["uuid"] != NEW.uuid


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (at(110), "db2 is 10 write sets ahead of db1: its datadir is kept"),
        (at(5, uuid=NEW.uuid), f"db2 holds data of another history ({NEW.uuid}): its datadir is kept"),
        (at(-1, error="mariadb2: told no position."), "db2 cannot be compared with db1: its datadir is kept"),
        (at(-1, disowned=True), "db2 was voted out, so what it holds is not what the others hold: its datadir is kept"),
    ],
)
def test_what_only_a_survivor_holds_is_moved_aside(place: Place, own: dict[str, Any], reason: str) -> None:
    predicted = place.begin(own, _ansible_check_mode=True)
    assert (predicted["changed"], predicted["kept"], place.kept()) == (True, None, [])
    assert not os.path.exists(place.record.path)
    result = place.begin(own)
    assert result["reason"].startswith(reason)
    assert [Path(result["kept"])] == place.kept()
    assert (place.kept()[0] / "ibdata1").read_text(encoding="utf-8") == "innodb"
    assert os.listdir(place.datadir) == []
    assert place.record.branch() == RECORDED


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (at(90), "db2 is 10 write sets behind, and gets all data by SST."),
        ({"state": "empty"}, "db2 holds no data of its own, and gets them from db1."),
        (at(-1, sst_in_progress=True), "db2 holds no data of its own, and gets them from db1."),
    ],
)
def test_what_the_elected_one_has_too_is_left_for_an_sst(place: Place, own: dict[str, Any], reason: str) -> None:
    result = place.begin(own)
    assert (result["reason"], result["kept"], place.kept()) == (reason, None, [])
    # Another UUID than the branch's: Galera sends it all data.
    assert place.grastate() == GraState(A, 100, False)
    assert place.record.branch() == RECORDED


def test_marks_of_the_old_branch_are_removed(place: Place) -> None:
    place.record.make(os.getuid())
    for mark in MARKS:
        place.record.write(mark, "")
    place.record.write("uuid", A)
    place.begin(at(100))
    assert [mark for mark in MARKS if place.record.has(mark)] == ["had-data", "views"]
    # It says that the branch has served nobody yet.
    assert place.record.text("uuid") == A


@pytest.mark.parametrize("break_at", ["members", "move", "begin"])
@pytest.mark.parametrize("own", [at(100), at(110)])
def test_the_decision_is_written_down_first(
    place: Place, monkeypatch: pytest.MonkeyPatch, break_at: str, own: dict[str, Any]
) -> None:
    """Whatever follows can be interrupted: the branch is known then, and the data are as they were."""

    def fail(*_arguments: Any) -> None:
        raise GaleraError("The disk is full.")

    patched: dict[str, tuple[type, str]] = {
        "members": (Record, "write_members"),
        "move": (Aside, "move"),
        "begin": (Node, "begin"),
    }
    before = sorted(os.listdir(place.datadir))
    with monkeypatch.context() as patch:
        patch.setattr(*patched[break_at], fail)
        result = place.begin(own)
    concerned = break_at == "members" or (break_at == "move") == (own["seqno"] == 110)
    assert result.get("failed", False) is concerned
    assert place.record.branch() == RECORDED
    if not concerned:
        return
    assert result["msg"] == "The disk is full."
    assert sorted(os.listdir(place.datadir)) == before
    assert place.grastate() == GraState(A, 100, False)
    resumed = place.begin({**own, "decision": FORCED, "generation": 2}, current=RECORDED, begun="later")
    assert not resumed.get("failed")
    assert resumed["branch"] == RECORDED


@pytest.mark.parametrize(
    ("users", "sentence"),
    [
        (["mariadb2"], "mariadb2 runs: a branch begins from data at rest. Stop it first."),
        (["mariadb0"], "mariadb2 runs: a branch begins from data at rest. Stop it first."),
        (["backup"], "in use by another container, backup: stop it first"),
    ],
)
def test_nothing_is_begun_beside_a_server(place: Place, users: list[str], sentence: str) -> None:
    place.users = users
    result = place.begin(at(100))
    assert result["failed"]
    assert sentence in result["msg"]
    assert not os.path.exists(place.record.path)


def test_a_datadir_that_cannot_be_moved_aside_stops_it_before_anything_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == str(place.datadir))
    for mode in ({}, {"_ansible_check_mode": True}):
        result = place.begin(at(110), **mode)
        assert result["failed"]
        assert "is a file system of its own, which cannot be kept under another name" in result["msg"]
        assert not os.path.exists(place.record.path)
    assert not place.begin(at(100)).get("failed")


def test_a_link_is_not_moved_aside(place: Place) -> None:
    """What is kept stays as it is, wherever the link leads."""
    large = place.datadir.rename(place.datadir.parent / "large")
    place.datadir.symlink_to(large)
    for mode in ({}, {"_ansible_check_mode": True}):
        result = place.begin(at(110), **mode)
        assert result["failed"]
        assert f"is a symbolic link to {large}" in result["msg"]
        assert not os.path.exists(place.record.path)
    assert not place.begin(at(100)).get("failed")
    assert place.datadir.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"force": "db1"}, "recover_force is 'db1': name the host and the position"),
        ({"force": f"db1@{A}:99"}, f"db1@{A}:99 was named, and the member is db1@{A}:100 now: look at the plan again."),
        ({"force": f"db3@{A}:100"}, "db3 or db2 did not report, so no branch can begin."),
        ({"force": ""}, "recover_force is '': name the host and the position"),
    ],
)
def test_what_begins_no_branch(place: Place, arguments: dict[str, Any], sentence: str) -> None:
    result = place.begin(at(100), **arguments)
    assert result["failed"]
    assert sentence in result["msg"]
    assert not os.path.exists(place.record.path)


def test_a_damaged_record_ends_it(place: Place) -> None:
    place.record.make(os.getuid())
    place.record.write("branch.json", "{")
    result = place.begin(at(100))
    assert result["failed"]
    assert "branch.json is damaged" in result["msg"]
    assert place.grastate() == GraState(A, 100, False)


def test_a_record_of_the_first_generation(place: Place) -> None:
    predicted = place.run(_ansible_check_mode=True)
    assert (predicted["changed"], os.path.exists(place.record.path)) == (True, False)
    result = place.run()
    assert (result["changed"], result["branch"], result["kept"]) == (True, Branch("shop").record(), None)
    assert place.record.members() == ["mariadb1", "mariadb2", "mariadb3", "garbd"]
    assert place.record.branch() == {}
    assert place.record.node() == {
        "cluster": "shop",
        "node": "mariadb2",
        "datadir": str(place.datadir),
        "resolved": str(place.datadir),
        "mountpoint": galera_branch.mount_point(str(place.datadir)),
    }
    assert place.run()["changed"] is False
    # The server writes them in the order in which they came.
    place.record.write_members(["garbd", "mariadb3", "mariadb2", "mariadb1"])
    assert place.run()["changed"] is False
    # Who is taken out of the inventory is a member until the node has left.
    assert place.run(members=["db1", "db2"])["changed"] is False
    assert place.run(members=["db1", "db2"], exact=True)["changed"] is True
    assert place.record.members() == ["mariadb1", "mariadb2", "garbd"]


def test_a_record_of_a_later_branch(place: Place) -> None:
    """Once a run has come to its end, the words that began the branch are words of the past."""
    ended = {**RECORDED, "ended": True}
    assert place.run(current=RECORDED)["branch"] == ended
    assert place.record.branch() == ended
    assert place.run(current=RECORDED)["changed"] is False
    assert place.run(current=ended)["changed"] is False


def test_marks_are_removed_only_where_the_data_were_given_up(place: Place) -> None:
    place.run()
    for mark in MARKS:
        place.record.write(mark, "")
    assert place.run()["changed"] is False
    assert [mark for mark in MARKS if place.record.has(mark)] == list(MARKS)
    assert place.run(blank=True, _ansible_check_mode=True)["changed"] is True
    assert place.run(blank=True)["changed"] is True
    assert [mark for mark in MARKS if place.record.has(mark)] == []
    assert place.run(blank=True)["changed"] is False


def test_a_datadir_through_a_link_and_one_that_is_a_volume(place: Place, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place.datadir)
    place.run(datadir=str(tmp_path / "link"))
    assert place.record.node()["resolved"] == str(place.datadir)
    place.run(datadir="a_volume")
    assert {"datadir": "a_volume", "resolved": "", "mountpoint": ""}.items() <= place.record.node().items()


def test_where_a_file_system_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) in ("/", str(tmp_path)))
    assert galera_branch.mount_point(str(tmp_path / "not/there/yet")) == str(tmp_path)
    assert galera_branch.mount_point(str(tmp_path)) == str(tmp_path)
    assert galera_branch.mount_point(str(tmp_path.parent)) == "/"


def test_a_host_without_the_docker_library(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    arguments = {
        "state": "begun",
        "node": "mariadb2",
        "datadir": str(tmp_path),
        "socket": "/none.sock",
        "record": str(tmp_path / "record"),
        "cluster": "shop",
        "member": "db2",
        "members": ["db2"],
        "reports": {"db2": {"state": "empty", "uuid": NULL_UUID}},
        "force": "db2@unknown",
    }
    with patch_module_args(arguments), pytest.raises(SystemExit):
        galera_branch.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"]
    assert "python3-docker" in result["msg"]
