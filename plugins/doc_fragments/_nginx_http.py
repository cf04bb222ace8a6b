# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole server of http and one location of it can both say. Private to this collection."""

from __future__ import annotations

__all__ = ("HTTP", "TRY_FILES")

HTTP = """\
absolute_redirect:
  description:
    - Whether redirects that nginx makes by itself name scheme and host.
    - Needs nginx 1.11.8.
  type: bool
access_log:
  description: Where requests are logged, such as V(/var/log/nginx/blog.log main buffer=32k), or V(off).
  type: raw
add_header:
  description:
    - Header lines for every answer by name, those of errors too. A V(null) leaves one out.
    - A location has those of its server too, unless it gives one of the same name or O(.add_header_inherit) is said.
  type: dict
add_header_inherit:
  description:
    - Whether header lines of the server count here, V(on) where there are none of its own, V(merge) beside its own,
      or V(off).
    - Needs nginx 1.29.3.
  type: raw
add_trailer:
  description:
    - Fields for the end of every answer by name, those of errors too. A V(null) leaves one out.
    - Needs nginx 1.13.2.
  type: dict
aio:
  description: Whether files are read without waiting, V(on), V(off), or V(threads) with or without the name of a pool.
  type: raw
auth_basic:
  description:
    - What a client reads when it is asked for name and password, such as V(Members only), or V(off).
  type: raw
auth_basic_user_file:
  description: File with names and hashed passwords.
  type: str
auth_delay:
  description:
    - Pause before an answer 401, against guessing, such as V(1s).
    - Needs nginx 1.17.10.
  type: str
auth_request:
  description: URI that is asked whether the request may pass (2xx) or not (401, 403), or V(off).
  type: raw
autoindex:
  description: Whether a folder without an index file is listed.
  type: bool
chunked_transfer_encoding:
  description: Whether answers of unknown length are sent in chunks to clients of HTTP/1.1.
  type: bool
client_body_buffer_size:
  description: Memory for the body of a request, such as V(16k); a longer one goes to disk.
  type: str
client_body_temp_path:
  description: Folder for bodies of requests that go to disk, and up to three levels of folders in it.
  type: raw
client_body_timeout:
  description: The longest pause within the body of a request, such as V(60s).
  type: str
client_max_body_size:
  description: The longest body of a request, such as V(20m); V(0) is no limit. Defaults to V(1m).
  type: str
default_type:
  description: Type of files whose ending says none.
  type: str
directio:
  description: Size from which on files are read past the system's cache, or V(off).
  type: raw
early_hints:
  description:
    - The client gets the backend's early hints (103) where one of these, mostly variables, is neither empty nor V(0).
    - Needs nginx 1.29.0.
  type: list
  elements: str
error_log:
  description: Where errors are logged, and from which level on, such as V(/var/log/nginx/blog.error.log warn).
  type: raw
error_page:
  description:
    - What is answered in the place of a status, one rule an element, such as V(502 503 504 /sorry.html).
    - A location has those of its server too, behind its own.
  type: list
  elements: str
etag:
  description: Whether files are sent with an C(ETag).
  type: bool
expires:
  description: How long clients may keep an answer, such as V(24h), V(-1), V(epoch) or V(off).
  type: raw
gunzip:
  description: Whether compressed answers are unpacked for clients that cannot do it.
  type: bool
gzip:
  description: Whether answers are compressed.
  type: bool
gzip_buffers:
  description: Number and size of the buffers for compressing one answer, such as V(32 4k).
  type: raw
gzip_comp_level:
  description: How hard to compress, V(1) to V(9).
  type: int
gzip_disable:
  description: Regular expressions of C(User-Agent) that get nothing compressed.
  type: raw
gzip_http_version:
  description: The least version of HTTP that gets compressed answers.
  type: raw
gzip_min_length:
  description: Length in bytes from which on answers are compressed.
  type: str
gzip_proxied:
  description: Which answers are compressed for requests that came through another proxy, such as V(any).
  type: list
  elements: str
gzip_static:
  description: Whether a file C(.gz) beside the file is sent, V(on), V(off) or V(always).
  type: raw
gzip_types:
  description: Types that are compressed beside C(text/html).
  type: list
  elements: str
gzip_vary:
  description: Whether caches are told (C(Vary)) that an answer may be compressed.
  type: bool
if_modified_since:
  description: How C(If-Modified-Since) is compared, V(exact), V(before), or V(off).
  type: raw
index:
  description: Index files of a folder, in the order in which they are tried.
  type: list
  elements: str
keepalive_min_timeout:
  description:
    - Time for which a client's idle connection is not closed, even when nginx runs short of connections or a worker
      goes.
    - Needs nginx 1.27.4.
  type: str
keepalive_requests:
  description: Requests after which a client's connection is closed.
  type: int
keepalive_time:
  description:
    - Age from which on a client's connection is closed after its request, such as V(1h).
    - Needs nginx 1.19.10.
  type: str
keepalive_timeout:
  description: Time for which a client's connection may be idle, and the one told to it, such as V(75s 60s).
  type: raw
limit_conn:
  description: Limits of connections, one an element, each a zone and a number, such as V(per_client 20).
  type: list
  elements: str
limit_conn_dry_run:
  description:
    - Whether connections are only counted, and none is refused.
    - Needs nginx 1.17.6.
  type: bool
limit_conn_log_level:
  description: Level at which refused connections are logged, V(info), V(notice), V(warn) or V(error).
  type: raw
limit_conn_status:
  description: Status for a refused connection, V(400) to V(599). Defaults to V(503).
  type: int
limit_rate:
  description: The most bytes a second for one answer; V(0) is no limit.
  type: raw
limit_rate_after:
  description: Amount after which O(.limit_rate) begins, such as V(1m).
  type: raw
limit_req:
  description: Limits of the rate of requests, one an element, such as V(zone=per_client burst=20 nodelay).
  type: list
  elements: str
limit_req_dry_run:
  description:
    - Whether requests are only counted, and none is refused or delayed.
    - Needs nginx 1.17.1.
  type: bool
limit_req_log_level:
  description: Level at which refused requests are logged, V(info), V(notice), V(warn) or V(error).
  type: raw
limit_req_status:
  description: Status for a refused request, V(400) to V(599). Defaults to V(503).
  type: int
lingering_close:
  description: Whether nginx reads on before it closes a connection, V(on), V(always), or V(off).
  type: raw
lingering_time:
  description: The longest time for O(.lingering_close), such as V(30s).
  type: str
lingering_timeout:
  description: The longest pause within it, such as V(5s).
  type: str
log_not_found:
  description: Whether a file that is not there is logged as an error.
  type: bool
log_subrequest:
  description: Whether requests that nginx makes to itself are logged.
  type: bool
mirror:
  description:
    - URIs that get a copy of every request, one an element; their answers are ignored. Or V(off).
    - Needs nginx 1.13.4.
  type: list
  elements: str
mirror_request_body:
  description:
    - Whether the copy has the body of the request, which nginx then reads whole first.
    - Needs nginx 1.13.4.
  type: bool
open_file_cache:
  description: How many open files are kept, and for how long, such as V(max=1000 inactive=20s), or V(off).
  type: raw
port_in_redirect:
  description: Whether redirects that nginx makes by itself name the port.
  type: bool
postpone_output:
  description: Bytes that are gathered before anything is sent, V(0) for none.
  type: str
real_ip_header:
  description: Where the client's address is found, such as V(X-Forwarded-For) or V(proxy_protocol).
  type: str
real_ip_recursive:
  description: Whether all addresses of O(.set_real_ip_from) are passed over, and the first other one is the client's.
  type: bool
recursive_error_pages:
  description: Whether an error within O(.error_page) leads to a further one.
  type: bool
reset_timedout_connection:
  description: Whether connections whose time is up are reset, which frees their memory at once.
  type: bool
resolver:
  description:
    - Name servers for names in variables, and parameters of theirs, such as V(192.0.2.53) and V(valid=30s).
  type: list
  elements: str
resolver_timeout:
  description: Time for the answer of a name server, such as V(5s).
  type: str
root:
  description: Folder whose files are served.
  type: str
satisfy:
  description: Whether V(all) or V(any) of the rules of access and authentication must let a request in.
  type: raw
send_timeout:
  description: The longest pause of a client that reads an answer, such as V(60s).
  type: str
sendfile:
  description: Whether files are sent by the system itself.
  type: bool
sendfile_max_chunk:
  description: The most that is sent so in one go, such as V(2m), that other connections get their turn.
  type: str
server_name_in_redirect:
  description: Whether redirects that nginx makes by itself name the first server name, not the client's C(Host).
  type: bool
server_tokens:
  description: Whether answers tell the version of nginx, V(on), V(off) or V(build).
  type: raw
set_real_ip_from:
  description: Addresses whose O(.real_ip_header) is believed, one an element, such as V(10.0.0.0/8).
  type: list
  elements: str
slice:
  description:
    - Size of the pieces in which a large answer is fetched and kept, such as V(1m); V(0) for none.
      C($slice_range) belongs in the key of the cache and in C(Range).
    - Needs nginx 1.9.8.
  type: str
sub_filter:
  description: Texts that are replaced in answers, one pair an element, in quotes where they have blanks.
  type: list
  elements: str
sub_filter_last_modified:
  description: Whether a changed answer keeps its C(Last-Modified).
  type: bool
sub_filter_once:
  description: Whether each text is replaced only where it comes first.
  type: bool
sub_filter_types:
  description: Types that are changed beside C(text/html).
  type: list
  elements: str
tcp_nodelay:
  description: Whether small packets are sent at once on kept connections.
  type: bool
tcp_nopush:
  description: Whether O(.sendfile) fills packets up.
  type: bool
"""

TRY_FILES = """\
try_files:
  description: Files that are looked for in turn; the last is a URI, a C(@name) or a status, such as V(=404).
  type: list
  elements: str
"""
