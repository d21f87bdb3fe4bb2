"""Drills of backups: one of them, and all of a host."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest
from galera_backup import admission, binlog, branches, drill, drills, manifest

MIB = 1 << 20


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
        "textfile_directory": str(directory / "metrics"),
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
        def listed(*_: Any) -> list[manifest.Manifest]:
            if isinstance(manifests, Exception):
                raise manifests
            return list(manifests)

        def replay(_job: Any, _server: Any, plan: Any, reached: str) -> str:
            ranges = [(step.behind, plan.seqno or step.end) for step in plan.steps]
            replays.append((reached, ranges))
            return f"0-1-{ranges[-1][1]}"

        replays: list[Any] = changes.pop("replays", [])
        segments: list[binlog.Segment] = changes.pop("segments", [])
        recorded: list[branches.Branch] = changes.pop("recorded", [])
        monkeypatch.setattr(drill.Repository, "manifests", listed)
        monkeypatch.setattr(drill.Repository, "snapshots", lambda *_: [])
        monkeypatch.setattr(drill.Repository, "binlogs", lambda *_: segments)
        monkeypatch.setattr(drill.Repository, "branches", lambda *_: recorded)
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


def test_a_drill_goes_by_the_branch_that_began_last(world: Callable[..., drill.Result]) -> None:
    """Not by backups of hosts that a forced recovery gave up and that still make them; they are told of."""
    replays: list[Any] = []
    recorded = [branches.Branch("u", 10), branches.Branch("v", 1100, "u", 4)]
    lost, kept = segment(0, 9, latest=3000), dataclasses.replace(segment(4, 12), uuid="v")
    later = made(id="later", gtid="0-1-7", ended=4000.0)
    result = world([made(), later], segments=[lost, kept], recorded=recorded, replays=replays)
    assert (result.error, result.backup, result.reached) == ("", "20260131T020000Z-mariadb3", "0-1-12")
    assert replays == [("0-1-1", [(1, 4), (4, 12)])]
    assert "Branch u was still written at 1970-01-01 01:06:40 UTC" in result.notes[0]
    result = world([later], segments=[lost, kept], recorded=recorded)
    assert "The branch v, which began at 1970-01-01 00:18:20 UTC, has no backup" in result.error


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
    assert "drill_failed" in (tmp_path / "metrics" / "galera-drill.prom").read_text()
    drills.run(settings, secrets, ["shop"], record, lambda _: None)
    assert [each["cluster"] for each in json.loads(record.read_text())] == ["shop"]
