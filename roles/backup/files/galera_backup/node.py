# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: the node that is backed up, over its Unix socket, and mariadb-backup in a container beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pymysql

from . import children
from .binlog import opened, seqno_of
from .branches import Branch
from .files import read
from .manifest import BackupError, gtid_of, parse_facts
from .plan import parse_time

# Left in the datadir by a backup: an SST takes it away, and with it the base of incremental ones.
MARK = "/var/lib/mysql/dbops-backup"
# mariadb-backup 11 writes mariadb_backup_*.
_FACTS = ("xtrabackup_checkpoints", "xtrabackup_info", "mariadb_backup_checkpoints", "mariadb_backup_info")

_NOT_RESTORED = (
    "--exclude=galera.cache",
    "--exclude=gcache.page.*",
    "--exclude=mariadb-bin.*",
    "--exclude=ib_logfile*",
)

# A donor's binary log grows as any other's.
_STREAMING = ("Synced", "Donor/Desynced")
# There is no such table, its definition has changed: https://mariadb.com/kb/en/mariadb-error-codes/
_OF_ANOTHER_TIME = (1146, 1412)
_WORKSPACE = "facts-"
# Seconds from one look at the cluster to the next, while a node is desynced.
_WATCH = 5
# Seconds that a killed run's wish to desync the node may still be waiting.
_PENDING = 60
# Seconds that the clocks of a host and of the controller may differ.
_CLOCKS = 60
_NULL_UUID = "00000000-0000-0000-0000-000000000000"
# Far from the server ids that people give.
_SERVER_ID = 4_290_000_000


class Node:
    """config: what the role writes into config.json; paths are those of this host."""

    def __init__(self, config: Mapping[str, Any], owner: str) -> None:
        self._config = config
        self._owner = owner
        self._desynced = Path(config["directory"]) / "desynced"
        self.name: str = config["node"]

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """A cursor of root, through the socket."""
        try:
            with (
                pymysql.connect(
                    unix_socket=self._config["socket"],
                    user="root",
                    autocommit=True,
                    connect_timeout=5,
                    read_timeout=3600,
                ) as connection,
                connection.cursor() as cursor,
            ):
                # Else each question waits until the node has caught up, which one that is backed up need not do.
                cursor.execute("SET SESSION wsrep_sync_wait = 0")
                yield cursor
        except (pymysql.MySQLError, OSError) as error:
            raise BackupError(f"{self.name} does not answer: {error}") from error

    def _ask(self, *statements: str) -> list[Any]:
        """The rows of the last statement."""
        with self._session() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def status(self) -> dict[str, str]:
        return dict(self._ask("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'"))

    def uuid(self) -> str:
        """The cluster's, as this node has it."""
        return self.status()["wsrep_cluster_state_uuid"]

    def settle(self) -> list[str]:
        """Make good what a killed run left: its containers, and the node desynced. What was done, as sentences."""
        done = [f"Removed the container {name} of an earlier run." for name in children.remove_all(self._owner)]
        for left in Path(self._config["directory"]).glob(f"{_WORKSPACE}*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._desynced.exists():
            # mariadb-backup's block of DDL holds it up: it would come after what takes it back.
            pending = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SET GLOBAL wsrep_desync = ON'"
            for _ in range(_PENDING):
                if not self._ask(pending)[0][0]:
                    break
                time.sleep(1)
            self._ask("SET GLOBAL wsrep_desync = OFF")
            self._desynced.unlink(missing_ok=True)
            done.append(f"Had {self.name} take part in flow control again.")
        return done

    @contextmanager
    def desynced(self, say: Callable[[str], None]) -> Iterator[None]:
        """The cluster does not wait for the node meanwhile, as long as clients do without it: none is sent to it then.

        Whether they do takes some seconds to see, in which the backup begins. A node that somebody else has desynced is
        left so.
        """
        if self._ask("SELECT @@wsrep_desync")[0][0]:
            yield
            return
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=[over, say])
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            if self._desynced.exists():
                self._ask("SET GLOBAL wsrep_desync = OFF")
                self._desynced.unlink(missing_ok=True)

    def _watch(self, over: threading.Event, say: Callable[[str], None]) -> None:
        """Desync the node if clients do without it. It is back as soon as another one has gone or come: it may be the
        only one that can serve.
        """
        try:
            members = self.status()["wsrep_cluster_conf_id"]
            if not self._spared(over.wait):
                say(f"{self.name} is needed by clients: it stays in flow control, and the cluster may wait for it.")
                return
            if over.is_set():
                return
            self._desynced.touch(mode=0o600)
            self._ask("SET GLOBAL wsrep_desync = ON")
        except BackupError as error:
            # Where it is down, the backup learns of that by itself.
            say(f"{self.name} may still be in flow control: {error}")
            return
        while not over.wait(_WATCH):
            try:
                if self.status()["wsrep_cluster_conf_id"] == members:
                    continue
                self._ask("SET GLOBAL wsrep_desync = OFF")
            except BackupError:
                # It may be too busy for an answer.
                continue
            say(f"The cluster's members have changed: {self.name} takes part in flow control again.")
            return

    def _spared(self, pause: Callable[[float], object]) -> bool:
        """Whether all nodes are there, and clients write to another one."""
        # An arbitrator has an empty address.
        there = [each for each in self.status()["wsrep_incoming_addresses"].split(",") if each]
        return len(there) >= max(self._config["nodes"], 2) and not self.replicates(self._config["writer_sample"], pause)

    def replicates(self, seconds: float, pause: Callable[[float], object] = time.sleep) -> bool:
        """Whether clients write to this node: it had write sets of its own meanwhile."""
        before = self.status()["wsrep_replicated"]
        pause(seconds)
        return self.status()["wsrep_replicated"] != before

    def image(self) -> str:
        """What runs, which in the middle of an upgrade differs from node to node."""
        command = [
            "docker",
            "container",
            "inspect",
            '--format={{or (index .Config.Labels "dbops.galera.image") .Config.Image}}',
            self.name,
        ]
        return children.ask(command, f"Looking at {self.name}").strip()

    def mark(self) -> str:
        command = ["docker", "exec", self.name, "sh", "-c", f"cat {MARK} 2>/dev/null || true"]
        return children.ask(command, f"Reading {MARK} in {self.name}").strip()

    def set_mark(self, identifier: str) -> None:
        script = f"cat >{MARK}.new && mv {MARK}.new {MARK}"
        command = ["docker", "exec", "--interactive", f"--user={self._config['uid']}", self.name, "sh", "-c", script]
        children.ask(command, f"Writing {MARK} in {self.name}", identifier + "\n")

    def settings(self) -> dict[str, Any]:
        """What of its settings a backup and its binary logs are read by."""
        variables = {
            "lower_case_table_names": "@@lower_case_table_names",
            "domain": "@@wsrep_gtid_domain_id",
            "binlog": "@@log_bin AND @@wsrep_gtid_mode",
            "server": "VERSION()",
        }
        return dict(zip(variables, self._ask(f"SELECT {', '.join(variables.values())}")[0]))

    def count(self, checksums: bool) -> tuple[str, dict[str, int], dict[str, int]]:
        """Rows and, if asked, checksums of all tables, as they were when one transaction had just been committed.

        Its GTID comes first. Reads all tables but those that are dropped or altered meanwhile.
        """
        tables: dict[str, int] = {}
        sums: dict[str, int] = {}
        with self._session() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            cursor.execute("SHOW STATUS LIKE 'binlog\\_snapshot\\_%'")
            at = {name.lower(): value for name, value in cursor.fetchall()}
            cursor.execute(
                "SELECT BINLOG_GTID_POS(%s, %s)", (at["binlog_snapshot_file"], int(at["binlog_snapshot_position"]))
            )
            gtids = cursor.fetchone()[0]
            cursor.execute(
                "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
                " AND engine = 'InnoDB'"
                " AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
            )
            for schema, table in cursor.fetchall():
                quoted = ".".join(f"`{name.replace('`', '``')}`" for name in (schema, table))
                try:
                    cursor.execute(f"SELECT COUNT(*) FROM {quoted}")
                except pymysql.MySQLError as error:
                    if error.args[0] in _OF_ANOTHER_TIME:
                        continue
                    raise
                tables[f"{schema}.{table}"] = int(cursor.fetchone()[0])
                if checksums:
                    cursor.execute(f"CHECKSUM TABLE {quoted}")
                    sums[f"{schema}.{table}"] = int(cursor.fetchone()[1])
        return gtids, tables, sums

    def binlog_position(self, domain: int) -> tuple[str, int]:
        """The history's UUID, and the sequence number of its last transaction in this node's binary log."""
        state = self.status()
        local, component = state.get("wsrep_local_state_comment"), state.get("wsrep_cluster_status")
        if component != "Primary" or local not in _STREAMING:
            raise BackupError(f"{self.name} is {local}, in a {component} component.")
        return state["wsrep_cluster_state_uuid"], seqno_of(self._ask("SELECT @@gtid_binlog_pos")[0][0], domain)

    def started(self) -> float:
        """When the server was started, seconds since 1970."""
        return time.time() - int(self._ask("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1])

    def caught_up(self, domain: int) -> tuple[str, int] | None:
        """The same, once the node has applied all that the cluster had committed when it was asked.

        None where it cannot say so in time.
        """
        if self.status().get("wsrep_local_state_comment") != "Synced":
            return None
        try:
            # The first question waits, for repl.causal_read_timeout at most.
            self._ask("SET SESSION wsrep_sync_wait = 1", "SELECT 1")
            return self.binlog_position(domain)
        except BackupError:
            return None

    def branch(self, uuid: str) -> Branch | None:
        """What a forced recovery wrote down on this host of the branch that has this UUID; parent: the UUID of the one
        that the cluster left. None where that is another branch, or there was no such recovery.
        """
        record = Path(self._config["record"]) / "branch.json"
        try:
            told = json.loads(read(record) or "{}")
            if str(told.get("uuid", "")).lower() != uuid:
                return None
            parent = str(told.get("parent") or "").lower()
            return Branch(uuid, parse_time(told["begun"]), "" if parent == _NULL_UUID else parent)
        except (ValueError, KeyError, TypeError, AttributeError, BackupError) as error:
            raise BackupError(f"{record} is damaged ({error}): restore it from another host's.") from error

    def last_before(self, moment: float, domain: int) -> int:
        """The sequence number that the node had when it was started for the first time after a moment, seconds since
        1970; 0 where its binary logs do not go back to before that.

        A server begins a binary log whenever it starts. An earlier number than the right one does no harm.
        """
        begins = 0
        for file in reversed(self.binlogs()):
            if 0 < self._opened(file) < moment - _CLOCKS:
                return begins
            begins = self.binlog_begin(file, domain)
        return 0

    def _opened(self, file: str) -> int:
        try:
            with (Path(self._config["datadir"]) / file).open("rb") as log:
                return opened(log)
        except OSError:
            return 0

    def binlogs(self) -> list[str]:
        """The names of its binary logs, oldest first."""
        return [row[0] for row in self._ask("SHOW BINARY LOGS")]

    def binlog_begin(self, file: str, domain: int) -> int:
        """The sequence number that one of them begins behind."""
        for row in self._ask(f"SHOW BINLOG EVENTS IN '{file}' LIMIT 3"):
            if row[2] == "Gtid_list":
                return seqno_of(row[5].strip("[]"), domain)
        raise BackupError(f"{file} of {self.name} does not tell the position that it begins at.")

    def follow(self, file: str, spool: Path, log: IO[bytes]) -> children.Child:
        """mariadb-binlog, writing this binary log and all that follow it to spool, event by event, without an end."""
        name = f"{self._owner}-follow"
        config = self._config
        run = children.run_arguments(
            name,
            self._owner,
            self.image(),
            "mariadb-binlog",
            volumes=[f"{Path(config['socket']).parent}:/run/mysqld", f"{spool}:/spool"],
            limits={"cpus": config.get("cpus"), "cpu-shares": config.get("cpu_shares")},
            user="0",
        )
        # A server id is one replica's: another node's stream must not be this one's.
        options = ["--no-defaults", "--read-from-remote-server", "--raw", "--stop-never", "--result-file=/spool/"]
        options += [f"--stop-never-slave-server-id={_SERVER_ID + config['rank']}", "--user=root"]
        options += [f"--socket=/run/mysqld/{Path(config['socket']).name}", file]
        return children.Child([*run, *options], name, log, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A directory for the two small files that mariadb-backup writes beside its stream."""
        with tempfile.TemporaryDirectory(prefix=_WORKSPACE, dir=self._config["directory"]) as directory:
            Path(directory).chmod(0o777)
            yield Path(directory)

    def stream(self, workspace: Path, from_lsn: int, log: IO[bytes]) -> children.Child:
        """mariadb-backup, giving a full backup or, with from_lsn, what was written since. The datadir is read-only."""
        config = self._config
        volumes = [
            f"{config['datadir']}:/var/lib/mysql:ro",
            f"{config['settings']}:/etc/mysql/mariadb.conf.d:ro",
            f"{workspace}:/facts",
        ]
        program = ["mariadb-backup", "--backup", "--stream=mbstream", "--galera-info", "--user=mysql"]
        program += ["--extra-lsndir=/facts", "--target-dir=/tmp"]
        program += [f"--incremental-lsn={from_lsn}"] if from_lsn else []
        program += [f"--throttle={config['throttle']}"] if config.get("throttle") else []
        return self._streaming(program, log, str(config["uid"]), volumes)

    def dump(self, kind: str, log: IO[bytes]) -> children.Child:
        """mariadb-dump, giving the schema alone or the data with it, as of one moment."""
        socket = f"/run/mysqld/{Path(self._config['socket']).name}"
        program = ["mariadb-dump", "--no-defaults", f"--socket={socket}", "--user=root", "--all-databases"]
        program += ["--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob"]
        program += ["--no-data"] if kind == "schema" else []
        return self._streaming(program, log, "0")

    def _streaming(self, program: list[str], log: IO[bytes], user: str, volumes: Sequence[str] = ()) -> children.Child:
        """A program of the node's image in a container beside it, with the node's socket, and its output in a fifo."""
        config = self._config
        name = f"{self._owner}-stream"
        fifo = children.make_fifo(config, name)
        run = children.run_arguments(
            name,
            self._owner,
            self.image(),
            "sh",
            volumes=[*volumes, f"{Path(config['socket']).parent}:/run/mysqld", f"{fifo.parent}:/pipes"],
            limits={
                "cpus": config.get("cpus"),
                "cpu-shares": config.get("cpu_shares"),
                "memory": config.get("memory"),
                **config.get("limits", {}),
            },
            user=user,
        )
        return children.Child(children.piped(run, fifo, ">", program), name, log, fifo)

    def facts(self, workspace: Path) -> dict[str, Any]:
        """What mariadb-backup wrote down of the backup it made."""
        read: dict[str, str] = {}
        for name in _FACTS:
            file = workspace / name
            if file.exists():
                read.update(parse_facts(file.read_text(encoding="utf-8", errors="replace")))
        try:
            return {
                "from_lsn": int(read["from_lsn"]),
                "to_lsn": int(read["to_lsn"]),
                "server": read["server_version"],
                "tool": read["tool_version"],
                "gtid": gtid_of(read),
            }
        except (KeyError, ValueError) as error:
            raise BackupError(f"mariadb-backup on {self.name} did not write down what it made ({error}).") from error

    def datadir_size(self) -> int:
        """Bytes; what a restore needs at least."""
        told = children.ask(
            ["docker", "exec", self.name, "du", "--summarize", "--bytes", *_NOT_RESTORED, "/var/lib/mysql"],
            "Measuring the datadir",
        )
        return int(told.split()[0])
