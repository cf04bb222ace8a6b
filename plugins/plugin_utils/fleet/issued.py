# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates a balancer fetches from the issuer by itself: those that its sites name in the folder for them.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.certificates import ISSUED
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("issued", "issued_name")

_PATH = re.compile(rf"{ISSUED}/([A-Za-z0-9][A-Za-z0-9._-]*)/(fullchain|privkey)\.pem")
PARTS = {"certificate": "fullchain", "certificate_key": "privkey"}


def issued_name(tls: Mapping[str, t.Any], path: str) -> str:
    """Return the name of the certificate that a site has from the issuer, empty where it has it from elsewhere.

    Raises InputError where one of certificate and key is in the folder for them, and the other one is not beside it.
    """
    said = {option: str(tls.get(option) or "").strip() for option in PARTS}
    inside = [option for option, value in said.items() if value.startswith(f"{ISSUED}/")]
    if not inside:
        return ""
    matches = {option: _PATH.fullmatch(said[option]) for option in PARTS}
    for option, part in PARTS.items():
        other = matches[next(one for one in PARTS if one != option)]
        match = matches[option]
        name = match[1] if match else other[1] if other else "NAME"
        if match is None or match[2] != part or (other and other[1] != name):
            raise InputError(
                f"{path}.{option}",
                f"{shown(said[option])} is not what the issuer brings: write {ISSUED}/{name}/{part}.pem, and the other "
                "one beside it",
            )
    return name


def issued(sites: Iterable[t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """Return by its name the sites of each certificate that comes from the issuer: what they want of it."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for site in sites:
        tls = site.get("tls") if isinstance(site, Mapping) else None
        name = issued_name(tls, "tls") if isinstance(tls, Mapping) else ""
        if isinstance(tls, Mapping) and name:
            names = [str(one) for one in values.listed(site.get("server_name"))]
            found.setdefault(name, []).append({"names": names, "trusted": tls.get("trusted_certificate") or None})
    return found
