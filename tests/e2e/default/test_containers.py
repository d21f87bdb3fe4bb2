"""What a container may do, as the kernel has it: no more than its program needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..conftest import Lab

# Bits of https://man7.org/linux/man-pages/man7/capabilities.7.html.
BITS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_ADMIN": 12, "NET_RAW": 13}
MAY = {
    "node": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"],
    "proxysql": [],
    "keepalived": ["NET_ADMIN", "NET_RAW", "SETGID"],
}


def containers(lab: Lab, host: str) -> dict[str, dict[str, Any]]:
    """The cluster's containers on a host, by part."""
    names = lab.on(host, "docker ps -q --filter label=dbops.galera.cluster | xargs docker inspect")
    found = {each["Name"].lstrip("/"): each for each in json.loads(names)}
    return {"node" if name == lab.nodes.get(host) else name: each for name, each in found.items()}


@pytest.mark.parametrize("part", sorted(MAY))
def test_a_container_may_do_what_it_needs(lab: Lab, part: str) -> None:
    has = {"node": list(lab.nodes), "proxysql": lab.proxies, "keepalived": list(lab.groups()["keepalived"])}
    for host in has[part]:
        container = containers(lab, host)[part]
        process = f"/proc/{container['State']['Pid']}"
        lines = lab.on(host, f"cat {process}/status").splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert int(status["CapBnd"], 16) == sum(1 << BITS[name] for name in MAY[part]), host
        assert status["NoNewPrivs"] == "1", host
        assert container["HostConfig"]["ReadonlyRootfs"], host
        assert 0 < container["HostConfig"]["PidsLimit"] <= 4096, host
        if part != "keepalived":
            files = next(line for line in lab.on(host, f"cat {process}/limits").splitlines() if "open files" in line)
            assert files.split()[3:5] == [str(lab.variables.get("galera_open_files", 524288))] * 2, host
