"""Drills of backups: what speaks against restored data, who begins when, limits and counters, and the report."""

from __future__ import annotations

import dataclasses
import html.parser
import io
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "roles/backup/files"))

from galera_backup import admission, binlog, checks, children, drill, drills, gauges, manifest, report

HOUR = 3600.0
MIB = 1 << 20


# ---- Checks


def test_statements_end_at_semicolons_that_are_meant() -> None:
    sql = """-- Nobody is called ';'
SELECT COUNT(*) = 0 FROM a.`b;c` WHERE name = 'it''s; \\' ;' OR name = "x;";
# one more; and
/* another; */ SELECT 1--1
;
-- nothing after this;
"""
    assert [each.splitlines()[-1] for each in checks.statements(sql)] == [
        """SELECT COUNT(*) = 0 FROM a.`b;c` WHERE name = 'it''s; \\' ;' OR name = "x;\"""",
        "/* another; */ SELECT 1--1",
    ]
    assert checks.statements(" ;; -- nothing") == []
    assert checks.statements("SELECT 1") == ["SELECT 1"]


@pytest.mark.parametrize("rows", [[(1,)], [("1",)], [(True, "more")], [("true",)]])
def test_an_assertion_that_holds(rows: list[tuple[Any, ...]]) -> None:
    assert checks.asserted("SELECT 1", rows) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [([], "0 rows"), ([(1,), (1,)], "2 rows"), ([(0, "a")], "0, a"), ([(None,)], "None"), ([(2,)], "2")],
)
def test_an_assertion_that_does_not(rows: list[tuple[Any, ...]], said: str) -> None:
    assert checks.asserted("-- why\nSELECT  x", rows) == [
        f"The assertion does not hold: -- why SELECT x gave {said} instead of 1."
    ]
    assert "no such table" in checks.asserted("SELECT x", error="no such table")[0]


def test_what_mariadb_check_says() -> None:
    said = """app.orders                                         OK
app.my table                                       OK
app.torn
warning  : Table is marked as crashed
error    : Size of datafile is: 0       Should be: 20
error    : Corrupt
mysql.general_log
note     : The storage engine for the table doesn't support check
"""
    looked, errors, warnings = checks.checked(said)
    assert looked == 4
    assert errors == ["mariadb-check (error): app.torn: Size of datafile is: 0       Should be: 20; app.torn: Corrupt."]
    assert warnings == ["mariadb-check (warning): app.torn: Table is marked as crashed."]
    assert checks.checked("a.b  OK\n") == (1, [], [])


def test_what_differs_is_named_and_much_of_it_is_shortened() -> None:
    assert checks.differing("rows", {"a.b": 1, "a.c": 2}, {"a.b": 1, "a.c": 2, "a.new": 9}) == []
    assert checks.differing("rows", {"a.b": 1, "a.c": 2}, {"a.b": 3}) == [
        "Not what the manifest says: a.b has rows 3 instead of 1; a.c is missing."
    ]
    assert "; and 2 more." in checks.differing("rows", {f"a.{n}": 1 for n in range(7)}, {})[0]


# ---- Admission


class Host(admission.Host):
    def __init__(self, memory: int, disk: int) -> None:
        self.has = admission.Amount(memory, disk)
        self.now = self.has

    def total(self) -> admission.Amount:
        return self.has

    def free(self) -> admission.Amount:
        return self.now


def amount(memory: int, disk: int = 0) -> admission.Amount:
    return admission.Amount(memory * MIB, disk * MIB)


def test_what_can_never_fit_is_refused_at_once() -> None:
    queue = admission.Admission(Host(*amount(100, 100)), patience=1e9)
    for needed in (amount(101, 1), amount(1, 101)):
        with pytest.raises(manifest.BackupError, match="this host has no more than 100 MiB of memory and 100 MiB"):
            queue.admit(needed).__enter__()


def test_what_was_given_counts_though_it_is_not_used_yet() -> None:
    queue = admission.Admission(Host(*amount(100, 100)), patience=0)
    with (
        queue.admit(amount(60, 10)),
        queue.admit(amount(40, 10)),
        pytest.raises(manifest.BackupError, match="now it has 0 MiB of memory and 80 MiB of disk"),
    ):
        queue.admit(amount(1)).__enter__()
    with queue.admit(amount(100, 100)):
        pass


def test_what_others_use_counts() -> None:
    host = Host(*amount(100, 100))
    queue = admission.Admission(host, patience=0)
    with queue.admit(amount(40)):
        host.now = amount(30, 100)
        with pytest.raises(manifest.BackupError, match="now it has 30 MiB"):
            queue.admit(amount(50)).__enter__()


def test_the_next_begins_when_one_ends_and_a_smaller_one_before() -> None:
    queue, begun = admission.Admission(Host(*amount(100, 100)), patience=30), []

    def job(name: str, needed: int, until: threading.Event) -> threading.Thread:
        def work() -> None:
            with queue.admit(amount(needed)):
                begun.append(name)
                until.wait(30)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def wait(names: list[str]) -> None:
        deadline = time.monotonic() + 10
        while begun != names:
            assert time.monotonic() < deadline, begun
            time.sleep(0.01)

    first, rest = threading.Event(), threading.Event()
    threads = [job("first", 70, first)]
    wait(["first"])
    threads.append(job("big", 80, rest))
    threads.append(job("small", 20, rest))
    wait(["first", "small"])
    first.set()
    wait(["first", "small", "big"])
    rest.set()
    for thread in threads:
        thread.join()


# ---- Limits and counters


def test_limits_are_options_of_docker() -> None:
    limits = {"cpus": 1, "memory": "2g", "memory_reservation": "1g", "disk_read_mb": 1.5, "disk_write_iops": 7}
    assert drill.docker_limits({**limits, "disk_write_mb": 0, "disk_read_iops": 0}, "/dev/sda") == {
        "memory-swap": "2g",
        "memory-reservation": "1g",
        "device-read-bps": "/dev/sda:1572864",
        "device-write-iops": "/dev/sda:7",
    }


def test_counters_of_both_kinds_of_cgroups() -> None:
    old = {
        "memory.max_usage_in_bytes": "1000\n",
        "cpuacct.usage": "2500000000\n",
        "cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 500000000\n",
        "blkio.throttle.io_service_bytes": "8:0 Read 9\n254:0 Read 11\n254:0 Write 22\n254:0 Total 33\nTotal 42\n",
        "blkio.throttle.io_serviced": "254:0 Read 1\n254:0 Write 2\n254:0 Total 3\nTotal 3\n",
    }
    new = {
        "memory.peak": "1000\n",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1\nthrottled_usec 500000\n",
        "io.stat": "8:0 rbytes=9 wbytes=9 rios=9 wios=9 dbytes=0 dios=0\n"
        "254:0 rbytes=11 wbytes=22 rios=1 wios=2 dbytes=0 dios=0\n",
    }
    wanted = {
        "memory_max_bytes": 1000,
        "cpu_seconds": 2.5,
        "cpu_throttled_seconds": 0.5,
        "read_bytes": 11,
        "written_bytes": 22,
        "reads": 1,
        "writes": 2,
    }
    assert gauges.parse_v1(old, "254:0") == wanted
    assert gauges.parse_v2(new, "254:0") == wanted
    # What has not read from the disk yet has no line of it.
    nothing = dict.fromkeys(wanted, 0)
    assert gauges.parse_v1({}, "254:0") == nothing
    assert gauges.parse_v2({"io.stat": "254:0 \n"}, "254:0") == nothing


def test_where_the_counters_are() -> None:
    old = gauges.files(
        "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n2:blkio:/docker/ab\n1:name=systemd:/x\n0::/docker/ab\n"
    )
    assert str(old["cpuacct.usage"]) == "/sys/fs/cgroup/cpuacct/docker/ab/cpuacct.usage"
    assert "io.stat" not in old
    new = gauges.files("0::/system.slice/docker-ab.scope\n")
    assert str(new["io.stat"]) == "/sys/fs/cgroup/system.slice/docker-ab.scope/io.stat"


def test_a_rate_is_the_highest_of_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(gauges.time, "monotonic", lambda: clock[0])
    usage = tmp_path / "cpuacct.usage"
    gauge = gauges._Gauge("drill.shop-server", {"cpuacct.usage": usage}, "254:0")
    for seconds in (0, 0, 4, 4, 4, 4.5):
        usage.write_text(str(int(seconds * 1e9)))
        assert gauge.look()
        clock[0] += 1
    usage.unlink()
    assert not gauge.look()
    assert (gauge.seen["cpu_seconds_rate"], gauge.seen["cpu_seconds"], gauge.seen["seconds"]) == (2.0, 4.5, 5.0)


def test_a_path_has_a_disk_or_none(tmp_path: Path) -> None:
    numbers, node = gauges.whole_disk(tmp_path)
    assert (numbers == "") == (node == "")
    assert gauges.whole_disk(Path("/proc")) == ("", "")


def test_a_pipe_keeps_its_rate() -> None:
    copied = children.Copied(20 * MIB)
    begun = time.monotonic()
    copied.copy(io.BytesIO(bytes(10 * MIB)), io.BytesIO())
    assert 0.5 <= time.monotonic() - begun < 2
    assert (copied.size, copied.seconds >= 0.5) == (10 * MIB, True)


# ---- Drills


def made(**changes: Any) -> manifest.Manifest:
    whole = manifest.Manifest(
        id="20260131T020000Z-mariadb3",
        cluster="shop",
        uuid="u",
        node="mariadb3",
        seqno=1,
        gtid="0-1-1",
        base="",
        from_lsn=0,
        to_lsn=100,
        server="10.11.19-MariaDB",
        provider="",
        image="mariadb:10.11",
        began=1000.0,
        ended=1060.0,
        size=MIB,
        datadir_size=MIB,
        sha256="0",
    )
    return dataclasses.replace(whole, **changes)


SHOP = {"name": "shop", "repository": "/srv/shop", "uid": 999}


def config(directory: Path, *clusters: str) -> dict[str, Any]:
    limits = {"cpus": 1, "memory": "64m", "restic_memory": "64m", "network_kib": 0}
    limits |= {f"disk_{way}_{unit}": 0 for way in ("read", "write") for unit in ("mb", "iops")}
    return {
        "directory": str(directory),
        "host": "vault1",
        "restic_image": "restic:1",
        "parallel": 2,
        "patience_minutes": 0,
        "keep_days": 1e5,
        "overdue_hours": 50,
        "limits": limits,
        "clusters": [{**SHOP, "name": name} for name in clusters],
    }


class Server:
    """A server that has the tables app.orders with 7 rows and app.`odd name`, and answers what it is given."""

    answers: ClassVar[dict[str, Any]] = {}

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def shell(self, *_: str, what: str) -> str:
        return str(self.answers.get(what, "app.orders  OK\n"))

    def ask(self, statement: str) -> Any:
        if "information_schema" in statement:
            return [("app", "orders"), ("app", "odd name")]
        answer = self.answers.get(statement, [(1,)])
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., drill.Result]:
    """Runs a drill in which containers, repository and server do what the test says."""

    def run(manifests: Any, answers: dict[str, Any] | None = None, sql: str = "", **changes: Any) -> drill.Result:
        def listed(_repository: Any) -> list[manifest.Manifest]:
            if isinstance(manifests, Exception):
                raise manifests
            return list(manifests)

        def replay(_job: Any, _server: Any, plan: Any, reached: str) -> str:
            ranges = [(step.behind, plan.seqno or step.segment.end) for step in plan.steps]
            replays.append((reached, ranges))
            return f"0-1-{ranges[-1][1]}"

        replays: list[Any] = changes.pop("replays", [])
        segments: list[binlog.Segment] = changes.pop("segments", [])
        monkeypatch.setattr(drill.Repository, "manifests", listed)
        monkeypatch.setattr(drill.Repository, "binlogs", lambda _: segments)
        monkeypatch.setattr(drill.Restore, "replay", replay)
        monkeypatch.setattr(drill.Restore, "run", changes.pop("restore", lambda *_: None))
        monkeypatch.setattr(drill.Drill, "_have_images", lambda *_: None)
        monkeypatch.setattr(drill, "Gauges", lambda *_: nullcontext(Gauges()))
        monkeypatch.setattr(drill, "Server", Server)
        monkeypatch.setattr(drill.children, "remove_all", lambda _: [])
        monkeypatch.setattr(Server, "answers", answers or {})
        settings = config(tmp_path, "shop")
        cluster = {**SHOP, "assertions": sql}
        return drill.Drill(settings, cluster, changes.pop("admit", lambda _: nullcontext()), lambda _: None).run()

    return run


class Gauges:
    def seen(self) -> list[dict[str, str | float]]:
        return [{"container": "drill.shop-server", "seconds": 1.0}]


def counted(**changes: Any) -> manifest.Manifest:
    return made(tables={"app.orders": 7, "app.odd name": 1}, checksums={"app.orders": 42}, **changes)


RIGHT = {"SELECT COUNT(*) FROM `app`.`orders`": [(7,)], "CHECKSUM TABLE `app`.`orders`": [("app.orders", 42)]}


def test_a_drill_that_passes(world: Callable[..., drill.Result], tmp_path: Path) -> None:
    result = world([made(id="older", ended=10.0), counted()], RIGHT, "SELECT 1; SELECT 2 = 2")
    assert result.error == ""
    assert result.backup == "20260131T020000Z-mariadb3"
    assert result.compared == {"rows": 2, "checksum": 1}
    assert (result.checked, result.asserted) == (1, 2)
    assert result.rto is not None
    assert result.rpo == result.began - 1060
    assert drill.history(tmp_path, "shop") == [dataclasses.asdict(result)]
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize(
    ("manifests", "answers", "said"),
    [
        (manifest.BackupError("It does not open with this key."), {}, "does not open"),
        ([], {}, "has no backup"),
        # An older one that can be restored is no comfort.
        ([made(), made(id="b2", base="b1", ended=2000.0)], {}, "no backup b1, which b2 adds to"),
        ([counted()], {**RIGHT, "SELECT COUNT(*) FROM `app`.`orders`": [(6,)]}, "app.orders has rows 6 instead of 7"),
        ([counted()], {**RIGHT, "CHECKSUM TABLE `app`.`orders`": [("", 43)]}, "has checksum 43 instead of 42"),
        ([made(tables={"app.gone": 1})], {}, "app.gone is missing"),
        ([made()], {"mariadb-check": "app.orders\nerror    : Corrupt\n"}, "app.orders: Corrupt"),
        ([made()], {"mariadb-check": ""}, "found no table"),
        ([made()], {"SELECT 1": [(0,)]}, "SELECT 1 gave 0"),
        ([made()], {"SELECT 1": manifest.BackupError("no such table")}, "SELECT 1 gave no such table"),
        ([made()], {"SELECT 1": ZeroDivisionError("odd")}, "ZeroDivisionError: odd"),
    ],
)
def test_a_drill_that_fails(
    world: Callable[..., drill.Result], tmp_path: Path, manifests: Any, answers: dict[str, Any], said: str
) -> None:
    result = world(manifests, answers, "SELECT 1")
    assert said in result.error
    assert drill.history(tmp_path, "shop")[-1]["error"] == result.error
    assert list((tmp_path / "run").iterdir()) == []
    assert result.backup in drills.sentence(result)
    assert "FAILED" in drills.sentence(result)


def test_all_that_is_wrong_is_told(world: Callable[..., drill.Result]) -> None:
    """As of a torn table: mariadb-check names it, and the server refuses to count its rows."""
    torn = {
        "mariadb-check": "app.orders\n"
        "Warning  : InnoDB: The B-tree of index PRIMARY is corrupted.\n"
        "error    : Corrupt\n",
        "SELECT COUNT(*) FROM `app`.`orders`": manifest.BackupError("Got error 1877."),
    }
    result = world([counted()], torn)
    assert result.error == "Got error 1877. mariadb-check (error): app.orders: Corrupt."
    assert result.notes == ["mariadb-check (warning): app.orders: InnoDB: The B-tree of index PRIMARY is corrupted."]


def test_the_last_backup_is_named_when_the_key_is_wrong(world: Callable[..., drill.Result]) -> None:
    world([made()])
    result = world(manifest.BackupError("wrong key"))
    assert result.backup == "20260131T020000Z-mariadb3"


def segment(begin: int, end: int, latest: int = 2000) -> binlog.Segment:
    return binlog.Segment(f"s{begin}", "u", 0, "mariadb3", f"b{begin}", begin, end, latest, MIB)


def test_rows_are_compared_at_the_moment_at_which_they_were_counted(world: Callable[..., drill.Result]) -> None:
    replays: list[Any] = []
    logs = [segment(0, 4), segment(4, 9), segment(9, 12, latest=3000)]
    result = world([counted(counted="0-1-5")], RIGHT, segments=logs, replays=replays)
    assert (result.error, result.compared) == ("", {"rows": 2, "checksum": 1})
    assert replays == [("0-1-1", [(1, 5), (4, 5)]), ("0-1-5", [(5, 9), (9, 12)])]
    assert (result.reached, result.newest_transaction) == ("0-1-12", 3000)
    assert result.rpo == result.began - 3000


def test_a_count_that_the_archive_does_not_reach_is_not_compared(world: Callable[..., drill.Result]) -> None:
    result = world([counted(counted="0-1-5")], segments=[segment(0, 4)])
    assert (result.error, result.compared, result.reached) == ("", {}, "0-1-4")
    assert "they are of 0-1-5, and the archived binary logs end with 4" in result.notes[0]
    assert world([counted(counted="0-1-1")], RIGHT).compared["rows"] == 2
    assert "no row counts" in world([made()]).notes[0]


def test_a_gap_in_the_archive_fails_the_drill(world: Callable[..., drill.Result]) -> None:
    result = world([made()], segments=[segment(0, 4), segment(6, 9)])
    assert "have a gap" in result.error
    assert result.backup == "20260131T020000Z-mariadb3"


def test_it_waits_for_what_the_chain_needs_and_its_turn_is_no_restore_time(
    world: Callable[..., drill.Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[admission.Amount] = []
    clock = [1e6]
    monkeypatch.setattr(drill.time, "time", lambda: clock[0])

    def admit(needed: admission.Amount) -> Any:
        asked.append(needed)
        clock[0] += 500
        return nullcontext()

    def restore(*_: Any) -> None:
        clock[0] += 30

    result = world([made()], admit=admit, restore=restore)
    assert asked == [admission.Amount(128 * MIB, MIB + (512 << 20))]
    assert (result.waited, result.rto) == (500, 30)


def test_a_limit_that_cannot_be_kept_is_refused(
    world: Callable[..., drill.Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drill, "whole_disk", lambda _: ("", ""))
    assert world([made()]).error == ""
    limited = config(tmp_path, "shop")
    limited["limits"]["disk_read_mb"] = 5
    result = drill.Drill(limited, SHOP, lambda _: nullcontext(), lambda _: None).run()
    assert "drill_disk_read_mb cannot be kept" in result.error


def test_a_killed_drill_is_one_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(drill.children, "owners", lambda _: ["drill.gone", "drill.shop"])
    monkeypatch.setattr(drill.children, "remove_all", lambda owner: removed.append(owner) or [f"{owner}-fetch"])
    left = drill.Result("shop", "vault1", 1000.0, backup="b7")
    drill.write(drill.running(tmp_path, "shop"), json.dumps(dataclasses.asdict(left)))
    (tmp_path / "run" / "shop" / "data").mkdir()
    (tmp_path / "run" / "early").mkdir()
    said: list[str] = []
    broken = drill.settle(tmp_path, said.append)
    assert removed == ["drill.gone", "drill.shop"]
    assert list((tmp_path / "run").iterdir()) == []
    assert [(each.backup, each.error) for each in broken] == [("b7", "The drill was killed before its end.")]
    assert drill.history(tmp_path, "shop")[0]["backup"] == "b7"
    assert len(said) == 4
    assert drill.settle(tmp_path / "nowhere", said.append) == []


def test_old_results_go(tmp_path: Path) -> None:
    for began in (1000.0, 2000.0):
        drill.keep(tmp_path, drill.Result("shop", "vault1", began))
    drill.forget(tmp_path, 1500.0)
    assert [each["began"] for each in drill.history(tmp_path, "shop")] == [2000.0]


# ---- All drills of a host


def test_whose_turn_was_longest_ago_goes_first() -> None:
    clusters = [{"name": name} for name in ("a", "b", "c", "d")]
    assert [each["name"] for each in drills.order(clusters, {"a": 3.0, "b": 1.0, "d": 2.0})] == ["c", "b", "d", "a"]


def test_a_cluster_of_another_host_is_refused() -> None:
    with pytest.raises(manifest.BackupError, match="nix is not drilled on this host, which has shop"):
        drills.chosen([SHOP], ["nix"])
    assert drills.chosen([SHOP, {"name": "crm"}], ["crm"]) == [{"name": "crm"}]


def test_secrets_are_files_of_their_cluster_and_go_with_it(tmp_path: Path) -> None:
    keys = {"password": "one", "ssh_key": "key\n", "environment": ""}
    drills.lay_out(config(tmp_path, "shop", "crm"), {"shop": keys, "crm": keys})
    drills.lay_out(config(tmp_path, "shop"), {"shop": {**keys, "ssh_key": ""}})
    assert [each.name for each in (tmp_path / "clusters").iterdir()] == ["shop"]
    files = list((tmp_path / "clusters" / "shop" / "secrets").iterdir())
    assert [(each.name, each.read_text(), each.stat().st_mode & 0o777) for each in files] == [
        ("password", "one\n", 0o600)
    ]


def test_all_are_drilled_and_told_and_a_failure_is_loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class One:
        def __init__(self, _config: Any, cluster: Any, *_: Any) -> None:
            now = time.time()
            self._result = drill.Result(cluster["name"], "vault1", now - 10, backup="b1", ended=now, rto=5.0)

        def run(self) -> drill.Result:
            self._result.error = "no good" if self._result.cluster == "crm" else ""
            drill.keep(tmp_path, self._result)
            return self._result

    monkeypatch.setattr(drills.drill, "Drill", One)
    monkeypatch.setattr(drills.drill, "settle", lambda *_: [])
    monkeypatch.setattr(drills.signal, "signal", lambda *_: None)
    secrets = {name: {"password": "x"} for name in ("shop", "crm")}
    settings, record = config(tmp_path, "shop", "crm"), tmp_path / "now.json"
    with pytest.raises(manifest.BackupError, match=r"1 of 2 drills failed: crm \(b1\)"):
        drills.run(settings, secrets, [], record, lambda _: None)
    assert sorted(each["cluster"] for each in json.loads(record.read_text())) == ["crm", "shop"]
    assert "1 of 2 clusters" in (tmp_path / "report" / "index.html").read_text()
    drills.run(settings, secrets, ["shop"], record, lambda _: None)
    assert [each["cluster"] for each in json.loads(record.read_text())] == ["shop"]


# ---- Report


def told(began: float, error: str = "", **changes: Any) -> dict[str, Any]:
    return dataclasses.asdict(
        drill.Result(
            "shop", "vault1", began, backup="b1", ended=began + 60, error=error, rto=61.0, rpo=9000.0, **changes
        )
    )


def test_what_a_cluster_is() -> None:
    day = 24 * HOUR
    assert report.state([], day, 0) == "none yet"
    assert report.state([], day, 50) == "overdue"
    assert report.state([told(0)], day, 50) == "passed"
    assert report.state([told(0)], 3 * day, 50) == "overdue"
    assert report.state([told(0)], 3 * day, 0) == "passed"
    assert report.state([told(0), told(day, "no")], 3 * day, 50) == "failed"
    assert report.overdue([told(0), told(day, "no")], 3 * day, 50)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (7.25, "7.2 s"), (61, "1 min 1 s"), (120, "2 min"), (9000, "2 h 30 min"), (200000, "2 d 7 h")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert report.span(seconds) == text


class Balance(html.parser.HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, _: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_says_what_failed_and_needs_nothing_else() -> None:
    used = {"container": "drill.shop-server", "memory_max_bytes": 5 * MIB, "cpu_seconds_rate": 0.5}
    used |= {"seconds": 4.0, "reads": 40, "writes": 4}
    histories = {
        "shop": [told(1000.0, containers=[used]), told(90000.0, "<b>rows</b> differ", notes=["a note"])],
        "crm": [told(90000.0, size=8 * MIB, streamed=4.0, containers=[used], limits={"cpus": 1.0, "memory": "2g"})],
        "<new>": [],
    }
    page = report.page(histories, "vault1", 100000.0, 50)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert not {"script", "link", "img"} & set(balance.seen)
    assert "1 of 3 clusters" in page
    assert "&lt;b&gt;rows&lt;/b&gt; differ" in page
    assert "&lt;new&gt;" in page
    assert "a note" in page
    assert "http" not in page
    assert "came at 2.0 MiB a second" in page
    # What failed stands first.
    assert page.index("&lt;new&gt;") < page.index("<td>shop") < page.index("<td>crm")


def test_metrics_are_what_prometheus_reads() -> None:
    text = report.metrics({"shop": [told(1000.0)], 'a"b': []}, 2000.0, 50)
    assert 'dbops_galera_drill_failed{cluster="shop"} 0\n' in text
    assert 'dbops_galera_drill_rto_seconds{cluster="shop"} 61\n' in text
    assert 'dbops_galera_drill_last_success_timestamp_seconds{cluster="shop"} 1060\n' in text
    assert 'dbops_galera_drill_last_success_timestamp_seconds{cluster="a\\"b"} 0\n' in text
    assert 'overdue{cluster="a\\"b"} 1\n' in text
    assert 'failed{cluster="a' not in text
    line = re.compile(
        r'(# (HELP|TYPE) dbops_galera_drill_\w+ .+|dbops_galera_drill_\w+\{cluster="(\\.|[^"\\])*"\} [-0-9.e+]+)'
    )
    assert [each for each in text.splitlines() if not line.fullmatch(each)] == []
