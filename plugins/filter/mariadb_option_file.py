# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: mariadb_option_file
short_description: Write MariaDB's option file from the role's settings and the operator's
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - What the operator writes takes the place of what the role writes, in whichever spelling and section of the server
    it stands, so that a setting is in the file once.
  - Values are quoted where the server would read something else. Booleans are C(ON) and C(OFF), null is a name alone,
    and a list is a line for each entry where the server takes many, else one value with commas.
  - Settings that would take a node out of its cluster, cut off its clients or lose data are refused with a sentence for
    each. Nothing is written then.
options:
  _input:
    description: The role's settings, by section.
    type: dict
    required: true
  config:
    description: The operator's settings, by section; C(mariadb_config).
    type: raw
    required: true
  provider_options:
    description: The operator's options of the Galera provider; C(mariadb_provider_options).
    type: raw
    default: {}
  binlog:
    description: Whether the role has a binary log written; C(mariadb_binlog).
    type: bool
    default: false
  volumes:
    description: Further directories of the host in the container; C(mariadb_volumes).
    type: raw
    default: []
seealso:
  - name: Option files
    description: What the server reads from where.
    link: https://mariadb.com/kb/en/configuring-mariadb-with-option-files/
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ {'mariadbd': {'port': 3306}} | dbops.galera.mariadb_option_file({'mysqld': {'max-connections': 500}}) }}"
"""

RETURN = r"""
_value:
  description: Content of the option file.
  type: str
  sample: |
    [mariadbd]
    max-connections = 500
    port = 3306
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import Asked, merged, text, wrong


def option_file(
    own: Mapping[str, Mapping[str, Any]],
    config: Any,
    provider_options: Any = None,
    binlog: bool = False,
    volumes: Any = (),
) -> str:
    problems = wrong(Asked(config, provider_options or {}, binlog, volumes))
    if problems:
        raise AnsibleFilterError(" ".join(problems))
    return text(merged(own, config))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"mariadb_option_file": option_file}
