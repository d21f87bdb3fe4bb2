"""Roles keep the house's rules: what defaults say, argument_specs document; what metadata names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TYPES = {
    "bool": bool,
    "dict": dict,
    "float": (int, float),
    "int": int,
    "list": list,
    "path": str,
    "raw": object,
    "str": str,
}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def is_template(value: Any) -> bool:
    return "{{" in str(value) or "{%" in str(value)


def same(left: Any, right: Any) -> bool:
    """Equal in type, too: 1 is not true, and "1" is not 1."""
    return yaml.safe_dump(left) == yaml.safe_dump(right)


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    return {
        name: spec.get("options", {}) for name, spec in load(role / "meta/argument_specs.yml")["argument_specs"].items()
    }


def options(role: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Every option as (entry point, name, specification)."""
    return [(entry, name, spec) for entry, specs in entry_points(role).items() for name, spec in specs.items()]


@each_role
def test_has_readme_meta_and_entry_points(role: Path) -> None:
    assert (role / "README.md").read_text(encoding="utf-8").strip()
    assert load(role / "meta/main.yml")["galaxy_info"]["description"]
    for entry in entry_points(role):
        assert (role / f"tasks/{entry}.yml").exists(), f"no tasks for entry point {entry}"


@each_role
def test_entry_points_are_documented(role: Path) -> None:
    """Each task file that a playbook or another role enters has a specification."""
    entered = set()
    pattern = re.compile(rf"(?:role|name): dbops\.galera\.{role.name}\n(?:\s+tasks_from: (?P<entry>\w+))?")
    for path in [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]:
        entered |= {match["entry"] or "main" for match in pattern.finditer(path.read_text(encoding="utf-8"))}
    assert entered <= set(entry_points(role))


@each_role
def test_every_default_is_documented_and_equal(role: Path) -> None:
    for name, value in load(role / "defaults/main.yml").items():
        documented = [specs[name] for specs in entry_points(role).values() if name in specs]
        assert documented, f"{name} is in no entry point of meta/argument_specs.yml"
        for spec in documented:
            assert "default" in spec or is_template(value), f"{name} has a default, its option has none"
            assert same(spec.get("default", value), value), f"{name}: {spec['default']!r} documented, {value!r} set"


@each_role
def test_every_documented_default_is_set(role: Path) -> None:
    defaults = load(role / "defaults/main.yml")
    for entry, name, spec in options(role):
        if "default" in spec:
            assert name in defaults, f"{entry}: {name} is documented with a default that defaults/main.yml lacks"
        if spec.get("required"):
            assert name not in defaults, f"{entry}: {name} is required, yet has a default"


@each_role
def test_options_are_described_and_typed(role: Path) -> None:
    for entry, name, spec in options(role):
        assert spec.get("description"), f"{entry}: {name} has no description"
        assert spec.get("type") in TYPES, f"{entry}: {name} has no known type"
        default = spec.get("default")
        if default is not None and not is_template(default):
            assert isinstance(default, TYPES[spec["type"]]), f"{entry}: {name} defaults to another type"
            assert isinstance(default, bool) == (spec["type"] == "bool") or spec["type"] == "raw", f"{entry}: {name}"
            values = default if isinstance(default, list) else [default]
            assert all(value in spec.get("choices", values) for value in values), (
                f"{entry}: {name} defaults to none of its choices"
            )


@each_role
def test_variables_carry_the_roles_name(role: Path) -> None:
    names = [*load(role / "defaults/main.yml"), *load(role / "vars/main.yml")]
    names += [name for specs in entry_points(role).values() for name in specs]
    assert [name for name in names if not re.match(rf"(__)?{role.name}_", name)] == []
