# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a request goes, by its path. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings, values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import OptionalText, Text, Texts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Option, join

__all__ = ("Location", "separated")

_PATH = re.compile(r"(?:(=|~\*?|\^~)\s*)?(\S(?:.*\S)?)")
_GLUED = re.compile(r"(=|\^~|~\*|~(?!\*))([\s\S]+)")

# What a location gets that goes to an upstream, unless it says otherwise: connections that are kept, the client's
# own host name and address for the backend, and a dead backend left quickly. Compared without regard to case.
PROXY_DEFAULTS: t.Mapping[str, t.Any] = {
    "proxy_http_version": "1.1",
    "proxy_connect_timeout": "2s",
    "proxy_next_upstream": ["error", "timeout"],
}
PROXY_HEADERS: t.Mapping[str, str] = {
    "Connection": "",
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
}


def upstream_name(path: str, name: str) -> str:
    """Return the name of an upstream, or a variable that holds one."""
    return values.variable(path, name) if name.startswith("$") else values.name(path, name)


def _rule_of_access(path: str, text: str) -> tuple[str, str]:
    verb, who = values.words(path, text, least=2, most=2)
    if verb not in ("allow", "deny"):
        raise InputError(path, f"{shown(text)} is no rule of access: write it as in allow 10.0.0.0/8 or deny all")
    return verb, who


def _parsed(path: str, text: str) -> tuple[Block, ...]:
    """Return the blocks of nginx text whose last semicolon may be missing."""
    try:
        return parse(text)
    except ConfigError as error:
        try:
            return parse(f"{text}\n;")
        except ConfigError:
            raise InputError(path, f"nginx cannot read this: {error.message}, in: {text:.200}") from error


# What locations and servers have in common: rules of access and statements of nginx, both in their order.
SHARED: t.Mapping[str, Option] = {
    "access": Option(Texts(_rule_of_access)),
    "directives": Option(Texts(_parsed)),
}


def shared_fields(taken: dict[str, t.Any]) -> dict[str, t.Any]:
    """Take the options that locations and servers have in common out of these, and return the fields they make."""
    return {
        "answer": taken.pop("return", None) or (),
        "access": taken.pop("access", None) or (),
        "directives": tuple(block for blocks in taken.pop("directives", None) or () for block in blocks),
    }


def _path(path: str, text: str) -> tuple[str, ...]:
    match = _PATH.fullmatch(values.word(path, text))
    if match is None:
        raise InputError(path, f"{shown(text)} is no path: write it as in /, = /x, ^~ /x, ~ \\.php$ or @name")
    modifier, found = match.groups()
    if found[0] in "\"'":
        raise InputError(path, f"write {found} without quotes: they are added where nginx needs them")
    if not found.startswith(("/", "@")) and modifier not in ("~", "~*"):
        raise InputError(path, f'{shown(found)} must begin with "/"')
    return (modifier, found) if modifier else (found,)


def _uri(path: str, uri: str) -> str:
    if not uri.startswith("/"):
        raise InputError(path, f'{shown(uri)} must begin with "/"')
    return uri


def _url(path: str, url: str) -> str:
    if "://" not in values.word(path, url) and not url.startswith("$"):
        raise InputError(path, f"{shown(url)} has no scheme: write http://{url}, or name an upstream")
    return url


@dataclass(frozen=True)
class Location(Model):
    """One location. ``words`` are its path, or a modifier and its path.

    ``target`` is what proxy_pass is given, ``answer`` the words behind a return that comes last, ``directives`` what no
    option says and what comes behind an include.
    """

    keyword = "location"
    inputs = {
        "path": Option(Text(_path), required=True),
        "upstream": Option(OptionalText(upstream_name)),
        "upstream_scheme": Option(Choice("http", "https"), default="http"),
        "upstream_uri": Option(OptionalText(_uri)),
        "proxy_pass": Option(OptionalText(_url)),
        "alias": Option(OptionalText()),
        "return": Option(OptionalText(values.words, most=2)),
        **SHARED,
    }
    plain = settings.LOCATION

    words: tuple[str, ...]
    target: str | None = None
    alias: str | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    directives: tuple[Block, ...] = ()

    @property
    def path(self) -> str:
        """The modifier and the path, as in ``= /x`` or ``~ \\.php$``."""
        return " ".join(self.words)

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        return PROXY_DEFAULTS if options.get("upstream") else {}

    @classmethod
    def accepted(cls, given: t.Mapping[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        if given.get("upstream"):
            said = given.get("proxy_set_header") or {}
            named = {header.lower() for header in said}
            headers = {header: value for header, value in PROXY_HEADERS.items() if header.lower() not in named}
            given = {**given, "proxy_set_header": {**headers, **said}}
        return super().accepted(given, path, version)

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        goals = [goal for goal in ("upstream", "proxy_pass", "root", "alias", "return") if taken.get(goal)]
        if len(goals) > 1:
            raise InputError(path, f"{' and '.join(goals)} cannot stand together; a location goes to one place")
        upstream, scheme, uri = (taken.get(f"upstream{part}") for part in ("", "_scheme", "_uri"))
        if uri and not upstream:
            raise InputError(join(path, "upstream_uri"), "this belongs to upstream, which is not given")
        return {
            "words": taken["path"],
            "target": f"{scheme}://{upstream}{uri or ''}" if upstream else taken.get("proxy_pass"),
            "alias": taken.get("alias"),
            "settings": cls.taken_settings(taken),
            **shared_fields(taken),
        }

    @classmethod
    def from_block(cls, block: Block) -> Location:
        """Return the location that a block describes; what no option can say there is kept in ``directives``."""
        if block.name != "location" or len(block.args) not in (1, 2) or block.children is None:
            raise ConfigError(block.position, 'a location reads "location [MODIFIER] PATH { ... }"')
        known, behind = split_at_include(block)
        found, known = settings.from_blocks(settings.LOCATION, known)
        known, single = take(known, "proxy_pass", "alias")
        known, rules = take_access(known)
        rest, answer = take_return((*known, *behind))
        return cls(
            words=separated(block.args),
            target=single.get("proxy_pass"),
            alias=single.get("alias"),
            answer=answer,
            access=rules,
            settings=found,
            directives=rest,
        )

    def to_block(self) -> Block:
        """Return the block."""
        children = [Block(verb, (who,)) for verb, who in self.access]
        # "proxy_redirect default" is an error before proxy_pass.
        if self.target is not None:
            children.append(Block("proxy_pass", (self.target,)))
        if self.alias is not None:
            children.append(Block("alias", (self.alias,)))
        children.extend(settings.to_blocks(settings.LOCATION, self.settings))
        children.extend(self.directives)
        if self.answer:
            children.append(Block("return", self.answer))
        return Block("location", self.words, tuple(children))


def separated(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments of a location with the modifier as a word of its own; nginx also takes both as one."""
    glued = _GLUED.fullmatch(args[0]) if len(args) == 1 else None
    return (glued.group(1), glued.group(2)) if glued else args


def split_at_include(block: Block) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """Return the statements of a block before its first include, and the others; comments are left out.

    An include can hold anything, so what comes behind one must stay there: the order of rules of access, of headers
    and of locations decides, and so does that of all that runs one after the other, as return, if and set do.
    """
    listed = tuple(child for child in block.children or () if not child.is_comment)
    names = [child.name for child in listed]
    at = names.index("include") if "include" in names else len(names)
    return listed[:at], listed[at:]


def take(blocks: tuple[Block, ...], *names: str) -> tuple[tuple[Block, ...], dict[str, str]]:
    """Return the blocks without those named directives that occur once and have one argument, and their arguments."""
    taken = {}
    for name in names:
        found = [block for block in blocks if block.name == name]
        if len(found) == 1 and len(found[0].args) == 1 and found[0].children is None:
            taken[name] = found[0].args[0]
    return tuple(block for block in blocks if block.name not in taken), taken


def take_access(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[tuple[str, str], ...]]:
    """Return the blocks without the rules of access, and these."""
    rest, found = take_all(blocks, "allow", "deny")
    return rest, tuple((rule.name, rule.args[0]) for rule in found)


def take_all(
    blocks: tuple[Block, ...], *names: str, most: int | None = 1
) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """Return the blocks without the directives of these names with an argument and at most so many, and these."""
    found: list[Block] = []
    rest: list[Block] = []
    for block in blocks:
        fits = block.name in names and block.children is None and 1 <= len(block.args) <= (most or len(block.args))
        (found if fits else rest).append(block)
    return tuple(rest), tuple(found)


def take_return(blocks: tuple[Block, ...], *, most: int = 2) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Return the blocks without a return at their end, and its words."""
    last = blocks[-1] if blocks else None
    if last is not None and last.name == "return" and last.children is None and 1 <= len(last.args) <= most:
        return blocks[:-1], last.args
    return blocks, ()
