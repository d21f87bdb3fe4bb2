# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: which backups and binary logs make up what is to be restored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from .binlog import Segment, Step, Transaction, lead, utc
from .branches import Branch, Branches
from .manifest import BackupError, Manifest, chain, newest


@dataclass(frozen=True)
class Wanted:
    """What an operator asks for. Nothing: the newest that there is. A backup alone: exactly that one.

    seqno: in the GTID of the last transaction that is restored. at: seconds since 1970; restored are all transactions
    before the first one that began then or later. branch: by name; unless given, that of the backup, the one that the
    cluster wrote at the time, or the current one.
    """

    backup: str = ""
    seqno: int | None = None
    at: float | None = None
    branch: str = ""


@dataclass(frozen=True)
class Plan:
    """A full backup with its incremental ones, then steps through the binary logs, up to seqno or at if one is set.

    branch: the one that they lead to, empty for the backup's own. notes: sentences on what is not in it.
    """

    chain: Sequence[Manifest]
    steps: Sequence[Step]
    seqno: int | None
    at: float | None
    branch: str = ""
    notes: Sequence[str] = field(default=(), compare=False)

    @property
    def last(self) -> Manifest:
        return self.chain[-1]

    @property
    def name(self) -> str:
        """Differs where what is restored differs."""
        start = f"{self.last.id} on {self.branch}" if self.branch else self.last.id
        if self.at is not None:
            # Not by its last binary log, which may be longer by the time it is fetched.
            return f"{start} until {self.at}"
        return f"{start} and {self.end}"

    @property
    def end(self) -> int:
        """The last sequence number in it, at most."""
        end = self.steps[-1].end if self.steps else self.last.seqno_of_gtid
        return end if self.seqno is None else self.seqno

    @property
    def pinned(self) -> Wanted:
        """What leads to this plan again, whatever has come into the repository since."""
        to_the_end = self.steps and self.seqno is None and self.at is None
        return Wanted(self.last.id, self.end if to_the_end else self.seqno, self.at, self.branch)

    @property
    def arguments(self) -> list[str]:
        """The same, for the command restore."""
        pinned = self.pinned
        until = []
        if pinned.at is not None:
            until = ["--time", datetime.fromtimestamp(pinned.at, timezone.utc).isoformat()]
        elif pinned.seqno is not None:
            until = ["--gtid", f"{self.last.gtid.rpartition('-')[0]}-{pinned.seqno}"]
        branch = ["--branch", pinned.branch] if pinned.branch else []
        return ["--backup", pinned.backup, *until, *branch]

    @property
    def newest_at(self) -> float:
        """When the newest transaction in it began, or the backup ended where there is none; seconds since 1970."""
        return max([self.last.ended, *(float(step.latest) for step in self.steps)])


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


def backups_of(
    branch: str, manifests: Sequence[Manifest], segments: Sequence[Segment], branches: Branches
) -> list[Manifest]:
    """Those that lead into a branch; some of them may have been made before it began.

    Raises BackupError where there is none, or where the newest leads to something else than the newest data: nothing
    goes on from a backup without a position.
    """
    backups = [each for each in manifests if not each.dump]
    found = [each for each in backups if branches.holds(branch, each)]
    if backups and not found:
        began = branches.get(branch).began
        raise BackupError(
            f"The branch {branch}, which began at {utc(began)}, has no backup: the cluster was restored or newly made"
            " then, or lost transactions. If the cluster lives, make a backup now. To restore what was there before"
            f" that branch, name a backup; the newest is {newest(backups).id}."
        )
    last = max(found, key=lambda each: each.ended, default=None)
    if last and not last.gtid and any(each.uuid == last.uuid and each.latest > last.ended for each in segments):
        raise BackupError(
            f"{last.id} was made without binary logs, and the archive has younger ones, which cannot go on from it. If"
            " the cluster lives, make a backup of it. To do without them, name the backup."
        )
    return found


def plan(
    wanted: Wanted, manifests: Sequence[Manifest], segments: Sequence[Segment], recorded: Sequence[Branch] = ()
) -> Plan:
    """Raises BackupError with the reason where it cannot be had, and the last point that can."""
    pointed = wanted.seqno is not None or wanted.at is not None
    branches = Branches(recorded, manifests, segments)
    branch = branches.get(wanted.branch).name if wanted.branch else ""
    if wanted.backup:
        last = chain(wanted.backup, manifests)[-1]
        branch = branch or last.uuid
        if not branches.holds(branch, last):
            raise BackupError(f"{last.id} is a backup of branch {last.uuid} and does not lead into branch {branch}.")
    else:
        branch = branch or (branches.current if wanted.at is None else branches.at(wanted.at))
        # A sequence number is looked for in one branch, since another one has it too, for another transaction.
        known = {each.id for each in backups_of(branch, manifests, segments, branches)}
        until = wanted.seqno
        last = newest(
            manifests,
            wanted.at,
            lambda each: each.id in known and (until is None or (bool(each.gtid) and each.seqno_of_gtid <= until)),
        )
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
        try:
            steps = lead(segments, branches.limits(branch), last.seqno_of_gtid, wanted.seqno, wanted.at)
        except BackupError as error:
            raise BackupError(" ".join([str(error), *_left(branch, last, branches, bool(wanted.at))])) from None
    found = Plan(chain(last.id, manifests), steps, wanted.seqno, wanted.at, branch if branch != last.uuid else "")
    return replace(found, notes=[*_left(branch, last, branches), *beside(branch, manifests, segments, branches)])


def _left(branch: str, last: Manifest, branches: Branches, timed: bool = False) -> list[str]:
    """That a branch is not the current one. timed: a time was asked for that it does not reach."""
    later = branches.left_for(branch)
    if later is None:
        return []
    common = branches.limits(branch).get(later.name, 0)
    gtid = f"{last.gtid.rpartition('-')[0]}-{common}"
    said = f"The cluster left branch {branch} at {utc(later.began)} and continued as branch {later.name}"
    said += f" after {gtid}: later transactions differ between the two." if common else "."
    if timed and common:
        said += (
            f" To restore all of branch {branch}, name the branch and no time; to restore what the cluster continued"
        )
        said += f" with, name the GTID {gtid} and no time."
    return [said]


def beside(branch: str, manifests: Sequence[Manifest], segments: Sequence[Segment], branches: Branches) -> list[str]:
    """That hosts still wrote an older branch when this one had begun: somebody may miss that."""
    began = branches.get(branch).began
    written = [(each.uuid, float(each.latest)) for each in segments] + [(each.uuid, each.ended) for each in manifests]
    older = {each.name for each in branches.order[: [each.name for each in branches.order].index(branch)]}
    found: dict[str, float] = {}
    for name, at in written:
        if name in older and at > began:
            found[name] = max(found.get(name, at), at)
    return [
        f"Branch {name} was still written at {utc(at)}, after branch {branch} had begun at {utc(began)}. Those"
        f" transactions are not restored. To restore them, name branch {name}."
        for name, at in found.items()
    ]


def stop_before(transactions: Sequence[Transaction], at: float) -> Transaction | None:
    """The last transaction before the first one that began at this time or later; None where that is the very first."""
    last = None
    for transaction in transactions:
        if transaction.at >= at:
            return last
        last = transaction
    return last
