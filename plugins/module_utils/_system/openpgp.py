# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys of OpenPGP (RFC 4880): which they are. Private to this collection.

A host has gpgv, which apt needs, and seldom gpg, which tells fingerprints.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("armored", "fingerprints", "packets_of")

_ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(?P<head>(?:[^\r\n]+\r?\n)*?)\r?\n(?P<body>.*?)"
    r"(?:^=[^\r\n]*\r?\n)?-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL | re.MULTILINE,
)
_PUBLIC_KEY = 6
_NO_KEY = "this is no public key of OpenPGP"
_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x1864CFB  # RFC 4880, section 6.1


def packets_of(key: bytes) -> bytes:
    """Return the packets of a key, or of several, that may be armored; HoldfastError where it is none."""
    blocks = list(_ARMOR.finditer(key.decode("ascii", "replace")))
    if not blocks:
        return key
    try:
        return b"".join(base64.b64decode("".join(block["body"].split()), validate=True) for block in blocks)
    except binascii.Error as error:
        raise HoldfastError(f"{_NO_KEY}: its text is damaged ({error})") from error


def fingerprints(packets: bytes) -> list[str]:
    """Return the fingerprint of each primary key in these packets, forty digits each; HoldfastError for anything else.

    Subkeys and names count for a key only where it has signed them, which whoever uses it checks.
    """
    found = []
    for tag, body in _packets(packets):
        if tag == _PUBLIC_KEY:
            if body[:1] != b"\x04":
                raise HoldfastError(f"{_NO_KEY} of version 4")
            digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body)  # noqa: S324  RFC 4880, section 12.2
            found.append(digest.hexdigest().upper())
    if not found:
        raise HoldfastError(_NO_KEY)
    return found


def armored(packets: bytes) -> str:
    """Return packets as one armored block, the form that apt takes of a text."""
    text = base64.b64encode(packets).decode("ascii")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    check = base64.b64encode(_crc(packets).to_bytes(3, "big")).decode("ascii")
    begin, end = (f"-----{word} PGP PUBLIC KEY BLOCK-----" for word in ("BEGIN", "END"))
    return "\n".join([begin, "", *lines, f"={check}", end, ""])


def _crc(data: bytes) -> int:
    crc = _CRC_START
    for byte in data:
        crc ^= byte << 16
        for _bit in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= _CRC_POLYNOMIAL
    return crc


def _packets(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """Yield tag and body of each packet (sections 4.2.1 and 4.2.2); a key has none of a length that is not told."""
    at = 0
    while at < len(data):
        head = data[at]
        if not head & 0x80:
            raise HoldfastError(_NO_KEY)
        first = data[at + 1] if at + 1 < len(data) else 0
        if head & 0x40:
            tag = head & 0x3F
            start, octets = (
                (at + 2, 0) if first < 192 else (at + 3, 1) if first < 224 else (at + 2, 4) if first == 255 else (0, 0)
            )
            if not start:
                raise HoldfastError(_NO_KEY)
            if first < 192:
                length = first
            elif octets == 1:
                length = ((first - 192) << 8) + int.from_bytes(data[at + 2 : at + 3], "big") + 192
            else:
                length, start = int.from_bytes(data[at + 2 : at + 6], "big"), at + 6
        else:
            tag, octets = (head >> 2) & 0x0F, (1, 2, 4, 0)[head & 3]
            start = at + 1 + octets
            length = int.from_bytes(data[at + 1 : start], "big")
        if start + length > len(data) or not length:
            raise HoldfastError(_NO_KEY)
        yield tag, data[start : start + length]
        at = start + length
