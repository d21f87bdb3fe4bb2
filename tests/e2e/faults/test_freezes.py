"""A server stops without ending: SIGSTOP, for shorter and longer than anybody waits, then SIGCONT."""

from __future__ import annotations

import time

import pytest

from .. import harm
from ..conftest import Lab
from ..ledger import Ledger


@pytest.mark.parametrize("seconds", [3, 10, 60])
@pytest.mark.parametrize("role", ["writer", "reader"])
def test_sigstop(lab: Lab, role: str, seconds: int) -> None:
    host = harm.writer(lab) if role == "writer" else harm.readers(lab)[0]
    since, restarts = harm.now(lab, host), harm.restarts(lab, host)
    # Without a proxy, a client of a frozen server hears nothing until its own patience ends.
    with Ledger(lab, patience=5) as ledger:
        ledger.wait_for()
        ledger.mark(f"{role} frozen for {seconds} s")
        with harm.frozen(lab, host):
            # The fault itself, not a wait for anything.
            time.sleep(seconds)
        ledger.mark("thawed")
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    assert harm.restarts(lab, host) == restarts
    assert "Proceeding with SST" not in harm.log(lab, host, since)
    assert ledger.longest_gap < 10
