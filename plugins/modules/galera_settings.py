#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_settings
short_description: Bring settings into force without a restart
version_added: 0.1.0
description:
  - Compares the settings that a node is to have with those that its running server has in force, of which the node's
    start script keeps a record.
  - The server itself is asked which of them can be set while it runs. Where all can, they are set with C(SET GLOBAL) in
    one statement, and the record is replaced. Where one cannot, nothing is set; RV(ignore:restart_required) says so.
  - A setting that is gone goes back to the server's default. Session variables count for new connections, as after a
    restart.
  - Left for the next start is C(wsrep_cluster_address), because setting it makes the node leave and join again. Galera
    keeps the addresses itself.
  - Settings of other programs than the server, such as C([client]) and C([sst]), need neither.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  settings:
    description: Content of the option file that the node is to have.
    type: str
    required: true
  record:
    description: Path on this host of the option file that the server has in force.
    type: path
    required: true
  timeout:
    description: How long the server may take to answer, in seconds.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Predicts. Values are checked by the server only when they are set.
  diff_mode:
    support: full
    description: Shows the settings that differ. What looks like a secret is hidden.
seealso:
  - name: System variables
    description: Where the server tells which variables can be set.
    link: https://mariadb.com/kb/en/information-schema-system_variables-table/
"""

EXAMPLES = r"""
- name: Set what can be set without a restart
  dbops.galera.galera_settings:
    node: mariadb1
    socket: /containers/mariadb1/run/mysqld.sock
    record: /containers/mariadb1/run/in-force.cnf
    settings: "{{ lookup('ansible.builtin.template', 'galera.cnf.j2') }}"
  register: settings

- name: Say what needs a restart
  ansible.builtin.debug:
    var: settings.reason
  when: settings.restart_required
"""

RETURN = r"""
running:
  description: Whether the server answers; otherwise there is nothing to do, since it starts with the new settings.
  returned: success
  type: bool
restart_required:
  description: Whether the node has to be restarted for the new settings; then none of them was set.
  returned: success
  type: bool
restart:
  description: What needs the restart, and why, by setting.
  returned: success
  type: dict
  sample:
    back_log: is read-only while the server runs
reason:
  description: What was set or needs a restart, in a sentence; empty where nothing differs.
  returned: success
  type: str
changes:
  description: The settings that differ.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: Section of the option file, empty for the server's.
      type: str
    name:
      description: Name of the setting.
      type: str
    before:
      description: Value in force, null where the setting is new.
      type: str
    after:
      description: Value wanted, null where the setting is gone.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._in_force import InForce
from ansible_collections.dbops.galera.plugins.module_utils._settings import shown


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "settings": {"type": "str", "required": True, "no_log": True},
            "record": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    node = InForce(params["node"], params["socket"], params["record"], params["defaults_file"], params["timeout"])
    try:
        outcome = node.bring(params["settings"], predict=module.check_mode)
    except GaleraError as error:
        module.fail_json(msg=str(error))
    changes = [change.told() for change in outcome.plan.changes]
    module.exit_json(
        changed=outcome.changed,
        running=outcome.running,
        restart_required=bool(outcome.restart),
        restart=outcome.restart,
        reason=outcome.reason(params["node"]),
        changes=changes,
        diff={"before": shown(changes, "before"), "after": shown(changes, "after")},
    )


if __name__ == "__main__":
    main()
