#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_branch
short_description: Begin a new branch of a cluster, and keep a node's record
version_added: 0.1.0
description:
  - A forced recovery begins a new branch of the cluster, with a UUID and a group name of its own, so that what was
    given up can neither join it nor be taken for it. Every surviving member calls the module with O(state=begun) and
    the same reports before the elected one is bootstrapped.
  - The decision is written down first, so that the same override resumes a run that was killed.
  - A survivor at the elected position keeps its data under the new UUID and needs no state transfer. One that is behind
    gets all data by SST. A datadir that holds something else is moved aside, under a dated name, and never overwritten.
  - With O(state=recorded) it writes down who the members are, which branch the node is of, and where its data are.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  state:
    description: Whether a new branch begins (V(begun)), or the node's record is brought up to date (V(recorded)).
    type: str
    choices: [begun, recorded]
    default: recorded
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir.
    type: str
    default: mariadb0
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  record:
    description: Directory of this host with the node's record.
    type: path
    required: true
  uid:
    description: Numeric id of the user that the node runs as, and writes to the record as.
    type: int
    default: 999
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  member:
    description: This host's name among O(members).
    type: str
    required: true
  members:
    description: Names of all members of the cluster, in order of preference.
    type: list
    elements: str
    required: true
  nodes:
    description: The members' node names, by member.
    type: dict
    default: {}
  arbitrators:
    description: Names in the group of the voters without data.
    type: list
    elements: str
    default: []
  current:
    description: The latest branch that any host knows, as RV(branch) is. Without it it is the first one.
    type: dict
    default: {}
  reports:
    description: Each member's report, by name, with O(state=begun). A member without one was not reached.
    type: dict
    default: {}
  force:
    description: The override, C(HOST@UUID:SEQNO), C(HOST@unknown) or C(HOST@unknown:GENERATION), with O(state=begun).
    type: str
  begun:
    description: When the branch begins, in UTC, with O(state=begun).
    type: str
    default: ""
  exact:
    description:
      - Whether O(members) and O(arbitrators) are all of them, with O(state=recorded). Without it the record only grows,
        since a host that is no longer in the inventory may still run its node.
    type: bool
    default: false
  blank:
    description:
      - Whether the node's data were given up on purpose, with O(state=recorded), so that its datadir may be filled by
        SST and its start script starts it.
    type: bool
    default: false
  timeout:
    description: Time that a throw-away container may take for a datadir that is a volume, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Says in RV(ignore:changed) and RV(reason) what would be done.
  diff_mode:
    support: none
    description: What is done stands in RV(reason).
seealso:
  - module: dbops.galera.galera_bootstrap
"""

EXAMPLES = r"""
- name: Write down who the members are
  dbops.galera.galera_branch:
    node: mariadb1
    datadir: /containers/mariadb1/datadir
    socket: /containers/mariadb1/run/mysqld.sock
    record: /var/lib/dbops-galera/mariadb1
    cluster: galera
    member: "{{ inventory_hostname }}"
    members: "{{ groups['galera'] }}"
    nodes: "{{ dict(groups['galera'] | zip(groups['galera'] | map('extract', hostvars, 'galera_node_name'))) }}"
"""

RETURN = r"""
branch:
  description:
    - The branch that the node is of (C(cluster), C(generation), C(group), C(uuid), C(forced), C(begun), C(parent),
      C(members), C(ended)).
  returned: success
  type: dict
reason:
  description: What becomes of this node's data, in a sentence, with O(state=begun).
  returned: success
  type: str
kept:
  description: Where its datadir was moved to, null where it was not.
  returned: success
  type: str
"""

import os
import time
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._aside import Aside
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine, is_directory
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import (
    ASIDE,
    KEEP,
    LEAD,
    REPLACE,
    Branch,
    begin,
)
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._record import MARKS, OLD_MARKS, Record
from ansible_collections.dbops.galera.plugins.module_utils._traces import mount_point


def begun(node: Node, record: Record, params: dict[str, Any], predict: bool) -> dict[str, Any]:
    """This survivor's part of a forced recovery."""
    current = Branch.read(params["cluster"], params["current"])
    names = [params["nodes"].get(name, name) for name in params["members"] if params["reports"].get(name)]
    names += params["arbitrators"]
    branch, own, position = begin(
        current, params["force"], params["members"], params["reports"], params["member"], params["begun"], names
    )
    aside = Aside(node.engine, params["node"], params["datadir"])
    if node.container():
        raise GaleraError(f"{params['node']} runs: a branch begins from data at rest. Stop it first.")
    if own.action == ASIDE:
        aside.check(0)
    changed = record.branch() != branch.record()
    if predict:
        return {"changed": changed, "branch": branch.record(), "reason": own.reason, "kept": None}
    record.make(params["uid"])
    # The decision comes first: a run that is killed from here on is resumed by the same override.
    record.write_json("branch.json", branch.record())
    record.write_members(branch.members)
    kept = aside.move(time.time()) if own.action == ASIDE else None
    if own.action in (LEAD, KEEP):
        node.begin(branch, position, own.action == LEAD, params["timeout"])
    if own.action == REPLACE:
        node.forget_view()
    # What the node still holds must not be missing at its next start.
    record.clear(*(OLD_MARKS if own.action in (LEAD, KEEP, REPLACE) else MARKS))
    return {"changed": changed or kept is not None, "branch": branch.record(), "reason": own.reason, "kept": kept}


def recorded(record: Record, params: dict[str, Any], predict: bool) -> dict[str, Any]:
    """The node is of the current branch, with these members."""
    branch = Branch.read(params["cluster"], params["current"])
    branch = replace(branch, ended=branch.generation > 1)
    place = os.path.realpath(params["datadir"]) if is_directory(params["datadir"]) else ""
    names = [params["nodes"].get(name, name) for name in params["members"]] + params["arbitrators"]
    if not params["exact"]:
        # A host that is taken out of the inventory is a member until its node has left.
        names += [name for name in record.members() if name not in names]
    own = {
        "cluster": params["cluster"],
        "node": params["node"],
        "datadir": params["datadir"],
        "resolved": place,
        "mountpoint": mount_point(place) if place else "",
    }
    later = branch.generation > 1
    changed = (
        record.node() != own
        or sorted(record.members()) != sorted(names)
        or (later and record.branch() != branch.record())
        or (params["blank"] and any(record.has(mark) for mark in MARKS))
    )
    if changed and not predict:
        record.make(params["uid"])
        record.write_json("node.json", own)
        record.write_members(names)
        if later:
            record.write_json("branch.json", branch.record())
        if params["blank"]:
            record.clear(*MARKS)
    return {"changed": changed, "branch": branch.record(), "reason": "", "kept": None}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["begun", "recorded"], "default": "recorded"},
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "record": {"type": "path", "required": True},
            "uid": {"type": "int", "default": 999},
            "cluster": {"type": "str", "required": True},
            "member": {"type": "str", "required": True},
            "members": {"type": "list", "elements": "str", "required": True},
            "nodes": {"type": "dict", "default": {}},
            "arbitrators": {"type": "list", "elements": "str", "default": []},
            "current": {"type": "dict", "default": {}},
            "reports": {"type": "dict", "default": {}},
            "force": {"type": "str"},
            "begun": {"type": "str", "default": ""},
            "exact": {"type": "bool", "default": False},
            "blank": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 120},
        },
        required_if=[("state", "begun", ["force", "reports"])],
        supports_check_mode=True,
    )
    params, record = module.params, Record(module.params["record"])
    try:
        if params["state"] == "recorded":
            module.exit_json(**recorded(record, params, module.check_mode))
        names = [params[name] for name in ("node", "bootstrap_container", "datadir", "socket", "defaults_file")]
        node = Node(Engine.connect(), *names)
        node.record = params["record"]
        module.exit_json(**begun(node, record, params, module.check_mode))
    except (GaleraError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
