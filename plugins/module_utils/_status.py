# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what the members, proxies and VIP holders reported -> one table and one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.branch import given_up
from ansible_collections.dbops.galera.plugins.module_utils._model.databases import latin1_warnings
from ansible_collections.dbops.galera.plugins.module_utils._model.election import split
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors, Server, judge
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import Asked, risky

HEALTHY, DEGRADED, DOWN = 0, 2, 3
WORDS = {HEALTHY: "healthy", DEGRADED: "degraded", DOWN: "down"}
COLUMNS = ("host", "node", "state", "cluster", "size", "sync", "role", "vip", "seqno", "version", "provider")


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
        "provider": report.get("provider_version"),
    }


def _serves(report: Mapping[str, Any] | None) -> bool:
    if report is None or report["cluster_status"] != "Primary":
        return False
    return report["local_state"] in ("Synced", "Donor/Desynced")


def _online_writers(
    proxies: Mapping[str, Sequence[Mapping[str, Any]] | None], writer_hostgroup: int
) -> dict[str, list[str]]:
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
    arbitrators: Mapping[str, Mapping[str, Any] | None] | None = None,
    floors: Sequence[Mapping[str, Any]] = (),
    allow_version: str = "",
    configs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Sum a cluster up.

    members: inventory name -> {name, address, port}; reports: inventory name -> report of galera_seqno, missing where
    the host did not answer; holders: hosts that have the VIP; proxies: host -> rows of runtime_mysql_servers, None
    where the proxy did not answer; arbitrators: host -> {name, state} of its container, None where the host did not
    answer; floors and allow_version: mariadb_floors and mariadb_allow_version; configs: inventory name to
    mariadb_config.
    Returns code (0 healthy, 2 degraded, 3 down), status (its word), problems and warnings (sentences), nodes (rows),
    lines (table). A warning is not of the state of the service, and leaves code and status as they are.
    """
    writers = _online_writers(proxies, writer_hostgroup)
    written_to = {address for addresses in writers.values() for address in addresses}
    arbitrators = arbitrators or {}
    rows, problems = [], []
    for host, member in members.items():
        report = reports.get(host)
        # Without a proxy tier applications reach the node on the host with the VIP.
        writes = f"{member['address']}:{member['port']}" in written_to if proxies else host in holders
        role = ("writer" if writes else "reader") if _serves(report) else "-"
        rows.append(_row(host, member["name"], report, role, host in holders))
        problems += _of_member(host, member["name"], report, len(members), len(arbitrators))
    for host, found in arbitrators.items():
        rows.append(_row(host, found["name"] if found else "-", found, "arbitrator" if found else "-", host in holders))
        problems += _of_arbitrator(host, found)
    uuids = {report["uuid"] for report in reports.values() if _serves(report)}
    if len(uuids) > 1:
        problems.append(f"There is more than one cluster: {', '.join(sorted(uuids))}.")
    problems += _of_branches([Report.of(host, report) for host, report in reports.items()])
    if vip and len(holders) != 1:
        problems.append(f"The VIP {vip} is held by {' and '.join(holders) or 'nobody'}; exactly one host must hold it.")
    problems += _of_proxies(proxies, writers)
    down = len(uuids) != 1 or (vip and not holders)
    code = DOWN if down else DEGRADED if problems else HEALTHY
    return {
        "code": code,
        "status": WORDS[code],
        "problems": problems,
        "warnings": [
            *judge(_servers(members, reports), Floors.read(floors, allow_version)).warnings,
            *(f"{host}: {each}" for host, config in (configs or {}).items() for each in risky(Asked(config, {}))),
            *latin1_warnings((report.get("latin1_databases") for report in reports.values()), (configs or {}).values()),
        ],
        "nodes": rows,
        "lines": table(rows),
    }


def _of_member(host: str, node: str, report: Mapping[str, Any] | None, members: int, arbitrators: int) -> list[str]:
    if report is None:
        return [f"{host} does not answer."]
    if report.get("emptied"):
        return [f"{host}: the datadir of {node} is empty, but it had data. Is its disk mounted?"]
    if report["state"] != "running":
        why = (report["state"] != "elsewhere" and report.get("fenced")) or report.get("error") or ""
        return [f"{host}: node {node} is {report['state']}.{' ' + str(why).rstrip('.') + '.' if why else ''}"]
    if report["cluster_status"] != "Primary" or report["local_state"] != "Synced":
        said = report.get("error") or f"{report['cluster_status']}, {report['local_state']}"
        return [f"{host}: node {node} is not Synced in a Primary Component ({said})."]
    if report["cluster_size"] != members + arbitrators:
        also = f" and {arbitrators} arbitrator{'s' * (arbitrators > 1)}" if arbitrators else ""
        return [f"{host} sees a cluster of {report['cluster_size']}, the inventory has {members} members{also}."]
    if report["bootstrap"]:
        return [f"{host} still runs the bootstrap container; run site again."]
    return []


def _of_branches(found: Sequence[Report]) -> list[str]:
    """A cluster that is split, and members whose branch was given up."""
    told = [sentence] if (sentence := split([report for report in found if report.primary])) else []
    latest = max(found, key=lambda report: report.generation, default=None)
    return told + [
        f"{given_up(report, latest)} To take it in, run repair_node -e repair_node_host={report.name}."
        for report in found
        if latest and report.generation < latest.generation and (report.holds_data or report.running)
    ]


def _servers(members: Mapping[str, Mapping[str, Any]], reports: Mapping[str, Mapping[str, Any]]) -> list[Server]:
    """Servers that answered. One that did not is among the problems, and its version is not known."""
    return [
        Server(host, member["name"], report.get("version") or "", report.get("provider_version") or "", running=True)
        for host, member, report in ((host, member, reports.get(host, {})) for host, member in members.items())
        if report.get("state") == "running" and report.get("cluster_status")
    ]


def _of_arbitrator(host: str, found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [f"{host} does not answer."]
    if found["state"] != "running":
        return [f"{host}: arbitrator {found['name']} is {found['state']}."]
    return []


def _of_proxies(proxies: Mapping[str, Any], writers: Mapping[str, Sequence[str]]) -> list[str]:
    problems = []
    for proxy, servers in proxies.items():
        if servers is None:
            problems.append(f"ProxySQL on {proxy} does not answer.")
        elif len(writers[proxy]) != 1:
            problems.append(f"ProxySQL on {proxy} has {len(writers[proxy])} ONLINE writers; it must have one.")
    return problems


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> list[str]:
    """Lay rows out in columns; None is shown as a dash."""
    cells = [[column.upper() for column in columns]]
    cells += [["-" if row[column] is None else str(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
