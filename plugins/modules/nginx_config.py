#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_config
short_description: Bring upstreams, servers and their definitions of nginx onto a host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Writes one file for every upstream, server and other block below C(conf.d) in nginx's folder.
  - Of each list that is given, files of a former run with the same O(scope) that are no longer wanted are removed.
    Nothing else ever is. So a list that is left out stays as it is, and an empty one removes all that was in it.
  - Before a live file is touched, C(nginx -t) runs on the whole configuration as it would be, in check mode too,
    and also when nothing has changed. The test leaves nothing behind.
  - A reload counts when workers with the new configuration serve. Where they do not come, the old files are put back
    and reloaded, and the module fails with the words of nginx.
  - An nginx that has failed is started, where its service is enabled. Where it does not start the old files are put
    back, and the module fails with the words of nginx. One that was stopped on purpose stays stopped, and the result
    says that it does not run.
  - Where nginx is not installed yet, check mode applies the rules of this collection only and
    returns RV(validated=model).
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
  - holdfast.nginx_ha.change
  - holdfast.nginx_ha.nginx_config
options:
  scope:
    description:
      - Whose files these are. Tasks with different scopes leave each other's files alone, and none of them can write a
        file of another. The roles of this collection have a scope of their own.
    type: str
    default: default
  root:
    description: Folder of nginx's configuration.
    type: path
    default: /etc/nginx
seealso:
  - module: holdfast.nginx_ha.nginx_upstream
"""

EXAMPLES = r"""
- name: One site, two web servers
  holdfast.nginx_ha.nginx_config:
    upstreams:
      - name: blog
        servers:
          - {address: 192.0.2.21, port: 8080, weight: 4}
          - {address: 192.0.2.22, port: 8080, weight: 4}
    servers:
      - server_name: [blog.example.com]
        upstream: blog

- name: A zone for a site of somebody else, which no other task with this module touches
  holdfast.nginx_ha.nginx_config:
    scope: shared_zones
    limit_req_zones:
      - {name: by_address, rate: 10r/s}
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

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.change import apply
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS, finish


def main() -> None:
    module = QuietModule(
        argument_spec=dict(
            NGINX_OPTIONS,
            **CHANGE_OPTIONS,
            scope={"type": "str", "default": "default"},
            root={"type": "path", "default": "/etc/nginx"},
        ),
        supports_check_mode=True,
    )
    try:
        result = apply(
            {name: module.params[name] for name in NGINX_OPTIONS},
            owner=f"nginx_config (scope {module.params['scope']})",
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
