# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How keepalived asks a real server whether it is well. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import blocks, suboptions

__all__ = ("CHECKS",)

CHECKER = """\
retry:
  description: How often a check that failed is tried again before it counts.
  type: int
delay_before_retry:
  description: Seconds before each of them.
  type: float
warmup:
  description: The most seconds by which the first check is put off, by chance, so that not all come at once.
  type: float
delay_loop:
  description:
    - Seconds between two checks.
    - Needs keepalived 1.3.7.
  type: float
alpha:
  description: Whether the server counts as down until the check was good once.
  type: bool
log_all_failures:
  description:
    - Whether every failure is logged, and not only the one that counts.
    - Needs keepalived 2.0.11.
  type: bool
"""

CONNECTION = (
    CHECKER
    + """\
connect_ip:
  description: Address to connect to. Without it, the server's.
  type: str
connect_port:
  description: Port to connect to. Without it, the server's.
  type: int
bindto:
  description: Address of this host to connect from.
  type: str
bind_port:
  description: Port of this host to connect from.
  type: int
bind_if:
  description: Interface to connect by, which a link-local O(.bindto) needs.
  type: str
connect_timeout:
  description: Seconds for the connection.
  type: float
fwmark:
  description: Mark of the packets.
  type: int
"""
)

URL = """\
path:
  description: Path that is asked for.
  type: str
  required: true
digest:
  description: MD5 of the answer, as C(genhash) tells it.
  type: str
status_code:
  description: Statuses that are good, numbers and ranges. Defaults to V(200-299).
  type: list
  elements: str
virtualhost:
  description:
    - The C(Host) header.
    - Needs keepalived 1.3.6.
  type: str
regex:
  description:
    - Regular expression that the answer must match.
    - Needs keepalived 2.0.7.
  type: str
regex_no_match:
  description:
    - Whether it must not match.
    - Needs keepalived 2.0.7.
  type: bool
regex_options:
  description:
    - Words of PCRE for it, such as V(caseless).
    - Needs keepalived 2.0.7.
  type: list
  elements: str
regex_min_offset:
  description:
    - Byte of the answer from which on it is looked for.
    - Needs keepalived 2.0.7.
  type: int
regex_max_offset:
  description:
    - Byte of the answer up to which it may begin.
    - Needs keepalived 2.0.7.
  type: int
"""

TLS = """\
tls_compliant:
  description:
    - Whether TLS is ended in words.
    - Needs keepalived 2.2.8.
  type: bool
"""

HTTP = (
    CONNECTION
    + """\
virtualhost:
  description:
    - The C(Host) header where a page says nothing else.
    - Needs keepalived 1.3.6.
  type: str
http_protocol:
  description:
    - Version of HTTP; V(1.0C) is V(1.0) with C(Connection) closed in words.
    - Needs keepalived 2.0.17.
  type: str
  choices: ["1.0", "1.1", "1.0C"]
enable_sni:
  description:
    - Whether the name that is wanted is told in the TLS handshake.
    - Needs keepalived 1.4.3.
  type: bool
fast_recovery:
  description:
    - Whether all pages are asked for at once when the server comes back.
    - Needs keepalived 2.0.17.
  type: bool
"""
)

PAGES = """\
urls:
  description: The pages that must all be good.
  type: list
  elements: dict
  required: true
"""

DNS = (
    CONNECTION
    + """\
name:
  description: Name that is asked for. Defaults to the root.
  type: str
type:
  description: Type that is asked for. Defaults to V(SOA).
  type: str
  choices: [A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG, DNSKEY]
"""
)

SMTP = (
    CONNECTION
    + """\
helo_name:
  description: Name by which keepalived greets.
  type: str
"""
    + blocks("hosts", "Further places where the server must answer.", CONNECTION)
)

UDP = (
    CONNECTION
    + """\
payload:
  description:
    - What is sent, in hexadecimal digits.
    - Needs keepalived 2.2.0.
  type: str
require_reply:
  description: Whether an answer must come, V(true), or its hexadecimal digits, where C(X) matches any digit.
  type: raw
min_reply_length:
  description:
    - The fewest bytes of the answer.
    - Needs keepalived 2.2.0.
  type: int
max_reply_length:
  description:
    - The most bytes of the answer.
    - Needs keepalived 2.2.0.
  type: int
"""
)

MISC = (
    CHECKER
    + """\
misc_path:
  description: Command line; exit code 0 means well. No shell reads it.
  type: str
  required: true
misc_timeout:
  description: Seconds after which the command has failed.
  type: int
misc_dynamic:
  description: Whether an exit code from 2 on is good as well, and is 2 more than the weight that the server then gets.
  type: bool
user:
  description:
    - Whose the run is, a user, and a group behind it where it is not the user's own.
    - Needs keepalived 1.3.0.
  type: list
  elements: str
"""
)

FILE = """\
track_file:
  description: Name of one of C(track_files).
  type: str
  required: true
weight:
  description:
    - By what its number is multiplied to change the weight of the server.
    - A number, or a mapping of C(weight) and C(reverse).
  type: raw
"""

BFD = """\
name:
  description: Name of one of C(bfd_instances).
  type: str
  required: true
alpha:
  description: Whether the server counts as down until the session was up once.
  type: bool
"""

CHECKS = (
    blocks("tcp_checks", "It must take a connection.", CONNECTION)
    + blocks("http_checks", "It must answer pages by HTTP as it should.", HTTP, PAGES, suboptions("urls[]", URL))
    + blocks(
        "ssl_checks",
        "It must answer pages by HTTPS as it should.",
        HTTP,
        TLS,
        PAGES,
        suboptions("urls[]", URL, TLS),
    )
    + blocks("dns_checks", "It must answer a question for a name. Needs keepalived 1.3.0.", DNS)
    + blocks("misc_checks", "A command must find it well.", MISC)
    + blocks("smtp_checks", "It must greet as a mail server does.", SMTP)
    + blocks("udp_checks", "Its port must not be said to be closed. Needs keepalived 2.1.0.", UDP)
    + blocks("ping_checks", "It must answer a ping. Needs keepalived 2.1.0.", CONNECTION)
    + blocks("file_checks", "A file must say that it is well. Needs keepalived 2.1.0.", FILE)
    + blocks("bfd_checks", "A BFD session must be up. Needs keepalived 2.0.0.", BFD)
)
