#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask every site at an address as a client of it does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_probe
short_description: Ask every site at an address as a client of it does
version_added: 0.1.0
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Asks each site at each address with its scheme, port, name and PROXY header, all side by side, and returns in a
    sentence which of them did not answer well.
  - Whether a certificate can be verified is not asked. For the details of one site use M(holdfast.nginx_ha.vip_probe).
options:
  addresses:
    description: The addresses to ask at.
    type: list
    elements: str
    required: true
  requests:
    description: What a client asks for, as RV(holdfast.nginx_ha.fleet_plan#module:plan) has it for each balancer.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The one address at which this is served. Without it, all are asked.
        type: str
        default: ""
      port:
        description: Port to connect to.
        type: int
        required: true
      host:
        description: Name to ask for. Without it, the address.
        type: str
        default: ""
      tls:
        description: Whether to speak TLS.
        type: bool
        default: false
      proxy_protocol:
        description: Whether to send a PROXY header first.
        type: bool
        default: false
      connects:
        description: Whether a connection is all that is wanted.
        type: bool
        default: false
      expect:
        description: Statuses that are a good answer here, beside O(expect).
        type: list
        elements: int
        default: []
  rate:
    description: Requests per second for each site, fewer where there are many.
    type: float
    default: 20
  duration:
    description: Seconds for which is asked.
    type: float
    default: 0.5
  timeout:
    description: Seconds after which a request without a complete answer has failed.
    type: float
    default: 2
  expect:
    description: Statuses that are a good answer. Without any, every answer is good but one of 500 and above.
    type: list
    elements: int
    default: []
  certificates:
    description: Whether a site whose certificate has ended is at fault, and RV(certificates) is returned.
    type: bool
    default: false
attributes:
  check_mode:
    description: It asks in check mode too, which changes nothing.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
author:
  - The holdfast.nginx_ha authors (@holdfast)
"""

EXAMPLES = r"""
- name: Ask for two sites as clients do
  holdfast.nginx_ha.site_probe:
    addresses: [10.89.50.100]
    requests:
      - {port: 80, host: blog.example.com}
      - {port: 443, host: shop.example.com, tls: true}
  delegate_to: web1
  register: sites_asked
  failed_when: sites_asked.faults | length > 0
"""

RETURN = r"""
faults:
  description: A sentence for every site that did not answer each request well.
  returned: success
  type: list
  elements: str
  sample: ["http://a.example.com at 192.0.2.100 port 80 gave 0 good answers to 10 requests (refused; statuses: none)"]
mute:
  description: The same sentences by address, where there are any.
  returned: success
  type: dict
certificates:
  description: For each certificate that was shown, a sentence with the days that it has left, the first to end first.
  returned: with O(certificates)
  type: list
  elements: str
  sample: ["shop.example.com has 61 days left, until 2027-01-30 (1b4f0e9851971998)"]
answered:
  description: By address, whether any site gave a good answer there; one at which nothing was asked is left out.
  returned: success
  type: dict
  sample: {"10.89.50.100": true}
asked:
  description: How many sites were asked.
  returned: success
  type: int
  sample: 2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.sites import (
    Shown,
    ask,
    certificates,
    questions,
)

ANY_ANSWER = tuple(range(100, 500))

REQUEST = {
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "required": True},
    "host": {"type": "str", "default": ""},
    "tls": {"type": "bool", "default": False},
    "proxy_protocol": {"type": "bool", "default": False},
    "connects": {"type": "bool", "default": False},
    "expect": {"type": "list", "elements": "int", "default": []},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "requests": {"type": "list", "elements": "dict", "required": True, "options": REQUEST},
            "rate": {"type": "float", "default": 20},
            "duration": {"type": "float", "default": 0.5},
            "timeout": {"type": "float", "default": 2},
            "expect": {"type": "list", "elements": "int", "default": []},
            "certificates": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        settings = Settings(
            address="",
            validate_certs=False,
            expect=tuple(given["expect"]) or ANY_ANSWER,
            **{name: given[name] for name in ("rate", "duration", "timeout")},
        )
        asked = questions(given["addresses"], given["requests"], settings)
        results = ask(asked)
        shown = certificates(asked) if given["certificates"] else Shown()
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    answered: dict[str, bool] = {}
    mute: dict[str, list[str]] = {}
    for one in results:
        answered[one.address] = answered.get(one.address, False) or one.ok > 0
        if one.fault:
            mute.setdefault(one.address, []).append(one.fault)
    for address, fault in shown.faults:
        mute.setdefault(address, []).append(fault)
    faults = [fault for found in mute.values() for fault in found]
    returned = {"certificates": shown.sentences} if given["certificates"] else {}
    module.exit_json(changed=False, faults=faults, mute=mute, answered=answered, asked=len(results), **returned)


if __name__ == "__main__":
    main()
