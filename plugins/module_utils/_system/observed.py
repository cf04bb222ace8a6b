# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host can ail a balancer: units, interfaces, neighbours, firewall rules. Private to this collection."""

from __future__ import annotations

import contextlib
import json
import os
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import unit_properties

__all__ = ("blocking_rules", "interfaces", "neighbours", "units", "watched_inodes")

_UNIT = ("LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "ActiveEnterTimestampMonotonic")
_STANDS_ON = ("macvlan", "ipvlan")
_ABOUT_VRRP = re.compile(r"\b(?:112|vrrp)\b")
_DROPS = re.compile(r"\b(?:DROP|REJECT|drop|reject)\b")
_LETS_IN = re.compile(r"\b(?:ACCEPT|accept)\b")
_INOTIFY = re.compile(r"^inotify wd:\S+ ino:([0-9a-f]+)", re.MULTILINE)
YOUNG = 60.0
"""Seconds; a unit that was restarted and has not run for so long is in a loop, or close to one."""


def units(names: t.Sequence[str], runner: Runner = run, *, uptime: float = 0.0) -> dict[str, dict[str, t.Any]]:
    """Return the state of systemd's units by name: present, active, enabled, for how many seconds it has run, and
    whether restarts come in a row."""
    result = {}
    for name in names:
        unit = unit_properties(f"{name}.service", _UNIT, runner)
        began = int(unit["ActiveEnterTimestampMonotonic"] or 0) / 1e6
        restarts = int(unit["NRestarts"] or 0)
        result[name] = {
            "present": unit["LoadState"] not in ("", "not-found"),
            "active": unit["ActiveState"] == "active",
            "enabled": unit["UnitFileState"] in ("enabled", "static", "enabled-runtime"),
            "restarts": restarts,
            "runs": max(0.0, uptime - began) if unit["ActiveState"] == "active" else 0.0,
            "looping": unit["SubState"] == "auto-restart" or (restarts > 2 and uptime - began < YOUNG),
        }
    return result


def interfaces(runner: Runner = run) -> dict[str, dict[str, t.Any]]:
    """Return MAC, whether it is up, the interface below it, and the addresses of every interface by its name.

    ``below`` is empty but for one that stands on another, as the one does that keepalived makes for ``use_vmac``.
    """
    links = json.loads(runner("ip", "-json", "-details", "address", "show").stdout or "[]")
    return {
        link["ifname"]: {
            "mac": link.get("address", ""),
            "up": "UP" in link.get("flags", ()) and "NO-CARRIER" not in link.get("flags", ()),
            "below": link.get("link", "") if link.get("linkinfo", {}).get("info_kind") in _STANDS_ON else "",
            "addresses": [item["local"] for item in link.get("addr_info", ()) if "local" in item],
        }
        for link in links
        if "ifname" in link
    }


def neighbours(addresses: t.Container[str], runner: Runner = run) -> dict[str, str]:
    """Return the MAC that this host believes each of these addresses to have, of those that it knows."""
    entries = json.loads(runner("ip", "-json", "neighbour", "show").stdout or "[]")
    return {entry["dst"]: entry["lladdr"] for entry in entries if entry.get("dst") in addresses and "lladdr" in entry}


def blocking_rules(runner: Runner = run) -> list[str]:
    """Return the rules that drop VRRP before one lets it in; empty where there is no firewall."""
    result = []
    for command in (("iptables-save",), ("ip6tables-save",), ("nft", "list", "ruleset")):
        lines = [line.strip() for line in runner(*command).stdout.split("\n") if _ABOUT_VRRP.search(line)]
        let_in = next((index for index, line in enumerate(lines) if _LETS_IN.search(line)), len(lines))
        result += [f"{line} ({command[0]})" for line in lines[:let_in] if _DROPS.search(line)]
    # iptables of today writes its rules as nftables, and both commands show them.
    return (
        result
        if not any("(iptables-save)" in item for item in result)
        else [item for item in result if "(nft)" not in item]
    )


def watched_inodes(program: str, proc: str = "/proc") -> set[int]:
    """Return the inodes that processes of this name watch through inotify."""
    result: set[int] = set()
    for pid in filter(str.isdigit, os.listdir(proc)):
        with contextlib.suppress(OSError):
            with open(f"{proc}/{pid}/comm", encoding="utf-8", errors="replace") as file:
                if not file.read().startswith(program):
                    continue
            for descriptor in os.listdir(f"{proc}/{pid}/fdinfo"):
                with open(f"{proc}/{pid}/fdinfo/{descriptor}", encoding="ascii", errors="replace") as file:
                    result.update(int(number, 16) for number in _INOTIFY.findall(file.read()))
    return result
