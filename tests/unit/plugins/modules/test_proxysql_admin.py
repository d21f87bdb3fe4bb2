# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _proxysql_client as client
from ansible_collections.dbops.galera.plugins.modules import proxysql_admin

pytest.importorskip("pymysql")

LOGIN = {"login_user": "operator", "login_password": "s3cret-login"}


def run(arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        proxysql_admin.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.fixture(autouse=True)
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_arguments: Any, **_options: Any) -> None:
        pytest.fail("connected, although the arguments are bad")

    monkeypatch.setattr(client, "connect", connect)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "one of the following is required: login_password, login_file"),
        ({"login_password": "x"}, "parameters are required together: login_user, login_password"),
        ({"login_file": "/nowhere/admin.cnf"}, "login_file /nowhere/admin.cnf cannot be read"),
        ({**LOGIN, "login_ca_cert": "/nowhere/ca.pem"}, "login_ca_cert /nowhere/ca.pem is not there."),
        ({**LOGIN, "merge": ["nonsense"]}, "value of merge must be one or more of: servers, "),
    ],
)
def test_bad_arguments_are_refused_before_connecting(
    arguments: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(arguments, capsys)

    assert result["failed"]
    assert sentence in result["msg"]


def test_secrets_are_not_in_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(
        {
            **LOGIN,
            "login_ca_cert": "/nowhere/ca.pem",
            "users": [{"username": "a", "password": "s3cret-user"}, {"nonsense": "s3cret-user"}],
            "variables": {"mysql-monitor_password": "s3cret-monitor", "admin-admin_credentials": "a:s3cret-admin"},
        },
        capsys,
    )

    assert result["failed"]
    assert result["invocation"]["module_args"]["users"][0]["username"] == "a"
    assert "s3cret" not in json.dumps(result)


def test_a_missing_library_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "HAS_PYMYSQL", False)

    assert "PyMySQL" in run(LOGIN, capsys)["msg"]
