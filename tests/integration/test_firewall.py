# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_firewall on hosts that turn everything away: with nftables, iptables, ufw and firewalld, and real packets."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import ADDRESS, PEER, Args, Host, hosts

STRANGER = "10.89.77.66"
# A neighbour at the other end of the wire; it speaks from two addresses.
NEIGHBOUR = f"""
set -e
ip netns add neighbour
ip link set wire0 netns neighbour
ip -n neighbour link set wire0 up
ip -n neighbour address add {PEER}/24 dev wire0
ip -n neighbour address add {STRANGER}/24 dev wire0
ip -n neighbour -6 address add fd77::12/64 dev wire0 nodad
ip -n neighbour -6 address add fd77::66/64 dev wire0 nodad
ip -6 address add fd77::11/64 dev eth0 nodad
"""
# Sends one packet of a protocol from one address to another, and says whether it came through the firewall.
SEND = """
import socket, subprocess, sys, time
source, target, number = sys.argv[1], sys.argv[2], 112
family = socket.AF_INET6 if ":" in source else socket.AF_INET
ear = socket.socket(family, socket.SOCK_RAW, number)
if target.startswith("224."):
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(target) + socket.inet_aton("ADDRESS"))
send = f'''
import socket
mouth = socket.socket({int(family)}, socket.SOCK_RAW, {number})
mouth.bind(("{source}", 0))
mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{source}")) if "." in "{source}" else None
mouth.sendto(b"\\\\x31\\\\x33\\\\x64\\\\x00" + bytes(16), ("{target}", 0))
'''
ear.settimeout(0.3)
heard = False
for _attempt in range(2):
    subprocess.run(["ip", "netns", "exec", "neighbour", "python3", "-I", "-c", send], check=True)
    try:
        while not heard:
            heard = ear.recvfrom(2048)[1][0] == source
        break
    except socket.timeout:
        pass
print("heard" if heard else "silence")
""".replace("ADDRESS", ADDRESS)
SERVE = "systemd-run --unit=test-service --quiet python3 -m http.server 80 --bind ::"

NFT = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname "lo" accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        ip saddr 10.89.77.99 drop
        counter reject with icmpx admin-prohibited
    }
}
table ip mine {
    chain guard {
        type filter hook input priority 10; policy drop;
        ct state established,related accept
        icmp type echo-request accept
    }
}
"""
IPTABLES = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -s 10.89.77.99/32 -j DROP
-A INPUT -j REJECT
COMMIT
"""
IP6TABLES = IPTABLES.replace("-s 10.89.77.99/32", "-s fd77::99/128").replace(
    "-i lo -j ACCEPT", "-i lo -j ACCEPT\n-A INPUT -p ipv6-icmp -j ACCEPT"
)
# What netfilter-persistent does, and RHEL's iptables.service in its own words.
PERSISTENT = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'iptables-restore /etc/iptables/rules.v4 && ip6tables-restore /etc/iptables/rules.v6'
ExecReload=/bin/sh -c 'iptables-restore /etc/iptables/rules.v4 && ip6tables-restore /etc/iptables/rules.v6'
ExecStop=/bin/true
[Install]
WantedBy=multi-user.target
"""
APT = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"


def with_nftables(host: Host) -> None:
    host.write("/etc/nftables.conf", NFT)
    host.run("systemctl enable --now nftables")


def with_iptables(host: Host) -> None:
    host.run("mkdir -p /etc/iptables")
    host.write("/etc/iptables/rules.v4", IPTABLES)
    host.write("/etc/iptables/rules.v6", IP6TABLES)
    host.write("/etc/systemd/system/netfilter-persistent.service", PERSISTENT)
    host.run("systemctl daemon-reload; systemctl enable --now netfilter-persistent")


def with_ufw(host: Host) -> None:
    host.run(f"{APT} ufw; ufw deny from 10.89.77.99; ufw allow 22/tcp; ufw --force enable")


def with_firewalld(host: Host) -> None:
    host.run(
        f"{APT} firewalld; systemctl enable --now firewalld; firewall-cmd --permanent --zone=public --add-port=9/tcp"
    )
    host.run("firewall-cmd --reload")


class Firewall(t.NamedTuple):
    """How a firewall is set up, loaded anew in all ways that it has, and how its rules are shown."""

    set_up: t.Callable[[Host], None]
    again: tuple[str, ...]
    shown: str


FIREWALLS = {
    "nftables": Firewall(
        with_nftables, ("systemctl reload nftables", "systemctl restart nftables"), "nft --stateless list ruleset"
    ),
    "iptables": Firewall(
        with_iptables,
        ("systemctl reload netfilter-persistent", "systemctl restart netfilter-persistent"),
        "iptables-save | sed 's/\\[.*//; /^#/d'; ip6tables-save | sed 's/\\[.*//; /^#/d'",
    ),
    "ufw": Firewall(
        with_ufw,
        ("ufw reload", "systemctl restart ufw", "ufw disable; ufw --force enable"),
        "iptables -S; ip6tables -S; ufw status; cat /etc/ufw/*.rules",
    ),
    "firewalld": Firewall(
        with_firewalld,
        ("firewall-cmd --reload", "systemctl restart firewalld", "firewall-cmd --complete-reload"),
        "firewall-cmd --list-all; firewall-cmd --permanent --list-all",
    ),
}
FLEET = {name: Host(name, installed=False) for name in FIREWALLS}
WANTED: Args = {
    "adverts": [{"source": PEER}, {"source": PEER, "group": "224.0.0.18"}, {"source": "fd77::12"}],
    "ports": ["80/tcp"],
    "addresses": [ADDRESS],
}


@pytest.fixture(scope="module")
def firewalls() -> t.Iterator[t.Mapping[str, Host]]:
    with hosts(*FLEET.values()):
        for name, host in FLEET.items():
            host.run(NEIGHBOUR)
            host.run(SERVE)
            host.write("/root/send.py", SEND)
            FIREWALLS[name].set_up(host)
        yield FLEET


@pytest.fixture(params=FIREWALLS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def host(firewalls: t.Mapping[str, Host], name: str) -> t.Iterator[Host]:
    """A host that lets nothing of ours in, as its administrator left it."""
    host = firewalls[name]
    yield host
    host.ok("vrrp_firewall", {})


def hears(host: Host, source: str, target: str = ADDRESS) -> bool:
    """Return whether a VRRP packet comes through."""
    return host.run(f"python3 -I /root/send.py {source} {target}").strip() == "heard"


def serves(host: Host, source: str, target: str = ADDRESS) -> bool:
    url = f"http://[{target}]/" if ":" in target else f"http://{target}/"
    return host.attempt(f"ip netns exec neighbour curl -s -m 1 -o /dev/null --interface {source} '{url}'").rc == 0


def test_adverts_of_the_peer_come_in_and_nobody_elses(host: Host, name: str) -> None:
    assert not hears(host, PEER)
    assert not hears(host, "fd77::12", "fd77::11")
    assert not serves(host, PEER)

    done = host.ok("vrrp_firewall", WANTED)
    assert done["firewalls"] == [name]
    assert hears(host, PEER)
    assert hears(host, PEER, "224.0.0.18")
    assert hears(host, "fd77::12", "fd77::11")
    assert not hears(host, STRANGER)
    assert not hears(host, STRANGER, "224.0.0.18")
    assert not hears(host, "fd77::66", "fd77::11")
    assert serves(host, STRANGER)
    assert serves(host, "fd77::66", "fd77::11")


def test_check_run_check_run(host: Host, name: str) -> None:
    rules, files = host.run(FIREWALLS[name].shown), host.listing("/etc", "/var/lib", "/usr/local")
    checked = host.ok("vrrp_firewall", WANTED, check=True)
    assert (host.run(FIREWALLS[name].shown), host.listing("/etc", "/var/lib", "/usr/local")) == (rules, files)
    done = host.ok("vrrp_firewall", WANTED)
    assert done["changed"]
    assert [done[key] for key in ("added", "removed", "files", "diff")] == [
        checked[key] for key in ("added", "removed", "files", "diff")
    ]
    after, files = host.run(FIREWALLS[name].shown), host.listing("/etc", "/var/lib", "/usr/local")
    for check in (True, False):
        again = host.ok("vrrp_firewall", WANTED, check=check)
        assert not again["changed"], again
    assert (host.run(FIREWALLS[name].shown), host.listing("/etc", "/var/lib", "/usr/local")) == (after, files)


def test_the_rules_outlast_a_reload_and_a_restart(host: Host, name: str) -> None:
    host.ok("vrrp_firewall", WANTED)
    for command in FIREWALLS[name].again:
        host.run(command)
        host.eventually(lambda: hears(host, PEER), f"adverts after {command}")
        assert hears(host, "fd77::12", "fd77::11"), command
        assert not hears(host, STRANGER), command
        assert serves(host, STRANGER), command
        assert not host.ok("vrrp_firewall", WANTED)["changed"], command


def test_what_is_no_longer_wanted_goes_and_the_rest_stays(host: Host, name: str) -> None:
    before = host.run(FIREWALLS[name].shown)
    host.ok("vrrp_firewall", WANTED)
    other = dict(WANTED, adverts=[{"source": STRANGER}], ports=["80/tcp"], sources=[f"{STRANGER}/32"])
    done = host.ok("vrrp_firewall", other)
    assert done["added"]
    assert done["removed"]
    assert not hears(host, PEER)
    assert not hears(host, "fd77::12", "fd77::11")
    assert hears(host, STRANGER)
    assert serves(host, STRANGER)
    assert not serves(host, PEER)
    assert not host.ok("vrrp_firewall", other)["changed"]

    host.ok("vrrp_firewall", {})
    assert host.run(FIREWALLS[name].shown) == before
    assert host.run("find /etc /usr/local -name '*holdfast*' -newer /root/send.py") == ""


def test_refused_rules_leave_everything_as_it_was(host: Host, name: str) -> None:
    if name not in ("nftables", "iptables"):
        pytest.skip("its own program writes the rules")
    host.ok("vrrp_firewall", dict(WANTED, adverts=[{"source": STRANGER}]))
    before = host.run(FIREWALLS[name].shown)
    program = {"nftables": "nft", "iptables": "iptables-restore"}[name]
    # A program that lists the rules as ever, and takes none.
    host.run(f"ln -s $(command -v {program}) /run/real; mkdir -p /usr/local/sbin")
    lists = '#!/bin/sh\ncase "$*" in *list*) exec /run/real "$@";; esac\necho no >&2; exit 1\n'
    host.write(f"/usr/local/sbin/{program}", lists)
    host.run(f"chmod 755 /usr/local/sbin/{program}")
    words = host.refused("vrrp_firewall", WANTED)
    host.run(f"rm /usr/local/sbin/{program} /run/real")
    assert words == f"{program} refuses the rules, and the old ones stay: no"
    assert host.run(FIREWALLS[name].shown) == before
    assert hears(host, STRANGER)
    assert not hears(host, PEER)
