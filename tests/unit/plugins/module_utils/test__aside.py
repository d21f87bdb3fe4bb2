# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real directories; only who uses them is given."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._aside import Aside
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError

NOW = 1795252364.0  # 2026-11-21 09:12:44 UTC


class Host:
    def __init__(self, *users: str) -> None:
        self.users = list(users)

    def users_of(self, _datadir: str) -> list[str]:
        return self.users


def aside(datadir: Path | str, *users: str) -> Aside:
    return Aside(Host(*users), "mariadb2", str(datadir))  # type: ignore[arg-type]


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    path = tmp_path / "datadir"
    path.mkdir()
    path.chmod(0o750)
    (path / "ibdata1").write_text("data", encoding="utf-8")
    return path


def test_a_datadir_is_kept_and_an_empty_one_takes_its_place(datadir: Path) -> None:
    kept = aside(f"{datadir}/").move(NOW)
    assert kept == f"{datadir}.kept-20261121T091244"
    assert os.listdir(kept) == ["ibdata1"]
    assert list(datadir.iterdir()) == []
    assert stat.S_IMODE(datadir.stat().st_mode) == 0o750
    assert aside(datadir).kept() == [kept]
    assert sorted(os.listdir(datadir.parent)) == ["datadir", "datadir.kept-20261121T091244"]


def test_what_a_run_left_that_ended_in_the_middle(datadir: Path) -> None:
    (datadir.parent / "datadir.new").mkdir()
    kept = aside(datadir).move(NOW)
    assert kept
    datadir.rmdir()
    assert aside(datadir).move(NOW + 1) is None
    assert stat.S_IMODE(datadir.stat().st_mode) == 0o750
    assert aside(datadir).kept() == [kept]


def test_a_datadir_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(GaleraError, match=r"has no datadir .*: see that its disk is mounted"):
        aside(tmp_path / "datadir").move(NOW)


def test_when_a_datadir_cannot_be_moved(datadir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside(datadir).check(1)
    with pytest.raises(GaleraError, match=r"mariadb2: backup runs on the datadir .*: stop it before"):
        aside(datadir, "backup").check(1)
    with pytest.raises(GaleraError, match="is the Docker volume a_volume, which cannot be kept"):
        aside("a_volume").check(1)
    assert aside("a_volume").kept() == []
    with pytest.raises(GaleraError, match=r"mariadb2: \d+ MiB are free beside .* data of 1099511627776 MiB"):
        aside(datadir).check(2**60)
    monkeypatch.setattr(os.path, "ismount", lambda _path: True)
    with pytest.raises(GaleraError, match="is a file system of its own"):
        aside(datadir).check(1)


def test_a_link_is_not_renamed(datadir: Path) -> None:
    """The new datadir would be a directory beside the link, on a disk that may be small."""
    link = datadir.parent / "link"
    link.symlink_to(datadir)
    with pytest.raises(GaleraError) as error:
        aside(f"{link}/").check(0)
    assert str(error.value) == (
        f"mariadb2: its datadir {link} is a symbolic link to {datadir}: the link would be renamed, and the new datadir "
        f"made on the disk of the link. Set mariadb_datadir to {datadir}, and run again."
    )
    aside(datadir).check(0)
