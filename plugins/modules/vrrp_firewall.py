#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_firewall
short_description: Let adverts of the peers and the service through whatever firewall a host runs, and nobody else's
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Finds out which of firewalld, ufw, nftables and iptables may block anything on this host, and adds rules to each.
    Where nothing may, nothing is done.
  - Adverts, which are IP protocol 112, are let in from the named peers alone. Ports are let in from anywhere or from
    O(sources).
  - Rules that it added earlier and that are no longer wanted go. Rules of somebody else are never touched.
  - The rules outlast a reload, a restart and a reboot. For firewalld they are permanent as well, for ufw they stand in
    C(before.rules) and C(before6.rules) as well. Neither is reloaded for it. In nftables and iptables a small service,
    C(holdfast-firewall.service), puts them back as soon as anybody has taken them away.
  - With O(guard), adverts of everybody else are dropped before keepalived reads them, whether a firewall runs or not,
    in a table of its own that touches nothing else. Of a peer they must arrive with a TTL of 255, or what its C(ttl)
    says.
  - In a chain of nftables or iptables an advert comes first, and a port where the chain begins to turn everybody away.
    Whom an earlier rule turns away, it still does.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  adverts:
    description: Whose adverts are let in.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Address of the peer.
        type: str
        required: true
      group:
        description: Multicast group that it sends them to. Without it, they are for this host.
        type: str
      ttl:
        description:
          - Lowest TTL (hop limit) that they may arrive with under O(guard). Less is for a peer behind a router, and
            for unicast over IPv6 without C(unicast_ttl), which keepalived sends with whatever hop limit the kernel has.
        type: int
        default: 255
  ports:
    description: Ports that are let in, such as V(80/tcp) or V(8000-8010/udp).
    type: list
    elements: str
    default: []
  sources:
    description: Addresses or networks from which O(ports) are let in. Without any, from anywhere.
    type: list
    elements: str
    default: []
  addresses:
    description:
      - Addresses of this host by whose interfaces all that comes in.
      - They tell the zones of firewalld, and which rules of nftables and iptables are met.
    type: list
    elements: str
    default: []
  through:
    description: Whether anything is let through the firewalls of the host. If not, none of them is touched.
    type: bool
    default: true
  guard:
    description:
      - Whether keepalived hears the senders of O(adverts) alone. They are the only ones then whose adverts reach it.
      - It is done with nftables (the table C(holdfast_vrrp)) where that works, and else with iptables (the chain
        C(HOLDFAST-VRRP) of the table C(mangle)).
    type: bool
    default: false
  authenticated:
    description:
      - Whether an instance of VRRP version 2 uses the authentication header (C(auth_type AH)). Then O(guard) holds for
        IP protocol 51 as well, which reaches keepalived whoever it is meant for.
    type: bool
    default: false
  senders:
    description:
      - What becomes of senders that an earlier call has let in.
      - V(exact) turns them away. V(joined) lets them in as well, on a host where no call before has left anything with
        any TTL, so that a peer that comes and one that goes are both
        heard while keepalived is changed on all nodes; a call with V(exact) afterwards ends that.
      - V(joined_where_any) is the same, and does nothing at all on a host where no call before has left anything.
    type: str
    choices: [exact, joined, joined_where_any]
    default: exact
"""

EXAMPLES = r"""
- name: Open the firewall for the other balancer's adverts, and for HTTP
  holdfast.nginx_ha.vrrp_firewall:
    adverts:
      - {source: 10.89.50.12}
    ports: [80/tcp, 443/tcp]
    addresses: [10.89.50.11]

- name: Drop the adverts of everybody else
  holdfast.nginx_ha.vrrp_firewall:
    adverts:
      - {source: 10.89.50.12}
    through: false
    guard: true
"""

RETURN = r"""
firewalls:
  description: What may block something on this host.
  returned: success
  type: list
  elements: str
  sample: [nftables]
added:
  description: Rules that were added, or in check mode would be, in words.
  returned: success
  type: list
  elements: str
  sample: ["inet filter input: holdfast.nginx_ha: vrrp from 10.89.50.12"]
removed:
  description: Rules of this collection that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
files:
  description: Files that were written or removed, or in check mode would be.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.firewall import FIREWALL_OPTIONS, open_firewall
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root


def main() -> None:
    module = AnsibleModule(argument_spec=FIREWALL_OPTIONS, supports_check_mode=True)
    try:
        need_root()
        outcome = open_firewall(module.params, check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    nothing = not outcome.returned["firewalls"] and not module.params["guard"]
    module.exit_json(
        changed=bool(outcome.changes),
        msg="No firewall on this host may block anything: there is nothing to do." if nothing else "",
        diff=outcome.diff[0] if outcome.diff else None,
        **outcome.returned,
    )


if __name__ == "__main__":
    main()
