# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: mariadb_setting
short_description: Look up a server's setting in any spelling
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Finds what C(mariadb_config) sets a variable of the server to, in whichever spelling and section of the server it
    stands.
options:
  _input:
    description: Settings by section; C(mariadb_config).
    type: raw
    required: true
  name:
    description: Name of the variable, in lower case and with underscores.
    type: str
    required: true
  default:
    description: What the variable is where nothing is set.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show how many clients the server takes
  ansible.builtin.debug:
    msg: "{{ {'mysqld': {'max-connections': 500}} | dbops.galera.mariadb_setting('max_connections', 151) }}"
"""

RETURN = r"""
_value:
  description: The value as text, or the default.
  type: raw
"""

from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.settings import setting


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"mariadb_setting": setting}
