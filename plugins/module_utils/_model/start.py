# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node starts, and how far it may go by itself. Pure.

roles/mariadb/files/galera-start.sh decides in the node's container, where there is no Python; this is the same table,
for the simulation of tests/unit/model. One list of cases runs through both: tests/unit/roles/test_galera_start.py.
"""

from __future__ import annotations

from dataclasses import dataclass

# emptied: nothing, or only lost+found. blank: what an attempt to join left, no data. half: an interrupted state
# transfer. ibdata_only: InnoDB's tablespace without the system tables.
DATADIRS = ("emptied", "blank", "data", "half", "ibdata_only")
# same: the node's own group. older: a lower generation of its cluster. other: any other group. silent: no connection.
# unreadable: a connection, and no word of Galera's.
ANSWERS = ("same", "older", "other", "silent", "unreadable")
START, START_WITHOUT_VIEW, START_ALONE, REFUSE = "start", "start_without_view", "start_alone", "refuse"

_REPAIR = "Run repair_node, which keeps this datadir and fills a new one."


@dataclass(frozen=True)
class Facts:
    """What a node knows before its server runs.

    disowned and undefined are about a grastate.dat of zeros beside data. Galera writes zeros when the others vote a
    node out, which then leaves the group and its view (disowned), and as long as a node executes DDL or waits for a
    state transfer: one that ends meanwhile has its last view on disk, or had not joined yet (undefined).

    had_data: the record's mark that the datadir was filled once. view: members of the last Primary Component's view on
    disk, 0 without one. misfit: the settings name another group than the record's branch, so a run that begins a branch
    was killed between the two. members: nodes and arbitrators of this node's branch, by its record; 0 where there is
    none, and then the configured addresses count. answers: one for each of the other configured addresses.
    """

    bootstrap: bool = False
    datadir: str = "data"
    disowned: bool = False
    undefined: bool = False
    had_data: bool = False
    fenced: bool = False
    misfit: bool = False
    view: int = 0
    members: int = 0
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """action: start (with the last view, where there is one), start_without_view, start_alone (bootstrap) or refuse.

    fence: the node is fenced from now on: it does not start again before its record is cleared.
    """

    action: str
    reason: str = ""
    fence: bool = False


def decide(facts: Facts) -> Start:
    """The first row of the table that applies."""
    return _refusal(facts) or _promotion(facts) or Start(START)


def _refusal(facts: Facts) -> Start | None:
    reason = ""
    if facts.fenced:
        reason = f"This node is fenced, because another branch of its cluster was found alive. {_REPAIR}"
    elif facts.misfit:
        reason = (
            "The settings are for another group than this node's record: a run that begins a branch was interrupted. "
            "Run recover again with the same recover_force, or site."
        )
    elif facts.datadir == "emptied" and facts.had_data:
        reason = (
            "The datadir is empty, but this node had data: check that its disk is mounted. If the data are gone, run "
            "repair_node, which fills the datadir from the other nodes."
        )
    elif facts.datadir == "ibdata_only":
        reason = f"The datadir holds InnoDB data, but no system tables in mysql/, so it is incomplete. {_REPAIR}"
    elif facts.datadir == "half" and facts.bootstrap:
        reason = (
            "The last state transfer to this node was interrupted, so its datadir is incomplete and cannot bootstrap a "
            "cluster. Run recover, which chooses another node."
        )
    elif facts.disowned:
        reason = f"The other nodes voted this node out, because its data differ from theirs. {_REPAIR}"
    elif "other" in facts.answers:
        reason = (
            "A configured address answers for another group, so another branch of the cluster, or another cluster, is "
            f"alive there: this node is fenced. {_REPAIR}"
        )
        return Start(REFUSE, reason, fence=True)
    return Start(REFUSE, reason) if reason else None


def _promotion(facts: Facts) -> Start | None:
    """What a node with data may become without the others' consent."""
    if facts.bootstrap or not (facts.view or facts.datadir == "data"):
        return None
    same = facts.answers.count("same")
    members = facts.members or 1 + len(facts.answers)
    if members == 1 and facts.datadir == "data" and not same and (facts.undefined or not facts.view):
        return Start(START_ALONE, "This node is the only member of its branch, and bootstraps it from its own data.")
    if not facts.view:
        return None
    if facts.undefined:
        return Start(
            START_WITHOUT_VIEW,
            "This node was killed while it executed DDL, so its position is not certain: it joins the others, and does "
            "not take up its last view. If no Primary Component forms, run recover.",
        )
    # All that could have begun another branch must have answered, and they must be more than half: a host that was
    # taken out of the settings is not asked.
    heard = same == len(facts.answers) and 2 * (1 + same) > members
    if 2 * facts.view > members or heard:
        return None
    return Start(
        START_WITHOUT_VIEW,
        f"The last view has {facts.view} of {members} members, and the other members do not all answer: this node "
        "joins the others, and does not take up its last view. If no Primary Component forms, start the others or run "
        "recover.",
    )
