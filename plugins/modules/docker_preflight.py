#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_preflight
short_description: Check what a host has of Docker Engine, and what it is to get
version_added: 0.1.0
description:
  - Reads packages, commands, kernel settings, the clock, Docker Engine, its containers and C(/etc/docker/daemon.json)
    of a host in one call, for the role C(docker_host). Changes nothing.
  - Merges C(/etc/docker/daemon.json) with what the role and the operator set.
  - Names what must not happen to a host with containers of a cluster, such as another version of the Engine below
    them, a restart that would stop them, or another data directory, in which Docker would not see them.
  - Problems are returned as sentences, not failed on, so that a play can tell all of them at once.
  - Works without Docker Engine and its Python library.
author:
  - dbops.galera contributors (@dbops)
options:
  family:
    description: Family of the operating system, as in the fact C(os_family).
    type: str
    required: true
  packages:
    description: Packages to look for, besides those of Docker Engine.
    type: list
    elements: str
    default: []
  commands:
    description: Commands to look for.
    type: list
    elements: str
    default: []
  sysctl:
    description: Names of kernel settings to read.
    type: list
    elements: str
    default: []
  source:
    description: Where the Engine is to come from.
    type: str
    choices: [distribution, docker]
    default: distribution
  version:
    description: The start of the Engine's version; empty for any.
    type: str
    default: ""
  daemon_config:
    description:
      - Keys of C(daemon.json) that win over the role's and over those that are there. Objects are merged.
      - The value V(null) takes a key out.
    type: dict
    default: {}
  log_max_size:
    description: Size at which a container's log is rotated, with a unit.
    type: str
    default: 10m
  log_max_files:
    description: Number of log files kept of each container.
    type: int
    default: 3
  installs:
    description: Whether packages may be installed in this run.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
seealso:
  - module: dbops.galera.galera_preflight
"""

EXAMPLES = r"""
- name: Read what the host has
  dbops.galera.docker_preflight:
    family: "{{ ansible_facts['os_family'] }}"
    daemon_config:
      registry-mirrors: [https://mirror.example.com]
  register: host

- name: Refuse what would stop a node
  ansible.builtin.fail:
    msg: "{{ host.problems }}"
  when: host.problems | length > 0
"""

RETURN = r"""
problems:
  description: One sentence for each problem; empty where nothing speaks against the change.
  returned: always
  type: list
  elements: str
warnings_of_settings:
  description: Sentences about values in C(/etc/docker/daemon.json) that are replaced or taken out.
  returned: always
  type: list
  elements: str
daemon_json:
  description: What C(/etc/docker/daemon.json) is to contain; the text that is there, where nothing in it changes.
  returned: always
  type: str
daemon_mode:
  description: The mode that it has, or is to get.
  returned: always
  type: str
daemon_stale:
  description: Whether it is newer than the daemon that runs.
  returned: always
  type: bool
lines:
  description: What was found, such as C(docker.io installed), C(held docker.io), C(command flock) or C(clock yes).
  returned: always
  type: list
  elements: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils import _docker_host
from ansible_collections.dbops.galera.plugins.module_utils._model.engine import Wanted, judge

ARGUMENTS: dict[str, Any] = {
    "family": {"type": "str", "required": True},
    "packages": {"type": "list", "elements": "str", "default": []},
    "commands": {"type": "list", "elements": "str", "default": []},
    "sysctl": {"type": "list", "elements": "str", "default": []},
    "source": {"type": "str", "choices": ["distribution", "docker"], "default": "distribution"},
    "version": {"type": "str", "default": ""},
    "daemon_config": {"type": "dict", "default": {}},
    "log_max_size": {"type": "str", "default": "10m"},
    "log_max_files": {"type": "int", "default": 3},
    "installs": {"type": "bool", "default": True},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    asked = module.params
    wanted = Wanted(
        source=asked["source"],
        version=asked["version"],
        config=asked["daemon_config"],
        max_size=asked["log_max_size"],
        max_files=asked["log_max_files"],
        installs=asked["installs"],
    )
    try:
        found = _docker_host.engine(asked["family"], asked["packages"])
        verdict = judge(wanted, found, os.path.realpath)
        lines = _docker_host.look(asked["family"], found.packages, asked["commands"], asked["sysctl"])
        module.exit_json(
            changed=False,
            problems=verdict.problems,
            warnings_of_settings=verdict.warnings,
            daemon_json=verdict.text,
            daemon_mode=_docker_host.mode(),
            daemon_stale=found.stale,
            lines=list(lines),
        )
    except OSError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
