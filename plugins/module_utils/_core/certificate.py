# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as RFC 5280 writes them, read without a library: whose they are, by whom, for which names, how long.

Private to this collection. Python's own library shows a certificate only of a connection, and a host need not have the
program openssl. Nothing is verified here: no signature is looked at.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import functools
import hashlib
import ipaddress
import re
import time
import typing as t
from dataclasses import dataclass

__all__ = ("DAY", "FEW_DAYS", "Certificate", "certificates", "pem_blocks")

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)
_BODY = re.compile(r"-----[A-Z0-9 ]+-----")

# Tags of DER (X.690, 8.1.2), and the object identifiers that are looked for.
_SEQUENCE, _BOOLEAN, _UTC_TIME, _VERSION, _EXTENSIONS = 0x30, 0x01, 0x17, 0xA0, 0xA3
_DNS_NAME, _URI, _IP_ADDRESS, _KEY_ID = 0x82, 0x86, 0x87, 0x80
_COMMON_NAME, _ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_ALT_NAME, _BASIC, _KEY, _ISSUER_KEY = b"\x55\x1d\x11", b"\x55\x1d\x13", b"\x55\x1d\x0e", b"\x55\x1d\x23"
_ACCESS = b"\x2b\x06\x01\x05\x05\x07\x01\x01"
_OCSP = b"\x2b\x06\x01\x05\x05\x07\x30\x01"

DAY = 86400
FEW_DAYS = 14
"""Days that a certificate has left from when it is warned of; who renews by a timer does so before."""

Element = t.Tuple[int, bytes]


@dataclass(frozen=True)
class Certificate:
    """One certificate. ``begins`` and ``ends`` are seconds since the epoch, ``subject`` and ``issuer`` names in DER.

    ``names`` are the DNS names and addresses that it is for, ``ocsp`` is the URL of the responder, empty for none.
    """

    der: bytes
    subject: bytes
    issuer: bytes
    begins: int
    ends: int
    names: tuple[str, ...] = ()
    is_authority: bool = False
    key_id: bytes = b""
    issuer_key_id: bytes = b""
    ocsp: str = ""

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """Return the certificate that these bytes are; ValueError where they are none."""
        try:
            return cls(der, **_fields(der))
        except (IndexError, StopIteration, OverflowError, UnicodeDecodeError):
            raise ValueError("it is cut off, or no certificate") from None

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate in hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def is_self_signed(self) -> bool:
        return self.subject == self.issuer

    @property
    def owner(self) -> str:
        """Whose it is, for people: the common name, else the organisation, else its first name."""
        return _readable(self.subject) or next(iter(self.names), "a certificate without a name")

    @property
    def signer(self) -> str:
        """Who has issued it, for people."""
        return _readable(self.issuer) or "an authority without a name"

    def days_left(self, now: float) -> int:
        """Return the whole days that it is valid from ``now`` on; below 0 where it has ended."""
        return int((self.ends - now) // DAY)

    def issued(self, other: Certificate) -> bool:
        """Return whether it says of itself that it has issued the other one."""
        keys = {self.key_id, other.issuer_key_id}
        return other.issuer == self.subject and (len(keys) == 1 or b"" in keys)

    def covers(self, name: str) -> bool:
        """Return whether a client that asks for this name takes it (RFC 9525, 6.3); ``*.a.b`` is covered by itself."""
        wanted = name.lower().rstrip(".")
        try:
            return str(ipaddress.ip_address(wanted.strip("[]"))) in self.names
        except ValueError:
            pass
        first, _dot, rest = wanted.partition(".")
        return any(one in (wanted, f"*.{rest}" if first and rest else "") for one in map(str.lower, self.names))


@functools.lru_cache(maxsize=1024)  # a hundred sites may have one, and each is asked several things of it
def certificates(text: str) -> tuple[Certificate, ...]:
    """Return the certificates of a text in PEM, in their order; ValueError for one that cannot be read."""
    return tuple(Certificate.from_der(_bytes(block)) for kind, block in pem_blocks(text) if kind == "CERTIFICATE")


def pem_blocks(text: str) -> list[tuple[str, str]]:
    """Return kind and text of each block of PEM; what stands between them is left out."""
    return [(found.group(1), found.group(0) + "\n") for found in _PEM.finditer(text.replace("\r\n", "\n"))]


def _bytes(block: str) -> bytes:
    try:
        return base64.b64decode("".join(_BODY.sub("", block).split()), validate=True)
    except binascii.Error:
        raise ValueError("what stands between its first and last line is no base64") from None


def _fields(der: bytes) -> dict[str, t.Any]:
    [(_tag, whole)] = _elements(der)
    body = next(_elements(whole))[1]
    parts = [one for one in _elements(body) if one[0] != _VERSION]
    _serial, _algorithm, issuer, validity, subject, _key = parts[:6]
    begins, ends = (_seconds(one) for one in _elements(validity[1]))
    found = {"issuer": issuer[1], "subject": subject[1], "begins": begins, "ends": ends}
    for tag, content in parts[6:]:
        if tag == _EXTENSIONS:
            for _tag, extension in _elements(next(_elements(content))[1]):
                name, *more = _elements(extension)
                found.update(_extension(name[1], more[-1][1]))
    return found


def _extension(name: bytes, value: bytes) -> dict[str, t.Any]:
    """Return what an extension says, as fields of a certificate; nothing for one that is not looked for."""
    if name == _KEY:
        return {"key_id": next(_elements(value))[1]}
    if name not in (_ALT_NAME, _BASIC, _ISSUER_KEY, _ACCESS):
        return {}
    inside = list(_elements(next(_elements(value))[1]))
    if name == _ALT_NAME:
        return {"names": tuple(filter(None, map(_name, inside)))}
    if name == _BASIC:
        return {"is_authority": any(tag == _BOOLEAN and content != b"\0" for tag, content in inside)}
    if name == _ISSUER_KEY:
        return {"issuer_key_id": next((content for tag, content in inside if tag == _KEY_ID), b"")}
    for _tag, access in inside:
        method, (tag, place) = list(_elements(access))[:2]
        if method[1] == _OCSP and tag == _URI:
            return {"ocsp": place.decode("ascii")}
    return {}


def _name(element: Element) -> str:
    tag, content = element
    if tag == _DNS_NAME:
        return content.decode("ascii", "replace")
    return str(ipaddress.ip_address(content)) if tag == _IP_ADDRESS and len(content) in (4, 16) else ""


def _readable(name: bytes) -> str:
    """Return the common name, or the organisation, of a name in DER."""
    found: dict[bytes, str] = {}
    for _set, parts in _elements(name):
        for _tag, pair in _elements(parts):
            kind, value = list(_elements(pair))[:2]
            found.setdefault(kind[1], value[1].decode("utf-8", "replace"))
    return found.get(_COMMON_NAME) or found.get(_ORGANISATION) or ""


def _seconds(element: Element) -> int:
    """Return the seconds since the epoch of a time, which is in UTC (RFC 5280, 4.1.2.5)."""
    tag, content = element
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))


def _elements(data: bytes) -> t.Iterator[Element]:
    """Yield tag and content of what is written one after the other; IndexError where the last is cut off."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise IndexError(at)
        yield tag, data[at : at + length]
        at += length
