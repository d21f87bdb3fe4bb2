# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: containers that do the work of a backup, as child processes of this one."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from .manifest import BackupError

BLOCK = 1 << 20
LABEL = "dbops.galera.backup"


def run_arguments(
    name: str,
    owner: str,
    image: str,
    entrypoint: str,
    network: str = "none",
    volumes: Iterable[str] = (),
    limits: Mapping[str, Any] | None = None,
    user: str = "",
) -> list[str]:
    """docker run up to the image's own arguments. The owner is how what a killed run left behind is found."""
    limits = limits or {}
    options = ["docker", "run", "--rm", "--interactive", f"--name={name}", f"--hostname={name}", f"--network={network}"]
    options += [f"--label={LABEL}={owner}", "--log-driver=none", f"--entrypoint={entrypoint}"]
    options += [f"--volume={volume}" for volume in volumes]
    options += [f"--{option}={value}" for option, value in limits.items() if value]
    options += [f"--user={user}"] if user else []
    return [*options, image]


def ask(command: Sequence[str], what: str, text: str | None = None) -> str:
    """A short command's output. Raises BackupError with the end of what it said when it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{what} failed: {last_words(done.stderr)}")
    return done.stdout


def last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it said nothing."


def owners(prefix: str) -> list[str]:
    """Owners that have containers, those whose names begin so."""
    listed = ["docker", "ps", "--all", f"--filter=label={LABEL}", f'--format={{{{.Label "{LABEL}"}}}}']
    return sorted({name for name in ask(listed, "Looking for containers").split() if name.startswith(prefix)})


def remove_all(owner: str) -> list[str]:
    """Remove the containers of an owner, also those that still run, with their volumes; their names."""
    listed = ["docker", "ps", "--all", f"--filter=label={LABEL}={owner}", "--format={{.Names}}"]
    names = ask(listed, "Looking for containers").split()
    if names:
        # In order where they know how: restic gives its lock of the repository back.
        subprocess.run(["docker", "stop", "--time=5", *names], capture_output=True, check=False)
        subprocess.run(["docker", "rm", "--force", "--volumes", *names], capture_output=True, check=False)
    return names


class Copied:
    """What went through a pipe; rate: bytes a second at most, 0 for no limit. seconds: how long it took."""

    def __init__(self, rate: float = 0) -> None:
        self.size = 0
        self.seconds = 0.0
        self._rate = rate
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def copy(self, source: IO[bytes], target: IO[bytes]) -> None:
        begun = time.monotonic()
        while block := source.read(BLOCK):
            self._hash.update(block)
            self.size += len(block)
            target.write(block)
            ahead = self.size / self._rate - (time.monotonic() - begun) if self._rate else 0
            if ahead > 0:
                time.sleep(ahead)
            self.seconds = time.monotonic() - begun


class Child:
    """A container as a child process. Left by an exception, it is killed: what it writes must not look whole."""

    def __init__(self, command: Sequence[str], name: str, log: IO[bytes], **pipes: Any) -> None:
        self._name = name
        self._log = log
        self.process = subprocess.Popen(command, stderr=log, **pipes)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            # The container first: the end of its client would be the end of its input.
            subprocess.run(["docker", "rm", "--force", "--volumes", self._name], capture_output=True, check=False)
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe and not pipe.closed:
                try:
                    pipe.close()
                except OSError:
                    # Its reader is gone; that is told by its exit code.
                    continue
        self.process.wait()

    def end(self, what: str) -> None:
        """Wait for its end. Raises BackupError when it was not a good one."""
        if self.process.wait():
            self._log.seek(0)
            said = self._log.read().decode(errors="replace")
            raise BackupError(f"{what} failed: {last_words(said)}")


def pipe(source: Child, target: Child, names: tuple[str, str], rate: float = 0) -> Copied:
    """All of one container's output into another one, at so many bytes a second at most; 0 for no limit.

    The target learns of the end only when the source has ended well: a stream that breaks off never looks whole to it.
    """
    copied = Copied(rate)
    assert source.process.stdout
    assert target.process.stdin
    try:
        copied.copy(source.process.stdout, target.process.stdin)
    except BrokenPipeError:
        target.end(names[1])
        raise BackupError(f"{names[1]} ended before {names[0]} did.") from None
    source.end(names[0])
    target.process.stdin.close()
    target.end(names[1])
    return copied
