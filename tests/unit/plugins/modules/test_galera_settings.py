# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._in_force import InForce, Outcome
from ansible_collections.dbops.galera.plugins.module_utils._settings import Change, Plan
from ansible_collections.dbops.galera.plugins.modules import galera_settings

SETTINGS = "[mariadbd]\nmax_connections = 200\n"
CHANGES = [Change("", "max_connections", "100", "200"), Change("", "wsrep_sst_auth", None, "sst:hidden")]


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: Outcome | GaleraError, check: bool
) -> dict[str, Any]:
    def bring(node: InForce, settings: str, predict: bool) -> Outcome:
        assert (node.node, node.record, settings, predict) == ("mariadb2", "/run/in-force.cnf", SETTINGS, check)
        if isinstance(outcome, GaleraError):
            raise outcome
        return outcome

    monkeypatch.setattr(InForce, "bring", bring)
    arguments = {"node": "mariadb2", "socket": "/none.sock", "record": "/run/in-force.cnf", "settings": SETTINGS}
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        galera_settings.main()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("check", [False, True])
def test_what_was_set_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], check: bool) -> None:
    plan = Plan(CHANGES, [("max_connections", 200), ("wsrep_sst_auth", "sst:hidden")])
    result = run(monkeypatch, capsys, Outcome(True, plan), check)
    assert (result["changed"], result["restart_required"]) == (True, False)
    assert result["reason"] == "mariadb2: set without a restart: max_connections, wsrep_sst_auth."
    assert result["diff"] == {
        "before": "[mariadbd] max_connections = 100\n",
        "after": "[mariadbd] max_connections = 200\n[mariadbd] wsrep_sst_auth = ***\n",
    }
    assert "hidden" not in json.dumps(result["changes"])


def test_a_restart_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, Outcome(True, Plan(CHANGES), {"back_log": "is read-only"}), False)
    assert (result["changed"], result["restart_required"]) == (False, True)
    assert result["restart"] == {"back_log": "is read-only"}


def test_an_error_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, GaleraError("mariadb2: the connection was lost."), False)
    assert result["failed"]
    assert result["msg"] == "mariadb2: the connection was lost."
