# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From arguments to an answer; what the host has is given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _docker_host
from ansible_collections.dbops.galera.plugins.module_utils._model.engine import Found, Told
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container
from ansible_collections.dbops.galera.plugins.modules import docker_preflight

NODE = Container("mariadb1", "galera", running=True, datadir="/data")
FOUND = Found(
    text='{"debug": true}',
    stale=True,
    packages={"docker-ce": "5:27.5.1"},
    told=Told("/srv/link", live_restore=True),
    containers=(NODE,),
    held=1,
)


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args({"family": "Debian", **arguments}), pytest.raises(SystemExit):
        docker_preflight.main()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_host_is_judged(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(_docker_host, "engine", lambda *arguments: calls.append(arguments) or FOUND)
    monkeypatch.setattr(_docker_host, "look", lambda *arguments: iter([str(len(arguments))]))
    monkeypatch.setattr(_docker_host, "mode", lambda: "0640")
    monkeypatch.setattr("os.path.realpath", lambda path: str(path).replace("/data", "/srv/link"))
    config = {"data-root": "/data", "debug": None, "dns": ["192.0.2.1"]}
    told = run(
        capsys,
        source="docker",
        packages=["python3-docker"],
        daemon_config=config,
        log_max_size="20m",
        log_max_files=5,
        _ansible_check_mode=True,
    )
    assert calls == [("Debian", ["python3-docker"])]
    assert (told["changed"], told["problems"], told["daemon_stale"], told["daemon_mode"]) == (False, [], True, "0640")
    assert json.loads(told["daemon_json"]) == {
        "data-root": "/data",
        "dns": ["192.0.2.1"],
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {"max-size": "20m", "max-file": "5"},
    }
    assert [warning.split(" that ")[0] for warning in told["warnings_of_settings"]] == [
        "/etc/docker/daemon.json has values of debug"
    ]
    assert told["lines"] == ["4"]
    problems = run(capsys, source="docker", version="28", daemon_config={"debug": None})["problems"]
    assert [problem.split(", ")[0] for problem in problems] == [
        "data-root would change from /srv/link to /var/lib/docker",
        "docker-ce is 5:27.5.1",
    ]
    assert run(capsys, source="docker", version="28", installs=False, daemon_config=config)["problems"] == []


def test_what_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> Found:
        raise PermissionError(13, "Permission denied", "/etc/docker/daemon.json")

    monkeypatch.setattr(_docker_host, "engine", refuse)
    told = run(capsys)
    assert (told["failed"], told["msg"]) == (True, "[Errno 13] Permission denied: '/etc/docker/daemon.json'")
