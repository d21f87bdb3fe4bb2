"""The program as its units run it: one at a time, its records, its configuration."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from galera_backup import __main__ as program
from galera_backup import binlog, branches, manifest, repository

from .test_binlog import gtid, log, query, segment
from .test_manifest import DAY, UUID, made


def settings(directory: Path) -> dict[str, Any]:
    return {"directory": str(directory), "textfile_directory": str(directory), "cluster": "galera", "node": "mariadb2"}


def test_what_streams_begins_again_when_its_configuration_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / name for name in ("config.json", "version")}
    for file in files.values():
        file.write_text("1", encoding="utf-8")
    monkeypatch.setattr(program, "__file__", str(tmp_path / "__main__.py"))
    monkeypatch.setattr(program, "_HEED", 0.01)
    stop = threading.Event()
    heeding = threading.Thread(target=program.heed, args=[files["config.json"], stop], daemon=True)
    heeding.start()
    assert not stop.wait(0.1)
    files["version"].unlink()
    assert not stop.wait(0.1)
    files["version"].write_text("2", encoding="utf-8")
    assert stop.wait(10)
    heeding.join(10)


def test_a_backup_that_runs_is_not_cleaned_up_after_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[str] = []

    class Settled:
        def __init__(self, *_: object) -> None:
            """Nothing to connect to."""

        def settle(self) -> list[str]:
            settled.append("yes")
            return []

    monkeypatch.setattr(program, "Node", Settled)
    config = settings(tmp_path)
    program.record(config, program._RUNNING)
    with program.alone(config) as free:
        assert free
        program.settle(config, "galera.mariadb2", program.argparse.Namespace())
        assert not settled
        assert not (tmp_path / "galera-backup-mariadb2.prom").exists()
    program.settle(config, "galera.mariadb2", program.argparse.Namespace())
    assert settled
    assert "killed" in program.last(config)["error"]
    assert 'backup_failed{cluster="galera",node="mariadb2"} 1' in (tmp_path / "galera-backup-mariadb2.prom").read_text()


def test_a_failure_keeps_the_time_of_the_last_success(tmp_path: Path) -> None:
    config = settings(tmp_path)
    program.record(config, "", made(1), cleared=False)
    assert 'clear_failed{cluster="galera",node="mariadb2"} 1' in (tmp_path / "galera-backup-mariadb2.prom").read_text()
    program.record(config, "no space")
    # Nothing was cleared since.
    assert 'clear_failed{cluster="galera",node="mariadb2"} 1' in (tmp_path / "galera-backup-mariadb2.prom").read_text()
    told = (tmp_path / "galera-backup-mariadb2.prom").read_text()
    assert 'backup_failed{cluster="galera",node="mariadb2"} 1' in told
    assert f'last_success_timestamp_seconds{{cluster="galera",node="mariadb2"}} {DAY:.0f}' in told
    assert program.last(config)["error"] == "no space"


def test_a_restore_that_was_begun_is_gone_on_with_though_not_all_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Damaged:
        def __init__(self, *_: object) -> None:
            """Nothing to connect to."""

        def snapshots(self, lenient: bool) -> list[Any]:
            if not lenient:
                raise manifest.BackupError("Not all of the repository could be read")
            return []

        def manifests(self, _listed: object, lenient: bool) -> list[manifest.Manifest]:
            assert lenient
            return [made(4)]

        def binlogs(self, _listed: object) -> list[Any]:
            return []

        branches = binlogs

    monkeypatch.setattr(program, "Repository", Damaged)
    monkeypatch.setattr(program, "leave_in_order", lambda: None)
    monkeypatch.setattr(program.Restore, "check", lambda *_: None)
    given = program.argparse.Namespace(backup="", gtid="", time="", branch="", target=tmp_path, check=True)
    with pytest.raises(manifest.BackupError, match="Not all of the repository could be read"):
        program.restore({}, "galera.mariadb1-restore", given)
    facts = {"plan": "b4 and 4", "pinned": {"backup": "b4", "seqno": None, "at": None}}
    (tmp_path / "restored.json").write_text(json.dumps(facts), encoding="utf-8")
    program.restore({}, "galera.mariadb1-restore", given)
    told = json.loads(capsys.readouterr().out)
    assert (told["chain"], told["begun"]) == (["b4"], True)


class Forked:
    """The repository of a cluster that a forced recovery has go on from number 2; 3 was given out again."""

    def __init__(self, *_: object) -> None:
        """Nothing to connect to."""

    def snapshots(self, _lenient: bool) -> repository.Snapshots:
        return repository.Snapshots()

    def manifests(self, _listed: object, _lenient: bool) -> list[manifest.Manifest]:
        return [made(1, began=1.0, ended=2.0)]

    def binlogs(self, _listed: object) -> list[binlog.Segment]:
        return [segment(0, 3, latest=30), segment(0, 4, latest=40, uuid="new")]

    def branches(self, _listed: object) -> list[branches.Branch]:
        return [branches.Branch(UUID, 0), branches.Branch("new", 35, UUID, 2)]

    def fetch_binlog(self, wanted: binlog.Segment, target: Any) -> None:
        text = b"DROP TABLE new" if wanted.uuid == "new" else b"DROP TABLE old"
        events = [each for n in (2, 3) for each in (gtid(n, at=n * 10, standalone=True), query(text))]
        target.write(log(0, *events).getvalue())


def test_statements_tell_their_branch_where_it_is_not_the_current_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What both have is told once."""
    monkeypatch.setattr(program, "Repository", Forked)
    monkeypatch.setattr(program, "leave_in_order", lambda: None)
    monkeypatch.setattr(program.children, "remove_all", lambda _: [])
    program.statements({}, "own", program.argparse.Namespace(since="1970-01-01"))
    assert capsys.readouterr().out.splitlines() == [
        "0-1-2  1970-01-01 00:00:20 UTC  test: DROP TABLE old",
        f"0-1-3  1970-01-01 00:00:30 UTC  test: DROP TABLE old  (branch {UUID})",
        "0-1-3  1970-01-01 00:00:30 UTC  test: DROP TABLE new",
    ]
    program.branches({}, "own", program.argparse.Namespace())
    assert capsys.readouterr().out.splitlines() == [
        f"{UUID}  1970-01-01 00:00:00 UTC, 1 backup, binary logs up to 3 (1970-01-01 00:00:30 UTC)",
        f"new  1970-01-01 00:00:35 UTC, from {UUID} at 2, 0 backups, binary logs up to 4 (1970-01-01 00:00:40 UTC)",
    ]


def test_a_restore_says_which_branch_it_goes_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "Repository", Forked)
    monkeypatch.setattr(program, "leave_in_order", lambda: None)
    monkeypatch.setattr(program.Restore, "check", lambda *_: None)
    given = {"backup": "", "gtid": "", "time": "", "target": tmp_path, "check": True}
    told = []
    for branch in ("", UUID):
        program.restore({}, "own", program.argparse.Namespace(**given, branch=branch))
        told.append(json.loads(capsys.readouterr().out))
    assert [each["arguments"] for each in told] == [
        ["--backup", "b1", "--gtid", "0-1-4", "--branch", "new"],
        ["--backup", "b1", "--gtid", "0-1-3"],
    ]
    assert told[0]["plan"] != told[1]["plan"]
    assert told[0]["notes"] == []
    assert told[1]["notes"][0].startswith(f"The cluster left branch {UUID} at 1970-01-01 00:00:35 UTC")
    # What has begun goes on, whichever branch it was of.
    facts = {"plan": told[0]["plan"], "pinned": {"backup": "b1", "seqno": 4, "at": None, "branch": "new"}}
    (tmp_path / "restored.json").write_text(json.dumps(facts), encoding="utf-8")
    for gtids in ("", "0-1-4"):
        program.restore({}, "own", program.argparse.Namespace(**{**given, "gtid": gtids}, branch=""))
        assert json.loads(capsys.readouterr().out)["begun"]
