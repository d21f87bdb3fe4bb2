# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: exit_code
type: aggregate
short_description: Let a playbook choose the exit code of ansible-playbook
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - ansible-playbook ends with 2 whatever made a host fail. With this callback it ends with the number that the playbook
    set by M(ansible.builtin.set_stats) as C(galera_exit_code), such as 3 of C(status) for a cluster that is down.
requirements:
  - enabled in ansible.cfg, C(callbacks_enabled = dbops.galera.exit_code)
"""

import sys

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "dbops.galera.exit_code"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats) -> None:  # type: ignore[no-untyped-def]
        code = stats.custom.get("_run", {}).get("galera_exit_code", 0)
        if code:
            # Ansible calls the stdout callback first, so the recap is complete by now.
            sys.stdout.flush()
            raise SystemExit(int(code))
