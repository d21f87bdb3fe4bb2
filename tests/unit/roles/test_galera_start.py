"""The node's scripts: the real ones, on a datadir of their own, with stubs for the image's programs, and peers.

The decision of galera-start is compared with _model/start.py, case by case.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import string
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model import start
from ansible_collections.dbops.galera.plugins.module_utils._model.start import Facts, decide
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.start_cases import CASES, OLDER, OTHER, SAME, SILENT, UNREADABLE

FILES = Path(__file__).resolve().parents[3] / "roles/mariadb/files"
UUID = "0f3cd9a6-eb94-11f1-a901-96a83f5a75f1"
ZEROS = "00000000-0000-0000-0000-000000000000"
POSITION = f"{UUID}:41"
# An image has these. What they were called with, and the state that they found, goes into files. What the script leaves
# running in the background ends with the mark "joining".
STUBS = {
    "my_print_defaults": 'cat "$GALERA_START_ROOT/settings"',
    "mariadbd": """
        echo "$@" >>"$GALERA_START_ROOT/recovered"
        echo "12 [Note] WSREP: Recovered position: $RECOVERED" >&2
        exit "${RECOVERY:-0}"
    """,
    "docker-entrypoint.sh": """
        printf '%s\\n' "$@" >"$GALERA_START_ROOT/arguments"
        printenv MARIADB_AUTO_UPGRADE >"$GALERA_START_ROOT/upgrade"
        ls "$GALERA_START_ROOT/run/mysqld" >"$GALERA_START_ROOT/beside"
        rm -f "$GALERA_START_ROOT/run/mysqld/joining"
    """,
    "hostname": '[ "$1" = -I ] && echo "${OWN:-192.0.2.1 192.0.2.2} " || echo own.example',
    "getent": """
        case $2 in
          *.invalid) exit 2 ;;
          own*) echo "192.0.2.1 STREAM $2" ;;
          *) echo "$2 STREAM $2" ;;
        esac
    """,
    "chown": "",
    "sleep": 'echo "$1" >>"$GALERA_START_ROOT/slept"; eval "${MEANWHILE:-}"',
    "install": 'shift 6; exec cp "$@"',
    # Nobody here is called mysql.
    "find": 'case " $* " in *" -user "*) ;; *) exec /usr/bin/find "$@" ;; esac',
}


# ---- Peers


def message(kind: int, flags: int, body: bytes) -> bytes:
    """As Galera writes it: 24 bits of length, a flag for CRC-32C, a checksum that nobody here looks at."""
    content = bytes([0, kind, flags, 0]) + bytes(range(1, 17)) + body
    return struct.pack("<II", len(content) | 1 << 25, 0xDEADBEEF) + content


class Peer:
    """A node's side of the first handshake, as gcomm/src/gmcast_proto.cpp has it; it notes what it was asked."""

    HANDSHAKE, RESPONSE, OK, FAIL = 1, 2, 3, 4

    def __init__(self, group: str | None, talk: bytes = b"", quiet: bool = False) -> None:
        self.group = group
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self._talk = talk
        self._quiet = quiet
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=[connection], daemon=True).start()

    def _meet(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                if self.group is None:
                    connection.sendall(self._talk)
                    if self._quiet:
                        connection.recv(1)
                    return
                # Bytes of every kind, among them 0, line feed, blank and those above 127.
                handshake = bytes([0, 10, 32, 255, 128, 37, 92, 0, 9, 13, 34, 39, 42, 127, 200, 0])
                connection.sendall(message(self.HANDSHAKE, 16, handshake))
                self._answer(connection, self._read(connection), handshake)
            except OSError:
                return

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        data = b""
        while len(data) < 140 and (more := connection.recv(140 - len(data))):
            data += more
        return data

    def _answer(self, connection: socket.socket, data: bytes, handshake: bytes) -> None:
        if not data:
            return
        # Without a flag for a checksum there must be none. Version, type, flags, segment.
        if data[:12] != struct.pack("<II4B", 132, 0, 0, self.RESPONSE, 1 | 4 | 16, 0) or len(data) != 140:
            self.wrong.append(f"header {data[:12]!r} of {len(data)} bytes")
        if data[12:28] == bytes(16) or data[28:44] != handshake:
            self.wrong.append(f"UUIDs {data[12:44]!r}")
        address, group = (data[a:b].rstrip(b"\0").decode() for a, b in ((44, 108), (108, 140)))
        self.asked.append(group)
        if group != self.group:
            self._refuse(connection, b"invalid group")
        elif ":" not in address:
            self._refuse(connection, b"invalid node address")
        else:
            self.wrong.append("it would have been taken for a node")

    def _refuse(self, connection: socket.socket, error: bytes) -> None:
        connection.sendall(message(self.FAIL, 4, error.ljust(64, b"\0")))


def unused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, Peer]]:
    """By what they answer to a node of the group shop.3a."""
    found = {
        SAME: Peer("shop.3a"),
        OLDER: Peer("shop"),
        "older, not oldest": Peer("shop.2z"),
        OTHER: Peer("shop.4c"),
        "begun elsewhere": Peer("shop.3b"),
        "older, by an earlier version": Peer("shop.2"),
        "a stranger": Peer("billing"),
        UNREADABLE: Peer(None, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
        "gone at once": Peer(None),
        "quiet": Peer(None, quiet=True),
        "half a message": Peer(None, message(1, 16, bytes(16))[:30]),
        "too long": Peer(None, struct.pack("<II", 200_000, 0) + bytes(300)),
    }
    yield found
    for peer in found.values():
        assert peer.wrong == []
        peer.close()


# ---- A node


@dataclass
class Node:
    """What the script finds, below a directory of its own."""

    root: Path
    peers: dict[str, Peer]
    answers: Sequence[str] = ()
    group: str = "shop.3a"
    addresses: str | None = None
    listens: str = "0.0.0.0:4567"
    record: bool = True

    def __post_init__(self) -> None:
        for directory in (
            "var/lib/mysql",
            "run/mysqld",
            "etc/mysql/mariadb.conf.d",
            "docker-entrypoint-initdb.d",
            "stubs",
        ):
            (self.root / directory).mkdir(parents=True)
        if self.record:
            (self.root / "var/lib/galera-node").mkdir()
        self.write("etc/mysql/mariadb.conf.d/galera.cnf", "[mariadbd]\n")
        for name, script in STUBS.items():
            self.write(f"stubs/{name}", f"#!/bin/bash\n{script}\n")
            (self.root / "stubs" / name).chmod(0o755)

    def write(self, name: str, text: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def has(self, name: str) -> bool:
        return (self.root / name).exists()

    def data(self, uuid: str = UUID, seqno: str = "-1") -> None:
        """A datadir with a database in it."""
        self.write("var/lib/mysql/ibdata1")
        self.write("var/lib/mysql/mysql/db.frm")
        self.write(
            "var/lib/mysql/grastate.dat",
            f"# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: 0\n",
        )

    def view(self, members: int, name: str = "var/lib/mysql/gvwstate.dat", number: int = 3) -> None:
        lines = "".join(f"member: {UUID[:-1]}{each} 0\n" for each in range(members))
        self.write(name, f"my_uuid: {UUID}\n#vwbeg\nview_id: {number} {UUID} 4\nbootstrap: 0\n{lines}#vwend\n")

    def has_facts(self, facts: Facts) -> None:
        """Everything on disk that these facts say."""
        if facts.datadir == "data":
            self.data(ZEROS if facts.disowned or facts.undefined else UUID)
        elif facts.datadir == "half":
            self.data(ZEROS)
            self.write("var/lib/mysql/sst_in_progress")
        elif facts.datadir == "ibdata_only":
            self.write("var/lib/mysql/ibdata1")
            (self.root / "var/lib/mysql/mysql").mkdir()
        elif facts.datadir == "blank":
            self.write("var/lib/mysql/galera.cache")
            (self.root / "var/lib/mysql/mysql").mkdir()
        else:
            (self.root / "var/lib/mysql/lost+found").mkdir()
        if facts.view:
            # An emptied datadir has none, so that it can only be one that was held back.
            self.view(facts.view, *(["var/lib/galera-node/held-view"] if facts.datadir == "emptied" else []))
        if facts.undefined and not facts.view:
            self.write("run/mysqld/joining")
        self.has_record(facts)
        self.answers = facts.answers

    def has_record(self, facts: Facts) -> None:
        if facts.members:
            self.write("var/lib/galera-node/members", "".join(f"node{each}\n" for each in range(facts.members)))
        if facts.misfit:
            self.write("var/lib/galera-node/branch.json", json.dumps({"group": "another.2", "uuid": UUID}, indent=2))
        for mark, there in (("had-data", facts.had_data), ("fenced", facts.fenced)):
            if there:
                self.write(f"var/lib/galera-node/{mark}")

    @property
    def _addresses(self) -> str:
        if self.addresses is not None:
            return self.addresses
        # The node itself stands among them.
        return ",".join(["192.0.2.1:4567", *(unused() if a == SILENT else self.peers[a].place for a in self.answers)])

    def begin(self, *arguments: str, script: str = "galera-start.sh", **environment: str) -> subprocess.Popen[str]:
        self.write(
            "settings",
            f"--wsrep_node_name=node0\n--wsrep_cluster_name={self.group}\n--wsrep-cluster-address=gcomm://{self._addresses}?gmcast.segment=0\n"
            f"--wsrep_provider_options=evs.suspect_timeout=PT1.5S; gmcast.listen_addr = tcp://{self.listens}\n",
        )
        own = {
            "PATH": f"{self.root}/stubs:{os.environ['PATH']}",
            "GALERA_START_ROOT": str(self.root),
            "RECOVERED": POSITION,
            "MARIADB_AUTO_UPGRADE": "1",
            **environment,
        }
        return subprocess.Popen(
            ["bash", str(FILES / script), *arguments],
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        with self.begin(*arguments, **options) as process:
            stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def start(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Start it, and return what it said."""
        run = self.run("mariadbd", *arguments, **environment)
        assert run.returncode == code, run.stderr
        assert self.has("arguments") == (code == 0)
        return run.stderr

    @property
    def arguments(self) -> list[str]:
        """Of the image's own entrypoint."""
        return self.read("arguments").splitlines()


@pytest.fixture
def make(tmp_path: Path, peers: dict[str, Peer]) -> Callable[..., Node]:
    numbers = itertools.count()
    return lambda **facts: Node(root=tmp_path / str(next(numbers)), peers=peers, **facts)


def check(node: Node, facts: Facts) -> None:
    """What the script did is what the model says."""
    wanted = decide(facts)
    node.has_facts(facts)
    before = set((node.root / "var/lib/mysql").rglob("*"))
    run = node.run("mariadbd", *["--wsrep_cluster_address=gcomm://"] * facts.bootstrap)
    if wanted.action == start.REFUSE:
        assert run.returncode == 78, run.stderr
        assert not node.arguments
        assert set((node.root / "var/lib/mysql").rglob("*")) == before
    else:
        assert run.returncode == 0, run.stderr
        alone = "--wsrep_cluster_address=gcomm://" in node.arguments and not facts.bootstrap
        held = facts.view > 0 and not node.has("var/lib/mysql/gvwstate.dat") and not alone
        done = {(False, False): start.START, (True, False): start.START_ALONE, (False, True): start.START_WITHOUT_VIEW}
        assert done[alone, held] == wanted.action or facts.bootstrap, run.stderr
    if wanted.reason:
        assert f"galera-start: {wanted.reason}\n" in run.stderr
    assert node.has("var/lib/galera-node/fenced") == (wanted.fence or facts.fenced)


@pytest.mark.parametrize("facts", [Facts(**case[0]) for case in CASES.values()], ids=CASES)
def test_the_script_decides_as_the_model_does(make: Callable[..., Node], facts: Facts) -> None:
    check(make(), facts)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Any that a disk can hold."""
    facts = Facts(
        bootstrap=draw(st.booleans()),
        datadir=draw(st.sampled_from((*start.DATADIRS, "data", "data"))),
        had_data=draw(st.booleans()),
        fenced=draw(st.sampled_from((False, False, False, True))),
        misfit=draw(st.sampled_from((False, False, False, True))),
        view=draw(st.integers(0, 5)),
        members=draw(st.integers(0, 5)),
        answers=tuple(draw(st.lists(st.sampled_from((SAME, *start.ANSWERS)), max_size=4))),
    )
    if facts.datadir == "data" and draw(st.booleans()):
        undefined = facts.view > 0 or draw(st.booleans())
        facts = replace(facts, undefined=undefined, disowned=not undefined)
    return facts


@settings(max_examples=40)
@given(facts=any_facts())
def test_they_agree_on_everything(
    tmp_path_factory: pytest.TempPathFactory, peers: dict[str, Peer], facts: Facts
) -> None:
    check(Node(root=tmp_path_factory.mktemp("node"), peers=peers), facts)


# ---- Asking


def test_the_answers(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    wanted = {peer.place: name for name, peer in peers.items()}
    wanted[peers["older, not oldest"].place] = wanted[peers["older, by an earlier version"].place] = OLDER
    for name in ("a stranger", "begun elsewhere"):
        wanted[peers[name].place] = OTHER
    for name in ("gone at once", "quiet", "half a message", "too long"):
        wanted[peers[name].place] = UNREADABLE
    wanted[unused()] = SILENT
    # Neither a datadir nor settings are needed.
    run = make(record=False).run("--ask", "shop.3a", *wanted, "nowhere.invalid")
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        *(f"{place} {answer}" for place, answer in wanted.items()),
        "nowhere.invalid:4567 silent",
    ]
    assert run.returncode == 0


def test_names_are_tried_from_the_first_branch_on(make: Callable[..., Node]) -> None:
    peer = Peer("nobody")
    make().run("--ask", "shop.3b", peer.place)
    letters = string.ascii_lowercase
    named = [f"shop.{number}{letter}" for number in (2, 4, 3) for letter in ["", *letters]]
    assert peer.asked == ["shop.3b", "shop", *(name for name in named if name != "shop.3b")]
    peer.asked.clear()
    make().run("--ask", "shop", peer.place)
    assert peer.asked == ["shop", *(f"shop.2{letter}" for letter in ["", *letters])]
    peer.close()


def test_a_peer_that_goes_quiet_is_not_asked_for_every_name(make: Callable[..., Node]) -> None:
    peer, meets, usual = Peer("nobody"), [], Peer._meet

    def meet(connection: socket.socket) -> None:
        meets.append(connection)
        if len(meets) > 1:
            with connection:
                connection.recv(1)
        else:
            usual(peer, connection)

    peer._meet = meet  # type: ignore[method-assign]
    assert make().run("--ask", "shop.3a", peer.place).stdout == f"{peer.place} other\n"
    assert len(meets) == 2
    peer.close()


def test_a_name_of_any_characters(make: Callable[..., Node]) -> None:
    for name in ("a%b\\n 'c'", "größer", "x" * 32):
        peer = Peer(name)
        assert make().run("--ask", name, peer.place).stdout == f"{peer.place} same\n"
        peer.close()


def test_the_own_addresses_are_not_asked(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    """A view of one is a majority only where there is nobody else."""
    for addresses, is_held in (
        ("192.0.2.1,192.0.2.2:4567,own.example,own-alias.example:4567", False),
        # Another node on the same host.
        ("192.0.2.1:4567,192.0.2.1:4568", True),
        ("own.example,nowhere.invalid", True),
    ):
        node = make(addresses=addresses)
        node.data()
        node.view(1)
        node.start()
        assert node.has("var/lib/galera-node/held-view") == is_held, addresses
    place = peers[SAME].place
    node = make(addresses=place, listens=place)
    node.data()
    peers[SAME].asked.clear()
    node.start(OWN="127.0.0.1")
    assert peers[SAME].asked == []
    assert "--wsrep_cluster_address=gcomm://" in node.arguments


def test_the_bootstrap_container_is_no_member_while_it_is_away(
    make: Callable[..., Node], peers: dict[str, Peer]
) -> None:
    node = make(addresses="mariadb0.invalid,own.example:4567")
    node.data()
    node.start(GALERA_BOOTSTRAP_ADDRESS="mariadb0.invalid")
    assert "--wsrep_cluster_address=gcomm://" in node.arguments
    # It is in a node's place while it runs.
    node = make(addresses=f"{peers[OTHER].place},own.example:4567")
    node.data()
    said = node.start(code=78, GALERA_BOOTSTRAP_ADDRESS="127.0.0.1")
    assert "another branch" in said


def test_what_the_fence_says(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make()
    node.has_facts(Facts(view=3, members=3, answers=(SILENT, OTHER)))
    place = peers[OTHER].place
    said = node.start(code=78)
    assert f" {place}, group shop.4c; the group of this node is shop.3a\n" in said
    line = node.read("var/lib/galera-node/fenced")
    assert line.endswith(f"Z {place}, group shop.4c\n")
    peers[OTHER].asked.clear()
    assert f"found alive: {line}" in node.start(code=78)
    assert peers[OTHER].asked == []


def test_a_stranger_has_no_name(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=peers["a stranger"].place)
    node.data()
    node.start(code=78)
    assert node.read("var/lib/galera-node/fenced").endswith(f"Z {peers['a stranger'].place}\n")


def test_a_container_without_a_record(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(record=False, addresses=f"{peers[OTHER].place}")
    node.data()
    assert "another branch" in node.start(code=78)
    node.addresses = "nowhere.invalid"
    node.view(1)
    node.start()
    assert node.has("run/mysqld/held-view")
    assert not node.has("var/lib/galera-node")


def test_the_others_are_asked_again_before_a_view_is_taken_up(
    make: Callable[..., Node], peers: dict[str, Peer]
) -> None:
    """They are started, or go another way, while this node waits."""
    for meanwhile, code in ((SAME, 0), (OTHER, 78)):
        node = make(addresses=unused())
        node.data()
        node.view(1)
        rewrite = f"sed -i 's,gcomm://[^?]*,gcomm://{peers[meanwhile].place},' \"$GALERA_START_ROOT/settings\""
        node.start(code=code, MEANWHILE=rewrite)
        assert node.has("var/lib/mysql/gvwstate.dat")
        assert node.has("var/lib/galera-node/fenced") == (code == 78)


def test_a_signal_ends_it_while_it_asks(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    """As the container's first process it would be deaf to it."""
    node = make(addresses=peers["quiet"].place)
    node.data()
    with node.begin("mariadbd") as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(2) == 143
    assert not node.arguments


# ---- Getting ready


def test_a_killed_node_starts_from_its_position(make: Callable[..., Node]) -> None:
    for seqno in ("-1", "-1 ", "-1\t "):
        node = make()
        node.data(seqno=seqno)
        node.view(3)
        said = node.start("--skip-name-resolve")
        assert node.arguments == ["mariadbd", "--skip-name-resolve", f"--wsrep_start_position={POSITION}"]
        assert node.read("recovered").split()[:3] == ["--skip-name-resolve", "--user=mysql", "--wsrep-recover"]
        assert "ended without leaving the cluster, so the other nodes get evs.suspect_timeout (1.5 s)" in said
        assert 0 <= float(node.read("slept").split()[0]) <= 2.5


def test_a_stopped_node_knows_its_position(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    for seqno in ("41", "41  "):
        node = make(addresses=peers[SAME].place)
        node.data(seqno=seqno)
        node.start()
        assert node.arguments == ["mariadbd"]
        assert not node.has("recovered")


def test_without_a_position_it_does_not_start(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    for environment, said in (
        ({"RECOVERY": "1"}, "the position could not be recovered"),
        ({"RECOVERED": ""}, "mariadbd --wsrep-recover told no position"),
    ):
        node = make(addresses=peers[SAME].place)
        node.data()
        assert said in node.start(code=1, **environment)


def test_a_joiner(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=peers[SAME].place)
    node.write("var/lib/mysql/wsrep_sst.pid", "7\n")
    assert "empty datadir, joining by SST" in node.start()
    assert list((node.root / "var/lib/mysql").iterdir()) == [node.root / "var/lib/mysql/mysql"]
    assert node.read("upgrade") == ""
    assert "joining" in node.read("beside").split()
    assert "in-force.cnf" in node.read("beside").split()
    assert not node.has("var/lib/galera-node/had-data")


def test_a_new_cluster(make: Callable[..., Node]) -> None:
    node = make(addresses="nowhere.invalid")
    (node.root / "var/lib/mysql/mysql").mkdir()
    node.start("--wsrep_cluster_address=gcomm://")
    assert not node.has("var/lib/mysql/mysql")
    assert "GRANT RELOAD" in node.read("docker-entrypoint-initdb.d/accounts.sql")
    assert node.read("upgrade") == "1\n"
    assert "joining" not in node.read("beside").split()


def test_data_are_remembered(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=peers[SAME].place)
    node.data()
    node.start()
    assert node.has("var/lib/galera-node/had-data")
    assert node.read("var/lib/galera-node/had-data") == ""


def test_half_a_datadir_is_no_database(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    def by_mark(node: Node) -> None:
        node.write("var/lib/mysql/sst_in_progress")

    def by_directory(node: Node) -> None:
        (node.root / "var/lib/mysql/.sst").mkdir()

    def by_view(node: Node) -> None:
        node.view(3, "run/mysqld/gvwstate.dat")

    for mark in (by_mark, by_directory, by_view):
        node = make(addresses=peers[SAME].place)
        node.data(ZEROS)
        mark(node)
        node.start()
        assert node.arguments == ["mariadbd"]
        assert node.read("upgrade") == ""
        assert not node.has("var/lib/galera-node/had-data")


def test_half_a_datadir_without_system_tables(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    """The image would make them."""
    node = make(addresses=peers[SAME].place)
    node.write("var/lib/mysql/ibdata1")
    (node.root / "var/lib/mysql/.sst").mkdir()
    node.start()
    assert node.has("var/lib/mysql/mysql")


def test_a_joiner_takes_up_the_view_that_it_had(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=peers[SAME].place)
    (node.root / "var/lib/mysql/mysql").mkdir()
    node.view(3, "run/mysqld/gvwstate.dat")
    assert "ended as a joiner, and takes up the view that it had" in node.start()
    assert node.read("var/lib/mysql/gvwstate.dat").count("member:") == 3
    assert "gvwstate.dat" not in node.read("beside").split()


def test_a_record_that_does_not_name_the_node_makes_it_no_sole_member(make: Callable[..., Node]) -> None:
    for names, is_alone in (("node0\n", True), ("another\n", False), ("node01\n", False)):
        node = make(addresses="192.0.2.1:4567")
        node.data()
        node.write("var/lib/galera-node/members", names)
        assert ("is the only member of its branch" in node.start()) == is_alone, names


def test_a_view_is_held_back_and_put_back(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    held, used = "var/lib/galera-node/held-view", "var/lib/mysql/gvwstate.dat"
    same = peers[SAME].place
    node = make(addresses=f"{unused()},{same}")
    node.data()
    node.view(1, number=7)
    assert node.start().count("The last view has 1 of 3 members, and the other members do not all answer") == 1
    assert (node.has(held), node.has(used)) == (True, False)
    # It ended before it was in a Primary Component, and not all are there yet.
    assert "The last view has 1 of 3 members" in node.start()
    assert (node.has(held), node.has(used)) == (True, False)
    node.addresses = f"{same},{same}"
    assert "takes up the view that it held back" in node.start()
    assert "view_id: 7 " in node.read(used)
    assert node.has(held), "it is needed again if the others go"
    # A later view counts.
    node.view(3, number=9)
    node.start()
    assert "view_id: 9 " in node.read(used)


def test_the_only_member_bootstraps_itself(make: Callable[..., Node]) -> None:
    node = make(addresses="own.example")
    node.data(seqno="41")
    node.start()
    assert node.arguments == ["mariadbd", "--wsrep_cluster_address=gcomm://"]
    assert "joining" not in node.read("beside").split()
    state = node.read("var/lib/mysql/grastate.dat")
    assert f"uuid:    {UUID}\nseqno:   41\nsafe_to_bootstrap: 1\n" in state


def test_the_only_member_that_was_killed_in_ddl(make: Callable[..., Node]) -> None:
    node = make(addresses="own.example")
    node.data(ZEROS)
    node.view(1)
    node.start()
    assert node.arguments == ["mariadbd", f"--wsrep_start_position={POSITION}", "--wsrep_cluster_address=gcomm://"]
    # Without its UUID Galera takes no notice of the position.
    assert f"uuid:    {UUID}\nseqno:   -1\nsafe_to_bootstrap: 1\n" in node.read("var/lib/mysql/grastate.dat")


def test_who_was_cut_off_lets_the_others_go_first(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=f"{peers[SAME].place},nowhere.invalid")
    node.data()
    node.view(3)
    node.write("run/mysqld/non-primary")
    assert "was in no Primary Component when it ended, so the other nodes go first" in node.start()


def test_the_address_of_a_node_whose_container_changes_it(make: Callable[..., Node], peers: dict[str, Peer]) -> None:
    node = make(addresses=peers[SAME].place)
    node.start(GALERA_NODE_ADDRESS="hostname")
    assert node.arguments == ["mariadbd", "--wsrep_node_address=192.0.2.1"]


# ---- What the server tells

RECORD = "var/lib/galera-node"


def view(status: str, primary: str, index: int, *names: str, uuid: str = UUID) -> list[str]:
    """The arguments with which MariaDB 10.11 calls, as recorded on a lab."""
    call = ["--status", status, "--uuid", uuid, "--primary", primary, "--index", str(index)]
    if names:
        members = [f"{UUID[:-1]}{i}/{name}/198.51.100.{i}:3306" for i, name in enumerate(names)]
        call += ["--members", ",".join(members)]
    return call


def notify(node: Node, *arguments: str) -> None:
    run = node.run(*arguments, script="galera-notify.sh")
    assert (run.returncode, run.stderr) == (0, "")


def test_a_primary_component_is_recorded(make: Callable[..., Node]) -> None:
    node = make()
    for mark in ("non-primary", "joining", "gvwstate.dat"):
        node.write(f"run/mysqld/{mark}")
    node.view(1, f"{RECORD}/held-view")
    node.write(f"{RECORD}/fenced")
    node.write(f"{RECORD}/members", "mariadb9\n")
    notify(node, *view("joined", "yes", 1, "mariadb2", "mariadb1", "garb"))
    assert node.read(f"{RECORD}/members") == "garb\nmariadb1\nmariadb2\nmariadb9\n"
    assert node.read(f"{RECORD}/uuid") == f"{UUID}\n"
    assert os.listdir(node.root / "run/mysqld") == []
    assert sorted(os.listdir(node.root / RECORD)) == ["fenced", "members", "uuid", "views"]
    notify(node, *view("synced", "yes", 1, "mariadb2", "mariadb1", "garb"))
    assert node.has(f"{RECORD}/had-data")
    assert node.read(f"{RECORD}/had-data") == ""


def test_what_has_not_changed_is_not_written(make: Callable[..., Node]) -> None:
    node = make()
    call = view("synced", "yes", 0, "mariadb1", "mariadb2")
    notify(node, *call)
    before = {path: path.stat().st_ino for path in (node.root / RECORD).iterdir()}
    notify(node, *call)
    assert {path: path.stat().st_ino for path in (node.root / RECORD).iterdir()} == before


def test_the_history_of_primary_components(make: Callable[..., Node]) -> None:
    """All members give a component the same name, in whatever order they are told; it is kept once."""
    one, other = make(), make()
    notify(one, *view("joined", "yes", 0, "mariadb1"))
    for node in (one, other):
        call = view("joined", "yes", 1, "mariadb1", "mariadb2")
        if node is other:
            call[-1] = ",".join(reversed(call[-1].split(",")))
        notify(node, *call)
        notify(node, "--status", "synced", *call[2:])
    first, second = node_views(one)
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert node_views(other) == [second] != [first]
    # Of another history, or without primary, it is another one or none.
    notify(one, *view("synced", "yes", 1, "mariadb1", "mariadb2", uuid=UUID.replace("0", "1")))
    notify(one, *view("connected", "no", 0, "mariadb1"))
    notify(one, *view("synced", "yes", 0, "mariadb1", uuid=ZEROS))
    assert len(node_views(one)) == len(set(node_views(one))) == 3
    one.write(f"{RECORD}/views", "".join(f"{number}\n" for number in range(200)))
    notify(one, *view("synced", "yes", 1, "mariadb1", "mariadb2"))
    assert node_views(one) == [str(number) for number in range(1, 200)] + [second]


def node_views(node: Node) -> list[str]:
    return node.read(f"{RECORD}/views").splitlines()


def test_views_of_the_past_name_no_members(make: Callable[..., Node]) -> None:
    """An IST brings them, and the node has no index in them."""
    node = make()
    node.view(1, f"{RECORD}/held-view")
    node.write("run/mysqld/joining")
    notify(node, *view("initialized", "yes", -1, "mariadb1", "removed"))
    assert os.listdir(node.root / RECORD) == ["held-view"]
    assert not node.has("run/mysqld/joining")


def test_a_null_uuid_is_not_recorded(make: Callable[..., Node]) -> None:
    node = make()
    notify(node, *view("synced", "yes", 0, "mariadb1", uuid=ZEROS))
    assert not node.has(f"{RECORD}/uuid")


def test_no_primary_component(make: Callable[..., Node]) -> None:
    node = make()
    notify(node, *view("connected", "no", 0, "mariadb1"))
    assert node.has("run/mysqld/non-primary")
    notify(node, *view("disconnected", "no", -1))
    assert os.listdir(node.root / RECORD) == []


def test_a_donor_changes_nothing(make: Callable[..., Node]) -> None:
    node = make()
    notify(node, "--status", "donor")
    assert os.listdir(node.root / RECORD) == []
    assert os.listdir(node.root / "run/mysqld") == []


def test_a_container_without_a_record_is_notified(make: Callable[..., Node]) -> None:
    node = make(record=False)
    node.write("run/mysqld/joining")
    notify(node, *view("synced", "yes", 0, "mariadb1", "mariadb2"))
    assert not node.has("run/mysqld/joining")
    assert not node.has(RECORD)
