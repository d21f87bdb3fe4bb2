#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_trial
short_description: Try a server's settings before they replace the old ones
version_added: 0.1.0
description:
  - Where the settings differ from those that the host has, the image's own server reads them, and is started once with
    the Galera provider loaded, on a throw-away datadir and without a network. What it says against them is the error.
  - So the old settings stay, and no node restarts into bad ones. To have that on every host, let this task end on all
    of them before the settings are written.
  - In the trial, addresses, the size of the write-set cache, of the redo log, of the buffer pool and of the system
    tablespace are small ones. Whether there is room for the real ones is looked up.
  - Settings that a datadir was made with are compared with the running server, and refused where they differ.
  - The server's and the provider's versions are compared with the floors below which they have a known hole.
  - A named time zone is looked up in the tables of the running server, from which a server reads it at its start.
author:
  - dbops.galera contributors (@dbops)
extends_documentation_fragment:
  - dbops.galera.node
options:
  image:
    description: Image of the server. It is pulled where it is missing.
    type: str
    required: true
  provider:
    description: Path of the Galera provider in the image.
    type: str
    required: true
  settings:
    description: Content of the option file that the node is to have.
    type: str
    required: true
  config_dir:
    description:
      - Directory of this host with the node's present settings.
      - Other files than C(galera.cnf) in it count as they are.
    type: path
    required: true
  record:
    description: Path on this host of the option file that the server has in force.
    type: path
    required: true
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume.
    type: str
    required: true
  volumes:
    description: Further directories of this host in the container, such as C(/disk/redo:/var/lib/redo).
    type: list
    elements: str
    default: []
  uid:
    description: Numeric id of the user mysql in the image.
    type: int
    default: 999
  has_data:
    description:
      - Whether the node has data already.
      - Then its version is not compared with floors, since refusing it would make nothing safer.
    type: bool
    default: false
  floors:
    description: Further floors of versions; C(mariadb_floors).
    type: raw
    default: []
  allow_version:
    description: The version below a floor that is allowed; C(mariadb_allow_version).
    type: str
    default: ""
  timeout:
    description: How long the trial may take, in seconds.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: The trial changes nothing. An image that is missing is not pulled; then nothing is tried.
  diff_mode:
    support: none
    description: Nothing is changed.
"""

EXAMPLES = r"""
- name: Try the settings
  dbops.galera.galera_trial:
    node: mariadb1
    socket: /containers/mariadb1/run/mysqld.sock
    image: mariadb:10.11
    provider: /usr/lib/galera/libgalera_smm.so
    settings: "{{ lookup('ansible.builtin.template', 'galera.cnf.j2') }}"
    config_dir: /containers/mariadb1/conf.d
    record: /containers/mariadb1/run/in-force.cnf
    datadir: /containers/mariadb1/datadir
"""

RETURN = r"""
tried:
  description: Whether the server tried the settings, because they differ from those that the host has.
  returned: success
  type: bool
version:
  description: Version of the image's server, null where it was not asked.
  returned: success
  type: str
  sample: 10.11.19
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors, Server, judge
from ansible_collections.dbops.galera.plugins.module_utils._trial import Place, Trial


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "defaults_file": {"type": "path"},
            "image": {"type": "str", "required": True},
            "provider": {"type": "str", "required": True},
            "settings": {"type": "str", "required": True, "no_log": True},
            "config_dir": {"type": "path", "required": True},
            "record": {"type": "path", "required": True},
            "datadir": {"type": "str", "required": True},
            "volumes": {"type": "list", "elements": "str", "default": []},
            "uid": {"type": "int", "default": 999},
            "has_data": {"type": "bool", "default": False},
            "floors": {"type": "raw", "default": []},
            "allow_version": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        place = Place(**{name: params[name] for name in Place.__dataclass_fields__})
        if problems := list(place.volume_problems()):
            module.fail_json(msg=" ".join(problems))
        if place.settled():
            module.exit_json(changed=False, tried=False, version=None)
        engine = Engine.connect()
        there = engine.image_id(params["image"]) is not None
        if not there and module.check_mode:
            module.exit_json(changed=False, tried=False, version=None)
        if not there:
            engine.pull(params["image"])
        trial = Trial(
            engine=engine,
            name=f"{params['node']}-settings",
            image=params["image"],
            provider=params["provider"],
            settings=params["settings"],
            config_dir=params["config_dir"],
            volumes=params["volumes"],
        )
        tried = trial.run(params["timeout"])
        problems = place.problems(tried, engine)
        server = Server(params["node"], params["image"], tried.version or "", tried.provider_version or "")
        floors = Floors.read(params["floors"], params["allow_version"])
        # Of nodes that are there galera_checks warns.
        verdict = judge([server] if tried.version and not params["has_data"] else [], floors)
    except GaleraError as error:
        module.fail_json(msg=str(error))
    says = f"{params['node']}: the server of {params['image']} says of the settings"
    for warning in [*(f"{says}: {told}." for told in tried.warnings), *verdict.warnings]:
        module.warn(warning)
    problems += verdict.refusals
    if problems:
        module.fail_json(msg=" ".join(problems))
    module.exit_json(changed=False, tried=True, version=tried.version)


if __name__ == "__main__":
    main()
