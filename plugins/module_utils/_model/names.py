# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses, accounts and passwords of a cluster in the inventory, as a table: variable, wrong, sentence. Pure.

What Ansible, Docker, Galera or MariaDB would refuse late, cut, or take for something else is refused before anything is
changed. One sentence names all hosts with the same fault. No sentence has a password in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Final

from ansible_collections.dbops.galera.plugins.module_utils._model.inventory import LEAVING, MEMBER, Cluster, Host
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import OFF, setting
from ansible_collections.dbops.galera.plugins.module_utils._model.spelling import (
    CONTAINER_NAME,
    HOST_NAME_LENGTH,
    MEMBER_LENGTH,
    NODE_NAME,
    address_fault,
    admits,
    client_host_fault,
    database_fault,
    is_inside,
    is_ipv4,
    is_ipv6,
    network_of,
    password_fault,
    user_fault,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

# Verbs that make nodes or accounts, and playbooks of one's own. No other verb is kept from its work by a name.
PREPARING = ("site", "add_node", "remove_node", "replace_node", "restore", "playbook")
NETWORKS = ("host", "weave", "macvlan")
PROXY, VIP_HOST, ARBITRATOR = "proxysql", "keepalived", "arbitrator"
# Names in the overlay end so.
OVERLAY_DOMAIN = ".weave.local"
# In the place of a value that Ansible cannot render.
UNREADABLE: Final = object()

PASSWORDS = ("mariadb_admin_password", "mariadb_monitor_password", "mariadb_application_password")
USERS = ("mariadb_admin_user", "galera_monitor_user", "galera_application_user")
# What the roles take where the inventory says nothing; a test compares them with the roles' defaults.
DEFAULTS: Mapping[str, Any] = {
    "galera_cluster_name": "galera",
    "galera_network_driver": "host",
    "galera_container_address": "",
    "galera_macvlan_subnet": "",
    "galera_macvlan_gateway": "",
    "galera_vip": "",
    "galera_monitor_user": "monitor",
    "galera_application_user": "application",
    "mariadb_admin_user": "admin",
    "mariadb_application_database": "application",
    "mariadb_client_hosts": "%",
    "mariadb_environment": {},
    "mariadb_config": {},
}
TEXTS = (
    "galera_cluster_name",
    "galera_node_name",
    "galera_network_driver",
    "galera_address",
    "galera_container_address",
    "galera_macvlan_subnet",
    "galera_macvlan_gateway",
    "galera_vip",
    "galera_bootstrap_container",
    "mariadb_application_database",
    *USERS,
)
# What is read of each host. galera_node is what the role galera has published of it: rendered, with its own defaults.
VARIABLES = tuple(dict.fromkeys([*DEFAULTS, *TEXTS, *PASSWORDS, "galera_node"]))


@dataclass(frozen=True)
class Entry:
    """A host of a cluster, as the inventory has it."""

    cluster: Cluster
    host: Host

    def value(self, variable: str) -> Any:
        return self.host.given.get(variable, DEFAULTS.get(variable))

    def text(self, variable: str) -> str | None:
        """A value that is text; a row of its own reports another kind, and Ansible one that cannot be read."""
        value = self.value(variable)
        return str(value) if isinstance(value, str) else None

    @property
    def member(self) -> bool:
        return MEMBER in self.host.groups

    @property
    def node(self) -> str:
        return self.text("galera_node_name") or ""

    @property
    def driver(self) -> str:
        return self.text("galera_network_driver") or ""

    @property
    def address(self) -> str:
        """On the LAN, empty where it is not known."""
        return self._published("lan_address") or self.text("galera_address") or ""

    @property
    def container_address(self) -> str:
        return self.text("galera_container_address") or ""

    @property
    def bootstrap_container(self) -> str:
        return self._published("bootstrap_container") or self.host.bootstrap_container

    @property
    def client_hosts(self) -> list[Any]:
        given = self.value("mariadb_client_hosts")
        return list(given) if isinstance(given, (list, tuple)) else [given]

    @property
    def carried(self) -> bool:
        """Whether the host tells of a node of this name already, or is to get it back: nobody can rename that."""
        told = self.host.told
        found = bool(told and self.node and (told.container(self.node) or told.record(self.node)))
        return found or self.cluster.run.verb == "restore"

    @property
    def containers(self) -> list[tuple[str, str]]:
        """The variables that name containers of this host, with the names."""
        # By default it follows from the node's name, which has a row of its own.
        named = self.member and NODE_NAME.fullmatch(self.node)
        own = {"galera_bootstrap_container": self.bootstrap_container} if named else {}
        return [*own.items(), *self.host.parts.items()]

    @property
    def peers(self) -> list[Entry]:
        """The other members."""
        return [entry for entry in members(self.cluster) if entry.host.name != self.host.name]

    def _published(self, name: str) -> str:
        node = self.host.given.get("galera_node")
        value = node.get(name) if isinstance(node, Mapping) else None
        return str(value) if isinstance(value, str) else ""


def entries(cluster: Cluster) -> list[Entry]:
    """All hosts but those that only leave."""
    return [Entry(cluster, host) for host in cluster.hosts if not host.groups <= {LEAVING}]


def members(cluster: Cluster) -> list[Entry]:
    return [entry for entry in entries(cluster) if entry.member]


def has(cluster: Cluster, group: str) -> bool:
    return any(group in host.groups for host in cluster.hosts)


def _always(_subject: object) -> bool:
    return True


def _never(_subject: object) -> bool:
    return False


@dataclass(frozen=True)
class Row:
    """What can be wrong with a variable on a host. wrong gives each thing, and equal things of hosts get one sentence.

    sentence is given the thing and the hosts. Where mild holds it is a warning: what lives already cannot be renamed.
    """

    variable: str
    wrong: Callable[[Entry], Iterable[Any]]
    sentence: Callable[[Any, str], str]
    applies: Callable[[Entry], bool] = _always
    mild: Callable[[Entry], bool] = _never


@dataclass(frozen=True)
class ClusterRow:
    """What can be wrong with the hosts of a cluster together."""

    variable: str
    wrong: Callable[[Cluster], Iterable[str]]
    sentence: Callable[[Cluster, str], str]


@dataclass(frozen=True)
class Faults:
    """problems refuse the run."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judge_names(cluster: Cluster) -> Faults:
    """What is wrong with the names of a cluster; nothing, for a verb that neither makes nodes nor accounts."""
    if cluster.run.verb not in PREPARING:
        return Faults()
    problems = [row.sentence(cluster, thing) for row in CLUSTERS for thing in row.wrong(cluster)]
    warnings: list[str] = []
    for row in HOSTS:
        found: dict[tuple[bool, Hashable], list[str]] = {}
        for entry in filter(row.applies, entries(cluster)):
            for thing in row.wrong(entry):
                found.setdefault((row.mild(entry), thing), []).append(entry.host.name)
        for (mild, thing), hosts in found.items():
            (warnings if mild else problems).append(row.sentence(thing, joined(list(dict.fromkeys(hosts)))))
    return Faults(tuple(problems), tuple(warnings))


# The cluster.


def _single(cluster: Cluster) -> Iterator[str]:
    found = members(cluster)
    if len(found) == 1:
        yield found[0].host.name


def _say_single(cluster: Cluster, member: str) -> str:
    return (
        f"The cluster {cluster.name} has one node ({member}); a highly available database needs three, or two and an "
        "arbitrator. Add hosts to the group galera."
    )


def _leaving(cluster: Cluster) -> Iterator[str]:
    leaving = [host.name for host in cluster.hosts if LEAVING in host.groups]
    if leaving and cluster.run.verb not in ("remove_node", "replace_node"):
        yield ", ".join(leaving)


def _say_leaving(cluster: Cluster, hosts: str) -> str:
    return (
        f"{hosts}: in the group leaving, so a node of {cluster.name} is on its way out. Run remove_node or "
        "replace_node to the end, and take the hosts out of the group leaving."
    )


def _stems(cluster: Cluster) -> Iterator[str]:
    """In the overlay a joiner finds the bootstrap container by its name, and looks for one only."""
    found: dict[str, list[str]] = {}
    for entry in members(cluster):
        if entry.driver == "weave" and entry.bootstrap_container:
            found.setdefault(entry.bootstrap_container, []).append(entry.host.name)
    if len(found) > 1:
        yield ", ".join(f"{name} on {joined(hosts)}" for name, hosts in found.items())


def _say_stems(cluster: Cluster, found: str) -> str:
    first = next((entry.bootstrap_container for entry in members(cluster) if entry.bootstrap_container), "")
    return (
        f"galera_bootstrap_container is {found}. With galera_network_driver weave a node that joins looks for the one "
        f"that bootstraps under its own name for it. Set it to one name for all hosts of {cluster.name} (group_vars), "
        f"such as {first}."
    )


CLUSTERS: tuple[ClusterRow, ...] = (
    ClusterRow("galera", _single, _say_single),
    ClusterRow("leaving", _leaving, _say_leaving),
    ClusterRow("galera_bootstrap_container", _stems, _say_stems),
)


# A host: what is text, and can be read.


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    ((list, tuple), "a list"),
    (Mapping, "a mapping"),
)


def _kind(value: object) -> str:
    """What a value is to YAML that is not text."""
    return next((kind for types, kind in _KINDS if isinstance(value, types)), "a date" if value is not None else "null")


def _not_texts(entry: Entry) -> Iterator[tuple[str, str]]:
    for variable in (*TEXTS, *PASSWORDS):
        value = entry.host.given.get(variable, "")
        # A password that is null is missing: the roles that use it report that.
        if not isinstance(value, str) and value is not UNREADABLE and (value is not None or variable in TEXTS):
            yield variable, _kind(value)


def _say_not_text(found: tuple[str, str], where: str) -> str:
    variable, kind = found
    way_out = "Remove the line, or give it a value" if kind == "null" else "Write it in quotes"
    return f"{variable} is {kind} on {where}, where text is wanted. {way_out}."


def _unreadable(entry: Entry) -> Iterator[str]:
    for variable in PASSWORDS:
        if entry.value(variable) is UNREADABLE:
            yield variable


def _say_unreadable(variable: str, where: str) -> str:
    return (
        f"{variable} cannot be read on {where}: Ansible fails to render it. If the password has {{{{, {{% or {{# in "
        "it, write the tag !unsafe in front of it; else look at what it refers to."
    )


# Networks.


def _driver(entry: Entry) -> Iterator[str]:
    driver = entry.text("galera_network_driver")
    if driver is not None and driver not in NETWORKS:
        yield driver


def _say_driver(driver: str, where: str) -> str:
    return f"galera_network_driver is {driver!r} on {where}; it must be one of {', '.join(NETWORKS)}."


def _address(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.address and (fault := address_fault(entry.address, names=True)):
        yield entry.address, fault


def _say_address(found: tuple[str, str], where: str) -> str:
    return f"galera_address is {found[0]!r} on {where}: {found[1]}."


def _shared_address(entry: Entry) -> Iterator[str]:
    if entry.address and entry.address in [peer.address for peer in entry.peers]:
        yield entry.address


def _say_shared_address(address: str, where: str) -> str:
    return f"galera_address {address} on {where} is another node's address too. Give each node its own."


def _container_address(entry: Entry) -> Iterator[tuple[str, str]]:
    address = entry.text("galera_container_address")
    if not address:
        return
    subnet = network_of(entry.text("galera_macvlan_subnet") or "")
    hosts = [other.host.name for other in entries(entry.cluster) if address == other.address]
    if fault := address_fault(address):
        yield address, fault
    elif hosts:
        yield address, f"that is the address of {joined(hosts)}, and the container needs one of its own"
    elif address in [peer.container_address for peer in entry.peers]:
        yield address, "that is another node's galera_container_address too"
    elif subnet and not is_inside(address, subnet):
        yield address, f"it is not in galera_macvlan_subnet {subnet}"


def _say_container_address(found: tuple[str, str], where: str) -> str:
    return f"galera_container_address is {found[0]!r} on {where}: {found[1]}."


def _no_container_address(entry: Entry) -> Iterator[str]:
    if entry.text("galera_container_address") == "":
        yield ""


def _say_no_container_address(_found: str, where: str) -> str:
    return f"galera_container_address is not set on {where}; macvlan needs an address of the LAN for each container."


def _no_subnet(entry: Entry) -> Iterator[str]:
    if entry.text("galera_macvlan_subnet") == "":
        yield ""


def _say_no_subnet(_found: str, _where: str) -> str:
    return "galera_macvlan_subnet is not set; macvlan needs the LAN's subnet, such as 192.168.55.0/24."


def _subnet(entry: Entry) -> Iterator[tuple[str, str, str]]:
    given, gateway = entry.text("galera_macvlan_subnet"), entry.text("galera_macvlan_gateway")
    subnet = network_of(given or "")
    if given and subnet is None:
        yield "galera_macvlan_subnet", given, "it must be an IPv4 network such as 192.168.55.0/24"
    if gateway and not is_ipv4(gateway):
        yield "galera_macvlan_gateway", gateway, "it must be an IPv4 address such as 192.168.55.1, or empty"
    elif gateway and subnet and not is_inside(gateway, subnet):
        yield "galera_macvlan_gateway", gateway, f"it is not in galera_macvlan_subnet {subnet}"


def _say_subnet(found: tuple[str, str, str], where: str) -> str:
    return f"{found[0]} is {found[1]!r} on {where}: {found[2]}."


# The VIP.


def _vip_ipv6(entry: Entry) -> Iterator[str]:
    vip = entry.text("galera_vip")
    if vip and is_ipv6(vip):
        yield vip


def _say_vip_ipv6(vip: str, where: str) -> str:
    return (
        f"galera_vip is '{vip}' on {where}: this is an IPv6 address, and nodes and proxies listen on IPv4. Give the "
        "VIP a free IPv4 address of the hosts' LAN. For clients with IPv6 alone, put a load balancer of your own in "
        "front."
    )


def _vip_of_a_host(entry: Entry) -> Iterator[str]:
    vip = entry.text("galera_vip")
    if vip and vip in (entry.address, entry.container_address):
        yield vip


def _say_vip_of_a_host(vip: str, where: str) -> str:
    return f"galera_vip {vip} is the address of {where}; the VIP must be an address of its own."


def _vip_to_nowhere(entry: Entry) -> Iterator[tuple[str, str]]:
    vip = entry.text("galera_vip")
    if vip and entry.driver in NETWORKS and entry.driver != "host" and not has(entry.cluster, PROXY):
        yield vip, entry.driver


def _say_vip_to_nowhere(found: tuple[str, str], _where: str) -> str:
    return (
        f"galera_vip {found[0]} leads nowhere with galera_network_driver {found[1]} and no host in the group proxysql: "
        "the nodes do not listen on their hosts' addresses then. Add ProxySQL, or use the driver host."
    )


def _no_vip(entry: Entry) -> Iterator[str]:
    if entry.text("galera_vip") == "" and has(entry.cluster, VIP_HOST):
        yield ""


def _say_no_vip(_found: str, _where: str) -> str:
    return (
        "galera_vip is not set, yet the group keepalived has hosts; give the address that applications are to connect "
        "to."
    )


# Nodes and containers.


def _node_name(entry: Entry) -> Iterator[str]:
    if "galera_node_name" not in entry.host.given:
        yield ""
    elif (name := entry.text("galera_node_name")) is not None and not NODE_NAME.fullmatch(name):
        yield name


def _say_node_name(name: str, where: str) -> str:
    return (
        f"galera_node_name is {name!r} on {where}; set it in the inventory to a name of lower-case letters, digits, "
        "'-' and '_' that ends in the node's number from 1, such as mariadb1: container and directories are named "
        "after it."
    )


def _long_names(entry: Entry) -> Iterator[tuple[str, str]]:
    arbitrator = entry.host.parts.get("arbitrator_container", "")
    names = [("galera_node_name", entry.node if entry.member else ""), ("arbitrator_container", arbitrator)]
    yield from ((variable, name) for variable, name in names if len(name) > MEMBER_LENGTH)


def _say_long_name(found: tuple[str, str], where: str) -> str:
    variable, name = found
    return (
        f"{variable} '{name}' on {where} has {len(name)} characters, and {MEMBER_LENGTH} are possible: Galera cuts the "
        "names of its members there, and would know them by another name than their hosts do. Choose a shorter one."
    )


def _shared_name(entry: Entry) -> Iterator[str]:
    if entry.node and entry.node in [peer.node for peer in entry.peers]:
        yield entry.node


def _say_shared_name(name: str, where: str) -> str:
    return f"galera_node_name '{name}' on {where} is another node's name too. Give each node its own."


def _container_names(entry: Entry) -> Iterator[tuple[str, str]]:
    for variable, name in entry.containers:
        if name and not CONTAINER_NAME.fullmatch(name):
            yield variable, name


def _say_container_name(found: tuple[str, str], where: str) -> str:
    return (
        f"{found[0]} is {found[1]!r} on {where}: a container's name has two or more letters, digits, '-', '_' and '.', "
        "and begins with a letter or digit."
    )


def _twin_containers(entry: Entry) -> Iterator[tuple[str, str]]:
    seen = {entry.node: "galera_node_name"} if entry.member and entry.node else {}
    for variable, name in entry.containers:
        if name in seen:
            yield f"{seen[name]} and {variable}", name
        seen.setdefault(name, variable)


def _say_twin_containers(found: tuple[str, str], where: str) -> str:
    return f"{found[0]} are both '{found[1]}' on {where}: a host can have one container of a name. Rename one of them."


def _host_names(entry: Entry) -> Iterator[tuple[str, str]]:
    """Of containers in the overlay. A node's name is short enough by the row of long names."""
    short = entry.host.name.partition(".")[0]
    ends = {"proxysql_container": "", "arbitrator_container": f"-{short}"}
    for variable, name in entry.host.parts.items():
        if variable in ends and len(name + ends[variable] + OVERLAY_DOMAIN) > HOST_NAME_LENGTH:
            yield variable, name + ends[variable] + OVERLAY_DOMAIN


def _say_host_name(found: tuple[str, str], where: str) -> str:
    return (
        f"{found[0]} makes the host name {found[1]} on {where}, which has {len(found[1])} characters, and "
        f"{HOST_NAME_LENGTH} are possible. Choose a shorter name."
    )


# Accounts and the database.


def _user(entry: Entry) -> Iterator[tuple[str, str, str]]:
    for variable in USERS:
        name = entry.text(variable)
        if name is not None and (fault := user_fault(name, of_socket=variable != "mariadb_admin_user")):
            yield variable, name, fault


def _say_user(found: tuple[str, str, str], where: str) -> str:
    variable, name, fault = found
    return f"{variable} is {name!r} on {where}: {fault}. Choose another name."


def _foreign_letters(entry: Entry) -> Iterator[tuple[str, str]]:
    for variable in USERS:
        name = entry.text(variable) or ""
        if name.isprintable() and not name.isascii():
            yield variable, name


def _say_foreign_letters(found: tuple[str, str], where: str) -> str:
    return (
        f"{found[0]} is '{found[1]}' on {where}: clients send a user's name in a character set of their own, so the "
        "server may not know a name with letters beyond ASCII. Choose another name. Passwords may have any letters."
    )


def _twin_users(entry: Entry) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for variable in USERS:
        name = entry.text(variable)
        if name and name in seen:
            yield f"{seen[name]} and {variable}", name
        elif name:
            seen[name] = variable


def _say_twin_users(found: tuple[str, str], where: str) -> str:
    return (
        f"{found[0]} are both '{found[1]}' on {where}: the second would take the password and the rights of the first. "
        "Choose three names."
    )


def _database(entry: Entry) -> Iterator[tuple[str, str]]:
    name = entry.text("mariadb_application_database")
    if name is not None and (fault := database_fault(name)):
        yield name, fault


def _say_database(found: tuple[str, str], where: str) -> str:
    return f"mariadb_application_database is {found[0]!r} on {where}: {found[1]}."


def _password(entry: Entry) -> Iterator[tuple[str, str]]:
    for variable in PASSWORDS:
        # The roles that use it report one that is missing or empty.
        value = entry.text(variable)
        if value and (fault := password_fault(value)):
            yield variable, fault


def _say_password(found: tuple[str, str], where: str) -> str:
    return f"{found[0]} cannot be used on {where}: {found[1]}."


# Where clients come from.


def _resolves(entry: Entry) -> bool:
    """Whether mariadb_config has the servers look up the names of their clients."""
    return str(setting(entry.value("mariadb_config"), "skip_name_resolve", "ON")).lower() in OFF


def _client_hosts(entry: Entry) -> Iterator[tuple[str, str]]:
    found = entry.client_hosts
    if not found:
        yield "[]", "nobody could log in. Write % for any address"
    for pattern in found:
        if pattern is UNREADABLE:
            continue
        if not isinstance(pattern, str):
            yield _kind(pattern), "it must be text, or a list of texts"
        elif fault := client_host_fault(pattern, _resolves(entry)):
            yield repr(str(pattern)), fault


def _say_client_hosts(found: tuple[str, str], where: str) -> str:
    return f"mariadb_client_hosts is {found[0]} on {where}: {found[1]}."


def _logs_in(entry: Entry) -> bool:
    """Whether something of the collection on this host logs in at the nodes over the LAN, by an address of the host."""
    if entry.driver != "host":
        return False
    if has(entry.cluster, PROXY):
        return PROXY in entry.host.groups
    return entry.member and bool(entry.text("galera_vip"))


def _kept_out(entry: Entry) -> Iterator[tuple[str, bool]]:
    patterns = [pattern for pattern in entry.client_hosts if isinstance(pattern, str)]
    if patterns and is_ipv4(entry.address) and not admits(patterns, entry.address):
        yield " and ".join(patterns), has(entry.cluster, PROXY)


def _say_kept_out(found: tuple[str, bool], where: str) -> str:
    patterns, by_proxy = found
    why = (
        "the nodes see the addresses of the proxies there, not those of clients"
        if by_proxy
        else "the checks of the VIP log in from there"
    )
    return (
        f"mariadb_client_hosts is {patterns}, which leaves {where} out, and {why}. Add a pattern that has the hosts' "
        "addresses in it; it can be a list."
    )


# The environment.


def _environment(entry: Entry) -> Iterator[tuple[str, str]]:
    given = entry.value("mariadb_environment")
    if given is UNREADABLE:
        return
    if not isinstance(given, Mapping):
        yield "", _kind(given) if not isinstance(given, str) else "text"
        return
    for name, value in given.items():
        if not isinstance(name, str) or not name or "=" in name or not name.isprintable():
            yield str(name), "no name of an environment variable"
        elif not isinstance(value, (str, bool, int, float)):
            yield name, _kind(value)
        elif isinstance(value, str) and "\0" in value:
            yield name, "text with a zero byte"


def _say_environment(found: tuple[str, str], where: str) -> str:
    name, kind = found
    if not name:
        return f"mariadb_environment is {kind} on {where}; write it like {{TZ: Europe/Berlin}}."
    return f"mariadb_environment has {name!r} on {where}, which is {kind}. A value is text, a number, or true or false."


def _is_member(entry: Entry) -> bool:
    return entry.member


def _is_macvlan(entry: Entry) -> bool:
    return entry.driver == "macvlan"


def _lives(entry: Entry) -> bool:
    """Whether the cluster has this name already; restored data have it, too, though the hosts may be empty."""
    return entry.cluster.known or entry.cluster.run.verb == "restore"


HOSTS: tuple[Row, ...] = (
    Row("texts", _not_texts, _say_not_text),
    Row("passwords", _unreadable, _say_unreadable),
    Row("galera_network_driver", _driver, _say_driver),
    Row("galera_node_name", _node_name, _say_node_name, applies=_is_member),
    Row("galera_node_name", _shared_name, _say_shared_name, applies=_is_member),
    Row("galera_node_name", _long_names, _say_long_name, mild=lambda entry: entry.carried),
    Row("containers", _container_names, _say_container_name),
    Row("containers", _twin_containers, _say_twin_containers),
    Row("containers", _host_names, _say_host_name, applies=lambda entry: entry.driver == "weave"),
    Row("galera_address", _address, _say_address),
    Row("galera_address", _shared_address, _say_shared_address),
    Row(
        "galera_container_address",
        _no_container_address,
        _say_no_container_address,
        applies=lambda entry: entry.member and _is_macvlan(entry),
    ),
    Row(
        "galera_container_address",
        _container_address,
        _say_container_address,
        applies=lambda entry: entry.member and _is_macvlan(entry),
    ),
    Row("galera_macvlan_subnet", _no_subnet, _say_no_subnet, applies=_is_macvlan),
    Row("galera_macvlan_subnet", _subnet, _say_subnet, applies=_is_macvlan),
    Row("galera_vip", _vip_ipv6, _say_vip_ipv6, applies=lambda entry: has(entry.cluster, VIP_HOST)),
    Row("galera_vip", _vip_of_a_host, _say_vip_of_a_host),
    Row("galera_vip", _vip_to_nowhere, _say_vip_to_nowhere),
    Row("galera_vip", _no_vip, _say_no_vip, applies=lambda entry: not entry.host.groups <= {ARBITRATOR, LEAVING}),
    Row("users", _user, _say_user),
    Row("users", _foreign_letters, _say_foreign_letters, mild=_lives),
    Row("users", _twin_users, _say_twin_users),
    Row("mariadb_application_database", _database, _say_database, applies=_is_member),
    Row("passwords", _password, _say_password),
    Row("mariadb_client_hosts", _client_hosts, _say_client_hosts, applies=_is_member),
    Row("mariadb_client_hosts", _kept_out, _say_kept_out, applies=_logs_in, mild=_lives),
    Row("mariadb_environment", _environment, _say_environment, applies=_is_member),
)
