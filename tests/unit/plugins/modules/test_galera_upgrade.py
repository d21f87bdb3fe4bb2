# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._upgrade_node import Upgrade
from ansible_collections.dbops.galera.plugins.modules import galera_upgrade

ARGUMENTS = {
    "node": "mariadb2",
    "socket": "/containers/mariadb2/run/mysqld.sock",
    "datadir": "/containers/mariadb2/datadir",
    "image": "mariadb:11.8",
    "settings": "[mariadbd]\n",
    "config_dir": "/containers/mariadb2/conf.d",
    "in_force": "/containers/mariadb2/run/in-force.cnf",
    "record": "/containers/mariadb2/upgrade.json",
}


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: Any) -> dict[str, Any]:
    def read(upgrade: Upgrade, seconds: float, timeout: float) -> dict[str, Any]:
        if isinstance(outcome, GaleraError):
            raise outcome
        return {**outcome, "asked": [upgrade.node.name, upgrade.image, upgrade.provider, seconds, timeout]}

    monkeypatch.setattr(Engine, "connect", lambda: Engine(None))
    monkeypatch.setattr(Upgrade, "read", read)
    with patch_module_args(ARGUMENTS), pytest.raises(SystemExit):
        galera_upgrade.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_reading(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, {"current": False})
    assert result["changed"] is False
    assert result["reading"] == {
        "current": False,
        "asked": ["mariadb2", "mariadb:11.8", "/usr/lib/galera/libgalera_smm.so", 5.0, 60],
    }


def test_an_error_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, GaleraError("Docker could not inspect image mariadb:11.8."))
    assert result["failed"]
    assert result["msg"] == "Docker could not inspect image mariadb:11.8."
