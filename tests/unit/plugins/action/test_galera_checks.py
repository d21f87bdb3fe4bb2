# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's variables to a verdict on each cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleTemplateSyntaxError
from ansible_collections.dbops.galera.plugins.action import galera_checks
from ansible_collections.dbops.galera.plugins.action.galera_checks import clusters, given, judged, run_of
from ansible_collections.dbops.galera.plugins.module_utils._model import names
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import Floors
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import Run

GROUPS = {
    "galera": ["host1", "host2", "shop1", "shop2"],
    "proxysql": ["host1", "proxy1"],
    "arbitrator": ["vote1"],
    "galera_present": ["host1", "host2", "shop1", "shop2", "proxy1", "vote1"],
}


def variables(name: str, cluster: str | None = None, **traces: Any) -> dict[str, Any]:
    """A host's, as its inventory and galera_traces leave them."""
    number = name[-1]
    node = f"mariadb{number}" if name[:-1] in ("host", "shop") else ""
    datadir = f"/containers/{node}/datadir"
    asked = {
        "cluster": cluster or "galera",
        "node": node,
        "bootstrap_container": "mariadb0",
        "root": "/containers",
        "datadir": datadir,
        "parts": {"proxysql_container": "proxysql"} if name == "host1" else {},
    }
    found = {
        "engine": True,
        "containers": [],
        "records": [],
        "datadir": {"given": datadir, "resolved": datadir, "entries": [], "mountpoint": "/"},
        "run": f"/containers/{node}/run",
        "marks": [],
        "kept": None,
        "live": None,
        **traces,
    }
    own = {"galera_traces": {"asked": asked, "traces": found}, "galera_node_name": node}
    return {**own, "galera_cluster_name": cluster} if cluster else own


def inventory(**changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    hosts = {name: variables(name) for name in ("host1", "host2", "proxy1", "vote1")}
    return {**hosts, **{name: variables(name, "shop") for name in ("shop1", "shop2")}, **changed}


HOSTS = ("host1", "host2", "shop1", "shop2", "proxy1", "vote1")


def test_each_cluster_has_its_hosts_members_first() -> None:
    found = clusters(Run(hosts=HOSTS), GROUPS, inventory())
    assert {each.name: [host.name for host in each.hosts] for each in found} == {
        "galera": ["host1", "host2", "vote1", "proxy1"],
        "shop": ["shop1", "shop2"],
    }
    host1 = found[0].hosts[0]
    assert host1.groups == {"galera", "proxysql"}
    assert (host1.node, host1.datadir, host1.parts) == (
        "mariadb1",
        "/containers/mariadb1/datadir",
        {"proxysql_container": "proxysql"},
    )
    assert host1.member
    assert not found[0].hosts[2].has_node


def test_a_cluster_that_the_run_is_not_on_is_left_alone() -> None:
    found = clusters(Run(hosts=("shop1",)), GROUPS, inventory())
    assert [each.name for each in found] == ["shop"]


def test_hosts_without_traces_were_not_reached() -> None:
    lost = {"galera_node_name": "mariadb2", "galera_traces": {"unreachable": True}}
    found = clusters(Run(hosts=HOSTS), GROUPS, inventory(host2=lost))
    assert (found[0].hosts[1].told, found[0].hosts[1].node) == (None, "mariadb2")


def test_new_hosts_pass_and_their_branch_is_told() -> None:
    result = judged(Run(hosts=HOSTS), GROUPS, inventory())
    assert (result["problems"], result["warnings"]) == ([], [])
    galera = result["clusters"]["galera"]
    assert (galera["branch"]["generation"], galera["branch"]["group"]) == (1, "galera")
    assert galera["forget"] is False
    assert set(result["clusters"]) == {"galera", "shop"}


def test_problems_of_all_clusters_are_told_at_once() -> None:
    mark = [{"path": "/containers/mariadb1/stopped.json", "changed": 1.0, "cluster": "", "uuid": ""}]
    result = judged(
        Run(hosts=HOSTS, tags=("x",)),
        GROUPS,
        inventory(
            host1={**variables("host1", marks=mark), "galera_network_driver": "bridge"},
            shop1=variables("shop1", "shop", marks=mark),
        ),
    )
    said = [problem.split(":")[0].split(" holds")[0].split(";")[0] for problem in result["problems"]]
    assert sorted(said) == [
        "--tags x",
        "No host of galera",
        "No host of shop",
        "galera_network_driver is 'bridge' on host1",
        "host1",
        "shop1",
    ]


def test_a_host_that_answered_and_told_nothing_is_a_problem() -> None:
    result = judged(Run(hosts=HOSTS), GROUPS, inventory(host2={"galera_node_name": "mariadb2"}))
    assert result["problems"] == ["host2: what earlier runs left there was not read. Run the playbook again."]
    groups = {**GROUPS, "galera_present": [name for name in HOSTS if name != "host2"]}
    lost = {"galera_node_name": "mariadb2"}
    assert judged(Run(hosts=HOSTS), groups, inventory(host2=lost))["problems"] == []


class Rendered(dict[str, Any]):
    """As hostvars are: a value is rendered when it is looked at, and that can fail."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, Exception):
            raise value
        return value


def test_a_password_that_cannot_be_rendered_is_named_and_not_shown() -> None:
    broken = AnsibleTemplateSyntaxError("Syntax error in template: hunter2{{")
    own = Rendered({**variables("host1"), "mariadb_admin_password": broken, "mariadb_config": broken})
    said, config = judged(Run("site", HOSTS), GROUPS, inventory(host1=own))["problems"]
    assert config.startswith("host1: mariadb_config cannot be read: Ansible fails to render it.")
    assert said == (
        "mariadb_admin_password cannot be read on host1: Ansible fails to render it. If the password has {{, {% or {# "
        "in it, write the tag !unsafe in front of it; else look at what it refers to."
    )


def test_no_password_is_looked_at_for_a_verb_that_needs_none() -> None:
    broken = AnsibleTemplateSyntaxError("The lookup failed.")
    own = Rendered({**variables("host1"), "mariadb_admin_password": broken, "galera_network_driver": "bridge"})
    for verb in ("stop", "start", "recover", "restart", "upgrade", "repair_node"):
        result = judged(Run(verb, HOSTS), GROUPS, inventory(host1=own))
        assert (result["problems"], result["warnings"]) == ([], [])


def test_nothing_that_is_returned_has_a_password_in_it() -> None:
    secret = "hunter2\nhunter2"
    passwords = dict.fromkeys(names.PASSWORDS, secret)
    hosts = {name: {**own, **passwords} for name, own in inventory().items()}
    result = judged(Run("site", HOSTS), GROUPS, hosts)
    assert len(result["problems"]) == 6
    assert "hunter2" not in repr(result)
    assert "hunter2" not in repr(clusters(Run("site", HOSTS), GROUPS, hosts))


@pytest.mark.parametrize(
    ("own", "address"),
    [
        ({"galera_address": "192.0.2.9"}, "192.0.2.9"),
        ({"ansible_facts": {"default_ipv4": {"address": "192.0.2.8"}}, "ansible_host": "192.0.2.7"}, "192.0.2.8"),
        ({"ansible_facts": {"default_ipv4": {}}, "ansible_host": "fd00::7"}, "fd00::7"),
        ({"ansible_facts": {"default_ipv4": {}}}, "proxy1"),
        ({"ansible_host": "fd00::7"}, ""),
    ],
)
def test_the_address_of_a_host_without_a_node_is_what_the_role_takes(own: dict[str, Any], address: str) -> None:
    assert given("proxy1", own)["galera_address"] == address


def test_a_node_has_published_its_address() -> None:
    node = {"lan_address": "192.0.2.1", "bootstrap_container": "mariadb0"}
    assert given("host1", {"galera_node": node}) == {"galera_node": node}


def test_an_arbitrator_with_ipv6_alone_is_named() -> None:
    own = {**variables("vote1"), "ansible_facts": {"default_ipv4": {}}, "ansible_host": "fd00::4"}
    (said,) = judged(Run("site", HOSTS), GROUPS, inventory(vote1=own))["problems"]
    assert said.startswith("galera_address is 'fd00::4' on vote1: this is an IPv6 address")


def test_floors_are_read_from_the_first_host_of_a_cluster() -> None:
    row = {"what": "mariadb", "level": "refuse", "fixed_in": ["10.11.20"], "reason": "so", "source": "here"}
    own = {"mariadb_floors": [{**row, "name": "ours"}, row], "mariadb_allow_version": "10.11.19"}
    found = clusters(Run(hosts=HOSTS), GROUPS, inventory(host1={**variables("host1"), **own}))
    assert (found[0].floors.rows[-1].name, found[0].floors.allow) == ("ours", "10.11.19")
    assert found[0].floors.problems == ("mariadb_floors, row 2: the key name is missing.",)
    assert found[1].floors == Floors()


ARGUMENTS = {"verb": "site", "repaired": "", "forced": "", "forget": " A-1 , b-2,"}


def test_a_run_is_read_from_ansibles_variables() -> None:
    known = {"ansible_play_hosts_all": ["host1"], "ansible_run_tags": ["all"], "ansible_skip_tags": []}
    assert run_of(ARGUMENTS, known, "linear") == Run("site", ("host1",), forget=("a-1", "b-2"))
    tagged = {**known, "ansible_run_tags": ["x", "y"], "ansible_skip_tags": ["z"]}
    assert run_of(ARGUMENTS, tagged, "free") == Run(
        "site", ("host1",), ("x", "y"), ("z",), "free", forget=("a-1", "b-2")
    )


def test_the_action_judges_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(galera_checks.ActionBase, "run", lambda *_arguments: {})
    action = galera_checks.ActionModule.__new__(galera_checks.ActionModule)
    action.validate_argument_spec = lambda _spec: (None, ARGUMENTS)
    known = {"groups": GROUPS, "hostvars": inventory(), "ansible_play_hosts_all": list(HOSTS)}
    result = action.run(None, known)
    assert (result["changed"], result["problems"]) == (False, [])
    assert [said[:30] for said in result["warnings"]] == ["galera_forget_cluster is a-1,b"] * 2
    assert not action._requires_connection
