#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove on a standby that whatever happens to nginx reaches keepalived."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tracker_proof
short_description: Prove on a standby that whatever happens to nginx reaches keepalived
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - On a node that does not hold the address, nginx's main process is killed, nginx is frozen, and the guard is stopped
    as it is when nginx is stopped on purpose. Each time it waits for the track file and for keepalived's state
    C(FAULT), undoes what was done, and waits until the node is fit again.
  - A tracker that is dead without a word is found by nothing less. Files and configuration stay as they are.
  - Should this module itself be killed on the way, a timer of systemd undoes what it has done.
  - A node that holds one of the addresses is left alone, and the task counts as skipped.
  - What was proven is remembered, so that M(holdfast.nginx_ha.vrrp_doctor) can say whether it still holds.
requirements:
  - keepalived with JSON support
options:
  addresses:
    description:
      - The virtual addresses, with or without their prefix length. The instances that have one of them must react.
    type: list
    elements: str
    required: true
  restart_first:
    description:
      - Names of the instances that do not react when nginx dies, but when it stays dead. For them nginx is ended so
        that systemd does not start it again, for as long as the watcher's patience lasts.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds within which each step has to be seen, beside the patience of O(restart_first).
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
- name: Kill, freeze and stop nginx on the standby, and check that keepalived reacts
  holdfast.nginx_ha.tracker_proof:
    addresses: [10.89.50.100]
"""

RETURN = r"""
proven:
  description: Whether the reaction was seen. False in check mode and on a node that holds an address.
  returned: success
  type: bool
  sample: true
trackers:
  description: What was seen of each track file.
  returned: when proven
  type: dict
  sample:
    nginx_crash: {tracker_ms: 1.9, fault_ms: 2.6, recovered_ms: 733.0}
    nginx_probe: {tracker_ms: 512.4, fault_ms: 513.0, recovered_ms: 948.2}
    nginx_stop: {tracker_ms: 88.1, fault_ms: 88.5, recovered_ms: 190.3}
  contains:
    nginx_crash:
      description:
        - Milliseconds from what was done until the track file said so (C(tracker_ms)), until the last of the instances
          was in state C(FAULT) (C(fault_ms)), and until the node was fit again (C(recovered_ms)).
        - The same for C(nginx_down), C(nginx_probe) and C(nginx_stop).
      type: dict
"""

import contextlib
import dataclasses
import ipaddress
import json
import os
import signal
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.proof_key import keep, proof_key
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import read_states
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import host_addresses
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import process, read_pid
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.proof import (
    CRASH,
    DOWN,
    PROBE,
    Node,
    Trial,
    prove,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState

GUARD = "holdfast-guard.service"
RESCUE = "holdfast-proof-rescue"
STOPPED = "T"


class ThisNode(Node):
    """This host, with its files and units."""

    def __init__(self, config: str, addresses: t.AbstractSet[str], limit: float) -> None:
        try:
            with open(config, encoding="utf-8") as stream:
                data = json.load(stream)
            self._track_dir = str(data["track_dir"])
            self._unit = str(data["nginx"]["unit"])
            self._pid_file = str(data["nginx"]["pid_file"])
            self._program = str(data["nginx"].get("program", "nginx"))
            self.patience = float(data["nginx"].get("patience", 0))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HoldfastError(f"{config} cannot be read ({error!r}): apply the keepalived role first") from error
        self._addresses = addresses
        self._limit = limit
        self._guard_stopped = False
        self._armed = False

    def instances(self) -> list[InstanceState]:
        return [
            instance
            for instance in read_states()
            if self._addresses & {_plain(one) for one in (*instance.addresses, *instance.excluded_addresses)}
        ]

    def tracker(self, file: str) -> bool:
        path = os.path.join(self._track_dir, file)
        try:
            with open(path, encoding="ascii") as stream:
                return stream.read().strip() == "1"
        except OSError as error:
            raise HoldfastError(f"{path} cannot be read: {error.strerror}") from error

    def harm(self, trial: Trial) -> None:
        pid = self._main_pid()
        if pid is None:
            raise HoldfastError(
                f"{self._program} does not run here ({self._pid_file} names no process): start it first"
            )
        self._arm()
        if trial is CRASH:
            os.kill(pid, signal.SIGKILL)
        elif trial is DOWN:
            # It ends in order, so systemd sees nothing to mend, and nobody was told of a stop.
            os.kill(pid, signal.SIGTERM)
        elif trial is PROBE:
            _systemctl("kill", "--signal=STOP", self._unit)
        else:
            self._guard_stopped = True
            _systemctl("stop", GUARD)

    def mended(self, trial: Trial) -> bool:
        pid = self._main_pid()
        if pid is None or self._guard_stopped or _state(pid) == STOPPED:
            return False
        self._disarm()
        return True

    def mend(self, trial: Trial) -> None:
        run("systemctl", "kill", "--signal=CONT", self._unit)
        if self._main_pid() is None:
            run("systemctl", "reset-failed", self._unit)
        run("systemctl", "start", self._unit, GUARD)
        self._guard_stopped = False

    def _arm(self) -> None:
        """Let systemd undo everything some time after this module should have, in case that it is killed."""
        self._disarm()
        undo = f"systemctl kill --signal=CONT {self._unit}; systemctl start {self._unit} {GUARD}"
        seconds = int(3 * self._limit + self.patience)
        armed = run("systemd-run", f"--unit={RESCUE}", f"--on-active={seconds}s", "/bin/sh", "-c", undo)
        if armed.rc:
            raise HoldfastError(f"nothing was done, because systemd cannot be told to undo it: {armed.output}")
        self._armed = True

    def _disarm(self) -> None:
        if self._armed:
            run("systemctl", "stop", f"{RESCUE}.timer")
            self._armed = False

    def now(self) -> float:
        return time.time()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _main_pid(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            pid = read_pid(self._pid_file)
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                if self._program.encode() in stream.read(4096):
                    return pid
        return None


def _systemctl(*words: str) -> None:
    done = run("systemctl", *words)
    if done.rc:
        raise HoldfastError(f"systemctl {' '.join(words)} failed: {done.output}")


def _state(pid: int) -> str:
    """Return the letter of a process's state, empty where there is none."""
    found = process(pid)
    return found.state if found is not None else ""


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
            "restart_first": {"type": "list", "elements": "str", "default": []},
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
        limit = module.params["timeout"]
        node = ThisNode(module.params["config"], addresses, limit)
        key = proof_key()
        proofs = prove(node, limit=limit, restart_first=module.params["restart_first"], patience=node.patience)
        keep(key)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    trackers = {file: dataclasses.asdict(proof) for file, proof in proofs.items()}
    module.exit_json(changed=False, proven=True, trackers=trackers)


if __name__ == "__main__":
    main()
