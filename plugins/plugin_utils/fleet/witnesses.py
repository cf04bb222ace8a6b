# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a balancer asks whether it is cut off, see roles/keepalived. Private to this collection."""

from __future__ import annotations

import itertools
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import literal, usable

__all__ = ("gives_way", "witnesses")

VARIABLE = "keepalived_witnesses"

MOST = 8
"""Backends that are asked: one that answers is enough."""


def witnesses(variables: Mapping[str, t.Any], backends: Iterable[str], family: int) -> dict[str, t.Any]:
    """Return whom to ask in a family: addresses, and whether the default gateways of the host are asked as well.

    Where the inventory names nobody, the gateways and the first of the backends are. Raises InputError for what is no
    address.
    """
    if VARIABLE in variables:
        return {
            "witnesses": [address for address in _witnesses(variables) if _family(address) == family],
            "gateways": False,
        }
    own = (address for address in backends if _family(address) == family)
    return {"witnesses": list(itertools.islice(own, MOST)), "gateways": True}


def gives_way(variables: Mapping[str, t.Any]) -> bool:
    """Whether a member that is cut off gives its addresses up: not where the inventory has an empty list."""
    return VARIABLE not in variables or bool(_witnesses(variables))


def _witnesses(variables: Mapping[str, t.Any]) -> list[str]:
    found = []
    for index, value in enumerate(values.items(variables[VARIABLE], VARIABLE)):
        address = literal(value)
        if address is None or not usable(address):
            message = f"`{value}` is no address of another host: write one, for names are never looked up"
            raise InputError(f"{VARIABLE}[{index}]", message)
        found.append(str(address))
    return found


def _family(address: str) -> int:
    return 6 if ":" in address else 4
