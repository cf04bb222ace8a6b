#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_doctor
short_description: Gather on a host all that tells why an address is not where it should be
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Reads units, addresses, neighbours, firewall rules, track files, the running state and the files of keepalived.
    Nothing is changed, and keepalived need not be there.
  - What it means is said by M(holdfast.nginx_ha.vrrp_diagnosis), which compares the hosts.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  addresses:
    description: The shared addresses, without their prefix length.
    type: list
    elements: str
    required: true
  detected:
    description:
      - What the plan tells the detector of each instance. The network is asked who has their addresses (ARP, IPv6
        neighbour discovery), and who sends adverts for them.
    type: list
    elements: dict
    default: []
  requests:
    description: How a client asks for each site, as the plan has it. The certificates that this host shows are noted.
    type: list
    elements: dict
    default: []
  part:
    description:
      - V(noticed) is what the detector has raised, who is on the network and which certificates are shown, without all
        the rest.
      - V(proof) is that, and what shows that the addresses are held. It waits until every instance has found its place.
    type: str
    choices: [all, noticed, proof]
    default: all
  settle:
    description: Seconds that V(part=proof) waits at most until every instance has found its place.
    type: float
    default: 15
  patience:
    description:
      - Seconds that are waited at most for the detector, until it has looked for a while since its start, and until
        what it has raised is over.
    type: float
    default: 0
  member:
    description: Whether this host is a balancer. Of another one only its neighbours are of interest.
    type: bool
    default: true
  root:
    description: Folder of keepalived's configuration.
    type: path
    default: /etc/keepalived
"""

EXAMPLES = r"""
- name: Examine the host
  holdfast.nginx_ha.vrrp_doctor:
    addresses: [10.89.50.100]
  register: facts
"""

RETURN = r"""
facts:
  description: What was found, for M(holdfast.nginx_ha.vrrp_diagnosis). Passwords are not in it.
  returned: success
  type: dict
unsettled:
  description: What has not found its place in time, as a clause; empty where all has.
  returned: when O(part=proof)
  type: str
held:
  description: Every virtual address that this host holds.
  returned: when O(part=proof) and all has found its place
  type: list
  elements: str
amiss:
  description: In what the kernel is not as keepalived wants it, a sentence each.
  returned: when O(part=proof) and all has found its place
  type: list
  elements: str
proven:
  description: Whether all that the last M(holdfast.nginx_ha.tracker_proof) on this host has shown is as it was.
  returned: when O(part=proof)
  type: bool
"""

import contextlib
import dataclasses
import json
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.proof_key import holds
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import homes, live_instances
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import read_states
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.info import settle
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lint import lint
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import file_text, included, read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import refused, scheduler
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.shown_certificate import certificates_here
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import (
    host_addresses,
    link_local,
    need_root,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.observed import (
    blocking_rules,
    interfaces,
    neighbours,
    units,
    watched_inodes,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.platforms import platform
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import running
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import drifted, owned_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.foreign_routers import Segment, foreign_routers
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import own_macs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.segment import look

UNITS = ("keepalived", "holdfast-watcher", "holdfast-detector")
WATCHER = "/etc/holdfast/watcher.json"
DETECTOR = "holdfast-detector"
SPLIT_BRAIN = "/run/holdfast/state/split_brain.json"
FETCHED = "/var/lib/holdfast/certificates/state.json"


def uptime() -> float:
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def tracked(blocks: t.Sequence[Block], watched: t.AbstractSet[int]) -> dict[str, list[dict[str, t.Any]]]:
    """Return, by instance, the files that it tracks: whether each is there, what it says, and whether it is watched."""
    files = {}
    for block in blocks:
        if block.name in ("track_file", "vrrp_track_file") and block.args:
            files[block.args[0]] = next((line.args[0] for line in block.find("file") if line.args), "")
    found: dict[str, list[dict[str, t.Any]]] = {}
    for block in blocks:
        if block.name == "vrrp_instance" and block.args:
            names = [item.name for part in block.find("track_file") for item in part.children or ()]
            found[block.args[0]] = [track_file(name, files.get(name, ""), watched) for name in names]
    return found


def track_file(name: str, path: str, watched: t.AbstractSet[int]) -> dict[str, t.Any]:
    """Return what is known of one file; keepalived watches the folder that it lies in."""
    content, seen = "", False
    with contextlib.suppress(OSError):
        seen = os.stat(os.path.dirname(path)).st_ino in watched
        with open(path, encoding="ascii", errors="replace") as file:
            content = file.read(16).strip()
    return {"name": name, "path": path, "present": os.path.exists(path), "content": content, "watched": seen}


def raised(path: str = SPLIT_BRAIN) -> list[dict[str, t.Any]] | None:
    """Return what the detector has raised; None where its file is not there, or cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError), open(
        path, encoding="utf-8"
    ) as file:
        return [one for one in json.load(file)["findings"] if isinstance(one, dict)]
    return None


def unfetched(path: str = FETCHED) -> str:
    """Return why a certificate was not fetched from the issuer at the last look; empty where nothing was in the way."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError), open(path, encoding="utf-8") as file:
        return str(json.load(file)["message"])
    return ""


def first_look(detected: t.Sequence[t.Mapping[str, t.Any]]) -> float:
    """Return after how many seconds a detector that was started has told of a second holder that was there before.

    It waits for longer than a takeover lasts, looks at the wire for a few adverts, and has to begin.
    """
    return 4.0 + max((one["detection"] + 2.5 * one["advert_int"] for one in detected), default=0.0)


def raised_for_long(looked: float, patience: float, path: str = SPLIT_BRAIN) -> list[dict[str, t.Any]] | None:
    """Return what the detector still raises once it has had ``looked`` seconds to look, and time to forget."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        detector = units((DETECTOR,), uptime=uptime())[DETECTOR]
        if not detector["active"] or (detector["runs"] >= looked and not raised(path)):
            break
        time.sleep(min(0.5, max(0.0, until - time.monotonic())))
    return raised(path)


def noticed(detected: t.Sequence[t.Mapping[str, t.Any]], root: str, patience: float) -> dict[str, t.Any]:
    """Return what the detector tells, and who else is on the network."""
    findings = raised_for_long(first_look(detected), patience)
    segment = Segment(detected, homes(live_instances(root)), own_macs())
    found: list[t.Any] = []
    with contextlib.suppress(HoldfastError):  # the interface is down, which is told of as such
        found = foreign_routers(segment, look(segment.questions(), link_local(), segment.seconds))
    return {
        "split_brain": findings or [],
        "detector_tells": findings is not None,
        "foreign_routers": [one._asdict() for one in found],
    }


def complaints(main_file: str, output: str, shared: t.Collection[str]) -> list[str]:
    """Return what is wrong with the configuration as it lies there, by the rules of this collection."""
    text = file_text(main_file)
    if text is None:
        return []
    build = parse_build(output)
    name = os.uname().nodename.split(".")[0]
    found = lint(text, main_file, included, name, build, addresses=host_addresses(), held=shared)
    return [f"{one.where}: {one.message}" for one in found if one.severity == "error"]


def guarded(path: str = WATCHER) -> tuple[str, str]:
    """Return the service that decides whether this balancer is fit, and its program: nginx where none is said."""
    try:
        service = json.loads(file_text(path) or "{}")["nginx"]
        return str(service["unit"]).rpartition(".service")[0] or str(service["unit"]), str(
            service.get("program", "nginx")
        )
    except (ValueError, KeyError, TypeError):
        return "nginx", "nginx"


def of_member(root: str, shared: t.Collection[str]) -> dict[str, t.Any]:
    """Return what is known of a balancer."""
    daemon = KeepalivedDaemon(root=root)
    version = daemon.version
    runs = daemon.running()
    unit, program = guarded()
    runs_at = platform()
    found: dict[str, t.Any] = {
        "installed": version is not None,
        "running": runs,
        "guarded": unit,
        "units": units((*UNITS, unit), uptime=uptime()),
        "nginx_runs": running(program),  # whatever its pid file says
        "blocking_rules": blocking_rules(),
        "platform": f"It runs at {runs_at.name}: {runs_at.advice}." if runs_at else "",
        "drifted": drifted(owned_files(daemon.name)),
        "instances": [],
        "amiss": [],
        "tracked": {},
        "complaints": [],
        "refused": "",
    }
    if version is not None:
        blocks = read_tree(daemon.main_file, parse_build(daemon.build.output)).blocks
        found["tracked"] = tracked(blocks, watched_inodes("keepalived"))
        found["complaints"] = complaints(daemon.main_file, daemon.build.output, shared)
        found["refused"] = refused(blocks, scheduler() if runs else None)
    if runs:
        found["instances"] = [dataclasses.asdict(state) for state in read_states()]
        found["amiss"] = daemon.differs()
    return found


def tracked_here(root: str) -> dict[str, t.Any]:
    """Return the little of a balancer by which it is told whether what was noticed has a reason that is known."""
    blocks = read_tree(os.path.join(root, "keepalived.conf"), None).blocks
    return {"tracked": tracked(blocks, set()), "units": units((DETECTOR,), uptime=uptime())}


def proof(root: str, patience: float) -> tuple[dict[str, t.Any], str]:
    """Return what shows that the addresses of this host are held, and a warning, which may be empty."""
    wanted = {"settled": True, "holds": [], "lacks": [], "patience": patience, "configuration": False, "root": root}
    try:
        found, warning = settle(wanted)
    except HoldfastError as error:
        return {"unsettled": str(error), "proven": False}, ""
    return {"unsettled": "", "held": found["held"], "amiss": found["amiss"], "proven": holds()}, warning


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "detected": {"type": "list", "elements": "dict", "default": []},
            "requests": {"type": "list", "elements": "dict", "default": []},
            "part": {"type": "str", "choices": ["all", "noticed", "proof"], "default": "all"},
            "settle": {"type": "float", "default": 15},
            "patience": {"type": "float", "default": 0},
            "member": {"type": "bool", "default": True},
            "root": {"type": "path", "default": "/etc/keepalived"},
        },
        supports_check_mode=True,
    )
    try:
        need_root()
        shared, root = module.params["addresses"], module.params["root"]
        facts: dict[str, t.Any] = {}
        result: dict[str, t.Any] = {}
        if module.params["part"] == "proof":
            result, warning = proof(root, module.params["settle"])
            if warning:
                module.warn(f"{os.uname().nodename}: {warning}")
        if module.params["member"]:
            facts["certificates"] = certificates_here(module.params["requests"])
            facts["unfetched"] = unfetched()
            facts.update(noticed(module.params["detected"], root, module.params["patience"]))
            facts.update(of_member(root, shared) if module.params["part"] == "all" else tracked_here(root))
        facts.update(interfaces=interfaces(), neighbours=neighbours(shared))
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, facts=facts, **result)


if __name__ == "__main__":
    main()
