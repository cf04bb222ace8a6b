# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can be asked whether this host is heard, and the packets that call clients back."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector import witnesses
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.packets import advertisement
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.witnesses import Known, gateways
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import (
    ICMP6,
    internet_checksum,
    link_layer_address,
)

# As Linux writes them: two default routes on eth0, one without a gateway, one of eth1, and a network.
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0132590A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t00000000\tFE32590A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0
eth1\t00000000\t0101000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0032590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ZERO = "0" * 32
ROUTES6 = f"""fd000089005000000000000000000000 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo
"""


@pytest.fixture(autouse=True)
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("ROUTES", ROUTES), ("ROUTES6", ROUTES6)):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(witnesses, name, str(tmp_path / name))


def test_the_default_gateways_of_an_interface() -> None:
    assert gateways("eth0", socket.AF_INET) == ["10.89.50.1", "10.89.50.254"]
    assert gateways("eth1", socket.AF_INET) == ["10.0.1.1"]
    assert gateways("eth0", socket.AF_INET6) == ["fe80::1"]
    assert gateways("lo", socket.AF_INET6) == []


def test_routes_that_cannot_be_read_name_nobody(tmp_path: Path) -> None:
    (tmp_path / "ROUTES").write_text("eth0 00000000\n")
    (tmp_path / "ROUTES6").unlink()
    assert gateways("eth0", socket.AF_INET) == gateways("eth0", socket.AF_INET6) == []


def test_an_advertisement_is_whole_and_overrides_what_is_believed() -> None:
    address, mac = socket.inet_pton(socket.AF_INET6, "fd00:89:50::100"), bytes.fromhex("02895000000b")
    packet = advertisement(address, mac)
    header, body = packet[:40], packet[40:]
    source, destination, hops = header[8:24], header[24:], header[7]
    assert (source, socket.inet_ntop(socket.AF_INET6, destination), hops) == (address, "ff02::1", 255)
    assert struct.unpack_from("!H", header, 4)[0] == len(body)
    # The sum over a packet that has its checksum is zero (RFC 1071).
    assert internet_checksum(source + destination + struct.pack("!II", len(body), ICMP6) + body) == 0
    kind, _code, _checksum, flags = struct.unpack_from("!BBHI", body)
    assert (kind, flags) == (136, 0x20000000)
    assert body[8:24] == address
    assert link_layer_address(body) == mac


def test_witnesses_are_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "witnesses.json"
    known = Known(str(path))
    assert known.addresses == set()
    known.keep({"10.0.0.1", "10.0.0.21"})
    known.keep(set())  # cut off: that is when they are needed
    assert Known(str(path)).addresses == {"10.0.0.1", "10.0.0.21"}
    known.keep({"10.0.0.22"})
    assert Known(str(path)).addresses == {"10.0.0.22"}


@pytest.mark.parametrize("content", ["", "{", "1", "[null"])
def test_a_broken_file_of_witnesses_names_nobody(tmp_path: Path, content: str) -> None:
    path = tmp_path / "witnesses.json"
    path.write_text(content)
    assert Known(str(path)).addresses == set()
