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


def test_a_variable_that_is_wrong_is_named(lab: Lab) -> None:
    run = lab.play(PLAYBOOK, "-e", "docker_host_engine_source=nowhere")
    assert run.returncode != 0
    assert "docker_host_engine_source" in run.stdout
