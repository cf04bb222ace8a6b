# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else manages the interface, and what becomes of the shared addresses then."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import ADDRESS, VIP, Host

NETWORK = "/etc/systemd/network/10-eth0.network"
DROP_IN = f"{NETWORK}.d/holdfast.conf"
FILE = f"[Match]\nName=eth0\n[Network]\nAddress={ADDRESS}/24\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n"
INSTANCE = {
    "name": "VI_1",
    "interface": "eth0",
    "virtual_router_id": 77,
    "priority": 250,
    "virtual_ipaddress": [f"{VIP}/24"],
}
KEEP = {"networkd": {"interfaces": ["eth0"]}}


@pytest.fixture
def networkd(host: Host) -> t.Iterator[Host]:
    """A host whose interface systemd-networkd manages, and that holds the shared address."""
    host.run("mkdir -p /etc/systemd/network; ip address flush dev eth0")
    host.write(NETWORK, FILE)
    host.run("systemctl start systemd-networkd")
    host.eventually(lambda: "(configured)" in host.run("networkctl status eth0"), "networkd manages eth0")
    host.ok("keepalived_config", {"instances": [INSTANCE]})
    host.run("systemctl start keepalived")
    host.eventually(lambda: holds(host), "it holds the address")
    yield host
    host.run(f"systemctl stop systemd-networkd.socket systemd-networkd keepalived; rm -rf {NETWORK} {NETWORK}.d")


def holds(host: Host) -> bool:
    return f" {VIP}/" in host.run("ip -o address show dev eth0")


def transitions(host: Host) -> int:
    """Return how often keepalived has entered a state."""
    return host.run("journalctl --unit=keepalived --output=cat").count(" STATE")


def change_and_reload(host: Host) -> int:
    """Change the file as an administrator does, let networkd read it, and return what keepalived made of it."""
    before = transitions(host)
    host.run(f"echo NTP={ADDRESS} >>{NETWORK}; networkctl reload; sleep 1")
    host.eventually(lambda: "(configured)" in host.run("networkctl status eth0"), "networkd is done")
    host.eventually(lambda: holds(host), "it holds the address")
    return transitions(host) - before


def test_a_reload_of_networkd_costs_the_address_and_with_the_drop_in_it_does_not(networkd: Host) -> None:
    assert change_and_reload(networkd) > 0
    before = transitions(networkd)
    result = networkd.ok("host_state", KEEP)
    assert result["changed"]
    assert result["sections"]["networkd"]["files"] == [DROP_IN]
    assert change_and_reload(networkd) == 0
    networkd.run("systemctl restart systemd-networkd; sleep 1")
    assert holds(networkd)
    assert transitions(networkd) == before


def test_a_second_run_changes_nothing_and_check_mode_neither(networkd: Host) -> None:
    assert networkd.ok("host_state", KEEP, check=True)["changed"]
    assert networkd.attempt(f"test -e {DROP_IN}").rc
    networkd.ok("host_state", KEEP)
    assert networkd.run(f"stat -c %a {DROP_IN}").strip() == "644"
    assert not networkd.ok("host_state", KEEP)["changed"]


def test_what_the_administrator_has_said_already_stays(networkd: Host) -> None:
    networkd.run(f"echo KeepConfiguration=yes >>{NETWORK}")
    assert networkd.ok("host_state", KEEP)["sections"]["networkd"]["files"] == []


def test_without_networkd_nothing_is_done(host: Host) -> None:
    result = host.ok("host_state", KEEP)
    assert (result["changed"], result["sections"]["networkd"]["files"]) == (False, [])


def test_an_address_that_somebody_deletes_is_back_at_once(host: Host) -> None:
    host.ok("keepalived_config", {"instances": [INSTANCE]})
    host.run("systemctl start keepalived")
    host.eventually(lambda: holds(host), "it holds the address")
    host.run(f"ip address delete {VIP}/24 dev eth0")
    host.eventually(lambda: holds(host), "keepalived puts it back", within=0.5)
