# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's report from real files in a directory; what the engine answers is given, a recorded log among it."""

from __future__ import annotations

import base64
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _node
from ansible_collections.dbops.galera.plugins.module_utils._containers import CLUSTER_LABEL
from ansible_collections.dbops.galera.plugins.module_utils._election import elect
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._node import Node, parse_listing
from ansible_collections.dbops.galera.plugins.module_utils._position import NULL_UUID, GraState, parse_grastate
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import AccessRefused, NodeStatus, NotAnswering, Wanted

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


class Host:
    """An engine with these containers on every datadir, whose throw-away containers say this."""

    def __init__(self, users: Sequence[str] = (), log: str = LOG, code: int = 0) -> None:
        self.users = list(users)
        self.log = log
        self.code = code
        self.ran: list[tuple[str, list[str]]] = []
        self.images: list[str] = []
        self.commands: list[list[str]] = []
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

    def run(self, _name: str, image: str, command: list[str], binds: list[str], _timeout: float) -> tuple[int, str]:
        self.ran.append((command[0], binds))
        self.images.append(image)
        self.commands.append(command)
        return self.code, self.log


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    path = tmp_path / "datadir"
    (path / "mysql").mkdir(parents=True)
    return path


def report(host: Host, datadir: Path, config_dir: str | None = None) -> dict[str, Any]:
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    return node.report("mariadb:11.8", config_dir, 60)


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


def test_a_position_is_recovered_by_the_image_that_wrote_it(datadir: Path) -> None:
    fill(datadir, grastate=KILLED)
    host = Host()
    host.containers["mariadb2"] = CONTAINER
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


def test_a_bootstrap_container_of_another_cluster_is_left_alone(datadir: Path) -> None:
    host = Host()
    host.containers["mariadb0"] = {"Image": "sha256:x", "State": {"Running": True}}
    with pytest.raises(GaleraError, match="mariadb0 runs on another datadir"):
        report(host, datadir)


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
    assert report(Host(), tmp_path / "none")["state"] == "missing"


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


def live(**variables: str) -> NodeStatus:
    return NodeStatus.from_variables(
        {"wsrep_cluster_state_uuid": UUID, "wsrep_last_committed": "7", **variables}, "11.8.6-MariaDB"
    )


@pytest.mark.parametrize("container", ["mariadb2", "mariadb0"])
def test_a_running_node(monkeypatch: pytest.MonkeyPatch, datadir: Path, container: str) -> None:
    fill(datadir, grastate=KILLED)
    monkeypatch.setattr(_node, "read_status", lambda *_arguments: live(wsrep_cluster_status="non-Primary"))
    seen = report(Host([container]), datadir)
    assert (seen["state"], seen["uuid"], seen["seqno"], seen["source"]) == ("running", UUID, 7, "live")
    assert (seen["cluster_status"], seen["container"]) == ("non-Primary", container)
    assert seen["bootstrap"] is (container == "mariadb0")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            NotAnswering("No answer at /none.sock."),
            "mariadb2 is running but not answering yet (No answer at /none.sock).",
        ),
        (AccessRefused("The server refuses root."), "mariadb2 is running. The server refuses root."),
    ],
)
def test_a_running_node_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, datadir: Path, error: GaleraError, sentence: str
) -> None:
    def refuse(*_arguments: Any) -> NodeStatus:
        raise error

    monkeypatch.setattr(_node, "read_status", refuse)
    monkeypatch.setattr(_node, "PATIENCE", 0)
    seen = report(Host(["mariadb2"]), datadir)
    assert (seen["state"], seen["cluster_status"], seen["error"]) == ("running", None, sentence)


def test_a_volume_is_read_through_a_shell() -> None:
    encoded = base64.b64encode(STOPPED.encode()).decode()
    found = parse_listing(f"grastate.dat {encoded}\nmysql\n")
    assert (found.grastate, found.has_tables, found.sst_in_progress) == (STOPPED, True, False)
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
def test_a_bootstrap_of_data_without_a_grastate_keeps_their_cluster(datadir: Path, grastate: str | None) -> None:
    fill(datadir, **({} if grastate is None else {"grastate": grastate}))
    (datadir / "ibdata1").touch(0o640)
    host = Host()
    node = Node(host, "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    node._allow_bootstrap(CONTAINER, 60)
    assert parse_grastate((datadir / "grastate.dat").read_text(encoding="utf-8")) == GraState(UUID, -1, True)
    assert host.ran[0][1][1] == "/containers/mariadb2/conf.d:/etc/mysql/mariadb.conf.d:ro"


@pytest.mark.parametrize("log", [f"WSREP: Recovered position: {NULL_UUID}:-1", "[ERROR] InnoDB: corrupted"])
def test_no_bootstrap_gives_data_another_uuid(datadir: Path, log: str) -> None:
    fill(datadir)
    node = Node(Host(log=log), "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    with pytest.raises(GaleraError, match=r"mariadb2 has data, but .* a new cluster with another UUID"):
        node._allow_bootstrap(CONTAINER, 60)
    assert not (datadir / "grastate.dat").exists()


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
    assert base64.b64decode(host.commands[1][-1]).decode() == KILLED.replace("bootstrap: 0", "bootstrap: 1")
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
    # A live cluster it may join: Galera gives it all data then.
    alive = {**sound, "state": "running", "cluster_status": "Primary", "local_state": "Synced", "cluster_size": 2}
    assert elect(members, {"db1": {**alive, "seqno": 9}, "db2": poisoned, "db3": alive}).action == "join"


@pytest.mark.parametrize("primary", [True, False])
def test_a_running_node_is_promoted_only_where_it_is_not_primary(
    datadir: Path, monkeypatch: pytest.MonkeyPatch, primary: bool
) -> None:
    status = NodeStatus.from_variables({"wsrep_cluster_status": "Primary" if primary else "non-Primary"}, "10.11")
    monkeypatch.setattr(_node, "read_status", lambda *_args: status)
    node = Node(Host(["mariadb2"]), "mariadb2", "mariadb0", str(datadir), "/none.sock")  # type: ignore[arg-type]
    assert node.bootstrap(60, predict=True) is not primary


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

    monkeypatch.setattr(_node, "read_status", lambda *_arguments: live(wsrep_local_state_comment="Inconsistent"))
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
