"""What is in _model judges, and does nothing else: it imports neither what reads or writes, nor what asks the time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parents[5] / "plugins/module_utils/_model"
PACKAGE = "ansible_collections.dbops.galera.plugins.module_utils"
ALLOWED = {
    "__future__",
    "collections.abc",
    "dataclasses",
    "enum",
    "ipaddress",
    "json",
    "posixpath",
    "re",
    "typing",
    "uuid",
    f"{PACKAGE}._errors",
}
# Builtins that reach out, and functions of allowed modules that do.
FORBIDDEN = {
    "open",
    "input",
    "print",
    "exec",
    "eval",
    "__import__",
    "breakpoint",
    "uuid1",
    "uuid4",
    "getnode",
    "realpath",
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not what Ansible packs"
            module = str(node.module)
            yield from (f"{module}.{alias.name}" if module == f"{PACKAGE}._model" else module for alias in node.names)


def is_allowed(module: str) -> bool:
    return module in ALLOWED or module.startswith(f"{PACKAGE}._model.")


def named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


@pytest.mark.parametrize("path", sorted(MODEL.rglob("*.py")), ids=lambda path: path.name)
def test_the_model_does_no_io(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [module for module in imported(tree) if not is_allowed(module)] == []
    assert FORBIDDEN & set(named(tree)) == set()


@pytest.mark.parametrize(
    "line", ["import os", "from pathlib import Path", "import uuid, socket", "from time import time"]
)
def test_what_would_be_found(line: str) -> None:
    assert not all(is_allowed(module) for module in imported(ast.parse(line)))
