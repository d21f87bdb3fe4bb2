# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One form for what an operator writes in many, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._model.settings import (
    REFUSED,
    REFUSED_OPTIONS,
    Asked,
    line,
    meant,
    merged,
    outside_datadir,
    provider_options,
    risky,
    text,
    wrong,
)
from ansible_collections.dbops.galera.plugins.module_utils._settings import parse
from hypothesis import given
from hypothesis import strategies as st

OWN = {
    "mariadbd": {"max_connections": 151, "innodb_buffer_pool_size": "100M", "ignore_db_dirs": "lost+found"},
    "client": {"socket": "/run/s"},
}


def settings(config: Any, own: Any = None) -> dict[str, dict[str, str]]:
    return parse(text(merged(OWN if own is None else own, config)))


@pytest.mark.parametrize("section", ["mysqld", "mariadb", "server", "galera", "mariadbd", "MariaDB"])
@pytest.mark.parametrize("name", ["max_connections", "max-connections", "MAX-Connections", "loose_max_connections"])
def test_the_operator_s_value_is_the_only_one(section: str, name: str) -> None:
    written = text(merged(OWN, {section: {name: 500}}))
    assert written.lower().replace("-", "_").count("max_connections") == 1
    assert "[mysqld]" not in written
    assert f"{name} = 500" in written


def test_skip_and_disable_are_the_same_setting() -> None:
    own = {"mariadbd": {"log_slave_updates": "ON"}}
    assert "log_slave_updates = ON" not in text(merged(own, {"mysqld": {"skip-log-slave-updates": None}}))
    assert meant("skip-networking") == ("networking", "OFF")
    assert meant("skip_name_resolve", True) == ("skip_name_resolve", "ON")
    assert meant("loose-skip-innodb", "OFF") == ("innodb", "ON")


def test_sections_of_other_programs_stay_apart() -> None:
    found = settings(
        {"client": {"socket": "/x"}, "mysqldump": {"quick": None}, "mariadbd-10.11": {"max_connections": 7}}
    )
    assert found["client"] == {"socket": "/x"}
    assert found["mysqldump"] == {"quick": "ON"}
    assert (found["mariadbd"]["max_connections"], found["mariadbd-10.11"]["max_connections"]) == ("151", "7")


def test_a_section_of_one_series_comes_after_the_server_s() -> None:
    written = text(merged(OWN, {"mariadb-10.11": {"x": 1}, "client-server": {"y": 2}}))
    places = [written.index(f"[{name}]") for name in ("mariadbd", "client-server", "mariadb-10.11", "client")]
    assert places == sorted(places)


def test_what_the_server_takes_many_times_is_added() -> None:
    written = text(merged(OWN, {"mysqld": {"ignore-db-dirs": [".snapshot", "lost+found"]}}))
    assert written.count("lost+found") == 1
    assert "ignore_db_dirs = .snapshot" in written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "x = ON"),
        (False, "x = OFF"),
        (None, "x"),
        ("", "x ="),
        (5, "x = 5"),
        ("SET @a='#'", "x = \"SET @a='#'\""),
        ("C:\\t", 'x = "C:\\\\t"'),
        (["a", "b"], "x = a,b"),
        ("one\ntwo\n", 'x = "one\\ntwo"'),
        ("'quoted'", "x = 'quoted'"),
        (" led", 'x = " led"'),
    ],
)
def test_values_are_written_as_the_server_reads_them(value: object, written: str) -> None:
    assert line("x", value) == written


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_value_is_read_as_it_was_written(value: str) -> None:
    # What stands in quotes as a whole is the operator's own writing, and line ends at the end are YAML's.
    if (len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]) or len(value.splitlines()) > 1:
        return
    assert settings({"mariadbd": {"init_connect": value}}, {})["mariadbd"]["init_connect"] == value.rstrip("\n")


def told(config: Any = None, options: Any = None, **more: Any) -> str:
    return " ".join(wrong(Asked(config or {}, options or {}, **more)))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (["max_connections"], "is not a mapping"),
        ({"mariadbd": None}, "is not a mapping"),
        ({"mariadbd": {"datadir": "/x"}}, "mariadb_datadir"),
        ({"mysqld": {"Port": 3307}}, "galera_port"),
        ({"galera": {"wsrep-on": False}}, "wsrep-on=OFF is refused"),
        ({"mariadbd": {"skip-networking": None}}, "cut off"),
        ({"mariadbd": {"skip_grant_tables": None}}, "everybody could do everything"),
        ({"mariadbd": {"bind-address": "127.0.0.1"}}, "cut off"),
        ({"mariadbd": {"require_secure_transport": "ON"}}, "no TLS"),
        ({"mariadbd": {"innodb_force_recovery": 1}}, "rescue"),
        ({"mariadbd": {"wsrep_OSU_method": "RSU"}}, "on one node only"),
        ({"mariadbd": {"wsrep_cluster_address": "gcomm://"}}, "this collection sets it"),
        ({"mariadbd": {"binlog_storage_engine": "innodb"}}, "Galera does not work with it"),
        ({"mariadbd": {"general_log_file": "/var/log/x.log"}}, "goes with it"),
        ({"mariadbd": {"innodb_data_file_path": "/big/ibdata1:1G"}}, "goes with it"),
        ({"mariadbd": {"log_bin": "../binlog/x"}}, "goes with it"),
        ({"mariadbd": {"wsrep_data_home_dir": "/var/lib/mysql/galera"}}, "is read in the datadir"),
        ({"mariadbd": {"unix_socket": False}}, "log in with it"),
        ({"mariadbd": {"innodb": "'OFF'"}}, "InnoDB's tables"),
        ({"MariaDB-10.11": {"skip-grant": None}}, "everybody could do everything"),
        ({"Client-Server": {"port": 3307}}, "galera_port"),
        ({"mariadbd": {"max_connections": 5, "max-connections": 6}}, "are one setting, and differ"),
        ({"mariadbd": {"max_connections": 5}, "mysqld": {"loose_max_connections": 6}}, "are one setting, and differ"),
        ({"mariadbd": {"max_connections": [5, 6]}}, "is a list"),
        ({"mariadbd": {"max_connections": {"a": 1}}}, "is a mapping"),
        ({"mariadbd": {"a b": 1}}, "not a valid name of a setting"),
        ({"a b": {"x": 1}}, "not a valid name of a section"),
        ({"mariadbd": {"init_connect": "x" * 5000}}, "does not read whole"),
        ({"mariadbd": {"init_connect": "a\0b"}}, "NUL"),
    ],
)
def test_refused_settings(config: Any, words: str) -> None:
    assert words in told(config)
    assert told(config).startswith("mariadb_config")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"mariadbd": {"max_connections": 500, "innodb_force_recovery": 0, "wsrep_osu_method": "TOI"}},
        {"mariadbd": {"max_connections": 5}, "mysqld": {"max-connections": "5"}},
        {"mariadbd": {"require_secure_transport": "OFF", "binlog_format": "row", "log_error": "node.err"}},
        {
            "mariadbd": {
                "general_log_file": "/var/lib/mysql/general.log",
                "log_error": "/dev/stderr",
                "bind_address": "192.168.55.161",
                "maximum_max_connections": 9,
                "max_connections": 5,
                "innodb_data_file_path": "ibdata1:1G;ibdata2:1G",
            }
        },
        {"client": {"port": 3307}, "mysqldump": {"socket": "/x"}},
        {"mariadbd": {"plugin_load_add": ["a", "b"], "sql_mode": ["ANSI", "TRADITIONAL"], "log_error": None}},
        {"mariadbd": {"log_bin": "bin", "server_id": 3, "log_slave_updates": "ON"}},
    ],
)
def test_settings_that_are_the_operator_s_business(config: Any) -> None:
    assert told(config) == ""


def test_with_binary_logs_of_the_role_what_they_need_is_its_own() -> None:
    for config in ({"server_id": 3}, {"log-bin": "x"}, {"skip_log_slave_updates": None}, {"gtid-domain-id": 4}):
        assert "refused" in told({"mariadbd": config}, binlog=True)
    assert told({"mariadbd": {"log_slave_updates": "ON"}}, binlog=True) == ""


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_every_refused_setting_is_refused_in_any_spelling(row: Any) -> None:
    values = ["", "1", "ON", "OFF", "0", "innodb", "STATEMENT", "RSU", "MyISAM", "rsync", "127.0.0.1", "7", "DEFAULT"]
    bad = next(value for value in values if row.values(value))
    shortened = row.name[:-1] if len(row.name) > 5 else row.name
    for name in (row.name, row.name.replace("_", "-"), f"loose-{row.name}".upper(), shortened):
        assert row.why in told({"server": {name: bad}}, binlog=row.binlog)


@pytest.mark.parametrize("row", REFUSED_OPTIONS, ids=lambda row: row.name)
def test_every_refused_option_is_refused(row: Any) -> None:
    bad = next(value for value in ("true", "no", "/x") if row.values(value))
    assert row.why in told(options={row.name.upper(): bad})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ""),
        (["gcache.size"], "not a mapping"),
        ({"gcache.size": None}, "no single value"),
        ({"gcache.size": "2 GB"}, "a size like 2G"),
        ({"evs.suspect_timeout": "15 seconds"}, "a time like PT15S"),
        ({"gcs.fc_limit": "16;evs.send_window=4"}, "without ; = and quotes"),
        ({"gcache.size": "1G", "GCACHE.SIZE": "2G"}, "is there twice"),
        ({"gcache_size": "1G"}, "not a valid name of an option"),
        ({"pc.ignore_sb": True}, "both halves"),
        ({"pc.recovery": "n"}, "come back by themselves"),
        ({"gmcast.isolate": 1}, "out of the cluster"),
    ],
)
def test_refused_options(options: Any, words: str) -> None:
    assert words in told(options=options)


def test_a_buffer_may_have_its_own_size() -> None:
    assert told(options={"socket.recv_buf_size": "auto"}) == ""


@pytest.mark.parametrize(("value", "written"), [(True, "log_bin"), (False, "skip_log_bin"), ("b", "log_bin = b")])
def test_a_boolean_is_no_name_of_a_file(value: object, written: str) -> None:
    assert line("log_bin", value) == written


def test_a_quoted_value_of_many_lines_is_one_value() -> None:
    assert "\n" not in line("init_connect", "'SET a=1;\nskip-grant-tables'")


@pytest.mark.parametrize("name", ["character_set_server", "collation-server"])
def test_the_role_s_section_of_a_series_does_not_win(name: str) -> None:
    own = {"mariadbd-10.11": {"character_set_server": "utf8mb4"}}
    assert "utf8mb4" not in text(merged(own, {"mysqld": {name: "latin1"}}))
    assert "[mariadbd-10.11]\ncharacter_set_server = utf8mb4" in text(merged(own, {"client": {name: "latin1"}}))


def test_options_are_written_as_the_provider_reads_them() -> None:
    found = provider_options(
        {"gcache.size": "1G"},
        {"GCache.Size": "2G", "evs.suspect_timeout": 5, "cert.log_conflicts": True, "gmcast.time_wait": "7s"},
    )
    assert found == {
        "gcache.size": "2G",
        "evs.suspect_timeout": "PT5S",
        "cert.log_conflicts": "yes",
        "gmcast.time_wait": "PT7S",
    }


@pytest.mark.parametrize(
    ("volumes", "words"),
    [
        (["/disk/redo:/var/lib/redo", "/etc/keys:/etc/keys:ro"], ""),
        ("/a:/b", "is not a list"),
        (["redo:/var/lib/redo"], "is not a directory of the host"),
        (["/a:/b", "/c:/b/"], "twice"),
        (["/a:/var/lib/mysql/x"], "in the way"),
        (["/a:/var"], "in the way"),
        (["/a:/etc/mysql/mariadb.conf.d"], "in the way"),
        (["/a:/docker-entrypoint-initdb.d:ro"], "in the way"),
    ],
)
def test_further_volumes(volumes: Any, words: str) -> None:
    found = told(volumes=volumes)
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize("place", ["/tmp", "/tmp/a", "/var/lib/mysql/tmp", "tmp", "/tmp:/var/lib/redo/tmp", "/dev/shm"])
def test_temporary_files_where_a_server_can_write(place: str) -> None:
    assert told({"mariadbd": {"tmpdir": place}}, volumes=["/disk/redo:/var/lib/redo"]) == ""


@pytest.mark.parametrize("place", ["/var/tmp", "/tmp:/nowhere", "/tmpx"])
def test_temporary_files_on_the_root_file_system(place: str) -> None:
    said = told({"galera": {"innodb-tmpdir": place}})
    assert said.startswith(f"mariadb_config: innodb-tmpdir is {place}, which is on the container's own file system")


def test_places_in_further_volumes() -> None:
    config = {"mysqld": {"innodb-log-group-home-dir": "/var/lib/redo"}}
    assert "goes with it" in told(config)
    asked = Asked(config, {}, volumes=["/disk/redo:/var/lib/redo"])
    assert wrong(asked) == []
    assert outside_datadir(asked) == ["innodb_log_group_home_dir"]
    assert outside_datadir(Asked({"mariadbd": {"innodb_log_group_home_dir": "./redo"}}, {})) == []
    split = {"mariadbd": {"innodb_data_home_dir": "", "innodb_data_file_path": "ibdata1:1G;/ext/ibdata2:1G"}}
    assert outside_datadir(Asked(split, {})) == ["innodb_data_file_path"]
    assert outside_datadir(Asked({"mariadbd": {"rocksdb_datadir": "/ext/r"}}, {})) == ["rocksdb_datadir"]


def test_what_costs_safety_is_told() -> None:
    (sentence,) = risky(Asked({"server": {"innodb-flush-log-at-trx-commit": 2}}, {}))
    assert sentence.startswith("mariadb_config: innodb-flush-log-at-trx-commit is 2: ")
    assert risky(Asked({"mariadbd": {"innodb_flush_log_at_trx_commit": 1, "sync_binlog": 1}}, {})) == []
