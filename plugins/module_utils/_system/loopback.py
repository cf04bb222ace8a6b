# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit that gives a real server of LVS its addresses. Private to this collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ("UNIT", "listed", "render")

UNIT = "holdfast-loopback.service"
_START = re.compile(r"^ExecStart=\S+ address replace (\S+) dev lo$", re.MULTILINE)


def render(addresses: t.Sequence[str]) -> str:
    """Return the unit, empty where there are no addresses. An address without a prefix is one for itself alone."""
    if not addresses:
        return ""
    start = "".join(f"ExecStart=/sbin/ip address replace {address} dev lo\n" for address in addresses)
    stop = "".join(f"ExecStop=-/sbin/ip address del {address} dev lo\n" for address in addresses)
    return f"""# Owned by holdfast.nginx_ha: edits by hand are lost.
[Unit]
Description=Take what LVS forwards to the shared addresses
Documentation=man:keepalived.conf(5)
# Nobody may be told of the addresses, so the settings of the kernel come first.
After=systemd-sysctl.service
Before=network-pre.target
Wants=network-pre.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
{start}{stop}
[Install]
WantedBy=multi-user.target
"""


def listed(unit: str) -> list[str]:
    """Return the addresses that a unit gives."""
    return _START.findall(unit)
