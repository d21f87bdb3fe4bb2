# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker Engine of a host is to become, and what speaks against it. Pure; docker_preflight reads the host.

The role changes the Engine of all hosts in one task. So what could stop a running container of a cluster, or hide it
from its Engine, is refused before anything is changed, and the sentence tells how it is done host by host. What is not
known counts as the worse case. The keys: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.traces import THROWAWAY, Container
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

SETTINGS = "/etc/docker/daemon.json"
# Where the Engine keeps its data when neither its command line nor its settings name a place.
DEFAULT_ROOT = "/var/lib/docker"
# The Engine's package by docker_host_engine_source, and packages that its package takes the place of.
ENGINES = {"distribution": "docker.io", "docker": "docker-ce"}
_OTHERS = ("docker-ee", "docker-engine", "moby-engine", "moby-cli", "moby-containerd", "podman-docker")
RIVALS = {
    "distribution": ("docker-ce", "docker-ce-cli", "containerd.io", *_OTHERS),
    "docker": ("docker.io", "docker-cli", "containerd", *_OTHERS),
}
# Packages of an Engine on the RHEL family. On Debian, docker is another program.
RPM_NAMES = ("docker", "docker-common")
RPM_RIVALS = (*RPM_NAMES, *_OTHERS)
# Drivers that know the options max-size and max-file: https://docs.docker.com/engine/logging/configure/
_SIZED_LOGS = ("json-file", "local")
# Keys whose change leaves running containers as they are when the Engine is restarted with live-restore. Docker warns
# of others, such as a bridge's address: https://docs.docker.com/engine/daemon/live-restore/
_HARMLESS = frozenset(
    (
        "allow-nondistributable-artifacts",
        "authorization-plugins",
        "builder",
        "debug",
        "default-cgroupns-mode",
        "default-ipc-mode",
        "default-runtime",
        "default-shm-size",
        "default-ulimits",
        "dns",
        "dns-opts",
        "dns-search",
        "experimental",
        "features",
        "http-proxy",
        "https-proxy",
        "init",
        "insecure-registries",
        "labels",
        "live-restore",
        "log-driver",
        "log-format",
        "log-level",
        "log-opts",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "metrics-addr",
        "no-new-privileges",
        "no-proxy",
        "node-generic-resources",
        "proxies",
        "raw-logs",
        "registry-mirrors",
        "runtimes",
        "seccomp-profile",
        "shutdown-timeout",
    )
)
# Keys that have a sentence of their own.
_TOLD = frozenset(("data-root", "graph", "storage-driver", "userns-remap"))
# Flags of dockerd that have another name than their key, or none.
_SHORT_FLAGS = {
    "D": "debug",
    "G": "group",
    "H": "host",
    "b": "bridge",
    "g": "data-root",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
_VALUELESS = ("D",)


@dataclass(frozen=True)
class Wanted:
    """Variables of docker_host: config is docker_host_daemon_config, max_size and max_files are those of a log.

    installs is whether this run may call the package manager.
    """

    source: str = "distribution"
    version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    max_size: str = "10m"
    max_files: int = 3
    installs: bool = True

    @property
    def engine(self) -> str:
        return ENGINES[self.source]


@dataclass(frozen=True)
class Told:
    """What a running Engine tells of itself: its data directory without links, and what is in force.

    remaps is whether it remaps user namespaces, snapshotter whether images and containers are containerd's.
    """

    root: str
    live_restore: bool = False
    remaps: bool = False
    swarm: bool = False
    driver: str = ""
    snapshotter: bool = False

    @classmethod
    def read(cls, info: Mapping[str, Any]) -> Told:
        """From the answer of /info: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System"""
        status = [list(pair) for pair in info.get("DriverStatus") or ()]
        return cls(
            root=str(info.get("DockerRootDir") or ""),
            live_restore=bool(info.get("LiveRestoreEnabled")),
            remaps=any("name=userns" in str(option).split(",") for option in info.get("SecurityOptions") or ()),
            swarm=str((info.get("Swarm") or {}).get("LocalNodeState") or "inactive") != "inactive",
            driver=str(info.get("Driver") or ""),
            snapshotter=["driver-type", "io.containerd.snapshotter.v1"] in status,
        )


@dataclass(frozen=True)
class Found:
    """What a host has. text is that of daemon.json, None without one; stale is whether it is newer than the daemon.

    packages are installed ones with their versions; program is a dockerd, wherever it comes from, and snap a Docker
    that snapd installed. told is None where the Engine does not answer, and why says why; runs is whether its process
    is there all the same. flags are those of its command line, by key. containers are all of the Engine, None where
    they could not be read; held is the number of containers and volumes in its data directory, None likewise.
    """

    text: str | None = None
    stale: bool = False
    packages: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    snap: str = ""
    told: Told | None = None
    why: str = ""
    runs: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] | None = ()
    held: int | None = 0


@dataclass(frozen=True)
class Verdict:
    """text is what daemon.json is to contain. problems refuse the run, without the host's name."""

    text: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """before and after are the settings; resolve takes the links out of a path."""

    wanted: Wanted
    found: Found
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    resolve: Callable[[str], str]

    @property
    def differs(self) -> bool:
        return not _same(self.before, self.after)

    @property
    def restarts(self) -> bool:
        """Whether the settings are going to restart the Engine."""
        return self.differs or self.found.stale

    @property
    def reinstalls(self) -> str:
        """The version of the Engine that is there, where this run puts another one in its place."""
        version = self.found.packages.get(self.wanted.engine, "")
        return version if version and self.wanted.installs and not fits(version, self.wanted.version) else ""

    @property
    def living(self) -> list[str]:
        """Running containers of a cluster. A version before labels is known by the place of its datadir."""
        return sorted(
            each.name
            for each in self.found.containers or ()
            if each.running and each.part != THROWAWAY and (each.cluster or each.datadir)
        )

    @property
    def changed(self) -> list[str]:
        """Keys of the first level that are added, change, or go."""
        keys = sorted({*self.before, *self.after})
        return [key for key in keys if not _same(self.before.get(key), self.after.get(key))]


def judge(wanted: Wanted, found: Found, resolve: Callable[[str], str] = str) -> Verdict:
    """The settings that a host's Engine gets, and what speaks against them and against the Engine that is asked for."""
    before, why = read_settings(found.text)
    if why:
        problem = f"{SETTINGS} is not a JSON object ({why}). Correct it, or move it away, and run again."
        return Verdict(found.text or "", (problem,), ())
    case = _Case(wanted, found, before, merge(before, wanted), resolve)
    problems = [sentence for row in ROWS for sentence in row(case)]
    lost = lost_keys(case.before, case.after)
    warning = (
        f"{SETTINGS} has values of {joined(lost)} that docker_host replaces or takes out. A copy of the file is kept "
        "beside it."
    )
    return Verdict(
        text=_written(case.after) if case.differs or found.text is None else found.text,
        problems=tuple(problems),
        warnings=(warning,) if lost and not problems else (),
    )


# The settings.


def read_settings(text: str | None) -> tuple[Mapping[str, Any], str]:
    """The settings in a text, and why it has none; Docker takes an empty file for no settings."""
    content = (text or "").lstrip("\ufeff")
    if not content.strip():
        return {}, ""
    if "\ufffd" in content:
        return {}, "it is not UTF-8"
    try:
        found = json.loads(content)
    except ValueError as error:
        return {}, str(error)
    return (found, "") if isinstance(found, dict) else ({}, f"it holds a {type(found).__name__}")


def merge(before: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Settings with what the role needs and what the operator asks for, who wins; the rest stays.

    Objects are merged key by key, lists are replaced. A key that the operator sets to null is taken out; where the role
    has a value for it, that takes its place. Another logging driver that is there stays, as an option of the role's own
    driver would keep the Engine from starting; options of a driver that is replaced go with it.
    """
    kept = _without(before, wanted.config)
    was, driver = (settings.get("log-driver") or _SIZED_LOGS[0] for settings in (before, kept))
    driver = wanted.config.get("log-driver") or driver
    if driver != was:
        kept.pop("log-opts", None)
    own: dict[str, Any] = {"live-restore": True, "log-driver": driver}
    if driver in _SIZED_LOGS:
        own["log-opts"] = {"max-size": wanted.max_size, "max-file": str(wanted.max_files)}
    return _over(_over(kept, own), wanted.config)


def lost_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Keys whose value changes or goes, with the keys that they are in: log-opts.max-size."""
    found = []
    for key, value in sorted(before.items()):
        new = after.get(key)
        if isinstance(value, Mapping) and isinstance(new, Mapping):
            found += [f"{key}.{inner}" for inner in lost_keys(value, new)]
        elif key not in after or not _same(value, new):
            found.append(key)
    return found


def root_of(settings: Mapping[str, Any], flags: Mapping[str, str]) -> str:
    """Where an Engine keeps its data, by its command line and its settings; graph is the key's name of before 17.05."""
    named = (flags.get("data-root"), settings.get("data-root"), flags.get("graph"), settings.get("graph"))
    return next((str(place) for place in named if place), DEFAULT_ROOT)


def flags_of(words: Sequence[str]) -> dict[str, str]:
    """The flags of a dockerd's command line with their values, under their long names; the last of equals counts."""
    found: dict[str, str] = {}
    for word, following in zip(words, [*words[1:], ""]):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
        elif word.startswith("-") and len(word) > 1 and word[1] in _SHORT_FLAGS:
            name, value = _SHORT_FLAGS[word[1]], word[2:].lstrip("=")
            equals = value if word[1] not in _VALUELESS else word[1]
        else:
            continue
        found[name] = value if equals or following.startswith("-") else following
    return found


def fits(version: str, asked: str) -> bool:
    """Whether a package's version begins as asked, both without Debian's epoch; empty asks for none."""
    return version.rpartition(":")[2].startswith(asked.rpartition(":")[2])


def _without(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the keys that are null in what is asked for."""
    kept = {key: value for key, value in settings.items() if asked.get(key, ...) is not None}
    for key, value in kept.items():
        if isinstance(value, Mapping) and isinstance(asked.get(key), Mapping):
            kept[key] = _without(value, asked[key])
    return kept


def _over(settings: Mapping[str, Any], winning: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under others that win, apart from null."""
    found = dict(settings)
    for key, value in winning.items():
        if isinstance(value, Mapping):
            under = found.get(key)
            found[key] = _over(under if isinstance(under, Mapping) else {}, value)
        elif value is not None:
            found[key] = value
    return found


def _written(settings: object) -> str:
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def _same(left: object, right: object) -> bool:
    """Equal as JSON: 1 is not true."""
    return _written(left) == _written(right)


# What speaks against it: a function for each kind, with a sentence for each thing that is wrong.


def _engine(case: _Case) -> Iterator[str]:
    """Another Engine: the package manager would put the wanted one in its place, or beside it."""
    wanted, found = case.wanted, case.found
    if wanted.engine in found.packages:
        return
    rivals = [name for name in RIVALS[wanted.source] if name in found.packages]
    rivals += [name for name in RPM_NAMES if name in found.packages]
    other = next((source for source, name in ENGINES.items() if name in rivals), "")
    keep = f"To keep it, set docker_host_engine_source to {other}. " if other else ""
    one = len(rivals) == 1
    if found.snap:
        yield (
            f"Docker of a snap is installed ({found.snap}), which does not read {SETTINGS}. Remove it (snap remove "
            "docker) once its containers are not needed any more, and run again."
        )
    elif rivals and wanted.installs:
        yield (
            f"{joined(rivals)} {'is' if one else 'are'} installed, and docker_host_engine_source is {wanted.source}: "
            f"{wanted.engine} would take {'its' if one else 'their'} place. {keep}To change the source, on one host "
            f"after the other: stop the host's containers, remove {joined(rivals)}, and run again."
        )
    elif (found.program or found.told or found.runs) and not rivals and wanted.installs:
        yield (
            f"a Docker Engine that came with no known package is here ({found.program or 'its socket answers'}), and "
            f"{wanted.engine} would be installed beside it. Remove it, and run again; or run the role docker_host in a "
            "playbook of your own with --tags docker_host_configure, which installs nothing."
        )


def _open(case: _Case) -> Iterator[str]:
    hosts = case.after.get("hosts")
    given = [str(host) for host in (hosts if isinstance(hosts, list) else [hosts] if hosts else [])]
    # An address without a scheme is taken for one of TCP.
    addresses = [host for host in given if not host.startswith(("unix:", "fd:", "npipe:"))]
    if addresses and case.after.get("tlsverify") is not True:
        yield (
            f"hosts opens Docker Engine on the network ({joined(addresses)}; by docker_host_daemon_config or "
            f"{SETTINGS}); whoever reaches that socket is root on this host. Take it out, or set tlsverify to true."
        )


def _flag(key: str, flags: Mapping[str, str]) -> str:
    """The flag that sets the same as a key; lists have a flag in the singular."""
    names = (key, key[:-3] + "y" if key.endswith("ies") else key.rstrip("s"))
    return next((name for name in names if name in flags), "")


def _elsewhere(case: _Case) -> Iterator[str]:
    path = case.found.flags.get("config-file", SETTINGS)
    if path != SETTINGS and not case.found.snap:
        yield (
            f"dockerd is started with --config-file={path}, and docker_host writes {SETTINGS}. Move the settings "
            "there, and take the flag out of the systemd unit or /etc/default/docker."
        )


def _twice(case: _Case) -> Iterator[str]:
    """Docker does not start with a key that is a flag, too; runtimes are put together."""
    for key in sorted(set(case.after) - set(case.before) - {"runtimes"}):
        if flag := _flag(key, case.found.flags):
            yield (
                f"dockerd is started with --{flag}, by its systemd unit or /etc/default/docker, and docker_host writes "
                f"{key} into {SETTINGS}: Docker does not start with both. Take the flag out there."
            )


def _remapped(case: _Case) -> Iterator[str]:
    """No container has the host's network under remapping: https://docs.docker.com/engine/security/userns-remap/"""
    remap = case.after.get("userns-remap") or case.found.flags.get("userns-remap")
    if remap:
        yield (
            f"Docker Engine is to remap user namespaces (userns-remap: {remap}), and Docker allows no container the "
            "host's network then. Take userns-remap out: of docker_host_daemon_config, or with the value null there "
            f"where {SETTINGS} has it; of the systemd unit where it is a flag."
        )
    elif case.found.told and case.found.told.remaps and case.restarts and case.found.held != 0:
        yield (
            "Docker Engine remaps user namespaces, and would not do so any more after its restart: it would no longer "
            f"find {_held(case)} at {case.found.told.root}. Remove them, with docker rm and docker volume rm, and run "
            "again."
        )


def _held(case: _Case) -> str:
    held = case.found.held
    if held is None:
        return "what it holds"
    return "1 container or volume" if held == 1 else f"{held} containers and volumes"


def _moved(case: _Case) -> Iterator[str]:
    """Containers and volumes stay where they were, and the Engine looks elsewhere."""
    told, flags = case.found.told, case.found.flags
    if case.found.held == 0 or not case.restarts or (told and told.remaps):
        return
    root = case.resolve(told.root if told else root_of(case.before, flags))
    place = case.resolve(root_of(case.after, flags))
    if root != place:
        yield (
            f"data-root would change from {root} to {place}, where Docker Engine would no longer find "
            f"{_held(case)}. Set data-root to {root} in docker_host_daemon_config. To move the data on purpose, "
            "on one host after the other: stop the host's containers, systemctl stop docker docker.socket, copy the "
            f"directory (cp -a), set data-root in {SETTINGS}, systemctl start docker, and run again."
        )
    driver = case.after.get("storage-driver")
    if "storage-driver" in case.changed and not (told and driver == told.driver):
        yield _say_driver(case, f"storage-driver is to be {driver or 'chosen by Docker'}")
    store = _snapshotter(case.after)
    if store != _snapshotter(case.before) and not (told and store == told.snapshotter):
        yield _say_driver(case, "features.containerd-snapshotter changes")


def _snapshotter(settings: Mapping[str, Any]) -> object:
    features = settings.get("features")
    return features.get("containerd-snapshotter") if isinstance(features, Mapping) else None


def _say_driver(case: _Case, what: str) -> str:
    return (
        f"{what}, and Docker Engine would no longer find {_held(case)}. Set it back; or take the node out with "
        "remove_node, remove the containers and volumes that are left on the host, and bring the node back with "
        "add_node."
    )


def _swarm(case: _Case) -> Iterator[str]:
    if case.found.told and case.found.told.swarm and case.after.get("live-restore") is True and case.restarts:
        yield (
            "Docker Engine is in a swarm, and does not start with live-restore there. Take it out (docker swarm "
            "leave), or set live-restore to false in docker_host_daemon_config."
        )


def _unseen(case: _Case) -> Iterator[str]:
    if case.found.containers is None and (case.restarts or case.reinstalls):
        yield (
            f"Docker Engine is to be changed, and its containers could not be read ({case.found.why}). See why it does "
            "not answer (journalctl -u docker), and run again."
        )


def _turn(case: _Case) -> str:
    """How a change is made that stops containers: with those of one host stopped, while the others serve."""
    return (
        "Do it on one host after the other: give the new value to that host only (host_vars), let move_writer take "
        f"the writer elsewhere, docker stop {' '.join(case.living)} there, and run again."
    )


def _version(case: _Case) -> Iterator[str]:
    if case.reinstalls and case.living:
        yield (
            f"{case.wanted.engine} is {case.reinstalls}, and docker_host_engine_version is {case.wanted.version}: "
            f"another version restarts Docker Engine under {joined(case.living)}, on all hosts at once. {_turn(case)}"
        )


def _stopping(case: _Case) -> Iterator[str]:
    """A restart that stops what runs: without live-restore before or after it."""
    told, living = case.found.told, case.living
    if not (living and case.restarts):
        return
    if case.after.get("live-restore") is not True:
        yield (
            f"live-restore is to be off, so the restart of Docker Engine would stop {joined(living)}. Take "
            f"live-restore out of docker_host_daemon_config. To turn it off on purpose: {_turn(case)}"
        )
    elif told and not told.live_restore:
        yield (
            f"Docker Engine runs without live-restore, so its restart with the new {SETTINGS} would stop "
            f'{joined(living)}. Put "live-restore": true into that file, systemctl reload docker, which stops nothing, '
            "and run again."
        )
    elif not told and case.found.runs:
        yield (
            f"Docker Engine does not answer ({case.found.why}), so whether its restart would stop {joined(living)} is "
            "unknown. See why (journalctl -u docker), and run again."
        )


def _unsure(case: _Case) -> Iterator[str]:
    """Changes that Docker does not promise to restore running containers after."""
    unsure = [key for key in case.changed if key not in _HARMLESS | _TOLD]
    if unsure and case.living:
        yield (
            f"{joined(unsure)} of {SETTINGS} would change under {joined(case.living)}, which may not live on after the "
            f"restart of Docker Engine. {_turn(case)}"
        )


ROWS: tuple[Callable[[_Case], Iterator[str]], ...] = (
    _engine,
    _open,
    _elsewhere,
    _twice,
    _remapped,
    _moved,
    _swarm,
    _unseen,
    _version,
    _stopping,
    _unsure,
)
