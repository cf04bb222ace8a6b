# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible argument specs of everything that can be said of keepalived. Private to this collection.

They are made from the models, where each option is declared once. A single-block module uses one of them at its top
level, the whole-daemon module uses CONFIG_OPTIONS.
"""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    GlobalDefs,
    KeepalivedConfig,
    SyncGroup,
    TrackFile,
    TrackProcess,
    VirtualServer,
    VrrpInstance,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import argument_spec

CONFIG_OPTIONS = argument_spec(KeepalivedConfig)
GLOBAL_OPTIONS = argument_spec(GlobalDefs)
INSTANCE_OPTIONS = argument_spec(VrrpInstance)
SCRIPT_OPTIONS = argument_spec(VrrpScript)
SYNC_GROUP_OPTIONS = argument_spec(SyncGroup)
TRACK_FILE_OPTIONS = argument_spec(TrackFile)
TRACK_PROCESS_OPTIONS = argument_spec(TrackProcess)
VIRTUAL_SERVER_OPTIONS = argument_spec(VirtualServer)
