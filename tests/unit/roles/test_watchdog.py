"""The watchdog of the proxies: when it acts, and above all when it does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/proxysql/files/proxysql_watchdog.py"
SPEC = importlib.util.spec_from_file_location("proxysql_watchdog", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
watchdog = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(watchdog)

WRITER = watchdog.Seen(1, [])
STUCK = watchdog.Seen(0, ["198.51.100.11:3306"])
ALL_DOWN = watchdog.Seen(0, [])
SILENT = None

A, B, C = (watchdog.Address(f"198.51.100.{number}", 3306) for number in (11, 12, 13))


class Proxy:
    """Sees what it is told to see, one look a second."""

    def __init__(self, *seen: Any, verdicts: Any = ()) -> None:
        self.seen = list(seen)
        self.verdicts = list(verdicts)
        self.now = 0.0
        self.repairs: list[float] = []

    def look(self) -> Any:
        return self.seen.pop(0)

    def fence(self) -> Any:
        return self.verdicts.pop(0) if self.verdicts else watchdog.Verdict()

    def repair(self) -> None:
        self.repairs.append(self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def watched(self, patience: float = 3) -> list[float]:
        """When it was repaired."""
        told: list[Any] = []
        self.fenced: list[Any] = []
        watchdog.watch(
            self, patience, told.append, self.fenced.append, lambda: self.now, self.sleep, rounds=len(self.seen)
        )
        assert len(told) == len(self.repairs)
        return self.repairs


@pytest.mark.parametrize(
    ("seen", "repairs"),
    [
        ([WRITER] * 10, []),
        ([STUCK] * 3, []),
        ([STUCK] * 4, [3]),
        ([WRITER, STUCK, STUCK, STUCK, STUCK], [4]),
        # The time begins anew after a repair, and whenever a look finds it otherwise.
        ([STUCK] * 8, [3, 7]),
        ([STUCK, STUCK, WRITER, STUCK, STUCK, STUCK], []),
        # It fails closed.
        ([ALL_DOWN] * 10, []),
        ([SILENT] * 10, []),
        ([STUCK, STUCK, ALL_DOWN, STUCK, STUCK, STUCK], []),
        ([STUCK, STUCK, SILENT, STUCK, STUCK, STUCK], []),
        ([ALL_DOWN, ALL_DOWN, ALL_DOWN, ALL_DOWN, STUCK], []),
    ],
    ids=[
        "writer",
        "not yet",
        "due",
        "lost",
        "again",
        "back by itself",
        "no node",
        "no answer",
        "node lost",
        "answer lost",
        "node back",
    ],
)
def test_when_it_repairs(seen: list[Any], repairs: list[float]) -> None:
    assert Proxy(*seen).watched() == repairs


def test_a_slow_look_delays_no_other() -> None:
    proxy = Proxy(*[WRITER] * 3)
    slept: list[float] = []

    def look() -> Any:
        proxy.now += 0.75
        return proxy.seen.pop(0)

    proxy.look = look  # type: ignore[method-assign]
    watchdog.watch(proxy, 3, lambda _: None, lambda _: None, lambda: proxy.now, slept.append, rounds=3)
    assert slept == [0.25] * 3


def test_a_verdict_is_told_once_and_an_empty_one_not() -> None:
    verdict = watchdog.Verdict("galera.2", {watchdog.Server(A, "mariadb1"): "why"})
    proxy = Proxy(*[WRITER] * 3, verdicts=[watchdog.Verdict(), verdict])
    assert proxy.watched() == []
    assert proxy.fenced == [verdict]


@pytest.mark.parametrize(
    ("group", "number"),
    [
        ("galera", 1),
        ("galera.2", 2),
        ("galera.10", 10),
        ("galera.999", 999),
        ("galera.2a", 2),
        ("galera.99z", 99),
        # Another cluster's, or nobody's.
        ("", 0),
        ("galera.", 0),
        ("galera.0", 0),
        ("galera.02", 0),
        ("galera.2B", 0),
        ("galera.2ab", 0),
        ("galera.x", 0),
        ("galera.2.2", 0),
        ("galera2", 0),
        ("xgalera", 0),
    ],
)
def test_the_generation_of_a_group(group: str, number: int) -> None:
    assert watchdog.generation("galera", group) == number


def test_a_dot_in_the_name_of_a_cluster_is_no_generation() -> None:
    assert watchdog.generation("shop.2", "shop.2") == 1
    assert watchdog.generation("shop.2", "shop.2.2") == 2
    assert watchdog.generation("shop.2", "shop.3") == 0


def servers(group: str = "", *addresses: Any) -> list[Any]:
    """A row for each node, as site or a forced recovery writes them."""
    note = f" ({group})" if group else ""
    return [watchdog.Server(address, f"mariadb{address.host[-1]}{note}") for address in addresses or (A, B, C)]


@pytest.mark.parametrize(
    ("written", "groups", "group", "out", "renewed"),
    [
        # Without a forced recovery nothing is judged, whoever answers.
        ("", {A: "galera", B: "galera", C: "galera"}, "", [], []),
        ("", {A: "galera"}, "", [], []),
        ("", {}, "", [], []),
        ("", {A: "galera", B: "other", C: "other.7"}, "", [], []),
        # The rows of a proxy that missed the recovery: whatever is not of the branch goes, before it can be started.
        ("", {A: "galera", B: "galera.2", C: "galera.2"}, "galera.2", [A], [B, C]),
        ("", {B: "galera.2", C: "galera.2"}, "galera.2", [A], [B, C]),
        ("", {B: "galera.2"}, "galera.2", [A, C], [B]),
        ("", {A: "other", B: "galera.2"}, "galera.2", [A, C], [B]),
        ("galera.2", {B: "galera.3", C: "galera.2"}, "galera.3", [A, C], [B]),
        # The rows of the branch: members may be down, and come back.
        ("galera.2", {B: "galera.2", C: "galera.2"}, "galera.2", [], []),
        ("galera.2", {B: "galera.2"}, "galera.2", [], []),
        ("galera.2", {}, "galera.2", [], []),
        ("galera.2", {A: "other", B: "galera.2"}, "galera.2", [], []),
        # Who answers for an earlier branch goes, also as the last.
        ("galera.2", {A: "galera", B: "galera.2", C: "galera.2"}, "galera.2", [A], []),
        ("galera.2", {A: "galera"}, "galera.2", [A], []),
        ("galera.10", {A: "galera.9"}, "galera.10", [A], []),
        ("galera.2", {A: "galera", B: "galera", C: "galera"}, "galera.2", [A, B, C], []),
        # Names have a letter. Of two branches of one generation the rows tell which one is served.
        ("", {A: "galera", B: "galera.2b", C: "galera.2b"}, "galera.2b", [A], [B, C]),
        ("galera.2b", {A: "galera.2a", B: "galera.2b"}, "galera.2b", [A], []),
        ("galera.2b", {A: "galera.2a"}, "galera.2b", [A], []),
        ("galera.2a", {A: "galera.2a", B: "galera.3b"}, "galera.3b", [A, C], [B]),
    ],
)
def test_who_may_be_served(
    written: str, groups: dict[Any, str], group: str, out: list[Any], renewed: list[Any]
) -> None:
    verdict = watchdog.judge("galera", servers(written), groups)
    assert verdict.group == group
    assert [server.address for server in verdict.out] == out
    assert [server.address for server in verdict.renewed] == renewed
    assert all(server.group == group for server in verdict.renewed.values())


def test_a_row_by_hand_among_those_of_the_branch_is_judged_by_its_answer() -> None:
    rows = [*servers("galera.2", B, C), watchdog.Server(A, "by hand")]
    silent, old, taken_in = (
        watchdog.judge("galera", rows, {B: "galera.2", **answer}) for answer in ({}, {A: "galera"}, {A: "galera.2"})
    )
    assert (silent.out, silent.renewed) == ({}, {})
    assert [server.address for server in old.out] == [A]
    assert [server.comment for server in taken_in.renewed.values()] == ["by hand (galera.2)"]


def test_a_proxy_without_servers() -> None:
    assert watchdog.judge("galera", [], {}) == watchdog.Verdict()


def test_the_note_of_the_group_in_a_comment() -> None:
    server = watchdog.Server(A, "mariadb1")
    assert server.group == ""
    assert server.written_for("galera.2") == watchdog.Server(A, "mariadb1 (galera.2)")
    assert server.written_for("galera.2").written_for("galera.3").comment == "mariadb1 (galera.3)"


def test_what_a_verdict_does_in_proxysql() -> None:
    old, odd = watchdog.Server(A, "mariadb1"), watchdog.Server(B, "Ann's")
    verdict = watchdog.Verdict("galera.2", {old: "why"}, {odd: odd.written_for("galera.2")})
    assert watchdog.statements(verdict) == [
        "DELETE FROM mysql_servers WHERE hostname = '198.51.100.11' AND port = 3306 AND comment = 'mariadb1'",
        (
            "UPDATE mysql_servers SET comment = 'Ann''s (galera.2)'"
            " WHERE hostname = '198.51.100.12' AND port = 3306 AND comment = 'Ann''s'"
        ),
        "LOAD MYSQL SERVERS TO RUNTIME",
        "SAVE MYSQL SERVERS TO DISK",
    ]


def test_the_counts_outlive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.prom"
    assert watchdog.count(str(file), "proxysql", watchdog.REPAIRS, 41) == 41
    assert watchdog.count(str(file), "proxysql", watchdog.REMOVALS, 2) == 2
    assert watchdog.count(str(file), "proxysql", watchdog.REPAIRS, 1) == 42
    lines = file.read_text().splitlines()
    assert 'dbops_galera_writer_repairs_total{proxy="proxysql"} 42' in lines
    assert 'dbops_galera_abandoned_servers_total{proxy="proxysql"} 2' in lines
    assert list(tmp_path.iterdir()) == [file]


def test_counts_that_cannot_be_read_begin_at_zero(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.prom"
    assert watchdog.read_counts(str(file)) == {watchdog.REPAIRS: 0, watchdog.REMOVALS: 0}
    file.write_text('dbops_galera_writer_repairs_total{proxy="proxysql"} 7\n')
    assert watchdog.read_counts(str(file)) == {watchdog.REPAIRS: 7, watchdog.REMOVALS: 0}


def test_a_proxy_that_does_not_answer_is_a_look_without_a_finding(tmp_path: Path) -> None:
    login = tmp_path / "admin.cnf"
    login.write_text("[client]\nhost=127.0.0.1\nport=1\nuser=operator\npassword=x\n")
    proxy = watchdog.Proxy(str(login), 10, "galera", lambda *_: "galera.2")
    assert proxy.look() is None
    assert proxy.fence() == watchdog.Verdict()


@pytest.mark.parametrize(
    ("line", "password"),
    [("x", "x"), ('"a\\\\b\\"c"', 'a\\b"c'), ('" pässwörd€ "', " pässwörd€ "), ('"it\'s %s#"', "it's %s#")],
)
def test_the_login_file_is_read_as_the_client_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, password: str
) -> None:
    login = tmp_path / "admin.cnf"
    login.write_text(f"# Here\n[client]\nhost=127.0.0.1\nport=6032\nuser=operator\npassword={line}\nskip-x\n", "utf-8")
    assert watchdog.read_login_file(str(login)) == (
        watchdog.Address("127.0.0.1", 6032),
        watchdog.Login("operator", password),
    )
    seen: dict[str, Any] = {}
    monkeypatch.setattr(watchdog.pymysql, "connect", lambda **login: seen.update(login))
    watchdog.Proxy(str(login), 10, "galera", lambda *_: "")._admin()
    assert (seen["port"], seen["password"]) == (6032, password.encode())


def test_a_login_file_that_is_gone_is_a_look_without_a_finding(tmp_path: Path) -> None:
    assert watchdog.Proxy(str(tmp_path / "none"), 10, "galera", lambda *_: "").look() is None


class Connection:
    """One to a node. It breaks when it is told to."""

    def __init__(self, opened: list[Connection]) -> None:
        self.broken = False
        opened.append(self)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cursor(self) -> Connection:
        return self

    def execute(self, _question: str) -> None:
        if self.broken:
            raise watchdog.pymysql.err.OperationalError(2006, "gone")

    def fetchone(self) -> Any:
        return ("galera.2",)


def test_a_node_is_asked_over_one_connection_and_over_a_new_one_when_it_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Connection] = []
    monkeypatch.setattr(watchdog.pymysql, "connect", lambda **_: Connection(opened))
    nodes, login = watchdog.Nodes(), watchdog.Login("monitor", "secret")
    assert [nodes.ask(A, login, watchdog.GROUP) for _number in range(3)] == ["galera.2"] * 3
    assert len(opened) == 1
    opened[0].broken = True
    assert nodes.ask(A, login, watchdog.GROUP) == "galera.2"
    assert len(opened) == 2


def test_a_node_that_refuses_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(watchdog.pymysql, "connect", refuse)
    assert watchdog.Nodes().ask(A, watchdog.Login("monitor", "secret"), watchdog.GROUP) == ""


def test_the_password_is_no_argument_of_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> Any:
        seen.update(options, command=command)
        return watchdog.subprocess.CompletedProcess(command, 0, stdout="galera.2\n")

    monkeypatch.setattr(watchdog.subprocess, "run", run)
    assert watchdog.ask_inside("proxysql")(A, watchdog.Login("monitor", "s3cret"), watchdog.GROUP) == "galera.2"
    assert "s3cret" not in " ".join(seen["command"])
    assert seen["env"]["MYSQL_PWD"] == "s3cret"
