# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what is known of a backup, which backups make up a restore, and which are no longer to be kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone

FORMAT = 1
_GTID = re.compile(r"GTID of the last change '([^']*)'")


class BackupError(Exception):
    """A failure, as a sentence for the operator."""


@dataclass(frozen=True)
class Manifest:
    """One backup. It counts only once its manifest stands in the repository, which comes last.

    id: UTC time of its begin and the node, such as 20260131T020000Z-mariadb3. uuid: the name of its branch. base: id of
    the backup that an incremental one adds to, empty for a full one. seqno: at least what the data hold. from_lsn and
    to_lsn: InnoDB's log sequence numbers of this node's own datadir. size: bytes of the stream; sha256: of the stream.
    dump: schema or logical for what mariadb-dump wrote, empty for what mariadb-backup did.
    gtid: of the last transaction in the data, empty without binary logs. tables and checksums: rows of each table and
    what CHECKSUM TABLE says, where that was asked for, once the transaction counted, a little later, is there too.
    """

    id: str
    cluster: str
    uuid: str
    node: str
    seqno: int
    gtid: str
    base: str
    from_lsn: int
    to_lsn: int
    server: str
    provider: str
    image: str
    began: float
    ended: float
    size: int
    datadir_size: int
    sha256: str
    lower_case_table_names: int = 0
    dump: str = ""
    tables: Mapping[str, int] = field(default_factory=dict)
    checksums: Mapping[str, int] = field(default_factory=dict)
    counted: str = ""
    format: int = FORMAT

    @property
    def seqno_of_gtid(self) -> int:
        """0 without binary logs."""
        return int(self.gtid.rpartition("-")[2] or 0)

    @property
    def domain(self) -> int:
        return int(self.gtid.partition("-")[0] or 0)

    @property
    def full(self) -> bool:
        return not self.base

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Raises BackupError where the text is no manifest that this version can read."""
        try:
            read = json.loads(text)
            if read["format"] != FORMAT:
                raise BackupError(
                    f"The manifest of {read['id']} has format {read['format']}; this version reads {FORMAT}."
                )
            return cls(**read)
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError(f"This is no manifest of a backup ({error}): {text[:80]!r}.") from error


def series(version: str) -> str:
    """Major and minor number, such as 10.11."""
    found = re.search(r"\d+\.\d+", version)
    if not found:
        raise BackupError(f"'{version}' is no version of MariaDB.")
    return found[0]


def new_id(node: str, now: float) -> str:
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ-") + node


def parse_facts(text: str) -> dict[str, str]:
    """The lines `key = value` of mariadb-backup's checkpoints and info files."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def gtid_of(facts: Mapping[str, str]) -> str:
    """The GTID in the info file; empty where the server writes no binary log."""
    found = _GTID.search(facts.get("binlog_pos", ""))
    return found[1] if found else ""


def base_for(
    manifests: Iterable[Manifest], node: str, mark: str, fulls_every: float, now: float, uuid: str, server: str
) -> Manifest | None:
    """What an incremental backup of this node adds to, or None: then it has to be a full one.

    LSNs are a datadir's own. mark is the id that the last backup left in it; an SST takes it away with all else.
    fulls_every: seconds from one full backup to the next. uuid, server: the branch and the version that the node has
    now.
    """
    known = {manifest.id: manifest for manifest in manifests}
    last = known.get(mark)
    if last is None or last.node != node or last.uuid != uuid or series(last.server) != series(server):
        return None
    try:
        first = chain(last.id, known.values())[0]
    except BackupError:
        return None
    return last if now - first.began < fulls_every else None


def chain(wanted: str, manifests: Iterable[Manifest]) -> list[Manifest]:
    """The full backup and the incremental ones that together are the wanted one, in the order of a restore.

    Raises BackupError where one of them is missing or does not fit on the one before.
    """
    known = {manifest.id: manifest for manifest in manifests}
    found: list[Manifest] = []
    needed, by = wanted, ""
    while needed:
        if needed not in known:
            missing = f"The repository has no backup {needed}"
            raise BackupError(f"{missing}, which {by} adds to: {by} cannot be restored." if by else f"{missing}.")
        if needed in (manifest.id for manifest in found):
            raise BackupError(f"The backup {needed} adds to itself: its manifest is wrong.")
        found.append(known[needed])
        needed, by = known[needed].base, needed
    if found[0].dump:
        raise BackupError(
            f"{wanted} is a {found[0].dump} dump: have it written to a file with galera_backup fetch, and load that."
        )
    found.reverse()
    for earlier, later in zip(found, found[1:]):
        if earlier.to_lsn != later.from_lsn or earlier.node != later.node or earlier.uuid != later.uuid:
            raise BackupError(
                f"The backup {later.id} begins at LSN {later.from_lsn} of {later.node}, and {earlier.id} ends at"
                f" {earlier.to_lsn} of {earlier.node}: they do not fit on each other."
            )
        if series(earlier.server) != series(later.server):
            raise BackupError(
                f"{later.id} was made by MariaDB {series(later.server)}, and {earlier.id}, which it adds to, by"
                f" {series(earlier.server)}: no image can prepare both."
            )
    return found


def newest(
    manifests: Iterable[Manifest], before: float | None = None, fits: Callable[[Manifest], bool] = lambda _: True
) -> Manifest:
    """The newest backup that can be restored; before: only of what had ended by this time (seconds since 1970)."""
    known = list(manifests)
    reasons = []
    for manifest in sorted(known, key=lambda each: each.ended, reverse=True):
        if manifest.dump or not fits(manifest) or (before is not None and manifest.ended > before):
            continue
        try:
            chain(manifest.id, known)
        except BackupError as error:
            reasons.append(str(error))
            continue
        return manifest
    until = f" that had ended by {datetime.fromtimestamp(before, timezone.utc):%Y-%m-%d %H:%M:%S} UTC" if before else ""
    raise BackupError(" ".join([f"The repository has no backup{until} that can be restored.", *reasons]))


def expired(
    manifests: Sequence[Manifest],
    keep_days: float,
    keep_fulls: int,
    now: float,
    current: Callable[[Manifest], bool] = lambda _: True,
) -> list[str]:
    """The ids of backups that are older than keep_days, oldest first.

    What a backup that is kept adds to is kept, and the newest one and the newest keep_fulls full ones are, whatever
    their age. So are those of the current branch, which hosts that still write an older one do not push out.
    """
    keep = {manifest.id for manifest in manifests if now - manifest.ended <= keep_days * 86400}
    backups = sorted((each for each in manifests if not each.dump), key=lambda each: each.ended)
    for known in (backups, [each for each in backups if current(each)]):
        keep |= {each.id for each in known[-1:]}
        keep |= {each.id for each in [each for each in known if each.full][-keep_fulls:]} if keep_fulls else set()
    bases = {manifest.id: manifest.base for manifest in manifests}
    for name in list(keep):
        needed = bases.get(name)
        while needed:
            keep.add(needed)
            needed = bases.get(needed)
    return [manifest.id for manifest in sorted(manifests, key=lambda each: each.ended) if manifest.id not in keep]
