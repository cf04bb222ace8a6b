# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocols in which a backend is asked, and what each needs to be said. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values

__all__ = ("DIRECT", "PASSES", "PROTOCOLS", "SCHEMES", "UPGRADED", "UPGRADED_DEFAULTS", "target_of")

_LEFT_QUICKLY = {"connect_timeout": "2s", "next_upstream": ["error", "timeout"]}

# What a FastCGI application knows a request by, as nginx ships it in fastcgi.conf and uwsgi_params. An empty HTTP_PROXY
# keeps a client from choosing the proxy of the application (https://httpoxy.org).
_PARAMS = {
    "QUERY_STRING": "$query_string",
    "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri",
    "DOCUMENT_ROOT": "$document_root",
    "SERVER_PROTOCOL": "$server_protocol",
    "REQUEST_SCHEME": "$scheme",
    "HTTPS": "$https if_not_empty",
    "REMOTE_ADDR": "$remote_addr",
    "REMOTE_PORT": "$remote_port",
    "SERVER_ADDR": "$server_addr",
    "SERVER_PORT": "$server_port",
    "SERVER_NAME": "$server_name",
    "HTTP_PROXY": "",
}
_OF_A_CLIENT = {
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
}


class Protocol(t.NamedTuple):
    """What a location that asks in a protocol gets where neither it nor what is around it says otherwise.

    ``always`` is what no request would be understood without; ``balanced`` is for those that go to an upstream.
    """

    directive: str
    always: t.Mapping[str, t.Any]
    balanced: t.Mapping[str, t.Any]


def _left(protocol: str, **more: t.Any) -> dict[str, t.Any]:
    return {f"{protocol}_{name}": value for name, value in {**_LEFT_QUICKLY, **more}.items()}


PROTOCOLS: t.Mapping[str, Protocol] = {
    "proxy": Protocol(
        "proxy_pass",
        {},
        # Connections are kept, the backend knows the client's own host name and address, a dead one is left quickly.
        _left("proxy", http_version="1.1", set_header={"Connection": "", **_OF_A_CLIENT}),
    ),
    "grpc": Protocol("grpc_pass", {}, _left("grpc", set_header=_OF_A_CLIENT)),
    "fastcgi": Protocol(
        "fastcgi_pass",
        {
            "fastcgi_param": {
                **_PARAMS,
                "SCRIPT_NAME": "$fastcgi_script_name",
                "SCRIPT_FILENAME": "$document_root$fastcgi_script_name",
                "GATEWAY_INTERFACE": "CGI/1.1",
                "REDIRECT_STATUS": "200",
            }
        },
        _left("fastcgi", keep_conn=True),
    ),
    "uwsgi": Protocol("uwsgi_pass", {"uwsgi_param": {**_PARAMS, "PATH_INFO": "$document_uri"}}, _left("uwsgi")),
}

PASSES: t.Mapping[str, str] = {one.directive: name for name, one in PROTOCOLS.items()}

SCHEMES: t.Mapping[str, tuple[str, str]] = {
    "http": ("proxy", "http://"),
    "https": ("proxy", "https://"),
    "grpc": ("grpc", "grpc://"),
    "grpcs": ("grpc", "grpcs://"),
    "fastcgi": ("fastcgi", ""),
    "uwsgi": ("uwsgi", "uwsgi://"),
}
"""How an upstream is asked: the protocol, and what stands before its name."""

UPGRADED: t.Mapping[str, str] = {"Upgrade": "$http_upgrade", "Connection": "$holdfast_connection"}
# Such a connection may be silent for longer than an answer may take.
UPGRADED_DEFAULTS: t.Mapping[str, t.Any] = {
    "proxy_http_version": "1.1",
    "proxy_read_timeout": "1h",
    "proxy_send_timeout": "1h",
}

_ADDRESS = re.compile(r"(?:(?:grpcs?|suwsgi|uwsgi)://)?(?:unix:/[^\s:]+|\[[0-9A-Fa-f:.]+\]:\d+|[^\s/:]+:\d+)")


def _url(path: str, url: str) -> str:
    if "://" not in values.word(path, url) and not url.startswith("$"):
        raise InputError(path, f"{shown(url)} has no scheme: write http://{url}, or name an upstream")
    return url


def _address(path: str, address: str) -> str:
    if not values.word(path, address).startswith("$") and not _ADDRESS.fullmatch(address):
        raise InputError(path, f"{shown(address)} is no host with a port and no socket: write unix:/path or host:port")
    return address


DIRECT: t.Mapping[str, t.Callable[[str, str], str]] = {
    "proxy_pass": _url,
    **{directive: _address for directive in PASSES if directive != "proxy_pass"},
}
"""Options that say where requests go without an upstream, and their checks."""


def target_of(upstream: str, scheme: str, uri: str | None, path: str) -> tuple[str, str]:
    """Return the directive and its argument for a location that goes to an upstream."""
    protocol, prefix = SCHEMES[scheme]
    if uri and protocol != "proxy":
        raise InputError(path, f"{scheme} knows no path towards the backend; leave this out, or use rewrite")
    return PROTOCOLS[protocol].directive, f"{prefix}{upstream}{uri or ''}"
