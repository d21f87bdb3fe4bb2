"""Whoever reaches the replication port gets nothing, and the cluster's own hosts keep their place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, recap
from ..ledger import Ledger
from ..stranger import gets_in, stays_out

TABLE = "SELECT ip FROM mysql.wsrep_allowlist ORDER BY INET_ATON(ip)"


def tables(lab: Lab) -> list[list[str]]:
    return [lab.node_sql(host, TABLE).split() for host in lab.nodes]


def site(lab: Lab, *arguments: str) -> str:
    run = lab.play("site", "-e", '{"galera_allowlist": true}', *arguments)
    assert run.returncode == 0, run.stdout
    return run.stdout


@pytest.fixture(scope="module")
def closed(lab: Lab) -> Iterator[None]:
    """The cluster with its allowlist, and without it again."""
    site(lab)
    yield
    lab.node_sql(next(iter(lab.nodes)), "TRUNCATE TABLE mysql.wsrep_allowlist")
    assert lab.play("site").returncode == 0


@pytest.mark.usefixtures("closed", "served")
class TestWhileItServes:
    def test_a_stranger_stays_out(self, lab: Lab) -> None:
        since = {host: harm.now(lab, host) for host in lab.nodes}
        assert tables(lab) == [sorted(lab.addresses[host] for host in lab.nodes)] * len(lab.nodes)
        address = stays_out(lab, *(lab.addresses[host] for host in lab.nodes))
        for host in lab.nodes:
            said = harm.log(lab, host, since[host])
            assert f"Connection not allowed, IP {address} not found in allowlist" in said, host

    def test_a_table_that_differs_is_made_alike(self, lab: Lab) -> None:
        """As a node that bootstrapped can have another one. A row that it has already would put it out."""
        first, *_between, last = lab.nodes
        wanted = tables(lab)[0]
        lab.node_sql(last, "SET SESSION wsrep_on=0; INSERT INTO mysql.wsrep_allowlist VALUES ('198.51.100.250')")
        lab.node_sql(first, f"SET SESSION wsrep_on=0; DELETE FROM mysql.wsrep_allowlist WHERE ip = '{wanted[-1]}'")
        assert f"+{wanted[-1]}" in site(lab, "--check", "--diff")
        assert tables(lab)[0] != wanted
        assert sum(host["changed"] for host in recap(site(lab)).values()) == 1
        assert tables(lab) == [wanted] * len(lab.nodes)


@pytest.mark.usefixtures("closed")
def test_without_the_table_a_stranger_gets_in(lab: Lab) -> None:
    """The tests above can fail."""
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        lab.node_sql(next(iter(lab.nodes)), "TRUNCATE TABLE mysql.wsrep_allowlist")
        gets_in(lab, *(lab.addresses[host] for host in lab.nodes))
        harm.wait_whole(lab)
        site(lab)
        stays_out(lab, lab.addresses[next(iter(lab.nodes))])
    ledger.account()
