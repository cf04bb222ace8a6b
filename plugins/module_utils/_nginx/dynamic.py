# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of nginx that packages bring by themselves: which a configuration needs, and where each comes from. Private.

The directives are those of each module's own documentation, the packages those of Debian 12 and 13, of Ubuntu, of
RHEL 9 with EPEL, and of the repository of nginx.org.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import Build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.nginx_org import comes_from_nginx_org
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import DEBIAN, RED_HAT, of_this_host

__all__ = ("BUILT_IN", "NGINX_ORG", "UNKNOWN", "explained", "family", "lacking", "libraries", "needed", "packages_of")

UNKNOWN = re.compile(r'unknown directive "([^"]+)"')
NGINX_ORG = "nginx.org"
BUILT_IN = {NGINX_ORG: ("stream", "mail")}
"""Modules of the list below that the packages of a family have in nginx itself."""


@dataclass(frozen=True)
class Module:
    """A module that can be loaded: its directives in one context (main: the block itself), and where it comes from.

    ``libraries`` are the files that nginx loads, ``packages`` the ones that bring them, by family; a family that is not
    named has none.
    """

    name: str
    context: str
    directives: re.Pattern[str]
    libraries: tuple[str, ...]
    packages: t.Mapping[str, tuple[str, ...]]


def _module(name: str, context: str, directives: str, libraries: str = "", **packages: str) -> Module:
    families = {"debian": DEBIAN, "redhat": RED_HAT, "org": NGINX_ORG}
    files = tuple(f"ngx_{one}_module.so" for one in (libraries or name).split())
    found = {families[family]: tuple(names.split()) for family, names in packages.items()}
    return Module(name, context, re.compile(directives), files, found)


def _packaged(name: str, context: str, directives: str, libraries: str = "", *, org: str = "") -> Module:
    """Return a module whose packages are called after it in Debian and in Red Hat's family."""
    dashed = name.replace("_", "-")
    more = {"org": org} if org else {}
    return _module(
        name, context, directives, libraries, debian=f"libnginx-mod-{dashed}", redhat=f"nginx-mod-{dashed}", **more
    )


_BY_LUA = "(?:access|balancer|body_filter|content|exit_worker|header_filter|init|init_worker|log|preread|rewrite"
MODULES: tuple[Module, ...] = (
    _packaged("stream", "main", "stream"),
    _packaged("mail", "main", "mail"),
    _module("rtmp", "main", "rtmp", debian="libnginx-mod-rtmp"),
    _packaged("http_image_filter", "http", "image_filter.*", org="nginx-module-image-filter"),
    _packaged("http_xslt_filter", "http", "xslt_.*|xml_entities", org="nginx-module-xslt"),
    _packaged("http_perl", "http", "perl(?:_.*)?", org="nginx-module-perl"),
    _module(
        *("http_geoip", "http", "geoip_(?:country|city|org|proxy|proxy_recursive)"),
        debian="libnginx-mod-http-geoip",
        org="nginx-module-geoip",
    ),
    _module(
        *("stream_geoip", "stream", "geoip_(?:country|city|org)"),
        debian="libnginx-mod-stream-geoip",
        org="nginx-module-geoip",
    ),
    _module("http_geoip2", "http", "geoip2(?:_.*)?", debian="libnginx-mod-http-geoip2"),
    _module("stream_geoip2", "stream", "geoip2", debian="libnginx-mod-stream-geoip2"),
    _module(
        *("http_brotli_filter", "http", "brotli(?!_static).*"),
        debian="libnginx-mod-http-brotli-filter",
        redhat="nginx-mod-brotli",
        org="nginx-module-brotli",
    ),
    _module(
        *("http_brotli_static", "http", "brotli_static"),
        debian="libnginx-mod-http-brotli-static",
        redhat="nginx-mod-brotli",
        org="nginx-module-brotli",
    ),
    _module("http_js", "http", "js_.*", debian="libnginx-mod-http-js", org="nginx-module-njs"),
    _module("stream_js", "stream", "js_.*", debian="libnginx-mod-stream-js", org="nginx-module-njs"),
    _module("otel", "http", "otel_.*", org="nginx-module-otel"),
    _module("http_lua", "http", f"lua_.*|{_BY_LUA}|ssl_.*)_by_lua.*", debian="libnginx-mod-http-lua"),
    _module("http_headers_more_filter", "http", "more_.*", debian="libnginx-mod-http-headers-more-filter"),
    _module("http_cache_purge", "http", r"\w+_cache_purge", debian="libnginx-mod-http-cache-purge"),
    _module("http_echo", "http", "echo(?:_.*)?", debian="libnginx-mod-http-echo"),
    _module("http_fancyindex", "http", "fancyindex.*", debian="libnginx-mod-http-fancyindex"),
    _module("http_subs_filter", "http", "subs_filter.*", debian="libnginx-mod-http-subs-filter"),
    _module("http_dav_ext", "http", "dav_ext_.*", debian="libnginx-mod-http-dav-ext"),
    _module("http_auth_pam", "http", "auth_pam.*", debian="libnginx-mod-http-auth-pam"),
    _module(
        *("http_modsecurity", "http", "modsecurity.*"),
        debian="libnginx-mod-http-modsecurity",
        redhat="nginx-mod-modsecurity",
    ),
    _module("http_upstream_fair", "http", "fair", debian="libnginx-mod-http-upstream-fair"),
    _module("http_uploadprogress", "http", "(?:track|report)_uploads", debian="libnginx-mod-http-uploadprogress"),
    _module("nchan", "http", "nchan_.*", debian="libnginx-mod-nchan"),
    _module("http_srcache_filter", "http", "srcache_.*", debian="libnginx-mod-http-srcache-filter"),
)
_BY_NAME = {one.name: one for one in MODULES}
# What stands in these are no directives.
_TABLES = ("charset_map", "geo", "map", "split_clients", "types")


def needed(blocks: t.Iterable[Block]) -> dict[str, Block]:
    """Return the modules that directives of these blocks (http, stream and others) need, each with the first one."""
    found: dict[str, Block] = {}
    for top in blocks:
        for module in MODULES:
            if module.context == "main" and module.directives.fullmatch(top.name):
                found.setdefault(module.name, top)
        inside = [one for one in MODULES if one.context == top.name]
        for block in _directives(top) if inside else ():
            for module in inside:
                if module.directives.fullmatch(block.name):
                    found.setdefault(module.name, block)
    return found


def lacking(names: t.Iterable[str], build: Build, tree: t.Sequence[Block]) -> list[str]:
    """Return those of these modules that are neither built in nor loaded outside of all blocks of this tree."""
    loaded = {os.path.basename(word) for one in tree if one.name == "load_module" for word in one.args}
    return [
        name
        for name in names
        if not build.modules.intersection((name, name.replace("_filter", "")))
        and not loaded.intersection(libraries(name))
    ]


def libraries(name: str) -> tuple[str, ...]:
    """Return the files that nginx loads for a module."""
    return _BY_NAME[name].libraries


def packages_of(names: t.Iterable[str], family: str) -> list[str]:
    """Return the packages that bring these modules on a family of systems, without those that it has no package of."""
    return list(dict.fromkeys(package for name in names for package in _BY_NAME[name].packages.get(family, ())))


def explained(message: str, family: str) -> str:
    """Return what nginx says of a directive that it does not know, with the module that has it and its package."""
    unknown = UNKNOWN.search(message)
    if unknown is None:
        return message
    for module in MODULES:
        if module.directives.fullmatch(unknown[1]):
            packages = packages_of([module.name], family)
            whence = f"install {' and '.join(packages)}" if packages else "this system has no package of it"
            return f"{message}. The module {module.name} has this directive: {whence}"
    return message


def family(build: Build | None, runner: Runner = run) -> str:
    """Return where nginx comes from, or would come from where there is no build of it: a family that has packages."""
    if build is not None and build.paths.get("prefix") == "/etc/nginx":
        return NGINX_ORG
    if build is None and comes_from_nginx_org("nginx", runner):
        return NGINX_ORG
    return of_this_host().family


def _directives(top: Block) -> t.Iterator[Block]:
    waiting = list(reversed(top.children or ()))
    while waiting:
        block = waiting.pop()
        yield block
        if block.name not in _TABLES:
            waiting.extend(reversed(block.children or ()))
