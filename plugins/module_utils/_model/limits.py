# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many files Docker Engine can let a container open on a host. Pure.

A container gets the number that its definition names. Without one it gets the Engine's own, which is 1024 for a program
that does not ask for more on newer Engines (https://github.com/moby/moby/issues/51485): too few for a backup of 1,500
tables.
"""

from __future__ import annotations

import re

# https://man7.org/linux/man-pages/man7/capabilities.7.html: may raise any limit.
CAP_SYS_RESOURCE = 24


def most_open_files(status: str, limits: str, kernel: str) -> int | None:
    """The most files that a container may open; None where nothing can be read, Docker Engine tells then.

    From /proc/1/status, /proc/1/limits and /proc/sys/fs/nr_open. What the init process may not do, no service of the
    host may, and more than the kernel's number nobody.
    """
    bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    hard = re.search(r"^Max open files\s+\S+\s+(\d+)", limits, re.MULTILINE)
    confined = bounding is not None and not int(bounding.group(1), 16) >> CAP_SYS_RESOURCE & 1
    found = [int(kernel)] if kernel.strip().isdigit() else []
    found += [int(hard.group(1))] if confined and hard else []
    return min(found, default=None)


def objection(wanted: int, most: int | None) -> str:
    """What speaks against galera_open_files on a host; empty where nothing does."""
    if wanted < 1024:
        return f"galera_open_files is {wanted}; set 1024 or more, or leave it out (524288)."
    if most is not None and wanted > most:
        return (
            f"galera_open_files is {wanted}, and this host lets a container open {most} files at most. Set it to "
            f"{most}, or raise the limit of the host (fs.nr_open, or its init process's)."
        )
    return ""
