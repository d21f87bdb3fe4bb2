# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_positions
short_description: Lay out the positions of a cluster's members
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Makes a table, as text, of the reports of M(dbops.galera.galera_seqno#module), and adds the sentence of each report
    that has an error.
options:
  _input:
    description: Inventory name to report; a host that did not answer is missing.
    type: dict
    required: true
  members:
    description: Inventory names of all members, in order.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the positions
  ansible.builtin.debug:
    msg: "{{ reports | dbops.galera.galera_positions(groups['galera']) }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, and of the errors.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._status import table

COLUMNS = ("host", "node", "reachable", "state", "cluster_status", "uuid", "seqno", "source", "safe_to_bootstrap")


def positions(reports: Mapping[str, Mapping[str, Any]], members: Sequence[str]) -> list[str]:
    rows = []
    for member in members:
        report = reports.get(member)
        row = {**dict.fromkeys(COLUMNS), **(report or {}), "host": member, "reachable": "yes" if report else "no"}
        if row["safe_to_bootstrap"] is not None:
            row["safe_to_bootstrap"] = int(row["safe_to_bootstrap"])
        rows.append(row)
    return table(rows, COLUMNS) + [str(report["error"]) for report in reports.values() if report.get("error")]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_positions": positions}
