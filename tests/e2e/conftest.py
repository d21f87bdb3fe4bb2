"""What the end-to-end tests share: the lab's hosts, playbooks as an operator runs them, a client of the database."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator
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
    # In it, what is printed is not captured by pytest.
    uncaptured: Callable[[], contextlib.AbstractContextManager[object]] = field(
        default=contextlib.nullcontext, repr=False
    )

    def __post_init__(self) -> None:
        self.inventory = ROOT / ".lab" / self.name / "inventory"
        self.variables = yaml.safe_load((self.inventory / "group_vars/all/lab.yml").read_text())
        self.secrets = yaml.safe_load((self.inventory / "group_vars/all/secrets.yml").read_text())
        groups = self.groups()
        self.addresses = {
            host: v["ansible_host"] for group in groups.values() for host, v in group.items() if "ansible_host" in v
        }
        self.nodes = {host: v["galera_node_name"] for host, v in groups["galera"].items()}
        self.proxies = list(groups["proxysql"])

    def groups(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The inventory's groups: hosts with their variables."""
        groups = yaml.safe_load((self.inventory / "hosts.yml").read_text())
        return {group: dict(content["hosts"] or {}) for group, content in groups.items()}

    def move(self, to: str, *hosts: str, **variables: Any) -> None:
        """Rewrite the inventory: hosts of galera, spare, arbitrator and leaving go to the end of one of these groups.

        A variable that is given is set for each of the hosts; without galera_node_name they keep theirs.
        """
        groups = self.groups()
        for host in hosts:
            home = next(group for group in ("galera", "spare", "arbitrator", "leaving") if host in groups[group])
            groups[to][host] = {**groups[home].pop(host), **variables}
        text = yaml.safe_dump({group: {"hosts": content} for group, content in groups.items()}, sort_keys=False)
        (self.inventory / "hosts.yml").write_text(text)
        self.__post_init__()

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

    def start(self, playbook: str, *arguments: str) -> subprocess.Popen[str]:
        """Begin a playbook; what it prints, errors too, is its stdout."""
        return subprocess.Popen(
            self.command(playbook, *arguments),
            cwd=ROOT,
            env=PLAIN,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def host(self, name: str) -> testinfra.host.Host:
        return testinfra.get_host(f"ansible://{name}", ansible_inventory=str(self.inventory))

    def on(self, name: str, command: str) -> str:
        """Run a shell command on a lab host as root; it must succeed."""
        return str(self.host(name).check_output(command))

    def quick(self, name: str, command: str, check: bool = True, seconds: float = 60) -> str:
        """Run a shell command on a lab host as root, over an SSH connection that stays open, so that it runs at once.

        It must succeed, unless check is false, and end within so many seconds.
        """
        state = self.inventory.parent
        shell = ["ssh", "-q", "-i", str(state / "key"), "-o", f"UserKnownHostsFile={state / 'known_hosts'}"]
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={state / '%h'}", "-o", "ControlPersist=60"]
        # A spare host is one that no playbook has been on yet.
        shared += ["-o", "StrictHostKeyChecking=accept-new"]
        shared += ["-o", "ServerAliveInterval=5", "-o", "ConnectTimeout=10", "-o", "BatchMode=yes"]
        run = subprocess.run(
            [*shell, *shared, f"root@{self.addresses[name]}", command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert run.returncode == 0 or not check, f"{name}: {command}: {run.returncode}\n{run.stdout}{run.stderr}"
        return run.stdout

    def metrics(self, name: str, file: str) -> str:
        """A file of metrics, as node_exporter reads it, which is not root."""
        return self.quick(name, f"setpriv --reuid=65534 --clear-groups cat /var/lib/node_exporter/{file}.prom")

    @contextlib.contextmanager
    def unreachable(self, name: str) -> Iterator[None]:
        """A host that the controller cannot log in to; its database lives on."""
        rule = ["INPUT", "-p", "tcp", "--dport", "22", "-j", "REJECT", "--reject-with", "tcp-reset"]
        inside = ["docker", "exec", f"dbops-{self.name}-{name}", "iptables"]
        subprocess.run([*inside, "-I", *rule], check=True)
        try:
            yield
        finally:
            subprocess.run([*inside, "-D", *rule], check=True)

    def reaches(self, name: str) -> bool:
        """Whether the host can be logged in to."""
        return "here" in self.quick(name, "echo here", check=False)

    def say(self, text: str) -> None:
        """Print a line of a test's report, whether the test succeeds or not."""
        with self.uncaptured():
            print(f"\n{text}", flush=True)

    def node_sql(self, name: str, statement: str) -> str:
        """Run SQL inside a host's node, by the image's own client, as root through the socket."""
        return self.on(name, f'docker exec {self.nodes[name]} mariadb -BN -e "{statement}"').strip()

    @contextlib.contextmanager
    def through_vip(self, patience: float = 10) -> Iterator[pymysql.connections.Connection[Any]]:
        """A connection of the application through the front door; it waits so many seconds for an answer."""
        connection = pymysql.connect(
            host=self.vip,
            port=self.vip_port,
            user="application",
            password=self.secrets["mariadb_application_password"],
            database="application",
            autocommit=True,
            connect_timeout=2,
            read_timeout=patience,
            write_timeout=patience,
        )
        with connection:
            yield connection

    def whole(self) -> bool:
        """Whether every node is Synced in one Primary Component of all of them; quicker than status."""
        wanted = {
            f"wsrep_cluster_size\t{len(self.nodes)}",
            "wsrep_cluster_status\tPrimary",
            "wsrep_local_state_comment\tSynced",
        }
        names = ", ".join(f"'{line.split()[0]}'" for line in sorted(wanted))
        question = f"SHOW STATUS WHERE Variable_name IN ({names})"
        told = [
            self.quick(host, f'docker exec {node} mariadb -BNe "{question}" 2>/dev/null || true')
            for host, node in self.nodes.items()
        ]
        return all(set(lines.splitlines()) == wanted for lines in told)

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
def lab(pytestconfig: pytest.Config) -> Lab:
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    return Lab(os.environ.get("LAB", "lab"), uncaptured=capture.global_and_fixture_disabled)
