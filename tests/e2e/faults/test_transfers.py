"""A node takes a full SST, and its donor, or the joiner itself, is killed meanwhile."""

from __future__ import annotations

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
        host
        for host in lab.nodes
        if harm.status(lab, host).get("wsrep_local_state_comment", "").startswith("Donor")
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
        lab.quick(joiner, f"docker start {lab.nodes[joiner]}")
        wait_until(lambda: "Proceeding with SST" in harm.log(lab, joiner, since), 90, "an SST")
        giving = donor(lab)
        assert giving not in ("", harm.writer(lab)), "a donor that is not the writer"
        # Half the data is there.
        wait_until(
            lambda: int(lab.quick(joiner, f"du -sm {harm.datadir(lab, joiner)}").split()[0]) > 100, 60, "100 MB at the joiner"
        )
        ledger.mark(f"{victim} killed")
        harm.kill(lab, giving if victim == "donor" else joiner)
        harm.wait_whole(lab, 240)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    if victim == "joiner":
        assert ledger.errors == {}
