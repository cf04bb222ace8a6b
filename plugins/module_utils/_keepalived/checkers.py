# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How keepalived asks a real server whether it is well. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Command,
    Decimal,
    Flag,
    FlagOrWords,
    Interface,
    Pattern,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    LARGEST,
    LONGEST_TIMER,
    SECONDS,
    OneCommand,
    Weight,
    WeightKind,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Choice, Integer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import NestedList, option

__all__ = (
    "BfdCheck",
    "DnsCheck",
    "FileCheck",
    "HttpGet",
    "MiscCheck",
    "PingCheck",
    "SmtpCheck",
    "SslGet",
    "SslUrl",
    "TcpCheck",
    "UdpCheck",
    "Url",
)

PORT = 65535
LONGEST_REPLY = 255


@dataclass(frozen=True)
class Checker(Model):
    """What every checker but two can be told."""

    retry: int | None = option(Integer(0, LARGEST))
    delay_before_retry: float | None = option(Decimal(0, LONGEST_TIMER))
    warmup: float | None = option(Decimal(0, LONGEST_TIMER))
    delay_loop: float | None = option(Decimal(0.000001, LONGEST_TIMER))
    alpha: bool | None = option(Switch())
    log_all_failures: bool | None = option(Switch())


@dataclass(frozen=True)
class Connection(Checker):
    """A checker that connects to somewhere; by default to the real server itself."""

    table = "connection"

    connect_ip: str | None = option(Address())
    connect_port: int | None = option(Integer(1, PORT))
    bindto: str | None = option(Address())
    bind_port: int | None = option(Integer(1, PORT))
    bind_if: str | None = option(Interface())
    connect_timeout: float | None = option(Decimal(0.000001, SECONDS))
    fwmark: int | None = option(Integer(0, LARGEST))


@dataclass(frozen=True)
class TcpCheck(Connection):
    """It is well when it takes a connection."""

    keyword = "TCP_CHECK"


@dataclass(frozen=True)
class PingCheck(Connection):
    """It is well when it answers a ping."""

    keyword = "PING_CHECK"


@dataclass(frozen=True)
class UdpCheck(Connection):
    """It is well when nothing says that the port is closed, or when it answers."""

    keyword = "UDP_CHECK"
    table = "udp_check"

    payload: str | None = option(Pattern("[0-9A-Fa-f]{2}(?: ?[0-9A-Fa-f]{2})*", "a text of hexadecimal digits"))
    require_reply: tuple[str, ...] | None = option(FlagOrWords())
    min_reply_length: int | None = option(Integer(0, PORT))
    max_reply_length: int | None = option(Integer(0, PORT))

    def validate(self, path: str) -> None:
        longest = LONGEST_REPLY if self.max_reply_length is None else self.max_reply_length
        if longest < (self.min_reply_length or 0):
            raise InputError(path, f"min_reply_length is above max_reply_length, {longest}: no answer would do")


@dataclass(frozen=True)
class DnsCheck(Connection):
    """It is well when it answers a question for a name."""

    keyword = "DNS_CHECK"
    table = "dns_check"

    type: str | None = option(
        Choice("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"),
    )
    name: str | None = option(Text(), once=True)


@dataclass(frozen=True)
class Url(Model):
    """A page that is asked for, and what must come back."""

    keyword = "url"

    path: str = option(Text(), required=True)
    digest: str | None = option(Pattern("[0-9A-Fa-f]{32}", "a digest of 32 hexadecimal digits"))
    status_code: tuple[str, ...] | None = option(Words())
    virtualhost: str | None = option(Text())
    regex: str | None = option(Text())
    regex_no_match: bool | None = option(Flag())
    regex_options: tuple[str, ...] | None = option(Words())
    regex_min_offset: int | None = option(Integer(0, LARGEST))
    regex_max_offset: int | None = option(Integer(0, LARGEST))


@dataclass(frozen=True)
class SslUrl(Url):
    """The same over TLS."""

    table = "ssl_url"

    tls_compliant: bool | None = option(Switch())


@dataclass(frozen=True)
class HttpGet(Connection):
    """It is well when it answers every page as it should."""

    keyword = "HTTP_GET"
    table = "http_get"

    virtualhost: str | None = option(Text())
    http_protocol: str | None = option(Choice("1.0", "1.1", "1.0C"))
    enable_sni: bool | None = option(Switch())
    fast_recovery: bool | None = option(Switch())
    urls: tuple[Url, ...] = option(NestedList(Url), "url", required=True)


@dataclass(frozen=True)
class SslGet(HttpGet):
    """The same over TLS."""

    keyword = "SSL_GET"
    table = "ssl_get"

    urls: tuple[Url, ...] = option(NestedList(SslUrl), "url", required=True)
    tls_compliant: bool | None = option(Switch())


@dataclass(frozen=True)
class SmtpHost(Connection):
    """One of several places that a mail server listens at."""

    keyword = "host"


@dataclass(frozen=True)
class SmtpCheck(Connection):
    """It is well when it greets as a mail server does."""

    keyword = "SMTP_CHECK"
    table = "smtp_check"

    helo_name: str | None = option(Text())
    hosts: tuple[SmtpHost, ...] | None = option(NestedList(SmtpHost), "host")


@dataclass(frozen=True)
class MiscCheck(Checker):
    """It is well when a command ends with 0."""

    keyword = "MISC_CHECK"
    table = "misc_check"

    misc_path: Command = option(OneCommand(), required=True)
    misc_timeout: int | None = option(Integer(0, SECONDS))
    misc_dynamic: bool | None = option(Flag())
    user: tuple[str, ...] | None = option(Words(1, 2))


@dataclass(frozen=True)
class FileCheck(Model):
    """It is well when a track_file says so."""

    keyword = "FILE_CHECK"
    table = "file_check"

    track_file: str = option(Text(), required=True)
    weight: Weight | None = option(WeightKind(PORT))


@dataclass(frozen=True)
class BfdCheck(Model):
    """It is well when a bfd_instance is up."""

    keyword = "BFD_CHECK"
    table = "bfd_check"

    name: str = option(Text(), required=True)
    alpha: bool | None = option(Switch())
