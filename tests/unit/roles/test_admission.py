"""Which drill may begin, and which one waits for room on its host."""

from __future__ import annotations

import threading
import time

import pytest
from galera_backup import admission, manifest

MIB = 1 << 20


class Host(admission.Host):
    def __init__(self, memory: int, disk: int) -> None:
        self.has = admission.Amount(memory, disk)
        self.now = self.has

    def total(self) -> admission.Amount:
        return self.has

    def free(self) -> admission.Amount:
        return self.now


def amount(memory: int, disk: int = 0) -> admission.Amount:
    return admission.Amount(memory * MIB, disk * MIB)


def test_what_can_never_fit_is_refused_at_once() -> None:
    queue = admission.Admission(Host(*amount(100, 100)), patience=1e9)
    for needed in (amount(101, 1), amount(1, 101)):
        with pytest.raises(manifest.BackupError, match="this host has no more than 100 MiB of memory and 100 MiB"):
            queue.admit(needed).__enter__()


def test_what_was_given_counts_though_it_is_not_used_yet() -> None:
    queue = admission.Admission(Host(*amount(100, 100)), patience=0)
    with (
        queue.admit(amount(60, 10)),
        queue.admit(amount(40, 10)),
        pytest.raises(manifest.BackupError, match="now it has 0 MiB of memory and 80 MiB of disk"),
    ):
        queue.admit(amount(1)).__enter__()
    with queue.admit(amount(100, 100)):
        pass


def test_what_others_use_counts() -> None:
    host = Host(*amount(100, 100))
    queue = admission.Admission(host, patience=0)
    with queue.admit(amount(40)):
        host.now = amount(30, 100)
        with pytest.raises(manifest.BackupError, match="now it has 30 MiB"):
            queue.admit(amount(50)).__enter__()


def test_the_next_begins_when_one_ends_and_a_smaller_one_before() -> None:
    queue, begun = admission.Admission(Host(*amount(100, 100)), patience=30), []

    def job(name: str, needed: int, until: threading.Event) -> threading.Thread:
        def work() -> None:
            with queue.admit(amount(needed)):
                begun.append(name)
                until.wait(30)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def wait(names: list[str]) -> None:
        deadline = time.monotonic() + 10
        while begun != names:
            assert time.monotonic() < deadline, begun
            time.sleep(0.01)

    first, rest = threading.Event(), threading.Event()
    threads = [job("first", 70, first)]
    wait(["first"])
    threads.append(job("big", 80, rest))
    threads.append(job("small", 20, rest))
    wait(["first", "small"])
    first.set()
    wait(["first", "small", "big"])
    rest.set()
    for thread in threads:
        thread.join()
