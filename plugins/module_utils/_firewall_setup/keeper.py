# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service by which rules of nftables and iptables outlast whatever is done to them. Private to this collection.

Neither of the two remembers a rule that was added. A part of the agent follows every change and puts the rules back.
"""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.place import AGENT, FOLDER

__all__ = ("PART", "SERVICE", "UNIT", "UNIT_FILE")

UNIT = "holdfast-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PART = "firewall"
"""What of the agent it runs."""

LOADERS = ("nftables.service", "netfilter-persistent.service", "iptables.service", "ip6tables.service", "ufw.service")
"""The units that load the rules of a host: at a boot ours come after theirs."""

HEADER = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"
SERVICE = f"""{HEADER}[Unit]
Description=Keep the rules for adverts of the peers, and the service, in the firewall
Documentation=man:keepalived.conf(5)
After={" ".join(LOADERS)}
# Whoever is no peer must not be heard from the beginning.
Before=keepalived.service
StartLimitIntervalSec=0

[Service]
SyslogIdentifier=holdfast-firewall
Type=notify
ExecStart=/usr/bin/python3 -I -S -B {FOLDER}/{AGENT} {PART}
Restart=always
RestartSec=1s
TimeoutStartSec=30s
MemoryMax=128M
TasksMax=16
OOMScoreAdjust=-900
# The programs of iptables load what they need of the kernel.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_MODULE
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=multi-user.target
"""
