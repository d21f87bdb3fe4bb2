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
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from galera_backup import backup, children, drills
from galera_backup.manifest import BackupError, Manifest, chain, newest
from galera_backup.node import Node
from galera_backup.repository import Repository
from galera_backup.restore import Restore


def say(text: str) -> None:
    print(text, flush=True)


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
    for name, text in (("last.json", json.dumps(last)), ("backup.prom", "\n".join(lines) + "\n")):
        new = directory / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(directory / name)


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
        except BackupError as error:
            record(config, begun, None, str(error))
            raise
        record(config, begun, manifest, "")
        say(f"{manifest.id}: {manifest.size >> 20} MiB in {manifest.ended - manifest.began:.0f} s.")
        backup.clear(config, repository, say)


def restore(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """Has an owner of its own: a backup may run on the host at the same time."""
    repository = Repository(config, owner)
    manifests = repository.manifests()
    wanted = chain(given.backup or newest(manifests).id, manifests)
    job = Restore(config, owner, repository, given.target, say)
    if given.check:
        job.check(wanted)
        say(json.dumps({"chain": [manifest.id for manifest in wanted]}))
        return
    with open(f"{given.target}.lock", "w", encoding="utf-8") as lock:
        # One that an operator's broken-off run left at work: its end is waited for.
        fcntl.flock(lock, fcntl.LOCK_EX)
        children.remove_all(owner)
        job.run(wanted)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="galera_backup", description=__doc__)
    parser.add_argument("--config", required=True, type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make a backup")
    run.add_argument("--kind", choices=["auto", "full", "incremental"], default="auto")
    run.add_argument("--scheduled", action="store_true", help="only when this node's turn comes")
    commands.add_parser("settle", help="make good what a killed run left")
    commands.add_parser("list", help="the manifests, as JSON")
    commands.add_parser("check", help="read the whole repository and verify it")
    restore = commands.add_parser("restore", help="make a datadir")
    restore.add_argument("--target", required=True, type=Path)
    restore.add_argument("--backup", default="", help="id; the newest unless given")
    restore.add_argument("--check", action="store_true", help="say what would be restored, and whether it could be")
    drill = commands.add_parser("drill", help="restore the newest backup of each cluster into a throw-away server")
    drill.add_argument("--only", nargs="+", default=[], metavar="CLUSTER")
    drill.add_argument("--record", type=Path, help="a file that gets the results of this run, as JSON")
    commands.add_parser("settle-drills", help="remove what killed drills left")
    return parser.parse_args()


def run(given: argparse.Namespace) -> None:
    config = json.loads(given.config.read_text(encoding="utf-8"))
    if given.command == "drill":
        secrets = json.loads(given.config.with_name("secrets.json").read_text(encoding="utf-8"))
        drills.run(config, secrets, given.only, given.record, say)
        return
    if given.command == "settle-drills":
        drills.settle(config, say)
        return
    # Two clusters may share a host, and all share the repository.
    owner = f"{config['cluster']}.{config['node']}"
    if given.command == "run":
        make(config, owner, given.kind, given.scheduled)
    elif given.command == "settle":
        for done in Node(config, owner).settle():
            say(done)
    elif given.command == "restore":
        restore(config, f"{owner}-restore", given)
    else:
        repository = Repository(config, f"{owner}-{given.command}")
        if given.command == "list":
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
