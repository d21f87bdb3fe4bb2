# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's traces say; the dictionaries are as galera_traces returns them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import (
    Container,
    Datadir,
    Live,
    Mark,
    Record,
    Traces,
    cluster_of,
    uuid_of,
)

UUID = "6f8c1a62-8f0b-11ee-9d3a-7a1c9a4e0f11"
DATADIR = "/containers/mariadb1/datadir"
BLANK = Datadir(DATADIR, resolved=DATADIR, mountpoint="/")
FULL = Datadir(
    DATADIR, resolved=DATADIR, mountpoint="/", exists=True, entries=("ibdata1", "mysql"), tables=True, ibdata1=True
)
OLD = Container("mariadb1", cluster="galera", started=100.0, datadir=DATADIR, resolved=DATADIR)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ("[mariadbd]\nwsrep_cluster_name = galera\n", "galera"),
        ('[mariadbd]\nwsrep-cluster-name="shop"\n', "shop"),
        ("wsrep_cluster_name = galera.2\n", "galera"),
        ("wsrep_cluster_name = my.2nd\n", "my.2nd"),
        ("wsrep_cluster_name = one\nwsrep_cluster_name = two\n", "two"),
        ("# wsrep_cluster_name = galera\n", ""),
        ("", ""),
    ],
)
def test_a_clusters_name_is_read_from_settings_without_its_generation(settings: str, name: str) -> None:
    assert cluster_of(settings) == name


@pytest.mark.parametrize(
    ("grastate", "uuid"),
    [
        (f"# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   -1\n", UUID),
        (f"uuid:    {UUID.upper()}\n", UUID),
        ("uuid:    00000000-0000-0000-0000-000000000000\n", ""),
        ("", ""),
    ],
)
def test_a_uuid_is_read_from_a_grastate(grastate: str, uuid: str) -> None:
    assert uuid_of(grastate) == uuid


def test_everything_is_read_from_the_modules_result() -> None:
    found: dict[str, Any] = {
        "engine": False,
        "why": "Docker Engine does not answer.",
        "containers": [{"name": "mariadb1", "cluster": "galera", "datadir": DATADIR, "resolved": DATADIR}],
        "records": [{"path": "/var/lib/dbops-galera/mariadb1", "node": "mariadb1", "members": ["mariadb1", "garbd"]}],
        "datadir": {"given": DATADIR, "resolved": DATADIR, "entries": ["mysql"]},
        "run": "/containers/mariadb1/run",
        "marks": [{"path": "/containers/mariadb1/stopped.json", "changed": 5.0, "cluster": "galera", "uuid": UUID}],
        "kept": 7.5,
        "live": {"gcomm_uuid": "1", "view_members": ["1", "2"], "version": "10.11.19-MariaDB", "provider": "4.23(r1)"},
    }
    traces = Traces.read(found)
    assert traces.container("mariadb1") == traces.containers[0]
    assert traces.record("mariadb1") == traces.records[0]
    assert traces.records[0].members == ("mariadb1", "garbd")
    assert traces.datadir.entries == ("mysql",)
    assert (traces.engine, traces.run, traces.kept) == (False, "/containers/mariadb1/run", 7.5)
    assert traces.live == Live("1", ("1", "2"), "10.11.19-MariaDB", "4.23(r1)")
    assert Traces.read({**found, "live": None}).live is None
    assert traces.container("mariadb2") is None
    assert traces.record("mariadb2") is None


@pytest.mark.parametrize(
    ("datadir", "blank", "ibdata_only", "told"),
    [
        (Datadir(DATADIR), True, False, "is absent"),
        (Datadir(DATADIR, exists=True), True, False, "is empty"),
        (Datadir(DATADIR, exists=True, own_entries=True), True, False, "holds only lost+found"),
        (Datadir("volume", known=False), False, False, "is absent"),
        (FULL, False, False, "is empty"),
        (Datadir(DATADIR, exists=True, entries=("ibdata1",), ibdata1=True), False, True, "is empty"),
        (Datadir(DATADIR, exists=True, entries=("ibdata1",), ibdata1=True, half=True), False, False, "is empty"),
        (Datadir(DATADIR, exists=True, entries=("mysql",)), False, False, "is empty"),
    ],
)
def test_a_datadir_is_blank_or_without_system_tables(
    datadir: Datadir, blank: bool, ibdata_only: bool, told: str
) -> None:
    assert (datadir.blank, datadir.ibdata_only, str(datadir)) == (blank, ibdata_only, told)


@pytest.mark.parametrize(
    ("datadir", "immovable"),
    [
        (FULL, ""),
        (BLANK, ""),
        (Datadir("volume", resolved="/x", entries=("mysql",)), "a Docker volume"),
        (Datadir("volume", known=False), "a Docker volume"),
        (Datadir(DATADIR, resolved="/big", target="/big", mountpoint="/big", entries=("mysql",)), "a symbolic link"),
        (Datadir(DATADIR, resolved=DATADIR, mountpoint=DATADIR, entries=("mysql",)), "a mount point"),
        (Datadir(DATADIR, resolved=DATADIR, mountpoint=DATADIR), ""),
    ],
)
def test_what_keeps_data_from_being_renamed(datadir: Datadir, immovable: str) -> None:
    assert datadir.immovable == immovable


def record(**changes: Any) -> Record:
    return Record(
        **{
            "path": "/var/lib/dbops-galera/mariadb1",
            "node": "mariadb1",
            "cluster": "galera",
            "datadir": DATADIR,
            "resolved": DATADIR,
            "had_data": True,
            **changes,
        }
    )


STOPPED = Mark("/containers/mariadb1/stopped.json", changed=200.0, cluster="galera", uuid=UUID)


@pytest.mark.parametrize(
    ("traces", "evidence"),
    [
        (Traces(BLANK), []),
        (Traces(BLANK, records=(record(),)), ["the mark /var/lib/dbops-galera/mariadb1/had-data"]),
        (Traces(BLANK, records=(record(had_data=False),)), []),
        (Traces(BLANK, records=(record(datadir="/elsewhere", resolved="/elsewhere"),)), []),
        (Traces(BLANK, records=(record(node="mariadb2"),)), []),
        (Traces(BLANK, containers=(OLD,)), ["container mariadb1, which was started before"]),
        # A container of today has its record; it may be started before it has data.
        (Traces(BLANK, containers=(Container(**{**vars(OLD), "recorded": True}),)), []),
        (Traces(BLANK, containers=(Container(**{**vars(OLD), "started": None}),)), []),
        (Traces(BLANK, containers=(Container(**{**vars(OLD), "datadir": "/x", "resolved": "/x"}),)), []),
        (Traces(BLANK, marks=(STOPPED,)), ["the file /containers/mariadb1/stopped.json"]),
        # The datadir was moved aside on purpose, and after that: repair_node, remove_node and restore do so.
        (Traces(BLANK, containers=(OLD,), marks=(STOPPED,), kept=300.0), []),
        (
            Traces(BLANK, containers=(OLD,), marks=(STOPPED,), kept=150.0),
            ["the file /containers/mariadb1/stopped.json"],
        ),
        # The mark is removed then, so it speaks whenever it is there.
        (Traces(BLANK, records=(record(),), kept=300.0), ["the mark /var/lib/dbops-galera/mariadb1/had-data"]),
    ],
)
def test_what_says_that_a_node_had_data(traces: Traces, evidence: list[str]) -> None:
    assert traces.evidence("mariadb1") == evidence


@pytest.mark.parametrize(
    ("traces", "virgin"),
    [
        (Traces(BLANK), True),
        (Traces(FULL), False),
        (Traces(BLANK, containers=(OLD,)), False),
        (Traces(BLANK, records=(record(had_data=False),)), False),
        (Traces(BLANK, records=(record(node="mariadb2", datadir="/x", resolved="/x"),)), True),
        (Traces(BLANK, marks=(STOPPED,)), False),
        (Traces(BLANK, containers=(Container("shop1", cluster="shop", datadir="/x", resolved="/x"),)), True),
    ],
)
def test_a_host_without_any_trace_of_the_node(traces: Traces, virgin: bool) -> None:
    assert traces.virgin("mariadb1") is virgin


def test_paths_are_compared_by_what_they_resolve_to() -> None:
    linked = Datadir("/data/mysql", resolved="/big/mysql", target="/big/mysql")
    traces = Traces(linked)
    assert traces.here(Container("mariadb1", datadir="/data/mysql"))
    assert traces.here(Container("mariadb1", datadir="/big/mysql", resolved="/big/mysql"))
    assert not traces.here(Container("mariadb1", datadir="/other", resolved="/other"))
    assert not traces.here(Container("mariadb1"))
    assert traces.on_it(record(datadir="/big/mysql", resolved="/big/mysql"))
    assert traces.on_it(record(datadir="/data/mysql", resolved="/old/mysql"))
    assert not traces.on_it(record())


def test_each_trace_tells_its_history_by_its_surest_source() -> None:
    other = "11111111-2222-3333-4444-555555555555"
    full = Datadir(**{**vars(FULL), "uuid": UUID})
    assert Traces(full, records=(record(uuid=other),)).uuids("galera", "mariadb1") == [UUID]
    assert Traces(BLANK, records=(record(uuid=other),), marks=(STOPPED,)).uuids("galera", "mariadb1") == [other]
    assert Traces(BLANK, records=(record(uuid=other, cluster="shop"),)).uuids("galera", "mariadb1") == []
    assert Traces(BLANK, marks=(STOPPED,)).uuids("galera", "mariadb1") == [UUID]
    elsewhere = Container("mariadb1", cluster="galera", datadir="/x", resolved="/x", uuid=other)
    assert Traces(full, containers=(elsewhere,)).uuids("galera", "mariadb1") == sorted([UUID, other])
    assert (
        Traces(BLANK, records=(record(uuid="0" * 8 + "-0000-0000-0000-" + "0" * 12),)).uuids("galera", "mariadb1") == []
    )
