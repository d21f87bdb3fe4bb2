# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the jobs that wait may begin: one begins when the host has what it can need at most."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .manifest import BackupError


class Amount(NamedTuple):
    """Bytes."""

    memory: int
    disk: int

    def __str__(self) -> str:
        return f"{self.memory >> 20} MiB of memory and {self.disk >> 20} MiB of disk"


class Host:
    """I/O: what this host has, and what of it is free; path: where jobs write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _memory(self, name: str) -> int:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))

    def total(self) -> Amount:
        return Amount(self._memory("MemTotal"), shutil.disk_usage(self._path).total)

    def free(self) -> Amount:
        return Amount(self._memory("MemAvailable"), shutil.disk_usage(self._path).free)


class Admission:
    """with admission.admit(needed): ... waits until the host has it. Smaller jobs may begin before bigger ones.

    A job uses what it was given little by little, so that what is free tells too much while jobs are at work. What
    counts is what was free when none was, without all that was given since; and what is free now, for others' use.
    patience: seconds.
    """

    def __init__(self, host: Host, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._patience = patience
        self._clock = clock
        self._changed = threading.Condition()
        self._given: list[Amount] = []
        self._idle = host.free()

    @contextmanager
    def admit(self, needed: Amount) -> Iterator[None]:
        """Raises BackupError where the host can never have it, or has not within the patience."""
        total = self._host.total()
        if needed.memory > total.memory or needed.disk > total.disk:
            raise BackupError(f"It needs {needed}, and this host has no more than {total}.")
        self._take(needed)
        try:
            yield
        finally:
            with self._changed:
                self._given.remove(needed)
                self._changed.notify_all()

    def _take(self, needed: Amount) -> None:
        until = self._clock() + self._patience
        with self._changed:
            while not self._fits(needed):
                if self._clock() >= until:
                    raise BackupError(
                        f"It needs {needed}, and for {self._patience / 60:.0f} minutes this host had not so much free;"
                        f" now it has {self._left()}."
                    )
                # Others' use of the host changes without a word.
                self._changed.wait(min(5.0, self._patience))
            self._given.append(needed)

    def _left(self) -> Amount:
        free = self._host.free()
        if not self._given:
            self._idle = free
        given = Amount(sum(each.memory for each in self._given), sum(each.disk for each in self._given))
        return Amount(
            max(0, min(free.memory, self._idle.memory - given.memory)),
            max(0, min(free.disk, self._idle.disk - given.disk)),
        )

    def _fits(self, needed: Amount) -> bool:
        left = self._left()
        return needed.memory <= left.memory and needed.disk <= left.disk
