"""What the end-to-end tests share: the lab's hosts, playbooks as an operator runs them, a client of the database."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pymysql
import pytest
import testinfra
import yaml

ROOT = pathlib.Path(__file__).parents[2]
# Molecule asks for colours, which would stand in the lines that tests look for.
PLAIN = {**os.environ, "ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "true"}


@dataclass
class Lab:
    """A running lab, as `make lab` and the scenarios create it."""

    name: str
    inventory: pathlib.Path = field(init=False)
    variables: dict[str, Any] = field(init=False)
    secrets: dict[str, str] = field(init=False, repr=False)
    addresses: dict[str, str] = field(init=False)
    nodes: dict[str, str] = field(init=False)
    proxies: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.inventory = ROOT / ".lab" / self.name / "inventory"
        self.variables = yaml.safe_load((self.inventory / "group_vars/all/lab.yml").read_text())
        self.secrets = yaml.safe_load((self.inventory / "group_vars/all/secrets.yml").read_text())
        groups = yaml.safe_load((self.inventory / "hosts.yml").read_text())
        self.addresses = {host: v["ansible_host"] for host, v in groups["galera"]["hosts"].items()}
        self.nodes = {host: v["galera_node_name"] for host, v in groups["galera"]["hosts"].items()}
        self.proxies = list(groups["proxysql"]["hosts"])

    @property
    def vip(self) -> str:
        return str(self.variables["galera_vip"])

    @property
    def vip_port(self) -> int:
        return 6033 if self.proxies else 3306

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """The command line of a playbook, which is named as in playbooks/ or by its path in the repository."""
        path = ROOT / (playbook if "/" in playbook else f"playbooks/{playbook}.yml")
        return ["ansible-playbook", "-i", str(self.inventory), str(path), *arguments]

    def play(self, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook to its end; the caller looks at returncode and stdout."""
        return subprocess.run(
            self.command(playbook, *arguments), cwd=ROOT, env=PLAIN, capture_output=True, text=True, check=False
        )

    def host(self, name: str) -> testinfra.host.Host:
        return testinfra.get_host(f"ansible://{name}", ansible_inventory=str(self.inventory))

    def on(self, name: str, command: str) -> str:
        """Run a shell command on a lab host as root; it must succeed."""
        return str(self.host(name).check_output(command))

    def node_sql(self, name: str, statement: str) -> str:
        """Run SQL inside a host's node, by the image's own client, as root through the socket."""
        return self.on(name, f'docker exec {self.nodes[name]} mariadb -BN -e "{statement}"').strip()

    @contextlib.contextmanager
    def through_vip(self) -> Iterator[pymysql.connections.Connection[Any]]:
        """A connection of the application through the front door."""
        connection = pymysql.connect(
            host=self.vip,
            port=self.vip_port,
            user="application",
            password=self.secrets["mariadb_application_password"],
            database="application",
            autocommit=True,
            connect_timeout=2,
            read_timeout=10,
            write_timeout=10,
        )
        with connection:
            yield connection

    def uuids(self) -> set[str]:
        """Cluster UUIDs that the nodes report; one element in a sound cluster."""
        return {self.node_sql(host, "SHOW STATUS LIKE 'wsrep_cluster_state_uuid'").split()[1] for host in self.nodes}


def recap(output: str) -> dict[str, dict[str, int]]:
    """The numbers of ansible-playbook's PLAY RECAP, by host."""
    return {
        match[1]: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", match[2])}
        for match in re.finditer(r"^(\S+)\s+: (ok=.*)$", output, re.MULTILINE)
    }


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Wait for a condition; a test fails with what it waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab(os.environ.get("LAB", "lab"))
