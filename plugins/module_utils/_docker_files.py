# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what Docker Engine's own files tell of it and its containers, where no library is installed or it does not run.

Those of containers are of no documented format; what is read here has been the same from Docker 1.12 to 28.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.engine import (
    SETTINGS,
    flags_of,
    read_settings,
    root_of,
)

PID_FILE = "/run/docker.pid"
# Where the Engine's command line is written: of several ExecStart the last counts, which may name a variable.
UNITS = (
    "/usr/lib/systemd/system/docker.service",
    "/lib/systemd/system/docker.service",
    "/etc/systemd/system/docker.service",
    "/etc/systemd/system/docker.service.d/*.conf",
    "/etc/default/docker",
    "/etc/sysconfig/docker",
)
_START, _VARIABLES = "ExecStart", ("DOCKER_OPTS", "OPTIONS")


def data_root(settings: str = SETTINGS, pid_file: str = PID_FILE, units: Sequence[str] = UNITS) -> str:
    """Where Docker Engine keeps its data, by its command line and its settings."""
    given = flags(pid_file, units)
    return root_of(read_settings(text(given.get("config-file") or settings))[0], given)


def flags(pid_file: str = PID_FILE, units: Sequence[str] = UNITS) -> Mapping[str, str]:
    """Flags of the Engine that runs; where none does, of the one that its systemd unit would start."""
    words = command_line(pid_file)
    if words:
        return flags_of(words)
    lines = dict(_assignments(units))
    start = lines.pop(_START, "")
    for name, value in lines.items():
        start = start.replace(f"${{{name}}}", value).replace(f"${name}", value)
    with contextlib.suppress(ValueError):  # quotes that do not end: systemd does not take the line either
        return flags_of([part for word in shlex.split(start) for part in word.split()])
    return {}


def command_line(pid_file: str = PID_FILE) -> list[str]:
    """The command line of the Engine that runs, empty where none does.

    The file of one that was killed stays, and its number may be another program's by now.
    """
    pid = (text(pid_file) or "").strip()
    words = (text(f"/proc/{pid}/cmdline") or "").split("\0") if pid.isdigit() else []
    return words if words and os.path.basename(words[0]).startswith("dockerd") else []


def text(path: str) -> str | None:
    """The text of a file as it is; None where there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def containers(root: str) -> list[dict[str, Any]]:
    """All containers, as far as is told here with the keys of the API's answer to an inspection.

    An Engine that remaps user namespaces has them in a directory UID.GID of its root.
    """
    found = (glob.glob(f"{glob.escape(place)}/containers/*/config.v2.json") for place in _places(root))
    paths = sorted(path for paths in found for path in paths)
    return [container for container in map(_read, paths) if container is not None]


def container(root: str, container_id: str) -> dict[str, Any] | None:
    """One container by its whole id, or None."""
    found = (_read(os.path.join(place, "containers", container_id, "config.v2.json")) for place in _places(root))
    return next((container for container in found if container is not None), None)


def named(root: str, name: str) -> dict[str, Any] | None:
    """One container by its name, or None."""
    return next((found for found in containers(root) if found["Name"].lstrip("/") == name), None)


def held(root: str) -> int:
    """How many containers and volumes are in a root."""
    below = [f"{glob.escape(place)}/{kind}/*/" for place in _places(root) for kind in ("containers", "volumes")]
    return sum(len(glob.glob(pattern)) for pattern in below)


def _places(root: str) -> list[str]:
    return [root, *glob.glob(os.path.join(glob.escape(root), "[0-9]*.[0-9]*"))]


def _assignments(units: Sequence[str]) -> Iterator[tuple[str, str]]:
    for path in (path for pattern in units for path in sorted(glob.glob(pattern))):
        for line in (text(path) or "").replace("\\\n", " ").splitlines():
            name, _equals, value = line.partition("=")
            if name in (_START, *_VARIABLES) and value.strip():
                yield name, value if name == _START else value.strip().strip("\"'")


def _read(path: str) -> dict[str, Any] | None:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        told = json.load(file)
        volumes = os.path.join(os.path.dirname(path), "../../volumes")
        mounts = [
            {
                **mount,
                "Source": mount.get("Source")
                or os.path.normpath(os.path.join(volumes, str(mount.get("Name")), "_data")),
            }
            for mount in (told.get("MountPoints") or {}).values()
        ]
        # Written when it started; without the daemon nobody notes that it has ended.
        state = {**told["State"], "Running": bool(told["State"].get("Pid")) and _lives(told["State"]["Pid"])}
        return {"Name": told["Name"], "Config": told["Config"], "State": state, "Mounts": mounts}
    return None


def _lives(process: int) -> bool:
    return os.path.exists(f"/proc/{process}")
