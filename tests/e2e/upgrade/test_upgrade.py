"""upgrade: 10.11 to 11.8 under load, every gate, a run that was killed.

One lab goes through it in order: the gates while it runs 10.11, the upgrade, what is refused afterwards; then a new
cluster of 10.11, whose upgrade is killed twice.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ..conftest import PLAIN, ROOT, Lab, recap, wait_until
from ..interrupt import kill_at
from ..ledger import Ledger

IMAGES = yaml.safe_load((ROOT / ".lab/images.yml").read_text())
OLD, NEXT = IMAGES["lab_mariadb_image"], IMAGES["lab_mariadb_next_image"]
JUMP = "10.11 to 11.8"
STOP = r"TASK \[dbops.galera.mariadb : Stop the container\]"
TURN = r"PLAY \[Nodes that restart\]"
LAST = r"PLAY \[The writer"


def wanted(**variables: Any) -> list[str]:
    """Arguments of an upgrade to 11.8 that nothing speaks against, but for these variables."""
    archives = [f"/srv/lab/{archive}" for archive in [IMAGES["lab_mariadb_next_archive"]] if archive]
    given = {
        "mariadb_image": NEXT,
        "docker_host_image_archives": archives,
        "upgrade_allow_jump": JUMP,
        "upgrade_without_backup": True,
        "upgrade_measured": 3,
    }
    return ["-e", json.dumps({**given, **variables})]


def said(run: subprocess.CompletedProcess[str]) -> str:
    """The output in one line, whatever it was broken into."""
    return " ".join(run.stdout.replace("''", "'").split())


def containers(lab: Lab) -> dict[str, str]:
    """Id, image and start of each node's container."""
    shape = "'{{.Id}} {{.Config.Image}} {{.State.StartedAt}}'"
    return {host: lab.quick(host, f"docker inspect -f {shape} {node}").strip() for host, node in lab.nodes.items()}


def images(lab: Lab) -> dict[str, list[str]]:
    return {host: lab.quick(host, "docker images -q --no-trunc").split() for host in lab.nodes}


def versions(lab: Lab) -> list[str]:
    return [lab.node_sql(host, "SELECT VERSION()") for host in lab.nodes]


def state_transfers(lab: Lab) -> dict[str, int]:
    """Full SSTs that the nodes' containers have taken."""
    count = "docker logs {} 2>&1 | grep -c 'Proceeding with SST' || true"
    return {host: int(lab.quick(host, count.format(node))) for host, node in lab.nodes.items()}


def refused(lab: Lab, **variables: Any) -> str:
    """Run upgrade; it must fail with the nodes as they were. Returns what it said."""
    before = containers(lab)
    run = lab.play("upgrade", *wanted(**variables))
    assert run.returncode != 0, run.stdout
    assert {host: numbers["changed"] for host, numbers in recap(run.stdout).items() if numbers["changed"]} == {}
    assert containers(lab) == before
    return said(run)


# ---- Before anything is there


def test_check_mode_without_the_image(lab: Lab) -> None:
    assert {version.partition(".")[0] for version in versions(lab)} == {"10"}, "the lab's nodes are to run 10.11"
    before = containers(lab), images(lab)
    run = lab.play("upgrade", "--check", *wanted())
    assert run.returncode == 0, run.stdout
    assert f"host1, host2, host3: {NEXT} is not there yet" in said(run)
    assert (containers(lab), images(lab)) == before


def test_the_jump_is_refused_once_the_image_is_there(lab: Lab) -> None:
    """This run brings the image to the hosts; the nodes stay as they are."""
    before = containers(lab)
    run = lab.play("upgrade", *wanted(upgrade_allow_jump=""))
    assert run.returncode != 0
    assert 'to the next: 10.11 to 11.4 to 11.8. To do it nevertheless, say upgrade_allow_jump="10.11 to 11.8"' in said(
        run
    )
    assert containers(lab) == before
    assert all(int(lab.quick(host, f"docker images -q {NEXT} | wc -l")) == 1 for host in lab.nodes)


# ---- Gates


def test_check_mode_prints_the_plan(lab: Lab) -> None:
    before = containers(lab)
    run = lab.play("upgrade", "--check", *wanted())
    assert run.returncode == 0, run.stdout
    told = said(run)
    old, new = (version_of(lab, image) for image in (OLD, NEXT))
    for line in (
        f"{old} -> {new} ({NEXT})",
        f"1. host2 mariadb2: {old} -> {new}",
        f"2. host3 mariadb3: {old} -> {new}",
        f"3. host1 mariadb1, the writer: {old} -> {new}",
        "ok: the cluster is healthy: 3 members Synced, receive queues empty",
        f"ok: {old} to {new} can be rolled",
        f"MariaDB {new} takes the settings",
        "ok: gcache of 64 MiB",
    ):
        assert line in told, f"{line} is not in {run.stdout}"
    assert containers(lab) == before
    assert lab.whole()


def version_of(lab: Lab, image: str) -> str:
    told = lab.quick("host1", f"docker run --rm --network none --entrypoint mariadbd {image} --no-defaults --version")
    return told.partition(" Ver ")[2].partition("-")[0].strip()


def hours_ago(hours: float) -> str:
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)).isoformat(
        timespec="seconds"
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"upgrade_without_backup": False}, "No backup is named"),
        (
            {"upgrade_without_backup": False, "upgrade_backup_taken": hours_ago(30)},
            "more than upgrade_backup_max_age (24 h)",
        ),
        (
            {"upgrade_without_backup": False, "upgrade_backup_taken": "monday"},
            "upgrade_backup_taken is 'monday', which is no ISO 8601",
        ),
        ({"upgrade_allow_jump": "10.6 to 11.8"}, 'say upgrade_allow_jump="10.11 to 11.8"'),
        (
            {"mariadb_config": {"mariadbd": {"old_alter_table": "COPY"}}},
            "does not know old_alter_table: removed or renamed there",
        ),
        ({"mariadb_config": {"mariadbd": {"binlog_format": "SOMEHOW"}}}, "refuses the settings: "),
        (
            {"mariadb_provider": "/nowhere/libgalera_smm.so"},
            "has no Galera provider at /nowhere/libgalera_smm.so (mariadb_provider)",
        ),
        (
            {"mariadb_image": str(IMAGES["lab_keepalived_image"])},
            "has no MariaDB server (mariadbd); set mariadb_image to one",
        ),
    ],
    ids=[
        "no backup",
        "old backup",
        "no time",
        "another jump",
        "removed setting",
        "bad value",
        "no provider",
        "no server",
    ],
)
def test_gates(lab: Lab, variables: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(lab, **variables)


def test_a_floor_refuses_and_the_version_overrides_it(lab: Lab) -> None:
    new = version_of(lab, NEXT)
    raised = {
        "name": "house rule",
        "what": "mariadb",
        "level": "refuse",
        "fixed_in": ["10.11.99", "11.8.99"],
        "reason": "our auditors want nothing older",
        "source": "https://wiki.example.com/42",
    }
    told = refused(lab, mariadb_floors=[raised], mariadb_allow_version="11.8.1")
    assert f"{NEXT} on host1, host2 and host3 has MariaDB {new}, which is below 11.8.99: our auditors want" in told
    assert f"To accept it all the same, set mariadb_allow_version to {new}." in told
    assert "mariadb_allow_version is 11.8.1, and no floor refuses exactly that version here" in told
    run = lab.play("upgrade", "--check", *wanted(mariadb_floors=[raised], mariadb_allow_version=new))
    assert run.returncode == 0, run.stdout
    assert f"Until then mariadb_allow_version={new} allows it." in said(run)


def test_a_backup_that_is_new_enough(lab: Lab) -> None:
    run = lab.play("upgrade", "--check", *wanted(upgrade_without_backup=False, upgrade_backup_taken=hours_ago(2)))
    assert run.returncode == 0, run.stdout
    assert "ok: a backup was taken at" in said(run)


def test_deprecated_settings_are_warned_of(lab: Lab) -> None:
    setting = {"mariadbd": {"innodb_flush_method": "O_DIRECT"}}
    run = lab.play("upgrade", "--check", *wanted(mariadb_config=setting))
    assert run.returncode == 0, run.stdout
    assert "says of the settings: --innodb-flush-method is deprecated" in said(run)


def test_a_gcache_that_is_too_small(lab: Lab) -> None:
    with Ledger(lab) as ledger:
        ledger.wait_for()
        told = refused(lab, upgrade_node_absence=10**7)
    assert "host1, host2, host3: gcache.size is 64 MiB" in told
    assert "Set gcache.size in mariadb_provider_options to" in told


def test_an_older_provider(lab: Lab) -> None:
    image = "dbops.test/old-provider:1"
    age = (
        f"docker run --name aged --network none --entrypoint sh {NEXT} -c"
        r""" "sed -i -E 's/4[.][0-9]{2}\(r/4.10(r/' /usr/lib/galera/libgalera_smm.so" """
        f"&& docker commit aged {image} && docker rm aged"
    )
    try:
        for host in lab.nodes:
            lab.quick(host, age)
        assert f"the Galera provider of {image} is 4.10, older than the running 4." in refused(lab, mariadb_image=image)
    finally:
        for host in lab.nodes:
            lab.quick(host, f"docker rm -f aged; docker rmi {image}", check=False)


def test_a_node_that_is_down(lab: Lab) -> None:
    lab.quick("host3", "docker stop -t 60 mariadb3")
    try:
        told = refused(lab)
    finally:
        lab.quick("host3", "docker start mariadb3")
        wait_until(lab.whole, 60, "mariadb3 is back")
    assert "host3: mariadb3 is stopped; while a node is down no other is upgraded" in told
    assert "host1: mariadb1 sees a cluster of 2, the inventory has 3" in told


def test_other_playbooks_do_not_change_the_image(lab: Lab) -> None:
    before = containers(lab)
    run = lab.play("site", "-e", f"mariadb_image={NEXT}")
    assert run.returncode != 0
    assert f"host1: mariadb1 runs {OLD}, and mariadb_image is {NEXT}" in said(run)
    assert "is changed by the playbook upgrade" in said(run)
    assert containers(lab) == before


def play_and(lab: Lab, pattern: str, act: Callable[[], Any], arguments: list[str]) -> tuple[int, str]:
    """Run upgrade, and do something when a line of its output holds the pattern. Returns its exit code and output."""
    with subprocess.Popen(
        lab.command("upgrade", *arguments),
        cwd=ROOT,
        env=PLAIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if pattern in line:
                act()
    return process.returncode, "".join(lines)


def test_a_stop_that_is_not_clean(lab: Lab) -> None:
    """The node hears no SIGTERM, so Docker kills it. The new image must not get its data; the cluster serves on."""
    before, transfers = containers(lab), state_transfers(lab)
    with Ledger(lab) as ledger:
        ledger.wait_for()
        code, output = play_and(
            lab,
            "Note that the node is in its turn",
            lambda: lab.quick("host2", "docker kill -s STOP mariadb2"),
            wanted(galera_stop_timeout=3),
        )
        ledger.wait_for()
    told = " ".join(output.split())
    assert code != 0, output
    assert "host2: mariadb2 is crashed after SIGTERM and up to 3 s (galera_stop_timeout): it left no position." in told
    assert "let the old version recover them (docker start mariadb2), and run upgrade again" in told
    assert "To go back, which is possible as long as no node runs" in told
    after = containers(lab)
    assert after == before, "the container is the old one, and was not started again"
    ledger.account(["host1", "host3"])
    again = lab.play("upgrade", "--check", *wanted())
    assert again.returncode != 0
    assert "host2: mariadb2 did not stop cleanly in its turn" in said(again)
    lab.quick("host2", "docker start mariadb2")
    wait_until(lab.whole, 60, "mariadb2 is back")
    assert state_transfers(lab) == transfers


# ---- The upgrade


def upgraded(lab: Lab) -> None:
    """Every node runs 11.8, with its own tables upgraded, without a full SST; nothing is left over."""
    assert {".".join(version.split(".")[:2]) for version in versions(lab)} == {"11.8"}
    for host, node in lab.nodes.items():
        directory = f"/containers/{node}"
        assert lab.quick(host, f"cat {directory}/datadir/mariadb_upgrade_info").startswith("11.8.")
        assert lab.quick(host, f"ls {directory}").split().count("upgrade.json") == 0
        assert lab.quick(host, f"docker inspect -f '{{{{.Config.Image}}}}' {node}").strip() == NEXT
        # A view that 10.11 does not have, made by each node for itself.
        made = "SELECT COUNT(*) FROM information_schema.views WHERE table_name = 'privileges_by_table_by_level'"
        assert lab.node_sql(host, made) == "1"
    assert set(state_transfers(lab).values()) == {0}
    assert lab.whole()


def test_upgrade_under_load(lab: Lab) -> None:
    before = containers(lab)
    with Ledger(lab, pause=0) as ledger:
        ledger.mark("before")
        time.sleep(15)
        ledger.mark("upgrade")
        run = lab.play("upgrade", *wanted())
        ledger.mark("after")
        ledger.wait_for()
    assert run.returncode == 0, run.stdout
    ledger.account()
    share = ledger.phase("upgrade").rate / ledger.phase("before").rate
    lab.say(
        f"upgrade: write rate {share:.2f} of the rate before, longest gap {ledger.phase('upgrade').longest_gap:.2f} s"
    )
    upgraded(lab)
    assert not set(containers(lab).values()) & set(before.values())
    if lab.proxies:
        assert ledger.errors == {}
    assert f"galera runs {NEXT} (11.8." in said(run)


def test_the_nodes_are_healthy_and_site_has_nothing_to_change(lab: Lab) -> None:
    wait_until(
        lambda: all("(healthy)" in lab.quick(h, f"docker ps --filter name={n}") for h, n in lab.nodes.items()),
        60,
        "healthy",
    )
    run = lab.play("site", "-e", f"mariadb_image={NEXT}")
    assert run.returncode == 0, run.stdout
    assert {numbers["changed"] for numbers in recap(run.stdout).values()} == {0}, run.stdout


def test_again_there_is_nothing_to_do(lab: Lab) -> None:
    run = lab.play("upgrade", "-e", f"mariadb_image={NEXT}")
    assert run.returncode == 0, run.stdout
    assert f"Every node runs {NEXT} (11.8." in said(run)
    assert {numbers["changed"] for numbers in recap(run.stdout).values()} == {0}, run.stdout


def test_there_is_no_way_back_to_an_older_series(lab: Lab) -> None:
    assert "MariaDB does not go back from 11.8 to 10.11" in refused(
        lab, mariadb_image=OLD, upgrade_allow_jump="11.8 to 10.11"
    )


def test_mariadb_upgrade_is_not_replicated(lab: Lab) -> None:
    """The very command, forced: other nodes get no write set of it."""

    def written() -> str:
        return lab.node_sql("host1", "SHOW STATUS LIKE 'wsrep_last_committed'")

    before = written()
    lab.on("host3", "docker exec mariadb3 mariadb-upgrade --skip-write-binlog --force")
    assert written() == before


def test_a_name_that_means_another_image_now(lab: Lab) -> None:
    """Somebody pulled; site does not take that for an order."""
    lab.quick("host2", f"docker tag {NEXT} dbops.test/kept:1 && docker tag {OLD} {NEXT}")
    try:
        run = lab.play("site", "-e", f"mariadb_image={NEXT}")
    finally:
        lab.quick("host2", f"docker tag dbops.test/kept:1 {NEXT} && docker rmi dbops.test/kept:1")
    assert run.returncode != 0
    assert "host2: mariadb2 runs an older image of the same name" in said(run)


# ---- Killed in the middle


@pytest.fixture
def fresh(lab: Lab) -> None:
    """A new cluster of 10.11 on the same hosts."""
    for playbook in ("tests/bench/wipe.yml", "site"):
        run = lab.play(playbook)
        assert run.returncode == 0, run.stdout


@pytest.mark.usefixtures("fresh")
def test_a_run_that_is_killed_goes_on(lab: Lab) -> None:
    """Killed with one node on each version and one stopped, and again while the last one's tables are upgraded."""
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("killed once")
        kill_at(lab, "upgrade", TURN, TURN, STOP, r"^changed: \[host3\]", arguments=wanted())
        assert [
            version.split("-")[0] for version in (lab.node_sql(host, "SELECT VERSION()") for host in ("host1", "host2"))
        ] == [
            version_of(lab, OLD),
            version_of(lab, NEXT),
        ]
        ledger.wait_for()
        ledger.mark("killed twice")
        kill_at(lab, "upgrade", LAST, r"TASK \[dbops.galera.mariadb : Upgrade the node's tables", arguments=wanted())
        ledger.wait_for()
        ledger.mark("to the end")
        run = lab.play("upgrade", *wanted())
        assert run.returncode == 0, run.stdout
        assert "1. host1 mariadb1, which an interrupted run left in its turn" in said(run)
        ledger.wait_for()
    ledger.account()
    upgraded(lab)
    if lab.proxies:
        assert ledger.errors == {}
    status = lab.play("status", "-e", f"mariadb_image={NEXT}")
    assert status.returncode == 0, status.stdout
    site = lab.play("site", "-e", f"mariadb_image={NEXT}")
    assert {numbers["changed"] for numbers in recap(site.stdout).values()} == {0}, site.stdout
