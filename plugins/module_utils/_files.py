# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a server reads while they are being replaced."""

from __future__ import annotations

import os
import tempfile


def replace(path: str, text: str, like: str | None = None) -> None:
    """Write a file so that it is whole at any moment, with the owner and mode of the one there, or of like."""
    old = os.stat(like or path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchown(handle, old.st_uid, old.st_gid)
            os.fchmod(handle, old.st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
        # The name outlives a loss of power, too.
        directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except BaseException:
        os.unlink(temporary)
        raise
