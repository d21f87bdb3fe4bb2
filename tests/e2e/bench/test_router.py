"""The router tier, as ratios within one run. Run by `make bench`; figures are printed, only lost rows fail."""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab, wait_until
from ..ledger import Ledger

ADVERT = 0.2
SKEW = (256 - 100) / 256 * ADVERT
ROUNDS = 3


class Straight(Lab):
    """The same lab, where what goes through the VIP goes straight to the writer's node."""

    writer = ""

    @property
    def vip(self) -> str:
        return self.writer

    @property
    def vip_port(self) -> int:
        return 3306


class Knocker:
    """Opens a connection to the VIP every few milliseconds, and remembers when it was let in."""

    def __init__(self, lab: Lab) -> None:
        self._address = (lab.vip, lab.vip_port)
        self._times: list[float] = []
        self._stop = threading.Event()

    def _knock(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self._address, timeout=0.05):
                self._times.append(time.monotonic())
            self._stop.wait(0.005)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._knock)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    @property
    def longest_gap(self) -> float:
        return max(later - earlier for earlier, later in zip(self._times, self._times[1:]))


@pytest.fixture(autouse=True)
def at_its_place(lab: Lab) -> Iterator[None]:
    if not lab.proxies:
        pytest.skip("this lab has no ProxySQL: put a `docker save` archive of it into lab/images/local/")
    whole(lab)
    yield
    whole(lab)


def whole(lab: Lab) -> None:
    harm.wait_whole(lab)
    wait_until(lambda: harm.vip_holders(lab) == [lab.proxies[0]], 30, f"the VIP on {lab.proxies[0]}")


def test_takeover_after_a_host_died(lab: Lab) -> None:
    gaps = []
    for _ in range(ROUNDS):
        knocker = Knocker(lab)
        with knocker.at_work():
            time.sleep(1)
            with harm.host_off(lab, lab.proxies[0]):
                wait_until(lambda: harm.vip_holders(lab) == [lab.proxies[1]], 10, "the VIP on the other host")
                time.sleep(1)
        gaps.append(knocker.longest_gap)
        wait_until(lambda: lab.reaches(lab.proxies[0]), 60, "SSH")
        whole(lab)
    notice = 3 * ADVERT + SKEW
    lab.say(
        f"VIP takeover after a host died: {', '.join(f'{gap:.2f}' for gap in gaps)} s; worst"
        f" / (3 adverts + skew, {notice:.2f} s) {max(gaps) / notice:.2f} (aim: at most 1.2)"
    )


def test_planned_takeover(lab: Lab) -> None:
    gaps = []
    for _ in range(ROUNDS):
        knocker = Knocker(lab)
        with knocker.at_work():
            time.sleep(1)
            lab.quick(lab.proxies[0], "docker stop keepalived")
            wait_until(lambda: harm.vip_holders(lab) == [lab.proxies[1]], 10, "the VIP on the other host")
            time.sleep(0.5)
            lab.quick(lab.proxies[0], "docker start keepalived")
            whole(lab)
        gaps.append(knocker.longest_gap)
    planned = 2 * SKEW + ADVERT
    lab.say(
        f"planned VIP takeover, there and back: {', '.join(f'{gap:.2f}' for gap in gaps)} s; worst"
        f" / (2 skew + advert, {planned:.2f} s) {max(gaps) / planned:.2f} (aim: at most 1)"
    )


def test_write_rate_through_the_proxy(lab: Lab) -> None:
    """In many short turns, so that what else the machine does meanwhile hits both ways."""
    straight = Straight(lab.name, uncaptured=lab.uncaptured)
    straight.writer = lab.addresses[harm.writer(lab)]
    ratios = []
    for _ in range(2 * ROUNDS):
        rates = []
        for way in (lab, straight):
            with Ledger(way, pause=0) as ledger:
                ledger.wait_for()
                ledger.mark("measured")
                time.sleep(5)
            ledger.account()
            rates.append(ledger.phase("measured").rate)
        ratios.append(rates[0] / rates[1])
    lab.say(
        f"write rate through ProxySQL / straight to the writer: {', '.join(f'{ratio:.2f}' for ratio in ratios)},"
        f" median {statistics.median(ratios):.2f} (aim: at least 0.85)"
    )
