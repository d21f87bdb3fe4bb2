# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of real files in a directory; only the engine is given."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.modules import galera_keep


def engine(*users: str) -> Any:
    return SimpleNamespace(
        mountpoint=lambda place: place if Path(place).is_dir() else None, users_of=lambda _: list(users)
    )


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    datadir = tmp_path / "datadir"
    datadir.mkdir()
    for name in ("grastate.dat", "ibdata1", "galera.cache"):
        (datadir / name).write_text(name, encoding="utf-8")
    return {"datadir": str(datadir), "dest": str(tmp_path / "kept"), "whole": False}


def kept(params: dict[str, Any]) -> set[str]:
    return {path.name for path in Path(params["dest"]).iterdir()}


def test_state_files_that_are_there_are_kept_once(params: dict[str, Any]) -> None:
    assert galera_keep.run(engine(), params, False) == {"changed": True, "files": ["grastate.dat"], "needed_mb": 0}
    assert kept(params) == {"grastate.dat"}
    assert galera_keep.run(engine(), params, False)["changed"] is False


def test_a_whole_copy_leaves_the_cache_out(params: dict[str, Any]) -> None:
    galera_keep.run(engine(), {**params, "whole": True}, False)
    assert kept(params) == {"grastate.dat", "ibdata1"}


def test_check_mode_copies_nothing(params: dict[str, Any]) -> None:
    assert galera_keep.run(engine(), params, True)["changed"] is True
    assert not Path(params["dest"]).exists()


def test_a_running_server_is_not_copied(params: dict[str, Any]) -> None:
    with pytest.raises(GaleraError, match="mariadb1 runs on the datadir"):
        galera_keep.run(engine("mariadb1"), params, False)


def test_too_little_space_is_refused_before_anything_is_copied(
    params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(GaleraError, match=r"takes 0 MiB, and .* has 0 MiB free: make room"):
        galera_keep.run(engine(), {**params, "whole": True}, False)
    assert not Path(params["dest"]).exists()


def test_a_datadir_without_a_place_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(GaleraError, match="has no place on this host"):
        galera_keep.run(engine(), {**params, "datadir": "volume"}, False)
