# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions of a node, from the texts that Galera leaves behind. Pure: text in, values out.

grastate.dat and gvwstate.dat: https://galeracluster.com/library/documentation/recovery.html
The log line: https://mariadb.com/kb/en/galera-cluster-recovery/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError

NULL_UUID = "00000000-0000-0000-0000-000000000000"
UNKNOWN_SEQNO = -1

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID_ONLY = re.compile(_UUID)
# A server with wsrep_gtid_mode appends ",domain-server-sequence", which says nothing about Galera's position.
_RECOVERED = re.compile(rf"WSREP: Recovered position:\s*({_UUID}):(-?\d+)")


@dataclass(frozen=True)
class Position:
    """Where a node stands in the history of a cluster: the history's UUID, and the last write set it holds."""

    uuid: str = NULL_UUID
    seqno: int = UNKNOWN_SEQNO

    @property
    def known(self) -> bool:
        """Whether it names a history and a write set in it."""
        return self.uuid != NULL_UUID and self.seqno >= 0

    def __str__(self) -> str:
        return f"{self.uuid}:{self.seqno}"


@dataclass(frozen=True)
class GraState:
    """Content of grastate.dat. A seqno of -1 says that the server runs, or was killed."""

    uuid: str
    seqno: int
    safe_to_bootstrap: bool

    @property
    def position(self) -> Position:
        return Position(self.uuid, self.seqno)


@dataclass(frozen=True)
class View:
    """Content of gvwstate.dat: the last Primary Component that the node was part of, while it ran or was killed."""

    my_uuid: str
    view_id: str
    bootstrap: bool
    members: list[str] = field(default_factory=list)


def parse_grastate(text: str) -> GraState:
    """Read grastate.dat; GaleraError says in a sentence what is wrong with it."""
    found = _fields(text, "grastate.dat")
    uuid = _uuid(found, "uuid", "grastate.dat")
    seqno = found.get("seqno", "")
    if not re.fullmatch(r"-?\d+", seqno):
        raise GaleraError(f"grastate.dat has no readable seqno ({_shown(seqno)}).")
    # The last line that Galera writes: without it the seqno may be cut short.
    safe = found.get("safe_to_bootstrap", "")
    if safe not in ("0", "1"):
        raise GaleraError(f"grastate.dat is truncated or damaged: no readable safe_to_bootstrap ({_shown(safe)}).")
    return GraState(uuid, int(seqno), safe == "1")


def parse_gvwstate(text: str) -> View:
    """Read gvwstate.dat; GaleraError says in a sentence what is wrong with it."""
    found = _fields(text, "gvwstate.dat")
    if "#vwend" not in text:
        raise GaleraError("gvwstate.dat is truncated: its closing #vwend is missing.")
    kind, view, sequence = ([*found.get("view_id", "").split(), "", "", ""])[:3]
    if not (kind.isdigit() and _UUID_ONLY.fullmatch(view) and sequence.isdigit()):
        raise GaleraError(f"gvwstate.dat has no readable view_id ({_shown(found.get('view_id', ''))}).")
    return View(
        my_uuid=_uuid(found, "my_uuid", "gvwstate.dat"),
        view_id=f"{view.lower()}:{sequence}",
        bootstrap=found.get("bootstrap") == "1",
        members=[uuid.lower() for uuid in re.findall(rf"^member:\s*({_UUID})", text, re.MULTILINE)],
    )


def parse_recovered(log: str) -> Position | None:
    """The last position that mariadbd --wsrep-recover told in its log, or None where it told none."""
    told = _RECOVERED.findall(log)
    return Position(told[-1][0].lower(), int(told[-1][1])) if told else None


def grastate_of(position: Position, safe: bool) -> str:
    """A grastate.dat for data that are at a position, and may be bootstrapped from there or not."""
    return (
        f"# GALERA saved state\nversion: 2.1\nuuid:    {position.uuid}\nseqno:   {position.seqno}\n"
        f"safe_to_bootstrap: {int(safe)}\n"
    )


def allow_bootstrap(grastate: str) -> str:
    """grastate.dat's text with safe_to_bootstrap: 1, nothing else changed."""
    return re.sub(r"^(safe_to_bootstrap:\s*)0[ \t]*$", r"\g<1>1", grastate, flags=re.MULTILINE)


def _fields(text: str, name: str) -> dict[str, str]:
    if not text.strip():
        raise GaleraError(f"{name} is empty.")
    if not all(sign.isprintable() or sign in "\r\n\t" for sign in text):
        raise GaleraError(f"{name} is not a text file: it holds binary data.")
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip() for key, colon, value in lines if colon}


def _uuid(found: dict[str, str], key: str, name: str) -> str:
    if not _UUID_ONLY.fullmatch(found.get(key, "")):
        raise GaleraError(f"{name} has no readable {key} ({_shown(found.get(key, ''))}).")
    return found[key].lower()


def _shown(value: str) -> str:
    return f"it says '{value[:60]}'" if value else "the line is missing or empty"
