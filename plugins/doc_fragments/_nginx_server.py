# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and locations of http: their own options, and those that they share. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import suboptions
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_applications import APPLICATIONS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_http import HTTP, TRY_FILES
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_proxy import PROXY
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_tls import HTTP_TLS, PROXY_TLS, SITE_TLS, TLS

__all__ = ("ACCESS", "SERVER", "SERVER_SETTINGS")

USERS = """\
auth_basic_users:
  description:
    - Who may come in, names with their passwords, which belong into a vault. A password may be a hash that nginx knows.
    - They become a file that nginx's workers alone can read; O(.auth_basic) is what a client then reads.
  type: dict
"""

REWRITE = """\
rewrite:
  description:
    - Changes of the path, one an element, as in nginx, such as V(^/old/(.*)$ /new/$1 permanent).
    - They come before what O(.directives) says.
  type: list
  elements: str
"""

ACCESS = """\
access:
  description: Who may come in, such as V(allow 10.0.0.0/8) and V(deny all). The first rule that fits counts.
  type: list
  elements: str
directives:
  description: Text of nginx for what no option says, a directive or block an element, with or without its semicolon.
  type: list
  elements: str
"""

LOCATION = """\
path:
  description: Which paths the location is for, as in nginx, such as V(/), V(= /exact), V(^~ /static/) or V(~ [.]php$).
  type: str
  required: true
upstream:
  description:
    - Name of the group that answers.
    - A location has at most one of O(.upstream), O(.proxy_pass), O(.fastcgi_pass), O(.grpc_pass), O(.uwsgi_pass),
      O(.root), O(.alias) and O(.return). Where scripts are asked by FastCGI, O(.root) says where they lie.
    - The location then gets what a balancer needs, each of it where neither the location nor what is around it says
      otherwise. That is HTTP/1.1 and an empty C(Connection), so that connections are kept, the client's C(Host) and
      address for the backend, two seconds for a connection, and the next server after an error or a timeout.
  type: str
upstream_scheme:
  description:
    - How O(.upstream) is asked. With V(fastcgi), V(uwsgi) and V(grpc) it gets the parameters or headers that it needs.
    - gRPC needs nginx 1.13.10, and a server that speaks HTTP/2.
  type: str
  choices: [http, https, grpc, grpcs, fastcgi, uwsgi]
  default: http
upstream_uri:
  description: What replaces the matching part of the path towards O(.upstream), such as V(/). Without it, all stays.
  type: str
proxy_pass:
  description: Where requests go, with scheme, as in nginx. Nothing is added as it is for O(.upstream).
  type: str
fastcgi_pass:
  description: Where a FastCGI application listens, such as V(unix:/run/php/php-fpm.sock) or V(127.0.0.1:9000).
  type: str
grpc_pass:
  description: Where a gRPC application listens, such as V(127.0.0.1:50051). Needs nginx 1.13.10.
  type: str
uwsgi_pass:
  description: Where a uwsgi application listens, such as V(unix:/run/app.sock) or V(127.0.0.1:3031).
  type: str
websocket:
  description:
    - Whether a client may change to another protocol, as a websocket does. Such a connection may be silent for an hour,
      unless O(.proxy_read_timeout) says otherwise.
    - Without it, what the server says.
  type: bool
alias:
  description: Folder that replaces the path of the location.
  type: str
return:
  description: Answer without a backend, as in nginx, such as V(204) or V(301 https://$host$request_uri).
  type: str
internal:
  description: Whether only requests that nginx makes to itself come here.
  type: bool
stub_status:
  description: Whether the location shows how many connections and requests nginx has and had.
  type: bool
"""

INNER = """\
locations:
  description:
    - Locations inside this one. They have no further ones.
    - What is said around a location holds in it too. Headers, error pages and hidden headers add up, and the inner one
      of a name counts.
  type: list
  elements: dict
"""

OWN = """\
name:
  description:
    - What the file of this server is called after. nginx does not see it.
    - Without it, the first of O(.server_name).
  type: str
server_name:
  description:
    - Names for which this server answers, as in nginx, such as V(www.example.com), V(*.example.com) or V(~^api).
  type: list
  elements: str
listen:
  description:
    - Where to listen, as in nginx, such as V(80), V([::]:80), V(443 ssl) or V(80 default_server).
    - Without it, V(443 ssl) where the server has a certificate, for O(.http3) V(443 quic) as well, else V(80).
    - Servers are read in the order of their names; say C(default_server) where it matters.
    - C(reuseport) needs nginx 1.9.1, C(quic) nginx 1.25.0, C(multipath) nginx 1.29.7.
  type: list
  elements: str
http2:
  description:
    - Whether clients can use HTTP/2. Before nginx 1.25.1, this needs a listen with C(ssl).
    - By default they can where O(.tls) has a certificate.
  type: bool
http3:
  description:
    - Whether clients can use HTTP/3, where O(.listen) has C(quic). With O(.tls), C(Alt-Svc) tells them.
    - Needs nginx 1.25.0.
  type: bool
upstream:
  description:
    - Name of the group that answers; short for a location V(/) that goes there.
    - What else the server says, as O(.proxy_read_timeout) or O(.proxy_set_header), holds for it.
  type: str
websocket:
  description: Whether clients may change to another protocol in every location that goes to a backend and says nothing.
  type: bool
security_headers:
  description:
    - Headers that tell a browser what it may not do. O(.add_header) is laid over them, where V(null) leaves one out.
    - V(basic) are C(X-Content-Type-Options), C(X-Frame-Options) and C(Referrer-Policy), V(strict) also a
      C(Content-Security-Policy) for a site that loads nothing from elsewhere. Both have C(Strict-Transport-Security)
      where the server has a certificate.
  type: str
  choices: [none, basic, strict]
error_pages:
  description:
    - Pages of the site's own, the text of each by the statuses that it is for, such as V(404) or V(502 503 504).
    - Of an answer of a backend with such a status they take the place only with O(.proxy_intercept_errors).
  type: dict
maintenance:
  description:
    - Whether the site is closed for now. All requests are answered with 503 and O(.maintenance_page), and told to come
      back later. Certificates are still renewed by C(/.well-known/acme-challenge/), if that is a location.
  type: bool
maintenance_page:
  description: The text of the page that is shown meanwhile. Without it, a plain one.
  type: str
return:
  description: Answer to every request, as in nginx, such as V(301 https://$host$request_uri).
  type: str
"""

SERVER_SETTINGS = """\
client_header_buffer_size:
  description: Memory for the head of a request, such as V(1k).
  type: str
client_header_timeout:
  description: Time for the head of a request, such as V(60s).
  type: str
connection_pool_size:
  description: Memory that a connection gets at a time, such as V(512). A multiple of 16, from V(112) on.
  type: str
http3_hq:
  description:
    - Whether HTTP/0.9 over QUIC is spoken, as tests between implementations do.
    - Needs nginx 1.25.0.
  type: bool
ignore_invalid_headers:
  description: Whether header lines with wrong names are passed over.
  type: bool
large_client_header_buffers:
  description: Number and size of further buffers for the head of a request, such as V(4 16k).
  type: raw
merge_slashes:
  description: Whether several slashes in a path count as one.
  type: bool
quic_gso:
  description:
    - Whether QUIC sends several packets in one go, where the system can.
    - Needs nginx 1.25.0.
  type: bool
quic_retry:
  description:
    - Whether a new client of QUIC has to prove its address first.
    - Needs nginx 1.25.0.
  type: bool
request_pool_size:
  description: Memory that a request gets at a time, such as V(4k). A multiple of 16, from V(112) on.
  type: str
underscores_in_headers:
  description: Whether names of header lines may have underscores.
  type: bool
"""

OF_TLS = """\
tls:
  description:
    - Certificate and key of the site, in one place, and what else makes a site of https. It becomes files beside
      nginx.conf, and options C(ssl_...) of this server where it does not say them itself.
  type: dict
"""

LOCATIONS = """\
locations:
  description: What becomes of requests, by path.
  type: list
  elements: dict
"""

SHARED = (USERS, REWRITE, ACCESS, HTTP, TRY_FILES, APPLICATIONS, PROXY, PROXY_TLS)
INSIDE = suboptions("locations[]", LOCATION, *SHARED)

SERVER = OWN + SERVER_SETTINGS + LOCATIONS
SERVER += suboptions("locations[]", LOCATION, *SHARED, INNER + INSIDE)
SERVER += OF_TLS + suboptions("tls", SITE_TLS)
SERVER += "".join(SHARED) + TLS + HTTP_TLS
