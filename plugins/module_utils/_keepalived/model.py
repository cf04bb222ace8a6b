# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the collection owns of keepalived on one host. Private to this collection.

How a module uses it::

    config = KeepalivedConfig.from_options(module.params, version=build.version)   # InputError names the option
    config = config.with_interfaces(addresses, held)                                # derives what was not given
    findings = rules.check(config, ...)                                             # what keepalived -t misses
    texts = files(config)                                                           # relative name -> text

The classes of single blocks (VrrpInstance, TrackFile ...) have the same three ways: ``X.from_options(options, path,
version)``, ``x.to_block()`` and ``X.from_block(block)``; ``options.py`` holds their argument specs.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import (
    VirtualAddress,
    deprecated,
    interface_for,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import Phrases
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import (
    Authentication,
    AuthHmac,
    SyncGroup,
    VrrpInstance,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.network import (
    BfdInstance,
    GarpGroup,
    StaticAddress,
    StaticAddresses,
    TrackGroup,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    Tracked,
    TrackFile,
    TrackProcess,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.virtual_server import (
    RealServer,
    VirtualServer,
    VirtualServerGroup,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Nested, NestedList, option
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = (
    "AuthHmac",
    "Authentication",
    "BfdInstance",
    "GarpGroup",
    "GlobalDefs",
    "KeepalivedConfig",
    "RealServer",
    "StaticAddress",
    "SyncGroup",
    "TrackFile",
    "TrackGroup",
    "TrackProcess",
    "Tracked",
    "VirtualAddress",
    "VirtualServer",
    "VirtualServerGroup",
    "VrrpInstance",
    "VrrpScript",
    "interface_for",
)

_TRACKERS = ("bfd_instance", "track_file", "vrrp_track_file", "vrrp_script", "vrrp_track_process")


@dataclass(frozen=True)
class KeepalivedConfig(Model):
    """Every block, in the order in which keepalived needs them: what is referred to comes first."""

    global_defs: GlobalDefs | None = option(Nested(GlobalDefs))
    track_groups: tuple[TrackGroup, ...] | None = option(NestedList(TrackGroup), "track_group")
    static_addresses: tuple[StaticAddress, ...] | None = option(
        StaticAddresses(), "static_ipaddress", after=("track_group",)
    )
    static_routes: tuple[str, ...] | None = option(Phrases(), after=("track_group",))
    static_rules: tuple[str, ...] | None = option(Phrases(), after=("track_group",))
    garp_groups: tuple[GarpGroup, ...] | None = option(NestedList(GarpGroup), "garp_group")
    interface_up_down_delays: tuple[str, ...] | None = option(Phrases())
    bfd_instances: tuple[BfdInstance, ...] | None = option(NestedList(BfdInstance), "bfd_instance")
    track_files: tuple[TrackFile, ...] | None = option(NestedList(TrackFile), "track_file", "vrrp_track_file")
    vrrp_scripts: tuple[VrrpScript, ...] | None = option(NestedList(VrrpScript), "vrrp_script")
    track_processes: tuple[TrackProcess, ...] | None = option(NestedList(TrackProcess), "vrrp_track_process")
    sync_groups: tuple[SyncGroup, ...] | None = option(NestedList(SyncGroup), "vrrp_sync_group", after=_TRACKERS)
    instances: tuple[VrrpInstance, ...] | None = option(NestedList(VrrpInstance), "vrrp_instance", after=_TRACKERS)
    virtual_server_groups: tuple[VirtualServerGroup, ...] | None = option(
        NestedList(VirtualServerGroup), "virtual_server_group"
    )
    virtual_servers: tuple[VirtualServer, ...] | None = option(
        NestedList(VirtualServer), "virtual_server", after=_TRACKERS
    )

    def validate(self, path: str) -> None:
        for field in (
            "track_groups",
            "bfd_instances",
            "track_files",
            "vrrp_scripts",
            "track_processes",
            "sync_groups",
            "instances",
            "virtual_server_groups",
        ):
            names = [item.name for item in getattr(self, field) or ()]
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise InputError(
                        f"{field}[{index}].name", f"{shown(name)} is there twice: keepalived drops one of them"
                    )

    def with_interfaces(self, addresses: t.Sequence[HostAddress], held: t.Collection[str] = ()) -> KeepalivedConfig:
        """Return the same with the interface of every instance that has none, derived from its first address.

        And no IPv6 address becomes the source of the host's own connections, unless it says how long it may.

        ``addresses`` are those of the host, ``held`` the ones among them that are there as virtual addresses.
        """
        done: list[VrrpInstance] = []
        for index, instance in enumerate(self.instances or ()):
            if instance.interface is None and not self._default_interface:
                vips = instance.virtual_ipaddress or instance.virtual_ipaddress_excluded or ()
                if not vips:
                    raise InputError(
                        f"instances[{index}].interface", "it is missing, and there is no address to derive it from"
                    )
                path = f"instances[{index}].interface"
                source = instance.unicast_src_ip or instance.mcast_src_ip
                name = vips[0].dev or interface_for(vips[0].address, addresses, held, source, path)
                instance = replace(instance, interface=name)
            done.append(
                replace(
                    instance,
                    virtual_ipaddress=deprecated(instance.virtual_ipaddress),
                    virtual_ipaddress_excluded=deprecated(instance.virtual_ipaddress_excluded),
                )
            )
        return replace(self, instances=tuple(done)) if done else self

    @property
    def _default_interface(self) -> str | None:
        return self.global_defs.default_interface if self.global_defs else None

    def to_blocks(self) -> tuple[Block, ...]:
        """Return all blocks; InputError for an instance that still has no interface."""
        for index, instance in enumerate(self.instances or ()):
            if instance.interface is None and not self._default_interface:
                raise InputError(f"instances[{index}].interface", f"it is missing for {instance.name}: say it")
        return super().to_block().children or ()
