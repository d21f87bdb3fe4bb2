# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verb that is killed after any of its steps ends well when the same command is given again, without another word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.branch import Override
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report

from tests.unit.model.verbs import Steps, Verbs, run
from tests.unit.model.world import World

# A row is longer than no verb of five hosts.
LONGEST = 80


def new() -> tuple[World, Verbs]:
    world = World(5)
    verbs = Verbs(world)
    assert run(verbs.site()) == ""
    world.write(3)
    return world, verbs


def crash(world: World) -> None:
    """All at once; what the last ones wrote is not on every disk."""
    world.write(2)
    world.power_off(list(world.hosts)[:3], 1)
    world.power_off(list(world.hosts)[3:])
    world.power_on(list(world.hosts))


def stop(world: World, verbs: Verbs) -> None:
    assert run(verbs.stop()) == ""
    world.settle()


def alone(world: World, *names: str) -> None:
    """Only these are left, in no Primary Component; one left earlier, and lacks writes."""
    world.stop_container(world.hosts[names[0]])
    world.write(2)
    world.power_off([name for name in world.hosts if name not in names])
    world.settle()


def word(world: World, name: str) -> str:
    return str(Override.of(Report.of(name, world.report(name))))


def forced(*names: str, chosen: str = "host1") -> Callable[[World, Verbs], Callable[[], Steps]]:
    """recover_force of one; the first of several lacks writes."""

    def prepared(world: World, verbs: Verbs) -> Callable[[], Steps]:
        alone(world, *names)
        for name in names:
            world.stop_container(world.hosts[name])
        words = word(world, chosen)
        return lambda: verbs.recover(words)

    return prepared


def unknown(world: World, verbs: Verbs) -> Callable[[], Steps]:
    alone(world, "host1", "host2")
    for name in ("host1", "host2"):
        world.stop_container(world.hosts[name])
        world.hosts[name].data.grastate = None
        world.hosts[name].damaged = True
    words = word(world, "host2")
    assert words == "host2@unknown"
    return lambda: verbs.recover(words)


def recovered(world: World, verbs: Verbs) -> Callable[[], Steps]:
    crash(world)
    for host in world.nodes:
        world.stop_container(host)
    return verbs.recover


def started(world: World, verbs: Verbs) -> Callable[[], Steps]:
    stop(world, verbs)
    return verbs.start


def repaired(world: World, verbs: Verbs) -> Callable[[], Steps]:
    world.stop_container(world.hosts["host2"])
    world.hosts["host2"].data.log = {}
    world.write(2)
    for name in ("host1", "host3", "host4", "host5"):
        world.hosts[name].data.log = {}
    return lambda: verbs.repair_node("host2")


def put_out(world: World, verbs: Verbs) -> Callable[[], Steps]:
    world.vote_out("host2")
    return lambda: verbs.repair_node("host2")


def given_up(world: World, verbs: Verbs) -> Callable[[], Steps]:
    assert run(forced("host2", "host1")(world, verbs)()) == ""
    world.power_on(list(world.hosts))
    world.settle()
    return lambda: verbs.repair_node("host4")


def beside_given_up(world: World, verbs: Verbs) -> Callable[[], Steps]:
    """All nodes of a later branch were stopped, and hosts of the one before it are in reach."""
    given_up(world, verbs)
    assert run(verbs.stop()) == ""
    assert "run recover first" in run(verbs.start())
    world.settle()
    return verbs.recover


def removed(world: World, verbs: Verbs) -> Callable[[], Steps]:
    """Who has left is taken out of the inventory."""
    return lambda: verbs.remove_node("host2") if "host2" in world.inventory + world.leaving else iter(())


VERBS: dict[str, Callable[[World, Verbs], Callable[[], Steps]]] = {
    "site": lambda _world, verbs: verbs.site,
    "stop": lambda _world, verbs: verbs.stop,
    "start": started,
    "recover": recovered,
    "recover beside those that were given up": beside_given_up,
    "recover_force of one ahead": forced("host2", "host1"),
    "recover_force of one behind": forced("host1", "host2"),
    "recover_force of one among equals": forced("host3", "host1", "host2"),
    "recover_force of one alone": forced("host1"),
    "recover_force at an unknown position": unknown,
    "repair_node by SST": repaired,
    "repair_node of one that was put out": put_out,
    "repair_node of one that was given up": given_up,
    "remove_node": removed,
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_was_killed_is_run_again(verb: str) -> None:
    told = {}
    for steps in range(LONGEST):
        world, verbs = new()
        command = VERBS[verb](world, verbs)
        killed = command()
        done = [step for _number, step in zip(range(steps), killed)]
        killed.close()
        world.check()
        world.settle()
        world.check()
        # It may have been killed when all was done but its last words.
        if (refusal := run(command())) and "there is nothing to repair" not in refusal:
            told[(steps, *done[-1:])] = refusal
        world.settle()
        world.check()
        if len(done) < steps:
            break
    else:
        raise AssertionError(f"{verb} has more than {LONGEST} steps.")
    assert told == {}
