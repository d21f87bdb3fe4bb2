# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""I/O: what a host knows of its node beside the data, in a directory that is never a mount of data.

The node's scripts write there too (galera-start, galera-notify): a datadir that is empty although the mark had-data is
there is a disk that is not mounted, not a node without data.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._files import replace

ROOT = "/var/lib/dbops-galera"
# The directory's place in the node's container.
INSIDE = "/var/lib/galera-node"
HAD_DATA, FENCED, HELD_VIEW, VIEWS = "had-data", "fenced", "held-view", "views"
# Those of a branch that was given up. Without had-data an empty datadir is filled by SST;
# views are those of the data that were there.
OLD_MARKS = (FENCED, HELD_VIEW)
MARKS = (HAD_DATA, VIEWS, *OLD_MARKS)
_WAY_OUT = {
    "branch.json": "Restore it from another host's.",
    "node.json": "Remove it, and run site, which writes it again.",
    "accounts.json": "Remove it, and run site, which writes it again, and will not know accounts that it made before.",
}


class Record:
    """The record directory of a node; it need not exist to be read."""

    def __init__(self, path: str) -> None:
        self.path = path

    def has(self, mark: str) -> bool:
        return os.path.exists(self._of(mark))

    def text(self, name: str) -> str:
        """The content of a file, empty where there is none."""
        try:
            with open(self._of(name), encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""

    def members(self) -> list[str]:
        """Names of the nodes and arbitrators of the last Primary Components."""
        return self.text("members").split()

    def branch(self) -> dict[str, Any]:
        """What a forced recovery wrote down; empty for the first generation."""
        return self._json("branch.json")

    def node(self) -> dict[str, Any]:
        """Whose datadir was where."""
        return self._json("node.json")

    def accounts(self) -> list[str]:
        """Accounts of the server that runs made, as USER@HOST."""
        return [str(account) for account in self._json("accounts.json").get("accounts") or ()]

    def make(self, uid: int) -> None:
        """Make the directory where there is none; uid is the user that the node runs as."""
        if not os.path.isdir(self.path):
            # Not for others: on the host the user's number may be another account's.
            os.makedirs(os.path.dirname(self.path), mode=0o750, exist_ok=True)
            os.mkdir(self.path, 0o755)
            os.chown(self.path, uid, uid)

    def write(self, name: str, text: str) -> bool:
        """Replace a file, and return whether that changed it. The directory is made by the role."""
        if os.path.exists(self._of(name)) and self.text(name) == text.strip():
            return False
        replace(self._of(name), text, like=self.path)
        os.chmod(self._of(name), 0o644)
        return True

    def write_members(self, names: Sequence[str]) -> bool:
        return self.write("members", "".join(f"{name}\n" for name in names))

    def write_json(self, name: str, content: Mapping[str, Any]) -> bool:
        return self.write(name, json.dumps(content, indent=2) + "\n")

    def clear(self, *marks: str) -> bool:
        """Remove marks; returns whether there was one."""
        there = [mark for mark in marks if self.has(mark)]
        for mark in there:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._of(mark))
        return bool(there)

    def _of(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _json(self, name: str) -> dict[str, Any]:
        if not self.has(name):
            return {}
        text = self.text(name)
        try:
            found = json.loads(text)
        except ValueError as error:
            raise GaleraError(f"{self._of(name)} is damaged: {error}. {_WAY_OUT[name]}") from error
        if not isinstance(found, dict):
            raise GaleraError(f"{self._of(name)} is damaged: it holds no mapping. {_WAY_OUT[name]}")
        return found
