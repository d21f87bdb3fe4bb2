"""Harm done to nodes, hosts and networks of a lab, and what a test needs to see that it has healed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator

from .conftest import Lab, wait_until

# Ports of the group, of IST and of SST.
REPLICATION = "4567,4568,4444"


# ---- Looking


def status(lab: Lab, host: str) -> dict[str, str]:
    """The node's wsrep status; empty while it does not answer."""
    text = lab.quick(
        host,
        f"timeout 5 docker exec {lab.nodes[host]} mariadb -BN --connect-timeout=3 -e \"SHOW STATUS LIKE 'wsrep%'\"",
        check=False,
    )
    return {name: value for name, _, value in (line.partition("\t") for line in text.splitlines())}


def in_whole(found: dict[str, str], size: int) -> bool:
    return (
        found.get("wsrep_cluster_status") == "Primary"
        and found.get("wsrep_local_state_comment") == "Synced"
        and found.get("wsrep_cluster_size") == str(size)
    )


def is_synced(lab: Lab, host: str, size: int) -> bool:
    """Whether the node is Synced in a Primary Component of this size."""
    return in_whole(status(lab, host), size)


def wait_whole(lab: Lab, seconds: float = 120, hosts: Iterable[str] | None = None) -> None:
    """Wait until the nodes are Synced in one view of one Primary Component that has no other members."""
    wanted = list(lab.nodes if hosts is None else hosts)
    last: list[dict[str, str]] = []

    def whole() -> bool:
        with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
            last[:] = pool.map(lambda host: status(lab, host), wanted)
        views = {(found.get("wsrep_cluster_state_uuid"), found.get("wsrep_cluster_conf_id")) for found in last}
        return all(in_whole(found, len(wanted)) for found in last) and len(views) == 1

    try:
        wait_until(whole, seconds, f"Synced in one view of {len(wanted)}: {', '.join(wanted)}")
    except AssertionError as error:
        names = ("cluster_status", "local_state_comment", "cluster_size", "cluster_conf_id")
        states = {host: [found.get(f"wsrep_{name}") for name in names] for host, found in zip(wanted, last)}
        raise AssertionError(f"{error}; last seen: {states}") from None


def wait_for_status(lab: Lab, host: str, wanted: str, seconds: float = 30) -> None:
    """Wait until a node says Primary or non-Primary of its component."""
    wait_until(
        lambda: status(lab, host).get("wsrep_cluster_status") == wanted, seconds, f"{lab.nodes[host]} is {wanted}"
    )


def proxy_sql(lab: Lab, proxy: str, query: str, check: bool = True) -> list[list[object]]:
    """Ask a proxy's admin interface. It must answer, unless check is false: then there are no rows."""
    script = (
        "import json, pymysql; c = pymysql.connect(read_default_file='/containers/proxysql/admin.cnf').cursor(); "
        f"c.execute({query!r}); print(json.dumps(c.fetchall()))"
    )
    told = lab.quick(proxy, f"python3 -c {shlex.quote(script)}", check=check)
    found: list[list[object]] = json.loads(told or "[]")
    return found


def proxy_do(lab: Lab, proxy: str, *statements: str) -> None:
    """Have a proxy's admin interface carry out statements, one after the other."""
    script = (
        "import pymysql; c = pymysql.connect(read_default_file='/containers/proxysql/admin.cnf').cursor(); "
        f"[c.execute(statement) for statement in {list(statements)!r}]"
    )
    lab.quick(proxy, f"python3 -c {shlex.quote(script)}")


def override(lab: Lab, host: str) -> str:
    """recover_force for a host at the position that the plan of recover shows, HOST@UUID:SEQNO."""
    said = lab.play("recover").stdout
    row = rf"{host} +{lab.nodes[host]} +yes +\S+ +\S+ +([0-9a-f-]{{36}}) +(-?\d+)"
    found = re.search(row, said)
    assert found, said
    return f"{host}@{found[1]}:{found[2]}" if int(found[2]) >= 0 else f"{host}@unknown"


def vip_holders(lab: Lab) -> list[str]:
    """Hosts that have the VIP on an interface; those that cannot be asked are left out."""
    question = "ip -4 -o address"
    return [host for host in lab.proxies or lab.nodes if f" {lab.vip}/" in lab.quick(host, question, check=False)]


def writers(lab: Lab) -> list[str]:
    """Hosts whose nodes get the writes: one, as long as nothing is wrong."""
    if not lab.proxies:
        return [host for host in lab.nodes if f" {lab.vip}/" in lab.quick(host, "ip -4 -o address")]
    # The comment is the node's name, and a later branch's group after it; its address depends on the network.
    query = "SELECT comment FROM runtime_mysql_servers WHERE hostgroup_id = 10 AND status = 'ONLINE'"
    found = {str(row[0]).partition(" ")[0] for row in proxy_sql(lab, lab.proxies[0], query)}
    return [host for host, node in lab.nodes.items() if node in found]


def writer(lab: Lab) -> str:
    """The host of the node that gets the writes; waits until there is one."""
    wait_until(lambda: len(writers(lab)) == 1, 30, "one writer")
    return writers(lab)[0]


def readers(lab: Lab) -> list[str]:
    """Hosts of the other nodes, those without a proxy first: a fault there hits the node alone."""
    present = writer(lab)
    return sorted((host for host in lab.nodes if host != present), key=lambda host: (host in lab.proxies, host))


def now(lab: Lab, host: str) -> str:
    """The host's time, for `docker logs --since`."""
    return lab.quick(host, "date +%s.%N").strip()


def log(lab: Lab, host: str, since: str) -> str:
    """What the node said since then."""
    return lab.quick(host, f"docker logs --since {since} {lab.nodes[host]} 2>&1")


def inspect(lab: Lab, host: str, field: str) -> str:
    """A field of the node's container, such as .State.Pid."""
    return lab.quick(host, f"docker inspect -f '{{{{{field}}}}}' {lab.nodes[host]}").strip()


def restarts(lab: Lab, host: str) -> int:
    """How often Docker has started the node again by itself."""
    return int(inspect(lab, host, ".RestartCount"))


def datadir(lab: Lab, host: str) -> str:
    return f"/containers/{lab.nodes[host]}/datadir"


# ---- Doing


def everywhere(lab: Lab, commands: dict[str, str]) -> None:
    """Run a command on each of the hosts, at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(lambda item: lab.quick(*item), commands.items()))


def killing(lab: Lab, host: str, signal: str = "KILL") -> str:
    """The shell command that sends a signal to the node's server, behind Docker's back."""
    return f"kill -{signal} $(docker inspect -f '{{{{.State.Pid}}}}' {lab.nodes[host]})"


def kill(lab: Lab, *hosts: str) -> None:
    """SIGKILL the servers of several hosts at once. Docker starts them again."""
    everywhere(lab, {host: killing(lab, host) for host in hosts})


@contextlib.contextmanager
def frozen(lab: Lab, host: str) -> Iterator[None]:
    """The node's server, stopped by SIGSTOP."""
    lab.quick(host, killing(lab, host, "STOP"))
    try:
        yield
    finally:
        lab.quick(host, killing(lab, host, "CONT"))


def cutting(lab: Lab, host: str, ports: str = "") -> str:
    """The shell command that cuts a host off from the other nodes' hosts, wholly or on some TCP ports."""
    chain = "iptables -N harm; iptables -I INPUT -j harm; iptables -I OUTPUT -j harm; iptables -I FORWARD -j harm"
    peers = [address for other, address in lab.addresses.items() if other != host]
    rules = [
        f"iptables -A harm {way} {peer} {match} -j DROP"
        for peer in peers
        for way in ("-s", "-d")
        for match in ([f"-p tcp -m multiport --{end} {ports}" for end in ("sports", "dports")] if ports else [""])
    ]
    return "; ".join([chain, *rules])


HEALING = "for chain in INPUT OUTPUT FORWARD; do iptables -D $chain -j harm; done; iptables -F harm; iptables -X harm"


@contextlib.contextmanager
def cut(lab: Lab, host: str, ports: str = "") -> Iterator[None]:
    """A host that the other nodes' hosts do not reach."""
    lab.quick(host, cutting(lab, host, ports))
    try:
        yield
    finally:
        lab.quick(host, HEALING)


def signalling(container: str, signal: str) -> str:
    """The shell command that sends a signal to the first process of a container, behind Docker's back."""
    return f"kill -{signal} $(docker inspect -f '{{{{.State.Pid}}}}' {container})"


@contextlib.contextmanager
def container_frozen(lab: Lab, host: str, container: str) -> Iterator[None]:
    """All processes of a container of a host, stopped by the freezer."""
    lab.quick(host, f"docker pause {container}")
    try:
        yield
    finally:
        lab.quick(host, f"docker unpause {container}")


def host_container(lab: Lab, host: str) -> str:
    return f"dbops-{lab.name}-{host}"


def at_host(lab: Lab, host: str, *command: str) -> None:
    """Run a command on a host past its network, as from its console."""
    subprocess.run(["docker", "exec", host_container(lab, host), *command], check=True, capture_output=True)


@contextlib.contextmanager
def host_frozen(lab: Lab, host: str) -> Iterator[None]:
    """Every process of a host, containers included, stopped; its kernel still answers ARP and takes connections."""
    at_host(lab, host, "bash", "-c", "kill -STOP -1")
    try:
        yield
    finally:
        at_host(lab, host, "bash", "-c", "kill -CONT -1")


@contextlib.contextmanager
def unplugged(lab: Lab, host: str) -> Iterator[None]:
    """A host whose network cable has been pulled out: the machine's end of it is down."""
    index = subprocess.run(
        ["docker", "exec", host_container(lab, host), "cat", "/sys/class/net/eth0/iflink"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    links = subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True).stdout
    cable = next(line.split(": ")[1].split("@")[0] for line in links.splitlines() if line.startswith(f"{index}: "))
    subprocess.run(["ip", "link", "set", cable, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", cable, "up"], check=True)


@contextlib.contextmanager
def host_off(lab: Lab, host: str) -> Iterator[None]:
    """A host without power, the machine's Docker being its power switch."""
    subprocess.run(["docker", "kill", host_container(lab, host)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", host_container(lab, host)], check=True, capture_output=True)


def restart_host(lab: Lab, host: str) -> None:
    """Power off a host and on again, the machine's Docker being its power switch."""
    for verb in ("kill", "start"):
        subprocess.run(["docker", verb, host_container(lab, host)], check=True, capture_output=True)


SMALL_DISK = """
set -e
cd /containers/{node}
docker stop --time 60 {node}
truncate --size {megabytes}M disk
mkfs.ext4 -q -m 0 disk
test -e /dev/loop-control || mknod /dev/loop-control c 10 237
loop=$(losetup --find)
test -e $loop || mknod $loop b 7 ${{loop#/dev/loop}}
losetup $loop disk
mv datadir datadir.away
mkdir datadir
mount $loop datadir
cp -a datadir.away/. datadir
chown --reference datadir.away datadir
chmod --reference datadir.away datadir
rm -r datadir.away
docker start {node}
"""
LARGE_DISK = """
set -e
cd /containers/{node}
docker stop --time 60 {node}
loop=$(findmnt --noheadings --output SOURCE /containers/{node}/datadir)
cp -a datadir datadir.away
umount datadir
losetup --detach $loop
rm -f disk
rmdir datadir
mv datadir.away datadir
docker start {node}
"""


@contextlib.contextmanager
def small_disk(lab: Lab, host: str, megabytes: int = 700) -> Iterator[None]:
    """The node's datadir, on a file system of its own."""
    lab.quick(host, SMALL_DISK.format(node=lab.nodes[host], megabytes=megabytes), seconds=120)
    try:
        wait_whole(lab)
        yield
    finally:
        lab.quick(host, LARGE_DISK.format(node=lab.nodes[host]), seconds=120)
        wait_whole(lab)


def fill_disk(lab: Lab, host: str, spare: int = 4) -> None:
    """Leave so many MB on the file system of the node's datadir."""
    place = datadir(lab, host)
    lab.quick(
        host,
        f"fallocate --length $(($(df --output=avail --block-size=1M {place} | tail -n 1) - {spare}))M {place}/fill",
    )


def free_disk(lab: Lab, host: str) -> None:
    lab.quick(host, f"rm {datadir(lab, host)}/fill")


def enlarge(lab: Lab, host: str, megabytes: int) -> None:
    """Give the database a table of this size, so that an SST lasts."""
    row = "REPEAT(CONCAT(MD5(RAND()), MD5(RAND())), 65536)"
    lab.quick(
        host,
        "{ echo 'CREATE OR REPLACE TABLE large (id INT AUTO_INCREMENT PRIMARY KEY, value LONGBLOB);';"
        f" for _ in $(seq {megabytes // 4}); do echo 'INSERT INTO large (value) VALUES ({row});'; done; }}"
        f" | docker exec --interactive {lab.nodes[host]} mariadb application",
        seconds=300,
    )
