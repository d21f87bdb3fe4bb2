"""The program as its units run it: one at a time, its records, its configuration."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from galera_backup import __main__ as program
from galera_backup import manifest

from .test_manifest import DAY, made


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

    monkeypatch.setattr(program, "Repository", Damaged)
    monkeypatch.setattr(program, "leave_in_order", lambda: None)
    monkeypatch.setattr(program.Restore, "check", lambda *_: None)
    given = program.argparse.Namespace(backup="", gtid="", time="", target=tmp_path, check=True)
    with pytest.raises(manifest.BackupError, match="Not all of the repository could be read"):
        program.restore({}, "galera.mariadb1-restore", given)
    facts = {"plan": "b4 and 4", "pinned": {"backup": "b4", "seqno": None, "at": None}}
    (tmp_path / "restored.json").write_text(json.dumps(facts), encoding="utf-8")
    program.restore({}, "galera.mariadb1-restore", given)
    told = json.loads(capsys.readouterr().out)
    assert (told["chain"], told["begun"]) == (["b4"], True)
