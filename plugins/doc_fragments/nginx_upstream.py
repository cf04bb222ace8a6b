# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of nginx_upstream: UPSTREAM_OPTIONS in module_utils/_nginx/options.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import options
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_upstream import (
    HTTP_UPSTREAM,
    NAME,
    UPSTREAM,
    servers,
)


class ModuleDocFragment:
    """One group of servers. The servers are needed only where the group shall be there."""

    DOCUMENTATION: t.ClassVar[str] = options(NAME, servers(required="false"), UPSTREAM, HTTP_UPSTREAM)
