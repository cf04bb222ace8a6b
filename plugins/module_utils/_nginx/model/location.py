# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a request goes, by its path. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings, values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import OnOff, OptionalText, Text, Texts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.caching import cached
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.inheritance import PAIRS, Level
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.targets import (
    DIRECT,
    PASSES,
    PROTOCOLS,
    SCHEMES,
    UPGRADED,
    UPGRADED_DEFAULTS,
    target_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import SiteFile, Users, users_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import NestedList, Option, join

__all__ = ("Location", "separated", "statements")

_PATH = re.compile(r"(?:(=|~\*?|\^~)\s*)?(\S(?:.*\S)?)")
_GLUED = re.compile(r"(=|\^~|~\*|~(?!\*))([\s\S]+)")

# A client that asks for another protocol gets it, and every other request keeps the connection to the backend.
# https://nginx.org/en/docs/http/websocket.html has a map for this; what a server sets needs no second file.
UPGRADE = parse('set $holdfast_connection ""; if ($http_upgrade) { set $holdfast_connection upgrade; }')

_REWRITE_FLAGS = ("last", "break", "redirect", "permanent")
# What runs one after the other with rewrite, so that the order decides.
_IN_ORDER = ("rewrite", "if", "set", "return", "break", "include")


def upstream_name(path: str, name: str) -> str:
    """Return the name of an upstream, or a variable that holds one."""
    return values.variable(path, name) if name.startswith("$") else values.name(path, name)


def _rule_of_access(path: str, text: str) -> tuple[str, str]:
    verb, who = values.words(path, text, least=2, most=2)
    if verb not in ("allow", "deny"):
        raise InputError(path, f"{shown(text)} is no rule of access: write it as in allow 10.0.0.0/8 or deny all")
    if who != "all":
        values.network(path, who)
    return verb, who


def _rewrite(path: str, text: str) -> tuple[str, ...]:
    found = values.words(path, text, least=2, most=3)
    if len(found) == 3 and found[2] not in _REWRITE_FLAGS:
        raise InputError(path, f"{shown(found[2])} is no flag of rewrite: use one of {', '.join(_REWRITE_FLAGS)}")
    return found


def statements(path: str, text: str) -> tuple[Block, ...]:
    """Return the blocks of nginx text whose last semicolon may be missing."""
    try:
        return parse(text)
    except ConfigError as error:
        try:
            return parse(f"{text}\n;")
        except ConfigError:
            raise InputError(path, f"nginx cannot read this: {error.message}, in: {text:.200}") from error


REALM = "Restricted"
"""What a client reads when it is asked for name and password, where nobody says it."""


def with_users(settings: dict[str, t.Any], users: t.Mapping[str, str] | None, path: str) -> dict[str, t.Any]:
    """Return the settings with what asks a client for its name, where there are users."""
    if not users:
        return settings
    if "auth_basic_user_file" in settings:
        raise InputError(join(path, "auth_basic_users"), "there is an auth_basic_user_file as well: keep one of them")
    return {"auth_basic": REALM, **settings}


# What locations and servers have in common: rules of access and statements of nginx, both in their order.
SHARED: t.Mapping[str, Option] = {
    "access": Option(Texts(_rule_of_access)),
    "rewrite": Option(Texts(_rewrite)),
    "directives": Option(Texts(statements)),
}


def shared_fields(taken: dict[str, t.Any]) -> dict[str, t.Any]:
    """Take the options that locations and servers have in common out of these, and return the fields they make."""
    return {
        "answer": taken.pop("return", None) or (),
        "access": taken.pop("access", None) or (),
        "rewrites": taken.pop("rewrite", None) or (),
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


def said_as_null(options: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Return the names of the pairs that shall not be, by their directive."""
    given = {name: options[name] for name in PAIRS if isinstance(options.get(name), t.Mapping)}
    null = {name: [str(one) for one, text in pairs.items() if text is None] for name, pairs in given.items()}
    return {name: gone for name, gone in null.items() if gone}


@dataclass(frozen=True)
class InnerLocation(Model):
    """One location. ``words`` are its path, or a modifier and its path.

    ``target`` is what ``passes``, as proxy_pass, is given, ``answer`` the words behind a return that comes last,
    ``directives`` what no option says and what comes behind an include.

    The fields that do not count in comparison are what only the user's options say: ``origin`` is where they stand,
    seen from what the location lies in, ``goal`` the option that says where requests go, ``without`` the pairs that
    were said as null, and ``users`` who may come in.
    """

    keyword = "location"
    inputs = {
        "path": Option(Text(_path), required=True),
        "upstream": Option(OptionalText(upstream_name)),
        "upstream_scheme": Option(Choice(*SCHEMES), default="http"),
        "upstream_uri": Option(OptionalText(_uri)),
        **{name: Option(OptionalText(check)) for name, check in DIRECT.items()},
        "websocket": Option(OnOff()),
        "auth_basic_users": Option(Users()),
        "alias": Option(OptionalText()),
        "return": Option(OptionalText(values.words, most=2)),
        **SHARED,
    }
    plain = settings.LOCATION

    words: tuple[str, ...]
    target: str | None = None
    passes: str = "proxy_pass"
    alias: str | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    rewrites: tuple[tuple[str, ...], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    locations: tuple[InnerLocation, ...] = ()
    directives: tuple[Block, ...] = ()
    origin: str = field(default="", compare=False)
    goal: str = field(default="", compare=False)
    websocket: bool | None = field(default=None, compare=False)
    without: t.Mapping[str, t.Collection[str]] = field(default_factory=dict, compare=False)
    users: t.Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def path(self) -> str:
        """The modifier and the path, as in ``= /x`` or ``~ \\.php$``."""
        return " ".join(self.words)

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        goals = [goal for goal in ("upstream", *DIRECT, "root", "alias", "return") if taken.get(goal)]
        # An application behind FastCGI may be told by root where its scripts lie.
        scripted = taken.get("fastcgi_pass") or taken.get("upstream_scheme") == "fastcgi"
        if len([goal for goal in goals if not (scripted and goal == "root")]) > 1:
            raise InputError(path, f"{' and '.join(goals)} cannot stand together; a location goes to one place")
        upstream, scheme, uri = (taken.get(f"upstream{part}") for part in ("", "_scheme", "_uri"))
        if uri and not upstream:
            raise InputError(join(path, "upstream_uri"), "this belongs to upstream, which is not given")
        passes = next((name for name in DIRECT if taken.get(name)), "proxy_pass")
        target = taken.get(passes)
        if upstream:
            passes, target = target_of(upstream, str(scheme), uri, join(path, "upstream_uri"))
        if taken.get("websocket") and not (target and passes == "proxy_pass"):
            raise InputError(join(path, "websocket"), "this belongs to an upstream or proxy_pass that speaks HTTP")
        return {
            "words": taken["path"],
            "target": target,
            "passes": passes,
            "alias": taken.get("alias"),
            "settings": with_users(cls.taken_settings(taken), taken.get("auth_basic_users"), path),
            "users": taken.get("auth_basic_users") or {},
            "locations": tuple(
                replace(one, origin=f"locations[{at}]") for at, one in enumerate(taken.get("locations") or ())
            ),
            "goal": goals[0] if goals else "",
            "websocket": taken.get("websocket"),
            **shared_fields(taken),
        }

    @classmethod
    def from_options(
        cls: type[SomeLocation], options: t.Mapping[str, t.Any], path: str = "", version: Version | None = None
    ) -> SomeLocation:
        made = super().from_options(options, path, version)
        return replace(made, without=said_as_null(options))

    def validate(self, path: str) -> None:
        given_uri = self.goal == "upstream" and "/" in (self.target or "").partition("://")[2]
        if given_uri and (self.words[0] in ("~", "~*") or self.words[0].startswith("@")):
            message = "a location of this kind hands the path on as it is; leave this out, or use rewrite in directives"
            raise InputError(join(path, "upstream_uri"), message)

    def settled(self: SomeLocation, around: Level, *, websocket: bool | None = None) -> SomeLocation:
        """Return the location with what nginx would not give it of the level around it, and what it lacks for its goal.

        ``websocket`` is what is said around it.
        """
        wanted = websocket if self.websocket is None else self.websocket
        upgraded = self.target is not None and self.passes == "proxy_pass" and bool(wanted)
        protocol = PROTOCOLS[PASSES[self.passes]]
        defaults: dict[str, t.Any] = {
            **(protocol.always if self.target is not None else {}),
            **(protocol.balanced if self.goal == "upstream" else {}),
            **(UPGRADED_DEFAULTS if upgraded else {}),
            **(cached(self.passes, self.settings, around.names, self.plain) if self.target is not None else {}),
        }
        found = around.settled(
            self.settings,
            self.directives,
            defaults=defaults,
            over={"proxy_set_header": UPGRADED} if upgraded else {},
            without=self.without,
        )
        inside = around.inside(found, self.directives)
        inner = tuple(one.settled(inside, websocket=wanted) for one in self.locations)
        return replace(self, settings=found, locations=inner, websocket=upgraded)

    def named(self, name: str) -> tuple[InnerLocation, list[SiteFile]]:
        """Return the location, its file of users called by this name, and the files that it and those inside have."""
        found = [users_file(name, self.users)] if self.users else []
        settings = {**self.settings, "auth_basic_user_file": found[0].name} if found else self.settings
        inner = [one.named(f"{name}.{at}") for at, one in enumerate(self.locations)]
        files = [*found, *(file for _location, files in inner for file in files)]
        return replace(self, settings=settings, locations=tuple(location for location, _files in inner)), files

    @property
    def speaks_grpc(self) -> bool:
        """True where it, or a location inside it, asks a backend by gRPC."""
        return self.passes == "grpc_pass" or any(one.speaks_grpc for one in self.locations)

    @property
    def upgrades(self) -> bool:
        """True where it, or a location inside it, hands a change of protocol on; its server then needs ``UPGRADE``."""
        return bool(self.websocket) or any(one.upgrades for one in self.locations)

    @classmethod
    def from_block(cls: type[SomeLocation], block: Block) -> SomeLocation:
        """Return the location that a block describes; what no option can say there is kept in ``directives``."""
        if block.name != "location" or len(block.args) not in (1, 2) or block.children is None:
            raise ConfigError(block.position, 'a location reads "location [MODIFIER] PATH { ... }"')
        known, behind = split_at_include(block)
        found, known = settings.from_blocks(settings.LOCATION, known)
        known, single = take(known, "alias")
        found_passes = [block for block in known if block.name in PASSES]
        passes = found_passes[0].name if len(found_passes) == 1 else "proxy_pass"
        known, target = take(known, passes)
        known, rules = take_access(known)
        rest, inner = cls.take_locations((*known, *behind))
        rest, rewrites = take_rewrites(rest)
        rest, answer = take_return(rest)
        return cls(
            rewrites=rewrites,
            words=separated(block.args),
            target=target.get(passes),
            passes=passes,
            alias=single.get("alias"),
            answer=answer,
            access=rules,
            settings=found,
            locations=inner,
            directives=rest,
        )

    @classmethod
    def take_locations(cls, blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[InnerLocation, ...]]:
        """Return the blocks without the locations that the options of this one can hold, and these."""
        return blocks, ()

    def to_block(self) -> Block:
        """Return the block."""
        children = [Block(verb, (who,)) for verb, who in self.access]
        # "proxy_redirect default" is an error before proxy_pass.
        if self.target is not None:
            children.append(Block(self.passes, (self.target,)))
        if self.alias is not None:
            children.append(Block("alias", (self.alias,)))
        children.extend(settings.to_blocks(settings.LOCATION, self.settings))
        children.extend(Block("rewrite", words) for words in self.rewrites)
        children.extend(self.directives)
        if self.answer:
            children.append(Block("return", self.answer))
        children.extend(one.to_block() for one in self.locations)
        return Block("location", self.words, tuple(children))


SomeLocation = t.TypeVar("SomeLocation", bound=InnerLocation)


class Location(InnerLocation):
    """A location of a server, which can have locations inside it."""

    inputs = {**InnerLocation.inputs, "locations": Option(NestedList(InnerLocation))}

    @classmethod
    def take_locations(cls, blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[InnerLocation, ...]]:
        return take_locations(blocks, InnerLocation)


def take_locations(
    blocks: tuple[Block, ...], model: type[SomeLocation]
) -> tuple[tuple[Block, ...], tuple[SomeLocation, ...]]:
    """Return the blocks without the locations behind the last include, and these."""
    last = max((i for i, block in enumerate(blocks) if block.name == "include"), default=-1) + 1
    rest = tuple(block for block in blocks[last:] if block.name != "location")
    return (*blocks[:last], *rest), tuple(
        model.from_block(block) for block in blocks[last:] if block.name == "location"
    )


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


def take_rewrites(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[tuple[str, ...], ...]]:
    """Return the blocks without the rewrites that come before all that runs in order with them, and their words."""
    ordered = [block for block in blocks if block.name in _IN_ORDER]
    count = next((i for i, block in enumerate(ordered) if block.name != "rewrite"), len(ordered))
    first = {id(block) for block in ordered[:count]}
    if not all(len(block.args) in (2, 3) for block in ordered[:count]):
        return blocks, ()
    return tuple(block for block in blocks if id(block) not in first), tuple(block.args for block in ordered[:count])


def take_return(blocks: tuple[Block, ...], *, most: int = 2) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Return the blocks without a return at their end, and its words."""
    last = blocks[-1] if blocks else None
    if last is not None and last.name == "return" and last.children is None and 1 <= len(last.args) <= most:
        return blocks[:-1], last.args
    return blocks, ()
