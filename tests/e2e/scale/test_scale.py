"""A living cluster grows, shrinks, and has a node moved to another host: under load, and with the controller killed.

The tests follow one another on one lab of five hosts, of which three are members at first.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator

from ..conftest import ROOT, Lab, recap, wait_until
from ..harm import log, now, proxy_sql, status, wait_whole, writer
from ..interrupt import kill_at
from ..ledger import Ledger


def containers(lab: Lab, host: str) -> list[str]:
    """Names of a host's containers, running or not."""
    return lab.quick(host, "docker ps --all --format '{{.Names}}'").split()


def started(lab: Lab, *hosts: str) -> dict[str, str]:
    """When the nodes' containers were started."""
    return {host: lab.quick(host, f"docker inspect -f '{{{{.State.StartedAt}}}}' {lab.nodes[host]}") for host in hosts}


def known_to_the_proxies(lab: Lab) -> list[set[str]]:
    """The hosts that each proxy sends queries to."""
    hosts = {address: host for host, address in lab.addresses.items()}
    query = "SELECT DISTINCT hostname FROM runtime_mysql_servers"
    return [{hosts[str(row[0])] for row in proxy_sql(lab, proxy, query)} for proxy in lab.proxies]


def addresses_on_disk(lab: Lab, host: str) -> set[str]:
    """The members' addresses that a node is to try at its next start."""
    line = lab.quick(host, f"grep ^wsrep_cluster_address /containers/{lab.nodes[host]}/conf.d/galera.cnf")
    return set(re.findall(r"(\d+(?:\.\d+){3}):4567", line))


def donor(lab: Lab, host: str, since: str) -> str:
    """The node that a joiner's last state transfer came from."""
    return str(re.findall(r"Selected \S+ \((\S+)\)\(SYNCED\) as donor", log(lab, host, since))[-1])


def is_settled(lab: Lab) -> None:
    """The members, and no others, are one cluster; proxies and settings know them, and nothing is left to be done."""
    wait_whole(lab)
    assert known_to_the_proxies(lab) == [set(lab.nodes)] * len(lab.proxies)
    wanted = {lab.addresses[host] for host in lab.nodes}
    assert {host: addresses_on_disk(lab, host) for host in lab.nodes} == dict.fromkeys(lab.nodes, wanted)


@contextlib.contextmanager
def for_a_while(lab: Lab) -> Iterator[None]:
    """Afterwards the inventory is what it was."""
    file = lab.inventory / "hosts.yml"
    before = file.read_text()
    try:
        yield
    finally:
        file.write_text(before)
        lab.__post_init__()


def refused(lab: Lab, playbook: str, *arguments: str) -> str:
    """Run a playbook that has to fail without having changed anything; returns what it said."""
    run = lab.play(playbook, *arguments)
    assert run.returncode != 0, run.stdout
    assert {host: n["changed"] for host, n in recap(run.stdout).items() if n["changed"]} == {}, run.stdout
    return " ".join(run.stdout.split())


def succeeds(lab: Lab, playbook: str, *arguments: str) -> str:
    run = lab.play(playbook, *arguments)
    assert run.returncode == 0, run.stdout
    return " ".join(run.stdout.split())


# ---- Refusals


def test_a1_nothing_new_is_not_added(lab: Lab) -> None:
    assert "Nothing is new: every host of the group galera (host1, host2, host3)" in refused(lab, "add_node")


def test_a2_neither_the_writer_is_removed_nor_too_many_nodes(lab: Lab) -> None:
    with for_a_while(lab):
        present = writer(lab)
        lab.move("leaving", *[host for host in lab.nodes if host != "host3"])
        said = refused(lab, "remove_node")
        assert f"{present}: its node mariadb1 is the writer. Move the writer first" in said
        assert "Without host1, host2 galera has 1 node left" in said
        assert "host1 is still in the group proxysql or keepalived" in said
        assert "host1, host2: in the group leaving" in refused(lab, "site")


def test_a3_a_cluster_that_is_not_well_gets_no_node(lab: Lab) -> None:
    node = lab.nodes["host3"]
    lab.quick("host3", f"docker stop {node}")
    try:
        with for_a_while(lab):
            lab.move("galera", "host4")
            assert "host3: node mariadb3 is stopped at" in refused(lab, "add_node")
    finally:
        lab.quick("host3", f"docker start {node}")
    wait_whole(lab)


# ---- A node moves from host3 to host4


# Contents that change without a trace in size or date, after they were sent ahead.
SECRETLY = """
set -e
rm -rf /root/move && mkdir -p /root/move/from/db /root/move/to && cd /root/move
RSYNC="rsync -rlpt --modify-window=-1 --inplace --exclude=/galera.cache"
send() { bash ./galera-move $1 $PWD/from $PWD/to/ $PWD/stamp $RSYNC; }
overwrite() { printf "$1" | dd of=from/db/t.ibd bs=1 seek=999 conv=notrunc status=none; touch -r dated from/db/t.ibd; }
base64 --decode >galera-move <<'SCRIPT'
%s
SCRIPT
head -c 3000000 /dev/urandom >from/db/t.ibd; echo old >from/swapped; echo gone >from/gone; echo cache >from/galera.cache
send ahead
cp -p from/db/t.ibd dated
overwrite CHANGED
echo new >from/other; touch -r from/swapped from/other; mv from/other from/swapped
rm from/gone
send rest
diff --recursive --exclude=galera.cache from to && test ! -e to/galera.cache
overwrite AGAIN
rm stamp
send rest
diff --recursive --exclude=galera.cache from to
rm -rf /root/move
"""


def test_b1_what_changed_is_found_by_its_content(lab: Lab) -> None:
    script = base64.encodebytes((ROOT / "roles/mariadb/files/galera-move.sh").read_bytes()).decode()
    lab.quick("host4", SECRETLY % script)


def test_b2_a_node_moves_by_ist(lab: Lab) -> None:
    others = started(lab, "host1", "host2")
    lab.move("galera", "host4", galera_node_name="mariadb3")
    lab.move("leaving", "host3")
    begun = now(lab, "host4")
    with Ledger(lab) as ledger:
        ledger.wait_for(200)
        kill_at(lab, "replace_node", r"TASK .*Send the data ahead", r"TASK .*Send the rest, and compare")
        assert "mariadb3" not in containers(lab, "host3") + containers(lab, "host4")
        # Half a copy is not taken for data, whoever starts a server on it.
        lab.quick("host4", "test -e /containers/mariadb3/datadir/sst_in_progress")
        succeeds(lab, "replace_node")
        ledger.wait_for(200)
    said = log(lab, "host4", begun)
    assert "Receiving IST: " in said
    assert "Proceeding with SST" not in said
    assert started(lab, "host1", "host2") == others
    assert containers(lab, "host3") == []
    kept = lab.quick("host3", "ls --directory /containers/mariadb3/datadir*").split()
    assert len(kept) == 1
    assert re.fullmatch(r"/containers/mariadb3/datadir\.kept-\d{8}T\d{6}", kept[0])
    for host in ("host3", "host4"):
        assert lab.quick(host, "pgrep --list-name rsync || ls /run | grep galera-move || true") == ""
    is_settled(lab)
    ledger.account()


# ---- From 3 to 5 and back


def test_c_two_nodes_are_added(lab: Lab) -> None:
    lab.move("spare", "host3", galera_node_name="mariadb4")
    old = list(lab.nodes)
    before = started(lab, *old)
    lab.move("galera", "host3", "host5")
    begun = {host: now(lab, host) for host in ("host3", "host5")}
    with Ledger(lab) as ledger:
        ledger.wait_for(200)
        kill_at(lab, "add_node", r"PLAY \[Nodes that join", r"TASK .*Wait until the node is Synced")
        succeeds(lab, "add_node")
        ledger.wait_for(200)
    assert started(lab, *old) == before
    assert lab.nodes[writer(lab)] not in [donor(lab, host, begun[host]) for host in begun]
    is_settled(lab)
    ledger.account()


def test_d_one_node_is_removed_and_a_lost_one_forgotten(lab: Lab) -> None:
    staying = ["host1", "host2", "host4"]
    before = started(lab, *staying)
    lab.quick("host5", f"docker kill {lab.nodes['host5']}")
    lab.move("leaving", "host3", "host5")
    wait_until(lambda: status(lab, "host1").get("wsrep_cluster_size") == "4", 30, "four nodes")
    with lab.unreachable("host5"), Ledger(lab) as ledger:
        ledger.wait_for(200)
        assert "host5 does not answer: bring it back; if it is lost for good" in refused(lab, "remove_node")
        lost = ("-e", "remove_node_dead=host5")
        kill_at(lab, "remove_node", r"TASK .*Stop the container", arguments=lost)
        said = succeeds(lab, "remove_node", *lost)
        assert "host5 is lost: the others forget its node mariadb5" in said
        ledger.wait_for(200)
    assert started(lab, *staying) == before
    assert "mariadb4" not in containers(lab, "host3")
    assert len(lab.quick("host3", "ls --directory /containers/mariadb4/datadir.kept-*").split()) == 1
    is_settled(lab)
    ledger.account()


# ---- What is left when a lost host comes back, and a host that is lost for good


def test_e_a_lost_host_that_is_back_is_cleaned(lab: Lab) -> None:
    said = succeeds(lab, "remove_node")
    assert "host3: nothing left to do; take it out of the group leaving" in said
    assert containers(lab, "host5") == []
    lab.move("spare", "host3", "host5")
    is_settled(lab)
    assert lab.play("status").returncode == 0


def test_f_a_lost_host_is_replaced_by_sst(lab: Lab) -> None:
    lab.quick("host4", f"docker kill {lab.nodes['host4']}")
    lab.move("leaving", "host4")
    lab.move("galera", "host3", galera_node_name="mariadb3")
    begun = now(lab, "host3")
    with lab.unreachable("host4"), Ledger(lab) as ledger:
        ledger.wait_for(200)
        succeeds(lab, "replace_node", "-e", "replace_node_dead=host4")
        ledger.wait_for(200)
    assert donor(lab, "host3", begun) != lab.nodes[writer(lab)]
    is_settled(lab)
    ledger.account()
