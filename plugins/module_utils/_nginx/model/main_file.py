# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands once in nginx.conf: the settings of main, events, http and stream. Private to this collection.

Each model has the defaults of a load balancer. ``files.py`` says where everything else lies, ``main_file.py`` how these
settings and a nginx.conf that was there before become one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import Texts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import statements
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Option, join

__all__ = ("MODELS", "Context", "MainFile", "file_limit", "placed")

CONNECTIONS = 8192
"""Connections of one worker, to clients and to backends; nginx takes some 4 MB for them."""

Options = t.Mapping[str, t.Any]

NEWER: t.Mapping[str, t.Mapping[str, tuple[Version, t.Any]]] = {
    # At a reload, a client that is about to send its next request is not cut off.
    "http": {"keepalive_min_timeout": (Version(1, 27, 4), "5s")},
}


@dataclass(frozen=True)
class Context(Model):
    """The settings of one context of nginx.conf, and ``directives`` for what no option says."""

    inputs = {"directives": Option(Texts(statements))}
    DEFAULTS: t.ClassVar[t.Mapping[str, t.Any]] = {}

    settings: settings.Settings = field(default_factory=dict)
    directives: tuple[Block, ...] = ()

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        found = tuple(block for blocks in taken.pop("directives", None) or () for block in blocks)
        for block in found:
            if block.name in cls.plain:
                raise InputError(join(path, "directives"), f"{block.name} is an option of its own: say it there")
        return {"settings": cls.taken_settings(taken), "directives": found}

    def to_blocks(self) -> tuple[Block, ...]:
        """Return the directives, those of options first."""
        return (*settings.to_blocks(self.plain, self.settings), *self.directives)


@dataclass(frozen=True)
class Main(Context):
    """What stands outside of all blocks."""

    keyword = "main"
    plain = settings.MAIN
    DEFAULTS = {"worker_processes": "auto"}


@dataclass(frozen=True)
class Events(Context):
    """How workers take connections."""

    keyword = "events"
    plain = settings.EVENTS
    DEFAULTS = {"worker_connections": CONNECTIONS, "multi_accept": True}


@dataclass(frozen=True)
class Http(Context):
    """What holds for all sites that do not say otherwise."""

    keyword = "http"
    plain = settings.HTTP
    DEFAULTS = {
        "sendfile": True,
        "tcp_nopush": True,
        "tcp_nodelay": True,
        "server_tokens": "off",
        "keepalive_timeout": "65s",
        # A client of a balancer is often another proxy, which keeps its connections for long.
        "keepalive_requests": 10000,
        "reset_timedout_connection": True,
        "client_header_timeout": "15s",
        "client_body_timeout": "60s",
        "send_timeout": "60s",
        "client_max_body_size": "16m",
        "client_body_buffer_size": "128k",
        "large_client_header_buffers": "4 16k",
        "types_hash_max_size": 2048,
        "proxy_headers_hash_max_size": 1024,
        "proxy_headers_hash_bucket_size": 128,
        "gzip": True,
        "gzip_vary": True,
        "gzip_proxied": ["any"],
        "gzip_comp_level": 4,
        "gzip_min_length": "1k",
        "gzip_types": [
            *("text/plain", "text/css", "text/xml", "text/javascript", "application/javascript", "application/json"),
            *("application/xml", "application/rss+xml", "application/atom+xml", "application/manifest+json"),
            *("application/wasm", "image/svg+xml"),
        ],
        "ssl_protocols": ["TLSv1.2", "TLSv1.3"],
        "ssl_prefer_server_ciphers": False,
        "ssl_session_cache": "shared:holdfast_tls:10m",
        "ssl_session_timeout": "1d",
        # The keys of tickets are made by each balancer for itself and never change while it runs.
        "ssl_session_tickets": False,
    }


@dataclass(frozen=True)
class Stream(Context):
    """What holds for all ports that are passed on as they are."""

    keyword = "stream"
    table = "stream_server"
    plain = settings.STREAM


@dataclass(frozen=True)
class MainFile:
    """The settings of all four contexts."""

    main: Main = field(default_factory=Main)
    events: Events = field(default_factory=Events)
    http: Http = field(default_factory=Http)
    stream: Stream = field(default_factory=Stream)

    @classmethod
    def from_options(
        cls,
        options: Options,
        *,
        version: Version | None = None,
        yields: t.Mapping[str, t.Container[str]] | None = None,
        derived: t.Mapping[str, Options] | None = None,
    ) -> MainFile:
        """Return what the options of these names describe, with the defaults; InputError for what cannot be right.

        ``derived`` are defaults that follow from what is served. ``yields`` names, by context, the directives whose
        default gives way, as a file that nginx.conf includes says them already.
        """
        found: dict[str, t.Any] = {}
        for one in fields(cls):
            model, given = MODELS[one.name], options.get(one.name) or {}
            if not isinstance(given, t.Mapping):
                model.from_options(given, one.name)
            given = {name: value for name, value in given.items() if value is not None}
            defaults = {**model.DEFAULTS, **((derived or {}).get(one.name) or {})}
            defaults.update(_of_newer(one.name, version))
            if one.name == "main":
                defaults["worker_rlimit_nofile"] = file_limit(options)
            gives_way = (yields or {}).get(one.name, ())
            kept = {name: value for name, value in defaults.items() if name not in gives_way}
            found[one.name] = model.from_options({**kept, **given}, one.name, version)
        return cls(**found)


def _of_newer(context: str, version: Version | None) -> Options:
    """Return the defaults that not every nginx knows, where this one does; of an unknown one that is not known."""
    return {name: value for name, (since, value) in NEWER.get(context, {}).items() if version and version >= since}


MODELS: t.Mapping[str, type[Context]] = {"main": Main, "events": Events, "http": Http, "stream": Stream}


def file_limit(options: Options) -> int:
    """Return how many files a worker may have open: what is said, else two for each of its connections.

    A proxied request has a connection to the client, one to the backend, and maybe a file of the cache for each.
    """
    limit = (options.get("main") or {}).get("worker_rlimit_nofile")
    connections = (options.get("events") or {}).get("worker_connections")
    try:
        return int(limit) if limit is not None else 2 * int(connections or CONNECTIONS)
    except (TypeError, ValueError):  # wrong, and told where it is judged
        return 2 * CONNECTIONS


def placed(settings: MainFile, context: str) -> tuple[Block, ...]:
    """Return the settings of http or stream as blocks whose positions are their input paths."""
    blocks = (settings.http if context == "http" else settings.stream).to_blocks()
    return tuple(replace(one, position=replace(one.position, file=f"{context}.{one.name}", line=0)) for one in blocks)
