#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream
short_description: One upstream of nginx on a host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Adds, changes or removes one C(upstream) block, in a file of its own, and leaves everything else as it is.
  - The change is tested, written, reloaded and proven, or undone, as by M(holdfast.nginx_ha.nginx_config).
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
  - holdfast.nginx_ha.change
  - holdfast.nginx_ha.nginx_upstream
options:
  context:
    description: Whether the block belongs to C(http) or to C(stream).
    type: str
    choices: [http, stream]
    default: http
  state:
    description: Whether the block is there.
    type: str
    choices: [present, absent]
    default: present
  root:
    description: Folder of nginx's configuration.
    type: path
    default: /etc/nginx
seealso:
  - module: holdfast.nginx_ha.nginx_config
"""

EXAMPLES = r"""
- name: Two web servers and a spare one
  holdfast.nginx_ha.nginx_upstream:
    name: blog
    servers:
      - {address: 192.0.2.21, port: 8080, max_fails: 2, fail_timeout: 30s}
      - {address: 192.0.2.22, port: 8080, max_fails: 2, fail_timeout: 30s}
      - {address: 192.0.2.23, port: 8080, backup: true}

- name: Remove the upstream
  holdfast.nginx_ha.nginx_upstream:
    name: blog
    state: absent
"""

RETURN = r"""
files:
  description: The files that were written or removed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    action:
      description: One of V(created), V(changed), V(removed).
      type: str
drifted:
  description: Files of this collection that were edited by hand since it wrote them.
  returned: success
  type: list
  elements: str
validated:
  description:
    - V(daemon) when the daemon's own test passed on the whole configuration as it is (or would be) now.
    - V(model) when the daemon is not installed yet, and only the rules of this collection were applied.
  returned: success
  type: str
  sample: daemon
staged_with:
  description:
    - How the configuration was shown to the daemon's test before it was in place. V(overlay) and V(bind) in a private
      mount namespace, V(copy) where root may not mount.
  returned: success
  type: str
  sample: overlay
reloaded:
  description: Whether the daemon was reloaded, and was seen to run the new configuration.
  returned: success
  type: bool
running:
  description: Whether the daemon runs. Where it does not, nobody serves what was written, which is a warning.
  returned: success
  type: bool
started:
  description: Whether it had failed although its service is enabled, and was started, or would be in check mode.
  returned: success
  type: bool
repaired:
  description: Whether a former run was killed half-way, and was finished or undone first.
  returned: success
  type: bool
warnings:
  description: What the daemon's test and the rules of this collection said although the configuration can work.
  returned: when there are any
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.change import apply
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import UPSTREAM_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS, finish


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            {name: dict(spec, required=name == "name") for name, spec in UPSTREAM_OPTIONS.items()},
            **CHANGE_OPTIONS,
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            root={"type": "path", "default": "/etc/nginx"},
        ),
        required_if=[("state", "present", ["servers"])],
        supports_check_mode=True,
    )
    upstream = {name: module.params[name] for name in UPSTREAM_OPTIONS if name != "context"}
    kind = "stream_upstreams" if module.params["context"] == "stream" else "upstreams"
    present = module.params["state"] == "present"
    try:
        result = apply(
            {kind: [upstream] if present else []},
            owner="nginx_upstream",
            single=(kind, module.params["name"]),
            check_mode=module.check_mode,
            drift=module.params["drift"],
            stage_only=module.params["stage_only"],
            root=module.params["root"],
        )
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    finish(module, result, daemon="nginx")


if __name__ == "__main__":
    main()
