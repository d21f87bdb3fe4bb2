# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a port or a name is free for a cluster's container, and what to do where it is not. Pure.

What belongs to this cluster is named as such: who stops a node because it has another name than the inventory says
gets an empty one in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.traces import CLUSTER_LABEL, DATADIR

# What else two clusters on one host cannot share, by the variable that names a container.
_BESIDE = {
    "proxysql_container": "proxysql_port and proxysql_admin_port",
    "keepalived_container": "keepalived_router_id",
}


@dataclass(frozen=True)
class Owner:
    """Who listens on a port. container and cluster are empty outside of Docker, and without a label.

    node is whether it is a container with a datadir.
    """

    process: str
    container: str = ""
    cluster: str = ""
    node: bool = False

    @classmethod
    def of(cls, process: str, inspected: Mapping[str, Any]) -> Owner:
        """From what Docker tells of the container; process is the begin of a description."""
        name = str(inspected["Name"]).lstrip("/")
        return cls(
            process=f"{process} in container {name})",
            container=name,
            cluster=str((inspected["Config"].get("Labels") or {}).get(CLUSTER_LABEL, "")),
            node=any(mount.get("Destination") == DATADIR for mount in inspected.get("Mounts") or ()),
        )


def objection(port: int, owner: Owner | None, allowed: Sequence[str], cluster: str = "") -> str | None:
    """A sentence on a port that is taken, or None. allowed are names of this cluster's containers on this host.

    Without the cluster's name, labels are not compared.
    """
    if owner is None or (owner.container in allowed and (not cluster or owner.cluster in ("", cluster))):
        return None
    taken = f"port {port} is taken by"
    if cluster and owner.cluster == cluster and owner.node:
        return (
            f"{taken} {owner.container}, a node of the cluster {cluster} that has another name in the inventory. "
            f"Do not stop it: set galera_node_name back to {owner.container}."
        )
    if cluster and owner.cluster == cluster:
        return (
            f"{taken} the container {owner.container} of the cluster {cluster}, and the inventory has another name for "
            "it. Set the variable of its name back."
        )
    if cluster and owner.cluster:
        return f"{taken} {owner.container} of the cluster {owner.cluster}: choose another port for {cluster}."
    return f"{taken} {owner.process}; stop that or choose another port."


def name_taken(variable: str, name: str, owner: str, cluster: str) -> str | None:
    """A sentence where the container of a name belongs to another cluster than the variable names it for, or None.

    owner is the cluster in its label, empty without a container or a label. Without the cluster's name, labels are not
    compared.
    """
    if not cluster or owner in ("", cluster):
        return None
    beside = f", and another {_BESIDE[variable]}" if variable in _BESIDE else ""
    return (
        f"container {name} belongs to the cluster {owner}, and {variable} names it for {cluster}. Set another "
        f"{variable} for {cluster}{beside}. If this is the cluster {owner}, set galera_cluster_name back instead."
    )
