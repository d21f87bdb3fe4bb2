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
  - Everything is checked before anything is changed. Without any table or variable the module only reads.
  - In the hostgroups of an active row of O(galera_hostgroups) ProxySQL's monitor moves servers and sets their status;
    there the runtime layer is compared by servers, weights and limits only.
options:
  servers:
    description:
      - The rows of C(mysql_servers). A table that is given will hold these rows and no others; one that is not given
        stays as it is. A column that is not given has ProxySQL's default.
      - The key is C(hostgroup_id), C(hostname) and C(port).
      - All rows of a server within the hostgroups of a Galera cluster must agree in everything but C(status).
    type: list
    elements: dict
  users:
    description:
      - The rows of C(mysql_users), with the key C(username) and C(backend).
      - A C(password) is stored as a hash of the plugin C(mysql_native_password). A value that is such a hash (C(*) and
        40 hexadecimal digits) is stored as it is.
    type: list
    elements: dict
  query_rules:
    description: The rows of C(mysql_query_rules), with the key C(rule_id). Mind that C(active) is C(0) by default.
    type: list
    elements: dict
  galera_hostgroups:
    description: The rows of C(mysql_galera_hostgroups), with the key C(writer_hostgroup).
    type: list
    elements: dict
  hostgroup_attributes:
    description: The rows of C(mysql_hostgroup_attributes), with the key C(hostgroup_id).
    type: list
    elements: dict
  scheduler:
    description: The rows of C(scheduler), with the key C(id).
    type: list
    elements: dict
  variables:
    description:
      - Variables of the families C(mysql-) and C(admin-) by their full names, such as C(mysql-max_connections). Others
        stay as they are.
      - C(mysql-threads) and C(mysql-interfaces) are taken by ProxySQL only at start; see RV(restart_required).
    type: dict
  login_host:
    description: Address of the admin interface.
    type: str
    default: 127.0.0.1
  login_port:
    description: Port of the admin interface.
    type: int
    default: 6032
  login_user:
    description: User of the admin interface. ProxySQL lets a user named C(admin) in from the local host only.
    type: str
  login_password:
    description: Password of O(login_user).
    type: str
  login_file:
    description:
      - An option file on the managed host, with C(user) and C(password) in the section C([client]).
      - With O(login_password) too, this file is used when that password is refused. So a password can be changed by
        giving the new one as O(login_password) and in O(variables), while the file still holds the old one.
    type: path
  timeout:
    description: How long to wait for an answer, in seconds.
    type: int
    default: 10
  wait:
    description: How long to wait for the admin interface to come up, in seconds.
    type: int
    default: 0
requirements:
  - PyMySQL
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

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_layers import (
    DISK,
    RUNTIME,
    desired,
    difference,
    plan,
    secrets,
)
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_tables import TABLES, ProxySQLError


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    credentials = []
    if params["login_password"] is not None:
        credentials.append(client.Credentials(params["login_user"], params["login_password"]))
    if params["login_file"] and (not credentials or os.path.exists(params["login_file"])):
        credentials.append(client.read_login_file(params["login_file"]))
    module.no_log_values.update(login.password for login in credentials if login.password)

    want = desired(params)
    admin = client.connect(
        params["login_host"], params["login_port"], credentials, timeout=params["timeout"], wait=params["wait"]
    )
    todo = plan(want, admin.read(want))
    if todo.changes and not module.check_mode:
        admin.apply(want, todo)
    result = {
        "changed": bool(todo.changes),
        "changed_parts": sorted({change.part for change in todo.changes}),
        "loaded": todo.units(RUNTIME),
        "saved": todo.units(DISK),
        "restart_required": todo.restart_required,
        "runtime_servers": admin.runtime_servers(),
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
            variables={"type": "dict"},
            login_host={"type": "str", "default": "127.0.0.1"},
            login_port={"type": "int", "default": 6032},
            login_user={"type": "str"},
            login_password={"type": "str", "no_log": True},
            login_file={"type": "path"},
            timeout={"type": "int", "default": 10},
            wait={"type": "int", "default": 0},
        ),
        required_one_of=[("login_password", "login_file")],
        required_together=[("login_user", "login_password")],
        supports_check_mode=True,
    )
    module.no_log_values.update(secrets(module.params))
    if not client.HAS_PYMYSQL:
        module.fail_json(msg=missing_required_lib("PyMySQL"))
    try:
        module.exit_json(**run(module))
    except ProxySQLError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
