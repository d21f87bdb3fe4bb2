"""Where the proxies' templates put the nodes: writer, weights, statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

TEMPLATES = Path(__file__).resolve().parents[3] / "roles/proxysql/templates"
PLACE = {
    "hostgroups": {"writer_hostgroup": 10, "backup_writer_hostgroup": 30, "reader_hostgroup": 20},
    "server_connections": 33,
    "drained": ["mariadb2"],
}
# Drained nodes last, as vars/main.yml orders them.
BACKENDS = [{"name": f"mariadb{number}", "address": f"198.51.100.{number}", "port": 3306} for number in (1, 3, 2)]


def rendered(template: str, checked: list[dict[str, Any]], note: str = "") -> dict[tuple[int, str], dict[str, Any]]:
    """The rows by hostgroup and node."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False
    )
    environment.filters["to_json"] = json.dumps
    text = environment.get_template(template).render(
        __proxysql_place=PLACE, __proxysql_backends=BACKENDS, __proxysql_checked=checked, __proxysql_branch_note=note
    )
    return {(row["hostgroup_id"], row["comment"]): row for row in yaml.safe_load(text)}


def test_native_is_laid_out_as_the_monitor_lays_it_out() -> None:
    rows = rendered("servers.yml.j2", [])
    assert {place: (row.get("status", "ONLINE"), row["weight"]) for place, row in rows.items()} == {
        (10, "mariadb1"): ("ONLINE", 1000),
        (20, "mariadb1"): ("ONLINE", 1000),
        (10, "mariadb3"): ("SHUNNED", 999),
        (20, "mariadb3"): ("ONLINE", 999),
        (30, "mariadb3"): ("ONLINE", 999),
        (10, "mariadb2"): ("SHUNNED", 0),
        (20, "mariadb2"): ("ONLINE", 0),
        (30, "mariadb2"): ("ONLINE", 0),
    }


def test_the_checker_begins_with_every_node_in_both_hostgroups() -> None:
    rows = rendered("servers_checked.yml.j2", [])
    assert {place: (row["status"], row["weight"]) for place, row in rows.items()} == {
        (10, "mariadb1"): ("ONLINE", 1000),
        (20, "mariadb1"): ("ONLINE", 1000),
        (10, "mariadb3"): ("OFFLINE_SOFT", 999),
        (20, "mariadb3"): ("ONLINE", 999),
        (10, "mariadb2"): ("OFFLINE_SOFT", 0),
        (20, "mariadb2"): ("ONLINE", 0),
    }


def test_what_the_checker_has_found_stays() -> None:
    found = [
        {"hostgroup_id": 10, "hostname": "198.51.100.1", "status": "OFFLINE_SOFT"},
        {"hostgroup_id": 20, "hostname": "198.51.100.1", "status": "OFFLINE_SOFT"},
        {"hostgroup_id": 10, "hostname": "198.51.100.3", "status": "ONLINE"},
        {"hostgroup_id": 20, "hostname": "198.51.100.3", "status": "SHUNNED"},
    ]
    rows = rendered("servers_checked.yml.j2", found)
    assert {place: row["status"] for place, row in rows.items()} == {
        (10, "mariadb1"): "OFFLINE_SOFT",
        (20, "mariadb1"): "OFFLINE_SOFT",
        (10, "mariadb3"): "ONLINE",
        # ProxySQL's own rest after errors: declared ONLINE.
        (20, "mariadb3"): "ONLINE",
        (10, "mariadb2"): "OFFLINE_SOFT",
        (20, "mariadb2"): "ONLINE",
    }


@pytest.mark.parametrize("template", ["servers.yml.j2", "servers_checked.yml.j2"])
def test_from_the_second_generation_on_rows_say_for_which_branch_they_were_written(template: str) -> None:
    names = {name for _hostgroup, name in rendered(template, [], " (galera.2)")}
    assert names == {"mariadb1 (galera.2)", "mariadb2 (galera.2)", "mariadb3 (galera.2)"}
