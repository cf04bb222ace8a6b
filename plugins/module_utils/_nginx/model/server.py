# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site: names, addresses, TLS and locations; and a port of stream. Private to this collection."""

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
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.inheritance import Level, merged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.listen import Listen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import (
    SHARED,
    UPGRADE,
    Location,
    said_as_null,
    shared_fields,
    split_at_include,
    take,
    take_access,
    take_all,
    take_locations,
    take_return,
    take_rewrites,
    upstream_name,
    with_users,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.pages import (
    ACME,
    MAINTENANCE,
    PAGE_SETTINGS,
    PAGES_PATH,
    RETRY_LATER,
    page,
    page_files,
    page_rules,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.security_headers import PROFILES, secured
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import (
    ALT_SVC,
    POST_QUANTUM,
    Tls,
    challenge,
    default_listens,
    speaks_tls,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import (
    PAGES,
    ErrorPages,
    SiteFile,
    Users,
    users_file,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice, Flag, Kind, elements
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Nested, NestedList, Option, join

__all__ = ("Server", "StreamServer")

# From here on HTTP/2 is a directive of its own; before, a parameter of listen.
HTTP2_DIRECTIVE = Version(1, 25, 1)

_HTTP2, _HTTP3 = ({name: settings.SHAPES["flag"]} for name in ("http2", "http3"))

_ADDRESS_ONLY = re.compile(r"\[[0-9A-Fa-f:.]+\]|(?:\d+\.){3}\d+", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class Listens(Kind):
    """Addresses to listen on, each with its parameters, as in ``443 ssl``."""

    spec = {"type": "list", "elements": "str"}

    def __init__(self, context: str) -> None:
        self._context = context

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[Listen, ...] | None:
        return (
            tuple(
                Listen.from_option(str(one), f"{path}[{at}]", context=self._context, version=version)
                for at, one in enumerate(elements(value, path))
            )
            or None
        )


@dataclass(frozen=True)
class Server(Model):
    """One server of http. ``name`` is what its file is called after; nginx does not see it.

    ``http2`` and ``http3`` are None where nginx's own default shall stand; ``answer`` holds the words behind a return
    that comes last, ``directives`` what no option says and what comes behind an include.
    """

    keyword = "server"
    inputs = {
        "name": Option(OptionalText(values.name)),
        "server_name": Option(Texts(values.word, empty=True)),
        "listen": Option(Listens("http")),
        "http2": Option(OnOff()),
        "http3": Option(OnOff()),
        "tls": Option(Nested(Tls)),
        "upstream": Option(OptionalText(upstream_name)),
        "websocket": Option(OnOff()),
        "security_headers": Option(Choice("none", *PROFILES)),
        "auth_basic_users": Option(Users()),
        "error_pages": Option(ErrorPages()),
        "maintenance": Option(Flag()),
        "maintenance_page": Option(OptionalText(page)),
        "return": Option(OptionalText(values.words, most=2)),
        "locations": Option(NestedList(Location)),
        **SHARED,
    }
    plain = settings.HTTP_SERVER

    name: str
    server_names: tuple[str, ...] = ()
    listens: tuple[Listen, ...] = ()
    http2: bool | None = None
    http3: bool | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    rewrites: tuple[tuple[str, ...], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    locations: tuple[Location, ...] = ()
    directives: tuple[Block, ...] = ()
    files: tuple[SiteFile, ...] = field(default=(), compare=False)
    tls: Tls | None = field(default=None, compare=False)
    websocket: bool | None = field(default=None, compare=False)
    without: t.Mapping[str, t.Collection[str]] = field(default_factory=dict, compare=False)

    @classmethod
    def from_options(
        cls,
        options: t.Mapping[str, t.Any],
        path: str = "",
        version: Version | None = None,
        around: Level | None = None,
    ) -> Server:
        """Return the server that the options describe; ``around`` is what the user says of all servers."""
        made = super().from_options(options, path, version)
        return replace(made, without=said_as_null(options)).settled(around or Level())

    def settled(self, around: Level) -> Server:
        """Return the server with what nginx would not give it and its locations of the levels around them."""
        found = around.settled(self.settings, self.directives, defaults={}, over={}, without=self.without)
        inside = around.inside(found, self.directives)
        locations = tuple(one.settled(inside, websocket=self.websocket) for one in self.locations)
        upgrade = UPGRADE if any(one.upgrades for one in locations) else ()
        return replace(self, settings=found, locations=locations, directives=(*upgrade, *self.directives))

    @classmethod
    def accepted(cls, given: t.Mapping[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        taken = super().accepted(given, path, version)
        gone = {name.lower() for name in said_as_null(given).get("add_header", ())}
        is_tls = speaks_tls(given)
        own_headers = taken.get("add_header") or {}
        if is_tls and taken.get("tls") and taken.get("http3"):
            own_headers = merged({"Alt-Svc": ALT_SVC}, own_headers)
        headers = secured(taken.get("security_headers"), own_headers, speaks_tls=is_tls)
        taken["add_header"] = {name: text for name, text in headers.items() if name.lower() not in gone} or None
        return taken

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        names = taken.get("server_name") or ()
        users = taken.get("auth_basic_users")
        found = with_users(cls.taken_settings(taken), users, path)
        shared = shared_fields(taken)
        name = taken.get("name") or _made_name(names, path)
        tls: Tls | None = taken.get("tls")
        if tls:
            where = join(path, "tls")
            if tls.certificate and "ssl_certificate" in found:
                raise InputError(
                    join(path, "ssl_certificate"), "tls.certificate says it already: leave one of them out"
                )
            tls.names_missing(names, where)
            found = {**tls.settings(name, version), **found}
        files = [users_file(name, users)] if users else []
        if files:
            found["auth_basic_user_file"] = files[0].name
        locations = tuple(
            replace(one, origin=f"locations[{at}]") for at, one in enumerate(taken.get("locations") or ())
        )
        if taken.get("upstream"):
            if any(location.path == "/" for location in locations):
                raise InputError(join(path, "upstream"), 'the location "/" says already where requests go')
            whole = Location.from_options({"path": "/", "upstream": taken["upstream"]}, path, version)
            locations = (*locations, whole)
        if tls and tls.acme_challenge and not any(one.path.endswith(ACME) for one in locations):
            asked = Location.from_options(challenge(tls.acme_challenge), join(path, "tls.acme_challenge"), version)
            locations = (*locations, replace(asked, origin="tls.acme_challenge"))
        named = [one.named(f"{name}.{at}") for at, one in enumerate(locations)]
        locations = tuple(location for location, _files in named)
        files += [file for _location, more in named for file in more]
        pages = taken.get("error_pages") or {}
        if taken.get("maintenance"):
            locations = (*(one for one in locations if one.path.endswith(ACME)), Location(("/",), answer=("503",)))
            shared.update(answer=(), rewrites=())
            found = {**found, "try_files": None, "add_header": {**found.get("add_header", {}), **RETRY_LATER}}
            pages = {"503": taken.get("maintenance_page") or MAINTENANCE}
        if pages:
            files += page_files(name, pages)
            found["error_page"] = [*page_rules(pages), *found.get("error_page", ())]
            locations = (*locations, Location(("^~", PAGES_PATH), alias=f"{PAGES}/{name}/", settings=PAGE_SETTINGS))
        listens = taken.get("listen") or tuple(
            Listen.from_option(one, join(path, "listen"), version=version)
            for one in default_listens({**found, "http3": taken.get("http3")})
        )
        http2 = taken.get("http2")
        speaks = any(one.is_tls or one.is_quic for one in listens) or tls is None or tls.acme_challenge
        if not speaks:
            wanted = "it is missing, and without it the site would be served by http: add it, or leave tls out"
            raise InputError(join(path, "tls.certificate"), wanted)
        if http2 is None and tls and tls.certificate and any(one.is_tls for one in listens):
            http2 = True
        if http2 and not _has_directive(version) and not any(one.is_tls or one.is_quic for one in listens):
            wanted = (
                f"before nginx {HTTP2_DIRECTIVE} this works only where listen says ssl, and none does: for clients "
                "without TLS, say http2 behind the port in listen instead"
            )
            raise InputError(join(path, "http2"), wanted)
        if not (http2 or any({"http2", "quic"} & set(one.parameters) for one in listens)) and any(
            one.speaks_grpc for one in locations
        ):
            raise InputError(
                join(path, "http2"), "a location asks by grpc, whose clients speak HTTP/2: set this to true"
            )
        return {
            "name": name,
            "files": (*files, *(tls.files(name) if tls else ())),
            "tls": tls,
            "websocket": taken.get("websocket"),
            "server_names": names,
            "listens": listens,
            # Off is what an nginx without the directive does by itself.
            "http2": http2 or (http2 if _has_directive(version) else None),
            "http3": taken.get("http3"),
            "settings": found,
            "locations": locations,
            **shared,
        }

    def validate(self, path: str) -> None:
        seen: set[str] = set()
        for at, location in enumerate(self.locations):
            if location.path in seen:
                where = join(path, f"locations[{at}].path")
                raise InputError(where, f"{shown(location.path)} is a location of this server already")
            seen.add(location.path)
        if len(self.settings.get("ssl_certificate", ())) != len(self.settings.get("ssl_certificate_key", ())):
            raise InputError(join(path, "ssl_certificate_key"), "give as many keys as certificates, in the same order")
        tls = [listen for listen in self.listens if listen.is_tls or listen.is_quic]
        no_certificate = "ssl_certificate" not in self.settings and not self.settings.get("ssl_reject_handshake")
        if tls and no_certificate and not self.directives:
            raise InputError(
                join(path, "ssl_certificate"),
                f"listen {tls[0].address} speaks TLS, which needs ssl_certificate and ssl_certificate_key",
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
        is_given = behind or any(child.name == "http2" for child in known)
        if not is_given and {listen.is_tls for listen in listens if "http2" in listen.parameters} == {True}:
            tls = [listen for listen in listens if listen.is_tls]
            if all("http2" in listen.parameters for listen in tls):
                http2 = True
                listens = tuple(listen.without("http2") for listen in listens)
        rest, locations = take_locations((*known, *behind), Location)
        rest, rewrites = take_rewrites(rest)
        rest, answer = take_return(rest)
        return cls(
            rewrites=rewrites,
            name=name or _made_name(tuple(word for each in block.find("server_name") for word in each.args), ""),
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

    def to_block(
        self, version: Version | None = None, folder: str = "/etc/nginx", library: Version | None = None
    ) -> Block:
        """Return the block, HTTP/2 in the form of this version; an unknown one gets the form that all understand.

        ``folder`` is that of nginx.conf, where the pages of the site lie, ``library`` the OpenSSL that nginx has.

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
        children.extend(settings.to_blocks(settings.HTTP_SERVER, self._with_curves(library)))
        children.extend(Block("rewrite", words) for words in self.rewrites)
        children.extend(self.directives)
        if self.answer:
            children.append(Block("return", self.answer))
        children.extend(_in_folder(location, folder).to_block() for location in self.locations)
        return Block("server", (), tuple(children))

    def _with_curves(self, library: Version | None) -> t.Mapping[str, t.Any]:
        """Return the settings with all curves of the profile that this OpenSSL has."""
        curves = self.settings.get("ssl_ecdh_curve")
        if not self.tls or curves is None or curves != self.tls.curves or library is None or library < POST_QUANTUM[0]:
            return self.settings
        return {**self.settings, "ssl_ecdh_curve": f"{POST_QUANTUM[1]}:{curves}"}


def _host_and_port(path: str, target: str) -> str:
    if "://" in values.word(path, target):
        raise InputError(path, f"{shown(target)} has a scheme, and stream takes host:port or a variable")
    if _ADDRESS_ONLY.fullmatch(target):
        raise InputError(path, f"{shown(target)} has no port, and stream knows no default one: write {target}:5432")
    return target


@dataclass(frozen=True)
class StreamServer(Model):
    """One server of stream: a port and where its connections go."""

    keyword = "server"
    table = "stream_server"
    inputs = {
        "name": Option(Text(values.name), required=True),
        "server_name": Option(Texts(lambda _path, name: name)),
        "listen": Option(Listens("stream"), required=True),
        "upstream": Option(OptionalText(upstream_name)),
        "proxy_pass": Option(OptionalText(_host_and_port)),
        "return": Option(OptionalText(values.words, most=1)),
        **{name: one for name, one in SHARED.items() if name != "rewrite"},
    }
    plain = settings.STREAM_SERVER

    name: str
    listens: tuple[Listen, ...]
    server_names: tuple[str, ...] = ()
    target: str | None = None
    answer: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    settings: settings.Settings = field(default_factory=dict)
    directives: tuple[Block, ...] = ()
    goal: str = field(default="", compare=False)

    passes: t.ClassVar[str] = "proxy_pass"

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        return {"proxy_connect_timeout": "2s"} if options.get("upstream") else {}

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        goals = [goal for goal in ("upstream", "proxy_pass", "return") if taken.get(goal)]
        if len(goals) != 1 and (goals or not taken.get("directives")):
            raise InputError(path, "a server of stream needs exactly one of upstream, proxy_pass and return")
        if not taken.get("listen"):
            raise InputError(join(path, "listen"), "name at least one address to listen on")
        names, listens = taken.get("server_name") or (), taken["listen"]
        found = cls.taken_settings(taken)
        if names and not any(one.is_tls for one in listens):
            # Only a client of TLS says which name it wants.
            found.setdefault("ssl_preread", True)
        return {
            "name": taken["name"],
            "listens": tuple(_as_sessions(one) for one in listens),
            "server_names": names,
            "target": taken.get("upstream") or taken.get("proxy_pass"),
            "goal": (goals or [""])[0],
            "settings": found,
            **{name: one for name, one in shared_fields(taken).items() if name != "rewrites"},
        }

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


def _in_folder(location: Location, folder: str) -> Location:
    """Return a location with the whole path of its pages, which nginx would look for below its prefix."""
    if (location.alias or "").startswith(f"{PAGES}/"):
        return replace(location, alias=f"{folder}/{location.alias}")
    return location


def _has_directive(version: Version | None) -> bool:
    """Tell whether this nginx has HTTP/2 as a directive; of an unknown one that is not known."""
    return version is not None and version >= HTTP2_DIRECTIVE


def _as_sessions(listen: Listen) -> Listen:
    """Return the same, for datagrams with a socket for each worker.

    With one socket for all, each datagram of a client may reach another worker, which begins a session of its own, and
    so another backend (https://nginx.org/en/docs/stream/ngx_stream_core_module.html#listen).
    """
    if "udp" not in listen.parameters or "reuseport" in listen.parameters or listen.address.startswith("unix:"):
        return listen
    return Listen(listen.address, (*listen.parameters, "reuseport"))


def _take_listens(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Listen, ...]]:
    rest, found = take_all(blocks, "listen", most=None)
    return rest, tuple(Listen(block.args[0], block.args[1:]) for block in found)


def _take_server_names(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    rest, found = take_all(blocks, "server_name", most=None)
    return rest, tuple(word for block in found for word in block.args)


def _made_name(server_names: tuple[str, ...], path: str) -> str:
    """Return the name of a server, made from its first server_name."""
    made = _UNSAFE.sub("_", server_names[0]).strip("._-") if server_names else ""
    if not made:
        raise InputError(join(path, "name"), "a server without a server_name needs a name, which its file will bear")
    return made
