"""Variables of roles that are worked out by Jinja, rendered by Ansible itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.dbops.galera.plugins.module_utils._model.traces import OF_THE_FILE_SYSTEM

ROLES = Path(__file__).resolve().parents[3] / "roles"


def trusted(value: Any) -> Any:
    """As Ansible reads a role's file: its texts are templates."""
    if isinstance(value, dict):
        return {name: trusted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [trusted(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value


def rendered(name: str, **variables: Any) -> Any:
    """A variable of the role mariadb; what is given counts before the role's own, and is no template."""
    own: dict[str, Any] = {}
    for file in ("galera/defaults", "mariadb/defaults", "mariadb/vars"):
        own.update(yaml.safe_load((ROLES / file / "main.yml").read_text(encoding="utf-8")))
    return Templar(loader=DataLoader(), variables={**trusted(own), **variables}).template(trusted(f"{{{{ {name} }}}}"))


SECRETS = {f"mariadb_{user}_password": f"{user}'s \"{{{{ % \\ ä" for user in ("admin", "monitor", "application")}


def accounts(**variables: Any) -> list[tuple[str, str, str]]:
    found = rendered("__mariadb_accounts", **SECRETS, **variables)
    return [(user["name"], host, user["privileges"]) for user, host in found]


def test_accounts_without_proxies_have_one_for_keepalived() -> None:
    assert accounts(galera_proxies=[], mariadb_client_hosts="10.0.0.%") == [
        ("admin", "10.0.0.%", "*.*:ALL,GRANT"),
        ("monitor", "10.0.0.%", "*.*:USAGE"),
        ("application", "10.0.0.%", "application.*:ALL"),
        ("monitor", "localhost", "*.*:USAGE"),
    ]


def test_accounts_are_of_every_host() -> None:
    found = accounts(galera_proxies=["host1"], mariadb_client_hosts=["10.0.0.%", "10.1.0.%", "10.0.0.%"])
    assert [f"{user}@{host}" for user, host, _privileges in found] == [
        "admin@10.0.0.%",
        "admin@10.1.0.%",
        "monitor@10.0.0.%",
        "monitor@10.1.0.%",
        "application@10.0.0.%",
        "application@10.1.0.%",
    ]


def test_passwords_get_through_as_they_are() -> None:
    found = rendered("__mariadb_accounts", galera_proxies=[], **SECRETS)
    assert [user["password"] for user, _host in found] == [*SECRETS.values(), SECRETS["mariadb_monitor_password"]]


@pytest.mark.parametrize("proxies", [[], ["host1"]])
def test_the_account_for_the_socket_is_no_leftover(proxies: list[str]) -> None:
    found = rendered("__mariadb_account_names", galera_proxies=proxies, mariadb_client_hosts=["10.0.0.%", "10.1.0.%"])
    assert found == [
        "admin@10.0.0.%",
        "admin@10.1.0.%",
        "monitor@10.0.0.%",
        "monitor@10.1.0.%",
        "application@10.0.0.%",
        "application@10.1.0.%",
        "monitor@localhost",
    ]


@pytest.mark.parametrize(
    ("total", "memory"),
    [(16063, 8000), (16062, 8000), (16127, 8000), (16128, 8064), (15999, 7936), (512, 256), (511, 192)],
)
def test_memory_is_half_of_the_hosts_in_steps(total: int, memory: int) -> None:
    assert rendered("mariadb_memory_mb", ansible_facts={"memtotal_mb": total}) == memory


def test_an_environment_becomes_text() -> None:
    given = {"A": 1, "B": True, "C": False, "D": 1.5, "E": "text", "F": "yes", "G": "01", "H": "a {{ b }}", "I": ""}
    assert rendered("__mariadb_environment", mariadb_environment=given) == {
        **given,
        "A": "1",
        "B": "true",
        "C": "false",
        "D": "1.5",
    }
    assert rendered("__mariadb_environment", mariadb_environment={}) == {}


@pytest.mark.parametrize("driver", ["host", "weave"])
def test_the_environment_of_a_node_is_text_alone(driver: str) -> None:
    found = rendered(
        "__mariadb_container.env",
        mariadb_environment={"MARIADB_AUTO_UPGRADE": 1},
        galera_network_driver=driver,
        galera_node_name="mariadb1",
    )
    assert found["MARIADB_AUTO_UPGRADE"] == "1"
    assert {type(value).__mro__[-2] for value in found.values()} == {str}


def test_what_a_file_system_has_of_its_own_does_not_move() -> None:
    """The receiver is the server's user, who cannot look into a lost+found of root's: rsync would end with code 23."""
    given = {"galera_address": "198.51.100.1", "galera_node_name": "mariadb1"}
    found = rendered("__mariadb_move_rsync", **given)
    assert {f"--exclude=/{name}" for name in OF_THE_FILE_SYSTEM} <= set(found)
