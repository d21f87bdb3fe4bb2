"""Every test begins and ends with all in place: one writer at each proxy, the VIP on the first host."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger

# So long a client waits for an answer. A connection to a VIP that has moved hears nothing more, so this is part of
# every such gap.
PATIENCE = 3.0


@dataclass
class Front:
    """The router tier, and the times by which it is judged: those that the roles set by default."""

    lab: Lab
    advert: float = 0.2
    check_interval: float = 0.5
    check_timeout: float = 2.0
    check_fall: int = 2
    # Until the others vote a silent node out; the proxies' checks: interval, time-out, and time-outs in a row that
    # count.
    suspect: float = 1.5
    look: float = 1.0
    look_timeout: float = 1.5
    look_fall: int = 3

    @property
    def holder(self) -> str:
        (holder,) = harm.vip_holders(self.lab)
        return holder

    @property
    def backup(self) -> str:
        return next(host for host in self.lab.proxies if host != self.holder)

    @property
    def skew(self) -> float:
        """Of the second host, whose priority is 100."""
        return (256 - 100) / 256 * self.advert

    @property
    def takeover(self) -> float:
        """The other host notices that this one is silent."""
        return 3 * self.advert + self.skew

    @property
    def refused(self) -> float:
        """The holder's own check is refused, it gives the VIP up, and the other one takes it."""
        return self.check_fall * self.check_interval + self.skew + self.advert

    @property
    def hanging(self) -> float:
        """The holder's own check hangs, it gives the VIP up, and the other one takes it."""
        return self.check_fall * (self.check_interval + self.check_timeout) + self.skew + self.advert

    def one_writer_each(self) -> bool:
        query = "SELECT hostname FROM runtime_mysql_servers WHERE hostgroup_id = 10 AND status = 'ONLINE'"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # A proxy that has only just been started does not answer yet.
            found = list(pool.map(lambda proxy: harm.proxy_sql(self.lab, proxy, query, check=False), self.lab.proxies))
        return all(len(rows) == 1 and rows == found[0] for rows in found)

    def at_its_place(self) -> None:
        first = self.lab.proxies[0]
        harm.wait_whole(self.lab)
        wait_until(lambda: harm.vip_holders(self.lab) == [first], 30, f"the VIP on {first} alone")
        wait_until(self.one_writer_each, 30, "one and the same writer at each proxy")

    @contextlib.contextmanager
    def witnessed(self, fault: str, target: float, reason: str) -> Iterator[Ledger]:
        """Clients write through the VIP meanwhile. No row may be lost; the gap is told beside its target."""
        with Ledger(self.lab, patience=PATIENCE) as ledger:
            ledger.wait_for()
            ledger.mark(fault)
            yield ledger
            self.at_its_place()
            ledger.mark("all at its place")
            ledger.wait_for()
        account = ledger.account()
        self.lab.say(
            f"{fault}: lost rows {sum(account.lost.values())}, longest gap {ledger.longest_gap:.2f} s,"
            f" target {target:.2f} s ({reason}):"
            f" {'met' if ledger.longest_gap <= target else 'MISSED'}"
        )


@pytest.fixture(autouse=True, scope="session")
def real_proxies(lab: Lab) -> None:
    if not lab.proxies:
        pytest.skip(
            "this lab has no ProxySQL: put a `docker save` archive of proxysql/proxysql into lab/images/local/"
            " and create it again"
        )


@pytest.fixture
def front(lab: Lab) -> Iterator[Front]:
    front = Front(lab)
    front.at_its_place()
    yield front
    front.at_its_place()
