#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_bootstrap
short_description: Decide who bootstraps the cluster, and bootstrap it
version_added: 0.1.0
description:
  - Takes the reports of all members (see M(dbops.galera.galera_seqno)) and decides. Every member calls it with the same
    reports and comes to the same verdict; only the elected one acts.
  - Bootstraps nothing while a Primary Component is live, and fails in doubt, with a sentence for each doubt.
  - The elected member starts a bootstrap container, which is a clone of the node's container with C(gcomm://) as the
    cluster's address, and waits until it is Primary and Synced. Docker never restarts that container, because it would
    begin a second cluster.
  - Right before the start of a node that did not leave the cluster last, C(safe_to_bootstrap) is set to 1 in its
    C(grastate.dat), without which Galera refuses.
  - Before a bootstrap that O(force) decides against members that did not report, the elected member asks their
    addresses itself. One that answers is alive, and refuses it.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  container:
    description: Name of the bootstrap container. A stopped one of that name is removed.
    type: str
    default: mariadb0
  member:
    description: This host's name among O(members).
    type: str
    required: true
  members:
    description: Names of all members of the cluster, in order of preference.
    type: list
    elements: str
    required: true
  reports:
    description: Each member's report, by name. A member without one was not reached.
    type: dict
    required: true
  purpose:
    description:
      - V(create) begins a cluster when all members are empty, and fails when there are data.
      - V(start) bootstraps a cluster whose members were all stopped cleanly.
      - V(recover) bootstraps the most advanced member of a cluster that is down, whatever happened.
      - V(restore) bootstraps the member O(force), which holds the data of a backup, of the history O(restored).
    type: str
    choices: [create, start, recover, restore]
    default: create
  force:
    description:
      - Whom to bootstrap against objections, with O(purpose=recover), as C(HOST@UUID:SEQNO) or C(HOST@unknown), with
        the position that it has now. At another position it overrules nothing. The verdict's reason names what was
        overruled.
      - It begins a new branch of the cluster (see M(dbops.galera.galera_branch)). What only other members hold is given
        up. A live Primary Component is never overruled.
      - With O(purpose=restore), the member's name.
    type: str
  nodes:
    description: The members' node names, by member.
    type: dict
    default: {}
    version_added: 0.1.0
  arbitrators:
    description: Names in the group of the voters without data.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  addresses:
    description: The members' addresses in the group, as C(HOST:PORT), by member.
    type: dict
    default: {}
    version_added: 0.1.0
  allowlist:
    description:
      - Addresses that may connect to the nodes' replication and IST ports. One live node replaces the table
        C(mysql.wsrep_allowlist) of the whole cluster where any node has another one.
      - Nothing is done without it, nor as long as a live node has no such table or does not tell, nor while the members
        have different images.
    type: list
    elements: str
    version_added: 0.1.0
  group:
    description: The group's name (C(wsrep_cluster_name)), for the question to members that did not report.
    type: str
    default: ""
    version_added: 0.1.0
  restored:
    description: UUID of the restored data, with O(purpose=restore).
    type: str
    version_added: 0.1.0
  stopped_last:
    description: Name of the member that was recorded as the last to stop, with O(purpose=start).
    type: str
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  timeout:
    description: Time until the bootstrap container is Primary and Synced, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Shows the verdict, and RV(ignore:changed) where a container would be started.
  diff_mode:
    support: partial
    description: Shows the allowlist where a cluster is live. What else would be done stands in RV(verdict).
seealso:
  - module: dbops.galera.galera_seqno
  - module: dbops.galera.galera_wait
"""

EXAMPLES = r"""
- name: Bootstrap the cluster where there is none yet
  dbops.galera.galera_bootstrap:
    node: mariadb1
    member: "{{ inventory_hostname }}"
    members: "{{ groups['galera'] }}"
    reports: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, ['seqno', 'report']))) }}"
    datadir: /containers/mariadb1/datadir
    socket: /containers/mariadb1/run/mysqld.sock
  register: bootstrap

- name: Say why
  ansible.builtin.debug:
    var: bootstrap.verdict.reason
"""

RETURN = r"""
verdict:
  description: The decision, the same on every member.
  returned: once the reports were judged
  type: dict
  contains:
    action:
      description:
        - V(bootstrap), V(join) (a Primary Component is live), V(settle) (members that run without one have to be
          stopped first) or V(refuse) (the module fails).
      type: str
    node:
      description: The elected member, or a member of the live Primary Component, or null.
      type: str
    reason:
      description: Why, in a sentence or more.
      type: str
    created:
      description: Whether a new, empty cluster begins.
      type: bool
    branch:
      description: Whether it begins a new branch of the cluster.
      type: bool
    abandoned:
      description: Members whose branch was given up. They are left alone.
      type: list
      elements: str
    warnings:
      description: Sentences on members that are left alone, and on what becomes of the others.
      type: list
      elements: str
reasons:
  description: A sentence on each member, by name.
  returned: once the reports were judged
  type: dict
elected:
  description: Whether this member is the one that bootstraps.
  returned: once the reports were judged
  type: bool
container:
  description: Name of the container that runs the new Primary Component on this member, else null.
  returned: once the reports were judged
  type: str
"""

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.allowlist import wanted
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import fates
from ansible_collections.dbops.galera.plugins.module_utils._model.election import elect
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import replace_allowlist

ELECTION = {
    "members": {"type": "list", "elements": "str", "required": True},
    "reports": {"type": "dict", "required": True},
    "force": {"type": "str"},
    "nodes": {"type": "dict", "default": {}},
    "arbitrators": {"type": "list", "elements": "str", "default": []},
}


def other_allowlists(params: dict[str, Any], abandoned: Sequence[str]) -> list[Sequence[str] | None]:
    """The allowlists of the live members but this one; None for one that has none, and in the middle of an upgrade."""
    reports = [params["reports"].get(name) or {} for name in params["members"] if name not in abandoned]
    if len({report.get("image") for report in reports} - {None}) > 1:
        return [None]
    others = [report for report in reports if report is not params["reports"].get(params["member"])]
    return [report.get("allowlist") for report in others if report.get("cluster_status") == "Primary"]


def keep_allowlist(params: dict[str, Any], abandoned: Sequence[str], predict: bool) -> dict[str, Any]:
    """What the allowlist adds to the result."""
    try:
        done = replace_allowlist(
            params["socket"],
            params["defaults_file"],
            lambda own: wanted(params["allowlist"], [own, *other_allowlists(params, abandoned)]),
            predict,
            params["timeout"],
        )
    except GaleraError as error:
        raise GaleraError(
            f"{params['node']}: the allowlist of the replication ports could not be replaced. {error} The old list may "
            "be in force, or none is and everybody may connect. Run the same playbook again, which compares all nodes."
        ) from error
    if done is None:
        return {"changed": False}
    before, after = ("".join(f"{address}\n" for address in addresses) for addresses in done)
    headers = dict.fromkeys(("before_header", "after_header"), "mysql.wsrep_allowlist")
    return {"changed": True, "diff": {**headers, "before": before, "after": after}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "container": {"type": "str", "default": "mariadb0"},
            "member": {"type": "str", "required": True},
            "purpose": {"type": "str", "choices": ["create", "start", "recover", "restore"], "default": "create"},
            "stopped_last": {"type": "str"},
            "restored": {"type": "str"},
            "addresses": {"type": "dict", "default": {}},
            "group": {"type": "str", "default": ""},
            "allowlist": {"type": "list", "elements": "str"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "timeout": {"type": "int", "default": 120},
            **ELECTION,
        },
        supports_check_mode=True,
    )
    params = module.params
    names = ("members", "reports", "purpose", "force", "stopped_last", "nodes", "arbitrators", "restored")
    verdict = elect(**{name: params[name] for name in names})
    concerned = [name for name in params["members"] if name not in verdict.abandoned]
    told = fates(concerned, params["reports"], verdict.node or "", params["force"]) if verdict.branch else []
    result: dict[str, Any] = {
        "changed": False,
        "verdict": {
            **{key: getattr(verdict, key) for key in ("action", "node", "reason", "created", "branch")},
            "warnings": [*verdict.warnings, *told],
            "abandoned": list(verdict.abandoned),
        },
        "reasons": verdict.reasons,
        "elected": verdict.action == "bootstrap" and verdict.node == params["member"],
        "container": None,
    }
    if verdict.action == "refuse":
        module.fail_json(msg=verdict.reason, **result)
    keeps = verdict.action in ("bootstrap", "join") and verdict.node == params["member"]
    if not result["elected"] and not (keeps and params["allowlist"] is not None):
        module.exit_json(**result)
    try:
        if not result["elected"]:
            result.update(keep_allowlist(params, verdict.abandoned, predict=module.check_mode))
            module.exit_json(**result)
        node = Node(
            Engine.connect(),
            params["node"],
            params["container"],
            params["datadir"],
            params["socket"],
            params["defaults_file"],
        )
        if verdict.branch:
            addresses, reports = params["addresses"], params["reports"]
            reported = [address for name, address in addresses.items() if reports.get(name)]
            silent = [address for address in addresses.values() if address not in reported]
            node.refuse_if_answered(params["group"], silent, reported)
        result["container"] = node.container() or node.bootstrap_container
        result["changed"] = node.bootstrap(params["timeout"], predict=module.check_mode)
        if params["allowlist"] is not None and not module.check_mode:
            kept = keep_allowlist(params, verdict.abandoned, predict=False)
            result.update({**kept, "changed": result["changed"] or kept["changed"]})
    except GaleraError as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
