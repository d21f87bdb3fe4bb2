#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_repair
short_description: Prepare a node that cannot start for its way back into a live cluster
version_added: 0.1.0
description:
  - Decides, by the node's position and what its peers' write-set caches hold, whether a stopped node rejoins by IST or
    by SST, and says why.
  - For an IST nothing is done. For an SST the datadir is moved aside, under a dated name beside it, and an empty one
    takes its place. What was moved aside is never removed.
  - The node is not started.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir.
    type: str
    default: mariadb0
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  report:
    description: The report of M(dbops.galera.galera_seqno) on the stopped node.
    type: dict
    required: true
  peers:
    description: The status that M(dbops.galera.galera_wait) returns of each node of the live cluster, by name.
    type: dict
    required: true
  failed:
    description: How an earlier start of the node ended, where the choice was IST. Then it is SST.
    type: str
    default: ""
  views:
    description: The C(views) that M(dbops.galera.galera_wait) returns of each of these nodes, by name.
    type: dict
    default: {}
    version_added: 0.1.0
  branch:
    description: The latest branch of the cluster that any host knows. Data of an earlier one are kept, and replaced.
    type: dict
    default: {}
    version_added: 0.1.0
attributes:
  check_mode:
    support: full
    description: Decides, and moves nothing. A node that runs is not stopped in check mode, and cannot be decided about.
  diff_mode:
    support: none
    description: What would be done stands in RV(reason).
seealso:
  - module: dbops.galera.galera_seqno
"""

EXAMPLES = r"""
- name: Choose the way back
  dbops.galera.galera_repair:
    node: mariadb2
    datadir: /containers/mariadb2/datadir
    socket: /containers/mariadb2/run/mysqld.sock
    report: "{{ seqno.report }}"
    peers:
      mariadb1: "{{ hostvars['host1'].wait.status }}"
  register: repair

- name: Say which and why
  ansible.builtin.debug:
    var: repair.reason
"""

RETURN = r"""
method:
  description: V(IST), V(SST), or in check mode V(unknown).
  returned: success
  type: str
reason:
  description: Why, in a sentence or two.
  returned: success
  type: str
kept:
  description: Where the datadir was moved to, null where it was not.
  returned: success
  type: str
  sample: /containers/mariadb2/datadir.kept-20261121T091244
all_kept:
  description: All datadirs of the node that were ever kept and are still there.
  returned: success
  type: list
  elements: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._aside import Aside
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._repair import decide, signs


def run(params: dict[str, Any], predict: bool) -> dict[str, Any]:
    engine = Engine.connect()
    names = (params["node"], params["bootstrap_container"], params["datadir"], params["socket"])
    node = Node(engine, *names, params["defaults_file"])
    aside = Aside(engine, params["node"], params["datadir"])
    running = node.container()
    if running and predict:
        reason = f"{running} would be stopped first; the way back follows from the position that it has then."
        return {"changed": True, "method": "unknown", "reason": reason, "kept": None, "all_kept": aside.kept()}
    seen = signs(engine.last_life(params["node"]))
    branch = Branch.read("", params["branch"])
    method = decide(params["node"], params["report"], params["peers"], seen, params["failed"], branch, params["views"])
    move = method.name == "SST" and params["report"]["state"] != "empty"
    kept = None
    if move:
        aside.check(node.received() or 0)
        kept = None if predict else aside.move(time.time())
    return {"changed": move, "method": method.name, "reason": method.reason, "kept": kept, "all_kept": aside.kept()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "report": {"type": "dict", "required": True},
            "peers": {"type": "dict", "required": True},
            "failed": {"type": "str", "default": ""},
            "views": {"type": "dict", "default": {}},
            "branch": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params, module.check_mode))
    except (GaleraError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
