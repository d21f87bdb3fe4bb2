# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spellings that are right, and those that are refused, each at its limit."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.spelling import (
    CONTAINER_NAME,
    DATABASE_LENGTH,
    MEMBER_LENGTH,
    NODE_NAME,
    PASSWORD_BYTES,
    USER_LENGTH,
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
from hypothesis import example, given
from hypothesis import strategies as st

ipv4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
printable = st.text(st.characters(exclude_categories=("C", "Zl", "Zp"), include_characters=" ")).filter(str.isprintable)


@pytest.mark.parametrize("name", ["mariadb1", "db-a_2", "a1", "mariadb01", "x" * (MEMBER_LENGTH - 1) + "9"])
def test_names_of_nodes(name: str) -> None:
    assert NODE_NAME.fullmatch(name)
    assert CONTAINER_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["", "db", "db0", "1db1", "Mariadb1", "böse1", "my db1", "mariadb1\n", "it's1", "a/b1"]
)
def test_what_is_no_name_of_a_node(name: str) -> None:
    assert not NODE_NAME.fullmatch(name)


@pytest.mark.parametrize("text", ["192.168.55.161", "10.0.0.1", "db1", "db1.example.com", "db_1"])
def test_addresses_of_hosts(text: str) -> None:
    assert address_fault(text, names=True) == ""
    assert (address_fault(text) == "") is is_ipv4(text)


@pytest.mark.parametrize("text", ["fd00::1", "::1", "[fd00::1]", "fe80::1%eth0", "fd00::1/64", "::ffff:192.0.2.1"])
def test_ipv6_is_refused_by_name(text: str) -> None:
    assert is_ipv6(text)
    for fault in (address_fault(text), address_fault(text, names=True)):
        assert fault.startswith("this is an IPv6 address")
        assert "Give the host an IPv4 address on the LAN" in fault


@pytest.mark.parametrize(
    "text",
    ["192.168.55.161:3306", "192.168.55.161/24", " 192.168.55.161", "192.168.055.011", "300.1.1.1", "10.1", "", "höst"],
)
def test_what_is_no_address(text: str) -> None:
    assert address_fault(text, names=True).startswith(
        "it must be an IPv4 address such as 192.168.55.161 or a host name"
    )


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.1.1", "0.0.0.0", "224.0.0.18"])
def test_addresses_that_nobody_else_reaches(text: str) -> None:
    assert address_fault(text) == "no other host can reach that address. Write the host's address on the LAN"


@given(ipv4)
def test_every_ipv4_address_is_one_and_no_ipv6_address(text: str) -> None:
    assert is_ipv4(text)
    assert not is_ipv6(text)


def test_networks() -> None:
    network = network_of("192.168.55.0/24")
    assert network is not None
    assert is_inside("192.168.55.171", network)
    assert not is_inside("192.168.56.171", network)
    assert not is_inside("fd00::1", network)
    assert [network_of(text) for text in ("192.168.55.0", "fd00::/64", "192.168.55.0/33", "x/24", "")] == [None] * 5


@pytest.mark.parametrize(
    "name", ["app", "app user", "it's", 'a"b', "a\\b", "a#b", "x@y.z", "u" * USER_LENGTH, "müller"]
)
def test_users(name: str) -> None:
    assert user_fault(name, of_socket=True) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "it is empty"),
        ("u" * 129, "it has 129 characters, and 128 are possible"),
        ("app\n", "it has a character that cannot be printed, such as a line break, a tab or a no-break space"),
        (" app", "it begins or ends with a blank"),
        ("mysql", "that account is the server's own"),
        ("mariadb.sys", "that account is the server's own"),
        ("public", "that account is the server's own"),
        ("root", "that account is the server's own"),
    ],
)
def test_users_that_are_refused(name: str, fault: str) -> None:
    assert user_fault(name, of_socket=True) == fault


def test_the_administrator_may_be_root_from_elsewhere() -> None:
    assert user_fault("root") == ""


@pytest.mark.parametrize(
    "name", ["app", "my_app", "my-app", "my app", "bücher", "日本", "it's", "d" * DATABASE_LENGTH, "ü" * 51, "-" * 51]
)
def test_databases(name: str) -> None:
    assert database_fault(name) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "it is empty"),
        ("d" * 65, "it has 65 characters, and 64 are possible"),
        ("ü" * 52, "its directory's name could have 260 bytes, and 255 are possible: take a shorter one"),
        ("a\tb", "it has a character that cannot be printed, such as a line break, a tab or a no-break space"),
        ("app ", "it begins or ends with a blank"),
        ("MySQL", "that name is reserved"),
        ("all", "that name is reserved"),
        ("a/b", "a database cannot have / in its name here"),
        ("a.b,c", "a database cannot have , or . in its name here"),
        ("app%", "a database cannot have % in its name here"),
        ("😀", "MariaDB's names have no characters beyond U+FFFF, such as emoji"),
        ("#mysql50#a", "a name that begins with '#mysql50#' means something else"),
        ("FUNCTION f", "a name that begins with 'FUNCTION ' means something else"),
    ],
)
def test_databases_that_are_refused(name: str, fault: str) -> None:
    assert database_fault(name) == fault


@pytest.mark.parametrize(
    "password",
    ["pässwörd", "пароль€", "日本", "😀", "it's", 'a"b#c', "a\\", "%s%", "{{ x }}", " a ", "$HOME", "*abc", "a:b", "0"],
)
def test_passwords(password: str) -> None:
    assert password_fault(password) == ""


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("   ", "it has nothing but blanks"),
        ("secret\n", "it has a character that cannot be printed"),
        ("sec\u00a0ret", "it has a character that cannot be printed"),
        ("sec\u200bret", "it has a character that cannot be printed"),
        ("sec\udc80ret", "it has a character that cannot be printed"),
        ("*" + "0123456789ABCDEF0123456789abcdef01234567", "it looks like the hash of a password"),
        ("ü" * (PASSWORD_BYTES // 2) + "x", "it has more than 1000 bytes"),
    ],
)
def test_passwords_that_are_refused(password: str, fault: str) -> None:
    assert password_fault(password).startswith(fault)


@given(printable.filter(str.strip))
@example("ü" * (PASSWORD_BYTES // 2))
def test_every_printable_password_is_right(password: str) -> None:
    assert password_fault(password) == "" or len(password.encode()) > PASSWORD_BYTES or password[0] in "*$"


@given(st.text(min_size=8))
def test_no_fault_of_a_password_quotes_it(password: str) -> None:
    assert password not in password_fault(password)


@pytest.mark.parametrize(
    "pattern", ["%", "192.168.55.%", "10.%", "192.168.55.1_", "192.168.55.161", "10.0.0.0/255.0.0.0", "%.%.%.%"]
)
def test_client_hosts(pattern: str) -> None:
    assert client_host_fault(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", "it is empty. Write % for any address"),
        ("localhost", "localhost is the socket in a node's container"),
        ("app.example.com", "the server does not look names up (skip_name_resolve)"),
        ("%.example.com", "the server does not look names up (skip_name_resolve)"),
        ("fd00::%", "this is an IPv6 address"),
        ("10.0.0.0/24", "MariaDB does not know prefix lengths. Write 10.0.0.0/255.255.255.0"),
        ("10.0.0.5/24", "MariaDB does not know prefix lengths. Write 10.0.0.0/255.255.255.0"),
        ("10.0.0.5/255.255.255.0", "no client matches that: the netmask leaves 10.0.0.0 of 10.0.0.5"),
        ("10.0.0.0/x", "a network has an address and a netmask"),
        ("10.0.0.0/99", "a network has an address and a netmask"),
        ("10.0.0", "no client has that address. Write all four numbers"),
        ("10.0.0.%, 10.0.1.%", "the server does not look names up"),
    ],
)
def test_client_hosts_that_never_match(pattern: str, fault: str) -> None:
    assert client_host_fault(pattern).startswith(fault)


def test_names_are_right_where_the_server_looks_them_up() -> None:
    assert client_host_fault("%.example.com", resolved=True) == ""
    assert client_host_fault("app 1", resolved=True) != ""


@pytest.mark.parametrize(
    ("pattern", "admitted"),
    [
        ("%", True),
        ("192.168.55.%", True),
        ("192.168.5_.161", True),
        ("192.168.55.0/255.255.255.0", True),
        ("app.example.com", True),
        ("192.168.55.1", False),
        ("192.168.5.%", False),
        ("192x168.55.%", True),
        ("10.0.0.0/255.0.0.0", False),
        ("10.0.0.0/255.0.0", False),
    ],
)
def test_who_is_let_in(pattern: str, admitted: bool) -> None:
    assert admits(["10.9.9.9", pattern], "192.168.55.161") is admitted


@given(ipv4)
def test_an_address_lets_itself_in_and_its_network(address: str) -> None:
    assert admits([address], address)
    for bits in (8, 16, 24):
        network = ipaddress.IPv4Network(f"{address}/{bits}", strict=False)
        assert client_host_fault(network.with_netmask) == ""
        assert admits([network.with_netmask], address)
        assert admits([f"{address.rpartition('.')[0]}.%"], address)
