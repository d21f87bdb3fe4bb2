#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_forget
short_description: Move aside what an old cluster left on a host
version_added: 0.1.0
description:
  - Makes a host that carried a node like a new one, so that a cluster can begin there again.
  - The datadir, the record of the node and the files that it left below O(root) get a dated name; its containers, which
    do not run, are removed. No data are removed.
  - Refuses while a container of the node runs, where the host tells of a history that O(uuids) does not name, and where
    the datadir cannot be renamed. M(dbops.galera.galera_checks) looks at all hosts for that before the first one is
    changed.
author:
  - dbops.galera contributors (@dbops)
options:
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  node:
    description: Name of the node.
    type: str
    required: true
  bootstrap_container:
    description: Name of the container that bootstraps the cluster from this node's datadir.
    type: str
    default: mariadb0
  root:
    description: Directory that holds a directory for each container.
    type: path
    required: true
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  uuids:
    description: UUIDs of the histories that are given up, or V(unknown) where no host tells one.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Tells what would be done, and does nothing.
  diff_mode:
    support: none
    description: What is done stands in RV(done).
seealso:
  - module: dbops.galera.galera_checks
"""

EXAMPLES = r"""
- name: Move the old cluster aside
  dbops.galera.galera_forget:
    cluster: galera
    node: mariadb1
    root: /containers
    datadir: /containers/mariadb1/datadir
    uuids: [6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11]
"""

RETURN = r"""
done:
  description: What was done, in sentences; empty where nothing was left.
  returned: success
  type: list
  elements: str
  sample: [The datadir /containers/mariadb1/datadir was renamed to /containers/mariadb1/datadir.kept-20261121T091244.]
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._forget import Leavings
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Traces
from ansible_collections.dbops.galera.plugins.module_utils._traces import read


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "cluster": {"type": "str", "required": True},
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "root": {"type": "path", "required": True},
            "datadir": {"type": "str", "required": True},
            "uuids": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    params = {**module.params, "parts": {}}
    try:
        traces = Traces.read(read(params))
        leavings = Leavings(Engine.connect() if traces.engine else None, params, traces)
        leavings.check()
        done = leavings.give_up(time.time(), module.check_mode)
    except (GaleraError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
