# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords as nginx reads them from a file of users. Private to this collection.

A password becomes a SHA-512 hash of crypt(3) (https://www.akkadia.org/drepper/SHA-crypt.txt), which Python's library
has no more. The salt follows from name and password, so that the same input makes the same file.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ("user_line",)

# What nginx takes as a hash: those of crypt(3), of Apache, and the schemes of RFC 2307.
_HASH = re.compile(r"\$(?:apr1|1|2[aby]|5|6|7|y)\$\S+|\{(?:SHA|SSHA)\}\S+")
_ROUNDS = 5000
_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The order in which three bytes at a time become four letters.
_ORDER = [(i * 22 % 63, (i * 22 + 21) % 63, (i * 22 + 42) % 63) for i in range(21)]


def user_line(name: str, password: str) -> str:
    """Return the line of a user; a password that is hashed already stays as it is."""
    return f"{name}:{password if _HASH.fullmatch(password) else _sha512_crypt(password, _salt(name, password))}\n"


def _salt(name: str, password: str) -> str:
    seed = hashlib.sha512(f"holdfast.nginx_ha\0{name}\0{password}".encode()).digest()
    return "".join(_LETTERS[byte % 64] for byte in seed[:16])


def _sha512_crypt(password: str, salt: str) -> str:
    """Return ``$6$SALT$HASH`` by the steps of the specification, which names them by letters."""
    key, salted = password.encode(), salt.encode()
    b = hashlib.sha512(key + salted + key).digest()
    a = hashlib.sha512(key + salted + _long(b, len(key)))
    length = len(key)
    while length:
        a.update(b if length & 1 else key)
        length >>= 1
    digest = a.digest()
    p = _long(hashlib.sha512(key * len(key)).digest(), len(key))
    s = _long(hashlib.sha512(salted * (16 + digest[0])).digest(), len(salted))
    for number in range(_ROUNDS):
        c = hashlib.sha512(p if number & 1 else digest)
        c.update((s if number % 3 else b"") + (p if number % 7 else b""))
        c.update(digest if number & 1 else p)
        digest = c.digest()
    letters = "".join(_letters(digest[x] << 16 | digest[y] << 8 | digest[z], 4) for x, y, z in _ORDER)
    return f"$6${salt}${letters}{_letters(digest[63], 2)}"


def _long(digest: bytes, length: int) -> bytes:
    """Return so many bytes of a digest that is repeated."""
    return (digest * (length // 64 + 1))[:length]


def _letters(value: int, count: int) -> str:
    return "".join(_LETTERS[value >> 6 * place & 63] for place in range(count))
