# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ProxySQL in a container, from the archive of its image that an operator has put into lab/images/local."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ARCHIVES = sorted((Path(__file__).resolve().parents[2] / "lab/images/local").glob("proxysql*.tar.gz"))
USER, PASSWORD = "operator", "s3cret-login"


def available() -> bool:
    """Whether there is an archive, and a Docker that runs."""
    try:
        return bool(ARCHIVES and docker("version"))
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def container(directory: Path) -> Iterator[int]:
    """A ProxySQL from the archive, on a port of the loopback interface."""
    loaded = docker("load", "--quiet", "--input", str(ARCHIVES[-1]))
    config = directory / "proxysql.cnf"
    config.write_text(
        'datadir="/var/lib/proxysql"\n'
        f'admin_variables={{ admin_credentials="{USER}:{PASSWORD}" mysql_ifaces="0.0.0.0:6032" }}\n'
        "mysql_variables={ monitor_enabled=false threads=2 }\n",
        encoding="utf-8",
    )
    command = ["proxysql", "-f", "--no-version-check", "-D", "/var/lib/proxysql", "-c", "/etc/proxysql.cnf"]
    options = ["--detach", "--rm", "--publish", "127.0.0.1::6032", "--volume", f"{config}:/etc/proxysql.cnf:ro"]
    name = docker("run", *options, loaded.split()[-1], *command)
    try:
        yield int(docker("port", name, "6032").splitlines()[0].rpartition(":")[2])
    finally:
        docker("stop", "--time", "1", name)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()
