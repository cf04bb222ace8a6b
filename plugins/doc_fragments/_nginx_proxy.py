# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How nginx speaks with an HTTP backend, for a whole server or for one location. Private to this collection."""

from __future__ import annotations

__all__ = ("PROXY",)

PROXY = """\
proxy_bind:
  description:
    - Address of this host from which backends are asked, or V($remote_addr transparent) for the client's own.
      V(off) leaves it to the system.
  type: raw
proxy_buffer_size:
  description: Buffer for the first part of an answer, which holds its headers, such as V(8k).
  type: str
proxy_buffering:
  description:
    - Whether nginx takes an answer in as fast as the backend gives it, and holds it for a slower client.
    - Without it, the backend's connection is busy for as long as the client reads.
  type: bool
proxy_buffers:
  description: Number and size of the buffers for the answer to one connection, such as V(8 16k).
  type: raw
proxy_busy_buffers_size:
  description: How much of the buffers may be on its way to the client while the answer still comes, such as V(16k).
  type: str
proxy_cache:
  description:
    - Name of the cache (one of C(cache_paths)) that answers are kept in, or V(off).
    - A location that has a target then gets, where nothing else is said, a lock, old answers while a new one is fetched
      or the backend fails, and the header C(X-Cache-Status) for the client.
  type: raw
proxy_cache_background_update:
  description:
    - Whether an outdated answer is fetched anew behind the client's back while it gets the old one.
      O(.proxy_cache_use_stale) must hold V(updating).
    - Needs nginx 1.11.10.
  type: bool
proxy_cache_bypass:
  description: The answer is not taken from the cache where one of these, mostly variables, is neither empty nor V(0).
  type: list
  elements: str
proxy_cache_convert_head:
  description:
    - Whether a C(HEAD) request asks the backend by C(GET), so that the answer can be kept.
    - Needs nginx 1.9.7.
  type: bool
proxy_cache_key:
  description: What tells answers in the cache apart, such as V($scheme$proxy_host$request_uri).
  type: str
proxy_cache_lock:
  description: Whether only one request at a time asks the backend for an answer that the cache lacks.
  type: bool
proxy_cache_lock_age:
  description: Time after which a second request asks as well, such as V(5s).
  type: str
proxy_cache_lock_timeout:
  description: Time for which a request waits for O(.proxy_cache_lock); then it asks without filling the cache.
  type: str
proxy_cache_max_range_offset:
  description:
    - Offset in bytes from which on requests for a range go to the backend uncached.
    - Needs nginx 1.11.6.
  type: str
proxy_cache_methods:
  description: Methods whose answers are kept. V(GET) and V(HEAD) always are.
  type: list
  elements: str
proxy_cache_min_uses:
  description: Requests after which an answer is kept. Defaults to V(1).
  type: int
proxy_cache_revalidate:
  description: Whether outdated answers are checked by C(If-Modified-Since) and C(If-None-Match).
  type: bool
proxy_cache_use_stale:
  description: Cases in which an outdated answer is better than none, such as V(error), V(timeout) and V(updating).
  type: list
  elements: str
proxy_cache_valid:
  description: How long answers are kept, by status, one rule an element, such as V(200 302 10m) or V(any 1m).
  type: list
  elements: str
proxy_connect_timeout:
  description:
    - Time to establish the connection to the backend, such as V(2s).
    - A location that goes to an upstream has V(2s) where nothing is said, nginx by itself V(60s).
  type: str
proxy_cookie_domain:
  description: Changes of the domain in the backend's cookies, one an element, such as V(localhost example.org).
  type: list
  elements: str
proxy_cookie_flags:
  description:
    - Flags for the backend's cookies, one rule an element, such as V(session secure samesite=lax).
    - Needs nginx 1.19.3.
  type: list
  elements: str
proxy_cookie_path:
  description: Changes of the path in the backend's cookies, one an element, such as V(/app/ /).
  type: list
  elements: str
proxy_force_ranges:
  description: Whether clients can ask for ranges even where the backend does not offer it.
  type: bool
proxy_headers_hash_bucket_size:
  description: Size of a bucket in the table of headers for the backend. nginx asks for more when it needs it.
  type: int
proxy_headers_hash_max_size:
  description: Size of the table of headers for the backend. nginx asks for more when it needs it.
  type: int
proxy_hide_header:
  description: Header lines of the backend that the client does not get, one an element.
  type: list
  elements: str
proxy_http_version:
  description:
    - Version of HTTP towards the backend, such as V(1.1).
    - A location that goes to an upstream has V(1.1) where nothing is said, because kept connections need it.
    - The value V(2) needs nginx 1.29.4.
  type: str
proxy_ignore_client_abort:
  description: Whether the backend's work goes on when the client has gone.
  type: bool
proxy_ignore_headers:
  description: Header lines of the backend that nginx does not obey, such as V(Cache-Control) and V(Set-Cookie).
  type: list
  elements: str
proxy_intercept_errors:
  description: Whether answers from 300 on are replaced by O(.error_page).
  type: bool
proxy_limit_rate:
  description: The most bytes a second that are read from the backend for one request; V(0) is no limit.
  type: raw
proxy_max_temp_file_size:
  description: The most of an answer that is held on disk; V(0) holds none there.
  type: str
proxy_method:
  description: Method towards the backend, in the place of the client's.
  type: str
proxy_next_upstream:
  description:
    - Cases in which the next server is tried, such as V(error), V(timeout), V(http_502) and V(non_idempotent), or
      V(off).
    - A location that goes to an upstream has V(error) and V(timeout) where nothing is said. Requests that may not be
      repeated are tried once unless V(non_idempotent) is in the list.
  type: list
  elements: str
proxy_next_upstream_timeout:
  description: Time for all tries together, such as V(10s); V(0) is no limit.
  type: str
proxy_next_upstream_tries:
  description: The most tries; V(0) is as many as there are servers.
  type: int
proxy_no_cache:
  description: The answer is not kept where one of these, mostly variables, is neither empty nor V(0).
  type: list
  elements: str
proxy_pass_header:
  description: Header lines of the backend that nginx hides by itself, and that the client gets, one an element.
  type: list
  elements: str
proxy_pass_request_body:
  description: Whether the backend gets the body of the request.
  type: bool
proxy_pass_request_headers:
  description: Whether the backend gets the header lines of the request.
  type: bool
proxy_pass_trailers:
  description:
    - Whether the client gets the fields at the end of the backend's answer.
    - Needs nginx 1.27.2.
  type: bool
proxy_read_timeout:
  description: The longest silence of the backend within an answer, such as V(60s).
  type: str
proxy_redirect:
  description:
    - How C(Location) and C(Refresh) of the backend become those of the site, such as V(http://backend/ /), V(default)
      or V(off).
  type: raw
proxy_request_buffering:
  description:
    - Whether nginx reads a request whole before it asks the backend. Without it, a request whose body has begun to go
      out cannot be tried elsewhere.
  type: bool
proxy_send_timeout:
  description: The longest pause between two writes to the backend, such as V(60s).
  type: str
proxy_set_body:
  description: Body towards the backend, in the place of the client's.
  type: str
proxy_set_header:
  description:
    - Header lines towards the backend, by name. An empty text takes one away, a V(null) leaves it out here.
    - A location that goes to an upstream has C(Host), C(X-Real-IP), C(X-Forwarded-For), C(X-Forwarded-Proto) and an
      empty C(Connection) beside these.
    - A location has those of its server too, unless it gives one of the same name.
  type: dict
proxy_socket_keepalive:
  description:
    - Whether the system probes idle connections to the backend.
    - Needs nginx 1.15.6.
  type: bool
proxy_temp_file_write_size:
  description: The most that is written to disk at a time, such as V(16k).
  type: str
proxy_temp_path:
  description: Folder for answers that are held on disk, and up to three levels of folders in it.
  type: raw
"""
