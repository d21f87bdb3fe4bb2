# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real socket answers as Docker Engine does, programs are scripts, and directories are real."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _docker_files, _docker_host
from ansible_collections.dbops.galera.plugins.module_utils._model.engine import Found, Told
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container

MOUNT = {"Type": "bind", "Source": "/data", "Destination": "/var/lib/mysql", "RW": True}
CONTAINERS = [
    {"Names": ["/mariadb1"], "Labels": {"dbops.galera.cluster": "galera"}, "State": "running", "Mounts": [MOUNT]},
    {"Names": ["/mariadb0"], "Labels": {"dbops.galera": "bootstrap"}, "State": "exited", "Mounts": [MOUNT]},
    {"Names": ["/copy"], "Labels": None, "State": "paused", "Mounts": [{**MOUNT, "RW": False}]},
    {"Names": None, "Labels": {}, "State": "removing", "Mounts": None},
]
VOLUME = {"Type": "volume", "Name": "db", "Source": "", "Destination": "/var/lib/mysql", "RW": True}
PROGRAMS = {
    "dpkg-query": (
        "printf 'installed\\tdocker.io\\t20.10.24\\nconfig-files\\tdocker-ce\\t5:27\\n'; echo none >&2; exit 1"
    ),
    "rpm": "printf 'installed\\tdocker-ce\\t27.5.1\\n'; echo 'package docker is not installed'; exit 1",
    "apt-mark": "echo docker.io",
    "sysctl": "echo $LC_ALL 4096",
    "timedatectl": "echo yes",
}


class Answers(http.server.BaseHTTPRequestHandler):
    """Paths with what is answered; a path that is not there is answered with 500."""

    paths: dict[str, Any] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        body = json.dumps(self.paths.get(self.path, "")).encode()
        self.send_response(200 if self.path in self.paths else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""

    def address_string(self) -> str:
        return ""


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[dict[str, Any]]:
    Answers.paths = {
        "/info": {"DockerRootDir": str(tmp_path / "docker"), "LiveRestoreEnabled": True},
        "/containers/json?all=1": CONTAINERS,
    }
    with socketserver.UnixStreamServer(str(tmp_path / "docker.sock"), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Answers.paths
        server.shutdown()


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without Docker Engine, and with programs that are asked."""
    for name, script in PROGRAMS.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    root = str(tmp_path / "docker")
    monkeypatch.setattr(_docker_host, "_PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(_docker_host, "SOCKET", str(tmp_path / "docker.sock"))
    monkeypatch.setattr(_docker_host, "SNAPS", (str(tmp_path / "snap"),))
    monkeypatch.setattr(_docker_files, "PID_FILE", str(tmp_path / "docker.pid"))
    monkeypatch.setattr(_docker_files, "data_root", lambda: root)
    monkeypatch.setattr(_docker_files, "flags", lambda: {"host": "fd://"})
    monkeypatch.setattr(_docker_files, "command_line", list)
    return tmp_path


def engine(host: Path, family: str = "Debian") -> Found:
    return _docker_host.engine(family, ["python3-docker"], str(host / "daemon.json"))


def test_a_new_host(host: Path) -> None:
    found = engine(host, "Suse")
    assert found == Found(why=f"{host}/docker.sock: [Errno 2] No such file or directory", flags={"host": "fd://"})
    assert _docker_host.mode(str(host / "daemon.json")) == "0644"


def test_an_engine_is_asked(host: Path, answers: dict[str, Any]) -> None:
    assert answers
    (host / "docker/containers/x").mkdir(parents=True)
    (host / "docker.pid").touch()
    os.utime(host / "docker.pid", (1, 1))
    (host / "daemon.json").write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n')
    (host / "daemon.json").chmod(0o640)
    (host / "bin/dockerd").symlink_to("rpm")
    (host / "snap").mkdir()
    found = engine(host)
    assert found == Found(
        text='\ufeff{"a": 1}\r\n',
        stale=True,
        packages={"docker.io": "20.10.24"},
        program=str(host / "bin/dockerd"),
        snap=str(host / "snap"),
        told=Told(str(host / "docker"), live_restore=True),
        flags={"host": "fd://"},
        containers=(
            Container("mariadb1", "galera", running=True, datadir="/data"),
            Container("mariadb0", part="bootstrap", datadir="/data"),
            Container("copy", running=True),
        ),
        held=1,
    )
    assert _docker_host.mode(str(host / "daemon.json")) == "0640"


def test_packages_of_the_red_hat_family(host: Path) -> None:
    assert engine(host, "RedHat").packages == {"docker-ce": "27.5.1"}


def test_without_the_engine_its_files_are_read(host: Path) -> None:
    told = {
        "Name": "/mariadb1",
        "Config": {"Labels": {"dbops.galera.cluster": "galera"}},
        "State": {"Pid": os.getpid()},
        "MountPoints": {"/var/lib/mysql": VOLUME},
    }
    path = host / "docker/containers/x/config.v2.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(told), encoding="utf-8")
    found = engine(host)
    assert found.containers == (Container("mariadb1", "galera", running=True, datadir="db"),)
    assert (found.told, found.held) == (None, 1)
    path.write_text("{", encoding="utf-8")
    found = engine(host)
    assert (found.containers, found.held) == (None, None)
    assert found.why.startswith(f"{host}/docker.sock: ")


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/containers/json?all=1", None, "/containers/json?all=1 is answered with 500 Internal Server Error"),
        ("/info", None, "/info is answered with 500 Internal Server Error"),
        ("/info", {"message": "page not found"}, "what answers names no data directory"),
    ],
)
def test_an_engine_that_does_not_answer_is_unknown(
    host: Path, answers: dict[str, Any], path: str, answer: Any, why: str
) -> None:
    answers.pop(path)
    if answer:
        answers[path] = answer
    found = engine(host)
    assert found.why == f"{host}/docker.sock: {why}"
    assert (found.told is None) == (path == "/info")
    assert (found.containers is None) == (path != "/info")


def test_what_the_role_compares(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_docker_host, "_listed", lambda _directory: ["x_Packages.lz4"])
    monkeypatch.setattr(_docker_host, "SETTINGS", str(host / "daemon.json"))
    packages = {"docker.io": "20.10.24"}
    assert list(_docker_host.look("Debian", packages, ["rpm", "flock"], ["net.core.somaxconn"])) == [
        "docker.io installed",
        "docker.io 20.10.24",
        "held docker.io",
        "package lists",
        "command rpm",
        f"directory {host}",
        "net.core.somaxconn=C 4096",
        "clock yes",
    ]
    (host / "bin/timedatectl").unlink()
    monkeypatch.setattr(_docker_host, "SETTINGS", str(host / "none/daemon.json"))
    assert list(_docker_host.look("RedHat", {}, [], [])) == ["clock "]


def test_an_empty_directory_of_lists(host: Path) -> None:
    assert _docker_host._listed(str(host / "none")) == []
    assert "docker.sock" not in _docker_host._listed(str(host))
