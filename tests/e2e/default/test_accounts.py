"""Accounts that the inventory no longer has are named and kept, and passwords of any spelling get everywhere."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import pytest

from ..conftest import Lab

FAR = "10.255.0.%"
USERS = ("admin", "monitor", "application")
# What Ansible, YAML, option files, SQL and latin1 stumble over. With proxies a double quote is refused.
SPELT = "pässwörd€ {{ x }} it's a\\b #1 %s $HOME /:@*"


def site(lab: Lab, *arguments: str) -> str:
    """Run site to a good end; what it said, warnings too."""
    run = lab.play("site", *arguments)
    assert run.returncode == 0, run.stdout + run.stderr
    return " ".join((run.stdout + run.stderr).split())


@pytest.fixture
def far_accounts(lab: Lab) -> Iterator[None]:
    """Accounts for another network, which the inventory has for one run only."""
    site(lab, "-e", json.dumps({"mariadb_client_hosts": ["%", FAR]}))
    yield
    for user in USERS:
        lab.node_sql(next(iter(lab.nodes)), f"DROP USER IF EXISTS '{user}'@'{FAR}'")


@pytest.mark.usefixtures("far_accounts")
def test_accounts_that_are_left_are_named_until_somebody_drops_them(lab: Lab) -> None:
    said = site(lab)
    for user in USERS:
        assert f"The server has the account {user}@{FAR}, which an earlier run made" in said
        assert f"DROP USER '{user}'@'{FAR}';" in said
    first, *_others, last = lab.nodes
    assert lab.node_sql(last, f"SELECT COUNT(*) FROM mysql.global_priv WHERE Host = '{FAR}'") == "3"
    for user in USERS:
        lab.node_sql(first, f"DROP USER '{user}'@'{FAR}'")
    assert "The server has the account" not in site(lab)


def test_keepalived_has_an_account_where_it_logs_in_through_the_socket(lab: Lab) -> None:
    found = lab.node_sql(next(iter(lab.nodes)), "SELECT Host FROM mysql.global_priv WHERE User = 'monitor'").split()
    assert ("localhost" in found) is (not lab.proxies)


@pytest.fixture
def usual_passwords(lab: Lab) -> Iterator[None]:
    yield
    site(lab)


@pytest.mark.usefixtures("usual_passwords")
def test_passwords_of_any_spelling(lab: Lab, tmp_path: pathlib.Path) -> None:
    """The last task of site logs in through the VIP, which is there where the checks of the others could log in."""
    file = tmp_path / "spelt.yml"
    spelt = SPELT if lab.proxies else f'{SPELT}"'
    # JSON is YAML, with a tag in front too.
    text = json.dumps(spelt, ensure_ascii=False)
    file.write_text("".join(f"mariadb_{user}_password: !unsafe {text}\n" for user in USERS), encoding="utf-8")
    said = site(lab, "-e", f"@{file}")
    assert "pässwörd" not in said
    assert "changed=0" in site(lab, "-e", f"@{file}")
