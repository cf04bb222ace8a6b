# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared addresses of a real server of LVS, for which it does not speak. Private to this collection."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.kernel import set_kernel
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import host_addresses, must
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.kernel import Setting
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.loopback import UNIT, listed, render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)

__all__ = ("share",)

PATH = f"/etc/systemd/system/{UNIT}"
SYSCTL = "/etc/sysctl.d/90-holdfast.conf"
QUIET = (
    Setting(
        "net.ipv4.conf.all.arp_ignore",
        "1",
        "the shared address on lo is answered for by the balancer that holds it, not by this host",
        is_needed=True,
    ),
    Setting(
        "net.ipv4.conf.all.arp_announce",
        "2",
        "this host must not ask its neighbours in the name of the shared address",
        is_needed=True,
    ),
)


def share(addresses: t.Sequence[str], *, check: bool) -> Outcome:
    """Have these addresses on the loopback interface, and no others of ours; HoldfastError where that cannot be.

    The kernel keeps quiet about them before the first comes, and speaks for every address again when the last is gone.
    """
    wanted = _canonical(addresses)
    if wanted:
        kernel = set_kernel(SYSCTL, QUIET, check=check)
        outcome = _bring(wanted, check=check)
    else:
        outcome = _bring(wanted, check=check)
        kernel = set_kernel(SYSCTL, (), check=check)
    outcome.changes += kernel.changes
    outcome.diff += kernel.diff
    outcome.warnings += kernel.warnings
    return outcome


def _bring(wanted: t.Sequence[str], *, check: bool) -> Outcome:
    there = read_text(PATH)
    found = host_addresses()
    elsewhere = {one.address: one.interface for one in found if one.interface != "lo"}
    for address in wanted:
        if address in elsewhere:
            raise HoldfastError(
                f"{address} is an address of {elsewhere[address]} on this host: a real server has a shared address "
                f"for itself alone, so take it away there (ip address del {address} dev {elsewhere[address]})"
            )
    on_loopback = [one.address for one in found if one.interface == "lo"]
    added = [address for address in wanted if address not in on_loopback]
    removed = [address for address in listed(there) if address in on_loopback and address not in wanted]
    text = render(list(wanted))
    if not check:
        for address in added:
            must("ip", "address", "add", address, "dev", "lo")
        for address in removed:
            must("ip", "address", "del", address, "dev", "lo")
        if text != there:
            _replace(text)
        if text and run("systemctl", "is-active", "--quiet", UNIT).rc:
            must("systemctl", "start", UNIT)
    return Outcome(
        [*(f"+ {one}" for one in added), *(f"- {one}" for one in removed), *([PATH] if text != there else [])],
        [difference(PATH, there, text)],
        returned={"added": added, "removed": removed},
    )


def _canonical(addresses: t.Iterable[str]) -> list[str]:
    """Return the addresses in their own spelling, each once; raises InputError for what is none."""
    found: dict[str, None] = {}
    for index, address in enumerate(addresses):
        try:
            found[str(ipaddress.ip_address(address))] = None
        except ValueError:
            raise InputError(
                f"addresses[{index}]", f"{shown(address)} is no address: write one, as 10.0.0.100"
            ) from None
    return list(found)


def _replace(text: str) -> None:
    """Write the unit, or remove it where there is nothing to do, and tell systemd."""
    if not text:
        must("systemctl", "disable", UNIT)
        replace_text(PATH, None)
        must("systemctl", "daemon-reload")
        # What it represents is gone already; stopping it only lets systemd forget it.
        run("systemctl", "stop", UNIT)
        return
    replace_text(PATH, text)
    must("systemctl", "daemon-reload")
    must("systemctl", "enable", UNIT)
