# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers refer to by name: log formats, maps, shares of clients, limits, caches. Private to this collection."""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import require

__all__ = ("CachePath", "LimitConnZone", "LimitReqZone", "LogFormat", "Map", "SplitClients")

# Characters of a log format in one word; each can take four bytes or an escape, of the 4096 that nginx reads.
_PIECE = 500
# What must not be torn apart: nginx looks for variables in each word by itself.
_UNIT = re.compile(r"\$\{\w+\}|\$\w+|[\s\S]", re.ASCII)

_RATE = re.compile(r"[1-9][0-9]{0,17}r/[sm]")
_LEVELS = re.compile(r"[12](:[12]){0,2}")


@dataclass(frozen=True)
class LogFormat:
    """The line that an access log gets for each request."""

    name: str
    format: str
    escape: str | None = None

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> LogFormat:
        """Return the format that LOG_FORMAT_OPTIONS describe, or raise InputError with the path in it."""
        if options.get("escape"):
            require("log_format", "escape", None, values.at(path, "escape"), version)
        name = values.name(values.at(path, "name"), options["name"])
        if name == "combined":
            raise InputError(values.at(path, "name"), "combined is nginx's own format; take another name")
        if not options["format"]:
            raise InputError(values.at(path, "format"), "this is empty; name what the log shall hold")
        if options["format"].startswith("escape="):
            raise InputError(values.at(path, "format"), "use the option escape; nginx takes this beginning for it")
        return cls(name, options["format"], options.get("escape"))

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
        return Block("log_format", (self.name, *([f"escape={self.escape}"] if self.escape else []), *pieces))


@dataclass(frozen=True)
class Map:
    """A variable that depends on another: ``entries`` are pairs of what matches and what results, in order."""

    variable: str
    source: str
    entries: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    hostnames: bool = False
    volatile: bool = False

    # Words that mean something to nginx in a map, unless a backslash stands before them.
    RESERVED: t.ClassVar[tuple[str, ...]] = ("default", "hostnames", "include", "volatile")

    @property
    def name(self) -> str:
        return self.variable[1:]

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None) -> Map:
        """Return the map that MAP_OPTIONS describe, or raise InputError with the path in it."""
        if options.get("volatile"):
            require("map", "volatile", None, values.at(path, "volatile"), version)
        entries: dict[str, str] = {}
        for i, entry in enumerate(options.get("entries") or ()):
            where = f"{values.at(path, 'entries')}[{i}]"
            match = values.word(values.at(where, "match"), entry["match"], empty=True)
            if match in entries:
                raise InputError(values.at(where, "match"), f"{shown(match)} is in this map already")
            entries[match] = values.word(values.at(where, "value"), entry["value"], empty=True)
        default = options.get("default")
        if not entries and default is None:
            raise InputError(values.at(path, "entries"), "this map is empty; give it entries or a default")
        return cls(
            variable=values.variable(values.at(path, "variable"), options["variable"]),
            source=values.word(values.at(path, "source"), options["source"]),
            entries=tuple(entries.items()),
            default=None if default is None else values.word(values.at(path, "default"), default, empty=True),
            hostnames=bool(options.get("hostnames")),
            volatile=bool(options.get("volatile")),
        )

    @classmethod
    def from_block(cls, block: Block) -> Map:
        """Return the map that a block describes, or raise ConfigError."""
        if len(block.args) != 2 or block.children is None:
            raise ConfigError(block.position, 'a map reads "map SOURCE $VARIABLE { ... }"')
        entries: list[tuple[str, str]] = []
        default = None
        flags = set()
        for child in block.children:
            if child.is_comment:
                continue
            if child.name in ("hostnames", "volatile") and not child.args:
                if child.name == "hostnames" and entries:
                    raise ConfigError(child.position, '"hostnames" comes behind what depends on it; put it first')
                flags.add(child.name)
            elif child.name == "include" or len(child.args) != 1:
                raise ConfigError(child.position, f"{shown(child.name)} in a map is unknown to this collection")
            elif child.name == "default" and default is not None:
                raise ConfigError(child.position, '"default" comes a second time')
            elif child.name == "default":
                default = child.args[0]
            else:
                reserved = child.name[1:] if child.name[:1] == "\\" else ""
                match = reserved if reserved in cls.RESERVED else child.name
                entries.append((match, child.args[0]))
        return cls(
            variable=block.args[1],
            source=block.args[0],
            entries=tuple(entries),
            default=default,
            hostnames="hostnames" in flags,
            volatile="volatile" in flags,
        )

    def to_block(self) -> Block:
        """Return the block."""
        children = [Block(flag) for flag in ("hostnames", "volatile") if getattr(self, flag)]
        if self.default is not None:
            children.append(Block("default", (self.default,)))
        for match, value in self.entries:
            children.append(word_block(f"\\{match}" if match in self.RESERVED else match, value))
        return Block("map", (self.source, self.variable), tuple(children))


@dataclass(frozen=True)
class SplitClients:
    """A variable whose value depends on a hash of the key: ``entries`` are percentages and values."""

    variable: str
    key: str
    entries: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.variable[1:]

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> SplitClients:
        """Return the shares that SPLIT_CLIENTS_OPTIONS describe, or raise InputError with the path in it."""
        entries = []
        hundredths = 0
        for i, entry in enumerate(options.get("entries") or ()):
            where = f"{values.at(path, 'entries')}[{i}]"
            share = round(entry["percent"] * 100)
            if share < 1 or abs(share - entry["percent"] * 100) > 1e-6:
                raise InputError(
                    values.at(where, "percent"),
                    f"{entry['percent']} is not a share: 0.01 or more, two decimals at most",
                )
            hundredths += share
            if hundredths > 10000:
                raise InputError(values.at(where, "percent"), "the shares are more than 100 percent together")
            text = f"{share / 100:.2f}".rstrip("0").rstrip(".")
            entries.append((f"{text}%", values.word(values.at(where, "value"), entry["value"], empty=True)))
        if options.get("default") is not None:
            entries.append(("*", values.word(values.at(path, "default"), options["default"], empty=True)))
        if not entries:
            raise InputError(values.at(path, "entries"), "name at least one share")
        return cls(
            variable=values.variable(values.at(path, "variable"), options["variable"]),
            key=values.word(values.at(path, "key"), options["key"]),
            entries=tuple(entries),
        )

    @classmethod
    def from_block(cls, block: Block) -> SplitClients:
        """Return the shares that a block describes, or raise ConfigError."""
        if len(block.args) != 2 or block.children is None:
            raise ConfigError(block.position, 'split_clients reads "split_clients KEY $VARIABLE { ... }"')
        lines = [child for child in block.children if not child.is_comment]
        for child in lines:
            if len(child.args) != 1:
                raise ConfigError(child.position, f"{shown(child.name)} needs one value")
        return cls(block.args[1], block.args[0], tuple((child.name, child.args[0]) for child in lines))

    def to_block(self) -> Block:
        """Return the block."""
        return Block(
            "split_clients",
            (self.key, self.variable),
            tuple(Block(share, (value,)) for share, value in self.entries),
        )


@dataclass(frozen=True)
class LimitConnZone:
    """Shared memory that counts connections by a key."""

    name: str
    key: str
    size: str

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> LimitConnZone:
        """Return the zone that LIMIT_CONN_ZONE_OPTIONS describe, or raise InputError with the path in it."""
        return cls(**_zone_options(options, path))

    @classmethod
    def from_block(cls, block: Block) -> LimitConnZone:
        """Return the zone that a directive describes, or raise ConfigError."""
        key, parameters = _zone_arguments(block)
        name, size = _pair(block, parameters, "zone")
        return cls(name, key, size)

    def to_block(self) -> Block:
        """Return the directive."""
        return Block("limit_conn_zone", (self.key, f"zone={self.name}:{self.size}"))


@dataclass(frozen=True)
class LimitReqZone:
    """Shared memory that counts requests by a key, and the rate that they may have."""

    name: str
    key: str
    size: str
    rate: str

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> LimitReqZone:
        """Return the zone that LIMIT_REQ_ZONE_OPTIONS describe, or raise InputError with the path in it."""
        if not _RATE.fullmatch(options["rate"]):
            said = shown(options["rate"])
            raise InputError(values.at(path, "rate"), f"{said} is no rate: write it as in 10r/s or 30r/m")
        return cls(rate=options["rate"], **_zone_options(options, path))

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
        return Block("limit_req_zone", (self.key, f"zone={self.name}:{self.size}", f"rate={self.rate}"))


@dataclass(frozen=True)
class CachePath:
    """A folder for cached answers and the shared memory that knows them."""

    name: str
    path: str
    zone_size: str
    levels: str | None = None
    use_temp_path: bool = True
    parameters: tuple[tuple[str, str], ...] = ()

    _TIMES: t.ClassVar[tuple[str, ...]] = ("manager_sleep", "manager_threshold", "loader_sleep", "loader_threshold")
    _SECONDS: t.ClassVar[tuple[str, ...]] = ("inactive",)
    _SIZES: t.ClassVar[tuple[str, ...]] = ("max_size", "min_free")
    _NUMBERS: t.ClassVar[tuple[str, ...]] = ("manager_files", "loader_files")

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], path: str = "", *, version: Version | None = None
    ) -> CachePath:
        """Return the cache that CACHE_PATH_OPTIONS describe, or raise InputError with the path in it."""
        parameters = []
        for names, check in (
            (cls._TIMES, values.time),
            (cls._SECONDS, functools.partial(values.time, seconds=True)),
            (cls._SIZES, functools.partial(values.size, giga=True)),
        ):
            for option in names:
                if options.get(option) is not None:
                    require("cache_path", option, None, values.at(path, option), version)
                    parameters.append((option, check(values.at(path, option), options[option])))
        for option in cls._NUMBERS:
            if options.get(option) is not None:
                parameters.append((option, str(values.above(values.at(path, option), options[option], 1))))
        folder = values.word(values.at(path, "path"), options["path"])
        if not folder.startswith("/"):
            raise InputError(values.at(path, "path"), f"{shown(folder)} must be absolute")
        levels = options.get("levels") or "1:2"
        if not _LEVELS.fullmatch(levels):
            raise InputError(
                values.at(path, "levels"), f"{shown(levels)} are no levels: write one to three of 1 and 2, as 1:2"
            )
        return cls(
            name=values.name(values.at(path, "name"), options["name"]),
            path=folder,
            zone_size=values.size(
                values.at(path, "zone_size"), options.get("zone_size") or "10m", least=values.SMALLEST_ZONE
            ),
            levels=levels,
            use_temp_path=bool(options.get("use_temp_path")),
            parameters=tuple(sorted(parameters)),
        )

    @classmethod
    def from_block(cls, block: Block) -> CachePath:
        """Return the cache that a directive describes, or raise ConfigError."""
        folder, parameters = _zone_arguments(block)
        name, size = _pair(block, parameters, "keys_zone")
        del parameters["keys_zone"]
        levels = parameters.pop("levels", None)
        temp = parameters.pop("use_temp_path", "on")
        unknown = set(parameters) - {*cls._TIMES, *cls._SECONDS, *cls._SIZES, *cls._NUMBERS}
        if unknown:
            raise ConfigError(block.position, f"a cache has no parameter {sorted(unknown)[0]}")
        return cls(name, folder, size, levels, temp == "on", tuple(sorted(parameters.items())))

    def to_block(self) -> Block:
        """Return the directive."""
        arguments = [self.path, *([f"levels={self.levels}"] if self.levels else [])]
        arguments.append(f"keys_zone={self.name}:{self.zone_size}")
        arguments.extend(f"{option}={value}" for option, value in self.parameters)
        arguments.extend([] if self.use_temp_path else ["use_temp_path=off"])
        return Block("proxy_cache_path", tuple(arguments))


def word_block(name: str, *args: str) -> Block:
    """Return a directive whose first word can be anything, ``#`` too."""
    return Block(name, args, raw='"#"' if name == "#" else None)


def _zone_options(options: t.Mapping[str, t.Any], path: str) -> dict[str, str]:
    return {
        "name": values.name(values.at(path, "name"), options["name"]),
        "key": values.word(values.at(path, "key"), options.get("key") or "$binary_remote_addr"),
        "size": values.size(values.at(path, "size"), options.get("size") or "10m", least=values.SMALLEST_ZONE),
    }


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
