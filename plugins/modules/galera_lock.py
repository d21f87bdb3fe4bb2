#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_lock
short_description: Keep two operators from working on one cluster at once
version_added: 0.1.0
description:
  - Takes, or gives back, a lock on a host in the name of the running playbook.
  - A run that fails or is killed leaves its lock behind. The next run from the same controller takes it over, because
    it sees that the process is gone; a run from elsewhere is refused until the lock is broken on purpose.
  - Does not fail where another one holds the lock, so that a play can give back what it took on other hosts first.
author:
  - dbops.galera contributors (@dbops)
options:
  path:
    description: The lock's file on the host. Its directory is there.
    type: path
    required: true
  state:
    description: V(held) takes the lock, V(released) gives it back.
    type: str
    choices: [held, released]
    default: held
  verb:
    description: What the holder is doing, for others to read.
    type: str
    default: playbook
  break_lock_of:
    description: Name of a holder, such as C(anna@control1), whose lock is to be broken.
    type: str
  holder:
    description: Set by the action plugin, who the lock is taken for.
    type: dict
  gone:
    description: Set by the action plugin, a holder that is known to be gone.
    type: dict
attributes:
  check_mode:
    support: full
    description: Tells who holds the lock, and takes nothing.
  diff_mode:
    support: none
    description: A lock is not a setting.
  action:
    support: full
    description: The action plugin knows the controller's process.
  async:
    support: none
    description: It is quick.
"""

EXAMPLES = r"""
- name: Take the lock
  dbops.galera.galera_lock:
    path: /run/dbops-galera-galera.lock
    verb: upgrade
  register: lock

- name: Give it back
  dbops.galera.galera_lock:
    path: /run/dbops-galera-galera.lock
    state: released
"""

RETURN = r"""
held:
  description: Whether this run holds the lock now. In check mode, whether it could.
  returned: success
  type: bool
other:
  description: Who else holds it, or held it and was relieved of it.
  returned: success
  type: dict
  sample:
    name: anna@control1
    verb: upgrade
    since: "2026-11-21T09:12:44Z"
problem:
  description: A sentence where the lock is another's, else empty.
  returned: success
  type: str
"""

import platform
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._lock import Holder, look, release, take


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    path, holder = params["path"], Holder(**params["holder"])
    if params["state"] == "released":
        if not check_mode:
            release(path, holder)
        return {"changed": False, "held": False, "other": None, "problem": ""}
    relieved = (params["break_lock_of"] or "", params["gone"])
    other = look(path) if check_mode else take(path, holder, *relieved)
    mine = other is None or other.same(holder) or other.name == relieved[0] or asdict(other) == relieved[1]
    return {
        "changed": False,
        "held": mine,
        "other": asdict(other) if other else None,
        "problem": "" if mine else f"{platform.node()} is locked by {other}.",
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
            "verb": {"type": "str", "default": "playbook"},
            "break_lock_of": {"type": "str"},
            "holder": {"type": "dict"},
            "gone": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params, module.check_mode))
    except (GaleraError, OSError) as error:
        module.fail_json(msg=f"{platform.node()}: the lock {module.params['path']} cannot be used: {error}.")


if __name__ == "__main__":
    main()
