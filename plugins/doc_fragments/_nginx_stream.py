# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of stream, which pass connections on without reading them. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_server import ACCESS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_tls import PROXY_TLS, TLS

__all__ = ("STREAM_SERVER", "STREAM_SETTINGS")

OWN = """\
name:
  description: What the file of this server is called after. nginx does not see it.
  type: str
  required: true
server_name:
  description:
    - Names of TLS (SNI) for which this server answers, where several listen at the same place; as in nginx, with
      wildcards and expressions. Where C(listen) has no C(ssl), O(.ssl_preread) is on for it.
    - Whoever asks for no name, or for another one, gets the server that says C(default_server), else the first.
    - Before nginx 1.25.5 one server takes the connections and a map chooses where they go. There, the servers of one
      place differ in O(.server_name) and their target alone, and none of them ends TLS.
  type: list
  elements: str
listen:
  description:
    - Where to listen, as in nginx, such as V(5432), V(443 ssl) or V(53 udp).
    - C(udp) comes with C(reuseport), so that the datagrams of a client go to one worker, and with it to one backend.
    - C(reuseport) needs nginx 1.9.1, C(deferred) nginx 1.25.5, C(multipath) nginx 1.29.7.
  type: list
  elements: str
  required: true
upstream:
  description:
    - Name of the upstream group of stream that connections go to. A connection must be established within two
      seconds unless another time is set.
    - A server has one of O(.upstream), O(.proxy_pass) and O(.return).
  type: str
proxy_pass:
  description: Where connections go, V(host:port) or a variable, in the place of O(.upstream).
  type: str
return:
  description: Text that every client gets before its connection is closed, such as V($time_iso8601).
  type: str
"""

STREAM_SETTINGS = """\
access_log:
  description:
    - Where connections are logged, a file and a format of C(stream_log_formats), or V(off).
    - Needs nginx 1.11.4.
  type: raw
error_log:
  description: Where errors are logged, and from which level on, such as V(/var/log/nginx/db.error.log warn).
  type: raw
limit_conn:
  description:
    - Limits of connections, one an element, each a zone of C(stream_limit_conn_zones) and a number.
    - Needs nginx 1.9.3.
  type: list
  elements: str
limit_conn_log_level:
  description: Level at which refused connections are logged, V(info), V(notice), V(warn) or V(error).
  type: raw
preread_buffer_size:
  description:
    - How much may be read of a connection before it is passed on, such as V(16k).
    - Needs nginx 1.11.5.
  type: str
preread_timeout:
  description:
    - Time for it, such as V(30s).
    - Needs nginx 1.11.5.
  type: str
proxy_bind:
  description:
    - Address of this host from which backends are reached, or V($remote_addr transparent) for the client's own.
      V(off) leaves it to the system.
    - Needs nginx 1.9.2.
  type: raw
proxy_buffer_size:
  description:
    - Size of the buffer for each direction, such as V(16k).
    - Needs nginx 1.9.4.
  type: str
proxy_connect_timeout:
  description: Time to establish the connection to the backend. In a server with C(upstream) the default is V(2s).
  type: str
proxy_download_rate:
  description:
    - The most bytes a second from the backend, for one connection; V(0) is no limit.
    - Needs nginx 1.9.3.
  type: raw
proxy_half_close:
  description:
    - Whether each direction is closed by itself, as some protocols over TCP need it.
    - Needs nginx 1.21.4.
  type: bool
proxy_next_upstream:
  description: Whether the next server is tried where a connection cannot be made.
  type: bool
proxy_next_upstream_timeout:
  description: Time for all tries together, such as V(10s); V(0) is no limit.
  type: str
proxy_next_upstream_tries:
  description: The most tries; V(0) is as many as there are servers.
  type: int
proxy_protocol:
  description:
    - Whether the backend is told the client's address by the PROXY protocol. It must expect it.
    - Needs nginx 1.9.2.
  type: bool
proxy_protocol_timeout:
  description:
    - Time for the head of the PROXY protocol that clients send, where C(listen) has C(proxy_protocol).
    - Needs nginx 1.11.4.
  type: str
proxy_requests:
  description:
    - Datagrams of a client after which a session of UDP ends and the next one may go to another server.
    - Needs nginx 1.15.7.
  type: int
proxy_responses:
  description:
    - Datagrams that the backend answers to one of the client, for UDP; V(0) for protocols without an answer.
    - Needs nginx 1.9.13.
  type: int
proxy_socket_keepalive:
  description:
    - Whether the system probes idle connections to the backend.
    - Needs nginx 1.15.6.
  type: bool
proxy_ssl:
  description: Whether the backend is reached by TLS.
  type: bool
proxy_timeout:
  description: The longest silence of both sides, such as V(10m); then the connection is closed.
  type: str
proxy_upload_rate:
  description:
    - The most bytes a second from the client, for one connection; V(0) is no limit.
    - Needs nginx 1.9.3.
  type: raw
resolver:
  description:
    - Name servers for names in variables, and parameters of theirs, such as V(192.0.2.53) and V(valid=30s).
    - Needs nginx 1.11.3.
  type: list
  elements: str
resolver_timeout:
  description:
    - Time for the answer of a name server, such as V(5s).
    - Needs nginx 1.11.3.
  type: str
set_real_ip_from:
  description:
    - Addresses whose PROXY protocol is believed, one an element, such as V(10.0.0.0/8).
    - Needs nginx 1.11.4.
  type: list
  elements: str
ssl_alpn:
  description:
    - Protocols that clients may choose by ALPN, such as V(h2) and V(http/1.1).
    - Needs nginx 1.21.4.
  type: list
  elements: str
ssl_handshake_timeout:
  description: Time for the TLS handshake with a client, such as V(60s).
  type: str
ssl_preread:
  description:
    - Whether the name that a client of TLS wants is read, as C($ssl_preread_server_name), without ending TLS here.
    - Needs nginx 1.11.5.
  type: bool
tcp_nodelay:
  description:
    - Whether small packets are sent at once.
    - Needs nginx 1.9.4.
  type: bool
"""

STREAM_SERVER = OWN + STREAM_SETTINGS + ACCESS + TLS + PROXY_TLS
