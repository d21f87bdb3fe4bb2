# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup from the repository, made into a datadir that a server can start on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import children
from .manifest import BackupError, Manifest
from .repository import Repository

DONE = "restored.json"
# InnoDB's log and temporary files, and what the server writes while it starts.
_SPARE = 512 << 20


def series(version: str) -> str:
    """Major and minor number, such as 10.11."""
    found = re.search(r"\d+\.\d+", version)
    if not found:
        raise BackupError(f"'{version}' is no version of MariaDB.")
    return found[0]


def needed(chain: Sequence[Manifest]) -> int:
    """Bytes: the datadir, and the incremental streams until they are applied."""
    return chain[-1].datadir_size + sum(manifest.size for manifest in chain[1:]) + _SPARE


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

    def check(self, chain: Sequence[Manifest]) -> None:
        """Raises BackupError, before anything is changed, where the image or the disk cannot take the backup."""
        made, here = series(chain[-1].server), series(self._version())
        if made != here:
            raise BackupError(
                f"{chain[-1].id} was made by MariaDB {made}, and {self._config['image']} is {here}: restore with an"
                f" image of {made} (it was {chain[-1].image}), and upgrade afterwards."
            )
        free = shutil.disk_usage(next(path for path in (self._target, *self._target.parents) if path.exists())).free
        if free < needed(chain):
            raise BackupError(
                f"{chain[-1].id} needs {needed(chain) >> 20} MiB in {self._target.parent}, where {free >> 20} are free."
            )

    def run(self, chain: Sequence[Manifest]) -> None:
        record = self._target / DONE
        if record.exists():
            if json.loads(record.read_text(encoding="utf-8"))["id"] == chain[-1].id:
                self._say(f"{self._target} holds {chain[-1].id} already.")
                return
            raise BackupError(f"{self._target} holds another backup: remove it, or name that one.")
        self.check(chain)
        shutil.rmtree(self._target, ignore_errors=True)
        datadir = self._target / "datadir"
        for number, manifest in enumerate(chain):
            part = self._target / f"increment{number}" if number else datadir
            part.mkdir(parents=True, mode=0o700)
            self._say(f"Fetching {manifest.id}, {manifest.size >> 20} MiB.")
            self._extract(manifest, part.name)
            self._say(f"Preparing {manifest.id}.")
            if number:
                self._prepare(manifest, f"--incremental-dir=/restore/{part.name}")
                shutil.rmtree(part)
            else:
                self._prepare(manifest)
        self._own(datadir)
        new = record.with_suffix(".new")
        new.write_text(json.dumps({**asdict(chain[-1]), "restored": time.time()}), encoding="utf-8")
        os.replace(new, record)

    def _extract(self, manifest: Manifest, part: str) -> None:
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
            name = f"{self._owner}-extract"
            command = self._container(name, "mbstream", ["-x", "-C", f"/restore/{part}"])
            with (
                children.Child(command, name, told, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target,
                self._repository.fetch(manifest.id, said) as source,
            ):
                copied = children.pipe(source, target, ("restic", "mbstream"), self._config.get("write_rate", 0))
        self.streamed += copied.seconds
        if copied.sha256 != manifest.sha256:
            raise BackupError(
                f"The stream of {manifest.id} is not what was stored: {copied.size} bytes with SHA-256"
                f" {copied.sha256[:12]}..., its manifest says {manifest.size} with {manifest.sha256[:12]}...."
                " Choose another backup."
            )

    def _container(self, name: str, entrypoint: str, arguments: Sequence[str]) -> list[str]:
        limits, volumes = self._limits(), [f"{self._target}:/restore"]
        run = children.run_arguments(name, self._owner, self._config["image"], entrypoint, "none", volumes, limits, "0")
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
