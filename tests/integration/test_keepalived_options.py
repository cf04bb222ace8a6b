# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real keepalived takes every option of every block without a word, at both ends of its range.

An option that its version does not know is left out, as the models refuse it then.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import checkers, fields, trackers
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    BfdInstance,
    GarpGroup,
    GlobalDefs,
    KeepalivedConfig,
    RealServer,
    SyncGroup,
    TrackFile,
    TrackProcess,
    VirtualServer,
    VrrpInstance,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build, parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import kinds
from real_keepalived import Keepalived

Options = t.Dict[str, t.Any]

COMMAND = "/usr/bin/true 'a b'"
FIFOS = [["/run/x"], ["/run/x", "root"], ["/run/x", "root", "root"]]
# Needs what a build may lack, changes the host, or is refused by our own models for a reason of its own.
SKIPPED = {
    "auth_hmac",
    "config_save_dir",
    "disable_local_igmp",
    "hosts",  # keepalived 2.3.3 never ends its test of it
    "iproute_etc_dir",
    "iproute_usr_dir",
    "name",
    "tmp_config_directory",
    "vrf",
    "vrrp_ipsets",
    "vrrp_iptables",
}
SAMPLES: dict[str, list[t.Any]] = {
    "authentication": [{"auth_type": "PASS", "auth_pass": "12345678"}, {"auth_type": "AH", "auth_pass": "a"}],
    "bfd_cpu_affinity": [["0"]],
    "bindto": ["192.0.2.10"],
    "checker_cpu_affinity": [["0"]],
    "connect_ip": ["192.0.2.30", "fd00::1"],
    "default_interface": ["eth0"],
    "digest": ["0123456789abcdef0123456789ABCDEF"],
    "dynamic_interfaces": [True, "allow_if_changes"],
    "garp_extra_if": [["10"], ["all", "0"]],
    "group": [["VI_1", "VI_2"]],
    "include_check": [True, ["read", "+match"]],
    "init_file": [True, {"value": -254, "overwrite": True}],
    "interfaces": [["eth0", "eth1"]],
    "lvs_flush_on_stop": [True, "VS"],
    "lvs_method": [["NAT"], ["DR"]],
    "lvs_notify_fifo": FIFOS,
    "lvs_sync_daemon": [["eth0"], ["eth0", "id", "3"]],
    "lvs_timeouts": [["tcp", "5"], ["tcp", "5", "tcpfin", "6", "udp", "7"]],
    "max_reply_length": [255, 65535],
    "mcast_dst_ip": ["224.0.0.99"],
    "mcast_src_ip": ["192.0.2.10"],
    "min_reply_length": [0, 255],
    "misc_path": [COMMAND],
    "neighbor_ip": ["192.0.2.9", "fd00::9"],
    "nftables": [True, "table"],
    "nftables_ipvs": [True, "table"],
    "notification_email": [["a@example.com", "b@example.com"]],
    "notify_fifo": FIFOS,
    "payload": ["00fe", "00 fe"],
    "process": [["nginx"], ["/usr/sbin/nginx", "-g", "daemon off;"]],
    "regex_options": [["icase", "multiline"]],
    "quorum_max": [1, 65535],
    "reload_check_config": [True],
    "reload_file": [True],
    "require_reply": [True, "00fe"],
    "router_id": ["lb 1 #!{}'@~é"],
    "script_user": [["root"], ["root", "root"]],
    "smtp_server": [["192.0.2.7"], ["192.0.2.7", "26"]],
    "source_ip": ["192.0.2.10"],
    "status_code": [["200"], ["200", "300-399"]],
    "track_bfd": [["b"], [{"name": "b", "weight": 253, "reverse": True}]],
    "track_file": [["f"], [{"name": "f", "weight": -253}]],
    "track_interface": [["eth1"], [{"name": "eth1", "weight": -253}]],
    "track_process": [["p"], [{"name": "p", "weight": -253}]],
    "track_script": [["s"], [{"name": "s", "weight": 253, "reverse": True}]],
    "umask": ["022", "0777", "IWOTH", "IWGRP | IWOTH"],
    "unicast_peer": [["192.0.2.11"], [{"address": "192.0.2.11", "min_ttl": 0, "max_ttl": 255}]],
    "unicast_src_ip": ["192.0.2.10"],
    "urls": [[{"path": "/"}, {"path": "/a b"}]],
    "use_ipvlan": [["ipv1", "192.0.2.66/24"]],
    "use_vmac": [True, ["vrrp.5"]],
    "user": [["root"], ["root", "root"]],
    "virtual_ipaddress": [
        ["192.0.2.100"],
        ["192.0.2.100/24 brd + dev eth0 label eth0:1 scope link home -nodad noprefixroute no_track"],
        ["192.0.2.100 preferred_lft forever"],
        ["192.0.2.1 peer 192.0.2.2"],
        ["fd00::1/64 mngtmpaddr autojoin preferred_lft 100"],
    ],
    "virtual_ipaddress_excluded": [["192.0.2.200", "fd00::2"]],
    "virtual_routes": [["198.51.100.0/24 via 192.0.2.1 dev eth0"]],
    "virtual_rules": [["from 192.0.2.0/24 table 100 priority 1000"]],
    "vmac_addr_prefix": ["vx"],
    "vrrp_cpu_affinity": [["0"]],
    "vrrp_garp_extra_if": [["10"], ["all", "5"]],
    "vrrp_mcast_group4": ["224.0.0.18"],
    "vrrp_mcast_group6": ["ff02::12"],
    "vrrp_notify_fifo": FIFOS,
    "vrrp_rx_bufs_policy": ["MTU", "ADVERT", "100"],
}
# What has to be said with an option.
BESIDE: dict[str, Options] = {
    "advert_int": {"version": 2},
    "authentication": {"version": 2},
    "check_unicast_src": {"unicast_peer": ["192.0.2.11"]},
    "nopreempt": {"initial_state": "BACKUP"},
    "owner_ignore_adverts": {"priority": 255},
    "timer_expired_backup": {"nopreempt": True},
    "unicast_src_ip": {"unicast_peer": ["192.0.2.11"]},
    "unicast_ttl": {"unicast_peer": ["192.0.2.11"]},
    "vmac_xmit_base": {"use_vmac": True},
    "quorum_max": {"quorum": 1},
}


@pytest.fixture(scope="module")
def keepalived() -> t.Iterator[Keepalived]:
    with tempfile.TemporaryDirectory() as folder:
        made = Keepalived(Path(folder))
        yield made
        made.close()


@pytest.fixture(scope="module")
def build(keepalived: Keepalived) -> Build:
    done = subprocess.run([keepalived.binary, "--version"], stderr=subprocess.PIPE, text=True, check=True)
    return parse_build(done.stderr)


def samples(name: str, kind: kinds.Kind) -> list[t.Any]:
    """Return values for an option: both ends of a range, every choice, both answers."""
    if name in SAMPLES:
        return SAMPLES[name]
    if isinstance(kind, trackers.WeightKind):
        return [kind.number.low, kind.number.high, {"weight": 5, "reverse": True}]
    if isinstance(kind, (kinds.Integer, fields.Decimal)):
        return [kind.low, kind.high]
    if isinstance(kind, fields.Switch):
        return [True, False]
    if isinstance(kind, fields.Flag):
        return [True]
    if isinstance(kind, kinds.Choice):
        return list(kind.choices)
    if isinstance(kind, fields.Interface):
        return ["eth0"]
    if isinstance(kind, trackers.OneCommand):
        return [COMMAND]
    if isinstance(kind, fields.Script):
        return [COMMAND, {"command": COMMAND, "user": "root", "group": "root"}]
    if isinstance(kind, fields.Text):
        return ["x"]
    raise AssertionError(f"no value is known for {name}: add one to SAMPLES")


def cases(model: type[Model]) -> list[Options]:
    """Return the options to try: each alone, with what has to stand beside it."""
    found = []
    for field in dataclasses.fields(t.cast(t.Any, model)):
        kind = field.metadata["option"].kind
        if field.name not in SKIPPED:
            found += [{**BESIDE.get(field.name, {}), field.name: value} for value in samples(field.name, kind)]
    return found


def assert_silent(keepalived: Keepalived, build: Build, options: Options) -> bool:
    """Tell whether there was anything to try: where there was, keepalived takes it without a word."""
    said = {
        "global_defs": {"enable_script_security": True, "script_user": ["root"]},
        "track_files": [{"name": "f", "file": "/etc/hostname"}],
        "vrrp_scripts": [{"name": "s", "script": COMMAND}],
        "track_processes": [{"name": "p", "process": ["nginx"]}],
        "bfd_instances": [{"name": "b", "neighbor_ip": "192.0.2.9"}],
        "instances": [instance(1)],
        **options,
    }
    try:
        texts = files(KeepalivedConfig.from_options(said, version=build.version))
    except InputError as error:
        if "needs keepalived" in error.message or "a fraction" in error.message:
            return False
        raise
    rc, words = keepalived.test("".join(texts[name] for name in sorted(texts)))
    assert (rc, words) == (0, ""), f"{options}: {words}"
    return True


def instance(number: int, **options: t.Any) -> Options:
    return {
        "name": f"VI_{number}",
        "interface": "eth0",
        "virtual_router_id": number,
        "virtual_ipaddress": [f"192.0.2.{100 + number}/24"],
        **options,
    }


def virtual_server(real_server: Options | None = None, **options: t.Any) -> Options:
    return {
        "address": "192.0.2.100",
        "port": 80,
        "protocol": "TCP",
        "lb_algo": "rr",
        "lb_kind": ["NAT"],
        "real_servers": [{"address": "192.0.2.30", "port": 8080, **(real_server or {})}],
        **options,
    }


def test_global_defs(keepalived: Keepalived, build: Build) -> None:
    always = {"enable_script_security": True, "script_user": ["root"]}
    tried = [assert_silent(keepalived, build, {"global_defs": {**always, **case}}) for case in cases(GlobalDefs)]
    assert sum(tried) > 100


def test_instances(keepalived: Keepalived, build: Build) -> None:
    for case in cases(VrrpInstance):
        if case.get("advert_int") != 0.01:  # the lower end is that of version 3
            assert_silent(keepalived, build, {"instances": [instance(1, **case)]})
    assert_silent(keepalived, build, {"instances": [instance(1, advert_int=0.01), instance(2, advert_int=40.95)]})


@pytest.mark.parametrize(
    ("key", "model", "base", "user"),
    [
        ("track_files", TrackFile, {"name": "f", "file": "/etc/hostname"}, {"track_file": ["f"]}),
        ("vrrp_scripts", VrrpScript, {"name": "s", "script": COMMAND}, {"track_script": ["s"]}),
        ("track_processes", TrackProcess, {"name": "p", "process": ["nginx"]}, {"track_process": ["p"]}),
        ("bfd_instances", BfdInstance, {"name": "b", "neighbor_ip": "192.0.2.9"}, {}),
        ("garp_groups", GarpGroup, {"garp_interval": 0.1}, {}),
    ],
)
def test_trackers(
    keepalived: Keepalived, build: Build, key: str, model: type[Model], base: Options, user: Options
) -> None:
    for case in cases(model):
        fractional = model is VrrpScript and set(case) & {"interval", "timeout"} and build.version < (2, 3, 2)
        values = {name: max(1, value) if fractional else value for name, value in case.items()}
        assert_silent(keepalived, build, {key: [{**base, **values}], "instances": [instance(1, **user)]})


def test_sync_groups(keepalived: Keepalived, build: Build) -> None:
    for case in cases(SyncGroup):
        group = {"name": "G", "group": ["VI_1", "VI_2"], "sync_group_tracking_weight": True, **case}
        assert_silent(keepalived, build, {"sync_groups": [group], "instances": [instance(1), instance(2)]})


VIRTUAL: dict[str, list[Options]] = {
    "address": [],
    "alpha": [{}],
    "fwmark": [{"address": None, "port": None, "protocol": None}],
    "group": [],
    "hashed": [{"lb_algo": "sh"}],
    "hysteresis": [{"hysteresis": 0}],
    "ip_family": [{"ip_family": "inet"}],
    "lb_kind": [{"lb_kind": ["NAT"]}, {"lb_kind": ["DR"], "real_servers": [{"address": "192.0.2.30"}]}],
    "mh_fallback": [{"lb_algo": "mh"}],
    "mh_port": [{"lb_algo": "mh"}],
    "ops": [{"protocol": "UDP"}],
    "persistence_granularity": [{"persistence_granularity": "255.255.255.0"}],
    "port": [{"port": 1}, {"port": 65535}, {"port": 0, "persistence_timeout": 5}],
    "quorum": [{"quorum": 1}],
    "real_servers": [],
    "sh_fallback": [{"lb_algo": "sh"}],
    "sh_port": [{"lb_algo": "sh"}],
    "sorry_server": [{"sorry_server": ["192.0.2.31", "80"]}],
    "sorry_server_inhibit": [{"sorry_server": ["192.0.2.31", "80"]}],
    "sorry_server_lvs_method": [{"sorry_server": ["192.0.2.31", "80"], "sorry_server_lvs_method": ["DR"]}],
}


def test_virtual_servers(keepalived: Keepalived, build: Build) -> None:
    for field in dataclasses.fields(VirtualServer):
        kind = field.metadata["option"].kind
        for beside in VIRTUAL.get(field.name, [{}]):
            inner = getattr(kind, "kind", kind)
            for value in [beside[field.name]] if field.name in beside else samples(field.name, inner):
                one = virtual_server(**{field.name: value, **beside})
                assert_silent(keepalived, build, {"virtual_servers": [one]})


REAL = {"address", "port", "weight"} | {
    field.name for field in dataclasses.fields(RealServer) if "checks" in field.name
}


def test_real_servers(keepalived: Keepalived, build: Build) -> None:
    for field in dataclasses.fields(RealServer):
        for value in samples(field.name, field.metadata["option"].kind) if field.name not in REAL else ():
            assert_silent(keepalived, build, {"virtual_servers": [virtual_server({"port": None, field.name: value})]})
    for weight in (1, 65535):
        assert_silent(keepalived, build, {"virtual_servers": [virtual_server({"weight": weight})]})


@pytest.mark.parametrize(
    ("key", "model", "base"),
    [
        ("tcp_checks", checkers.TcpCheck, {}),
        ("http_checks", checkers.HttpGet, {"urls": [{"path": "/"}]}),
        ("ssl_checks", checkers.SslGet, {"urls": [{"path": "/"}]}),
        ("dns_checks", checkers.DnsCheck, {}),
        ("misc_checks", checkers.MiscCheck, {"misc_path": COMMAND}),
        ("smtp_checks", checkers.SmtpCheck, {}),
        ("udp_checks", checkers.UdpCheck, {}),
        ("ping_checks", checkers.PingCheck, {}),
        ("bfd_checks", checkers.BfdCheck, {"name": "b"}),
    ],
)
def test_checkers(keepalived: Keepalived, build: Build, key: str, model: type[Model], base: Options) -> None:
    for case in cases(model):
        assert_silent(keepalived, build, {"virtual_servers": [virtual_server({key: [{**base, **case}]})]})


@pytest.mark.parametrize(("key", "model"), [("http_checks", checkers.Url), ("ssl_checks", checkers.SslUrl)])
def test_urls(keepalived: Keepalived, build: Build, key: str, model: type[Model]) -> None:
    for case in cases(model):
        checks = [{"urls": [{"path": "/", **case}]}]
        assert_silent(keepalived, build, {"virtual_servers": [virtual_server({key: checks})]})
