# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the split-brain detector and the doctor must know of an instance on a member. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.timing import Timing
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Vip, peer_addresses
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer, Cluster
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import cut_off_file, definition
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.witnesses import gives_way, witnesses

__all__ = ("detected",)


def detected(
    cluster: Cluster,
    member: Balancer,
    options: t.Mapping[str, t.Any],
    vips: t.Sequence[Vip],
    timing: Timing,
    backends: t.Iterable[str],
) -> dict[str, t.Any]:
    """Return the instance as plain data, without its password.

    ``interface`` is empty where the host derives it, ``detection`` is in seconds; ``track_file`` is the one in which
    the detector says that the member gives way, empty where it never does.
    """
    family = vips[0].family
    own = options.get("unicast_src_ip") or options.get("mcast_src_ip") or member.addresses.get(family, "")
    derived = [other.addresses.get(family, "") for other in cluster.members if other.name != member.name]
    return {
        "name": options["name"],
        "interface": str(options.get("interface", "")),
        "router_id": int(options["virtual_router_id"]),
        "version": timing.version,
        "advert_int": timing.advert_int,
        "detection": round(timing.master_down(int(options["priority"])), 3),
        "address": str(own),
        "peers": list(peer_addresses(options.get("unicast_peer") or derived)),
        "vips": [str(vip.address) for vip in vips],
        **witnesses(member.variables, backends, family),
        "track_file": definition(cut_off_file(options["name"]))["file"] if gives_way(member.variables) else "",
    }
