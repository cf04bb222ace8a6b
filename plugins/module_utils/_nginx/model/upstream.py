# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of servers, of http or of stream. Private to this collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import (
    Number,
    OnOff,
    OptionalText,
    Text,
    Texts,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import statements
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice, Flag, Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import NestedList, Option, join, option

__all__ = ("HTTP_ONLY", "KEEPALIVE_BY_DEFAULT", "METHODS", "RESOLVES", "WITHOUT_BACKUP", "Upstream")

HTTP, STREAM = "http", "stream"

# nginx keeps a connection to a backend open only where the upstream says so; from this version on it does by default.
KEEPALIVE_BY_DEFAULT = Version(1, 29, 7)
# From here on a server can be looked up while nginx runs, so that it starts without DNS too.
RESOLVES = Version(1, 27, 3)
KEEPALIVE = 32
# nginx takes memory for all of them when it starts.
MOST_KEPT = 1_000_000

# Methods that have no place for a server that only helps out.
WITHOUT_BACKUP = ("hash", "ip_hash", "random")

_LEAST_TIME = {HTTP: ("header", "last_byte"), STREAM: ("connect", "first_byte", "last_byte")}
METHODS = ("least_conn", "ip_hash", "hash", "random", "least_time")
_STICKY = ("cookie", "route", "learn")
HTTP_ONLY = ("keepalive", "keepalive_local", "keepalive_requests", "keepalive_time", "keepalive_timeout", "sticky")

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]+\]")
_NUMERIC = re.compile(r"\[.*\]|[0-9.]+")
_PORT = re.compile(r":(\d+)", re.ASCII)


@dataclass(frozen=True)
class UpstreamServer(Model):
    """One server of a group; what is None is as nginx does by itself."""

    keyword = "server"
    table = "upstream.servers"
    inputs = {"port": Option(Number(1, 65535))}

    address: str = option(Text(), required=True)
    weight: int | None = option(Number(1))
    max_conns: int | None = option(Number())
    max_fails: int | None = option(Number())
    fail_timeout: str | None = option(Text(values.time, seconds=True))
    service: str | None = option(Text())
    route: str | None = option(Text())
    backup: bool | None = option(Flag())
    down: bool | None = option(Flag())
    resolve: bool | None = option(Flag())
    drain: bool | None = option(Flag())

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        port = taken.pop("port", None)
        return {**taken, "address": _address(taken["address"], port, path)}

    def validate(self, path: str) -> None:
        if self.service and not self.resolve:
            raise InputError(join(path, "service"), "a service is looked up by DNS; set resolve as well")
        if self.service and self.has_port:
            raise InputError(join(path, "service"), "a service has its port from DNS; leave out the port")

    @property
    def is_named(self) -> bool:
        """True where the address is a name that has to be looked up."""
        if self.address.startswith(("unix:", "[")):
            return False
        host = _PORT.sub("", self.address)
        return host != "localhost" and not _NUMERIC.fullmatch(host)

    @property
    def has_port(self) -> bool:
        """True where the address says its port, or needs none."""
        return self.address.startswith("unix:") or _PORT.search(self.address, self.address.rfind("]") + 1) is not None

    @classmethod
    def parameters(cls) -> dict[str, Kind]:
        """Return the kinds of the options that are parameters of the directive, in the order of the text."""
        return {name: one.kind for name, one in cls.options() if name not in ("address", "port")}

    @classmethod
    def from_block(cls, block: Block) -> UpstreamServer:
        """Return the server that a directive describes, or raise ConfigError."""
        if not block.args or block.children is not None:
            raise ConfigError(block.position, '"server" needs an address')
        found: dict[str, t.Any] = {}
        kinds = cls.parameters()
        for argument in block.args[1:]:
            name, equals, text = argument.partition("=")
            kind = kinds.get(name)
            value: t.Any = text if isinstance(kind, Text) else values.number(text) if isinstance(kind, Number) else True
            if kind is None or value is None or bool(equals) == isinstance(kind, Flag):
                raise ConfigError(block.position, f"a server of an upstream has no parameter {shown(argument)}")
            found[name] = value
        return cls(address=block.args[0], **found)

    def to_block(self) -> Block:
        """Return the directive."""
        kinds = [(name, kind) for name, kind in self.parameters().items() if getattr(self, name) is not None]
        words = (name if isinstance(kind, Flag) else f"{name}={getattr(self, name)}" for name, kind in kinds)
        return Block(self.keyword, (self.address, *words))


def _sticky(path: str, text: str) -> tuple[str, ...]:
    words = values.words(path, text, least=2)
    if words[0] not in _STICKY:
        raise InputError(path, f"{shown(words[0])} is not a kind of sticky session: {', '.join(_STICKY)}")
    return words


@dataclass(frozen=True)
class Upstream(Model):
    """A group of servers and how a request finds one of them.

    ``method`` holds the words of the method's directive, empty for round robin. ``zone`` is None or name and size.
    ``keepalive`` is the number of idle connections to keep, None where the context has none.
    """

    keyword = "upstream"
    inputs = {
        "method": Option(Choice("round_robin", *METHODS), default="round_robin"),
        "hash_key": Option(OptionalText()),
        "hash_consistent": Option(Flag()),
        "random_two": Option(Flag()),
        "random_method": Option(Choice("least_conn")),
        "least_time": Option(Choice("header", "connect", "first_byte", "last_byte")),
        "least_time_inflight": Option(Flag()),
        "zone": Option(OnOff(), default=True),
        "zone_name": Option(OptionalText(values.name)),
        "zone_size": Option(Text(values.size, least=values.SMALLEST_ZONE)),
        "directives": Option(Texts(statements)),
    }

    name: str = option(Text(values.name), required=True)
    servers: tuple[UpstreamServer, ...] | None = option(NestedList(UpstreamServer), required=True)
    context: str = option(Choice(HTTP, STREAM), default=HTTP)
    method: tuple[str, ...] = ()
    zone: tuple[str, ...] | None = None
    keepalive: int | None = option(Number(0, MOST_KEPT))
    keepalive_local: bool | None = option(Flag())
    keepalive_requests: int | None = option(Number())
    keepalive_time: str | None = option(Text(values.time))
    keepalive_timeout: str | None = option(Text(values.time))
    sticky: tuple[str, ...] | None = option(Text(_sticky))
    resolver: tuple[str, ...] | None = option(Texts())
    resolver_timeout: str | None = option(Text(values.time))
    directives: tuple[Block, ...] = ()

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", version: Version | None = None, context: str = ""
    ) -> Upstream:
        """Return the upstream that the options describe; ``context`` is http or stream where they do not say it."""
        return super().from_options({**options, "context": context or options.get("context")}, path, version)

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        context, servers = taken["context"], taken.get("servers") or ()
        zone = _zone(taken, context, len(servers))
        method = _method(taken, path, context)
        found = {name: value for name, value in taken.items() if name not in cls.inputs}
        if context == HTTP:
            # A worker that keeps fewer than it has servers to choose from would close connections all the time. Where
            # the host is known, idle.py has found its number from the workers.
            found.setdefault("keepalive", min(max(KEEPALIVE, 2 * len(servers)), MOST_KEPT))
        if taken.get("resolver") and zone and version is not None and version >= RESOLVES:
            found["servers"] = tuple(replace(one, resolve=True) if one.is_named else one for one in servers)
        directives = tuple(block for blocks in taken.get("directives") or () for block in blocks)
        for block in directives:
            if block.name in (*METHODS, "server", "zone", "keepalive", *(name for name, _one in cls.options())):
                raise InputError(join(path, "directives"), f"{block.name} is an option of its own: say it there")
        return {**found, "method": method, "zone": zone, "directives": directives}

    def validate(self, path: str) -> None:
        servers = join(path, "servers")
        if not self.servers:
            raise InputError(servers, f"upstream {shown(self.name)} has no servers; name at least one")
        if all(server.backup for server in self.servers):
            raise InputError(servers, f"upstream {shown(self.name)} has only backup servers; one must be a plain one")
        for at, server in enumerate(self.servers):
            where = f"{servers}[{at}]"
            if server.backup and self.method[:1] and self.method[0] in WITHOUT_BACKUP:
                message = f"the method {self.method[0]} knows no backup servers; use another method"
                raise InputError(f"{where}.backup", message)
            if server.resolve and self.zone is None:
                raise InputError(f"{where}.resolve", "resolve needs the shared zone; do not switch it off")
            if self.context == STREAM and (server.drain or server.route):
                raise InputError(where, "drain and route belong to sticky sessions, which only http upstreams have")
            if self.context == STREAM and not (server.has_port or server.service):
                message = f"{shown(server.address)} has no port, and stream knows no default one"
                raise InputError(f"{where}.port", message)
        for name in HTTP_ONLY if self.context == STREAM else ():
            if getattr(self, name):
                raise InputError(join(path, name), f"{name} is for http upstreams, and this is one of stream")

    @classmethod
    def from_block(cls, block: Block, context: str = HTTP, version: Version | None = None) -> Upstream:
        """Return the upstream that a block describes to an nginx of this version.

        Raises ConfigError for what this model cannot say.
        """
        if block.name != "upstream" or len(block.args) != 1 or block.children is None:
            raise ConfigError(block.position, 'an upstream reads "upstream NAME { ... }"')
        found: dict[str, t.Any] = {}
        servers: list[UpstreamServer] = []
        for child in block.children:
            seen = set(found)
            if child.is_comment:
                continue
            if child.name == "server":
                servers.append(UpstreamServer.from_block(child))
            elif child.name in METHODS:
                if "keepalive" in found or any(server.backup for server in servers):
                    raise ConfigError(
                        child.position, f"{shown(child.name)} comes behind what depends on it; put it first"
                    )
                found["method"] = (child.name, *child.args)
            elif child.name == "zone" and child.args:
                found["zone"] = child.args
            elif child.name in ("sticky", "resolver"):
                found[child.name] = child.args
            elif child.name == "keepalive" and _is_count(child.args[:1]) and child.args[1:] in ((), ("local",)):
                found["keepalive"] = int(child.args[0])
                found["keepalive_local"] = len(child.args) == 2 or None
            elif child.name == "keepalive_requests" and _is_count(child.args):
                found["keepalive_requests"] = int(child.args[0])
            elif child.name in ("keepalive_time", "keepalive_timeout", "resolver_timeout") and len(child.args) == 1:
                found[child.name] = child.args[0]
            else:
                raise ConfigError(child.position, f"{shown(child.name)} in an upstream is unknown to this collection")
            if seen == set(found) and child.name != "server":
                raise ConfigError(child.position, f"{shown(child.name)} comes a second time")
        if context == HTTP and "keepalive" not in found:
            by_default = version is not None and version >= KEEPALIVE_BY_DEFAULT
            found.update(keepalive=KEEPALIVE if by_default else 0, keepalive_local=by_default or None)
        return cls(name=block.args[0], servers=tuple(servers) or None, context=context, **found)

    def to_block(self, version: Version | None = None) -> Block:
        """Return the block; the method comes before servers and keepalive, as nginx before 1.29.7 needs it."""
        children: list[Block] = []
        if self.zone is not None:
            children.append(Block("zone", self.zone))
        if self.method:
            children.append(Block(self.method[0], self.method[1:]))
        if self.sticky:
            children.append(Block("sticky", self.sticky))
        if self.resolver:
            children.append(Block("resolver", self.resolver))
        if self.resolver_timeout is not None:
            children.append(Block("resolver_timeout", (self.resolver_timeout,)))
        children.extend(server.to_block() for server in self.servers or ())
        # Zero switches it off, which older versions do by themselves and refuse to be told.
        if self.keepalive or (self.keepalive == 0 and version is not None and version >= KEEPALIVE_BY_DEFAULT):
            children.append(Block("keepalive", (str(self.keepalive), *(["local"] if self.keepalive_local else []))))
        for name in ("keepalive_requests", "keepalive_time", "keepalive_timeout"):
            value = getattr(self, name)
            if value is not None:
                children.append(Block(name, (str(value),)))
        return Block("upstream", (self.name,), (*children, *self.directives))


def _is_count(words: tuple[str, ...]) -> bool:
    return len(words) == 1 and values.number(words[0]) is not None


def _address(address: str, port: int | None, path: str) -> str:
    """Return the address as nginx wants it: host, host:port, [ipv6]:port or unix:/path."""
    where = join(path, "address")
    if address.startswith("unix:"):
        if not address.startswith("unix:/") or port is not None:
            raise InputError(where, f"{shown(address)} is not a socket: write unix:/path, without a port")
        return address
    if address.count(":") > 1 and not address.startswith("["):
        address = f"[{address}]"
    host, text = address, ""
    found = _PORT.search(address, address.rfind("]") + 1)
    if found is not None and found.end() == len(address):
        host, text = address[: found.start()], found.group(1)
    if not _HOST.fullmatch(host) or not _can_be_address(host):
        raise InputError(where, f"{quote(address)} is not a host, an address or unix:/path; no scheme and no path here")
    if text and port is not None:
        raise InputError(join(path, "port"), f"{shown(address)} has a port already; give it once")
    if text:
        values.above(where, int(text), 1, 65535)
    return address if port is None else f"{address}:{port}"


def _can_be_address(host: str) -> bool:
    """Tell whether a host that looks like an address is one."""
    if not _NUMERIC.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _method(options: t.Mapping[str, t.Any], path: str, context: str) -> tuple[str, ...]:
    """Return the words of the method's directive; raise InputError for options of another method."""
    method = options["method"]
    belongs = {
        "hash_key": "hash",
        "hash_consistent": "hash",
        "random_two": "random",
        "random_method": "random",
        "least_time": "least_time",
        "least_time_inflight": "least_time",
    }
    for name, owner in belongs.items():
        if options.get(name) and owner != method:
            raise InputError(join(path, name), f"{name} belongs to the method {owner}, not to {method}")
    if method == "round_robin":
        return ()
    words = [method]
    if method == "ip_hash" and context == STREAM:
        raise InputError(join(path, "method"), "stream has no ip_hash; use hash with hash_key $remote_addr")
    if method == "hash":
        if not options.get("hash_key"):
            raise InputError(join(path, "hash_key"), "the method hash needs a key, such as $request_uri")
        words.append(options["hash_key"])
        words.extend(["consistent"] if options.get("hash_consistent") else [])
    elif method == "random":
        if options.get("random_method") and not options.get("random_two"):
            raise InputError(join(path, "random_method"), "random_method chooses between two: set random_two as well")
        words.extend(["two"] if options.get("random_two") else [])
        words.extend([options["random_method"]] if options.get("random_method") else [])
    elif method == "least_time":
        what = options.get("least_time")
        if what not in _LEAST_TIME[context]:
            choices = ", ".join(_LEAST_TIME[context])
            raise InputError(join(path, "least_time"), f"least_time of {context} needs one of: {choices}")
        words.append(what)
        words.extend(["inflight"] if options.get("least_time_inflight") else [])
    return tuple(words)


def _zone(options: t.Mapping[str, t.Any], context: str, servers: int) -> tuple[str, str] | None:
    """Return name and size of the shared memory: without it, each worker counts failures and loads for itself."""
    if not options["zone"]:
        return None
    name = options["name"]
    zone = options.get("zone_name") or (name if context == HTTP else f"stream_{name}")
    if options.get("zone_size") is not None:
        return zone, options["zone_size"]
    # nginx 1.22 puts 63 servers into 64k and twice as many into twice as much; a name can be several servers.
    kilobytes = 64
    while kilobytes < 2 * servers:
        kilobytes *= 2
    return zone, f"{kilobytes}k"
