# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: containers that do the work of a backup, as child processes of this one."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .manifest import BackupError

BLOCK = 1 << 20
# https://man7.org/linux/man-pages/man2/F_SETPIPE_SZ.2const.html; Python 3.10 has it as fcntl.F_SETPIPE_SZ.
_F_SETPIPE_SZ = 1031
LABEL = "dbops.galera.backup"
# https://man7.org/linux/man-pages/man2/sethostname.2.html
HOST_NAME_LENGTH = 64
# Seconds that restic may take to give its lock of the repository back on a host that is busy.
PATIENCE = 20


def host_name(name: str, owner: str) -> str:
    """A container's name as a host's; where that would be too long, the owner is cut, and told apart by a hash."""
    if len(name) <= HOST_NAME_LENGTH:
        return name
    purpose = name[len(owner) :]
    digest = hashlib.sha256(owner.encode()).hexdigest()[:8]
    return f"{owner[: HOST_NAME_LENGTH - len(purpose) - len(digest) - 1]}-{digest}{purpose}"


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
    options = ["docker", "run", "--rm", "--interactive", f"--name={name}", f"--hostname={host_name(name, owner)}"]
    options += [f"--network={network}", f"--label={LABEL}={owner}", "--log-driver=none", f"--entrypoint={entrypoint}"]
    options += ["--security-opt=no-new-privileges", "--pids-limit=4096"]
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
    """The end of what a program said, without Go's stack: each call is a line, and an indented one with its place."""
    lines = re.sub(r"^\S+\n\t.*$", "", text, flags=re.MULTILINE).splitlines()
    return " / ".join([line.strip() for line in lines if line.strip()][-4:]) or "it said nothing."


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
        subprocess.run(["docker", "stop", f"--time={PATIENCE}", *names], capture_output=True, check=False)
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

    def copy(self, source: IO[bytes], target: IO[bytes], tell: Callable[[int], None] = lambda _: None) -> None:
        begun = time.monotonic()
        while block := source.read(BLOCK):
            self._hash.update(block)
            self.size += len(block)
            target.write(block)
            tell(self.size)
            ahead = self.size / self._rate - (time.monotonic() - begun) if self._rate else 0
            if ahead > 0:
                time.sleep(ahead)
            self.seconds = time.monotonic() - begun


def piped(run: Sequence[str], fifo: Path, direction: str, program: Sequence[str]) -> list[str]:
    """A program in a container of run_arguments, whose entrypoint is sh, with its input (<) or output (>) in a fifo.

    run has mounted the fifo's directory at /pipes. Docker's own way for a stream is slower by an order of magnitude.
    """
    # A program whose reader is gone ends in order and not by a signal: restic would leave its lock behind.
    return [*run, "-c", f"trap '' PIPE; exec \"$@\" {direction}/pipes/{fifo.name}", "sh", *program]


def make_fifo(config: Mapping[str, Any], name: str) -> Path:
    """Closed to other users of the host by the directory that it is in; the container's user may be any."""
    directory = Path(config.get("pipes") or Path(config["directory"]) / "pipes")
    directory.mkdir(mode=0o755, exist_ok=True)
    fifo = directory / name
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    return fifo


class Child:
    """A container as a child process. Left by an exception, it is killed: what it writes must not look whole.

    fifo: its input or output, where that does not go through the process. patience: seconds that it has to clean up
    after SIGTERM, before it is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        name: str,
        log: IO[bytes],
        fifo: Path | None = None,
        patience: float = 0,
        **pipes: Any,
    ) -> None:
        self._name = name
        self._log = log
        self._fifo = fifo
        self._patience = patience
        self._end: IO[bytes] | None = None
        if fifo:
            pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
        self.process = subprocess.Popen(command, stderr=log, **pipes)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        reads = self._end if self._end and self._end.readable() else self.process.stdout
        if kind is not None:
            if self._patience:
                self._terminate()
            # Nobody takes its output any more; the daemon would wait for that before it ends the container.
            if reads:
                reads.close()
            # The container first: the end of its client would be the end of its input.
            subprocess.run(["docker", "rm", "--force", "--volumes", self._name], capture_output=True, check=False)
            self.process.kill()
        self._close()
        self.process.wait()
        if self._fifo:
            self._fifo.unlink(missing_ok=True)

    def _close(self) -> None:
        for pipe in (self._end, self.process.stdin, self.process.stdout):
            if pipe and not pipe.closed:
                # Where its reader is gone, its exit code tells.
                with contextlib.suppress(OSError):
                    pipe.close()

    def _terminate(self) -> None:
        """Its input ends only once it knows why: the end would look like the stream's. Its output is thrown away."""
        told = subprocess.run(["docker", "kill", "--signal=TERM", self._name], capture_output=True, check=False)
        if told.returncode:
            return
        until = time.monotonic() + self._patience
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._end and self._end.readable():
                # It does not get to its end in the middle of a write.
                while self.process.poll() is None and time.monotonic() < until:
                    if select.select([self._end], [], [], 0.1)[0] and not os.read(self._end.fileno(), BLOCK):
                        break
            else:
                self.process.wait(1)
                self._close()
            self.process.wait(self._patience)

    @property
    def input(self) -> IO[bytes]:
        return self._opened("wb") or self._there(self.process.stdin)

    @property
    def output(self) -> IO[bytes]:
        return self._opened("rb") or self._there(self.process.stdout)

    @staticmethod
    def _there(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe
        return pipe

    def _opened(self, mode: str) -> IO[bytes] | None:
        """This program's end of the fifo, which can be opened once the container has opened the other one."""
        if self._fifo and not self._end:
            found: list[IO[bytes]] = []
            opening = threading.Thread(
                target=lambda path: found.append(path.open(mode)), args=[self._fifo], daemon=True
            )
            opening.start()
            while opening.is_alive():
                opening.join(0.05)
                if self.process.poll() is not None and opening.is_alive():
                    # It never will: it has ended. That is told by its exit code.
                    other = os.open(self._fifo, os.O_RDWR | os.O_NONBLOCK)
                    opening.join()
                    os.close(other)
            self._end = found[0]
            fcntl.fcntl(self._end, _F_SETPIPE_SZ, BLOCK)
        return self._end

    def end(self, what: str) -> None:
        """Wait for its end. Raises BackupError when it was not a good one."""
        code = self.process.wait()
        if code:
            self._log.seek(0)
            said = self._log.read().decode(errors="replace").strip() or f"it said nothing, and its exit code is {code}."
            raise BackupError(f"{what} failed: {last_words(said)}")


def pipe(
    source: Child,
    target: Child,
    names: tuple[str, str],
    tell: Callable[[int], None] = lambda _: None,
    rate: float = 0,
) -> Copied:
    """All of one container's output into another one, at so many bytes a second at most; 0 for no limit.

    tell is given the bytes so far, again and again. The target learns of the end only when the source has ended well: a
    stream that breaks off never looks whole to it.
    """
    copied = Copied(rate)
    try:
        copied.copy(source.output, target.input, tell)
    except BrokenPipeError:
        target.end(names[1])
        raise BackupError(f"{names[1]} ended before {names[0]} did.") from None
    source.end(names[0])
    finish(target, names[1])
    return copied


def finish(target: Child, name: str) -> None:
    """Tell a container that it has everything. Raises BackupError when it does not end well."""
    # Where it is gone already, its exit code says why.
    with contextlib.suppress(BrokenPipeError):
        target.input.close()
    target.end(name)


def send(source: IO[bytes], length: int, target: Child, name: str) -> None:
    """So many bytes of a file into a container. Raises BackupError when it does not take all of them."""
    try:
        while length > 0:
            block = source.read(min(length, BLOCK))
            if not block:
                raise BackupError(f"{length} bytes of what {name} was to get are missing.")
            target.input.write(block)
            length -= len(block)
    except BrokenPipeError:
        target.end(name)
        raise BackupError(f"{name} ended before it had everything.") from None
    finish(target, name)
