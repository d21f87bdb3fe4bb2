# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_status
short_description: Sum up what the members of a cluster reported
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Makes one table and one verdict of the reports of M(dbops.galera.galera_seqno#module), the rows that
    M(dbops.galera.proxysql_admin#module) read, and the hosts that hold the VIP.
options:
  _input:
    description: "Members: inventory name to a dictionary of C(name), C(address) and C(port)."
    type: dict
    required: true
  reports:
    description: Inventory name to report; a host that did not answer is missing.
    type: dict
    required: true
  vip:
    description: The VIP, empty where there is none.
    type: str
    required: true
  holders:
    description: Hosts that have the VIP.
    type: list
    elements: str
    required: true
  proxies:
    description: Host to rows of C(runtime_mysql_servers), null where the proxy did not answer.
    type: dict
    required: true
  writer_hostgroup:
    description: The hostgroup of the writer.
    type: int
    default: 10
  arbitrators:
    description:
      - Host to a dictionary of C(name) and C(state) of the arbitrator's container, null where the host did not answer.
      - They count as members of the group, and get a row each.
    type: dict
    default: {}
  floors:
    description: Floors of versions beside the built-in ones, rows as in C(mariadb_floors) of the role mariadb.
    type: list
    elements: dict
    default: []
  configs:
    description:
      - Inventory name to C(mariadb_config) of the role mariadb, of which what costs safety is told. Where one sets the
        character set latin1, databases that have it are not.
    type: dict
    default: {}
  allow_version:
    description: The one version that is accepted below a floor which refuses, such as V(10.11.14).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Sum up
  ansible.builtin.debug:
    msg: "{{ (members | dbops.galera.galera_status(reports=reports, vip='', holders=[], proxies={})).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(code) is 0 (healthy), 2 (degraded) or 3 (down), C(status) the word for it, C(problems) a list of sentences,
      C(warnings) sentences on versions below a floor, on settings that cost safety and on databases with the character
      set latin1, which do not change the code, C(nodes) a row for each member and arbitrator, C(lines) the table as
      text.
  type: dict
"""

from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._status import summarise


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_status": summarise}
