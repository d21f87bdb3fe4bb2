# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what Docker Engine's own files tell of its containers, where no library is installed or it does not run.

They are of no documented format; what is read here has been the same from Docker 1.12 to 28.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
from typing import Any

SETTINGS = "/etc/docker/daemon.json"
ROOT = "/var/lib/docker"


def data_root(settings: str = SETTINGS) -> str:
    """Where Docker Engine keeps its data: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file"""
    with contextlib.suppress(OSError, ValueError, AttributeError), open(settings, encoding="utf-8") as file:
        return str(json.load(file).get("data-root") or ROOT)
    return ROOT


def containers(root: str) -> list[dict[str, Any]]:
    """All containers, as far as is told here with the keys of the API's answer to an inspection."""
    found = (_read(path) for path in sorted(glob.glob(os.path.join(glob.escape(root), "containers/*/config.v2.json"))))
    return [container for container in found if container is not None]


def container(root: str, container_id: str) -> dict[str, Any] | None:
    """One container by its whole id, or None."""
    return _read(os.path.join(root, "containers", container_id, "config.v2.json"))


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
