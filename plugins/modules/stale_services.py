#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stale_services
short_description: Which services run what their files said once, and no longer say
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - A play that writes a file and restarts its service later may end in between. The next run finds the file as it
    should be, and a restart that rests on C(is changed), or on a handler, never comes.
  - This module looks at the host instead. A service is stale if its unit or a drop-in of that was written after it was
    last started, or one of its files after it was last started or reloaded. One that does not run is not.
  - It changes nothing.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  services:
    description:
      - The files that each unit reads, by its name with the suffix. Units and drop-ins are known from systemd.
      - A file that is not there, and a unit that systemd does not know, is passed over.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Find what an earlier run has left undone
  holdfast.nginx_ha.stale_services:
    services:
      example.service: [/usr/local/lib/example/example.py, /etc/example.json]
  register: stale

- name: Run it
  ansible.builtin.systemd_service:
    name: example.service
    state: "{{ 'restarted' if 'example.service' in stale.services else 'started' }}"
    daemon_reload: "{{ stale.daemon_reload }}"
"""

RETURN = r"""
services:
  description: Those that are stale, in the order in which they were given.
  returned: success
  type: list
  elements: str
  sample: [example.service]
daemon_reload:
  description: Whether systemd itself has not read the files of one of these units yet.
  returned: success
  type: bool
"""

import contextlib
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.host import unit_properties
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Runner, run

PROPERTIES = (
    "ActiveState",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    "ActiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)
RUNS = ("active", "reloading")


def files_of(name: str, files: object) -> list[str]:
    """Return the files of a unit; InputError where it is no list of absolute paths."""
    if not isinstance(files, list) or not all(isinstance(path, str) and os.path.isabs(path) for path in files):
        raise InputError(f"services.{name}", "has to be a list of absolute paths")
    return files


def written(paths: t.Iterable[str]) -> float:
    """Return when the newest of these files was written, in seconds since the epoch; 0 where none is there."""
    newest = 0.0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, os.stat(path).st_mtime)
    return newest


def stale(services: t.Mapping[str, object], runner: Runner = run) -> tuple[list[str], bool]:
    """Return the units that run what is older than their files, and whether systemd has to read one of them again."""
    files = {name: files_of(name, paths) for name, paths in services.items()}
    # systemd counts microseconds of this clock, which nobody sets.
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    found = []
    unread = False
    for name, paths in files.items():
        said = unit_properties(name, PROPERTIES, runner)
        unread = unread or said["NeedDaemonReload"] == "yes"
        started = boot + int(said["ActiveEnterTimestampMonotonic"] or 0) / 1e6
        # A reload changes the state for a moment.
        reloaded = boot + int(said["StateChangeTimestampMonotonic"] or 0) / 1e6
        units = filter(None, (said["FragmentPath"], *said["DropInPaths"].split()))
        if said["ActiveState"] in RUNS and (written(units) > started or written(paths) > reloaded):
            found.append(name)
    return found, unread


def main() -> None:
    module = AnsibleModule(argument_spec={"services": {"type": "dict", "required": True}}, supports_check_mode=True)
    try:
        services, daemon_reload = stale(module.params["services"])
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, services=services, daemon_reload=daemon_reload)


if __name__ == "__main__":
    main()
