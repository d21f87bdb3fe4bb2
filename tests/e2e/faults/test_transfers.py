"""A node takes a full SST, and its donor, or the joiner itself, is killed meanwhile."""

from __future__ import annotations

import shlex

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger


@pytest.fixture(scope="module")
def large_database(lab: Lab) -> None:
    harm.wait_whole(lab)
    harm.enlarge(lab, harm.writer(lab), 200)


def donor(lab: Lab) -> str:
    found = [
        host for host in lab.nodes if harm.status(lab, host).get("wsrep_local_state_comment", "").startswith("Donor")
    ]
    return found[0] if found else ""


@pytest.mark.usefixtures("large_database")
@pytest.mark.parametrize("victim", ["donor", "joiner"])
def test_killed_during_sst(lab: Lab, victim: str) -> None:
    joiner = harm.readers(lab)[0]
    since = harm.now(lab, joiner)
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("SST")
        lab.quick(joiner, f"docker stop --time 60 {lab.nodes[joiner]}; rm -rf {harm.datadir(lab, joiner)}/*")
        # Else its start script takes the datadir for a disk that is not mounted.
        lab.quick(joiner, f"rm /var/lib/dbops-galera/{lab.nodes[joiner]}/had-data")
        lab.quick(joiner, f"docker start {lab.nodes[joiner]}")
        wait_until(lambda: "Proceeding with SST" in harm.log(lab, joiner, since), 90, "an SST")
        giving = donor(lab)
        assert giving not in ("", harm.writer(lab)), "a donor that is not the writer"
        # Half the data is there.
        wait_until(
            lambda: int(lab.quick(joiner, f"du -sm {harm.datadir(lab, joiner)}").split()[0]) > 100, 60, "100 MB there"
        )
        ledger.mark(f"{victim} killed")
        harm.kill(lab, giving if victim == "donor" else joiner)
        harm.wait_whole(lab, 240)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    if victim == "joiner":
        assert ledger.errors == {}


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        # As recorded after "Receiving IST failed, node restart required", which cannot be brought about at will.
        ("wsrep_local_state_comment\tJoining: receiving State Transfer\nwsrep_cluster_status\tnon-Primary", True),
        ("wsrep_local_state_comment\tJoining: receiving State Transfer\nwsrep_evs_state\tOPERATIONAL", False),
        ("wsrep_local_state_comment\tInconsistent\nwsrep_cluster_status\tDisconnected", False),
    ],
    ids=["closed", "joining", "inconsistent"],
)
def test_the_health_check_ends_a_joiner_that_closed(lab: Lab, said: str, ended: bool) -> None:
    host = harm.readers(lab)[0]
    inside = f"docker exec {lab.nodes[host]}"
    before = harm.inspect(lab, host, ".State.StartedAt")
    answers = {"healthcheck.sh": "exit 1", "mariadb": f"printf %s {shlex.quote(said)}"}
    lab.quick(host, f"{inside} mkdir -p /tmp/said")
    for name, answer in answers.items():
        script = f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(answer)} >/tmp/said/{name}; chmod +x /tmp/said/{name}"
        lab.quick(host, f"{inside} sh -c {shlex.quote(script)}")
    asked = lab.quick(host, f"{inside} env PATH=/tmp/said:/usr/local/bin:/usr/bin:/bin galera-health", check=False)
    assert ("a joiner that has closed its connection" in asked) == ended
    if ended:
        wait_until(lambda: harm.inspect(lab, host, ".State.StartedAt") != before, 30, "a restart of the container")
    harm.wait_whole(lab)
    assert (harm.inspect(lab, host, ".State.StartedAt") != before) == ended
