# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the spelling of one name, address or password. Pure.

Each function whose name ends in _fault returns the end of a sentence, such as "it is empty", or "" where nothing is
wrong. The fault of a password never quotes it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

# Galera hands names of members around in 32 bytes, the last of which is zero (wsrep_api.h: WSREP_MEMBER_NAME_LEN). What
# is longer is cut, and the nodes' records would name members that are in no view.
MEMBER_LENGTH = 31
# https://man7.org/linux/man-pages/man2/sethostname.2.html
HOST_NAME_LENGTH = 64
# Since MariaDB 10.6 (include/mysql_com.h: USERNAME_CHAR_LENGTH); NAME_CHAR_LEN for a database.
USER_LENGTH, DATABASE_LENGTH = 128, 64
# Of a name in a directory. MariaDB writes other characters than letters, digits and _ of ASCII as up to five bytes:
# https://mariadb.com/kb/en/identifier-to-file-name-mapping/
FILE_NAME_LENGTH = 255
# Clients read option files in lines of 4096 bytes (mysys/my_default.c), and quoting can double a password.
PASSWORD_BYTES = 1000

NODE_NAME = re.compile(r"[a-z][a-z0-9_-]*[1-9][0-9]*")
# https://docs.docker.com/reference/cli/docker/container/run/#name
CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
SERVER_ACCOUNTS = ("mysql", "mariadb.sys")
SYSTEM_DATABASES = ("mysql", "information_schema", "performance_schema", "sys")
# all is a word of the module that makes the database.
RESERVED_DATABASES = (*SYSTEM_DATABASES, "all")
# An old file name, and objects of a GRANT.
_TAKEN_BEGINS = ("#mysql50#", "FUNCTION ", "PROCEDURE ")
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NETMASK = re.compile(r"([0-9.]+)/([0-9.]+)")
_PREFIX = re.compile(r"[0-9.]+/[0-9]{1,2}")
_HASH = re.compile(r"\*[0-9A-Fa-f]{40}|\$A\$[0-9A-F]{3}\$.{63}")

_UNPRINTABLE = "it has a character that cannot be printed, such as a line break, a tab or a no-break space"
_BLANKS = "it begins or ends with a blank"


def is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    """Also in brackets, with a zone or with a prefix length."""
    bare = text.strip("[]").partition("/")[0].partition("%")[0]
    try:
        ipaddress.IPv6Address(bare)
    except ValueError:
        return False
    return True


def network_of(text: str) -> ipaddress.IPv4Network | None:
    """An IPv4 network from its CIDR notation; None if the text is not one."""
    try:
        return ipaddress.IPv4Network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def is_inside(address: str, network: ipaddress.IPv4Network) -> bool:
    return is_ipv4(address) and ipaddress.IPv4Address(address) in network


def address_fault(text: str, names: bool = False) -> str:
    """Of an address that other hosts of the cluster are to reach; with names it may be a host name, too."""
    if is_ipv6(text):
        return (
            "this is an IPv6 address, and nodes, proxies and arbitrators reach each other over IPv4. Give the host an "
            "IPv4 address on the LAN, and write that one"
        )
    if is_ipv4(text):
        address = ipaddress.IPv4Address(text)
        if address.is_loopback or address.is_unspecified or address.is_multicast:
            return "no other host can reach that address. Write the host's address on the LAN"
        return ""
    if names and _HOST_NAME.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text):
        return ""
    kinds = "an IPv4 address such as 192.168.55.161" + (" or a host name" if names else "")
    return f"it must be {kinds}, without a port, a prefix length, leading zeros or blanks"


def user_fault(text: str, of_socket: bool = False) -> str:
    """Of a user's name; of_socket where an account for localhost is made, too, which must not be root's."""
    if not text:
        return "it is empty"
    if len(text) > USER_LENGTH:
        return f"it has {len(text)} characters, and {USER_LENGTH} are possible"
    if not text.isprintable():
        return _UNPRINTABLE
    if text != text.strip():
        return _BLANKS
    if text in SERVER_ACCOUNTS or text.upper() == "PUBLIC" or (of_socket and text == "root"):
        return "that account is the server's own"
    return ""


def database_fault(text: str) -> str:
    """Of a database's name."""
    if not text:
        return "it is empty"
    if len(text) > DATABASE_LENGTH:
        return f"it has {len(text)} characters, and {DATABASE_LENGTH} are possible"
    if not text.isprintable():
        return _UNPRINTABLE
    if text != text.strip():
        return _BLANKS
    if text.lower() in RESERVED_DATABASES:
        return "that name is reserved"
    return _database_character(text)


def _database_character(text: str) -> str:
    """Characters that MariaDB, or the modules that make the database and its privileges, take for something else."""
    if found := sorted(set(text) & set("/\\.,`%")):
        return f"a database cannot have {' or '.join(found)} in its name here"
    if any(character > "\uffff" for character in text):
        return "MariaDB's names have no characters beyond U+FFFF, such as emoji"
    if begin := next((begin for begin in _TAKEN_BEGINS if text.startswith(begin)), ""):
        return f"a name that begins with '{begin}' means something else"
    size = len(re.sub(r"[^0-9A-Za-z_]", "@0000", text))
    if size > FILE_NAME_LENGTH:
        return f"its directory's name could have {size} bytes, and {FILE_NAME_LENGTH} are possible: take a shorter one"
    return ""


def password_fault(text: str) -> str:
    """Of a password. Quotes, backslashes, %, {{, blanks and letters of any script are right."""
    if not text.strip():
        return "it has nothing but blanks"
    if not text.isprintable():
        return f"{_UNPRINTABLE}; a block of YAML (|) ends with a line break"
    if _HASH.fullmatch(text):
        return "it looks like the hash of a password, and ProxySQL would take it for one. Give the password itself"
    if len(text.encode()) > PASSWORD_BYTES:
        return f"it has more than {PASSWORD_BYTES} bytes, which clients cannot read from a file"
    return ""


def client_host_fault(text: str, resolved: bool = False) -> str:
    """Of the host part of an account; resolved where the server looks the names of its clients up.

    https://mariadb.com/kb/en/create-user/#host-name-component
    """
    if not text:
        return "it is empty. Write % for any address"
    if ":" in text:
        return "this is an IPv6 address, and nodes and proxies are reached over IPv4. Write IPv4 addresses"
    if text.lower() == "localhost":
        return "localhost is the socket in a node's container, and clients come over the network. Write their addresses"
    if "/" in text:
        return _netmask_fault(text)
    if re.search(r"[^0-9._%]", text):
        if resolved and re.fullmatch(r"[A-Za-z0-9_.%-]+", text):
            return ""
        return (
            "the server does not look names up (skip_name_resolve), so a client is only known by its address. Write an "
            "address, a pattern such as 192.168.55.%, or a network such as 192.168.55.0/255.255.255.0"
        )
    if "%" not in text and "_" not in text and not is_ipv4(text):
        return "no client has that address. Write all four numbers, or a pattern such as 192.168.55.%"
    return ""


def _netmask_fault(text: str) -> str:
    parts = _NETMASK.fullmatch(text)
    if parts and is_ipv4(parts[1]) and is_ipv4(parts[2]):
        network, mask = (int(ipaddress.IPv4Address(part)) for part in parts.groups())
        if network & mask == network:
            return ""
        return f"no client matches that: the netmask leaves {ipaddress.IPv4Address(network & mask)} of {parts[1]}"
    if _PREFIX.fullmatch(text) and (found := network_of(text)):
        return f"MariaDB does not know prefix lengths. Write {found.with_netmask}"
    return "a network has an address and a netmask, such as 192.168.55.0/255.255.255.0"


def admits(patterns: Iterable[str], address: str) -> bool:
    """Whether one of the host parts lets a client of an IPv4 address in. A host name might."""
    return any(_admits(pattern, address) for pattern in patterns)


def _admits(pattern: str, address: str) -> bool:
    if parts := _NETMASK.fullmatch(pattern):
        if not (is_ipv4(parts[1]) and is_ipv4(parts[2])):
            return False
        network, mask = (int(ipaddress.IPv4Address(part)) for part in parts.groups())
        return int(ipaddress.IPv4Address(address)) & mask == network
    if re.search(r"[A-Za-z]", pattern):
        return True
    wanted = "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(wanted, address) is not None
