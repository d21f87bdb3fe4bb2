# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Branches of a cluster: what a forced recovery begins, and what it gives up. Pure.

Galera compares a UUID and a number, never contents, so a branch that was given up could come back by IST. A forced
recovery therefore begins a history with a UUID of its own, in a group of another name: Galera refuses a handshake with
another name, whoever calls (gcomm/src/gmcast_proto.cpp, handle_handshake_response). A name has 32 characters there.

Two recoveries that do not know of each other begin two branches of one generation. A letter for the node that each
began on keeps their names apart: in one group the younger data would go by SST over the older, which are nowhere else.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.position import (
    NULL_UUID,
    UNKNOWN_SEQNO,
    Position,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.report import Report, strays

GROUP_LENGTH = 32
# A dot, two digits and a letter, or three digits: room for 999 forced recoveries.
CLUSTER_LENGTH = GROUP_LENGTH - 4
SUFFIX = re.compile(r"\.(\d{1,3})([a-z]?)$")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_OVERRIDE = re.compile(rf"(?P<host>[^@\s]+)@(?:unknown(?::(?P<again>\d+))?|(?P<uuid>{_UUID}):(?P<seqno>\d+))")


def group_name(cluster: str, generation: int, letter: str) -> str:
    """wsrep_cluster_name of a branch: the first has the cluster's name, so that living clusters keep theirs."""
    return cluster if generation <= 1 else f"{cluster}.{generation}{letter if generation < 100 else ''}"


def letter_of(node: str) -> str:
    """The letter of a branch that begins on a node, by the number at the end of its name; a is mariadb1's."""
    number = re.search(r"\d+$", node)
    return chr(ord("a") + (int(number[0]) - 1) % 26) if number else ""


@dataclass(frozen=True)
class Override:
    """Whom a person names to be bootstrapped, and at which position; None where it cannot be read.

    again is the generation that the same words without it began, 0 where none: an unknown position looks like any
    other, so that a variable that was left in a file would name the next one too.
    """

    host: str
    position: Position | None
    again: int = 0

    @classmethod
    def parse(cls, text: str) -> Override:
        """Read HOST@UUID:SEQNO, HOST@unknown or HOST@unknown:GENERATION; GaleraError says what is wrong with it."""
        found = _OVERRIDE.fullmatch(text.strip())
        if not found:
            raise GaleraError(
                f"recover_force is '{text}': name the host and the position that it has, as HOST@UUID:SEQNO or "
                "HOST@unknown, so that the same words overrule nothing at another time. The plan of recover, without "
                "recover_force, shows all positions."
            )
        position = Position(found["uuid"].lower(), int(found["seqno"])) if found["uuid"] else None
        return cls(found["host"], position, int(found["again"] or 0))

    @classmethod
    def of(cls, report: Report) -> Override:
        """The override that names a member as it is now."""
        if report.candidate:
            return cls(report.name, report.position)
        decided = cls.decided(report)
        if decided is None or (decided.host, decided.position) != (report.name, None):
            return cls(report.name, None)
        return cls(report.name, None, report.generation if report.served else decided.again)

    @classmethod
    def decided(cls, report: Report) -> Override | None:
        """The override that began the branch which a member's host recorded, if one did."""
        try:
            return cls.parse(report.decision)
        except GaleraError:
            return None

    def __str__(self) -> str:
        return f"{self.host}@{self.position or 'unknown'}{f':{self.again}' if self.again else ''}"


@dataclass(frozen=True)
class Branch:
    """A generation of a cluster. uuid is the UUID that its history has, forced the override that began it.

    members are names of nodes and arbitrators in the group; begun is a time in UTC. ended is whether a run has come to
    its end since: the one that began it, or a later one. letter is that of the node that it began on.
    """

    cluster: str
    generation: int = 1
    uuid: str = NULL_UUID
    forced: str = ""
    begun: str = ""
    parent: str = NULL_UUID
    members: tuple[str, ...] = ()
    ended: bool = False
    letter: str = ""

    @property
    def group(self) -> str:
        return group_name(self.cluster, self.generation, self.letter)

    @classmethod
    def read(cls, cluster: str, record: Mapping[str, Any] | None) -> Branch:
        """From a host's record; without one it is the first generation."""
        record = record or {}
        named = SUFFIX.search(str(record.get("group") or ""))
        return cls(
            cluster=cluster,
            generation=int(record.get("generation") or 1),
            uuid=str(record.get("uuid") or NULL_UUID).lower(),
            forced=str(record.get("forced") or ""),
            begun=str(record.get("begun") or ""),
            parent=str(record.get("parent") or NULL_UUID).lower(),
            members=tuple(record.get("members") or ()),
            ended=bool(record.get("ended")),
            letter=named[2] if named else "",
        )

    def record(self) -> dict[str, Any]:
        """What is written down on the hosts."""
        return {
            "cluster": self.cluster,
            "generation": self.generation,
            "group": self.group,
            "uuid": self.uuid,
            "forced": self.forced,
            "begun": self.begun,
            "parent": self.parent,
            "members": list(self.members),
            **({"ended": True} if self.ended else {}),
        }

    def next(self, forced: str, parent: str, begun: str, members: Sequence[str], node: str) -> Branch:
        """The branch that an override begins on a node. The same one begins the same, on whichever host it is asked."""
        seed = f"dbops.galera/{self.cluster}/{self.generation + 1}/{forced}/{self.uuid}"
        return Branch(
            cluster=self.cluster,
            generation=self.generation + 1,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, seed)),
            forced=forced,
            begun=begun,
            parent=parent,
            members=tuple(members),
            letter=letter_of(node),
        )


# What becomes of a survivor's datadir when a branch begins.
LEAD, KEEP, REPLACE, ASIDE, NOTHING = "lead", "keep", "replace", "aside", "nothing"


@dataclass(frozen=True)
class Fate:
    """What a forced recovery does with a member's data, and why, in a sentence.

    lead: it is bootstrapped. keep: it holds the same, gets the same new UUID, and needs no state transfer. replace:
    all that it holds is in the elected node's data too. aside: it holds something else, so its datadir is kept under a
    dated name. nothing: it holds no data of its own.
    """

    action: str
    reason: str


def fate(report: Report, elected: Report) -> Fate:
    """What becomes of one survivor beside the elected one; both as they were read before the branch began."""
    name, at = report.name, elected.position
    if name == elected.name:
        return Fate(LEAD, f"{name} begins the new branch at {at if at.known else 'an unknown position'}.")
    if not report.holds_data:
        return Fate(NOTHING, f"{name} holds no data of its own, and gets them from {elected.name}.")
    kept = f"its datadir is kept under a dated name, and it gets its data from {elected.name}."
    if report.disowned:
        return Fate(ASIDE, f"{name} was voted out, so what it holds is not what the others hold: {kept}")
    if not report.candidate or not elected.candidate:
        return Fate(ASIDE, f"{name} cannot be compared with {elected.name}: {kept}")
    if report.foreign(at.uuid):
        return Fate(ASIDE, f"{name} holds data of another history ({report.position.uuid}): {kept}")
    if more := report.ahead(at):
        return Fate(ASIDE, f"{name} is {_write_sets(more)} ahead of {elected.name}: {kept}")
    if strays([elected], [report]):
        return Fate(ASIDE, f"{name} was last in a Primary Component that {elected.name} was not in: {kept}")
    if report.error:
        return Fate(ASIDE, f"{name} has a problem ({report.error.rstrip('.')}): {kept}")
    if report.position == at:
        return Fate(KEEP, f"{name} is at the same position, keeps its data, and needs no state transfer.")
    return Fate(REPLACE, f"{name} is {_write_sets(at.seqno - report.position.seqno)} behind, and gets all data by SST.")


def _write_sets(number: int) -> str:
    return f"{number} write set{'s' * (number != 1)}"


def given_up(report: Report, latest: Report) -> str:
    """A sentence on a member whose branch was given up, beside one that is of the latest."""
    when = f" on {latest.begun}" if latest.begun else ""
    told = f"{report.name} holds branch {report.generation} of the cluster, given up{when}"
    told += f" (recover_force={latest.decision})." if latest.decision else "."
    decided = Override.decided(latest)
    if decided and decided.position and (more := report.ahead(decided.position)):
        told += f" {_write_sets(more)} {'are' if more != 1 else 'is'} only there."
    elif report.holds_data and not report.position.known:
        told += " How many write sets are only there is seen when repair_node reads its position."
    return told


def fates(members: Sequence[str], reports: Mapping[str, Mapping[str, Any]], elected: str, force: str) -> list[str]:
    """What becomes of the members beside the elected one, a sentence each; reports by member."""
    found, _resumed = before(members, reports, Override.parse(force))
    return [fate(report, found[elected]).reason for name, report in found.items() if name != elected]


def as_before(report: Report, override: Override | None) -> Report:
    """A member as it was before a killed run of the same override began the branch; others as they are.

    Only where nothing was written on the new branch yet: its first view takes a sequence number. An unknown position
    says nothing of that, the UUID of the node's last Primary Component does.
    """
    if not override or report.decision != str(override) or report.position.uuid != report.branch_uuid:
        return report
    known = override.position
    unserved = report.position.seqno == UNKNOWN_SEQNO and report.recorded_uuid not in ("", report.branch_uuid)
    at = known.seqno if known else 0
    # A survivor that kept its data saw the first view by itself; of the elected one that says that it was bootstrapped.
    if not unserved and report.position.seqno not in (at, at if report.name == override.host else at + 1):
        return report
    return replace(report, position=known or Position(), error=None, disowned=False)


def before(
    members: Sequence[str], reports: Mapping[str, Mapping[str, Any]], override: Override | None
) -> tuple[dict[str, Report], bool]:
    """The members that reported, and whether a killed run of the same override began its branch already.

    Then they are as they were before that run. Once the branch has served, the same words begin another one: two must
    never have one UUID and group name.
    """
    found = {name: Report.of(name, reports[name]) for name in members if reports.get(name)}
    latest = max((report.generation for report in found.values()), default=1)
    of_it = [report for report in found.values() if report.generation == latest > 1]
    resumed = any(report.decision == str(override) for report in of_it)
    if not resumed or any(report.served or report.primary for report in of_it):
        return found, False
    return {name: as_before(report, override) for name, report in found.items()}, True


def carried_out(report: Report, override: Override) -> str:
    """A sentence where the override's branch has been Primary on the member, and the run that began it did not end.

    The words are not true of the member any more, and what was decided by them stands: so they overrule nothing, and
    the run goes on without them.
    """
    if report.ended or not report.served or report.decision != str(override) or Override.of(report) == override:
        return ""
    return f"recover_force={override} was carried out: it began branch {report.generation}, and overrules nothing more."


def unfinished(report: Report) -> bool:
    """Whether a forced recovery wrote its decision down on the host, and its data never served in the branch."""
    return report.half_begun or as_before(report, Override.decided(report)) != report


def to_be_replaced(report: Report, uuid: str) -> bool:
    """Whether a run that was killed left data of the branch before, all of which the branch of this UUID began with.

    Then a state transfer may overwrite them, as that run would have had it.
    """
    decided = Override.decided(report)
    if not (decided and decided.position and report.half_begun and report.candidate) or report.error:
        return False
    of_it = (report.branch_uuid, report.position.uuid) == (uuid, decided.position.uuid)
    return of_it and not report.ahead(decided.position)


def begin(
    current: Branch,
    force: str,
    members: Sequence[str],
    reports: Mapping[str, Mapping[str, Any]],
    member: str,
    begun: str,
    names: Sequence[str],
) -> tuple[Branch, Fate, Position]:
    """The branch that an override begins or, after a killed run, began; what becomes of a member; at which position.

    current is the latest branch that any host knows, names are the survivors' in the group.
    """
    override = Override.parse(force)
    found, resumed = before(members, reports, override)
    if override.host not in found or member not in found:
        raise GaleraError(f"{override.host} or {member} did not report, so no branch can begin.")
    elected = found[override.host]
    if Override.of(elected) != override:
        raise GaleraError(
            f"{override} was named, and the member is {Override.of(elected)} now: look at the plan again."
        )
    if resumed and current.forced == str(override):
        # A host that the killed run did not reach is a member now, too: nobody takes itself for the only one.
        branch = replace(current, members=tuple(dict.fromkeys([*current.members, *names])))
    else:
        branch = current.next(str(override), elected.position.uuid, begun, names, elected.node)
    return branch, fate(found[member], elected), override.position or Position()
