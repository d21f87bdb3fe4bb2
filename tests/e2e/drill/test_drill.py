"""Drills of three clusters' backups at once within their limits; of backups that are wrong in each way; killed."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ..conftest import Lab, recap, wait_until

CLUSTERS = ("crm", "erp", "shop")
DIRECTORY = "/containers/drill"
LIMITS = {
    "drill_cpus": 0.5,
    "drill_memory": "512m",
    "drill_memory_reservation": "480m",
    "drill_restic_memory": "256m",
    "drill_disk_read_mb": 20,
    "drill_disk_write_mb": 20,
    "drill_disk_read_iops": 800,
    "drill_disk_write_iops": 800,
    "drill_network_kib": 20480,
}
TRUE = "-- All of the ballast is there\nSELECT COUNT(*) = 120000 FROM application.ballast;\n"


def repository(cluster: str) -> str:
    return f"/srv/drilled/{cluster}"


def back_up(lab: Lab, cluster: str) -> None:
    """The lab's one cluster under another cluster's name, as the last member's program makes a backup."""
    host = list(lab.nodes)[-1]
    own = f"/containers/{lab.nodes[host]}/backup"
    changes = {
        "cluster": cluster,
        "directory": f"{own}-{cluster}",
        "repository": f"sftp:root@{lab.addresses['backup1']}:{repository(cluster)}",
        "count_rows": True,
    }
    script = (
        f"import json; c = json.load(open('{own}/config.json')); c.update(json.loads('{json.dumps(changes)}'));"
        f" json.dump(c, open('{own}-{cluster}/config.json', 'w'))"
    )
    lab.quick(host, f"mkdir -pm 700 {own}-{cluster}/cache; cp -a {own}/secrets {own}-{cluster}/")
    lab.quick(host, f"python3 - <<'END'\n{script}\nEND")
    program = f"python3 {own}/galera_backup --config {own}-{cluster}/config.json"
    lab.quick(host, f"{program} run --kind full; rm -r {own}-{cluster}", seconds=300)


@pytest.fixture(scope="module", autouse=True)
def clusters(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """Backups of three clusters, and an inventory that has them drilled; the directory of their assertions."""
    with lab.through_vip(patience=120) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ballast")
        cursor.execute("CREATE TABLE ballast (id INT PRIMARY KEY, pad TEXT)")
        for begin in range(1, 120000, 10000):
            cursor.execute(
                f"INSERT INTO ballast SELECT seq, REPEAT(MD5(RAND(seq)), 40) FROM seq_{begin}_to_{begin + 9999}"
            )
    lab.quick("backup1", "rm -rf /srv/drilled; mkdir -p /srv/drilled")
    for cluster in CLUSTERS:
        back_up(lab, cluster)
    assertions = tmp_path_factory.mktemp("assertions")
    (assertions / "shop.sql").write_text(TRUE)
    drilled = [
        {
            "name": cluster,
            "repository": f"sftp:root@{lab.addresses['backup1']}:{repository(cluster)}",
            "password": "{{ backup_password }}",
            "ssh_key": "{{ backup_ssh_key }}",
            "known_hosts": "{{ backup_ssh_known_hosts }}",
        }
        for cluster in CLUSTERS
    ]
    settings = {**LIMITS, "drill_clusters": drilled, "drill_assertions": {"shop": str(assertions / "shop.sql")}}
    file = lab.inventory / "group_vars" / "all" / "drill.yml"
    file.write_text(yaml.safe_dump(settings))
    yield assertions
    file.unlink()
    lab.quick("backup1", "rm -rf /srv/drilled")


def results(lab: Lab) -> dict[str, dict[str, Any]]:
    """The last result of each cluster."""
    read = f'for c in {" ".join(CLUSTERS)}; do cat "$(ls {DIRECTORY}/results/$c/*.json | tail -1)"; echo ,; done'
    told = lab.quick("backup1", read)
    return {each["cluster"]: each for each in json.loads(f"[{told.rstrip().rstrip(',')}]")}


def left(lab: Lab) -> str:
    """Whatever of a drill is there while none runs: containers, volumes, directories, mounts, locks, the program."""
    looks = {
        "container": "docker ps -a --filter label=dbops.galera.backup --format '{{.Names}}'",
        "volume": "docker volume ls -q",
        "directory": f"ls {DIRECTORY}/run",
        "mount": f"grep {DIRECTORY}/ /proc/mounts",
        "lock": "ls /srv/drilled/*/locks | grep -v :$",
        "process": "pgrep -f [g]alera_backup.--config",
    }
    commands = (f"{look} | sed 's/^./{what} &/; /^$/d'" for what, look in looks.items())
    return lab.quick("backup1", "; ".join(commands), check=False).strip()


def drill(lab: Lab, *only: str, **changes: Any) -> tuple[int, str]:
    """Exit code and what was said; nothing is left afterwards."""
    chosen = {"drill_only": list(only), **changes}
    run = lab.play("drill", "-e", json.dumps(chosen))
    assert left(lab) == "", left(lab)
    return run.returncode, run.stdout


def fails(lab: Lab, cluster: str, said: str, **changes: Any) -> None:
    """A drill that fails with its backup's id, in the playbook, in the history, on the page and in the metrics."""
    code, output = drill(lab, cluster, **changes)
    assert code != 0
    result = results(lab)[cluster]
    assert re.search(said, result["error"]), result["error"]
    assert re.search(rf"{cluster}: the drill of {result['backup']} FAILED", output), output
    assert re.fullmatch(r"\d{8}T\d{6}Z-mariadb\d", result["backup"])
    assert result["backup"] in lab.quick("backup1", f"cat {DIRECTORY}/report/index.html")
    assert f'drill_failed{{cluster="{cluster}"}} 1' in lab.metrics("backup1", "galera-drill")


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["began"] + one["waited"] < other["ended"] and other["began"] + other["waited"] < one["ended"])


def within(result: dict[str, Any]) -> list[str]:
    """What containers used beyond the limits, by their own counters; a twentieth is the counters' grain.

    Operations are counted over a container's life: after a quiet while the kernel (6.18) lets a burst of them through.
    """
    limits, over = result["limits"], []
    for used in result["containers"]:
        memory = limits["restic_memory" if used["container"].endswith(("-fetch", "-restic")) else "memory"]
        seconds = max(used["seconds"], 2)
        shares = {
            "memory": used["memory_max_bytes"] / (int(memory.rstrip("m")) << 20),
            "CPU": used.get("cpu_seconds_rate", 0) / limits["cpus"] / 1.05,
            "read": used.get("read_bytes_rate", 0) / (limits["disk_read_mb"] * 1.05 * (1 << 20)),
            "written": used.get("written_bytes_rate", 0) / (limits["disk_write_mb"] * 1.05 * (1 << 20)),
            "reads": used["reads"] / seconds / (limits["disk_read_iops"] * 1.05),
            "writes": used["writes"] / seconds / (limits["disk_write_iops"] * 1.05),
        }
        over += [f"{used['container']}: {name} {share:.2f}" for name, share in shares.items() if share > 1]
    return over


def test_three_at_once_within_the_limits(lab: Lab) -> None:
    code, output = drill(lab)
    assert code == 0, output
    found = results(lab)
    assert [result["error"] for result in found.values()] == ["", "", ""]
    assert all(overlap(found[one], found[other]) for one in found for other in found)
    assert [problem for result in found.values() for problem in within(result)] == []
    for result in found.values():
        assert {used["container"].rpartition("-")[2] for used in result["containers"]} >= {"fetch", "extract", "server"}
        assert result["rto"] > 0
        assert result["rpo"] > 0
        assert result["checked"] > 30
        assert result["compared"]["rows"] >= 1
    assert (found["shop"]["asserted"], found["crm"]["asserted"]) == (1, 0)
    lab.say(json.dumps({name: [result["rto"], result["containers"]] for name, result in found.items()}))


def test_set_up_again_changes_nothing(lab: Lab) -> None:
    run = lab.play("drills")
    assert run.returncode == 0, run.stdout
    assert all(counts["changed"] == 0 for counts in recap(run.stdout).values()), run.stdout


def test_the_secrets_are_in_files_of_root_alone(lab: Lab) -> None:
    modes = lab.quick("backup1", f"stat -c %a {DIRECTORY}/secrets.json {DIRECTORY}/clusters/*/secrets/*").split()
    assert set(modes) == {"600"}
    password = lab.secrets["backup_password"]
    assert password not in lab.quick("backup1", f"cat {DIRECTORY}/config.json; journalctl; cat {DIRECTORY}/results/*/*")


def test_a_wrong_variable_is_refused_by_site_before_anything_is_changed(lab: Lab) -> None:
    run = lab.play("site", "-e", "drill_parallel=0", "-e", "mariadb_memory_mb=700")
    assert run.returncode != 0
    assert "Too little on backup1: drill_parallel is 0" in run.stdout
    assert not any(counts["changed"] for counts in recap(run.stdout).values()), run.stdout


def test_one_at_a_time(lab: Lab) -> None:
    code, output = drill(lab, drill_parallel=1)
    assert code == 0, output
    found = results(lab)
    assert not any(overlap(found[one], found[other]) for one in found for other in found if one != other)


def test_what_never_fits(lab: Lab) -> None:
    fails(lab, "crm", "It needs .* and this host has no more than", drill_memory="9000g")


def test_a_wrong_key(lab: Lab) -> None:
    file = lab.inventory / "group_vars" / "all" / "drill.yml"
    good = file.read_text()
    try:
        file.write_text(good.replace("{{ backup_password }}", "another", 1))
        fails(lab, "crm", "does not open with this key")
    finally:
        file.write_text(good)


def test_a_corrupt_backup(lab: Lab) -> None:
    saved = "/srv/drilled-saved"
    lab.quick("backup1", f"cp -a {repository('erp')} {saved}")
    biggest = lab.quick("backup1", f"ls -S {repository('erp')}/data/*/* | head -1").strip()
    flip = f"f = open('{biggest}', 'r+b'); f.seek(100000); b = f.read(1); f.seek(100000); f.write(bytes([b[0] ^ 1]))"
    try:
        lab.quick("backup1", f'chmod u+w {biggest}; python3 -c "{flip}"')
        fails(lab, "erp", "Fetching .* failed: .*verification failed")
    finally:
        lab.quick("backup1", f"rm -rf {repository('erp')}; mv {saved} {repository('erp')}")


@contextlib.contextmanager
def manifest(lab: Lab, cluster: str, change: str) -> Iterator[None]:
    """The manifest of the newest backup in other words: a statement of Python that changes the dictionary m."""
    saved = f"/srv/saved-{cluster}"
    lab.quick("backup1", f"cp -a {repository(cluster)} {saved}")
    script = f"""
import json, sys
sys.path.insert(0, '{DIRECTORY}')
from galera_backup.manifest import Manifest
from galera_backup.repository import Repository
place = '{DIRECTORY}/clusters/{cluster}'
c = json.load(open('{DIRECTORY}/config.json'))
its = next(each for each in c['clusters'] if each['name'] == '{cluster}')
c = {{**c, **its, 'cluster': '{cluster}', 'directory': place}}
r = Repository(c, 'test')
old = max(r.manifests(), key=lambda each: each.ended)
m = json.loads(old.to_json())
{change}
r.ask('forget', '--tag', 'manifest,' + old.id, '--unsafe-allow-remove-all')
r.commit(Manifest(**m))
"""
    lab.quick("backup1", f"python3 - <<'END'\n{script}\nEND")
    try:
        yield
    finally:
        lab.quick("backup1", f"rm -rf {repository(cluster)}; mv {saved} {repository(cluster)}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("m['checksums'] = {'application.ballast': 7}", r"application\.ballast has checksum \d+ instead of 7"),
        ("m['tables']['application.ballast'] += 1", r"application\.ballast has rows 120000 instead of 120001"),
        ("m['tables']['application.gone'] = 1", r"application\.gone is missing"),
        ("m['sha256'] = '0' * 64", "is not what was stored"),
        ("m['base'] = '20200101T000000Z-mariadb1'", "has no backup 20200101T000000Z-mariadb1"),
        ("m['server'] = '11.8.3-MariaDB'", r"was made by MariaDB 11\.8"),
    ],
)
def test_not_what_the_manifest_says(lab: Lab, change: str, said: str) -> None:
    with manifest(lab, "crm", change):
        fails(lab, "crm", said)


def test_the_right_checksum(lab: Lab) -> None:
    sums = lab.node_sql(next(iter(lab.nodes)), "CHECKSUM TABLE application.ballast").split()[1]
    with manifest(lab, "crm", f"m['checksums'] = {{'application.ballast': {sums}}}"):
        code, output = drill(lab, "crm")
    assert code == 0, output
    assert results(lab)["crm"]["compared"]["checksum"] == 1


def test_an_assertion_that_does_not_hold(lab: Lab, clusters: pathlib.Path) -> None:
    try:
        (clusters / "shop.sql").write_text(f"{TRUE} SELECT MAX(id) < 100 FROM application.ballast")
        fails(lab, "shop", r"SELECT MAX\(id\) < 100 FROM application\.ballast gave 0 instead of 1")
    finally:
        (clusters / "shop.sql").write_text(TRUE)


@pytest.mark.parametrize("moment", ["fetch", "server"])
def test_killed(lab: Lab, moment: str) -> None:
    """By SIGKILL, while all three are fetched, and while servers run: nothing stays, and it counts as failed."""
    process = lab.start("drill")
    wanted = 3 if moment == "fetch" else 1
    question = f"docker ps -q --filter name=-{moment}$ | wc -l"
    wait_until(lambda: int(lab.quick("backup1", question)) >= wanted, 180, f"{wanted} containers of {moment}")
    lab.quick("backup1", "systemctl kill --kill-who=main --signal=KILL galera-drill-now.service")
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "were broken off" in output, output
    wait_until(lambda: left(lab) == "", 100, "nothing is left")
    killed = [each for each in results(lab).values() if "was killed" in each["error"]]
    assert len(killed) >= wanted
    assert all(each["backup"] for each in killed)
    # The timer's unit does the same, and finds nothing in its way.
    lab.quick("backup1", "systemctl start galera-drill.service", seconds=300)
    assert [each["error"] for each in results(lab).values()] == ["", "", ""]
    assert left(lab) == ""


def test_a_host_that_went_down(lab: Lab) -> None:
    """Containers, directories and records of a drill that nothing could clean up after are found by the next one."""
    process = lab.start("drill")
    wait_until(lambda: "-server" in lab.quick("backup1", "docker ps --format '{{.Names}}'"), 180, "a server")
    # Without its unit's last command, as when the power goes.
    place = "/run/systemd/system/galera-drill-now.service.d"
    without = f"mkdir -p {place}; printf '[Service]\\nExecStopPost=\\n' >{place}/no.conf; systemctl daemon-reload"
    lab.quick("backup1", f"{without}; systemctl kill --kill-who=main --signal=KILL galera-drill-now.service")
    process.communicate(timeout=300)
    lab.quick("backup1", f"rm -r {place}; systemctl daemon-reload")
    assert left(lab) != ""
    code, output = drill(lab)
    assert code == 0, output


def test_the_inventorys_own_cluster_by_default(lab: Lab) -> None:
    file = lab.inventory / "group_vars" / "all" / "drill.yml"
    good = file.read_text()
    try:
        file.write_text(yaml.safe_dump(LIMITS))
        # The repository was moved away: a new one begins with a full backup.
        assert lab.play("backup", "-e", "backup_kind=full").returncode == 0
        code, output = drill(lab)
        assert code == 0, output
        assert re.search(r"galera: \S+ was restored", output), output
        assert lab.quick("backup1", f"ls {DIRECTORY}/clusters").split() == ["galera"]
    finally:
        file.write_text(good)
