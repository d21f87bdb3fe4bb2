# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From arguments to an answer; what Docker Engine, or its files, tell of containers is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _docker_files
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.modules import galera_preflight

Labels = Mapping[str, Any]


def container(name: str, labels: Labels | None) -> dict[str, Any]:
    return {"ID": "a" * 64, "Name": f"/{name}", "Config": {"Labels": labels}, "State": {"Pid": 0}, "Mounts": []}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Containers by name; Docker Engine raises one that is an exception."""
    containers: dict[str, Any] = {}

    def inspect(name: str) -> Any:
        if isinstance(containers.get(name), Exception):
            raise containers[name]
        return containers.get(name)

    monkeypatch.setattr(galera_preflight, "inspector", lambda: inspect)
    monkeypatch.setattr("platform.node", lambda: "host1")
    return containers


def problems(capsys: pytest.CaptureFixture[str], **arguments: Any) -> list[str]:
    with patch_module_args({"path": "/", "cluster": "galera", **arguments}), pytest.raises(SystemExit):
        galera_preflight.main()
    told = json.loads(capsys.readouterr().out)
    assert not told["changed"]
    return list(told["problems"])


def test_a_container_of_another_cluster_is_a_problem(capsys: pytest.CaptureFixture[str], host: dict[str, Any]) -> None:
    parts = {"proxysql_container": "proxysql", "keepalived_container": "keepalived"}
    host["proxysql"] = container("proxysql", {"dbops.galera.cluster": "shop"})
    host["keepalived"] = container("keepalived", {"dbops.galera.cluster": "galera"})
    assert problems(capsys, parts=parts) == [
        (
            "host1: container proxysql belongs to the cluster shop, and proxysql_container names it for galera. Set "
            "another proxysql_container for galera, and another proxysql_port and proxysql_admin_port. If this is the "
            "cluster shop, set galera_cluster_name back instead."
        )
    ]
    assert problems(capsys, parts=parts, cluster="") == []
    assert problems(capsys, parts={"proxysql_container": "router"}) == []


@pytest.mark.parametrize("found", [None, {}, {"dbops.galera": "x"}, GaleraError("Docker could not inspect it.")])
def test_what_has_no_label_or_cannot_be_read_is_no_problem(
    capsys: pytest.CaptureFixture[str], host: dict[str, Any], found: Any
) -> None:
    host["proxysql"] = found if isinstance(found, Exception) else container("proxysql", found)
    assert problems(capsys, parts={"proxysql_container": "proxysql"}) == []


def test_before_docker_engine_is_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An Engine that does not run, or without its library, has files of its containers all the same."""
    monkeypatch.setattr(galera_preflight, "inspector", lambda: None)
    monkeypatch.setattr(_docker_files, "data_root", lambda: str(tmp_path))
    parts = {"arbitrator_container": "garbd"}
    assert problems(capsys, parts=parts) == []
    file = tmp_path / "containers" / ("a" * 64) / "config.v2.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(container("garbd", {"dbops.galera.cluster": "shop"})), encoding="utf-8")
    (said,) = problems(capsys, parts=parts)
    assert "container garbd belongs to the cluster shop, and arbitrator_container names it for galera." in said
    file.write_text("{", encoding="utf-8")
    assert problems(capsys, parts=parts) == []
