"""galaxy.yml, meta/runtime.yml, the changelog and the documentation agree with what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/*.md"), *ROOT.glob("lab/**/*.md")]
)

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_version_is_the_newest_release() -> None:
    releases = load("changelogs/changelog.yaml")["releases"]
    newest = max(releases, key=lambda version: [int(number) for number in version.split(".")])
    assert load("galaxy.yml")["version"] == newest
    assert f"## v{newest}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")


def test_changelog_names_every_module() -> None:
    """After a new one: antsibull-changelog release --update-existing --reload-plugins --refresh-plugins."""
    releases = load("changelogs/changelog.yaml")["releases"].values()
    listed = {module["name"] for release in releases for module in release.get("modules", [])}
    assert {path.stem for path in ROOT.glob("plugins/modules/*.py")} <= listed


def test_action_group_has_every_module() -> None:
    modules = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))
    assert load("meta/runtime.yml")["action_groups"]["all"] == modules


@pytest.mark.parametrize("meta", sorted(ROOT.glob("roles/*/meta/main.yml")), ids=lambda path: path.parts[-3])
def test_roles_ask_for_the_collections_ansible(meta: Path) -> None:
    role = yaml.safe_load(meta.read_text(encoding="utf-8"))["galaxy_info"]
    assert load("meta/runtime.yml")["requires_ansible"] == f">={role['min_ansible_version']}.0"


@each_document
def test_playbooks_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    names = re.findall(r"playbooks/(\w+)\.yml", text) + re.findall(
        r"ansible-playbook\b[^\n`]*? dbops\.galera\.(\w+)", text
    )
    assert [name for name in names if not (ROOT / f"playbooks/{name}.yml").exists()] == []


@each_document
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []
