# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trial tells, by the recorded output of real ones, and what speaks against settings on a host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils import _trial
from ansible_collections.dbops.galera.plugins.module_utils._trial import Place, Trial, Tried, read

RECORDED = Path(__file__).parent / "recorded/trials"


def recorded(name: str) -> Tried:
    code, _line, log = (RECORDED / f"{name}.log").read_text().partition("\n")
    return read(int(code), log)


class Engine:
    """Notes what it is to run."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.binds: Sequence[str] = ()
        self.ran: dict[str, Any] = {}

    def run(
        self, name: str, image: str, command: Sequence[str], binds: Sequence[str], timeout: float, empty: Any
    ) -> Any:
        content = Path(next(bind for bind in binds if "galera.cnf" in bind).split(":")[0]).read_text()
        self.ran = {"name": name, "image": image, "command": command, "binds": list(binds), "empty": list(empty)}
        self.ran |= {"timeout": timeout, "content": content}
        return self.code, (RECORDED / "ready.log").read_text().partition("\n")[2]

    def mountpoint(self, datadir: str) -> str | None:
        return datadir if os.path.isdir(datadir) else None

    def inspect(self, _name: str) -> dict[str, Any] | None:
        return {"HostConfig": {"Binds": list(self.binds)}}


@pytest.mark.parametrize(("name", "version", "undo"), [("ready", "10.11.19", "0"), ("ready-11.8", "11.8.9", "3")])
def test_a_server_that_is_ready(name: str, version: str, undo: str) -> None:
    tried = recorded(name)
    assert (tried.version, tried.provider, tried.provider_version) == (version, True, "4.23(rXXXX)")
    assert (tried.errors, tried.unknown, tried.warnings, tried.zoneinfo) == ([], [], [], False)
    assert set(tried.values) == set(_trial.ASKED)
    assert tried.values["innodb_undo_tablespaces"] == undo


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("option", "WSREP: Unrecognized parameter 'gcache.sise'"),
        ("value", "Bad value 'PT15' for parameter 'evs.suspect_timeout'"),
        ("plugin", "File '/none' not found"),
        ("redo", "/nowhere/ib_logfile101 was not found"),
    ],
)
def test_the_server_s_words_are_the_error(name: str, words: str) -> None:
    tried = recorded(name)
    assert words in tried.errors[0]
    assert len(tried.errors) <= 2
    assert len("; ".join(tried.errors)) < 300


def test_an_unknown_setting_is_told_by_its_name() -> None:
    assert recorded("unknown").unknown == ["no_such_setting"]


def test_an_image_without_a_server() -> None:
    assert read(127, "sh: 1: mariadbd: not found\n") == Tried()


def test_a_server_that_is_never_ready() -> None:
    log = (RECORDED / "ready.log").read_text().partition("\n")[2]
    assert read(124, log).errors == ["the server was not ready within 60 s"]


def test_a_server_that_ends_without_a_word() -> None:
    assert (
        "Illegal instruction"
        in read(132, "mariadbd  Ver 10.11.19-MariaDB\nprovider 4.23(r1)\nIllegal instruction\n").errors[0]
    )


def test_it_is_asked_and_started_with_the_file_and_the_volumes(tmp_path: Path) -> None:
    engine = Engine()
    for name in ("galera.cnf", "keys"):
        (tmp_path / name).touch()
    settings = (
        "[mariadbd]\ntmpdir = /var/lib/mysql/tmp\nlog_bin = /var/lib/redo/log/b\nslow_query_log_file = /dev/stderr\n"
    )
    volumes = (f"{tmp_path}:/etc/keys:ro", "/no/such/place:/etc/more:ro", "/disk/redo:/var/lib/redo")
    trial = Trial(engine, "m-settings", "mariadb", "/lib/galera.so", settings, str(tmp_path), volumes)  # type: ignore[arg-type]
    assert trial.run(30).version == "10.11.19"
    assert engine.ran["content"] == settings
    assert engine.ran["binds"][1:] == [
        f"{tmp_path}/keys:/etc/mysql/mariadb.conf.d/keys:ro",
        f"{tmp_path}:/etc/keys:ro",
    ]
    assert engine.ran["empty"] == ["/var/lib/redo"]
    assert engine.ran["command"][3:] == [
        "sh",
        "/lib/galera.so",
        "/var/lib/redo",
        "/var/lib/mysql/tmp",
        "/var/lib/redo/log",
    ]


VALUES = {"innodb_page_size": "16384", "innodb_log_file_size": "100663296", "innodb_log_group_home_dir": "./"}
GOOD = Tried(version="10.11.19", provider=True, values=VALUES)


def place(where: Path, settings: str = "[mariadbd]\n", before: str | None = None, **changed: Any) -> Place:
    (where / "datadir").mkdir(exist_ok=True)
    if before is not None:
        (where / "in-force.cnf").write_text(before)
    return replace(
        Place(
            node="mariadb1",
            socket="/none",
            defaults_file=None,
            image="mariadb:10.11",
            provider="/lib/galera.so",
            settings=settings,
            config_dir=str(where),
            record=str(where / "in-force.cnf"),
            datadir=str(where / "datadir"),
            volumes=(),
            uid=os.getuid(),
        ),
        **changed,
    )


def answering(monkeypatch: pytest.MonkeyPatch, rows: Mapping[str, str] | None) -> None:
    monkeypatch.setattr(Place, "_ask", lambda *_arguments: rows)


def problems(asked: Place, tried: Tried = GOOD) -> str:
    return " ".join(asked.problems(tried, Engine()))  # type: ignore[arg-type]


def test_settings_that_the_host_has_were_tried(tmp_path: Path) -> None:
    (tmp_path / "galera.cnf").write_text("[mariadbd]\n")
    assert place(tmp_path).settled()
    assert not place(tmp_path, "[mariadbd]\nx = 1\n").settled()


def test_nothing_speaks_against_good_ones(tmp_path: Path) -> None:
    assert problems(place(tmp_path)) == ""


def test_images_that_cannot_run_a_node(tmp_path: Path) -> None:
    assert "has no MariaDB server" in problems(place(tmp_path), Tried())
    assert "no Galera provider at /lib/galera.so" in problems(place(tmp_path), Tried(version="10.11.19"))


def test_what_the_server_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    told = problems(place(tmp_path), recorded("option"))
    assert told.startswith("mariadb1: the server of mariadb:10.11 refuses the settings: WSREP: Unrecognized parameter")
    assert told.endswith("No settings were replaced.")
    assert "unknown variable 'no_such_setting'" in problems(place(tmp_path), recorded("unknown"))


def test_what_a_datadir_was_made_with_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"innodb_page_size": "16384"})
    before = "[mariadbd]\n"
    same = place(tmp_path, "[mariadbd]\ninnodb-page-size = 16k\n", before)
    assert problems(same) == ""
    other = replace(GOOD, values={**VALUES, "innodb_page_size": "4096"})
    assert "made with innodb_page_size=16384, and mariadb_config would have it 4096" in problems(same, other)


def test_a_directory_is_the_same_in_any_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"innodb_log_group_home_dir": "./"})
    asked = place(tmp_path, "[mariadbd]\ninnodb_log_group_home_dir = /var/lib/mysql/\n", "[mariadbd]\n")
    assert problems(asked, replace(GOOD, values={**VALUES, "innodb_log_group_home_dir": "/var/lib/mysql/"})) == ""
    moved = replace(GOOD, values={**VALUES, "innodb_log_group_home_dir": "/var/lib/redo"})
    assert "innodb_log_group_home_dir=./" in problems(asked, moved)


def test_what_cannot_be_compared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, None)
    asked = place(tmp_path, "[mariadbd]\ninnodb_page_size = 16k\n", "[mariadbd]\n")
    assert "does not answer, so they cannot be compared" in problems(asked)
    # A new node has nothing to be compared with.
    (tmp_path / "in-force.cnf").unlink()
    assert problems(asked) == ""


def test_what_is_allocated_in_full_has_room(tmp_path: Path) -> None:
    options = 'wsrep_provider_options = "gcache.size=900T"\n'
    told = problems(place(tmp_path, f"[mariadbd]\n{options}"))
    assert "gcache.size and innodb_log_file_size take 94" in told
    assert "free there" in told


def test_what_is_there_already_takes_no_more_room(tmp_path: Path) -> None:
    asked = place(tmp_path, '[mariadbd]\nwsrep_provider_options = "gcache.size=900T"\n')
    with (tmp_path / "datadir/galera.cache").open("wb") as file:
        file.truncate(2**43)
    assert "innodb_log_file_size" in problems(asked)


ZONE = "[mariadbd]\ndefault_time_zone = Europe/Rome\n"
ROME = replace(GOOD, values={**VALUES, "default_time_zone": "Europe/Rome"}, zoneinfo=True)


@pytest.mark.parametrize(
    ("before", "rows", "tried", "words"),
    [
        ("[mariadbd]\n", {}, ROME, "no time zone of that name in its tables"),
        ("[mariadbd]\n", {"europe/rome": "1"}, ROME, ""),
        ("[mariadbd]\n", None, ROME, "does not answer"),
        (ZONE, None, ROME, ""),
        (None, None, ROME, ""),
        (None, None, replace(ROME, zoneinfo=False), "which the image does not know"),
        ("[mariadbd]\n", {}, replace(ROME, values={"default_time_zone": "+01:00"}), ""),
        ("[mariadbd]\n", {}, replace(ROME, values={"default_time_zone": "SYSTEM"}), ""),
    ],
)
def test_a_named_time_zone_is_in_the_tables(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
    rows: Mapping[str, str] | None,
    tried: Tried,
    words: str,
) -> None:
    answering(monkeypatch, rows)
    told = problems(place(tmp_path, ZONE, before), tried)
    assert words in told
    assert bool(words) == bool(told)


def test_a_redo_log_elsewhere_needs_no_room_in_the_datadir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {})
    (tmp_path / "redo").mkdir()
    settings = "[mariadbd]\ninnodb_log_group_home_dir = /var/lib/redo\n"
    asked = place(tmp_path, settings, volumes=(f"{tmp_path}/redo:/var/lib/redo",))
    with (tmp_path / "redo/ib_logfile0").open("wb") as file:
        file.truncate(2**40)
    big = replace(GOOD, values={**VALUES, "innodb_log_file_size": str(2**40)})
    assert problems(asked, big) == ""


def test_a_directory_that_a_setting_needs_is_there(tmp_path: Path) -> None:
    asked = place(tmp_path, "[mariadbd]\nslow-query-log-file = logs/slow.log\n")
    assert "needs the directory " + str(tmp_path / "datadir/logs") in problems(asked)
    (tmp_path / "datadir/logs").mkdir()
    assert problems(asked) == ""


def test_the_datadir_of_a_first_run_is_made_later(tmp_path: Path) -> None:
    asked = place(tmp_path, "[mariadbd]\nlog_bin = mariadb-bin\nslow-query-log-file = slow.log\n")
    (tmp_path / "datadir").rmdir()
    assert problems(asked) == ""


def test_a_volume_with_data_does_not_move(tmp_path: Path) -> None:
    engine = Engine()
    engine.binds = ["/disk/redo:/var/lib/redo:rw"]
    settings = "[mariadbd]\ninnodb_log_group_home_dir = /var/lib/redo\n"
    (tmp_path / "redo").mkdir()
    asked = place(tmp_path, settings, settings, volumes=(f"{tmp_path}/redo:/var/lib/redo",))
    assert "is in /disk/redo (for /var/lib/redo)" in " ".join(asked.problems(GOOD, engine))  # type: ignore[arg-type]
    engine.binds = [f"{tmp_path}/redo/:/var/lib/redo:rw"]
    assert asked.problems(GOOD, engine) == []  # type: ignore[arg-type]


def test_volumes_exist_and_belong_to_the_server(tmp_path: Path) -> None:
    def problems(asked: Place) -> str:
        return " ".join(asked.volume_problems())

    assert "does not exist on this host" in problems(place(tmp_path, volumes=("/no/such/place:/var/lib/redo",)))
    mine = place(tmp_path, volumes=(f"{tmp_path}:/var/lib/redo",))
    assert problems(mine) == ""
    assert "belongs to the user" in problems(replace(mine, uid=os.getuid() + 1))
    assert problems(replace(mine, uid=os.getuid() + 1, volumes=(f"{tmp_path}:/etc/keys:ro",))) == ""
