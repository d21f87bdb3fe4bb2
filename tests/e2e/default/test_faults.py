"""Under load: a killed node comes back by IST, a changed setting is rolled out; no acknowledged row is missing."""

from __future__ import annotations

import json
import time

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger


def test_a_killed_node_comes_back_by_ist(lab: Lab) -> None:
    host = harm.readers(lab)[0]
    since, before = harm.now(lab, host), harm.restarts(lab, host)
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("killed")
        harm.kill(lab, host)
        wait_until(lambda: harm.restarts(lab, host) > before, 30, "a restart of the container")
        harm.wait_whole(lab)
        time.sleep(1)

    log = harm.log(lab, host, since)
    assert "galera-start: recovered position" in log
    assert "Receiving IST: " in log
    assert "Proceeding with SST" not in log
    ledger.account()


def test_a_changed_setting_is_rolled_out(lab: Lab) -> None:
    since = {host: harm.now(lab, host) for host in lab.nodes}
    setting = json.dumps({"mariadb_config": {"mariadbd": {"back_log": 77}}})
    with Ledger(lab) as ledger:
        ledger.wait_for()
        ledger.mark("site")
        run = lab.play("site", "-e", setting)
        assert run.returncode == 0, run.stdout
    for host in lab.nodes:
        assert lab.node_sql(host, "SELECT @@back_log") == "77"
        assert "Proceeding with SST" not in harm.log(lab, host, since[host])
    ledger.account()
    back = lab.play("site")
    assert back.returncode == 0, back.stdout
    assert {lab.node_sql(host, "SELECT @@back_log") for host in lab.nodes} != {"77"}
    assert lab.play("status").returncode == 0
