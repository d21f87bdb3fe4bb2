# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node on this host: its container or bootstrap container, its datadir, its server."""

from __future__ import annotations

import base64
import binascii
import os
import socket as socket_module
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import (
    Engine,
    bind_of,
    is_directory,
    mask,
)
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._files import replace as replace_file
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Branch
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    GraState,
    Position,
    View,
    allow_bootstrap,
    grastate_of,
    parse_grastate,
    parse_gvwstate,
    parse_recovered,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import CLUSTER_LABEL, IMAGE_LABEL
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined
from ansible_collections.dbops.galera.plugins.module_utils._record import (
    FENCED,
    HAD_DATA,
    HELD_VIEW,
    INSIDE,
    VIEWS,
    Record,
)
from ansible_collections.dbops.galera.plugins.module_utils._settings import parse
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    AccessRefused,
    NodeStatus,
    NotAnswering,
    TimedOut,
    Wanted,
    read_status,
    wait_for,
)

DATADIR = "/var/lib/mysql"
CONFIG = "/etc/mysql/mariadb.conf.d"
START_SCRIPT = "/usr/local/bin/galera-start"
SCRIPTS = (START_SCRIPT, "/usr/local/bin/galera-notify", "/usr/local/bin/galera-health")
# What every node's container has of its host.
OWN_VOLUMES = (DATADIR, CONFIG, "/run/mysqld", INSIDE, *SCRIPTS)
# How long a running server may take to answer before it is reported as not answering, seconds: the first where a mark
# of its start script says that it is in no Primary Component, the second where nothing says so.
PATIENCE, LONG_PATIENCE = 2.0, 15.0
# What the start script and the server leave beside the socket while the node is in no Primary Component.
MARKS = ("non-primary", "joining")
# A server that ended in order; a start script that refused, or was stopped while it waited, before it touched the data.
REFUSED = 78
CLEAN_EXITS = (0, REFUSED, 143)
SCRIPT_SAYS = "galera-start: "
# An ext4 file system has it.
NOT_DATA = ("lost+found",)
BOOTSTRAP = ["--wsrep_cluster_address=gcomm://"]
# MariaDB's own galera_recovery does the same: https://mariadb.com/kb/en/galera-cluster-recovery/
# The provider has to be named but is not loaded; without it, or without ROW, the server skips the recovery.
RECOVER = [
    "mariadbd",
    "--user=mysql",
    "--wsrep-recover",
    "--wsrep_on=ON",
    "--wsrep_provider=not-loaded",
    "--binlog-format=ROW",
    "--wsrep_cluster_address=gcomm://",
    "--log-error=/dev/stderr",
    "--skip-networking",
]
# A volume is read by a shell inside a container; each line is a file's name, and its content in base64.
READ = f"""cd {DATADIR} || exit 1
for file in grastate.dat gvwstate.dat; do
  [ ! -f $file ] || echo "$file $(head -c 65536 $file | base64 -w 0)"
done
[ ! -e sst_in_progress ] && [ ! -e .sst ] || echo sst_in_progress
[ ! -e ibdata1 ] || echo ibdata1
[ -z "$(ls -A mysql 2>/dev/null)" ] || echo mysql
[ -z "$(ls -A | grep -vx lost+found)" ] || echo entries"""
# The new content is the first argument, in base64; a view is of another life than the one that the content begins.
WRITE = f"""cd {DATADIR} && echo "$1" | base64 -d >.grastate.dat &&
chown --reference=. .grastate.dat && chmod 660 .grastate.dat && mv .grastate.dat grastate.dat &&
if [ "$2" = yes ]; then rm -f gvwstate.dat; fi"""


# A server that is its own cluster for a moment, without a network: its first view has InnoDB hold the position of
# grastate.dat. Without that a joiner goes by what InnoDB holds, whatever grastate.dat says, and asks for a full SST.
ALONE = """options=$(my_print_defaults --mariadbd mysqld | sed -n 's/^--wsrep[-_]provider[-_]options=//p' | tail -n 1)
mariadbd --user=mysql --wsrep_cluster_address=gcomm:// --wsrep_cluster_name="$1" --wsrep_notify_cmd= \
  --wsrep_provider_options="$options;gmcast.listen_addr=tcp://127.0.0.1:4567" \
  --log-error=/dev/stderr --skip-networking --socket=/tmp/alone.sock &
server=$!
for _ in $(seq "$2"); do
  kill -0 "$server" 2>/dev/null || break
  status=$(mariadb --socket=/tmp/alone.sock -BNe "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null)
  case $status in *Synced*) break ;; esac
  sleep 0.2
done
kill -TERM "$server"
wait $server"""


@dataclass(frozen=True)
class Datadir:
    """What a datadir holds, as far as positions are concerned. The texts are None where there is no such file."""

    grastate: str | None = None
    gvwstate: str | None = None
    has_tables: bool = False
    sst_in_progress: bool = False
    has_ibdata: bool = False
    # Whether there is anything at all in it.
    has_entries: bool = False


@dataclass(frozen=True)
class Seen:
    """What a wait saw last: a status, or why there is none."""

    status: NodeStatus | None
    why: str = ""

    def report(self) -> dict[str, Any] | None:
        return _told(self.status) if self.status else None

    def __str__(self) -> str:
        return str(self.status or self.why)


@dataclass
class Node:
    """name and bootstrap_container are containers; datadir is a directory or a volume's name; socket is on the host.

    record is the directory with the node's record on this host.
    """

    engine: Engine
    name: str
    bootstrap_container: str
    datadir: str
    socket: str
    defaults_file: str | None = None
    # How often Docker had restarted the container when a wait first looked.
    restarts: int | None = None
    record: str | None = None

    def elsewhere(self) -> str:
        """A sentence where the node's container has its data on another path than the datadir; else empty."""
        for name in (self.name, self.bootstrap_container):
            container = self.engine.inspect(name)
            bound = bound_at(container, DATADIR) if container else None
            if container is None or bound is None or _resolved(bound) == _resolved(self.datadir):
                continue
            if name == self.bootstrap_container and not container["State"]["Running"]:
                continue
            return (
                f"{self.name}: the container {name} has its data in {bound}, and mariadb_datadir is {self.datadir}: "
                "set mariadb_datadir, or what it is made of (galera_root, galera_node_name), back to what it was. No "
                "container is stopped or replaced on another path. To move a node on purpose, take it out with "
                "remove_node and add it with add_node, one host at a time. Where this is another cluster's, give each "
                "cluster on this host node names and a galera_bootstrap_container of its own."
            )
        return ""

    def container(self) -> str | None:
        """The node's container that runs, or None.

        Refuses where another one, or both, are on the datadir, or the node's own is on another datadir.
        """
        if sentence := self.elsewhere():
            raise GaleraError(sentence)
        users = self.engine.users_of(self.datadir)
        if sentence := self._misused(users):
            raise GaleraError(sentence)
        return users[0] if users else None

    def _misused(self, users: Sequence[str]) -> str:
        """A sentence where the containers that run on the datadir are not the node's one."""
        strangers = [user for user in users if user not in (self.name, self.bootstrap_container)]
        if strangers:
            return (
                f"{self.name}: the datadir {self.datadir} is in use by another container, {' and '.join(strangers)}: "
                "stop it first, two servers must never run on one datadir."
            )
        if len(users) > 1:
            return (
                f"{self.name}: {' and '.join(users)} both run on the datadir {self.datadir}: "
                f"stop {self.bootstrap_container} at once, two servers must never run on one datadir."
            )
        return ""

    def report(
        self,
        image: str,
        config_dir: str | None,
        timeout: float,
        recover: bool = True,
        tolerant: bool = False,
        databases: bool = False,
    ) -> dict[str, Any]:
        """The node's position and where it was read; timeout of a recovery in seconds.

        Without recover a killed node's position stays unknown. Raises GaleraError where other containers than the
        node's one run on its datadir; where tolerant, the report tells of them, for who looks at all nodes. databases
        is whether a server that answers is asked for databases with the character set latin1.
        """
        report = {**dict.fromkeys(FIELDS), "node": self.name, "bootstrap": False, "sst_in_progress": False}
        report.update(_position(Position(), "none"))
        report.update(self._made_of(image))
        report.update(self._recorded())
        if sentence := self.elsewhere() or (tolerant and self._misused(self.engine.users_of(self.datadir))):
            return {**report, "state": "elsewhere", "error": sentence}
        container = self.container()
        if container:
            report.update(state="running", container=container, bootstrap=container == self.bootstrap_container)
            report.update(self._live(databases))
        elif self.engine.mountpoint(self.datadir) is None:
            report.update(state="missing", emptied=self._had_data())
        else:
            report.update(self._at_rest(self._own_image() or image, config_dir, timeout, recover))
        return report

    def wait(self, wanted: Wanted, timeout: float, interval: float = 0.5) -> Seen:
        """Wait for a state of the server; raises TimedOut[Seen], or at once what no waiting will change."""
        watch = self.engine.watch([self.name, self.bootstrap_container], restarts=self.restarts)

        def read() -> Seen:
            watch()
            self.restarts = watch.restarts
            try:
                seen = Seen(read_status(self.socket, self.defaults_file))
            except (NotAnswering, AccessRefused) as error:
                return Seen(None, f"{watch.name} runs, but there is no status: {error}")
            if seen.status and seen.status.put_out:
                raise GaleraError(
                    f"{watch.name} runs, but was put out of the cluster: its data differ from the other nodes'. "
                    "Run the playbook repair_node."
                )
            return seen

        return wait_for(read, lambda seen: wanted.met(seen.status), timeout, interval)

    def bootstrap(self, timeout: float, predict: bool = False) -> bool:
        """Have the bootstrap container Primary and Synced; timeout in seconds.

        Returns whether anything was, or would be (predict), done.
        """
        running = self.container()
        if running == self.name:
            raise GaleraError(f"{self.name} runs: a node is bootstrapped from its position at rest. Stop it first.")
        if predict:
            return not running
        if not running:
            source = self.engine.inspect(self.name)
            if source is None:
                raise GaleraError(
                    f"{self.name}: there is no container of that name to make {self.bootstrap_container} from."
                )
            self.engine.remove_stopped(self.bootstrap_container)
            self._allow_bootstrap(source, timeout)
            self.engine.clone(source, self.bootstrap_container, BOOTSTRAP)
        try:
            self.wait(Wanted(), timeout)
        except TimedOut as error:
            raise GaleraError(
                f"{self.bootstrap_container} is not Primary and Synced after {timeout:g} s. "
                f"Last state seen: {error.last}. It keeps running; run again to wait on. "
                f"Its last log lines:\n{self.engine.tail(self.bootstrap_container)}"
            ) from error
        return not running

    def stop(self, timeout: float, predict: bool = False) -> bool:
        """Stop a server that is in no Primary Component; its state is read in this call, so that it is true now.

        timeout is the time until Docker kills it, in seconds. Returns whether anything was, or would be, stopped; a
        Primary node is left alone. Raises GaleraError where the server does not say how it is.
        """
        running = self.container()
        if not running:
            return False
        live = self._live()
        if live.get("cluster_status") == "Primary":
            return False
        if not (live.get("cluster_status") or live.get("marks")):
            raise GaleraError(
                f"{running} runs and does not say how it is, so it may be Primary and take writes: "
                f"{live.get('error') or 'no answer'} Wait until it answers, or stop it (docker stop {running})."
            )
        if not predict:
            self.engine.stop(running, timeout)
        return True

    def begin(self, branch: Branch, position: Position, lead: bool, timeout: float) -> None:
        """Give the data the branch's UUID at the position that they have; only the one that leads may be bootstrapped.

        The first view of the branch takes a sequence number: the one that leads sees it when it is bootstrapped, the
        others by themselves, so that all hold the same position afterwards. Where that fails a node gets an SST.
        """
        source = self.engine.inspect(self.name)
        image = str(source["Image"]) if source else ""
        begun = Position(branch.uuid, position.seqno if position.known else 0)
        # One that has no container to see the view in gets all data by SST, and must not be bootstrapped.
        self._write_grastate(grastate_of(begun, safe=lead or source is not None), image, timeout, new_life=True)
        if lead or source is None:
            return
        config = bind_of(str(bound_at(source, CONFIG)), CONFIG, read_only=True)
        binds = [bind_of(self.datadir, DATADIR), config, *self._volumes()]
        command = ["bash", "-c", ALONE, "bash", branch.group, str(int(timeout * 5))]
        self.engine.run(self._helper, image, command, binds, timeout + 60, like=source)
        after = _parsed(self._read(image, timeout))[0]
        reached = after.position if after and after.uuid == branch.uuid else Position(branch.uuid)
        self._write_grastate(grastate_of(reached, safe=False), image, timeout, new_life=True)

    def forget_view(self) -> None:
        """Remove the last view, which is of a branch that was given up; a volume's goes with its state transfer."""
        view = os.path.join(self.datadir, "gvwstate.dat")
        if is_directory(self.datadir) and os.path.exists(view):
            os.unlink(view)

    def received(self) -> int | None:
        """Bytes on disk of a datadir that is a directory, without the write-set cache; grows while an SST arrives."""
        if not is_directory(self.datadir):
            return None
        total = 0
        for directory, _directories, files in os.walk(self.datadir):
            for file in files:
                if file != "galera.cache":
                    try:
                        total += os.lstat(os.path.join(directory, file)).st_blocks * 512
                    except OSError:
                        continue  # it was moved or removed while being looked at
        return total

    def phase(self) -> str:
        """What a node that does not answer yet is doing, as its datadir shows."""
        if is_directory(self.datadir) and os.path.exists(os.path.join(self.datadir, "sst_in_progress")):
            return "joiner (SST)"
        return "starting"

    def refuse_if_answered(self, group: str, silent: Sequence[str], reported: Sequence[str] = ()) -> None:
        """Ask members that the controller did not reach, as this node would; raise GaleraError where one answers.

        silent and reported are addresses of the inventory's members, HOST:PORT. Those that the node's own settings name
        beside them are asked too: a host that was taken out of the inventory lives on. It is the node's own start
        script that asks, in a throw-away container of the node's network.
        """
        source = self.engine.inspect(self.name)
        script = bound_at(source, START_SCRIPT) if source else None
        before = configured(source) if source else []
        # The bootstrap container is in a node's place while it runs.
        own = (f"{self.bootstrap_container}:", f"{self.bootstrap_container}.")
        known = {*silent, *reported}
        addresses = [*silent, *(place for place in before if place not in known and not place.startswith(own))]
        if not addresses:
            return
        if source is None or script is None:
            raise GaleraError(f"{self.name} has no container that could ask {joined(addresses)}: run site first.")
        command = [START_SCRIPT, "--ask", group, *addresses]
        network = str((source.get("HostConfig") or {}).get("NetworkMode") or "none")
        binds = [bind_of(script, START_SCRIPT, read_only=True)]
        _code, log = self.engine.run(self._helper, str(source["Image"]), command, binds, 60, network)
        # A line is ADDRESS, a word, and the group that answered where that is known.
        told = [line.split() for line in log.splitlines()]
        answers = {words[0]: words[1] for words in told if len(words) > 1 and words[0] in addresses}
        if set(answers) != set(addresses):
            # A script of an earlier version cannot ask.
            answers = {address: _knock(address) for address in addresses}
        if alive := [address for address in addresses if answers[address] != "silent"]:
            raise GaleraError(
                f"{joined(alive)}: a node answers there, though no host that reported has this address. It may be "
                "Primary and take writes, so nothing is decided against it. Put its host back into the inventory, make "
                "it reachable, and run again."
            )

    def _live(self, databases: bool = False) -> dict[str, Any]:
        def read() -> Seen:
            try:
                return Seen(self._status(databases))
            except NotAnswering as error:
                return Seen(None, str(error).rstrip("."))

        # Its start script does not start it then, but a person may have.
        fenced = Record(self.record).text(FENCED) if self.record else ""
        if fenced and read().status is None:
            return {"error": f"{self.name} is fenced by its start script ({fenced}).", "marks": ["fenced"]}
        # A server that says nothing and left no mark may be Primary, so it is asked for longer.
        deadline = time.monotonic() + LONG_PATIENCE
        while True:
            try:
                status = wait_for(read, lambda seen: seen.status is not None, PATIENCE).status
                return {**_told(status), "marks": self._marks()} if status else {}
            except TimedOut as error:
                if refused := self._refused():
                    return refused
                if (marks := self._marks()) or time.monotonic() >= deadline:
                    return {"error": f"{self.name} is running but not answering yet ({error.last}).", "marks": marks}
            except AccessRefused as error:
                return {"error": f"{self.name} is running. {error}", "marks": self._marks()}

    def _status(self, databases: bool) -> NodeStatus:
        """Who sees whom is read twice where not all members are there, since a node may be joining right now."""
        status = read_status(self.socket, self.defaults_file, PATIENCE, databases, allowlist=True)
        if self.record and status.primary and status.cluster_size < len(Record(self.record).members()):
            time.sleep(1)
            again = read_status(self.socket, self.defaults_file, PATIENCE)
            seen = sorted({*status.view_members, *again.view_members})
            latin1, allowlist = status.latin1_databases, status.allowlist
            return replace(again, view_members=tuple(seen), latin1_databases=latin1, allowlist=allowlist)
        return status

    def _refused(self) -> dict[str, Any]:
        """What the start script says of a node that it does not start, while Docker tries again; empty elsewhere.

        The container counts as running: it may be started at any moment, so nothing else may be on the datadir.
        """
        state = (self.engine.inspect(self.name) or {}).get("State") or {}
        if not (state.get("Restarting") and state.get("ExitCode") == REFUSED):
            return {}
        told = [line for line in self.engine.tail(self.name).splitlines() if line.startswith(SCRIPT_SAYS)]
        why = told[-1][len(SCRIPT_SAYS) :] if told else "it gives no reason."
        # A volume is not looked into for this: that takes a container.
        found = self._read("", PATIENCE) if is_directory(self.datadir) else Datadir(has_entries=True)
        grastate = _parsed(found)[0]
        half_or_joining = self._half(found, grastate) or self._on_the_way(found)
        return {
            "error": f"{self.name} is not started by its start script: {why}",
            "marks": ["refused"],
            "emptied": not found.has_entries and self._had_data(),
            "disowned": _disowns(found, grastate) and not half_or_joining,
        }

    def _marks(self) -> list[str]:
        """Those of the start script and of the server, which lie beside the socket."""
        place = os.path.dirname(self.socket)
        return [mark for mark in MARKS if os.path.exists(os.path.join(place, mark))]

    def _recorded(self) -> dict[str, Any]:
        """What the host's record says of the node."""
        if not self.record:
            return {"had_data": False, "members": [], "generation": 1}
        record = Record(self.record)
        branch = record.branch()
        return {
            "had_data": record.has(HAD_DATA),
            "members": record.members(),
            "views": record.text(VIEWS).split(),
            "fenced": record.text(FENCED) or None,
            "recorded_uuid": record.text("uuid") or None,
            "generation": int(branch.get("generation") or 1),
            "decision": branch.get("forced"),
            "begun": branch.get("begun"),
            "ended": branch.get("ended"),
            "branch_uuid": branch.get("uuid"),
            "parent": branch.get("parent"),
        }

    def _had_data(self) -> bool:
        """Whether the node had data that are not there now."""
        if self.record and Record(self.record).has(HAD_DATA):
            return True
        container = self.engine.inspect(self.name)
        if container is None or bound_at(container, INSIDE):
            return False
        # Made by a version that kept no record: one that was ever started had data, or was about to get them.
        return not str((container.get("State") or {}).get("StartedAt") or "0001").startswith("0001")

    def _made_of(self, image: str) -> dict[str, Any]:
        """What the container was made for and of: the cluster; the image, and whether its name still means it here."""
        container = self.engine.inspect(self.name)
        if container is None:
            return {}
        labels = container["Config"].get("Labels") or {}
        wanted, name = self.engine.image_id(image), str(labels.get(IMAGE_LABEL) or container["Config"]["Image"])
        return {
            "cluster": labels.get(CLUSTER_LABEL),
            "image": name,
            "image_current": container["Image"] == wanted if wanted else name == image,
            "image_id": "" if self.engine.image_id(name) == container["Image"] else container["Image"],
        }

    def _own_image(self) -> str | None:
        """The image that its container was made of: a newer server must not touch data that it only looks at."""
        container = self.engine.inspect(self.name) or self.engine.inspect(self.bootstrap_container)
        return str(container["Image"]) if container else None

    def _at_rest(self, image: str, config_dir: str | None, timeout: float, recover: bool) -> dict[str, Any]:
        found = self._read(image, timeout)
        grastate, view, problems = _parsed(found)
        told: dict[str, Any] = {"sst_in_progress": self._half(found, grastate)}
        # One that was killed while it joined, or executed DDL, has zeros too, and its view or its mark beside them.
        on_the_way = self._on_the_way(found)
        told["disowned"] = not (told["sst_in_progress"] or on_the_way) and _disowns(found, grastate)
        if found.grastate is None and found.has_tables:
            problems.append("there are data, but no grastate.dat beside them.")
        if found.has_ibdata and not (found.has_tables or told["sst_in_progress"]):
            problems.append("ibdata1 is there, and the directory mysql beside it is empty: the data are damaged.")
        if view:
            told["view"] = {
                "my_uuid": view.my_uuid,
                "view_id": view.view_id,
                "bootstrap": view.bootstrap,
                "members": view.members,
            }
        if grastate:
            told["safe_to_bootstrap"] = grastate.safe_to_bootstrap
        if told["sst_in_progress"]:
            told.update(
                state="crashed",
                error=f"{self.name}: its last SST did not end, so it holds no position and has to join.",
            )
        elif not (found.has_tables or problems) and (grastate is None or grastate.position == Position()):
            told.update(state="empty", emptied=not found.has_entries and self._had_data())
        else:
            told.update(
                self._position_at_rest(
                    None if on_the_way and _disowns(found, grastate) else grastate,
                    problems,
                    lambda: self._recover(image, config_dir, timeout),
                    recover,
                )
            )
        if problems:
            told["error"] = " ".join(f"{self.name}: {problem}" for problem in problems)
        return told

    def _half(self, found: Datadir, grastate: GraState | None) -> bool:
        """Whether its last state transfer did not end, by what the server and the start script leave of it."""
        joined = os.path.exists(os.path.join(os.path.dirname(self.socket), "gvwstate.dat"))
        return found.sst_in_progress or (_disowns(found, grastate) and joined)

    def _on_the_way(self, found: Datadir) -> bool:
        """Whether its last life ended in the group, or on the way into it: a node that was voted out leaves no view."""
        held = bool(self.record) and Record(self.record or "").has(HELD_VIEW)
        return found.gvwstate is not None or held or "joining" in self._marks()

    def _position_at_rest(
        self,
        grastate: GraState | None,
        problems: list[str],
        read: Callable[[], tuple[Position | None, str]],
        recover: bool,
    ) -> dict[str, Any]:
        """The position of data; a problem that turns up is added to the list."""
        if grastate and grastate.position.known and self._ended_cleanly():
            return {"state": "stopped", **_position(grastate.position, "grastate")}
        if not recover:
            return {"state": "crashed", "uuid": grastate.uuid if grastate else Position().uuid}
        position, problem = _trusted(grastate, *read())
        if problem:
            problems.append(problem)
        return {"state": "crashed", **_position(position, "recovered" if position.known else "none")}

    def _ended_cleanly(self) -> bool:
        """Galera writes the position down before InnoDB has shut down; what killed the server then tells its exit code.

        Without a container there is nobody to ask.
        """
        for name in (self.name, self.bootstrap_container):
            state = (self.engine.inspect(name) or {}).get("State") or {}
            if state.get("OOMKilled") or int(state.get("ExitCode") or 0) not in CLEAN_EXITS:
                return False
        return True

    def _recover(self, image: str, config_dir: str | None, timeout: float) -> tuple[Position | None, str]:
        """The position that InnoDB holds, and a sentence where it told none."""
        binds = [bind_of(self.datadir, DATADIR)]
        if config_dir:
            binds.append(bind_of(config_dir, CONFIG, read_only=True))
        binds += self._volumes()
        # Its settings have the node's buffer pool.
        code, log = self.engine.run(self._helper, image, RECOVER, binds, timeout, like=self.engine.inspect(self.name))
        position = parse_recovered(log)
        if position is None:
            tail = mask("\n".join(log.strip().splitlines()[-15:]))
            return None, f"mariadbd --wsrep-recover told no position (exit code {code}). Its last log lines:\n{tail}"
        if not position.known:
            return position, "its data carries no position of a cluster."
        return position, ""

    def _volumes(self) -> list[str]:
        """Further volumes of the node's container, which may hold a part of its data such as the redo log."""
        container = self.engine.inspect(self.name) or {}
        binds = (container.get("HostConfig") or {}).get("Binds") or ()
        return [bind for bind in binds if bind.split(":")[1].rstrip("/") not in OWN_VOLUMES]

    def _read(self, image: str, timeout: float) -> Datadir:
        if not is_directory(self.datadir):
            binds = [bind_of(self.datadir, DATADIR, read_only=True)]
            return parse_listing(self.engine.run(self._helper, image, ["sh", "-c", READ], binds, timeout)[1])
        files = {}
        for name in ("grastate.dat", "gvwstate.dat"):
            path = os.path.join(self.datadir, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    files[name] = file.read(65536).decode("utf-8", "replace")
        tables = os.path.join(self.datadir, "mysql")
        entries = [name for name in os.listdir(self.datadir) if name not in NOT_DATA]
        return Datadir(
            grastate=files.get("grastate.dat"),
            gvwstate=files.get("gvwstate.dat"),
            has_tables=os.path.isdir(tables) and bool(os.listdir(tables)),
            # What a transfer received lies in .sst until it is complete.
            sst_in_progress=bool({"sst_in_progress", ".sst"} & set(entries)),
            has_ibdata="ibdata1" in entries,
            has_entries=bool(entries),
        )

    def _allow_bootstrap(self, source: Mapping[str, Any], timeout: float) -> None:
        """Write a grastate.dat without which Galera refuses to bootstrap a node that did not leave last.

        Data whose grastate.dat is missing or disowns them have no history to go on with: a forced recovery gives them
        one of their own before it comes here.
        """
        image = str(source["Image"])
        found = self._read(image, timeout)
        grastate = _parsed(found)[0]
        if found.grastate is not None and grastate is not None and grastate.uuid != NULL_UUID:
            self._write_grastate(allow_bootstrap(found.grastate), image, timeout)
        elif _disowns(found, grastate) and self._on_the_way(found):
            # Killed while it executed DDL: grastate.dat has zeros meanwhile, and InnoDB the position.
            position, why = self._recover(image, bound_at(source, CONFIG), timeout)
            if position is None or not position.known:
                raise GaleraError(f"{self.name} cannot be bootstrapped: {why}")
            self._write_grastate(grastate_of(Position(position.uuid), safe=True), image, timeout)
        elif found.has_tables:
            raise GaleraError(
                f"{self.name} has data, but its grastate.dat does not tell of which cluster they are: bootstrapped so, "
                "they would begin a cluster with another UUID. Run recover, which shows the positions."
            )

    def _write_grastate(self, text: str, image: str, timeout: float, new_life: bool = False) -> None:
        """Replace grastate.dat; a new life takes the last view of the old one away."""
        if is_directory(self.datadir):
            path = os.path.join(self.datadir, "grastate.dat")
            replace_file(path, text, like=path if os.path.isfile(path) else os.path.join(self.datadir, "ibdata1"))
            if new_life:
                self.forget_view()
            return
        command = ["sh", "-c", WRITE, "sh", base64.b64encode(text.encode()).decode(), "yes" if new_life else "no"]
        code, log = self.engine.run(self._helper, image, command, [bind_of(self.datadir, DATADIR)], timeout)
        if code:
            raise GaleraError(f"{self.name}: grastate.dat could not be written: {log.strip()}")

    @property
    def _helper(self) -> str:
        return f"{self.name}-position"


FIELDS = (
    "node",
    "state",
    "uuid",
    "seqno",
    "source",
    "safe_to_bootstrap",
    "sst_in_progress",
    "cluster_status",
    "local_state",
    "cluster_size",
    "ready",
    "recv_queue",
    "cached_downto",
    "view",
    "gcomm_uuid",
    "view_members",
    "marks",
    "emptied",
    "disowned",
    "had_data",
    "members",
    "views",
    "generation",
    "decision",
    "begun",
    "ended",
    "branch_uuid",
    "parent",
    "recorded_uuid",
    "fenced",
    "container",
    "bootstrap",
    "cluster",
    "image",
    "image_current",
    "image_id",
    "version",
    "provider_version",
    "latin1_databases",
    "allowlist",
    "error",
)


def bound_at(container: Mapping[str, Any], target: str) -> str | None:
    """The directory or volume of the host that a container has at a path of its own."""
    binds = (bind.split(":") for bind in (container.get("HostConfig") or {}).get("Binds") or ())
    return next((source for source, place, *_options in binds if place.rstrip("/") == target), None)


def configured(container: Mapping[str, Any]) -> list[str]:
    """The addresses of wsrep_cluster_address, HOST:PORT, in a node's settings and in those of its last start."""
    found: dict[str, None] = {}
    for target, name in (("/run/mysqld", "in-force.cnf"), ("/etc/mysql/mariadb.conf.d", "galera.cnf")):
        directory = bound_at(container, target)
        with suppress(FileNotFoundError), open(os.path.join(directory or "", name), encoding="utf-8") as file:
            for section in parse(file.read()).values():
                value = section.get("wsrep_cluster_address", "")
                for place in value.partition("://")[2].partition("?")[0].split(","):
                    if host := place.strip():
                        found[host if ":" in host else f"{host}:4567"] = None
    return list(found)


def _knock(address: str) -> str:
    """Whether anybody takes a connection at HOST:PORT, from this host itself: silent or answers."""
    host, _colon, port = address.rpartition(":")
    try:
        with socket_module.create_connection((host, int(port)), timeout=3):
            return "answers"
    except socket_module.gaierror as error:
        raise GaleraError(
            f"{address} could not be asked: {error}. Run site, which brings the scripts up to date."
        ) from error
    except OSError:
        return "silent"


def _resolved(datadir: str) -> str:
    """What a directory's path leads to, so that a slash or a link makes no difference; a volume is its name."""
    return os.path.realpath(datadir) if is_directory(datadir) else datadir


def parse_listing(text: str) -> Datadir:
    """Read what the shell of READ told of a volume."""
    files: dict[str, str] = {}
    for line in text.splitlines():
        name, _space, content = line.partition(" ")
        try:
            files[name] = base64.b64decode(content, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise GaleraError(f"The volume could not be read: {line[:200]}") from error
    return Datadir(
        files.get("grastate.dat"),
        files.get("gvwstate.dat"),
        has_tables="mysql" in files,
        sst_in_progress="sst_in_progress" in files,
        has_ibdata="ibdata1" in files,
        has_entries="entries" in files,
    )


def _parsed(found: Datadir) -> tuple[GraState | None, View | None, list[str]]:
    """The state files, and a sentence for a grastate.dat that cannot be read; a view is only told."""
    grastate, view, problems = None, None, []
    if found.grastate is not None:
        try:
            grastate = parse_grastate(found.grastate)
        except GaleraError as error:
            problems.append(str(error))
    if found.gvwstate is not None:
        try:
            view = parse_gvwstate(found.gvwstate)
        except GaleraError:
            view = None
    return grastate, view, problems


def _disowns(found: Datadir, grastate: GraState | None) -> bool:
    """Galera zeroes the UUID of data that differ from the other nodes', or of which it did not get all."""
    return found.has_tables and grastate is not None and grastate.uuid == NULL_UUID


def _trusted(grastate: GraState | None, position: Position | None, problem: str) -> tuple[Position, str]:
    """What to make of the position that InnoDB told, and a sentence where that is not the position itself."""
    if position is None or not position.known:
        return Position(grastate.uuid if grastate else NULL_UUID), problem
    if grastate and grastate.uuid == NULL_UUID:
        # Galera does that to data which it found to differ from the other nodes', or of which it did not get all.
        return Position(position.uuid), (
            f"grastate.dat disowns the data (a UUID of zeros), though InnoDB holds {position}: they differed from the "
            "other nodes', or a state transfer did not end."
        )
    if grastate and grastate.uuid != position.uuid:
        return Position(grastate.uuid), (
            f"grastate.dat is of the cluster {grastate.uuid}, and InnoDB holds {position}: Galera would not start from "
            "that position. The file was copied, or the data were."
        )
    return position, problem


def _position(position: Position, source: str) -> dict[str, Any]:
    return {"uuid": position.uuid, "seqno": position.seqno, "source": source}


def _told(status: NodeStatus) -> dict[str, Any]:
    names = ["cluster_status", "local_state", "cluster_size", "ready", "recv_queue", "cached_downto"]
    names += ["version", "provider_version", "gcomm_uuid", "view_members", "latin1_databases", "allowlist"]
    return {**_position(status.position, "live"), **{name: getattr(status, name) for name in names}}
