# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that one directive defines and others use: log formats, zones and caches. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown

__all__ = ("Name", "defined_in", "named_in", "undefined")


class Name(t.NamedTuple):
    """A name of a kind; ``block`` is the directive that uses it."""

    kind: str
    name: str
    block: Block

    def __str__(self) -> str:
        return f"{self.kind} {shown(self.name)}"


# What nginx has by itself.
_BUILT_IN = {("log format", "combined")}

_DEFINING: t.Mapping[str, tuple[str, re.Pattern[str]]] = {
    "log_format": ("log format", re.compile(r"(.+)", re.DOTALL)),
    "limit_req_zone": ("request zone", re.compile(r"zone=([^:]+):.*")),
    "limit_conn_zone": ("connection zone", re.compile(r"zone=([^:]+):.*")),
    **{f"{kind}_cache_path": ("cache", re.compile(r"keys_zone=([^:]+):.*")) for kind in ("proxy", "fastcgi", "uwsgi")},
}
_TEXT = re.compile(
    r"""\b(?:(log_format)\s+["']?([^\s"';]+)|(limit_(?:req|conn)_zone|(?:proxy|fastcgi|uwsgi)_cache_path)\s[^;]*?"""
    r"""(?:keys_)?zone=([^:;\s]+):)"""
)


# What nginx says of a name without saying which directive uses it, or with the end of the main file as its place.
_PLACELESS = (
    re.compile(r'zone "([^"]+)" is unknown'),
    re.compile(r'zero size shared memory zone "([^"]+)"'),
    re.compile(r'unknown "([^"]+)" variable'),
    re.compile(r"bind\(\) to \S+:(\d+) failed"),
    re.compile(r'cannot load certificate (?:key )?"([^"]+)"'),
    re.compile(r'open\(\) "([^"]+)" failed'),
    re.compile(r'host not found in (?:\w+ )*"([^"]+)"'),
)


def named_in(message: str, blocks: t.Iterable[Block]) -> Block | None:
    """Return the first directive that uses the name of which nginx complains; None where it names none."""
    found = (match[1] for match in (pattern.search(message) for pattern in _PLACELESS) if match)
    name = next(found, None)
    if name is None:
        return None
    whole = re.compile(rf"(?:.*[^\w.-])?{re.escape(name)}(?:[^\w.-].*)?", re.DOTALL)
    return next(
        (block for block in walk(blocks) if any(map(whole.fullmatch, block.args)) and _uses(block, message)), None
    )


def _uses(block: Block, message: str) -> bool:
    """Tell whether this kind of directive can be what the words are about; those that define a name are not."""
    if message.startswith("bind()"):
        return block.name == "listen"
    return block.children is None and block.name not in _DEFINING


def undefined(blocks: t.Iterable[Block]) -> list[Name]:
    """Return the names that are used in a whole context and that nothing in it defines, in the order of their use."""
    listed = tuple(walk(blocks))
    known = set(_BUILT_IN)
    for block in listed:
        kind, pattern = _DEFINING.get(block.name, ("", None))
        for word in block.args[:1] if kind == "log format" else block.args if pattern else ():
            match = pattern.fullmatch(word) if pattern else None
            if match:
                known.add((kind, match[1]))
    return [one for block in listed for one in _used(block) if (one.kind, one.name) not in known]


def defined_in(text: str) -> set[tuple[str, str]]:
    """Return kind and name of all that a text of nginx seems to define; one that a comment holds counts as well."""
    return {
        ("log format", name) if word else (_DEFINING[zoned][0], zone) for word, name, zoned, zone in _TEXT.findall(text)
    }


def _used(block: Block) -> t.Iterator[Name]:
    kind, name = "", ""
    if block.name == "access_log" and len(block.args) > 1:
        kind, name = "log format", block.args[1]
    elif block.name == "limit_req":
        kind = "request zone"
        name = next((word[len("zone=") :] for word in block.args if word.startswith("zone=")), "")
    elif block.name == "limit_conn" and len(block.args) > 1:
        kind, name = "connection zone", block.args[0]
    elif block.name in ("proxy_cache", "fastcgi_cache", "uwsgi_cache") and block.args != ("off",):
        kind, name = "cache", "".join(block.args[:1])
    if kind and name and "$" not in name:
        yield Name(kind, name, block)
