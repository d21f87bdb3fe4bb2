# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that were done to real servers on a lab, done to simulated ones: both end in the same states.

What is wanted here is what Galera 26.4 reached on hosts of Debian 12 with MariaDB 10.11, not what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.unit.model.hosts import Host
from tests.unit.model.test_world import Operators, replay

# A host is off, or its node is down (nobody starts it), refused by its start script, fenced by it for good, connected
# to others without a Primary Component, or Synced in one of so many members.
OFF, DOWN, REFUSED, FENCED, NON_PRIMARY, INCONSISTENT = (
    "off",
    "down",
    "refused",
    "fenced",
    "non-Primary",
    "Inconsistent",
)


@dataclass(frozen=True)
class Fault:
    """ends is a word for each host; datadirs that were kept are counted over all of them."""

    name: str
    story: str
    ends: tuple[str, ...]
    kept: int = 0


BEGIN = "state.begin(shape=(3, 0, 0), writes=1, behind=set(), past='', number=0)\n"
ALONE = "state.power_off(numbers={1, 2}, lag=0)\nstate.let_time_pass(first=0, rounds=40)\n"
# host1 and host2 stop in order, host3 writes alone and loses power; host1 is named, host3 returns. host2 saw host1
# leave, so it is a view ahead, and its datadir is kept.
FORCED = (
    BEGIN
    + """
    state.by_hand(number=0, what='stop')
    state.by_hand(number=1, what='stop')
    state.write(count=3)
    state.power_off(numbers={2}, lag=0)
    state.force(number=0, steps=None)
    state.write(count=3)
    state.power_on(numbers={2})
    state.let_time_pass(first=0, rounds=40)
    """
)

FAULTS = [
    Fault(
        "all servers are killed",
        BEGIN + "state.all_end_at_once(lag=0, power=False)\nstate.let_time_pass(first=0, rounds=40)",
        ("Synced of 3", "Synced of 3", "Synced of 3"),
    ),
    Fault(
        "one of three comes back alone after a power cut of all",
        BEGIN
        + """
        state.all_end_at_once(lag=0, power=True)
        state.power_on(numbers={2})
        state.let_time_pass(first=0, rounds=40)
        """,
        (OFF, OFF, NON_PRIMARY),
    ),
    Fault(
        "the two others follow",
        BEGIN
        + """
        state.all_end_at_once(lag=0, power=True)
        state.power_on(numbers={2})
        state.let_time_pass(first=0, rounds=40)
        state.all_is_well_again(first=0)
        """,
        ("Synced of 3", "Synced of 3", "Synced of 3"),
    ),
    Fault("a majority loses power", BEGIN + ALONE, (NON_PRIMARY, OFF, OFF)),
    Fault(
        "the network of one host fails, and heals",
        BEGIN
        + """
        state.cut_the_network(numbers={2}, controller=2)
        state.let_time_pass(first=0, rounds=40)
        state.write(count=3)
        state.cut_the_network(numbers=set(), controller=2)
        state.let_time_pass(first=0, rounds=40)
        """,
        ("Synced of 3", "Synced of 3", "Synced of 3"),
    ),
    Fault(
        "a node is voted out",
        BEGIN + "state.harm(number=0, what='vote_out')\nstate.let_time_pass(first=0, rounds=40)",
        (INCONSISTENT, "Synced of 2", "Synced of 2"),
    ),
    Fault("a host that was given up comes back", FORCED, ("Synced of 2", "Synced of 2", FENCED), kept=1),
    Fault(
        "it is taken in",
        FORCED + "state.repair_node(number=2, steps=None)",
        ("Synced of 3", "Synced of 3", "Synced of 3"),
        kept=2,
    ),
    Fault(
        "a forced sole survivor is killed",
        BEGIN + ALONE + "state.force(number=0, steps=None)\nstate.kill(numbers={0}, lag=0, ddl=False)\n"
        "state.let_time_pass(first=0, rounds=40)",
        ("Synced of 1", OFF, OFF),
    ),
    Fault(
        "a data disk is missing at boot",
        BEGIN
        + """
        state.power_off(numbers={2}, lag=0)
        state.harm(number=2, what='unmount')
        state.power_on(numbers={2})
        state.let_time_pass(first=0, rounds=40)
        """,
        ("Synced of 2", "Synced of 2", REFUSED),
    ),
    Fault(
        "a node is started by hand, cut off from the others, and then joins",
        BEGIN
        + """
        state.by_hand(number=0, what='stop')
        state.cut_the_network(numbers={0}, controller=2)
        state.by_hand(number=0, what='start')
        state.let_time_pass(first=0, rounds=40)
        state.cut_the_network(numbers=set(), controller=2)
        state.by_hand(number=0, what='start')
        state.let_time_pass(first=0, rounds=40)
        """,
        ("Synced of 3", "Synced of 3", "Synced of 3"),
    ),
    Fault(
        "all stop in order and start again",
        BEGIN + "state.run(verb='stop', steps=None)\nstate.run(verb='start', steps=None)",
        ("Synced of 3", "Synced of 3", "Synced of 3"),
    ),
]


def state_of(host: Host) -> str:
    process = host.process
    if not host.power:
        return OFF
    if process is None:
        return DOWN
    if process.phase == "refused":
        return FENCED if host.record.fenced else REFUSED
    if process.state == INCONSISTENT:
        return INCONSISTENT
    if process.synced and process.component:
        return f"Synced of {len(process.component.members)}"
    return NON_PRIMARY if process.connected else process.phase


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_simulation_ends_as_the_lab_did(fault: Fault) -> None:
    world = replay(Operators, fault.story).world
    assert tuple(state_of(host) for host in world.nodes) == fault.ends
    assert sum(len(host.kept) for host in world.nodes) == fault.kept
