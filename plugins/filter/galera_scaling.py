# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_scaling
short_description: Judge whether a cluster may grow, shrink, or move a node now
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Compares what the inventory says with what the nodes reported, and tells what there is to do, or why it is refused.
  - A run that was cut short is seen in the reports, and gone on with.
options:
  _input:
    description: Hosts of the group galera, of one cluster.
    type: list
    elements: str
    required: true
  verb:
    description: What is to be judged.
    type: str
    choices: [add_node, remove_node, replace_node]
    required: true
  names:
    description: Host to the name of its node, as the inventory has it.
    type: dict
    required: true
  places:
    description: Host to a dictionary with C(address) and C(port) of its node; missing where the host does not answer.
    type: dict
    required: true
  reports:
    description: Host to report of M(dbops.galera.galera_seqno#module); missing where it has no Docker Engine yet.
    type: dict
    required: true
  present:
    description: Hosts that answer.
    type: list
    elements: str
    required: true
  leaving:
    description: Hosts of the group leaving.
    type: list
    elements: str
    default: []
  arbitrators:
    description: Hosts of the group arbitrator.
    type: list
    elements: str
    default: []
  leaving_votes:
    description: Hosts of the group leaving where an arbitrator runs.
    type: list
    elements: str
    default: []
  proxies:
    description: Host to rows of C(runtime_mysql_servers), null where the proxy did not answer.
    type: dict
    default: {}
  holders:
    description: Hosts that have the VIP.
    type: list
    elements: str
    default: []
  fronts:
    description: Hosts of the groups proxysql and keepalived.
    type: list
    elements: str
    default: []
  dead:
    description: The host that the operator says is lost.
    type: str
    default: ""
  writer_hostgroup:
    description: The hostgroup of the writer.
    type: int
    default: 10
  cluster:
    description: Name of the cluster, for the sentences.
    type: str
    default: galera
"""

EXAMPLES = r"""
- name: Refuse to add a node to a cluster that is not well
  ansible.builtin.fail:
    msg: "{{ plan.problems }}"
  vars:
    plan: >-
      {{ groups['galera'] | dbops.galera.galera_scaling(verb='add_node', names=names, places=places, reports=reports,
         present=ansible_play_hosts) }}
  when: plan.problems | length > 0
"""

RETURN = r"""
_value:
  description:
    - C(problems) is a list of sentences, empty where the verb may go on; C(lines) tells what there is to do;
      C(hosts) are those with something to do, in order.
    - "Of V(replace_node): C(source), C(target), and C(step), which is V(copy), V(start), V(sst) or V(done)."
  type: dict
"""

from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._scaling import scale


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_scaling": scale}
