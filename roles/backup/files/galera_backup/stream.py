# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binary logs into the repository, by one node of the cluster at a time.

The nodes agree by the repository alone. A node whose own binary log is ahead of the archive for longer than its rank
allows takes the archive over. Two that stream at once do no harm: what they store overlaps.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import children
from .archive import CLOCKS, Archive, branch_of, remember, went_back
from .binlog import MAGIC, Segment, Transaction, archived, begin, reach, transactions, utc
from .branches import uuid_of
from .manifest import BackupError
from .node import Node
from .repository import LockedError, Repository

# Seconds until a node that failed tries again.
_PAUSE = 10


@dataclass
class Followed:
    """A binary log in the spool. stored: how much of it is in the repository, as which segment."""

    path: Path
    begin: int
    stored: int = len(MAGIC)
    segment: Segment | None = None


class Stream:
    """The service of one node. stop: set when it is to end."""

    def __init__(
        self,
        config: Mapping[str, Any],
        owner: str,
        node: Node,
        repository: Repository,
        say: Callable[[str], None],
        record: Callable[[Mapping[str, float]], None],
        stop: threading.Event,
    ) -> None:
        self._config = config
        self._owner = owner
        self._node = node
        self._repository = repository
        self._say = say
        self._record = record
        self._stop = stop
        self._domain = 0
        self._spool = Path(config["directory"]) / "binlogs"
        self._gap = 0
        # The last that was archived of the branch when this node began, and when that was stored.
        self._met: Segment | None = None
        # Whether it was said that something could not be removed.
        self._kept = False

    def _tell(self, **values: float) -> None:
        self._record({"failed": 0, "gap": self._gap, **values})

    def run(self) -> None:
        """Until it is stopped: wait for its turn, and stream then."""
        said = ""
        while not self._stop.is_set():
            try:
                settings = self._node.settings()
                if not settings["binlog"]:
                    raise BackupError(
                        f"{self._node.name} writes no binary log with the cluster's GTIDs: see mariadb_binlog."
                    )
                self._domain = settings["domain"]
                if self._wait_for_turn():
                    self._follow()
                said = ""
            except BackupError as error:
                if str(error) != said:
                    self._say(str(error))
                said = str(error)
                self._tell(active=0, failed=1)
                self._stop.wait(_PAUSE)

    def _wait_for_turn(self) -> bool:
        """Whether its turn has come, by its rank; False when it is to end."""
        self._gap = 0
        takeover = float(self._config["binlog_takeover_seconds"])
        patience = takeover * (self._config["rank"] + 1)
        behind: tuple[int, float] | None = None
        known: tuple[str, int] = ("", 0)
        while not self._stop.is_set():
            uuid, own = self._node.binlog_position(self._domain)
            if uuid != known[0] or own > known[1]:
                # Asked only when there is something that it may lack: restic takes a second of CPU.
                archive, name = self._look(uuid, own)
                known = (uuid, self._end(archive, name) or self._before())
            there = known[1]
            now = time.monotonic()
            if behind and there >= behind[0]:
                behind = None
            if behind is None and own > there:
                behind = (own, now)
            lag = now - behind[1] if behind else 0.0
            self._tell(active=0, archived_sequence_number=there, lag_seconds=lag)
            if lag > patience:
                self._say(
                    f"The archive ends with {there}, and {self._node.name} has {own} since {lag:.0f} s: it takes over."
                )
                return True
            self._stop.wait(takeover / 2)
        return False

    def _before(self) -> int:
        """What no binary log of this node can have: in a history that begins with a restore, all that was restored."""
        return min((self._node.binlog_begin(file, self._domain) for file in self._node.binlogs()[:1]), default=0)

    def _look(self, uuid: str, own: int) -> tuple[Archive, str]:
        """The archive, and the name of the branch that this node writes; own: what it had before."""
        archive = Archive.read(self._repository, lenient=True)
        return branch_of(self._node, self._repository, archive, uuid, own, self._domain, self._say)

    def _end(self, archive: Archive, name: str) -> int:
        """Where the archive ends, or the gap in it begins that this node can fill; 0 where nothing is archived."""
        hole = self._hole(archive, name)
        # A node that was filled by SST has not the binary logs of before that, and left it; another one has them.
        return hole if hole and self._before() <= hole else archived(archive.segments, archive.branches.limits(name))

    @staticmethod
    def _hole(archive: Archive, name: str) -> int:
        """What the first thing follows that is missing behind the newest backup; 0 for nothing.

        A later backup makes it good.
        """
        limits = archive.branches.limits(name)
        fitting = [each for each in archive.manifests if each.gtid and archive.branches.holds(name, each)]
        if not fitting:
            return 0
        position = max(fitting, key=lambda each: each.ended).seqno_of_gtid
        reached = reach(archive.segments, limits, position)
        return reached if reached < archived(archive.segments, limits) else 0

    def _missing(self, archive: Archive, name: str) -> bool:
        """Whether no restore comes to the archive's end: there is a hole, or all backups are of other branches.

        A cluster that was newly made has no backup at all.
        """
        backups = [each for each in archive.manifests if not each.dump]
        led = any(archive.branches.holds(name, each) for each in backups)
        return bool(self._hole(archive, name) or (backups and not led))

    def _start(self, archive: Archive, name: str) -> str:
        """The newest binary log of this node that begins within the archive. Says at once where none does: a gap."""
        there = self._end(archive, name)
        self._gap = int(archive.listed.whole and self._missing(archive, name))
        self._met = archive.last(name)
        files = self._node.binlogs()
        begins = 0
        for file in reversed(files):
            begins = self._node.binlog_begin(file, self._domain)
            if there and begins <= there:
                return file
        if there:
            self._gap = 1
            self._tell(active=1)
            unless = "" if archive.listed.whole else ", unless what could not be read fills it"
            self._say(
                f"GAP{unless}: the archive ends with {there}, and the oldest binary log of {self._node.name} begins"
                f" behind {begins}. What lies between is lost for a restore to a point in time. Make a backup now."
            )
        # Where numbers were given out again within a UUID, the older ones have both.
        return files[0] if name == uuid_of(name) else files[-1]

    def _follow(self) -> None:
        uuid, own = self._node.binlog_position(self._domain)
        archive, name = self._look(uuid, own)
        file = self._start(archive, name)
        remember(self._repository, archive, name)
        children.remove_all(self._owner)
        self._spool.mkdir(mode=0o700, exist_ok=True)
        for old in self._spool.iterdir():
            old.unlink()
        self._say(f"Streaming the binary logs of {self._node.name} from {file} on.")
        followed: dict[str, Followed] = {}
        with tempfile.TemporaryFile() as told:
            with self._node.follow(file, self._spool, told) as source:
                try:
                    if self._node.binlog_position(self._domain)[0] != uuid:
                        raise BackupError(f"{self._node.name} changed its cluster UUID while the archive was read.")
                    willing = self._archive(name, followed, lambda: source.process.poll() is None)
                finally:
                    source.process.kill()
                    children.remove_all(self._owner)
            told.seek(0)
            said = told.read().decode(errors="replace")
        if not willing:
            # What it had got is as good as anything: the end of a node is when it counts.
            self._store(name, followed)
            raise BackupError(f"mariadb-binlog on {self._node.name} ended: {children.last_words(said)}")

    def _archive(self, name: str, followed: dict[str, Followed], alive: Callable[[], bool]) -> bool:
        """Store what is new, every few seconds, and once more when it is to end.

        True when it is to end, or gives way to another node; False when there is nothing to follow any more.
        """
        looked, before = time.monotonic(), 0
        while alive():
            ending = self._stop.wait(self._config["binlog_seconds"])
            self._store(name, followed)
            if ending:
                return True
            if time.monotonic() - looked > self._config["binlog_takeover_seconds"]:
                looked = time.monotonic()
                archive = Archive.read(self._repository, lenient=True)
                if archive.listed.whole:
                    self._gap = int(self._missing(archive, name))
                    if archive.branches.named(uuid_of(name)) != name:
                        self._say(
                            f"Another node has recorded a later branch than {name}: {self._node.name} starts again."
                        )
                        return True
                # It may be the one that fills the gap.
                better = self._better(name, before, archive.segments) if before and not self._gap else ""
                if better:
                    self._say(f"{better} streams as well, and comes first: {self._node.name} stands by.")
                    return True
                before = max((each.segment.end for each in followed.values() if each.segment), default=before)
        return False

    def _better(self, name: str, before: int, segments: Sequence[Segment]) -> str:
        """A node of lower rank that has archived more than this one had when it looked last: it is at work.

        More than this one has by now is not asked for: of two that are equally fast each is ahead in its turn.
        """
        ranks = {name: rank for rank, name in enumerate(self._config["ranking"])}
        mine = ranks.get(self._node.name, len(ranks))
        newer = [each.node for each in segments if each.uuid == name and each.end > before]
        return next((node for node in newer if ranks.get(node, len(ranks)) < mine), "")

    def _store(self, name: str, followed: dict[str, Followed]) -> None:
        files = sorted(self._spool.iterdir())
        for number, path in enumerate(files):
            with path.open("rb") as file:
                if path.name not in followed:
                    try:
                        followed[path.name] = Followed(path, begin(file, self._domain))
                    except BackupError:
                        if number < len(files) - 1:
                            raise
                        # Its beginning is still being written.
                        return
                self._store_one(name, followed[path.name], file)
            if number < len(files) - 1:
                # All that will ever be in it is stored.
                path.unlink()

    def _store_one(self, name: str, log: Followed, file: Any) -> None:
        new = list(transactions(file, self._domain, log.stored))
        if not new:
            return
        self._see_that_it_goes_on(name, new)
        before = log.segment
        segment = Segment(
            snapshot="",
            uuid=name,
            domain=self._domain,
            node=self._node.name,
            file=log.path.name,
            begin=log.begin,
            end=max(each.seqno for each in new),
            latest=max([each.at for each in new] + ([before.latest] if before else [])),
            size=new[-1].end,
        )
        file.seek(0)
        log.segment = self._repository.store_binlog(segment, file)
        log.stored = new[-1].end
        if before:
            self._drop(before)
        self._tell(
            active=1, archived_sequence_number=segment.end, archived_timestamp_seconds=segment.latest, lag_seconds=0
        )

    def _see_that_it_goes_on(self, name: str, new: Sequence[Transaction]) -> None:
        """Raises BackupError where this node has another transaction under a number than the archive: one that began
        after the archive had that number cannot be the one that it had.
        """
        met = self._met
        met_again = [each for each in new if met and each.seqno <= met.end]
        if not (met and met_again and met_again[-1].at > met.stored + CLOCKS):
            return
        last = met_again[-1]
        found = f"{self._node.name} has a transaction {last.seqno} that began at {utc(last.at)}"
        archive = Archive.read(self._repository)
        if archive.branches.named(uuid_of(name)) == name:
            went_back(self._repository, archive, met, self._say, found)
        raise BackupError(f"{name} is not the cluster's branch any more: {found}.")

    def _drop(self, segment: Segment) -> None:
        """What a longer copy has replaced; what cannot be dropped now is when the next backup clears up."""
        try:
            self._repository.drop([segment.snapshot])
        except LockedError:
            return
        except BackupError as error:
            if not self._kept:
                self._say(f"Shorter copies of binary logs stay. {error}")
            self._kept = True
