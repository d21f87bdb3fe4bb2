# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the module galera_wait in slices, and shows a line of progress between two of them."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

SLICE = 10.0
TIMEOUT = 120

display = Display()


def progress(node: str, phase: str, received: int | None, elapsed: float) -> str:
    """The line that is shown; received in bytes, elapsed in seconds."""
    amount = f"{(received or 0) / 2**30:.1f} GiB" if (received or 0) >= 2**30 else f"{(received or 0) // 2**20} MiB"
    arrived = f", {amount} received" if received and "SST" in phase else ""
    return f"{node}: {phase}{arrived}, {elapsed:.0f} s"


class ActionModule(ActionBase):  # type: ignore[misc]
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        started = time.monotonic()
        try:
            asked = self._task.args.get("timeout")
            timeout = float(TIMEOUT if asked is None else asked)
        except (TypeError, ValueError):
            return self._slice(0, task_vars)  # the module says what is wrong with it
        restarts = None
        while True:
            left = timeout - (time.monotonic() - started)
            result = self._slice(max(0.1, min(SLICE, left)), task_vars, restarts)
            restarts = result.get("restarts", restarts)
            elapsed = time.monotonic() - started
            if "reached" in result:
                result["elapsed"] = round(elapsed, 1)
            if result.get("failed") or result.get("reached", True):
                return result
            if elapsed >= timeout:
                return {**result, "failed": True, "msg": f"Timed out after {timeout:g} s: {result['msg']}"}
            display.display(
                progress(
                    str(self._task.args.get("node") or self._task.args.get("address")),
                    result["phase"],
                    result.get("received"),
                    elapsed,
                )
            )

    def _slice(self, patience: float, task_vars: dict[str, Any] | None, restarts: int | None = None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_args={**self._task.args, "patience": patience, "restarts": restarts}, task_vars=task_vars
        )
        return result
