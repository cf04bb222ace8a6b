# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files by which rules of nftables and iptables outlast a reload and a reboot. Private to this collection.

Neither of the two remembers a rule that was added. A unit that follows theirs puts the rules back; it runs the pure
parts of this folder, which are copied to the host for it.
"""

from __future__ import annotations

import pkgutil
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall.access import Access
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall.restore import WANTED

__all__ = ("UNIT", "UNIT_FILE", "files")

UNIT = "holdfast-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PROGRAM = "/usr/local/lib/holdfast/firewall-keeper"
UTILS = "ansible_collections.holdfast.nginx_ha.plugins.module_utils"
PARTS = ("__init__", "access", "iptables", "netfilter", "nft", "restore", "ruleset")

LOADERS = ("nftables.service", "netfilter-persistent.service", "iptables.service", "ip6tables.service", "ufw.service")
"""The units that load the rules of a host, by which ours are lost."""

HEADER = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"
MAIN = f'''#!/usr/bin/python3
{HEADER}"""Puts the rules of this collection back into the firewall of this host."""

import sys

from firewall.access import AccessError
from firewall.restore import put_back
from run import run

try:
    print(put_back(run))
except AccessError as error:
    sys.exit(str(error))
'''
SERVICE = f"""{HEADER}[Unit]
Description=Let adverts of the peers and the service through the firewall
Documentation=man:keepalived.conf(5)
# Whoever loads the rules of the host anew takes ours away; so this one follows.
After={" ".join(LOADERS)}
PartOf={" ".join(LOADERS)}
ReloadPropagatedFrom={" ".join(LOADERS)}
Before=keepalived.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/python3 -B -I -S {PROGRAM}
ExecReload=/usr/bin/python3 -B -I -S {PROGRAM}

[Install]
WantedBy=multi-user.target {" ".join(LOADERS)}
"""


def files(access: Access) -> dict[str, str]:
    """Return the text of every file by its path."""
    found = {
        UNIT_FILE: SERVICE,
        f"{PROGRAM}/__main__.py": MAIN,
        f"{PROGRAM}/run.py": _source(UTILS, "run"),
    }
    for part in PARTS:
        found[f"{PROGRAM}/firewall/{part}.py"] = _source(f"{UTILS}.firewall", part)
    found[WANTED] = access.to_text()
    return found


def _source(package: str, name: str) -> str:
    """Return the text of a module, wherever it was imported from: on a host that is an archive."""
    return t.cast(bytes, pkgutil.get_data(package, f"{name}.py")).decode()
