# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's record on its host, in a real directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._record import (
    FENCED,
    HAD_DATA,
    HELD_VIEW,
    MARKS,
    VIEWS,
    Record,
)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    found = Record(str(tmp_path / "dbops-galera/mariadb2"))
    found.make(os.getuid())
    return found


def test_a_record_that_is_not_there(tmp_path: Path) -> None:
    record = Record(str(tmp_path / "none"))
    assert not any(record.has(mark) for mark in MARKS)
    assert (record.members(), record.branch(), record.node(), record.text("uuid")) == ([], {}, {}, "")
    assert record.clear(*MARKS) is False
    assert os.listdir(tmp_path) == []


def test_the_directory(record: Record) -> None:
    for path, mode in ((record.path, 0o755), (os.path.dirname(record.path), 0o750)):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    os.chmod(record.path, 0o700)
    record.make(os.getuid())
    # The role sees to what is there.
    assert stat.S_IMODE(os.stat(record.path).st_mode) == 0o700


def test_what_is_written_is_read(record: Record) -> None:
    assert record.write_members(["mariadb1", "garbd"]) is True
    assert record.write_members(["mariadb1", "garbd"]) is False
    assert record.write_members(["mariadb1"]) is True
    assert record.members() == ["mariadb1"]
    assert record.write_json("branch.json", {"generation": 2, "members": ["mariadb1"]}) is True
    assert record.write_json("branch.json", {"generation": 2, "members": ["mariadb1"]}) is False
    assert record.branch() == {"generation": 2, "members": ["mariadb1"]}
    assert record.write_json("node.json", {"datadir": "/d"}) is True
    assert record.node() == {"datadir": "/d"}
    assert sorted(os.listdir(record.path)) == ["branch.json", "members", "node.json"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_node_reads_what_root_wrote(record: Record, umask: int) -> None:
    before = os.umask(umask)
    try:
        record.write_members(["mariadb1"])
    finally:
        os.umask(before)
    found = os.stat(os.path.join(record.path, "members"))
    assert stat.S_IMODE(found.st_mode) == 0o644
    assert found.st_uid == os.stat(record.path).st_uid


def test_what_the_nodes_scripts_wrote(record: Record) -> None:
    Path(record.path, "members").write_text("mariadb1\nmariadb2\n\ngarbd", encoding="utf-8")
    Path(record.path, "uuid").write_text("f5a84299-e532-11f1-b3aa-dbb87aa99b48\n", encoding="utf-8")
    Path(record.path, FENCED).write_bytes(b"2026-11-29 198.51.100.1:4567 answers for galera.2 \xff\n")
    assert record.members() == ["mariadb1", "mariadb2", "garbd"]
    assert record.text("uuid") == "f5a84299-e532-11f1-b3aa-dbb87aa99b48"
    assert record.text(FENCED).startswith("2026-11-29 198.51.100.1:4567 answers for galera.2")
    # An order of other lines is another text.
    assert record.write_members(["mariadb2", "mariadb1", "garbd"]) is True


def test_marks(record: Record) -> None:
    assert MARKS == (HAD_DATA, VIEWS, FENCED, HELD_VIEW)
    for mark in MARKS:
        Path(record.path, mark).touch()
    assert record.clear(FENCED) is True
    assert [mark for mark in MARKS if record.has(mark)] == [HAD_DATA, VIEWS, HELD_VIEW]
    assert record.clear(FENCED) is False
    assert record.clear(*MARKS) is True
    assert os.listdir(record.path) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is damaged: Expecting value"),
        ("{", "is damaged: Expecting property name"),
        ('{"generation": 2', "is damaged: Expecting"),
        ("\0\0\0", "is damaged: Expecting value"),
        ("[2]", "is damaged: it holds no mapping"),
        ("2", "is damaged: it holds no mapping"),
    ],
)
def test_a_damaged_record_is_not_the_first_generation(record: Record, text: str, problem: str) -> None:
    Path(record.path, "branch.json").write_text(text, encoding="utf-8")
    with pytest.raises(GaleraError, match=rf"/branch\.json {problem}.*\. Restore it from another host's\.$"):
        record.branch()


def test_a_file_that_cannot_be_read_is_not_a_file_that_is_not_there(record: Record) -> None:
    Path(record.path, "branch.json").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        record.branch()
