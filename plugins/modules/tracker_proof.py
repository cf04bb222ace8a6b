#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove on a standby that the death of nginx reaches keepalived."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tracker_proof
short_description: Prove on a standby that the death of nginx reaches keepalived
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Kills nginx's main process on a node that does not hold the address, waits for the watcher's track file and for
    keepalived's state C(FAULT), brings nginx back and waits until the node is fit again.
  - A tracker that is dead without a word is found by nothing less. Files and configuration stay as they are.
  - A node that holds one of the addresses is left alone, and the task counts as skipped.
requirements:
  - keepalived with JSON support
options:
  addresses:
    description:
      - The virtual addresses, with or without their prefix length. The instances that have one of them must react.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds within which each step has to be seen.
    type: float
    default: 10
  config:
    description: The watcher's configuration file, which says where nginx's pid file and the track files are.
    type: path
    default: /etc/holdfast/watcher.json
attributes:
  check_mode:
    description: Nothing is killed and nothing is proven.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Kill nginx on the node that stands by, and see keepalived react
  holdfast.nginx_ha.tracker_proof:
    addresses: [10.89.50.100]
"""

RETURN = r"""
proven:
  description: Whether the reaction was seen. False in check mode and on a node that holds an address.
  returned: success
  type: bool
  sample: true
tracker_ms:
  description: Milliseconds from the kill until the track file said so.
  returned: when proven
  type: float
  sample: 1.9
fault_ms:
  description: Milliseconds from the kill until the last of the instances was in state C(FAULT).
  returned: when proven
  type: float
  sample: 2.6
recovered_ms:
  description: Milliseconds from the kill until nginx was back and the node fit again.
  returned: when proven
  type: float
  sample: 733.0
"""

import contextlib
import ipaddress
import json
import os
import signal
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.host import host_addresses
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.dump import read_states
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.proof import Node, prove
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState


class ThisNode(Node):
    """This host, with its files and units."""

    def __init__(self, config: str, addresses: t.AbstractSet[str]) -> None:
        try:
            with open(config, encoding="utf-8") as stream:
                data = json.load(stream)
            self._track_file = os.path.join(data["track_dir"], "nginx_crash")
            self._unit = str(data["nginx"]["unit"])
            self._pid_file = str(data["nginx"]["pid_file"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HoldfastError(f"{config} cannot be read ({error!r}): apply the keepalived role first") from error
        self._addresses = addresses

    def instances(self) -> list[InstanceState]:
        return [
            instance
            for instance in read_states()
            if self._addresses & {_plain(one) for one in (*instance.addresses, *instance.excluded_addresses)}
        ]

    def tracker(self) -> bool:
        try:
            with open(self._track_file, encoding="ascii") as stream:
                return stream.read().strip() == "1"
        except OSError as error:
            raise HoldfastError(f"{self._track_file} cannot be read: {error.strerror}") from error

    def kill(self) -> None:
        pid = self._main_pid()
        if pid is None:
            raise HoldfastError(f"nginx does not run here ({self._pid_file} names no process): start it first")
        os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        run("systemctl", "reset-failed", self._unit)
        run("systemctl", "start", self._unit)

    def running(self) -> bool:
        return self._main_pid() is not None

    def now(self) -> float:
        return time.time()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _main_pid(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            with open(self._pid_file, encoding="ascii") as stream:
                pid = int(stream.read())
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                if b"nginx" in stream.read(4096):
                    return pid
        return None


def _plain(address: str) -> str:
    """Return an address without its prefix length, in its one canonical spelling."""
    try:
        return str(ipaddress.ip_interface(address).ip)
    except ValueError as error:
        raise InputError("addresses", f"{error}") from None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 10},
            "config": {"type": "path", "default": "/etc/holdfast/watcher.json"},
        },
        supports_check_mode=True,
    )
    try:
        addresses = frozenset(_plain(address) for address in module.params["addresses"])
        if module.check_mode:
            module.exit_json(changed=False, proven=False, msg="Nothing is killed in check mode.")
        held = sorted(one.address for one in host_addresses() if one.address in addresses)
        if held:
            module.exit_json(
                changed=False,
                proven=False,
                skipped=True,
                msg=f"This node holds {', '.join(held)}: nginx is not killed where it serves.",
            )
        proof = prove(ThisNode(module.params["config"], addresses), limit=module.params["timeout"])
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        proven=True,
        tracker_ms=proof.tracker_ms,
        fault_ms=proof.fault_ms,
        recovered_ms=proof.recovered_ms,
    )


if __name__ == "__main__":
    main()
