# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what the members, proxies and VIP holders reported -> one table and one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEALTHY, DEGRADED, DOWN = 0, 2, 3
WORDS = {HEALTHY: "healthy", DEGRADED: "degraded", DOWN: "down"}
COLUMNS = ("host", "node", "state", "cluster", "size", "sync", "role", "vip", "seqno", "version")


def _row(host: str, name: str, report: Mapping[str, Any] | None, role: str, vip: bool) -> dict[str, Any]:
    report = report or {"state": "unreachable"}
    return {
        "host": host,
        "node": name,
        "state": report["state"],
        "cluster": report.get("cluster_status"),
        "size": report.get("cluster_size"),
        "sync": report.get("local_state"),
        "role": role,
        "vip": "VIP" if vip else None,
        "seqno": report.get("seqno"),
        "version": report.get("version"),
    }


def _serves(report: Mapping[str, Any] | None) -> bool:
    return bool(report) and report["cluster_status"] == "Primary" and report["local_state"] in ("Synced", "Donor/Desynced")  # type: ignore[index]


def _online_writers(proxies: Mapping[str, Sequence[Mapping[str, Any]] | None], writer_hostgroup: int) -> dict[str, list[str]]:
    """Proxy -> addresses (host:port) that it sends writes to."""
    return {
        proxy: [
            f"{server['hostname']}:{server['port']}"
            for server in servers or ()
            if int(server["hostgroup_id"]) == writer_hostgroup and server["status"] == "ONLINE"
        ]
        for proxy, servers in proxies.items()
    }


def summarise(
    members: Mapping[str, Mapping[str, Any]],
    reports: Mapping[str, Mapping[str, Any]],
    vip: str,
    holders: Sequence[str],
    proxies: Mapping[str, Sequence[Mapping[str, Any]] | None],
    writer_hostgroup: int = 10,
) -> dict[str, Any]:
    """Sum a cluster up.

    members: inventory name -> {name, address, port}; reports: inventory name -> report of galera_seqno, missing where the
    host did not answer; holders: hosts that have the VIP; proxies: host -> rows of runtime_mysql_servers, None where the
    proxy did not answer.
    Returns code (0 healthy, 2 degraded, 3 down), status (the word), problems (sentences), nodes (rows) and lines (the table).
    """
    writers = _online_writers(proxies, writer_hostgroup)
    written_to = {address for addresses in writers.values() for address in addresses}
    rows, problems = [], []
    for host, member in members.items():
        report = reports.get(host)
        if proxies:
            role = "writer" if f"{member['address']}:{member['port']}" in written_to else "reader"
        else:
            role = "writer" if host in holders else "reader"
        if not _serves(report):
            role = "-"
        rows.append(_row(host, member["name"], report, role, host in holders))
        if report is None:
            problems.append(f"{host} does not answer.")
        elif report["state"] != "running":
            problems.append(f"{host}: node {member['name']} is {report['state']}.")
        elif report["cluster_status"] != "Primary" or report["local_state"] != "Synced":
            said = report.get("error") or f"{report['cluster_status']}, {report['local_state']}"
            problems.append(f"{host}: node {member['name']} is not Synced in a Primary Component ({said}).")
        elif report["cluster_size"] != len(members):
            problems.append(f"{host} sees a cluster of {report['cluster_size']}, the inventory has {len(members)} members.")
        elif report["bootstrap"]:
            problems.append(f"{host} still runs the bootstrap container; run site again.")
    uuids = {report["uuid"] for report in reports.values() if _serves(report)}
    if len(uuids) > 1:
        problems.append(f"There is more than one cluster: {', '.join(sorted(uuids))}.")
    if vip and len(holders) != 1:
        problems.append(f"The VIP {vip} is held by {' and '.join(holders) or 'nobody'}; exactly one host must hold it.")
    for proxy, servers in proxies.items():
        if servers is None:
            problems.append(f"ProxySQL on {proxy} does not answer.")
        elif len(writers[proxy]) != 1:
            problems.append(f"ProxySQL on {proxy} has {len(writers[proxy])} ONLINE writers; it must have one.")
    serving = any(_serves(report) for report in reports.values())
    code = DOWN if not serving or len(uuids) > 1 or (vip and not holders) else DEGRADED if problems else HEALTHY
    return {"code": code, "status": WORDS[code], "problems": problems, "nodes": rows, "lines": table(rows)}


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay rows out in columns; None is shown as a dash."""
    cells = [[column.upper() for column in COLUMNS]]
    cells += [["-" if row[column] is None else str(row[column]) for column in COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
