# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup from the repository, made into a datadir that a server can start on."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import children
from .binlog import Transaction, transactions, utc
from .files import write
from .manifest import BackupError, Manifest, series
from .plan import Plan, Wanted, stop_before
from .repository import Repository
from .server import Server

DONE = "restored.json"
# Arguments: binary log, GTID that it is applied after, GTID of the last transaction, and so on.
_REPLAY = """
while (($#)); do
  mariadb-binlog --no-defaults --start-position="$2" --stop-position="$3" "/restore/binlogs/$1"
  shift 3
done | mariadb --no-defaults --socket=/restore/run/sock --user=root --binary-mode --max-allowed-packet=1G
"""
# InnoDB's log and temporary files, and what the server writes while it starts.
_SPARE = 512 << 20
# Seconds from one line on the progress to the next.
_PACE = 5


def needed(plan: Plan) -> int:
    """Bytes: the datadir, incremental streams until they are applied, binary logs and what they add to the datadir."""
    increments = sum(manifest.size for manifest in plan.chain[1:])
    # Tables may have gone since the full one, which is unpacked first.
    datadir = max(manifest.datadir_size for manifest in plan.chain)
    return datadir + increments + 3 * sum(step.segment.size for step in plan.steps) + _SPARE


class Restore:
    """Into target, a directory of this host; without restored.json it is the rest of a restore that did not end."""

    def __init__(
        self, config: Mapping[str, Any], owner: str, repository: Repository, target: Path, say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._owner = owner
        self._repository = repository
        self._target = target
        self._say = say
        # Seconds that the streams have taken.
        self.streamed = 0.0

    def check(self, plan: Plan) -> None:
        """Raises BackupError, before anything is changed, where the image or the disk cannot take the backup."""
        made, here = series(plan.last.server), series(self._version())
        if made != here:
            raise BackupError(
                f"{plan.last.id} was made by MariaDB {made}, and {self._config['image']} is {here}: restore with an"
                f" image of {made} (it was {plan.last.image}), and upgrade afterwards."
            )
        if self._held() == plan.name:
            return
        free = shutil.disk_usage(next(path for path in (self._target, *self._target.parents) if path.exists())).free
        # What a run left that did not come to its end makes room.
        for directory, _, files in os.walk(self._target):
            for name in files:
                # It may still be at work.
                with contextlib.suppress(FileNotFoundError):
                    free += os.lstat(os.path.join(directory, name)).st_blocks * 512
        if free < needed(plan):
            raise BackupError(
                f"{plan.last.id} needs {needed(plan) >> 20} MiB in {self._target.parent}, where {free >> 20} are free."
            )

    def run(self, plan: Plan) -> None:
        if self._held() == plan.name:
            self._say(f"{self._target} holds {plan.name} already.")
            return
        self.check(plan)
        shutil.rmtree(self._target, ignore_errors=True)
        datadir = self._target / "datadir"
        for number, manifest in enumerate(plan.chain):
            part = self._target / f"increment{number}" if number else datadir
            part.mkdir(parents=True, mode=0o700)
            self._extract(manifest, part.name)
            self._say(f"Preparing {manifest.id}.")
            if number:
                self._prepare(manifest, f"--incremental-dir=/restore/{part.name}")
                shutil.rmtree(part)
            else:
                self._prepare(manifest)
        self._own(datadir)
        reached = plan.last.gtid
        if plan.steps:
            with Server(self._config, self._owner, self._target, plan.last.lower_case_table_names) as server:
                reached = self.replay(server, plan, reached)
        # What is recorded is not fetched again, so it outlives the host's power first.
        os.sync()
        names = {"plan": plan.name, "pinned": asdict(plan.pinned)}
        facts = {**asdict(plan.last), **names, "reached": reached, "restored": time.time()}
        write(self._target / DONE, json.dumps(facts))
        self._say(f"{self._target} holds {plan.name}.")

    def _record(self) -> dict[str, Any]:
        """Of what an earlier run fetched whole; empty where there is nothing."""
        record = self._target / DONE
        return dict(json.loads(record.read_text(encoding="utf-8"))) if record.exists() else {}

    def _held(self) -> str:
        return str(self._record().get("plan", ""))

    def begun(self) -> Wanted | None:
        """What a run restores that has put what it fetched in the datadir's place, and did not come to its end."""
        record = self._record()
        return Wanted(**record["pinned"]) if record and not (self._target / "datadir").exists() else None

    def replay(self, server: Server, plan: Plan, reached: str) -> str:
        """Have a server apply the binary logs after a GTID that it has reached; the last transaction's GTID."""
        logs = self._target / "binlogs"
        logs.mkdir(mode=0o700)
        domain = plan.last.domain
        ranges: list[str] = []
        stopped = plan.at is None
        for number, step in enumerate(plan.steps):
            name = f"{number:05}.{step.segment.node}.{step.segment.file}"
            self._say(f"Fetching {step.segment.file} of {step.segment.node}, {step.segment.size >> 20} MiB.")
            with (logs / name).open("w+b") as file:
                self._repository.fetch_binlog(step.segment, file)
                there = [each for each in transactions(file, domain) if step.behind < each.seqno <= step.segment.end]
            if not there or there[-1].seqno != step.segment.end:
                raise BackupError(f"{name} is not what was archived: it does not reach {step.segment.end}.")
            found = [each for each in there if each.seqno <= step.end]
            if not found:
                # Numbers may be missing: all that is left of it is of another branch.
                continue
            last: Transaction | None = found[-1]
            if plan.seqno is not None:
                last = max(
                    (each for each in found if each.seqno <= plan.seqno), key=lambda each: each.seqno, default=None
                )
            elif plan.at is not None:
                last = stop_before(found, plan.at)
                stopped = last is not found[-1] or stopped
            if last is None:
                break
            ranges += [name, reached, f"{domain}-{last.server}-{last.seqno}"]
            reached = ranges[-1]
            if last is not found[-1]:
                break
        if not stopped:
            raise BackupError(
                f"No transaction between {plan.last.id} and {reached} began at {utc(plan.at or 0)} or later, though an"
                " earlier one says that it did: a clock was wrong. Name a GTID instead; galera_backup statements shows"
                " them."
            )
        if ranges:
            self._say(f"Applying the transactions after {ranges[1]} up to {reached}.")
            server.shell(_REPLAY, *ranges, what="Applying the binary logs")
        shutil.rmtree(logs)
        return reached

    def _extract(self, manifest: Manifest, part: str) -> None:
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
            name = f"{self._owner}-extract"
            fifo = children.make_fifo(self._config, name)
            run = self._container(name, "sh", [], f"{fifo.parent}:/pipes")
            command = children.piped(run, fifo, "<", ["mbstream", "-x", "-C", f"/restore/{part}"])
            with (
                children.Child(command, name, told, fifo) as target,
                self._repository.fetch(manifest.id, said) as source,
            ):
                names = (f"Fetching {manifest.id} from {self._repository.url}", f"Unpacking {manifest.id}")
                rate = self._config.get("write_rate", 0)
                copied = children.pipe(source, target, names, self._tell(manifest), rate)
        self.streamed += copied.seconds
        if copied.sha256 != manifest.sha256:
            raise BackupError(
                f"The stream of {manifest.id} is not what was stored: {copied.size} bytes with SHA-256"
                f" {copied.sha256[:12]}..., its manifest says {manifest.size} with {manifest.sha256[:12]}...."
                " Choose another backup."
            )

    def _tell(self, manifest: Manifest) -> Callable[[int], None]:
        """Says how far the fetching is, every few seconds."""
        said = 0.0

        def tell(size: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _PACE:
                said = time.monotonic()
                share = 100 * size // max(manifest.size, 1)
                self._say(f"Fetching {manifest.id}: {share} % of {manifest.size >> 20} MiB.")

        return tell

    def _container(self, name: str, entrypoint: str, arguments: Sequence[str], *volumes: str) -> list[str]:
        limits, mounted = self._limits(), [f"{self._target}:/restore", *volumes]
        run = children.run_arguments(name, self._owner, self._config["image"], entrypoint, "none", mounted, limits, "0")
        return [*run, *arguments]

    def _limits(self) -> dict[str, Any]:
        return {**{name: self._config.get(name) for name in ("cpus", "memory")}, **self._config.get("limits", {})}

    def _prepare(self, manifest: Manifest, *options: str) -> None:
        arguments = ["--prepare", "--target-dir=/restore/datadir", *options]
        command = self._container(f"{self._owner}-prepare", "mariadb-backup", arguments)
        children.ask(command, f"Preparing {manifest.id}")

    def _version(self) -> str:
        name, image = f"{self._owner}-version", self._config["image"]
        run = children.run_arguments(name, self._owner, image, "mariadbd", limits=self._limits())
        return children.ask([*run, "--version"], f"Asking {self._config['image']} for its version")

    def _own(self, datadir: Path) -> None:
        uid = self._config["uid"]
        for directory, _, files in os.walk(datadir):
            for path in (directory, *(os.path.join(directory, name) for name in files)):
                os.chown(path, uid, uid)
        datadir.chmod(0o750)
