# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules, asked of a configuration that somebody wrote by hand. Private to this collection.

``lint(text, file, ...)`` finds what ``rules.check`` finds, and what only a text can have: values cut at a ``#``,
placeholders that nobody filled in, words that keepalived ignores, trackers defined too late.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, Finding, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model, option_of
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import split_comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.network import BfdInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.reader import Include, physical_lines
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules import RULES, Placed, Subject
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    TrackFile,
    TrackProcess,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.virtual_server import VirtualServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = ("lint",)

MODELS: dict[str, type[Model]] = {
    "global_defs": GlobalDefs,
    "track_file": TrackFile,
    "vrrp_track_file": TrackFile,
    "vrrp_script": VrrpScript,
    "vrrp_track_process": TrackProcess,
    "bfd_instance": BfdInstance,
    "vrrp_sync_group": SyncGroup,
    "vrrp_instance": VrrpInstance,
    "virtual_server": VirtualServer,
}
_TRACKERS = {
    "track_script": ("vrrp_script",),
    "track_file": ("track_file", "vrrp_track_file"),
    "track_process": ("vrrp_track_process",),
    "track_bfd": ("bfd_instance",),
}
_PLACEHOLDER = re.compile(r"<[\w. -]+>|__\w+__|%\w+%|\{\{.*\}\}|\$\{?\w+\}?|X\.X\.X\.\w+")
_BRACES = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}")


def lint(
    text: str,
    file: str = "",
    include: Include | None = None,
    instance: str = "",
    build: Build | None = None,
    addresses: t.Sequence[HostAddress] = (),
    held: t.Collection[str] = (),
    peers: t.Mapping[str, t.Sequence[int]] | None = None,
) -> list[Finding]:
    """Return what is wrong with a configuration, what keepalived itself would say first.

    The first arguments are those of ``expand``, the last those of ``rules.check``. ConfigError where the text would go
    on for ever.
    """
    expanded = expand(text, file, include, instance, build)
    findings = [*expanded.findings, *_of_text(text, file)]
    placed: list[Placed] = []
    for block in expanded.blocks:
        model = MODELS.get(block.name)
        if model is None:
            continue
        faults: list[ConfigError] = []
        read = model.read(block, faults)
        findings += [Finding("value-wrong", "error", str(fault.position), fault.message) for fault in faults]
        if read is not None:
            placed.append(Placed(str(block.position), read, False))
        findings += _of_block(model, block)
    findings += _of_tree(expanded.blocks)
    findings += RULES.ask(Subject(tuple(placed), tuple(addresses), frozenset(held), peers))
    return findings


def _of_text(text: str, file: str) -> t.Iterator[Finding]:
    for line in physical_lines(text, file):
        code, comment, _closed = split_comment(line.text)
        if comment and code.strip() and not code[-1].isspace():
            cut = code.split()[-1]
            message = f"{shown(cut + comment.split()[0])} is cut at the sign {comment[0]}: put it in double quotes"
            yield Finding("value-cut", "warning", str(line.position), message)
        if _BRACES.search(code):
            message = f"a template was not filled in: {code.strip()}"
            yield Finding("placeholder", "error", str(line.position), message)


def _of_tree(blocks: t.Sequence[Block]) -> t.Iterator[Finding]:
    for block in walk(blocks):
        for word in (block.name, *block.args):
            if _PLACEHOLDER.fullmatch(word):
                message = f"{shown(word)} looks like a placeholder that nobody filled in"
                yield Finding("placeholder", "warning", str(block.position), message)
        if block.name == "net_namespace" and block.children is None:
            message = "keepalived tests nothing more where this network namespace does not exist"
            yield Finding("namespace-hides-errors", "warning", str(block.position), message)
    defined: dict[str, list[tuple[Position, int]]] = {}
    for position, block in enumerate(blocks):
        if block.args:
            defined.setdefault(f"{block.name} {block.args[0]}", []).append((block.position, position))
    for name, places in defined.items():
        if len(places) > 1 and name.split(" ", 1)[0] in MODELS and not name.startswith("virtual_server "):
            message = f"{name} is there twice, and keepalived says nothing of it"
            yield Finding("name-twice", "error", str(places[1][0]), message)
    for position, block in enumerate(blocks):
        for tracking in block.find(*_TRACKERS) if block.name in ("vrrp_instance", "vrrp_sync_group") else ():
            for item in tracking.children or ():
                kinds = _TRACKERS[tracking.name]
                places = [result for kind in kinds for result in defined.get(f"{kind} {item.name}", ())]
                if places and all(index > position for _position, index in places):
                    message = f"{item.name} is defined further down, and keepalived ignores it here: move it up"
                    yield Finding("tracker-later", "error", str(item.position), message)


def _of_block(model: type[Model], block: Block) -> t.Iterator[Finding]:
    """Say which lines keepalived reads only in part, or not at all because a later one is the same."""
    seen: dict[str, Block] = {}
    for line in block.children or ():
        kind = option_of(model, line.name)
        if kind is None or line.children is not None:
            continue
        try:
            value = kind.accept(kind.read([line]), "", None)
        except (ValueError, InputError, ConfigError):
            continue
        written = next(iter(kind.write(line.name, value)), None) if value is not None else None
        if written is not None and len(line.args) > len(written.args) and not kind.repeats:
            ignored = " ".join(line.args[len(written.args) :])
            message = f"keepalived ignores what follows the value of {line.name}: {ignored}"
            yield Finding("words-extra", "warning", str(line.position), message)
        if line.name in seen and not kind.repeats:
            message = f"{line.name} is said twice, and keepalived takes one of them without a word"
            yield Finding("keyword-twice", "warning", str(line.position), message)
        seen[line.name] = line
