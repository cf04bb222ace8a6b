# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule finds what it is for, where it is, and keeps quiet otherwise."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lint import lint
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules import RULES, check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

HOST = [HostAddress("eth0", "192.0.2.10", 24)]
PEERS = {"VI_1": [100]}


class Case(t.NamedTuple):
    """What goes into an instance, or stands before and behind it; ``line`` is that of the finding in ``bad``."""

    rule: str
    bad: str
    good: str
    line: int
    before: str = ""
    behind: str = ""
    peers: dict[str, list[int]] | None = None
    version: int = 3


def whole(inside: str, case: Case) -> str:
    """The instance begins behind ``before``; its own lines are 2 to 7, ``inside`` begins at line 8."""
    return (
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n"
        f"version {case.version}\nvirtual_ipaddress {{\n192.0.2.100/24\n}}\n{inside}\n}}\n"
    )


SECURE = "global_defs {\nenable_script_security\n}\n"
SCRIPT = SECURE + "vrrp_script chk {\nscript /bin/true\n}\n"
FILE = "track_file f {\nfile /run/f\nweight 0\n}\n"
SECOND = "vrrp_instance VI_2 {{\ninterface eth0\nvirtual_router_id {}\nvirtual_ipaddress {{\n{}\n}}\n}}\n"
GROUP = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
SERVER = (
    "virtual_server 192.0.2.100 80 {\nprotocol TCP\nlb_algo rr\nlb_kind DR\nreal_server 192.0.2.30 80 {\n"
    "FILE_CHECK {\ntrack_file f\n}\n}\n}\n"
)
OTHER = SECOND.format(52, "192.0.2.101")

IN_INSTANCE = [
    Case("label-device", "virtual_ipaddress_excluded {\n192.0.2.9 label eth1:1\n}", "", 1),
    Case("label-device", "virtual_ipaddress_excluded {\n192.0.2.9 dev eth1 label eth0:1\n}", "", 1),
    Case(
        "vip-of-host",
        "virtual_ipaddress_excluded {\n192.0.2.10\n}",
        "virtual_ipaddress_excluded {\n192.0.2.11\n}",
        1,
    ),
    Case("vip-twice", "virtual_ipaddress_excluded {\n192.0.2.100\n}", "", 1),
    Case(
        "peer-is-self", "unicast_src_ip 192.0.2.10\nunicast_peer {\n192.0.2.10\n}", "unicast_peer {\n192.0.2.11\n}", 1
    ),
    Case("peer-twice", "unicast_peer {\n192.0.2.11\n192.0.2.11\n}", "unicast_peer {\n192.0.2.11\n192.0.2.12\n}", 1),
    Case("strict", "no_accept", "accept", 1),
    Case("strict", "strict_mode on", "strict_mode off", 1),
    Case("source-elsewhere", "mcast_src_ip 192.0.2.77", "mcast_src_ip 192.0.2.10", 1),
    Case("tracker-undefined", "track_file {\nf\n}", "", 1),
    Case("tracker-undefined", "track_script {\nnginx\n}", "track_script {\nchk\n}", 4 + 3, SCRIPT),
    Case("tracker-twice", "track_file {\nf\nf weight 0\n}", "track_file {\nf\n}", 5, FILE),
    Case("own-interface-tracked", "track_interface {\neth0\n}", "track_interface {\neth1\n}", 1),
    Case(
        "nopreempt-with-weight",
        "nopreempt\ntrack_file {\nf weight -50\n}",
        "nopreempt\ntrack_file {\nf\n}",
        5,
        FILE,
    ),
    Case(
        "nopreempt-with-weight",
        "nopreempt\ntrack_file {\nf\n}",
        "track_file {\nf\n}",
        4,
        "track_file f {\nfile /run/f\n}\n",
    ),
    Case("owner-with-weight", "priority 255\ntrack_file {\nf weight 5\n}", "track_file {\nf weight 5\n}", 5, FILE),
    Case(
        "weight-below-gap",
        "priority 150\ntrack_file {\nf weight -50\n}",
        "priority 150\ntrack_file {\nf weight -51\n}",
        5,
        FILE,
        peers=PEERS,
    ),
    Case("weight-tiny", "track_interface {\neth1 weight -2\n}", "track_interface {\neth1 weight -20\n}", 1),
    Case("priority-tie", "priority 100", "priority 101", 1, peers=PEERS),
    Case("owner-by-default", "state MASTER", "state MASTER\npriority 150", 1),
    Case(
        "script-for-shell",
        'notify_master "/bin/echo a | /usr/bin/logger"',
        "notify_master \"/bin/sh -c '/bin/echo a | /usr/bin/logger'\"",
        4,
        SECURE,
    ),
    Case("script-for-shell", "notify /bin/a && /bin/b", "notify /bin/a", 4, SECURE),
    Case("script-curly-quotes", "notify “/bin/a”", "notify /bin/a", 4, SECURE),
    Case("script-security", "notify /bin/a", "", 1),
    Case("advert-fraction", "advert_int 0.5", "advert_int 2", 1, version=2),
    Case("password-ignored", "authentication {\nauth_type PASS\nauth_pass x\n}", "", 1),
    Case("value-cut", "authentication {\nauth_type PASS\nauth_pass P@##D321!\n}", "state BACKUP # is first", 10),
    Case("value-wrong", "priority 256", "priority 254", 8),
    Case("value-wrong", "nopreempt\nstate MASTER", "nopreempt", 1),
    Case("words-extra", "priority 100 200", "priority 100", 8),
    Case("words-extra", "nopreempt foo", "nopreempt", 8),
    Case("keyword-twice", "priority 100\npriority 200", "priority 100", 9),
    Case("placeholder", "smtp_alert <yes>", "smtp_alert true", 8),
    Case("placeholder", "advert_int $SECONDS", "advert_int 1", 8),
    Case("placeholder", "priority {{ priority }}", "priority 1", 8),
    Case("keyword-unknown", "advert_in 1", "advert_int 1", 8),
    Case("vip-twice", "", "", 10, behind=SECOND.format(52, "192.0.2.100/32")),
    Case("router-id-twice", "", "", 10, behind=SECOND.format(51, "192.0.2.101")),
    Case("tracker-later", "track_file {\nf\n}", "", 9, behind=FILE),
    Case("group-member-unknown", "", "", 10, behind=GROUP),
    Case("group-small", "", "", 10, behind="vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n"),
    Case("group-shared", "", "", 23, behind=OTHER + GROUP + GROUP.replace("G {", "H {")),
    Case("group-with-weight", "track_file {\nf weight 9\n}", "track_file {\nf\n}", 5, FILE, OTHER + GROUP),
    Case("check-undefined", "", "", 10, behind=SERVER),
    Case("name-twice", "", "", 7, SCRIPT + SCRIPT.replace(SECURE, "")),
    Case("process-name-long", "", "", 1, "vrrp_track_process p {\nprocess a-very-long-process\n}\n"),
    Case("script-timeout", "", "", 4, SECURE + "vrrp_script s {\nscript /bin/true\ninterval 1\ntimeout 3\n}\n"),
    Case("strict", "", "", 1, "global_defs {\nvrrp_strict\n}\n"),
    Case("value-wrong", "", "", 2, "global_defs {\nvrrp_garp_interval 0\n}\n"),
    Case("namespace-hides-errors", "", "", 1, "net_namespace blue\n"),
    Case(
        "vips-many",
        "virtual_ipaddress {\n" + "".join(f"192.0.2.{number}\n" for number in range(101, 125)) + "}",
        "",
        1,
    ),
]


@pytest.mark.parametrize("case", IN_INSTANCE, ids=lambda case: case.rule)
def test_a_rule_finds_what_breaks_it(case: Case) -> None:
    text = case.before + whole(case.bad, case) + case.behind
    found = lint(text, "k.conf", addresses=HOST, peers=case.peers)
    assert (case.rule, f"k.conf:{case.line}") in [(one.rule, one.where) for one in found]


@pytest.mark.parametrize("case", IN_INSTANCE, ids=lambda case: case.rule)
def test_a_rule_keeps_quiet_otherwise(case: Case) -> None:
    around = (case.before, case.behind) if case.bad else ("", "")
    text = around[0] + whole(case.good, case) + (around[1] if case.rule != "tracker-later" else "")
    assert case.rule not in [one.rule for one in lint(text, "k.conf", addresses=HOST, peers=case.peers)]


def test_every_rule_has_a_case() -> None:
    assert set(RULES) <= {case.rule for case in IN_INSTANCE}


def test_several_global_defs_are_one() -> None:
    text = SECURE + "global_defs {\nrouter_id a\n}\n" + whole("notify /bin/a", Case("", "", "", 0))
    assert "script-security" not in [one.rule for one in lint(text, addresses=HOST)]


def test_words_that_keepalived_reads_are_not_called_ignored() -> None:
    text = "global_defs {\numask IWGRP | IWOTH\nvrrp_rx_bufs_policy MTU ADVERT\n}\n"
    assert lint(text) == []


INSTANCE = {
    "name": "VI_1",
    "interface": "eth0",
    "virtual_router_id": 51,
    "virtual_ipaddress": ["192.0.2.100/24 label eth1:1"],
    "priority": 150,
    "track_file": [{"name": "f", "weight": -10}, "g"],
}


def test_a_finding_in_the_input_says_which_option_it_is() -> None:
    config = KeepalivedConfig.from_options(
        {"track_files": [{"name": "f", "file": "/run/f"}], "instances": [INSTANCE]},
    )
    found = check(config, HOST, peers=PEERS)
    assert [(one.rule, one.where) for one in found] == [
        ("label-device", "instances[0].virtual_ipaddress[0]"),
        ("tracker-undefined", "instances[0].track_file[1]"),
        ("weight-below-gap", "instances[0].track_file[0]"),
    ]


def test_a_configuration_that_is_right_has_no_findings() -> None:
    right = {**INSTANCE, "virtual_ipaddress": ["192.0.2.100/24 label eth0:1"], "track_file": ["f"]}
    config = KeepalivedConfig.from_options(
        {"track_files": [{"name": "f", "file": "/run/f"}], "instances": [right]},
    )
    assert check(config, HOST, peers=PEERS) == []
    assert check(config, [*HOST, HostAddress("eth0", "192.0.2.100", 24)], held=["192.0.2.100/24"]) == []
