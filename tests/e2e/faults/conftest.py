"""Every test begins with a whole cluster, and leaves one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import harm
from ..conftest import Lab


@pytest.fixture(autouse=True)
def whole(lab: Lab) -> Iterator[None]:
    harm.wait_whole(lab)
    yield
    harm.wait_whole(lab)
