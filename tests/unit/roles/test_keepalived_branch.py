"""Keepalived's check of the branch: which nodes may have the VIP in a cluster without ProxySQL."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/keepalived/files/branch.sh"
OWN, LATER = "aaaaaaaa-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000002"
# Answers with the file of the asked host; `own` without one. An empty one: in no Primary Component. `frozen`: never.
CLIENT = """#!/bin/sh
host=own
for argument; do case $argument in --host=*) host=${argument#--host=} ;; esac; done
[ "$(cat "$ANSWERS/$host" 2>/dev/null)" != frozen ] || exec sleep 60
exec cat "$ANSWERS/$host"
"""


class Host:
    """A host with a node, and what the nodes answer there."""

    def __init__(self, path: Path) -> None:
        self.answers, self.fenced = path / "answers", path / "fenced"
        self.root = path
        self.answers.mkdir()
        (path / "bin").mkdir()
        settings = path / "etc/keepalived/conf.d"
        settings.mkdir(parents=True)
        (settings / "branch.others").write_text("b:3306\nc:3307\n")
        client = path / "bin/mariadb"
        client.write_text(CLIENT)
        client.chmod(0o755)

    def check(self, **answers: str) -> tuple[bool, str]:
        """Whether the node may have the VIP, and what is said; group and UUID by host."""
        for old in self.answers.iterdir():
            old.unlink()
        for host, answer in answers.items():
            (self.answers / host).write_text(f"{answer}\n" if answer else "")
        done = subprocess.run(
            ["sh", SCRIPT, "galera", self.fenced, "2"],
            env={
                "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
                "ANSWERS": str(self.answers),
                "GALERA_BRANCH_ROOT": str(self.root),
            },
            stdout=subprocess.PIPE,
            timeout=10,
            check=False,
            text=True,
        )
        return done.returncode == 0, done.stdout.strip()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(
    ("answers", "may"),
    [
        ({"own": f"galera {OWN}", "b": f"galera {OWN}", "c": f"galera {OWN}"}, True),
        ({"own": f"galera.2 {LATER}", "b": f"galera.2 {LATER}", "c": f"galera.2 {LATER}"}, True),
        ({"own": f"galera {OWN}"}, True),
        ({"own": f"galera {OWN}", "b": "frozen", "c": ""}, True),
        # Itself not in a Primary Component, not answering, or not in time.
        ({"own": "", "b": f"galera {OWN}"}, False),
        ({"b": f"galera {OWN}"}, False),
        ({"own": "frozen", "b": f"galera {OWN}"}, False),
        # A later branch, and an earlier one.
        ({"own": f"galera {OWN}", "b": f"galera.2 {LATER}"}, False),
        ({"own": f"galera {OWN}", "b": "frozen", "c": f"galera.2 {LATER}"}, False),
        ({"own": f"galera.9 {OWN}", "b": f"galera.10 {LATER}"}, False),
        ({"own": f"galera.2 {LATER}", "b": f"galera {OWN}"}, True),
        ({"own": f"galera {OWN}", "b": f"galera.2b {LATER}"}, False),
        ({"own": f"galera.9c {OWN}", "b": f"galera.10b {LATER}"}, False),
        ({"own": f"galera.10b {LATER}", "b": f"galera.9c {OWN}"}, True),
        ({"own": f"galera {OWN}", "b": f"galera.2bb {LATER}", "c": f"galera.b {LATER}"}, True),
        # Other clusters.
        ({"own": f"galera {OWN}", "b": f"shop.2 {LATER}", "c": f"galera.2.3 {LATER}"}, True),
        ({"own": f"galera {OWN}", "b": f"galera.x {LATER}", "c": f"galera2 {LATER}"}, True),
    ],
)
def test_who_may_have_the_vip(host: Host, answers: dict[str, str], may: bool) -> None:
    assert host.check(**answers)[0] is may


def test_what_is_said(host: Host) -> None:
    expected = "this host's node is of an abandoned branch, galera: c:3307 is Primary in group galera.2"
    assert host.check(own=f"galera {OWN}", c=f"galera.2 {LATER}") == (False, expected)


def test_an_abandoned_branch_stays_one_when_nobody_else_answers(host: Host) -> None:
    host.check(own=f"galera {OWN}", b=f"galera.2 {LATER}")
    assert not host.check(own=f"galera {OWN}")[0]
    # The node was taken in, or all of it was given up and a new cluster begun: other UUIDs.
    assert host.check(own=f"galera.2 {LATER}")[0]
    assert host.check(own="galera cccccccc-0000-0000-0000-000000000003")[0]


def test_the_mark_of_the_start_script_is_enough(host: Host) -> None:
    host.fenced.write_text("2026-11-29T00:00:00Z b:4567 galera.2\n")
    assert host.check(own=f"galera {OWN}") == (False, "this host's node is fenced: a later branch of galera was found")
    host.fenced.unlink()
    assert host.check(own=f"galera {OWN}")[0]
