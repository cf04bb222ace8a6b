# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each rule a configuration that breaks it and one that does not, both as the inside of ``http``.

The unit test asks our rules, the integration test asks nginx, which shall let both pass: else no rule was needed.
"""

from __future__ import annotations

import typing as t

__all__ = ("CASES", "REFUSED_BY_NGINX", "Case", "whole")


class Case(t.NamedTuple):
    """``where`` is the line of the finding in ``bad``; ``stream`` is the inside of that context, for both.

    ``context`` is that of ``bad`` and ``good``.
    """

    rule: str
    bad: str
    good: str
    where: int
    stream: str = ""
    context: str = "http"

    def inside(self, text: str) -> tuple[str, str]:
        """Return the insides of http and of stream where ``bad`` or ``good`` is this text."""
        return (text, self.stream) if self.context == "http" else ("", text)


# These nginx finds by itself, some only when an upstream is used; we say so before anything is staged.
REFUSED_BY_NGINX = (
    "upstream-without-servers",
    "only-backup-servers",
    "undefined-name",
    "two-default-servers",
    "stream-address-taken-twice",
)

GOES = "server { listen 8001; location / { proxy_http_version 1.1; %s proxy_pass http://%s; } }"
CHOOSES = "server { location / { proxy_pass http://$to; } }"
KEPT = 'proxy_set_header Connection "";'
SECURE = "ssl_reject_handshake on; listen %s ssl"
TWO = "server 127.0.0.1:81; server 127.0.0.1:82;"
GO = "proxy_pass 127.0.0.1:1;"
BY_NAME = "map $ssl_preread_server_name $to { default 127.0.0.1:1; }"
BELIEVES = "set_real_ip_from ::1; real_ip_header proxy_protocol;"

CASES: list[Case] = [
    Case("upstream-without-servers", "upstream u {\n}", f"upstream u {{ {TWO} }}", 1),
    Case("only-backup-servers", "upstream u { server 127.0.0.1:81 backup; }", f"upstream u {{ {TWO} }}", 1),
    Case(
        "backup-without-effect",
        "upstream u {\nserver 127.0.0.1:81;\nserver 127.0.0.1:82 backup;\nip_hash; }",
        "upstream u {\nleast_conn;\nserver 127.0.0.1:81;\nserver 127.0.0.1:82 backup; }",
        3,
    ),
    Case(
        "backup-without-effect",
        "upstream u {\nserver 127.0.0.1:81;\nserver 127.0.0.1:82 backup;\nhash $uri consistent; }",
        f"upstream u {{ hash $uri; {TWO} }}",
        3,
    ),
    Case("several-methods", f"upstream u {{\nip_hash;\nleast_conn;\n{TWO} }}", f"upstream u {{ ip_hash; {TWO} }}", 3),
    Case(
        "method-after-keepalive",
        f"upstream u {{ {TWO}\nkeepalive 8;\nleast_conn; }}",
        f"upstream u {{ {TWO}\nleast_conn;\nkeepalive 8; }}",
        3,
    ),
    Case(
        "single-server-never-fails",
        "upstream u {\nserver 127.0.0.1:81 max_fails=3 fail_timeout=5s; }",
        "upstream u {\nserver 127.0.0.1:81 max_fails=3; server 127.0.0.1:82; }",
        2,
    ),
    Case(
        "all-servers-down",
        "upstream u { server 127.0.0.1:81 down; server 127.0.0.1:82 down; }",
        "upstream u { server 127.0.0.1:81 down; server 127.0.0.1:82; }",
        1,
    ),
    Case(
        "duplicate-server",
        "upstream u {\nserver 127.0.0.1:81;\nserver 127.0.0.1:81 weight=2; }",
        "upstream u {\nserver 127.0.0.1:81;\nserver 127.0.0.1:82 weight=2; }",
        3,
    ),
    Case(
        "max-conns-without-zone",
        "upstream u { server 127.0.0.1:82;\nserver 127.0.0.1:81 max_conns=9; }",
        "upstream u { zone u 64k; server 127.0.0.1:82;\nserver 127.0.0.1:81 max_conns=9; }",
        2,
    ),
    Case(
        "undefined-upstream",
        f"upstream blog {{ {TWO} }}\nserver {{ location / {{\nproxy_pass http://ip6-localhost/x/; }} }}",
        f"upstream blog {{ {TWO} }}\nserver {{ location / {{\nproxy_pass http://Blog/x/; }} }}",
        3,
    ),
    Case(
        "undefined-upstream-in-variable",
        f"upstream a {{ {TWO} }}\nmap $uri $to {{\n/x a;\ndefault b;\n}}\n" + CHOOSES,
        f"upstream a {{ {TWO} }}\nmap $uri $to {{\n/x a;\ndefault A;\n}}\n" + CHOOSES,
        4,
    ),
    Case(
        "undefined-upstream-in-variable",
        "split_clients $uri $to {\n10% b;\n* 127.0.0.1;\n}\n" + CHOOSES,
        "resolver 127.0.0.1;\nsplit_clients $uri $to {\n* b; }\n" + CHOOSES,
        2,
    ),
    Case(
        "undefined-upstream-in-variable",
        f"upstream a {{ {TWO} }}\nmap $uri $to {{ default $by; }}\nmap $uri $by {{\ndefault b;\n}}\n" + CHOOSES,
        f"upstream a {{ {TWO} }}\nmap $uri $to {{ default $by; }}\nmap $uri $by {{\ndefault a;\n}}\n" + CHOOSES,
        4,
    ),
    Case(
        "variable-defined-twice",
        "map $uri $a { default 1; }\nsplit_clients $uri $A { * 1; }",
        "map $uri $a { default 1; }\nsplit_clients $uri $b { * 1; }",
        2,
    ),
    Case(
        "keepalive-without-effect",
        f"upstream u {{ {TWO} keepalive 8; }}\n" + GOES % ("", "u"),
        f"upstream u {{ {TWO} keepalive 8; }}\n{KEPT}\n" + GOES % ("", "u"),
        2,
    ),
    Case(
        "keepalive-without-effect",
        f"upstream u {{ {TWO} keepalive 8; }}\n{KEPT}\n" + GOES % ("proxy_set_header Connection close;", "u"),
        f"upstream u {{ {TWO} }}\n" + GOES % ("", "u"),
        3,
    ),
    Case(
        "headers-not-inherited",
        "proxy_set_header Host $host;\nproxy_set_header X-A a;\n" + GOES % ("proxy_set_header x-a b;", "127.0.0.1"),
        "proxy_set_header X-A a;\n" + GOES % ("proxy_set_header x-a b;", "127.0.0.1"),
        3,
    ),
    Case(
        "keepalive-without-effect",
        f"upstream u {{ {TWO} keepalive 8; }}\n" + GOES % ("proxy_set_header Connection close;", "u"),
        f"upstream u {{ {TWO} keepalive 8; }}\n" + GOES % ("proxy_set_header Connection $http_upgrade;", "u"),
        2,
    ),
    Case(
        "lost-in-location",
        "server { add_header X-A a;\nlocation / {\nadd_header X-B b; } }",
        "server { add_header X-A a;\nlocation / { add_header x-a b; } location /b { root /srv; } }",
        3,
    ),
    Case(
        "lost-in-location",
        "error_page 404 /404;\nserver { location / { root /srv;\nlocation /a {\nerror_page 500 /500; } } }",
        "error_page 404 /404;\nserver { error_page 404 /404; error_page 500 /500; location / { root /srv; } }",
        4,
    ),
    Case(
        "lost-in-location",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_req_zone $uri zone=b:1m rate=1r/s;\n"
        "server { limit_req zone=a;\nlocation / {\nlimit_req zone=b; } }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\n"
        "server { limit_req zone=a; location / { limit_req zone=a burst=5; } }",
        5,
    ),
    Case(
        "path-joined-wrongly",
        "server { location /api2 {\nproxy_pass http://127.0.0.1:1/; } }",
        "server { location /api/ { proxy_pass http://127.0.0.1:1/; } "
        "location /b { proxy_pass http://127.0.0.1:1/c; } }",
        2,
    ),
    Case(
        "path-joined-wrongly",
        "server { location ^~ /api/ {\nproxy_pass http://127.0.0.1:1/v1; } }",
        "server { location = /api/ { proxy_pass http://127.0.0.1:1/v1; } "
        "location /b { proxy_pass http://127.0.0.1:1; } }",
        2,
    ),
    Case(
        "conflicting-server-name",
        "server { listen 8001; server_name a b; }\nserver { listen 8001; listen 8002; server_name B; }",
        "server { listen 8001; server_name a b; }\nserver { listen 8002; server_name b; }",
        2,
    ),
    Case(
        "conflicting-server-name",
        "server { listen 8001; }\nserver { listen *:8001; }",
        "server { listen 8001; }\nserver { listen 8001; server_name a; }",
        2,
    ),
    Case(
        "certificate-without-tls",
        "server { listen 8443;\nssl_certificate CERTIFICATE; ssl_certificate_key CERTIFICATE; }",
        "server { listen 8443 ssl;\nssl_certificate CERTIFICATE; ssl_certificate_key CERTIFICATE; }",
        2,
    ),
    Case(
        "return-hides-locations",
        "server {\nreturn 404;\nlocation / { root /srv; } }",
        "server {\nlocation / { return 404; } }",
        2,
    ),
    Case(
        "return-before-access",
        "server { location / {\nallow 10.0.0.0/8; deny all;\nreturn 204; } }",
        "server { deny all; location /a { return 204; } location /b { auth_basic off; return 204; } }",
        3,
    ),
    Case(
        "return-before-access",
        "server {\nreturn 301 /b;\nauth_basic staff; auth_basic_user_file /dev/null; }",
        "server { location / { auth_basic staff; auth_basic_user_file /dev/null; root /srv; } }",
        2,
    ),
    Case(
        "alias-leaves-its-folder",
        "server { location /files {\nalias /srv/files/; } }",
        "server { location /files/ {\nalias /srv/files/; } location ~ ^/a$ { alias /srv/; } }",
        2,
    ),
    Case(
        "alias-leaves-its-folder",
        "server { location /files {\nalias /srv/files/; } }",
        "server { location =/files { alias /srv/files/; } location ~^/a$ { alias /srv/; } }",
        2,
    ),
    Case(
        "undefined-name",
        "server {\naccess_log /dev/null main; }",
        "log_format main x; server { access_log /dev/null main; access_log off; access_log /dev/null combined; }",
        2,
    ),
    Case(
        "undefined-name",
        "limit_conn_zone $uri zone=a:1m;\nserver { location / {\nlimit_req zone=a burst=5; } }",
        "limit_req_zone $uri zone=a:1m rate=1r/s; server { location / { limit_req burst=5 zone=a; } }",
        3,
    ),
    Case(
        "undefined-name",
        "server {\nlimit_conn a 5; }",
        "limit_conn_zone $uri zone=a:1m; server { limit_conn a 5; proxy_cache off; location /a { proxy_cache $uri; } }",
        2,
    ),
    Case(
        "name-looked-up-at-start",
        "upstream u {\nserver localhost:81; server ip6-localhost:81; }",
        f"upstream u {{ {TWO} server localhost:83; server [::1]:84; server unix:/run/a; }}",
        2,
    ),
    Case(
        "two-default-servers",
        "server { listen 8001 default_server; }\nserver { server_name b;\nlisten 0.0.0.0:8001 default_server; }",
        "server { listen 8001 default_server; listen 8002; }\n"
        "server { server_name b; listen 8001; listen 8002 default_server; }",
        3,
    ),
    Case(
        "port-taken-twice",
        "server { listen 127.0.0.1:8001; }",
        "server { listen [::]:8001; }",
        3,
        stream="server {\nlisten 8001; proxy_pass 127.0.0.1:1; }",
    ),
    Case(
        "port-taken-twice",
        "server { listen 8005; }",
        "server { listen 80; }",
        3,
        stream="server {\nlisten 8000-8010; proxy_pass 127.0.0.1:1; }",
    ),
    Case(
        "port-taken-twice",
        "server { listen 8001; }",
        "server { listen 8002; }",
        2,
        stream="server { listen 127.0.0.1:8001; listen 8002 udp; proxy_pass 127.0.0.1:1; }",
    ),
    Case(
        "tls-versions-at-one-address",
        f"server {{ {SECURE % '8001'} default_server; ssl_protocols TLSv1.2 TLSv1.3; server_name a; }}\n"
        f"server {{ {SECURE % '*:8001'}; ssl_protocols TLSv1.3; server_name b; }}",
        f"ssl_protocols TLSv1.3 TLSv1.2; server {{ {SECURE % '8001'}; server_name a; }}\n"
        f"server {{ {SECURE % '8001'}; ssl_protocols TLSv1.2 TLSv1.3; server_name b; }}\n"
        f"server {{ {SECURE % '8002'}; ssl_protocols TLSv1.3; server_name b; }}",
        2,
    ),
    Case(
        "stream-address-taken-twice",
        f"server {{ listen 8001; {GO} }} server {{\nlisten *:8001; {GO} }}",
        f"server {{ listen 8001; {GO} }} server {{ listen 8001 udp; {GO} }}",
        3,
        context="stream",
    ),
    Case(
        "name-never-read",
        "resolver 127.0.0.1; server { listen 8001;\nproxy_pass $ssl_preread_server_name:443; }",
        "resolver 127.0.0.1; server { listen 8001; ssl_preread on; proxy_pass $ssl_preread_server_name:443; }",
        3,
        context="stream",
    ),
    Case(
        "name-never-read",
        f"{BY_NAME} server {{ listen 8001;\nproxy_pass $to; }}",
        f"ssl_preread on; {BY_NAME} server {{ listen 8001; proxy_pass $to; }}",
        3,
        context="stream",
    ),
    Case(
        "name-never-read",
        f"{BY_NAME} server {{ listen 8001 udp; ssl_preread on;\nproxy_pass $to; }}",
        f"{BY_NAME} server {{ listen 8001 udp; listen 8001; ssl_preread on; proxy_pass $to; }}",
        3,
        context="stream",
    ),
    Case(
        "proxy-protocol-never-sent",
        f"server {{ listen 8001;\n{BELIEVES} }}",
        f"server {{ listen 8001 proxy_protocol; {BELIEVES} }}",
        2,
    ),
    Case(
        "proxy-protocol-at-one-address",
        f"{BELIEVES} server {{ listen 8001 proxy_protocol; server_name a; }} server {{\nlisten 8001; server_name b; }}",
        f"{BELIEVES} server {{ listen 8001 proxy_protocol; server_name a; }} server {{ listen 8002; server_name b; }}",
        2,
    ),
    Case(
        "proxy-protocol-not-believed",
        f"server {{\nlisten 8001 proxy_protocol; {GO} }}",
        f"set_real_ip_from ::1; server {{ listen 8001 proxy_protocol; {GO} }}",
        3,
        context="stream",
    ),
    Case(
        "proxy-protocol-not-believed",
        "server { set_real_ip_from ::1;\nlisten 8001 proxy_protocol; }",
        f"server {{ {BELIEVES} listen 8001 proxy_protocol; }}",
        2,
    ),
    Case(
        "datagrams-never-fail",
        f"upstream u {{ {TWO} }} server {{ listen 8001 udp;\nproxy_pass u; }}",
        f"upstream u {{ {TWO} }} server {{ listen 8001 udp; proxy_responses 1; proxy_pass u; }}",
        3,
        context="stream",
    ),
    Case(
        "proxy-protocol-over-datagrams",
        f"server {{ listen 8001 udp;\nproxy_protocol on; {GO} }}",
        f"server {{ listen 8001 udp; {GO} }} server {{ listen 8001; proxy_protocol on; {GO} }}",
        3,
        context="stream",
    ),
]


def whole(http: str, stream: str = "", *, more_http: str = "") -> str:
    """Return the contexts as one text; the inside of http begins on line 1, that of stream behind it."""
    return f"http {{ {more_http}{http} }}\nstream {{ {stream} }}\n" if stream else f"http {{ {more_http}{http} }}\n"
