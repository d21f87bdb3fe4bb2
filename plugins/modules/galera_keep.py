#!/usr/bin/python
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: galera_keep
short_description: Keep a copy of a datadir's state files, or of all of it
version_added: 0.1.0
description:
  - Copies C(grastate.dat) and C(gvwstate.dat), by which Galera knows a node's position and its last view, to a
    directory beside the datadir. Where asked, the whole datadir is copied too.
  - Fails before anything is copied where a container runs on the datadir, or space does not suffice.
author:
  - dbops.galera contributors (@dbops)
options:
  datadir:
    description: The node's datadir, an absolute directory of this host or the name of a Docker volume of this host.
    type: str
    required: true
  dest:
    description: Directory to make, and to copy to. A directory that exists already is left alone.
    type: path
    required: true
  whole:
    description: Whether the whole datadir is copied, but for Galera's write-set cache.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Checks, and copies nothing.
  diff_mode:
    support: none
    description: A copy changes nothing.
"""

EXAMPLES = r"""
- name: Keep the state files
  dbops.galera.galera_keep:
    datadir: /containers/mariadb1/datadir
    dest: /containers/mariadb1/kept-20261121T091244
"""

RETURN = r"""
files:
  description: The state files that were there.
  returned: success
  type: list
  elements: str
  sample: [grastate.dat, gvwstate.dat]
needed_mb:
  description: Size of the datadir, in MiB, where all of it is copied.
  returned: success
  type: int
"""

import os
import platform
import shutil
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError

STATE_FILES = ("grastate.dat", "gvwstate.dat")
# What a copy leaves out: it is large, and a node makes it anew.
CACHE = "galera.cache"


def size(directory: str) -> int:
    """Bytes on disk that a copy of the directory would take."""
    return sum(
        os.lstat(os.path.join(place, file)).st_blocks * 512
        for place, _directories, files in os.walk(directory)
        for file in files
        if file != CACHE
    )


def run(engine: Engine, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    datadir, dest = params["datadir"], params["dest"]
    place = engine.mountpoint(datadir)
    if not place:
        raise GaleraError(f"{platform.node()}: the datadir {datadir} has no place on this host that could be copied.")
    if users := engine.users_of(datadir):
        raise GaleraError(f"{platform.node()}: {' and '.join(users)} runs on the datadir {datadir}: stop it first.")
    files = [name for name in STATE_FILES if os.path.isfile(os.path.join(place, name))]
    needed = size(place) if params["whole"] else 0
    free = shutil.disk_usage(os.path.dirname(dest)).free
    if needed > free:
        raise GaleraError(
            f"{platform.node()}: a copy of {datadir} takes {needed // 2**20} MiB, and {os.path.dirname(dest)} has "
            f"{free // 2**20} MiB free: make room, or go on without the copy."
        )
    changed = not os.path.exists(dest)
    if changed and not check_mode:
        part = f"{dest}.part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part, mode=0o700)
        sources = [os.path.join(place, name) for name in files]
        if params["whole"]:
            sources = [os.path.join(place, name) for name in os.listdir(place) if name != CACHE]
        copied = subprocess.run(
            ["cp", "--archive", "--sparse=auto", f"--target-directory={part}", "--", *sources] if sources else ["true"],
            capture_output=True,
            text=True,
            check=False,
        )
        if copied.returncode:
            shutil.rmtree(part, ignore_errors=True)
            raise GaleraError(f"{platform.node()}: {datadir} could not be copied: {copied.stderr.strip()}.")
        os.replace(part, dest)
    return {"changed": changed, "files": files, "needed_mb": needed // 2**20}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "datadir": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "whole": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(Engine.connect(), module.params, module.check_mode))
    except (GaleraError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
