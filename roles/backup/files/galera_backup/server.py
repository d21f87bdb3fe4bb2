# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: a MariaDB server of its own on restored data, in a container without a network, outside of any cluster."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pymysql

from . import children
from .manifest import BackupError

# Seconds: InnoDB reads its log and loads undo before the server answers.
_PATIENCE = 600


def mebibytes(memory: str) -> int:
    """Docker's way to write memory, such as 1g or 512m, in MiB; 0 for none."""
    units = {"b": 1 / (1 << 20), "k": 1 / 1024, "m": 1.0, "g": 1024.0}
    text = str(memory or "0").strip().lower()
    number, unit = (text[:-1], units[text[-1]]) if text[-1] in units else (text, units["b"])
    return int(float(number) * unit)


class Server:
    """with Server(config, owner, target) as server: server.ask("SELECT 1")

    config: image, uid, memory (as Docker takes it) and limits, further options of docker run and their values.
    target: a directory of this host; its datadir is served, and it gets run/sock and server.log. root logs in through
    the socket. Left without an exception, the server has ended in order; with one, it is killed.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        owner: str,
        target: Path,
        lower_case_table_names: int = 0,
        purpose: str = "server",
    ) -> None:
        self._config = config
        self._owner = owner
        self._target = target
        self._lower_case = lower_case_table_names
        self.name = f"{owner}-{purpose}"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._child: children.Child | None = None

    @property
    def socket(self) -> Path:
        return self._target / "run" / "sock"

    def __enter__(self) -> Server:
        run = self._target / "run"
        run.mkdir(mode=0o777, exist_ok=True)
        run.chmod(0o777)
        self.socket.unlink(missing_ok=True)
        log = self._target / "server.log"
        log.unlink(missing_ok=True)
        log.touch(mode=0o666)
        log.chmod(0o666)
        memory = mebibytes(self._config.get("memory", ""))
        limits = {
            "cpus": self._config.get("cpus"),
            "memory": self._config.get("memory"),
            **self._config.get("limits", {}),
        }
        command = children.run_arguments(
            self.name,
            self._owner,
            self._config["image"],
            "mariadbd",
            volumes=[f"{self._target}:/restore"],
            limits=limits,
            user=str(self._config["uid"]),
        )
        # What the data need to be read at all stands in mariadb-backup's own file.
        options = ["--defaults-file=/restore/datadir/backup-my.cnf", "--datadir=/restore/datadir"]
        options += ["--socket=/restore/run/sock", "--pid-file=/tmp/pid", "--log-error=/restore/server.log"]
        options += [
            "--skip-networking",
            "--skip-log-bin",
            "--skip-slave-start",
            "--event-scheduler=OFF",
            "--wsrep-on=OFF",
        ]
        options += ["--max-allowed-packet=1G", "--skip-name-resolve", f"--lower-case-table-names={self._lower_case}"]
        options += [f"--innodb-buffer-pool-size={max(memory // 2, 64)}M"] if memory else []
        self._child = children.Child(
            [*command, *options], self.name, self._log, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            self._await()
        except BaseException:
            self._child.__exit__(BackupError)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._child
        try:
            if kind is None:
                self.ask("SHUTDOWN")
                self._child.end(f"The server {self.name}")
        except BaseException as error:
            kind = type(error)
            raise
        finally:
            self._child.__exit__(kind)
            self._log.close()

    def _await(self) -> None:
        assert self._child
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self.ask("SELECT 1")
                return
            except BackupError:
                if self._child.process.poll() is not None or time.monotonic() > until:
                    self._log.seek(0)
                    said = self._log.read().decode(errors="replace") + self._errors()
                    raise BackupError(f"No server starts on the restored data: {children.last_words(said)}") from None
            time.sleep(0.2)

    def _errors(self) -> str:
        lines = (self._target / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(line for line in lines if "[ERROR]" in line)

    def ask(self, *statements: str, database: str | None = None) -> list[Any]:
        """The rows of the last statement."""
        try:
            with (
                pymysql.connect(
                    unix_socket=str(self.socket), user="root", database=database, autocommit=True, connect_timeout=5
                ) as connection,
                connection.cursor() as cursor,
            ):
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        except (pymysql.MySQLError, OSError) as error:
            raise BackupError(f"The server {self.name} refused: {error}") from error

    def shell(self, script: str, *arguments: str, what: str) -> str:
        """What a script of bash says that runs as root beside the server; its files are below /restore."""
        command: Sequence[str] = [
            "docker",
            "exec",
            "--user=0",
            self.name,
            "bash",
            "-euo",
            "pipefail",
            "-c",
            script,
            what,
        ]
        return children.ask([*command, *arguments], what)
