# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.limits import most_open_files, objection

# Of a host of the lab, whose init process may not raise a limit; of a host that may.
CONFINED = "Name:\tsystemd\nCapInh:\t0000000000000000\nCapBnd:\t0000003ffeffffff\nCapAmb:\t0000000000000000\n"
FREE = CONFINED.replace("003ffeffffff", "003fffffffff")
LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            1024                 20000                files
"""


@pytest.mark.parametrize(
    ("status", "limits", "kernel", "most"),
    [
        (CONFINED, LIMITS, "1048576\n", 20000),
        (CONFINED, LIMITS, "4096\n", 4096),
        # Nobody gets more than the kernel's number.
        (FREE, LIMITS, "1048576\n", 1048576),
        (FREE, LIMITS, "", None),
        (CONFINED, LIMITS.replace("20000    ", "unlimited"), "", None),
        ("", LIMITS, "", None),
        (CONFINED, "", "", None),
    ],
)
def test_what_a_host_can_give(status: str, limits: str, kernel: str, most: int | None) -> None:
    assert most_open_files(status, limits, kernel) == most


@pytest.mark.parametrize(
    ("wanted", "most", "words"),
    [
        (524288, None, ""),
        (20000, 20000, ""),
        (
            20001,
            20000,
            "galera_open_files is 20001, and this host lets a container open 20000 files at most.",
        ),
        (1023, None, "galera_open_files is 1023; set 1024 or more, or leave it out (524288)."),
    ],
)
def test_more_than_a_host_can_give_is_refused(wanted: int, most: int | None, words: str) -> None:
    said = objection(wanted, most)
    assert words in said
    assert bool(words) == bool(said)
