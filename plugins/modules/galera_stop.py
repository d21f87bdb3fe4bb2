#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_stop
short_description: Stop a node that is in no Primary Component
version_added: 0.1.0
description:
  - Stops a server that runs without a Primary Component, so that its position can be compared with the others'.
  - The state is read in the same call that stops, because nodes may form a Primary Component by themselves at any
    moment. A Primary node is left alone.
  - Fails where the server does not say how it is. It may be Primary then.
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
  timeout:
    description: Time until Docker kills the server, in seconds.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
    description: Says in RV(ignore:changed) whether the server would be stopped.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
seealso:
  - module: dbops.galera.galera_seqno
"""

EXAMPLES = r"""
- name: Stop a node that lost its Primary Component
  dbops.galera.galera_stop:
    node: mariadb1
    datadir: /containers/mariadb1/datadir
    socket: /containers/mariadb1/run/mysqld.sock
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    names = [module.params[name] for name in ("node", "bootstrap_container", "datadir", "socket", "defaults_file")]
    try:
        changed = Node(Engine.connect(), *names).stop(module.params["timeout"], predict=module.check_mode)
    except GaleraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
