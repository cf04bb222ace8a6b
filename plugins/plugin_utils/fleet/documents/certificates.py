# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a balancer fetch the certificates of its sites from the issuer. Private to this collection."""

from __future__ import annotations

import json
import typing as t
import zlib
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.certificates import ISSUED
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.agent import EVENTS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.services import AGENT_DIR, START_AGENT
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.issued import issued
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered

__all__ = ("fetched",)

Document = t.Dict[str, t.Any]
CONFIG = "/etc/holdfast/certificates.json"
STATE = "/var/lib/holdfast/certificates"
TIMER = "holdfast-certificates.timer"


def fetched(variables: Mapping[str, t.Any], cluster: str) -> Document:
    """Return the folders, files, services and the section ``agent`` of ``host_state`` for what sites want of an issuer.

    Where none wants anything, the file is to go without which nothing is fetched.
    """
    certificates = issued(variables["balancer_sites"])
    if not certificates:
        return {"folders": [], "files": [{"path": CONFIG}], "services": [], "agent": {}}
    document = {
        "folder": ISSUED,
        "state_file": f"{STATE}/state.json",
        "events": EVENTS,
        "certificates": certificates,
    }
    units = {
        "holdfast-certificates.service": {"start_agent": START_AGENT},
        # The nodes of a cluster look at the same moment, so that they hardly ever show different certificates; those of
        # others at another one, so that not all of a fleet ask at once.
        TIMER: {
            "minutes": variables["balancer_certificates_interval"],
            "second": zlib.crc32(cluster.encode()) % 60,
        },
    }
    return {
        "folders": [{"path": ISSUED}, {"path": STATE, "mode": "0700"}],
        "files": [
            {"path": CONFIG, "content": json.dumps(document, indent=4) + "\n"},
            *(
                {"path": f"/etc/systemd/system/{unit}", "content": rendered("balancer", f"{unit}.j2", **said)}
                for unit, said in units.items()
            ),
        ],
        "services": [{"name": TIMER, "enabled": True}],
        "agent": {"agent": {"folder": AGENT_DIR}},
    }
