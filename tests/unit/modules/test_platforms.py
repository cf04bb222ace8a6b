# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clouds and hypervisors, by what SMBIOS says of a host. The files are written by hand: none can be had here."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.platforms import platform


@pytest.mark.parametrize(
    ("field", "text", "name", "by_arp"),
    [
        ("sys_vendor", "Amazon EC2", "Amazon EC2", False),
        ("product_name", "Google Compute Engine", "Google Compute Engine", False),
        ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "Microsoft Azure", False),
        ("sys_vendor", "Hetzner", "Hetzner Cloud", False),
        ("product_name", "OpenStack Nova", "OpenStack", True),
        ("product_name", "OpenStack Compute", "OpenStack", True),
        ("sys_vendor", "VMware, Inc.", "VMware vSphere", True),
        ("sys_vendor", "QEMU", "QEMU, as Proxmox VE has it", True),
    ],
)
def test_a_platform_is_known_by_its_sign(tmp_path: Path, field: str, text: str, name: str, by_arp: bool) -> None:
    (tmp_path / field).write_text(f"{text}\n")
    found = platform(str(tmp_path))
    assert found
    assert (found.name, found.by_arp) == (name, by_arp)


def test_a_cloud_is_known_before_the_hypervisor_that_it_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "sys_vendor").write_text("QEMU\n")
    (tmp_path / "product_name").write_text("OpenStack Nova\n")
    found = platform(str(tmp_path))
    assert found
    assert found.name == "OpenStack"


@pytest.mark.parametrize("vendor", ["", "Dell Inc.", "Microsoft Corporation"])
def test_any_other_machine_is_none(tmp_path: Path, vendor: str) -> None:
    (tmp_path / "sys_vendor").write_text(vendor)
    assert platform(str(tmp_path)) is None
    assert platform(str(tmp_path / "missing")) is None
