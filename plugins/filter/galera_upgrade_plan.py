# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_upgrade_plan
short_description: Plan the upgrade of a cluster, or say what speaks against it
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Makes one plan of what M(dbops.galera.galera_upgrade#module) read on each member. Every objection is a sentence that
    says what to do.
options:
  _input:
    description: Inventory name to reading; a host that did not answer is missing.
    type: dict
    required: true
  members:
    description: Inventory names of all members, in order.
    type: list
    elements: str
    required: true
  size:
    description: Members that a node is to see, arbitrators included.
    type: int
    required: true
  writer:
    description: The member that gets the writes. It goes last.
    type: str
    required: true
  backup_taken:
    description: Time of the newest good backup, ISO 8601 with a time zone.
    type: str
    default: ""
  backup_max_age:
    description: How old it may be, in hours.
    type: float
    default: 24
  without_backup:
    description: Whether to go without one.
    type: bool
    default: false
  allow_jump:
    description: The one jump over long-term series that is allowed nevertheless, such as V(10.11 to 11.8).
    type: str
    default: ""
  node_absence:
    description: How long a node may be away and still come back by IST, in seconds.
    type: float
    default: 120
  floors:
    description: Floors of versions beside the built-in ones, rows as in C(mariadb_floors) of the role mariadb.
    type: list
    elements: dict
    default: []
  allow_version:
    description: The one version that is accepted below a floor which refuses, such as V(10.11.14).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say what speaks against the upgrade
  ansible.builtin.debug:
    msg: "{{ plan.problems }}"
  vars:
    plan: "{{ readings | dbops.galera.galera_upgrade_plan(['db1', 'db2', 'db3'], 3, 'db1', without_backup=true) }}"
"""

RETURN = r"""
_value:
  description:
    - C(complete), whether every host has the new image; C(problems) and C(warnings), sentences; C(steps), member to
      C(join), C(roll), C(last) or C(steady); C(lines), the plan as text; C(before), a list of versions; C(after), one.
  type: dict
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._upgrade import Wishes
from ansible_collections.dbops.galera.plugins.module_utils._upgrade_plan import judge


def plan(
    readings: Mapping[str, Mapping[str, Any]],
    members: Sequence[str],
    size: int,
    writer: str,
    backup_taken: str = "",
    backup_max_age: float = 24,
    without_backup: bool = False,
    allow_jump: str = "",
    node_absence: float = 120,
    floors: Sequence[Mapping[str, Any]] = (),
    allow_version: str = "",
) -> dict[str, Any]:
    # YAML makes a time of what looks like one.
    taken = backup_taken.isoformat() if isinstance(backup_taken, datetime) else str(backup_taken)
    known = Floors.read(floors, allow_version)
    wishes = Wishes(taken, float(backup_max_age), without_backup, allow_jump, float(node_absence), known)
    return judge(readings, members, int(size), writer, wishes, datetime.now(timezone.utc))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_upgrade_plan": plan}
