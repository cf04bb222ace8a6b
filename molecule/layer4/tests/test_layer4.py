# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients get at the ports of the address, and what the members behind them see."""

from __future__ import annotations

import collections
import json
import socket
import ssl
import time
import typing as t
from contextlib import contextmanager

import pytest

from harness.node import Node
from harness.waiting import eventually

VIP = "10.89.50.100"
UNIT = "layer4-services"
MEMBERS = {"web1", "web2", "web3"}
ELSEWHERE = """
import socket, sys
with socket.create_connection(sys.argv[1:3], 10) as connection:
    connection.sendall(sys.argv[3].encode() + b"\\r\\nhello\\n")
    print(connection.recv(4096).decode())
"""


@contextmanager
def connected(port: int) -> t.Iterator[socket.socket]:
    with socket.create_connection((VIP, port), timeout=10) as connection:
        yield connection


def line(connection: socket.socket, text: str = "hello") -> t.Any:
    """Return what a member says of a line; None where the connection is closed instead."""
    try:
        connection.sendall(text.encode() + b"\n")
        answer = connection.recv(4096)
    except (BrokenPipeError, ConnectionResetError):
        return None
    return json.loads(answer) if answer else None


def over_tcp(port: int, head: str = "") -> t.Any:
    """Return what a member says of one line over a connection of its own, which begins with ``head``."""
    with connected(port) as connection:
        connection.sendall(head.encode())
        return line(connection)


def over_udp(port: int, own: socket.socket | None = None) -> t.Any:
    """Return what a member says of one datagram, from a new socket unless one is given; None where nobody answers."""
    with own or socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(b"hello", (VIP, port))
        try:
            answer = client.recv(4096)
        except TimeoutError:
            return None
        return json.loads(answer) if answer else None


def over_tls(port: int, name: str | None) -> t.Any:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connected(port) as plain, context.wrap_socket(plain, server_hostname=name) as connection:
        return line(connection)


def shares(ask: t.Callable[[int], t.Any], port: int, count: int) -> collections.Counter[str]:
    """Return how many of so many answers come from each member; those that nobody gives count for nobody."""
    answers = [ask(port) for _again in range(count)]
    return collections.Counter(answer["backend"] if answer else "nobody" for answer in answers)


@contextmanager
def without(name: str, how: str = "stop") -> t.Iterator[None]:
    """Take the services of a member away, and bring them back."""
    node = Node(name)
    commands = {
        "stop": (f"systemctl stop {UNIT}", f"systemctl start {UNIT}"),
        "freeze": (f"systemctl kill --signal=STOP {UNIT}", f"systemctl kill --signal=CONT {UNIT}"),
    }[how]
    node.run(commands[0])
    try:
        yield
    finally:
        node.run(commands[1])
        # It is tried again when its time is over.
        eventually(lambda: set(shares(over_tcp, 7000, 12)) == MEMBERS, within=30, saying=f"{name} answers again")
        eventually(lambda: set(shares(over_udp, 7053, 12)) == MEMBERS, within=30, saying=f"{name} answers again")


def test_the_module_is_there_where_it_is_needed_alone() -> None:
    installed = "dpkg-query --show --showformat='${db:Status-Status}' libnginx-mod-stream"
    for name in ("lb1", "lb2"):
        assert Node(name).run(installed) == "installed"
    for name in ("web1", "web2"):
        assert Node(name).attempt(installed).stdout.strip() != "installed"


def test_connections_are_shared_by_weight() -> None:
    assert shares(over_tcp, 7000, 40) == {"web1": 20, "web2": 10, "web3": 10}


def test_a_connection_stays_with_its_member_and_its_lines_come_through() -> None:
    with connected(7000) as connection:
        answers = [line(connection, f"line {number}") for number in range(20)]
    assert len({answer["backend"] for answer in answers}) == 1
    assert [answer["line"] for answer in answers] == [f"line {number}" for number in range(20)]


def test_a_client_stays_with_its_member_where_its_address_chooses() -> None:
    assert len(shares(over_tcp, 7002, 20)) == 1


def test_datagrams_are_shared_by_weight_over_the_clients() -> None:
    assert shares(over_udp, 7053, 40) == {"web1": 20, "web2": 10, "web3": 10}


def test_the_datagrams_of_a_client_are_one_session() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        seen = set()
        for _again in range(200):
            client.sendto(b"hello", (VIP, 7054))
            answer = json.loads(client.recv(4096))
            seen.add((answer["backend"], answer["port"]))
    assert len(seen) == 1


def test_clients_of_tcp_see_nothing_of_a_member_that_is_dead() -> None:
    with without("web1"):
        assert set(shares(over_tcp, 7000, 100)) == {"web2", "web3"}


def test_a_spare_member_takes_connections_only_when_no_other_does() -> None:
    assert set(shares(over_tcp, 7003, 20)) == {"web1"}
    with without("web1"):
        assert set(shares(over_tcp, 7003, 20)) == {"web2"}


@pytest.mark.parametrize("how", ["stop", "freeze"])
def test_a_member_of_udp_that_is_dead_gets_no_more_clients(how: str) -> None:
    with without("web1", how):
        # nginx finds out by a datagram that nobody answers.
        shares(over_udp, 7053, 40)
        assert set(shares(over_udp, 7053, 60)) <= {"web2", "web3", "nobody"}
        assert shares(over_udp, 7053, 40)["nobody"] <= 2


def test_tls_goes_by_its_name_to_the_member_that_ends_it() -> None:
    named = {"shop.example.com": "web1", "a.blog.example.com": "web2", "others.example.com": "web3", "x.org": "web3"}
    for name, member in named.items():
        answer = over_tls(7443, name)
        assert (answer["backend"], answer["name"]) == (member, name)
    assert over_tls(7443, None)["backend"] == "web3"


def test_the_same_by_a_map_of_the_users_own() -> None:
    assert over_tls(7444, "shop.example.com")["backend"] == "web1"
    assert over_tls(7444, "elsewhere.example.com")["backend"] == "web3"


def test_members_are_told_the_client_by_the_proxy_protocol() -> None:
    with connected(7010) as connection:
        own = connection.getsockname()
        told = line(connection)
    assert told["told"] == ["PROXY", "TCP4", own[0], VIP, str(own[1]), "7010"]
    assert told["client"] in ("10.89.50.11", "10.89.50.12")


def test_a_proxy_before_the_balancer_is_believed_where_it_is_one_of_ours() -> None:
    head = "PROXY TCP4 192.0.2.77 192.0.2.1 40000 443\r\n"
    assert over_tcp(7011, head)["told"][:3] == ["PROXY", "TCP4", "192.0.2.77"]
    # From another host, the same head names nobody.
    words = f"{VIP} 7011 '{head.strip()}'"
    told = json.loads(Node("web2").run(f"python3 -c '{ELSEWHERE}' {words}"))
    assert told["told"][2] == "10.89.50.22"


def test_who_sends_no_head_where_one_is_expected_is_turned_away() -> None:
    assert over_tcp(7011) is None


def test_a_site_takes_the_client_from_the_proxy_protocol() -> None:
    head = "PROXY TCP4 192.0.2.77 192.0.2.1 40000 80\r\n"
    with connected(8088) as connection:
        connection.sendall(f"{head}GET / HTTP/1.0\r\nHost: through.example.com\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (seen["real"], seen["forwarded"]) == ("192.0.2.77", "192.0.2.77")


def test_a_client_has_no_more_connections_than_it_may() -> None:
    with connected(7020) as first, connected(7020) as second:
        assert line(first)["backend"] in MEMBERS
        assert line(second)["backend"] in MEMBERS
        assert over_tcp(7020) is None
    eventually(lambda: over_tcp(7020) is not None, within=5, saying="a connection that ended counts no more")


def test_an_answer_is_as_slow_as_it_shall_be() -> None:
    begun = time.monotonic()
    with connected(7021) as connection:
        received = sum(len(part) for part in iter(lambda: connection.recv(65536), b""))
    assert received == 60_000
    assert 1.5 < time.monotonic() - begun < 6


def test_a_silent_connection_is_closed() -> None:
    with connected(7022) as connection:
        assert line(connection)
        begun = time.monotonic()
        assert connection.recv(4096) == b""
        assert 0.8 < time.monotonic() - begun < 4
