# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's processes read one after the other: each stops and skips where it does, and says what it sees till then.

What is expected here is what ``keepalived -t`` of version 2.2.7 says.
"""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lint import lint

INSTANCE = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\nLINES\n}\n"
SERVER = "virtual_server 192.0.2.1 80 {\nLINES\n}\n"


def complaints(text: str) -> list[tuple[str, int]]:
    """The rules that are broken, with their lines, in the order in which keepalived would say so."""
    return [(one.rule, int(one.where.rpartition(":")[2])) for one in expand(text, "k.conf").findings]


def instance(lines: str) -> str:
    return INSTANCE.replace("LINES", lines)


def server(lines: str) -> str:
    return SERVER.replace("LINES", lines)


MISSING = {
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
    "a value that is a keyword": (instance("virtual_routes {\n192.0.2.0/24 table local\n}"), []),
    "a word that ends the route before": (instance("virtual_routes {\n192.0.2.0/24 type local\n}"), []),
    "a command that crashes it": (
        "vrrp_script s {\nscript /bin/true 'a\n}\n" + server("odd") + instance("odd"),
        [("keyword-unknown", 5), ("command-open", 2)],
    ),
    "a command that it drops": (instance("notify /bin/true 'a\nodd"), [("command-open", 7), ("keyword-unknown", 8)]),
}


@pytest.mark.parametrize("case", MISSING.values(), ids=MISSING)
def test_a_missing_value_ends_it_where_the_process_reads_it(case: tuple[str, list[tuple[str, int]]]) -> None:
    text, expected = case
    assert complaints(text) == expected


SKIPPED = {
    "a virtual server without an address": (
        "virtual_server nowhere 80 {\nreal_server x 80 {\nTCP_CHECK {\nodd\n}\n}\n}\n",
        [("place-wrong", 1)],
    ),
    "one without a port": ("virtual_server 192.0.2.1 99999 {\nodd\n}\n", [("place-wrong", 1)]),
    "one with a mark that is none": ("virtual_server fwmark -1 {\nodd\n}\nodd\n", [("", 4), ("place-wrong", 1)]),
    "the old way to write an address": ("virtual_server 192.0.2.010 80 {\nodd\n}\n", [("place-wrong", 1)]),
    "a zone": ("virtual_server fe80::1%eth0 80 {\nodd\n}\n", [("place-wrong", 1)]),
    "a real server": (
        server("real_server x 80 {\nodd\nTCP_CHECK {\nretry\n}\n}\nodd"),
        [("place-wrong", 2), ("", 8)],
    ),
    "a second bfd_instance of the name": (
        "bfd_instance B {\nneighbor_ip 192.0.2.1\n}\nbfd_instance B {\nodd\nmin_rx\n}\nodd\n",
        [("", 8), ("name-twice", 4)],
    ),
    "a neighbour without an address": (
        "bfd_instance B {\nneighbor_ip x\nmin_rx\n}\nodd\n",
        [("", 5), ("place-wrong", 2)],
    ),
    "a second group, and the rest with it": (
        "vrrp_sync_group G {\ngroup {\na\nb\n}\ngroup {\nc {\n}\n}\n}\n",
        [("group-twice", 6), ("", 10)],
    ),
    "only behind one that is not empty": ("track_group G {\ngroup {\n}\ngroup {\nc\n}\n}\n", []),
    "nothing for a range, a mask or port 0": (
        "virtual_server 192.0.2.1-5 00 {\nreal_server 192.0.2.2/24 +80 {\n}\n}\n",
        [],
    ),
}


@pytest.mark.parametrize("case", SKIPPED.values(), ids=SKIPPED)
def test_what_keepalived_skips_is_not_looked_at(case: tuple[str, list[tuple[str, int]]]) -> None:
    text, expected = case
    found = [("" if rule == "keyword-unknown" else rule, line) for rule, line in complaints(text)]
    assert found == expected


def test_a_block_that_is_skipped_is_not_there() -> None:
    assert expand("virtual_server nowhere 80 {\n}\n").blocks == ()
    (block,) = expand(server("real_server x 80 {\n}\nreal_server 192.0.2.2 80 {\n}")).blocks
    assert [child.args for child in block.children or ()] == [("192.0.2.2", "80")]


def test_the_blocks_of_all_processes_stand_in_their_order() -> None:
    text = "vrrp_script s {\n}\nvirtual_server 192.0.2.1 80 {\n}\nbfd_instance B {\n}\ntrack_file f {\n}\nodd\n"
    names = ["vrrp_script", "virtual_server", "bfd_instance", "track_file", "odd"]
    assert [block.name for block in expand(text).blocks] == names


def test_lint_says_what_keepalived_would_say_and_no_more() -> None:
    missing = "vrrp_instance A {\ninterface eth0\npreempt_delay\n}\nvirtual_server 192.0.2.1 80 {\nunknown_word\n}\n"
    assert [one.rule for one in lint(missing)][:2] == ["keyword-unknown", "value-missing"]
    skipped = "virtual_server nowhere 80 {\nreal_server x 80 {\nTCP_CHECK {\nodd\n}\n}\n}\n"
    assert [one.rule for one in lint(skipped)] == ["place-wrong"]
