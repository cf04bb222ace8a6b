#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: loopback_addresses
short_description: Give a host shared addresses for itself alone, so that it takes what LVS forwards
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - With direct routing (DR) packets reach a real server as the client sent them, to the shared address. It takes them
    only if it has that address, and must not tell anybody that it has.
  - The addresses are put on the loopback interface, now, and at every boot by a small unit,
    C(holdfast-loopback.service).
  - Those that it put there earlier and that are no longer wanted go. Other addresses of the interface stay.
  - For IPv4, set C(arp_ignore) and C(arp_announce) with M(holdfast.nginx_ha.kernel_settings) before.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  addresses:
    description: The addresses, without prefix. An empty list removes what was there.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Take what is forwarded to the shared address
  holdfast.nginx_ha.loopback_addresses:
    addresses: [10.89.50.100]
"""

RETURN = r"""
added:
  description: Addresses that the interface got, or in check mode would get.
  returned: success
  type: list
  elements: str
removed:
  description: Addresses that were taken away, or in check mode would be.
  returned: success
  type: list
  elements: str
"""

import ipaddress

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import host_addresses, must, need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.loopback import UNIT, listed, render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)

PATH = f"/etc/systemd/system/{UNIT}"


def canonical(addresses: list[str]) -> list[str]:
    """Return the addresses in their own spelling, each once; raises InputError for what is none."""
    found: dict[str, None] = {}
    for index, address in enumerate(addresses):
        try:
            found[str(ipaddress.ip_address(address))] = None
        except ValueError:
            raise InputError(f"addresses[{index}]", f"{address!r} is no address: write one, as 10.0.0.100") from None
    return list(found)


def replace(text: str) -> None:
    """Write the unit, or remove it where there is nothing to do, and tell systemd."""
    if not text:
        must("systemctl", "disable", UNIT)
        replace_text(PATH, None)
        must("systemctl", "daemon-reload")
        # What it stands for is gone already; stopping it only lets systemd forget it.
        run("systemctl", "stop", UNIT)
        return
    replace_text(PATH, text)
    must("systemctl", "daemon-reload")
    must("systemctl", "enable", UNIT)


def main() -> None:
    module = AnsibleModule(
        argument_spec={"addresses": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    try:
        need_root()
        wanted = canonical(module.params["addresses"])
        there = read_text(PATH)
        on_loopback = [one.address for one in host_addresses() if one.interface == "lo"]
        elsewhere = {one.address: one.interface for one in host_addresses() if one.interface != "lo"}
        for address in wanted:
            if address in elsewhere:
                raise HoldfastError(
                    f"{address} is an address of {elsewhere[address]} on this host: a real server has a shared address "
                    f"for itself alone, so take it away there (ip address del {address} dev {elsewhere[address]})"
                )
        added = [address for address in wanted if address not in on_loopback]
        removed = [address for address in listed(there) if address in on_loopback and address not in wanted]
        text = render(wanted)
        if not module.check_mode:
            for address in added:
                must("ip", "address", "add", address, "dev", "lo")
            for address in removed:
                must("ip", "address", "del", address, "dev", "lo")
            if text != there:
                replace(text)
            if text and run("systemctl", "is-active", "--quiet", UNIT).rc:
                must("systemctl", "start", UNIT)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=text != there or bool(added or removed),
        added=added,
        removed=removed,
        diff=difference(PATH, there, text),
    )


if __name__ == "__main__":
    main()
