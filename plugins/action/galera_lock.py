# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the module galera_lock in the name of this playbook's process, and relieves holders that are gone."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.dbops.galera.plugins.module_utils._lock import Holder

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        # Tasks run in processes of their own, whose parent is the playbook.
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        me = asdict(Holder.of(os.getppid(), str(self._task.args.get("verb", "playbook")), since))
        result = self._module({"holder": me}, task_vars)
        other = result.get("other")
        if other and not result.get("held") and Holder(**other).gone():
            result = self._module({"holder": me, "gone": other}, task_vars)
            if result.get("held"):
                display.display(f"Relieved of the lock, since that run has ended: {Holder(**other)}")
        return result

    def _module(self, more: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_args={**self._task.args, **more}, task_vars=task_vars)
        return result
