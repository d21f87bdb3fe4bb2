#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_checks
short_description: Check a run, the inventory, and what the hosts carry
version_added: 0.1.0
description:
  - Compares what M(dbops.galera.galera_traces) read on all hosts of the play with what the inventory says, for all
    hosts in one call on the controller. Each cluster of the inventory is judged by itself.
  - For verbs that make nodes and accounts, and for V(playbook), it also judges names, addresses, users, the database's
    name and passwords of all hosts by the spelling that Docker, Galera, MariaDB and its clients take. No sentence has
    the value of a password in it.
  - Refuses runs that leave hosts of a cluster out (C(--limit)) or parts of themselves (C(--tags)), and strategies that
    do not keep hosts in step.
  - Problems are returned as sentences, not failed on, so that a play can give the lock back before it fails.
  - This is an action plugin; it connects to no host.
author:
  - dbops.galera contributors (@dbops)
options:
  verb:
    description: What the run does, such as V(site). Verbs that start no node are not kept from it by a missing disk.
    type: str
    default: playbook
  repaired:
    description: The host whose node is repaired, for the verb V(repair_node).
    type: str
    default: ""
  forced:
    description: Whom a person named to be bootstrapped against objections, for the verb V(recover).
    type: str
    default: ""
  forget:
    description:
      - UUIDs of the histories that are given up, separated by commas, or V(unknown) where no host tells one. Only for
        the verb V(site).
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
seealso:
  - module: dbops.galera.galera_traces
  - module: dbops.galera.galera_forget
"""

EXAMPLES = r"""
- name: Check the run, the inventory, and what the hosts carry
  dbops.galera.galera_checks:
    verb: restart
  register: galera_checked
  run_once: true

- name: Refuse the run
  ansible.builtin.fail:
    msg: "{{ galera_checked.problems }}"
  when: galera_checked.problems | length > 0
"""

RETURN = r"""
problems:
  description: One sentence for each problem; empty where nothing speaks against the run.
  returned: success
  type: list
  elements: str
clusters:
  description: What the hosts tell, by cluster.
  returned: success
  type: dict
  contains:
    branch:
      description: The youngest branch of the cluster that a host holds.
      type: dict
    abandoned:
      description: Members that hold an older branch.
      type: list
      elements: str
    forget:
      description: Whether all that is left of the cluster is given up in this run.
      type: bool
"""
