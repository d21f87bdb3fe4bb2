"""Parsing of /proc, with lines recorded on Debian 12."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _listeners
from ansible_collections.dbops.galera.plugins.module_utils._listeners import (
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
        found = owner(port)
    assert found is not None
    assert f"process {os.getpid()}" in found.process
    assert found.container == ""
    assert owner(port) is None


def test_a_containers_name_and_labels_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    inspected = {"Name": "/mariadb2", "Config": {"Labels": {"dbops.galera.cluster": "galera"}}, "Mounts": []}
    monkeypatch.setattr(_listeners, "parse_container_id", lambda _cgroup: ID)
    found = _listeners.describe(str(os.getpid()), {ID: inspected}.get)
    assert (found.container, found.cluster) == ("mariadb2", "galera")
    assert found.process.endswith(f"(process {os.getpid()} in container mariadb2)")
    assert _listeners.describe(str(os.getpid()), {}.get).process.endswith(f"(process {os.getpid()})")


BUSY = """
import os, socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        for handle in [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]:
            os.close(handle)
"""


def test_a_process_that_opens_and_closes_other_files_is_seen_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True) as busy:
        assert busy.stdout is not None
        try:
            port = int(busy.stdout.readline())
            seen = [owner(port) for _attempt in range(20)]
        finally:
            busy.kill()
    assert all(found and f"process {busy.pid}" in found.process for found in seen), seen
