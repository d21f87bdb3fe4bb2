# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: the branches of a cluster's history, in the order in which they began, and how far two of them are the same.

A branch is what a cluster writes under one UUID. A restore and a forced recovery begin one. Its sequence numbers go on
from a point in the branch before it, so behind that point the same number is another transaction in each of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .binlog import ALL, Segment
from .manifest import BackupError, Manifest


def uuid_of(name: str) -> str:
    """The cluster's UUID of a branch."""
    return name.partition(".")[0]


@dataclass(frozen=True)
class Branch:
    """A record in the repository, or what backups and binary logs without one tell.

    name: the cluster's UUID; with a number behind a dot where the cluster lost transactions and kept its UUID.
    began: seconds since 1970. parent: the branch that it left, empty where that is not known. seqno: of the last
    transaction that both have, or of an earlier one; 0 where that is not known.
    """

    name: str
    began: float
    parent: str = ""
    seqno: int = 0

    def tags(self) -> list[str]:
        known = [f"parent={self.parent}", f"seqno={self.seqno}"] if self.parent else []
        return ["branch", f"uuid={self.name}", f"began={self.began:.0f}", *known]

    @classmethod
    def from_tags(cls, snapshot: str, tags: Iterable[str]) -> Branch:
        told: Mapping[str, str] = dict(tag.split("=", 1) for tag in tags if "=" in tag)
        try:
            return cls(told["uuid"], float(told["began"]), told.get("parent", ""), int(told.get("seqno", 0)))
        except (KeyError, ValueError) as error:
            raise BackupError(f"The snapshot {snapshot} does not say which branch it is of ({error}).") from error


def _merged(one: Branch, other: Branch) -> Branch:
    """Of two records of a branch: a node that was filled by SST, or has no record of its own, knows less of it."""
    if bool(one.parent) != bool(other.parent):
        return one if one.parent else other
    known = [each.seqno for each in (one, other) if each.seqno]
    return Branch(one.name, min(one.began, other.began), one.parent, min(known, default=0))


class Branches:
    """recorded: the repository's records. Backups and binary logs of an older version have none."""

    def __init__(
        self, recorded: Iterable[Branch], manifests: Iterable[Manifest] = (), segments: Iterable[Segment] = ()
    ) -> None:
        self.recorded: dict[str, Branch] = {}
        for each in recorded:
            self.recorded[each.name] = _merged(self.recorded.get(each.name, each), each)
        found = dict(self.recorded)
        for name, at in [(each.uuid, each.began) for each in manifests]:
            # It was seen for the first time later than it began, unless a forced recovery wrote down when.
            seen = found.setdefault(name, Branch(name, at))
            if not seen.parent:
                found[name] = Branch(name, min(seen.began, at))
        # Binary logs may hold what is older than the branch, so its record and its backups know better.
        for segment in sorted(segments, key=lambda each: each.latest):
            found.setdefault(segment.uuid, Branch(segment.uuid, segment.latest))
        self._known = found
        self.order = sorted(found.values(), key=self._rank)

    def _rank(self, branch: Branch) -> tuple[float, int]:
        """By its time, and never before a branch that it left, whatever the clocks said."""
        line = [self._known[name] for name, _ in self._line(branch.name) if name in self._known]
        return max(each.began for each in line), len(line)

    def _line(self, name: str) -> Iterator[tuple[str, int]]:
        """A branch and those that it comes from, each with the last sequence number that it has of them."""
        limit = ALL
        seen: set[str] = set()
        while name and limit and name not in seen:
            seen.add(name)
            yield name, limit
            branch = self._known.get(name, Branch(name, 0))
            name, limit = branch.parent, min(limit, branch.seqno)

    @property
    def current(self) -> str:
        """The one that began last; empty where there is none."""
        return self.order[-1].name if self.order else ""

    def at(self, time: float) -> str:
        """The one that the cluster wrote at a time, seconds since 1970; empty where there is none."""
        begun = [each for each in self.order if each.began <= time] or self.order[:1]
        return begun[-1].name if begun else ""

    def get(self, name: str) -> Branch:
        """Raises BackupError where it is not known."""
        if name not in self._known:
            known = ", ".join(each.name for each in self.order) or "none"
            raise BackupError(f"The repository knows no branch {name}. It knows: {known}.")
        return self._known[name]

    def named(self, uuid: str) -> str:
        """The branch that a cluster with this UUID writes."""
        return next((each.name for each in reversed(self.order) if uuid_of(each.name) == uuid), uuid)

    def following(self, uuid: str) -> str:
        """A name for the branch that a cluster begins within its UUID."""
        return f"{uuid}.{sum(uuid_of(each.name) == uuid for each in self.order) + 1}"

    def left_for(self, name: str) -> Branch | None:
        """The first branch that began after this one."""
        names = [each.name for each in self.order]
        later = self.order[names.index(name) + 1 :] if name in names else []
        return later[0] if later else None

    def limits(self, name: str) -> dict[str, int]:
        """The branches that a branch has something in common with, itself included, and up to which sequence number."""
        mine = dict(self._line(name))
        found = {name: ALL}
        for other in self._known:
            common = next((min(limit, mine[each]) for each, limit in self._line(other) if each in mine), 0)
            if common:
                found[other] = common
        return found

    def origin(self, name: str, seqno: int) -> str:
        """The branch in which a transaction was written first, as far as that is known."""
        return next((each for each, limit in reversed(list(self._line(name))) if seqno <= limit), name)

    def holds(self, name: str, manifest: Manifest) -> bool:
        """Whether what is in a backup is what a branch had at that point."""
        return manifest.uuid == name or 0 < manifest.seqno_of_gtid <= self.limits(name).get(manifest.uuid, 0)

    def firsts(self, kept: Iterable[Manifest]) -> dict[str, int]:
        """From which sequence number on each branch's binary logs go on from one of these backups."""
        found: dict[str, int] = {}
        for manifest in (each for each in kept if each.gtid):
            for name in {manifest.uuid, *self._known}:
                if self.holds(name, manifest):
                    found[name] = min(found.get(name, ALL), manifest.seqno_of_gtid)
        return found
