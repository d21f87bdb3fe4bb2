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
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

subprocess.run([ROOT / "tests/link-collection.sh"], check=True)
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT)]

GIVEN = os.environ.get("PROXYSQL_ADMIN", "")


# Imported here because they need the paths that are set above.
double = importlib.import_module("tests.contract.double")
real = importlib.import_module("tests.contract.real")


@pytest.fixture(
    scope="session",
    params=[GIVEN] if GIVEN else ["double-2.5", "double-2.7", *(["docker"] if real.available() else [])],
)
def login(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """How to log in to the server, as options of the modules."""
    account = {"login_user": real.USER, "login_password": real.PASSWORD, "login_host": "127.0.0.1"}
    if request.param.startswith("double-"):
        with double.Server(double.Admin(request.param.partition("-")[2], f"{real.USER}:{real.PASSWORD}")) as server:
            yield {**account, "login_port": server.port}
    elif request.param == "docker":
        with real.container(tmp_path_factory.mktemp("proxysql")) as port:
            yield {**account, "login_port": port, "wait": 20}
    else:
        host, port = request.param.split(":")
        account = {option: os.environ[f"PROXYSQL_{option.upper()}"] for option in ("login_user", "login_password")}
        yield {**account, "login_host": host, "login_port": int(port), "wait": 20}
