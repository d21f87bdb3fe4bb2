# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_allowlist
short_description: List the addresses that may connect to a cluster's replication ports
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Gives the IPv4 addresses of members and arbitrators, and those of their hosts' interfaces to other hosts, sorted.
  - Is empty with the driver C(weave), and where a host does not have the address that it is reached at. There the
    address of a connection cannot be foreseen.
options:
  _input:
    description: Variables of the members' and arbitrators' hosts, with their facts.
    type: list
    elements: dict
    required: true
  driver:
    description: C(galera_network_driver).
    type: str
    required: true
  moving:
    description: Virtual addresses, which no connection comes from.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show who may connect
  ansible.builtin.debug:
    msg: "{{ groups['galera'] | map('extract', hostvars) | dbops.galera.galera_allowlist('host') }}"
"""

RETURN = r"""
_value:
  description: IPv4 addresses.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.allowlist import allowlist


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_allowlist": allowlist}
