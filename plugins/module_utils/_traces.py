# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: reads the traces that earlier runs left on this host, see _model/traces.py. Changes nothing."""

from __future__ import annotations

import calendar
import contextlib
import glob
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ansible_collections.dbops.galera.plugins.module_utils import _docker_files
from ansible_collections.dbops.galera.plugins.module_utils._containers import (
    Engine,
    _docker,
    is_directory,
)
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import (
    CLUSTER_LABEL,
    DATADIR,
    LABEL,
    OF_THE_FILE_SYSTEM,
    cluster_of,
    uuid_of,
)
from ansible_collections.dbops.galera.plugins.module_utils._record import HAD_DATA, INSIDE, ROOT, Record
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import read_status

ARGUMENTS: dict[str, Any] = {
    "cluster": {"type": "str", "required": True},
    "node": {"type": "str", "default": ""},
    "bootstrap_container": {"type": "str", "default": ""},
    "root": {"type": "path", "required": True},
    "datadir": {"type": "str", "default": ""},
    "parts": {"type": "dict", "default": {}},
}
RUN, SOCKET = "/run/mysqld", "mysqld.sock"
# Seconds that a server has for an answer, and between two readings of a view.
PATIENCE, PAUSE = 2, 1.5
# Docker's time of what was never started.
_NEVER = "0001-01-01"
_SHOWN = 5


class Containers(Engine):
    """The containers of this host's Docker Engine."""

    def inspected(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Definition and state of those that concern a cluster: by label, by a datadir, or by one of these names."""
        with _docker("list its containers"):
            listed = self._api.containers(all=True)
        wanted = [
            each["Names"][0].lstrip("/")
            for each in listed
            if each.get("Names") and _concerns(each["Names"], each.get("Labels"), each.get("Mounts"), names)
        ]
        # One that was removed meanwhile is none.
        return [found for found in (self.inspect(name) for name in wanted) if found]


def read(params: Mapping[str, Any], records: str = ROOT, docker_root: str | None = None) -> dict[str, Any]:
    """All traces of a node on this host; params are those of galera_traces."""
    engine, why = _engine()
    names = [name for name in (params["node"], params["bootstrap_container"], *params["parts"].values()) if name]
    if engine:
        inspected = engine.inspected(names)
    else:
        inspected = [
            each
            for each in _docker_files.containers(docker_root or _docker_files.data_root())
            if _concerns([each["Name"]], each["Config"].get("Labels"), each["Mounts"], names)
        ]
    directory = os.path.join(params["root"], params["node"])
    datadir = _datadir(params["datadir"], engine)
    containers = [_container(each) for each in inspected]
    found = _records(records)
    here = [each["run"] for each in containers if each["running"] and each["resolved"] == datadir["resolved"] != ""]
    members = next((len(record["members"]) for record in found if record["node"] == params["node"]), 0)
    return {
        "engine": engine is not None,
        "why": why,
        "containers": containers,
        "records": found,
        "datadir": datadir,
        "live": _live(os.path.join(here[0], SOCKET), members) if here and here[0] else None,
        "run": os.path.realpath(os.path.join(directory, "run")) if params["node"] else "",
        "marks": _marks(directory) if params["node"] else [],
        "kept": _kept(params["datadir"]),
    }


def mount_point(path: str) -> str:
    """Where the file system is mounted that holds a path, or the nearest directory above it that is there."""
    while path != "/" and not (os.path.exists(path) and os.path.ismount(path)):
        path = os.path.dirname(path)
    return path


def _engine() -> tuple[Containers | None, str]:
    try:
        engine = Containers.connect()
    except GaleraError as error:
        return None, str(error)
    return cast(Containers, engine), ""


def _concerns(
    names: Sequence[str],
    labels: Mapping[str, str] | None,
    mounts: Sequence[Mapping[str, Any]] | None,
    wanted: Sequence[str],
) -> bool:
    return (
        CLUSTER_LABEL in (labels or {})
        or any(name.lstrip("/") in wanted for name in names)
        or any(mount.get("Destination") == DATADIR and mount.get("RW", True) for mount in mounts or ())
    )


def _container(found: Mapping[str, Any]) -> dict[str, Any]:
    labels = found["Config"].get("Labels") or {}
    mounts = {mount.get("Destination"): mount for mount in found.get("Mounts") or () if mount.get("RW", True)}
    datadir = mounts.get(DATADIR, {})
    place = os.path.realpath(datadir["Source"]) if datadir.get("Source") else ""
    # A volume goes by its name, a directory by its path.
    volume = datadir.get("Name") if datadir.get("Type") == "volume" else ""
    run = mounts.get(RUN, {}).get("Source")
    return {
        "name": found["Name"].lstrip("/"),
        "cluster": labels.get(CLUSTER_LABEL, ""),
        "part": labels.get(LABEL, ""),
        "running": bool(found["State"].get("Running")),
        "started": _started(str(found["State"].get("StartedAt") or _NEVER)),
        "image": found["Config"].get("Image", ""),
        "datadir": volume or datadir.get("Source", ""),
        "resolved": place,
        "uuid": uuid_of(_text(os.path.join(place, "grastate.dat"))) if place else "",
        "run": os.path.realpath(run) if run else "",
        "recorded": INSIDE in mounts,
    }


def _live(socket: str, members: int) -> dict[str, Any] | None:
    """What a server tells of its Primary Component, members its node's by its record.

    Where some are missing it is asked again: a view that changes just now, as while a node joins, is none.
    """
    seen = []
    for pause in (0, PAUSE):
        time.sleep(pause)
        try:
            status = read_status(socket, timeout=PATIENCE)
        except GaleraError:
            return None
        if not status.primary:
            return None
        seen.append(
            {
                "gcomm_uuid": status.gcomm_uuid.lower(),
                "view_members": list(status.view_members),
                "version": status.version,
                "provider": status.provider_version,
            }
        )
        if len(status.view_members) >= members:
            break
    return seen[-1] if seen[0] == seen[-1] else None


def _started(when: str) -> float | None:
    """Such as 2026-11-21T09:06:15.285513735Z, in seconds since the epoch."""
    return None if when.startswith(_NEVER) else calendar.timegm(time.strptime(when[:19], "%Y-%m-%dT%H:%M:%S"))


def _records(root: str) -> list[dict[str, Any]]:
    """A dot is in no node's name: such directories were moved aside."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(root), "*/"))):
        name = os.path.basename(path.rstrip("/"))
        if "." not in name:
            record = Record(path.rstrip("/"))
            node = record.node()
            mountpoint = str(node.get("mountpoint") or "")
            found.append(
                {
                    "path": record.path,
                    "node": name,
                    "cluster": str(node.get("cluster") or ""),
                    "datadir": str(node.get("datadir") or ""),
                    "resolved": str(node.get("resolved") or ""),
                    "mountpoint": mountpoint,
                    "mounted": not mountpoint or os.path.ismount(mountpoint),
                    "had_data": record.has(HAD_DATA),
                    "uuid": record.text("uuid").lower(),
                    "members": record.members(),
                    "branch": record.branch(),
                    "fenced": record.text("fenced"),
                }
            )
    return found


def _datadir(given: str, engine: Engine | None) -> dict[str, Any]:
    directory = is_directory(given)
    # "" is a place that cannot be known, None is none.
    place = os.path.realpath(given) if directory else _volume(given, engine)
    there = bool(place) and os.path.isdir(str(place))
    entries = sorted(os.listdir(place)) if place and there else []
    shown = [name for name in entries if name not in OF_THE_FILE_SYSTEM]
    tables = os.path.join(place or "", "mysql")
    return {
        "given": given,
        "resolved": place or "",
        "target": place if directory and os.path.islink(given) else "",
        "known": place != "",
        "exists": there,
        "entries": shown[:_SHOWN],
        "own_entries": len(shown) < len(entries),
        "tables": there and os.path.isdir(tables) and bool(os.listdir(tables)),
        "ibdata1": "ibdata1" in entries,
        "half": "sst_in_progress" in entries,
        "uuid": uuid_of(_text(os.path.join(place, "grastate.dat"))) if place else "",
        "mountpoint": mount_point(place) if directory and place else "",
    }


def _volume(name: str, engine: Engine | None) -> str | None:
    """Where a volume is on this host; empty where that cannot be known, None where there is no such volume."""
    if engine:
        place = engine.mountpoint(name) if name else None
    else:
        place = os.path.join(_docker_files.data_root(), "volumes", name, "_data")
        place = place if os.path.isdir(place) else ""
    return os.path.realpath(place) if place else place


def _marks(directory: str) -> list[dict[str, Any]]:
    """Files that only a node leaves which was started: the settings that it began with, and the record of a stop."""
    found = []
    for name in ("stopped.json", "run/in-force.cnf"):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            text = _text(path)
            stop = _stop(text) if name == "stopped.json" else {}
            found.append(
                {
                    "path": path,
                    "changed": os.stat(path).st_ctime,
                    "cluster": str(stop.get("cluster") or "") if stop else cluster_of(text),
                    "uuid": str(stop.get("uuid") or "").lower(),
                }
            )
    return found


def _stop(text: str) -> dict[str, Any]:
    """The record of a stop; one that is damaged tells nothing more than that it is there."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def _kept(datadir: str) -> float | None:
    """When a datadir was last renamed to a dated name beside it."""
    kept = glob.glob(f"{glob.escape(datadir)}.kept-*") if is_directory(datadir) else []
    return max((os.stat(path).st_ctime for path in kept), default=None)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except (FileNotFoundError, NotADirectoryError):
        return ""
