# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what containers use, by the kernel's own counters of their cgroups, which go when a container ends."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from . import children

_ROOT = Path("/sys/fs/cgroup")
_INTERVAL = 0.25
# A rate is that of so many seconds: the kernel gives its limits out in slices of a tenth.
_SPAN = 2.0
# A reading that took longer makes no rate.
_GRAIN = 0.02
_FLOWS = ("cpu_seconds", "read_bytes", "written_bytes", "reads", "writes")


def _pairs(text: str) -> dict[str, int]:
    """Lines such as `nr_throttled 7`."""
    return {words[0]: int(words[1]) for words in map(str.split, text.splitlines()) if len(words) == 2}


def parse_v1(texts: Mapping[str, str], device: str) -> dict[str, float]:
    """Of cgroup v1; device: its numbers, such as 254:0."""

    def of_device(name: str) -> dict[str, int]:
        lines = map(str.split, texts.get(name, "").splitlines())
        return {words[1]: int(words[2]) for words in lines if len(words) == 3 and words[0] == device}

    volume, number = of_device("blkio.throttle.io_service_bytes"), of_device("blkio.throttle.io_serviced")
    stat = _pairs(texts.get("cpu.stat", ""))
    return {
        "memory_max_bytes": int(texts.get("memory.max_usage_in_bytes", "0")),
        "cpu_seconds": int(texts.get("cpuacct.usage", "0")) / 1e9,
        "cpu_throttled_seconds": stat.get("throttled_time", 0) / 1e9,
        "read_bytes": volume.get("Read", 0),
        "written_bytes": volume.get("Write", 0),
        "reads": number.get("Read", 0),
        "writes": number.get("Write", 0),
    }


def parse_v2(texts: Mapping[str, str], device: str) -> dict[str, float]:
    """Of cgroup v2."""
    line = next((each for each in texts.get("io.stat", "").splitlines() if each.split()[:1] == [device]), "")
    volume = {key: int(value) for key, _, value in (word.partition("=") for word in line.split()[1:])}
    stat = _pairs(texts.get("cpu.stat", ""))
    return {
        # memory.peak came with Linux 5.19.
        "memory_max_bytes": int(texts.get("memory.peak") or texts.get("memory.current") or 0),
        "cpu_seconds": stat.get("usage_usec", 0) / 1e6,
        "cpu_throttled_seconds": stat.get("throttled_usec", 0) / 1e6,
        "read_bytes": volume.get("rbytes", 0),
        "written_bytes": volume.get("wbytes", 0),
        "reads": volume.get("rios", 0),
        "writes": volume.get("wios", 0),
    }


_V1 = {
    "memory": ["memory.max_usage_in_bytes"],
    "cpuacct": ["cpuacct.usage"],
    "cpu": ["cpu.stat"],
    "blkio": ["blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"],
}
_V2 = ["memory.peak", "memory.current", "cpu.stat", "io.stat"]


def files(membership: str, identifier: str) -> dict[str, Path]:
    """The files of a container's counters by their names; membership: /proc/PID/cgroup of a process.

    Empty for one of another container, and for one that is ending: it has left cgroups, for those around them, already.
    """
    old: dict[str, Path] = {}
    new: dict[str, Path] = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in filter(None, controllers.split(",")):
            directory = _ROOT / controller / path.lstrip("/")
            old.update({name: directory / name for name in _V1.get(controller, [])})
        if not controllers:
            new = {name: _ROOT / path.lstrip("/") / name for name in _V2}
    # Beside v1 there may be a v2 without controllers.
    found = old or new
    return found if all(identifier in str(path) for path in found.values()) else {}


class _Gauge:
    """One container's counters."""

    def __init__(self, name: str, paths: Mapping[str, Path], device: str) -> None:
        self._paths, self._device = paths, device
        self._parse = parse_v1 if "cpuacct.usage" in paths else parse_v2
        self._recent: deque[tuple[float, dict[str, float]]] = deque()
        self._begun = time.monotonic()
        self.seen: dict[str, str | float] = {"container": name}

    def look(self) -> bool:
        """False once the container has ended."""
        texts, begun = {}, time.monotonic()
        for name, path in self._paths.items():
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except OSError:
                continue
        if not texts:
            return False
        now, values = time.monotonic(), self._parse(texts, self._device)
        if now - begun > _GRAIN:
            # The host is busy: nobody can tell of which moment this is.
            self._tell(now, values)
            return True
        self._recent.append((now, values))
        while len(self._recent) > 2 and now - self._recent[1][0] >= _SPAN:
            self._recent.popleft()
        then, before = self._recent[0]
        if now - then >= _SPAN:
            for flow in _FLOWS:
                rate = (values[flow] - before[flow]) / (now - then)
                self.seen[f"{flow}_rate"] = round(max(rate, float(self.seen.get(f"{flow}_rate", 0))), 3)
        self._tell(now, values)
        return True

    def _tell(self, now: float, values: Mapping[str, float]) -> None:
        self.seen.update({key: round(value, 3) for key, value in values.items()})
        self.seen["seconds"] = round(now - self._begun, 1)


class Gauges:
    """with Gauges(owner, device) as gauges: ... gauges.seen(): a dictionary for each of the owner's containers.

    cpu_seconds, cpu_throttled_seconds, memory_max_bytes, read_bytes, written_bytes, reads and writes of the device, and
    seconds: how long it was watched; *_rate: a second, the highest of two seconds. Docker tells of new containers.
    """

    def __init__(self, owner: str, device: str) -> None:
        self._owner = owner
        self._device = device
        self._all: list[_Gauge] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Gauges:
        filters = [
            f"--filter={each}" for each in ("type=container", "event=start", f"label={children.LABEL}={self._owner}")
        ]
        told = "{{.Actor.ID}} {{.Actor.Attributes.name}}"
        self._events = subprocess.Popen(
            ["docker", "events", *filters, f"--format={told}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._events.kill()
        self._events.wait()
        assert self._events.stdout
        self._events.stdout.close()

    def seen(self) -> list[dict[str, str | float]]:
        return [gauge.seen for gauge in self._all if "seconds" in gauge.seen]

    def _watch(self) -> None:
        assert self._events.stdout
        pipe, told = self._events.stdout.fileno(), b""
        live: list[_Gauge] = []
        while not self._over.is_set():
            if select.select([pipe], [], [], _INTERVAL)[0]:
                read = os.read(pipe, 65536)
                if not read:
                    # dockerd was restarted: what is known goes on.
                    self._over.wait(_INTERVAL)
                *lines, told = (told + read).split(b"\n")
                live += filter(None, map(self._found, lines))
            live = [gauge for gauge in live if gauge.look()]

    def _found(self, line: bytes) -> _Gauge | None:
        identifier, _, name = line.decode().partition(" ")
        for file in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                text = file.read_text(encoding="utf-8")
            except OSError:
                continue
            paths = files(text, identifier)
            if paths:
                self._all.append(_Gauge(name, paths, self._device))
                return self._all[-1]
        return None


def whole_disk(path: Path) -> tuple[str, str]:
    """The numbers and the node of the disk that holds a path, such as ('254:0', '/dev/vda'); empty where it has none.

    The kernel limits whole disks: a partition's path leads to its disk.
    """
    status = path.stat()
    numbers = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    try:
        block = Path(f"/sys/dev/block/{numbers}").resolve(strict=True)
    except OSError:
        return "", ""
    if (block / "partition").exists():
        block = block.parent
    return (block / "dev").read_text(encoding="utf-8").strip(), f"/dev/{block.name.replace('!', '/')}"
