# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.ports import Owner, name_taken, objection

NODE: dict[str, Any] = {
    "Name": "/mariadb2",
    "Config": {"Labels": {"dbops.galera.cluster": "galera"}},
    "Mounts": [{"Destination": "/var/lib/mysql"}],
}
OURS = Owner.of("mariadbd (process 6346", NODE)
PROXY = Owner("proxysql (process 7 in container router)", "router", "galera")
THEIRS = Owner("mariadbd (process 8 in container mariadb1)", "mariadb1", "shop", node=True)
BY_HAND = Owner("mariadbd (process 9 in container db)", "db")
ALLOWED = ("mariadb1", "mariadb0")


def test_an_owner_is_read_from_an_inspection() -> None:
    assert Owner("mariadbd (process 6346 in container mariadb2)", "mariadb2", "galera", node=True) == OURS
    assert Owner.of("x (process 1", {"Name": "/y", "Config": {"Labels": None}}).cluster == ""


@pytest.mark.parametrize(
    ("owner", "cluster", "said"),
    [
        (None, "galera", None),
        (Owner("mariadbd (process 5 in container mariadb1)", "mariadb1", "galera", node=True), "galera", None),
        (Owner("mariadbd (process 5 in container mariadb1)", "mariadb1"), "galera", None),
        (
            OURS,
            "galera",
            (
                "port 3306 is taken by mariadb2, a node of the cluster galera that has another name in the inventory. "
                "Do not stop it: set galera_node_name back to mariadb2."
            ),
        ),
        (
            PROXY,
            "galera",
            (
                "port 3306 is taken by the container router of the cluster galera, and the inventory has another name "
                "for it. Set the variable of its name back."
            ),
        ),
        (THEIRS, "galera", "port 3306 is taken by mariadb1 of the cluster shop: choose another port for galera."),
        # Who does not name the cluster compares no labels.
        (THEIRS, "", None),
        (
            BY_HAND,
            "galera",
            "port 3306 is taken by mariadbd (process 9 in container db); stop that or choose another port.",
        ),
        (Owner("sshd (process 1)"), "", "port 3306 is taken by sshd (process 1); stop that or choose another port."),
    ],
)
def test_what_belongs_to_a_cluster_is_named_as_such(owner: Owner | None, cluster: str, said: str | None) -> None:
    assert objection(3306, owner, ALLOWED, cluster) == said


@pytest.mark.parametrize(
    ("variable", "name", "beside"),
    [
        ("proxysql_container", "proxysql", ", and another proxysql_port and proxysql_admin_port"),
        ("keepalived_container", "keepalived", ", and another keepalived_router_id"),
        ("arbitrator_container", "garbd", ""),
        ("some_container", "some", ""),
    ],
)
def test_a_name_of_another_clusters_container_is_taken(variable: str, name: str, beside: str) -> None:
    assert name_taken(variable, name, "shop", "galera") == (
        f"container {name} belongs to the cluster shop, and {variable} names it for galera. Set another {variable} for "
        f"galera{beside}. If this is the cluster shop, set galera_cluster_name back instead."
    )


@pytest.mark.parametrize(("owner", "cluster"), [("", "galera"), ("galera", "galera"), ("shop", "")])
def test_a_name_is_free_where_nothing_says_otherwise(owner: str, cluster: str) -> None:
    assert name_taken("proxysql_container", "proxysql", owner, cluster) is None
