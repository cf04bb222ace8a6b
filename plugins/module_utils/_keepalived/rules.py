# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``keepalived --config-test`` lets pass although it does not work. Private to this collection.

``check(config, ...)`` for what the collection is told to write, before it is written; lint.py asks the same rules of
a configuration that somebody else wrote. Each rule is a function in RULES; it yields the option and the sentence.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding

# Each enters its rules into the table.
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import (  # noqa: F401  pylint: disable=unused-import
    rules_addresses,
    rules_instances,
    rules_trackers,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rule import RULES, Placed, Subject
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = ("RULES", "Placed", "Subject", "check")


def check(
    config: KeepalivedConfig,
    addresses: t.Sequence[HostAddress] = (),
    held: t.Collection[str] = (),
    peers: t.Mapping[str, t.Sequence[int]] | None = None,
) -> list[Finding]:
    """Return what is wrong with a configuration although keepalived would take it; see Subject for the arguments."""
    placed = [Placed("global_defs", config.global_defs, True)] if config.global_defs else []
    for field in (
        "track_files",
        "vrrp_scripts",
        "track_processes",
        "bfd_instances",
        "sync_groups",
        "instances",
        "virtual_servers",
    ):
        placed += [Placed(f"{field}[{index}]", item, True) for index, item in enumerate(getattr(config, field) or ())]
    return RULES.ask(Subject(tuple(placed), tuple(addresses), frozenset(held), peers))
