# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an input may be secret, and the same without it. Private to this collection.

A secret is known by its place, never by its value: whoever looks for a short one in a result finds it in
addresses and names as well, and spoils them.
"""

from __future__ import annotations

import re
import typing as t

__all__ = ("HIDDEN", "StandIn", "hide", "hide_in_urls", "mask", "sounds_secret")

HIDDEN = "********"

StandIn = t.Callable[[str], str]
"""What is shown in the place of a secret."""

_NAME = r"[\w-]*(?:auth|token|secret|passw|passphrase|credential|cookie|(?:api|access|private)[_-]?key)[\w-]*"
# A name at the end of a line has no value: what follows is another line.
_BLANK = r"[^\S\n]+"
_SECRETS = (
    # http://user:password@host
    re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://)(?P<value>[^\s/@\"']+)(?=@)", re.IGNORECASE),
    # Authorization: Bearer abc
    re.compile(rf"(?P<head>\b(?:Basic|Bearer){_BLANK})(?P<value>[\w.~+/=-]+)", re.IGNORECASE),
    # token=abc, X-Api-Key: abc
    re.compile(rf"(?P<head>{_NAME}(?:=|:{_BLANK}))(?P<value>[^\s&\"';]+)", re.IGNORECASE),
    # --password abc
    re.compile(rf"(?P<head>(?<!\S)--?{_NAME}{_BLANK})(?P<value>\S+)", re.IGNORECASE),
)
_QUERY = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s?`'\"]*\?)[^\s`'\"]+", re.IGNORECASE)
_SOUNDS_SECRET = re.compile(r"auth|token|secret|passw|passphrase|credential|cookie|key", re.IGNORECASE)


def sounds_secret(name: str) -> bool:
    """Return whether what bears this name, as a header or a variable, is a secret."""
    return bool(_SOUNDS_SECRET.search(name))


def mask(_secret: str) -> str:
    """Return the same for every secret."""
    return HIDDEN


def hide(text: str, stand_in: StandIn = mask) -> str:
    """Return the text without the login of a URL, the words behind Basic and Bearer, and values of secret names."""
    for pattern in _SECRETS:
        text = pattern.sub(lambda found: found["head"] + stand_in(found["value"]), text)
    return text


def hide_in_urls(text: str) -> str:
    """Return a sentence without the logins and the queries of the URLs that it names."""
    for pattern in (_SECRETS[0], _QUERY):
        text = pattern.sub(lambda found: found["head"] + HIDDEN, text)
    return text
