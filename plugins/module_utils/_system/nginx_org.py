# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package repository of nginx.org, or a mirror of it, as a source of apt. Private to this collection.

Its layout is that of https://nginx.org/en/linux_packages.html.
"""

from __future__ import annotations

import contextlib
import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible.module_utils.urls import ConnectionError as UrlError
from ansible.module_utils.urls import open_url
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.openpgp import (
    armored,
    fingerprints,
    packets_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import of_this_host

__all__ = ("FILES", "SOURCES", "AptSource", "refuse_other_package", "source")

KEY_URL = "https://nginx.org/keys/nginx_signing.key"
# From "gpg --import-options import-show" on https://nginx.org/en/linux_packages.html.
FINGERPRINTS = (
    "8540A6F18833A80E9C1653A42FD21310B49F6B46",  # signing-key-2@nginx.com, 2024-05-29
    "573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62",  # signing-key@nginx.com, 2011-08-19, expires 2027-05-24
    "9E9BE90EACBCDE69FE9B204CBCDCD8A38D88A2B3",  # signing-key-3@nginx.com, 2024-05-29
)
KEY = "/etc/apt/keyrings/holdfast-nginx.asc"
SOURCES = "/etc/apt/sources.list.d/holdfast-nginx.sources"
PREFERENCES = "/etc/apt/preferences.d/holdfast-nginx-source"
FILES = (KEY, SOURCES, PREFERENCES)
MAINTAINER = "nginx-packaging@"
"""Who makes its packages, as they say it themselves."""
SECONDS = 30.0
LARGEST = 1 << 20
OWNED = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"


@dataclass(frozen=True)
class AptSource:
    """A source of apt: where it is, and the public key that signs it, armored."""

    url: str
    suite: str
    key: str

    def sources(self, key: str = KEY) -> str:
        """Return the entry of sources.list(5) in the form of deb822, with the path of the key."""
        return f"{OWNED}Types: deb\nURIs: {self.url}\nSuites: {self.suite}\nComponents: nginx\nSigned-By: {key}\n"

    def preferences(self) -> str:
        """Return what puts its packages before those of the distribution; apt_preferences(5)."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        return f'{OWNED}Package: *\nPin: origin "{host}"\nPin-Priority: 900\n'

    def files(self) -> dict[str, str]:
        """Return the text of each of its files."""
        return {KEY: self.key, SOURCES: self.sources(), PREFERENCES: self.preferences()}

    def is_added(self) -> bool:
        """Tell whether this host has it."""
        return all(_read(path) == text for path, text in self.files().items())


def source(said: t.Mapping[str, t.Any]) -> AptSource:
    """Return the source that is said: ``url``, ``key`` where it is given, and ``fingerprints`` where it has its own.

    The key is that which is given, or is there already, or else it is fetched. HoldfastError for one that nobody knows.
    """
    system = of_this_host()
    key = str(said.get("key") or "") or _read(KEY)
    origin = "nginx_source_key" if said.get("key") else KEY if key else KEY_URL
    packets = packets_of(key.encode() if key else _fetched(KEY_URL))
    known = [one.replace(" ", "").upper() for one in said.get("fingerprints") or FINGERPRINTS]
    try:
        found = fingerprints(packets)
    except HoldfastError as error:
        raise HoldfastError(f"nginx_source: {origin}: {error}") from error
    strange = [one for one in found if one not in known]
    if strange:
        raise HoldfastError(
            f"nginx_source: the key of {origin} has the fingerprint {strange[0]}, which is none of {', '.join(known)}: "
            "find out whose it is, and only then name it in nginx_source_fingerprints"
        )
    url = f"{str(said['url']).rstrip('/')}/{system.id}"
    return AptSource(url, system.codename, armored(packets))


def refuse_other_package(package: str, runner: Runner = run) -> None:
    """Raise HoldfastError where nginx of another source is installed, whose files would be left in the way."""
    state = runner("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version} ${Maintainer}", package)
    status, _blank, more = state.stdout.strip().partition(" ")
    if state.rc == 0 and status == "installed" and MAINTAINER not in more:
        raise HoldfastError(
            f"nginx_source: {package} {more.split()[0]} of the distribution is installed here, and its files would be "
            "in the way of those of nginx.org: remove it first (apt-get purge 'nginx*' 'libnginx-mod-*'), one balancer "
            "after the other, or keep nginx_source: distribution"
        )


def _fetched(url: str) -> bytes:
    try:
        with contextlib.closing(open_url(url, timeout=SECONDS)) as answer:
            content: bytes = answer.read(LARGEST)
    except (OSError, UrlError) as error:
        reason = getattr(error, "reason", None) or error
        raise HoldfastError(
            f"nginx_source: the key {url} cannot be fetched from this host ({reason}): let the host reach it, or give "
            "the key in nginx_source_key"
        ) from error
    return content


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        return file.read()
    return ""
