# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: whether a node of a live cluster may be repaired, and whether it gets back by IST or by SST, and why.

IST keeps the node's data and adds what it missed; it needs data that are sound and a peer whose write-set cache reaches
back to them. SST throws the data away and copies a peer's: https://mariadb.com/kb/en/introduction-to-state-snapshot-transfers-ssts/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch, given_up
from ansible_collections.dbops.galera.plugins.module_utils._model.election import split
from ansible_collections.dbops.galera.plugins.module_utils._model.position import NULL_UUID
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report, strays
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

# What a server's log says when its own data are bad, in a line of level ERROR.
_BAD = re.compile(r"(?i)corrupt|checksum mismatch|inconsisten|unsupported storage engine|as a storage engine failed")
_ERROR = re.compile(r"\[ERROR\]\s*(.*)")
_NO_BACKUP = "No backup is known that it could start from instead."


@dataclass(frozen=True)
class Method:
    """name is IST or SST; reason is a sentence or two, with its subject."""

    name: str
    reason: str


def problems(host: str, members: Sequence[str], reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What speaks against a repair of a host's node, as sentences; reports of the members that were reached."""
    if host not in members:
        named = f"is '{host}'" if host else "is not set"
        return [f"repair_node_host {named}: name the host whose node is to be repaired, one of {', '.join(members)}."]
    if not reports.get(host):
        return [f"{host} was not reached: bring it back, or give its node a new host with the playbook replace_node."]
    node = Report.of(host, reports[host])
    known = [Report.of(name, reports[name]) for name in members if reports.get(name)]
    latest = max(member.generation for member in known)
    # A node that was added and not yet recorded is in the history of the others.
    living = [member.position.uuid for member in known if member.primary and member.generation == latest]
    if node.primary and node.generation < latest and node.position.uuid not in living:
        given_up = f"{host}: {node.node} is Primary in branch {node.generation} of the cluster, which was given up"
        return [f"{given_up}: stop it (docker stop {node.node} on {host}), and run this again."]
    if node.primary and node.local_state == "Synced":
        healthy = f"{host}: {reports[host].get('node')} is Primary and Synced at {node.position}"
        return [f"{healthy}: there is nothing to repair. To restart it, run the playbook restart."]
    if node.primary and node.local_state == "Donor/Desynced":
        busy = f"{host}: {reports[host].get('node')} is Primary, and gives a state transfer or is backed up"
        return [f"{busy}: wait until it is Synced. To end it all the same, stop the node first."]
    return list(_against_cluster(host, known))


def _against_cluster(host: str, known: Sequence[Report]) -> Iterator[str]:
    latest = max(member.generation for member in known)
    live = [member for member in known if member.primary and member.name != host and member.generation == latest]
    if not live:
        yield (
            f"No other node than that of {host} is in a Primary Component, so there is no cluster to rejoin: "
            "run the playbook recover, which compares the positions of all nodes."
        )
        return
    if len({member.position.uuid for member in live}) > 1:
        told = ", ".join(f"{member.name} {member.position}" for member in live)
        yield f"The other nodes are Primary in different clusters ({told}): find out which one is the right one first."
    if sentence := split(live):
        yield sentence


def signs(log: str) -> list[str]:
    """What a server's log tells of bad data, each line once, without its date."""
    told = [match[1].strip() for match in map(_ERROR.search, log.splitlines()) if match and _BAD.search(match[1])]
    return list(dict.fromkeys(told))


def decide(
    node: str,
    report: Mapping[str, Any],
    peers: Mapping[str, Mapping[str, Any]],
    seen: Sequence[str] = (),
    failed: str = "",
    branch: Branch | None = None,
    views: Mapping[str, Sequence[str]] | None = None,
) -> Method:
    """Choose by the report of the stopped node, its position recovered, and the live status of its peers, by name.

    seen are signs of bad data; failed is how an IST ended, where one was tried; branch is the latest that any host
    knows. views are the Primary Components that the peers were in, by name. Raises GaleraError for data of another
    cluster, which are not to be replaced by a repair.
    """
    own = Report.of(node, report)
    if branch and own.generation < branch.generation and own.holds_data:
        latest = Report(node, node, "running", begun=branch.begun, decision=branch.forced)
        return Method(
            "SST", f"{given_up(own, latest)} It gets all data of branch {branch.generation} by SST. {_NO_BACKUP}"
        )
    uuids = {str(peer["uuid"]) for peer in peers.values()}
    if len(uuids) != 1:
        raise GaleraError(
            f"The peers of {node} are in {len(uuids)} clusters ({', '.join(sorted(uuids)) or 'none is live'}): "
            "find out which one the node belongs to, and run again."
        )
    (uuid,) = uuids
    if own.position.uuid not in (uuid, NULL_UUID) and not own.blank:
        if own.generation > 1 and own.position.uuid in (own.parent, own.branch_uuid):
            return Method(
                "SST",
                f"{node} gets all data anew by SST, because it holds data of a branch that was given up "
                f"({own.position}; the live one is {uuid}). They are in the datadir that is kept. {_NO_BACKUP}",
            )
        raise GaleraError(
            f"{node} holds data of another cluster ({own.position.uuid}; the live one is {uuid}): this is no repair. "
            "See whether datadir and inventory are right; save the data and empty the datadir, or take the host out."
        )
    if found := _sst_at_once(own, seen, failed):
        return found
    known = [Report(peer, peer, "running", views=tuple(seen or ())) for peer, seen in (views or {}).items()]
    if strays(known, [own]):
        return Method(
            "SST",
            f"{node} gets all data anew by SST, because it was last in a Primary Component of which no record of "
            f"{joined(list(peers))} tells: the cluster was split, and at {own.position} it may hold other data than "
            "they do. What it wrote alone is in the datadir that is kept; save it.",
        )
    return _by_position(own, peers)


def _sst_at_once(own: Report, seen: Sequence[str], failed: str) -> Method | None:
    if failed:
        why = f"it was started for an IST, and did not come back: {failed.rstrip('.')}"
    elif own.blank or own.emptied:
        why = "its datadir is empty"
    elif own.sst_in_progress:
        why = "its last SST did not end, so it holds the half of another node's data"
    elif own.error:
        # A recovery that failed tells its log; one line of it says what is wrong.
        told, *log = own.error.replace(f"{own.name}: ", "").splitlines()
        why = "; ".join([told.split(" Its last log lines")[0].rstrip("."), *signs("\n".join(log))[:1]]).rstrip(".")
    elif seen:
        why = f"its log tells of bad data: {seen[0].rstrip('.')}"
    elif not own.position.known:
        why = "its position is unknown"
    else:
        return None
    return Method("SST", f"{own.name} gets all data anew by SST, because {why}. {_NO_BACKUP}")


def _by_position(own: Report, peers: Mapping[str, Mapping[str, Any]]) -> Method:
    last = max(int(peer["seqno"]) for peer in peers.values())
    behind = last - own.position.seqno
    if behind < 0:
        return Method(
            "SST",
            f"{own.name} gets all data anew by SST, because at {own.position} it is ahead of the live cluster "
            f"(seqno {last}): it holds writes that the others lack. They are in the datadir that is kept; save them.",
        )
    reaches = {name: int(peer["cached_downto"]) for name, peer in peers.items() if peer.get("cached_downto")}
    able = [name for name, downto in reaches.items() if downto <= own.position.seqno + 1]
    if behind == 0 or able:
        from_whom = f"; {' and '.join(able)} still {'has' if len(able) == 1 else 'have'} them" if behind else ""
        return Method(
            "IST",
            f"{own.name} keeps its data and gets by IST what it missed: it is at {own.position}, "
            f"{behind} write sets behind{from_whom}.",
        )
    oldest = f"none of them older than {min(reaches.values())}" if reaches else "and none of them holds any"
    return Method(
        "SST",
        f"{own.name} gets all data anew by SST, because it is at {own.position}, and the write sets that follow are in "
        f"no peer's gcache any more ({oldest}). {_NO_BACKUP}",
    )
