# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual addresses, unicast peers, and the interface that a virtual address belongs to. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import Flag, Interface, Text, items
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Integer, Kind, elements
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import option
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = ("Addresses", "Peer", "Peers", "VirtualAddress", "deprecated", "interface_for")

AnyAddress = t.Union[IPv4Address, IPv6Address]


class Prefixed(Kind):
    """An address that may have a prefix length, kept as it was written but for the address's own spelling."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        address, slash, length = str(value).partition("/")
        try:
            interface = ip_interface(str(value))
            if slash and not length.isdigit():
                raise ValueError(value)
        except ValueError:
            raise InputError(path, f"{shown(value)} is not an IP address such as 192.0.2.10 or 192.0.2.10/24") from None
        return f"{interface.ip}/{length}" if slash else str(interface.ip)


class Broadcast(Address):
    """A broadcast address, or ``+`` or ``-`` for the one with all host bits set or cleared."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        return str(value) if value in ("+", "-") else super().accept(value, path, version)


class LineModel(Model):
    """A model that is one line of a list block: the first word, then ``name value`` pairs and single words."""

    def to_block(self) -> Block:
        result: list[str] = []
        for line in super().to_block().children or ():
            result.extend((line.name, *line.args))
        return Block(result[1], tuple(result[2:]))

    @classmethod
    def options_of(cls, line: t.Sequence[str]) -> dict[str, t.Any]:
        """Return the options that the words of a line give; ValueError for a word that has no option."""
        known = {(field.metadata["option"].keywords or (field.name,))[0]: field for field in fields(t.cast(t.Any, cls))}
        aliases = {word: key for key, item in known.items() for word in item.metadata["option"].keywords}
        given: dict[str, t.Any] = {next(iter(known.values())).name: line[0]}
        rest = iter(line[1:])
        for word in rest:
            item = known.get(aliases.get(word, word))
            if item is None:
                raise ValueError(f"{shown(word)} behind {line[0]} has no meaning there")
            if isinstance(item.metadata["option"].kind, Flag):
                given[item.name] = True
                continue
            value = next(rest, None)
            if value is None:
                raise ValueError(f"{shown(word)} behind {line[0]} lacks its value")
            given[item.name] = value
        return given


@dataclass(frozen=True)
class VirtualAddress(LineModel):
    """One line of ``virtual_ipaddress``."""

    address: str = option(Prefixed(), required=True)
    brd: str | None = option(Broadcast(), "brd", "broadcast")
    dev: str | None = option(Interface())
    scope: str | None = option(Text())
    label: str | None = option(Text(longest=15))
    peer: str | None = option(Address())
    home: bool | None = option(Flag())
    nodad: bool | None = option(Flag(), "-nodad")
    mngtmpaddr: bool | None = option(Flag())
    noprefixroute: bool | None = option(Flag())
    autojoin: bool | None = option(Flag())
    no_track: bool | None = option(Flag())
    preferred_lft: str | None = option(Text())
    use_vmac: bool | None = option(Flag())

    @property
    def ip(self) -> AnyAddress:
        """The address alone."""
        return ip_interface(self.address).ip

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.ip.version

    def validate(self, path: str) -> None:
        if self.family == 6:
            for name in ("brd", "label", "scope"):
                if getattr(self, name) is not None:
                    raise InputError(path, f"{self.address} is an IPv6 address, and those have no {name}")
        if self.brd and self.peer:
            raise InputError(path, f"{self.address} has both brd and peer: keepalived takes one of them")
        if self.peer and "/" in self.address:
            raise InputError(path, f"{self.address} has a peer: leave the prefix length out")
        if self.peer and ip_address(self.peer).version != self.family:
            raise InputError(path, f"{self.address} and its peer {self.peer} are of different families")
        if self.preferred_lft not in (None, "forever") and not str(self.preferred_lft).isdigit():
            raise InputError(path, f"preferred_lft {shown(self.preferred_lft)} is neither seconds nor forever")


@dataclass(frozen=True)
class Peer(LineModel):
    """One line of ``unicast_peer``."""

    address: str = option(Address(), required=True)
    min_ttl: int | None = option(Integer(0, 255), since="2.1.0")
    max_ttl: int | None = option(Integer(0, 255), since="2.1.0")

    def validate(self, path: str) -> None:
        if (self.min_ttl or 0) > (255 if self.max_ttl is None else self.max_ttl):
            raise InputError(path, f"min_ttl {self.min_ttl} is above max_ttl {self.max_ttl}: nothing would be accepted")


class LineModels(Kind):
    """A list block whose lines are models; a user writes each as a mapping or as the line itself."""

    spec = {"type": "list", "elements": "raw"}

    def __init__(self, model: type[LineModel]) -> None:
        self.model = model

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[LineModel, ...] | None:
        return (
            tuple(
                self._one(element, f"{path}[{index}]", version) for index, element in enumerate(elements(value, path))
            )
            or None
        )

    def _one(self, value: t.Any, path: str, version: Version | None) -> LineModel:
        if isinstance(value, LineModel):
            return value
        if not isinstance(value, t.Mapping):
            result = words(str(value))[0]
            if not result:
                raise InputError(path, "it is empty")
            try:
                value = self.model.options_of(result)
            except ValueError as error:
                raise InputError(path, str(error)) from error
        return self.model.from_options(value, path, version)

    def write(self, keyword: str, value: tuple[LineModel, ...]) -> t.Iterator[Block]:
        yield Block(keyword, (), tuple(item.to_block() for item in value))

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return [self.model.options_of((line.name, *line.args)) for line in items(lines)]


class Addresses(LineModels):
    """``virtual_ipaddress`` and its relatives."""

    def __init__(self) -> None:
        super().__init__(VirtualAddress)


class Peers(LineModels):
    """``unicast_peer``."""

    def __init__(self) -> None:
        super().__init__(Peer)


def deprecated(addresses: tuple[VirtualAddress, ...] | None) -> tuple[VirtualAddress, ...] | None:
    """Return the same with every IPv6 address deprecated (RFC 4862, 5.5.4) that does not say its ``preferred_lft``.

    Else the host would begin its own connections from an address that goes away. keepalived does so by itself for /128.
    """
    if addresses is None:
        return None
    return tuple(
        replace(address, preferred_lft="0")
        if address.family == 6
        and address.preferred_lft is None
        and ip_interface(address.address).network.prefixlen != 128
        else address
        for address in addresses
    )


def interface_for(
    vip: str,
    addresses: t.Sequence[HostAddress],
    held: t.Collection[str] = (),
    source: str | None = None,
    path: str = "",
) -> str:
    """Return the interface in whose subnet a virtual address lies.

    ``addresses`` are all that the host has now, ``held`` those among them that are there as virtual addresses (they
    tell nothing about subnets and do not clash), ``source`` is ``unicast_src_ip``. Where several subnets hold the
    address, that of ``source`` wins, then the narrowest. InputError, at ``path``, when the address lies in no subnet
    or in two equal ones, when the host owns it, and when ``source`` is no address of the interface.
    """
    wanted = ip_interface(vip).ip
    virtual = {ip_interface(item).ip for item in held}
    own = [address for address in addresses if ip_address(address.address) not in virtual]
    for item in own:
        if ip_address(item.address) == wanted:
            raise InputError(
                path,
                f"{wanted} is an address that {item.interface} of this host has of its own: "
                "choose a free address of the subnet as the virtual one",
            )
    near = [item for item in own if wanted in ip_interface(f"{item.address}/{item.prefix_length}").network]
    if not near:
        subnets = ", ".join(
            sorted({_subnet(item) for item in own if ip_address(item.address).version == wanted.version})
        )
        raise InputError(
            path,
            f"{wanted} lies in no subnet of this host ({subnets or 'it has none of that family'}): "
            "correct the address, or say the interface",
        )
    if source is not None:
        owners = {item.interface for item in own if ip_address(item.address) == ip_address(source)}
        beside = [item for item in near if item.interface in owners]
        if not beside:
            raise InputError(
                path,
                f"unicast_src_ip {source} is no address of {near[0].interface}, where {wanted} lies "
                f"({', '.join(sorted(_subnet(item) for item in near))}): correct one of the two, or say the interface",
            )
        near = beside
    longest = max(item.prefix_length for item in near)
    names = sorted({item.interface for item in near if item.prefix_length == longest})
    if len(names) > 1:
        raise InputError(path, f"{wanted} lies in the same subnet of {' and '.join(names)}: say the interface")
    return names[0]


def _subnet(host_address: HostAddress) -> str:
    return f"{ip_interface(f'{host_address.address}/{host_address.prefix_length}').network} on {host_address.interface}"
