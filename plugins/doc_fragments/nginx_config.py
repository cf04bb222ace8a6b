# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of nginx_config: NGINX_OPTIONS in module_utils/_nginx/options.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import blocks, options
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_definitions import (
    CACHE_PATH,
    GEO,
    LIMIT_CONN_ZONE,
    LIMIT_REQ_ZONE,
    LOG_FORMAT,
    MAP,
    SPLIT_CLIENTS,
)
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_main_file import MAIN_FILE
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_server import SERVER
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_stream import STREAM_SERVER
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_upstream import (
    HTTP_UPSTREAM,
    NAME,
    UPSTREAM,
    servers,
)

GROUP = NAME + servers(required="true") + UPSTREAM


class ModuleDocFragment:
    """All that the collection owns of nginx on a host."""

    DOCUMENTATION: t.ClassVar[str] = options(
        MAIN_FILE,
        blocks("log_formats", "Formats for access logs.", LOG_FORMAT),
        blocks("maps", "Variables that depend on others.", MAP),
        blocks("geos", "Variables that depend on an address.", GEO),
        blocks("split_clients", "Variables that differ for shares of the clients.", SPLIT_CLIENTS),
        blocks("limit_req_zones", "Memory to limit the rate of requests.", LIMIT_REQ_ZONE),
        blocks("limit_conn_zones", "Memory to limit connections.", LIMIT_CONN_ZONE),
        blocks("cache_paths", "Caches for answers of backends.", CACHE_PATH),
        blocks("upstreams", "Groups of servers that answer requests.", GROUP, HTTP_UPSTREAM),
        blocks("servers", "Sites; what nginx calls C(server).", SERVER),
        blocks("stream_log_formats", "Formats for access logs of stream.", LOG_FORMAT),
        blocks("stream_maps", "Variables of stream that depend on others.", MAP),
        blocks("stream_geos", "Variables of stream that depend on an address, from nginx 1.11.3 on.", GEO),
        blocks("stream_split_clients", "Variables of stream that differ for shares of the clients.", SPLIT_CLIENTS),
        blocks("stream_limit_conn_zones", "Memory to limit connections of stream.", LIMIT_CONN_ZONE),
        blocks("stream_upstreams", "Groups of servers that take connections of stream.", GROUP),
        blocks("stream_servers", "Ports whose connections are passed on as they are.", STREAM_SERVER),
    )
