# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions below which a server or a Galera provider has a known hole or fault, as a table, and the judgement. Pure.

Two levels. Refuse: a hole through which a stranger or a peer runs commands or reads everything; no node is made with
such an image, and none is brought to it. Warn: a fault of data, of the provider, or in what only some clusters use.

A server that runs already is only told of, whatever the level: to refuse a run would not close its hole, and would keep
an operator from mending the cluster that has it. Who is about to start an image judges it as one that does not run.

A series that a row does not name counts as open. A version number does not tell when a release was made, so of a series
that came or ended meanwhile nobody knows here whether it has the fix; a row of the operator's can name it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from ansible_collections.dbops.galera.plugins.module_utils._model.words import joined

MARIADB, GALERA = "mariadb", "galera"
REFUSE, WARN = "refuse", "warn"
KEYS = ("name", "what", "level", "fixed_in", "reason", "source")
# How sentences call a product, and how what it tells is read.
_PRODUCTS: Mapping[str, tuple[str, Callable[[str], Version]]] = {
    MARIADB: ("MariaDB", Version.parse),
    GALERA: ("the Galera provider", Version.parse_provider),
}
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Floor:
    """A row. fixed_in is the first version with the fix of each series that has one; reason is part of a sentence."""

    name: str
    what: str
    level: str
    fixed_in: tuple[Version, ...]
    reason: str
    source: str

    @property
    def series(self) -> dict[str, Version]:
        """Series to the first version of it that has the fix."""
        return {version.series: version for version in self.fixed_in}

    def closed_in(self, version: Version) -> bool:
        """Whether a version has the fix; one of a series that is not named has not."""
        first = self.series.get(version.series)
        return first is not None and version >= first

    def __str__(self) -> str:
        return f"{self.reason} ({self.name}, {self.source})"


def _versions(text: str) -> tuple[Version, ...]:
    return tuple(Version.parse(word) for word in text.split())


# https://mariadb.com/docs/server/security/cve/community-server lists what each release fixed; a release that is not
# listed there, or in its own notes, is not taken to have a fix. Holes of the same releases that need SUPER, or an SST
# by rsync, have no rows: CVE-2026-48163, CVE-2026-48165.
BUILT_IN = (
    Floor(
        name="CVE-2026-49261",
        what=MARIADB,
        level=REFUSE,
        # 12.3.2 does not list it. 12.3.3 has all fixes of 11.8.9.
        fixed_in=_versions("10.6.27 10.11.18 11.4.12 11.8.8 12.3.3"),
        reason="whoever reaches the replication port can run commands on the node, through the names that "
        "wsrep_notify_cmd is given",
        source="https://www.cve.org/CVERecord?id=CVE-2026-49261",
    ),
    Floor(
        name="CVE-2026-44168",
        what=MARIADB,
        level=REFUSE,
        fixed_in=_versions("10.6.26 10.11.17 11.4.11 11.8.7 12.3.2"),
        reason="a node that asks for an SST by mariabackup can run commands on its donor",
        source="https://www.cve.org/CVERecord?id=CVE-2026-44168",
    ),
    # Only a warning as long as the collection sets up no TLS: then the SST is in clear anyway.
    Floor(
        name="MDEV-28233",
        what=MARIADB,
        level=WARN,
        fixed_in=_versions("10.6.28 10.11.19 11.4.13 11.8.9 12.3.3"),
        reason="where an SST is to be encrypted and cannot be, it sends all data in clear",
        source="https://jira.mariadb.org/browse/MDEV-28233",
    ),
    Floor(
        name="MDEV-38843",
        what=MARIADB,
        level=WARN,
        fixed_in=_versions("10.6.28 10.11.19 11.4.13 11.8.9 12.3.3"),
        reason="a node that cannot apply a write set stays in the cluster, which can hang until that node is killed",
        source="https://jira.mariadb.org/browse/MDEV-38843",
    ),
    Floor(
        name="galera-26.4.27",
        what=GALERA,
        level=WARN,
        fixed_in=_versions("26.4.27"),
        reason="an IST can lack write sets, and then fails",
        source="https://mariadb.com/docs/release-notes/galera-cluster/26.4/26.4.27",
    ),
)


@dataclass(frozen=True)
class Floors:
    """The rows that count, and what the operator allows. problems are sentences on rows that could not be read.

    allow is mariadb_allow_version, the one version that is accepted below a floor that refuses, such as 10.11.14.
    """

    rows: tuple[Floor, ...] = BUILT_IN
    allow: str = ""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: object = (), allow: object = "") -> Floors:
        """The built-in rows with the operator's: given is mariadb_floors, a list of mappings with KEYS.

        A row takes the place of the built-in one of its name. One that cannot be read takes none, and is a problem.
        """
        rows = {row.name: row for row in BUILT_IN}
        problems: list[str] = []
        names: set[str] = set()
        if not isinstance(given, (list, tuple)):
            problems += [] if given is None else ["mariadb_floors is not a list of rows."]
            given = ()
        for number, row in enumerate(given, 1):
            wrong = _wrong(row, names)
            if wrong:
                problems.append(f"mariadb_floors, row {number}: {'; '.join(wrong)}.")
            else:
                read = _row(row)
                rows[read.name] = read
                names.add(read.name)
        return cls(tuple(rows.values()), str(allow or "").strip(), tuple(problems))

    def of(self, what: str, level: str) -> list[Floor]:
        return [row for row in self.rows if (row.what, row.level) == (what, level)]


@dataclass(frozen=True)
class Server:
    """A server that runs, or that an image would run on a host.

    host is a name of the inventory; name is that of the node that runs, or of the image. version and provider are what
    the server or image tells (10.11.19-MariaDB-0+deb12u1; wsrep_provider_version); provider is None where it was not
    asked for, and is not judged then. Where it was asked for and is not known, it is an empty text. running is also
    true of a node whose data are there: to refuse to start it would make nothing safer.
    """

    host: str
    name: str
    version: str
    provider: str | None = None
    running: bool = False

    def told(self) -> list[tuple[str, str]]:
        """What it tells of each product that was asked."""
        return [(MARIADB, self.version)] + ([] if self.provider is None else [(GALERA, self.provider)])


@dataclass(frozen=True)
class Verdict:
    """Sentences. refusals speak against a start of the image, warnings are only told."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """Servers of one kind that have the same version of a product; version is None where text does not tell it."""

    servers: tuple[Server, ...]
    what: str
    version: Version | None
    text: str

    @property
    def running(self) -> bool:
        return self.servers[0].running

    @property
    def product(self) -> str:
        return _PRODUCTS[self.what][0]

    def allowed(self, floors: Floors) -> bool:
        return self.version is not None and str(self.version) == floors.allow

    def failing(self, rows: Iterable[Floor]) -> list[Floor]:
        return [row for row in rows if self.version is None or not row.closed_in(self.version)]


def judge(servers: Sequence[Server], floors: Floors) -> Verdict:
    """Hold versions against the floors. Every sentence names who, the version, why with source, and what to do.

    servers are those of one cluster, or the one of one host. Rows of the operator's that cannot be read are refusals,
    since one of them may be what refuses; where all servers run they are warnings, like all else. Raises nothing.
    """
    refusals: list[str] = []
    warnings: list[str] = []
    overridden = False
    for found in _gathered(servers):
        for level in (REFUSE, WARN):
            rows = floors.of(found.what, level)
            if not (failing := found.failing(rows)):
                continue
            allowed = level == REFUSE and found.allowed(floors)
            overridden = overridden or allowed
            refused = level == REFUSE and not (found.running or allowed)
            (refusals if refused else warnings).append(_sentence(found, level, rows, failing, allowed))
    if floors.allow and servers and not overridden:
        (refusals or warnings).append(_in_vain(floors.allow))
    (warnings if all(server.running for server in servers) else refusals).extend(floors.problems)
    return Verdict(tuple(refusals), tuple(warnings))


def _gathered(servers: Sequence[Server]) -> list[_Found]:
    """The servers by what one sentence can tell of them."""
    groups: dict[tuple[bool, str, str, Version | None, str], list[Server]] = {}
    for server in servers:
        for what, text in server.told():
            version = _read(what, text)
            image = "" if server.running else server.name
            groups.setdefault((server.running, image, what, version, "" if version else text), []).append(server)
    return [
        _Found(tuple(alike), what, version, text) for (_running, _image, what, version, text), alike in groups.items()
    ]


def _read(what: str, text: str) -> Version | None:
    try:
        return _PRODUCTS[what][1](text)
    except GaleraError:
        return None


# ---- Sentences


def _sentence(found: _Found, level: str, rows: Sequence[Floor], failing: Sequence[Floor], allowed: bool) -> str:
    reasons = "; ".join(str(row) for row in failing)
    way_out = _way_out(found, rows)
    if level == REFUSE and found.version is not None:
        way_out += _override(found, allowed)
    return f"{_subject(found)} {_state(found, failing)}: {reasons}. {way_out}"


def _subject(found: _Found) -> str:
    if found.running:
        told = joined([f"{server.name} on {server.host}" for server in found.servers])
        return f"{told} {'runs' if len(found.servers) == 1 else 'run'}"
    return f"{found.servers[0].name} on {joined([server.host for server in found.servers])} has"


def _state(found: _Found, failing: Sequence[Floor]) -> str:
    if found.version is None:
        told = f"tells '{found.text[:60]}'" if found.text else "tells nothing"
        return f"{found.product} of an unknown version (it {told}), so this may be open"
    series = found.version.series
    if all(series in row.series for row in failing):
        return f"{found.product} {found.version}, which is below {_goals(failing)[series]}"
    return f"{found.product} {found.version}, and no release of the series {series} is known to be without this"


def _way_out(found: _Found, rows: Sequence[Floor]) -> str:
    goals = _goals(rows)
    version = found.version
    if version is not None and version.series in goals:
        goal = f"{goals[version.series]} or newer"
    elif goals:
        goal = f"{joined([str(first) for first in sorted(goals.values())], 'or')}, or newer of the same series"
    else:
        goal = f"of a series that {joined([row.name for row in rows])} name"
    told = " that tells its version," if version is None else ""
    image = f"an image{told} with {found.product} {goal}"
    return f"Upgrade to {image} (playbook upgrade)." if found.running else f"Set mariadb_image to {image}."


def _goals(rows: Iterable[Floor]) -> dict[str, Version]:
    """Of each series that all rows name, the first version in which all of them are closed."""
    goals: dict[str, Version] | None = None
    for row in rows:
        goals = {
            series: max(first, goals[series] if goals else first)
            for series, first in row.series.items()
            if goals is None or series in goals
        }
    return goals or {}


def _override(found: _Found, allowed: bool) -> str:
    if allowed:
        new = "new nodes of it" if found.running else "it"
        return f" Until then mariadb_allow_version={found.version} allows {new}."
    if found.running:
        return f" Until then a new node of this version is refused, unless mariadb_allow_version is {found.version}."
    return f" To accept it all the same, set mariadb_allow_version to {found.version}."


def _in_vain(allow: str) -> str:
    return (
        f"mariadb_allow_version is {allow}, and no floor refuses exactly that version here, so it allows nothing. "
        "Remove it, or set it to the version that the refusal names."
    )


# ---- The operator's rows


def _wrong(row: object, names: set[str]) -> list[str]:
    """What is wrong with a row, each a part of a sentence; names are those of the rows before."""
    if not isinstance(row, Mapping):
        return [f"it is not a mapping of {joined(KEYS)}"]
    wrong = [f"the key {key} is missing" for key in KEYS if key not in row]
    wrong += [f"the key {key} is unknown" for key in row if key not in KEYS]
    texts = [key for key in ("name", "reason", "source") if key in row]
    wrong += [f"{key} is not a text" for key in texts if not (isinstance(row[key], str) and row[key].strip())]
    wrong += [
        f"{key} is '{row[key]}', and must be {joined(choices, 'or')}"
        for key, choices in (("what", (MARIADB, GALERA)), ("level", (REFUSE, WARN)))
        if key in row and row[key] not in choices
    ]
    if "fixed_in" in row:
        wrong += _wrong_versions(row["fixed_in"])
    if not wrong and row["name"].strip() in names:
        wrong.append(f"a row before it has the name {row['name'].strip()}, too")
    return wrong


def _wrong_versions(given: object) -> list[str]:
    if not (isinstance(given, (list, tuple)) and given):
        return [f"fixed_in is '{given}', and must be a list of versions such as [10.11.18, 11.4.12]"]
    unread = [str(each) for each in given if not _VERSION.fullmatch(str(each))]
    if unread:
        return [f"fixed_in has {joined(unread)}, and a version has three numbers, such as 10.11.18 or 26.4.27"]
    series = [Version.parse(str(each)).series for each in given]
    twice = sorted({each for each in series if series.count(each) > 1})
    return [f"fixed_in has two versions of the series {each}" for each in twice]


def _row(given: Mapping[str, Any]) -> Floor:
    return Floor(
        name=given["name"].strip(),
        what=given["what"],
        level=given["level"],
        fixed_in=tuple(Version.parse(str(each)) for each in given["fixed_in"]),
        reason=" ".join(given["reason"].split()).rstrip("."),
        source=given["source"].strip(),
    )
