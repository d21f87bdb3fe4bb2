# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.allowlist import allowlist, wanted

VIP = "10.0.0.10"


def host(number: int, *more: str, **variables: Any) -> dict[str, Any]:
    address = f"10.0.0.{number}"
    facts = {
        "interfaces": ["lo", "br-lan", "docker0", "br-3f0c5a9912de"],
        "all_ipv4_addresses": [address, *more, "172.17.0.1", "172.18.0.1", "172.18.0.2"],
        # The address of Keepalived takes the place of the host's own in these facts.
        "br_lan": {"ipv4": {"address": VIP}},
        "docker0": {"ipv4": {"address": "172.17.0.1"}},
        "br_3f0c5a9912de": {"ipv4": {"address": "172.18.0.1"}, "ipv4_secondaries": [{"address": "172.18.0.2"}]},
    }
    node = {"name": f"mariadb{number}", "address": address, "lan_address": address}
    return {"galera_node": {**node, **variables}, "ansible_facts": facts}


def arbitrator(number: int, **variables: Any) -> dict[str, Any]:
    return host(number, name="", address="", **variables)


def test_the_addresses_of_members_and_arbitrators() -> None:
    hosts = [host(11), host(2, VIP), host(3), arbitrator(4)]
    assert allowlist(hosts, "host", [VIP, ""]) == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.11"]


def test_further_addresses_of_a_host() -> None:
    """An IST is sent from the address that the host's routes choose."""
    assert allowlist([host(1, "192.168.7.1")], "host") == ["10.0.0.1", "192.168.7.1"]


def test_a_host_that_is_lost_keeps_its_place() -> None:
    assert allowlist([host(1), {**host(2), "ansible_facts": {}}], "host") == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("driver", "changed"),
    [
        ("weave", {}),
        # Behind a router, and a name.
        ("host", {"galera_node": {"name": "mariadb2", "address": "203.0.113.7"}}),
        ("host", {"galera_node": {"name": "mariadb2", "address": "db2.example.com"}, "ansible_facts": {}}),
        ("host", {"galera_node": {"name": "", "lan_address": "203.0.113.7"}}),
    ],
)
def test_where_addresses_cannot_be_foreseen_everybody_may(driver: str, changed: dict[str, Any]) -> None:
    assert allowlist([host(1), {**host(2), **changed}], driver) == []


def test_containers_with_addresses_of_their_own() -> None:
    hosts = [host(1, address="10.0.0.101"), host(2, address="10.0.0.102"), arbitrator(3)]
    assert allowlist(hosts, "macvlan") == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.101", "10.0.0.102"]


@pytest.mark.parametrize(
    ("tables", "aim"),
    [
        ([["a", "b"], ["b", "a"]], None),
        ([["a"], ["a", "b"]], ["a", "b"]),
        ([[], []], ["a", "b"]),
        ([["a", "b", "c"]], ["a", "b"]),
        # A server before 10.10 has no table, and a row would put it out of the cluster; nor is it known what one that
        # does not tell has.
        ([None, None], None),
        ([["a"], None], None),
    ],
)
def test_when_the_table_is_replaced(tables: list[list[str] | None], aim: list[str] | None) -> None:
    assert wanted(["b", "a"], tables) == aim


def test_nobody_is_kept_out_any_more() -> None:
    assert wanted([], [["a"]]) == []
