#!/usr/bin/env python3
# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ratios of one call with 1,000 query rules: to one with a single rule, and to community.proxysql's one call a rule.

Needs a real ProxySQL without traffic: PROXYSQL_ADMIN=host:port with PROXYSQL_LOGIN_USER and PROXYSQL_LOGIN_PASSWORD, or
the archive of its image in lab/images/local. All figures are of one run; nothing depends on how fast the machine is.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.contract import real

ROWS, ROWS_ONE_BY_ONE = 1000, 30


def main() -> None:
    given = os.environ.get("PROXYSQL_ADMIN")
    if given:
        host, port = given.split(":")
        report(run(host, int(port), {}))
    elif real.available():
        account = {"PROXYSQL_LOGIN_USER": real.USER, "PROXYSQL_LOGIN_PASSWORD": real.PASSWORD}
        with tempfile.TemporaryDirectory() as directory, real.container(Path(directory)) as port:
            report(run("127.0.0.1", port, account))
    else:
        print("proxysql_admin: no ProxySQL to measure with; see lab/images/README.md for how to add its image")


def run(host: str, port: int, account: dict[str, str]) -> dict[str, list[float]]:
    """How many seconds each task took, time after time, by its name."""
    rules = [
        {"rule_id": n, "active": 1, "match_digest": f"^SELECT {n}$", "destination_hostgroup": 10, "apply": 1}
        for n in range(1, ROWS + 1)
    ]
    variables = json.dumps({"login_host": host, "login_port": port, "rules": rules})
    environment = {**os.environ, **account, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(variables)
        file.flush()
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{file.name}"]
        play = subprocess.run(
            [*command, "tests/bench/proxysql_admin.yml"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if play.returncode:
        sys.exit(play.stdout[-4000:] + play.stderr)
    times = defaultdict(list)
    for task in json.loads(play.stdout[play.stdout.index("{") :])["plays"][0]["tasks"]:
        start, end = (datetime.fromisoformat(task["task"]["duration"][side].rstrip("Z")) for side in ("start", "end"))
        times[task["task"]["name"]].append((end - start).total_seconds())
    return times


def report(seconds: dict[str, list[float]]) -> None:
    for name, times in seconds.items():
        print(f"  {name}: {min(times):.2f} s at best, {statistics.median(times):.2f} s as a rule")
    one_by_one = seconds["One call a row"][0] / ROWS_ONE_BY_ONE * ROWS
    # Two calls of which the one differs little from the other: at their best, or a busy machine decides.
    unchanged = min(seconds[f"Leave {ROWS} rows"]) / min(seconds["Leave 1 row"])
    applied = one_by_one / statistics.median(seconds[f"Apply {ROWS} rows"])
    print(f"{ROWS} rows unchanged / 1 row unchanged    {unchanged:.2f}   (aim: at most 1.5)")
    print(f"{ROWS} rows one by one / in one call       {applied:.0f}   (aim: at least 300)")


if __name__ == "__main__":
    main()
