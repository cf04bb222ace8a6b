# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of vrrp_instance: INSTANCE_OPTIONS in module_utils/_keepalived/options.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import options
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_instance import (
    NAME,
    VRRP_INSTANCE,
    virtual_router_id,
)


class ModuleDocFragment:
    """One virtual router. Its number is needed only where it shall be there."""

    DOCUMENTATION: t.ClassVar[str] = options(NAME, virtual_router_id(required="false"), VRRP_INSTANCE)
