# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_firewall on hosts that turn everything away: with nftables, iptables, ufw and firewalld, and real packets."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import ADDRESS, PEER, Args, Host, hosts

FOREIGN = "10.89.77.66"
VRRP, AH = 112, 51
# A neighbour at the other end of the wire; it speaks from two addresses.
NEIGHBOUR = f"""
set -e
ip netns add neighbour
ip link set wire0 netns neighbour
ip -n neighbour link set wire0 up
ip -n neighbour address add {PEER}/24 dev wire0
ip -n neighbour address add {FOREIGN}/24 dev wire0
ip -n neighbour -6 address add fd77::12/64 dev wire0 nodad
ip -n neighbour -6 address add fd77::66/64 dev wire0 nodad
ip -6 address add fd77::11/64 dev eth0 nodad
"""
# Sends one packet of a protocol from one address to another, and says whether it came through the firewall.
SEND = """
import socket, subprocess, sys, time
source, target, ttl, size, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
family = socket.AF_INET6 if ":" in source else socket.AF_INET
ear = socket.socket(family, socket.SOCK_RAW, number)
if target.startswith("224."):
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(target) + socket.inet_aton("ADDRESS"))
send = f'''
import socket
mouth = socket.socket({int(family)}, socket.SOCK_RAW, {number})
if ":" in "{source}":
    mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, {ttl})
    if {size} > 1500:
        mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes((0, 0, 1, 4, 0, 0, 0, 0)))
else:
    mouth.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl})
    mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, {ttl})
mouth.bind(("{source}", 0))
mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{source}")) if "." in "{source}" else None
mouth.sendto(b"\\\\x31\\\\x33\\\\x64\\\\x00" + bytes({size}), ("{target}", 0))
'''
ear.settimeout(0.3)
heard = False
for _attempt in range(2):
    subprocess.run(["ip", "netns", "exec", "neighbour", "python3", "-I", "-c", send], check=True)
    try:
        while not heard:
            heard = ear.recvfrom(9000)[1][0] == source
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
NONE = "none"
FLEET = {name: Host(name, installed=False) for name in (*FIREWALLS, NONE)}
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
            if name != NONE:
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


def hears(
    host: Host, source: str, target: str = ADDRESS, *, ttl: int = 255, size: int = 16, protocol: int = VRRP
) -> bool:
    """Return whether a packet of VRRP, or of another protocol, comes through."""
    return host.run(f"python3 -I /root/send.py {source} {target} {ttl} {size} {protocol}").strip() == "heard"


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
    assert not hears(host, FOREIGN)
    assert not hears(host, FOREIGN, "224.0.0.18")
    assert not hears(host, "fd77::66", "fd77::11")
    assert serves(host, FOREIGN)
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
        # firewalld lets everybody in until it has loaded its zones, which a busy host does after it calls itself ready.
        host.eventually(lambda: not hears(host, FOREIGN), f"foreign routers are silent after {command}")
        assert serves(host, FOREIGN), command
        assert not host.ok("vrrp_firewall", WANTED)["changed"], command


def test_what_is_no_longer_wanted_goes_and_the_rest_stays(host: Host, name: str) -> None:
    before = host.run(FIREWALLS[name].shown)
    host.ok("vrrp_firewall", WANTED)
    other = dict(WANTED, adverts=[{"source": FOREIGN}], ports=["80/tcp"], sources=[f"{FOREIGN}/32"])
    done = host.ok("vrrp_firewall", other)
    assert done["added"]
    assert done["removed"]
    assert not hears(host, PEER)
    assert not hears(host, "fd77::12", "fd77::11")
    assert hears(host, FOREIGN)
    assert serves(host, FOREIGN)
    assert not serves(host, PEER)
    assert not host.ok("vrrp_firewall", other)["changed"]

    host.ok("vrrp_firewall", {})
    assert host.run(FIREWALLS[name].shown) == before
    assert host.run("find /etc /usr/local -name '*holdfast*' -newer /root/send.py") == ""


def test_refused_rules_leave_everything_as_it_was(host: Host, name: str) -> None:
    if name not in ("nftables", "iptables"):
        pytest.skip("its own program writes the rules")
    host.ok("vrrp_firewall", dict(WANTED, adverts=[{"source": FOREIGN}]))
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
    assert hears(host, FOREIGN)
    assert not hears(host, PEER)


GUARDED: Args = dict(WANTED, guard=True)
TABLE = "nft --stateless list table inet holdfast_vrrp"
FLUSHES = ("nft flush ruleset", "nft delete table inet holdfast_vrrp", "nft flush chain inet holdfast_vrrp input")


@pytest.fixture(params=FLEET)
def any_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def any_host(firewalls: t.Mapping[str, Host], any_name: str) -> t.Iterator[Host]:
    """A host with one of the firewalls, or with none."""
    host = firewalls[any_name]
    yield host
    host.ok("vrrp_firewall", {})


def assert_heard_are_the_peers(host: Host, saying: str = "") -> None:
    for group in (ADDRESS, "224.0.0.18"):
        assert hears(host, PEER, group), (group, saying)
        assert not hears(host, PEER, group, ttl=254), (group, saying)
        assert not hears(host, FOREIGN, group), (group, saying)
    assert hears(host, "fd77::12", "fd77::11"), saying
    assert not hears(host, "fd77::12", "fd77::11", ttl=64), saying
    assert not hears(host, "fd77::66", "fd77::11"), saying


def test_the_guard_lets_the_peers_be_heard_and_nobody_else(any_host: Host) -> None:
    host = any_host
    before = host.run("nft --stateless list ruleset")
    done = host.ok("vrrp_firewall", dict(GUARDED, through=False))
    assert done["added"] == [f"nftables: only adverts of {PEER} and fd77::12 are heard"]
    # It is a table beside what there is, and not a rule of any of it.
    table = host.run(TABLE)
    assert host.run("nft --stateless list ruleset").replace(table, "").strip() == before.strip()
    done = host.ok("vrrp_firewall", GUARDED)
    assert_heard_are_the_peers(host)
    # In fragments, and behind a header of IPv6, it is an advert all the same.
    assert not hears(host, FOREIGN, size=3000)
    assert not hears(host, "fd77::66", "fd77::11", size=1600)
    assert not host.ok("vrrp_firewall", GUARDED)["changed"]
    assert not host.ok("vrrp_firewall", GUARDED, check=True)["changed"]
    host.ok("vrrp_firewall", {})
    assert host.run("nft --stateless list ruleset") == before


def test_the_guard_outlasts_whatever_is_done_to_the_rules(any_host: Host, any_name: str) -> None:
    host = any_host
    host.ok("vrrp_firewall", GUARDED)
    table = host.run(TABLE)
    commands = (*FLUSHES, *(FIREWALLS[any_name].again if any_name != NONE else ()), "systemctl stop nftables")
    for command in commands:
        host.run(command)
        host.eventually(lambda: host.attempt(TABLE).stdout == table, f"the table after {command}")
        if command in ("nft flush ruleset", "systemctl stop nftables") and any_name != NONE:
            host.run(FIREWALLS[any_name].again[1])  # its own rules went as well, and nobody else brings them back
            host.eventually(lambda: host.attempt(TABLE).stdout == table, f"the table after what follows {command}")
    host.eventually(lambda: hears(host, PEER), "the peer is heard in the end")
    assert_heard_are_the_peers(host)
    host.run("systemctl kill --signal=KILL holdfast-firewall; nft delete table inet holdfast_vrrp")
    host.eventually(lambda: host.attempt(TABLE).stdout == table, "the table after its keeper was killed")


def test_peers_with_another_ttl_are_heard_until_all_have_been_set_up(host: Host) -> None:
    host.ok("vrrp_firewall", dict(GUARDED, senders="joined"))
    assert hears(host, PEER, ttl=64)
    assert hears(host, "fd77::12", "fd77::11", ttl=64)
    assert not hears(host, FOREIGN)
    host.ok("vrrp_firewall", GUARDED)
    assert_heard_are_the_peers(host)
    assert not host.ok("vrrp_firewall", dict(GUARDED, senders="joined"))["changed"]


def test_peers_that_come_and_go_are_both_heard_until_all_have_changed(any_host: Host) -> None:
    host = any_host
    assert not host.ok("vrrp_firewall", dict(GUARDED, senders="joined_where_any"))["changed"]
    host.ok("vrrp_firewall", GUARDED)
    other = dict(GUARDED, adverts=[{"source": FOREIGN}])
    host.ok("vrrp_firewall", dict(other, senders="joined"))
    assert hears(host, PEER)
    assert hears(host, FOREIGN)
    host.ok("vrrp_firewall", other)
    assert not hears(host, PEER)
    assert hears(host, FOREIGN)


def forge_arp(host: Host) -> None:
    """Let the neighbour say that the peer has another MAC, as a reply to nobody."""
    frame = "bytes.fromhex(open('/sys/class/net/wire0/address').read().strip().replace(':', ''))"
    target = host.run("cat /sys/class/net/eth0/address").strip().replace(":", "")
    addresses = "".join(f"{int(part):02x}" for part in PEER.split("."))
    own = "".join(f"{int(part):02x}" for part in ADDRESS.split("."))
    arp = f"08060001080006040002026600000001{addresses}{target}{own}"
    script = (
        "import socket; wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); wire.bind(('wire0', 0)); "
        f"wire.send(bytes.fromhex('{target}') + {frame} + bytes.fromhex('{arp}'))"
    )
    host.run(f'ip netns exec neighbour python3 -I -c "{script}"')


def test_a_forged_arp_packet_does_not_send_adverts_to_nowhere(firewalls: t.Mapping[str, Host]) -> None:
    host = firewalls[NONE]
    entry = f"ping -c 1 -W 1 {PEER} >/dev/null; ip neighbour show {PEER} | sed 's/.*lladdr \\([^ ]*\\).*/\\1/'"
    known = host.run(entry).strip()
    host.run("sleep 1.1")  # the kernel takes no other MAC within a second of the last one
    forge_arp(host)
    assert "lladdr 02:66:00:00:00:01" in host.run(f"ip neighbour show {PEER}")
    host.run(f"ip neighbour flush to {PEER}")
    assert host.run(entry).strip() == known
    host.ok("vrrp_firewall", GUARDED)
    host.run("sleep 1.1")
    forge_arp(host)
    host.eventually(lambda: known in host.run(f"ip neighbour show {PEER}"), "the MAC that answers", within=1.0)
    assert "is asked first" in host.run("journalctl --unit holdfast-firewall --output cat")
    host.ok("vrrp_firewall", {})


def test_a_peer_behind_a_router_and_the_authentication_header(firewalls: t.Mapping[str, Host]) -> None:
    host = firewalls[NONE]
    assert hears(host, FOREIGN, protocol=AH)
    routed = dict(GUARDED, adverts=[{"source": PEER, "ttl": 250}], authenticated=True)
    host.ok("vrrp_firewall", routed)
    assert hears(host, PEER, ttl=250)
    assert not hears(host, PEER, ttl=249)
    assert hears(host, PEER, protocol=AH)
    assert not hears(host, FOREIGN, protocol=AH)
    host.ok("vrrp_firewall", {})
    assert hears(host, FOREIGN)


def test_iptables_is_the_guard_where_nftables_is_not(firewalls: t.Mapping[str, Host]) -> None:
    host = firewalls[NONE]
    saved = "iptables-save -t mangle | sed 's/\\[.*//; /^#/d'; ip6tables-save -t mangle | sed 's/\\[.*//; /^#/d'"
    host.run("mv /usr/sbin/nft /root/nft")
    try:
        host.ok("vrrp_firewall", GUARDED)
        assert_heard_are_the_peers(host)
        assert not host.ok("vrrp_firewall", GUARDED)["changed"]
        there = host.run(saved)
        for command in (
            "iptables -t mangle -F",
            "iptables -t mangle -D INPUT 1",
            "iptables -t mangle -I INPUT -j ACCEPT",
        ):
            host.run(command)
            host.eventually(lambda: not hears(host, FOREIGN), f"strangers are silent after {command}")
        host.run("iptables -t mangle -D INPUT -j ACCEPT")
        assert host.run(saved) == there
        assert_heard_are_the_peers(host)
    finally:
        host.run("mv /root/nft /usr/sbin/nft")
    assert host.ok("vrrp_firewall", GUARDED)["removed"]
    assert "HOLDFAST" not in host.run(saved)
    assert_heard_are_the_peers(host)
    host.ok("vrrp_firewall", {})


def test_without_either_it_says_what_to_install(firewalls: t.Mapping[str, Host]) -> None:
    host = firewalls[NONE]
    names = ("nft", "iptables", "ip6tables")
    host.run("mkdir -p /root/away; " + "; ".join(f"mv /usr/sbin/{name} /root/away/" for name in names))
    try:
        words = host.refused("vrrp_firewall", GUARDED)
        assert "so adverts of anybody would reach keepalived: install nftables" in words
        assert host.attempt("ls /etc/holdfast").rc
    finally:
        host.run("mv /root/away/* /usr/sbin/")
