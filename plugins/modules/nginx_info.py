#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_info
short_description: What nginx is and does on a host right now
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Returns the version and modules of nginx, whether it runs, its whole configuration as a tree,
    and which files of it belong to this collection.
  - The configuration is asked from nginx itself (C(nginx -T)), in a way that leaves no pid file, log or folder behind.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  configuration:
    description:
      - Whether RV(configuration) is returned. It holds whatever the files hold, secrets of other people included.
      - Blocks that lie in more than 100 others cannot be returned, and are an error.
    type: bool
    default: false
  root:
    description: Folder of nginx's configuration.
    type: path
    default: /etc/nginx
"""

EXAMPLES = r"""
- name: Gather the state of nginx
  holdfast.nginx_ha.nginx_info:
  register: nginx

- name: Show the files that were edited by hand
  ansible.builtin.debug:
    var: nginx.drifted
"""

RETURN = r"""
installed:
  description: Whether nginx is installed.
  returned: success
  type: bool
running:
  description: Whether nginx runs.
  returned: success
  type: bool
version:
  description: The version of nginx.
  returned: when it is installed
  type: str
  sample: 1.22.1
modules:
  description: Optional modules that are built in, without C(_module).
  returned: when it is installed
  type: list
  elements: str
  sample: [http_ssl, http_v2]
dynamic_modules:
  description: Optional modules that can be loaded.
  returned: when it is installed
  type: list
  elements: str
  sample: [stream]
valid:
  description: Whether C(nginx -t) accepts the configuration as it is now.
  returned: when it is installed
  type: bool
message:
  description: What nginx says against its configuration.
  returned: when RV(valid) is false
  type: str
configuration:
  description:
    - Every file, the main one first, as C(path) and a list of C(blocks). A block has C(directive), C(args), C(line),
      and C(block) where it has a body.
  returned: when it is installed, valid and asked for
  type: list
  elements: dict
owned:
  description: The files on this host that this collection owns.
  returned: success
  type: list
  elements: str
drifted:
  description: Those of RV(owned) that were edited by hand or removed since they were written.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import plain
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import hidden
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import check_staged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import drifted, owned_files


def gather(root: str, *, configuration: bool) -> dict[str, t.Any]:
    """Return what the module returns."""
    need_root()
    daemon = NginxDaemon(root=root)
    manifest = owned_files(daemon.name)
    found: dict[str, t.Any] = {
        "installed": daemon.installed(),
        "running": daemon.running(),
        "owned": sorted(manifest),
        "drifted": drifted(manifest),
    }
    if not daemon.installed():
        return found
    build = parse_build(daemon.build.output)
    found.update(version=str(build.version), modules=sorted(build.modules), dynamic_modules=sorted(build.dynamic))
    done = check_staged(daemon.check({}), {}, name=daemon.name).completed
    message = daemon.verdict(done)
    found["valid"] = message is None
    if message is not None:
        found["message"] = message
    elif configuration:
        found["configuration"] = [
            {"path": path, "blocks": [plain(hidden(block)) for block in blocks if not block.is_comment]}
            for path, blocks in daemon.parsed(done).items()
        ]
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "configuration": {"type": "bool", "default": False},
            "root": {"type": "path", "default": "/etc/nginx"},
        },
        supports_check_mode=True,
    )
    try:
        found = gather(module.params["root"], configuration=module.params["configuration"])
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
