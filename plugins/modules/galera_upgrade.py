#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_upgrade
short_description: Read what the upgrade of a node has to know
version_added: 0.1.0
description:
  - Tells what a node runs (versions, gcache, what is written, its receive queue) and what another image would run with
    the node's settings. The filter P(dbops.galera.galera_upgrade_plan#filter) makes a plan of all members' readings.
  - The new image is asked in a throw-away container without a network and without the datadir. It is not pulled; where
    it is not on this host yet, the reading says so.
  - Changes nothing.
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
  image:
    description: The image that the node is to run.
    type: str
    required: true
  provider:
    description: Path of the Galera provider in that image.
    type: path
    default: /usr/lib/galera/libgalera_smm.so
  settings:
    description: Content of the option file that the node is to have.
    type: str
    required: true
  config_dir:
    description:
      - Directory of this host with the node's present settings. Other files than C(galera.cnf) in it count as they are.
    type: path
    required: true
  in_force:
    description: Path on this host of the option file that the server has in force.
    type: path
    required: true
  uid:
    description: Numeric id of the user mysql in the image.
    type: int
    default: 999
  volumes:
    description: Further directories of this host in the container, such as C(/disk/redo:/var/lib/redo).
    type: list
    elements: str
    default: []
  record:
    description: Path on this host of the file that is there while the node is in its turn of an upgrade.
    type: path
    required: true
  seconds:
    description: How long to look at what is written.
    type: float
    default: 5
  timeout:
    description: Time that a throw-away container may take, in seconds.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Does the same in check mode, since it changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show a difference of.
seealso:
  - module: dbops.galera.galera_seqno
  - plugin: dbops.galera.galera_upgrade_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the node and the new image
  dbops.galera.galera_upgrade:
    node: mariadb1
    socket: /containers/mariadb1/run/mysqld.sock
    datadir: /containers/mariadb1/datadir
    image: mariadb:11.8
    settings: "{{ lookup('ansible.builtin.template', 'galera.cnf.j2') }}"
    config_dir: /containers/mariadb1/conf.d
    in_force: /containers/mariadb1/run/in-force.cnf
    record: /containers/mariadb1/upgrade.json
  register: upgrade

- name: Show what the new image says of the settings
  ansible.builtin.debug:
    var: upgrade.reading.target
"""

RETURN = r"""
reading:
  description: The report of M(dbops.galera.galera_seqno), and what is named here.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the server; of one that does not run, that of its container's image.
      type: str
      sample: 10.11.19-MariaDB
    current:
      description: Whether the node's container was made of the image.
      type: bool
    turn:
      description: What O(record) says, null where there is no such file.
      type: dict
    tables:
      description: The version that the system tables were last upgraded to, null where the datadir does not tell.
      type: str
    write_rate:
      description: Bytes of write sets that the cluster made in a second.
      type: float
    recv_queue:
      description: The shortest receive queue that was seen, in write sets.
      type: int
    gcache_size:
      description: Size of the gcache in bytes.
      type: int
    fast_shutdown:
      description: C(innodb_fast_shutdown).
      type: int
    target:
      description: The image and what it says.
      type: dict
      contains:
        image:
          description: Its name.
          type: str
        present:
          description: Whether it is on this host; if not, what follows is not known.
          type: bool
        version:
          description: Version of its server, null where it has none.
          type: str
        provider:
          description: Whether it has a Galera provider.
          type: bool
        provider_path:
          description: Where that was looked for.
          type: str
        provider_version:
          description: Version of the provider.
          type: str
          sample: 26.4.23(r1234)
        unknown:
          description: Settings that the server does not know.
          type: list
          elements: str
        errors:
          description: What else it says against the settings.
          type: list
          elements: str
        warnings:
          description: Settings that are deprecated, without effect or adjusted.
          type: list
          elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.module_utils._upgrade_node import Upgrade


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "bootstrap_container": {"type": "str", "default": "mariadb0"},
            "datadir": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "image": {"type": "str", "required": True},
            "provider": {"type": "path", "default": "/usr/lib/galera/libgalera_smm.so"},
            "settings": {"type": "str", "required": True, "no_log": True},
            "config_dir": {"type": "path", "required": True},
            "record": {"type": "path", "required": True},
            "in_force": {"type": "path", "required": True},
            "volumes": {"type": "list", "elements": "str", "default": []},
            "uid": {"type": "int", "default": 999},
            "seconds": {"type": "float", "default": 5},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        node = Node(
            Engine.connect(),
            params["node"],
            params["bootstrap_container"],
            params["datadir"],
            params["socket"],
            params["defaults_file"],
        )
        upgrade = Upgrade(
            node=node,
            image=params["image"],
            provider=params["provider"],
            settings=params["settings"],
            config_dir=params["config_dir"],
            record=params["record"],
            in_force=params["in_force"],
            volumes=params["volumes"],
            uid=params["uid"],
        )
        reading = upgrade.read(params["seconds"], params["timeout"])
    except GaleraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, reading=reading)


if __name__ == "__main__":
    main()
