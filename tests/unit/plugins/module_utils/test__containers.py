# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what decides without a daemon; the Molecule scenarios run the rest against real engines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.module_utils._containers import (
    Engine,
    bind_of,
    definition_of_clone,
    mask,
    mounts,
)
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError

ID = "cab271cec972" + "0" * 52
# What inspecting a container on two networks gives, shortened.
INSPECTED: dict[str, Any] = {
    "Id": ID,
    "Name": "/mariadb1",
    "Image": "sha256:692c0c0c120b",
    "State": {"Running": False},
    "Config": {
        "Hostname": "mariadb1.weave.local",
        "Domainname": "",
        "Env": ["MARIADB_ROOT_PASSWORD_FILE=/run/secrets/root"],
        "Cmd": ["mariadbd"],
        "Image": "mariadb:10.11",
        "Entrypoint": ["/usr/local/bin/galera-start"],
        "Labels": {"dbops.galera.cluster": "galera"},
        "StopTimeout": 600,
        "MacAddress": "02:42:ac:13:00:02",
    },
    "HostConfig": {
        "Binds": ["/containers/mariadb1/datadir:/var/lib/mysql"],
        "NetworkMode": "weave",
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "Memory": 1073741824,
    },
    "NetworkSettings": {
        "Networks": {
            "backup": {"IPAMConfig": None, "Aliases": None, "Links": None, "DriverOpts": None},
            "weave": {
                "IPAMConfig": {"IPv4Address": "10.99.0.77"},
                "Aliases": ["mariadb1", "db", ID[:12]],
                "Links": None,
                "DriverOpts": None,
                "IPAddress": "10.99.0.77",
            },
        }
    },
}


def clone(**changed: Any) -> dict[str, Any]:
    config = {**INSPECTED["Config"], **changed.pop("Config", {})}
    host = {**INSPECTED["HostConfig"], **changed.pop("HostConfig", {})}
    source = {**INSPECTED, **changed, "Config": config, "HostConfig": host}
    return definition_of_clone(source, "mariadb0", ["--wsrep_cluster_address=gcomm://"])


def test_a_clone_bootstraps_and_is_not_restarted() -> None:
    made = clone()
    assert made["Cmd"] == ["mariadbd", "--wsrep_cluster_address=gcomm://"]
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert made["Image"] == INSPECTED["Image"]
    assert made["Labels"] == {"dbops.galera.cluster": "galera", "dbops.galera": "bootstrap"}
    assert "MacAddress" not in made
    for same in ("Entrypoint", "Env", "StopTimeout"):
        assert made[same] == INSPECTED["Config"][same]
    for same in ("Binds", "Memory", "NetworkMode"):
        assert made["HostConfig"][same] == INSPECTED["HostConfig"][same]


def test_a_clone_leaves_its_source_alone() -> None:
    clone()["HostConfig"]["Binds"].append("more")
    assert INSPECTED["HostConfig"]["Binds"] == ["/containers/mariadb1/datadir:/var/lib/mysql"]
    assert INSPECTED["Config"]["Cmd"] == ["mariadbd"]


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("mariadb1.weave.local", "mariadb0.weave.local"),
        ("mariadb1", "mariadb0"),
        ("mariadb10.weave.local", "mariadb10.weave.local"),
        ("host1", "host1"),
        (ID[:12], None),
    ],
)
def test_host_name_of_a_clone(hostname: str, expected: str | None) -> None:
    assert clone(Config={"Hostname": hostname}).get("Hostname") == expected


def test_networks_of_a_clone() -> None:
    networks = clone()["NetworkingConfig"]["EndpointsConfig"]
    assert list(networks) == ["weave", "backup"]
    assert networks["weave"]["IPAMConfig"] == {"IPv4Address": "10.99.0.77"}
    assert networks["weave"]["Aliases"] == ["mariadb0", "db"]


@pytest.mark.parametrize("mode", ["host", "none", "default", "bridge", "container:abc"])
def test_a_clone_outside_user_networks(mode: str) -> None:
    assert clone(HostConfig={"NetworkMode": mode})["NetworkingConfig"] == {"EndpointsConfig": {}}


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Destination": "/var/lib/mysql", "RW": True, **more}


@pytest.mark.parametrize(
    ("mount", "used"),
    [
        (bind("/containers/mariadb1/datadir"), True),
        (bind("/containers/mariadb1/datadir/"), True),
        (bind("/containers//mariadb1/./datadir"), True),
        (bind("/containers/mariadb1"), True),
        (bind("/containers/mariadb1/datadir/mysql"), True),
        (bind("/containers/mariadb1/datadir2"), False),
        (bind("/containers/mariadb1/conf.d"), False),
        (bind("/containers/mariadb2/datadir"), False),
        # An agent that looks at the host, as Weave Net's containers do.
        (bind("/"), False),
        (bind("/containers/mariadb1/datadir", RW=False), False),
        ({"Type": "tmpfs", "Source": "", "Destination": "/tmp", "RW": True}, False),
    ],
)
def test_mounts_of_a_directory(mount: dict[str, Any], used: bool) -> None:
    assert mounts(mount, "/containers/mariadb1/datadir", "/containers/mariadb1/datadir") is used


@pytest.mark.parametrize(
    ("mount", "place", "used"),
    [
        ({"Type": "volume", "Name": "db", "Source": "", "RW": True}, "", True),
        ({"Type": "volume", "Name": "db2", "Source": "", "RW": True}, "", False),
        (bind("/var/lib/docker/volumes/db/_data"), "/var/lib/docker/volumes/db/_data", True),
        (bind("/containers/mariadb1"), "", False),
    ],
)
def test_mounts_of_a_volume(mount: dict[str, Any], place: str, used: bool) -> None:
    assert mounts(mount, "db", place) is used


def test_mounts_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "datadir").symlink_to(tmp_path / "disk")
    place = os.path.realpath(tmp_path / "datadir")
    assert mounts(bind(str(tmp_path / "datadir")), str(tmp_path / "datadir"), place)
    assert mounts(bind(str(tmp_path / "disk")), str(tmp_path / "datadir"), place)


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("[Note] GENERATED ROOT PASSWORD: hunter2", "[Note] GENERATED ROOT PASSWORD: ***"),
        ("wsrep_sst_auth=sst:hunter2 ok", "wsrep_sst_auth=*** ok"),
        ("Access denied (using password: YES)", "Access denied (using password: YES)"),
        ("WSREP: Recovered position: a:1", "WSREP: Recovered position: a:1"),
    ],
)
def test_passwords_are_masked(line: str, masked: str) -> None:
    assert mask(line) == masked


def test_binds() -> None:
    assert bind_of("/data", "/var/lib/mysql/") == "/data:/var/lib/mysql:rw"
    assert bind_of("db", "/var/lib/mysql", read_only=True) == "db:/var/lib/mysql:ro"


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    with pytest.raises(GaleraError, match=r"docker.*python3-docker"):
        Engine.connect()


def test_a_missing_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = pytest.importorskip("docker")

    def refuse(**_options: Any) -> None:
        raise docker.errors.DockerException("Error while fetching server API version: No such file or directory")

    monkeypatch.setattr(docker, "APIClient", refuse)
    with pytest.raises(GaleraError, match=r"Docker Engine does not answer at .*: install or start it .*No such file"):
        Engine.connect()


class Logs:
    """A Docker API with the log of a container that was started then, or of none."""

    def __init__(self, started: str | None) -> None:
        self.started = started
        self.asked: dict[str, Any] = {}

    def inspect_container(self, name: str) -> dict[str, Any]:
        if self.started is None:
            raise pytest.importorskip("docker").errors.NotFound(name)
        return {"State": {"StartedAt": self.started}}

    def logs(self, _name: str, **asked: Any) -> bytes:
        self.asked = asked
        return b"[ERROR] corrupt\nwsrep_sst_auth=sst:hidden\n"


@pytest.mark.parametrize(
    ("started", "since"), [("2026-11-21T09:06:15.285513735Z", 1795251975), ("0001-01-01T00:00:00Z", 1)]
)
def test_the_log_of_a_containers_last_life(started: str, since: int) -> None:
    api = Logs(started)
    assert Engine(api).last_life("mariadb1") == "[ERROR] corrupt\nwsrep_sst_auth=***\n"
    assert api.asked["since"] == since
    assert Engine(Logs(None)).last_life("mariadb1") == ""


class Daemon:
    """A Docker API that runs throw-away containers and stops others; what fails is told."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.done: list[Any] = []

    def _do(self, what: str, *told: Any) -> None:
        self.done.append((what, *told))
        if what == self.fails:
            raise pytest.importorskip("requests").exceptions.ReadTimeout("Read timed out")

    def inspect_container(self, name: str) -> dict[str, Any]:
        raise pytest.importorskip("docker").errors.NotFound(name)

    def create_container_from_config(self, definition: dict[str, Any], name: str) -> dict[str, str]:
        self._do("create", name, definition)
        return {"Id": "abc"}

    def start(self, container: str) -> None:
        self._do("start", container)

    def wait(self, container: str, timeout: float) -> dict[str, int]:
        self._do("wait", container, timeout)
        return {"StatusCode": 3}

    def logs(self, container: str, **_options: Any) -> bytes:
        self._do("logs", container)
        return b"198.51.100.1:4567 silent\n"

    def remove_container(self, container: str, **options: Any) -> None:
        self._do("remove", container, options)

    def stop(self, name: str, timeout: int) -> None:
        self._do("stop", name, timeout)


@pytest.mark.parametrize(("network", "mode"), [({}, "none"), ({"network": "weave"}, "weave")])
def test_a_throw_away_container(network: dict[str, str], mode: str) -> None:
    api = Daemon()
    told = Engine(api).run("mariadb2-position", "sha256:a", ["galera-start", "--ask"], ["/x:/y:ro"], 60, **network)
    assert told == (3, "198.51.100.1:4567 silent\n")
    assert [what for what, *_told in api.done] == ["create", "start", "wait", "logs", "remove"]
    _what, name, definition = api.done[0]
    assert (name, definition["Image"]) == ("mariadb2-position", "sha256:a")
    assert (definition["Entrypoint"], definition["Cmd"]) == (["galera-start"], ["--ask"])
    assert definition["Labels"] == {"dbops.galera": "throwaway"}
    assert definition["HostConfig"]["NetworkMode"] == mode
    assert definition["HostConfig"]["Binds"] == ["/x:/y:ro"]
    assert api.done[-1] == ("remove", "abc", {"force": True, "v": True})


def test_a_throw_away_container_has_the_limits_of_the_node() -> None:
    api = Daemon()
    limits = {
        "Memory": 8 << 30,
        "MemorySwap": 8 << 30,
        "MemoryReservation": 7 << 30,
        "NanoCpus": 2 * 10**9,
        "CapDrop": ["ALL"],
        "CapAdd": ["CHOWN"],
        "SecurityOpt": ["no-new-privileges:true"],
        "PidsLimit": 4096,
        "Ulimits": [{"Name": "nofile", "Soft": 4096, "Hard": 4096}],
    }
    like = {"HostConfig": {**limits, "Binds": ["/d:/e"], "NetworkMode": "host", "RestartPolicy": {"Name": "always"}}}
    Engine(api).run("mariadb2-position", "sha256:a", ["mariadbd"], ["/x:/y:ro"], 60, like=like)
    host = api.done[0][2]["HostConfig"]
    assert {name: host[name] for name in limits} == limits
    assert (host["Binds"], host["NetworkMode"], "RestartPolicy" in host) == (["/x:/y:ro"], "none", False)


def test_a_throw_away_container_that_does_not_end_is_removed() -> None:
    api = Daemon(fails="wait")
    with pytest.raises(
        GaleraError, match=r"sh in container mariadb2-position did not end within 60 s \(Read timed out"
    ):
        Engine(api).run("mariadb2-position", "sha256:a", ["sh"], [], 60)
    assert api.done[-1][0] == "remove"


def test_a_container_is_stopped_with_time() -> None:
    api = Daemon()
    Engine(api).stop("mariadb2", 600.0)
    assert api.done == [("stop", "mariadb2", 600)]
    with pytest.raises(GaleraError, match=r"^Container mariadb2 did not end within 600 s \(Read timed out\)\.$"):
        Engine(Daemon(fails="stop")).stop("mariadb2", 600)


class Containers:
    """States of containers, one after the other, as an engine would tell them."""

    def __init__(self, *states: dict[str, Any] | None) -> None:
        self.states = list(states)
        self.other: dict[str, Any] | None = None
        self.asked = 0

    def inspect(self, name: str) -> dict[str, Any] | None:
        if name != "mariadb1":
            return self.other
        self.asked += 1
        return self.states[0] if len(self.states) == 1 else self.states.pop(0)

    def tail(self, _name: str) -> str:
        return "[ERROR] Aborting"


def state(running: bool, pid: int = 0, restarts: int = 0, **more: Any) -> dict[str, Any]:
    return {"RestartCount": restarts, "State": {"Running": running, "Pid": pid, "ExitCode": 1, **more}}


def test_a_watch_goes_on_where_an_earlier_one_stopped_counting() -> None:
    look = _containers.Watch(Containers(state(True, restarts=9)), ("mariadb1",), iter(range(9)).__next__, restarts=7)
    with pytest.raises(GaleraError, match="ends again and again"):
        look()


def watch(engine: Any, names: tuple[str, ...] = ("mariadb1", "mariadb0")) -> _containers.Watch:
    ticks = iter(range(1000))
    return _containers.Watch(engine, names, lambda: float(next(ticks)))


def test_a_living_process_is_not_inspected_again() -> None:
    engine = Containers(state(True, os.getpid()))
    look = watch(engine)
    for _time in range(5):
        look()
    assert engine.asked == 1
    assert look.name == "mariadb1"


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        (Containers(state(False)), r"Container mariadb1 has ended with exit code 1\..*\n\[ERROR\] Aborting"),
        (Containers(state(False, OOMKilled=True)), "exit code 1, out of memory"),
        (Containers(state(False, Status="created")), "Container mariadb1 was never started: start it"),
        (Containers(None), "There is no container mariadb1 or mariadb0 on this host"),
    ],
)
def test_a_container_that_does_not_run(engine: Containers, sentence: str) -> None:
    with pytest.raises(GaleraError, match=sentence):
        watch(engine)()


def test_the_bootstrap_container_that_ended_is_told() -> None:
    engine = Containers(state(False, Status="created"))
    engine.other = state(False, Status="exited")
    with pytest.raises(GaleraError, match="Container mariadb0 has ended with exit code 1"):
        watch(engine)()


def test_a_container_that_is_restarted_again_and_again() -> None:
    look = watch(Containers(state(True, restarts=7), state(True, restarts=8), state(True, restarts=9)))
    look()
    look()
    with pytest.raises(GaleraError, match=r"mariadb1 ends again and again\..*\n\[ERROR\] Aborting"):
        look()
