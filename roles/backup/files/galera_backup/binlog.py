# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what a binary log holds, which archived ones lead from a backup to a point in time, and where they have a gap.

With wsrep_gtid_mode every node gives a transaction the same GTID, so what counts is the sequence number in the
cluster's domain; files and their names are a node's own. Format: https://mariadb.com/kb/en/replication-protocol/
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import IO

from .manifest import BackupError

MAGIC = b"\xfebin"
# As the last sequence number of a branch: all that there are.
ALL = sys.maxsize
_HEADER = struct.Struct("<IBIIIH")
_GTID = struct.Struct("<QIB")
_LISTED = struct.Struct("<IIQ")
_CHECKSUM = 4
_QUERY, _FORMAT, _XID, _XA_PREPARE, _GTID_EVENT, _GTID_LIST, _QUERY_COMPRESSED = 2, 15, 16, 38, 162, 163, 165
_STANDALONE = 1


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True)
class Transaction:
    """seqno and server: of its GTID. at: seconds since 1970, when it began. end: the offset behind it in its file.

    statement: of a change that is a statement and no rows, such as DROP TABLE; its database stands before it.
    """

    seqno: int
    server: int
    at: int
    end: int
    statement: str = ""


def gtid_in(gtids: str, domain: int) -> str:
    """The GTID of a domain in a list such as 0-1-15,103-1-2; empty where it is not listed."""
    listed = [gtid.strip() for gtid in gtids.split(",")]
    fitting = [gtid for gtid in listed if gtid.startswith(f"{domain}-")]
    return max(fitting, key=lambda gtid: int(gtid.rpartition("-")[2]), default="")


def seqno_of(gtids: str, domain: int) -> int:
    """The sequence number of a domain in a list of GTIDs; 0 where it is not listed."""
    return int(gtid_in(gtids, domain).rpartition("-")[2] or 0)


def _events(file: IO[bytes]) -> Iterator[tuple[int, int, int, bytes, int]]:
    """Type, time, server, body and end of each whole event from where the file stands."""
    end = file.tell()
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        at, kind, server, length, _, _ = _HEADER.unpack(header)
        if length < _HEADER.size:
            raise BackupError(f"The binary log is damaged at {end}: an event of {length} bytes.")
        body = file.read(length - _HEADER.size)
        if len(body) < length - _HEADER.size:
            return
        end += length
        yield kind, at, server, body, end


def _statement(body: bytes) -> tuple[bytes, bytes]:
    """Database and text of a query event."""
    length, status = body[8], struct.unpack_from("<H", body, 11)[0]
    text = 13 + status + length + 1
    return body[text - 1 - length : text - 1], body[text:-_CHECKSUM]


def _ends_transaction(kind: int, body: bytes) -> bool:
    return kind in (_XID, _XA_PREPARE) or (kind == _QUERY and _statement(body)[1] in (b"COMMIT", b"ROLLBACK"))


def _shown(kind: int, body: bytes) -> str:
    if kind != _QUERY:
        return "(compressed)"
    database, text = (part.decode(errors="replace") for part in _statement(body))
    # Whatever follows may be a password's hash.
    return f"{database}: {re.split(r'(?i)identified', text, maxsplit=1)[0].strip()}"


def begin(file: IO[bytes], domain: int) -> int:
    """The sequence number that a binary log begins behind. Raises BackupError where it does not tell it."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupError("This is no binary log: it does not begin like one.")
    for kind, _, _, body, _ in _events(file):
        if kind == _GTID_LIST:
            count = struct.unpack_from("<I", body)[0] & 0x0FFFFFFF
            listed = (_LISTED.unpack_from(body, 4 + index * _LISTED.size) for index in range(count))
            # A domain has an entry for each server that wrote in it.
            return max((seqno for its, _, seqno in listed if its == domain), default=0)
        if kind == _GTID_EVENT:
            break
    raise BackupError("This binary log does not tell the position that it begins at.")


def opened(file: IO[bytes]) -> int:
    """When a server opened a binary log, seconds since 1970; 0 where the file does not say so."""
    start = file.read(len(MAGIC) + _HEADER.size)
    if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + _HEADER.size:
        return 0
    at, kind, *_ = _HEADER.unpack_from(start, len(MAGIC))
    return int(at) if kind == _FORMAT else 0


def transactions(file: IO[bytes], domain: int, offset: int = len(MAGIC)) -> Iterator[Transaction]:
    """The whole transactions of a domain from an offset on, which is the end of another one, or the file's beginning.

    The file may still be written to: a transaction that is not there to its end is left for the next time.
    """
    file.seek(offset)
    opened: tuple[int, int, int, bool] | None = None
    for kind, at, server, body, end in _events(file):
        if kind == _GTID_EVENT:
            seqno, its, flags = _GTID.unpack_from(body)
            opened = (seqno, server, at, bool(flags & _STANDALONE)) if its == domain else None
        elif opened and opened[3] and kind in (_QUERY, _QUERY_COMPRESSED):
            yield Transaction(opened[0], opened[1], opened[2], end, _shown(kind, body))
            opened = None
        elif opened and _ends_transaction(kind, body):
            yield Transaction(opened[0], opened[1], opened[2], end)
            opened = None


@dataclass(frozen=True)
class Segment:
    """A binary log in the repository, or as much of it as there was when it was stored.

    uuid: the name of its branch. domain: of the cluster's GTIDs. begin: the sequence number that it begins behind; end:
    its last whole transaction's. latest: when the latest of its transactions began, seconds since 1970. size: bytes.
    snapshot: restic's id; stored: when it was stored, seconds since 1970.
    """

    snapshot: str
    uuid: str
    domain: int
    node: str
    file: str
    begin: int
    end: int
    latest: int
    size: int
    stored: float = 0

    def tags(self) -> list[str]:
        return [
            "binlog",
            f"uuid={self.uuid}",
            f"domain={self.domain}",
            f"node={self.node}",
            f"file={self.file}",
            f"begin={self.begin}",
            f"end={self.end}",
            f"latest={self.latest}",
            f"size={self.size}",
        ]

    @classmethod
    def from_tags(cls, snapshot: str, tags: Iterable[str], stored: float = 0) -> Segment:
        told: Mapping[str, str] = dict(tag.split("=", 1) for tag in tags if "=" in tag)
        try:
            return cls(
                snapshot,
                told["uuid"],
                int(told["domain"]),
                told["node"],
                told["file"],
                int(told["begin"]),
                int(told["end"]),
                int(told["latest"]),
                int(told["size"]),
                stored,
            )
        except (KeyError, ValueError) as error:
            raise BackupError(f"The snapshot {snapshot} does not tell which binary log it is ({error}).") from error


def superseded(segments: Iterable[Segment]) -> list[str]:
    """The snapshots of binary logs of which there is a longer one."""
    ordered = sorted(segments, key=lambda each: (_whose(each), each.end))
    return [one.snapshot for one, next_ in zip(ordered, ordered[1:]) if _whose(one) == _whose(next_)]


def _whose(segment: Segment) -> tuple[str, str, str, int]:
    """Which binary log it is. An SST has a node count its files anew, so a name comes again, with another beginning."""
    return segment.uuid, segment.node, segment.file, segment.begin


def longer(segments: Iterable[Segment], wanted: Segment) -> Segment | None:
    """What has taken a segment's place in the repository: the same binary log, at least as far."""
    same = [each for each in segments if _whose(each) == _whose(wanted) and each.snapshot != wanted.snapshot]
    return next((each for each in sorted(same, key=lambda each: -each.end) if each.end >= wanted.end), None)


def unneeded(segments: Iterable[Segment], firsts: Mapping[str, int], before: float) -> list[str]:
    """The snapshots of binary logs that end before this time, and that no backup that is kept goes on with.

    firsts: of each branch, the sequence number of the first backup that is kept.
    """
    return [
        each.snapshot
        for each in segments
        if each.latest < before and (each.uuid not in firsts or each.end <= firsts[each.uuid])
    ]


def _within(segments: Iterable[Segment], limits: Mapping[str, int]) -> list[Step]:
    """What they hold of a branch: those of other branches count up to where these are the same."""
    return [Step(each, each.begin, min(each.end, limits[each.uuid])) for each in segments if each.uuid in limits]


def archived(segments: Iterable[Segment], limits: Mapping[str, int]) -> int:
    """The newest sequence number of a branch that is in the repository; 0 for none."""
    return max((each.end for each in _within(segments, limits)), default=0)


def reach(segments: Iterable[Segment], limits: Mapping[str, int], position: int) -> int:
    """How far they go on from a backup's position without anything missing."""
    known = _within(segments, limits)
    while fitting := [each.end for each in known if each.behind <= position < each.end]:
        position = max(fitting)
    return position


@dataclass(frozen=True)
class Step:
    """What is to be taken from a segment: all behind a sequence number, up to another one."""

    segment: Segment
    behind: int
    end: int

    @property
    def cut(self) -> bool:
        """Whether the segment's last transactions are of another branch."""
        return self.end < self.segment.end

    @property
    def latest(self) -> int:
        """When the latest of its transactions began; 0 where that is not known."""
        return 0 if self.cut else self.segment.latest


def lead(
    segments: Sequence[Segment],
    limits: Mapping[str, int],
    position: int,
    seqno: int | None = None,
    at: float | None = None,
) -> list[Step]:
    """What leads from a backup's position to a sequence number, to a time, or as far as there is something.

    limits: the branches whose segments count, and up to which sequence number each. Raises BackupError, with the last
    point that can be reached, where something is missing on the way.
    """
    known = _within(segments, limits)
    steps: list[Step] = []
    reached, latest = position, 0
    while not ((seqno is not None and reached >= seqno) or (at is not None and latest >= at)):
        fitting = [each for each in known if each.behind <= reached < each.end]
        if not fitting:
            break
        step = replace(max(fitting, key=lambda each: (each.end, not each.cut)), behind=reached)
        steps.append(step)
        reached, latest = step.end, max(latest, step.latest)
    else:
        return steps
    last = f"sequence number {reached}" + (f" ({utc(latest)})" if latest else ", that of the backup itself")
    behind = [each for each in known if each.end > reached]
    if behind:
        following = min(behind, key=lambda each: each.behind)
        raise BackupError(
            f"The archived binary logs have a gap: nothing has what follows {last}, and the next one,"
            f" {following.segment.file} of {following.segment.node}, begins behind {following.behind}. The last point"
            f" that can be reached is {last}."
        )
    if seqno is not None or at is not None:
        wanted = f"sequence number {seqno}" if seqno is not None else utc(at or 0)
        raise BackupError(f"The archived binary logs do not reach {wanted}: they end with {last}.")
    return steps
