# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_bad_floors
short_description: Say what is wrong with an operator's floors of versions
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - A row that cannot be read might be the one that refuses an image, so it is to be told before anything is changed.
options:
  _input:
    description:
      - Rows with the keys C(name), C(what), C(level), C(fixed_in), C(reason) and C(source), as in C(mariadb_floors) of
        the role mariadb.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Check the floors of versions
  ansible.builtin.assert:
    that: mariadb_floors | dbops.galera.galera_bad_floors | length == 0
"""

RETURN = r"""
_value:
  description: A sentence on each row that cannot be read.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors


def bad_floors(rows: object) -> list[str]:
    return list(Floors.read(rows).problems)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_bad_floors": bad_floors}
