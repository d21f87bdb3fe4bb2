# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as Docker 20.10 writes them, shortened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    assert _docker_files.named(str(root), "mariadb1") == found
    assert _docker_files.named(str(root), "mariadb") is None


def test_it_runs_while_its_process_lives(root: Path) -> None:
    write(root, {**TOLD, "State": {**TOLD["State"], "Pid": os.getpid()}})  # type: ignore[dict-item]
    assert [each["State"]["Running"] for each in _docker_files.containers(str(root))] == [True]
    write(root, TOLD)
    assert [each["State"]["Running"] for each in _docker_files.containers(str(root))] == [False]


def test_without_docker_there_are_none(tmp_path: Path) -> None:
    assert _docker_files.containers(str(tmp_path)) == []
    assert _docker_files.container(str(tmp_path), ID) is None


def test_containers_of_remapped_users_are_found(root: Path) -> None:
    (root / "231072.231072").mkdir()
    other = {**TOLD, "ID": "b" * 64, "Name": "/mariadb2"}
    write(root / "231072.231072", other)
    assert [each["Name"] for each in _docker_files.containers(str(root))] == ["/mariadb2", "/mariadb1"]
    found = _docker_files.container(str(root), "b" * 64)
    assert found is not None
    assert found["Name"] == "/mariadb2"


def test_containers_and_volumes_are_counted(root: Path) -> None:
    (root / "volumes/kept/_data").mkdir(parents=True)
    (root / "volumes/metadata.db").touch()
    assert _docker_files.held(str(root)) == 2
    assert _docker_files.held(str(root / "nowhere")) == 0


@pytest.mark.parametrize(
    ("settings", "unit", "root"),
    [
        (None, "", "/var/lib/docker"),
        ("{}", "", "/var/lib/docker"),
        ('{"data-root": "/srv/docker"}', "", "/srv/docker"),
        ("not JSON", "", "/var/lib/docker"),
        ("[]", "", "/var/lib/docker"),
        ("{}", "ExecStart=/usr/sbin/dockerd -H fd:// --data-root /srv/flag\n", "/srv/flag"),
    ],
)
def test_where_docker_keeps_its_data(tmp_path: Path, settings: str | None, unit: str, root: str) -> None:
    path, service = tmp_path / "daemon.json", tmp_path / "docker.service"
    if settings is not None:
        path.write_text(settings, encoding="utf-8")
    service.write_text(unit, encoding="utf-8")
    assert _docker_files.data_root(str(path), str(tmp_path / "none"), [str(service)]) == root


def test_another_file_of_settings_is_read(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"data-root": "/srv/docker"}', encoding="utf-8")
    unit = tmp_path / "docker.service"
    unit.write_text(f"ExecStart=/usr/bin/dockerd --config-file={other}\n", encoding="utf-8")
    assert _docker_files.data_root(str(tmp_path / "daemon.json"), str(tmp_path / "none"), [str(unit)]) == "/srv/docker"


@pytest.mark.parametrize(
    ("files", "flags"),
    [
        ({}, {}),
        (
            {"docker.service": "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// \\\n  --debug $DOCKER_OPTS\n"},
            {"host": "fd://", "debug": "$DOCKER_OPTS"},
        ),
        (
            {
                "docker.service": "ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n",
                "docker.service.d/one.conf": "[Service]\nEnvironment=X=y\n",
                "default": '# DOCKER_OPTS=--bip=x\nDOCKER_OPTS="--data-root=/srv --icc=false"\n',
            },
            {"host": "fd://", "data-root": "/srv", "icc": "false"},
        ),
        # Docker's own unit does not read that file.
        ({"docker.service": "ExecStart=/usr/bin/dockerd -H fd://\n", "default": "DOCKER_OPTS=-D\n"}, {"host": "fd://"}),
        (
            {
                "docker.service": "ExecStart=/usr/bin/dockerd -H fd://\n",
                "docker.service.d/one.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --tls\n",
            },
            {"tls": ""},
        ),
        ({"docker.service": "ExecStart=/usr/bin/dockerd --label 'x\n"}, {}),
    ],
)
def test_flags_of_an_engine_that_does_not_run(tmp_path: Path, files: dict[str, str], flags: dict[str, str]) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    units = [str(tmp_path / name) for name in ("docker.service", "docker.service.d/*.conf", "default")]
    assert _docker_files.flags(str(tmp_path / "none"), units) == flags


def test_flags_of_an_engine_that_runs(tmp_path: Path) -> None:
    """Its own command line counts, and one of another program that has its number by now does not."""
    pid_file, unit = tmp_path / "docker.pid", tmp_path / "docker.service"
    unit.write_text("ExecStart=/usr/bin/dockerd --tls\n", encoding="utf-8")
    command = ["dockerd", "-c", "import sys; print(flush=True); sys.stdin.read()", "--data-root", "/srv"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, executable=sys.executable, stdin=pipe, stdout=pipe) as process:
        # Its command line is not there at once.
        assert process.stdout is not None
        process.stdout.readline()
        pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        assert _docker_files.flags(str(pid_file), [str(unit)]) == {"data-root": "/srv"}
        process.communicate()
    pid_file.write_text(str(os.getpid()), encoding="ascii")
    assert _docker_files.command_line(str(pid_file)) == []
    assert _docker_files.flags(str(pid_file), [str(unit)]) == {"tls": ""}
