"""The role backup's program: what belongs together, what may go, whose turn it is, and streams that break off."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

ROLE = Path(__file__).resolve().parents[3] / "roles/backup"
sys.path.insert(0, str(ROLE / "files"))

from galera_backup import __main__ as program
from galera_backup import backup, children, manifest, node, plan, repository, restore

DAY = 86400.0
UUID = "f8eb8a01-e5bf-11f1-9dff-9bb2314c7b01"


def made(number: int, base: int = 0, node: str = "mariadb3", **changes: Any) -> manifest.Manifest:
    """Backup number N ended on day N, at LSN 100 N."""
    return dataclasses.replace(
        manifest.Manifest(
            id=f"b{number}",
            cluster="galera",
            uuid=UUID,
            node=node,
            seqno=number,
            gtid=f"0-1-{number}",
            base=f"b{base}" if base else "",
            from_lsn=100 * base,
            to_lsn=100 * number,
            server="10.11.19-MariaDB-log",
            provider="26.4",
            image="mariadb:10.11",
            began=number * DAY - 60,
            ended=number * DAY,
            size=1 << 20,
            datadir_size=1 << 30,
            sha256="0" * 64,
        ),
        **changes,
    )


WEEK = [made(1), made(2, 1), made(3, 2), made(4), made(5, 4)]


def test_a_manifest_is_read_as_it_was_written() -> None:
    written = made(2, 1, tables={"application.orders": 7})
    assert manifest.Manifest.from_json(written.to_json()) == written


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1, "id": "b1"}', made(1, format=2).to_json()])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(manifest.BackupError):
        manifest.Manifest.from_json(text)


def test_what_is_in_the_environment_is_not_for_the_shell() -> None:
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
    # Ansible takes a backslash in a template as it is: the newline is YAML's.
    assert "\n" in variables["__backup_secrets"]["environment"]
    rules = jinja2.Environment()
    rules.filters |= {"zip": zip, "quote": shlex.quote}
    given = {"AZURE_ACCOUNT_SAS": "sv=1&sig=a b", "PORT": 22, "AWS_SECRET": "it's $HOME"}
    text = rules.from_string(variables["__backup_secrets"]["environment"]).render(backup_environment=given)
    shown = 'set -a; eval "$1"; printf "%s|%s|%s" "$AZURE_ACCOUNT_SAS" "$PORT" "$AWS_SECRET"'
    done = subprocess.run(["sh", "-c", shown, "sh", text], capture_output=True, text=True, check=True)
    assert done.stdout == "sv=1&sig=a b|22|it's $HOME"


def test_id_is_utc_time_and_node() -> None:
    assert manifest.new_id("mariadb3", 1795275304.5) == "20261121T153504Z-mariadb3"


def test_facts_of_mariadb_backup() -> None:
    facts = manifest.parse_facts(
        "to_lsn = 50329\nbinlog_pos = filename 'b.3', position '379', GTID of the last change '0-1-6'\n"
    )
    assert facts["to_lsn"] == "50329"
    assert manifest.gtid_of(facts) == "0-1-6"
    assert manifest.gtid_of({}) == ""


def test_a_chain_goes_from_the_full_backup_to_the_wanted_one() -> None:
    assert [each.id for each in manifest.chain("b3", reversed(WEEK))] == ["b1", "b2", "b3"]
    assert [each.id for each in manifest.chain("b4", WEEK)] == ["b4"]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "The repository has no backup b3."),
        ([made(1), made(3, 2)], "no backup b2, which b3 adds to"),
        ([made(2, 1), made(3, 2)], "no backup b1, which b2 adds to"),
        ([made(1), made(2, 1, from_lsn=99), made(3, 2)], "b2 begins at LSN 99 of mariadb3, and b1 ends at 100"),
        ([made(1, node="mariadb2"), made(2, 1), made(3, 2)], "do not fit"),
        (
            [made(1), made(2, 1), made(3, 2, server="11.4.1-MariaDB")],
            "b3 was made by MariaDB 11.4, and b2, .* by 10.11",
        ),
        ([made(3, 3)], "adds to itself"),
        ([made(3, 2), made(2, 3)], "adds to itself"),
    ],
)
def test_a_broken_chain_is_named(known: list[manifest.Manifest], said: str) -> None:
    with pytest.raises(manifest.BackupError, match=said):
        manifest.chain("b3", known)


def test_the_newest_that_can_be_restored() -> None:
    assert manifest.newest(WEEK).id == "b5"
    assert manifest.newest(WEEK, before=3.5 * DAY).id == "b3"
    assert manifest.newest([each for each in WEEK if each.id != "b4"]).id == "b3"
    with pytest.raises(manifest.BackupError, match="no backup that had ended by 1970-01-01 12:00:00 UTC"):
        manifest.newest(WEEK, before=DAY / 2)


@pytest.mark.parametrize(
    ("mark", "node", "now", "base"),
    [
        ("b5", "mariadb3", 5.5, "b5"),
        ("", "mariadb3", 5.5, None),  # An SST took the mark away.
        ("b9", "mariadb3", 5.5, None),
        ("b5", "mariadb2", 5.5, None),  # The datadir moved under another name.
        ("b5", "mariadb3", 11.5, None),  # The full backup is a week old.
        ("b3", "mariadb3", 7.5, "b3"),
    ],
)
def test_what_an_incremental_backup_adds_to(mark: str, node: str, now: float, base: str | None) -> None:
    found = manifest.base_for(WEEK, node, mark, 7 * DAY, now * DAY, UUID, "10.11.20-MariaDB")
    assert (found and found.id) == base


@pytest.mark.parametrize(("uuid", "server"), [("restored", "10.11.19-MariaDB"), (UUID, "11.4.1-MariaDB")])
def test_it_adds_to_nothing_of_another_history_or_series(uuid: str, server: str) -> None:
    assert manifest.base_for(WEEK, "mariadb3", "b5", 7 * DAY, 5.5 * DAY, uuid, server) is None


def test_an_incremental_backup_never_adds_to_a_broken_chain() -> None:
    assert manifest.base_for(WEEK[1:3], "mariadb3", "b3", 7 * DAY, 3.5 * DAY, UUID, WEEK[0].server) is None


@pytest.mark.parametrize(
    ("changes", "gtid", "said"),
    [
        ({"from_lsn": 99}, "0-1-6", "begins at LSN 99 instead of 100, where b1 ends"),
        ({"tool": "10.11.3-MariaDB"}, "0-1-6", "has mariadb-backup 10.11.3-MariaDB, and the node runs MariaDB 11.4.1"),
        ({}, "", "no GTID of the cluster down, and the node has 6 of them"),
    ],
)
def test_what_does_not_fit_is_no_backup(changes: dict[str, Any], gtid: str, said: str) -> None:
    facts = {"from_lsn": 100, "tool": "11.4.2-MariaDB", "server": "11.4.1-MariaDB-log"}
    backup._see_that_it_fits("mariadb", facts, made(1), "0-1-6", 6)
    with pytest.raises(manifest.BackupError, match=said):
        backup._see_that_it_fits("mariadb", {**facts, **changes}, made(1), gtid, 6)


def test_what_a_kept_backup_adds_to_is_kept() -> None:
    assert manifest.expired(WEEK, keep_days=2.5, keep_fulls=0, now=5 * DAY) == []
    assert manifest.expired(WEEK, keep_days=1.5, keep_fulls=0, now=5 * DAY) == ["b1", "b2", "b3"]
    assert manifest.expired(WEEK, keep_days=1.5, keep_fulls=2, now=5 * DAY) == ["b2", "b3"]
    assert manifest.expired(WEEK, keep_days=1, keep_fulls=1, now=99 * DAY) == ["b1", "b2", "b3"]


@given(
    st.lists(st.booleans(), min_size=1, max_size=12),
    st.floats(min_value=0, max_value=15),
    st.integers(min_value=1, max_value=3),
)
def test_whatever_goes_the_rest_can_be_restored(fulls: list[bool], keep_days: float, keep_fulls: int) -> None:
    backups = [made(n, 0 if full or n == 1 else n - 1) for n, full in enumerate(fulls, 1)]
    gone = manifest.expired(backups, keep_days, keep_fulls, now=len(backups) * DAY)
    rest = [each for each in backups if each.id not in gone]
    assert any(each.full for each in rest)
    assert backups[-1] in rest
    for each in rest:
        manifest.chain(each.id, rest)


@pytest.mark.parametrize(
    ("version", "series"), [("10.11.19-MariaDB-log", "10.11"), ("mariadbd  Ver 11.8.3-MariaDB", "11.8")]
)
def test_series(version: str, series: str) -> None:
    assert manifest.series(version) == series


def restoring(target: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> restore.Restore:
    monkeypatch.setattr(restore.Restore, "_version", lambda _: version)
    return restore.Restore({"image": "mariadb:11.8"}, "galera.mariadb1-restore", Others(NEVER), target, lambda _: None)


def test_another_series_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path / "datadir", "mariadbd  Ver 11.8.3-MariaDB", monkeypatch)
    with pytest.raises(manifest.BackupError, match=r"b2 was made by MariaDB 10\.11, and mariadb:11\.8 is 11\.8"):
        job.check(plan.Plan(WEEK[:2], [], None, None))


def test_a_restore_that_was_begun_is_known_until_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path, "mariadbd  Ver 10.11.9-MariaDB", monkeypatch)
    assert job.begun() is None
    pinned = plan.Plan([WEEK[3]], [], 12, None).pinned
    facts = {"plan": "b4 and 12", "pinned": dataclasses.asdict(pinned)}
    (tmp_path / "restored.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "datadir").mkdir()
    assert job.begun() is None
    (tmp_path / "datadir").rmdir()
    assert job.begun() == plan.Wanted("b4", 12, None)


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*arguments: str) -> str:
        if arguments[-2] == "s1":
            raise manifest.BackupError("The repository cannot be used: ciphertext verification failed")
        return made(2).to_json()

    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera"}
    place = repository.Repository(config, "own")
    monkeypatch.setattr(place, "ask", ask)
    listed = [{"id": f"s{number}", "paths": [f"/b{number}.json"], "tags": ["manifest"]} for number in (1, 2)]
    with pytest.raises(manifest.BackupError, match=r"b1.json cannot be read: .*verification failed"):
        place.manifests(listed)
    assert place.manifests(listed, lenient=True) == [made(2)]


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = restoring(tmp_path / "datadir", "mariadbd  Ver 10.11.9-MariaDB", monkeypatch)
    with pytest.raises(manifest.BackupError, match=r"b4 needs \d{13} MiB in"):
        job.check(plan.Plan([dataclasses.replace(WEEK[3], datadir_size=1 << 60)], [], None, None))
    assert not (tmp_path / "datadir").exists()


class Others:
    """A repository in which other nodes' backups appear as time goes by."""

    def __init__(self, *appearing: tuple[list[manifest.Manifest], list[str]]) -> None:
        self._appearing = list(appearing)

    def exists(self) -> bool:
        return True

    def snapshots(self) -> repository.Snapshots:
        return [
            {"id": "s1", "tags": ["stream", "b1", "mariadb3"], "time": "2100-01-01T00:00:00.1Z"},
            {"id": "s2", "tags": ["manifest", "b2"], "time": "2100-01-01T00:00:00.1Z"},
            {"id": "s3", "tags": ["stream", "b2", "mariadb3"], "time": "2100-01-01T00:00:00.1Z"},
        ]

    def manifests(self, _listed: repository.Snapshots, lenient: bool) -> list[manifest.Manifest]:
        assert lenient
        return self._appearing[0][0]

    unfinished = staticmethod(repository.Repository.unfinished)

    def writers(self, _now: float, _patience: float) -> list[str]:
        found = (self._appearing.pop(0) if len(self._appearing) > 1 else self._appearing[0])[1]
        if found == ["locked"]:
            raise repository.LockedError("The repository is locked.")
        return found


class Node:
    def __init__(self, writes: bool) -> None:
        self.name = "mariadb2"
        self._writes = writes

    def replicates(self, _seconds: float) -> bool:
        return self._writes


CONFIG = {"nodes": 3, "rank": 1, "takeover_seconds": 600, "writer_sample": 5, "lock": "/nowhere/dbops-galera.lock"}
NEVER: tuple[list[manifest.Manifest], list[str]] = ([made(1)], [])


@pytest.mark.parametrize(
    ("writes", "others", "wanted", "waited"),
    [
        (False, [NEVER], True, 600),
        (True, [NEVER], True, 1800),
        (False, [([made(1), made(2, began=4e9)], [])], False, 600),
        # The first one is at it and makes it; or its lock grows old.
        (False, [([made(1)], ["galera.mariadb3-store"]), ([made(2, began=4e9)], [])], False, 660),
        (False, [([made(1)], ["galera.mariadb3-store"]), NEVER], True, 1260),
        # It removes what is too old.
        (False, [([made(1)], ["locked"]), ([made(2, began=4e9)], [])], False, 660),
    ],
)
def test_whose_turn_it_is(writes: bool, others: list[Any], wanted: bool, waited: float) -> None:
    sleeps: list[float] = []
    assert backup.due(CONFIG, Node(writes), Others(*others), lambda _: None, sleeps.append) is wanted
    assert sum(sleeps) == waited


def test_operators_are_waited_for(tmp_path: Path) -> None:
    """Also those that begin while a node waits for its turn."""
    lock = tmp_path / "dbops-galera.lock"
    sleeps: list[float] = []
    said: list[str] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 1:
            lock.write_text("ada@bastion, whose upgrade began", encoding="utf-8")
        if len(sleeps) == 4:
            lock.unlink()

    assert backup.due({**CONFIG, "lock": str(lock)}, Node(False), Others(NEVER), said.append, sleep)
    assert sleeps == [600, 60, 60, 60]
    assert "ada@bastion" in said[0]


def test_the_lock_of_a_run_that_was_killed_is_not_waited_for_all_night(tmp_path: Path) -> None:
    lock = tmp_path / "dbops-galera.lock"
    lock.write_text("ada@bastion, whose upgrade began", encoding="utf-8")
    sleeps: list[float] = []
    backup.wait({"lock": str(lock)}, lambda _: None, sleeps.append)
    assert sum(sleeps) == 4 * 3600


class Desynced(node.Node):
    """A node that tells what it was set to, in a cluster whose members change after so many looks."""

    def __init__(self, directory: Path, addresses: str, writes: bool = False, steady: int = 1000) -> None:
        super().__init__({"directory": str(directory), "node": "mariadb3", "nodes": 3, "writer_sample": 0}, "own")
        self._addresses = addresses
        self._writes = writes
        self._steady = steady
        self.set: list[str] = []

    def _ask(self, *statements: str) -> list[Any]:
        self.set += [each for each in statements if each.startswith("SET")]
        return [[0]]

    def status(self) -> dict[str, str]:
        self._steady -= 1
        conf = "7" if self._steady > 0 else "8"
        return {"wsrep_incoming_addresses": self._addresses, "wsrep_cluster_conf_id": conf}

    def replicates(self, _seconds: float) -> bool:
        return self._writes


ALL = "10.0.0.1:3306,10.0.0.2:3306,10.0.0.3:3306"
ON_AND_OFF = ["SET GLOBAL wsrep_desync = ON", "SET GLOBAL wsrep_desync = OFF"]


@pytest.mark.parametrize(
    ("addresses", "writes", "set_to"),
    [
        (ALL, False, ON_AND_OFF),
        (f"{ALL},", False, ON_AND_OFF),
        (ALL, True, []),
        # One is away; what stands in for it is an arbitrator.
        ("10.0.0.2:3306,10.0.0.3:3306", False, []),
        (",10.0.0.2:3306,10.0.0.3:3306", False, []),
    ],
)
def test_a_node_that_clients_need_is_not_desynced(
    tmp_path: Path, addresses: str, writes: bool, set_to: list[str]
) -> None:
    said: list[str] = []
    job = Desynced(tmp_path, addresses, writes)
    with job.desynced(said.append):
        assert (tmp_path / "desynced").exists() == bool(set_to)
    assert job.set == set_to
    assert bool(said) != bool(set_to)
    assert not (tmp_path / "desynced").exists()


def test_a_node_is_back_as_soon_as_another_one_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_WATCH", 0.01)
    told = threading.Event()
    job = Desynced(tmp_path, ALL, steady=5)
    with job.desynced(lambda _: told.set()):
        assert told.wait(10)
        assert job.set == ON_AND_OFF
        # Until the backup has ended: it may be killed.
        assert (tmp_path / "desynced").exists()


def test_a_lock_that_a_dead_host_left_is_removed_by_who_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-2] if command[-1] == "--quiet" else command[-1])
        return subprocess.CompletedProcess(command, 11 if asked[-1] == "snapshots" else 0, "", "repo already locked")

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    with pytest.raises(repository.LockedError, match=r"/r is locked by another process: repo already locked"):
        repository.Repository(config, "own").ask("snapshots")
    assert asked == ["snapshots", "unlock"]


def test_a_verification_names_the_packs_that_are_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs = ["a" * 64, "b" * 64]
    said = "".join(f"pack {pack} contains 1 errors: [blob 0123: ciphertext verification failed]\n" for pack in packs)
    results = [(1, said + "Fatal: repository contains errors\n")] * 2 + [(1, "Fatal: no space left"), (0, "")]

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, results[0][0], "", results.pop(0)[1])

    monkeypatch.setattr(subprocess, "run", run)
    config = {"repository": "/r", "directory": str(tmp_path), "cluster": "galera", "restic_image": "restic"}
    place = repository.Repository(config, "own")
    with pytest.raises(manifest.BackupError, match=f"/r cannot be used: damaged packs: {' '.join(packs)}$"):
        place.check()
    place.check()
    assert not results


def test_what_streams_begins_again_when_its_configuration_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / name for name in ("config.json", "version")}
    for file in files.values():
        file.write_text("1", encoding="utf-8")
    monkeypatch.setattr(program, "__file__", str(tmp_path / "__main__.py"))
    monkeypatch.setattr(program, "_HEED", 0.01)
    stop = threading.Event()
    heeding = threading.Thread(target=program.heed, args=[files["config.json"], stop], daemon=True)
    heeding.start()
    assert not stop.wait(0.1)
    files["version"].unlink()
    assert not stop.wait(0.1)
    files["version"].write_text("2", encoding="utf-8")
    assert stop.wait(10)
    heeding.join(10)


def test_a_lock_that_stays_is_a_failure() -> None:
    with pytest.raises(repository.LockedError):
        backup.due(CONFIG, Node(False), Others(([made(1)], ["locked"])), lambda _: None, lambda _: None)


def test_a_node_that_counts_its_rows_is_at_it() -> None:
    """Its stream is there, its lock is gone, and the manifest comes when all rows are counted."""
    sleeps: list[float] = []
    others = Others(NEVER, NEVER, ([made(1), made(2, began=4e9)], []))
    assert not backup.due({**CONFIG, "count_rows": True}, Node(False), others, lambda _: None, sleeps.append)
    assert sum(sleeps) == 600 + 60 + 60


def settings(directory: Path) -> dict[str, Any]:
    return {"directory": str(directory), "textfile_directory": str(directory), "cluster": "galera", "node": "mariadb2"}


def test_a_backup_that_runs_is_not_cleaned_up_after_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[str] = []

    class Settled:
        def __init__(self, *_: object) -> None:
            """Nothing to connect to."""

        def settle(self) -> list[str]:
            settled.append("yes")
            return []

    monkeypatch.setattr(program, "Node", Settled)
    config = settings(tmp_path)
    program.record(config, program._RUNNING)
    with program.alone(config) as free:
        assert free
        program.settle(config, "galera.mariadb2", program.argparse.Namespace())
        assert not settled
        assert not (tmp_path / "galera-backup-mariadb2.prom").exists()
    program.settle(config, "galera.mariadb2", program.argparse.Namespace())
    assert settled
    assert "killed" in program.last(config)["error"]
    assert 'backup_failed{cluster="galera",node="mariadb2"} 1' in (tmp_path / "galera-backup-mariadb2.prom").read_text()


def test_a_failure_keeps_the_time_of_the_last_success(tmp_path: Path) -> None:
    config = settings(tmp_path)
    program.record(config, "", made(1))
    program.record(config, "no space")
    told = (tmp_path / "galera-backup-mariadb2.prom").read_text()
    assert 'backup_failed{cluster="galera",node="mariadb2"} 1' in told
    assert f'last_success_timestamp_seconds{{cluster="galera",node="mariadb2"}} {DAY:.0f}' in told
    assert program.last(config)["error"] == "no space"


@pytest.fixture(params=["process", "fifo"])
def run_pipe(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], children.Copied]:
    """Two shell scripts in the places of containers, the one's output being the other's input."""

    def child(name: str, script: str, log: Any, direction: str) -> children.Child:
        if request.param == "process":
            pipes = {"stdin" if direction == "<" else "stdout": subprocess.PIPE}
            return children.Child(["sh", "-c", script], "no-such-container", log, **pipes)
        fifo = children.make_fifo({"directory": tmp_path}, name)
        return children.Child(["sh", "-c", f"({script}) {direction}{fifo}"], "no-such-container", log, fifo)

    def run(source: str, target: str) -> children.Copied:
        with (
            tempfile.TemporaryFile() as one,
            tempfile.TemporaryFile() as two,
            child("target", target, two, "<") as into,
            child("source", source, one, ">") as out,
        ):
            return children.pipe(out, into, ("mariadb-backup", "restic"))

    return run


Pipe = Callable[[str, str], children.Copied]


def test_a_pipe_copies_everything(run_pipe: Pipe, tmp_path: Path) -> None:
    data = bytes(range(256)) * 20000
    (tmp_path / "in").write_bytes(data)
    copied = run_pipe(f"cat {tmp_path}/in", f"cat >{tmp_path}/out")
    assert (tmp_path / "out").read_bytes() == data
    assert (copied.size, copied.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_source_that_breaks_off_is_told_with_its_reason(run_pipe: Pipe, tmp_path: Path) -> None:
    end = tmp_path / "end"
    with pytest.raises(manifest.BackupError, match="mariadb-backup failed: no space"):
        run_pipe("echo half; echo no space >&2; exit 1", f"sleep 60; touch {end}")
    assert not end.exists()


def test_a_target_that_fails_is_told_with_its_reason(run_pipe: Pipe) -> None:
    with pytest.raises(manifest.BackupError, match="restic failed: repository is full"):
        run_pipe("cat /dev/zero", "head -c 3000000 >/dev/null; echo repository is full >&2; exit 1")


def test_a_target_that_fails_at_its_end_is_told(run_pipe: Pipe) -> None:
    with pytest.raises(manifest.BackupError, match="restic failed: wrong"):
        run_pipe("echo all", "cat >/dev/null; echo wrong >&2; exit 3")
