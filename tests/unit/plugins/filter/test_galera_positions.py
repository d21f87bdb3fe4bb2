# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.galera.plugins.filter.galera_positions import positions

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"


def test_a_line_for_each_member_and_the_errors_below() -> None:
    report = {"node": "mariadb1", "state": "crashed", "uuid": UUID, "seqno": 7, "source": "recovered"}
    bad = {"node": "mariadb3", "state": "crashed", "safe_to_bootstrap": False, "error": "mariadb3: it is torn."}
    head, first, second, third, error = positions({"host1": report, "host3": bad}, ["host1", "host2", "host3"])
    assert head.split()[:4] == ["HOST", "NODE", "REACHABLE", "STATE"]
    assert first.split() == ["host1", "mariadb1", "yes", "crashed", "-", UUID, "7", "recovered", "-"]
    assert second.split()[:3] == ["host2", "-", "no"]
    assert third.split()[-1] == "0"
    assert error == "mariadb3: it is torn."
