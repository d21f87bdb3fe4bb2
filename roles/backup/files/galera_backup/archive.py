# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repository holds of a cluster, as of one look, and the record of the branch that a node writes.

A branch has a record before its first binary log or backup is stored: the archive alone is to tell, once all hosts are
lost, which branch came last and what it has in common with the one before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .binlog import Segment
from .branches import Branch, Branches, uuid_of
from .manifest import Manifest
from .node import Node
from .repository import Repository, Snapshots

# Seconds that the clocks of two hosts may differ, as the role's checks have it.
CLOCKS = 5


@dataclass(frozen=True)
class Archive:
    listed: Snapshots
    manifests: Sequence[Manifest]
    segments: Sequence[Segment]
    branches: Branches

    @classmethod
    def read(cls, repository: Repository, lenient: bool = False) -> Archive:
        """lenient: what cannot be read is named, and left out."""
        listed = repository.snapshots(lenient)
        manifests, segments = repository.manifests(listed, lenient), repository.binlogs(listed)
        return cls(listed, manifests, segments, Branches(repository.branches(listed), manifests, segments))

    def last(self, branch: str) -> Segment | None:
        """What reaches farthest of a branch under its own name."""
        return max((each for each in self.segments if each.uuid == branch), key=lambda each: each.end, default=None)


def branch_of(
    node: Node,
    repository: Repository,
    archive: Archive,
    uuid: str,
    position: int | None,
    domain: int,
    say: Callable[[str], None],
) -> tuple[Archive, str]:
    """The name of the branch that a node writes, and the archive with a record of what the host knows of it.

    position: of the node's last transaction before the repository was read; None where it writes no binary logs. Where
    the cluster has less than the archive, under the same UUID, it gives the same numbers to other transactions: what it
    writes from then on is a branch of its own.
    """
    if not archive.listed.whole:
        # A record may be among what could not be read.
        return archive, archive.branches.named(uuid)
    begun = _begun(node, archive, uuid, domain if position is not None else None)
    if begun:
        repository.begin(begun)
        archive = Archive.read(repository, lenient=True)
    name = archive.branches.named(uuid)
    last = archive.last(name)
    if last is None or position is None or position >= last.end or node.started() < last.stored - CLOCKS:
        # What was running when it was archived has lost nothing since.
        return archive, name
    # It may only be behind the node that was archived from.
    there = node.caught_up(domain)
    if there is None or there[0] != uuid or there[1] >= last.end:
        return archive, name
    name = went_back(repository, archive, last, say, f"the cluster has sequence number {there[1]}")
    return Archive.read(repository, lenient=True), name


def _begun(node: Node, archive: Archive, uuid: str, domain: int | None) -> Branch | None:
    """The record of a branch that a forced recovery began, where this host knows more of it than the repository."""
    told, known = node.branch(uuid), archive.branches.recorded.get(uuid)
    if told is None:
        return None
    parent = archive.branches.named(told.parent) if told.parent else ""
    seqno = node.last_before(told.began, domain) if parent and domain is not None else 0
    more = known is None or bool(parent and not known.parent) or bool(seqno and not known.seqno)
    return Branch(uuid, told.began, parent, seqno) if more else None


def went_back(repository: Repository, archive: Archive, last: Segment, say: Callable[[str], None], found: str) -> str:
    """Begin a branch within a cluster's UUID; its name. last: what was archived; found: what the cluster has."""
    new = archive.branches.following(uuid_of(last.uuid))
    repository.begin(Branch(new, time.time(), last.uuid))
    say(
        f"LOST: the archive of {last.uuid} ends with {last.end}, but {found}: the cluster has lost transactions, and"
        f" gives their numbers to others. From now on it is archived as branch {new}, into which no backup leads: make"
        " a backup now."
    )
    return new


def remember(repository: Repository, archive: Archive, name: str) -> None:
    """Record a branch of which nothing is known but that it is there."""
    if name not in archive.branches.recorded:
        repository.begin(Branch(name, time.time()))
