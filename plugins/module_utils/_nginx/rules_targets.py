# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where requests go, and what they take along. Private to this collection."""

from __future__ import annotations

import re

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import separated
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.targets import PASSES
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import KEEPALIVE_BY_DEFAULT
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule, where

_TARGET = re.compile(r"(?:\w+://)?([^/:\s]+)(?::(\d+))?(/.*)?")


@rule("warning")
def undefined_upstream(scope: Scope) -> Found:
    """proxy_pass goes to a name without a dot that no upstream has; nginx takes it for a host."""
    defined = {upstream.args[0].lower() for upstream in scope.upstreams}
    for _around, block in scope.passes(*PASSES):
        match = _TARGET.fullmatch(block.args[0])
        if match is None:
            continue
        name = match.group(1)
        is_name = re.fullmatch(r"[A-Za-z_][\w-]*", name) and name != "localhost" and name != "unix"
        if is_name and not match.group(2) and name.lower() not in defined:
            yield block, f"no upstream is named {shown(name)}; nginx looks for a host of this name when it starts"


@rule("error")
def undefined_upstream_in_variable(scope: Scope) -> Found:
    """A map or split_clients chooses an upstream that is not there, and no resolver could find a host of that name."""
    if any(block.name == "resolver" for block in walk(scope.blocks)):
        return
    defined = {upstream.args[0].lower() for upstream in scope.upstreams}
    used = {block.args[0].partition("://")[2] or block.args[0] for _around, block in scope.passes(*PASSES)}
    choosers = [block for block in scope.blocks if block.name in _CHOOSERS and len(block.args) == 2]
    for _depth in choosers:
        # One map can choose the variable of another.
        used |= {word for one in choosers if one.args[1] in used for word in _values(one) if word.startswith("$")}
    for chooser in choosers:
        if chooser.args[1] not in used:
            continue
        for entry in chooser.children or ():
            name = entry.args[0] if entry.args and not entry.is_comment else ""
            if re.fullmatch(r"[A-Za-z_][\w.-]*", name) and name.lower() not in defined:
                message = f"{chooser.args[1]} can be {shown(name)}, but no upstream has this name"
                yield entry, f"{message}; such a request fails with 502"


_CHOOSERS = ("map", "split_clients")


def _values(chooser: Block) -> list[str]:
    return [entry.args[0] for entry in chooser.children or () if entry.args and not entry.is_comment]


@rule("error")
def variable_defined_twice(scope: Scope) -> Found:
    """Two blocks define the same variable, and the last one silently wins."""
    seen: dict[str, Block] = {}
    for block in scope.blocks:
        if block.name in ("map", "split_clients", "geo") and block.args and block.children is not None:
            variable = block.args[-1].lower()
            first = seen.setdefault(variable, block)
            if first is not block:
                yield block, f"{block.args[-1]} is defined already ({where(first)}), and only this one has an effect"


@rule("warning")
def keepalive_without_effect(scope: Scope) -> Found:
    """Connections to an upstream with keepalive are closed after each request, up to nginx 1.29.6."""
    if scope.name == "stream" or (scope.version is not None and scope.version >= KEEPALIVE_BY_DEFAULT):
        return
    kept = {upstream.args[0].lower() for upstream in scope.upstreams if upstream.find("keepalive")}
    for around, block in scope.passes():
        match = _TARGET.fullmatch(block.args[0])
        if match is None or match.group(1).lower() not in kept:
            continue
        speaks = [level.find("proxy_http_version")[-1].args for level in around if level.find("proxy_http_version")]
        headers = [level.find("proxy_set_header") for level in around if level.find("proxy_set_header")]
        # nginx says "close" where nothing is said. What else there is, as the variable of a map, leaves it open.
        cleared = any(
            header.args[:1] and header.args[0].lower() == "connection" and header.args[1:] != ("close",)
            for header in (headers[-1] if headers else ())
        )
        if not cleared or not speaks or speaks[-1] == ("1.0",):
            yield (
                block,
                f"upstream {shown(match.group(1))} keeps connections, but not for this location: it needs "
                'proxy_http_version 1.1 and proxy_set_header Connection ""',
            )


_LOST_INSIDE = ("add_header", "add_trailer", "error_page", "limit_conn", "limit_req", "proxy_hide_header")
"""What adds up, so that a location which says one of them seldom means to lose the others; besides headers to send."""


@rule("warning")
def headers_not_inherited(scope: Scope) -> Found:
    """A location sets headers of its own and so loses those set around it."""
    for around, _block in scope.passes():
        levels = [(level, level.find("proxy_set_header")) for level in around if level.find("proxy_set_header")]
        if len(levels) < 2 or levels[-1][0] is not around[-1]:
            continue
        own = {header.args[0].lower() for header in levels[-1][1] if header.args}
        lost = sorted({header.args[0] for header in levels[-2][1] if header.args and header.args[0].lower() not in own})
        if lost:
            yield (
                levels[-1][1][0],
                f"this proxy_set_header takes away {', '.join(lost)}, set around it; repeat them",
            )


@rule("warning")
def lost_in_location(scope: Scope) -> Found:
    """A location that says a header, an error page or a limit loses those of the server."""
    for around in scope.levels():
        if around[-1].name not in ("location", "if"):
            continue
        for name in _LOST_INSIDE:
            own = around[-1].find(name)
            if not own or (name.startswith("add_") and any(level.find("add_header_inherit") for level in around)):
                continue
            outside = next((level.find(name) for level in reversed(around[:-1]) if level.find(name)), ())
            kept = {_says(block) for block in own}
            lost = list(dict.fromkeys(_says(block) for block in outside if _says(block) not in kept))
            if lost:
                yield own[0], f"this {name} takes away {', '.join(lost)}, said around it; repeat what shall hold here"


def _says(block: Block) -> str:
    """Return what one of several directives is about: the name of a header or zone, the statuses of a page."""
    if block.name == "error_page":
        return " ".join(block.args[:-1])
    return " ".join(block.args[:1]).lower() if block.name.endswith("_header") else " ".join(block.args[:1])


@rule("warning")
def path_joined_wrongly(scope: Scope) -> Found:
    """A path is replaced by one that ends otherwise: /api2 by / makes //users of /api2/users."""
    for around, block in scope.passes():
        match = _TARGET.fullmatch(block.args[0])
        location = around[-1]
        if location.name != "location" or match is None or not match.group(3) or "$" in block.args[0]:
            continue
        *modifier, path = separated(location.args) if location.args else ("",)
        if modifier not in ([], ["^~"]) or path.endswith("/") == match.group(3).endswith("/"):
            continue
        more = "users" if path.endswith("/") else "/users"
        yield (
            block,
            f"{path}{more} becomes {match.group(3)}{more} for the backend: end both with a slash, or neither",
        )
