# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived's own test lets pass and a pair should not have. Private to this collection.

An error is something that cannot do what it says; a warning can, but most likely not what was meant. The rules are in
rules_addresses.py, rules_election.py, rules_trackers.py and rules_words.py.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived import (
    rules_addresses,
    rules_election,
    rules_trackers,
    rules_words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.addresses import HostAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.grammar import lookup
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scope import RULES, Rule, Scope
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.election import Node

__all__ = ("RULES", "Rule", "blocks_of", "check")

_ROOMS = (rules_addresses, rules_election, rules_trackers, rules_words)  # importing them fills RULES


def check(
    config_or_blocks: KeepalivedConfig | t.Iterable[Block],
    *,
    addresses: t.Sequence[HostAddress] = (),
    peers: t.Mapping[str, t.Sequence[Node]] | None = None,
    version: Version | None = None,
    container: bool = False,
    sources: t.Mapping[str, str] | None = None,
    runnable: t.Callable[[str], bool] | None = None,
) -> list[Finding]:
    """Return what the rules find in a configuration: a model, what expand() returned, or the parsed text of a file.

    ``addresses`` are those that the host has of its own, without those that it holds as virtual ones. ``peers`` are
    the other members by the name of the instance, ``sources`` the texts of the files by their path, and
    ``runnable`` tells whether a path is a program; what is not given is not judged.
    ``where`` of a finding is the input path for a model, and file and line for what was read.
    """
    blocks = blocks_of(config_or_blocks) if isinstance(config_or_blocks, KeepalivedConfig) else tuple(config_or_blocks)
    scope = Scope(blocks, addresses, peers, version, container, sources, runnable)
    return [
        Finding(each.name, each.severity, _where(block), message)
        for each in RULES.values()
        for block, message in each.find(scope)
    ]


def blocks_of(config: KeepalivedConfig) -> tuple[Block, ...]:
    """Return the blocks of a configuration in keepalived's order, each with its input path in place of a file."""
    found = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, Model):
            found.append(_placed(value.to_block(), field.name, ()))
        for at, one in enumerate(value if isinstance(value, tuple) else ()):
            if isinstance(one, Model) and one.keyword:
                found.append(_placed(one.to_block(), f"{field.name}[{at}]", ()))
    return tuple(found)


def _placed(block: Block, path: str, around: tuple[str, ...]) -> Block:
    known = lookup(*around, block.name)
    listed = known is not None and known.has_items
    children = tuple(
        _placed(child, f"{path}[{at}]" if listed else f"{path}.{child.name}", (*around, block.name))
        for at, child in enumerate(block.children or ())
    )
    return dataclasses.replace(block, children=None if block.children is None else children, position=Position(path))


def _where(block: Block) -> str:
    return str(block.position) if block.position.line else block.position.file
