# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row with its whole sentence, on three hosts whose names are right but for what a test changes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.dbops.galera.plugins.module_utils._model import names
from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import Cluster, Host, Run
from ansible_collections.dbops.galera.plugins.module_utils._model.names import UNREADABLE, judge_names
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import Container, Datadir, Traces

ROLES = Path(__file__).resolve().parents[5] / "roles"
EMPTY = Traces(Datadir("/d", exists=False))
SETTLED = Traces(Datadir("/d"), containers=(Container("mariadb1", cluster="galera", datadir="/d"),))
ALL = "host1, host2 and host3"


def host(number: int, *groups: str, told: Traces | None = EMPTY, parts: Any = None, **given: Any) -> Host:
    """A member of the cluster, unless groups say otherwise; given is what its inventory has beside the usual."""
    usual: dict[str, Any] = {"galera_address": f"192.168.55.16{number}"}
    if not groups or "galera" in groups:
        usual["galera_node_name"] = f"mariadb{number}"
    return Host(
        f"host{number}",
        frozenset(groups or {"galera"}),
        node=str(usual.get("galera_node_name", "")),
        bootstrap_container="mariadb0",
        parts=parts or {},
        told=told,
        given={**usual, **given},
    )


def cluster(*more: Host, verb: str = "site", told: Traces | None = EMPTY, **given: Any) -> Cluster:
    """given are variables of all three hosts; a host of the same name takes one's place, others come after them."""
    hosts = {f"host{number}": host(number, told=told, **given) for number in (1, 2, 3)}
    hosts.update({each.name: each for each in more})
    return Cluster("galera", tuple(hosts.values()), Run(verb, tuple(hosts)))


def problems(*more: Host, **how: Any) -> list[str]:
    faults = judge_names(cluster(*more, **how))
    assert faults.warnings == ()
    return list(faults.problems)


def warnings(*more: Host, **how: Any) -> list[str]:
    faults = judge_names(cluster(*more, **how))
    assert faults.problems == ()
    return list(faults.warnings)


# Nothing wrong.


@pytest.mark.parametrize("driver", ["host", "weave"])
def test_names_that_are_right(driver: str) -> None:
    secrets = dict.fromkeys(names.PASSWORDS, "pässwörd \"#' \\ {{ %")
    given = {"galera_network_driver": driver, "galera_vip": "192.168.55.160", **secrets}
    front = host(4, "proxysql", "keepalived", parts={"proxysql_container": "proxysql"}, **given)
    assert problems(front, host(5, "arbitrator", parts={"arbitrator_container": "garbd"}), **given) == []


def test_macvlan_that_is_right() -> None:
    lan = {"galera_macvlan_subnet": "192.168.55.0/24", "galera_macvlan_gateway": "192.168.55.1"}
    hosts = [
        host(number, galera_network_driver="macvlan", galera_container_address=f"192.168.55.17{number}", **lan)
        for number in (1, 2, 3)
    ]
    assert problems(*hosts) == []


@pytest.mark.parametrize("verb", ["stop", "start", "recover", "restart", "upgrade", "repair_node", "backup"])
def test_other_verbs_are_not_kept_from_their_work(verb: str) -> None:
    assert problems(verb=verb, galera_network_driver="bridge", galera_node_name="x") == []


def test_a_host_that_leaves_is_not_judged() -> None:
    assert problems(host(4, "leaving", galera_address="fd00::1"), verb="replace_node") == []


# What the roles themselves have.


def test_the_defaults_are_the_roles() -> None:
    found: dict[str, Any] = {}
    for role in ("galera", "mariadb"):
        found.update(yaml.safe_load((ROLES / role / "defaults/main.yml").read_text(encoding="utf-8")))
    assert {name: found[name] for name in names.DEFAULTS} == dict(names.DEFAULTS)


def test_the_drivers_are_the_roles() -> None:
    known = yaml.safe_load((ROLES / "galera/vars/main.yml").read_text(encoding="utf-8"))["__galera_networks"]
    assert tuple(known) == names.NETWORKS
    assert f".{known['weave']['domain']}" == names.OVERLAY_DOMAIN


# The cluster.


def test_one_node() -> None:
    one = Cluster("galera", (host(1),), Run("site", ("host1",)))
    assert judge_names(one).problems == (
        (
            "The cluster galera has one node (host1); a highly available database needs three, or two and an "
            "arbitrator. Add hosts to the group galera."
        ),
    )


def test_hosts_that_leave() -> None:
    leaving = (host(4, "leaving"), host(5, "leaving"))
    assert problems(*leaving) == [
        (
            "host4, host5: in the group leaving, so a node of galera is on its way out. Run remove_node or "
            "replace_node to the end, and take the hosts out of the group leaving."
        )
    ]
    for verb in ("remove_node", "replace_node"):
        assert problems(*leaving, verb=verb) == []


def test_stems_that_differ_in_the_overlay() -> None:
    fra = {"lan_address": "192.168.55.161", "bootstrap_container": "fra0"}
    muc = {"lan_address": "192.168.55.163", "bootstrap_container": "muc0"}
    hosts = [
        host(1, galera_node_name="fra1", galera_node=fra, galera_network_driver="weave"),
        host(2, galera_node_name="fra2", galera_node={**fra, "lan_address": "x2"}, galera_network_driver="weave"),
        host(3, galera_node_name="muc1", galera_node=muc, galera_network_driver="weave"),
    ]
    assert problems(*hosts) == [
        (
            "galera_bootstrap_container is fra0 on host1 and host2, muc0 on host3. With galera_network_driver weave a "
            "node that joins looks for the one that bootstraps under its own name for it. Set it to one name for all "
            "hosts of galera (group_vars), such as fra0."
        )
    ]
    assert problems(*[host(n, galera_node_name=f"{stem}1") for n, stem in ((1, "a"), (2, "b"), (3, "c"))]) == []


# Kinds of values.


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (12345678, "a number"),
        (1.5, "a number"),
        (True, "true or false"),
        (datetime.date(2026, 1, 1), "a date"),
        (["x"], "a list"),
        ({"x": 1}, "a mapping"),
    ],
)
def test_a_password_that_is_no_text(value: object, said: str) -> None:
    assert problems(mariadb_monitor_password=value) == [
        f"mariadb_monitor_password is {said} on {ALL}, where text is wanted. Write it in quotes."
    ]


def test_a_name_that_is_null() -> None:
    assert problems(galera_vip=None) == [
        f"galera_vip is null on {ALL}, where text is wanted. Remove the line, or give it a value."
    ]
    assert problems(mariadb_admin_password=None) == []


def test_a_cluster_with_a_number_for_a_name() -> None:
    assert problems(galera_cluster_name=2026) == [
        f"galera_cluster_name is a number on {ALL}, where text is wanted. Write it in quotes."
    ]


def test_a_password_that_cannot_be_rendered() -> None:
    assert problems(host(2, mariadb_application_password=UNREADABLE)) == [
        (
            "mariadb_application_password cannot be read on host2: Ansible fails to render it. If the password has "
            "{{, {% or {# in it, write the tag !unsafe in front of it; else look at what it refers to."
        )
    ]


@pytest.mark.parametrize("variable", [name for name in names.VARIABLES if name not in names.PASSWORDS])
def test_anything_else_that_cannot_be_rendered_is_left_to_ansible(variable: str) -> None:
    assert problems(**{variable: UNREADABLE}) == []


# Networks.


def test_a_driver_that_is_not_known() -> None:
    assert problems(galera_network_driver="bridge") == [
        f"galera_network_driver is 'bridge' on {ALL}; it must be one of host, weave, macvlan."
    ]


def test_addresses() -> None:
    vote = host(4, "arbitrator", galera_address="fd00::4")
    (said,) = problems(vote)
    assert said == (
        "galera_address is 'fd00::4' on host4: this is an IPv6 address, and nodes, proxies and arbitrators reach each "
        "other over IPv4. Give the host an IPv4 address on the LAN, and write that one."
    )
    assert problems(host(1, galera_address="192.168.55.161/24")) == [
        (
            "galera_address is '192.168.55.161/24' on host1: it must be an IPv4 address such as 192.168.55.161 or a "
            "host name, without a port, a prefix length, leading zeros or blanks."
        )
    ]


def test_what_a_node_has_published_counts() -> None:
    node = {"lan_address": "fd00::1", "bootstrap_container": "mariadb0"}
    (said,) = problems(host(1, galera_address="192.168.55.161", galera_node=node))
    assert said.startswith("galera_address is 'fd00::1' on host1: this is an IPv6 address")


def test_an_address_of_two_nodes() -> None:
    assert problems(galera_address="192.168.55.161") == [
        f"galera_address 192.168.55.161 on {ALL} is another node's address too. Give each node its own."
    ]
    proxy = host(4, "proxysql", galera_address="192.168.55.162")
    assert problems(proxy) == [
        "galera_address 192.168.55.162 on host4 is another node's address too. Give each node its own."
    ]


MACVLAN: dict[str, Any] = {"galera_network_driver": "macvlan"}


def macvlan(number: int, address: str, subnet: str = "192.168.55.0/24", **given: Any) -> Host:
    return host(number, galera_container_address=address, galera_macvlan_subnet=subnet, **MACVLAN, **given)


def test_macvlan_without_its_variables() -> None:
    assert problems(**MACVLAN) == [
        f"galera_container_address is not set on {ALL}; macvlan needs an address of the LAN for each container.",
        "galera_macvlan_subnet is not set; macvlan needs the LAN's subnet, such as 192.168.55.0/24.",
    ]


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("fd00::1", "this is an IPv6 address, and nodes, proxies"),
        ("192.168.55.161", "that is the address of host1, and the container needs one of its own"),
        ("192.168.55.163", "that is the address of host3, and the container needs one of its own"),
        ("192.168.56.171", "it is not in galera_macvlan_subnet 192.168.55.0/24"),
        ("db1", "it must be an IPv4 address such as 192.168.55.161, without a port"),
    ],
)
def test_addresses_of_containers(address: str, fault: str) -> None:
    others = [macvlan(number, f"192.168.55.17{number}") for number in (2, 3)]
    (said,) = problems(macvlan(1, address), *others)
    assert said.startswith(f"galera_container_address is '{address}' on host1: {fault}")


def test_an_address_of_two_containers() -> None:
    hosts = [macvlan(1, "192.168.55.171"), macvlan(2, "192.168.55.171"), macvlan(3, "192.168.55.173")]
    assert problems(*hosts) == [
        (
            "galera_container_address is '192.168.55.171' on host1 and host2: that is another node's "
            "galera_container_address too."
        )
    ]


def test_a_subnet_that_is_none() -> None:
    hosts = [macvlan(number, f"192.168.55.17{number}", "192.168.55.0") for number in (1, 2, 3)]
    assert problems(*hosts) == [
        f"galera_macvlan_subnet is '192.168.55.0' on {ALL}: it must be an IPv4 network such as 192.168.55.0/24."
    ]


@pytest.mark.parametrize(
    ("gateway", "fault"),
    [
        ("fd00::1", "it must be an IPv4 address such as 192.168.55.1, or empty"),
        ("10.0.0.1", "it is not in galera_macvlan_subnet 192.168.55.0/24"),
    ],
)
def test_a_gateway_that_is_none(gateway: str, fault: str) -> None:
    hosts = [macvlan(number, f"192.168.55.17{number}", galera_macvlan_gateway=gateway) for number in (1, 2, 3)]
    assert problems(*hosts) == [f"galera_macvlan_gateway is '{gateway}' on {ALL}: {fault}."]


# The VIP.


def test_a_vip_of_ipv6() -> None:
    (said,) = problems(*[host(number, "galera", "keepalived", galera_vip="fd00::5") for number in (1, 2, 3)])
    assert said == (
        f"galera_vip is 'fd00::5' on {ALL}: this is an IPv6 address, and nodes and proxies listen on IPv4. Give the "
        "VIP a free IPv4 address of the hosts' LAN. For clients with IPv6 alone, put a load balancer of your own in "
        "front."
    )


def test_a_load_balancer_of_ones_own_may_have_ipv6() -> None:
    assert problems(galera_vip="fd00::5") == []


def test_a_vip_that_is_a_hosts_address() -> None:
    assert problems(galera_vip="192.168.55.162") == [
        "galera_vip 192.168.55.162 is the address of host2; the VIP must be an address of its own."
    ]


def test_a_vip_that_leads_nowhere() -> None:
    assert problems(galera_vip="192.168.55.160", galera_network_driver="weave") == [
        (
            "galera_vip 192.168.55.160 leads nowhere with galera_network_driver weave and no host in the group "
            "proxysql: the nodes do not listen on their hosts' addresses then. Add ProxySQL, or use the driver host."
        )
    ]


def test_a_group_keepalived_without_a_vip() -> None:
    assert problems(host(1, "galera", "keepalived"), host(4, "arbitrator")) == [
        (
            "galera_vip is not set, yet the group keepalived has hosts; give the address that applications are to "
            "connect to."
        )
    ]


# Nodes and containers.


@pytest.mark.parametrize("name", ["", "db", "Mariadb1", "mäuse1", "mariadb1\n", "it's1"])
def test_a_node_without_a_name(name: str) -> None:
    (said,) = problems(host(2, galera_node_name=name))
    assert said == (
        f"galera_node_name is {name!r} on host2; set it in the inventory to a name of lower-case letters, digits, '-' "
        "and '_' that ends in the node's number from 1, such as mariadb1: container and directories are named after it."
    )


def test_a_node_whose_name_is_not_set() -> None:
    nameless = Host("host4", frozenset({"galera"}), given={"galera_address": "192.168.55.164"})
    (said,) = problems(nameless)
    assert said.startswith("galera_node_name is '' on host4; set it in the inventory")


def test_a_name_of_two_nodes() -> None:
    assert problems(host(3, galera_node_name="mariadb1")) == [
        "galera_node_name 'mariadb1' on host1 and host3 is another node's name too. Give each node its own."
    ]


LONG = "m" * 31 + "1"


def test_a_name_that_galera_would_cut() -> None:
    said = (
        f"galera_node_name '{LONG}' on host1 has 32 characters, and 31 are possible: Galera cuts the names of its "
        "members there, and would know them by another name than their hosts do. Choose a shorter one."
    )
    assert problems(host(1, galera_node_name=LONG)) == [said]
    assert problems(host(1, galera_node_name=LONG[1:])) == []
    lives = Traces(Datadir("/d"), containers=(Container(LONG, cluster="galera", datadir="/d"),))
    assert warnings(host(1, galera_node_name=LONG, told=lives)) == [said]
    assert warnings(host(1, galera_node_name=LONG), verb="restore") == [said]


def test_an_arbitrators_name_that_galera_would_cut() -> None:
    (said,) = problems(host(4, "arbitrator", parts={"arbitrator_container": "g" * 32}))
    assert said.startswith(f"arbitrator_container '{'g' * 32}' on host4 has 32 characters, and 31 are possible")


def test_a_name_that_no_container_can_have() -> None:
    assert problems(host(4, "proxysql", parts={"proxysql_container": "my proxy"})) == [
        (
            "proxysql_container is 'my proxy' on host4: a container's name has two or more letters, digits, '-', '_' "
            "and '.', and begins with a letter or digit."
        )
    ]


def test_two_containers_of_one_name() -> None:
    front = host(1, "galera", "proxysql", parts={"proxysql_container": "mariadb1", "keepalived_container": "mariadb0"})
    assert problems(front) == [
        (
            "galera_node_name and proxysql_container are both 'mariadb1' on host1: a host can have one container of a "
            "name. Rename one of them."
        ),
        (
            "galera_bootstrap_container and keepalived_container are both 'mariadb0' on host1: a host can have one "
            "container of a name. Rename one of them."
        ),
    ]


def test_a_host_name_of_the_overlay_that_is_too_long() -> None:
    vote = Host(
        f"{'v' * 40}.example.com",
        frozenset({"arbitrator"}),
        parts={"arbitrator_container": "arbitrator1"},
        given={"galera_address": "192.168.55.164", "galera_network_driver": "weave"},
    )
    assert problems(vote) == []
    vote = Host(f"{'v' * 41}.example.com", vote.groups, parts=vote.parts, given=vote.given)
    name = f"arbitrator1-{'v' * 41}.weave.local"
    assert problems(vote) == [
        (
            f"arbitrator_container makes the host name {name} on {'v' * 41}.example.com, which has 65 characters, and "
            "64 are possible. Choose a shorter name."
        )
    ]


# Accounts.


def test_users() -> None:
    assert problems(galera_monitor_user="root", galera_application_user="app\n") == [
        f"galera_monitor_user is 'root' on {ALL}: that account is the server's own. Choose another name.",
        (
            f"galera_application_user is 'app\\n' on {ALL}: it has a character that cannot be printed, such as a line "
            "break, a tab or a no-break space. Choose another name."
        ),
    ]
    assert problems(mariadb_admin_user="root") == []


def test_umlauts_in_the_name_of_a_user() -> None:
    said = (
        f"galera_application_user is 'müller' on {ALL}: clients send a user's name in a character set of their own, so "
        "the server may not know a name with letters beyond ASCII. Choose another name. Passwords may have any letters."
    )
    assert problems(galera_application_user="müller") == [said]
    assert warnings(galera_application_user="müller", told=SETTLED) == [said]
    # What a backup holds cannot be renamed either.
    assert warnings(galera_application_user="müller", verb="restore") == [said]


def test_two_users_of_one_name() -> None:
    assert problems(mariadb_admin_user="application") == [
        (
            f"mariadb_admin_user and galera_application_user are both 'application' on {ALL}: the second would take "
            "the password and the rights of the first. Choose three names."
        )
    ]


def test_a_database() -> None:
    assert problems(mariadb_application_database="a/b") == [
        f"mariadb_application_database is 'a/b' on {ALL}: a database cannot have / in its name here."
    ]


def test_passwords_are_named_and_not_shown() -> None:
    secret = "hunter2\n"
    assert problems(mariadb_admin_password=secret, mariadb_monitor_password="  ", mariadb_application_password="") == [
        (
            f"mariadb_admin_password cannot be used on {ALL}: it has a character that cannot be printed, such as a "
            "line break, a tab or a no-break space; a block of YAML (|) ends with a line break."
        ),
        f"mariadb_monitor_password cannot be used on {ALL}: it has nothing but blanks.",
    ]
    assert "hunter2" not in repr(cluster(mariadb_admin_password=secret))


# Where clients come from.


def test_client_hosts() -> None:
    assert problems(mariadb_client_hosts="app.example.com") == [
        (
            f"mariadb_client_hosts is 'app.example.com' on {ALL}: the server does not look names up "
            "(skip_name_resolve), so a client is only known by its address. Write an address, a pattern such as "
            "192.168.55.%, or a network such as 192.168.55.0/255.255.255.0."
        )
    ]
    assert problems(mariadb_client_hosts=["10.0.0.%", "fd00::%", 7]) == [
        (
            f"mariadb_client_hosts is 'fd00::%' on {ALL}: this is an IPv6 address, and nodes and proxies are reached "
            "over IPv4. Write IPv4 addresses."
        ),
        f"mariadb_client_hosts is a number on {ALL}: it must be text, or a list of texts.",
    ]
    assert problems(mariadb_client_hosts=[]) == [
        f"mariadb_client_hosts is [] on {ALL}: nobody could log in. Write % for any address."
    ]


@pytest.mark.parametrize("name", ["skip_name_resolve", "skip-name-resolve"])
def test_names_are_right_where_mariadb_looks_them_up(name: str) -> None:
    for value in ("OFF", False, 0):
        config = {"mariadbd": {name: value}, "client": None}
        assert problems(mariadb_client_hosts="app.example.com", mariadb_config=config) == []
    assert len(problems(mariadb_client_hosts="app.example.com", mariadb_config={"mariadbd": {name: "ON"}})) == 1


def test_proxies_that_could_not_log_in() -> None:
    said = (
        "mariadb_client_hosts is 10.0.0.% and 10.1.%, which leaves host4 and host5 out, and the nodes see the "
        "addresses of the proxies there, not those of clients. Add a pattern that has the hosts' addresses in it; it "
        "can be a list."
    )
    narrow = {"mariadb_client_hosts": ["10.0.0.%", "10.1.%"]}
    proxies = [host(number, "proxysql", **narrow) for number in (4, 5)]
    assert problems(*proxies, **narrow) == [said]
    assert warnings(*proxies, told=SETTLED, **narrow) == [said]
    assert problems(*proxies, galera_network_driver="weave", **narrow)[1:] == []


def test_checks_of_the_vip_that_could_not_log_in() -> None:
    assert problems(mariadb_client_hosts="10.0.0.%") == []
    assert problems(mariadb_client_hosts="10.0.0.%", galera_vip="192.168.55.160") == [
        (
            f"mariadb_client_hosts is 10.0.0.%, which leaves {ALL} out, and the checks of the VIP log in from there. "
            "Add a pattern that has the hosts' addresses in it; it can be a list."
        )
    ]
    assert problems(mariadb_client_hosts=["10.0.0.%", "192.168.55.%"], galera_vip="192.168.55.160") == []


# The environment.


def test_an_environment_of_text_numbers_and_booleans() -> None:
    assert problems(mariadb_environment={"MARIADB_AUTO_UPGRADE": 1, "X": True, "F": 1.5, "TZ": "Europe/Berlin"}) == []


def test_an_environment_that_docker_would_refuse() -> None:
    given = {"TZ": None, "L": ["x"], "A=B": "x", "Z": "secret\0"}
    assert problems(mariadb_environment=given) == [
        f"mariadb_environment has 'TZ' on {ALL}, which is null. A value is text, a number, or true or false.",
        f"mariadb_environment has 'L' on {ALL}, which is a list. A value is text, a number, or true or false.",
        (
            f"mariadb_environment has 'A=B' on {ALL}, which is no name of an environment variable. A value is text, a "
            "number, or true or false."
        ),
        (
            f"mariadb_environment has 'Z' on {ALL}, which is text with a zero byte. A value is text, a number, or "
            "true or false."
        ),
    ]
    assert problems(mariadb_environment="TZ=Europe/Berlin") == [
        f"mariadb_environment is text on {ALL}; write it like {{TZ: Europe/Berlin}}."
    ]
