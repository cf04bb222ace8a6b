# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How nginx asks applications by FastCGI, uwsgi and gRPC. Private to this collection."""

from __future__ import annotations

__all__ = ("APPLICATIONS",)

_EACH = """\
%(name)s_buffer_size:
  description: Buffer for the first part of an answer, such as V(8k).%(since)s
  type: str
%(name)s_connect_timeout:
  description: Time for the connection to the application to stand, V(2s) where it is an upstream.%(since)s
  type: str
%(name)s_hide_header:
  description: Header lines of the application that the client does not get, one an element.%(since)s
  type: list
  elements: str
%(name)s_intercept_errors:
  description: Whether answers from 300 on are replaced by O(.error_page).%(since)s
  type: bool
%(name)s_next_upstream:
  description: When the next server of an upstream is asked, V(error) and V(timeout) where nothing is said.%(since)s
  type: list
  elements: str
%(name)s_next_upstream_timeout:
  description: Time in which further servers are asked.%(since)s
  type: str
%(name)s_next_upstream_tries:
  description: How many servers are asked at most.%(since)s
  type: int
%(name)s_read_timeout:
  description: Time between two reads of the answer, such as V(60s).%(since)s
  type: str
%(name)s_send_timeout:
  description: Time between two writes of the request, such as V(60s).%(since)s
  type: str
"""

_BUFFERED = """\
%(name)s_buffering:
  description: Whether nginx takes an answer in as fast as it comes, and holds it for a slower client.
  type: bool
%(name)s_buffers:
  description: Number and size of the buffers for the answer to one connection, such as V(8 16k).
  type: raw
%(name)s_busy_buffers_size:
  description: How much of the buffers may be on its way to the client while the answer still comes.
  type: str
%(name)s_ignore_client_abort:
  description: Whether the application's work goes on when the client has gone.
  type: bool
%(name)s_param:
  description:
    - Parameters for the application by name. A V(null) leaves one out.
    - A location that asks by this protocol has what nginx ships for it beside these, and those of its server.
  type: dict
%(name)s_request_buffering:
  description: Whether the whole body of a request is read before the application gets it.
  type: bool
"""

_FASTCGI = """\
fastcgi_index:
  description: File that stands for a path with a slash at its end, such as V(index.php).
  type: str
fastcgi_keep_conn:
  description: Whether the connection to the application is kept, as it is to an upstream where nothing is said.
  type: bool
fastcgi_split_path_info:
  description: Expression whose two groups are the script and the path behind it.
  type: str
"""

_GRPC = """\
grpc_set_header:
  description:
    - Header lines towards the application, by name. A V(null) leaves one out. Needs nginx 1.13.10.
    - A location that goes to an upstream has C(Host), C(X-Real-IP), C(X-Forwarded-For) and C(X-Forwarded-Proto) too.
  type: dict
grpc_ssl_certificate:
  description: File with the certificate that nginx shows to the application. Needs nginx 1.13.10.
  type: str
grpc_ssl_certificate_key:
  description: File with its key. Needs nginx 1.13.10.
  type: str
grpc_ssl_name:
  description: Name that the certificate of the application must be for. Needs nginx 1.13.10.
  type: str
grpc_ssl_server_name:
  description: Whether the application is told this name when the connection is made. Needs nginx 1.13.10.
  type: bool
grpc_ssl_trusted_certificate:
  description: File with the certificates that are trusted. Needs nginx 1.13.10.
  type: str
grpc_ssl_verify:
  description: Whether the certificate of the application is looked at. Needs nginx 1.13.10.
  type: bool
"""


def _of(name: str, *pieces: str, since: str = "") -> str:
    needs = f" Needs nginx {since}." if since else ""
    return "".join(piece % {"name": name, "since": needs} for piece in pieces)


APPLICATIONS = _of("fastcgi", _EACH, _BUFFERED) + _FASTCGI + _of("uwsgi", _EACH, _BUFFERED)
APPLICATIONS += _of("grpc", _EACH, since="1.13.10") + _GRPC
