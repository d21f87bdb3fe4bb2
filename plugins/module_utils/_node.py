# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node on this host: its container or bootstrap container, its datadir, its server."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._containers import (
    CLUSTER_LABEL,
    Engine,
    bind_of,
    is_directory,
    mask,
)
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._files import replace
from ansible_collections.dbops.galera.plugins.module_utils._position import (
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
from ansible_collections.dbops.galera.plugins.module_utils._wsrep import (
    AccessRefused,
    NodeStatus,
    NotAnswering,
    TimedOut,
    Wanted,
    connect,
    read_status,
    wait_for,
)

DATADIR = "/var/lib/mysql"
CONFIG = "/etc/mysql/mariadb.conf.d"
# How long a running server may take to answer before it is reported as not answering, seconds.
PATIENCE = 2.0
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
[ ! -e sst_in_progress ] || echo sst_in_progress
[ -z "$(ls -A mysql 2>/dev/null)" ] || echo mysql"""
# The new content is the first argument, in base64.
WRITE = f"""cd {DATADIR} && echo "$1" | base64 -d >.grastate.dat &&
chown --reference=. .grastate.dat && chmod 660 .grastate.dat && mv .grastate.dat grastate.dat"""


@dataclass(frozen=True)
class Datadir:
    """What a datadir holds, as far as positions are concerned. The texts are None where there is no such file."""

    grastate: str | None = None
    gvwstate: str | None = None
    has_tables: bool = False
    sst_in_progress: bool = False


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
    """name and bootstrap_container are containers; datadir is a directory or a volume's name; socket is on the host."""

    engine: Engine
    name: str
    bootstrap_container: str
    datadir: str
    socket: str
    defaults_file: str | None = None
    # How often Docker had restarted the container when a wait first looked.
    restarts: int | None = None

    def container(self) -> str | None:
        """The node's container that runs, or None. Refuses where another one, or both, are on the datadir."""
        users = self.engine.users_of(self.datadir)
        strangers = [user for user in users if user not in (self.name, self.bootstrap_container)]
        if strangers:
            raise GaleraError(
                f"{self.name}: the datadir {self.datadir} is in use by another container, {' and '.join(strangers)}: "
                "stop it first, two servers must never run on one datadir."
            )
        if self.bootstrap_container not in users:
            other = self.engine.inspect(self.bootstrap_container)
            if other and other["State"]["Running"]:
                raise GaleraError(
                    f"{self.name}: {self.bootstrap_container} runs on another datadir than {self.datadir}: "
                    "give each cluster on this host a galera_bootstrap_container of its own."
                )
        if len(users) > 1:
            raise GaleraError(
                f"{self.name}: {' and '.join(users)} both run on the datadir {self.datadir}: "
                f"stop {self.bootstrap_container} at once, two servers must never run on one datadir."
            )
        return users[0] if users else None

    def report(self, image: str, config_dir: str | None, timeout: float, recover: bool = True) -> dict[str, Any]:
        """The node's position and where it was read; timeout of a recovery in seconds.

        Without recover a killed node's position stays unknown.
        """
        report = {**dict.fromkeys(FIELDS), "node": self.name, "bootstrap": False, "sst_in_progress": False}
        report.update(_position(Position(), "none"))
        report.update(self._made_of(image))
        container = self.container()
        if container:
            report.update(state="running", container=container, bootstrap=container == self.bootstrap_container)
            report.update(self._live())
        elif self.engine.mountpoint(self.datadir) is None:
            report.update(state="missing")
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

        A node that runs without a Primary Component makes one itself. Returns whether anything was, or would be
        (predict), done.
        """
        running = self.container()
        if running == self.name:
            return self._promote(timeout, predict)
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

    def _promote(self, timeout: float, predict: bool) -> bool:
        """Let the running node, and those it sees, be the Primary Component; those it does not see are given up."""
        if read_status(self.socket, self.defaults_file).primary:
            return False
        if not predict:
            with connect(self.socket, self.defaults_file) as connection, connection.cursor() as cursor:
                # Newer servers may have a variable for each of the provider's options; their list is read-only then.
                cursor.execute("SHOW GLOBAL VARIABLES LIKE 'wsrep_provider_pc_bootstrap'")
                alone = cursor.fetchone() is not None
                cursor.execute(
                    "SET GLOBAL wsrep_provider_pc_bootstrap = ON"
                    if alone
                    else "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"
                )
            try:
                self.wait(Wanted(), timeout)
            except TimedOut as error:
                raise GaleraError(
                    f"{self.name} is not Primary and Synced {timeout:g} s after it was told to be. "
                    f"Last state seen: {error.last}."
                ) from error
        return True

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

    def _live(self) -> dict[str, Any]:
        def read() -> Seen:
            try:
                return Seen(read_status(self.socket, self.defaults_file, PATIENCE))
            except NotAnswering as error:
                return Seen(None, str(error).rstrip("."))

        try:
            status = wait_for(read, lambda seen: seen.status is not None, PATIENCE).status
        except TimedOut as error:
            return {"error": f"{self.name} is running but not answering yet ({error.last})."}
        except AccessRefused as error:
            return {"error": f"{self.name} is running. {error}"}
        return _told(status) if status else {}

    def _made_of(self, image: str) -> dict[str, Any]:
        """What the container was made for and of: the cluster; the image, and whether its name still means it here."""
        container = self.engine.inspect(self.name)
        if container is None:
            return {}
        wanted, name = self.engine.image_id(image), str(container["Config"]["Image"])
        return {
            "cluster": (container["Config"].get("Labels") or {}).get(CLUSTER_LABEL),
            "image": name,
            "image_current": container["Image"] == wanted if wanted else name == image,
        }

    def _own_image(self) -> str | None:
        """The image that its container was made of: a newer server must not touch data that it only looks at."""
        container = self.engine.inspect(self.name) or self.engine.inspect(self.bootstrap_container)
        return str(container["Image"]) if container else None

    def _at_rest(self, image: str, config_dir: str | None, timeout: float, recover: bool) -> dict[str, Any]:
        found = self._read(image, timeout)
        told: dict[str, Any] = {"sst_in_progress": found.sst_in_progress}
        grastate, view, problems = _parsed(found)
        if found.grastate is None and found.has_tables:
            problems.append("there are data, but no grastate.dat beside them.")
        if view:
            told["view"] = {
                "my_uuid": view.my_uuid,
                "view_id": view.view_id,
                "bootstrap": view.bootstrap,
                "members": view.members,
            }
        if grastate:
            told["safe_to_bootstrap"] = grastate.safe_to_bootstrap
        if found.sst_in_progress:
            told.update(
                state="crashed",
                error=f"{self.name}: its last SST did not end, so it holds no position and has to join.",
            )
        elif not (found.has_tables or problems) and (grastate is None or grastate.position == Position()):
            told.update(state="empty")
        elif grastate and grastate.position.known:
            told.update(state="stopped", **_position(grastate.position, "grastate"))
        elif not recover:
            told.update(state="crashed", uuid=grastate.uuid if grastate else Position().uuid)
        else:
            position, problem = _trusted(grastate, *self._recover(image, config_dir, timeout))
            problems += [problem] if problem else []
            told.update(state="crashed", **_position(position, "recovered" if position.known else "none"))
        if problems:
            told["error"] = " ".join(f"{self.name}: {problem}" for problem in problems)
        return told

    def _recover(self, image: str, config_dir: str | None, timeout: float) -> tuple[Position | None, str]:
        """The position that InnoDB holds, and a sentence where it told none."""
        binds = [bind_of(self.datadir, DATADIR)]
        if config_dir:
            binds.append(bind_of(config_dir, CONFIG, read_only=True))
        code, log = self.engine.run(self._helper, image, RECOVER, binds, timeout)
        position = parse_recovered(log)
        if position is None:
            tail = mask("\n".join(log.strip().splitlines()[-15:]))
            return None, f"mariadbd --wsrep-recover told no position (exit code {code}). Its last log lines:\n{tail}"
        if not position.known:
            return position, "its data carries no position of a cluster."
        return position, ""

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
        return Datadir(
            grastate=files.get("grastate.dat"),
            gvwstate=files.get("gvwstate.dat"),
            has_tables=os.path.isdir(tables) and bool(os.listdir(tables)),
            sst_in_progress=os.path.exists(os.path.join(self.datadir, "sst_in_progress")),
        )

    def _allow_bootstrap(self, source: Mapping[str, Any], timeout: float) -> None:
        """Have a grastate.dat without which Galera refuses to bootstrap a node that did not leave last.

        Data whose grastate.dat is not to be had, or disowns them, get one with the position that InnoDB holds:
        bootstrapped without it they would begin a cluster with another UUID, which no other node could join by IST.
        """
        image = str(source["Image"])
        found = self._read(image, timeout)
        grastate = _parsed(found)[0]
        if found.grastate is not None and grastate is not None and grastate.uuid != NULL_UUID:
            text = allow_bootstrap(found.grastate)
        elif not found.has_tables:
            return
        else:
            position, why = self._recover(image, config_of(source), timeout)
            if position is None or not position.known:
                raise GaleraError(
                    f"{self.name} has data, but neither its grastate.dat nor InnoDB tells of which cluster they are: "
                    f"bootstrapped so, they would begin a new cluster with another UUID. Restore a backup. {why}"
                )
            text = grastate_of(position)
        if text == found.grastate:
            return
        if is_directory(self.datadir):
            path = os.path.join(self.datadir, "grastate.dat")
            replace(path, text, like=path if os.path.isfile(path) else os.path.join(self.datadir, "ibdata1"))
            return
        command = ["sh", "-c", WRITE, "sh", base64.b64encode(text.encode()).decode()]
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
    "container",
    "bootstrap",
    "cluster",
    "image",
    "image_current",
    "version",
    "provider_version",
    "error",
)


def config_of(container: Mapping[str, Any]) -> str | None:
    """The directory of the host that a container has its settings from."""
    binds = (bind.split(":") for bind in (container.get("HostConfig") or {}).get("Binds") or ())
    return next((source for source, target, *_options in binds if target == CONFIG), None)


def parse_listing(text: str) -> Datadir:
    """Read what the shell of READ told of a volume."""
    files: dict[str, str] = {}
    for line in text.splitlines():
        name, _space, content = line.partition(" ")
        try:
            files[name] = base64.b64decode(content, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise GaleraError(f"The volume could not be read: {line[:200]}") from error
    return Datadir(files.get("grastate.dat"), files.get("gvwstate.dat"), "mysql" in files, "sst_in_progress" in files)


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
    return position, problem


def _position(position: Position, source: str) -> dict[str, Any]:
    return {"uuid": position.uuid, "seqno": position.seqno, "source": source}


def _told(status: NodeStatus) -> dict[str, Any]:
    names = ["cluster_status", "local_state", "cluster_size", "ready", "recv_queue", "cached_downto"]
    names += ["version", "provider_version"]
    return {**_position(status.position, "live"), **{name: getattr(status, name) for name in names}}
