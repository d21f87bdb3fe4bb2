# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.dbops.galera.plugins.module_utils._proxysql_passwords import (
    native_hash,
    same_password,
    sha2_hash,
    stored_form,
)
from hypothesis import given
from hypothesis import strategies as st

NATIVE = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"  # of "password"
# As ProxySQL 2.7.1 answers SELECT CACHING_SHA2_PASSWORD(password, salt).
SHA2 = {
    ("s3cret pass", "abcdefghijklmnopqrst"): "HIcmu.gRx9ZFJ2aX2ocMVs2bZZbjhjU.vOtdpiomVO2",
    ("x" * 70, "12345678901234567890"): "xlmP0o9JCyvMZfDJ2RvZjPosXGnFLyVZWEsETQ2LaZ/",
}
SHA2_FORM = "$A$005$abcdefghijklmnopqrst" + SHA2["s3cret pass", "abcdefghijklmnopqrst"]


@pytest.mark.parametrize("given_form", ["password", NATIVE, NATIVE.lower()])
def test_passwords_are_stored_as_native_hashes(given_form: str) -> None:
    assert stored_form(given_form) == NATIVE


def test_a_sha2_hash_is_stored_as_it_is() -> None:
    assert stored_form(SHA2_FORM) == SHA2_FORM


@pytest.mark.parametrize("almost", [NATIVE[:-1], SHA2_FORM[:-1]])
def test_what_only_begins_like_a_hash_is_a_password(almost: str) -> None:
    assert stored_form(almost) == native_hash(almost)


@pytest.mark.parametrize(("password", "salt"), list(SHA2))
def test_sha2_is_as_proxysql_makes_it(password: str, salt: str) -> None:
    assert sha2_hash(password, salt) == SHA2[password, salt]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("s3cret pass", SHA2_FORM, True),
        ("s3cret Pass", SHA2_FORM, False),
        (NATIVE, NATIVE.lower(), True),
        (NATIVE, "password", True),
        (native_hash("s3cret pass"), SHA2_FORM, False),  # cannot be told
        ("", NATIVE, False),
        ("", "", True),
    ],
)
def test_forms_are_compared_either_way(one: str, other: str, same: bool) -> None:
    assert [same_password(*pair) for pair in ((one, other), (other, one))] == [same, same]


@given(st.text(min_size=1), st.text(min_size=1))
def test_only_a_password_and_its_own_hash_are_the_same(password: str, other: str) -> None:
    assert same_password(password, stored_form(password))
    assert same_password(other, stored_form(password)) is (other == password)
