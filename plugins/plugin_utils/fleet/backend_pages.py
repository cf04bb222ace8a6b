# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sites of a backend as the inventory has them, and their pages. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("SITES", "pages", "configured")

Variables = Mapping[str, t.Any]
Site = t.Dict[str, t.Any]

SITES = "backend_sites"


def configured(variables: Variables) -> list[Site]:
    """Return the sites as the inventory has them; InputError for a site that is no mapping."""
    sites = values.items(variables[SITES], SITES)
    return [values.mapping(site, f"{SITES}[{index}]") for index, site in enumerate(sites)] or [
        {
            "name": "backend",
            "server_name": [variables["backend_server_name"]],
            "root": variables["backend_root"],
            "index": ["index.html"],
            "content": variables["backend_content"],
        }
    ]


def pages(variables: Variables, host: str) -> dict[str, str]:
    """Return the text of each index.html that the inventory says, by its path; the short form has one by default."""
    found = {}
    for site in configured(variables):
        if site.get("content"):
            continue
        page = site.get("page") if variables[SITES] else variables.get("backend_page", f"{host}\n")
        if page:
            found[f"{site.get('root') or variables['backend_root']}/index.html"] = str(page)
    return found
