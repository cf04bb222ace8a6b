# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces that a configuration names and the host does not have. Private to this collection.

keepalived ends itself when it reads such a name at a reload, and leaves its addresses behind.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig

__all__ = ("unknown_interfaces",)


def unknown_interfaces(config: KeepalivedConfig, there: t.Collection[str]) -> list[Finding]:
    """Return every use of an interface that is not ``there``; none where keepalived shall wait for interfaces."""
    if config.global_defs and config.global_defs.dynamic_interfaces:
        return []
    return [
        Finding(
            "unknown-interface",
            "error",
            f"instances[{index}].{option}",
            f"{name} is no interface of this host ({', '.join(sorted(there))}): correct the name, or make it first",
        )
        for index, instance in enumerate(config.instances or ())
        for option, name in _named(instance)
        if name not in there
    ]


def _named(instance: VrrpInstance) -> t.Iterator[tuple[str, str]]:
    """Yield option and name of the interfaces that must be there before keepalived starts."""
    if instance.interface:
        yield "interface", instance.interface
    for index, tracked in enumerate(instance.track_interface or ()):
        yield f"track_interface[{index}]", tracked.name
    if instance.use_vmac is not None or instance.use_ipvlan is not None:
        return  # an address may be on the interface that keepalived makes
    for option in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for index, vip in enumerate(getattr(instance, option) or ()):
            if vip.dev:
                yield f"{option}[{index}].dev", vip.dev
