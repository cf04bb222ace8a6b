# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of one's own for errors and for maintenance. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import PAGES, SiteFile

__all__ = ("ACME", "MAINTENANCE", "PAGES_PATH", "PAGE_SETTINGS", "RETRY_LATER", "page", "page_files", "page_rules")

PAGES_PATH = "/holdfast-pages/"
"""Path below which nginx itself finds the pages of a site; a client gets none of them by asking for it."""

PAGE_SETTINGS: t.Mapping[str, t.Any] = {"auth_basic": "off", "default_type": "text/html", "internal": True}

ACME = "/.well-known/acme-challenge/"
"""What goes on during maintenance, or a certificate would run out meanwhile."""

RETRY_LATER: t.Mapping[str, str] = {"Retry-After": "300"}
"""In seconds, when a client shall ask again for a site in maintenance."""

MAINTENANCE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Maintenance</title></head>
<body><h1>Maintenance</h1><p>This site will be back soon.</p></body>
</html>
"""


def page(path: str, text: str) -> str:
    """Return the text of a page, which becomes a file."""
    if not text.strip():
        raise InputError(path, "this page is empty; give it a text or leave it out")
    return text


def page_rules(pages: t.Mapping[str, str]) -> list[str]:
    """Return the lines of error_page for pages by their statuses."""
    return [f"{statuses} {PAGES_PATH}{_file(statuses)}" for statuses in pages]


def page_files(site: str, pages: t.Mapping[str, str]) -> list[SiteFile]:
    """Return the files of a site's pages."""
    return [SiteFile(f"{PAGES}/{site}/{_file(statuses)}", text) for statuses, text in pages.items()]


def _file(statuses: str) -> str:
    return f"{statuses.split()[0]}.html"
