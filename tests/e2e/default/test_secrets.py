"""No generated secret is to be seen anywhere but in its files."""

from __future__ import annotations

from ..conftest import Lab

# Everything that another user, a log shipper or a monitoring agent could read.
PLACES = {
    "docker inspect": "docker inspect $(docker ps -aq)",
    "processes' arguments": "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
    "processes' environments": "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '",
    "containers' logs": "for c in $(docker ps -aq); do docker logs $c 2>&1; done",
    "the journal": "journalctl --no-pager",
}


def test_no_secret_on_the_hosts(lab: Lab) -> None:
    assert len(lab.secrets) >= 4
    for host in lab.nodes:
        for place, command in PLACES.items():
            text = lab.on(host, command)
            assert len(text) > 100, f"nothing was read from {place} on {host}"
            assert [name for name, secret in lab.secrets.items() if secret in text] == [], f"in {place} on {host}"


def test_no_secret_in_the_output_of_a_verbose_run(lab: Lab) -> None:
    run = lab.play("site", "-vvv", "--diff")
    assert run.returncode == 0, run.stdout
    assert [name for name, secret in lab.secrets.items() if secret in run.stdout + run.stderr] == []


def test_files_that_hold_a_secret_are_for_their_owner_alone(lab: Lab) -> None:
    found = 0
    for host in lab.nodes:
        for name, secret in lab.secrets.items():
            script = f"grep -rlsF {secret} /containers /etc --exclude-dir=datadir || true"
            for path in lab.on(host, script).split():
                found += 1
                mode = lab.on(host, f"stat -c %a {path}").strip()
                assert mode in ("600", "400"), f"{path} on {host} holds {name} and has mode {mode}"
    assert found > 0
