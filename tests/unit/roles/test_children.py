"""Pipes between two programs, and either one that breaks off."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from galera_backup import children, manifest


@pytest.fixture(params=["process", "fifo"])
def run_pipe(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], children.Copied]:
    """Two shell scripts in the places of containers, the one's output being the other's input."""

    def child(name: str, script: str, log: Any, direction: str) -> children.Child:
        if request.param == "process":
            pipes = {"stdin" if direction == "<" else "stdout": subprocess.PIPE}
            return children.Child(["sh", "-c", script], "no-such-container", log, **pipes)
        fifo = children.make_fifo({"directory": tmp_path}, name)
        return children.Child(["sh", "-c", f"({script}) {direction}{fifo}"], "no-such-container", log, fifo)

    def run(source: str, target: str) -> children.Copied:
        with (
            tempfile.TemporaryFile() as one,
            tempfile.TemporaryFile() as two,
            child("target", target, two, "<") as into,
            child("source", source, one, ">") as out,
        ):
            return children.pipe(out, into, ("mariadb-backup", "restic"))

    return run


Pipe = Callable[[str, str], children.Copied]


def test_a_pipe_copies_everything(run_pipe: Pipe, tmp_path: Path) -> None:
    data = bytes(range(256)) * 20000
    (tmp_path / "in").write_bytes(data)
    copied = run_pipe(f"cat {tmp_path}/in", f"cat >{tmp_path}/out")
    assert (tmp_path / "out").read_bytes() == data
    assert (copied.size, copied.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_source_that_breaks_off_is_told_with_its_reason(run_pipe: Pipe, tmp_path: Path) -> None:
    end = tmp_path / "end"
    with pytest.raises(manifest.BackupError, match="mariadb-backup failed: no space"):
        run_pipe("echo half; echo no space >&2; exit 1", f"sleep 60; touch {end}")
    assert not end.exists()


def test_a_target_that_fails_is_told_with_its_reason(run_pipe: Pipe) -> None:
    with pytest.raises(manifest.BackupError, match="restic failed: repository is full"):
        run_pipe("cat /dev/zero", "head -c 3000000 >/dev/null; echo repository is full >&2; exit 1")


def test_a_target_that_fails_at_its_end_is_told(run_pipe: Pipe) -> None:
    with pytest.raises(manifest.BackupError, match="restic failed: wrong"):
        run_pipe("echo all", "cat >/dev/null; echo wrong >&2; exit 3")


LONG = f"{'c' * 28}.{'n' * 30}1-binlog"


def test_a_containers_host_name_is_its_name() -> None:
    assert (
        children.host_name("galera.mariadb2-binlog-store", "galera.mariadb2-binlog") == "galera.mariadb2-binlog-store"
    )
    owner = "o" * 58
    assert children.host_name(f"{owner}-store", owner) == f"{owner}-store"


@pytest.mark.parametrize("purpose", ["store", "restic", "version"])
def test_a_host_name_is_never_too_long(purpose: str) -> None:
    """With the longest names of cluster and node: Linux refuses 65 characters, and the container would not start."""
    name = children.host_name(f"{LONG}-{purpose}", LONG)
    assert len(name) == children.HOST_NAME_LENGTH
    assert name.startswith("c" * 28)
    assert name.endswith(f"-{purpose}")
    other = LONG.replace("1-binlog", "2-binlog")
    assert children.host_name(f"{other}-{purpose}", other) != name
    command = children.run_arguments(f"{LONG}-{purpose}", LONG, "restic:1", "sh")
    assert {f"--name={LONG}-{purpose}", f"--hostname={name}"} < set(command)
