# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxy, Keepalived and arbitrator: each role asks whose container it would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"


def load(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", ["proxysql", "keepalived", "arbitrator"])
def test_a_role_used_alone_asks_whose_container_it_would_take(role: str) -> None:
    assert load(f"{role}/tasks/main.yml")[0]["ansible.builtin.import_tasks"] == "preflight.yml"
    asked, refused = load(f"{role}/tasks/preflight.yml")
    module, result = asked["dbops.galera.galera_preflight"], f"__{role}_host"
    variable = f"{role}_container"
    assert module["parts"] == {variable: f"{{{{ {variable} }}}}"}
    assert module["cluster"] == "{{ galera_cluster_name }}"
    # Whatever the network is.
    assert (asked["register"], asked["when"]) == (result, f"{result} is not defined")
    assert f"{result}.problems" in refused["vars"][f"__{role}_problems"]
