# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx's own test lets pass and a balancer should not have. Private to this collection.

Each rule is a function in RULES; it yields the block and the sentence.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version

# Each enters its rules into the table.
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import (  # noqa: F401  pylint: disable=unused-import
    rules_names,
    rules_servers,
    rules_streams,
    rules_targets,
    rules_tls,
    rules_upstreams,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import RULES, Scope

__all__ = ("RULES", "check")


def check(blocks: t.Iterable[Block], *, version: Version | None = None) -> list[Finding]:
    """Return what the rules find in a whole configuration: blocks ``http`` and ``stream``, includes laid in.

    ``where`` is the input path for what NginxConfig.to_blocks returned, and file and line for what was parsed.
    """
    inside: dict[str, list[Block]] = {"http": [], "stream": []}
    for block in blocks:
        if block.name in inside:
            inside[block.name].extend(block.children or ())
    servers = {name: _bodies(found, "server") for name, found in inside.items()}
    findings: list[Finding] = []
    for name, other in (("http", "stream"), ("stream", "http")):
        upstreams = tuple(block for block in _bodies(inside[name], "upstream") if block.args)
        scope = Scope(name, tuple(inside[name]), upstreams, servers[name], servers[other], version)
        findings += RULES.ask(scope)
    return findings


def _bodies(blocks: t.Iterable[Block], name: str) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block.name == name and block.children is not None)
