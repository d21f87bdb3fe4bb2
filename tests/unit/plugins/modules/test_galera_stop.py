# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the node, and what is told; test__node tests whom it stops."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.modules import galera_stop

ARGUMENTS = {"node": "mariadb2", "datadir": "/containers/mariadb2/datadir", "socket": "/none.sock"}


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args({**ARGUMENTS, **arguments}), pytest.raises(SystemExit):
        galera_stop.main()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({}, ("mariadb2", "mariadb0", 600, False)),
        ({"timeout": 60, "bootstrap_container": "shop0"}, ("mariadb2", "shop0", 60, False)),
        ({"_ansible_check_mode": True}, ("mariadb2", "mariadb0", 600, True)),
    ],
)
def test_a_node_is_stopped(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    asked: tuple[Any, ...],
    stopped: bool,
) -> None:
    calls: list[tuple[Any, ...]] = []

    def stop(node: Node, timeout: float, predict: bool) -> bool:
        calls.append((node.name, node.bootstrap_container, timeout, predict))
        return stopped

    monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: None))
    monkeypatch.setattr(Node, "stop", stop)
    assert run(capsys, **arguments)["changed"] is stopped
    assert calls == [asked]


def test_a_node_that_may_be_primary(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_node: Node, _timeout: float, predict: bool) -> bool:
        raise GaleraError(f"mariadb2 runs and does not say how it is{', in advance' if predict else ''}.")

    monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: None))
    monkeypatch.setattr(Node, "stop", stop)
    result = run(capsys)
    assert result["failed"]
    assert result["msg"] == "mariadb2 runs and does not say how it is."


def test_a_host_without_the_docker_library(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    result = run(capsys)
    assert result["failed"]
    assert "python3-docker" in result["msg"]
