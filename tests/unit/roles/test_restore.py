"""What a restore refuses, and which one is gone on with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from galera_backup import manifest, plan, restore

from .test_backup import NEVER, Others
from .test_manifest import WEEK


def restoring(target: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> restore.Restore:
    monkeypatch.setattr(restore.Restore, "_version", lambda _: version)
    return restore.Restore({"image": "mariadb:11.8"}, "galera.mariadb1-restore", Others(NEVER), target, lambda _: None)


def test_another_series_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path / "datadir", "mariadbd  Ver 11.8.3-MariaDB", monkeypatch)
    with pytest.raises(manifest.BackupError, match=r"b2 was made by MariaDB 10\.11, and mariadb:11\.8 is 11\.8"):
        job.check(plan.Plan(WEEK[:2], [], None, None))


def test_a_restore_that_was_begun_is_known_until_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path, "mariadbd  Ver 10.11.9-MariaDB", monkeypatch)
    assert job.begun() is None
    pinned = plan.Plan([WEEK[3]], [], 12, None).pinned
    facts = {"plan": "b4 and 12", "pinned": dataclasses.asdict(pinned)}
    (tmp_path / "restored.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "datadir").mkdir()
    assert job.begun() is None
    (tmp_path / "datadir").rmdir()
    assert job.begun() == plan.Wanted("b4", 12, None)


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path / "datadir", "mariadbd  Ver 10.11.9-MariaDB", monkeypatch)
    with pytest.raises(manifest.BackupError, match=r"b4 needs \d{13} MiB in"):
        job.check(plan.Plan([dataclasses.replace(WEEK[3], datadir_size=1 << 60)], [], None, None))
    assert not (tmp_path / "datadir").exists()
