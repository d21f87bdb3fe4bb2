# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxy, Keepalived and arbitrator: each role asks whose container it would take, and so does each run by `enter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
PARTS = {
    "proxysql_container": "proxysql",
    "keepalived_container": "keepalived",
    "arbitrator_container": "garbd",
}


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


def parts(verb: str, **groups: list[str]) -> Any:
    """What a run of a verb takes for host4's containers of the cluster."""
    own = {name: trust_as_template(value) for name, value in load("galera/vars/main.yml").items() if "part" in name}
    own["__galera_removed"] = trust_as_template(load("galera/vars/main.yml")["__galera_removed"])
    given = {
        "inventory_hostname": "host4",
        "groups": groups,
        "galera_verb": verb,
        "galera_proxies": groups.get("proxysql", []),
        "galera_arbitrators": groups.get("arbitrator", []),
        "galera_leaving": groups.get("leaving", []),
    }
    return Templar(loader=DataLoader(), variables={**own, **given}).template(trust_as_template("{{ __galera_parts }}"))


def test_a_host_has_the_containers_of_its_groups() -> None:
    assert parts("site", galera=["host4"]) == {}
    assert parts("start", proxysql=["host4"], keepalived=["host1", "host4"]) == {
        name: PARTS[name] for name in ("proxysql_container", "keepalived_container")
    }
    assert parts("restart", arbitrator=["host4"]) == {"arbitrator_container": "garbd"}


@pytest.mark.parametrize(
    ("verb", "names"),
    [
        ("remove_node", ["proxysql_container", "keepalived_container", "arbitrator_container"]),
        ("replace_node", ["proxysql_container", "keepalived_container"]),
        ("restart", []),
    ],
)
def test_what_a_run_would_remove_from_a_host_that_leaves_is_asked_for_too(verb: str, names: list[str]) -> None:
    """It is in the groups of proxies no more, and another cluster may have one of that name there."""
    assert parts(verb, leaving=["host4"], proxysql=["host1"]) == {name: PARTS[name] for name in names}
    assert parts(verb, leaving=["host5"]) == {}
