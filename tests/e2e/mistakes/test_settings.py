"""Settings that would take a node down, out of its cluster or away from its clients; clients write all the while."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ..conftest import Lab
from .evidence import extra, refused

# What is refused by its name: settings, and words of the sentence.
BY_NAME = {
    "datadir": ("/elsewhere", "the host's directory is mariadb_datadir"),
    "Port": (3307, "set galera_port"),
    "skip-networking": (None, "it would cut off the checks, ProxySQL and Keepalived"),
    "require_secure_transport": (True, "which use no TLS"),
    "wsrep-on": (False, "without it a server writes what no other node gets"),
    "loose_wsrep_cluster_address": ("gcomm://", "it is made of the hosts of the group galera"),
    "wsrep_OSU_method": ("RSU", "tables would be changed on one node only"),
    "innodb_force_recovery": (3, "it is for a rescue by hand"),
    "binlog_format": ("MIXED", "Galera replicates rows"),
    "general_log_file": ("/var/log/general.log", "inside the container and goes with it"),
    "innodb_log_group_home_dir": ("/redo", "inside the container and goes with it"),
    "max_allowed_packet": ([1, 2], "is a list, and the server takes one value"),
    "init connect": ("SELECT 1", "is not a valid name of a setting"),
}
OPTIONS = {
    "pc.ignore_sb": (True, "both halves of a split would write"),
    "PC.Recovery": (False, "nodes that all crashed come back by themselves"),
    "gcache.size": ("2 GB", "write a size like 2G"),
    "evs.suspect_timeout": ("15 seconds", "write a time like PT15S"),
    "gcs.fc_limit": ("16;evs.send_window=4", "without ; = and quotes"),
    "pc.weight": (None, "has no single value"),
}
# What only the server finds, when it tries the settings: mariadb_config, options of the provider, its words.
TRIED = {
    "a typo": ({"mysqld": {"max_conections": 5}}, {}, "unknown variable 'max_conections'"),
    "a typo of an option": ({}, {"gcache.sise": "2G"}, "Unrecognized parameter 'gcache.sise'"),
    "a plugin that is missing": ({"server": {"plugin_load_add": ["no_such"]}}, {}, "no_such.so"),
    "a key file that is missing": (
        {"mariadbd": {"plugin_load_add": "file_key_management", "file-key-management-filename": "/none"}},
        {},
        "File '/none' not found",
    ),
    "a directory that is missing": ({"galera": {"tmpdir": "/nowhere"}}, {}, "/nowhere"),
    "a certificate that is missing": ({"mariadbd": {"ssl_cert": "/a", "ssl_key": "/b"}}, {}, "SSL"),
    "a time zone that nobody knows": ({"mariadbd": {"default_time_zone": "Europe/Rom"}}, {}, "does not know"),
    "another page size": ({"mariadbd": {"innodb-page-size": "8k"}}, {}, "made with innodb_page_size=16384"),
    "more than the disk has": ({}, {"gcache.size": "900T"}, "Make room, or choose less"),
}


def files(lab: Lab) -> set[str]:
    return {lab.quick(host, f"sha256sum /containers/{node}/conf.d/galera.cnf") for host, node in lab.nodes.items()}


def refused_settings(lab: Lab, config: Mapping[str, object], options: Mapping[str, object]) -> str:
    before = files(lab)
    said = refused(lab, "site", *extra(mariadb_config=config, mariadb_provider_options=options))
    assert files(lab) == before
    return said


@pytest.mark.usefixtures("served")
class TestWhileItServes:
    def test_settings_that_are_refused_by_name(self, lab: Lab) -> None:
        """All at once, each with its sentence, for every host."""
        config = {"mariadb": {name: value for name, (value, _words) in BY_NAME.items()}}
        said = refused_settings(lab, config, {name: value for name, (value, _words) in OPTIONS.items()})
        for words in [words for _value, words in (*BY_NAME.values(), *OPTIONS.values())]:
            assert words in said

    def test_two_spellings_that_differ(self, lab: Lab) -> None:
        config = {"mariadbd": {"max_connections": 100}, "mysqld": {"loose-max-connections": 200}}
        assert "are one setting, and differ" in refused_settings(lab, config, {})

    @pytest.mark.parametrize("name", TRIED)
    def test_settings_that_the_server_refuses(self, lab: Lab, name: str) -> None:
        config, options, words = TRIED[name]
        said = refused_settings(lab, config, {"gcache.size": "64M", **options})
        assert words in said
        # Ansible tells where the task stands behind it.
        assert len(said[said.index(words) :].partition(" Origin: ")[0]) < 300
