#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_preflight
short_description: Check that a host is fit to run a node
version_added: 0.1.0
description:
  - Looks at TCP ports, names of containers, disk space and the clock of a host in one call. Changes nothing.
  - Problems are returned as sentences, not failed on, so that a play can tell all of them at once.
author:
  - dbops.galera contributors (@dbops)
options:
  ports:
    description: TCP ports that the host's containers are going to listen on.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port, 1 to 65535.
        type: int
        required: true
      containers:
        description: Names of the containers that may already listen there.
        type: list
        elements: str
        default: []
  cluster:
    description:
      - Name of the cluster that the ports are for. A container of another cluster is then told as such, also where its
        name is among O(ports[].containers), and one of this cluster is never called a stranger.
    type: str
    default: ""
    version_added: 0.1.0
  parts:
    description:
      - Containers that the host is to have of O(cluster), names by the variables that give them, such as
        C(proxysql_container). A container of such a name that has the label of another cluster is a problem.
      - One without a label is not, nor is what cannot be read, as before Docker Engine is installed.
    type: dict
    default: {}
    version_added: 0.1.0
  path:
    description: Directory that will hold the data. It, or its nearest parent that exists, is asked for free space.
    type: path
    required: true
  minimum_free_mb:
    description: Free space that is wanted there, in MiB.
    type: int
    default: 0
  open_files:
    description: Limit of open files that containers on this host are to get. Not checked unless set.
    type: int
    version_added: 0.1.0
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
"""

EXAMPLES = r"""
- name: Check ports, disk and clock
  dbops.galera.galera_preflight:
    ports:
      - port: 3306
        containers: [mariadb1, mariadb0]
    path: /containers
    minimum_free_mb: 2048
  register: host

- name: Check that the container of ProxySQL is not another cluster's
  dbops.galera.galera_preflight:
    cluster: shop
    parts:
      proxysql_container: proxysql
    path: /containers
  register: host

- name: Refuse a host that is not fit
  ansible.builtin.fail:
    msg: "{{ host.problems }}"
  when: host.problems | length > 0
"""

RETURN = r"""
problems:
  description: One sentence for each problem; empty on a fit host.
  returned: always
  type: list
  elements: str
clock:
  description: The host's clock, seconds since the epoch.
  returned: always
  type: float
free_mb:
  description: Free space at O(path), in MiB.
  returned: always
  type: int
"""

import os
import platform
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils import _docker_files
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._listeners import Inspect, owner
from ansible_collections.dbops.galera.plugins.module_utils._model import limits
from ansible_collections.dbops.galera.plugins.module_utils._model.ports import Owner, name_taken, objection


def free_mb(path: str) -> int:
    """Space for root at path or its nearest existing parent, MiB."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize // 2**20


def inspector() -> Inspect | None:
    """Docker Engine, where it and its library are there; before they are installed there is nothing to ask."""
    try:
        return Engine.connect().inspect
    except GaleraError:
        return None


def cluster_of(name: str, inspect: Inspect | None) -> str:
    """The cluster in a container's label; empty without a container or a label, and where nothing can be read."""
    try:
        found = inspect(name) if inspect else _docker_files.named(_docker_files.data_root(), name)
    except (GaleraError, OSError, ValueError):
        return ""
    return Owner.of("", found).cluster if found else ""


def text_of(path: str) -> str:
    """What a file holds, or nothing where it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "ports": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "port": {"type": "int", "required": True},
                    "containers": {"type": "list", "elements": "str", "default": []},
                },
            },
            "cluster": {"type": "str", "default": ""},
            "parts": {"type": "dict", "default": {}},
            "path": {"type": "path", "required": True},
            "minimum_free_mb": {"type": "int", "default": 0},
            "open_files": {"type": "int"},
        },
        supports_check_mode=True,
    )
    host = platform.node()
    problems = []
    cluster, parts = module.params["cluster"], module.params["parts"]
    inspect = inspector() if module.params["ports"] or parts else None
    for variable, name in parts.items():
        if said := name_taken(variable, str(name), cluster_of(str(name), inspect), cluster):
            problems.append(f"{host}: {said}")
    for wanted in module.params["ports"]:
        port = wanted["port"]
        if said := objection(port, owner(port, inspect), wanted["containers"], cluster):
            problems.append(f"{host}: {said}")
    if module.params["open_files"] is not None:
        files = ("/proc/1/status", "/proc/1/limits", "/proc/sys/fs/nr_open")
        most = limits.most_open_files(*map(text_of, files))
        if said := limits.objection(module.params["open_files"], most):
            problems.append(f"{host}: {said}")
    free = free_mb(module.params["path"])
    if free < module.params["minimum_free_mb"]:
        problems.append(
            f"{host}: {free} MiB are free at {module.params['path']}, "
            f"galera_minimum_free_mb asks for {module.params['minimum_free_mb']} MiB."
        )
    module.exit_json(changed=False, problems=problems, clock=time.time(), free_mb=free)


if __name__ == "__main__":
    main()
