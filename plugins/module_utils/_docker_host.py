# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what a host has of what the role docker_host sets up. Changes nothing, and works before anything is installed.

Docker Engine is asked over its socket without the docker SDK, which is not on a new host.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils import _docker_files
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.engine import (
    ENGINES,
    RIVALS,
    RPM_RIVALS,
    SETTINGS,
    Found,
    Told,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import (
    CLUSTER_LABEL,
    DATADIR,
    LABEL,
    Container,
)

SOCKET = "/var/run/docker.sock"
SNAPS = ("/snap/docker", "/var/lib/snapd/snap/docker")
# Seconds that the Engine has for an answer; one with many containers on a busy host takes some.
PATIENCE = 30
# What a container's state is called that does not run; any other word counts as running.
_ENDED = ("created", "exited", "dead", "removing")
# Some ways of becoming root leave these out.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
_QUERIES = {
    "Debian": ("dpkg-query", "--show", "--showformat", "${db:Status-Status}\t${Package}\t${Version}\n"),
    "RedHat": ("rpm", "--query", "--queryformat", "installed\t%{NAME}\t%{VERSION}\n"),
}


def engine(family: str, packages: Iterable[str] = (), settings: str = SETTINGS) -> Found:
    """The Engine of this host, and what it runs. family is that of the packages, Debian or RedHat."""
    told, why = _told()
    try:
        containers = _asked() if told else _read()
        held = _docker_files.held(told.root if told else _docker_files.data_root())
    except (GaleraError, OSError, ValueError, KeyError) as error:
        containers, held, why = None, None, why or str(error)
    names = {*packages, *ENGINES.values(), *(RPM_RIVALS if family == "RedHat" else sum(RIVALS.values(), ()))}
    return Found(
        text=_docker_files.text(settings),
        stale=_is_newer(settings, _docker_files.PID_FILE),
        packages=installed(family, sorted(names)),
        program=shutil.which("dockerd", path=_PATH) or "",
        snap=next((path for path in SNAPS if os.path.isdir(path)), ""),
        told=told,
        why=why,
        runs=bool(_docker_files.command_line()),
        flags=_docker_files.flags(),
        containers=containers,
        held=held,
    )


def mode(settings: str = SETTINGS) -> str:
    """The mode of the settings file, which it keeps; 0644 where there is no file."""
    return f"{stat.S_IMODE(os.stat(settings).st_mode):04o}" if os.path.exists(settings) else "0644"


def installed(family: str, names: Sequence[str]) -> dict[str, str]:
    """Versions of those of these packages that are installed."""
    lines = (line.split("\t") for line in _output(*_QUERIES[family], *names)) if family in _QUERIES else ()
    return {words[1]: words[2] for words in lines if len(words) == 3 and words[0] == "installed"}


def look(family: str, packages: Mapping[str, str], commands: Iterable[str], sysctl: Iterable[str]) -> Iterator[str]:
    """Line by line what the role compares: packages, held ones, commands, kernel settings and the clock."""
    for name, version in packages.items():
        yield f"{name} installed"
        yield f"{name} {version}"
    if family == "Debian":
        yield from (f"held {name}" for name in _output("apt-mark", "showhold"))
        if any("_Packages" in name for name in _listed("/var/lib/apt/lists")):
            yield "package lists"
    yield from (f"command {name}" for name in commands if shutil.which(name, path=_PATH))
    if os.path.isdir(os.path.dirname(SETTINGS)):
        yield f"directory {os.path.dirname(SETTINGS)}"
    for key in sysctl:
        yield f"{key}={' '.join(_output('sysctl', '--values', key))}"
    yield f"clock {' '.join(_output('timedatectl', 'show', '--property', 'NTPSynchronized', '--value'))}"


class _Connection(http.client.HTTPConnection):
    """HTTP over the Engine's socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(SOCKET)


def _ask(path: str) -> Any:
    """The answer to a GET: https://docs.docker.com/reference/api/engine/"""
    connection = _Connection("docker")
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise GaleraError(f"{SOCKET}: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise GaleraError(f"{SOCKET}: {path} is answered with {answer.status} {answer.reason}")
    return json.loads(body)


def _told() -> tuple[Told | None, str]:
    try:
        told = Told.read(_ask("/info"))
    except (GaleraError, ValueError) as error:
        return None, str(error)
    return (told, "") if told.root else (None, f"{SOCKET}: what answers names no data directory")


def _asked() -> tuple[Container, ...]:
    return tuple(
        _container(each["Names"][0], each.get("Labels"), each.get("Mounts"), each["State"] not in _ENDED)
        for each in _ask("/containers/json?all=1")
        if each.get("Names")
    )


def _read() -> tuple[Container, ...]:
    return tuple(
        _container(each["Name"], each["Config"].get("Labels"), each["Mounts"], each["State"]["Running"])
        for each in _docker_files.containers(_docker_files.data_root())
    )


def _container(
    name: str, labels: Mapping[str, str] | None, mounts: Sequence[Mapping[str, Any]] | None, running: bool
) -> Container:
    places = [mount for mount in mounts or () if mount.get("Destination") == DATADIR and mount.get("RW", True)]
    return Container(
        name=name.lstrip("/"),
        cluster=(labels or {}).get(CLUSTER_LABEL, ""),
        part=(labels or {}).get(LABEL, ""),
        running=running,
        datadir=str(places[0].get("Name") or places[0].get("Source") or DATADIR) if places else "",
    )


def _is_newer(path: str, other: str) -> bool:
    try:
        return os.stat(path).st_mtime_ns > os.stat(other).st_mtime_ns
    except FileNotFoundError:
        return False


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _output(program: str, *arguments: str) -> list[str]:
    """Lines that a program prints; none where it is not there. A package that is absent is no error here."""
    path = shutil.which(program, path=_PATH)
    if path is None:
        return []
    run = subprocess.run(
        [path, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "LC_ALL": "C", "PATH": _PATH},
    )
    return run.stdout.splitlines()
