# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: a datadir is moved aside, under a dated name beside it, and an empty one takes its place."""

from __future__ import annotations

import glob
import os
import shutil
import time

from ansible_collections.dbops.galera.plugins.module_utils._containers import Engine, is_directory
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError


class Aside:
    """The datadir of a node that does not run."""

    def __init__(self, engine: Engine, node: str, datadir: str) -> None:
        self._engine = engine
        self._node = node
        self._datadir = datadir.rstrip("/") or datadir

    def kept(self) -> list[str]:
        """Datadirs that were kept, the oldest first."""
        return sorted(glob.glob(f"{glob.escape(self._datadir)}.kept-*")) if is_directory(self._datadir) else []

    def check(self, needed: int) -> None:
        """Raise GaleraError where the datadir cannot be moved; needed is how many bytes are going to take its place."""
        if users := self._engine.users_of(self._datadir):
            raise GaleraError(
                f"{self._node}: {' and '.join(users)} runs on the datadir {self._datadir}: "
                "stop it before the datadir is moved."
            )
        if not is_directory(self._datadir):
            raise GaleraError(
                f"{self._node}: its datadir is the Docker volume {self._datadir}, which cannot be kept under another "
                "name. Copy what it holds, empty it, and run again."
            )
        if os.path.islink(self._datadir):
            target = os.path.realpath(self._datadir)
            raise GaleraError(
                f"{self._node}: its datadir {self._datadir} is a symbolic link to {target}: the link would be renamed, "
                f"and the new datadir made on the disk of the link. Set mariadb_datadir to {target}, and run again."
            )
        if os.path.ismount(self._datadir):
            raise GaleraError(
                f"{self._node}: its datadir {self._datadir} is a file system of its own, which cannot be kept under "
                "another name. Move what it holds elsewhere, and run again."
            )
        free = shutil.disk_usage(os.path.dirname(self._datadir)).free
        if needed > free:
            raise GaleraError(
                f"{self._node}: {free // 2**20} MiB are free beside {self._datadir}, and data of {needed // 2**20} MiB "
                "are to be received while the old ones are kept. Make room, and run again."
            )

    def move(self, now: float) -> str | None:
        """Keep the datadir, have an empty one of the same owner and mode, and return the kept one's path.

        Where a run ended between the two, there is only the empty one to be made.
        """
        if not os.path.isdir(self._datadir):
            if not self.kept():
                raise GaleraError(
                    f"{self._node} has no datadir {self._datadir}: see that its disk is mounted, or make the "
                    "directory, and run again."
                )
            self._make(self._datadir, self.kept()[-1])
            return None
        aside = f"{self._datadir}.kept-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}"
        new = f"{self._datadir}.new"
        if not os.path.isdir(new):
            self._make(new, self._datadir)
        os.rename(self._datadir, aside)
        os.rename(new, self._datadir)
        return aside

    @staticmethod
    def _make(path: str, like: str) -> None:
        old = os.stat(like)
        os.mkdir(path, 0o700)
        os.chown(path, old.st_uid, old.st_gid)
        os.chmod(path, old.st_mode & 0o7777)
