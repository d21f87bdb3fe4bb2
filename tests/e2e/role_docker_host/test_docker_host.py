"""What the role docker_host leaves behind on a host."""

from __future__ import annotations

import json

import pytest

from ..conftest import Lab, recap

PLAYBOOK = "lab/prepare.yml"


def test_the_engine_runs_without_a_tcp_socket(lab: Lab) -> None:
    for host in lab.nodes:
        daemon = json.loads(lab.on(host, "cat /etc/docker/daemon.json"))
        assert daemon["live-restore"] is True
        assert daemon["log-opts"] == {"max-file": "3", "max-size": "10m"}
        assert "hosts" not in daemon
        assert "dockerd" not in lab.on(host, "ss -ltnpH")
        assert lab.on(host, "docker info --format '{{.LiveRestoreEnabled}}'").strip() == "true"
        assert "docker.io" in lab.on(host, "apt-mark showhold")


def test_the_images_are_there(lab: Lab) -> None:
    for host in lab.nodes:
        there = lab.on(host, "docker images --format '{{.Repository}}:{{.Tag}}'").split()
        assert set(lab.variables["lab_images"]) <= set(there)


def test_an_image_that_went_missing_is_loaded_again(lab: Lab) -> None:
    host = next(iter(lab.nodes))
    image = lab.variables["keepalived_image"]
    lab.on(host, f"docker rmi {image}")
    run = lab.play(PLAYBOOK)
    assert run.returncode == 0, run.stdout
    assert recap(run.stdout)[host]["changed"] == 1
    assert lab.on(host, f"docker images -q {image}").strip()


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("flock", [], "The command flock is missing; install util-linux."),
        ("docker", ["--tags=docker_host_configure,untagged"], "The command docker is missing; install docker-cli"),
    ],
)
def test_a_missing_command_is_named(lab: Lab, command: str, arguments: list[str], sentence: str) -> None:
    host = next(iter(lab.nodes))
    lab.on(host, f"mv /usr/bin/{command} /usr/bin/{command}.away")
    try:
        run = lab.play(PLAYBOOK, *arguments)
    finally:
        lab.on(host, f"mv /usr/bin/{command}.away /usr/bin/{command}")
    assert run.returncode != 0
    assert f"{host}: {sentence}" in run.stdout
    assert recap(run.stdout)[host]["changed"] == 0


def test_an_existing_file_is_merged(lab: Lab) -> None:
    """What is there stays, what is replaced is named and kept beside it, and a value of null takes a key out."""
    host, path = next(iter(lab.nodes)), "/etc/docker/daemon.json"
    daemon = json.loads(lab.on(host, f"cat {path}"))
    theirs = {**daemon, "debug": False, "log-opts": {**daemon["log-opts"], "max-size": "50m"}}
    lab.on(host, f"cat >{path} <<'END'\n{json.dumps(theirs)}\nEND\nchmod 640 {path}")
    run = lab.play(PLAYBOOK)
    assert run.returncode == 0, run.stdout
    assert "has values of log-opts.max-size that docker_host replaces or takes out" in " ".join(run.stdout.split())
    assert json.loads(lab.on(host, f"cat {path}")) == {**daemon, "debug": False}
    assert json.loads(lab.on(host, f"cat {path}.*~")) == theirs
    assert lab.on(host, f"stat --format=%a {path}").strip() == "640"
    again = lab.play(PLAYBOOK)
    assert recap(again.stdout)[host]["changed"] == 0, again.stdout
    lab.on(host, f"rm {path}.*~")
    run = lab.play(PLAYBOOK, "-e", json.dumps({"docker_host_daemon_config": {"debug": None}}))
    assert run.returncode == 0, run.stdout
    assert json.loads(lab.on(host, f"cat {path}")) == daemon


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"docker_host_daemon_config": {"hosts": ["tcp://0.0.0.0:2375"]}}, "hosts opens Docker Engine on the network"),
        ({"docker_host_daemon_config": {"userns-remap": "default"}}, "Docker Engine is to remap user namespaces"),
        ({"docker_host_engine_source": "docker"}, "docker_host_engine_source is docker: docker-ce would take"),
    ],
)
def test_what_the_engine_must_not_become(lab: Lab, variables: dict[str, object], sentence: str) -> None:
    host = next(iter(lab.nodes))
    run = lab.play(PLAYBOOK, "-e", json.dumps(variables))
    assert run.returncode != 0
    assert sentence in " ".join(run.stdout.split())
    assert recap(run.stdout)[host]["changed"] == 0


def test_a_file_without_settings_is_named(lab: Lab) -> None:
    host, path = next(iter(lab.nodes)), "/etc/docker/daemon.json"
    lab.on(host, f"cp --preserve {path} /root/daemon.json && echo '[]' >{path}")
    try:
        run = lab.play(PLAYBOOK)
    finally:
        lab.on(host, f"cp --preserve /root/daemon.json {path} && rm /root/daemon.json")
    assert run.returncode != 0
    assert f"{host}: {path} is not a JSON object (it holds a list)" in " ".join(run.stdout.split())
    assert recap(run.stdout)[host]["changed"] == 0


def test_a_variable_that_is_wrong_is_named(lab: Lab) -> None:
    run = lab.play(PLAYBOOK, "-e", "docker_host_engine_source=nowhere")
    assert run.returncode != 0
    assert "docker_host_engine_source" in run.stdout
