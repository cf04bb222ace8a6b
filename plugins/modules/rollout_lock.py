#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_lock
short_description: Keep a second run off the balancers that a first one changes
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Two runs at once would each roll out its own state, and each would find the other's in the middle.
  - A run takes the lock of every balancer before it changes one, and gives it back at its end. A second run is refused
    with the name of the first.
  - A run that ended without giving it back keeps nobody off. On the same controller that is seen at once. For runs from
    another controller, which cannot see it, the lock ends half an hour after it was taken, and when the host boots.
options:
  state:
    description: Whether to take the lock, or to give it back.
    type: str
    choices: [present, absent]
    default: present
  holder:
    description: Who takes it, as C(id) and C(name); the controller fills this in.
    type: dict
  ended:
    description: The C(id) of a holder of whom the controller knows that it has ended; the controller fills this in.
    type: str
    default: ""
attributes:
  check_mode:
    description: The lock is neither taken nor looked at, for nothing is changed.
    support: full
  diff_mode:
    description: A lock is no part of the state of a host, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Take the lock
  holdfast.nginx_ha.rollout_lock:

- name: Give the lock back
  holdfast.nginx_ha.rollout_lock:
    state: absent
"""

RETURN = r"""
holder:
  description: Who has the lock, where it is somebody else; C(id), C(name) and C(left), its seconds at most.
  returned: when another run has it
  type: dict
"""

import fcntl
import json
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

PATH = "/run/holdfast-rollout.json"
LASTS = 1800.0

Lock = t.Dict[str, t.Any]


def decide(there: Lock, holder: Lock, *, state: str, ended: str, now: float) -> Lock | None:
    """Return the lock as it shall be, empty for none, or None where another run has it.

    ``there`` is the lock as it is, and ``now`` in seconds since the boot, which takes every lock away.
    """
    free = not there.get("id") or there["id"] in (holder["id"], ended) or now >= there["until"]
    if state == "absent":
        return {} if free else there
    return {**holder, "until": now + LASTS} if free else None


def read(text: str) -> Lock:
    """Return the lock that a file holds; a file that holds none is no lock."""
    try:
        found = json.loads(text)
        return {"id": str(found["id"]), "name": str(found["name"]), "until": float(found["until"])}
    except (KeyError, TypeError, ValueError):
        return {}


def settle(holder: Lock, *, state: str, ended: str, now: float, path: str = PATH) -> Lock:
    """Take the lock or give it back, and return whoever else has it, or an empty lock; raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that ask in the same moment come one after the other
        there = read(file.read(65536))
        wanted = decide(there, holder, state=state, ended=ended, now=now)
        if wanted is None:
            return {"id": there["id"], "name": there["name"], "left": round(there["until"] - now)}
        if wanted != there:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(wanted) if wanted else "")
    return {}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "holder": {"type": "dict"},
            "ended": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False)
    if not given["holder"]:
        module.fail_json(msg="holder: is missing, call this as holdfast.nginx_ha.rollout_lock from a play")
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    try:
        holder = settle(given["holder"], state=given["state"], ended=given["ended"], now=now)
    except OSError as error:
        module.fail_json(msg=f"{PATH} cannot be written: {error.strerror}")
    module.exit_json(changed=False, **({"holder": holder} if holder else {}))


if __name__ == "__main__":
    main()
