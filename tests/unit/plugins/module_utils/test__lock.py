# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators' lock on a real file, with real processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._lock import Holder, look, release, take

NOW = "2026-11-21T09:12:44Z"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "galera.lock")


@pytest.fixture
def me() -> Holder:
    return Holder.of(os.getpid(), "site", NOW)


@pytest.fixture
def other() -> Iterator[Holder]:
    process = subprocess.Popen(["sleep", "600"])
    yield Holder.of(process.pid, "upgrade", NOW)
    process.kill()
    process.wait()


def test_a_free_lock_is_taken_and_given_back(path: str, me: Holder) -> None:
    assert take(path, me) is None
    assert look(path) == me
    assert take(path, replace(me, verb="restart")) is None, "a run may take its lock again"
    assert release(path, me)
    assert look(path) is None
    assert not release(path, me)


def test_the_lock_of_another_run_stays(path: str, me: Holder, other: Holder) -> None:
    take(path, other)
    assert take(path, me) == other
    assert look(path) == other
    assert not release(path, me)
    assert str(other).endswith(f"whose upgrade began at {NOW} (process {other.process})")


def test_a_lock_is_broken_by_its_holders_name_only(path: str, me: Holder, other: Holder) -> None:
    other = replace(other, name="eve@elsewhere")
    take(path, other)
    take(path, me, from_name="anna@elsewhere")
    assert look(path) == other
    assert take(path, me, from_name="eve@elsewhere") == other
    assert look(path) == me


def test_a_holder_that_has_ended_is_relieved(path: str, me: Holder) -> None:
    process = subprocess.Popen(["sleep", "600"])
    other = Holder.of(process.pid, "upgrade", NOW)
    assert not other.gone()
    process.kill()
    process.wait()
    assert other.gone()
    take(path, other)
    assert take(path, me, gone=asdict(other)) == other
    assert look(path) == me


@pytest.mark.parametrize("change", [{"place": "another machine"}, {"place": ""}])
def test_nobody_elsewhere_is_known_to_have_ended(me: Holder, change: dict[str, str]) -> None:
    assert not replace(me, started="1", **change).gone()
    assert replace(me, started="1").gone(), "a number of a process that was used again"


def test_a_lock_that_cannot_be_read_is_respected(path: str, me: Holder) -> None:
    Path(path).write_text("by hand", encoding="utf-8")
    with pytest.raises(GaleraError, match="it is no lock that this version has written"):
        take(path, me)
