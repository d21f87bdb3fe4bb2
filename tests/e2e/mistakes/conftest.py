"""Every test begins with a whole cluster, and leaves one; what was kept meanwhile is removed."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab
from ..ledger import Ledger

# The file test_paths ends with a new cluster, and test_five makes it larger.
ORDER = ["test_unknown", "test_settings", "test_strangers", "test_branches", "test_paths", "test_five"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    items.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.parent == here else -1)


@pytest.fixture(autouse=True)
def whole(lab: Lab) -> Iterator[None]:
    harm.wait_whole(lab)
    yield
    harm.wait_whole(lab)
    for host in lab.nodes:
        lab.quick(host, f"rm -rf {harm.datadir(lab, host)}.kept-*")


@pytest.fixture(scope="class")
def served(lab: Lab) -> Iterator[None]:
    """Clients write while the tests of a class run, and notice nothing of them."""
    harm.wait_whole(lab)
    with Ledger(lab) as ledger:
        ledger.wait_for(100)
        yield
        ledger.wait_for(100)
    ledger.account()
    assert ledger.errors == {}
