"""Day-2 verbs under load, as ratios within one run. Run by `make bench`; figures are printed, only lost rows fail."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Callable

from ..conftest import PLAIN, ROOT, Lab, wait_until
from ..ledger import Ledger

# What a recovery waits for; the rest of its time is Ansible's.
WAITS = (
    "Read the node's position",
    "Decide, and bootstrap the elected node",
    "Stop the container",
    "Start the node",
    "Have the container started",
    "Wait until the node is Synced",
)


def timed(doing: Callable[[], object]) -> float:
    begin = time.monotonic()
    doing()
    return time.monotonic() - begin


def task_times(lab: Lab, playbook: str, *arguments: str) -> list[tuple[str, float]]:
    """Run a playbook; each task's name, and how many seconds it took."""
    profile = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks", "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all"}
    run = subprocess.run(
        lab.command(playbook, *arguments),
        cwd=ROOT,
        env={**PLAIN, **profile},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    found = re.findall(r"^(.+?) -+ ([0-9.]+)s$", run.stdout, re.MULTILINE)
    return [(name.split(" : ")[-1].strip(), float(seconds)) for name, seconds in found]


def synced(lab: Lab, host: str, container: str) -> bool:
    question = f"docker exec {container} mariadb -BNe \"SHOW STATUS LIKE 'wsrep_local_state_comment'\" 2>/dev/null"
    return "Synced" in lab.quick(host, question, check=False)


def test_restart_under_load(lab: Lab) -> None:
    with Ledger(lab, pause=0) as ledger:
        ledger.wait_for()
        ledger.mark("before")
        time.sleep(15)
        ledger.mark("restart")
        run = lab.play("restart")
        ledger.mark("after")
        ledger.wait_for()
    assert run.returncode == 0, run.stdout
    ledger.account()
    rate = ledger.phase("restart").rate / ledger.phase("before").rate
    lab.say(
        f"restart: write rate / before {rate:.2f} (aim, of upgrade: at least 0.6), errors"
        f" {ledger.phase('restart').errors} (aim: none),"
        f" longest gap {ledger.phase('restart').longest_gap:.2f} s (aim: at most 1)"
    )


def test_writer_killed(lab: Lab) -> None:
    """The gap over what the cluster and the check of the proxy, or of Keepalived, need to notice."""
    suspect = float(
        re.search(  # type: ignore[union-attr]
            r"evs.suspect_timeout = PT([0-9.]+)S", lab.node_sql("host1", "SELECT @@wsrep_provider_options")
        )[1]
    )
    check = 1.0
    gaps = []
    for _ in range(3):
        with Ledger(lab, pause=0) as ledger:
            ledger.wait_for()
            ledger.mark("killed")
            lab.quick("host1", "kill -9 $(docker inspect -f '{{.State.Pid}}' mariadb1)")
            ledger.wait_for(1000, 60)
            wait_until(lambda: synced(lab, "host1", "mariadb1"), 90, "mariadb1 Synced again")
            time.sleep(5)
        ledger.account()
        gaps.append(ledger.phase("killed").longest_gap)
    lab.say(
        f"writer killed: longest gaps {', '.join(f'{gap:.2f}' for gap in gaps)} s; worst"
        f" / (suspect timeout {suspect:g} s + check interval {check:g} s) {max(gaps) / (suspect + check):.2f}"
        " (aim: at most 1.25)"
    )


def test_recover(lab: Lab) -> None:
    """A fully crashed cluster: recover, against the same steps by hand with nothing between them."""
    image = lab.variables["mariadb_image"]
    with Ledger(lab, pause=0) as ledger:
        ledger.wait_for(2000)
        subprocess.run(
            [
                "ansible",
                "-i",
                str(lab.inventory),
                "galera",
                "-m",
                "command",
                "-a",
                "docker kill {{ galera_node_name }}",
            ],
            cwd=ROOT,
            env=PLAIN,
            check=True,
            capture_output=True,
        )
    position = (
        "docker run --rm --network none --entrypoint mariadbd -v /containers/{node}/datadir:/var/lib/mysql"
        " -v /containers/{node}/conf.d:/etc/mysql/mariadb.conf.d:ro {image} --user=mysql --wsrep-recover"
        " --wsrep_cluster_address=gcomm:// --skip-networking --log-error=/dev/stderr"
    )
    recovery = max(
        timed(lambda host=host, node=node: lab.quick(host, position.format(node=node, image=image)))  # type: ignore[misc]
        for host, node in lab.nodes.items()
    )
    begin = time.monotonic()
    tasks = task_times(lab, "recover", "-e", "recover_confirm=yes")
    whole = time.monotonic() - begin
    ledger.account()
    waits = [seconds for name, seconds in tasks if name in WAITS]
    # Without what Ansible needs for each of them.
    idle = statistics.median(
        seconds for name, seconds in task_times(lab, "tests/bench/nothing.yml") if "nothing" in name
    )
    waited = sum(max(seconds - idle, 0) for seconds in waits)
    # One server's start, and one IST: the third node again, killed once more.
    lab.quick("host3", "docker kill mariadb3")
    start = timed(
        lambda: (
            lab.quick("host3", "docker start mariadb3"),
            wait_until(lambda: synced(lab, "host3", "mariadb3"), 90, "mariadb3 Synced"),
        )
    )
    lab.say(
        f"recover: {whole:.1f} s; {len(waits)} waits for servers of {sum(waits):.1f} s, {waited:.1f} s without the"
        f" {idle:.2f} s that Ansible needs for each; slowest position {recovery:.1f} s, a start with IST {start:.1f} s;"
        f" waits / (position + start + IST) {waited / (recovery + start):.2f} (aim: at most 2)"
    )
