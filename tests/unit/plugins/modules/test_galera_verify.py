# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look through the VIP says, and when it ends early."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import AccessRefused, NotAnswering
from ansible_collections.dbops.galera.plugins.modules import galera_verify

WANTED = {"address": "198.51.100.10", "user": "application", "password": "secret", "cluster_size": 3}


class Cursor:
    def __init__(self, row: tuple[str, str] | None) -> None:
        self.row = row

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def cursor(self) -> Cursor:
        return self

    def execute(self, _statement: str) -> None:
        return

    def fetchone(self) -> tuple[str, str] | None:
        return self.row


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seen: list[Any], **more: Any) -> Any:
    """Call the module; each look takes the next of what is seen, the last one again and again."""
    left = list(seen)

    @contextlib.contextmanager
    def log_in(*_login: Any) -> Iterator[Cursor]:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        yield Cursor(("wsrep_cluster_size", str(found)) if found is not None else None)

    monkeypatch.setattr(galera_verify, "log_in", log_in)
    with patch_module_args({**WANTED, "interval": 0.01, **more}), pytest.raises(SystemExit):
        galera_verify.main()
    return json.loads(capsys.readouterr().out)


def test_a_whole_cluster(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, [NotAnswering("No answer."), 2, 3])
    assert (result["reached"], result["changed"]) == (True, False)


def test_a_slice_says_what_speaks_against_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(monkeypatch, capsys, [2], patience=0.05)
    assert result["reached"] is False
    assert result["phase"] == "the node behind 198.51.100.10:3306 sees 2 members, 3 are wanted"
    result = run(monkeypatch, capsys, [NotAnswering("No answer at 198.51.100.10:3306: refused.")], patience=0.05)
    assert result["phase"] == "No answer at 198.51.100.10:3306: refused"


def test_the_end_of_the_wait(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, [None], timeout=0)
    assert result["failed"] is True
    assert "sees 0 members" in result["msg"]


def test_a_refused_account_ends_the_wait(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(galera_verify, "REFUSED_FOR", 0.05)
    result = run(monkeypatch, capsys, [AccessRefused("The server refuses application.")])
    assert (result["failed"], result["msg"]) == (True, "The server refuses application.")
