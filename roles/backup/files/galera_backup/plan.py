# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: which backups and binary logs make up what is to be restored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .binlog import Segment, Step, Transaction, lead, utc
from .manifest import BackupError, Manifest, chain, newest


@dataclass(frozen=True)
class Wanted:
    """What an operator asks for. Nothing: the newest that there is. A backup alone: exactly that one.

    seqno: in the GTID of the last transaction that is restored. at: seconds since 1970; restored are all transactions
    before the first one that began then or later.
    """

    backup: str = ""
    seqno: int | None = None
    at: float | None = None


@dataclass(frozen=True)
class Plan:
    """A full backup with its incremental ones, then steps through the binary logs, up to seqno or at if one is set."""

    chain: Sequence[Manifest]
    steps: Sequence[Step]
    seqno: int | None
    at: float | None

    @property
    def last(self) -> Manifest:
        return self.chain[-1]

    @property
    def name(self) -> str:
        """Differs where what is restored differs."""
        if self.at is not None:
            # Not by its last binary log, which may be longer by the time it is fetched.
            return f"{self.last.id} until {self.at}"
        end = self.steps[-1].segment.end if self.steps else self.last.seqno_of_gtid
        return f"{self.last.id} and {end if self.seqno is None else self.seqno}"

    @property
    def pinned(self) -> Wanted:
        """What leads to this plan again, whatever has come into the repository since."""
        to_the_end = self.steps and self.seqno is None and self.at is None
        return Wanted(self.last.id, self.steps[-1].segment.end if to_the_end else self.seqno, self.at)

    @property
    def arguments(self) -> list[str]:
        """The same, for the command restore."""
        pinned = self.pinned
        until = []
        if pinned.at is not None:
            until = ["--time", datetime.fromtimestamp(pinned.at, timezone.utc).isoformat()]
        elif pinned.seqno is not None:
            until = ["--gtid", f"{self.last.gtid.rpartition('-')[0]}-{pinned.seqno}"]
        return ["--backup", pinned.backup, *until]

    @property
    def newest_at(self) -> float:
        """When the newest transaction in it began, or the backup ended where there is none; seconds since 1970."""
        return max([self.last.ended, *(float(step.segment.latest) for step in self.steps)])


def parse_gtid(text: str) -> int:
    """The sequence number of a GTID such as 0-1-4711."""
    if not re.fullmatch(r"\d+-\d+-\d+", text):
        raise BackupError(f"'{text}' is no GTID; one is written like 0-1-4711.")
    return int(text.rpartition("-")[2])


def parse_time(text: str) -> float:
    """ISO 8601, in UTC unless it names an offset."""
    try:
        read = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text.strip()))
    except ValueError:
        raise BackupError(f"'{text}' is no time; one is written like 2026-01-31T14:30:00Z.") from None
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()


def one_history(manifests: Sequence[Manifest], segments: Sequence[Segment]) -> None:
    """Raises BackupError where the newest backup leads to something else than the newest data: a restored cluster has a
    history of its own, in which no earlier backup can go on; and nothing goes on from one without a position.
    """
    backups = [each for each in manifests if not each.dump]
    ended = max((each.ended for each in backups), default=0)
    known = {each.uuid for each in backups}
    younger = [each for each in segments if each.latest > ended]
    last = max(backups, key=lambda each: each.ended, default=None)
    if last and not last.gtid and any(each.uuid == last.uuid for each in younger):
        raise BackupError(
            f"{last.id} was made without binary logs, and the archive has younger ones, which cannot go on from it. If"
            " the cluster lives, make a backup of it. To do without them, name the backup."
        )
    younger = [each for each in younger if each.uuid not in known]
    if last and younger:
        raise BackupError(
            f"The newest binary logs are of a history without a backup, {younger[0].uuid}: the cluster was restored,"
            " and not backed up since. If it lives, make a backup of it. To go back to what was before that, name the"
            f" backup; the newest is {newest(manifests).id}."
        )


def plan(wanted: Wanted, manifests: Sequence[Manifest], segments: Sequence[Segment]) -> Plan:
    """Raises BackupError with the reason where it cannot be had, and the last point that can."""
    pointed = wanted.seqno is not None or wanted.at is not None
    if not wanted.backup:
        one_history(manifests, segments)
    if wanted.backup:
        last = chain(wanted.backup, manifests)[-1]
    elif wanted.seqno is not None:
        # A restored cluster begins a new history, and counts anew.
        uuid = newest(manifests).uuid
        wanted_seqno = wanted.seqno
        last = newest(
            manifests, fits=lambda each: each.uuid == uuid and bool(each.gtid) and each.seqno_of_gtid <= wanted_seqno
        )
    else:
        last = newest(manifests, wanted.at)
    if pointed and not last.gtid:
        raise BackupError(
            f"{last.id} was made without binary logs: it can be restored as it is, but to no other point."
        )
    if wanted.seqno is not None and last.seqno_of_gtid > wanted.seqno:
        raise BackupError(f"{last.id} holds {last.gtid} already, which is after sequence number {wanted.seqno}.")
    if wanted.at is not None and last.ended > wanted.at:
        raise BackupError(f"{last.id} ended at {utc(last.ended)}, which is after {utc(wanted.at)}.")
    steps: list[Step] = []
    if last.gtid and (pointed or not wanted.backup):
        steps = lead(segments, last.uuid, last.seqno_of_gtid, wanted.seqno, wanted.at)
    return Plan(chain(last.id, manifests), steps, wanted.seqno, wanted.at)


def stop_before(transactions: Sequence[Transaction], at: float) -> Transaction | None:
    """The last transaction before the first one that began at this time or later; None where that is the very first."""
    last = None
    for transaction in transactions:
        if transaction.at >= at:
            return last
        last = transaction
    return last
