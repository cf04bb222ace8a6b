#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: networkd_keep
short_description: Let systemd-networkd keep the addresses that keepalived has put on an interface
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Where systemd-networkd manages an interface, a C(networkctl reload) after any change of its C(.network) file takes
    all addresses away that are not in it, the shared ones and for a moment the host's own as well. The balancer leaves
    the election, and the addresses move.
  - This module puts C(KeepConfiguration=static) into a drop-in of the C(.network) file that matches the interface, and
    tells systemd-networkd, which takes no address away for that.
  - Where systemd-networkd does not manage the interface, or its file says C(KeepConfiguration) with V(static) or V(yes)
    already, nothing is done.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  interfaces:
    description: The interfaces that have shared addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Let systemd-networkd keep the shared addresses
  holdfast.nginx_ha.networkd_keep:
    interfaces: [eth0]
"""

RETURN = r"""
files:
  description: The drop-ins that are there now, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/network/10-eth0.network.d/holdfast.conf]
"""

import glob
import os
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)

UNIT = "systemd-networkd.service"
FOLDERS = ("/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network")
DROP_IN = "holdfast.conf"
CONTENT = """# Owned by holdfast.nginx_ha: edits by hand are lost.
# The addresses that keepalived puts on this interface outlive a reload.
[Network]
KeepConfiguration=static
"""

_FILE = re.compile(r"^\s*Network File: (/\S+\.network)$", re.MULTILINE)
_KEEPS = re.compile(r"^\s*KeepConfiguration\s*=\s*(static|yes|true|on|1)\s*$", re.MULTILINE)


def network_file(interface: str) -> str:
    """Return the file by which systemd-networkd manages this interface, empty where it does not."""
    if run("systemctl", "is-active", "--quiet", UNIT).rc:
        return ""
    found = _FILE.search(run("networkctl", "--no-pager", "status", interface).stdout)
    return found[1] if found else ""


def drop_in(path: str) -> str:
    """Return where our drop-in for a ``.network`` file is; /etc wins over wherever the file itself lies."""
    return os.path.join(FOLDERS[0], f"{os.path.basename(path)}.d", DROP_IN)


def others(path: str) -> t.Iterator[str]:
    """Yield the text of the file and of its drop-ins, without ours."""
    name = os.path.basename(path)
    for one in [path, *(found for folder in FOLDERS for found in glob.glob(f"{folder}/{name}.d/*.conf"))]:
        if one != drop_in(path):
            yield read(one)


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def bring(paths: t.Iterable[str]) -> None:
    """Write our drop-ins, and let systemd-networkd read them."""
    for path in paths:
        replace_text(path, CONTENT)
    done = run("networkctl", "reload")
    if done.rc:
        raise HoldfastError(f"systemd-networkd does not read its files again: {done.output}")


def main() -> None:
    module = AnsibleModule(
        argument_spec={"interfaces": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    try:
        need_root()
        found = dict.fromkeys(network_file(interface) for interface in module.params["interfaces"])
        wanted = [drop_in(path) for path in found if path and not any(_KEEPS.search(text) for text in others(path))]
        there = {path: read_text(path) for path in wanted}
        missing = [path for path in wanted if there[path] != CONTENT]
        if missing and not module.check_mode:
            bring(missing)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    diff = [difference(path, there[path], CONTENT) for path in missing]
    module.exit_json(changed=bool(missing), files=wanted, diff=diff)


if __name__ == "__main__":
    main()
