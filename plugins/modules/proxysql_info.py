#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxysql_info
short_description: Read ProxySQL's tables, statistics and connections
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Reads one layer of ProxySQL's configuration, its statistics and its connection pool, as data.
  - Passwords are not among them, neither in clear nor hashed.
options:
  layer:
    description:
      - V(memory) is what the admin interface edits, V(runtime) what is in force, V(disk) what survives a restart.
    type: str
    choices: [memory, runtime, disk]
    default: runtime
  tables:
    description:
      - Which tables to read, by the options of M(dbops.galera.proxysql_admin).
      - Without this option, all that this version of ProxySQL has.
    type: list
    elements: str
    choices:
      - servers
      - servers_ssl_params
      - galera_hostgroups
      - replication_hostgroups
      - hostgroup_attributes
      - users
      - query_rules
      - query_rules_fast_routing
      - firewall_whitelist_users
      - firewall_whitelist_rules
      - firewall_whitelist_sqli_fingerprints
      - scheduler
      - restapi_routes
      - proxysql_servers
extends_documentation_fragment:
  - dbops.galera.proxysql
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, layer by layer, with secrets hidden.
    support: none
seealso:
  - module: dbops.galera.proxysql_admin
"""

EXAMPLES = r"""
- name: Read who serves whom, and how much
  dbops.galera.proxysql_info:
    login_file: /containers/proxysql/admin.cnf
    tables: [servers, users]
  register: proxysql

- name: Show the connections to each server
  ansible.builtin.debug:
    msg: "{{ proxysql.connection_pool | items2dict(key_name='srv_host', value_name='ConnUsed') }}"
"""

RETURN = r"""
version:
  description: The version of ProxySQL.
  returned: success
  type: str
  sample: 2.7.1-16-g2726c27
tables:
  description:
    - Rows by option, each with all columns, in the order of their keys. Numbers are numbers.
    - A password is V((hidden\)) where there is one.
  returned: success
  type: dict
  sample: {proxysql_servers: [{hostname: 192.168.55.161, port: 6032, weight: 0, comment: ""}]}
variables:
  description: All variables of the layer by name, as text, with passwords and credentials hidden.
  returned: success
  type: dict
  sample: {mysql-max_connections: "2048"}
connection_pool:
  description: C(stats_mysql_connection_pool), a row a server and hostgroup, with the latency in microseconds.
  returned: success
  type: list
  elements: dict
  sample: [{hostgroup: 10, srv_host: 192.168.55.161, srv_port: 3306, status: ONLINE, ConnUsed: 2, ConnFree: 5}]
statistics:
  description: C(stats_mysql_global), numbers by name.
  returned: success
  type: dict
  sample: {ProxySQL_Uptime: 318, Questions: 42}
checksums:
  description: ProxySQL's checksums of what is in force, by group of tables.
  returned: success
  type: dict
  sample: {mysql_users: "0x5A471850520A99B7"}
"""

from contextlib import closing
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_client import (
    LOGIN_ARGUMENTS,
    LOGIN_RULES,
    AdminClient,
    log_in,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import LAYERS, RUNTIME, without_secrets
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES, ProxySQLError


def run(module: AnsibleModule, admin: AdminClient) -> dict[str, Any]:
    layer = module.params["layer"]
    schema = admin.schema()
    options = module.params["tables"]
    if options is None:
        options = [option for option, (name, _unit) in TABLES.items() if name in schema.tables]
    found = {option: admin.rows(layer, schema.table(option)) for option in options}
    return {
        "changed": False,
        "version": schema.version,
        "tables": {option: without_secrets(schema.table(option), rows) for option, rows in found.items()},
        "variables": without_secrets(None, [admin.variables(layer)])[0],
        "connection_pool": admin.connection_pool(),
        "statistics": admin.statistics(),
        "checksums": admin.checksums(),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            LOGIN_ARGUMENTS,
            layer={"type": "str", "choices": list(LAYERS), "default": RUNTIME},
            tables={"type": "list", "elements": "str", "choices": list(TABLES)},
        ),
        supports_check_mode=True,
        **LOGIN_RULES,
    )
    try:
        with closing(log_in(module)) as admin:
            result = run(module, admin)
        module.exit_json(**result)
    except ProxySQLError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
