# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One backup, from the choice of its kind to its manifest."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import children
from .archive import Archive, branch_of, remember
from .binlog import gtid_in, superseded, unneeded
from .branches import Branches, uuid_of
from .files import read
from .manifest import BackupError, Manifest, base_for, expired, new_id, series
from .node import Node
from .repository import LockedError, Repository

DUMPS = ("schema", "logical")
# A lock that was not renewed for this long is that of a process that is gone.
_LOCK_SECONDS = 400
# How long, in backup_takeover_seconds, a node is waited for that may count rows, or removes what is too old.
_COUNTING = 12
# Seconds that operators' work on the cluster is waited for; a run that was killed leaves its lock.
_OPERATORS = 4 * 3600


def take(
    config: Mapping[str, Any], node: Node, repository: Repository, kind: str, say: Callable[[str], None]
) -> Manifest:
    """kind: full, incremental, auto (incremental where it is possible and the last full one is young enough), or one of
    DUMPS.
    """
    status = node.status()
    if status.get("wsrep_cluster_status") != "Primary" or status.get("wsrep_local_state_comment") != "Synced":
        raise BackupError(
            f"{node.name} is not Synced in the Primary Component, but {status.get('wsrep_local_state_comment')} in a"
            f" {status.get('wsrep_cluster_status')} one: it is not backed up."
        )
    settings = node.settings()
    if config.get("count_rows") and not settings["binlog"]:
        raise BackupError(
            f"backup_count_rows is set, but {node.name} writes no binary log: rows cannot be counted at a point that a"
            " restore reaches. Set mariadb_binlog as well."
        )
    if not repository.exists():
        _make(config["cluster"], node, repository, kind, say)
    began = time.time()
    dump = kind if kind in DUMPS else ""
    base = None
    uuid = status["wsrep_cluster_state_uuid"]
    position = node.binlog_position(settings["domain"])[1] if settings["binlog"] else None
    archive = Archive.read(repository, lenient=True)
    archive, branch = branch_of(node, repository, archive, uuid, position, settings["domain"], say)
    if kind in ("auto", "incremental"):
        base = base_for(
            archive.manifests, node.name, node.mark(), config["full_every"], began, branch, settings["server"]
        )
    if kind == "incremental" and base is None:
        raise BackupError(
            f"{node.name} has no backup that an incremental one could add to: the last one was made of another datadir,"
            " is not in the repository, of another branch or version, or too old. Make a full one."
        )
    identifier, image = new_id(node.name, began), node.image()
    say(f"{identifier}: {'incremental, on ' + base.id if base else f'{dump} dump' if dump else 'full'}.")
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as kept, node.workspace() as workspace:
        with node.desynced(say):
            with (
                repository.store(identifier, kept) as target,
                node.dump(dump, told) if dump else node.stream(workspace, base.to_lsn if base else 0, told) as source,
            ):
                copied = children.pipe(
                    source,
                    target,
                    ("mariadb-dump" if dump else "mariadb-backup", f"restic, storing in {repository.url},"),
                )
            # After the stream's end, so it is what the data hold or a little more.
            after = node.status()
        facts = (
            {"from_lsn": 0, "to_lsn": 0, "server": settings["server"], "gtid": ""} if dump else node.facts(workspace)
        )
    gtid = gtid_in(facts["gtid"], settings["domain"]) if settings["binlog"] else ""
    if not dump:
        _see_that_it_fits(image, facts, base, gtid, position or 0)
    counted, tables, checksums = "", {}, {}
    if config.get("count_rows") and not dump:
        counted, tables, checksums = node.count(bool(config.get("checksums")))
    other = after["wsrep_cluster_state_uuid"]
    if other != uuid:
        raise BackupError(f"{node.name} changed its cluster UUID from {uuid} to {other} during the backup.")
    manifest = Manifest(
        id=identifier,
        cluster=config["cluster"],
        uuid=branch,
        node=node.name,
        seqno=int(status["wsrep_last_committed"]),
        gtid=gtid,
        base=base.id if base else "",
        from_lsn=facts["from_lsn"],
        to_lsn=facts["to_lsn"],
        server=facts["server"],
        provider=after.get("wsrep_provider_version", ""),
        image=image,
        began=began,
        ended=time.time(),
        size=copied.size,
        datadir_size=node.datadir_size(),
        sha256=copied.sha256,
        dump=dump,
        lower_case_table_names=settings["lower_case_table_names"],
        tables=tables,
        checksums=checksums,
        counted=gtid_in(counted, settings["domain"]),
    )
    remember(repository, archive, branch)
    repository.commit(manifest)
    if not dump:
        node.set_mark(identifier)
    return manifest


def _make(cluster: str, node: Node, repository: Repository, kind: str, say: Callable[[str], None]) -> None:
    if kind != "full" and (node.mark() or repository.known()):
        raise BackupError(
            f"There is no repository at {repository.url}, though {cluster} was backed up before: it is not mounted, or"
            " gone. To begin a new one, make a full backup."
        )
    say(f"Making the repository {repository.url}.")
    repository.make()


def _see_that_it_fits(image: str, facts: Mapping[str, Any], base: Manifest | None, gtid: str, position: int) -> None:
    """position: of the last transaction in the node's binary log when the backup began; 0 where it writes none."""
    if base and facts["from_lsn"] != base.to_lsn:
        raise BackupError(f"It begins at LSN {facts['from_lsn']} instead of {base.to_lsn}, where {base.id} ends.")
    if series(facts["tool"]) != series(facts["server"]):
        raise BackupError(
            f"{image} has mariadb-backup {facts['tool']}, and the node runs MariaDB {facts['server']}: that is no"
            " backup."
        )
    if position and not gtid:
        raise BackupError(
            f"mariadb-backup wrote no GTID of the cluster down, and the node has {position} of them: no binary log"
            " could go on from it. See that all nodes have the same server_id."
        )


def wait(config: Mapping[str, Any], say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Until no operator is at work on the cluster, who needs nodes that are Synced."""
    for _ in range(_OPERATORS // 60):
        holder = read(Path(config["lock"]))
        if not holder:
            return
        say(f"Operators are at work on the cluster: {holder}")
        sleep(60)


def due(
    config: Mapping[str, Any],
    node: Node,
    repository: Repository,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether this node is the one that makes the scheduled backup. All nodes' timers go off at the same time.

    Each waits for its rank, a writer longer than all others, and looks then whether another has made it or is at it.
    """
    slot = time.time()
    rank = config["nodes"] if node.replicates(config["writer_sample"]) else config["rank"]
    if rank == config["nodes"]:
        say(f"{node.name} has the writes: it makes the backup only if no other node does.")
    uuid = node.uuid()
    sleep(rank * config["takeover_seconds"])
    waited = False
    locked = 0
    while True:
        try:
            made, others = _others(config, node.name, uuid, repository, slot)
        except LockedError as error:
            # Its backup is made, and what is too old is removed, which takes the repository for itself. Or it died.
            locked += 1
            if locked > 10 * _COUNTING:
                raise
            made, others = [], [str(error)]
        if made:
            say(f"{made[-1].node} has made the backup {made[-1].id}.")
            return False
        if others:
            say(f"{', '.join(others)} is at it.")
            sleep(config["takeover_seconds"] / 10)
            waited = True
            continue
        if not waited:
            # They may have begun while this node's turn was waited for.
            wait(config, say, sleep)
            return True
        # Its manifest may be on its way; and others that have waited for it must not begin together with this one,
        # though they did not look at the same moment.
        waited = False
        sleep((rank + 1) * config["takeover_seconds"] / 2)


def _others(
    config: Mapping[str, Any], own: str, uuid: str, repository: Repository, slot: float
) -> tuple[list[Manifest], list[str]]:
    """The backups that were made since a moment in the cluster with this UUID, and who is at another one."""
    if not repository.exists():
        return [], []
    # The timers' clocks and delays differ a little.
    since = slot - config["takeover_seconds"] / 2
    listed = repository.snapshots(lenient=True)
    recent = [each for each in repository.manifests(listed, lenient=True) if each.began >= since and not each.dump]
    # Hosts that a forced recovery gave up may still write, and back up, a branch of their own.
    made = [each for each in recent if uuid_of(each.uuid) == uuid]
    others = repository.writers(time.time(), _LOCK_SECONDS)
    if config.get("count_rows") and time.time() < slot + _COUNTING * config["takeover_seconds"]:
        # It has its stream, and counts rows; its manifest comes after that.
        theirs = ((each, at) for each, at in repository.unfinished(listed) if not each.endswith(f"-{own}"))
        others += [each for each, at in theirs if at >= since]
    return made, others


def clear(config: Mapping[str, Any], repository: Repository, say: Callable[[str], None]) -> bool:
    """Forget what is too old, streams that never got a manifest, and binary logs that no kept backup needs.

    False where that was not possible, as was said: the backup that was just made is good all the same. True also where
    others are at work: the next time is soon enough.
    """
    now = time.time()
    try:
        snapshots = repository.snapshots()
        manifests = repository.manifests(snapshots)
    except BackupError as error:
        # What is not known of may add to what is old, and go on with old binary logs.
        say(f"Nothing is forgotten. {error}")
        return isinstance(error, LockedError)
    segments = repository.binlogs(snapshots)
    branches = Branches(repository.branches(snapshots), manifests, segments)
    old = expired(
        manifests,
        config["keep_days"],
        config["keep_fulls"],
        now,
        lambda each: branches.holds(branches.current, each),
    )
    orphans = [identifier for identifier, at in repository.unfinished(snapshots) if at < now - 86400]
    kept = [manifest for manifest in manifests if manifest.id not in old]
    logs = {*superseded(segments), *unneeded(segments, branches.firsts(kept), now - config["keep_days"] * 86400)}
    logs |= set(repository.cut_short(snapshots))
    if not (old or orphans or logs):
        return True
    say(f"Forgetting {', '.join([*old, *orphans, f'{len(logs)} binary logs'])}.")
    try:
        # Locks of processes that ended half an hour ago without giving them back.
        repository.ask("unlock", "--quiet")
        if old or orphans:
            repository.forget([*old, *orphans])
        if logs:
            repository.drop(logs)
        repository.ask("prune", "--quiet")
    except BackupError as error:
        say(f"Left for the next time. {error}")
        return isinstance(error, LockedError)
    return True
