# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""recorded/ holds what real servers of both versions left behind: one was killed, the other stopped after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    GraState,
    Position,
    View,
    allow_bootstrap,
    grastate_of,
    parse_grastate,
    parse_gvwstate,
    parse_recovered,
)

RECORDED = Path(__file__).parent.parent / "recorded"
CLUSTER = {"10.11": "e8101d12-e532-11f1-8a96-fa36e0da60b6", "11.8": "f5a84299-e532-11f1-b3aa-dbb87aa99b48"}
VIEW = {
    "10.11": ["e80f798f-e532-11f1-ad98-9fd5ff8233a7", "e8c71533-e532-11f1-b634-0ad43952bbc7"],
    "11.8": ["f5a7ee29-e532-11f1-9a52-deaf129b6384", "f695da88-e532-11f1-8c67-9bacdf269497"],
}
UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"
GRASTATE = f"# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   208\nsafe_to_bootstrap: 1\n"
GVWSTATE = f"my_uuid: {UUID}\n#vwbeg\nview_id: 3 {UUID} 2\nbootstrap: 0\nmember: {UUID} 0\n#vwend\n"

version = pytest.mark.parametrize("version", ["10.11", "11.8"])


def recorded(version: str, name: str) -> str:
    return (RECORDED / version / name).read_text(encoding="utf-8")


@version
def test_recorded_grastate(version: str) -> None:
    killed = parse_grastate(recorded(version, "grastate-killed.dat"))
    assert killed == GraState(CLUSTER[version], -1, False)
    assert not killed.position.known
    stopped = parse_grastate(recorded(version, "grastate-stopped-last.dat"))
    assert stopped.position.known
    assert stopped.position.uuid == CLUSTER[version]


@version
def test_recorded_gvwstate(version: str) -> None:
    first, second = VIEW[version]
    assert parse_gvwstate(recorded(version, "gvwstate.dat")) == View(second, f"{first}:2", False, [first, second])


@version
def test_recorded_recovery(version: str) -> None:
    assert parse_recovered(recorded(version, "recover.log")) == Position(CLUSTER[version], 2)


@pytest.mark.parametrize(
    ("log", "position"),
    [
        ("", None),
        ("[Note] WSREP: disabled, skipping position recovery", None),
        (f"WSREP: Recovered position: {UUID}:12,0-1-7", Position(UUID, 12)),
        (f"WSREP: Recovered position: {NULL_UUID}:-1", Position()),
        (f"WSREP: Recovered position: {UUID}:1\nWSREP: Recovered position: {UUID}:2\n", Position(UUID, 2)),
        (f"WSREP: Recovered position: {UUID.upper()}:3", Position(UUID, 3)),
    ],
)
def test_recovered(log: str, position: Position | None) -> None:
    assert parse_recovered(log) == position


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("\0" * 113, "binary data"),
        (GRASTATE[:40], "no readable uuid"),
        (GRASTATE[:70], "no readable uuid"),
        (GRASTATE[:80], "no readable seqno"),
        (GRASTATE[:91], "truncated"),
        (GRASTATE[:-2], "truncated"),
        (GRASTATE.replace("208", "20x"), "no readable seqno"),
        (GRASTATE.replace("bootstrap: 1", "bootstrap: yes"), "no readable safe_to_bootstrap"),
    ],
)
def test_bad_grastate(text: str, problem: str) -> None:
    with pytest.raises(GaleraError, match=rf"grastate\.dat.*{problem}.*\.$"):
        parse_grastate(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (GVWSTATE.replace("#vwend\n", ""), "truncated"),
        (GVWSTATE.replace("view_id: 3", "view_id:"), "no readable view_id"),
        (GVWSTATE.replace("my_uuid", "mine"), "no readable my_uuid"),
    ],
)
def test_bad_gvwstate(text: str, problem: str) -> None:
    with pytest.raises(GaleraError, match=rf"gvwstate\.dat.*{problem}.*\.$"):
        parse_gvwstate(text)


@pytest.mark.parametrize(
    ("position", "known"),
    [
        (Position(), False),
        (Position(UUID), False),
        (Position(NULL_UUID, 3), False),
        (Position(UUID, 0), True),
        (Position(UUID, 9), True),
    ],
)
def test_known(position: Position, known: bool) -> None:
    assert position.known is known


def test_allow_bootstrap_changes_the_flag_only() -> None:
    assert allow_bootstrap(GRASTATE.replace("bootstrap: 1", "bootstrap: 0")) == GRASTATE
    assert allow_bootstrap(GRASTATE) == GRASTATE


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("position", [Position(UUID, 208), Position(UUID, 0), Position(UUID), Position()])
def test_what_is_written_is_what_is_read(position: Position, safe: bool) -> None:
    assert parse_grastate(grastate_of(position, safe)) == GraState(position.uuid, position.seqno, safe)


def test_a_position_in_words() -> None:
    assert str(Position(UUID, 208)) == f"{UUID}:208"
    assert str(Position()) == f"{NULL_UUID}:-1"
