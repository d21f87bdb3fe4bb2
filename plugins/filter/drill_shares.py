# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: drill_shares
short_description: Share clusters out over the hosts that drill their backups
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Each host gets as many clusters as its part of all hosts' memory, or of all hosts' disk where that is less.
  - The result depends on nothing but its arguments, and not on their order, so that hosts need not agree on it.
options:
  _input:
    description: Names of the clusters.
    type: list
    elements: str
    required: true
  hosts:
    description:
      - Host to a dictionary with C(memory_mb) and C(disk_mb), what it has in all, in MiB.
      - What is 0 on any host is not counted on any; where both are, all hosts count the same.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who drills what
  ansible.builtin.debug:
    msg: "{{ ['crm', 'erp', 'shop'] | dbops.galera.drill_shares(hosts) }}"
  vars:
    hosts:
      vault1: {memory_mb: 65536, disk_mb: 2000000}
      vault2: {memory_mb: 32768, disk_mb: 1000000}
"""

RETURN = r"""
_value:
  description: Host to the sorted list of its clusters; every host is in it, and every cluster is in one list.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

_KINDS = ("memory_mb", "disk_mb")


def weights(hosts: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each host's part of all: of the kind of which it has the smaller part."""
    totals = {kind: sum(float(host.get(kind, 0)) for host in hosts.values()) for kind in _KINDS}
    known = [kind for kind in _KINDS if all(float(host.get(kind, 0)) > 0 for host in hosts.values())]
    return {
        name: min((float(host[kind]) / totals[kind] for kind in known), default=1.0) for name, host in hosts.items()
    }


def shares(clusters: Iterable[str], hosts: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    weight = weights(hosts)
    found: dict[str, list[str]] = {name: [] for name in sorted(hosts)}
    for cluster in sorted(clusters) if hosts else ():
        # Who would still have the least for what it can take.
        least = min(found, key=lambda name: ((len(found[name]) + 1) / weight[name], name))
        found[least].append(cluster)
    return found


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drill_shares": shares}
