"""A repository in an object store, which moto plays on the controller."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Lab, recap, wait_until
from .test_backup import backups, program, settled


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as server:
        return int(server.getsockname()[1])


def answers(address: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


@pytest.fixture
def store(lab: Lab, tmp_path: Path) -> Iterator[list[str]]:
    """Arguments of a playbook that keep the repository there. Bound to the lab's own network, credentials made up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        towards.connect((next(iter(lab.addresses.values())), 9))
        address = towards.getsockname()[0]
    port = free_port(address)
    command = [sys.executable, "-m", "moto.server", "--host", address, "--port", str(port)]
    variables = {
        "backup_repository": f"s3:http://{address}:{port}/galera",
        "backup_environment": {
            "AWS_ACCESS_KEY_ID": secrets.token_hex(10),
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    }
    file = tmp_path / "store.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(variables))
    with (tmp_path / "moto.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_until(lambda: answers(address, port), 30, "moto answers")
            yield ["-e", f"@{file}"]
        finally:
            server.terminate()
            run = lab.play("site")
    assert run.returncode == 0, run.stdout


def test_backups_in_an_object_store(lab: Lab, store: list[str]) -> None:
    for kind in ("full", "incremental"):
        run = lab.play("backup", "-e", f"backup_kind={kind}", *store)
        assert run.returncode == 0, run.stdout
    full, more = backups(lab)
    assert (full["base"], more["base"], more["from_lsn"]) == ("", full["id"], full["to_lsn"])
    assert settled(lab)
    plan = lab.play("restore", *store)
    assert plan.returncode == 0, plan.stdout
    assert f"{full['id']}, then {more['id']}" in plan.stdout
    assert all(counts["failed"] == 0 for counts in recap(plan.stdout).values())
    host, node = next(iter(lab.nodes.items()))
    target = f"/containers/{node}/fetched"
    try:
        assert f"holds {more['id']}" in program(lab, host, "restore", "--target", target)
        assert "ibdata1" in lab.quick(host, f"ls {target}/datadir")
    finally:
        lab.quick(host, f"rm -rf {target} {target}.lock")
