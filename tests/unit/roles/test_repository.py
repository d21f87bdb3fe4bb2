"""The repository: its secrets, what cannot be read, locks, damage."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from galera_backup import manifest, repository

from .test_manifest import made

ROLE = Path(__file__).resolve().parents[3] / "roles/backup"


def test_what_is_in_the_environment_is_not_for_the_shell() -> None:
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
    # Ansible takes a backslash in a template as it is: the newline is YAML's.
    assert "\n" in variables["__backup_secrets"]["environment"]
    rules = jinja2.Environment()
    rules.filters |= {"zip": zip, "quote": shlex.quote}
    given = {"AZURE_ACCOUNT_SAS": "sv=1&sig=a b", "PORT": 22, "AWS_SECRET": "it's $HOME"}
    text = rules.from_string(variables["__backup_secrets"]["environment"]).render(backup_environment=given)
    shown = 'set -a; eval "$1"; printf "%s|%s|%s" "$AZURE_ACCOUNT_SAS" "$PORT" "$AWS_SECRET"'
    done = subprocess.run(["sh", "-c", shown, "sh", text], capture_output=True, text=True, check=True)
    assert done.stdout == "sv=1&sig=a b|22|it's $HOME"


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*arguments: str) -> str:
        if arguments[-2] == "s1":
            raise manifest.BackupError("The repository cannot be used: ciphertext verification failed")
        return made(2).to_json()

    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera"}
    place = repository.Repository(config, "own")
    monkeypatch.setattr(place, "ask", ask)
    listed = [{"id": f"s{number}", "paths": [f"/b{number}.json"], "tags": ["manifest"]} for number in (1, 2)]
    with pytest.raises(manifest.BackupError, match=r"b1.json cannot be read: .*verification failed"):
        place.manifests(listed)
    assert place.manifests(listed, lenient=True) == [made(2)]


def test_a_lock_that_a_dead_host_left_is_removed_by_who_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-2] if command[-1] == "--quiet" else command[-1])
        return subprocess.CompletedProcess(command, 11 if asked[-1] == "snapshots" else 0, "", "repo already locked")

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    with pytest.raises(repository.LockedError, match=r"/r is locked by another process: repo already locked"):
        repository.Repository(config, "own").ask("snapshots")
    assert asked == ["snapshots", "unlock"]


def test_a_verification_names_the_packs_that_are_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs = ["a" * 64, "b" * 64]
    said = "".join(f"pack {pack} contains 1 errors: [blob 0123: ciphertext verification failed]\n" for pack in packs)
    results = [(1, said + "Fatal: repository contains errors\n")] * 2 + [(1, "Fatal: no space left"), (0, "")]

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, results[0][0], "", results.pop(0)[1])

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    place = repository.Repository(config, "own")
    with pytest.raises(manifest.BackupError, match=f"/r cannot be used: damaged packs: {' '.join(packs)}$"):
        place.check()
    place.check()
    assert not results
