"""Manifests: what belongs together, what may go, what an incremental backup adds to."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from galera_backup import manifest
from hypothesis import given
from hypothesis import strategies as st

DAY = 86400.0
UUID = "f8eb8a01-e5bf-11f1-9dff-9bb2314c7b01"


def made(number: int, base: int = 0, node: str = "mariadb3", **changes: Any) -> manifest.Manifest:
    """Backup number N ended on day N, at LSN 100 N."""
    return dataclasses.replace(
        manifest.Manifest(
            id=f"b{number}",
            cluster="galera",
            uuid=UUID,
            node=node,
            seqno=number,
            gtid=f"0-1-{number}",
            base=f"b{base}" if base else "",
            from_lsn=100 * base,
            to_lsn=100 * number,
            server="10.11.19-MariaDB-log",
            provider="26.4",
            image="mariadb:10.11",
            began=number * DAY - 60,
            ended=number * DAY,
            size=1 << 20,
            datadir_size=1 << 30,
            sha256="0" * 64,
        ),
        **changes,
    )


WEEK = [made(1), made(2, 1), made(3, 2), made(4), made(5, 4)]


def test_a_manifest_is_read_as_it_was_written() -> None:
    written = made(2, 1, tables={"application.orders": 7})
    assert manifest.Manifest.from_json(written.to_json()) == written


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1, "id": "b1"}', made(1, format=2).to_json()])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(manifest.BackupError):
        manifest.Manifest.from_json(text)


def test_id_is_utc_time_and_node() -> None:
    assert manifest.new_id("mariadb3", 1795275304.5) == "20261121T153504Z-mariadb3"


def test_facts_of_mariadb_backup() -> None:
    facts = manifest.parse_facts(
        "to_lsn = 50329\nbinlog_pos = filename 'b.3', position '379', GTID of the last change '0-1-6'\n"
    )
    assert facts["to_lsn"] == "50329"
    assert manifest.gtid_of(facts) == "0-1-6"
    assert manifest.gtid_of({}) == ""


def test_a_chain_goes_from_the_full_backup_to_the_wanted_one() -> None:
    assert [each.id for each in manifest.chain("b3", reversed(WEEK))] == ["b1", "b2", "b3"]
    assert [each.id for each in manifest.chain("b4", WEEK)] == ["b4"]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "The repository has no backup b3."),
        ([made(1), made(3, 2)], "no backup b2, which b3 adds to"),
        ([made(2, 1), made(3, 2)], "no backup b1, which b2 adds to"),
        ([made(1), made(2, 1, from_lsn=99), made(3, 2)], "b2 begins at LSN 99 of mariadb3, and b1 ends at 100"),
        ([made(1, node="mariadb2"), made(2, 1), made(3, 2)], "do not fit"),
        (
            [made(1), made(2, 1), made(3, 2, server="11.4.1-MariaDB")],
            "b3 was made by MariaDB 11.4, and b2, .* by 10.11",
        ),
        ([made(3, 3)], "adds to itself"),
        ([made(3, 2), made(2, 3)], "adds to itself"),
    ],
)
def test_a_broken_chain_is_named(known: list[manifest.Manifest], said: str) -> None:
    with pytest.raises(manifest.BackupError, match=said):
        manifest.chain("b3", known)


def test_the_newest_that_can_be_restored() -> None:
    assert manifest.newest(WEEK).id == "b5"
    assert manifest.newest(WEEK, before=3.5 * DAY).id == "b3"
    assert manifest.newest([each for each in WEEK if each.id != "b4"]).id == "b3"
    with pytest.raises(manifest.BackupError, match="no backup that had ended by 1970-01-01 12:00:00 UTC"):
        manifest.newest(WEEK, before=DAY / 2)


@pytest.mark.parametrize(
    ("mark", "node", "now", "base"),
    [
        ("b5", "mariadb3", 5.5, "b5"),
        ("", "mariadb3", 5.5, None),  # An SST took the mark away.
        ("b9", "mariadb3", 5.5, None),
        ("b5", "mariadb2", 5.5, None),  # The datadir moved under another name.
        ("b5", "mariadb3", 11.5, None),  # The full backup is a week old.
        ("b3", "mariadb3", 7.5, "b3"),
    ],
)
def test_what_an_incremental_backup_adds_to(mark: str, node: str, now: float, base: str | None) -> None:
    found = manifest.base_for(WEEK, node, mark, 7 * DAY, now * DAY, UUID, "10.11.20-MariaDB")
    assert (found and found.id) == base


@pytest.mark.parametrize(("uuid", "server"), [("restored", "10.11.19-MariaDB"), (UUID, "11.4.1-MariaDB")])
def test_it_adds_to_nothing_of_another_history_or_series(uuid: str, server: str) -> None:
    assert manifest.base_for(WEEK, "mariadb3", "b5", 7 * DAY, 5.5 * DAY, uuid, server) is None


def test_an_incremental_backup_never_adds_to_a_broken_chain() -> None:
    assert manifest.base_for(WEEK[1:3], "mariadb3", "b3", 7 * DAY, 3.5 * DAY, UUID, WEEK[0].server) is None


def test_what_a_kept_backup_adds_to_is_kept() -> None:
    assert manifest.expired(WEEK, keep_days=2.5, keep_fulls=0, now=5 * DAY) == []
    assert manifest.expired(WEEK, keep_days=1.5, keep_fulls=0, now=5 * DAY) == ["b1", "b2", "b3"]
    assert manifest.expired(WEEK, keep_days=1.5, keep_fulls=2, now=5 * DAY) == ["b2", "b3"]
    assert manifest.expired(WEEK, keep_days=1, keep_fulls=1, now=99 * DAY) == ["b1", "b2", "b3"]


@given(
    st.lists(st.booleans(), min_size=1, max_size=12),
    st.floats(min_value=0, max_value=15),
    st.integers(min_value=1, max_value=3),
)
def test_whatever_goes_the_rest_can_be_restored(fulls: list[bool], keep_days: float, keep_fulls: int) -> None:
    backups = [made(n, 0 if full or n == 1 else n - 1) for n, full in enumerate(fulls, 1)]
    gone = manifest.expired(backups, keep_days, keep_fulls, now=len(backups) * DAY)
    rest = [each for each in backups if each.id not in gone]
    assert any(each.full for each in rest)
    assert backups[-1] in rest
    for each in rest:
        manifest.chain(each.id, rest)


@pytest.mark.parametrize(
    ("version", "series"), [("10.11.19-MariaDB-log", "10.11"), ("mariadbd  Ver 11.8.3-MariaDB", "11.8")]
)
def test_series(version: str, series: str) -> None:
    assert manifest.series(version) == series
