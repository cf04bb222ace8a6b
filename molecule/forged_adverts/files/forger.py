# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends forged adverts, ARP packets and neighbour messages to a pair of balancers, for some seconds, and counts them.

One argument, in JSON: kind (``adverts`` or ``neighbours``), seed, rate (packets a second to each target), seconds,
interface, router_ids, vips, group, and targets: a list of balancers with mac, address, address6, and those of its peer
as peer_mac, peer, peer6. An advert never has both the source of a peer and a TTL of 255: who can send that is a peer to
all that see it.
Standard library only.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import sys
import time
import typing as t

VRRP, AH, ICMP6 = 112, 51, 58
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
GROUP6 = "ff02::12"

Target = t.Mapping[str, str]


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def mac_of(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Forger:
    def __init__(self, said: t.Mapping[str, t.Any]) -> None:
        self.said = said
        self.chance = random.Random(said["seed"])
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.wire.bind((said["interface"], 0))
        self.own: bytes = self.wire.getsockname()[4]
        self.pick = self.chance.choice

    def run(self) -> None:
        """Send all that is due, and say how much that was."""
        begin, sent, refused = time.monotonic(), 0, 0
        while True:
            elapsed = time.monotonic() - begin
            if elapsed >= self.said["seconds"]:
                break
            while sent < elapsed * self.said["rate"]:
                for target in self.said["targets"]:
                    frame = self.advert(target) if self.said["kind"] == "adverts" else self.neighbour(target)
                    try:
                        self.wire.send(frame)
                    except OSError:
                        refused += 1
                sent += 1
            time.sleep(0.001)
        print(json.dumps({"sent": sent * len(self.said["targets"]), "refused": refused}))

    # Adverts

    def advert(self, target: Target) -> bytes:
        six = bool(target.get("address6")) and self.chance.random() < 0.3
        own, peer = (target["address6"], target["peer6"]) if six else (target["address"], target["peer"])
        vips = [vip for vip in self.said["vips"] if (":" in vip) == six] or ["fd00::1" if six else "10.0.0.1"]
        strangers = (
            ["fd00:89:50::99", "fe80::99", "::1"] if six else ["10.89.50.99", "192.0.2.1", "0.0.0.0", "224.0.0.18"]
        )
        source = self.pick([peer, peer, own, vips[0], *strangers])
        ttl = self.pick([0, 1, 64, 254]) if source == peer else self.pick([255, 255, 255, 1])
        group = self.chance.random() < 0.4
        destination = (GROUP6 if six else self.said["group"]) if group else own
        body = self.body(source, destination, vips)
        if six:
            frame_type = IPV6
            packet = struct.pack("!IHBB", 6 << 28, len(body), VRRP, ttl) + packed(source) + packed(destination) + body
            goes_to = b"\x33\x33" + packed(destination)[12:] if group else mac_of(target["mac"])
        else:
            frame_type = IPV4
            packet = self.ip4(source, destination, ttl, body)
            goes_to = b"\x01\x00\x5e\x00\x00\x12" if group else mac_of(target["mac"])
        # Not the MAC of a peer: a switch without port security would send here what is meant for it.
        return goes_to + self.own + struct.pack("!H", frame_type) + packet

    def ip4(self, source: str, destination: str, ttl: int, body: bytes) -> bytes:
        protocol, fragment = VRRP, self.pick([0, 0, 0, 0, 0x2000, 1])
        if self.chance.random() < 0.1:
            protocol = AH
            body = struct.pack("!BBHII", VRRP, 4, 0, 1, self.chance.randrange(1 << 32)) + bytes(12) + body
        head = [0x45, 0, 20 + len(body), self.chance.randrange(1 << 16), fragment, ttl, protocol, 0]
        ends = packed(source) + packed(destination)
        head[-1] = checksum(struct.pack("!BBHHHBBH", *head) + ends)
        return struct.pack("!BBHHHBBH", *head) + ends + body

    def body(self, source: str, destination: str, vips: list[str]) -> bytes:
        """Return an advert that is most often right but for its sender, and sometimes wrong in any field."""
        version = self.pick([3, 3, 3, 2, 2, 0, 4, 15])
        number = self.pick([*self.said["router_ids"] * 2, self.chance.randrange(256)])
        priority = self.pick([255, 255, 0, 254, 100])
        listed = b"".join(map(packed, self.pick([vips, vips, vips, [], vips * 20])))
        count = self.pick([len(listed) // len(packed(vips[0]))] * 5 + [255])
        last = struct.pack("!BB", 0, 1) if version == 2 else struct.pack("!H", self.pick([10, 10, 10, 0, 4095]))
        head = struct.pack("!BBBB", version << 4 | 1, number, priority, count)
        if version == 2:
            listed += b"\0" * 8
        pseudo = b""
        if version != 2:
            size = len(head) + 4 + len(listed)
            pseudo = packed(source) + packed(destination)
            pseudo += struct.pack("!IHBB", size, 0, 0, VRRP) if ":" in source else struct.pack("!BBH", 0, VRRP, size)
        total = checksum(pseudo + head + last + b"\0\0" + listed)
        if self.chance.random() < 0.2:
            total = self.chance.randrange(1 << 16)
        whole = head + last + struct.pack("!H", total) + listed
        return whole[: self.chance.randrange(len(whole))] if self.chance.random() < 0.1 else whole

    # ARP and neighbour discovery: claims of the shared addresses, right but for who makes them, and wrong in any field

    def neighbour(self, target: Target) -> bytes:
        return self.discovery(target) if target.get("address6") and self.chance.random() < 0.4 else self.arp(target)

    def liar(self, target: Target) -> bytes:
        return self.pick(
            [self.own, b"\x02\x66" + self.chance.randbytes(4), mac_of(target["peer_mac"]), b"\0" * 6, b"\xff" * 6]
        )

    def arp(self, target: Target) -> bytes:
        vips = [vip for vip in self.said["vips"] if ":" not in vip]
        claimed = self.pick([*vips, *vips, target["peer"], "10.89.50.99"])
        mac = self.liar(target)
        asks = self.pick([claimed, "0.0.0.0", target["address"]])
        head = [1, IPV4, 6, 4, self.pick([1, 2, 2])]
        if self.chance.random() < 0.4:
            place = self.chance.randrange(5)
            head[place] = self.chance.randrange(256 if place in (2, 3) else 65536)
        body = (
            struct.pack("!HHBBH", *head)
            + mac
            + packed(claimed)
            + self.pick([mac_of(target["mac"]), b"\xff" * 6, bytes(6)])
        )
        body += packed(asks)
        body = (
            body[: self.chance.randrange(len(body))]
            if self.chance.random() < 0.1
            else body + bytes(self.pick([0, 18, 400]))
        )
        goes_to = self.pick([mac_of(target["mac"]), b"\xff" * 6])
        return goes_to + self.own + struct.pack("!H", ARP) + body

    def discovery(self, target: Target) -> bytes:
        vips = [vip for vip in self.said["vips"] if ":" in vip] or ["fd00:89:50::100"]
        claimed = self.pick([*vips, *vips, target["peer6"]])
        mac = self.liar(target)
        kind = self.pick([136, 136, 136, 135, self.chance.randrange(256)])
        flags = self.pick([0x20000000, 0x60000000, 0xE0000000, 0])
        option = bytes((self.pick([2, 2, 1, 0]), self.pick([1, 1, 0, 200]))) + mac
        body = (
            struct.pack("!BBHI", kind, self.pick([0, 0, 1]), 0, flags)
            + packed(claimed)
            + self.pick([option, option * 9, b""])
        )
        body = body[: self.chance.randrange(len(body)) & ~1] if self.chance.random() < 0.1 else body
        source, destination = (
            packed(self.pick([claimed, "fe80::99", "::"])),
            packed(self.pick([target["address6"], "ff02::1"])),
        )
        total = checksum(source + destination + struct.pack("!II", len(body), ICMP6) + body)
        if len(body) >= 4:
            body = body[:2] + struct.pack("!H", self.pick([total, total, total, 1])) + body[4:]
        limit = self.pick([255, 255, 64, 1])
        packet = struct.pack("!IHBB", 6 << 28, len(body), ICMP6, limit) + source + destination + body
        goes_to = b"\x33\x33" + destination[12:] if destination[0] == 0xFF else mac_of(target["mac"])
        return goes_to + self.own + struct.pack("!H", IPV6) + packet


if __name__ == "__main__":
    Forger(json.loads(sys.argv[1])).run()
