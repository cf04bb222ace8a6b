# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of this name; it runs on the controller, and nothing of this file does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Derive and verify everything about a fleet of balancers from the inventory
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Derives from the inventory alone what the balancers need to know of each other and of their backends, such as own
    and peers' addresses, priorities, virtual router ids, and the servers of the upstreams that name a group in
    C(servers_from).
  - Judges what the inventory sets of every variable of every role, from the argument specs of the roles, for each
    host that the role is for. Where a value is wrong that the plan follows from, that alone is reported.
  - Verifies the whole fleet before any host is touched, and reports all faults at once, a line each.
  - It looks at the whole inventory, so the plan is the same under C(--limit). It contacts no host, asks no name server,
    and uses no facts.
  - It takes no options. Use it at the start of every play, with C(run_once), and let the strategy be C(linear).
notes:
  - It sees what the inventory says. Defaults of roles and variables of a play it does not see, except
    C(holdfast_groups) and C(holdfast_foreign_variables); so the variables of the roles belong into the inventory.
attributes:
  check_mode:
    support: full
    description: It changes nothing and does the same in check mode.
  diff_mode:
    support: none
    description: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description:
      - The same inventory gives the same plan. A router id that a balancer was seen to use in the same run stays,
        although the address has changed that it was once derived from.
"""

EXAMPLES = r"""
- name: Plan the fleet
  holdfast.nginx_ha.fleet_plan:
  run_once: true
  register: fleet

- name: Show who is preferred, and what an outage costs
  ansible.builtin.debug:
    msg: "{{ fleet.plan.hosts[inventory_hostname].members[0] }} {{ fleet.plan.hosts[inventory_hostname].outage }}"
"""

RETURN = r"""
plan:
  description: What was derived, for the hosts of this batch that belong to the fleet.
  returned: success
  type: dict
  contains:
    hosts:
      description:
        - By the name in the inventory. A host of the backend groups has its RV(plan.hosts.address),
          RV(plan.hosts.balancers) and RV(plan.hosts.loopback_addresses) only.
      type: dict
      sample:
        lb1:
          address: 10.89.50.11
          cluster: all
          members: [lb1, lb2]
          vips: [10.89.50.100]
          keepalived_instances:
            - name: VI_1
              virtual_router_id: 100
              priority: 250
              version: 3
              advert_int: 0.1
              preempt_delay: 60
              unicast_src_ip: 10.89.50.11
              unicast_peer: [10.89.50.12]
              virtual_ipaddress: [10.89.50.100/24]
              virtual_ipaddress_excluded: []
          keepalived_sync_groups: []
          balancer_upstreams:
            - name: blog
              servers:
                - {address: 10.89.50.21, port: 8080}
                - {address: 10.89.50.22, port: 8080}
          balancer_stream_upstreams: []
          keepalived_virtual_servers: []
          packages: [keepalived, logrotate, nftables]
          asked_at: [10.89.50.100]
          client_requests:
            - {address: "", port: 80, tls: false, proxy_protocol: false, host: blog.example.com, expect: []}
          restart_first: []
          kernel: {nonlocal_bind: [], ipvs: false, forward: false, real_time: false}
          firewall:
            adverts:
              - {source: 10.89.50.12}
            ports: [80/tcp]
            addresses: [10.89.50.11]
          outage:
            host_gone: 0.396
            nginx_killed: 0.116
            nginx_stopped: 0.116
            nginx_frozen: 0.406
            keepalived_stopped: 0.116
            planned_move: 0.0
          outage_sentence: >-
            The longest that a client waits by these settings, whichever of lb1, lb2 fails: host gone 0.40 s,
            nginx killed 0.12 s, nginx stopped 0.12 s, nginx frozen 0.41 s, keepalived stopped 0.12 s
      contains:
        address:
          description: The address from which a balancer speaks VRRP, or at which a backend serves.
          type: str
        balancers:
          description: Of a backend, the addresses of the balancers whose upstreams draw on it.
          type: list
          elements: str
        loopback_addresses:
          description:
            - Of a backend, the shared addresses at which LVS forwards packets to it as they came. It has to have them
              for itself.
          type: list
          elements: str
        cluster:
          description: Name of the cluster.
          type: str
        members:
          description: The balancers of the cluster, in order of preference.
          type: list
          elements: str
        vips:
          description: The shared addresses, without prefix.
          type: list
          elements: str
        keepalived_instances:
          description:
            - The VRRP instances of this host, as M(holdfast.nginx_ha.keepalived_config) takes them, without passwords
              and keys.
          type: list
          elements: dict
        keepalived_sync_groups:
          description: Which of the instances move together, as M(holdfast.nginx_ha.keepalived_config) takes them.
          type: list
          elements: dict
        balancer_upstreams:
          description: The upstreams with all their servers, as M(holdfast.nginx_ha.nginx_config) takes them.
          type: list
          elements: dict
        balancer_stream_upstreams:
          description: The same for streams.
          type: list
          elements: dict
        keepalived_virtual_servers:
          description: The virtual servers of LVS with all their real servers, as M(holdfast.nginx_ha.keepalived_config)
            takes them.
          type: list
          elements: dict
        packages:
          description: The packages that the role P(holdfast.nginx_ha.keepalived#role) needs on this host.
          type: list
          elements: str
        asked_at:
          description: Where clients ask for the service, at the shared addresses or, without any, at the host itself.
          type: list
          elements: str
        client_requests:
          description: How a client asks for each site, as M(holdfast.nginx_ha.site_probe) takes it.
          type: list
          elements: dict
        restart_first:
          description: The instances that stay where they are while nginx is restarted.
          type: list
          elements: str
        kernel:
          description:
            - What the kernel of this host has to do. C(nonlocal_bind) lists the families in which nginx listens on a
              shared address itself, C(ipvs) says whether there are virtual servers, C(forward) whether one of them
              rewrites addresses.
          type: dict
        firewall:
          description:
            - What the firewall of this host has to let in, as M(holdfast.nginx_ha.vrrp_firewall) takes it.
            - These are the adverts of its peers, and the ports on which its sites and streams listen.
          type: dict
        outage:
          description:
            - The most seconds without an answer that each fault of this host leads to by the settings, if the next in
              preference takes over.
          type: dict
        outage_sentence:
          description: The same for a person, the worst of all members. Empty but for the first member of the cluster.
          type: str
"""
