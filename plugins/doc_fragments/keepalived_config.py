# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of keepalived_config: CONFIG_OPTIONS in module_utils/_keepalived/options.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import blocks, options, suboptions
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_global_defs import GLOBAL_DEFS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_instance import (
    NAME,
    SYNC_GROUP,
    VRRP_INSTANCE,
    virtual_router_id,
)
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_network import (
    BFD_INSTANCE,
    GARP_GROUP,
    STATIC,
    TRACK_GROUP,
)
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_servers import (
    VIRTUAL_SERVER,
    VIRTUAL_SERVER_GROUP,
)
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_trackers import (
    TRACK_FILE,
    TRACK_PROCESS,
    VRRP_SCRIPT,
)


class ModuleDocFragment:
    """All that the collection owns of keepalived on a host."""

    DOCUMENTATION: t.ClassVar[str] = options(
        "global_defs:\n  description: What holds for the whole of keepalived on the host.\n  type: dict\n",
        suboptions("global_defs", GLOBAL_DEFS),
        STATIC,
        blocks(
            "track_groups",
            "Instances that watch static addresses, routes and rules. Needs keepalived 2.0.3.",
            TRACK_GROUP,
        ),
        blocks("garp_groups", "Pauses between announcements by interface. Needs keepalived 1.2.21.", GARP_GROUP),
        blocks("bfd_instances", "Neighbours that are watched by BFD. Needs keepalived 2.0.0.", BFD_INSTANCE),
        blocks("track_files", "Files whose number says whether the node is fit. Needs keepalived 2.1.0.", TRACK_FILE),
        blocks("vrrp_scripts", "Commands that are run again and again to see whether the node is fit.", VRRP_SCRIPT),
        blocks(
            "track_processes", "Processes that must run on a node that is fit. Needs keepalived 2.0.11.", TRACK_PROCESS
        ),
        blocks("sync_groups", "Instances that change their state together.", SYNC_GROUP),
        blocks(
            "instances",
            "Virtual routers; what keepalived calls C(vrrp_instance).",
            NAME + virtual_router_id(required="true") + VRRP_INSTANCE,
        ),
        blocks("virtual_server_groups", "Addresses and marks that are one service of LVS.", VIRTUAL_SERVER_GROUP),
        blocks("virtual_servers", "Services that LVS spreads over real servers.", VIRTUAL_SERVER),
    )
