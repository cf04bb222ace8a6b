# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx text and blocks without their secrets. Private to this collection.

They stand in headers that are sent to a backend, in parameters and variables of such names, in the words that a link is
signed with, in the keys of a map that knows who may come in, and in URLs.
"""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, rebuilt
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import certificates
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import StandIn, hide, mask, sounds_secret
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

__all__ = ("hidden", "redact")

_NAMED = re.compile(r"\w+_set_header|add_header|(?:fastcgi|uwsgi|scgi)_param|set")
_SIGNED = ("secure_link_md5", "secure_link_secret")
# The file of users of a site, which is no text of nginx.
_USERS = re.compile(r"(?:[^:\s;{}][^:\n;{}]*:(?:\{S?SHA\})?[^\s;{}]+\n)+")
# What nginx takes as a key for session tickets.
_TICKET = re.compile(r"\S{48}|\S{80}")
_VARIABLE = re.compile(r"\$\w+|")


def redact(text: str, stand_in: StandIn = mask) -> str:
    """Return the text as it is where it holds no secret, else without; a text that nginx cannot read is not shown."""
    if "PRIVATE KEY-----" in text or _TICKET.fullmatch(text):
        return f"{stand_in(text)}\n"
    if text.startswith("-----BEGIN CERTIFICATE-----"):
        return _certificates(text)
    if text and _USERS.fullmatch(text):
        users = (line.partition(":") for line in text.split("\n")[:-1])
        return "".join(f"{name}:{stand_in(password)}\n" for name, _colon, password in users)
    try:
        blocks = parse(text, judged=True)
        without = tuple(hidden(block, stand_in) for block in blocks)
        return text if without == blocks else render(without)
    except ConfigError:
        return f"({text.count(chr(10))} lines that nginx cannot read: not shown, they may hold secrets)\n"


def _certificates(text: str) -> str:
    """Return a line for each certificate: there is no secret in them, and nobody can read them."""
    try:
        found = certificates(text)
    except ValueError:
        return "(certificates that cannot be read)\n"
    return "".join(
        f"{shown(one.owner)} by {shown(one.signer)} for {', '.join(one.names) or 'no name'}, "
        f"until {time.strftime('%Y-%m-%d', time.gmtime(one.ends))}, SHA-256 {one.fingerprint}\n"
        for one in found
    )


def hidden(block: Block, stand_in: StandIn = mask) -> Block:
    """Return the block with every secret in it hidden."""

    def inside(block: Block, in_secret_map: bool) -> tuple[Block, bool]:
        return _shown(block, in_secret_map, stand_in)

    (without,) = rebuilt([block], inside, False)
    return without


def _shown(block: Block, in_secret_map: bool, stand_in: StandIn) -> tuple[Block, bool]:
    """Return the block without its own secrets, and whether what is inside it may be the secrets of a map."""
    if in_secret_map:
        return _entry(block, stand_in), False
    if block.raw is not None:
        return replace(block, raw=hide(block.raw, stand_in)), False
    if block.is_comment:
        return replace(block, args=_each(block.args, stand_in)), False
    if block.children is None:
        return replace(block, args=_hidden(block.name, block.args, stand_in)), False
    is_secret = block.name == "map" and any(map(sounds_secret, block.args))
    return block if is_secret else replace(block, args=_each(block.args, stand_in)), is_secret


def _hidden(name: str, args: tuple[str, ...], stand_in: StandIn) -> tuple[str, ...]:
    if name in _SIGNED:
        return (stand_in(" ".join(args)),)
    if args and _NAMED.fullmatch(name) and sounds_secret(args[0]):
        # A variable on its own hands on what the client sent.
        return (args[0], *(word if _VARIABLE.fullmatch(word) else stand_in(word) for word in args[1:]))
    return _each(args, stand_in)


def _each(args: t.Iterable[str], stand_in: StandIn) -> tuple[str, ...]:
    return tuple(hide(word, stand_in) for word in args)


def _entry(entry: Block, stand_in: StandIn) -> Block:
    """Return an entry of a map, of which either side may be the secret."""
    if entry.is_comment or entry.name == "include":
        return entry
    return replace(entry, name=stand_in(entry.name), args=tuple(map(stand_in, entry.args)), raw=None)
