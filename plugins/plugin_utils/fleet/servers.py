# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a server of an upstream, for a whole group or by one host. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("OWN", "SHARED", "server_options")

INTEGERS: dict[str, tuple[int, int]] = {
    "port": (1, 65535),
    "weight": (1, 65535),
    "max_conns": (0, 2**31 - 1),
    "max_fails": (0, 2**31 - 1),
}
SWITCHES: tuple[str, ...] = ("backup", "down")

SHARED: tuple[str, ...] = (*INTEGERS, "fail_timeout")
"""Options of an upstream with ``servers_from`` that hold for all of these servers."""

OWN: tuple[str, ...] = (*SHARED, *SWITCHES)
"""Options that a host says for itself, as ``backend_X``."""


def server_options(options: Mapping[str, t.Any], path: str, names: Iterable[str], prefix: str = "") -> dict[str, t.Any]:
    """Return those of the options that are said, typed; raises InputError for a value that is none."""
    found: dict[str, t.Any] = {}
    for name in names:
        key = prefix + name
        if options.get(key) is None:
            continue
        place = f"{path}.{key}" if path else key
        if name in INTEGERS:
            found[name] = values.integer(options[key], place, *INTEGERS[name])
        elif name in SWITCHES:
            if values.boolean(options[key], place):
                found[name] = True
        else:
            found[name] = values.text(str(options[key]), place)
    return found
