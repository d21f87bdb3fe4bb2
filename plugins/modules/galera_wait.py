#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_wait
short_description: Wait for a node's state
version_added: 0.1.0
description:
  - Waits until a node is Primary and Synced, and what else is asked for. Fails at the time-out with its last state.
  - Fails at once, with the last log lines, when the node's container has ended or Docker restarts it again and again.
  - While it waits, the play's output shows a line every ten seconds, with the amount of data in the datadir, so that a
    long SST can be watched.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir. It counts as the node.
    type: str
    default: mariadb0
  datadir:
    description: The node's datadir, to show progress by. Of a Docker volume, which is a name, no amount is shown.
    type: str
  primary:
    description: Wait until the node is part of the Primary Component.
    type: bool
    default: true
  synced:
    description: Wait until the node is Synced and takes queries.
    type: bool
    default: true
  cluster_size:
    description: Wait until the node sees at least this number of nodes.
    type: int
    default: 0
  receive_queue_empty:
    description: Wait until the node has applied every write set that it received.
    type: bool
    default: false
  timeout:
    description: Time to wait, in seconds.
    type: int
    default: 120
  interval:
    description: Time between two looks, in seconds.
    type: float
    default: 0.5
  patience:
    description:
      - Time after which to come back with RV(reached=false) and be called again, in seconds. V(0) waits for the whole
        O(timeout).
      - Set by the action plugin, which shows the progress; leave it alone.
    type: float
    default: 0
  restarts:
    description:
      - RV(restarts) of an earlier call that this one goes on with.
      - Set by the action plugin; leave it alone.
    type: int
  record:
    description: The node's record directory. With it RV(status) has C(views), as M(dbops.galera.galera_seqno) has.
    type: path
    version_added: 0.1.0
attributes:
  check_mode:
    support: full
    description: Does the same in check mode, since it changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
  action:
    support: full
    description: Runs in slices from the controller, to show progress.
  async:
    support: none
    description: The action plugin waits itself.
seealso:
  - module: dbops.galera.galera_seqno
"""

EXAMPLES = r"""
- name: Wait until the node is Synced and has caught up
  dbops.galera.galera_wait:
    node: mariadb2
    socket: /containers/mariadb2/run/mysqld.sock
    datadir: /containers/mariadb2/datadir
    receive_queue_empty: true
    timeout: 3600

- name: Wait until the cluster is whole
  dbops.galera.galera_wait:
    node: mariadb1
    socket: /containers/mariadb1/run/mysqld.sock
    cluster_size: 3
"""

RETURN = r"""
reached:
  description: Whether the state was reached.
  returned: always
  type: bool
status:
  description: The node's last status, null where it did not answer.
  returned: when the container runs
  type: dict
  sample:
    cluster_status: Primary
    local_state: Synced
    cluster_size: 3
    recv_queue: 0
    uuid: 6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11
    seqno: 104758
state:
  description: The last state seen, as a sentence.
  returned: when the container runs
  type: str
phase:
  description: What the node was doing, in a word or two.
  returned: when the container runs
  type: str
  sample: joiner (SST)
received:
  description: Size of the datadir on disk in bytes, null where it is not asked for or unknown.
  returned: when the state was not reached
  type: int
restarts:
  description: How often Docker had restarted the container when the wait began.
  returned: when the state was not reached
  type: int
elapsed:
  description: Time waited, in seconds.
  returned: when the container runs
  type: float
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._record import VIEWS, Record
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import TimedOut, Wanted


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str"},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "primary": {"type": "bool", "default": True},
            "synced": {"type": "bool", "default": True},
            "cluster_size": {"type": "int", "default": 0},
            "receive_queue_empty": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 120},
            "interval": {"type": "float", "default": 0.5},
            "patience": {"type": "float", "default": 0},
            "restarts": {"type": "int"},
            "record": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    wanted = Wanted(params["primary"], params["synced"], params["cluster_size"], params["receive_queue_empty"])
    started = time.monotonic()
    result: dict[str, Any] = {"changed": False, "reached": True}
    try:
        node = Node(
            Engine.connect(),
            params["node"],
            params["bootstrap_container"],
            params["datadir"] or "",
            params["socket"],
            params["defaults_file"],
            params["restarts"],
        )
        try:
            seen = node.wait(wanted, params["patience"] or params["timeout"], params["interval"])
        except TimedOut as error:
            seen = error.last
            result.update(reached=False, received=node.received(), restarts=node.restarts)
            result["msg"] = f"{params['node']} did not reach {wanted}. Last state seen: {seen}."
        result.update(state=str(seen), status=seen.report(), phase=str(seen.status or node.phase()))
        if result["status"] and params["record"]:
            result["status"]["views"] = Record(params["record"]).text(VIEWS).split()
    except GaleraError as error:
        module.fail_json(msg=f"{params['node']} will not reach {wanted}. {error}", reached=False)
    result["elapsed"] = round(time.monotonic() - started, 1)
    if not result["reached"] and not params["patience"]:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
