# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.modules import galera_seqno, galera_wait

NODE = {"node": "mariadb2", "socket": "/containers/mariadb2/run/mysqld.sock"}
SEQNO = {**NODE, "datadir": "/containers/mariadb2/datadir", "image": "mariadb:10.11"}


@pytest.mark.parametrize(("module", "arguments"), [(galera_seqno, SEQNO), (galera_wait, NODE)])
def test_a_host_without_the_docker_library(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, module: Any, arguments: dict[str, Any]
) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"]
    assert "docker" in result["msg"]
    assert "python3-docker" in result["msg"]
