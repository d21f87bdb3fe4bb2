# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random

import pytest
from ansible_collections.dbops.galera.plugins.filter.drill_shares import shares
from hypothesis import given
from hypothesis import strategies as st

CLUSTERS = ["crm", "erp", "mail", "shop", "stock", "web"]
amounts = st.fixed_dictionaries({"memory_mb": st.integers(0, 10**6), "disk_mb": st.integers(0, 10**8)})


@pytest.mark.parametrize(
    ("hosts", "counts"),
    [
        ({"one": {"memory_mb": 1, "disk_mb": 1}}, [6]),
        ({"one": {"memory_mb": 8, "disk_mb": 100}, "two": {"memory_mb": 8, "disk_mb": 100}}, [3, 3]),
        ({"one": {"memory_mb": 16, "disk_mb": 200}, "two": {"memory_mb": 8, "disk_mb": 100}}, [4, 2]),
        # Of little use without the disk for it.
        ({"one": {"memory_mb": 50, "disk_mb": 1}, "two": {"memory_mb": 50, "disk_mb": 9}}, [1, 5]),
        # The disk of one is not known.
        ({"one": {"memory_mb": 8, "disk_mb": 0}, "two": {"memory_mb": 16, "disk_mb": 1}}, [2, 4]),
        ({"one": {}, "two": {}}, [3, 3]),
    ],
)
def test_by_what_they_have(hosts: dict[str, dict[str, float]], counts: list[int]) -> None:
    assert [len(mine) for mine in shares(CLUSTERS, hosts).values()] == counts


def test_no_hosts_and_no_clusters() -> None:
    assert shares(CLUSTERS, {}) == {}
    assert shares([], {"one": {"memory_mb": 1}}) == {"one": []}


@given(st.sets(st.text(min_size=1)), st.dictionaries(st.text(min_size=1), amounts, min_size=1), st.randoms())
def test_each_cluster_once_whoever_asks(
    clusters: set[str], hosts: dict[str, dict[str, float]], chance: random.Random
) -> None:
    found = shares(clusters, hosts)
    assert sorted(name for mine in found.values() for name in mine) == sorted(clusters)
    assert set(found) == set(hosts)
    shuffled = list(hosts.items())
    chance.shuffle(shuffled)
    assert shares(sorted(clusters, reverse=True), dict(shuffled)) == found
