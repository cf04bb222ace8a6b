# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain directives: those whose option bears their name and whose value becomes their words.

Private to this collection. A new one is a word in a table here and, if it is young, one in version.FIRST.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import (
    Arguments,
    Lines,
    Number,
    OnOff,
    Pairs,
    Parameters,
    Phrase,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Flag, Kind

__all__ = (
    "EVENTS",
    "HTTP",
    "HTTP_SERVER",
    "LOCATION",
    "MAIN",
    "STREAM",
    "STREAM_SERVER",
    "Settings",
    "from_blocks",
    "to_blocks",
)

Settings = t.Mapping[str, t.Any]

SHAPES: t.Mapping[str, Kind] = {
    "flag": OnOff(),
    # true: the directive alone
    "mark": Flag(),
    "number": Number(),
    "count": Number(1),
    "level": Number(1, 9),
    "priority": Number(-20, 20),
    "status": Number(400, 599),
    # what a hash has memory for, and what a bucket of it can hold; nginx takes two bytes for each of the former
    "hash_size": Number(1, 1_000_000),
    "bucket_size": Number(1, 65_408),
    # ngx_conf_set_size_slot, ngx_conf_set_off_slot and ngx_http_core_pool_size
    "size": Text(values.size),
    "offset": Text(values.size, giga=True),
    "pool": Text(values.size, least=112, step=16),
    # ngx_conf_set_msec_slot and ngx_conf_set_sec_slot
    "time": Text(values.time),
    "seconds": Text(values.time, seconds=True),
    "word": Text(),
    "processes": Text(values.processes),
    "arguments": Arguments(),
    "phrase": Phrase(),
    "words": Words(),
    "lines": Lines(),
    "limits": Lines(values.limit),
    "trusted": Lines(values.trusted),
    "rate": Arguments(values.rate),
    "pairs": Pairs(),
    # a variable of which nothing is said while it is empty
    "parameters": Parameters(),
    # for error pages too
    "headers": Pairs("always"),
}


def _table(**shapes: str) -> dict[str, Kind]:
    """Return the table of directives, sorted by name, from lists of names by shape."""
    return {name: SHAPES[shape] for name, shape in sorted((n, s) for s, names in shapes.items() for n in names.split())}


_HTTP = _table(
    flag="""
        absolute_redirect autoindex chunked_transfer_encoding etag gunzip gzip gzip_vary limit_conn_dry_run
        limit_req_dry_run log_not_found log_subrequest mirror_request_body port_in_redirect proxy_buffering
        proxy_cache_background_update proxy_cache_convert_head proxy_cache_lock proxy_cache_revalidate
        proxy_force_ranges proxy_ignore_client_abort proxy_intercept_errors proxy_pass_request_body
        proxy_pass_request_headers proxy_pass_trailers proxy_request_buffering proxy_socket_keepalive
        proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_verify real_ip_recursive recursive_error_pages
        reset_timedout_connection sendfile server_name_in_redirect sub_filter_last_modified sub_filter_once
        tcp_nodelay tcp_nopush
        """,
    time="""
        auth_delay client_body_timeout keepalive_min_timeout keepalive_time lingering_time lingering_timeout
        proxy_cache_lock_age proxy_cache_lock_timeout proxy_connect_timeout proxy_next_upstream_timeout
        proxy_read_timeout proxy_send_timeout resolver_timeout send_timeout
        """,
    size="""
        client_body_buffer_size gzip_min_length postpone_output proxy_buffer_size proxy_busy_buffers_size
        proxy_max_temp_file_size proxy_temp_file_write_size sendfile_max_chunk slice
        """,
    offset="client_max_body_size proxy_cache_max_range_offset",
    number="keepalive_requests proxy_cache_min_uses proxy_next_upstream_tries proxy_ssl_verify_depth",
    level="gzip_comp_level",
    status="limit_conn_status limit_req_status",
    hash_size="proxy_headers_hash_max_size",
    bucket_size="proxy_headers_hash_bucket_size",
    word="""
        auth_basic_user_file default_type proxy_cache_key proxy_http_version proxy_method proxy_set_body
        proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_crl proxy_ssl_name
        proxy_ssl_password_file proxy_ssl_trusted_certificate real_ip_header root
        """,
    arguments="""
        access_log add_header_inherit aio auth_request client_body_temp_path directio error_log expires
        gzip_buffers gzip_disable gzip_http_version gzip_static if_modified_since keepalive_timeout
        limit_conn_log_level limit_req_log_level lingering_close open_file_cache
        proxy_bind proxy_buffers proxy_cache proxy_redirect proxy_ssl_certificate_cache
        proxy_temp_path satisfy server_tokens
        """,
    words="""
        early_hints gzip_proxied gzip_types index proxy_cache_bypass proxy_cache_methods proxy_cache_use_stale
        proxy_ignore_headers proxy_next_upstream proxy_no_cache proxy_ssl_protocols resolver sub_filter_types
        """,
    lines="""
        error_page limit_req mirror proxy_cache_valid proxy_cookie_domain proxy_cookie_flags
        proxy_cookie_path proxy_hide_header proxy_pass_header proxy_ssl_conf_command sub_filter
        """,
    limits="limit_conn",
    trusted="set_real_ip_from",
    rate="limit_rate limit_rate_after proxy_limit_rate",
    phrase="auth_basic",
    pairs="proxy_set_header",
    headers="add_header add_trailer",
)

# How applications are asked that speak no HTTP/1.
_APPLICATIONS = _table(
    flag="""
        fastcgi_buffering fastcgi_ignore_client_abort fastcgi_intercept_errors fastcgi_keep_conn
        fastcgi_request_buffering grpc_intercept_errors grpc_ssl_server_name grpc_ssl_verify uwsgi_buffering
        uwsgi_ignore_client_abort uwsgi_intercept_errors uwsgi_request_buffering
        """,
    time="""
        fastcgi_connect_timeout fastcgi_next_upstream_timeout fastcgi_read_timeout fastcgi_send_timeout
        grpc_connect_timeout grpc_next_upstream_timeout grpc_read_timeout grpc_send_timeout uwsgi_connect_timeout
        uwsgi_next_upstream_timeout uwsgi_read_timeout uwsgi_send_timeout
        """,
    size="fastcgi_buffer_size fastcgi_busy_buffers_size grpc_buffer_size uwsgi_buffer_size uwsgi_busy_buffers_size",
    number="fastcgi_next_upstream_tries grpc_next_upstream_tries uwsgi_next_upstream_tries",
    word="""
        fastcgi_index fastcgi_split_path_info grpc_ssl_certificate grpc_ssl_certificate_key grpc_ssl_name
        grpc_ssl_trusted_certificate
        """,
    arguments="fastcgi_buffers uwsgi_buffers",
    words="fastcgi_next_upstream grpc_next_upstream uwsgi_next_upstream",
    lines="fastcgi_hide_header grpc_hide_header uwsgi_hide_header",
    pairs="grpc_set_header",
    parameters="fastcgi_param uwsgi_param",
)

_TLS = _table(
    flag="""
        ssl_certificate_compression ssl_early_data ssl_prefer_server_ciphers ssl_reject_handshake
        ssl_session_tickets ssl_stapling ssl_stapling_verify
        """,
    seconds="ssl_session_timeout",
    size="ssl_buffer_size",
    number="ssl_verify_depth",
    word="""
        ssl_ciphers ssl_client_certificate ssl_crl ssl_dhparam ssl_ecdh_curve ssl_password_file ssl_stapling_file
        ssl_stapling_responder ssl_trusted_certificate
        """,
    arguments="ssl_certificate_cache ssl_ocsp ssl_ocsp_cache ssl_ocsp_responder ssl_session_cache ssl_verify_client",
    words="ssl_protocols",
    lines="ssl_certificate ssl_certificate_key ssl_conf_command ssl_ech_file ssl_session_ticket_key",
)

# Of TLS, what stream has not.
_HTTP_ONLY = ("ssl_buffer_size", "ssl_early_data")

HTTP_SERVER: t.Mapping[str, Kind] = {
    **_TLS,
    **_HTTP,
    **_APPLICATIONS,
    **_table(
        flag="http3_hq ignore_invalid_headers merge_slashes quic_gso quic_retry underscores_in_headers",
        time="client_header_timeout",
        size="client_header_buffer_size",
        pool="connection_pool_size request_pool_size",
        arguments="large_client_header_buffers",
        words="try_files",
    ),
}

LOCATION: t.Mapping[str, Kind] = {
    **_HTTP,
    **_APPLICATIONS,
    **_table(
        mark="internal stub_status",
        words="try_files",
    ),
}

STREAM_SERVER: t.Mapping[str, Kind] = {
    **{name: shape for name, shape in _TLS.items() if name not in _HTTP_ONLY},
    **_table(
        flag="""
            proxy_half_close proxy_protocol proxy_socket_keepalive proxy_ssl proxy_ssl_server_name
            proxy_ssl_session_reuse proxy_ssl_verify ssl_preread tcp_nodelay
            """,
        time="""
            preread_timeout proxy_connect_timeout proxy_next_upstream_timeout proxy_protocol_timeout proxy_timeout
            resolver_timeout ssl_handshake_timeout
            """,
        size="preread_buffer_size proxy_buffer_size",
        number="proxy_next_upstream_tries proxy_requests proxy_responses proxy_ssl_verify_depth",
        word="""
            proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_crl proxy_ssl_name
            proxy_ssl_password_file proxy_ssl_trusted_certificate
            """,
        arguments="""
            access_log error_log limit_conn_log_level proxy_bind proxy_ssl_certificate_cache
            """,
        words="proxy_ssl_protocols resolver ssl_alpn",
        lines="proxy_ssl_conf_command",
        limits="limit_conn",
        trusted="set_real_ip_from",
        rate="proxy_download_rate proxy_upload_rate",
    ),
    **{"proxy_next_upstream": SHAPES["flag"]},
}

# What stands once in nginx.conf. ``daemon`` and ``master_process`` are the business of the unit that starts nginx.
MAIN: t.Mapping[str, Kind] = _table(
    flag="pcre_jit ssl_object_cache_inheritable",
    count="worker_rlimit_nofile",
    offset="worker_rlimit_core",
    priority="worker_priority",
    processes="worker_processes",
    time="timer_resolution worker_shutdown_timeout",
    word="lock_file pid ssl_engine working_directory",
    arguments="user worker_cpu_affinity",
    lines="env error_log load_module thread_pool",
)

EVENTS: t.Mapping[str, Kind] = _table(
    flag="accept_mutex multi_accept",
    time="accept_mutex_delay",
    count="worker_aio_requests worker_connections",
    word="use",
    lines="debug_connection",
)

_HASHES = _table(
    hash_size="map_hash_max_size variables_hash_max_size",
    bucket_size="map_hash_bucket_size variables_hash_bucket_size",
    arguments="open_log_file_cache",
)

HTTP: t.Mapping[str, Kind] = {
    **{name: shape for name, shape in HTTP_SERVER.items() if name != "try_files"},
    **_HASHES,
    **_table(
        flag="client_body_in_single_buffer open_file_cache_errors",
        seconds="open_file_cache_valid",
        number="open_file_cache_min_uses",
        hash_size="server_names_hash_max_size types_hash_max_size",
        bucket_size="server_names_hash_bucket_size types_hash_bucket_size",
        arguments="charset client_body_in_file_only keepalive_disable",
    ),
}

STREAM: t.Mapping[str, Kind] = {**STREAM_SERVER, **_HASHES}


def to_blocks(table: t.Mapping[str, Kind], settings: Settings) -> list[Block]:
    """Return the directives of the settings in the order of the table."""
    return [
        block
        for name, kind in (table.items() if settings else ())
        if settings.get(name) is not None
        for block in kind.write(name, settings[name])
    ]


def from_blocks(table: t.Mapping[str, Kind], blocks: t.Iterable[Block]) -> tuple[dict[str, t.Any], tuple[Block, ...]]:
    """Return the settings that directives say, and the directives that no setting can say, in their order.

    Comments are left out.
    """
    listed = [block for block in blocks if not block.is_comment]
    settings = {}
    for name, kind in table.items():
        named = [block for block in listed if block.name == name]
        if named and all(block.children is None for block in named):
            try:
                value = kind.accept(kind.read(named), name, None)
            except (ValueError, InputError):
                continue
            if value is not None and [one.args for one in kind.write(name, value)] == [one.args for one in named]:
                settings[name] = value
    return settings, tuple(block for block in listed if block.name not in settings)
