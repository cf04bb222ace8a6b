# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upstream of nginx can say. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import suboptions

__all__ = ("HTTP_UPSTREAM", "NAME", "UPSTREAM", "servers")

NAME = """\
name:
  description:
    - Name of the group, by which sites and streams refer to it.
    - It is made of letters, digits, C(_), C(.) and C(-). Capitals do not make another name.
  type: str
  required: true
"""

SERVER = """\
address:
  description:
    - Host name or address of the server, or V(unix:/path) for a socket. It may hold the port, as V(192.0.2.21:8080).
    - A name is looked up when nginx starts or is reloaded, and then no more unless O(.resolve) is set.
  type: str
  required: true
port:
  description:
    - Port of the server, where O(.address) does not hold it.
    - Without one it is 80. In stream a port is needed.
  type: int
weight:
  description: Share of the requests that the server gets, in proportion to the others. Defaults to V(1).
  type: int
max_conns:
  description:
    - The most connections at a time to this server; V(0) is no limit.
    - It holds for all workers together only where the group has its shared memory.
    - Needs nginx 1.11.5.
  type: int
max_fails:
  description:
    - Failed attempts within O(.fail_timeout) after which the server is left out for the same time.
    - Defaults to V(1). V(0) counts no failures, so the server is always asked.
    - What counts as failed is said by C(proxy_next_upstream) of the location.
  type: int
fail_timeout:
  description:
    - Time in which O(.max_fails) failures count, and for which the server is then left out, such as V(30s).
    - Defaults to V(10s).
  type: str
backup:
  description:
    - Whether the server is asked only while none of the others is available.
    - The methods C(hash), C(ip_hash) and C(random) know no such server.
  type: bool
down:
  description:
    - Whether the server gets nothing at all. It keeps its place, so methods that hash leave the other clients where
      they are.
  type: bool
resolve:
  description:
    - Whether nginx looks the name up again and again, and follows its addresses without a reload.
    - The group needs its shared memory, and C(resolver) must be said in it or in C(http).
    - Needs nginx 1.27.3.
  type: bool
service:
  description:
    - Name of a service whose C(SRV) records in DNS say where servers are. O(.resolve) must be set.
    - Needs nginx 1.27.3.
  type: str
route:
  description:
    - Name of this server in a sticky session. For http only.
    - Needs nginx 1.29.6.
  type: str
drain:
  description:
    - Whether the server only goes on with clients whose sticky session is bound to it, and gets no new ones.
      For http only.
    - Needs nginx 1.29.6.
  type: bool
"""


def servers(*, required: str) -> str:
    """Return the option ``servers``, which a module that can also remove the group requires in one case only."""
    return f"""\
servers:
  description: The servers of the group, in the order in which nginx shall read them.
  type: list
  elements: dict
  required: {required}
""" + suboptions("servers[]", SERVER)


UPSTREAM = """\
method:
  description:
    - How a request or connection finds its server.
    - V(round_robin) goes round, by weight. V(least_conn) takes the server with the fewest connections.
      V(ip_hash) keeps a client at one server by its address, for http only. V(hash) keeps all that have the same
      O(.hash_key) at one server. V(random) draws one. V(least_time) takes the server that answers fastest.
    - V(random) needs nginx 1.15.1, V(least_time) needs nginx 1.31.0.
  type: str
  choices: [round_robin, least_conn, ip_hash, hash, random, least_time]
  default: round_robin
hash_key:
  description: What O(.method=hash) goes by, text and variables such as V($request_uri) or V($remote_addr).
  type: str
hash_consistent:
  description: Whether O(.method=hash) moves only few keys when a server is added or removed (ketama).
  type: bool
random_two:
  description: Whether O(.method=random) draws two servers and takes the better one.
  type: bool
random_method:
  description: What makes a server the better of O(.random_two).
  type: str
  choices: [least_conn]
least_time:
  description:
    - Which time O(.method=least_time) goes by. V(last_byte) is that until the whole answer is there.
    - V(header), until the response header has arrived, is for http only. V(connect), until the connection is
      established, and V(first_byte), until the first byte came, are for stream only.
  type: str
  choices: [header, connect, first_byte, last_byte]
least_time_inflight:
  description: Whether requests that are still under way count for O(.method=least_time), too.
  type: bool
zone:
  description:
    - Whether the group lies in shared memory, so that all workers count failures and connections together.
    - Without it, each worker finds out for itself that a server is down.
  type: bool
  default: true
zone_name:
  description: Name of the shared memory. By default it is the group's, in stream with C(stream_) before it.
  type: str
zone_size:
  description:
    - Size of the shared memory, such as V(128k), from V(32k) on.
    - By default it grows with the number of servers, from V(64k) on.
  type: str
resolver:
  description:
    - Name servers for servers with C(resolve), and parameters of theirs, such as V(192.0.2.53) and V(valid=30s).
    - With them, every server that is a name is looked up while nginx runs, which then starts without DNS too.
    - Without it, those of C(http) or C(stream) are asked.
    - Needs nginx 1.27.3.
  type: list
  elements: str
resolver_timeout:
  description:
    - Time for the answer of a name server, such as V(5s).
    - Needs nginx 1.27.3.
  type: str
directives:
  description: Text of nginx for what no option says, a directive or block an element, with or without its semicolon.
  type: list
  elements: str
"""

HTTP_UPSTREAM = """\
keepalive:
  description:
    - Idle connections to the servers that each worker keeps open for the next requests. For http only.
    - By default it follows from the workers of the host, which keep 128 to the group together. Each has its share of
      them, V(64) where there are two, but at least V(16), at least two for each server, and at most a quarter of
      C(worker_connections). V(1000000) is the most. V(0) closes every connection after its request.
  type: int
keepalive_local:
  description:
    - Whether each location keeps its own connections. Otherwise all locations that use the group share them.
      For http only.
    - Needs nginx 1.29.7.
  type: bool
keepalive_requests:
  description:
    - Requests after which a kept connection is closed. For http only.
    - Needs nginx 1.15.3.
  type: int
keepalive_time:
  description:
    - Age from which on a kept connection is closed after its request, such as V(1h). For http only.
    - Needs nginx 1.19.10.
  type: str
keepalive_timeout:
  description:
    - Time for which a kept connection may be idle, such as V(60s). For http only.
    - Needs nginx 1.15.3.
  type: str
sticky:
  description:
    - What binds a client to its server, in the words of nginx, such as V(cookie srv_id expires=1h path=/).
      The kinds are C(cookie), C(route) and C(learn). For http only.
    - Needs nginx 1.29.6.
  type: str
"""
