# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin interface that the contract tests speak to.

By default a double, as an old and as a current version, and a real ProxySQL if lab/images/local has an archive of its
image and Docker runs. With PROXYSQL_ADMIN=host:port that one alone. It must carry no traffic, for its tables are
emptied and filled. PROXYSQL_LOGIN_USER and PROXYSQL_LOGIN_PASSWORD say how to log in there.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

subprocess.run([ROOT / "tests/link-collection.sh"], check=True)
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT)]

GIVEN = os.environ.get("PROXYSQL_ADMIN", "")
ARCHIVES = sorted((ROOT / "lab/images/local").glob("proxysql*.tar.gz"))
USER, PASSWORD = "operator", "s3cret-login"


def servers() -> list[str]:
    if GIVEN:
        return [GIVEN]
    docker = ARCHIVES and subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
    return ["double-2.5", "double-2.7", *(["docker"] if docker else [])]


@pytest.fixture(scope="session", params=servers())
def login(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """How to log in to the server, as options of the modules."""
    account = {"login_user": USER, "login_password": PASSWORD, "login_host": "127.0.0.1"}
    if request.param.startswith("double-"):
        # Imported here because it needs the paths that are set above.
        double = importlib.import_module("tests.contract.double")
        with double.Server(double.Admin(request.param.partition("-")[2], f"{USER}:{PASSWORD}")) as server:
            yield {**account, "login_port": server.port}
    elif request.param == "docker":
        with container(tmp_path_factory.mktemp("proxysql")) as port:
            yield {**account, "login_port": port, "wait": 20}
    else:
        host, port = request.param.split(":")
        account = {option: os.environ[f"PROXYSQL_{option.upper()}"] for option in ("login_user", "login_password")}
        yield {**account, "login_host": host, "login_port": int(port), "wait": 20}


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
