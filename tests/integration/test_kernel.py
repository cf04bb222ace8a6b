# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel of a real host is told, and what becomes of it: settings, addresses of a real server, IPVS."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import VIP, Args, Host

IGNORE = "net.ipv4.conf.all.arp_ignore"
FILE = "/etc/sysctl.d/90-holdfast.conf"
UNIT = "/etc/systemd/system/holdfast-loopback.service"


def settings(*names: str, **more: t.Any) -> Args:
    return {"kernel": {"settings": [{"name": name, "value": "1", "reason": "a test", **more} for name in names]}}


def value(host: Host, name: str) -> str:
    return host.run(f"sysctl -n {name}").strip()


def four_times(host: Host, args: Args) -> Args:
    """Check, run, check again, run again; return what the first run said."""
    before = host.listing("/etc")
    checked = host.ok("host_state", args, check=True)
    assert host.listing("/etc") == before
    done = host.ok("host_state", args)
    assert checked["changed"]
    assert done["changed"]
    assert checked["diff"] == done["diff"]
    for check in (True, False):
        assert not host.ok("host_state", args, check=check)["changed"]
    return done


def test_a_setting_is_made_and_goes_back_to_what_it_was(fresh: Host) -> None:
    fresh.run(f"sysctl -w {IGNORE}=2")
    four_times(fresh, settings(IGNORE))
    assert value(fresh, IGNORE) == "1"
    assert f"# a test (was 2)\n{IGNORE} = 1\n" in fresh.read(FILE)
    # What systemd applies at boot is the same file.
    fresh.run(f"sysctl -w {IGNORE}=0; sysctl --load {FILE}")
    assert value(fresh, IGNORE) == "1"

    four_times(fresh, {"kernel": {}})
    assert value(fresh, IGNORE) == "2"
    assert fresh.attempt(f"test -e {FILE}").rc != 0
    fresh.run(f"sysctl -w {IGNORE}=0")


def test_what_the_kernel_refuses_is_told_and_ends_the_play_only_if_it_is_needed(fresh: Host) -> None:
    unknown = "net.ipv4.no_such_setting"
    done = fresh.ok("host_state", settings(unknown))
    assert done["sections"]["kernel"]["refused"] == [
        f"{unknown} = 1 is refused by the kernel (No such file or directory): a test"
    ]
    assert any(unknown in warning for warning in done["warnings"])
    words = fresh.refused("host_state", settings(unknown, needed=True))
    assert words.startswith(f"{unknown} = 1 is refused by the kernel")
    fresh.ok("host_state", {"kernel": {}})


def test_a_real_server_has_the_addresses_also_after_a_boot(fresh: Host) -> None:
    wanted: Args = {"loopback": {"addresses": [VIP, "fd77::100"]}}
    four_times(fresh, wanted)
    shown = fresh.run("ip -br address show lo")
    assert f"{VIP}/32" in shown
    assert "fd77::100/128" in shown
    # As after a boot: the unit brings them without anybody's help.
    fresh.run(f"ip address del {VIP}/32 dev lo; systemctl restart holdfast-loopback")
    assert f"{VIP}/32" in fresh.run("ip -br address show lo")
    assert fresh.run("systemctl is-enabled holdfast-loopback").strip() == "enabled"

    done = four_times(fresh, {"loopback": {"addresses": ["fd77::100"]}})
    assert done["sections"]["loopback"]["removed"] == [VIP]
    four_times(fresh, {"loopback": {}})
    left = fresh.run("ip -br address show lo")
    assert "127.0.0.1/8" in left
    assert "fd77::100" not in left
    assert fresh.attempt(f"test -e {UNIT}").rc != 0


def test_an_address_that_the_host_has_for_all_is_refused(fresh: Host) -> None:
    fresh.run(f"ip address add {VIP}/24 dev eth0")
    words = fresh.refused("host_state", {"loopback": {"addresses": [VIP]}})
    assert words.startswith(f"{VIP} is an address of eth0 on this host")
    fresh.run(f"ip address del {VIP}/24 dev eth0")


def test_without_ipvs_a_deployment_stops_before_anything_is_changed(fresh: Host) -> None:
    if fresh.attempt("test -e /proc/net/ip_vs").rc == 0:
        pytest.skip("this kernel has IPVS")
    words = fresh.refused("preflight", {"ipvs": True})
    assert "the kernel of this host has no IPVS" in words
    assert "balancer_streams" in words
    fresh.ok("preflight", {})


SERVERS: list[dict[str, t.Any]] = [
    {
        "address": VIP,
        "port": 443,
        "protocol": "TCP",
        "lb_algo": "wlc",
        "lb_kind": ["DR"],
        "delay_loop": 2,
        "retry": 1,
        "delay_before_retry": 1,
        "connect_timeout": 2,
        "real_servers": [
            {"address": "10.89.77.21", "port": 443, "weight": 3, "tcp_checks": [{}]},
            {
                "address": "10.89.77.22",
                "port": 443,
                "http_checks": [{"urls": [{"path": "/", "status_code": ["200"]}], "connect_port": 80}],
            },
        ],
    }
]


def test_keepaliveds_own_test_takes_what_is_rendered(host: Host) -> None:
    done = host.ok("keepalived_config", {"virtual_servers": SERVERS}, check=True)
    assert done["validated"] == "daemon"
    text = "".join(one["after"] for one in done["diff"])
    for line in (f"virtual_server {VIP} 443 {{", "lb_kind DR", "real_server 10.89.77.21 443 {", "HTTP_GET {"):
        assert line in text


def test_dense_adverts_are_refused_where_there_is_no_real_time_priority(fresh: Host) -> None:
    """root of a container may not raise limits, and keepalived would be killed there."""
    words = fresh.refused("preflight", {"real_time": 50})
    assert words.startswith("keepalived_timing: adverts as dense as these need a real-time priority")
    assert "use `fast`" in words
