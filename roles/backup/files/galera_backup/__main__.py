# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""galera_backup: physical backups of one node into restic's repository, and back.

python3 galera_backup --config FILE COMMAND. Exit code 0: done; 1: failed, the last line says why; 2: wrong use.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from galera_backup import backup, children
from galera_backup.binlog import superseded, transactions, utc
from galera_backup.manifest import BackupError, Manifest
from galera_backup.node import Node
from galera_backup.plan import Wanted, parse_gtid, parse_time, plan
from galera_backup.repository import Repository
from galera_backup.restore import Restore
from galera_backup.stream import Stream


def say(text: str) -> None:
    print(text, flush=True)


def write(path: Path, text: str) -> None:
    """Whole at any moment."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def record(config: Mapping[str, Any], begun: float, manifest: Manifest | None, error: str) -> None:
    """How the last run ended, for the playbook and for Prometheus."""
    directory = Path(config["directory"])
    last = {"began": begun, "ended": time.time(), "error": error, "backup": asdict(manifest) if manifest else None}
    labels = f'{{cluster="{config["cluster"]}",node="{config["node"]}"}}'
    lines = [f"dbops_galera_backup_failed{labels} {int(bool(error))}"]
    if manifest:
        lines += [
            f"dbops_galera_backup_last_success_timestamp_seconds{labels} {manifest.ended:.0f}",
            f"dbops_galera_backup_size_bytes{labels} {manifest.size}",
            f"dbops_galera_backup_duration_seconds{labels} {manifest.ended - manifest.began:.1f}",
        ]
    write(directory / "last.json", json.dumps(last))
    write(directory / "backup.prom", "\n".join(lines) + "\n")


def make(config: Mapping[str, Any], owner: str, kind: str, scheduled: bool) -> None:
    node, repository = Node(config, owner), Repository(config, owner)
    with open(Path(config["directory"]) / "running", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"A backup of {node.name} is running already.") from None
        for done in node.settle():
            say(done)
        if scheduled and not backup.due(config, node, repository, say):
            return
        begun = time.time()
        try:
            manifest = backup.take(config, node, repository, kind, say)
            for dump in config["dumps"] if scheduled else []:
                backup.take(config, node, repository, dump, say)
        except BackupError as error:
            record(config, begun, None, str(error))
            raise
        record(config, begun, manifest, "")
        say(f"{manifest.id}: {manifest.size >> 20} MiB in {manifest.ended - manifest.began:.0f} s.")
        backup.clear(config, repository, say)


def point(given: argparse.Namespace) -> Wanted:
    if given.gtid and given.time:
        raise BackupError("A GTID and a time were given: name one of them.")
    return Wanted(
        given.backup,
        parse_gtid(given.gtid) if given.gtid else None,
        parse_time(given.time) if given.time else None,
    )


def restore(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """Has an owner of its own: a backup may run on the host at the same time."""
    wanted = point(given)
    repository = Repository(config, owner)
    chosen = plan(wanted, repository.manifests(), repository.binlogs())
    job = Restore(config, owner, repository, given.target, say)
    if given.check:
        job.check(chosen)
        logs = [f"{step.segment.file} of {step.segment.node} behind {step.behind}" for step in chosen.steps]
        chain = [manifest.id for manifest in chosen.chain]
        say(json.dumps({"chain": chain, "binlogs": logs, "plan": chosen.name, "arguments": chosen.arguments}))
        return
    with open(f"{given.target}.lock", "w", encoding="utf-8") as lock:
        # One that an operator's broken-off run left at work: its end is waited for.
        fcntl.flock(lock, fcntl.LOCK_EX)
        children.remove_all(owner)
        job.run(chosen)


def statements(config: Mapping[str, Any], owner: str, since: float) -> None:
    """The statements in the archived binary logs, with their GTIDs. To be restored is the one before a mistake."""
    repository = Repository(config, owner)
    segments = repository.binlogs()
    unwanted = set(superseded(segments))
    told = set()
    for segment in sorted(segments, key=lambda each: (each.latest, each.end)):
        if segment.snapshot in unwanted or segment.latest < since:
            continue
        with tempfile.TemporaryFile() as file:
            repository.fetch_binlog(segment, file)
            for each in transactions(file, segment.domain):
                if each.statement and each.at >= since and (segment.uuid, each.seqno) not in told:
                    told.add((segment.uuid, each.seqno))
                    say(f"{segment.domain}-{each.server}-{each.seqno}  {utc(each.at)}  {each.statement}")


def fetch(repository: Repository, identifier: str, target: Path) -> None:
    manifest = next((each for each in repository.manifests() if each.id == identifier), None)
    if manifest is None or not manifest.dump:
        raise BackupError(f"The repository has no dump {identifier}.")
    new = target.with_name(f"{target.name}.new")
    new.touch(mode=0o600)
    with new.open("wb") as file, tempfile.TemporaryFile() as said, repository.fetch(identifier, said) as source:
        copied = children.Copied()
        copied.copy(source.output, file, lambda _: None)
        source.end(f"Fetching {identifier} from {repository.url}")
    if copied.sha256 != manifest.sha256:
        raise BackupError(f"{identifier} is not what was stored: its SHA-256 differs from its manifest's.")
    new.replace(target)
    say(f"{target}: {manifest.dump} dump of {manifest.cluster}, {copied.size} bytes.")


def stream(config: Mapping[str, Any], owner: str) -> None:
    def record_stream(values: Mapping[str, float]) -> None:
        labels = f'{{cluster="{config["cluster"]}",node="{config["node"]}"}}'
        lines = [f"dbops_galera_binlog_{name}{labels} {value:.0f}" for name, value in values.items()]
        write(Path(config["directory"]) / "binlog.prom", "\n".join(lines) + "\n")

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    node, repository = Node(config, owner), Repository(config, owner)
    Stream(config, owner, node, repository, say, record_stream, stop).run()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="galera_backup", description=__doc__)
    parser.add_argument("--config", required=True, type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make a backup")
    run.add_argument("--kind", choices=["auto", "full", "incremental", *backup.DUMPS], default="auto")
    run.add_argument("--scheduled", action="store_true", help="only when this node's turn comes")
    commands.add_parser("settle", help="make good what a killed run left")
    commands.add_parser("stream", help="archive binary logs, whenever it is this node's turn, until SIGTERM")
    commands.add_parser("settle-stream", help="make good what a killed stream left")
    fetch = commands.add_parser("fetch", help="a dump, to the file it is loaded from")
    fetch.add_argument("--backup", required=True, help="id")
    fetch.add_argument("--to", required=True, type=Path)
    told = commands.add_parser("statements", help="the statements, such as DROP TABLE, in the archived binary logs")
    told.add_argument("--since", default="1970-01-01", help="ISO 8601")
    commands.add_parser("list", help="the manifests, as JSON")
    commands.add_parser("check", help="read the whole repository and verify it")
    restore = commands.add_parser("restore", help="make a datadir")
    restore.add_argument("--target", required=True, type=Path)
    restore.add_argument("--backup", default="", help="id; the newest unless given")
    restore.add_argument("--gtid", default="", help="of the last transaction that is restored")
    restore.add_argument("--time", default="", help="ISO 8601: what began before it is restored")
    restore.add_argument("--check", action="store_true", help="say what would be restored, and whether it could be")
    return parser.parse_args()


def run(given: argparse.Namespace) -> None:
    config = json.loads(given.config.read_text(encoding="utf-8"))
    # Two clusters may share a host, and all share the repository.
    owner = f"{config['cluster']}.{config['node']}"
    if given.command == "run":
        make(config, owner, given.kind, given.scheduled)
    elif given.command == "settle":
        for done in Node(config, owner).settle():
            say(done)
    elif given.command == "stream":
        stream(config, f"{owner}-binlog")
    elif given.command == "settle-stream":
        children.remove_all(f"{owner}-binlog")
    elif given.command == "restore":
        restore(config, f"{owner}-restore", given)
    else:
        repository = Repository(config, f"{owner}-{given.command}")
        if given.command == "statements":
            statements(config, f"{owner}-statements", parse_time(given.since))
        elif given.command == "fetch":
            fetch(repository, given.backup, given.to)
        elif given.command == "list":
            say(json.dumps([asdict(manifest) for manifest in repository.manifests()]))
        else:
            repository.ask("check", "--read-data")
            say(f"{repository.url}: every pack was read and is what was stored.")


def main() -> None:
    try:
        run(parse())
    except BackupError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
