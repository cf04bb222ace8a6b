# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which module of nginx a directive needs; those of a default build are not named. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import Build

__all__ = ("missing_modules", "needed_modules")

_MODULES: t.Mapping[str, t.Mapping[str, re.Pattern[str]]] = {
    "http": {
        "http_ssl": re.compile("ssl_.*"),
        "http_v2": re.compile("http2.*"),
        "http_v3": re.compile("http3.*|quic_.*"),
        "http_stub_status": re.compile("stub_status"),
        "http_realip": re.compile("set_real_ip_from|real_ip_.*"),
        "http_sub": re.compile("sub_filter.*"),
        "http_auth_request": re.compile("auth_request.*"),
        "http_gunzip": re.compile("gunzip.*"),
        "http_gzip_static": re.compile("gzip_static"),
        "http_slice": re.compile("slice"),
    },
    "stream": {
        "stream_ssl_preread": re.compile("ssl_preread"),
        "stream_ssl": re.compile("(?:proxy_)?ssl(?!_preread).*"),
        "stream_realip": re.compile("set_real_ip_from"),
    },
}
_LISTEN_MODULES = {"ssl": "ssl", "http2": "v2", "quic": "v3"}


def missing_modules(blocks: t.Iterable[Block], build: Build) -> list[Finding]:
    """Return an error for every directive whose module this nginx was built without, built in or to be loaded."""
    return [
        Finding(
            "missing-module",
            "error",
            where(block),
            f"{shown(what)} needs the module {module}, which nginx {build.version} here was built without",
        )
        for block, module, what in needed_modules(blocks)
        if not build.has(module)
    ]


def needed_modules(blocks: t.Iterable[Block]) -> t.Iterator[tuple[Block, str, str]]:
    """Yield every directive that needs a module which a default build has not: the block, the module, the directive."""
    for top in blocks:
        if top.name not in ("http", "stream"):
            continue
        if top.name == "stream":
            yield top, "stream", "stream"
        for block in walk(top.children or ()):
            for module, pattern in _MODULES[top.name].items():
                if pattern.fullmatch(block.name):
                    yield block, module, block.name
            if block.name == "listen":
                for word in block.args[1:]:
                    if word in _LISTEN_MODULES:
                        yield block, f"{top.name}_{_LISTEN_MODULES[word]}", f"listen ... {word}"
