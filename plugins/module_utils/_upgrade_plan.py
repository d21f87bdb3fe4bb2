# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what the members and the new image reported -> the plan of an upgrade, and every objection to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors, Server
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import judge as hold_against
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import (
    MIB,
    Wishes,
    backup_problem,
    gcache_needed,
    goes_back,
    jump_problem,
)

Reading = Mapping[str, Any]


def judge(
    readings: Mapping[str, Reading], members: Sequence[str], size: int, writer: str, wishes: Wishes, now: datetime
) -> dict[str, Any]:
    """Plan an upgrade.

    readings: inventory name -> reading of galera_upgrade; members: all of the cluster, in order; size: how many a node
    is to see, arbitrators included; writer: the member that gets the writes.
    Returns complete (whether every host has the new image), problems and warnings (sentences), steps (member -> join,
    roll, last or steady), lines (the plan as text), before and after (versions).
    """
    there = {host: readings[host] for host in members if host in readings}
    verdict = Verdict()
    absent = [host for host in members if host not in readings]
    if absent:
        verdict.refuse(f"{', '.join(absent)}: no report; an upgrade needs every member.")
    steps = {host: _step(reading, host == writer) for host, reading in there.items()}
    complete = all(reading["target"]["present"] for reading in there.values())
    versions = {host: Version.parse(reading["version"]) for host, reading in there.items() if reading["version"]}
    targets = [reading["target"]["version"] for reading in there.values() if reading["target"]["version"]]
    target = min(map(Version.parse, targets)) if targets else None
    if absent or not complete or any(step != "steady" for step in steps.values()):
        _backup(verdict, wishes, now)
        _health(verdict, there, size)
        _clean_stops(verdict, there)
        _same_image(verdict, there)
        if target:
            _way(verdict, there, versions, target, wishes.allow_jump)
        _provider(verdict, there)
        _floors(verdict, _images(there), wishes.floors)
        _settings(verdict, there)
        _gcache(verdict, there, wishes.node_absence)
    else:
        _floors(verdict, _running(there), wishes.floors)
    return {
        "complete": complete,
        "problems": verdict.problems,
        "warnings": verdict.warnings,
        "steps": steps,
        "lines": _lines(verdict, there, steps, versions, target),
        "before": sorted({str(version) for version in versions.values()}),
        "after": str(target) if target else None,
    }


@dataclass
class Verdict:
    """problems end the run, warnings do not, notes are what was found to be in order."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, sentence: str) -> None:
        self.problems.append(sentence)


# ---- Who is to do what


def _step(reading: Reading, writer: bool) -> str:
    if reading["turn"] and (reading["current"] or not _serves(reading)):
        return "join"  # an earlier run was cut short in its turn
    if reading["current"]:
        return "steady"
    return "last" if writer else "roll"


def _lines(
    verdict: Verdict,
    readings: Mapping[str, Reading],
    steps: Mapping[str, str],
    versions: Mapping[str, Version],
    target: Version | None,
) -> list[str]:
    image = next((reading["target"]["image"] for reading in readings.values()), "")
    after = target or "?"
    names = {host: f"{host} {reading['node']}" for host, reading in readings.items()}
    order = [host for step in ("join", "roll", "last") for host in readings if steps[host] == step]
    if not order:
        lines = [f"Every node runs {image} ({after}) already: nothing to do."]
    else:
        before = sorted({versions[host] for host in order if host in versions})
        lines = [f"{', '.join(map(str, before)) or '?'} -> {after} ({image})"]
        lines += [f"done: {names[host]}, {versions.get(host, '?')}" for host in readings if host not in order]
    for number, host in enumerate(order, 1):
        why = {"join": ", which an interrupted run left in its turn", "last": ", the writer"}.get(steps[host], "")
        lines.append(f"{number}. {names[host]}{why}: {versions.get(host, '?')} -> {after}")
    lines += [f"ok: {note}" for note in verdict.notes]
    lines += [f"warning: {warning}" for warning in verdict.warnings]
    return lines + [f"refused: {problem}" for problem in verdict.problems]


# ---- Gates


def _backup(verdict: Verdict, wishes: Wishes, now: datetime) -> None:
    problem = backup_problem(wishes, now)
    if problem:
        verdict.refuse(problem)
    elif wishes.without_backup:
        verdict.warnings.append("There may be no backup to go back to (upgrade_without_backup).")
    else:
        verdict.notes.append(f"a backup was taken at {wishes.backup_taken}")


def _health(verdict: Verdict, readings: Mapping[str, Reading], size: int) -> None:
    """Every member Synced and seeing all others, but for one that an interrupted run left in its turn."""
    down = [host for host, reading in readings.items() if reading["turn"] and not _serves(reading)]
    if len(down) > 1:
        verdict.refuse(
            f"{' and '.join(down)} are down, each in the turn of an interrupted upgrade: start all but one with the "
            "playbook start, then run upgrade again."
        )
    up = {host: reading for host, reading in readings.items() if host not in down}
    problems = [_unhealthy(host, reading, {size, size - len(down)}) for host, reading in up.items()]
    verdict.problems += [problem for problem in problems if problem]
    if not any(problems):
        verdict.notes.append(f"the cluster is healthy: {len(up)} members Synced, receive queues empty")


def _unhealthy(host: str, reading: Reading, sizes: set[int]) -> str:
    node = reading["node"]
    if reading["bootstrap"]:
        return f"{host} still runs the bootstrap container: run site, which puts {node} in its place."
    if reading["state"] != "running":
        return (
            f"{host}: {node} is {reading['state']}; while a node is down no other is upgraded. "
            "Start it with the playbook start, or repair_node where it does not start."
        )
    if not _serves(reading):
        said = reading["error"] or f"{reading['cluster_status']}, {reading['local_state']}"
        return f"{host}: {node} is not Synced in a Primary Component ({said}). Wait until it is, or run recover."
    if reading["cluster_size"] not in sizes:
        return (
            f"{host}: {node} sees a cluster of {reading['cluster_size']}, the inventory has {max(sizes)}. "
            "Run the playbook status, which shows who is missing or too many."
        )
    if reading["recv_queue"]:
        return (
            f"{host}: {node} lags behind, its receive queue held {reading['recv_queue']} write sets all the time. "
            "Run upgrade when less is written."
        )
    return ""


def _clean_stops(verdict: Verdict, readings: Mapping[str, Reading]) -> None:
    """What was stopped uncleanly, or would be, is nothing for another version of the server."""
    for host, reading in readings.items():
        node = reading["node"]
        if reading["fast_shutdown"] == 2:
            verdict.refuse(
                f"{host}: innodb_fast_shutdown is 2, with which {node} leaves a redo log that a newer server refuses. "
                "Set it to 1 in mariadb_config, and run site."
            )
        if reading["turn"] and not reading["current"] and reading["state"] == "crashed":
            verdict.refuse(
                f"{host}: {node} did not stop cleanly in its turn, so another version must not touch its data. "
                f"Let the old one recover them: docker start {node}; when it is Synced, run upgrade again."
            )


def _same_image(verdict: Verdict, readings: Mapping[str, Reading]) -> None:
    lacking = {
        host: reading["target"]["image"] for host, reading in readings.items() if not reading["target"]["present"]
    }
    if lacking:
        verdict.warnings.append(
            f"{', '.join(lacking)}: {next(iter(lacking.values()))} is not there yet; "
            "its version, its provider and the settings are judged once it is."
        )
    found = _alike(readings, "version")
    for hosts, target in found:
        if not target["version"]:
            verdict.refuse(f"{hosts}: {target['image']} has no MariaDB server (mariadbd); set mariadb_image to one.")
    if len(found) > 1:
        told = "; ".join(f"{target['version']} of {target['image']} on {hosts}" for hosts, target in found)
        verdict.refuse(f"mariadb_image is not the same everywhere: {told}. Pin one image for all hosts.")


def _way(
    verdict: Verdict,
    readings: Mapping[str, Reading],
    versions: Mapping[str, Version],
    target: Version,
    allow_jump: str,
) -> None:
    unknown = [host for host in readings if host not in versions]
    if unknown:
        verdict.refuse(
            f"{', '.join(unknown)}: which version wrote its data last is not known, and so not what may follow it. "
            "Start the node as it was, with the playbook start."
        )
    refused: dict[Version, list[str]] = {}
    for host, version in versions.items():
        if jump_problem(version, target, allow_jump):
            refused.setdefault(version, []).append(host)
    for version, hosts in refused.items():
        named = f"{', '.join(hosts)}: {jump_problem(version, target, allow_jump)}"
        if goes_back(version, target):
            verdict.refuse(
                f"{named}, because data of {version} are none for an older server. Set mariadb_image to an image of "
                f"{version.series} or newer. A node alone gets back by a full SST from nodes of the old version "
                "(playbook repair_node), a cluster by a backup."
            )
        else:
            verdict.refuse(f"{named}.")
    if not unknown and not refused:
        ways = sorted({f"{version} to {target}" for version in versions.values() if version != target})
        verdict.notes.append(f"{', '.join(ways) or target} can be rolled")


def _provider(verdict: Verdict, readings: Mapping[str, Reading]) -> None:
    told = [reading["provider_version"] for reading in readings.values() if reading["provider_version"]]
    oldest = min(map(Version.parse_provider, told)) if told else None
    for hosts, target in _alike(readings, "provider_path", "provider", "provider_version"):
        if not target["version"]:
            continue
        where = f"{target['provider_path']} (mariadb_provider)"
        if not target["provider"]:
            verdict.refuse(f"{hosts}: {target['image']} has no Galera provider at {where}.")
        elif not target["provider_version"]:
            verdict.refuse(
                f"{hosts}: the provider of {target['image']} at {where} does not tell its version, "
                "so it cannot be compared with the running one. Choose another image."
            )
        elif oldest:
            new = Version.parse_provider(target["provider_version"])
            if new < oldest:
                verdict.refuse(
                    f"{hosts}: the Galera provider of {target['image']} is {new}, older than the running "
                    f"{oldest}, so its node may not be able to join. Choose an image with that or a newer one."
                )
            else:
                verdict.notes.append(f"Galera provider {oldest} to {new}")


def _floors(verdict: Verdict, servers: Sequence[Server], floors: Floors) -> None:
    found = hold_against(servers, floors)
    verdict.problems += found.refusals
    verdict.warnings += found.warnings
    images = sorted({f"MariaDB {server.version}" for server in servers if not server.running})
    if images and not (found.refusals or found.warnings):
        verdict.notes.append(f"{', '.join(images)} is below no floor of versions")


def _images(readings: Mapping[str, Reading]) -> list[Server]:
    """What the new image would run; where it is absent, or lacks server or provider, other gates have told."""
    return [
        Server(host, target["image"], target["version"], target["provider_version"])
        for host, target in ((host, reading["target"]) for host, reading in readings.items())
        if target["version"]
    ]


def _running(readings: Mapping[str, Reading]) -> list[Server]:
    return [
        Server(host, reading["node"], reading["version"] or "", reading["provider_version"] or "", running=True)
        for host, reading in readings.items()
    ]


def _settings(verdict: Verdict, readings: Mapping[str, Reading]) -> None:
    for hosts, target in _alike(readings, "unknown", "errors", "warnings", "against"):
        if not target["version"]:
            continue
        named = f"{hosts}: MariaDB {target['version']}"
        verdict.warnings += [f"{named} says of the settings: {warning}." for warning in target["warnings"]]
        if target["unknown"]:
            verdict.refuse(
                f"{named} does not know {', '.join(target['unknown'])}: removed or renamed there. "
                "Leave that out of mariadb_config, or write loose_ in front of the name until the upgrade is done."
            )
        if target["errors"]:
            verdict.refuse(
                f"{named} refuses the settings: {'; '.join(target['errors'])}. Change mariadb_config or "
                "mariadb_provider_options."
            )
        for sentence in target["against"]:
            verdict.refuse(sentence)
        if not (target["unknown"] or target["errors"] or target["against"]):
            verdict.notes.append(f"{named} takes the settings")


def _gcache(verdict: Verdict, readings: Mapping[str, Reading], absence: float) -> None:
    rates = [reading["write_rate"] for reading in readings.values() if reading["write_rate"] is not None]
    sizes = {host: reading["gcache_size"] for host, reading in readings.items() if reading["gcache_size"]}
    if not rates or not sizes:
        return
    needed = gcache_needed(max(rates), absence)
    told = (
        f"{max(rates) / MIB:.2f} MiB/s are written, so {absence:g} s (upgrade_node_absence) need {_mib(needed)} MiB "
        "for an IST"
    )
    small = [host for host, size in sizes.items() if size < needed]
    if small:
        verdict.refuse(
            f"{', '.join(small)}: gcache.size is {_mib(min(sizes[host] for host in small))} MiB. {told}. "
            f"Set gcache.size in mariadb_provider_options to {_mib(needed)}M and run site, run upgrade when less is "
            "written, or set upgrade_node_absence to the seconds that a node is really away."
        )
    else:
        verdict.notes.append(f"gcache of {_mib(min(sizes.values()))} MiB: {told}")


# ---- Helpers


def _serves(reading: Reading) -> bool:
    return (reading["cluster_status"], reading["local_state"]) == ("Primary", "Synced")


def _alike(readings: Mapping[str, Reading], *keys: str) -> list[tuple[str, Reading]]:
    """Hosts whose images say the same, and what they say; hosts without the image are left out."""
    groups: list[tuple[list[str], Reading]] = []
    for host, reading in readings.items():
        target = reading["target"]
        if not target["present"]:
            continue
        for hosts, other in groups:
            if all(other[key] == target[key] for key in ("image", "version", *keys)):
                hosts.append(host)
                break
        else:
            groups.append(([host], target))
    return [(", ".join(hosts), target) for hosts, target in groups]


def _mib(size: int) -> int:
    return -(-size // MIB)
