# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on addresses, router ids and peers. Private to this collection."""

from __future__ import annotations

import typing as t
from ipaddress import ip_address, ip_interface

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import VirtualAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rule import Answer, Subject, each, rule

MOST_ADVERTISED = 20


def _vips(instance: VrrpInstance) -> t.Iterator[tuple[str, VirtualAddress]]:
    for option in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for index, item in enumerate(getattr(instance, option) or ()):
            yield f"{option}[{index}]", item


@each("error", VrrpInstance)
def label_device(subject: Subject, instance: VrrpInstance) -> Answer:
    for option, vip in _vips(instance):
        device = vip.dev or instance.interface
        if vip.label and device and vip.label.split(":")[0] != device:
            message = f"the label {vip.label} of {vip.ip} does not begin with {device}, its interface"
            yield option, message


@each("error", VrrpInstance)
def vip_of_host(subject: Subject, instance: VrrpInstance) -> Answer:
    virtual = {str(ip_interface(item).ip) for item in subject.held}
    owners = {str(ip_address(address.address)): address.interface for address in subject.addresses}
    for option, vip in _vips(instance):
        if str(vip.ip) in owners and str(vip.ip) not in virtual:
            interface = owners[str(vip.ip)]
            yield option, f"{vip.ip} is an address that {interface} has of its own: choose a free one"


@rule("error")
def vip_twice(subject: Subject) -> Answer:
    seen: dict[str, str] = {}
    for place, instance in subject.of(VrrpInstance):
        for option, vip in _vips(instance):
            address = str(vip.ip)
            if address in seen:
                yield place.at(option), f"{address} is there twice, in {seen[address]} and in {instance.name}"
            seen.setdefault(address, instance.name)


@each("warning", VrrpInstance)
def vips_many(subject: Subject, instance: VrrpInstance) -> Answer:
    count = len(instance.virtual_ipaddress or ())
    if count > MOST_ADVERTISED:
        message = (
            f"{count} addresses are in every advert: let one be there and put the others into "
            "virtual_ipaddress_excluded, where they can be changed without a split"
        )
        yield "virtual_ipaddress", message


@rule("error")
def router_id_twice(subject: Subject) -> Answer:
    seen: dict[tuple[str | None, int, int], str] = {}
    for place, instance in subject.of(VrrpInstance):
        family = next((vip.family for vip in instance.virtual_ipaddress or ()), 4)
        key = (instance.interface, family, instance.virtual_router_id)
        if key in seen:
            number = instance.virtual_router_id
            message = f"virtual_router_id {number} is that of {seen[key]} on the same interface: give each its own"
            yield place.at("virtual_router_id"), message
        seen.setdefault(key, instance.name)


@each("error", VrrpInstance)
def peer_is_self(subject: Subject, instance: VrrpInstance) -> Answer:
    own = {ip_address(address.address) for address in subject.addresses}
    mine = own | ({ip_address(instance.unicast_src_ip)} if instance.unicast_src_ip else set())
    for index, peer in enumerate(instance.unicast_peer or ()):
        if ip_address(peer.address) in mine:
            yield f"unicast_peer[{index}]", f"{peer.address} is this host itself: leave it out of the peers"


@each("error", VrrpInstance)
def peer_twice(subject: Subject, instance: VrrpInstance) -> Answer:
    addresses = [peer.address for peer in instance.unicast_peer or ()]
    for index, address in enumerate(addresses):
        if address in addresses[:index]:
            yield f"unicast_peer[{index}]", f"the peer {address} is there twice"


@each("error", VrrpInstance)
def source_elsewhere(subject: Subject, instance: VrrpInstance) -> Answer:
    own = {str(ip_address(address.address)) for address in subject.addresses}
    for option in ("unicast_src_ip", "mcast_src_ip"):
        source = getattr(instance, option)
        if source and own and source not in own:
            yield option, f"{source} is no address of this host, and adverts could not be sent"
