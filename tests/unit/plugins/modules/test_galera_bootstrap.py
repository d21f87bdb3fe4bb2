# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts, which need neither Docker nor a server; the Molecule scenarios test what the elected node does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.modules import galera_bootstrap

UUID = "f5a84299-e532-11f1-b3aa-dbb87aa99b48"
EMPTY = {"state": "empty"}
STOPPED = {"state": "stopped", "uuid": UUID, "seqno": 2, "source": "grastate"}
LIVE = {"state": "running", "uuid": UUID, "seqno": 2, "cluster_status": "Primary", "cluster_size": 1}
ARGUMENTS = {
    "node": "mariadb2",
    "member": "db2",
    "members": ["db1", "db2"],
    "datadir": "/containers/mariadb2/datadir",
    "socket": "/containers/mariadb2/run/mysqld.sock",
}


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args({**ARGUMENTS, **arguments}), pytest.raises(SystemExit):
        galera_bootstrap.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_refusal_fails_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, reports={"db1": STOPPED, "db2": EMPTY})
    assert result["failed"]
    assert result["msg"] == result["verdict"]["reason"]
    assert "run the recover playbook" in result["msg"]
    assert result["verdict"]["action"] == "refuse"
    assert set(result["reasons"]) == {"db1", "db2"}
    assert result["elected"] is False


@pytest.mark.parametrize(
    ("reports", "action", "node"),
    [({"db1": EMPTY, "db2": EMPTY}, "bootstrap", "db1"), ({"db1": LIVE, "db2": EMPTY}, "join", "db1")],
)
def test_who_is_not_elected_does_nothing(
    capsys: pytest.CaptureFixture[str], reports: dict[str, Any], action: str, node: str
) -> None:
    result = run(capsys, reports=reports)
    assert not result.get("failed")
    assert (result["changed"], result["elected"]) == (False, False)
    assert (result["verdict"]["action"], result["verdict"]["node"]) == (action, node)


def test_an_elected_node_without_docker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    result = run(capsys, reports={"db1": EMPTY, "db2": STOPPED}, purpose="recover", force="db2")
    assert result["failed"]
    assert result["elected"] is True
    assert "python3-docker" in result["msg"]
    assert (
        "It was decided against these objections: db1 is empty beside members with data" in result["verdict"]["reason"]
    )
