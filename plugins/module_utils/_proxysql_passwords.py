# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three forms of a password in mysql_users: clear, mysql_native_password and caching_sha2_password. No I/O.

https://proxysql.com/documentation/password-management/
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

_NATIVE = re.compile(r"\*[0-9A-Fa-f]{40}")
# $A$, the rounds in thousands, a salt of 20 characters, the digest.
_SHA2 = re.compile(r"\$A\$([0-9A-F]{3})\$(.{20})(.{43})", re.DOTALL)
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def stored_form(password: str) -> str:
    """How a given password is stored: a hash as it is, anything else as mysql_native_password hashes it."""
    if _SHA2.fullmatch(password):
        return password
    return password.upper() if _NATIVE.fullmatch(password) else native_hash(password)


def same_password(one: str, other: str) -> bool:
    """Whether two forms stand for one password, as far as that can be told: not of two hashes of different kinds."""
    if one == other:
        return True
    if not one or not other:
        return False
    return _is_hash_of(one, other) or _is_hash_of(other, one)


def native_hash(password: str) -> str:
    """https://mariadb.com/kb/en/password/"""
    inner = hashlib.new("sha1", password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.new("sha1", inner, usedforsecurity=False).hexdigest().upper()


@lru_cache(maxsize=4096)
def sha2_hash(password: str, salt: str, rounds: int = 5000) -> str:
    """The digest of caching_sha2_password: SHA-256 crypt over a salt of 20 characters.

    https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html and
    https://www.akkadia.org/drepper/SHA-crypt.txt
    """
    key, seed = password.encode(), salt.encode()
    sha = hashlib.sha256
    inner = sha(key + seed + key).digest()
    start = key + seed + _repeat(inner, len(key))
    bits = len(key)
    while bits:
        start += inner if bits & 1 else key
        bits >>= 1
    digest = sha(start).digest()
    p = _repeat(sha(key * len(key)).digest(), len(key))
    s = _repeat(sha(seed * (16 + digest[0])).digest(), len(seed))
    for turn in range(rounds):
        digest = sha(
            (p if turn & 1 else digest)
            + (s if turn % 3 else b"")
            + (p if turn % 7 else b"")
            + (digest if turn & 1 else p)
        ).digest()
    return _base64(digest)


def _is_hash_of(stored: str, password: str) -> bool:
    if _NATIVE.fullmatch(stored):
        return hmac.compare_digest(stored.upper(), stored_form(password))
    sha2 = _SHA2.fullmatch(stored)
    if not sha2 or _NATIVE.fullmatch(password) or _SHA2.fullmatch(password):
        return False
    return hmac.compare_digest(sha2[3].encode(), sha2_hash(password, sha2[2], int(sha2[1], 16) * 1000).encode())


def _repeat(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _base64(digest: bytes) -> str:
    """Three bytes at a time, a third of the digest apart, in crypt's own order and alphabet."""
    a, b, c = 0, 10, 20
    text = ""
    for _turn in range(10):
        text += _letters(digest[a] << 16 | digest[b] << 8 | digest[c], 4)
        a, b, c = c + 1, a + 1, b + 1
    return text + _letters(digest[31] << 8 | digest[30], 3)


def _letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 6 * place & 63] for place in range(count))
