# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files by which rules of nftables and iptables outlast whatever is done to them. Private to this collection.

Neither of the two remembers a rule that was added. A service follows every change and puts the rules back; it runs the
pure parts of this folder, which are copied to the host for it.
"""

from __future__ import annotations

import pkgutil
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall import (
    access,
    follow,
    heard,
    iptables,
    neighbours,
    netfilter,
    nft,
    restore,
    ruleset,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall.restore import WANTED, Kept

__all__ = ("UNIT", "UNIT_FILE", "files")

UNIT = "holdfast-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PROGRAM = "/usr/local/lib/holdfast/firewall-keeper"
_MODULES = (access, follow, heard, iptables, neighbours, netfilter, nft, restore, ruleset)
UTILS = "ansible_collections.holdfast.nginx_ha.plugins.module_utils"
# What is imported here comes to the host with the module.
PARTS = ("__init__", *(part.__name__.rpartition(".")[2] for part in _MODULES))

LOADERS = ("nftables.service", "netfilter-persistent.service", "iptables.service", "ip6tables.service", "ufw.service")
"""The units that load the rules of a host: at a boot ours come after theirs."""

HEADER = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"
MAIN = f'''#!/usr/bin/python3
{HEADER}"""Keeps the rules of this collection in the firewall of this host."""

import sys

from firewall.access import AccessError
from firewall.follow import follow
from run import run

try:
    follow(run, lambda text: print(text, flush=True))
except (AccessError, OSError) as error:
    sys.exit(str(error))
'''
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
ExecStart=/usr/bin/python3 -B -I -S {PROGRAM}
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


def files(kept: Kept) -> dict[str, str]:
    """Return the text of every file by its path, what is wanted first: the program reads it whenever it looks."""
    found = {
        WANTED: kept.to_text(),
        f"{PROGRAM}/__main__.py": MAIN,
        f"{PROGRAM}/run.py": _source(UTILS, "run"),
    }
    for part in PARTS:
        found[f"{PROGRAM}/firewall/{part}.py"] = _source(f"{UTILS}.firewall", part)
    found[UNIT_FILE] = SERVICE
    return found


def _source(package: str, name: str) -> str:
    """Return the text of a module, wherever it was imported from: on a host that is an archive."""
    return t.cast(bytes, pkgutil.get_data(package, f"{name}.py")).decode()
