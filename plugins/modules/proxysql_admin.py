#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxysql_admin
short_description: Configure ProxySQL through its admin interface
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Brings tables and variables of ProxySQL to a given content, in memory, at runtime and on disk, in one call.
  - Compares all three layers, and runs C(LOAD) and C(SAVE) only where they differ. A run that was interrupted between
    the two is made good by the next one.
  - Everything is checked before anything is changed, against the tables, columns and constraints that the server itself
    tells of. So ProxySQL 2.5 to 3.0 are served, each with what it has.
  - Without any table or variable the module only reads.
  - A table that is given will hold the given rows and no others; a column that is not given has ProxySQL's default. See
    O(merge) and O(absent) for less. A table that is not given stays as it is.
  - In the hostgroups of an active row of O(galera_hostgroups) ProxySQL's monitor moves servers and sets their status;
    there the runtime layer is compared by servers, weights and limits only.
options:
  merge:
    description:
      - The options among the following whose rows are merged into the table. Other rows stay, and so do the columns of
        a given row that are not given; a column given as V(null) gets its default.
      - All rows of such a table come into force, those too that someone has only put into memory.
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
  absent:
    description:
      - Rows that are to go, by option, as lists of mappings. Every row goes that has all the given values, so C(db3)
        given as C(hostname) alone, under C(servers), is removed from all hostgroups.
      - A table that is named here and not given keeps its other rows.
    type: dict
  servers:
    description:
      - The rows of C(mysql_servers), with the key C(hostgroup_id), C(hostname) and C(port).
      - All rows of a server within the hostgroups of a Galera cluster must agree in everything but C(status).
    type: list
    elements: dict
  servers_ssl_params:
    description:
      - The rows of C(mysql_servers_ssl_params), with the key C(hostname), C(port) and C(username).
      - ProxySQL 2.6 and newer.
    type: list
    elements: dict
  galera_hostgroups:
    description:
      - The rows of C(mysql_galera_hostgroups), with the key C(writer_hostgroup). The four hostgroups of a row differ.
    type: list
    elements: dict
  replication_hostgroups:
    description: The rows of C(mysql_replication_hostgroups), with the key C(writer_hostgroup).
    type: list
    elements: dict
  hostgroup_attributes:
    description: The rows of C(mysql_hostgroup_attributes), with the key C(hostgroup_id).
    type: list
    elements: dict
  users:
    description:
      - The rows of C(mysql_users), with the key C(username) and C(backend).
      - A C(password) is given in clear, as a hash of C(mysql_native_password) (C(*) and 40 hexadecimal digits) or as
        one of C(caching_sha2_password) (beginning with C($A$005$)). A clear one is stored as a hash of the first kind,
        unless ProxySQL has it in another form; which form it has is no change.
      - The C(default_hostgroup) of an active user must have a server or belong to a cluster.
    type: list
    elements: dict
  query_rules:
    description: The rows of C(mysql_query_rules), with the key C(rule_id). Mind that C(active) is C(0) by default.
    type: list
    elements: dict
  query_rules_fast_routing:
    description:
      - The rows of C(mysql_query_rules_fast_routing), with the key C(username), C(schemaname) and C(flagIN).
    type: list
    elements: dict
  firewall_whitelist_users:
    description: The rows of C(mysql_firewall_whitelist_users), with the key C(username) and C(client_address).
    type: list
    elements: dict
  firewall_whitelist_rules:
    description:
      - The rows of C(mysql_firewall_whitelist_rules), with the key C(username), C(client_address), C(schemaname),
        C(flagIN) and C(digest).
    type: list
    elements: dict
  firewall_whitelist_sqli_fingerprints:
    description: The rows of C(mysql_firewall_whitelist_sqli_fingerprints), with the key C(fingerprint).
    type: list
    elements: dict
  scheduler:
    description: The rows of C(scheduler), with the key C(id).
    type: list
    elements: dict
  restapi_routes:
    description: The rows of C(restapi_routes), with the key C(id).
    type: list
    elements: dict
  proxysql_servers:
    description: The rows of C(proxysql_servers), with the key C(hostname) and C(port).
    type: list
    elements: dict
  variables:
    description:
      - Variables of the families C(mysql-) and C(admin-) by their full names, such as C(mysql-max_connections). Others
        stay as they are.
      - C(mysql-threads) and C(mysql-interfaces) are taken by ProxySQL only at start; see RV(restart_required).
    type: dict
extends_documentation_fragment:
  - dbops.galera.proxysql
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, layer by layer, with secrets hidden.
    support: full
notes:
  - C(LOAD) and C(SAVE) act on whole groups of tables. Rows that someone has changed in memory only, in a table of the
    same group or in a variable of the same family, come into force with them.
seealso:
  - name: Main (runtime) tables
    description: Columns, defaults and meaning of every table.
    link: https://proxysql.com/documentation/main-runtime/
  - name: Global variables
    description: Every variable, with its default and range.
    link: https://proxysql.com/documentation/global-variables/
"""

EXAMPLES = r"""
- name: Put two Galera nodes behind ProxySQL
  dbops.galera.proxysql_admin:
    login_file: /containers/proxysql/admin.cnf
    galera_hostgroups:
      - writer_hostgroup: 10
        backup_writer_hostgroup: 30
        reader_hostgroup: 20
        offline_hostgroup: 40
        writer_is_also_reader: 1
    servers:
      - {hostgroup_id: 10, hostname: 192.168.55.161, weight: 1000}
      - {hostgroup_id: 10, hostname: 192.168.55.162, weight: 999}
    users:
      - username: application
        password: "{{ vault_application_password }}"
        default_hostgroup: 10
    variables:
      mysql-monitor_username: monitor
      mysql-monitor_password: "{{ vault_monitor_password }}"

- name: Give one server more weight and drop another; all other rows stay
  dbops.galera.proxysql_admin:
    login_file: /containers/proxysql/admin.cnf
    merge: [servers]
    servers:
      - {hostgroup_id: 10, hostname: 192.168.55.162, weight: 2000}
    absent:
      servers:
        - {hostname: 192.168.55.163}

- name: Read where the servers stand
  dbops.galera.proxysql_admin:
    login_file: /containers/proxysql/admin.cnf
  register: proxysql
"""

RETURN = r"""
changed_parts:
  description: What differed in any layer - names of tables, V(mysql_variables), V(admin_variables).
  returned: success
  type: list
  elements: str
  sample: [mysql_servers, mysql_variables]
loaded:
  description: What was loaded to runtime (or would be, in check mode).
  returned: success
  type: list
  elements: str
  sample: [MYSQL SERVERS]
saved:
  description: What was saved to disk (or would be, in check mode).
  returned: success
  type: list
  elements: str
  sample: [MYSQL SERVERS]
rows:
  description:
    - How many rows are added, changed and removed in memory (or would be, in check mode), by table. A run that only
      makes good a missed C(LOAD) or C(SAVE) has none.
  returned: success
  type: dict
  sample: {mysql_servers: {added: 1, changed: 0, removed: 2}}
checksums:
  description:
    - ProxySQL's checksums of what is in force at the end, by group of tables. Equal ones on two servers mean equal
      configurations; C(0x0000000000000000) stands for never loaded or empty.
  returned: success
  type: dict
  sample: {mysql_users: "0x5A471850520A99B7"}
version:
  description: The version of ProxySQL.
  returned: success
  type: str
  sample: 2.7.1-16-g2726c27
restart_required:
  description: Whether ProxySQL runs with another value of a given variable that it takes only at start.
  returned: success
  type: bool
runtime_servers:
  description: Where the servers stand at the end, from C(runtime_mysql_servers).
  returned: success
  type: list
  elements: dict
  contains:
    hostgroup_id:
      description: The hostgroup.
      type: int
    hostname:
      description: Name or address of the server.
      type: str
    port:
      description: Port of the server.
      type: int
    status:
      description: V(ONLINE), V(SHUNNED), V(OFFLINE_SOFT), V(OFFLINE_HARD) or V(SHUNNED_REPLICATION_LAG).
      type: str
    weight:
      description: Weight within the hostgroup.
      type: int
    connections_used:
      description: Connections to the server that a client's transaction or session holds now.
      type: int
  sample:
    - {hostgroup_id: 10, hostname: 192.168.55.161, port: 3306, status: ONLINE, weight: 1000}
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
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    DISK,
    RUNTIME,
    desired,
    difference,
    plan,
    secrets,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES, ProxySQLError


def run(module: AnsibleModule, admin: AdminClient) -> dict[str, Any]:
    schema = admin.schema()
    want = desired(module.params, schema)
    todo = plan(want, admin.read(want))
    if todo.changes and not module.check_mode:
        admin.apply(want, todo)
    result = {
        "changed": bool(todo.changes),
        "changed_parts": sorted({change.part for change in todo.changes}),
        "loaded": todo.units(RUNTIME),
        "saved": todo.units(DISK),
        "rows": todo.counts(),
        "restart_required": todo.restart_required,
        "runtime_servers": admin.runtime_servers(),
        "checksums": admin.checksums(),
        "version": schema.version,
        # Thousands of rows are not sent back to who gave them.
        "invocation": {"module_args": {k: v for k, v in module.params.items() if k not in TABLES}},
    }
    if module._diff:
        result["diff"] = difference(todo.changes)
    return result


class QuietModule(AnsibleModule):  # type: ignore[misc]
    """Its invocation goes to no journal: passwords stand inside users and variables, where no_log cannot reach them."""

    def _log_invocation(self) -> None:
        pass


def main() -> None:
    argument_spec = {option: {"type": "list", "elements": "dict"} for option in TABLES}
    module = QuietModule(
        argument_spec=dict(
            argument_spec,
            merge={"type": "list", "elements": "str", "choices": list(TABLES)},
            absent={"type": "dict"},
            variables={"type": "dict"},
            **LOGIN_ARGUMENTS,
        ),
        supports_check_mode=True,
        **LOGIN_RULES,
    )
    module.no_log_values.update(secrets(module.params))
    try:
        with closing(log_in(module)) as admin:
            result = run(module, admin)
        module.exit_json(**result)
    except ProxySQLError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
