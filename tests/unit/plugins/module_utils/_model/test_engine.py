# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose Engine is as docker_host left it, but for what a test changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.engine import (
    Found,
    Told,
    Verdict,
    Wanted,
    fits,
    flags_of,
    judge,
    lost_keys,
    merge,
    read_settings,
    root_of,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container
from hypothesis import given
from hypothesis import strategies as st

OWN = {"live-restore": True, "log-driver": "json-file", "log-opts": {"max-file": "3", "max-size": "10m"}}
NODE = Container(name="mariadb1", cluster="galera", running=True, datadir="/data")
PROXY = Container(name="proxysql", cluster="galera", running=True)
# What does not count as living: stopped, of a module of ours for a moment, of somebody else.
OTHERS = (
    Container(name="mariadb0", cluster="galera", datadir="/data"),
    Container(name="check", cluster="galera", part="throwaway", running=True, datadir="/data"),
    Container(name="web", running=True),
)
TOLD = Told(root="/var/lib/docker", live_restore=True, driver="overlay2")
TURN = (
    "Do it on one host after the other: give the new value to that host only (host_vars), let move_writer take the "
    "writer elsewhere, docker stop mariadb1 there, and run again."
)
OUT = "of docker_host_daemon_config, or with the value null there where /etc/docker/daemon.json has it"


def text_of(settings: object) -> str:
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def found(**changes: Any) -> Found:
    usual = {
        "text": text_of(OWN),
        "packages": {"docker.io": "20.10.24+dfsg1-1+b3", "python3-docker": "5.0.3-1"},
        "program": "/usr/sbin/dockerd",
        "told": TOLD,
        "runs": True,
        "containers": (NODE, *OTHERS),
        "held": 4,
    }
    return Found(**{**usual, **changes})


def judged(config: Mapping[str, Any] | None = None, wanted: Mapping[str, Any] | None = None, **changes: Any) -> Verdict:
    return judge(Wanted(config=config or {}, **(wanted or {})), found(**changes))


def fresh(**changes: Any) -> dict[str, Any]:
    """A host on which nothing is installed."""
    return {"text": None, "packages": {}, "program": "", "told": None, "runs": False, "containers": (), "held": 0} | (
        changes
    )


def only(verdict: Verdict) -> str:
    """The one thing that speaks against it."""
    assert len(verdict.problems) == 1, verdict.problems
    return verdict.problems[0]


# The settings.


def test_what_docker_host_left_is_left_as_it_is() -> None:
    assert judged() == Verdict(text_of(OWN), (), ())
    assert judged(text=json.dumps(OWN)).text == json.dumps(OWN)


def test_a_new_host_gets_what_the_role_needs() -> None:
    assert judged(**fresh()) == Verdict(text_of(OWN), (), ())
    assert judged(**fresh(text="\n")).text == text_of(OWN)


JOURNALD = {"live-restore": True, "log-driver": "journald"}
NVIDIA, LAB = {"nvidia": {"path": "n"}}, {"lab": {"path": "l"}}
THEIRS = {"data-root": "/srv/docker", "registry-mirrors": ["http://x"], "log-opts": {"tag": "x"}}


@pytest.mark.parametrize(
    ("before", "config", "after"),
    [
        (THEIRS, {}, {**OWN, **THEIRS, "log-opts": {"max-file": "3", "max-size": "10m", "tag": "x"}}),
        ({"runtimes": NVIDIA}, {"runtimes": LAB}, {**OWN, "runtimes": {**NVIDIA, **LAB}}),
        ({}, {"icc": False}, {**OWN, "icc": False}),
        ({}, {"debug": None, "proxies": {"no-proxy": None}}, {**OWN, "proxies": {}}),
        ({"live-restore": True}, {"live-restore": None}, OWN),
        # Options belong to a driver.
        ({"log-driver": "journald"}, {}, JOURNALD),
        ({"log-driver": "local", "log-opts": {"compress": "no"}}, {}, None),
        ({}, {"log-driver": "journald"}, JOURNALD),
    ],
)
def test_what_is_there_stays(before: dict[str, Any], config: dict[str, Any], after: dict[str, Any] | None) -> None:
    local = {**OWN, "log-driver": "local", "log-opts": {"compress": "no", "max-file": "3", "max-size": "10m"}}
    assert judged(config, **fresh(text=json.dumps(before))) == Verdict(text_of(after or local), (), ())


@pytest.mark.parametrize(
    ("before", "config", "after", "lost"),
    [
        ({"dns": ["x"]}, {"dns": ["y"]}, {**OWN, "dns": ["y"]}, "dns"),
        ({"debug": 1}, {"debug": True}, {**OWN, "debug": True}, "debug"),
        ({"debug": True, "icc": False}, {"debug": None}, {**OWN, "icc": False}, "debug"),
        ({"live-restore": False}, {}, OWN, "live-restore"),
        ({"log-opts": {"max-size": "50m"}}, {}, OWN, "log-opts.max-size"),
        ({"log-opts": "50m"}, {}, OWN, "log-opts"),
        ({**JOURNALD, "log-opts": {"tag": "x"}}, {"log-driver": None}, OWN, "log-driver, log-opts.tag"),
        (OWN, {"log-driver": "journald"}, JOURNALD, "log-driver and log-opts"),
    ],
)
def test_a_value_that_goes_is_named(before: dict[str, Any], config: dict[str, Any], after: Any, lost: str) -> None:
    verdict = judged(config, **fresh(text=json.dumps(before)))
    assert (json.loads(verdict.text), verdict.problems) == (after, ())
    assert verdict.warnings == (
        (
            f"/etc/docker/daemon.json has values of {lost.replace(', ', ' and ')} that docker_host replaces or takes "
            "out. A copy of the file is kept beside it."
        ),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "it holds a list"),
        ('"{}"', "it holds a str"),
        ('{"a": "\ufffd"}', "it is not UTF-8"),
    ],
)
def test_a_file_without_settings_is_refused(text: str, why: str) -> None:
    assert judged(text=text) == Verdict(
        text,
        ((f"/etc/docker/daemon.json is not a JSON object ({why}). Correct it, or move it away, and run again."),),
        (),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "10m", "json-file", "journald", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["a", "b", "live-restore", "log-driver", "log-opts", "max-size"])
SETTINGS = st.dictionaries(KEYS, JSON, max_size=5)


def paths(settings: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Values that hold no others, by their keys."""
    told: dict[tuple[str, ...], Any] = {}
    for key, value in settings.items():
        told |= paths(value, (*above, key)) if isinstance(value, dict) and value else {(*above, key): value}
    return told


@given(before=SETTINGS, config=SETTINGS)
def test_merging_again_changes_nothing(before: dict[str, Any], config: dict[str, Any]) -> None:
    once = merge(before, Wanted(config=config))
    assert text_of(merge(once, Wanted(config=config))) == text_of(once)
    assert lost_keys(once, once) == []


@given(before=SETTINGS, config=SETTINGS)
def test_nothing_is_lost_that_is_not_named(before: dict[str, Any], config: dict[str, Any]) -> None:
    after = merge(before, Wanted(config=config))
    named = {tuple(key.split(".")) for key in lost_keys(before, after)}
    left = paths(after)
    for path, value in paths(before).items():
        kept = path in left and text_of(left[path]) == text_of(value)
        # An empty object that gets a key has lost nothing.
        kept = kept or (value == {} and any(other[: len(path)] == path for other in left))
        assert kept or any(path[: len(name)] == name for name in named)


@given(before=SETTINGS, config=SETTINGS)
def test_the_operator_gets_what_he_asks_for(before: dict[str, Any], config: dict[str, Any]) -> None:
    left = paths(merge(before, Wanted(config=config)))
    for path, value in paths(config).items():
        if value not in (None, {}):
            assert text_of(left[path]) == text_of(value)


@given(before=SETTINGS, config=SETTINGS)
def test_live_restore_is_on_unless_the_operator_says_otherwise(before: dict[str, Any], config: dict[str, Any]) -> None:
    said = config.get("live-restore")
    after = merge(before, Wanted(config=config))["live-restore"]
    assert (
        after is True if said is None else text_of(after) == text_of(merge({}, Wanted(config=config))["live-restore"])
    )


def test_settings_are_read_without_the_mark_of_their_byte_order() -> None:
    assert read_settings('\ufeff{"debug": true}') == ({"debug": True}, "")


# What speaks against it.


def test_another_engine_is_recognised() -> None:
    ce = {"docker-ce": "5:27.5.1", "docker-ce-cli": "5:27.5.1", "containerd.io": "1.7"}
    assert only(judged(packages=ce)) == (
        "docker-ce, docker-ce-cli and containerd.io are installed, and docker_host_engine_source is distribution: "
        "docker.io would take their place. To keep it, set docker_host_engine_source to docker. To change the source, "
        "on one host after the other: stop the host's containers, remove docker-ce, docker-ce-cli and containerd.io, "
        "and run again."
    )
    assert only(judged(wanted={"source": "docker"})) == (
        "docker.io is installed, and docker_host_engine_source is docker: docker-ce would take its place. To keep it, "
        "set docker_host_engine_source to distribution. To change the source, on one host after the other: stop the "
        "host's containers, remove docker.io, and run again."
    )
    assert judged(wanted={"source": "docker"}, packages=ce).problems == ()
    for name in ("moby-engine", "podman-docker", "containerd.io"):
        assert only(judged(packages={name: "1"})) == (
            f"{name} is installed, and docker_host_engine_source is distribution: docker.io would take its place. To "
            f"change the source, on one host after the other: stop the host's containers, remove {name}, and run again."
        )


def test_an_engine_of_no_package_is_recognised() -> None:
    snap = judged(**fresh(snap="/snap/docker"))
    assert only(snap) == (
        "Docker of a snap is installed (/snap/docker), which does not read /etc/docker/daemon.json. Remove it (snap "
        "remove docker) once its containers are not needed any more, and run again."
    )
    said = (
        "a Docker Engine that came with no known package is here ({}), and docker.io would be installed beside it. "
        "Remove it, and run again; or run the role docker_host in a playbook of your own with --tags "
        "docker_host_configure, which installs nothing."
    )
    program = "/usr/local/bin/dockerd"
    assert judged(**fresh(program=program)).problems == (said.format(program),)
    assert judged(**fresh(told=TOLD)).problems == (said.format("its socket answers"),)


def test_an_engine_of_somebody_else_is_configured_where_nothing_is_installed() -> None:
    wanted = {"installs": False, "version": "1"}
    assert judged(wanted=wanted, packages={"docker-ce": "5:27.5.1"}).problems == ()
    assert judged(wanted=wanted, packages={}).problems == ()
    assert judged(wanted=wanted).problems == ()


def test_a_socket_on_the_network_is_refused() -> None:
    hosts = {"hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"]}
    said = (
        "hosts opens Docker Engine on the network (tcp://0.0.0.0:2375; by docker_host_daemon_config or "
        "/etc/docker/daemon.json); whoever reaches that socket is root on this host. Take it out, or set tlsverify to "
        "true."
    )
    assert judged(hosts, **fresh()).problems == (said,)
    assert judged(text=json.dumps({**OWN, **hosts})).problems == (said,)
    assert judged({"hosts": "tcp://x"}, **fresh()).problems == (said.replace("tcp://0.0.0.0:2375", "tcp://x"),)
    assert judged(text=json.dumps({**OWN, **hosts, "tlsverify": True})).problems == ()
    assert judged(text=json.dumps({**OWN, "hosts": ["fd://"]})).problems == ()


@pytest.mark.parametrize(
    ("key", "value", "flag"),
    [
        ("log-driver", "json-file", "log-driver"),
        ("log-opts", {}, "log-opt"),
        ("hosts", ["fd://"], "host"),
        ("insecure-registries", ["x"], "insecure-registry"),
    ],
)
def test_a_key_that_is_a_flag_is_refused(key: str, value: object, flag: str) -> None:
    settings = {name: value for name, value in OWN.items() if name != key}
    verdict = judged({key: value}, text=json.dumps(settings), flags={flag: "x", "containerd": "y"}, containers=())
    assert only(verdict) == (
        f"dockerd is started with --{flag}, by its systemd unit or /etc/default/docker, and docker_host writes {key} "
        "into /etc/docker/daemon.json: Docker does not start with both. Take the flag out there."
    )


def test_flags_beside_keys_of_before_are_none_of_ours() -> None:
    assert (
        judged({"runtimes": {"lab": {}}}, flags={"add-runtime": "x", "runtime": "x", "live-restore": ""}).problems == ()
    )


def test_another_file_of_settings_is_refused() -> None:
    assert only(judged(flags={"config-file": "/etc/other.json"})) == (
        "dockerd is started with --config-file=/etc/other.json, and docker_host writes /etc/docker/daemon.json. Move "
        "the settings there, and take the flag out of the systemd unit or /etc/default/docker."
    )
    assert judged(flags={"config-file": "/etc/docker/daemon.json"}).problems == ()


def test_remapped_users_are_refused() -> None:
    said = (
        "Docker Engine is to remap user namespaces (userns-remap: default), and Docker allows no container the host's "
        f"network then. Take userns-remap out: {OUT}; of the systemd unit where it is a flag."
    )
    remaps = Told(root="/var/lib/docker/231072.231072", live_restore=True, remaps=True)
    settings = json.dumps({**OWN, "userns-remap": "default"})
    assert judged(text=settings, told=remaps).problems == (said,)
    assert judged({"userns-remap": "default"}, containers=()).problems == (said,)
    assert judged(flags={"userns-remap": "default"}).problems == (said,)
    assert judged({"userns-remap": ""}, containers=()).problems == ()


def test_remapping_that_ends_hides_containers() -> None:
    remaps = Told(root="/var/lib/docker/231072.231072", live_restore=True, remaps=True)
    ending: dict[str, Any] = {"text": json.dumps({**OWN, "userns-remap": "default"}), "told": remaps, "containers": ()}
    said = (
        "Docker Engine remaps user namespaces, and would not do so any more after its restart: it would no longer find "
        "{} at /var/lib/docker/231072.231072. Remove them, with docker rm and docker volume rm, and run again."
    )
    config = {"userns-remap": None}
    assert judged(config, **ending).problems == (said.format("4 containers and volumes"),)
    assert judged(config, **ending, held=1).problems == (said.format("1 container or volume"),)
    assert judged(config, **{**ending, "held": None}).problems == (said.format("what it holds"),)
    assert judged(config, **ending, held=0).problems == ()


MOVED = (
    "data-root would change from {1} to {0}, where Docker Engine would no longer find {2}. Set data-root to {3} in "
    "docker_host_daemon_config. To move the data on purpose, on one host after the other: stop the host's "
    "containers, systemctl stop docker docker.socket, copy the directory (cp -a), set data-root in "
    "/etc/docker/daemon.json, systemctl start docker, and run again."
)


@pytest.mark.parametrize(
    ("config", "changes", "places"),
    [
        ({"data-root": "/srv"}, {}, ("/srv", "/var/lib/docker", "4 containers and volumes")),
        ({"data-root": "/srv"}, {"held": None}, ("/srv", "/var/lib/docker", "what it holds")),
        ({"data-root": "/srv"}, {"told": None, "runs": False}, ("/srv", "/var/lib/docker", "4 containers and volumes")),
        ({"data-root": "/srv"}, {"held": 0}, None),
        ({"data-root": "/link"}, {}, None),
        # By a flag, and by a file that the Engine has not read yet.
        ({"debug": True}, {"told": Told("/srv", live_restore=True), "flags": {"data-root": "/srv"}}, None),
        (
            {},
            {"text": text_of({**OWN, "data-root": "/srv"}), "stale": True},
            ("/srv", "/var/lib/docker", "4 containers and volumes"),
        ),
        ({}, {"text": text_of({**OWN, "data-root": "/srv"}), "told": Told("/srv", live_restore=True)}, None),
        (
            {"data-root": None},
            {"text": text_of({**OWN, "data-root": "/srv"}), "told": Told("/srv", live_restore=True)},
            ("/var/lib/docker", "/srv", "4 containers and volumes"),
        ),
    ],
)
def test_another_data_root_is_refused(config: Any, changes: dict[str, Any], places: tuple[str, ...] | None) -> None:
    verdict = judge(
        Wanted(config=config),
        found(**{"containers": (), **changes}),
        lambda path: {"/link": "/var/lib/docker"}.get(path, path),
    )
    assert verdict.problems == ((MOVED.format(*places, places[1]),) if places else ())


def test_another_store_is_refused() -> None:
    said = (
        "{}, and Docker Engine would no longer find 4 containers and volumes. Set it back; or take the node out with "
        "remove_node, remove the containers and volumes that are left on the host, and bring the node back with "
        "add_node."
    )
    driver = said.format("storage-driver is to be zfs")
    assert judged({"storage-driver": "zfs"}, containers=()).problems == (driver,)
    assert judged({"storage-driver": "overlay2"}, containers=()).problems == ()
    assert judged({"storage-driver": "zfs"}, containers=(), held=0).problems == ()
    chosen = judged({"storage-driver": None}, text=text_of({**OWN, "storage-driver": "zfs"}), containers=())
    assert chosen.problems == (said.format("storage-driver is to be chosen by Docker"),)
    store = {"features": {"containerd-snapshotter": True}}
    assert judged(store, containers=()).problems == (said.format("features.containerd-snapshotter changes"),)
    snapshotter = Told("/var/lib/docker", live_restore=True, snapshotter=True)
    assert judged(store, told=snapshotter).problems == ()
    assert judged({"features": {"buildkit": True}}).problems == ()


def test_a_swarm_is_refused() -> None:
    swarm = Told("/var/lib/docker", swarm=True)
    assert only(judged(text=None, told=swarm, containers=())) == (
        "Docker Engine is in a swarm, and does not start with live-restore there. Take it out (docker swarm leave), or "
        "set live-restore to false in docker_host_daemon_config."
    )
    assert judged({"live-restore": False}, text=None, told=swarm, containers=()).problems == ()


def test_containers_that_cannot_be_read_are_not_none() -> None:
    said = (
        "Docker Engine is to be changed, and its containers could not be read (it hangs). See why it does not answer "
        "(journalctl -u docker), and run again."
    )
    unseen: dict[str, Any] = {"containers": None, "told": None, "why": "it hangs", "held": None}
    assert judged({"debug": True}, **unseen).problems == (said,)
    assert judged(wanted={"version": "26"}, **unseen).problems == (said,)
    assert judged(**unseen, stale=True).problems == (said,)
    assert judged(**unseen).problems == ()


def test_another_version_under_a_node_is_refused() -> None:
    wanted = {"version": "26.1"}
    assert only(judged(wanted=wanted)) == (
        "docker.io is 20.10.24+dfsg1-1+b3, and docker_host_engine_version is 26.1: another version restarts Docker "
        f"Engine under mariadb1, on all hosts at once. {TURN}"
    )
    assert judged(wanted=wanted, containers=OTHERS).problems == ()
    assert judged(wanted={"version": "20.10"}).problems == ()
    both = judged(wanted=wanted, containers=(NODE, PROXY)).problems[0]
    assert both.endswith("docker stop mariadb1 proxysql there, and run again.")
    assert len(judged(wanted=wanted, containers=(Container("old", running=True, datadir="/data"),)).problems) == 1


def test_harmless_changes_are_allowed_under_a_node() -> None:
    config = {"registry-mirrors": ["http://x"], "debug": True, "log-opts": {"max-size": "20m"}, "userns-remap": None}
    assert judged(config).problems == ()
    assert judged(stale=True).problems == ()


def test_a_restart_without_live_restore_is_refused() -> None:
    said = (
        "live-restore is to be off, so the restart of Docker Engine would stop mariadb1. Take live-restore out of "
        f"docker_host_daemon_config. To turn it off on purpose: {TURN}"
    )
    off = {"live-restore": False}
    assert judged(off).problems == (said,)
    settings = text_of({**OWN, **off})
    running_without = Told("/var/lib/docker", driver="overlay2")
    assert judged(off, text=settings, told=running_without, stale=True).problems == (said,)
    assert judged({**off, "debug": True}, text=settings, told=running_without).problems == (said,)
    assert judged(off, text=settings, told=running_without).problems == ()
    assert judged(off, containers=OTHERS).problems == ()


def test_live_restore_is_not_turned_on_by_a_restart() -> None:
    said = (
        "Docker Engine runs without live-restore, so its restart with the new /etc/docker/daemon.json would stop "
        'mariadb1. Put "live-restore": true into that file, systemctl reload docker, which stops nothing, and run '
        "again."
    )
    told = Told("/var/lib/docker", driver="overlay2")
    assert judged(text="{}", told=told).problems == (said,)
    assert judged(text="{}", told=told, containers=OTHERS).problems == ()
    assert judged(told=told).problems == ()


def test_whether_live_restore_is_on_may_be_unknown() -> None:
    said = (
        "Docker Engine does not answer (it hangs), so whether its restart would stop mariadb1 is unknown. See why "
        "(journalctl -u docker), and run again."
    )
    assert judged({"debug": True}, told=None, why="it hangs").problems == (said,)
    # One that does not run finds its containers again when it is started.
    assert judged({"debug": True}, told=None, why="it hangs", runs=False).problems == ()


def test_keys_that_are_not_known_to_be_harmless_are_refused_under_a_node() -> None:
    config = {"bip": "10.0.0.1/24", "exec-opts": ["x=y"], "debug": True}
    assert only(judged(config)) == (
        "bip and exec-opts of /etc/docker/daemon.json would change under mariadb1, which may not live on after the "
        f"restart of Docker Engine. {TURN}"
    )
    assert judged(config, containers=OTHERS).problems == ()
    assert judged({"bip": None}, text=text_of({**OWN, "bip": "x"})).problems != ()


def test_all_that_is_wrong_is_told_at_once() -> None:
    verdict = judged({"data-root": "/srv", "live-restore": False, "bip": "x"}, wanted={"version": "1"})
    assert len(verdict.problems) == 4
    assert verdict.warnings == ()


# What the Engine tells.


def test_an_engine_tells_of_itself() -> None:
    info = {
        "DockerRootDir": "/srv/docker/231072.231072",
        "Driver": "overlayfs",
        "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
        "SecurityOptions": ["name=seccomp,profile=default", "name=userns"],
        "LiveRestoreEnabled": True,
        "Swarm": {"LocalNodeState": "active"},
    }
    assert Told.read(info) == Told("/srv/docker/231072.231072", True, True, True, "overlayfs", True)
    plain = {"DockerRootDir": "/x", "SecurityOptions": None, "DriverStatus": None, "Swarm": {"LocalNodeState": ""}}
    assert Told.read(plain) == Told("/x")
    assert Told.read({}) == Told("")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["dockerd"], {}),
        (
            ["/usr/sbin/dockerd", "-H", "fd://", "--containerd=/run/c.sock", "--debug", "--data-root", "/srv"],
            {"host": "fd://", "containerd": "/run/c.sock", "debug": "", "data-root": "/srv"},
        ),
        (["dockerd", "-Hfd://", "-g=/srv", "-D", "-l", "warn"], {"host": "fd://", "data-root": "/srv"}),
        (["dockerd", "--debug", "-", "-z", ""], {"debug": ""}),
    ],
)
def test_flags_are_read_from_a_command_line(words: list[str], flags: dict[str, str]) -> None:
    told = flags_of(words)
    assert {name: told[name] for name in flags} == flags
    assert set(told) - set(flags) <= {"debug", "log-level"}


@pytest.mark.parametrize(
    ("settings", "flags", "root"),
    [
        ({}, {}, "/var/lib/docker"),
        ({"data-root": "/srv"}, {}, "/srv"),
        ({"graph": "/old"}, {}, "/old"),
        ({}, {"data-root": "/flag"}, "/flag"),
        ({}, {"graph": "/flag"}, "/flag"),
        ({"data-root": ""}, {}, "/var/lib/docker"),
    ],
)
def test_where_an_engine_keeps_its_data(settings: dict[str, Any], flags: dict[str, str], root: str) -> None:
    assert root_of(settings, flags) == root


@pytest.mark.parametrize(
    ("version", "asked", "does"),
    [
        ("5:27.5.1-1~debian", "27.5", True),
        ("5:27.5.1-1~debian", "5:27.5.1", True),
        ("20.10.24+dfsg1-1", "20.10.2", True),
        ("20.10.24+dfsg1-1", "26", False),
        ("26.1.5", "", True),
    ],
)
def test_a_version_begins_as_asked(version: str, asked: str, does: bool) -> None:
    assert fits(version, asked) is does
