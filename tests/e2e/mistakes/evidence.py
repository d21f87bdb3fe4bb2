"""What the tests of mistakes look at: what a refusal left alone, a host's record, the rows of a kept datadir."""

from __future__ import annotations

import collections
import contextlib
import json
import pathlib
import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pymysql
import yaml

from .. import harm
from ..conftest import PLAIN, ROOT, Lab, recap, wait_until

RECORDS = "/var/lib/dbops-galera"
CONFIRMED = ("-e", "recover_confirm=yes")


# ---- Playbooks


def words(run: subprocess.CompletedProcess[str]) -> str:
    """What a run said, warnings too, without the line breaks that Ansible puts in."""
    return " ".join((run.stdout + run.stderr).split())


def extra(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps(variables)


def forcing(override: str) -> tuple[str, ...]:
    return *CONFIRMED, "-e", f"recover_force={override}"


def play(
    lab: Lab, playbook: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a playbook with variables of Ansible's in the environment."""
    return subprocess.run(
        lab.command(playbook, *arguments),
        cwd=ROOT,
        env={**PLAIN, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def succeeds(lab: Lab, playbook: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    run = play(lab, playbook, *arguments, environment=environment)
    assert run.returncode == 0, run.stdout
    return words(run)


def containers(lab: Lab, hosts: Iterable[str]) -> dict[str, list[str]]:
    """The hosts' containers as they are: which, since when, and how they ended."""
    form = "{{.Name}} {{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.State.ExitCode}}"
    command = f"docker ps --all --quiet | xargs --no-run-if-empty docker inspect -f '{form}' | sort"
    return {host: lab.quick(host, command).splitlines() for host in hosts}


def refused(
    lab: Lab,
    playbook: str,
    *arguments: str,
    but: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a playbook that has to refuse: it changes nothing, and all containers stay as they are.

    but are hosts that are not there, or whose node starts again and again by itself. Returns what was said.
    """
    hosts = [host for host in lab.nodes if host not in but]
    before = containers(lab, hosts)
    run = play(lab, playbook, *arguments, environment=environment)
    assert run.returncode != 0, run.stdout
    changed = {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]}
    assert changed == {}, run.stdout
    assert containers(lab, hosts) == before, run.stdout
    said = words(run)
    assert "Traceback" not in said, run.stdout
    return said


def overrides(said: str) -> dict[str, str]:
    """The overrides that a refusal of recover offers, by host; warnings come after it, and may name those of before."""
    offered: dict[str, str] = {}
    for match in re.finditer(r"(?<=recover_force=)(\w+)@[0-9a-f-]+:\d+", said):
        offered.setdefault(match[1], match[0])
    return offered


def overlay(directory: pathlib.Path, hosts: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Another inventory beside the lab's, in which hosts of the group galera have other variables."""
    file = directory / "overlay.yml"
    file.write_text(yaml.safe_dump({"galera": {"hosts": {host: dict(told) for host, told in hosts.items()}}}))
    return "-i", str(file)


@contextlib.contextmanager
def taken_out(lab: Lab, *hosts: str) -> Iterator[None]:
    """The inventory without some of its hosts; afterwards it is what it was."""
    file = lab.inventory / "hosts.yml"
    before = file.read_text()
    groups = {group: {"hosts": content} for group, content in lab.groups().items()}
    for content in groups.values():
        for host in hosts:
            content["hosts"].pop(host, None)
    file.write_text(yaml.safe_dump(groups, sort_keys=False))
    try:
        lab.__post_init__()
        yield
    finally:
        file.write_text(before)
        lab.__post_init__()


# ---- Nodes


def stop(lab: Lab, *hosts: str) -> None:
    """Stop nodes in order, one after the other, as a person does with Docker."""
    for host in hosts:
        lab.quick(host, f"docker stop --time 60 {lab.nodes[host]}", seconds=90)


def slay(lab: Lab, *hosts: str) -> None:
    """SIGKILL nodes at once, so that Docker does not start them again."""
    harm.everywhere(lab, {host: f"docker kill {lab.nodes[host]}" for host in hosts})


def start(lab: Lab, *hosts: str) -> None:
    harm.everywhere(lab, {host: f"docker start {lab.nodes[host]}" for host in hosts})


def came_by_sst(lab: Lab, host: str, since: str) -> bool:
    return "Proceeding with SST" in harm.log(lab, host, since)


def row_count(lab: Lab, host: str, condition: str = "1") -> int:
    """How many rows of the table `branches` the node has."""
    statement = f"SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM application.branches WHERE {condition}"
    return int(lab.node_sql(host, statement))


def make_branches(lab: Lab) -> None:
    """A table whose rows say where they were written."""
    with lab.through_vip() as connection:
        connection.cursor().execute(
            "CREATE OR REPLACE TABLE branches (id INT AUTO_INCREMENT PRIMARY KEY, origin VARCHAR(40)) ENGINE=InnoDB"
        )


def write(lab: Lab, host: str, origin: str, rows: int) -> None:
    """Write rows on a node, past the front door."""
    values = ", ".join([f"('{origin}')"] * rows)
    lab.node_sql(host, f"INSERT INTO application.branches (origin) VALUES {values}")


def write_through_vip(lab: Lab, origin: str, rows: int) -> None:
    """Write rows as the application, each a transaction of its own."""
    with lab.through_vip() as connection:
        for _ in range(rows):
            connection.cursor().execute("INSERT INTO branches (origin) VALUES (%s)", (origin,))


class Watch:
    """Looks the whole time at nodes that must not become Primary, and at which group clients get through the VIP."""

    def __init__(self, lab: Lab, *hosts: str, group: str) -> None:
        self.found: list[str] = []
        self.groups: collections.Counter[str] = collections.Counter()
        self.looks = 0
        self._lab, self._hosts, self._group = lab, hosts, group
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=[look]) for look in (self._node, self._client)]

    def _repeat(self, look: Callable[[], None]) -> None:
        while not self._stop.wait(0.5):
            look()

    def _node(self) -> None:
        for host in self._hosts:
            seen = harm.status(self._lab, host)
            self.looks += 1
            if seen.get("wsrep_cluster_status") == "Primary":
                names = ("wsrep_local_state_comment", "wsrep_cluster_size", "wsrep_cluster_state_uuid")
                self.found.append(f"{host} is Primary: {[seen.get(name) for name in names]}")

    def _client(self) -> None:
        """A client of a reader and one of the writer, each over a new connection."""
        for more in ("", " FROM DUAL FOR UPDATE"):
            try:
                with self._lab.through_vip(patience=3) as connection, connection.cursor() as cursor:
                    cursor.execute(f"SELECT @@wsrep_cluster_name{more}")
                    (name,) = cursor.fetchone() or ("",)
            except pymysql.MySQLError:
                continue
            self.groups[str(name)] += 1

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def account(self) -> None:
        self._lab.say(
            f"{', '.join(self._hosts) or 'no node'}: looked at {self.looks} times, found {self.found[:3] or 'nothing'};"
            f" groups that clients got: {dict(self.groups)}"
        )
        assert self.found == []
        assert set(self.groups) == {self._group}


# ---- Records and datadirs


def record(lab: Lab, host: str, name: str) -> str:
    """A file of the record directory on a node's host; empty where there is none."""
    return lab.quick(host, f"cat {RECORDS}/{lab.nodes[host]}/{name} 2>/dev/null || true").strip()


def generation(lab: Lab, host: str) -> int:
    """The branch that a host's record tells; 1 where no recovery was ever forced."""
    text = record(lab, host, "branch.json")
    return int(json.loads(text)["generation"]) if text else 1


def group(lab: Lab, host: str) -> str:
    return lab.node_sql(host, "SELECT @@wsrep_cluster_name")


def is_fenced(lab: Lab, host: str) -> bool:
    return lab.reaches(host) and record(lab, host, "fenced") != ""


def wait_fenced(lab: Lab, *hosts: str, seconds: float = 150) -> None:
    for host in hosts:
        wait_until(lambda host=host: is_fenced(lab, host), seconds, f"{lab.nodes[host]} is fenced")


def fingerprint(lab: Lab, host: str) -> str:
    """One word for the contents of all files of a datadir."""
    command = f"cd {harm.datadir(lab, host)} && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"
    return lab.quick(host, command).split()[0]


def kept(lab: Lab, host: str) -> list[str]:
    """Datadirs of a node that were moved aside, the oldest first."""
    return lab.quick(host, f"ls -d {harm.datadir(lab, host)}.kept-* 2>/dev/null || true").split()


ASK = """
set -e
trap 'docker rm --force examined >/dev/null 2>&1; rm -rf /root/examined' EXIT
docker rm --force examined >/dev/null 2>&1 || true
rm -rf /root/examined
cp -a {place} /root/examined
docker run --detach --name examined --network none --volume /root/examined:/var/lib/mysql --entrypoint mariadbd \
  $(docker inspect -f '{{{{.Image}}}}' {node}) --user=mysql --wsrep-on=OFF --skip-networking \
  --socket=/tmp/examined.sock >/dev/null
for _ in $(seq 120); do
  ! docker exec examined mariadb --socket=/tmp/examined.sock -e 'SELECT 1' >/dev/null 2>&1 || break
  sleep 0.5
done
docker exec examined mariadb --socket=/tmp/examined.sock -BNe "{query}" || {{ docker logs examined >&2; exit 1; }}
"""


def ask_datadir(lab: Lab, host: str, place: str, query: str) -> str:
    """Ask a copy of a datadir: a server of the node's image runs on it, in no cluster and without a network."""
    return lab.quick(host, ASK.format(place=place, node=lab.nodes[host], query=query), seconds=180).strip()


def rows_in(lab: Lab, host: str, place: str, origin: str) -> int:
    return int(
        ask_datadir(lab, host, place, f"SELECT COUNT(*) FROM application.branches WHERE origin = '{origin}'") or 0
    )


def cache_of_facts(directory: pathlib.Path) -> dict[str, str]:
    """Variables of Ansible's that make it keep facts in files."""
    directory.mkdir(exist_ok=True)
    return {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory)}


def repair(lab: Lab, host: str) -> str:
    return succeeds(lab, "repair_node", "-e", f"repair_node_host={host}")
