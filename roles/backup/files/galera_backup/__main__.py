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
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from galera_backup import backup, children, drills
from galera_backup.archive import Archive
from galera_backup.binlog import superseded, transactions, utc
from galera_backup.files import read, write
from galera_backup.manifest import BackupError, Manifest
from galera_backup.node import Node
from galera_backup.plan import Plan, Wanted, parse_gtid, parse_time, plan
from galera_backup.repository import Repository
from galera_backup.restore import Restore
from galera_backup.server import Server
from galera_backup.stream import Stream

# Arguments: the file, the database, and the table if it is one.
_DUMP = """
file=$1
shift
mariadb-dump --no-defaults --socket=/restore/run/sock --user=root --routines --events "$@" >"/restore/$file"
"""

# Seconds from one look at what the program works by to the next.
_HEED = 5
_RUNNING = "A backup is running still, or was killed together with its host."


def say(text: str) -> None:
    print(text, flush=True)


def metrics(config: Mapping[str, Any], suffix: str = "") -> Path:
    """The file for node_exporter's textfile collector; called as the unit is."""
    return Path(config["textfile_directory"]) / f"galera-backup-{config['node']}{suffix}.prom"


def last(config: Mapping[str, Any]) -> dict[str, Any]:
    """How the last run ended. backup: the manifest of the last one that was good, made by this node."""
    path = Path(config["directory"]) / "last.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {"error": "", "backup": None}


def record(
    config: Mapping[str, Any], error: str, manifest: Manifest | None = None, cleared: bool | None = None
) -> None:
    """For the playbook, and where the run has ended, for Prometheus.

    cleared: whether what is too old is gone; None where this run did not come to that.
    """
    before = last(config)
    good = asdict(manifest) if manifest else before["backup"]
    cleared = before.get("cleared", True) if cleared is None else cleared
    facts = {"at": time.time(), "error": error, "backup": good, "cleared": cleared}
    write(Path(config["directory"]) / "last.json", json.dumps(facts))
    if error == _RUNNING:
        return
    labels = f'{{cluster="{config["cluster"]}",node="{config["node"]}"}}'
    lines = [
        f"dbops_galera_backup_failed{labels} {int(bool(error))}",
        f"dbops_galera_backup_clear_failed{labels} {int(not cleared)}",
    ]
    if good:
        lines += [
            f"dbops_galera_backup_last_success_timestamp_seconds{labels} {good['ended']:.0f}",
            f"dbops_galera_backup_size_bytes{labels} {good['size']}",
            f"dbops_galera_backup_duration_seconds{labels} {good['ended'] - good['began']:.1f}",
        ]
    write(metrics(config), "\n".join(lines) + "\n")


@contextmanager
def alone(config: Mapping[str, Any]) -> Iterator[bool]:
    """Whether no other process makes a backup of this node."""
    with open(Path(config["directory"]) / "running", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def wait(config: Mapping[str, Any], _: str, __: argparse.Namespace) -> None:
    backup.wait(config, say)


def make(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    node, repository = Node(config, owner), Repository(config, owner)
    manifest = None
    with alone(config) as free:
        if not free:
            raise BackupError(f"A backup of {node.name} is running already.")
        try:
            for done in node.settle():
                say(done)
            if given.scheduled and not backup.due(config, node, repository, say):
                record(config, "")
                return
            record(config, _RUNNING)
            manifest = backup.take(config, node, repository, given.kind, say)
            say(f"{manifest.id}: {manifest.size >> 20} MiB in {manifest.ended - manifest.began:.0f} s.")
            for dump in config["dumps"] if given.scheduled else []:
                backup.take(config, node, repository, dump, say)
            cleared = backup.clear(config, repository, say)
        except Exception as error:
            # What nobody thought of is a failure as well.
            said = str(error) if isinstance(error, BackupError) else f"{type(error).__name__}: {error}"
            record(config, said, manifest)
            raise
        record(config, "", manifest, cleared)


def point(given: argparse.Namespace) -> Wanted:
    if given.gtid and given.time:
        raise BackupError("A GTID and a time were given: name one of them.")
    return Wanted(
        given.backup,
        parse_gtid(given.gtid) if given.gtid else None,
        parse_time(given.time) if given.time else None,
        given.branch,
    )


def planned(repository: Repository, wanted: Wanted) -> Plan:
    """Where the backup is named, nothing is chosen by what can be read: it need not be all."""
    archive = Archive.read(repository, lenient=bool(wanted.backup))
    return plan(wanted, archive.manifests, archive.segments, list(archive.branches.recorded.values()))


def restore(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """Has an owner of its own: a backup may run on the host at the same time."""
    leave_in_order()
    wanted = point(given)
    repository = Repository(config, owner)
    job = Restore(config, owner, repository, given.target, say)
    begun = job.begun()
    if begun and wanted in (Wanted(), replace(begun, backup=""), replace(begun, backup="", branch="")):
        # The cluster may have been written to since; another restore would set that aside.
        wanted = begun
    chosen = planned(repository, wanted)
    if given.check:
        job.check(chosen)
        logs = [f"{step.segment.file} of {step.segment.node} behind {step.behind}" for step in chosen.steps]
        chain = [manifest.id for manifest in chosen.chain]
        told = {"chain": chain, "binlogs": logs, "plan": chosen.name, "arguments": chosen.arguments}
        told["notes"] = list(chosen.notes)
        say(json.dumps({**told, "datadir_mb": chosen.last.datadir_size >> 20, "begun": begun == chosen.pinned}))
        return
    with open(f"{given.target}.lock", "w", encoding="utf-8") as lock:
        # One that an operator's broken-off run left at work: its end is waited for.
        fcntl.flock(lock, fcntl.LOCK_EX)
        children.remove_all(owner)
        job.run(chosen)


def leave_in_order() -> None:
    """What a command begun by hand had at work ends with it; else restic would keep its lock."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("It was broken off."))


def scratch(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """A server of its own on what was restored, until SIGTERM, and one database or table of it as a file of SQL."""
    stop = stopped()
    repository = Repository(config, owner)
    chosen = planned(repository, point(given))
    children.remove_all(owner)
    for note in chosen.notes:
        say(note)
    # Beside nodes of another version, too.
    config = {**config, "image": chosen.last.image}
    Restore(config, owner, repository, given.target, say).run(chosen)
    with Server(config, owner, given.target, chosen.last.lower_case_table_names) as server:
        file = given.target / f"{given.only}.sql"
        file.touch(mode=0o600)
        server.shell(_DUMP, file.name, *given.only.split(".", 1), what=f"Dumping {given.only}")
        write(given.target / "scratch.json", json.dumps({"file": str(file), "socket": str(server.socket)}))
        say(f"{given.only} is in {file}; the server answers at {server.socket}.")
        stop.wait()


def stopped() -> threading.Event:
    """Set by SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def statements(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """The statements in the archived binary logs, with their GTIDs. To be restored is the one before a mistake."""
    since = parse_time(given.since)
    leave_in_order()
    children.remove_all(owner)
    repository = Repository(config, owner)
    # Whoever reads them is told what is missing, and decides.
    archive = Archive.read(repository, lenient=True)
    unwanted = set(superseded(archive.segments))
    current = archive.branches.limits(archive.branches.current)
    told = set()
    for segment in sorted(archive.segments, key=lambda each: (each.latest, each.end)):
        if segment.snapshot in unwanted or segment.latest < since:
            continue
        with tempfile.TemporaryFile() as file:
            repository.fetch_binlog(segment, file)
            for each in transactions(file, segment.domain):
                branch = archive.branches.origin(segment.uuid, each.seqno)
                if each.statement and each.at >= since and (branch, each.seqno) not in told:
                    told.add((branch, each.seqno))
                    gtid = f"{segment.domain}-{each.server}-{each.seqno}"
                    # A GTID is one of the current branch unless another one is named.
                    where = "" if each.seqno <= current.get(branch, 0) else f"  (branch {branch})"
                    say(f"{gtid}  {utc(each.at)}  {each.statement}{where}")


def branches(config: Mapping[str, Any], owner: str, _: argparse.Namespace) -> None:
    """One a line, in the order in which they began; a restore goes by the last one unless told."""
    archive = Archive.read(Repository(config, owner), lenient=True)
    for branch in archive.branches.order:
        last = archive.last(branch.name)
        backups = [each for each in archive.manifests if each.uuid == branch.name and not each.dump]
        said = [f"{branch.name}  {utc(branch.began)}"]
        if branch.parent:
            said.append(f"from {branch.parent} at {branch.seqno or 'an unknown number'}")
        said.append(f"{len(backups)} backup{'s' * (len(backups) != 1)}")
        said.append(f"binary logs up to {last.end} ({utc(last.latest)})" if last else "no binary logs")
        say(", ".join(said))


def settle(config: Mapping[str, Any], owner: str, _: argparse.Namespace) -> None:
    """After each run. Another one that is at work, by the timer or by hand, is left alone."""
    with alone(config) as free:
        if not free:
            return
        if last(config)["error"] == _RUNNING:
            record(config, "The backup was killed before its end.")
        for done in Node(config, owner).settle():
            say(done)


def show(config: Mapping[str, Any], owner: str, _: argparse.Namespace) -> None:
    say(json.dumps([asdict(manifest) for manifest in Repository(config, owner).manifests(lenient=True)]))


def restic(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    """What only a person decides on, such as to repair packs or to remove a lock at once."""
    repository = Repository(config, owner)
    command = repository.command(repository.name("restic"), *given.arguments)
    sys.exit(subprocess.run(command, check=False).returncode)


def check(config: Mapping[str, Any], owner: str, _: argparse.Namespace) -> None:
    repository = Repository(config, owner)
    failed = 1
    try:
        repository.check()
        failed = 0
    finally:
        labels = f'{{cluster="{config["cluster"]}",node="{config["node"]}"}}'
        lines = [f"dbops_galera_check_failed{labels} {failed}"]
        lines += [f"dbops_galera_check_timestamp_seconds{labels} {time.time():.0f}"]
        write(metrics(config, "-check"), "\n".join(lines) + "\n")
    say(f"{repository.url}: every pack was read and is what was stored.")


def fetch(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    leave_in_order()
    children.remove_all(owner)
    repository, target = Repository(config, owner), given.to
    manifest = next((each for each in repository.manifests(lenient=True) if each.id == given.backup), None)
    if manifest is None or not manifest.dump:
        raise BackupError(f"The repository has no dump {given.backup}.")
    new = target.with_name(f"{target.name}.new")
    new.touch(mode=0o600)
    with new.open("wb") as file, tempfile.TemporaryFile() as said, repository.fetch(manifest.id, said) as source:
        copied = children.Copied()
        copied.copy(source.output, file)
        source.end(f"Fetching {manifest.id} from {repository.url}")
    if copied.sha256 != manifest.sha256:
        raise BackupError(f"{manifest.id} is not what was stored: its SHA-256 differs from its manifest's.")
    new.replace(target)
    say(f"{target}: {manifest.dump} dump of {manifest.cluster}, {copied.size} bytes.")


def settle_stream(_: Mapping[str, Any], owner: str, __: argparse.Namespace) -> None:
    children.remove_all(owner)


def heed(path: Path, stop: threading.Event) -> None:
    """Set stop when the configuration or the program is another one: systemd begins it again, with that."""
    files = [path, Path(__file__).with_name("version")]
    before = [read(file) for file in files]
    while not stop.wait(_HEED):
        now = [read(file) for file in files]
        # While the program is exchanged it has no version.
        if all(now) and now != before:
            say("What it works by was changed: it begins again.")
            stop.set()


def stream(config: Mapping[str, Any], owner: str, given: argparse.Namespace) -> None:
    def record_stream(values: Mapping[str, float]) -> None:
        labels = f'{{cluster="{config["cluster"]}",node="{config["node"]}"}}'
        lines = [f"dbops_galera_binlog_{name}{labels} {value:.0f}" for name, value in values.items()]
        write(metrics(config, "-binlog"), "\n".join(lines) + "\n")

    stop = stopped()
    threading.Thread(target=heed, args=[given.config, stop], daemon=True).start()
    node, repository = Node(config, owner), Repository(config, owner)
    Stream(config, owner, node, repository, say, record_stream, stop).run()


def read_config(given: argparse.Namespace) -> Mapping[str, Any]:
    return dict(json.loads(given.config.read_text(encoding="utf-8")))


def of_node(suffix: str, do: Callable[[Mapping[str, Any], str, argparse.Namespace], None]) -> Callable[..., None]:
    """A command on a database host. The owner of its containers: two clusters may share a host and a repository."""

    def run(given: argparse.Namespace) -> None:
        config = read_config(given)
        do(config, f"{config['cluster']}.{config['node']}{suffix}", given)

    return run


def drill(given: argparse.Namespace) -> None:
    secrets = json.loads(given.config.with_name("secrets.json").read_text(encoding="utf-8"))
    drills.run(read_config(given), secrets, given.only, given.record, say)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="galera_backup", description=__doc__)
    parser.add_argument("--config", required=True, type=Path)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(
        name: str, text: str, do: Callable[[argparse.Namespace], None], *shared: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, parents=shared)
        added.set_defaults(do=do)
        return added

    command("wait", "until operators have left the cluster alone, some hours at most", of_node("", wait))
    one = command("run", "make a backup", of_node("", make))
    one.add_argument("--kind", choices=["auto", "full", "incremental", *backup.DUMPS], default="auto")
    one.add_argument("--scheduled", action="store_true", help="only when this node's turn comes")
    command("settle", "make good what a killed run left", of_node("", settle))
    command("stream", "archive binary logs, whenever it is this node's turn, until SIGTERM", of_node("-binlog", stream))
    command("settle-stream", "remove what a killed stream left", of_node("-binlog", settle_stream))
    command("list", "the manifests, as JSON", of_node("-list", show))
    command("branches", "what restores and forced recoveries began, and when", of_node("-list", branches))
    one = command("restic", "restic itself, with this repository and its key", of_node("-by-hand", restic))
    one.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="its command, and after that its options: snapshots --latest 1"
    )
    command("check", "read the whole repository and verify it", of_node("-check", check))
    one = command("fetch", "a dump, to the file it is loaded from", of_node("-fetch", fetch))
    one.add_argument("--backup", required=True, help="id")
    one.add_argument("--to", required=True, type=Path)
    one = command(
        "statements", "those in the archived binary logs, such as DROP TABLE", of_node("-statements", statements)
    )
    one.add_argument("--since", default="1970-01-01", help="ISO 8601")
    pointed = argparse.ArgumentParser(add_help=False)
    pointed.add_argument("--target", required=True, type=Path)
    pointed.add_argument("--backup", default="", help="id; the newest unless given")
    pointed.add_argument("--gtid", default="", help="of the last transaction that is restored")
    pointed.add_argument("--time", default="", help="ISO 8601: what began before it is restored")
    pointed.add_argument("--branch", default="", help="name; the current one, or that of the time, unless given")
    one = command(
        "scratch", "a server of its own on restored data, until SIGTERM", of_node("-scratch", scratch), pointed
    )
    one.add_argument("--only", required=True, metavar="DATABASE[.TABLE]", help="what is written to a file of SQL, too")
    one = command("restore", "make a datadir", of_node("-restore", restore), pointed)
    one.add_argument("--check", action="store_true", help="say what would be restored, and whether it could be")
    one = command("drill", "restore the newest backup of each cluster into a throw-away server", drill)
    one.add_argument("--only", nargs="+", default=[], metavar="CLUSTER")
    one.add_argument("--record", type=Path, help="a file that gets the results of this run, as JSON")
    command("settle-drills", "remove what killed drills left", lambda given: drills.settle(read_config(given), say))
    return parser.parse_args()


def main() -> None:
    given = parse()
    try:
        given.do(given)
    except BackupError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
