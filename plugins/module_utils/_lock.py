# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators' lock: a file on each host of a cluster that names who is at work on it.

It outlives its holder on purpose, since a run that ended half-way left a cluster half-way. It is taken over by itself
only where the holder is known to be gone: a process of this very controller that no longer lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: name (user@controller), the verb, since when (ISO 8601, UTC), and the process that runs it.

    place tells controllers of one name apart (the kernel's boot and the process namespace), started is when the process
    began, in the kernel's clock ticks.
    """

    name: str
    verb: str
    since: str
    place: str
    process: int
    started: str

    @classmethod
    def of(cls, process: int, verb: str, since: str) -> Holder:
        """The holder that a process of this machine is."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a user without a name, as containers have them
            user = str(os.getuid())
        return cls(f"{user}@{platform.node()}", verb, since, _place(), process, _started(process))

    @classmethod
    def read(cls, text: str) -> Holder:
        try:
            found = json.loads(text)
            return cls(**{key: kind(found[key]) for key, kind in _FIELDS.items()})
        except (ValueError, KeyError, TypeError) as error:
            raise GaleraError(f"it is no lock that this version has written ({text[:60]!r})") from error

    def same(self, other: Holder) -> bool:
        """Whether it is the same run, whatever it does now."""
        return (self.place, self.process, self.started) == (other.place, other.process, other.started)

    def gone(self) -> bool:
        """Whether the run has certainly ended, as seen from this machine."""
        return bool(self.place) and self.place == _place() and _started(self.process) != self.started

    def __str__(self) -> str:
        return f"{self.name}, whose {self.verb} began at {self.since} (process {self.process})"


_FIELDS = {"name": str, "verb": str, "since": str, "place": str, "process": int, "started": str}


def take(path: str, holder: Holder, from_name: str = "", gone: Mapping[str, Any] | None = None) -> Holder | None:
    """Take the lock; returns who had it before, None where nobody had.

    Another holder's lock is left alone, and returned, unless it has the name from_name or is the one named gone.
    """
    with _open(path) as file:
        text = file.read()
        before = Holder.read(text) if text else None
        if before and not before.same(holder) and before.name != from_name and asdict(before) != gone:
            return before
        if before and before.same(holder):
            return None
        file.seek(0)
        file.truncate()
        file.write(json.dumps(asdict(holder)))
        file.flush()
        os.fsync(file.fileno())
        return before


def look(path: str) -> Holder | None:
    """Who holds the lock."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    return Holder.read(text) if text else None


def release(path: str, holder: Holder) -> bool:
    """Give the lock back; False where it is not the holder's."""
    before = look(path)
    if before is None or not before.same(holder):
        return False
    os.unlink(path)
    return True


@contextlib.contextmanager
def _open(path: str) -> Iterator[Any]:
    """The lock's file, made where it is missing, for one process at a time."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Given back by its holder between the two calls: that file is nobody's any more.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    yield file
                    return


def _place() -> str:
    """Which machine and process namespace this is; empty where that cannot be known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{platform.node()} {file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process began; empty where it does not live."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            # The name in parentheses may hold spaces; what follows it is field 3.
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
