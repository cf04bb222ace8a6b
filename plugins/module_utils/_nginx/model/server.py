# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site: names, addresses, TLS and locations; and a port of stream. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings, values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.listen import Listen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import (
    Location,
    access,
    answer,
    directives,
    split_at_include,
    take,
    take_access,
    take_all,
    take_return,
    upstream_name,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import require

__all__ = ("Server", "StreamServer")

# From here on HTTP/2 is a directive of its own; before, a parameter of listen.
HTTP2_DIRECTIVE = Version(1, 25, 1)

_HTTP2, _HTTP3 = ({name: settings.SHAPES["flag"]} for name in ("http2", "http3"))

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Server:
    """One server of http. ``name`` is what its file is called after; nginx does not see it.

    ``http2`` and ``http3`` are None where nginx's own default shall stand; ``answer`` holds the words behind a return
    that comes last, ``directives`` what no option says and what comes behind an include.
    """

    name: str
    server_names: tuple[str, ...] = ()
    listens: tuple[Listen, ...] = ()
    http2: bool | None = None
    http3: bool | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    locations: tuple[Location, ...] = ()
    directives: tuple[Block, ...] = ()

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None) -> Server:
        """Return the server that SERVER_OPTIONS describe, or raise InputError with the path in it."""
        for option in ("http2", "http3"):
            if options.get(option) is not None:
                require("server", option, None, values.at(path, option), version)
        # Off is what an nginx without the directive does by itself.
        http2 = options.get("http2") or (options.get("http2") if _has_directive(version) else None)
        names = tuple(
            values.word(f"{values.at(path, 'server_name')}[{i}]", str(each), empty=True)
            for i, each in enumerate(options.get("server_name") or ())
        )
        found = settings.from_options(settings.HTTP_SERVER, "server", options, path, version)
        locations = tuple(
            Location.from_options(each, f"{values.at(path, 'locations')}[{i}]", version=version)
            for i, each in enumerate(options.get("locations") or ())
        )
        if options.get("upstream"):
            if any(location.path == "/" for location in locations):
                raise InputError(values.at(path, "upstream"), 'the location "/" says already where requests go')
            whole = Location.from_options({"path": "/", "upstream": options["upstream"]}, path, version=version)
            locations = (*locations, whole)
        server = cls(
            name=_file_name(options.get("name"), names, path),
            server_names=names,
            listens=_listens(options, path, "443 ssl" if "ssl_certificate" in found else "80", version),
            http2=http2,
            http3=options.get("http3"),
            answer=answer(options, path),
            access=access(options, path),
            settings=found,
            locations=locations,
            directives=directives(options, path),
        )
        server._check(path, version)
        return server

    def _check(self, path: str, version: Version | None) -> None:
        """Raise InputError for combinations that cannot work."""
        seen: dict[str, int] = {}
        for i, location in enumerate(self.locations):
            if location.path in seen:
                where = f"{values.at(path, 'locations')}[{i}].path"
                raise InputError(where, f"{shown(location.path)} is a location of this server already")
            seen[location.path] = i
        if len(self.settings.get("ssl_certificate", ())) != len(self.settings.get("ssl_certificate_key", ())):
            raise InputError(
                values.at(path, "ssl_certificate_key"), "give as many keys as certificates, in the same order"
            )
        tls = [listen for listen in self.listens if listen.is_tls or listen.is_quic]
        no_certificate = "ssl_certificate" not in self.settings and not self.settings.get("ssl_reject_handshake")
        if tls and no_certificate and not self.directives:
            raise InputError(
                values.at(path, "ssl_certificate"),
                f"listen {tls[0].address} speaks TLS, which needs ssl_certificate and ssl_certificate_key",
            )
        if self.http2 and not tls and not _has_directive(version):
            where = values.at(path, "http2")
            raise InputError(
                where, f"before nginx {HTTP2_DIRECTIVE} this works only where listen says ssl, and none does"
            )

    @classmethod
    def from_block(cls, block: Block, name: str = "") -> Server:
        """Return the server that a block describes; what no option can say there is kept in ``directives``.

        Without a name, it is called after its first server_name.
        """
        if block.name != "server" or block.args or block.children is None:
            raise ConfigError(block.position, 'a server reads "server { ... }"')
        known, behind = split_at_include(block)
        found, known = settings.from_blocks(settings.HTTP_SERVER, known)
        known, rules = take_access(known)
        known, names = _take_server_names(known)
        known, listens = _take_listens(known)
        # Of addresses with TLS and without, the option means the former, and the directive all.
        is_mixed = len({listen.is_tls or listen.is_quic for listen in listens}) > 1
        switches, known = settings.from_blocks({**_HTTP3, **({} if is_mixed else _HTTP2)}, known)
        http2 = switches.get("http2")
        # All of TLS and nothing else is what the option means; other uses of the old form stay in listen.
        is_said = behind or any(child.name == "http2" for child in known)
        if not is_said and {listen.is_tls for listen in listens if "http2" in listen.parameters} == {True}:
            tls = [listen for listen in listens if listen.is_tls]
            if all("http2" in listen.parameters for listen in tls):
                http2 = True
                listens = tuple(listen.without("http2") for listen in listens)
        rest, locations = _take_locations((*known, *behind))
        rest, answer = take_return(rest)
        return cls(
            name=name or _file_name(None, tuple(word for each in block.find("server_name") for word in each.args), ""),
            server_names=names,
            listens=listens,
            http2=http2,
            http3=switches.get("http3"),
            answer=answer,
            access=rules,
            settings=found,
            locations=locations,
            directives=rest,
        )

    def to_block(self, version: Version | None = None) -> Block:
        """Return the block, HTTP/2 in the form of this version; an unknown one gets the form that all understand.

        HTTP/2 without TLS, beside HTTP/1, can only be said in the newer form, which a text that was read has then.
        """
        in_listen = self.http2 and not _has_directive(version) and any(listen.is_tls for listen in self.listens)
        children = []
        for listen in self.listens:
            with_http2 = in_listen and listen.is_tls and "http2" not in listen.parameters
            children.append(Block("listen", listen.words(*(["http2"] if with_http2 else []))))
        if self.server_names:
            children.append(Block("server_name", self.server_names))
        if self.http2 is not None and not in_listen:
            children.append(Block("http2", ("on" if self.http2 else "off",)))
        if self.http3 is not None:
            children.append(Block("http3", ("on" if self.http3 else "off",)))
        children.extend(Block(verb, (who,)) for verb, who in self.access)
        children.extend(settings.to_blocks(settings.HTTP_SERVER, self.settings))
        children.extend(self.directives)
        if self.answer:
            children.append(Block("return", self.answer))
        children.extend(location.to_block() for location in self.locations)
        return Block("server", (), tuple(children))


@dataclass(frozen=True)
class StreamServer:
    """One server of stream: a port and where its connections go."""

    name: str
    listens: tuple[Listen, ...]
    server_names: tuple[str, ...] = ()
    target: str | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    directives: tuple[Block, ...] = ()

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> StreamServer:
        """Return the server that STREAM_SERVER_OPTIONS describe, or raise InputError with the path in it."""
        goals = [goal for goal in ("upstream", "proxy_pass", "return") if options.get(goal)]
        extra = directives(options, path)
        if len(goals) != 1 and (goals or not extra):
            raise InputError(path, "a server of stream needs exactly one of upstream, proxy_pass and return")
        if options.get("server_name"):
            require("stream_server", "server_name", None, values.at(path, "server_name"), version)
        wanted = dict(options)
        target = None
        if options.get("upstream"):
            target = upstream_name(options, path)
            if wanted.get("proxy_connect_timeout") is None:
                wanted["proxy_connect_timeout"] = "2s"
        elif options.get("proxy_pass"):
            target = values.word(values.at(path, "proxy_pass"), options["proxy_pass"])
            if "://" in target:
                where = values.at(path, "proxy_pass")
                raise InputError(where, f"{shown(target)} has a scheme, and stream takes host:port or a variable")
        return cls(
            name=values.name(values.at(path, "name"), options["name"]),
            listens=_listens(options, path, "", version, context="stream"),
            server_names=tuple(options.get("server_name") or ()),
            target=target,
            answer=answer(options, path, most=1),
            access=access(options, path),
            settings=settings.from_options(settings.STREAM_SERVER, "stream_server", wanted, path, version),
            directives=extra,
        )

    @classmethod
    def from_block(cls, block: Block, name: str = "") -> StreamServer:
        """Return the server that a block describes; what no option can say there is kept in ``directives``."""
        if block.name != "server" or block.args or block.children is None:
            raise ConfigError(block.position, 'a server reads "server { ... }"')
        known, behind = split_at_include(block)
        found, known = settings.from_blocks(settings.STREAM_SERVER, known)
        known, single = take(known, "proxy_pass")
        known, rules = take_access(known)
        known, names = _take_server_names(known)
        known, listens = _take_listens(known)
        rest, answer = take_return((*known, *behind), most=1)
        return cls(
            name=name or (_UNSAFE.sub("_", listens[0].address).strip("._-") if listens else ""),
            listens=listens,
            server_names=names,
            target=single.get("proxy_pass"),
            answer=answer,
            access=rules,
            settings=found,
            directives=rest,
        )

    def to_block(self, version: Version | None = None) -> Block:
        """Return the block."""
        children = [Block("listen", listen.words()) for listen in self.listens]
        if self.server_names:
            children.append(Block("server_name", self.server_names))
        children.extend(Block(verb, (who,)) for verb, who in self.access)
        children.extend(settings.to_blocks(settings.STREAM_SERVER, self.settings))
        children.extend(self.directives)
        if self.target is not None:
            children.append(Block("proxy_pass", (self.target,)))
        if self.answer:
            children.append(Block("return", self.answer))
        return Block("server", (), tuple(children))


def _listens(
    options: t.Mapping[str, t.Any], path: str, default: str, version: Version | None, *, context: str = "http"
) -> tuple[Listen, ...]:
    given = options.get("listen") or ([default] if default else [])
    if not given:
        raise InputError(values.at(path, "listen"), "name at least one address to listen on")
    return tuple(
        Listen.from_option(str(each), f"{values.at(path, 'listen')}[{i}]", context=context, version=version)
        for i, each in enumerate(given)
    )


def _has_directive(version: Version | None) -> bool:
    """Tell whether this nginx has HTTP/2 as a directive; of an unknown one that is not known."""
    return version is not None and version >= HTTP2_DIRECTIVE


def _take_listens(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Listen, ...]]:
    rest, found = take_all(blocks, "listen", most=None)
    return rest, tuple(Listen(block.args[0], block.args[1:]) for block in found)


def _take_server_names(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    rest, found = take_all(blocks, "server_name", most=None)
    return rest, tuple(word for block in found for word in block.args)


def _take_locations(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Location, ...]]:
    """Return the blocks without the locations behind the last include, and these."""
    last = max((i for i, block in enumerate(blocks) if block.name == "include"), default=-1) + 1
    rest = tuple(block for block in blocks[last:] if block.name != "location")
    return (*blocks[:last], *rest), tuple(
        Location.from_block(block) for block in blocks[last:] if block.name == "location"
    )


def _file_name(given: str | None, server_names: tuple[str, ...], path: str) -> str:
    """Return the name of a server: the one given, or one made from its first server_name."""
    if given:
        return values.name(values.at(path, "name"), given)
    made = _UNSAFE.sub("_", server_names[0]).strip("._-") if server_names else ""
    if not made:
        raise InputError(
            values.at(path, "name"), "a server without a server_name needs a name, which its file will bear"
        )
    return made
