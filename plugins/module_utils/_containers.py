# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of this host's Docker Engine, and the guard that keeps two servers off one datadir.

Works with the docker SDK 5.0.3 (Debian 12) and later; few calls, since many of them can hang the daemon.
The API: https://docs.docker.com/engine/api/v1.41/
"""

from __future__ import annotations

import calendar
import copy
import os
import posixpath
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import LABEL

try:
    import docker
    import docker.errors
    import requests
except ImportError:
    HAS_DOCKER = False
else:
    HAS_DOCKER = True

SOCKET = "unix:///var/run/docker.sock"
# What a throw-away container takes of its node's HostConfig.
INHERITED = (
    "Memory",
    "MemorySwap",
    "MemoryReservation",
    "NanoCpus",
    "PidsLimit",
    "Ulimits",
    "CapAdd",
    "CapDrop",
    "SecurityOpt",
)
LOG_LINES = 15
# What the images print once, or a setting that an operator put on a command line.
_SECRET = re.compile(r"((?:password|wsrep_sst_auth)['\"]?\s*[:=]\s*)(?!(?:YES|NO)\))\S+", re.IGNORECASE)


@contextmanager
def _docker(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into a GaleraError; doing completes "Docker could not"."""
    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        told = getattr(error, "explanation", None) or str(error)
        raise GaleraError(f"Docker could not {doing}: {str(told).strip().rstrip('.')}.") from error


class Engine:
    """This host's Docker Engine. client is a docker.APIClient."""

    def __init__(self, client: Any) -> None:
        self._api = client

    @classmethod
    def connect(cls, timeout: int = 60) -> Engine:
        """Connect over the local socket; timeout of a call in seconds."""
        if not HAS_DOCKER:
            raise GaleraError(f"{missing_required_lib('docker')} Debian: python3-docker; Red Hat: pip's docker.")
        try:
            return cls(docker.APIClient(base_url=SOCKET, version="auto", timeout=timeout))
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise GaleraError(f"Docker Engine does not answer at {SOCKET}: install or start it ({error}).") from error

    def inspect(self, name: str) -> dict[str, Any] | None:
        """A container's definition and state, or None where there is none of the name."""
        with _docker(f"inspect container {name}"):
            try:
                found: dict[str, Any] = self._api.inspect_container(name)
                return found
            except docker.errors.NotFound:
                return None

    def image_id(self, name: str) -> str | None:
        """The id of an image that is on this host, or None where there is none of the name."""
        with _docker(f"inspect image {name}"):
            try:
                return str(self._api.inspect_image(name)["Id"])
            except docker.errors.NotFound:
                return None

    def pull(self, name: str) -> None:
        """Get an image from its registry, with the host's own login there."""
        with _docker(f"pull image {name}"):
            for told in self._api.pull(name, stream=True, decode=True):
                if "error" in told:
                    raise GaleraError(f"Docker could not pull image {name}: {str(told['error']).rstrip('.')}.")

    def mountpoint(self, datadir: str) -> str | None:
        """Where a datadir (an absolute directory, or a volume's name) is on this host; None where it does not exist.

        A volume of a plugin may have no place of its own here: then it is "".
        """
        if is_directory(datadir):
            return os.path.realpath(datadir) if os.path.isdir(datadir) else None
        with _docker(f"inspect volume {datadir}"):
            try:
                return str(self._api.inspect_volume(datadir).get("Mountpoint") or "")
            except docker.errors.NotFound:
                return None

    def users_of(self, datadir: str) -> list[str]:
        """Names of the running containers that could write to a datadir."""
        place = self.mountpoint(datadir)
        with _docker("list its containers"):
            running = self._api.containers()
        return sorted(
            container["Names"][0].lstrip("/")
            for container in running
            if any(mounts(mount, datadir, place) for mount in container.get("Mounts") or ())
        )

    def run(
        self,
        name: str,
        image: str,
        command: Sequence[str],
        binds: Sequence[str],
        timeout: float,
        network: str = "none",
        like: Mapping[str, Any] | None = None,
        empty: Sequence[str] = (),
    ) -> tuple[int, str]:
        """Run a throw-away container, without a network unless one is named; timeout in seconds.

        like is an inspected container whose limits it gets: a server on its host is to take no more than the node does.
        empty are paths in it that get an empty directory each. Returns its exit code and its output.

        The container is removed whatever happens; one that a killed run left behind is removed first.
        """
        definition = {
            "Image": image,
            "Entrypoint": list(command[:1]),
            "Cmd": list(command[1:]),
            "Labels": {LABEL: "throwaway"},
            "Volumes": {path: {} for path in empty},
            "HostConfig": {
                "Binds": list(binds),
                "NetworkMode": network,
                "LogConfig": {"Type": "json-file"},
                **{name: value for name, value in ((like or {}).get("HostConfig") or {}).items() if name in INHERITED},
            },
        }
        self.remove_stopped(name)
        with _docker(f"run {command[0]} of image {image} in container {name}"):
            container = self._api.create_container_from_config(definition, name)["Id"]
            try:
                self._api.start(container)
                code = self._api.wait(container, timeout=timeout)["StatusCode"]
                output = self._api.logs(container, stdout=True, stderr=True)
            except requests.exceptions.RequestException as error:
                raise GaleraError(
                    f"{command[0]} in container {name} did not end within {timeout:g} s ({error})."
                ) from error
            finally:
                self._api.remove_container(container, force=True, v=True)
        return int(code), output.decode("utf-8", "replace")

    def stop(self, name: str, timeout: float) -> None:
        """SIGTERM, and SIGKILL after timeout seconds."""
        with _docker(f"stop container {name}"):
            try:
                self._api.stop(name, timeout=int(timeout))
            except requests.exceptions.RequestException as error:
                raise GaleraError(f"Container {name} did not end within {timeout:g} s ({error}).") from error

    def remove_stopped(self, name: str) -> None:
        """Remove a container, if there is one; refuse where it runs."""
        found = self.inspect(name)
        if found and found["State"]["Running"]:
            raise GaleraError(f"Container {name} is running and in the way: wait until it has ended, or stop it.")
        if found:
            with _docker(f"remove container {name}"):
                self._api.remove_container(found["Id"], v=True)

    def clone(self, source: Mapping[str, Any], name: str, arguments: Sequence[str]) -> None:
        """Create and start a container like another one (see definition_of_clone); remove it if it does not start."""
        definition = definition_of_clone(source, name, arguments)
        networks = definition.pop("NetworkingConfig")["EndpointsConfig"]
        # Engines before 25.0 take one network when a container is created; the others are joined afterwards.
        first = dict(list(networks.items())[:1])
        with _docker(f"create container {name}"):
            container = self._api.create_container_from_config(
                {**definition, "NetworkingConfig": {"EndpointsConfig": first}}, name
            )["Id"]
        try:
            with _docker(f"start container {name}"):
                for network in list(networks)[1:]:
                    endpoint = (networks[network].get("IPAMConfig") or {}).get("IPv4Address")
                    self._api.connect_container_to_network(container, network, ipv4_address=endpoint)
                self._api.start(container)
        except GaleraError:
            with _docker(f"remove container {name}"):
                self._api.remove_container(container, force=True, v=True)
            raise

    def tail(self, name: str, lines: int = LOG_LINES) -> str:
        """The last lines of a container's log, passwords masked."""
        try:
            with _docker(f"read the log of container {name}"):
                log = self._api.logs(name, stdout=True, stderr=True, tail=lines)
        except GaleraError as error:  # the log is told beside another failure, which matters more
            return str(error)
        return mask(log.decode("utf-8", "replace").rstrip())

    def last_life(self, name: str, lines: int = 2000) -> str:
        """The log of a container since it was last started, its last lines, passwords masked; empty without it."""
        found = self.inspect(name)
        if found is None:
            return ""
        # Such as 2026-11-21T09:06:15.285513735Z, or the year 1 where it was never started.
        started = calendar.timegm(time.strptime(found["State"]["StartedAt"][:19], "%Y-%m-%dT%H:%M:%S"))
        with _docker(f"read the log of container {name}"):
            log = self._api.logs(name, stdout=True, stderr=True, tail=lines, since=max(started, 1))
        return mask(log.decode("utf-8", "replace"))

    def watch(
        self, names: Sequence[str], clock: Callable[[], float] = time.monotonic, restarts: int | None = None
    ) -> Watch:
        """Watch over the first of these containers that runs; restarts is what an earlier watch began with."""
        return Watch(self, names, clock, restarts)


class Watch:
    """Calling it raises once a container has ended, or Docker has restarted it twice since the watch began.

    A container is inspected when its process is gone, and not more often than once a second.
    """

    def __init__(
        self, engine: Engine, names: Sequence[str], clock: Callable[[], float], restarts: int | None = None
    ) -> None:
        self._engine = engine
        self._names = names
        self._clock = clock
        self._looked: float | None = None
        self._pid = 0
        self.restarts = restarts
        self.name = names[0]

    def __call__(self) -> None:
        if self._pid and os.path.exists(f"/proc/{self._pid}"):
            return
        if self._looked is not None and self._clock() - self._looked < 1:
            return
        self._looked = self._clock()
        found = {name: self._engine.inspect(name) for name in self._names}
        states = {name: inspected["State"] for name, inspected in found.items() if inspected}
        alive = [name for name, state in states.items() if state["Running"]]
        if not alive:
            raise GaleraError(self._ended(states))
        self.name = alive[0]
        self._pid = states[self.name]["Pid"]
        restarts = int((found[self.name] or {}).get("RestartCount", 0))
        if self.restarts is None:
            self.restarts = restarts
        if restarts - self.restarts >= 2:
            raise GaleraError(f"Container {self.name} ends again and again.{self._log(self.name)}")

    def _ended(self, states: Mapping[str, Mapping[str, Any]]) -> str:
        if not states:
            return f"There is no container {' or '.join(self._names)} on this host."
        # Of a container that ended and one that is still to be started, the former is what went wrong.
        name, state = min(states.items(), key=lambda item: item[1].get("Status") == "created")
        if state.get("Status") == "created":
            return f"Container {name} was never started: start it."
        killed = ", out of memory" if state.get("OOMKilled") else ""
        return f"Container {name} has ended with exit code {state.get('ExitCode')}{killed}.{self._log(name)}"

    def _log(self, name: str) -> str:
        return f" Its last log lines:\n{self._engine.tail(name)}"


def is_directory(datadir: str) -> bool:
    """Whether a datadir is named by its directory; else it is the name of a Docker volume."""
    return os.path.isabs(datadir)


def mask(text: str) -> str:
    """Hide what looks like a password."""
    return _SECRET.sub(r"\1***", text)


def mounts(mount: Mapping[str, Any], datadir: str, place: str | None) -> bool:
    """Whether a container's mount gives it the datadir (found at place on this host), a part of it, or what holds it.

    Read-only mounts and mounts of the host's whole file system do not count: those are agents that look at a host
    (Weave Net's own containers among them), and no server can run on them.
    """
    if not mount.get("RW", True):
        return False
    if mount.get("Type") == "volume" and mount.get("Name") == datadir:
        return True
    source = os.path.realpath(mount["Source"]) if mount.get("Source") else ""
    if not source or not place or source == "/":
        return False
    return os.path.commonpath([source, place]) in (source, place)


def definition_of_clone(source: Mapping[str, Any], name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What /containers/create takes, for a container like an inspected one under another name.

    It runs the very same image with the same command and these arguments after it, is not restarted by Docker, and has
    the same networks and addresses: the two cannot run at once. A host name that was made from the old name is made
    from the new one; the same goes for names in a network's DNS.
    """
    old = source["Name"].lstrip("/")
    config = copy.deepcopy(dict(source["Config"]))
    config.pop("MacAddress", None)
    config["Image"] = source["Image"]
    config["Cmd"] = [*(config.get("Cmd") or []), *arguments]
    config["Labels"] = {**(config.get("Labels") or {}), LABEL: "bootstrap"}
    hostname, dot, domain = str(config.get("Hostname") or "").partition(".")
    if hostname == old:
        config["Hostname"] = f"{name}{dot}{domain}"
    elif source["Id"].startswith(hostname):
        config.pop("Hostname", None)
    host = copy.deepcopy(dict(source["HostConfig"]))
    host.update(RestartPolicy={"Name": "no", "MaximumRetryCount": 0}, AutoRemove=False, ContainerIDFile="")
    networks = {}
    mode = host.get("NetworkMode") or "default"
    if mode not in ("default", "bridge", "host", "none") and not mode.startswith("container:"):
        attached = (source.get("NetworkSettings") or {}).get("Networks") or {}
        for network in sorted(attached, key=lambda network: network != mode):
            endpoint = attached[network]
            aliases = [alias for alias in endpoint.get("Aliases") or () if not source["Id"].startswith(alias)]
            networks[network] = {
                "IPAMConfig": endpoint.get("IPAMConfig"),
                "Links": endpoint.get("Links"),
                "DriverOpts": endpoint.get("DriverOpts"),
                "Aliases": [name if alias == old else alias for alias in aliases],
            }
    return {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": networks}}


def bind_of(source: str, target: str, read_only: bool = False) -> str:
    """A directory or volume of the host at a path of a container, as Docker's Binds take it."""
    return f"{source}:{posixpath.normpath(target)}:{'ro' if read_only else 'rw'}"
