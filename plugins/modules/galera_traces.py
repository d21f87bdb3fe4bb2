#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_traces
short_description: Read what earlier runs left on a host
version_added: 0.1.0
description:
  - Reads every trace of a node on this host in one call, so that M(dbops.galera.galera_checks) can tell a new node from
    one whose disk is not mounted, whose path was changed or which has another name now.
  - Traces are containers that have a datadir or a cluster's label, running or not; the record directories below
    C(/var/lib/dbops-galera); what is in the datadir; and the files that a node leaves below O(root).
  - Changes nothing. Works without Docker Engine or its Python library, too; containers are then read from the Engine's
    own files.
author:
  - dbops.galera contributors (@dbops)
options:
  cluster:
    description: Name of the cluster that the inventory has for this host.
    type: str
    required: true
  node:
    description: Name of the node that the inventory has for this host; empty where it has none.
    type: str
    default: ""
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir.
    type: str
    default: ""
  root:
    description: Directory that holds a directory for each container.
    type: path
    required: true
  datadir:
    description: The datadir that the inventory has, an absolute directory or the name of a Docker volume.
    type: str
    default: ""
  parts:
    description: The other containers of the cluster on this host, names by the variables that give them.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
seealso:
  - module: dbops.galera.galera_checks
"""

EXAMPLES = r"""
- name: Read what earlier runs left on the host
  dbops.galera.galera_traces:
    cluster: galera
    node: mariadb1
    bootstrap_container: mariadb0
    root: /containers
    datadir: /containers/mariadb1/datadir
  register: galera_traces

- name: Show which datadirs there are
  ansible.builtin.debug:
    msg: "{{ galera_traces.traces.containers | map(attribute='datadir') | list }}"
"""

RETURN = r"""
asked:
  description: What was asked, as M(dbops.galera.galera_checks) compares it.
  returned: success
  type: dict
traces:
  description: What was found.
  returned: success
  type: dict
  contains:
    engine:
      description: Whether Docker Engine answered.
      type: bool
    why:
      description: Why it did not.
      type: str
    containers:
      description:
        - Containers with their names, labels (C(cluster), C(part)), C(running), C(started) (when they were last
          started, null for never), C(image), C(datadir) as it was given and C(resolved), the C(uuid) in it, where their
          socket is (C(run)), and whether they have a record directory (C(recorded)).
      type: list
      elements: dict
    records:
      description: Record directories, with what stands in them.
      type: list
      elements: dict
    datadir:
      description:
        - The datadir as it was C(given) and C(resolved); the C(target) of a link; whether it is C(known) and C(exists);
          some C(entries); whether it has C(tables) and C(ibdata1), or C(half) a state transfer; the C(uuid) in it, and
          the C(mountpoint) of its file system.
      type: dict
    run:
      description: Where the node's socket is to be, without links.
      type: str
    marks:
      description: Files that a node leaves below O(root) once it was started, with when they were changed.
      type: list
      elements: dict
    kept:
      description: When the datadir was last renamed to a dated name, seconds since the epoch; null for never.
      type: float
    live:
      description:
        - Of a node in a Primary Component, its C(gcomm_uuid), the C(view_members) that it sees, and the C(version) of
          its server and C(provider); null where no server on the datadir said so.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._traces import ARGUMENTS, read


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(changed=False, asked=module.params, traces=read(module.params))
    except (GaleraError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
