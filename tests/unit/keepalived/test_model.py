# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says becomes keepalived's text, or one sentence that names the option."""

from __future__ import annotations

import typing as t
from dataclasses import fields

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    Authentication,
    BfdInstance,
    GlobalDefs,
    KeepalivedConfig,
    SyncGroup,
    TrackFile,
    TrackProcess,
    VirtualServer,
    VirtualServerGroup,
    VrrpInstance,
    VrrpScript,
    interface_for,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

INSTANCE: dict[str, t.Any] = {
    "name": "VI_1",
    "virtual_router_id": 100,
    "priority": 250,
    "preempt_delay": 60,
    "unicast_src_ip": "10.89.50.11",
    "unicast_peer": ["10.89.50.12"],
    "virtual_ipaddress": ["10.89.50.100/24"],
    "virtual_ipaddress_excluded": [],
    "track_file": ["nginx_crash"],
}
PAIR: dict[str, t.Any] = {
    "global_defs": {"router_id": "lb1", "enable_script_security": True, "vrrp_check_unicast_src": True},
    "track_files": [{"name": "nginx_crash", "file": "/run/holdfast/track/nginx_crash", "init_file": {"value": 1}}],
    "instances": [INSTANCE],
}
HOST = [HostAddress("lo", "127.0.0.1", 8), HostAddress("eth0", "10.89.50.11", 24)]

INSTANCE_TEXT = """\
# holdfast.nginx_ha owns this file: what is edited here by hand is lost.
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    version 3
    virtual_router_id 100
    priority 250
    advert_int 0.1
    preempt_delay 60
    unicast_src_ip 10.89.50.11
    unicast_peer {
        10.89.50.12
    }
    track_file {
        nginx_crash
    }
    virtual_ipaddress {
        10.89.50.100/24
    }
}
"""


def test_a_pair_is_one_file_a_block_in_the_order_that_keepalived_needs() -> None:
    texts = files(KeepalivedConfig.from_options(PAIR).with_interfaces(HOST))
    assert sorted(texts) == [
        "00-global_defs.conf",
        "10-track_file-nginx_crash.conf",
        "30-vrrp_instance-VI_1.conf",
    ]
    assert texts["30-vrrp_instance-VI_1.conf"] == INSTANCE_TEXT


def test_the_first_file_is_there_even_when_nothing_is_owned() -> None:
    assert list(files(KeepalivedConfig.from_options({}))) == ["00-global_defs.conf"]


def test_an_instance_is_read_back_from_its_text() -> None:
    config = KeepalivedConfig.from_options(PAIR).with_interfaces(HOST)
    block = parse(files(config)["30-vrrp_instance-VI_1.conf"])[-1]
    assert VrrpInstance.from_block(block) == (config.instances or ())[0]


def test_an_ipv6_address_never_becomes_the_source_unless_it_says_so() -> None:
    lines = ["fd00::1/64", "fd00::2/64 preferred_lft forever", "fd00::3", "192.0.2.1/24"]
    options = {"instances": [dict(PAIR["instances"][0], virtual_ipaddress_excluded=lines)]}
    text = files(KeepalivedConfig.from_options(options).with_interfaces(HOST))["30-vrrp_instance-VI_1.conf"]
    # keepalived itself does so for an address without a prefix, and an IPv4 address has no such thing.
    assert text.partition("virtual_ipaddress_excluded {")[2].split("\n")[1:-3] == [
        f"        {line}" for line in ["fd00::1/64 preferred_lft 0", *lines[1:]]
    ]


def test_a_secret_is_hidden_in_a_diff() -> None:
    assert redact("    auth_pass s3cret\n    priority 1\n") == "    auth_pass ********\n    priority 1\n"


@pytest.mark.parametrize(
    ("change", "version", "path", "word"),
    [
        ({"priority": 256}, None, "priority", "from 1 to 255"),
        ({"priority": True}, None, "priority", "whole number"),
        ({"prioritty": 1}, None, "prioritty", "no such option"),
        ({"advert_int": 0.255}, None, "", "multiple of 0.01"),
        ({"version": 2, "advert_int": 0.5}, None, "", "fraction"),
        ({"nopreempt": True}, None, "", "preempt_delay"),
        ({"preempt_delay": None, "nopreempt": True, "initial_state": "MASTER"}, None, "", "MASTER"),
        ({"authentication": {"auth_type": "PASS", "auth_pass": "x"}}, None, "", "password"),
        ({"authentication": {"auth_type": "PASS", "auth_pass": "123456789"}}, None, "authentication.auth_pass", "cut"),
        ({"virtual_ipaddress": ["10.0.0.1", "fd00::1"]}, None, "", "mixes"),
        ({"virtual_ipaddress": ["10.0.0.1/33"]}, None, "virtual_ipaddress[0].address", "not an IP address"),
        ({"virtual_ipaddress": ["10.0.0.1 lable x"]}, None, "virtual_ipaddress[0]", '"lable"'),
        ({"virtual_ipaddress": [{"address": "10.0.0.1", "label": "e" * 16}]}, None, "virtual_ipaddress[0].label", "15"),
        ({"interface": "a-very-long-name"}, None, "interface", "15"),
        ({"name": "a$b"}, None, "name", "$"),
        ({"notify": "/bin/sh -c 'a"}, None, "notify", "single quote"),
        ({"timer_expired_backup": True}, Version(2, 2, 7), "timer_expired_backup", "2.2.8"),
        ({"virtual_router_id": None}, None, "virtual_router_id", "missing"),
    ],
)
def test_a_wrong_option_is_named(change: dict[str, t.Any], version: Version | None, path: str, word: str) -> None:
    with pytest.raises(InputError) as error:
        VrrpInstance.from_options({**INSTANCE, **change}, "instances[0]", version)
    assert error.value.path == f"instances[0].{path}".rstrip(".")
    assert word in error.value.message


@pytest.mark.parametrize("change", [{"timer_expired_backup": False}, {"nopreempt": False}, {"priority": "250"}])
def test_false_is_absent_and_a_number_in_quotes_is_a_number(change: dict[str, t.Any]) -> None:
    made = VrrpInstance.from_options({**INSTANCE, **change}, "", Version(2, 2, 7))
    assert made == VrrpInstance.from_options(INSTANCE)


@pytest.mark.parametrize(
    ("vip", "addresses", "held", "source", "expected"),
    [
        ("10.89.50.100", HOST, (), None, "eth0"),
        ("10.89.50.100/32", HOST, (), "10.89.50.11", "eth0"),
        ("10.89.50.100", [*HOST, HostAddress("eth0", "10.89.50.100", 24)], ["10.89.50.100"], None, "eth0"),
        ("10.1.2.3", [HostAddress("a", "10.0.0.1", 8), HostAddress("b", "10.1.2.1", 24)], (), None, "b"),
        ("10.1.2.3", [HostAddress("a", "10.0.0.1", 8), HostAddress("b", "10.1.2.1", 24)], (), "10.0.0.1", "a"),
        ("fd00::9", [HostAddress("eth1", "fd00::1", 64)], (), None, "eth1"),
    ],
)
def test_the_interface_is_the_one_whose_subnet_holds_the_address(
    vip: str, addresses: list[HostAddress], held: t.Collection[str], source: str | None, expected: str
) -> None:
    assert interface_for(vip, addresses, held, source) == expected


@pytest.mark.parametrize(
    ("vip", "addresses", "source", "words"),
    [
        ("192.0.2.9", HOST, None, ["192.0.2.9", "10.89.50.0/24 on eth0", "say the interface"]),
        ("10.89.50.11", HOST, None, ["10.89.50.11", "eth0", "free address"]),
        ("10.89.50.100", HOST, "10.89.51.1", ["10.89.51.1", "eth0"]),
        ("10.0.0.9", [HostAddress("a", "10.0.0.1", 24), HostAddress("b", "10.0.0.2", 24)], None, ["a and b"]),
        ("fd00::9", HOST, None, ["none of that family"]),
    ],
)
def test_an_address_without_an_interface_says_what_to_do(
    vip: str, addresses: list[HostAddress], source: str | None, words: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        interface_for(vip, addresses, (), source, "instances[0].interface")
    assert error.value.path == "instances[0].interface"
    for word in words:
        assert word in error.value.message


BLOCKS: list[tuple[type[Model], dict[str, t.Any]]] = [
    (GlobalDefs, {"router_id": "lb 1#", "dynamic_interfaces": True, "smtp_server": ["192.0.2.1", "26"]}),
    (GlobalDefs, {"notification_email": ["a@example.com"], "vrrp_min_garp": False, "vrrp_garp_interval": 0.001}),
    (TrackFile, {"name": "f", "file": "/run/f", "weight": {"weight": -5, "reverse": True}, "init_file": True}),
    (VrrpScript, {"name": "s", "script": "/x 'a b' c", "user": ["root"], "init_fail": True}),
    (TrackProcess, {"name": "p", "process": ["nginx", "-g"], "quorum": 2, "fork_delay": 0.5}),
    (BfdInstance, {"name": "b", "neighbor_ip": "192.0.2.9", "passive": True, "weight": -10}),
    (SyncGroup, {"name": "G", "group": ["a", "b"], "notify": {"command": "/x y", "user": "nobody"}}),
    (
        VrrpInstance,
        {
            "name": "VI_2",
            "virtual_router_id": 7,
            "version": 2,
            "use_vmac": True,
            "authentication": {"auth_type": "PASS", "auth_pass": "P@##D32!"},
            "virtual_ipaddress": [{"address": "192.0.2.7", "nodad": True, "label": "eth0:1"}, "192.0.2.8/24 brd +"],
            "virtual_routes": ["198.51.100.0/24  via 192.0.2.1"],
            "track_interface": [{"name": "eth1", "weight": -20, "reverse": True}],
        },
    ),
    (
        VrrpInstance,
        {
            "name": "VI_3",
            "virtual_router_id": 7,
            "virtual_ipaddress": ["fd00::7/64"],
            "unicast_peer": [{"address": "fd00::2", "min_ttl": 255}],
            "auth_hmac": {"keys": [{"id": 1, "value": "hex:00"}, {"id": 2, "value": "hex:01"}], "active_key": 2},
        },
    ),
    (
        VirtualServer,
        {
            "address": "192.0.2.100",
            "port": 80,
            "protocol": "TCP",
            "lb_algo": "rr",
            "lb_kind": ["DR"],
            "real_servers": [
                {
                    "address": "192.0.2.30",
                    "port": 80,
                    "http_checks": [{"urls": [{"path": "/", "status_code": ["200"]}]}],
                },
                {"address": "192.0.2.31", "weight": 3, "tcp_checks": [{"connect_port": 81}, {"retry": 2}]},
            ],
        },
    ),
    (
        VirtualServer,
        {"fwmark": 3, "lb_algo": "wlc", "lb_kind": ["NAT"], "real_servers": [{"address": "192.0.2.30", "port": 81}]},
    ),
    (VirtualServerGroup, {"name": "G", "members": ["192.0.2.1-9 80", "fwmark 3"]}),
]


@pytest.mark.parametrize(("model", "options"), BLOCKS)
def test_a_block_is_read_back_from_its_text(model: type[Model], options: dict[str, t.Any]) -> None:
    made = model.from_options(options)
    (block,) = parse(render([made.to_block()]))
    assert model.from_block(block) == made


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("vrrp_instance A {\nfrobnicate 1\n}\n", "frobnicate"),
        ("vrrp_instance A {\nvirtual_router_id $ID\n}\n", "$ID"),
        ("vrrp_instance A {\nvirtual_router_id 0\n}\n", "1 to 255"),
        ("vrrp_instance A {\npriority 1\n}\n", "virtual_router_id is missing"),
    ],
)
def test_what_a_model_cannot_express_is_an_error_with_its_line(text: str, word: str) -> None:
    with pytest.raises(ConfigError) as error:
        VrrpInstance.from_block(parse(text, "k.conf")[0])
    assert word in error.value.message
    assert str(error.value).startswith("k.conf:")


def config_of(text: str) -> KeepalivedConfig:
    return KeepalivedConfig.from_block(Block("", (), parse(text, "k.conf")))


@pytest.mark.parametrize("line", ["@high ADDRESS", "@^high ADDRESS", "include more.conf", "${A}", "~SEQ(N,2) ADDRESS"])
@pytest.mark.parametrize(
    "text",
    [
        "static_routes {\nLINE\n}\n",
        "static_rules {\nLINE\n}\n",
        "static_ipaddress {\nLINE\n}\n",
        "interface_up_down_delays {\nLINE\n}\n",
        "virtual_server_group G {\n192.0.2.1 80\nLINE\n}\n",
        "track_group G {\ngroup {\nA\nLINE\n}\n}\n",
        "garp_group {\ngarp_interval 1\ninterfaces {\nLINE\n}\n}\n",
        "global_defs {\nnotification_email {\nLINE\n}\n}\n",
        "vrrp_sync_group G {\ngroup {\nLINE\nB\n}\n}\n",
        "vrrp_sync_group G {\ngroup {\nA\nB\n}\ntrack_script {\nLINE\n}\n}\n",
        *(
            f"vrrp_instance V {{\nvirtual_router_id 1\nvirtual_ipaddress {{\n192.0.2.1\n}}\n{name} {{\nLINE\n}}\n}}\n"
            for name in ("virtual_ipaddress_excluded", "unicast_peer", "virtual_routes", "track_file")
        ),
    ],
)
def test_a_line_of_a_list_that_may_be_another_is_never_taken_for_its_words(text: str, line: str) -> None:
    written = text.replace("LINE", line.replace("ADDRESS", "192.0.2.9"))
    with pytest.raises(ConfigError, match="cannot be expressed as options") as error:
        config_of(written)
    assert error.value.position.line == written.split("\n").index(line.replace("ADDRESS", "192.0.2.9")) + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("umask IWGRP | IWOTH", ("IWGRP", "|", "IWOTH")),
        ("umask IWGRP|IWOTH", ("IWGRP|IWOTH",)),
        ("umask 022", ("022",)),
        ("vrrp_rx_bufs_policy MTU ADVERT", ("MTU", "ADVERT")),
        ("data_use_instance off", ("false",)),
        ("data_use_instance", ("true",)),
        ("lvs_timeouts tcp 1 udp 2", ("tcp", "1", "udp", "2")),
    ],
)
def test_every_word_of_a_value_is_read(text: str, words: tuple[str, ...]) -> None:
    made = GlobalDefs.from_block(parse(f"global_defs {{\n{text}\n}}\n")[0])
    assert made.to_block().children == (Block(text.split()[0], words),)


def test_a_value_of_several_words_may_be_an_option_too() -> None:
    (line,) = GlobalDefs.from_options({"umask": "IWGRP |  IWOTH"}).to_block().children or ()
    assert line == Block("umask", ("IWGRP", "|", "IWOTH"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('static_routes {\n"192.0.2.0/24 via" 192.0.2.1\n}\n', "a blank in it"),
        ('global_defs {\numask "IWGRP | IWOTH"\n}\n', "a blank in it"),
        ("global_defs {\nvrrp_strict off\n}\n", "does not turn it off"),
    ],
)
def test_words_that_would_become_others_are_refused(text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        config_of(text)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (
            "global_defs {\nrouter_id a\n}\nglobal_defs {\numask 022\n}\n",
            [Block("global_defs", (), (Block("router_id", ("a",)), Block("umask", ("022",))))],
        ),
        (
            "global_defs {\nrouter_id a\n}\nglobal_defs {\nrouter_id b\n}\n",
            [Block("global_defs", (), (Block("router_id", ("b",)),))],
        ),
        (
            "static_routes {\na\n}\nstatic_rules {\nb\n}\nstatic_routes {\nc\n}\n",
            [Block("static_routes", (), (Block("a"), Block("c"))), Block("static_rules", (), (Block("b"),))],
        ),
        (
            "bfd_instance B {\nneighbour_ip 192.0.2.1\nhoplimit 4\nneighbor_ip 192.0.2.2\nttl 5\n}\n",
            [Block("bfd_instance", ("B",), (Block("neighbor_ip", ("192.0.2.2",)), Block("ttl", ("5",))))],
        ),
    ],
)
def test_what_is_said_in_several_places_is_one_in_the_order_of_the_text(text: str, blocks: list[Block]) -> None:
    assert list(config_of(text).to_block().children or ()) == blocks


def test_an_instance_may_have_its_authentication_in_two_blocks() -> None:
    halves = "authentication {\nauth_type PASS\n}\nauthentication {\nauth_pass x\n}\n"
    text = f"vrrp_instance V {{\nvirtual_router_id 1\nversion 2\nvirtual_ipaddress {{\n192.0.2.1\n}}\n{halves}}}\n"
    (instance,) = config_of(text).instances or ()
    assert instance.authentication == Authentication("PASS", "x")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("global_defs {\nnftables a\n}\nglobal_defs {\nnftables b\n}\n", "nftables is said twice"),
        ("global_defs {\nstartup_script /a\nstartup_script /b\n}\n", "startup_script is said twice"),
        ("track_group G {\ngroup {\na\n}\ngroup {\nb\n}\n}\n", "group is said twice"),
        ("track_file f {\nfile /a\nfile /b\n}\n", "file is said twice"),
        ("global_defs {\nrouter_id a\n{\nb\n}\n}\n", "router_id has no block"),
        ("track_group G {\ngroup\na\n}\n", "the block of group is missing"),
        ("static_routes\n", "the block of static_routes is missing"),
    ],
)
def test_what_keepalived_complains_of_is_not_mended_in_silence(text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        config_of(text)


ORDERED = [
    (GlobalDefs, ["nftables keepalived", "vrrp_iptables"]),
    (GlobalDefs, ["nftables", "nftables_priority 5"]),
    (GlobalDefs, ["nftables_ipvs", "nftables_ipvs_start_fwmark 5"]),
    (GlobalDefs, ["script_user root", "startup_script /bin/true"]),
    (GlobalDefs, ["script_user root", "vrrp_notify_fifo_script /bin/true"]),
    (GlobalDefs, ["enable_script_security", "notify_fifo /run/f"]),
    (GlobalDefs, ["process_names", "vrrp_process_name x"]),
    (VrrpInstance, ["accept", "no_accept"]),
    (VirtualServer, ["lb_algo sh", "sh-port"]),
    (VirtualServer, ["sorry_server 192.0.2.9", "sorry_server_inhibit"]),
]


@pytest.mark.parametrize(("model", "lines"), ORDERED)
def test_what_depends_on_the_order_keeps_it(model: type[Model], lines: list[str]) -> None:
    names = [line.split()[0] for line in lines]
    for written, is_refused in ((lines, False), (lines[::-1], True)):
        said = ""
        try:
            model.from_block(parse("\n".join(["x {", *written, "}\n"]))[0])
        except ConfigError as error:
            said = str(error)
        assert (f"{names[1]} comes before {names[0]}" in said) == is_refused


def test_what_comes_after_another_in_the_text_comes_after_it_among_the_options() -> None:
    for model in (GlobalDefs, VrrpInstance, VirtualServer, KeepalivedConfig):
        order = [(one.name, one.metadata["option"]) for one in fields(model)]
        places = {key: at for at, (name, one) in enumerate(order) for key in one.keywords or (name,)}
        for at, (name, one) in enumerate(order):
            assert all(places[earlier] < at for earlier in one.after), f"{model.__name__}.{name}"
