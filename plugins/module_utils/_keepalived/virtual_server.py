# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LVS: virtual servers, their groups, and the real servers behind them. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.checkers import (
    PORT,
    BfdCheck,
    DnsCheck,
    FileCheck,
    HttpGet,
    MiscCheck,
    PingCheck,
    SmtpCheck,
    SslGet,
    TcpCheck,
    UdpCheck,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Command,
    Decimal,
    Flag,
    Pattern,
    Phrases,
    Script,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    LARGEST,
    LONGEST_TIMER,
    SECONDS,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Choice, Integer, Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import NestedList, option

__all__ = ("RealServer", "VirtualServer", "VirtualServerGroup")

# What is for one scheduler is dropped before it is named.
_SCHEDULER = ("lb_algo", "lvs_sched")
_SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos")
_FORWARDING = 5
LONGEST_PERSISTENCE = 86400 * 31


class Place(Kind):
    """A word behind the keyword of a block: ``at`` counts them, ``marked`` is the word before it."""

    def __init__(self, kind: Kind, at: int = 0, marked: str = "") -> None:
        self.kind = kind
        self.at = at
        self.marked = marked

    def describe(self) -> dict[str, t.Any]:
        return self.kind.describe()

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        return self.kind.accept(value, path, version)

    def write(self, keyword: str, value: t.Any) -> t.Iterator[Block]:
        yield Block(keyword, (self.marked, str(value)) if self.marked else (str(value),))

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        words = lines[-1].args
        mark = words[0] if words and words[0] in ("fwmark", "group") else ""
        index = 1 if mark else self.at
        return words[index] if mark == self.marked and index < len(words) else None


class Protocol(Choice):
    """A protocol in capital letters; keepalived reads small ones too."""

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return t.cast(str, super().read(lines)).upper()


@dataclass(frozen=True)
class RealServer(Model):
    """One of the servers that the connections go to."""

    keyword = "real_server"

    address: str = option(Place(Address()), required=True, title=True)
    port: int | None = option(Place(Integer(0, PORT), at=1), title=True)
    weight: int | None = option(Integer(0, PORT))
    lvs_method: tuple[str, ...] | None = option(Words(1, _FORWARDING))
    uthreshold: int | None = option(Integer(0, LARGEST))
    lthreshold: int | None = option(Integer(0, LARGEST))
    inhibit_on_failure: bool | None = option(Switch())
    notify_up: Command | None = option(Script())
    notify_down: Command | None = option(Script())
    alpha: bool | None = option(Switch())
    retry: int | None = option(Integer(1, LARGEST))
    delay_before_retry: float | None = option(Decimal(0, LONGEST_TIMER))
    warmup: float | None = option(Decimal(0, LONGEST_TIMER))
    connect_timeout: float | None = option(Decimal(0.000001, SECONDS))
    delay_loop: float | None = option(Decimal(0.000001, LONGEST_TIMER))
    smtp_alert: bool | None = option(Switch())
    virtualhost: str | None = option(Text())
    snmp_name: str | None = option(Text())
    tcp_checks: tuple[TcpCheck, ...] | None = option(NestedList(TcpCheck), "TCP_CHECK")
    http_checks: tuple[HttpGet, ...] | None = option(NestedList(HttpGet), "HTTP_GET")
    ssl_checks: tuple[SslGet, ...] | None = option(NestedList(SslGet), "SSL_GET")
    dns_checks: tuple[DnsCheck, ...] | None = option(NestedList(DnsCheck), "DNS_CHECK")
    misc_checks: tuple[MiscCheck, ...] | None = option(NestedList(MiscCheck), "MISC_CHECK")
    smtp_checks: tuple[SmtpCheck, ...] | None = option(NestedList(SmtpCheck), "SMTP_CHECK")
    udp_checks: tuple[UdpCheck, ...] | None = option(NestedList(UdpCheck), "UDP_CHECK")
    ping_checks: tuple[PingCheck, ...] | None = option(NestedList(PingCheck), "PING_CHECK")
    file_checks: tuple[FileCheck, ...] | None = option(NestedList(FileCheck), "FILE_CHECK")
    bfd_checks: tuple[BfdCheck, ...] | None = option(NestedList(BfdCheck), "BFD_CHECK")


@dataclass(frozen=True)
class VirtualServer(Model):
    """An address and port, a firewall mark or a group whose connections are spread over real servers."""

    keyword = "virtual_server"

    address: str | None = option(Place(Address()), title=True)
    port: int | None = option(Place(Integer(0, PORT), at=1), title=True)
    fwmark: int | None = option(Place(Integer(1, LARGEST), marked="fwmark"), title=True)
    group: str | None = option(Place(Text(), marked="group"), title=True)
    ip_family: str | None = option(Choice("inet", "inet6"))
    delay_loop: float | None = option(Decimal(0.000001, LONGEST_TIMER))
    lb_algo: str | None = option(Choice(*_SCHEDULERS), *_SCHEDULER)
    lb_kind: tuple[str, ...] | None = option(Words(1, _FORWARDING), "lb_kind", "lvs_method")
    protocol: str | None = option(Protocol("TCP", "UDP", "SCTP"))
    persistence_engine: str | None = option(Text(longest=16))
    persistence_timeout: int | None = option(Integer(1, LONGEST_PERSISTENCE))
    persistence_granularity: str | None = option(
        Pattern(r"\d{1,3}|(?:\d{1,3}\.){3}\d{1,3}", "a netmask or, for IPv6, a prefix length")
    )
    hashed: bool | None = option(Flag(), after=_SCHEDULER)
    ops: bool | None = option(Flag())
    sh_port: bool | None = option(Flag(), "sh-port", after=_SCHEDULER)
    sh_fallback: bool | None = option(Flag(), "sh-fallback", after=_SCHEDULER)
    mh_port: bool | None = option(Flag(), "mh-port", after=_SCHEDULER)
    mh_fallback: bool | None = option(Flag(), "mh-fallback", after=_SCHEDULER)
    ha_suspend: bool | None = option(Flag())
    alpha: bool | None = option(Flag())
    omega: bool | None = option(Flag())
    inhibit_on_failure: bool | None = option(Flag())
    weight: int | None = option(Integer(1, PORT))
    quorum: int | None = option(Integer(1, LARGEST))
    hysteresis: int | None = option(Integer(0, LARGEST))
    quorum_up: Command | None = option(Script())
    quorum_down: Command | None = option(Script())
    retry: int | None = option(Integer(1, LARGEST))
    delay_before_retry: float | None = option(Decimal(0, LONGEST_TIMER))
    warmup: float | None = option(Decimal(0, LONGEST_TIMER))
    connect_timeout: float | None = option(Decimal(0.000001, SECONDS))
    smtp_alert: bool | None = option(Switch())
    virtualhost: str | None = option(Text())
    snmp_name: str | None = option(Text())
    sorry_server: tuple[str, ...] | None = option(Words(1, 2))
    sorry_server_inhibit: bool | None = option(Flag(), after=("sorry_server",))
    sorry_server_lvs_method: tuple[str, ...] | None = option(Words(1, _FORWARDING), after=("sorry_server",))
    real_servers: tuple[RealServer, ...] | None = option(NestedList(RealServer), "real_server")

    def validate(self, path: str) -> None:
        given = [name for name in ("address", "fwmark", "group") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(path, f"it needs one of address, fwmark, group, and has {' and '.join(given) or 'none'}")
        for wrong, message in self._combinations():
            if wrong:
                raise InputError(path, message)

    def _combinations(self) -> t.Iterator[tuple[bool, str]]:
        """Yield what keepalived would drop, change or refuse, each with its sentence."""
        servers = self.real_servers or ()
        method = (self.lb_kind or ("NAT",))[0]
        ports = {
            server.port
            for server in servers
            if server.port is not None and (server.lvs_method or (method,))[0] != "NAT"
        }
        quorum = self.quorum or 1
        weight = sum((self.weight or 1) if server.weight is None else server.weight for server in servers)
        is_sh, is_mh = self.lb_algo == "sh", self.lb_algo == "mh"
        yield self.port is not None and self.address is None, "it has a port, which goes with an address"
        yield not servers, "it has no real_servers"
        yield self.lb_algo is None, "it has no lb_algo, as wlc"
        yield self.lb_kind is None, "it has no lb_kind: NAT, DR or TUN"
        yield method not in ("NAT", "DR", "TUN"), f"lb_kind {shown(method)} is not NAT, DR or TUN"
        yield self.protocol is None and self.fwmark is None, "it has no protocol: TCP, UDP or SCTP"
        yield self.protocol is not None and self.fwmark is not None, "it has a protocol, which goes with an address"
        yield (
            self.address is not None and not self.port and self.persistence_timeout is None,
            "it has no port, which is for services with a persistence_timeout",
        )
        yield (
            self.address is not None and bool(ports - {0, self.port}),
            f"the real servers have other ports than {self.port}, and only NAT can change a port",
        )
        yield self.fwmark is not None and bool(ports - {0}), "its real servers have ports, and only NAT can change them"
        yield quorum > weight, f"the quorum {quorum} is above the weight of all real servers, {weight}"
        yield (self.hysteresis or 0) >= quorum, f"the hysteresis {self.hysteresis} is not below the quorum {quorum}"
        yield bool(self.ops) and self.protocol != "UDP", "ops is for the protocol UDP"
        yield bool((self.hashed or self.sh_port or self.sh_fallback) and not is_sh), "hashed and sh_* need lb_algo sh"
        yield bool((self.mh_port or self.mh_fallback) and not is_mh), "mh_port and mh_fallback need lb_algo mh"
        yield (
            bool(self.sorry_server_inhibit or self.sorry_server_lvs_method) and self.sorry_server is None,
            "it has options of a sorry_server, and none of these",
        )
        family = None if self.address is None else "inet6" if ":" in self.address else "inet"
        yield None not in (family, self.ip_family) and family != self.ip_family, "ip_family is not that of its address"


@dataclass(frozen=True)
class VirtualServerGroup(Model):
    """Several addresses, ranges and firewall marks that virtual_server can name at once."""

    keyword = "virtual_server_group"

    name: str = option(Text(), required=True, title=True)
    members: tuple[str, ...] = option(Phrases(), required=True)

    def to_block(self) -> Block:
        inner = (super().to_block().children or ())[0]
        return Block(self.keyword, (self.name,), inner.children)

    @classmethod
    def from_block(cls, block: Block) -> VirtualServerGroup:
        inner = Block("members", (), block.children, position=block.position)
        return super().from_block(Block(block.name, block.args, (inner,), block.raw, block.position))
