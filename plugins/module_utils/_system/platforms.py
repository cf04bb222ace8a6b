# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cloud or hypervisor a host is a virtual machine of, and what an address needs there to move by VRRP.

The signs are the fields of SMBIOS by which cloud-init knows them (canonical/cloud-init, tools/ds-identify).
"""

from __future__ import annotations

import os
import typing as t

__all__ = ("platform",)

SMBIOS = "/sys/class/dmi/id"


class Platform(t.NamedTuple):
    """``by_arp`` says whether gratuitous ARP can move an address there, ``advice`` what to set or to use instead."""

    name: str
    by_arp: bool
    advice: str


_BY_ITS_API = "there an address moves by the provider's API alone: call it in keepalived_notify_commands"
_PLATFORMS: tuple[tuple[str, str, Platform], ...] = (
    ("sys_vendor", "Amazon EC2", Platform("Amazon EC2", False, _BY_ITS_API)),
    ("product_name", "Google Compute Engine", Platform("Google Compute Engine", False, _BY_ITS_API)),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", Platform("Microsoft Azure", False, _BY_ITS_API)),
    ("chassis_asset_tag", "OracleCloud.com", Platform("Oracle Cloud", False, _BY_ITS_API)),
    ("product_name", "Alibaba Cloud ECS", Platform("Alibaba Cloud", False, _BY_ITS_API)),
    ("sys_vendor", "DigitalOcean", Platform("DigitalOcean", False, _BY_ITS_API)),
    ("sys_vendor", "Hetzner", Platform("Hetzner Cloud", False, _BY_ITS_API)),
    ("sys_vendor", "Vultr", Platform("Vultr", False, _BY_ITS_API)),
    (
        "product_name",
        "OpenStack",
        Platform(
            "OpenStack",
            True,
            "the port of every balancer there needs the shared addresses as allowed address pairs (openstack port set "
            "--allowed-address ip-address=ADDRESS PORT), and a security group that lets IP protocol 112 in",
        ),
    ),
    (
        "sys_vendor",
        "VMware",
        Platform(
            "VMware vSphere",
            True,
            "the port group there has to accept forged transmits and MAC address changes where an instance has "
            "use_vmac, and a rule of NSX (SpoofGuard) has to allow the shared addresses",
        ),
    ),
    (
        "sys_vendor",
        "QEMU",
        Platform(
            "QEMU, as Proxmox VE has it",
            True,
            "a firewall of Proxmox VE with the IP filter has to have the shared addresses in the IP set ipfilter-netN "
            "of every balancer, and to let IP protocol 112 through",
        ),
    ),
)


def platform(folder: str = SMBIOS) -> Platform | None:
    """Return the first platform whose sign stands in SMBIOS; None where there is none, as in a container."""
    return next((known for field, sign, known in _PLATFORMS if _field(folder, field).startswith(sign)), None)


def _field(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read(256).strip()
    except OSError:
        return ""
