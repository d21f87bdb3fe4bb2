# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._trial import Trial, Tried
from ansible_collections.dbops.galera.plugins.modules import galera_trial

GOOD = Tried(version="10.11.19", provider=True, provider_version="26.4.27(r1)")
OLD = Tried(version="10.11.10", provider=True, provider_version="26.4.27(r1)")


class World:
    """A host, and what was done on it."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.capsys = place, capsys
        self.images: dict[str, str] = {"mariadb:10.11": "sha256:1"}
        self.tried = GOOD
        self.did: list[str] = []
        self.warned: list[str] = []
        (place / "datadir").mkdir()
        monkeypatch.setattr(AnsibleModule, "warn", lambda _self, text: self.warned.append(text))
        monkeypatch.setattr(Engine, "connect", lambda: Engine(None))
        monkeypatch.setattr(Engine, "image_id", lambda _self, name: self.images.get(name))
        monkeypatch.setattr(Engine, "pull", lambda _self, name: self.did.append(f"pull {name}"))
        monkeypatch.setattr(Engine, "inspect", lambda _self, _name: None)
        monkeypatch.setattr(Engine, "mountpoint", lambda _self, datadir: datadir)
        monkeypatch.setattr(Trial, "run", lambda _self, _timeout: self.run())

    def run(self) -> Tried:
        self.did.append("try")
        return self.tried

    def module(self, **changed: Any) -> dict[str, Any]:
        arguments = {
            "node": "mariadb1",
            "socket": str(self.place / "mysqld.sock"),
            "image": "mariadb:10.11",
            "provider": "/usr/lib/galera/libgalera_smm.so",
            "settings": "[mariadbd]\nback_log = 7\n",
            "config_dir": str(self.place),
            "record": str(self.place / "in-force.cnf"),
            "datadir": str(self.place / "datadir"),
            "uid": os.getuid(),
            **changed,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            galera_trial.main()
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return result


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    return World(tmp_path, monkeypatch, capsys)


def test_new_settings_are_tried(world: World) -> None:
    result = world.module()
    assert (result["changed"], result["tried"], result["version"]) == (False, True, "10.11.19")
    assert world.did == ["try"]


def test_settings_that_the_host_has_are_not(world: World) -> None:
    (world.place / "galera.cnf").write_text("[mariadbd]\nback_log = 7\n")
    assert not world.module()["tried"]
    assert world.did == []


def test_a_directory_that_went_missing_is_told_all_the_same(world: World) -> None:
    (world.place / "galera.cnf").write_text("[mariadbd]\nback_log = 7\n")
    result = world.module(volumes=["/no/such/place:/var/lib/redo"])
    assert "does not exist on this host" in result["msg"]


def test_an_image_that_is_missing_is_pulled(world: World) -> None:
    world.images = {}
    assert world.module()["tried"]
    assert world.did == ["pull mariadb:10.11", "try"]


def test_check_mode_pulls_nothing(world: World) -> None:
    world.images = {}
    assert not world.module(_ansible_check_mode=True)["tried"]
    assert world.did == []


def test_what_the_server_says_fails(world: World) -> None:
    world.tried = Tried(version="10.11.19", provider=True, errors=["WSREP: Unrecognized parameter 'gcache.sise'"])
    result = world.module()
    assert result["failed"]
    assert "Unrecognized parameter 'gcache.sise'" in result["msg"]


def test_what_the_server_warns_of_is_a_warning(world: World) -> None:
    world.tried = Tried(version="10.11.19", provider=True, provider_version="26.4.27(r1)", warnings=["x is deprecated"])
    assert world.module()["tried"]
    assert world.warned == ["mariadb1: the server of mariadb:10.11 says of the settings: x is deprecated."]


def test_a_version_below_a_floor_is_for_no_new_node(world: World) -> None:
    world.tried = OLD
    result = world.module()
    assert result["failed"]
    assert "10.11.18" in result["msg"]
    assert world.module(allow_version="10.11.10")["tried"]
    world.warned.clear()
    assert world.module(has_data=True)["tried"]
    assert world.warned == []


def test_a_bad_row_of_floors_is_told_once(world: World) -> None:
    result = world.module(floors=[{"name": "x"}])
    assert result["msg"].count("mariadb_floors") == 1
