# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of servers, of http or of stream. Private to this collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import require

__all__ = ("Upstream",)

HTTP, STREAM = "http", "stream"

# nginx keeps a connection to a backend open only where the upstream says so; from this version on it does by default.
KEEPALIVE_BY_DEFAULT = Version(1, 29, 7)
KEEPALIVE = 32
# nginx takes memory for all of them when it starts.
MOST_KEPT = 1_000_000

# Methods that have no place for a server that only helps out.
_WITHOUT_BACKUP = ("hash", "ip_hash", "random")

_LEAST_TIME = {HTTP: ("header", "last_byte"), STREAM: ("connect", "first_byte", "last_byte")}
_METHODS = ("least_conn", "ip_hash", "hash", "random", "least_time")
_STICKY = ("cookie", "route", "learn")

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]+\]")
_NUMERIC = re.compile(r"\[.*\]|[0-9.]+")
_PORT = re.compile(r":(\d+)", re.ASCII)
_SERVER_FLAGS = ("backup", "down", "resolve", "drain")
_SERVER_NUMBERS = {"weight": 1, "max_conns": 0, "max_fails": 0}


@dataclass(frozen=True)
class UpstreamServer:
    """One server of a group; None and false are what nginx does by itself."""

    address: str
    weight: int | None = None
    max_conns: int | None = None
    max_fails: int | None = None
    fail_timeout: str | None = None
    backup: bool = False
    down: bool = False
    resolve: bool = False
    drain: bool = False
    service: str | None = None
    route: str | None = None

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str, *, context: str = HTTP, version: Version | None = None
    ) -> UpstreamServer:
        """Return the server that the options describe, or raise InputError."""
        for option, value in options.items():
            if value is not None and value is not False:
                require("upstream.servers", option, value, values.at(path, option), version)
        found: dict[str, t.Any] = {flag: bool(options.get(flag)) for flag in _SERVER_FLAGS}
        for option, least in _SERVER_NUMBERS.items():
            if options.get(option) is not None:
                found[option] = values.above(values.at(path, option), options[option], least)
        if options.get("fail_timeout") is not None:
            found["fail_timeout"] = values.time(values.at(path, "fail_timeout"), options["fail_timeout"], seconds=True)
        for option in ("service", "route"):
            if options.get(option) is not None:
                found[option] = values.word(values.at(path, option), options[option])
        if context == STREAM and (found["drain"] or "route" in found):
            raise InputError(path, "drain and route belong to sticky sessions, which only http upstreams have")
        if "service" in found and not found["resolve"]:
            raise InputError(values.at(path, "service"), "a service is looked up by DNS; set resolve as well")
        address = _address(options, path)
        if "service" in found and _has_port(address):
            raise InputError(values.at(path, "service"), "a service has its port from DNS; leave out the port")
        if context == STREAM and not (_has_port(address) or "service" in found):
            raise InputError(values.at(path, "port"), f"{shown(address)} has no port, and stream knows no default one")
        return cls(address=address, **found)

    @classmethod
    def from_block(cls, block: Block) -> UpstreamServer:
        """Return the server that a directive describes, or raise ConfigError."""
        if not block.args or block.children is not None:
            raise ConfigError(block.position, '"server" needs an address')
        found: dict[str, t.Any] = {}
        for argument in block.args[1:]:
            option, equals, text = argument.partition("=")
            if not equals and option in _SERVER_FLAGS:
                found[option] = True
            elif equals and option in _SERVER_NUMBERS and values.number(text) is not None:
                found[option] = values.number(text)
            elif equals and option in ("fail_timeout", "service", "route"):
                found[option] = text
            else:
                raise ConfigError(block.position, f"a server of an upstream has no parameter {shown(argument)}")
        return cls(address=block.args[0], **found)

    def to_block(self) -> Block:
        """Return the directive."""
        arguments = [self.address]
        for option in (*_SERVER_NUMBERS, "fail_timeout", "service", "route"):
            value = getattr(self, option)
            if value is not None:
                arguments.append(f"{option}={value}")
        arguments.extend(flag for flag in _SERVER_FLAGS if getattr(self, flag))
        return Block("server", tuple(arguments))


@dataclass(frozen=True)
class Upstream:
    """A group of servers and how a request finds one of them.

    ``method`` holds the words of the method's directive, empty for round robin. ``zone`` is None or name and size.
    ``keepalive`` is the number of idle connections to keep, None where the context has none.
    """

    name: str
    servers: tuple[UpstreamServer, ...]
    context: str = HTTP
    method: tuple[str, ...] = ()
    zone: tuple[str, ...] | None = None
    keepalive: int | None = None
    keepalive_local: bool = False
    keepalive_requests: int | None = None
    keepalive_time: str | None = None
    keepalive_timeout: str | None = None
    sticky: tuple[str, ...] = ()
    resolver: tuple[str, ...] = ()
    resolver_timeout: str | None = None

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, context: str = "", version: Version | None = None
    ) -> Upstream:
        """Return the upstream that UPSTREAM_OPTIONS describe, or raise InputError with the path in it."""
        context = context or options.get("context") or HTTP
        for option, value in options.items():
            if value is not None and value is not False:
                require("upstream", option, value, values.at(path, option), version)
        name = values.name(values.at(path, "name"), options["name"])
        servers = tuple(
            UpstreamServer.from_options(each, f"{values.at(path, 'servers')}[{i}]", context=context, version=version)
            for i, each in enumerate(options.get("servers") or ())
        )
        found: dict[str, t.Any] = {}
        for option in ("keepalive_time", "keepalive_timeout", "resolver_timeout"):
            if options.get(option) is not None:
                found[option] = values.time(values.at(path, option), options[option])
        for option, most in (("keepalive", MOST_KEPT), ("keepalive_requests", values.MOST)):
            if options.get(option) is not None:
                found[option] = values.above(values.at(path, option), options[option], 0, most)
        if options.get("sticky") is not None:
            found["sticky"] = values.words(values.at(path, "sticky"), options["sticky"], least=2)
        found["keepalive_local"] = bool(options.get("keepalive_local"))
        found["resolver"] = tuple(
            values.word(f"{values.at(path, 'resolver')}[{i}]", word)
            for i, word in enumerate(options.get("resolver") or ())
        )
        if context == HTTP:
            found.setdefault("keepalive", KEEPALIVE)
        upstream = cls(
            name=name,
            servers=servers,
            context=context,
            method=_method(options, path, context),
            zone=_zone(options, path, name, context, len(servers)),
            **found,
        )
        upstream._check(path)
        return upstream

    def _check(self, path: str) -> None:
        """Raise InputError for combinations that cannot work."""
        servers = values.at(path, "servers")
        if not self.servers:
            raise InputError(servers, f"upstream {shown(self.name)} has no servers; name at least one")
        if all(server.backup for server in self.servers):
            raise InputError(servers, f"upstream {shown(self.name)} has only backup servers; one must be a plain one")
        for i, server in enumerate(self.servers):
            if server.backup and self.method[:1] and self.method[0] in _WITHOUT_BACKUP:
                where = f"{servers}[{i}].backup"
                raise InputError(where, f"the method {self.method[0]} knows no backup servers; use another method")
            if server.resolve and self.zone is None:
                raise InputError(f"{servers}[{i}].resolve", "resolve needs the shared zone; do not switch it off")
        if self.context == STREAM:
            for option in ("keepalive", "keepalive_requests", "keepalive_time", "keepalive_timeout", "sticky"):
                if getattr(self, option):
                    raise InputError(
                        values.at(path, option), f"{option} is for http upstreams, and this is one of stream"
                    )
        if self.sticky and self.sticky[0] not in _STICKY:
            where = values.at(path, "sticky")
            raise InputError(where, f"{shown(self.sticky[0])} is not a kind of sticky session: {', '.join(_STICKY)}")

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
            elif child.name in _METHODS:
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
                found["keepalive_local"] = len(child.args) == 2
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
            found.update(keepalive=KEEPALIVE if by_default else 0, keepalive_local=by_default)
        return cls(name=block.args[0], servers=tuple(servers), context=context, **found)

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
        children.extend(server.to_block() for server in self.servers)
        # Zero switches it off, which older versions do by themselves and refuse to be told.
        if self.keepalive or (self.keepalive == 0 and version is not None and version >= KEEPALIVE_BY_DEFAULT):
            children.append(Block("keepalive", (str(self.keepalive), *(["local"] if self.keepalive_local else []))))
        for option in ("keepalive_requests", "keepalive_time", "keepalive_timeout"):
            value = getattr(self, option)
            if value is not None:
                children.append(Block(option, (str(value),)))
        return Block("upstream", (self.name,), tuple(children))


def _is_count(words: tuple[str, ...]) -> bool:
    return len(words) == 1 and values.number(words[0]) is not None


def _address(options: t.Mapping[str, t.Any], path: str) -> str:
    """Return the address as nginx wants it: host, host:port, [ipv6]:port or unix:/path."""
    where = values.at(path, "address")
    address: str = values.word(where, options["address"])
    port = options.get("port")
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
        raise InputError(values.at(path, "port"), f"{shown(address)} has a port already; give it once")
    if port is not None:
        values.above(values.at(path, "port"), port, 1, 65535)
        return f"{address}:{port}"
    if text:
        values.above(where, int(text), 1, 65535)
    return address


def _can_be_address(host: str) -> bool:
    """Tell whether a host that looks like an address is one."""
    if not _NUMERIC.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _has_port(address: str) -> bool:
    return address.startswith("unix:") or _PORT.search(address, address.rfind("]") + 1) is not None


def _method(options: t.Mapping[str, t.Any], path: str, context: str) -> tuple[str, ...]:
    """Return the words of the method's directive; raise InputError for options of another method."""
    method = options.get("method") or "round_robin"
    belongs = {
        "hash_key": "hash",
        "hash_consistent": "hash",
        "random_two": "random",
        "random_method": "random",
        "least_time": "least_time",
        "least_time_inflight": "least_time",
    }
    for option, owner in belongs.items():
        if options.get(option) and owner != method:
            raise InputError(values.at(path, option), f"{option} belongs to the method {owner}, not to {method}")
    if method == "round_robin":
        return ()
    words = [method]
    if method == "ip_hash" and context == STREAM:
        raise InputError(values.at(path, "method"), "stream has no ip_hash; use hash with hash_key $remote_addr")
    if method == "hash":
        if not options.get("hash_key"):
            raise InputError(values.at(path, "hash_key"), "the method hash needs a key, such as $request_uri")
        words.append(values.word(values.at(path, "hash_key"), options["hash_key"]))
        words.extend(["consistent"] if options.get("hash_consistent") else [])
    elif method == "random":
        if options.get("random_method") and not options.get("random_two"):
            raise InputError(
                values.at(path, "random_method"), "random_method chooses between two: set random_two as well"
            )
        words.extend(["two"] if options.get("random_two") else [])
        words.extend([options["random_method"]] if options.get("random_method") else [])
    elif method == "least_time":
        what = options.get("least_time")
        if what not in _LEAST_TIME[context]:
            choices = ", ".join(_LEAST_TIME[context])
            raise InputError(values.at(path, "least_time"), f"least_time of {context} needs one of: {choices}")
        words.append(what)
        words.extend(["inflight"] if options.get("least_time_inflight") else [])
    return tuple(words)


def _zone(options: t.Mapping[str, t.Any], path: str, name: str, context: str, servers: int) -> tuple[str, str] | None:
    """Return name and size of the shared memory: without it, each worker counts failures and loads for itself."""
    if options.get("zone") is False:
        return None
    given = options.get("zone_name")
    zone = values.name(values.at(path, "zone_name"), given) if given else name if context == HTTP else f"stream_{name}"
    if options.get("zone_size") is not None:
        return zone, values.size(values.at(path, "zone_size"), options["zone_size"], least=values.SMALLEST_ZONE)
    # nginx 1.22 puts 63 servers into 64k and twice as many into twice as much; a name can be several servers.
    kilobytes = 64
    while kilobytes < 2 * servers:
        kilobytes *= 2
    return zone, f"{kilobytes}k"
