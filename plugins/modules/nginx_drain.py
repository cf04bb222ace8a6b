#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_drain
short_description: Take a server out of all upstreams of a balancer, and bring it back
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - For a deployment of one's own, before which a backend gets no more requests, and after which it gets its share
    again. Run it on each balancer, or delegate it there; the role C(backend) does so for all of them (C(tasks_from)
    C(drain) and C(undrain)), and the playbook C(holdfast.nginx_ha.drain) for a person.
  - The server is C(down) in every upstream of this collection that has it, by a change that is tested and confirmed as
    any other one is. Then the kernel is asked until no connection to it is left, those of workers that nginx is letting
    finish among them.
  - It is remembered on the host. Whatever is rolled out meanwhile leaves the server out, and says so.
  - Files of others are not touched. Connections of LVS and of UDP are not counted.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  addresses:
    description: The addresses of the servers, as the upstreams have them, without a port.
    type: list
    elements: str
    required: true
  state:
    description: Whether they are left out or get their share.
    type: str
    choices: [drained, active]
    default: drained
  timeout:
    description: For how many seconds connections to them may last. With V(0) nothing is waited for.
    type: float
    default: 60.0
  at_timeout:
    description:
      - What happens to connections that are still there then. V(fail) brings the servers back and fails. V(continue)
        says how many there are, and goes on.
    type: str
    choices: [fail, continue]
    default: fail
  force:
    description: Whether an upstream may be left without a server.
    type: bool
    default: false
  root:
    description: Folder of nginx's configuration.
    type: path
    default: /etc/nginx
"""

EXAMPLES = r"""
- name: Deploy on one backend after the other
  hosts: backend
  serial: 1
  tasks:
    - name: Deploy without a request
      block:
        - name: Take it out of the upstreams
          holdfast.nginx_ha.nginx_drain:
            addresses: ["{{ ansible_host }}"]
            timeout: 30
          delegate_to: "{{ item }}"
          loop: "{{ groups['master'] + groups['backup'] }}"

        - name: Deploy
          ansible.builtin.include_tasks: deploy.yml
      always:
        - name: Bring it back
          holdfast.nginx_ha.nginx_drain:
            addresses: ["{{ ansible_host }}"]
            state: active
          delegate_to: "{{ item }}"
          loop: "{{ groups['master'] + groups['backup'] }}"
"""

RETURN = r"""
upstreams:
  description: The upstreams that have one of the servers.
  returned: success
  type: list
  elements: str
connections:
  description: How many connections to them were left at the end.
  returned: success
  type: int
waited:
  description: How many seconds it took until there was none, or until O(timeout).
  returned: success
  type: float
drained:
  description: All addresses that are left out on this host now, with the time since when.
  returned: success
  type: dict
"""

import ipaddress
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.drain import Drain, connections, drained
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root

PAUSE = 0.1  # seconds between two looks at the connections


def literal(addresses: list[str]) -> list[str]:
    """Return the addresses as the kernel and the upstreams have them; InputError for a name."""
    found = []
    for index, text in enumerate(addresses):
        try:
            found.append(str(ipaddress.ip_address(text.strip("[]"))))
        except ValueError:
            raise InputError(f"addresses[{index}]", f"{text} is no address: write it without a port") from None
    return found


def emptied(addresses: list[str], ports: set[int], timeout: float) -> tuple[int, float]:
    """Wait until no connection to the servers is left; return how many are, and the seconds."""
    begin = time.monotonic()
    while True:
        left, waited = connections(addresses, ports), time.monotonic() - begin
        if not left or waited >= timeout:
            return left, round(waited, 1)
        time.sleep(PAUSE)


def change(params: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
    """Do what the options say and return the result; HoldfastError leaves everything as it was."""
    need_root()
    addresses = literal(params["addresses"])
    drain, before = Drain(params["root"]), drained()
    there = drain.upstreams(addresses)
    leaves = params["state"] == "drained"
    after = list(dict.fromkeys([*before, *addresses])) if leaves else [one for one in before if one not in addresses]
    if leaves and not there:
        raise HoldfastError(
            f"{' and '.join(addresses)}: no upstream of this collection on this host has it, so nothing was changed"
        )
    if leaves and not params["force"]:
        drain.refuse_last(after)
    changes, differences, warnings = drain.apply(after, check=check)
    result = {
        "changed": bool(changes) or after != list(before),
        "diff": differences,
        "upstreams": list(there),
        "connections": 0,
        "waited": 0.0,
    }
    if not check:
        drain.remember(after)
    if leaves and not check:
        ports = {port for listed in there.values() for port in listed}
        left, seconds = emptied(addresses, ports, params["timeout"])
        result.update(connections=left, waited=seconds)
        if left and params["timeout"]:
            still_open = f"{left} connections to {' and '.join(addresses)} are still open after {params['timeout']:g} s"
            if params["at_timeout"] == "fail":
                Drain(params["root"]).apply(before, check=False)
                drain.remember(before)
                raise HoldfastError(
                    f"{still_open}: it gets requests again; allow more time, or say at_timeout: continue"
                )
            warnings.append(f"{still_open}, and the play goes on")
    return {**result, "drained": drained(), "warnings": warnings}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "active"], "default": "drained"},
            "timeout": {"type": "float", "default": 60.0},
            "at_timeout": {"type": "str", "choices": ["fail", "continue"], "default": "fail"},
            "force": {"type": "bool", "default": False},
            "root": {"type": "path", "default": "/etc/nginx"},
        },
        supports_check_mode=True,
    )
    try:
        result = change(module.params, check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
