# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers and providers tell, read as versions."""

from __future__ import annotations

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._errors import GaleraError
from ansible_collections.dbops.galera.plugins.module_utils._model.version import Version
from hypothesis import given
from hypothesis import strategies as st

numbers = st.tuples(*[st.integers(0, 999)] * 3)


@pytest.mark.parametrize(
    ("text", "version", "series"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "10.11.19", "10.11"),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "10.11.19", "10.11"),
        ("mariadbd  Ver 11.8.6-MariaDB-ubu2404 for debian-linux-gnu on x86_64", "11.8.6", "11.8"),
        ("11.8.9-MariaDB-0+deb13u1 from Debian", "11.8.9", "11.8"),
    ],
)
def test_version(text: str, version: str, series: str) -> None:
    assert str(Version.parse(text)) == version
    assert Version.parse(text).series == series


@pytest.mark.parametrize("text", ["latest", "", "10.11", "5.5.5-"])
def test_no_version(text: str) -> None:
    with pytest.raises(GaleraError, match=f"'{text}' has no version"):
        Version.parse(text)


@given(numbers, numbers)
def test_versions_are_compared_as_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    texts = ["{}.{}.{}-MariaDB".format(*each) for each in (one, other)]
    assert (Version.parse(texts[0]) < Version.parse(texts[1])) == (one < other)


@pytest.mark.parametrize(
    ("text", "version", "series"),
    [
        ("26.4.23(rXXXX)", "26.4.23", "26.4"),
        # Debian's.
        ("4.23(rXXXX)", "26.4.23", "26.4"),
        ("26.4.9(r7)", "26.4.9", "26.4"),
        ("25.3.37(r8a1b2c3)", "25.3.37", "25.3"),
        ("3.37(r8a1b2c3)", "25.3.37", "25.3"),
    ],
)
def test_provider(text: str, version: str, series: str) -> None:
    assert str(Version.parse_provider(text)) == version
    assert Version.parse_provider(text).series == series


@pytest.mark.parametrize("text", ["", "none", "26.4.23"])
def test_no_provider(text: str) -> None:
    with pytest.raises(GaleraError, match="is not a version of a Galera provider"):
        Version.parse_provider(text)
