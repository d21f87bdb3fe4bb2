#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_verify
short_description: Wait until a cluster answers at an address
version_added: 0.1.0
description:
  - Logs in at an address as a client would, the VIP for example, and waits until the node behind it sees so many
    members.
  - While it waits, the play's output shows every ten seconds what speaks against it.
  - Fails when the account was refused for ten seconds, which no waiting changes.
author:
  - dbops.galera contributors (@dbops)
options:
  address:
    description: Address or name of the host to log in at.
    type: str
    required: true
  port:
    description: Its port.
    type: int
    default: 3306
  user:
    description: The account.
    type: str
    required: true
  password:
    description: Its password.
    type: str
    required: true
  cluster_size:
    description: Number of nodes and arbitrators that the node behind the address has to see.
    type: int
    required: true
  timeout:
    description: Time to wait, in seconds.
    type: int
    default: 120
  interval:
    description: Time between two looks, in seconds.
    type: float
    default: 1
  patience:
    description:
      - Time after which to come back with RV(reached=false) and be called again, in seconds. V(0) waits for the whole
        O(timeout).
      - Set by the action plugin, which shows the progress; leave it alone.
    type: float
    default: 0
  restarts:
    description: Set by the action plugin, and not used.
    type: int
attributes:
  check_mode:
    support: full
    description: Does the same in check mode, since it changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
requirements:
  - PyMySQL 1.0.2 or later
seealso:
  - module: dbops.galera.galera_wait
"""

EXAMPLES = r"""
- name: Count the nodes through the VIP
  dbops.galera.galera_verify:
    address: 192.168.55.160
    port: 6033
    user: application
    password: "{{ mariadb_application_password }}"
    cluster_size: 3
"""

RETURN = r"""
reached:
  description: Whether the cluster answered with that size.
  returned: always
  type: bool
phase:
  description: What was seen last.
  returned: always
  type: str
elapsed:
  description: Time waited, in seconds.
  returned: always
  type: float
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    AccessRefused,
    NotAnswering,
    TimedOut,
    log_in,
    wait_for,
)

# An account may be on its way to a proxy for some seconds. A slice of the action plugin is as long.
REFUSED_FOR = 10.0


def look(params: dict[str, Any]) -> tuple[int | None, str]:
    """How many members the node behind the address sees, and a sentence on it. AccessRefused passes through."""
    where = f"{params['address']}:{params['port']}"
    try:
        login = [params[name] for name in ("address", "port", "user", "password")]
        with log_in(*login) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW STATUS LIKE 'wsrep_cluster_size'")
            row = cursor.fetchone()
    except NotAnswering as error:
        return None, str(error).rstrip(".")
    size = int(row[1]) if row else 0
    return size, f"the node behind {where} sees {size} members, {params['cluster_size']} are wanted"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 3306},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "cluster_size": {"type": "int", "required": True},
            "timeout": {"type": "int", "default": 120},
            "interval": {"type": "float", "default": 1.0},
            "patience": {"type": "float", "default": 0},
            "restarts": {"type": "int"},
        },
        supports_check_mode=True,
    )
    params = module.params
    started = time.monotonic()
    refused: list[float] = []

    def read() -> tuple[int | None, str]:
        try:
            seen = look(params)
        except AccessRefused as error:
            refused.append(time.monotonic())
            if refused[-1] - refused[0] >= REFUSED_FOR - 2 * params["interval"]:
                raise
            return None, str(error).rstrip(".")
        refused.clear()
        return seen

    def reached(seen: tuple[int | None, str]) -> bool:
        return bool(seen[0] == params["cluster_size"])

    result: dict[str, Any] = {"changed": False, "reached": True}
    try:
        phase = wait_for(read, reached, params["patience"] or params["timeout"], params["interval"])[1]
    except TimedOut as error:
        phase = error.last[1]
        result.update(reached=False, msg=f"The cluster was not reached: {phase}.")
    except GaleraError as error:
        module.fail_json(msg=str(error), reached=False)
    result.update(phase=phase, elapsed=round(time.monotonic() - started, 1))
    if not result["reached"] and not params["patience"]:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
