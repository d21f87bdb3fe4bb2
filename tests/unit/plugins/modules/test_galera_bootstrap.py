# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts, which need neither Docker nor a server; the Molecule scenarios test what the elected node does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.dbops.galera.plugins.module_utils import _containers
from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node
from ansible_collections.dbops.galera.plugins.modules import galera_bootstrap

UUID = "f5a84299-e532-11f1-b3aa-dbb87aa99b48"
EMPTY = {"state": "empty"}
STOPPED = {"state": "stopped", "uuid": UUID, "seqno": 2, "source": "grastate"}
LIVE = {"state": "running", "uuid": UUID, "seqno": 2, "cluster_status": "Primary", "cluster_size": 1}
ARGUMENTS = {
    "node": "mariadb2",
    "member": "db2",
    "members": ["db1", "db2"],
    "datadir": "/containers/mariadb2/datadir",
    "socket": "/containers/mariadb2/run/mysqld.sock",
}


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args({**ARGUMENTS, **arguments}), pytest.raises(SystemExit):
        galera_bootstrap.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_refusal_fails_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, reports={"db1": STOPPED, "db2": EMPTY})
    assert result["failed"]
    assert result["msg"] == result["verdict"]["reason"]
    assert "run the recover playbook" in result["msg"]
    assert result["verdict"]["action"] == "refuse"
    assert set(result["reasons"]) == {"db1", "db2"}
    assert result["elected"] is False


@pytest.mark.parametrize(
    ("reports", "action", "node"),
    [({"db1": EMPTY, "db2": EMPTY}, "bootstrap", "db1"), ({"db1": LIVE, "db2": EMPTY}, "join", "db1")],
)
def test_who_is_not_elected_does_nothing(
    capsys: pytest.CaptureFixture[str], reports: dict[str, Any], action: str, node: str
) -> None:
    result = run(capsys, reports=reports)
    assert not result.get("failed")
    assert (result["changed"], result["elected"]) == (False, False)
    assert (result["verdict"]["action"], result["verdict"]["node"]) == (action, node)


def test_an_elected_node_without_docker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_containers, "HAS_DOCKER", False)
    result = run(capsys, reports={"db1": EMPTY, "db2": STOPPED}, purpose="recover", force=f"db2@{UUID}:2")
    assert result["failed"]
    assert result["elected"] is True
    assert "python3-docker" in result["msg"]
    assert (
        "It was decided against these objections: db1 is empty beside members with data" in result["verdict"]["reason"]
    )


class Acts:
    """A node that is asked, and bootstrapped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, alive: str = "") -> None:
        self.asked: list[tuple[str, list[str], list[str]]] = []
        self.bootstrapped: list[tuple[float, bool]] = []
        self.alive = alive
        monkeypatch.setattr(Engine, "connect", classmethod(lambda _engine: None))
        monkeypatch.setattr(Node, "container", lambda _node: None)
        monkeypatch.setattr(Node, "refuse_if_answered", lambda _node, *asked: self._ask(*asked))
        monkeypatch.setattr(Node, "bootstrap", lambda _node, timeout, predict: self._bootstrap(timeout, predict))

    def _ask(self, group: str, silent: list[str], reported: list[str]) -> None:
        self.asked.append((group, silent, reported))
        if self.alive in silent:
            raise GaleraError(f"{self.alive}: a node answers there.")

    def _bootstrap(self, timeout: float, predict: bool) -> bool:
        self.bootstrapped.append((timeout, predict))
        return True


FORCED: dict[str, Any] = {
    "purpose": "recover",
    "force": f"db2@{UUID}:2",
    "reports": {"db2": STOPPED},
    "group": "shop",
    "addresses": {"db1": "198.51.100.1:4567", "db2": "198.51.100.2:4567"},
}


@pytest.mark.parametrize("predict", [True, False])
def test_before_a_forced_decision_the_silent_are_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, predict: bool
) -> None:
    acts = Acts(monkeypatch)
    result = run(capsys, **FORCED, _ansible_check_mode=predict)
    assert (result["changed"], result["verdict"]["branch"], result["container"]) == (True, True, "mariadb0")
    assert acts.asked == [("shop", ["198.51.100.1:4567"], ["198.51.100.2:4567"])]
    assert acts.bootstrapped == [(120, predict)]


def test_a_silent_member_that_answers_refuses_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(monkeypatch, "198.51.100.1:4567")
    result = run(capsys, **FORCED)
    assert result["failed"]
    assert result["msg"] == "198.51.100.1:4567: a node answers there."
    assert acts.bootstrapped == []


def test_nobody_is_asked_where_nothing_was_overruled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(monkeypatch)
    result = run(capsys, **{**FORCED, "reports": {"db1": {**STOPPED, "seqno": 1}, "db2": STOPPED}})
    assert (result["elected"], result["verdict"]["branch"], result["verdict"]["warnings"]) == (True, False, [])
    assert (acts.asked, acts.bootstrapped) == ([], [(120, False)])


def test_what_becomes_of_the_others_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Acts(monkeypatch)
    ahead = {**STOPPED, "seqno": 12}
    result = run(capsys, **{**FORCED, "reports": {"db1": ahead, "db2": STOPPED}})
    assert "db1 is 10 write sets ahead of db2" in result["verdict"]["reason"]
    assert result["verdict"]["warnings"] == [
        "db1 is 10 write sets ahead of db2: its datadir is kept under a dated name, and it gets its data from db2."
    ]
    assert result["verdict"]["abandoned"] == []


def test_who_is_left_alone_is_told_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Acts(monkeypatch)
    second = {**STOPPED, "generation": 2, "members": ["db2", "db3"], "decision": f"db2@{UUID}:1"}
    result = run(
        capsys,
        **{**FORCED, "members": ["db1", "db2", "db3"], "reports": {"db1": STOPPED, "db2": second}},
    )
    assert (result["elected"], result["verdict"]["abandoned"]) == (True, ["db1"])
    assert result["verdict"]["warnings"] == [
        (
            f"db1 holds branch 1 of the cluster, given up (recover_force=db2@{UUID}:1). 1 write set is only there. It "
            "is left alone: repair_node -e repair_node_host=db1 takes it in and keeps its data."
        )
    ]


def test_names_in_the_group_and_arbitrators_count(capsys: pytest.CaptureFixture[str]) -> None:
    known = {**STOPPED, "node": "mariadb1", "members": ["mariadb1", "mariadb2", "garbd"]}
    names = {"db1": "mariadb1", "db2": "mariadb2"}
    arguments = {
        "purpose": "recover",
        "nodes": names,
        "reports": {"db1": known, "db2": {**STOPPED, "node": "mariadb2"}},
    }
    assert run(capsys, **arguments, arbitrators=["garbd"])["verdict"]["node"] == "db1"
    assert "garbd is in the cluster by the record of db1" in run(capsys, **arguments)["msg"]


def test_a_restored_node(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Acts(monkeypatch)
    arguments = {"purpose": "restore", "force": "db2", "reports": {"db1": EMPTY, "db2": {**STOPPED, "seqno": 0}}}
    result = run(capsys, **arguments, restored=UUID)
    assert (result["elected"], result["verdict"]["branch"], result["verdict"]["created"]) == (True, False, False)
    assert acts.bootstrapped == [(120, False)]
    assert "db2 does not hold the restored data" in run(capsys, **arguments, restored=UUID.replace("f", "e"))["msg"]


class Table:
    """The allowlist of a node; what is written to it is wanted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str, there: bool = True) -> None:
        self.before = addresses if there else None
        self.written: list[tuple[list[str], bool]] = []
        monkeypatch.setattr(galera_bootstrap, "replace_allowlist", self._replace)

    def _replace(self, _socket: str, _file: str | None, wanted: Any, predict: bool, _timeout: float) -> Any:
        after = wanted(self.before)
        if after is None:
            return None
        self.written.append((after, predict))
        return self.before, after


def live(*allowed: str, **more: Any) -> dict[str, Any]:
    return {**LIVE, "cluster_size": 2, "local_state": "Synced", "allowlist": list(allowed), **more}


ALLOWED = ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("predict", [True, False])
@pytest.mark.parametrize(
    ("own", "other", "changed"),
    [(ALLOWED, ALLOWED, False), (ALLOWED, ["10.0.0.1"], True), ([], [], True), ([*ALLOWED, "10.0.0.9"], ALLOWED, True)],
)
def test_a_live_member_keeps_the_allowlist(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own: list[str],
    other: list[str],
    changed: bool,
    predict: bool,
) -> None:
    Acts(monkeypatch)
    table = Table(monkeypatch, *own)
    reports = {"db1": live(*own), "db2": live(*other)}
    told = [
        run(capsys, member=member, reports=reports, allowlist=ALLOWED, _ansible_check_mode=predict)
        for member in ("db1", "db2")
    ]
    assert told[0]["verdict"]["node"] == "db1"
    assert table.written == ([(ALLOWED, predict)] if changed else [])
    assert [each["changed"] for each in told] == [changed, False]
    assert ("diff" in told[0]) == changed


@pytest.mark.parametrize(
    "other", [live(image="mariadb:10.6", allowlist=None), live(image="mariadb:11.8"), {**live(), "allowlist": None}]
)
def test_in_the_middle_of_an_upgrade_the_allowlist_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    """A server before 10.10 has no such table, and a row of it would put that server out of the cluster."""
    Acts(monkeypatch)
    table = Table(monkeypatch)
    result = run(capsys, member="db1", reports={"db1": live(image="mariadb:10.11"), "db2": other}, allowlist=ALLOWED)
    assert (result["verdict"]["action"], result["changed"], table.written) == ("join", False, [])


def test_a_table_that_cannot_be_written_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise GaleraError("No answer at /run/mysqld.sock: timed out.")

    Acts(monkeypatch)
    monkeypatch.setattr(galera_bootstrap, "replace_allowlist", refuse)
    result = run(capsys, member="db1", reports={"db1": live(), "db2": live()}, allowlist=ALLOWED)
    assert result["failed"]
    assert "mariadb2: the allowlist of the replication ports could not be replaced. No answer at" in result["msg"]


@pytest.mark.parametrize("there", [True, False])
def test_an_elected_node_gets_the_allowlist(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    acts = Acts(monkeypatch)
    table = Table(monkeypatch, there=there)
    result = run(capsys, member="db1", reports={"db1": EMPTY, "db2": EMPTY}, allowlist=ALLOWED)
    assert (result["changed"], acts.bootstrapped) == (True, [(120, False)])
    assert table.written == ([(ALLOWED, False)] if there else [])


def test_without_an_allowlist_the_table_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Acts(monkeypatch)
    table = Table(monkeypatch)
    assert run(capsys, member="db1", reports={"db1": live(), "db2": live()})["changed"] is False
    assert table.written == []
