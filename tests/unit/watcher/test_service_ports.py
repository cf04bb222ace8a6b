# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planned ports of the service: which of them nobody listens on, and when that makes a balancer unfit."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher import ports
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.service_ports import service_ports
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import Harness

Listeners = t.Callable[..., socket.socket]


@pytest.fixture
def listener() -> t.Iterator[Listeners]:
    """A function that returns a socket that listens."""
    opened: list[socket.socket] = []

    def listen(address: str = "127.0.0.1", port: int = 0) -> socket.socket:
        opened.append(
            socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        )
        return opened[-1]

    yield listen
    for one in opened:
        one.close()


def port(one: socket.socket) -> int:
    return int(one.getsockname()[1])


def written(path: Path, *found: int, address: str = "") -> str:
    path.write_text(json.dumps({"ports": [{"address": address, "first": one, "last": one} for one in found]}))
    return str(path)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_who_listens_is_read_from_the_kernel(listener: Listeners, address: str) -> None:
    number = port(listener(address))
    assert (address, number) in ports.listening()


def test_a_connection_is_none_that_listens(listener: Listeners) -> None:
    with socket.create_connection(("127.0.0.1", port(listener()))) as client:
        assert ("127.0.0.1", int(client.getsockname()[1])) not in ports.listening()


@pytest.mark.parametrize(
    ("address", "there", "is_closed"),
    [
        ("", [("0.0.0.0", 80)], False),
        ("", [("::", 80)], False),
        ("", [("127.0.0.1", 80)], True),
        ("10.0.0.100", [("10.0.0.100", 80)], False),
        ("10.0.0.100", [("0.0.0.0", 80)], False),
        ("10.0.0.100", [("10.0.0.101", 80)], True),
        ("10.0.0.100", [("10.0.0.100", 81)], True),
    ],
)
def test_one_listener_for_all_addresses_serves_each(
    address: str, there: list[tuple[str, int]], is_closed: bool
) -> None:
    one = ports.Port(address, 80, 80)
    assert ports.closed([one], set(there)) == ([one] if is_closed else [])


def test_every_port_of_a_range_has_to_be_there() -> None:
    one = ports.Port("", 80, 82)
    assert ports.closed([one], {("0.0.0.0", 80), ("0.0.0.0", 82)}) == [one]
    assert str(one) == "ports 80 to 82"


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")])
def test_who_takes_datagrams_is_read_from_the_kernel(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as taking, socket.socket(family, socket.SOCK_DGRAM) as client:
        taking.bind((address, 0))
        client.bind((address, 0))
        client.connect(("127.0.0.1" if family == socket.AF_INET else "::1", port(taking)))
        assert (address, port(taking)) in ports.bound()
        assert port(client) not in {number for _address, number in ports.bound()}
        one = ports.Port("", port(taking), port(taking), "udp")
        there = {("0.0.0.0", port(taking))}
        assert ports.closed([one], there) == [one]
        assert ports.closed([one], set(), there) == []
        assert str(one) == f"UDP port {port(taking)}"


def test_a_port_of_udp_that_closes_fails_at_the_second_look(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taking:
        taking.bind(("0.0.0.0", 0))
        said = {"address": "", "first": port(taking), "last": port(taking), "protocol": "udp"}
        (tmp_path / "ports").write_text(json.dumps({"ports": [], "udp": [said]}))
        watched = ports.ServicePorts(str(tmp_path / "ports"), pytest.fail)
        watched.look(alive=True)
    watched.look(alive=True)
    assert not watched.failed
    watched.look(alive=True)
    assert watched.reason == f"nobody listens on UDP port {said['first']}"


def test_a_port_that_closes_fails_at_the_second_look(tmp_path: Path, listener: Listeners) -> None:
    kept, goes = listener("0.0.0.0"), listener("0.0.0.0")
    watched = ports.ServicePorts(written(tmp_path / "ports", port(kept), port(goes)), pytest.fail)
    number = port(goes)
    watched.look(alive=True)
    goes.close()
    watched.look(alive=True)
    assert not watched.failed
    watched.look(alive=False)  # what a dead nginx does not open is told elsewhere
    assert not watched.failed
    watched.look(alive=True)
    assert watched.failed
    assert watched.reason == f"nobody listens on port {number}"
    listener("0.0.0.0", number)
    watched.look(alive=True)
    assert not watched.failed


@pytest.mark.parametrize(
    "text", ["", "[]", '{"ports": 1}', '{"ports": [{"first": 80}]}', '{"ports": [{"address": "x"}]}']
)
def test_a_file_that_holds_no_ports_is_told_and_changes_nothing(tmp_path: Path, text: str) -> None:
    told: list[str] = []
    path = tmp_path / "ports"
    watched = ports.ServicePorts(written(path, 1), told.append)
    watched.look(alive=True)
    path.write_text(text)
    for _look in range(2):
        watched.look(alive=True)
    assert watched.failed
    assert f"{path} is not taken over" in told[0]


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    watched = ports.ServicePorts(str(tmp_path / "none"), pytest.fail)
    for _look in range(3):
        watched.look(alive=True)
    assert not watched.failed


def test_a_closed_port_makes_a_living_nginx_unfit(harness: Harness, tmp_path: Path, listener: Listeners) -> None:
    service = listener("0.0.0.0")
    number = port(service)
    written(tmp_path / "ports.json", number)
    harness.configure(ports=str(tmp_path / "ports.json"))
    harness.nginx()
    harness.watcher()
    time.sleep(1.2)
    assert harness.files == ("0\n", "0\n")
    service.close()
    harness.becomes(0, 1)
    harness.tells(f"nginx_probe is 1: nobody listens on port {number}.")
    listener("0.0.0.0", number)
    harness.becomes(0, 0)


def test_a_port_that_goes_is_forgotten_before_and_one_that_comes_is_known_after(tmp_path: Path) -> None:
    path = str(tmp_path / "etc" / "ports.json")

    def known() -> list[int]:
        return [one.first for one in ports.read_ports(Path(path).read_text())]

    def wanted(*numbers: int) -> list[dict[str, t.Any]]:
        return [{"address": "", "first": one, "last": one} for one in numbers]

    with service_ports(wanted(80, 81), check=False, path=path) as changes:
        assert changes
        assert known() == []
    assert known() == [80, 81]
    with service_ports(wanted(80, 443), check=False, path=path) as changes:
        assert changes
        assert known() == [80]
    assert known() == [80, 443]
    with contextlib.suppress(KeyError), service_ports(wanted(8080), check=False, path=path):
        assert known() == []
        raise KeyError
    assert known() == [80, 443]
    with service_ports(wanted(80, 443), check=False, path=path) as changes:
        assert not changes
    datagrams = [{**one, "protocol": "udp"} for one in wanted(443)]
    with service_ports([*wanted(80), *datagrams], check=False, path=path):
        assert known() == [80]
    # Who does not know of UDP does not take one for the other.
    assert json.loads(Path(path).read_text()) == {"ports": wanted(80), "udp": datagrams}
    with service_ports([{**one, "protocol": "tcp"} for one in wanted(443, 80)], check=False, path=path):
        assert known() == [80]
    with service_ports(wanted(80, 443), check=False, path=path):
        pass
    with service_ports(wanted(8080), check=True, path=path) as changes:
        assert changes
    assert known() == [80, 443]
