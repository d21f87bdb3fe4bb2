"""The repository: its secrets, what cannot be read, locks, damage."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from galera_backup import branches, children, manifest, repository

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
    listed = repository.Snapshots(
        {"id": f"s{number}", "paths": [f"/b{number}.json"], "tags": ["manifest"]} for number in (1, 2)
    )
    with pytest.raises(manifest.BackupError, match=r"b1.json cannot be read: .*verification failed"):
        place.manifests(listed)
    assert place.manifests(listed, lenient=True) == [made(2)]


def snapshot(number: int, *tags: str) -> dict[str, Any]:
    return {"id": f"s{number}", "paths": [f"/b{number}.json"], "tags": tags, "time": f"2026-11-0{number}T00:00:00Z"}


def answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int = 0, *listed: dict[str, Any]
) -> repository.Repository:
    """A repository of which restic tells always the same."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, code, json.dumps(listed), said)

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    return repository.Repository(config, "own")


def test_a_manifest_that_was_stored_need_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = answering(tmp_path, monkeypatch, "", 0, snapshot(1, "manifest"))
    assert not place.known()
    monkeypatch.setattr(place, "ask", lambda *_, **__: '{"message_type": "status"}\n{"snapshot_id": "s1"}\n')
    place.commit(made(1))
    assert place.known()
    monkeypatch.undo()
    place = answering(tmp_path, monkeypatch, "", 0, snapshot(1, "manifest"))
    assert place.manifests() == [made(1)]


@pytest.mark.parametrize(
    "said",
    [
        'Warning: Permanently added\nIgnoring "s2": invalid data returned\n',
        "could not load snapshots: List(snapshot) failed: ssh command exited",
    ],
)
def test_a_list_that_is_not_whole_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """restic's exit code is 0. What it does not tell would look as if it was not there."""
    place = answering(tmp_path, monkeypatch, said, 0, snapshot(1, "manifest"))
    (tmp_path / "manifests").mkdir()
    for number in (1, 2):
        (tmp_path / f"manifests/s{number}").write_text(made(number).to_json(), encoding="utf-8")
    for read in (place.snapshots, place.manifests, place.binlogs):
        with pytest.raises(
            manifest.BackupError, match=r"Not all of the repository /r could be read: (Ignoring \"s2\"|could not)"
        ):
            read()
    assert place.manifests(lenient=True) == [made(1)]
    # Only a whole list tells that one has gone.
    assert (tmp_path / "manifests/s2").exists()
    whole = answering(tmp_path, monkeypatch, "Warning: Permanently added", 0, snapshot(1, "manifest"))
    assert whole.manifests() == [made(1)]
    assert not (tmp_path / "manifests/s2").exists()


def test_a_stream_is_fetched_by_the_name_of_its_newest_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To find the latest one restic reads them all, and ends at the first that is damaged."""
    listed = [snapshot(1, "stream", "b1"), snapshot(3, "stream", "b1"), snapshot(2, "stream", "b1"), snapshot(4)]
    place = answering(tmp_path, monkeypatch, 'Ignoring "s5": invalid data returned', 0, *listed)
    asked: list[str] = []
    monkeypatch.setattr(place, "_child", lambda *arguments: asked.extend(map(str, arguments)))
    with tempfile.TemporaryFile() as log:
        place.fetch("b1", log)
        assert asked[-2:] == ["s3", "/b1.stream"]
        with pytest.raises(manifest.BackupError, match="Fetching b2 from /r failed: its stream is not among"):
            place.fetch("b2", log)


def test_what_cannot_be_removed_is_told_without_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = """unable to remove snapshot/a7f9 from the repository
failed to remove one or more snapshots
main.init
\tgithub.com/restic/restic/cmd/restic/cmd_forget.go:67
runtime.goexit
\truntime/asm_amd64.s:1771
"""
    with pytest.raises(manifest.BackupError, match=r"keeps what was to be removed: unable .* or more snapshots$"):
        answering(tmp_path, monkeypatch, said, 3).drop(["a7f9"])


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
    said = f"pack {packs[0]} contains 1 errors: [blob 0123: ciphertext verification failed]\n"
    said += f"pack {packs[1]}: unexpected file size: got 100, expected 200\npack {'c' * 64}: does not exist\n"
    results = [(1, said + "Fatal: repository contains errors\n")] * 2 + [(1, "Fatal: no space left"), (0, "")]

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, results[0][0], "", results.pop(0)[1])

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    place = repository.Repository(config, "own")
    named = f"damaged packs: {' '.join(packs)}; missing packs: {'c' * 64}$"
    with pytest.raises(manifest.BackupError, match=f"/r cannot be used: {named}"):
        place.check()
    place.check()
    assert not results


@pytest.mark.parametrize(
    ("command", "compresses"), [("backup", True), ("prune", True), ("dump", False), ("cat", False)]
)
def test_an_older_restic_reads_what_a_newer_one_compressed(tmp_path: Path, command: str, compresses: bool) -> None:
    config = {"repository": "/r", "directory": str(tmp_path), "restic_image": "restic", "compression": "fastest"}
    assert ("--compression" in repository.Repository(config, "own").command("own-restic", command)) == compresses


def test_a_branch_is_recorded_in_its_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older version of the program passes over, and what nothing forgets."""
    place = answering(tmp_path, monkeypatch, "")
    branch = branches.Branch("bbbbbbbb-0000-11f1-8000-000000000002", 864000, made(1).uuid, 998)
    asked: list[str] = []
    monkeypatch.setattr(place, "ask", lambda *arguments, **_: asked.extend(arguments))
    place.begin(branch)
    tags = [each.removeprefix("--tag=") for each in asked if each.startswith("--tag=")]
    listed = repository.Snapshots([{**snapshot(1), "tags": tags}, snapshot(2, "manifest", "b2")])
    assert place.branches(listed) == [branch]
    assert "galera" in asked
    assert (place.binlogs(listed), place.cut_short(listed), place.unfinished(listed)) == ([], [], [])


@pytest.mark.parametrize("owner", ["galera.mariadb2", f"{'c' * 28}.{'n' * 30}1"])
def test_writers_are_containers_of_other_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    other = owner[:-1] + "3"
    names = [(f"{owner}-store", owner), (f"{owner}-binlog-store", f"{owner}-binlog"), (f"{other}-restic", other)]
    hosts = [children.host_name(*name) for name in [*names, (f"{other}-store", other)]]
    locks = {f"l{number}": {"hostname": host, "time": "2026-11-01T00:00:00Z"} for number, host in enumerate(hosts)}

    def ask(*arguments: str) -> str:
        return " ".join(locks) if arguments[0] == "list" else json.dumps(locks[arguments[2]])

    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera"}
    place = repository.Repository(config, owner)
    monkeypatch.setattr(place, "ask", ask)
    now = repository.utc("2026-11-01T00:00:10Z")
    assert place.writers(now, 60) == hosts[-1:]
    assert place.writers(now + 60, 60) == []
