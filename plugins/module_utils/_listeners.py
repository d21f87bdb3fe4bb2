# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a TCP port of this host, and in which container.

Read from /proc (https://man7.org/linux/man-pages/man5/proc_net.5.html): no tool has to be installed for it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils import _docker_files
from ansible_collections.dbops.galera.plugins.module_utils._model.ports import Owner

# Definition and state of a container by its whole id, or None where that is not known here.
Inspect = Callable[[str], "Mapping[str, Any] | None"]
LISTEN = "0A"
CONTAINER_ID = re.compile(r"(?:docker[-/])([0-9a-f]{64})")


def parse_listeners(text: str) -> dict[int, str]:
    """Port -> socket inode, from the text of /proc/net/tcp or tcp6."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            found[int(fields[1].rsplit(":", 1)[1], 16)] = fields[9]
    return found


def parse_container_id(cgroup: str) -> str | None:
    """The innermost Docker container's id in the text of /proc/PID/cgroup, both of cgroup v1 and v2."""
    ids = CONTAINER_ID.findall(cgroup)
    return ids[-1] if ids else None


def listeners() -> dict[int, str]:
    """Port -> socket inode of every listening TCP socket in this network namespace."""
    found: dict[int, str] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as file:
                found.update(parse_listeners(file.read()))
    return found


def owner(port: int, inspect: Inspect | None = None) -> Owner | None:
    """Who listens on a port; None when it is free. Without inspect containers are known by Docker's own files."""
    for _attempt in range(3):  # who restarts just then holds another socket, or none, a moment later
        inode = listeners().get(port)
        if inode is None:
            return None
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if holds(pid, f"socket:[{inode}]"):
                with contextlib.suppress(OSError):  # it ended while it was looked at
                    return describe(pid, inspect or from_files)
    return Owner("a process that cannot be seen")


def holds(pid: str, handle: str) -> bool:
    """Whether a process has a file open, by the text of its link below /proc/PID/fd."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for number in numbers:
        with contextlib.suppress(OSError):  # a busy process closes others meanwhile, which says nothing of this one
            if os.readlink(f"/proc/{pid}/fd/{number}") == handle:
                return True
    return False


def describe(pid: str, inspect: Inspect) -> Owner:
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        process = f"{file.read().strip()} (process {pid}"
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        container_id = parse_container_id(file.read())
    found = inspect(container_id) if container_id else None
    if found is None:
        return Owner(f"{process})")
    return Owner.of(process, found)


def from_files(container_id: str) -> Mapping[str, Any] | None:
    """The check also runs where no Docker library is installed yet."""
    return _docker_files.container(_docker_files.data_root(), container_id)
