# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses may connect to a node's replication and IST ports, and when the servers' table is another. Pure.

A server compares the address that a connection comes from with mysql.wsrep_allowlist, as text; an empty table lets
everybody in. The variable wsrep_allowlist counts while a joiner has no tables yet, and a server that bootstraps
replaces its table by it, on that node alone. See docs/decisions/0025-open-doors.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Docker's and Weave's own interfaces, which no connection to another host comes from.
_INNER = re.compile(r"docker\d+|br[-_][0-9a-f]{12}|veth.*|weave|datapath|vxlan-.*")
# In an overlay Docker chooses a container's address at each start.
_DRIVERS = ("host", "macvlan")


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def _own(host: Mapping[str, Any]) -> str:
    """The address of a host's node in the group, or of its arbitrator, which has the host's; empty where not known."""
    node = host.get("galera_node") or {}
    return str(node.get("address" if node.get("name") else "lan_address") or "")


def _of_host(facts: Mapping[str, Any]) -> set[str]:
    """A host's addresses but those of inner interfaces: an IST comes from one of them, whatever the node's own is."""
    inner: set[str] = set()
    for name in map(str, facts.get("interfaces") or ()):
        # Facts write other signs of a name as underscores.
        found = (facts.get(re.sub(r"[^A-Za-z0-9_]", "_", name)) or {}) if _INNER.fullmatch(name) else {}
        inner |= {each.get("address") for each in (found.get("ipv4") or {}, *(found.get("ipv4_secondaries") or ()))}
    return {str(address) for address in facts.get("all_ipv4_addresses") or ()} - inner


def allowlist(hosts: Iterable[Mapping[str, Any]], driver: str, moving: Iterable[str] = ()) -> list[str]:
    """The addresses of a cluster's hosts, sorted; empty where an allowlist would shut its own nodes out.

    hosts are the variables of members and arbitrators, moving the virtual addresses, which no connection comes from.
    Its own nodes would be shut out with an overlay, and where a host does not have the address that it is reached at:
    connections come from another one then.
    """
    if driver not in _DRIVERS:
        return []
    found: set[str] = set()
    for host in hosts:
        facts = host.get("ansible_facts") or {}
        own, there = _own(host), (facts.get("all_ipv4_addresses") or ())
        has_it = driver == "macvlan" or not there or not own or own in there
        if not has_it or (own and not _is_address(own)):
            return []
        found |= {own, *_of_host(facts)} - {"", *moving}
    return sorted(found, key=ipaddress.IPv4Address)


def wanted(allowed: Sequence[str], tables: Iterable[Sequence[str] | None]) -> list[str] | None:
    """What the table is to be, or None where it is that on every node, or one has none, or does not tell.

    tables: as the nodes have them, None where unknown. A server before 10.10 has none: a row that is replicated to it
    would put it out of the cluster.
    """
    known = [None if table is None else sorted(table) for table in tables]
    aim = sorted(set(allowed))
    return aim if None not in known and any(table != aim for table in known) else None
