# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's report from real files in a directory; what the engine answers is given, a recorded log among it."""

from __future__ import annotations

import base64
import re
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _node
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.election import elect
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    GraState,
    Position,
    parse_grastate,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import CLUSTER_LABEL
from ansible_collections.dbops.galera.plugins.module_utils._node import Node, parse_listing
from ansible_collections.dbops.galera.plugins.module_utils._record import Record
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    AccessRefused,
    NodeStatus,
    NotAnswering,
    Wanted,
    wait_for,
)

RECORDED = Path(__file__).parent / "recorded/11.8"
UUID = "f5a84299-e532-11f1-b3aa-dbb87aa99b48"
KILLED = (RECORDED / "grastate-killed.dat").read_text(encoding="utf-8")
STOPPED = (RECORDED / "grastate-stopped-last.dat").read_text(encoding="utf-8")
VIEW = (RECORDED / "gvwstate.dat").read_text(encoding="utf-8")
LOG = (RECORDED / "recover.log").read_text(encoding="utf-8")

CONTAINER = {
    "Image": "sha256:old",
    "Config": {"Image": "mariadb:10.11"},
    "HostConfig": {"Binds": ["/d:/var/lib/mysql:rw", "/containers/mariadb2/conf.d:/etc/mysql/mariadb.conf.d:ro"]},
}


def container(datadir: Path | str, *binds: str, **state: Any) -> dict[str, Any]:
    """One with its data there, that ended in order, or as said."""
    at_rest = {"Running": False, "ExitCode": 0, "OOMKilled": False, "StartedAt": "2026-11-21T09:06:15Z"}
    return {
        **CONTAINER,
        "State": {**at_rest, **state},
        "HostConfig": {
            "NetworkMode": "weave",
            "Binds": [f"{datadir}:/var/lib/mysql:rw", "/conf.d:/etc/mysql/mariadb.conf.d:ro", *binds],
        },
    }


class Host:
    """An engine with these containers on every datadir, whose throw-away containers say this."""

    def __init__(self, users: Sequence[str] = (), log: str = LOG, code: int = 0) -> None:
        self.users = list(users)
        self.log = log
        self.code = code
        self.ran: list[tuple[str, list[str]]] = []
        self.images: list[str] = []
        self.commands: list[list[str]] = []
        self.networks: list[str] = []
        self.like: list[Any] = []
        self.stopped: list[tuple[str, float]] = []
        self.containers: dict[str, dict[str, Any]] = {}
        self.there: dict[str, str] = {}

    def inspect(self, name: str) -> dict[str, Any] | None:
        return self.containers.get(name)

    def image_id(self, name: str) -> str | None:
        return self.there.get(name)

    def users_of(self, _datadir: str) -> list[str]:
        return self.users

    def mountpoint(self, datadir: str) -> str | None:
        return datadir if Path(datadir).is_dir() else None

    def stop(self, name: str, timeout: float) -> None:
        self.stopped.append((name, timeout))

    def run(
        self,
        _name: str,
        image: str,
        command: list[str],
        binds: list[str],
        _timeout: float,
        network: str = "none",
        like: Any = None,
    ) -> tuple[int, str]:
        self.ran.append((command[0], binds))
        self.like.append(like)
        self.images.append(image)
        self.networks.append(network)
        self.commands.append(command)
        return self.code, self.log


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    path = tmp_path / "datadir"
    (path / "mysql").mkdir(parents=True)
    return path


def report(host: Host, datadir: Path, config_dir: str | None = None, record: Path | None = None) -> dict[str, Any]:
    return node_of(host, datadir, record).report("mariadb:11.8", config_dir, 60)


def node_of(host: Host, datadir: Path | str, record: Path | None = None, socket: str = "/none.sock") -> Node:
    return Node(
        host,  # type: ignore[arg-type]
        "mariadb2",
        "mariadb0",
        str(datadir),
        socket,
        record=str(record) if record else None,
    )


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "dbops-galera/mariadb2"
    path.mkdir(parents=True)
    return path


def fill(datadir: Path, **files: str) -> None:
    (datadir / "mysql/db.frm").touch()
    for name, text in files.items():
        (datadir / f"{name}.dat").write_text(text, encoding="utf-8")


def test_a_stopped_node(datadir: Path) -> None:
    fill(datadir, grastate=STOPPED)
    host = Host()
    seen = report(host, datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("stopped", UUID, 2, "grastate")
    assert (seen["safe_to_bootstrap"], seen["view"], seen["error"]) == (False, None, None)
    assert host.ran == []


def test_a_killed_node_is_recovered(datadir: Path) -> None:
    fill(datadir, grastate=KILLED, gvwstate=VIEW)
    host = Host()
    seen = report(host, datadir, "/containers/mariadb2/conf.d")
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("crashed", UUID, 2, "recovered")
    assert seen["view"]["view_id"] == "f5a7ee29-e532-11f1-9a52-deaf129b6384:2"
    assert seen["error"] is None
    binds = [f"{datadir}:/var/lib/mysql:rw", "/containers/mariadb2/conf.d:/etc/mysql/mariadb.conf.d:ro"]
    assert host.ran == [("mariadbd", binds)]
    assert host.like == [None]


def test_a_recovery_has_the_limits_of_the_node(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    host = Host()
    host.containers["mariadb2"] = container(datadir)
    report(host, datadir)
    assert host.like == [host.containers["mariadb2"]]


def test_a_position_is_recovered_by_the_image_that_wrote_it(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    host = Host()
    host.containers["mariadb2"] = container(datadir)
    report(host, datadir)
    assert host.images == ["sha256:old"]


@pytest.mark.parametrize(
    ("made_of", "there", "current"),
    [
        ("mariadb:10.11", {"mariadb:11.8": "sha256:new"}, False),
        ("mariadb:11.8", {"mariadb:11.8": "sha256:new"}, False),
        ("mariadb:10.11", {"mariadb:11.8": "sha256:old"}, True),
        ("mariadb:10.11", {}, False),
        ("mariadb:11.8", {}, True),
    ],
    ids=["another image", "the name means another one", "another name", "not here", "gone from here"],
)
def test_whether_a_node_has_the_image(datadir: Path, made_of: str, there: dict[str, str], current: bool) -> None:
    host = Host()
    host.containers["mariadb2"] = {**CONTAINER, "Config": {"Image": made_of}}
    host.there = there
    seen = report(host, datadir)
    assert (seen["image"], seen["image_current"]) == (made_of, current)


@pytest.mark.parametrize(
    ("there", "pinned"),
    [({"mariadb:11.8": "sha256:old"}, ""), ({"mariadb:11.8": "sha256:new"}, "sha256:old"), ({}, "sha256:old")],
    ids=["it means the same", "it means another one", "nothing has it"],
)
def test_a_name_that_moved_is_no_other_image(datadir: Path, there: dict[str, str], pinned: str) -> None:
    """A re-created container has the very image of the node, and its label has the image's name."""
    host = Host()
    labels = {"dbops.galera.image": "mariadb:11.8"}
    host.containers["mariadb2"] = {**CONTAINER, "Config": {"Image": "sha256:old", "Labels": labels}}
    host.there = there
    seen = report(host, datadir)
    assert (seen["image"], seen["image_id"]) == ("mariadb:11.8", pinned)


def test_the_cluster_that_a_node_was_made_for(datadir: Path) -> None:
    host = Host()
    host.containers["mariadb2"] = {**CONTAINER, "Config": {"Image": "mariadb:11.8", "Labels": {CLUSTER_LABEL: "shop"}}}
    assert report(host, datadir)["cluster"] == "shop"
    host.containers["mariadb2"] = {**CONTAINER, "Config": {"Image": "mariadb:11.8", "Labels": None}}
    assert report(host, datadir)["cluster"] is None


def test_a_node_without_a_container_has_no_image(datadir: Path) -> None:
    seen = report(Host(), datadir)
    assert (seen["image"], seen["image_current"]) == (None, None)


def test_a_look_recovers_nothing(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    host = Host()
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    seen = node.report("mariadb:11.8", None, 60, recover=False)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("crashed", UUID, -1, "none")
    assert host.ran == []


ELSEWHERE = (
    "mariadb2: the container {} has its data in /old, and mariadb_datadir is {}: set mariadb_datadir, or what it is "
    "made of (galera_root, galera_node_name), back to what it was. No container is stopped or replaced on another "
    "path. To move a node on purpose, take it out with remove_node and add it with add_node, one host at a time. Where "
    "this is another cluster's, give each cluster on this host node names and a galera_bootstrap_container of its own."
)


@pytest.mark.parametrize(
    ("name", "running"),
    [("mariadb2", True), ("mariadb2", False), ("mariadb0", True)],
    ids=["runs", "at rest", "mariadb0"],
)
def test_a_container_that_has_its_data_elsewhere_is_left_alone(datadir: Path, name: str, running: bool) -> None:
    """A changed mariadb_datadir or galera_root must not take a living node for an empty one."""
    host = Host()
    host.containers[name] = container("/old", Running=running)
    seen = report(host, datadir)
    assert (seen["state"], seen["uuid"], seen["error"]) == ("elsewhere", NULL_UUID, ELSEWHERE.format(name, datadir))
    verdict = elect(["db1", "db2"], {"db1": {"state": "empty"}, "db2": seen}, "create")
    assert (verdict.action, verdict.reason) == ("refuse", f"db2: {seen['error']}")
    node = node_of(host, datadir)
    for change in (node.container, lambda: node.bootstrap(60), lambda: node.stop(60)):
        with pytest.raises(GaleraError, match=f"^{re.escape(ELSEWHERE.format(name, datadir))}$"):
            change()
    assert (host.stopped, host.ran) == ([], [])


def test_a_bootstrap_container_of_another_cluster_that_does_not_run_is_in_nobodys_way(datadir: Path) -> None:
    host = Host()
    host.containers["mariadb0"] = container("/old")
    assert report(host, datadir)["state"] == "empty"


@pytest.mark.parametrize("bound", ["{}/", "{}/../datadir", "{}/.", "link"])
def test_a_path_is_what_it_leads_to(datadir: Path, tmp_path: Path, bound: str) -> None:
    (tmp_path / "link").symlink_to(datadir)
    host = Host()
    host.containers["mariadb2"] = container(bound.format(datadir) if bound != "link" else tmp_path / "link")
    assert report(host, datadir)["state"] == "empty"
    assert node_of(host, datadir).elsewhere() == ""


def test_a_volume_is_its_name() -> None:
    host = Host()
    host.containers["mariadb2"] = container("a_volume")
    assert node_of(host, "a_volume").elsewhere() == ""
    assert "has its data in a_volume, and mariadb_datadir is another" in node_of(host, "another").elsewhere()


@pytest.mark.parametrize(
    ("state", "clean"),
    [
        ({}, True),
        ({"ExitCode": 78}, True),
        ({"ExitCode": 143}, True),
        ({"ExitCode": 137}, False),
        ({"ExitCode": 1}, False),
        ({"ExitCode": 0, "OOMKilled": True}, False),
    ],
)
@pytest.mark.parametrize("name", ["mariadb2", "mariadb0"])
def test_who_was_killed_before_innodb_had_shut_down_was_not_stopped_cleanly(
    datadir: Path, name: str, state: dict[str, Any], clean: bool
) -> None:
    """Galera writes the position into grastate.dat first."""
    fill(datadir, grastate=STOPPED)
    host = Host()
    host.containers[name] = container(datadir, **state)
    seen = report(host, datadir)
    if clean:
        assert (seen["state"], seen["source"], host.ran) == ("stopped", "grastate", [])
    else:
        assert (seen["state"], seen["source"], seen["seqno"]) == ("crashed", "recovered", 2)


def test_a_grastate_of_another_cluster_than_the_data(datadir: Path) -> None:
    other = UUID.replace("f5a8", "aaaa")
    fill(datadir, grastate=KILLED.replace(UUID, other))
    seen = report(Host(), datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("crashed", other, -1, "none")
    assert seen["error"] == (
        f"mariadb2: grastate.dat is of the cluster {other}, and InnoDB holds {UUID}:2: Galera would not start from "
        "that position. The file was copied, or the data were."
    )


def test_a_recovery_that_tells_nothing(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    seen = report(Host(log="[ERROR] InnoDB: corrupted\n", code=1), datadir)
    # The cluster is still known, so that a member of another cluster is told from one without a position.
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("crashed", UUID, -1, "none")
    assert "told no position (exit code 1)" in seen["error"]
    assert "[ERROR] InnoDB: corrupted" in seen["error"]


def test_data_of_no_cluster(datadir: Path) -> None:
    fill(datadir)
    seen = report(Host(log=f"WSREP: Recovered position: {NULL_UUID}:-1"), datadir)
    assert (seen["state"], seen["uuid"], seen["source"]) == ("crashed", NULL_UUID, "none")
    assert seen["error"].endswith("grastate.dat beside them. mariadb2: its data carries no position of a cluster.")


def test_a_damaged_grastate_is_told_beside_the_recovered_position(datadir: Path) -> None:
    fill(datadir, grastate=STOPPED[:85])
    seen = report(Host(), datadir)
    assert (seen["state"], seen["seqno"], seen["source"]) == ("crashed", 2, "recovered")
    assert seen["error"].startswith("mariadb2: grastate.dat")


def test_an_interrupted_sst_is_not_recovered(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    (datadir / "sst_in_progress").touch()
    host = Host()
    seen = report(host, datadir)
    assert (seen["state"], seen["sst_in_progress"], seen["source"]) == ("crashed", True, "none")
    assert "its last SST did not end" in seen["error"]
    assert host.ran == []


@pytest.mark.parametrize("grastate", [None, KILLED.replace(UUID, NULL_UUID)])
def test_an_empty_node(datadir: Path, grastate: str | None) -> None:
    if grastate:
        (datadir / "grastate.dat").write_text(grastate, encoding="utf-8")
    seen = report(Host(), datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("empty", NULL_UUID, -1, "none")


def test_a_missing_datadir(tmp_path: Path) -> None:
    seen = report(Host(), tmp_path / "none")
    assert (seen["state"], seen["emptied"]) == ("missing", False)


def test_ibdata_without_system_tables_is_no_empty_datadir(datadir: Path) -> None:
    (datadir / "ibdata1").touch()
    seen = report(Host(log=f"WSREP: Recovered position: {NULL_UUID}:-1"), datadir)
    assert (seen["state"], seen["emptied"]) == ("crashed", None)
    assert seen["error"].startswith(
        "mariadb2: ibdata1 is there, and the directory mysql beside it is empty: the data are damaged."
    )
    assert elect(["db1"], {"db1": seen}, "create").action == "refuse"


WAS_STARTED = "2026-11-21T09:06:15.285513735Z"
NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize("entries", [None, [], ["lost+found"], ["mysql"], ["mysql", "galera.cache", "grastate.dat"]])
@pytest.mark.parametrize(
    ("mark", "started", "recorded", "had"),
    [
        (True, None, False, True),
        (True, NEVER, True, True),
        (False, None, False, False),
        (False, NEVER, False, False),
        # It keeps no record yet, and ran.
        (False, WAS_STARTED, False, True),
        # It keeps one, and the mark was removed on purpose.
        (False, WAS_STARTED, True, False),
    ],
)
def test_blank_is_not_empty(
    tmp_path: Path, record: Path, entries: list[str] | None, mark: bool, started: str | None, recorded: bool, had: bool
) -> None:
    """A disk that is not mounted leaves nothing, or lost+found; what an attempt to join left is no sign of one."""
    datadir = tmp_path / "datadir"
    for entry in entries if entries is not None else []:
        if entry in ("mysql", "lost+found"):
            (datadir / entry).mkdir(parents=True)
        else:
            (datadir / entry).write_text(KILLED.replace(UUID, NULL_UUID), encoding="utf-8")
    if entries == []:
        datadir.mkdir()
    if mark:
        (record / "had-data").touch()
    host = Host()
    if started:
        binds = [f"{record}:/var/lib/galera-node:rw"] if recorded else []
        host.containers["mariadb2"] = container(datadir, *binds, StartedAt=started)
    seen = report(host, datadir, record=record)
    assert seen["state"] == ("missing" if entries is None else "empty")
    assert seen["emptied"] is (had and entries in (None, [], ["lost+found"]))
    assert seen["had_data"] is mark


def test_what_the_hosts_record_says(datadir: Path, record: Path) -> None:
    fill(datadir, grastate=STOPPED)
    blank = report(Host(), datadir)
    assert (blank["had_data"], blank["members"], blank["generation"]) == (False, [], 1)
    assert report(Host(), datadir, record=record)["generation"] == 1
    branch = Branch("shop", 2, UUID, f"db1@{UUID}:5", "2026-11-29T01:00:00Z", NULL_UUID, ("mariadb2",))
    kept = Record(str(record))
    kept.write_json("branch.json", branch.record())
    kept.write_members(["mariadb2", "garbd"])
    kept.write("uuid", UUID)
    kept.write("had-data", "")
    kept.write("fenced", "2026-11-29 198.51.100.1:4567 answers for shop.2")
    seen = report(Host(), datadir, record=record)
    assert (seen["had_data"], seen["members"], seen["recorded_uuid"]) == (True, ["mariadb2", "garbd"], UUID)
    assert (seen["generation"], seen["decision"], seen["begun"]) == (2, f"db1@{UUID}:5", "2026-11-29T01:00:00Z")
    assert (seen["branch_uuid"], seen["parent"]) == (UUID, NULL_UUID)
    assert seen["fenced"] == "2026-11-29 198.51.100.1:4567 answers for shop.2"
    (record / "branch.json").write_text("{", encoding="utf-8")
    with pytest.raises(GaleraError, match=r"branch\.json is damaged"):
        report(Host(), datadir, record=record)


def test_a_transfer_that_did_not_end_is_no_vote(datadir: Path, record: Path) -> None:
    """Galera zeroes grastate.dat of a joiner, too; the mark says that nobody voted it out."""
    fill(datadir, grastate=KILLED.replace(UUID, NULL_UUID))
    voted_out = report(Host(), datadir, record=record)
    assert (voted_out["disowned"], voted_out["sst_in_progress"], voted_out["seqno"]) == (True, False, -1)
    assert "grastate.dat disowns the data" in voted_out["error"]
    # Beside the socket: the copy that the start script keeps of a joiner's view.
    (datadir.parent / "gvwstate.dat").write_text(VIEW, encoding="utf-8")
    half = node_of(Host(), datadir, record, str(datadir.parent / "mysqld.sock")).report("mariadb:11.8", None, 60)
    assert (half["disowned"], half["sst_in_progress"], half["seqno"]) == (False, True, -1)
    assert "its last SST did not end" in half["error"]
    # The mark alone says nothing of data that a cluster owns.
    fill(datadir, grastate=STOPPED)
    assert report(Host(), datadir, record=record)["state"] == "stopped"


@pytest.mark.parametrize(
    ("users", "sentence"),
    [
        (["backup"], r"in use by another container, backup: stop it first"),
        (["backup", "mariadb2"], r"in use by another container, backup: stop it first"),
        (["mariadb0", "mariadb2"], r"mariadb0 and mariadb2 both run on the datadir .*: stop mariadb0 at once"),
    ],
)
def test_two_servers_never_run_on_one_datadir(datadir: Path, users: list[str], sentence: str) -> None:
    with pytest.raises(GaleraError, match=sentence):
        report(Host(users), datadir)
    told = node_of(Host(users), datadir).report("mariadb:11.8", None, 60, tolerant=True)
    assert told["state"] == "elsewhere"
    assert re.search(sentence, told["error"])


def live(**variables: str) -> NodeStatus:
    return NodeStatus.from_variables(
        {"wsrep_cluster_state_uuid": UUID, "wsrep_last_committed": "7", **variables}, "11.8.6-MariaDB"
    )


@pytest.mark.parametrize("container", ["mariadb2", "mariadb0"])
def test_a_running_node(monkeypatch: pytest.MonkeyPatch, datadir: Path, container: str) -> None:
    fill(datadir, grastate=KILLED)
    monkeypatch.setattr(_node, "read_status", lambda *_arguments, **_more: live(wsrep_cluster_status="non-Primary"))
    seen = report(Host([container]), datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("running", UUID, 7, "live")
    assert (seen["cluster_status"], seen["container"]) == ("non-Primary", container)
    assert seen["bootstrap"] is (container == "mariadb0")


@pytest.mark.parametrize("asked", [False, True])
def test_databases_of_latin1_are_in_a_report_that_asks(
    monkeypatch: pytest.MonkeyPatch, datadir: Path, record: Path, asked: bool
) -> None:
    """Also where the status is read twice, since a member is missing."""
    (record / "members").write_text("mariadb1\nmariadb2\n", encoding="utf-8")
    reads = []

    def answer(*arguments: Any, allowlist: bool = False) -> NodeStatus:
        reads.append(arguments)
        databases = arguments[3:] == (True,)
        status = live(wsrep_cluster_status="Primary", wsrep_cluster_size="1")
        return replace(
            status, latin1_databases=("shop",) if databases else None, allowlist=("10.0.0.1",) if allowlist else None
        )

    Clock(monkeypatch)
    monkeypatch.setattr(_node, "read_status", answer)
    node = node_of(Host(["mariadb2"]), datadir, record)
    seen = node.report("mariadb:11.8", None, 60, databases=asked)
    assert (len(reads), seen["latin1_databases"]) == (2, ("shop",) if asked else None)
    assert seen["allowlist"] == ("10.0.0.1",)
    assert node_of(Host(), datadir).report("mariadb:11.8", None, 60, databases=asked)["latin1_databases"] is None


class Clock:
    """Only sleeping moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)
        monkeypatch.setattr(
            _node,
            "wait_for",
            lambda read, reached, timeout: wait_for(read, reached, timeout, 0.5, lambda: self.now, self.sleep),
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def deaf(monkeypatch: pytest.MonkeyPatch, error: GaleraError) -> Clock:
    def refuse(*_arguments: Any, **_more: Any) -> NodeStatus:
        raise error

    monkeypatch.setattr(_node, "read_status", refuse)
    return Clock(monkeypatch)


SILENCE = NotAnswering("No answer at /none.sock.")
NO_ENTRY = AccessRefused("The server refuses root.")


@pytest.mark.parametrize(
    ("error", "marks", "sentence", "patience"),
    [
        # It may be Primary: a busy server is given time.
        (SILENCE, [], "mariadb2 is running but not answering yet (No answer at /none.sock).", 15),
        (SILENCE, ["joining"], "mariadb2 is running but not answering yet (No answer at /none.sock).", 2),
        (SILENCE, ["non-primary"], "mariadb2 is running but not answering yet (No answer at /none.sock).", 2),
        (NO_ENTRY, [], "mariadb2 is running. The server refuses root.", 0),
        (NO_ENTRY, ["non-primary"], "mariadb2 is running. The server refuses root.", 0),
    ],
)
def test_a_running_node_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
    datadir: Path,
    tmp_path: Path,
    error: GaleraError,
    marks: list[str],
    sentence: str,
    patience: int,
) -> None:
    clock = deaf(monkeypatch, error)
    for mark in marks:
        (tmp_path / mark).touch()
    seen = node_of(Host(["mariadb2"]), datadir, socket=str(tmp_path / "mysqld.sock")).report("mariadb:11.8", None, 60)
    assert (seen["state"], seen["cluster_status"], seen["error"]) == ("running", None, sentence)
    assert seen["marks"] == marks
    assert patience <= clock.now < patience + 3
    verdict = elect(["db1"], {"db1": seen}, "recover")
    assert verdict.action == ("settle" if marks else "refuse")


def test_a_slow_server_is_heard_in_the_end(monkeypatch: pytest.MonkeyPatch, datadir: Path) -> None:
    clock = Clock(monkeypatch)

    def answer(*_arguments: Any, **_more: Any) -> NodeStatus:
        if clock.now < 9:
            raise SILENCE
        return live(wsrep_cluster_status="Primary")

    monkeypatch.setattr(_node, "read_status", answer)
    assert report(Host(["mariadb2"]), datadir)["cluster_status"] == "Primary"


@pytest.mark.parametrize("predict", [False, True])
@pytest.mark.parametrize("container_name", ["mariadb2", "mariadb0"])
def test_who_is_in_no_primary_component_is_stopped(
    monkeypatch: pytest.MonkeyPatch, datadir: Path, container_name: str, predict: bool
) -> None:
    monkeypatch.setattr(_node, "read_status", lambda *_arguments, **_more: live(wsrep_cluster_status="non-Primary"))
    host = Host([container_name])
    assert node_of(host, datadir).stop(600, predict) is True
    assert host.stopped == ([] if predict else [(container_name, 600)])


def test_who_became_primary_since_the_verdict_is_not_stopped(monkeypatch: pytest.MonkeyPatch, datadir: Path) -> None:
    monkeypatch.setattr(_node, "read_status", lambda *_arguments, **_more: live(wsrep_cluster_status="Primary"))
    host = Host(["mariadb2"])
    assert node_of(host, datadir).stop(600) is False
    assert node_of(Host(), datadir).stop(600) is False
    assert host.stopped == []


@pytest.mark.parametrize("error", [SILENCE, NO_ENTRY])
def test_who_does_not_say_how_it_is_is_not_stopped(
    monkeypatch: pytest.MonkeyPatch, datadir: Path, tmp_path: Path, error: GaleraError
) -> None:
    deaf(monkeypatch, error)
    host = Host(["mariadb2"])
    node = node_of(host, datadir, socket=str(tmp_path / "mysqld.sock"))
    with pytest.raises(
        GaleraError,
        match=r"^mariadb2 runs and does not say how it is, so it may be Primary and take writes: mariadb2 is "
        r"running.*\. Wait until it answers, or stop it \(docker stop mariadb2\)\.$",
    ):
        node.stop(600)
    assert host.stopped == []
    (tmp_path / "non-primary").touch()
    assert node.stop(600) is True
    assert host.stopped == [("mariadb2", 600)]


def test_a_volume_is_read_through_a_shell() -> None:
    encoded = base64.b64encode(STOPPED.encode()).decode()
    found = parse_listing(f"grastate.dat {encoded}\nmysql\n")
    assert (found.grastate, found.has_tables, found.sst_in_progress) == (STOPPED, True, False)
    assert (found.has_ibdata, found.has_entries) == (False, False)
    assert parse_listing("ibdata1\nentries\n").has_ibdata
    assert parse_listing("entries\n").has_entries
    with pytest.raises(GaleraError, match="could not be read: sh: 1: base64: not found"):
        parse_listing("sh: 1: base64: not found")


def test_the_flag_is_set_before_a_bootstrap(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    path = datadir / "grastate.dat"
    path.chmod(0o660)
    node = Node(Host(), "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    node._allow_bootstrap(CONTAINER, 60)
    assert path.read_text(encoding="utf-8") == KILLED.replace("bootstrap: 0", "bootstrap: 1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert sorted(entry.name for entry in datadir.iterdir()) == ["grastate.dat", "mysql"]


@pytest.mark.parametrize("grastate", [None, "", STOPPED[:85], "\0\1", KILLED.replace(UUID, NULL_UUID)])
def test_data_without_a_history_are_not_bootstrapped_under_the_old_uuid(datadir: Path, grastate: str | None) -> None:
    """A forced recovery gives them a history of their own first."""
    fill(datadir, **({} if grastate is None else {"grastate": grastate}))
    (datadir / "ibdata1").touch(0o640)
    host = Host()
    before = {path: path.read_bytes() for path in datadir.iterdir() if path.is_file()}
    with pytest.raises(
        GaleraError,
        match=r"^mariadb2 has data, but its grastate\.dat does not tell of which cluster they are: bootstrapped so, "
        r"they would begin a cluster with another UUID\. Run recover, which shows the positions\.$",
    ):
        node_of(host, datadir)._allow_bootstrap(CONTAINER, 60)
    assert {path: path.read_bytes() for path in datadir.iterdir() if path.is_file()} == before
    assert host.ran == []


NEW = Branch("shop", 2, "bbbbbbbb-e532-11f1-8a96-fa36e0da60b6", f"db2@{UUID}:2")


@pytest.mark.parametrize("position", [Position(UUID, 2), Position(UUID, 0), Position()])
@pytest.mark.parametrize("grastate", [STOPPED, KILLED, KILLED.replace(UUID, NULL_UUID), None, ""])
def test_the_elected_one_gets_the_branchs_uuid_at_its_position(
    datadir: Path, position: Position, grastate: str | None
) -> None:
    fill(datadir, gvwstate=VIEW, **({} if grastate is None else {"grastate": grastate}))
    (datadir / "ibdata1").touch(0o640)
    host = Host()
    host.containers["mariadb2"] = container(datadir)
    node_of(host, datadir).begin(NEW, position, True, 60)
    found = parse_grastate((datadir / "grastate.dat").read_text(encoding="utf-8"))
    assert found == GraState(NEW.uuid, max(position.seqno, 0), True)
    # A view of the old history must not be promoted in the new group.
    assert not (datadir / "gvwstate.dat").exists()
    assert host.ran == []
    # It may be bootstrapped now.
    node_of(host, datadir)._allow_bootstrap(CONTAINER, 60)
    assert parse_grastate((datadir / "grastate.dat").read_text(encoding="utf-8")) == found


def test_an_empty_node_is_bootstrapped_as_it_is(datadir: Path) -> None:
    host = Host()
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    node._allow_bootstrap(CONTAINER, 60)
    assert (host.ran, sorted(datadir.iterdir())) == ([], [datadir / "mysql"])


def test_a_volume_gets_its_flag_through_a_shell() -> None:
    told = f"grastate.dat {base64.b64encode(KILLED.encode()).decode()}\nmysql\n"
    host = Host(log=told)
    node = Node(host, "mariadb2", "mariadb0", "a_volume", "/none.sock")  # type: ignore[arg-type]
    node._allow_bootstrap(CONTAINER, 60)
    text, new_life = host.commands[1][-2:]
    assert base64.b64decode(text).decode() == KILLED.replace("bootstrap: 0", "bootstrap: 1")
    assert new_life == "no"
    host = Host()
    node_of(host, "a_volume").begin(NEW, Position(UUID, 2), True, 60)
    text, new_life = host.commands[0][-2:]
    assert parse_grastate(base64.b64decode(text).decode()) == GraState(NEW.uuid, 2, True)
    assert new_life == "yes"
    failing = Host(log=told, code=1)
    node = Node(failing, "mariadb2", "mariadb0", "a_volume", "/none.sock")  # type: ignore[arg-type]
    with pytest.raises(GaleraError, match="could not be written"):
        node._allow_bootstrap(CONTAINER, 60)


# What may be found after a bad night, as files; InnoDB tells the position 2 of recover.log, or nothing.
NOTHING = f"WSREP: Recovered position: {NULL_UUID}:-1"
DISOWNED = KILLED.replace(UUID, NULL_UUID)
POISONED = {
    "zeros, safe to bootstrap": (DISOWNED.replace("strap: 0", "strap: 1"), LOG, "says that it is safe to bootstrap"),
    "zeros": (DISOWNED, LOG, "disowns the data (a UUID of zeros)"),
    "missing": (None, LOG, "there are data, but no grastate.dat beside them"),
    "empty": ("", LOG, "grastate.dat is empty"),
    "truncated": (STOPPED[:85], LOG, "grastate.dat"),
    "binary": ("GALERA\0\1\2", LOG, "grastate.dat is not a text file"),
    "no position": (KILLED, NOTHING, "its data carries no position of a cluster"),
    "no recovery": (KILLED, "[ERROR] InnoDB: corrupted", "told no position"),
}


@pytest.mark.parametrize(("grastate", "log", "sentence"), POISONED.values(), ids=POISONED)
def test_a_poisoned_node_is_no_candidate(datadir: Path, grastate: str | None, log: str, sentence: str) -> None:
    fill(datadir, **({} if grastate is None else {"grastate": grastate}))
    poisoned = report(Host(log=log), datadir)
    sound = {"state": "crashed", "uuid": UUID, "seqno": 1, "source": "recovered"}
    members = ["db1", "db2", "db3"]
    for reports in ({"db1": sound, "db2": poisoned, "db3": sound}, dict.fromkeys(members, poisoned)):
        verdict = elect(members, reports, "recover")
        assert (verdict.action, verdict.node) == ("refuse", None)
        assert sentence in verdict.reason
    # A live cluster it may not join either, where that could overwrite what only it holds.
    alive = {**sound, "state": "running", "cluster_status": "Primary", "local_state": "Synced", "cluster_size": 2}
    verdict = elect(members, {"db1": {**alive, "seqno": 9}, "db2": poisoned, "db3": alive})
    assert verdict.action == ("join" if poisoned["seqno"] == 2 and not poisoned["disowned"] else "refuse")
    # Whom a person names in spite of that begins a history of its own.
    named = f"db2@{UUID}:2" if poisoned["seqno"] == 2 and not poisoned["disowned"] else "db2@unknown"
    verdict = elect(members, {"db1": sound, "db2": poisoned, "db3": sound}, "recover", named)
    assert (verdict.action, verdict.node, verdict.branch) == ("bootstrap", "db2", True)


@pytest.mark.parametrize("status", ["Primary", "non-Primary"])
@pytest.mark.parametrize("predict", [True, False])
def test_a_running_node_is_never_promoted(
    datadir: Path, monkeypatch: pytest.MonkeyPatch, status: str, predict: bool
) -> None:
    monkeypatch.setattr(_node, "read_status", lambda *_args, **_more: live(wsrep_cluster_status=status))
    with pytest.raises(GaleraError, match=r"mariadb2 runs: a node is bootstrapped from its position at rest\. Stop it"):
        node_of(Host(["mariadb2"]), datadir).bootstrap(60, predict)


def test_no_container_to_bootstrap_from(datadir: Path) -> None:
    with pytest.raises(GaleraError, match=r"mariadb2: there is no container of that name to make mariadb0 from\."):
        node_of(Host(), datadir).bootstrap(60)


class Alone(Host):
    """What a throw-away server leaves in grastate.dat; None where it did not touch it."""

    def __init__(self, datadir: Path, left: str | None) -> None:
        super().__init__()
        self.datadir = datadir
        self.left = left
        self.found: GraState | None = None

    def run(self, *arguments: Any, **options: Any) -> tuple[int, str]:
        self.found = parse_grastate((self.datadir / "grastate.dat").read_text(encoding="utf-8"))
        if self.left is not None:
            (self.datadir / "grastate.dat").write_text(self.left, encoding="utf-8")
            (self.datadir / "gvwstate.dat").write_text(VIEW, encoding="utf-8")
        return super().run(*arguments, **options)


@pytest.mark.parametrize(
    ("left", "seqno"),
    [
        (STOPPED.replace(UUID, NEW.uuid).replace("seqno:   2", "seqno:   3"), 3),
        # It was killed, or did not come so far: Galera sends it all data.
        (KILLED.replace(UUID, NEW.uuid), -1),
        (STOPPED, -1),
        ("", -1),
        (None, 2),
    ],
)
def test_a_survivor_that_keeps_its_data_sees_the_first_view_by_itself(
    datadir: Path, left: str | None, seqno: int
) -> None:
    fill(datadir, grastate=STOPPED, gvwstate=VIEW)
    host = Alone(datadir, left)
    host.containers["mariadb2"] = container(datadir)
    node_of(host, datadir).begin(NEW, Position(UUID, 2), False, 60)
    assert host.found == GraState(NEW.uuid, 2, True)
    assert parse_grastate((datadir / "grastate.dat").read_text(encoding="utf-8")) == GraState(NEW.uuid, seqno, False)
    assert not (datadir / "gvwstate.dat").exists()
    # In a group of the branch's name, where nobody hears it, by the image that wrote the data.
    assert host.commands[0][3:] == ["bash", "shop.2", "300"]
    assert host.networks == ["none"]
    assert host.images == ["sha256:old"]
    assert host.ran[0][1] == [f"{datadir}:/var/lib/mysql:rw", "/conf.d:/etc/mysql/mariadb.conf.d:ro"]


def test_a_survivor_without_a_container_may_not_be_bootstrapped(datadir: Path) -> None:
    fill(datadir, grastate=STOPPED)
    host = Host()
    node_of(host, datadir).begin(NEW, Position(UUID, 2), False, 60)
    assert parse_grastate((datadir / "grastate.dat").read_text(encoding="utf-8")) == GraState(NEW.uuid, 2, False)
    assert host.ran == []


ADDRESSES = ["198.51.100.1:4567", "198.51.100.3:4567"]


def asking(datadir: Path, log: str, code: int = 0) -> tuple[Host, Node]:
    host = Host(log=log, code=code)
    host.containers["mariadb2"] = container(datadir, "/x/galera-start:/usr/local/bin/galera-start:ro")
    return host, node_of(host, datadir)


def test_silent_members_are_asked_by_the_node_itself(datadir: Path) -> None:
    host, node = asking(datadir, "198.51.100.1:4567 silent\n198.51.100.3:4567 silent\n")
    node.refuse_if_answered("shop", ADDRESSES)
    assert host.commands == [["/usr/local/bin/galera-start", "--ask", "shop", *ADDRESSES]]
    assert host.networks == ["weave"]
    assert host.ran[0][1] == ["/x/galera-start:/usr/local/bin/galera-start:ro"]
    assert host.images == ["sha256:old"]


@pytest.mark.parametrize("answer", ["same", "older shop", "other", "other shop.3", "unreadable"])
def test_a_member_that_answers_is_alive(datadir: Path, answer: str) -> None:
    _host, node = asking(datadir, f"198.51.100.1:4567 silent\n198.51.100.3:4567 {answer}\n")
    with pytest.raises(
        GaleraError,
        match=r"^198\.51\.100\.3:4567: a node answers there, though no host that reported has this address\. It may be "
        r"Primary and take writes, so nothing is decided against it\. Put its host back into the inventory, make it "
        r"reachable, and run again\.$",
    ):
        node.refuse_if_answered("shop", ADDRESSES)


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("198.51.100.1:4567 silent\n", 0),
        ("198.51.100.1:4567 silent\n198.51.100.3:4567\n", 0),
        ("galera-start: not found", 127),
        ("", 0),
    ],
)
def test_a_script_that_cannot_ask_has_the_host_knock(
    datadir: Path, monkeypatch: pytest.MonkeyPatch, log: str, code: int
) -> None:
    _host, node = asking(datadir, log, code)
    monkeypatch.setattr(_node, "_knock", lambda _address: "silent")
    node.refuse_if_answered("shop", ADDRESSES)
    monkeypatch.setattr(_node, "_knock", lambda address: "answers" if address == ADDRESSES[1] else "silent")
    with pytest.raises(GaleraError, match=r"^198\.51\.100\.3:4567: a node answers there"):
        node.refuse_if_answered("shop", ADDRESSES)


@pytest.mark.parametrize("name", ["run/in-force.cnf", "conf.d/galera.cnf"])
def test_members_that_left_the_inventory_are_asked_too(datadir: Path, name: str) -> None:
    host, node = asking(datadir, "198.51.100.3:4567 silent\n198.51.100.4:4567 same\n")
    directories = {"/run/mysqld": datadir / "run", "/etc/mysql/mariadb.conf.d": datadir / "conf.d"}
    binds = host.containers["mariadb2"]["HostConfig"]["Binds"]
    for target, directory in directories.items():
        directory.mkdir()
        binds[:] = [bind for bind in binds if f":{target}" not in bind] + [f"{directory}:{target}"]
    # The last one is the bootstrap container, in a network that knows it by name.
    addresses = "198.51.100.1,198.51.100.3:4567,198.51.100.4,mariadb0.weave.local"
    (datadir / name).write_text(f"[mysqld]\nwsrep-cluster-address = gcomm://{addresses}?pc.wait_prim=no\n", "utf-8")
    with pytest.raises(GaleraError, match=r"^198\.51\.100\.4:4567: a node answers there"):
        node.refuse_if_answered("shop", ADDRESSES[1:], ADDRESSES[:1])
    assert host.commands[0][3:] == ["198.51.100.3:4567", "198.51.100.4:4567"]


def test_a_knock_at_a_port() -> None:
    with create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert _node._knock(address) == "answers"
    assert _node._knock(address) == "silent"
    with pytest.raises(GaleraError, match=r"^nowhere\.invalid:4567 could not be asked: .* Run site"):
        _node._knock("nowhere.invalid:4567")


def test_a_node_that_cannot_ask(datadir: Path) -> None:
    host = Host()
    node_of(host, datadir).refuse_if_answered("shop", [])
    for containers in ({}, {"mariadb2": container(datadir)}):
        host.containers = containers
        with pytest.raises(GaleraError, match=r"^mariadb2 has no container that could ask .*: run site first\.$"):
            node_of(host, datadir).refuse_if_answered("shop", ADDRESSES)
    assert host.ran == []


@pytest.mark.parametrize(("users", "would_start"), [([], True), (["mariadb0"], False)])
def test_a_prediction_starts_nothing(datadir: Path, users: list[str], would_start: bool) -> None:
    host = Host(users)
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    assert node.bootstrap(60, predict=True) is would_start
    assert host.ran == []


def test_a_node_that_was_put_out_is_not_waited_for(datadir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(Host):
        name = "mariadb2"
        restarts = 0

        def watch(self, _names: list[str], **_options: Any) -> Host:
            return self

        def __call__(self) -> None:
            return

    monkeypatch.setattr(
        _node, "read_status", lambda *_arguments, **_more: live(wsrep_local_state_comment="Inconsistent")
    )
    node = Node(Watched(), "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    with pytest.raises(GaleraError, match="mariadb2 runs, but was put out of the cluster"):
        node.wait(Wanted(), 60)


def test_what_a_joiner_has_received(datadir: Path) -> None:
    node = Node(Host(), "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    assert node.received() == 0
    assert node.phase() == "starting"
    (datadir / "galera.cache").write_bytes(b"x" * 8192)
    (datadir / "mysql/data").write_bytes(b"x" * 8192)
    (datadir / "sst_in_progress").touch()
    assert node.received() == 8192
    assert node.phase() == "joiner (SST)"
    assert Node(Host(), "mariadb2", "mariadb0", "a_volume", "/none.sock").received() is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("entries", "emptied"), [(["lost+found"], True), (["mysql"], False)])
def test_a_node_that_its_start_script_does_not_start(
    tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch, entries: list[str], emptied: bool
) -> None:
    """Docker tries again and again: it runs, so nothing else may be on the datadir, and its reason is reported."""
    monkeypatch.setattr(_node, "PATIENCE", 0.01)
    datadir = tmp_path / "datadir"
    for entry in entries:
        (datadir / entry).mkdir(parents=True)
    (record / "had-data").touch()
    host = Host(["mariadb2"])
    state = {"Running": True, "Restarting": True, "ExitCode": 78}
    host.containers["mariadb2"] = {**container(datadir), "State": state}
    host.tail = lambda _name: "galera-start: one\nelse\ngalera-start: The datadir is empty."  # type: ignore[attr-defined]
    seen = report(host, datadir, record=record)
    assert (seen["state"], seen["marks"], seen["emptied"]) == ("running", ["refused"], emptied)
    assert seen["disowned"] is False
    if not emptied:
        fill(datadir, grastate=KILLED.replace(UUID, NULL_UUID))
        assert report(host, datadir, record=record)["disowned"] is True
    assert seen["error"] == "mariadb2 is not started by its start script: The datadir is empty."


def test_a_node_killed_in_ddl_has_the_position_of_innodb(datadir: Path) -> None:
    """Galera zeroes grastate.dat for as long as DDL takes; one that was voted out leaves no view."""
    fill(datadir, grastate=KILLED.replace(UUID, NULL_UUID), gvwstate=VIEW)
    seen = report(Host(), datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["disowned"]) == ("crashed", UUID, 2, False)
    assert seen["error"] is None
