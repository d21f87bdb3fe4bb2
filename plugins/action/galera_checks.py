# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what the hosts of all clusters carry, in one task on the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.dbops.galera.plugins.module_utils._model.checks import judge, judge_run
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import LEAVING, MEMBER, Cluster, Host, Run
from ansible_collections.dbops.galera.plugins.module_utils._model.names import (
    PREPARING,
    UNREADABLE,
    VARIABLES,
    judge_names,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import Asked
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Traces

# The groups of a cluster's hosts; those before others come first.
GROUPS = (MEMBER, LEAVING, "arbitrator", "proxysql", "keepalived")
PRESENT = "galera_present"
SETTINGS = ("mariadb_config", "mariadb_provider_options", "mariadb_binlog", "mariadb_volumes")
ARGUMENTS = {name: {"type": "str", "default": default} for name, default in (("verb", "playbook"), ("repaired", ""))}
ARGUMENTS |= {name: {"type": "str", "default": ""} for name in ("forced", "forget")}


class ActionModule(ActionBase):  # type: ignore[misc]
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, arguments = self.validate_argument_spec(ARGUMENTS)
        run = run_of(arguments, variables, constants.DEFAULT_STRATEGY)
        return {**result, "changed": False, **judged(run, variables["groups"], variables["hostvars"])}


def run_of(arguments: Mapping[str, str], variables: Mapping[str, Any], strategy: str) -> Run:
    """How ansible-playbook was called, by Ansible's own variables."""
    return Run(
        verb=arguments["verb"],
        hosts=tuple(variables["ansible_play_hosts_all"]),
        tags=tuple(variables.get("ansible_run_tags") or ("all",)),
        skip_tags=tuple(variables.get("ansible_skip_tags") or ()),
        strategy=strategy,
        forced=arguments["forced"],
        repaired=arguments["repaired"],
        forget=tuple(word.strip().lower() for word in arguments["forget"].split(",") if word.strip()),
    )


def judged(run: Run, groups: Mapping[str, Sequence[str]], variables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the action returns; variables are those of all hosts of the inventory."""
    problems = judge_run(run)
    warnings: list[str] = []
    found: dict[str, dict[str, Any]] = {}
    for cluster in clusters(run, groups, variables):
        names, verdict = judge_names(cluster), judge(cluster)
        problems += [*names.problems, *verdict.problems]
        warnings += [*names.warnings, *verdict.warnings]
        if not problems:
            problems += unread(cluster, groups.get(PRESENT, ()))
        found[cluster.name] = {
            "branch": verdict.branch.record(),
            "forget": verdict.forget,
            "abandoned": cluster.abandoned,
        }
    return {"problems": problems, "warnings": warnings, "clusters": found}


def clusters(
    run: Run, groups: Mapping[str, Sequence[str]], variables: Mapping[str, Mapping[str, Any]]
) -> list[Cluster]:
    """Clusters of the inventory that the run is on a host of."""
    found: dict[str, dict[str, Host]] = {}
    for group in GROUPS:
        for name in groups.get(group, ()):
            own = variables[name]
            hosts = found.setdefault(str(own.get("galera_cluster_name", "galera")), {})
            if name not in hosts:
                member_of = frozenset(group for group in GROUPS if name in groups.get(group, ()))
                hosts[name] = host(name, member_of, own, given(name, own) if run.verb in PREPARING else {})
    return [
        Cluster(name, tuple(hosts.values()), run, floors(variables[next(iter(hosts))]))
        for name, hosts in found.items()
        if not set(run.hosts).isdisjoint(hosts)
    ]


def floors(variables: Mapping[str, Any]) -> Floors:
    """The floors of versions, by the variables of a cluster's first host."""
    return Floors.read(variables.get("mariadb_floors"), variables.get("mariadb_allow_version"))


def given(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """A host's variables that the names are judged by; UNREADABLE in the place of one that Ansible cannot render.

    Only for verbs that need them: a password may have to be looked up elsewhere.
    """
    found = {variable: rendered(variables, variable) for variable in VARIABLES if variable in variables}
    if "galera_node" not in found and "galera_address" not in found:
        found["galera_address"] = default_address(name, variables)
    return found


def rendered(variables: Mapping[str, Any], variable: str) -> Any:
    try:
        return variables[variable]
    except AnsibleError:
        # Its text may have the value of a password in it.
        return UNREADABLE


def default_address(name: str, variables: Mapping[str, Any]) -> str:
    """What the role galera takes where the inventory does not have galera_address; its defaults are not seen here."""
    facts = variables.get("ansible_facts")
    if not isinstance(facts, Mapping) or not facts:
        # A host that was not reached has no facts.
        return ""
    default = facts.get("default_ipv4")
    found = default.get("address") if isinstance(default, Mapping) else None
    return str(found or variables.get("ansible_host") or name)


def host(
    name: str, member_of: frozenset[str], variables: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> Host:
    """A host, with what galera_traces registered there. known are the variables that the names are judged by."""
    read = variables.get("galera_traces")
    if not isinstance(read, Mapping) or "traces" not in read:
        return Host(name, member_of, node=str(variables.get("galera_node_name", "")), given=known or {})
    asked = read["asked"]
    return Host(
        name=name,
        groups=member_of,
        node=asked["node"],
        bootstrap_container=asked["bootstrap_container"],
        root=asked["root"],
        datadir=asked["datadir"],
        parts=asked["parts"],
        settings=settings(variables),
        told=Traces.read(read["traces"]),
        given=known or {},
    )


def settings(variables: Mapping[str, Any]) -> Asked:
    """What an operator wrote for a node's server; what is in no inventory is the role's default."""
    found = {name: rendered(variables, name) for name in SETTINGS if name in variables}
    read = {name: value for name, value in found.items() if value is not UNREADABLE}
    return Asked(
        config=read.get("mariadb_config", {}),
        options=read.get("mariadb_provider_options", {}),
        binlog=boolean(read.get("mariadb_binlog", False), strict=False),
        volumes=read.get("mariadb_volumes", ()),
        unreadable=tuple(name for name in found if name not in read),
    )


def unread(cluster: Cluster, present: Sequence[str]) -> list[str]:
    """Hosts that answered, and did not tell what they carry."""
    return [
        f"{each.name}: what earlier runs left there was not read. Run the playbook again."
        for each in cluster.hosts
        if each.told is None and each.name in present
    ]
