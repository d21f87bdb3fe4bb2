"""The Docker Engine of a host is restarted; a host loses power."""

from __future__ import annotations

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger


def test_dockerd_restarted(lab: Lab) -> None:
    """live-restore: the containers of the writer's host do not notice."""
    host = harm.writer(lab)
    containers = "docker inspect -f '{{.Name}} {{.State.Pid}} {{.State.StartedAt}}' $(docker ps -q) | sort"
    before, engine = lab.quick(host, containers), lab.quick(host, "systemctl show --property MainPID docker")
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("dockerd restarted")
        lab.quick(host, "systemctl restart docker")
        ledger.mark("back")
        ledger.wait_for()
    ledger.account()
    assert lab.quick(host, "systemctl show --property MainPID docker") != engine
    assert lab.quick(host, containers) == before
    assert ledger.errors == {}
    assert ledger.longest_gap < 2


def test_host_restarted(lab: Lab) -> None:
    """The writer's host, which has a proxy and the VIP too, loses power and comes back."""
    host = harm.writer(lab)
    since = harm.now(lab, host)
    with Ledger(lab, patience=5) as ledger:
        ledger.wait_for()
        ledger.mark("host off")
        harm.restart_host(lab, host)
        wait_until(lambda: lab.reaches(host), 60, f"SSH on {host}")
        harm.wait_whole(lab)
        ledger.mark("whole")
        ledger.wait_for()
    ledger.account()
    assert "Proceeding with SST" not in harm.log(lab, host, since)
    assert len(harm.writers(lab)) == 1
