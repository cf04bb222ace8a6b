# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every model as argument specifications for Ansible. Private to this collection.

``X_OPTIONS`` is for a module that has one X at its top level; in NGINX_OPTIONS, which is all that the collection owns
on a host, they are suboptions of lists.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import (
    CachePath,
    LimitConnZone,
    LimitReqZone,
    LogFormat,
    Map,
    SplitClients,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import argument_spec

__all__ = (
    "CACHE_PATH_OPTIONS",
    "LIMIT_CONN_ZONE_OPTIONS",
    "LIMIT_REQ_ZONE_OPTIONS",
    "LOCATION_OPTIONS",
    "LOG_FORMAT_OPTIONS",
    "MAP_OPTIONS",
    "NGINX_OPTIONS",
    "SERVER_OPTIONS",
    "SPLIT_CLIENTS_OPTIONS",
    "STREAM_SERVER_OPTIONS",
    "UPSTREAM_OPTIONS",
)

Spec = t.Dict[str, t.Dict[str, t.Any]]


def _list(suboptions: Spec, **more: t.Any) -> dict[str, t.Any]:
    return dict(type="list", elements="dict", options=suboptions, **more)


UPSTREAM_SERVER_OPTIONS: Spec = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "weight": {"type": "int"},
    "max_conns": {"type": "int"},
    "max_fails": {"type": "int"},
    "fail_timeout": {"type": "str"},
    "backup": {"type": "bool"},
    "down": {"type": "bool"},
    "resolve": {"type": "bool"},
    "service": {"type": "str"},
    "route": {"type": "str"},
    "drain": {"type": "bool"},
}

_UPSTREAM: Spec = {
    "name": {"type": "str", "required": True},
    "servers": _list(UPSTREAM_SERVER_OPTIONS, required=True),
    "method": {
        "type": "str",
        "choices": ["round_robin", "least_conn", "ip_hash", "hash", "random", "least_time"],
        "default": "round_robin",
    },
    "hash_key": {"type": "str", "no_log": False},
    "hash_consistent": {"type": "bool"},
    "random_two": {"type": "bool"},
    "random_method": {"type": "str", "choices": ["least_conn"]},
    "least_time": {"type": "str", "choices": ["header", "connect", "first_byte", "last_byte"]},
    "least_time_inflight": {"type": "bool"},
    "zone": {"type": "bool", "default": True},
    "zone_name": {"type": "str"},
    "zone_size": {"type": "str"},
    "resolver": {"type": "list", "elements": "str"},
    "resolver_timeout": {"type": "str"},
}

_HTTP_UPSTREAM: Spec = {
    **_UPSTREAM,
    "keepalive": {"type": "int"},
    "keepalive_local": {"type": "bool"},
    "keepalive_requests": {"type": "int"},
    "keepalive_time": {"type": "str"},
    "keepalive_timeout": {"type": "str"},
    "sticky": {"type": "str"},
}

UPSTREAM_OPTIONS: Spec = {
    **_HTTP_UPSTREAM,
    "context": {"type": "str", "choices": ["http", "stream"], "default": "http"},
}

LOCATION_OPTIONS: Spec = {
    "path": {"type": "str", "required": True},
    "upstream": {"type": "str"},
    "upstream_scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "upstream_uri": {"type": "str"},
    "proxy_pass": {"type": "str", "no_log": False},
    "alias": {"type": "str"},
    "return": {"type": "str"},
    "access": {"type": "list", "elements": "str"},
    "directives": {"type": "list", "elements": "str"},
    **settings.spec(settings.LOCATION),
}

SERVER_OPTIONS: Spec = {
    "name": {"type": "str"},
    "server_name": {"type": "list", "elements": "str"},
    "listen": {"type": "list", "elements": "str"},
    "http2": {"type": "bool"},
    "http3": {"type": "bool"},
    "upstream": {"type": "str"},
    "return": {"type": "str"},
    "access": {"type": "list", "elements": "str"},
    "directives": {"type": "list", "elements": "str"},
    "locations": _list(LOCATION_OPTIONS),
    **settings.spec(settings.HTTP_SERVER),
}

STREAM_SERVER_OPTIONS: Spec = {
    "name": {"type": "str", "required": True},
    "server_name": {"type": "list", "elements": "str"},
    "listen": {"type": "list", "elements": "str", "required": True},
    "upstream": {"type": "str"},
    "proxy_pass": {"type": "str", "no_log": False},
    "return": {"type": "str"},
    "access": {"type": "list", "elements": "str"},
    "directives": {"type": "list", "elements": "str"},
    **settings.spec(settings.STREAM_SERVER),
}

LOG_FORMAT_OPTIONS = argument_spec(LogFormat)
MAP_OPTIONS = argument_spec(Map)
SPLIT_CLIENTS_OPTIONS = argument_spec(SplitClients)
CACHE_PATH_OPTIONS = argument_spec(CachePath)
LIMIT_CONN_ZONE_OPTIONS = argument_spec(LimitConnZone)
LIMIT_REQ_ZONE_OPTIONS = argument_spec(LimitReqZone)

NGINX_OPTIONS: Spec = {
    "log_formats": _list(LOG_FORMAT_OPTIONS),
    "maps": _list(MAP_OPTIONS),
    "split_clients": _list(SPLIT_CLIENTS_OPTIONS),
    "limit_req_zones": _list(LIMIT_REQ_ZONE_OPTIONS),
    "limit_conn_zones": _list(LIMIT_CONN_ZONE_OPTIONS),
    "cache_paths": _list(CACHE_PATH_OPTIONS),
    "upstreams": _list(_HTTP_UPSTREAM),
    "servers": _list(SERVER_OPTIONS),
    "stream_log_formats": _list(LOG_FORMAT_OPTIONS),
    "stream_maps": _list(MAP_OPTIONS),
    "stream_split_clients": _list(SPLIT_CLIENTS_OPTIONS),
    "stream_limit_conn_zones": _list(LIMIT_CONN_ZONE_OPTIONS),
    "stream_upstreams": _list(_UPSTREAM),
    "stream_servers": _list(STREAM_SERVER_OPTIONS),
}
