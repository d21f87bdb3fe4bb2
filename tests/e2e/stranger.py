"""A server at an address of the lab's network that the inventory does not have; it knows the cluster's name."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

from . import harm
from .conftest import Lab, wait_until

# Longer than a server waits for a Primary Component, on a busy machine, too.
PATIENCE = 90
SCRIPT = """
mkdir -p /var/lib/mysql/mysql && chown -R mysql: /var/lib/mysql
exec mariadbd --user=mysql --skip-networking --binlog-format=ROW --innodb-autoinc-lock-mode=2 --wsrep-on=ON \\
  --wsrep-provider=/usr/lib/galera/libgalera_smm.so --wsrep-sst-method=mariabackup --wsrep-node-name=stranger \\
  --wsrep-cluster-name="$0" --wsrep-cluster-address="gcomm://$1"
"""


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout + done.stderr


@contextlib.contextmanager
def stranger(lab: Lab, *addresses: str) -> Iterator[str]:
    """The container's name, while it tries to join the group at these addresses."""
    name = f"dbops-{lab.name}-stranger"
    cluster = lab.node_sql(next(iter(lab.nodes)), "SELECT @@wsrep_cluster_name")
    image = lab.quick("host1", f"docker inspect -f '{{{{.Config.Image}}}}' {lab.nodes['host1']}").strip()
    docker(
        *("run", "--detach", f"--name={name}", f"--network=dbops-{lab.name}", "--entrypoint=bash", image),
        *("-c", SCRIPT, cluster, ",".join(addresses)),
    )
    try:
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=True)


def address_of(name: str) -> str:
    (network,) = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def ended(name: str) -> bool:
    return not json.loads(docker("inspect", name))[0]["State"]["Running"]


def size(lab: Lab, host: str) -> str:
    return harm.status(lab, host)["wsrep_cluster_size"]


def stays_out(lab: Lab, *addresses: str) -> str:
    """Let it try until it gives up, and see that the cluster never has one more; the address that it came from."""
    before = {host: size(lab, host) for host in lab.nodes}
    with stranger(lab, *addresses) as name:
        address = address_of(name)
        seen = []

        def gone() -> bool:
            seen.append({host: size(lab, host) for host in lab.nodes})
            return ended(name)

        wait_until(gone, PATIENCE, "the stranger to give up")
        assert all(sizes == before for sizes in seen), seen
        assert "Connection timed out" in docker("logs", name)
    return address


def gets_in(lab: Lab, *addresses: str) -> None:
    """Let it join: what stays_out sees can be otherwise."""
    host = next(iter(lab.nodes))
    wanted = str(int(size(lab, host)) + 1)
    with stranger(lab, *addresses):
        wait_until(lambda: size(lab, host) == wanted, PATIENCE, "the stranger to get in")
    wait_until(lambda: int(size(lab, host)) < int(wanted), 60, "the stranger to be gone")
