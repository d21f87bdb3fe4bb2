"""The controller is killed in the middle of a playbook."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence

from .conftest import PLAIN, ROOT, Lab, wait_until


def kill_at(
    lab: Lab,
    playbook: str,
    *patterns: str,
    arguments: Sequence[str] = (),
    when: Callable[[], bool] = lambda: True,
) -> None:
    """Run a playbook, and SIGKILL the controller with its children.

    That is once the patterns have been printed one by one, and then the condition is met.
    """
    wanted = list(patterns)
    process = subprocess.Popen(
        lab.command(playbook, *arguments),
        cwd=ROOT,
        env=PLAIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if re.search(wanted[0], line):
            wanted.pop(0)
        if not wanted:
            break
    assert not wanted, f"{playbook} ended before {wanted[0]}:\n{''.join(said)}"
    wait_until(when, 30, f"the moment to kill {playbook}")
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
