# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain directives: those whose option bears their name and whose value becomes their words.

Private to this collection. A new one is a word in a table here and, if it is young, one in version.FIRST.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import require

__all__ = ("HTTP_SERVER", "LOCATION", "STREAM_SERVER", "Settings", "from_blocks", "from_options", "spec", "to_blocks")

Arguments = t.Tuple[str, ...]
Settings = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Shape:
    """What an option of this shape takes, how it becomes the arguments of directives, and how it is read back.

    ``write`` takes the input path and the value and returns the arguments of each directive to be written.
    ``read`` takes the arguments of all the directives of that name and returns the value, or None where this shape
    cannot say them.
    """

    spec: t.Mapping[str, t.Any]
    write: t.Callable[[str, t.Any], t.Sequence[Arguments]]
    read: t.Callable[[t.Sequence[Arguments]], t.Any]


def _switch(value: t.Any) -> str:
    """Return on or off for what YAML and Ansible make of these words, and any other value as text."""
    return {"True": "on", "False": "off"}.get(str(value), str(value))


def _only_word(found: t.Sequence[Arguments]) -> str | None:
    return found[0][0] if len(found) == 1 and len(found[0]) == 1 else None


def _read_flag(found: t.Sequence[Arguments]) -> bool | None:
    return {"on": True, "off": False}.get(_only_word(found) or "")


def _read_number(found: t.Sequence[Arguments]) -> int | None:
    return values.number(_only_word(found) or "")


def _number(least: int = 0, most: int = values.MOST) -> Shape:
    return Shape({"type": "int"}, lambda path, value: [(str(values.above(path, value, least, most)),)], _read_number)


def _checked(check: t.Callable[[str, str], str]) -> Shape:
    return Shape({"type": "str"}, lambda path, value: [(check(path, value),)], _only_word)


def _join(arguments: Arguments) -> str:
    return " ".join(map(quote, arguments))


def _read_pairs(found: t.Sequence[Arguments], *tail: str) -> dict[str, str] | None:
    pairs = {arguments[0]: arguments[1] for arguments in found if len(arguments) == 2 + len(tail)}
    whole = len(pairs) == len(found) and all(arguments[2:] == tail for arguments in found)
    return pairs if whole else None


def _write_pairs(path: str, value: t.Mapping[str, t.Any], *tail: str) -> list[Arguments]:
    return [
        (values.word(path, str(name)), values.word(values.at(path, name), str(text), empty=True), *tail)
        for name, text in value.items()
        if text is not None
    ]


def _write_mark(path: str, value: bool) -> list[Arguments]:
    return [()] if value else []


SHAPES: t.Mapping[str, Shape] = {
    # true or false: on or off
    "flag": Shape({"type": "bool"}, lambda path, value: [("on" if value else "off",)], _read_flag),
    # true: the directive alone
    "mark": Shape({"type": "bool"}, _write_mark, lambda found: True if list(found) == [()] else None),
    "number": _number(),
    "level": _number(1, 9),
    "status": _number(400, 599),
    # what a hash has memory for, and what a bucket of it can hold; nginx takes two bytes for each of the former
    "hash_size": _number(1, 1_000_000),
    "bucket_size": _number(1, 65_408),
    # ngx_conf_set_size_slot, ngx_conf_set_off_slot and ngx_http_core_pool_size
    "size": _checked(values.size),
    "offset": _checked(functools.partial(values.size, giga=True)),
    "pool": _checked(functools.partial(values.size, least=112, step=16)),
    # ngx_conf_set_msec_slot and ngx_conf_set_sec_slot
    "time": _checked(values.time),
    "seconds": _checked(functools.partial(values.time, seconds=True)),
    # one word, whatever is in it
    "word": Shape({"type": "str"}, lambda path, value: [(values.word(path, value),)], _only_word),
    # arguments as in nginx; raw, so that "off" without quotes is understood
    "arguments": Shape(
        {"type": "raw"},
        lambda path, value: [values.words(path, _switch(value))],
        lambda found: _join(found[0]) if len(found) == 1 and found[0] else None,
    ),
    # a list of words in one directive
    "words": Shape(
        {"type": "list", "elements": "str"},
        lambda path, value: [tuple(values.word(f"{path}[{i}]", _switch(each)) for i, each in enumerate(value))],
        lambda found: list(found[0]) if len(found) == 1 and found[0] else None,
    ),
    # a directive for each element, its arguments as in nginx
    "lines": Shape(
        {"type": "list", "elements": "str"},
        lambda path, value: [values.words(f"{path}[{i}]", _switch(each)) for i, each in enumerate(value)],
        lambda found: [_join(arguments) for arguments in found] if all(found) else None,
    ),
    # a directive for each pair; null leaves the pair out
    "pairs": Shape({"type": "dict"}, _write_pairs, _read_pairs),
    # the same, for error pages too
    "headers": Shape(
        {"type": "dict"},
        lambda path, value: _write_pairs(path, value, "always"),
        lambda found: _read_pairs(found, "always"),
    ),
}


def _table(**shapes: str) -> dict[str, Shape]:
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
        access_log add_header_inherit aio auth_basic auth_request client_body_temp_path directio error_log expires
        gzip_buffers gzip_disable gzip_http_version gzip_static if_modified_since keepalive_timeout
        limit_conn_log_level limit_rate limit_rate_after limit_req_log_level lingering_close open_file_cache
        proxy_bind proxy_buffers proxy_cache proxy_limit_rate proxy_redirect proxy_ssl_certificate_cache
        proxy_temp_path satisfy server_tokens
        """,
    words="""
        early_hints gzip_proxied gzip_types index proxy_cache_bypass proxy_cache_methods proxy_cache_use_stale
        proxy_ignore_headers proxy_next_upstream proxy_no_cache proxy_ssl_protocols resolver sub_filter_types
        """,
    lines="""
        error_page limit_conn limit_req mirror proxy_cache_valid proxy_cookie_domain proxy_cookie_flags
        proxy_cookie_path proxy_hide_header proxy_pass_header proxy_ssl_conf_command set_real_ip_from sub_filter
        """,
    pairs="proxy_set_header",
    headers="add_header add_trailer",
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

HTTP_SERVER: t.Mapping[str, Shape] = {
    **_TLS,
    **_HTTP,
    **_table(
        flag="http3_hq ignore_invalid_headers merge_slashes quic_gso quic_retry underscores_in_headers",
        time="client_header_timeout",
        size="client_header_buffer_size",
        pool="connection_pool_size request_pool_size",
        arguments="large_client_header_buffers",
        words="try_files",
    ),
}

LOCATION: t.Mapping[str, Shape] = {
    **_HTTP,
    **_table(
        mark="internal stub_status",
        words="try_files",
    ),
}

STREAM_SERVER: t.Mapping[str, Shape] = {
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
            access_log error_log limit_conn_log_level proxy_bind proxy_download_rate proxy_ssl_certificate_cache
            proxy_upload_rate
            """,
        words="proxy_ssl_protocols resolver ssl_alpn",
        lines="limit_conn proxy_ssl_conf_command set_real_ip_from",
    ),
    **{"proxy_next_upstream": SHAPES["flag"]},
}

_LOOKS_SECRET = re.compile(r"pass|secret|token|key")


def spec(table: t.Mapping[str, Shape]) -> dict[str, dict[str, t.Any]]:
    """Return the argument specification of the options of a table. None of them holds a secret: keys are paths."""
    return {
        name: dict(shape.spec, no_log=False) if _LOOKS_SECRET.search(name) else dict(shape.spec)
        for name, shape in table.items()
    }


def from_options(
    table: t.Mapping[str, Shape], kind: str, options: t.Mapping[str, t.Any], path: str, version: Version | None
) -> dict[str, t.Any]:
    """Return the settings that the options hold, checked; what is None or an empty list is absent."""
    found = {}
    for name, shape in table.items():
        value = options.get(name)
        if value is None or value == []:
            continue
        where = values.at(path, name)
        require(kind, name, value, where, version)
        arguments = shape.write(where, value)
        if arguments:
            found[name] = shape.read(arguments)
    return found


def to_blocks(table: t.Mapping[str, Shape], settings: Settings) -> list[Block]:
    """Return the directives of the settings in the order of the table."""
    return [
        Block(name, arguments)
        for name, shape in table.items()
        if name in settings
        for arguments in shape.write(name, settings[name])
    ]


def from_blocks(table: t.Mapping[str, Shape], blocks: t.Iterable[Block]) -> tuple[dict[str, t.Any], tuple[Block, ...]]:
    """Return the settings that directives say, and the directives that no setting can say, in their order.

    Comments are left out.
    """
    listed = [block for block in blocks if not block.is_comment]
    settings = {}
    for name, shape in table.items():
        named = [block for block in listed if block.name == name]
        if not named or any(block.children is not None for block in named):
            continue
        value = shape.read([block.args for block in named])
        if value is None:
            continue
        try:
            same = list(shape.write(name, value)) == [block.args for block in named]
        except InputError:
            same = False
        if same:
            settings[name] = value
    return settings, tuple(block for block in listed if block.name not in settings)
