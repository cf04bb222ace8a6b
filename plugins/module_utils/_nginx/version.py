# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nginx a host has, and which nginx an option needs. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version

__all__ = ("TLS_1_3", "COMMERCIAL", "FIRST", "FIRST_VALUE", "Build", "build_of", "first", "parse_build", "require")

_BUILD = re.compile(r"nginx version: (\S+?)/(\d+\.\d+\.\d+)")
_LIBRARY = re.compile(r"^(?:built|running) with OpenSSL (\d+\.\d+\.\d+)", re.MULTILINE)
_ARGUMENTS = re.compile(r"^configure arguments:(.*)$", re.MULTILINE)
_ARGUMENT = re.compile(r"--[\w-]+(?:=(?:'[^']*'|\S*))?")
_MODULE = re.compile(r"--with-((?:http_|stream_|mail_)?\w+?)(?:_module)?(=dynamic)?")
_WITHOUT = re.compile(r"--without-((?:http|stream|mail)_\w+?)(?:_module)?")
_PATH = re.compile(r"--(prefix|conf-path|modules-path|pid-path|error-log-path|sbin-path|user|group)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Build:
    """What ``nginx -V`` says.

    ``modules`` are the optional ones that are compiled in, ``dynamic`` those that must be loaded, ``without`` the
    default ones that were left out; named as in ``--with-NAME_module``, without ``_module``: ``http_ssl``, ``stream``.
    ``paths`` holds prefix, conf-path, modules-path, pid-path ... where they were given.
    ``library`` is the OpenSSL that it has, None for another library and for none.
    """

    program: str
    version: Version
    modules: frozenset[str]
    dynamic: frozenset[str]
    without: frozenset[str]
    paths: t.Mapping[str, str]
    library: Version | None = None

    def has(self, module: str) -> bool:
        """Tell whether directives of this module can work: built in, or built to be loaded."""
        if _DEFAULT_MODULES.fullmatch(module):
            return module not in self.without
        return module in self.modules or module in self.dynamic


# Optional to leave out, not to put in.
_DEFAULT_MODULES = re.compile(
    "http_(?:access|auth_basic|autoindex|browser|charset|empty_gif|fastcgi|geo|grpc|gzip|limit_conn|limit_req|map"
    "|memcached|mirror|proxy|referer|rewrite|scgi|split_clients|ssi|upstream_(?:hash|ip_hash|keepalive|least_conn"
    "|random|zone)|userid|uwsgi)"
)


def parse_build(text: str) -> Build:
    """Return what the output of ``nginx -V`` (it goes to standard error) says.

    Raises HoldfastError for the output of anything else.
    """
    found = _BUILD.search(text)
    if found is None:
        raise HoldfastError(f'this is not the output of "nginx -V": {shown(text.strip())}')
    line = _ARGUMENTS.search(text)
    return Build(
        found.group(1),
        Version.parse(found.group(2)),
        *_configured(_ARGUMENT.findall(line.group(1)) if line else []),
        # The one that it runs with comes last.
        max(map(Version.parse, _LIBRARY.findall(text)[-1:]), default=None),
    )


def build_of(arguments: t.Iterable[str]) -> Build:
    """Return the build that comes of these options of ``configure``; its version is not known, and so is 0."""
    return Build("nginx", Version(0, 0, 0), *_configured(arguments))


def _configured(
    arguments: t.Iterable[str],
) -> tuple[frozenset[str], frozenset[str], frozenset[str], dict[str, str]]:
    """Return what options of ``configure`` say, as the fields of a Build."""
    modules: set[str] = set()
    dynamic: set[str] = set()
    without: set[str] = set()
    paths: dict[str, str] = {}
    for argument in arguments:
        path = _PATH.fullmatch(argument)
        module = _MODULE.fullmatch(argument)
        left_out = _WITHOUT.fullmatch(argument)
        if path:
            paths[path.group(1)] = path.group(2)
        elif module:
            (dynamic if module.group(2) else modules).add(module.group(1))
        elif left_out:
            without.add(left_out.group(1))
    return frozenset(modules), frozenset(dynamic), frozenset(without), paths


def _table(text: str) -> dict[str, Version]:
    """Return the table of lines ``version option option ...``."""
    rows = (line.split() for line in text.strip().split("\n"))
    return {name: Version.parse(row[0]) for row in rows for name in row[1:]}


# Kind of block -> option -> the first nginx that knows it, from the "appeared in" notes of the directives' pages on
# nginx.org. An option that is not named is older than 1.9.0, before which nginx has no stream.
_HTTP = _table("""
    1.9.7   proxy_cache_convert_head
    1.9.8   slice
    1.11.6  proxy_cache_max_range_offset
    1.11.8  absolute_redirect
    1.11.10 proxy_cache_background_update
    1.13.2  add_trailer
    1.13.4  mirror mirror_request_body
    1.13.10 grpc_pass grpc_buffer_size grpc_connect_timeout grpc_hide_header grpc_intercept_errors grpc_next_upstream
    1.13.10 grpc_next_upstream_timeout grpc_next_upstream_tries grpc_read_timeout grpc_send_timeout grpc_set_header
    1.13.10 grpc_ssl_certificate grpc_ssl_certificate_key grpc_ssl_name grpc_ssl_server_name
    1.13.10 grpc_ssl_trusted_certificate grpc_ssl_verify
    1.15.6  proxy_socket_keepalive
    1.17.1  limit_req_dry_run
    1.17.6  limit_conn_dry_run
    1.17.10 auth_delay
    1.19.3  proxy_cookie_flags
    1.19.4  proxy_ssl_conf_command
    1.19.10 keepalive_time
    1.27.2  proxy_pass_trailers
    1.27.4  keepalive_min_timeout proxy_ssl_certificate_cache
    1.29.0  early_hints
    1.29.3  add_header_inherit
    """)
_TLS = _table("""
    1.19.0  ssl_ocsp ssl_ocsp_cache ssl_ocsp_responder
    1.19.4  ssl_conf_command ssl_reject_handshake
    1.27.4  ssl_certificate_cache
    1.29.1  ssl_certificate_compression
    1.29.4  ssl_ech_file
    """)

_SERVER = {
    **_HTTP,
    **_TLS,
    **_table("""
        1.15.3  ssl_early_data
        1.25.0  http3 http3_hq quic_gso quic_retry
        """),
}

FIRST: t.Mapping[str, t.Mapping[str, Version]] = {
    "upstream": _table("""
        1.15.3  keepalive_requests keepalive_timeout
        1.19.10 keepalive_time
        1.27.3  resolver resolver_timeout
        1.29.6  sticky
        1.29.7  keepalive_local
        """),
    "upstream.servers": _table("""
        1.11.5  max_conns
        1.27.3  resolve service
        1.29.6  route drain
        """),
    "location": _HTTP,
    "server": _SERVER,
    "http": _SERVER,
    "stream_server": {
        **_TLS,
        **_table("""
            1.9.2   proxy_bind proxy_protocol
            1.9.3   limit_conn proxy_download_rate proxy_upload_rate
            1.9.4   proxy_buffer_size tcp_nodelay
            1.9.13  proxy_responses
            1.11.3  resolver resolver_timeout
            1.11.4  access_log proxy_protocol_timeout set_real_ip_from
            1.11.5  preread_buffer_size preread_timeout ssl_preread
            1.11.8  ssl_client_certificate ssl_crl ssl_trusted_certificate ssl_verify_client ssl_verify_depth
            1.15.6  proxy_socket_keepalive
            1.15.7  proxy_requests
            1.19.4  proxy_ssl_conf_command
            1.21.4  proxy_half_close ssl_alpn
            1.25.5  ssl_reject_handshake
            1.27.2  ssl_ocsp ssl_ocsp_cache ssl_ocsp_responder
            1.27.2  ssl_stapling ssl_stapling_file ssl_stapling_responder ssl_stapling_verify
            1.27.4  proxy_ssl_certificate_cache
            """),
    },
    "http listen": _table("1.9.1 reuseport\n1.25.0 quic\n1.29.7 multipath"),
    "stream listen": _table("1.9.1 reuseport\n1.25.5 deferred\n1.29.7 multipath"),
    "main": _table("1.27.4 ssl_object_cache_inheritable"),
    "map": _table("1.11.7 volatile"),
    "cache_path": _table("1.19.1 min_free"),
    "log_format": _table("1.11.8 escape"),
}

# Options and directives of the commercial nginx, as the pages of nginx.org mark them.
COMMERCIAL = frozenset(
    {
        *("api", "auth_jwt", "f4f", "health_check", "hls", "keyval", "ntlm", "oidc_provider", "queue", "session_log"),
        *("slow_start", "status_zone", "zone_sync"),
    }
)

TLS_1_3 = Version(1, 13, 0)
"""The first nginx that knows the word TLSv1.3, https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_protocols"""

# Kind of block -> option -> value -> the first nginx that knows this value.
FIRST_VALUE: t.Mapping[str, t.Mapping[str, t.Mapping[str, Version]]] = {
    "upstream": {"method": _table("1.15.1 random\n1.31.0 least_time")},
    "location": {"proxy_http_version": {"2": Version(1, 29, 4)}},
    "server": {"proxy_http_version": {"2": Version(1, 29, 4)}},
    "http": {"proxy_http_version": {"2": Version(1, 29, 4)}},
    "tls": {"profile": {"modern": TLS_1_3}},
}


def first(kind: str, option: str, value: object) -> tuple[Version | None, str]:
    """Return the first nginx that knows an option with this value, None for all, and what it is that it knows."""
    known = FIRST.get(kind, {}).get(option)
    if known is None and isinstance(value, str):
        return FIRST_VALUE.get(kind, {}).get(option, {}).get(value), f"{option}: {value}"
    return known, option


def require(kind: str, option: str, value: object, path: str, version: Version | None) -> None:
    """Raise InputError where this nginx does not know the option or its value; an unknown version knows all."""
    known, what = first(kind, option, value)
    if version is not None and known is not None and version < known:
        raise InputError(
            path, f"{shown(what)} needs nginx {known} or newer, and this host has {version}; remove it or upgrade"
        )
