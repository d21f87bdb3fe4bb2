"""Parsing of /proc, with lines recorded on Debian 12."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._listeners import (
    listeners,
    owner,
    parse_container_id,
    parse_listeners,
)

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 18171 1
   1: 3D6433C6:11D7 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 90412 1
   2: 3D6433C6:0016 016433C6:C4A2 01 00000000:00000000 02:000AF8D3 00000000     0        0 18230 1
"""
ID = "1346a36c1a397ca46eb686b5ec97b90eb6cf379339e795c1650b500562808532"
OUTER = "f" * 64


def test_only_listening_sockets_count() -> None:
    assert parse_listeners(TCP) == {22: "18171", 4567: "90412"}


@pytest.mark.parametrize(
    ("cgroup", "found"),
    [
        (f"12:memory:/docker/{OUTER}/docker/{ID}\n", ID),
        (f"0::/system.slice/docker-{ID}.scope\n", ID),
        ("0::/system.slice/ssh.service\n", None),
        ("", None),
    ],
)
def test_the_innermost_container_is_named(cgroup: str, found: str | None) -> None:
    assert parse_container_id(cgroup) == found


def test_a_real_listener_is_found_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        description, container = owner(listeners()[port])
    assert "process" in description
    assert container is None
    assert port not in listeners()
