# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_unrepairable
short_description: Tell what speaks against the repair of a node
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - A node is repaired in a live cluster, of which it is a member without being Synced. Judges that by the reports of
    M(dbops.galera.galera_seqno#module).
options:
  _input:
    description: Inventory name to report; a host that did not answer is missing.
    type: dict
    required: true
  host:
    description: Inventory name of the host whose node is to be repaired.
    type: str
    required: true
  members:
    description: Inventory names of all members, in order.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse what is no repair
  ansible.builtin.fail:
    msg: "{{ problems }}"
  vars:
    problems: "{{ reports | dbops.galera.galera_unrepairable('host2', groups['galera']) }}"
  when: problems | length > 0
"""

RETURN = r"""
_value:
  description: A sentence for each problem; empty where there is none.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._repair import problems


def unrepairable(reports: Mapping[str, Mapping[str, Any]], host: str, members: Sequence[str]) -> list[str]:
    return problems(host, members, reports)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_unrepairable": unrepairable}
