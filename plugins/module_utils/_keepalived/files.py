# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the collection owns under /etc/keepalived/holdfast.d. Private to this collection.

``files(config)`` returns {relative name: text}, one file a block. The names sort in the order in which keepalived must
read them, because it takes a glob's files in that order and a tracker must be defined before it is referred to.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render

__all__ = ("GLOBAL_FILE", "HEADER", "files", "instance_file")

HEADER = "holdfast.nginx_ha owns this file: what is edited here by hand is lost."
GLOBAL_FILE = "00-global_defs.conf"

_CLASS = {
    "track_group": "05",
    "static_ipaddress": "06",
    "static_routes": "07",
    "static_rules": "07",
    "garp_group": "08",
    "interface_up_down_delays": "08",
    "vrrp_sync_group": "20",
    "vrrp_instance": "30",
    "virtual_server_group": "40",
    "virtual_server": "41",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:+@=-]")


def files(config: KeepalivedConfig) -> dict[str, str]:
    """Return the text of every owned file by its name; the first one is always there, so that a glob finds a file.

    InputError for an instance that has no interface yet.
    """
    blocks = config.to_blocks()
    result = {GLOBAL_FILE: _text([block for block in blocks if block.name == "global_defs"])}
    for block in blocks:
        if block.name != "global_defs":
            result[_file_name(block)] = _text([block])
    return result


def instance_file(name: str) -> str:
    """Return the name of the file of a vrrp_instance."""
    return _file_name(Block("vrrp_instance", (name,)))


def _text(blocks: t.Sequence[Block]) -> str:
    return render([comment(HEADER), *blocks])


def _file_name(block: Block) -> str:
    words = "-".join((block.name, *block.args))
    safe = _UNSAFE.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign.group().encode()), words)
    return f"{_CLASS.get(block.name, '10')}-{safe}.conf"
