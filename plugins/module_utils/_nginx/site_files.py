# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files beside the configuration that a site brings along: users, pages, certificates, keys. Private."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.passwords import user_line
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join

__all__ = ("FOLDERS_OF_SITES", "PAGES", "TICKETS", "TLS", "USERS", "ErrorPages", "SiteFile", "Users", "users_file")

FOLDERS_OF_SITES = USERS, PAGES, TLS, TICKETS = (
    *("holdfast-users.d", "holdfast-pages.d", "holdfast-tls.d", "holdfast-tickets.d"),
)
"""Folders beside nginx.conf."""

_USER = re.compile(r"[^:#\s\x00-\x1f][^:\x00-\x1f]*")
_STATUSES = re.compile(r"[3-5][0-9]{2}(?: [3-5][0-9]{2})*")


class SiteFile(t.NamedTuple):
    """A file by its name below the folder of nginx.conf.

    nginx's workers read it, others do unless it is a secret, and nobody but root does where it is for root.
    """

    name: str
    text: str
    is_secret: bool = False
    for_root: bool = False


class Users(Kind):
    """Names and passwords, each in clear or as a hash that nginx knows."""

    spec = {"type": "dict"}
    secret = True

    def accept(self, value: t.Any, path: str, version: Version | None) -> dict[str, str] | None:
        if not isinstance(value, t.Mapping):
            raise InputError(path, "must be a mapping of names to passwords")
        for name, password in value.items():
            if not _USER.fullmatch(str(name)):
                raise InputError(
                    path, f"{shown(str(name))} cannot be the name of a user: no colon, no line end, no blank first"
                )
            if not isinstance(password, str) or not password or "\n" in password:
                raise InputError(path, f"the password of {shown(str(name))} must be a text on one line, and not empty")
        return {str(name): password for name, password in value.items()} or None


class ErrorPages(Kind):
    """Pages by the statuses, parted by blanks, that they are for."""

    spec = {"type": "dict"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> dict[str, str] | None:
        if not isinstance(value, t.Mapping):
            raise InputError(path, "must be a mapping of statuses to pages")
        for statuses, page in value.items():
            where = join(path, str(statuses))
            if not _STATUSES.fullmatch(str(statuses)):
                raise InputError(where, f"{shown(str(statuses))} are no statuses: write them as in 404 or 502 503 504")
            if not isinstance(page, str) or not page:
                raise InputError(where, "the page must be a text, and not empty")
        return {str(statuses): page for statuses, page in value.items()} or None


def users_file(name: str, users: t.Mapping[str, str]) -> SiteFile:
    """Return the file of users of this name."""
    lines = (user_line(user, password) for user, password in users.items())
    return SiteFile(f"{USERS}/{values.name('', name)}", "".join(lines), is_secret=True)
