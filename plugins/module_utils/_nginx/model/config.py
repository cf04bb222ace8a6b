# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that this collection owns of nginx on one host. Private to this collection.

The public way in::

    config = NginxConfig.from_options(module.params, version=build.version)    # or InputError
    texts = files.files(config)                            # relative file name -> text
    rules.check(config.to_blocks(), version=...)           # Findings: what nginx's own test misses
    modules.missing_modules(config.to_blocks(), build)     # Findings: what this build of nginx cannot do
    rules.check(dump.assemble(dump.parse_dump(output)))    # the same rules for all that "nginx -T" shows

and for one block: ``NginxConfig.of("upstreams", Upstream.from_options(module.params, version=...))``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position, rebuilt
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.by_name import by_name
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import (
    CachePath,
    Geo,
    LimitConnZone,
    LimitReqZone,
    LogFormat,
    Map,
    SplitClients,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.hashes import hash_sizes
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.inheritance import PAIRS, Level
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import MODELS as CONTEXTS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import Http, MainFile, placed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server, StreamServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import (
    redirect_listens,
    redirect_server,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

__all__ = ("KINDS", "MANAGED", "NGINX_CONF", "PACKAGE", "Kind", "NginxConfig")

NGINX_CONF = MANAGED, PACKAGE = "managed", "package"
"""Whose file nginx.conf is: this collection's, or again the one that was there before."""

REDIRECT = ".tls.redirect"
"""Where the input says of a server that it leads to another one."""

Model = t.Union[
    LogFormat, Map, Geo, SplitClients, LimitReqZone, LimitConnZone, CachePath, Upstream, Server, StreamServer
]


@dataclass(frozen=True)
class Kind:
    """One list of the options: what its elements are, where they belong, and the place of their files.

    ``order`` makes what is defined come before what uses it, ``title`` is the word in the file's name.
    """

    option: str
    model: t.Any
    context: str
    order: int
    title: str


KINDS: tuple[Kind, ...] = (
    Kind("log_formats", LogFormat, "http", 10, "log_format"),
    Kind("maps", Map, "http", 20, "map"),
    Kind("geos", Geo, "http", 22, "geo"),
    Kind("split_clients", SplitClients, "http", 25, "split_clients"),
    Kind("limit_req_zones", LimitReqZone, "http", 30, "limit_req_zone"),
    Kind("limit_conn_zones", LimitConnZone, "http", 35, "limit_conn_zone"),
    Kind("cache_paths", CachePath, "http", 40, "cache_path"),
    Kind("upstreams", Upstream, "http", 50, "upstream"),
    Kind("servers", Server, "http", 60, "server"),
    Kind("stream_log_formats", LogFormat, "stream", 10, "log_format"),
    Kind("stream_maps", Map, "stream", 20, "map"),
    Kind("stream_geos", Geo, "stream", 22, "geo"),
    Kind("stream_split_clients", SplitClients, "stream", 25, "split_clients"),
    Kind("stream_limit_conn_zones", LimitConnZone, "stream", 35, "limit_conn_zone"),
    Kind("stream_upstreams", Upstream, "stream", 50, "upstream"),
    Kind("stream_servers", StreamServer, "stream", 60, "server"),
)


@dataclass(frozen=True)
class NginxConfig:
    """The models by the name of the option they came from, in the order given, for an nginx of ``version``.

    ``version`` is None where it is not known: then every option is accepted, and where forms differ by version the
    one is written that all versions understand. ``folder`` is that of nginx.conf, and ``main_file`` None where that is
    somebody else's. ``library`` is the OpenSSL that nginx has, None where it is not known.
    """

    models: t.Mapping[str, tuple[Model, ...]] = field(default_factory=dict)
    version: Version | None = None
    folder: str = "/etc/nginx"
    main_file: MainFile | None = None
    paths: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    library: Version | None = None

    @classmethod
    def from_options(
        cls,
        options: t.Mapping[str, t.Any],
        *,
        version: Version | None = None,
        folder: str = "/etc/nginx",
        yields: t.Mapping[str, t.Container[str]] | None = None,
        library: Version | None = None,
    ) -> NginxConfig:
        """Return what NGINX_OPTIONS describe; raise InputError for the first value that cannot be right or written.

        ``yields`` is as in MainFile.from_options.
        """
        models: dict[str, tuple[Model, ...]] = {}
        led: dict[str, tuple[str, ...]] = {}
        around = _around(options, version)
        for kind in KINDS:
            found: dict[str, Model] = {}
            elements = [(f"{kind.option}[{i}]", one) for i, one in enumerate(options.get(kind.option) or ())]
            for path, element in elements:
                more: dict[str, t.Any] = {"context": kind.context} if kind.model is Upstream else {}
                more.update({"around": around} if kind.model is Server else {})
                model = kind.model.from_options(element, path, version=version, **more)
                if kind.model is Server and redirect_listens(element):
                    # Its turn comes behind those that are listed.
                    elements.append((f"{path}{REDIRECT}", redirect_server(element, model.name)))
                # File systems may take Blog and blog for the same, and nginx does so with upstreams.
                if model.name.lower() in found:
                    option = "variable" if hasattr(model, "variable") else "name"
                    raise InputError(
                        f"{path}.{option}", f"{shown(model.name)} is there already; each needs a name of its own"
                    )
                found[model.name.lower()] = model
            models[kind.option] = tuple(found.values())
            led[kind.option] = tuple(path for path, _element in elements)
        paths = {"servers": led["servers"], **_chosen_by_name(models, version)}
        main_file = None
        if options.get("nginx_conf") == MANAGED:
            derived = hash_sizes(models)
            main_file = MainFile.from_options(options, version=version, yields=yields, derived=derived)
        else:
            for context in CONTEXTS:
                if options.get(context):
                    raise InputError(context, f"this stands in nginx.conf: say nginx_conf: {MANAGED} as well")
        config = cls(models, version, folder, main_file, paths, library)
        try:
            render(config.to_blocks())
        except ConfigError as error:
            raise InputError(error.position.file, error.message) from error
        return config

    @classmethod
    def of(cls, option: str, model: Model, *, version: Version | None = None) -> NginxConfig:
        """Return the configuration that holds this one model."""
        return cls({option: (model,)}, version)

    def elements(self) -> t.Iterator[tuple[Kind, str, Model]]:
        """Yield kind, input path and model of everything, in the order in which nginx shall read it."""
        for kind in KINDS:
            paths = self.paths.get(kind.option)
            for i, model in enumerate(self.models.get(kind.option, ())):
                yield kind, paths[i] if paths else f"{kind.option}[{i}]", model

    def block(self, model: Model) -> Block:
        """Return the block of one model in the form that this version of nginx reads."""
        if isinstance(model, Server):
            return model.to_block(self.version, self.folder, self.library)
        if isinstance(model, (Upstream, StreamServer)):
            return model.to_block(self.version)
        return model.to_block()

    def to_blocks(self) -> tuple[Block, ...]:
        """Return all of http and stream as blocks of these names; the position of each block inside is its input path.

        First come the settings of nginx.conf.
        """
        inside = self.placed()
        settings = {} if self.main_file is None else {name: placed(self.main_file, name) for name in inside}
        return tuple(
            Block(context, (), (*settings.get(context, ()), *blocks))
            for context, blocks in inside.items()
            if blocks or settings.get(context)
        )

    def placed(self) -> dict[str, list[Block]]:
        """Return, by context, the block of each model; its position and that of each block inside is an input path."""
        inside: dict[str, list[Block]] = {"http": [], "stream": []}
        for kind, path, model in self.elements():
            inside[kind.context].append(_placed(self.block(model), path, model))
        return inside


def _chosen_by_name(models: dict[str, tuple[Model, ...]], version: Version | None) -> dict[str, tuple[str, ...]]:
    """Put servers of stream that share an address into the form of this version; return the paths of what changed."""
    servers = [one for one in models["stream_servers"] if isinstance(one, StreamServer)]
    chosen = by_name(servers, "stream_servers", version)
    own = [f"stream_maps[{at}]" for at in range(len(models["stream_maps"]))]
    models["stream_servers"] = chosen.servers
    models["stream_maps"] = (*models["stream_maps"], *chosen.maps)
    return {"stream_servers": chosen.paths, "stream_maps": (*own, *chosen.map_paths)}


def _around(options: t.Mapping[str, t.Any], version: Version | None) -> Level:
    """Return what the user says of all servers; what this collection says of them yields to what it says of one."""
    given = options.get("http") if options.get("nginx_conf") == MANAGED else None
    try:
        http = Http.from_options(given or {}, "http", version)
    except InputError:
        return Level()  # told where nginx.conf is made
    return Level().inside(http.settings, http.directives)


class _Place(t.NamedTuple):
    """The input path of a block, the model that it was made from, and how many of each name were inside it so far."""

    path: str
    model: t.Any
    counted: dict[str, int]


def _placed(block: Block, path: str, model: Model) -> Block:
    """Return the block with input paths as positions, inside it too; what was derived has the path of its cause."""

    def place(child: Block, around: _Place) -> tuple[Block, _Place]:
        number = around.counted.setdefault(child.name, 0)
        around.counted[child.name] += 1
        where, inner = _where(child, around, number)
        return replace(child, position=Position(where)), _Place(where, inner, {})

    children = None if block.children is None else rebuilt(block.children, place, _Place(path, model, {}))
    return replace(block, children=children, position=Position(path))


def _where(child: Block, around: _Place, number: int) -> tuple[str, t.Any]:
    """Return the input path of a block inside another, and the model that it was made from, if it is one."""
    inside = getattr(around.model, "locations", ()) if child.name == "location" else ()
    if number < len(inside):
        origin = inside[number].origin
        return (f"{around.path}.{origin}" if origin else around.path), inside[number]
    if child.name in ("server", "location"):
        return f"{around.path}.{child.name}s[{number}]", None
    model = around.model
    # An upstream is said by its own option, however it is asked.
    option = "upstream" if getattr(model, "goal", "") == "upstream" and child.name == model.passes else child.name
    if isinstance(model, (Map, SplitClients)) and child.name not in ("default", "hostnames", "volatile", "*"):
        return f"{around.path}.entries", None
    if child.name in PAIRS and child.args:
        return f"{around.path}.{option}.{child.args[0]}", None
    return f"{around.path}.{option}", None
