# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of keepalived_config: CONFIG_OPTIONS in module_utils/keepalived/options.py."""

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
        blocks("track_files", "Files whose number says whether the node is fit.", TRACK_FILE),
        blocks("vrrp_scripts", "Commands that are run again and again to see whether the node is fit.", VRRP_SCRIPT),
        blocks("track_processes", "Processes that must run on a node that is fit.", TRACK_PROCESS),
        blocks("sync_groups", "Instances that change their state together.", SYNC_GROUP),
        blocks(
            "instances",
            "Virtual routers; what keepalived calls C(vrrp_instance).",
            NAME + virtual_router_id(required="true") + VRRP_INSTANCE,
        ),
    )
