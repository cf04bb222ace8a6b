# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers refer to by name: log formats, maps, shares of clients, limits, caches. Private to this collection."""

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
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import Number, Text, Texts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice, Flag, Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import (
    NestedList,
    join,
    option,
)

__all__ = ("CachePath", "Geo", "LimitConnZone", "LimitReqZone", "LogFormat", "Map", "SplitClients")

# Characters of a log format in one word; each can take four bytes or an escape, of the 4096 that nginx reads.
_PIECE = 500
# What must not be torn apart: nginx looks for variables in each word by itself.
_UNIT = re.compile(r"\$\{\w+\}|\$\w+|[\s\S]", re.ASCII)

CACHES = "/var/cache/nginx"
"""Where a cache lies that says no folder."""

_RATE = re.compile(r"[1-9][0-9]{0,17}r/[sm]")
_LEVELS = re.compile(r"[12](:[12]){0,2}")


def _format(path: str, value: str) -> str:
    if not value:
        raise InputError(path, "this is empty; name what the log shall hold")
    if value.startswith("escape="):
        raise InputError(path, "use the option escape; nginx takes this beginning for it")
    return value


def _format_name(path: str, value: str) -> str:
    if value == "combined":
        raise InputError(path, "combined is nginx's own format; take another name")
    return values.name(path, value)


@dataclass(frozen=True)
class LogFormat(Model):
    """The line that an access log gets for each request."""

    keyword = "log_format"

    name: str = option(Text(_format_name), required=True)
    format: str = option(Text(_format), required=True)
    escape: str | None = option(Choice("default", "json", "none"))

    @classmethod
    def from_block(cls, block: Block) -> LogFormat:
        """Return the format that a directive describes, or raise ConfigError."""
        if len(block.args) < 2:
            raise ConfigError(block.position, "log_format needs a name and a format")
        name, *parts = block.args
        escape = parts.pop(0)[len("escape=") :] if parts[0].startswith("escape=") else None
        return cls(name, "".join(parts), escape)

    def to_block(self) -> Block:
        """Return the directive; nginx joins the pieces of a format that is too long for one word."""
        pieces = [""]
        for unit in _UNIT.findall(self.format):
            if len(pieces[-1]) + len(unit) > _PIECE:
                pieces.append("")
            pieces[-1] += unit
        return Block(self.keyword, (self.name, *([f"escape={self.escape}"] if self.escape else []), *pieces))


@dataclass(frozen=True)
class Entry(Model):
    """What matches in a map, and what results."""

    keyword = "entries"
    # Words that mean something to nginx in a map, unless a backslash stands before them.
    RESERVED: t.ClassVar[tuple[str, ...]] = ("default", "hostnames", "include", "volatile")

    match: str = option(Text(empty=True), required=True)
    value: str = option(Text(empty=True), required=True)

    @classmethod
    def from_block(cls, block: Block) -> Entry:
        reserved = block.name[1:] if block.name[:1] == "\\" else ""
        return cls(reserved if reserved in cls.RESERVED else block.name, block.args[0])

    def to_block(self) -> Block:
        name = f"\\{self.match}" if self.match in self.RESERVED else self.match
        # The first word of a directive can be anything, ``#`` too.
        return Block(name, (self.value,), raw='"#"' if name == "#" else None)


@dataclass(frozen=True)
class Map(Model):
    """A variable that depends on another, by the entries in their order."""

    keyword = "map"

    source: str = option(Text(), required=True, title=True)
    variable: str = option(Text(values.variable), required=True, title=True)
    hostnames: bool | None = option(Flag())
    volatile: bool | None = option(Flag())
    default: str | None = option(Text(empty=True))
    entries: tuple[Entry, ...] | None = option(NestedList(Entry))

    @property
    def name(self) -> str:
        return self.variable[1:]

    def validate(self, path: str) -> None:
        if not self.entries and self.default is None:
            raise InputError(join(path, "entries"), "this map is empty; give it entries or a default")
        matches: set[str] = set()
        for at, entry in enumerate(self.entries or ()):
            if entry.match in matches:
                raise InputError(join(path, f"entries[{at}].match"), f"{shown(entry.match)} is in this map already")
            matches.add(entry.match)

    @classmethod
    def from_block(cls, block: Block) -> Map:
        """Return the map that a block describes, or raise ConfigError."""
        if len(block.args) != 2 or block.children is None:
            raise ConfigError(block.position, 'a map reads "map SOURCE $VARIABLE { ... }"')
        found: dict[str, t.Any] = {}
        entries: list[Entry] = []
        for child in block.children:
            if child.is_comment:
                continue
            if child.name in ("hostnames", "volatile") and not child.args:
                if child.name == "hostnames" and entries:
                    raise ConfigError(child.position, '"hostnames" comes behind what depends on it; put it first')
                found[child.name] = True
            elif child.name == "include" or len(child.args) != 1:
                raise ConfigError(child.position, f"{shown(child.name)} in a map is unknown to this collection")
            elif child.name == "default" and "default" in found:
                raise ConfigError(child.position, '"default" comes a second time')
            elif child.name == "default":
                found["default"] = child.args[0]
            else:
                entries.append(Entry.from_block(child))
        return cls(block.args[0], block.args[1], entries=tuple(entries) or None, **found)


@dataclass(frozen=True)
class GeoEntry(Model):
    """A network, or a range of addresses, and what results for clients in it."""

    keyword = "entries"

    match: str = option(Text(), required=True)
    value: str = option(Text(empty=True), required=True)

    def to_block(self) -> Block:
        return Block(self.match, (self.value,))


def _network(path: str, value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False)) if "/" in value else str(ipaddress.ip_address(value))
    except ValueError:
        raise InputError(path, f"{shown(value)} is no network: write it as in 10.0.0.0/8 or 2001:db8::/32") from None


def _range(path: str, value: str) -> str:
    try:
        first, last = (ipaddress.IPv4Address(one) for one in value.split("-"))
    except ValueError:
        raise InputError(path, f"{shown(value)} is no range of IPv4: write it as in 10.0.0.0-10.0.0.255") from None
    if first > last:
        raise InputError(path, f"{shown(value)} ends before it begins")
    return value


@dataclass(frozen=True)
class Geo(Model):
    """A variable that depends on an address, by the most specific network that it is in."""

    keyword = "geo"

    variable: str = option(Text(values.variable), required=True)
    source: str | None = option(Text(values.variable))
    ranges: bool | None = option(Flag())
    default: str | None = option(Text(empty=True))
    proxies: tuple[str, ...] | None = option(Texts(_network))
    proxy_recursive: bool | None = option(Flag())
    entries: tuple[GeoEntry, ...] | None = option(NestedList(GeoEntry))

    @property
    def name(self) -> str:
        return self.variable[1:]

    def validate(self, path: str) -> None:
        if not self.entries and self.default is None:
            raise InputError(join(path, "entries"), "this geo is empty; give it entries or a default")
        check = _range if self.ranges else _network
        seen: set[str] = set()
        for at, entry in enumerate(self.entries or ()):
            where = join(path, f"entries[{at}].match")
            network = check(where, entry.match)
            if network in seen:
                raise InputError(where, f"{shown(entry.match)} is in this geo already")
            seen.add(network)

    @classmethod
    def from_block(cls, block: Block) -> Geo:
        """Return the geo that a block describes, or raise ConfigError."""
        if len(block.args) not in (1, 2) or block.children is None:
            raise ConfigError(block.position, 'a geo reads "geo [$ADDRESS] $VARIABLE { ... }"')
        found: dict[str, t.Any] = {}
        entries: list[GeoEntry] = []
        proxies: list[str] = []
        for child in block.children:
            if child.is_comment:
                continue
            if child.name in ("ranges", "proxy_recursive") and not child.args:
                found[child.name] = True
            elif child.name in ("include", "delete") or len(child.args) != 1:
                raise ConfigError(child.position, f"{shown(child.name)} in a geo is unknown to this collection")
            elif child.name == "proxy":
                proxies.append(child.args[0])
            elif child.name == "default":
                found["default"] = child.args[0]
            else:
                entries.append(GeoEntry(child.name, child.args[0]))
        source = block.args[0] if len(block.args) == 2 else None
        return cls(block.args[-1], source, proxies=tuple(proxies) or None, entries=tuple(entries) or None, **found)

    def to_block(self) -> Block:
        """Return the block; ``ranges`` comes first, as nginx needs it."""
        children = [Block(name) for name in ("ranges", "proxy_recursive") if getattr(self, name)]
        children += [Block("proxy", (one,)) for one in self.proxies or ()]
        children += [] if self.default is None else [Block("default", (self.default,))]
        children += [entry.to_block() for entry in self.entries or ()]
        return Block(self.keyword, (*([self.source] if self.source else []), self.variable), tuple(children))


class Percent(Kind):
    """A share in percent, with two decimals at most; held as nginx reads it."""

    spec = {"type": "float"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        share = round(value * 100)
        if share < 1 or abs(share - value * 100) > 1e-6:
            raise InputError(path, f"{value} is not a share: 0.01 or more, two decimals at most")
        text = f"{share / 100:.2f}".rstrip("0").rstrip(".")
        return f"{text}%"


@dataclass(frozen=True)
class Share(Model):
    """A share of the clients, and the value that they get."""

    keyword = "entries"

    percent: str = option(Percent(), required=True)
    value: str = option(Text(empty=True), required=True)

    def to_block(self) -> Block:
        return Block(self.percent, (self.value,))


@dataclass(frozen=True)
class SplitClients(Model):
    """A variable whose value depends on a hash of the key."""

    keyword = "split_clients"

    key: str = option(Text(), required=True, title=True)
    variable: str = option(Text(values.variable), required=True, title=True)
    entries: tuple[Share, ...] | None = option(NestedList(Share), required=True)
    default: str | None = option(Text(empty=True), "*")

    @property
    def name(self) -> str:
        return self.variable[1:]

    def validate(self, path: str) -> None:
        if not self.entries and self.default is None:
            raise InputError(join(path, "entries"), "name at least one share")
        hundredths = 0
        for at, share in enumerate(self.entries or ()):
            hundredths += round(float(share.percent[:-1]) * 100)
            if hundredths > 10000:
                where = join(path, f"entries[{at}].percent")
                raise InputError(where, "the shares are more than 100 percent together")

    @classmethod
    def from_block(cls, block: Block) -> SplitClients:
        """Return the shares that a block describes, or raise ConfigError."""
        if len(block.args) != 2 or block.children is None:
            raise ConfigError(block.position, 'split_clients reads "split_clients KEY $VARIABLE { ... }"')
        lines = [child for child in block.children if not child.is_comment]
        for child in lines:
            if len(child.args) != 1:
                raise ConfigError(child.position, f"{shown(child.name)} needs one value")
        rest = lines.pop().args[0] if lines and lines[-1].name == "*" else None
        return cls(*block.args, tuple(Share(line.name, line.args[0]) for line in lines) or None, rest)


def _rate(path: str, value: str) -> str:
    if not _RATE.fullmatch(value):
        raise InputError(path, f"{shown(value)} is no rate: write it as in 10r/s or 30r/m")
    return value


@dataclass(frozen=True)
class LimitConnZone(Model):
    """Shared memory that counts connections by a key."""

    keyword = "limit_conn_zone"

    name: str = option(Text(values.name), required=True)
    key: str = option(Text(), default="$binary_remote_addr")
    size: str = option(Text(values.size, least=values.SMALLEST_ZONE), default="10m")

    @classmethod
    def from_block(cls, block: Block) -> LimitConnZone:
        """Return the zone that a directive describes, or raise ConfigError."""
        key, parameters = _zone_arguments(block)
        name, size = _pair(block, parameters, "zone")
        return cls(name, key, size)

    def to_block(self) -> Block:
        """Return the directive."""
        return Block(self.keyword, (self.key, f"zone={self.name}:{self.size}"))


@dataclass(frozen=True)
class LimitReqZone(LimitConnZone):
    """Shared memory that counts requests by a key, and the rate that they may have."""

    keyword = "limit_req_zone"

    rate: str = option(Text(_rate), required=True)

    @classmethod
    def from_block(cls, block: Block) -> LimitReqZone:
        """Return the zone that a directive describes, or raise ConfigError."""
        key, parameters = _zone_arguments(block)
        name, size = _pair(block, parameters, "zone")
        if "rate" not in parameters:
            raise ConfigError(block.position, "limit_req_zone needs a rate")
        return cls(name, key, size, parameters["rate"])

    def to_block(self) -> Block:
        """Return the directive."""
        return Block(self.keyword, (self.key, f"zone={self.name}:{self.size}", f"rate={self.rate}"))


def _folder(path: str, value: str) -> str:
    if not values.word(path, value).startswith("/"):
        raise InputError(path, f"{shown(value)} must be absolute")
    return value


def _levels(path: str, value: str) -> str:
    if not _LEVELS.fullmatch(value):
        raise InputError(path, f"{shown(value)} are no levels: write one to three of 1 and 2, as 1:2")
    return value


@dataclass(frozen=True)
class CachePath(Model):
    """A folder for cached answers and the shared memory that knows them."""

    keyword = "cache_path"

    name: str = option(Text(values.name), required=True)
    path: str | None = option(Text(_folder))
    zone_size: str = option(Text(values.size, least=values.SMALLEST_ZONE), default="10m")
    levels: str | None = option(Text(_levels), default="1:2")
    use_temp_path: bool | None = option(Flag(), default=False)
    inactive: str | None = option(Text(values.time, seconds=True))
    loader_files: int | None = option(Number(1))
    loader_sleep: str | None = option(Text(values.time))
    loader_threshold: str | None = option(Text(values.time))
    manager_files: int | None = option(Number(1))
    manager_sleep: str | None = option(Text(values.time))
    manager_threshold: str | None = option(Text(values.time))
    max_size: str | None = option(Text(values.size, giga=True))
    min_free: str | None = option(Text(values.size, giga=True))

    @classmethod
    def parameters(cls) -> t.Iterator[str]:
        """Yield the options that are parameters of the directive under the same name."""
        return (name for name, one in cls.options() if not one.required and one.default is None and name != "path")

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        return {**taken, "path": taken.get("path") or f"{CACHES}/{taken['name']}"}

    @classmethod
    def from_block(cls, block: Block) -> CachePath:
        """Return the cache that a directive describes, or raise ConfigError."""
        folder, parameters = _zone_arguments(block)
        name, size = _pair(block, parameters, "keys_zone")
        del parameters["keys_zone"]
        levels = parameters.pop("levels", None)
        temp = parameters.pop("use_temp_path", "on")
        unknown = set(parameters) - set(cls.parameters())
        if unknown:
            raise ConfigError(block.position, f"a cache has no parameter {sorted(unknown)[0]}")
        found: dict[str, t.Any] = dict(parameters)
        for option_name in ("loader_files", "manager_files"):
            if option_name in found:
                found[option_name] = values.number(found[option_name])
                if found[option_name] is None:
                    raise ConfigError(block.position, f"{option_name} of a cache needs a number")
        return cls(name, folder, size, levels, temp == "on" or None, **found)

    def to_block(self) -> Block:
        """Return the directive."""
        arguments = [str(self.path), *([f"levels={self.levels}"] if self.levels else [])]
        arguments.append(f"keys_zone={self.name}:{self.zone_size}")
        for name in self.parameters():
            value = getattr(self, name)
            arguments.extend([] if value is None else [f"{name}={value}"])
        arguments.extend([] if self.use_temp_path else ["use_temp_path=off"])
        return Block("proxy_cache_path", tuple(arguments))


def _zone_arguments(block: Block) -> tuple[str, dict[str, str]]:
    """Return the first argument and the others as name and value."""
    if not block.args or any("=" not in argument for argument in block.args[1:]):
        raise ConfigError(block.position, f"{block.name} needs parameters of the form name=value")
    return block.args[0], dict(argument.split("=", 1) for argument in block.args[1:])


def _pair(block: Block, parameters: t.Mapping[str, str], parameter: str) -> tuple[str, str]:
    name, colon, size = parameters.get(parameter, "").partition(":")
    if not name or not colon:
        raise ConfigError(block.position, f"{block.name} needs {parameter}=NAME:SIZE")
    return name, size
