# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as Docker 20.10 writes them, shortened."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _docker_files

ID = "1346a36c1a397ca46eb686b5ec97b90eb6cf379339e795c1650b500562808532"
TOLD = {
    "ID": ID,
    "Name": "/mariadb1",
    "Config": {"Image": "mariadb:10.11", "Labels": {"dbops.galera.cluster": "galera"}},
    "State": {"Running": True, "Pid": 0, "StartedAt": "2026-11-21T09:06:15.285513735Z"},
    "MountPoints": {
        "/var/lib/mysql": {"Source": "/data", "Destination": "/var/lib/mysql", "RW": True, "Type": "bind", "Name": ""},
        "/backup": {"Source": "", "Destination": "/backup", "RW": True, "Type": "volume", "Name": "kept"},
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, TOLD)
    return tmp_path


def write(root: Path, told: dict[str, Any]) -> None:
    directory = root / "containers" / told["ID"]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.v2.json").write_text(json.dumps(told), encoding="utf-8")


def test_a_container_is_told_as_by_an_inspection(root: Path) -> None:
    found = _docker_files.container(str(root), ID)
    assert found is not None
    assert found["Name"] == "/mariadb1"
    assert found["Config"]["Labels"] == {"dbops.galera.cluster": "galera"}
    assert [mount["Source"] for mount in found["Mounts"]] == ["/data", str(root / "volumes/kept/_data")]
    assert _docker_files.containers(str(root)) == [found]


def test_it_runs_while_its_process_lives(root: Path) -> None:
    write(root, {**TOLD, "State": {**TOLD["State"], "Pid": os.getpid()}})  # type: ignore[dict-item]
    assert [each["State"]["Running"] for each in _docker_files.containers(str(root))] == [True]
    write(root, TOLD)
    assert [each["State"]["Running"] for each in _docker_files.containers(str(root))] == [False]


def test_without_docker_there_are_none(tmp_path: Path) -> None:
    assert _docker_files.containers(str(tmp_path)) == []
    assert _docker_files.container(str(tmp_path), ID) is None


@pytest.mark.parametrize(
    ("settings", "root"),
    [
        (None, "/var/lib/docker"),
        ("{}", "/var/lib/docker"),
        ('{"data-root": "/srv/docker"}', "/srv/docker"),
        ("not JSON", "/var/lib/docker"),
    ],
)
def test_where_docker_keeps_its_data(tmp_path: Path, settings: str | None, root: str) -> None:
    path = tmp_path / "daemon.json"
    if settings is not None:
        path.write_text(settings, encoding="utf-8")
    assert _docker_files.data_root(str(path)) == root
