# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that keepalived's processes stop at or skip a part of, and what is complained of, with the lines.

One test holds them against our reading, another against keepalived itself.
"""

from __future__ import annotations

__all__ = ("MISSING", "SKIPPED", "server")

INSTANCE = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\nLINES\n}\n"
SERVER = "virtual_server 192.0.2.1 80 {\nLINES\n}\n"


def instance(lines: str) -> str:
    return INSTANCE.replace("LINES", lines)


def server(lines: str) -> str:
    return SERVER.replace("LINES", lines)


MISSING: dict[str, tuple[str, list[tuple[str, int]]]] = {
    # Where a value is missing, and what the processes that have read before have said. The main one reads all.
    "the main process ends all": ("global_defs {\nvrrp_garp_interval\n}\n" + server("odd"), [("value-missing", 2)]),
    "the checker reads before vrrp": (
        instance("preempt_delay\nodd") + server("odd"),
        [("keyword-unknown", 11), ("value-missing", 7)],
    ),
    "and ends vrrp too": (instance("odd") + server("delay_loop\nodd"), [("value-missing", 10)]),
    "bfd reads last": (
        "bfd_instance B {\nneighbor_ip 192.0.2.1\nmin_rx\nodd\n}\n" + instance("odd") + server("odd"),
        [("keyword-unknown", 4), ("keyword-unknown", 15), ("keyword-unknown", 12), ("value-missing", 3)],
    ),
    "but for a weight, which is for vrrp": (
        "bfd_instance B {\nneighbor_ip 192.0.2.1\nweight\nodd\n}\n" + server("odd"),
        [("keyword-unknown", 4), ("keyword-unknown", 7), ("value-missing", 3)],
    ),
    "in a route": (instance("virtual_routes {\n192.0.2.0/24 via\n}\nodd"), [("value-missing", 8)]),
    "behind lock": (instance("virtual_routes {\n192.0.2.0/24 mtu lock\n}\nodd"), [("value-missing", 8)]),
    "in a rule": ("static_rules {\nfrom 192.0.2.0/24 table\n}\nodd\n", [("keyword-unknown", 4), ("value-missing", 2)]),
    "in a group of servers": ("virtual_server_group G {\nfwmark\n}\n" + instance("odd"), [("value-missing", 2)]),
    "of a firewall mark": ("virtual_server fwmark {\nodd\n}\n", [("value-missing", 1)]),
    "behind a type of route": (instance("virtual_routes {\n192.0.2.0/24 80\n}"), [("value-missing", 8)]),
    "a value that is a keyword": (instance("virtual_routes {\n192.0.2.0/24 table local\n}"), []),
    "a word that ends the route before": (instance("virtual_routes {\n192.0.2.0/24 type local\n}"), []),
    "a command that crashes it": (
        "vrrp_script s {\nscript /bin/true 'a\n}\n" + server("odd") + instance("odd"),
        [("keyword-unknown", 5), ("command-open", 2)],
    ),
    "a command that it drops": (instance("notify /bin/true 'a\nodd"), [("command-open", 7), ("keyword-unknown", 8)]),
}


SKIPPED: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "a virtual server without an address": (
        "virtual_server nowhere 80 {\nreal_server x 80 {\nTCP_CHECK {\nodd\n}\n}\n}\n",
        [("place-wrong", 1)],
    ),
    "one without a port": ("virtual_server 192.0.2.1 99999 {\nodd\n}\n", [("place-wrong", 1)]),
    "one with a mark that is none": (
        "virtual_server fwmark -1 {\nodd\n}\nodd\n",
        [("keyword-unknown", 4), ("place-wrong", 1)],
    ),
    "the old way to write an address": ("virtual_server 192.0.2.010 80 {\nodd\n}\n", [("place-wrong", 1)]),
    "a zone": ("virtual_server fe80::1%eth0 80 {\nodd\n}\n", [("place-wrong", 1)]),
    "a real server": (
        server("real_server x 80 {\nodd\nTCP_CHECK {\nretry\n}\n}\nodd"),
        [("place-wrong", 2), ("keyword-unknown", 8)],
    ),
    "one that would be a group": (server("real_server group G {\nodd\n}"), [("place-wrong", 2)]),
    "a second bfd_instance of the name": (
        "bfd_instance B {\nneighbor_ip 192.0.2.1\n}\nbfd_instance B {\nodd\nmin_rx\n}\nodd\n",
        [("keyword-unknown", 8), ("name-twice", 4)],
    ),
    "a neighbour without an address": (
        "bfd_instance B {\nneighbor_ip x\nmin_rx\n}\nodd\n",
        [("keyword-unknown", 5), ("place-wrong", 2)],
    ),
    "but none for one that was dropped": (
        "bfd_instance B {\nneighbor_ip x\n}\n" + "bfd_instance B {\nneighbor_ip 192.0.2.1\n}\n" * 2,
        [("name-twice", 4), ("name-twice", 7), ("place-wrong", 2)],
    ),
    "a second group, and the rest with it": (
        "vrrp_sync_group G {\ngroup {\na\nb\n}\ngroup {\nc {\n}\n}\n}\n",
        [("group-twice", 6), ("keyword-unknown", 10)],
    ),
    "only behind one that is not empty": ("track_group G {\ngroup {\n}\ngroup {\nc\n}\n}\n", []),
    "nothing for a range, a mask or port 0": (
        "virtual_server 192.0.2.1-5 00 {\nreal_server 192.0.2.2/24 +80 {\n}\n}\n",
        [],
    ),
}
