# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors of versions: what is refused, what is warned of, what is overridden, and by which sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.floors import (
    BUILT_IN,
    GALERA,
    MARIADB,
    REFUSE,
    WARN,
    Floors,
    Server,
    judge,
)
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from hypothesis import given
from hypothesis import strategies as st

NEWEST = "26.4.27(r07f3a0c4)"
CVE = "https://www.cve.org/CVERecord?id="
STRANGER = (
    "whoever reaches the replication port can run commands on the node, through the names that wsrep_notify_cmd is "
    f"given (CVE-2026-49261, {CVE}CVE-2026-49261)"
)
JOINER = (
    f"a node that asks for an SST by mariabackup can run commands on its donor (CVE-2026-44168, {CVE}CVE-2026-44168)"
)
HOLES = f"{STRANGER}; {JOINER}"
NOTES = "https://mariadb.com/docs/release-notes/galera-cluster/26.4/26.4.27"
IST = f"an IST can lack write sets, and then fails (galera-26.4.27, {NOTES})"
OURS: dict[str, Any] = {
    "name": "house rule",
    "what": "mariadb",
    "level": "refuse",
    "fixed_in": ["10.11.20", "11.8.10"],
    "reason": "our auditors want this one.",
    "source": "https://wiki.example.com/42",
}

versions = st.builds(Version, st.sampled_from([10, 11, 12]), st.sampled_from([6, 11, 4, 8, 3]), st.integers(0, 40))


def image(version: str, provider: str | None = NEWEST, host: str = "host1") -> Server:
    return Server(host, "mariadb:10.11", version, provider)


def node(number: int, version: str, provider: str = NEWEST) -> Server:
    return Server(f"host{number}", f"mariadb{number}", version, provider, running=True)


def told(*servers: Server, allow: str = "", rows: object = ()) -> tuple[list[str], list[str]]:
    verdict = judge(servers, Floors.read(rows, allow))
    return list(verdict.refusals), list(verdict.warnings)


# ---- Refused and warned of


def test_an_image_below_a_hole_is_refused_with_everything_that_an_operator_needs() -> None:
    refusals, _warnings = told(image("10.11.14-MariaDB-0+deb12u1"), image("10.11.14", host="host2"))
    (sentence,) = refusals
    assert sentence == (
        f"mariadb:10.11 on host1 and host2 has MariaDB 10.11.14, which is below 10.11.18: {HOLES}. "
        "Set mariadb_image to an image with MariaDB 10.11.18 or newer. To accept it all the same, set "
        "mariadb_allow_version to 10.11.14."
    )


def test_only_the_holes_that_are_open_are_told() -> None:
    refusals, _warnings = told(image("10.11.17-MariaDB"))
    assert refusals[0].startswith(f"mariadb:10.11 on host1 has MariaDB 10.11.17, which is below 10.11.18: {STRANGER}.")


def test_a_fault_is_warned_of_and_never_refused() -> None:
    refusals, warnings = told(image("10.11.19-MariaDB-0+deb12u1", "4.23(rXXXX)"))
    assert (refusals, len(warnings)) == ([], 1)
    assert warnings[0] == (
        f"mariadb:10.11 on host1 has the Galera provider 26.4.23, which is below 26.4.27: {IST}. "
        "Set mariadb_image to an image with the Galera provider 26.4.27 or newer."
    )
    refusals, warnings = told(image("10.11.18-MariaDB"))
    assert (refusals, len(warnings)) == ([], 1)
    assert warnings[0].startswith("mariadb:10.11 on host1 has MariaDB 10.11.18, which is below 10.11.19: where an SST ")


@pytest.mark.parametrize("version", ["10.6.28", "10.11.19", "11.4.13", "11.8.9", "12.3.3", "12.3.4"])
def test_what_has_all_fixes_is_let_through(version: str) -> None:
    assert told(image(f"{version}-MariaDB")) == ([], [])
    assert told(node(1, f"{version}-MariaDB")) == ([], [])


@pytest.mark.parametrize("version", ["10.6.26", "10.11.17", "11.4.11", "11.8.7", "12.3.2"])
def test_the_last_version_before_the_fix_is_refused(version: str) -> None:
    refusals, _warnings = told(image(version))
    assert len(refusals) == 1


def test_nodes_that_run_are_told_of_and_nothing_is_refused() -> None:
    servers = [node(1, "10.11.14"), node(2, "10.11.14-MariaDB"), node(3, "10.11.19", "26.4.23(r1)")]
    refusals, warnings = told(*servers)
    assert refusals == []
    assert warnings[0] == (
        f"mariadb1 on host1 and mariadb2 on host2 run MariaDB 10.11.14, which is below 10.11.18: {HOLES}. "
        "Upgrade to an image with MariaDB 10.11.18 or newer (playbook upgrade). Until then a new node of this version "
        "is refused, unless mariadb_allow_version is 10.11.14."
    )
    assert warnings[1].startswith("mariadb1 on host1 and mariadb2 on host2 run MariaDB 10.11.14, which is below 10.11")
    assert warnings[2] == (
        f"mariadb3 on host3 runs the Galera provider 26.4.23, which is below 26.4.27: {IST}. Upgrade to an image with "
        "the Galera provider 26.4.27 or newer (playbook upgrade)."
    )
    assert len(warnings) == 3


@pytest.mark.parametrize("version", ["10.5.29", "11.3.2", "12.2.2", "13.0.1", "13.3.9", "8.0.36"])
def test_a_series_that_is_not_named_is_refused(version: str) -> None:
    """Whether it is older or younger: which fixes it has is not known here."""
    refusals, warnings = told(image(version))
    series = version.rpartition(".")[0]
    known = f"MariaDB {version}, and no release of the series {series} is known to be without this: "
    assert known in refusals[0]
    assert (
        "Set mariadb_image to an image with MariaDB 10.6.27, 10.11.18, 11.4.12, 11.8.8 or 12.3.3, or newer of the same "
        f"series. To accept it all the same, set mariadb_allow_version to {version}."
    ) in refusals[0]
    assert known in warnings[0]
    assert told(node(1, version))[0] == []


@pytest.mark.parametrize(("text", "tells"), [("", "tells nothing"), ("custom build", "tells 'custom build'")])
def test_a_version_that_cannot_be_read_is_unknown(text: str, tells: str) -> None:
    refusals, warnings = told(image(text, text), allow=text)
    assert len(refusals) == 1 + bool(text)
    assert refusals[0].startswith(
        f"mariadb:10.11 on host1 has MariaDB of an unknown version (it {tells}), so this may be open: {STRANGER}; "
    )
    assert "Set mariadb_image to an image that tells its version, with MariaDB 10.6.27, " in refusals[0]
    assert "mariadb_allow_version" not in refusals[0]
    unknown = f"has the Galera provider of an unknown version (it {tells}), so this may be open: {IST}."
    assert [warning for warning in warnings if unknown in warning]
    refusals, warnings = told(node(1, text, text))
    assert (refusals, len(warnings)) == ([], 3)


@pytest.mark.parametrize("allow", ["None", "unknown", "0.0.0"])
def test_no_override_allows_an_unknown_version(allow: str) -> None:
    assert len(told(image("custom build"), allow=allow)[0]) == 2


def test_a_provider_that_was_not_asked_is_not_judged() -> None:
    assert told(image("10.11.19", provider=None)) == ([], [])
    assert told() == ([], [])


# ---- The override


def test_the_override_names_the_version_and_is_told() -> None:
    refusals, warnings = told(image("10.11.14-MariaDB-0+deb12u1"), allow="10.11.14")
    assert refusals == []
    assert warnings[0] == (
        f"mariadb:10.11 on host1 has MariaDB 10.11.14, which is below 10.11.18: {HOLES}. Set mariadb_image "
        "to an image with MariaDB 10.11.18 or newer. Until then mariadb_allow_version=10.11.14 allows it."
    )
    _refusals, warnings = told(node(1, "10.11.14"), allow="10.11.14")
    assert warnings[0].endswith("Until then mariadb_allow_version=10.11.14 allows new nodes of it.")


@pytest.mark.parametrize("allow", ["10.11.13", "10.11", "10.11.140", "yes", "10.11.14-MariaDB", "all"])
def test_an_override_of_another_version_says_that_it_allows_nothing(allow: str) -> None:
    refusals, _warnings = told(image("10.11.14"), allow=allow)
    assert len(refusals) == 2
    assert refusals[1] == (
        f"mariadb_allow_version is {allow}, and no floor refuses exactly that version here, so it allows nothing. "
        "Remove it, or set it to the version that the refusal names."
    )


def test_an_override_that_was_left_over_is_told() -> None:
    refusals, warnings = told(image("10.11.19"), allow="10.11.14")
    assert (refusals, len(warnings)) == ([], 1)
    assert warnings[0].startswith("mariadb_allow_version is 10.11.14, and no floor refuses exactly that version here")
    assert told(allow="10.11.14") == ([], [])


@given(versions, versions)
def test_an_override_of_another_version_never_overrides(version: Version, allow: Version) -> None:
    refused = bool(told(image(str(version)))[0])
    overridden = refused and not told(image(str(version)), allow=str(allow))[0]
    assert overridden == (refused and version == allow)


@given(versions, st.integers(0, 40))
def test_a_newer_version_of_a_series_is_never_worse(one: Version, patch: int) -> None:
    older, newer = sorted([one, replace(one, patch=patch)])
    (refused, warned), (still_refused, still_warned) = told(image(str(older))), told(image(str(newer)))
    assert len(still_refused) <= len(refused)
    assert len(still_warned) <= len(warned)


@given(versions)
def test_a_refusal_names_a_version_that_is_let_through(version: Version) -> None:
    for sentence in told(image(str(version)))[0]:
        named = sentence.partition("to an image with MariaDB ")[2].partition("newer")[0]
        found = [word.strip(",") for word in named.split() if word[0].isdigit()]
        assert found
        assert [told(image(each))[0] for each in found] == [[]] * len(found)


@given(st.lists(st.builds(node, st.integers(1, 9), st.text(max_size=30), st.text(max_size=30)), max_size=4), st.text())
def test_nothing_that_runs_is_ever_refused(servers: list[Server], allow: str) -> None:
    assert judge(servers, Floors.read([], allow)).refusals == ()


# ---- The operator's rows


def test_a_floor_is_raised_by_a_row_of_the_same_name() -> None:
    raised = {**OURS, "name": "CVE-2026-49261"}
    refusals, _warnings = told(image("10.11.19"), rows=[raised])
    (sentence,) = refusals
    assert sentence == (
        "mariadb:10.11 on host1 has MariaDB 10.11.19, which is below 10.11.20: our auditors want this one "
        "(CVE-2026-49261, https://wiki.example.com/42). Set mariadb_image to an image with MariaDB 10.11.20 or "
        "newer. To accept it all the same, set mariadb_allow_version to 10.11.19."
    )
    assert told(image("10.11.19"), rows=[raised], allow="10.11.19")[0] == []
    assert told(image("10.11.20"), rows=[raised])[0] == []
    # It names two series, and the row whose place it takes named five.
    assert "no release of the series 11.4 is known" in told(image("11.4.13"), rows=[raised])[0][0]


def test_a_row_of_another_name_stands_beside_the_others() -> None:
    assert told(image("10.11.20"), rows=[OURS])[0] == []
    refusals, _warnings = told(image("10.11.14"), rows=[OURS])
    assert "below 10.11.20: " in refusals[0]
    assert "with MariaDB 10.11.20 or newer" in refusals[0]
    for reason in (HOLES, "our auditors want this one (house rule, https://wiki.example.com/42)"):
        assert reason in refusals[0]


def test_a_warning_is_turned_off_or_made_a_refusal_by_a_row_of_its_name() -> None:
    row = {**OURS, "name": "galera-26.4.27", "what": "galera", "fixed_in": ["26.4.23"], "level": "warn"}
    assert told(image("10.11.19", "26.4.23(r1)"), rows=[row]) == ([], [])
    row = {**row, "fixed_in": ["26.4.27"], "level": "refuse"}
    refusals, _warnings = told(image("10.11.19", "26.4.23(r1)"), rows=[row])
    assert refusals[0].endswith("To accept it all the same, set mariadb_allow_version to 26.4.23.")
    assert told(image("10.11.19", "26.4.23(r1)"), rows=[row], allow="26.4.23")[0] == []


def test_rows_that_have_no_series_in_common_name_no_version() -> None:
    row = {**OURS, "fixed_in": ["13.0.5"]}
    refusals, _warnings = told(image("10.11.19"), rows=[row])
    assert "no release of the series 10.11 is known to be without this: our auditors" in refusals[0]
    assert "with MariaDB of a series that CVE-2026-49261, CVE-2026-44168 and house rule name." in refusals[0]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("10.11.20", "mariadb_floors is not a list of rows."),
        ({"name": "x"}, "mariadb_floors is not a list of rows."),
        (["x"], "row 1: it is not a mapping of name, what, level, fixed_in, reason and source."),
        ([{**OURS, "levl": 1}], "row 1: the key levl is unknown."),
        ([OURS, {"name": "y"}], "row 2: the key what is missing; the key level is missing; the key fixed_in is "),
        ([{**OURS, "name": ""}], "row 1: name is not a text."),
        ([{**OURS, "source": None}], "row 1: source is not a text."),
        ([{**OURS, "what": "mysql"}], "row 1: what is 'mysql', and must be mariadb or galera."),
        ([{**OURS, "level": ["warn"]}], "row 1: level is '['warn']', and must be refuse or warn."),
        ([{**OURS, "fixed_in": "10.11.20"}], "row 1: fixed_in is '10.11.20', and must be a list of versions such as"),
        ([{**OURS, "fixed_in": []}], "row 1: fixed_in is '[]', and must be a list of versions such as"),
        ([{**OURS, "fixed_in": [10.11, "10.11.20"]}], "row 1: fixed_in has 10.11, and a version has three numbers"),
        ([{**OURS, "fixed_in": ["10.11.20-1"]}], "row 1: fixed_in has 10.11.20-1, and a version has three numbers"),
        ([{**OURS, "fixed_in": ["10.11.20", "10.11.2"]}], "row 1: fixed_in has two versions of the series 10.11."),
        ([OURS, OURS], "row 2: a row before it has the name house rule, too."),
    ],
)
def test_a_row_that_cannot_be_read_refuses(rows: object, sentence: str) -> None:
    floors = Floors.read(rows)
    assert sentence in floors.problems[-1]
    assert list(judge([image("10.11.20")], floors).refusals) == list(floors.problems)
    # Beside nodes that run it is told like all else.
    assert judge([node(1, "10.11.20")], floors).refusals == ()
    assert list(judge([node(1, "10.11.20")], floors).warnings) == list(floors.problems)
    assert list(judge([], floors).warnings) == list(floors.problems)


def test_a_row_that_cannot_be_read_does_not_take_the_place_of_one() -> None:
    floors = Floors.read([{**OURS, "name": "CVE-2026-49261", "fixed_in": []}])
    assert floors.rows == BUILT_IN


def test_without_rows_the_built_in_ones_count() -> None:
    assert Floors.read() == Floors.read(None, None) == Floors.read([], "") == Floors()


# ---- The table itself


def test_the_table_is_sound() -> None:
    assert len({row.name for row in BUILT_IN}) == len(BUILT_IN)
    for row in BUILT_IN:
        assert row.what in (MARIADB, GALERA)
        assert row.level in (REFUSE, WARN)
        assert len(row.series) == len(row.fixed_in)
        assert row.source.startswith("https://")
        assert not row.reason.endswith(".")


def test_the_page_tells_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[5] / "docs/upgrade.md").read_text(encoding="utf-8")
    products = {MARIADB: "MariaDB", GALERA: "Galera provider"}
    for row in BUILT_IN:
        versions = ", ".join(map(str, row.fixed_in))
        assert f"\n| {row.name} | {row.level} | {products[row.what]} {versions} | " in page
