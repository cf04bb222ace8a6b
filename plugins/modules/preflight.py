#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find out whether a host can become part of the fleet, before anything is changed on it
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Looks at everything that would stop a deployment half-way, and names all of it at once. A system that this
    collection does not support is refused before anything else is looked at.
  - Packages that are not installed yet are downloaded, not installed, so that a package source out of reach is known
    before the first host is touched. In check mode nothing is downloaded.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  roles:
    description:
      - Roles of this collection that the host will get. What M(holdfast.nginx_ha.fleet_plan) has planned for them is
        looked at, beside the other options; their packages and their ports add up.
    type: list
    elements: str
  packages:
    description: Packages that will be installed.
    type: list
    elements: str
    default: []
  pins:
    description:
      - Versions that O(packages) shall have, each with C(package), C(version), in which C(*) stands for anything, and
        the C(path) of the variable that says so. A package of another version counts as missing.
    type: list
    elements: dict
    default: []
  nginx_modules:
    description:
      - Modules of nginx that the configuration needs, as the plan gives them. The package of each that nginx does not
        have yet adds to O(packages), and is named in RV(nginx_packages).
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports that nginx (or the backend's web server) will listen on.
    type: list
    elements: int
    default: []
  programs:
    description: Programs that may be listening on O(ports) already.
    type: list
    elements: str
    default: [nginx]
  instances:
    description: The C(vrrp_instance) blocks that the host will get, as the plan gives them.
    type: list
    elements: dict
    default: []
  detected:
    description:
      - What the plan tells the detector of each of O(instances).
      - The network is asked who has their addresses already (ARP, IPv6 neighbour discovery), and who sends adverts for
        them. One that is no member and has an address is a fault; adverts alone, which anybody can forge, and a peer of
        former days that is still there are warned of.
      - Where keepalived runs and the members of a cluster would not understand each other half-way, the change is a
        fault, and has to be made on all of them in the same instant (the playbook C(holdfast.nginx_ha.together)).
    type: list
    elements: dict
    default: []
  sync_groups:
    description: The C(vrrp_sync_group) blocks that the host will get, as the plan gives them.
    type: list
    elements: dict
    default: []
  adopt:
    description: Whether instances that somebody else configured on this host may go.
    type: bool
    default: false
  track_processes:
    description:
      - Whether keepalived shall watch processes. It hears of them in the initial network namespace only; in a container
        its instances would stay in C(FAULT) for ever.
    type: bool
    default: false
  real_time:
    description:
      - The real-time priority without which keepalived could not send its adverts in time; V(0) where they are so far
        apart that it can do without.
    type: int
    default: 0
  commands:
    description:
      - Commands that will be run by O(command_user), each a text or a list of words.
      - The program of each must be there, this user must be able to run it, and nobody but root and this user may
        be able to change it. In check mode one that is missing is warned of.
    type: list
    elements: raw
    default: []
  command_user:
    description: User that runs O(commands).
    type: str
    default: nobody
  scripts:
    description:
      - Programs that keepalived and the watcher will run as root, as the plan gives them, each by the name under which
        its fault is told. They have to be there, executable, with their interpreter, and writable by root alone.
    type: dict
    default: {}
  script_users:
    description:
      - The users that run O(scripts), by the same names; V(root) where none is said.
      - Each has to be there, and to be able to run its program.
    type: dict
    default: {}
  ipvs:
    description: Whether the kernel has to have IPVS, for virtual servers.
    type: bool
    default: false
  nginx_names:
    description:
      - Log formats, zones and caches that sites use and the plan does not define, each with its C(kind), its C(name)
        and the C(path) of who uses it. A file of somebody else in the folder of nginx has to define them.
    type: list
    elements: dict
    default: []
  certificates:
    description:
      - What sites say of TLS, as the plan gives it, each with its C(path), the C(names) of the site, its C(tls), and
        C(has_responder), which is whether the site says where answers to staple come from.
      - Each certificate is judged with its key and its chain, also where they are files of this host.
    type: list
    elements: dict
    default: []
  root:
    description: Folder of keepalived's configuration.
    type: path
    default: /etc/keepalived
"""

EXAMPLES = r"""
- name: Check whether this host can become a balancer
  holdfast.nginx_ha.preflight:
    packages: [nginx, keepalived]
    ports: [80]
"""

RETURN = r"""
missing:
  description: Packages that are not installed. Where the host has apt they were downloaded, but not in check mode.
  returned: success
  type: list
  elements: str
nginx_packages:
  description: Those of RV(missing) that bring modules of nginx.
  returned: success
  type: list
  elements: str
router_ids:
  description: The router ids of the instances that the collection has configured on this host, by their names.
  returned: success
  type: dict
  sample: {VI_1: 100}
running:
  description: Whether keepalived runs here already, with an instance that this collection wrote.
  returned: success
  type: bool
ansible_facts:
  description: C(pkg_mgr) and C(service_mgr), which modules for packages and services would find out each time.
  returned: success
  type: dict
  sample: {pkg_mgr: apt, service_mgr: systemd}
"""

import contextlib
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import (
    homes,
    live_instances,
    refuse_unfit,
    running_otherwise,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import main_pid
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import (
    may_raise_limits,
    real_time_fault,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.certificates import Question, judge
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import defined_in
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.provision import packages_for
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import (
    has_ipvs,
    link_local,
    listeners,
    need_root,
    tells_of_processes,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packages import Pin, download, manager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.programs import program_of, unfit_program
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import need_supported
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.foreign_routers import (
    Segment,
    foreign_routers,
    former_peers,
    sentence,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import own_macs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.segment import look

DEAF = (
    "keepalived cannot watch processes here: the kernel tells of them in the initial network namespace only, and this "
    "is another one, as in a container, so the instances would stay in FAULT for ever; use a file or a script instead "
    "(keepalived_track_files, keepalived_vrrp_scripts)"
)


def port_faults(ports: list[int], programs: list[str]) -> list[str]:
    """Return a sentence for every port that a program other than these has taken."""
    faults = []
    for port in ports:
        for name in sorted(listeners(port) - set(programs)):
            faults.append(
                f"port {port} is in use by {name}: stop it (systemctl disable --now ...) "
                "or let the site listen elsewhere"
            )
    return faults


def undefined_names(used: t.Sequence[t.Mapping[str, str]], root: str = "/etc/nginx") -> list[str]:
    """Return a sentence for every name that no file in the folder of nginx defines; a commented line counts as one."""
    if not used:
        return []
    known: set[tuple[str, str]] = set()
    for folder, _folders, names in os.walk(root):
        for name in names:
            with contextlib.suppress(OSError), open(os.path.join(folder, name), errors="replace") as file:
                known |= defined_in(file.read())
    return [
        f"{one['path']}: the {one['kind']} {one['name']} is defined neither in the inventory nor on this host: "
        "define it, or use one that is there"
        for one in used
        if (one["kind"], one["name"]) not in known
    ]


def unfit_certificates(said: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return a sentence for every certificate that cannot be used here; of one that ends soon host_state tells."""
    return [f"{one.where}: {one.message}" for one in errors(judge(Question.from_options(**one) for one in said))]


def program_faults(commands: list[t.Any], user: str) -> dict[str, str]:
    """Return a sentence for every program that is not fit to be run by this user; raises ValueError for no program."""
    programs = dict.fromkeys(program_of(command) for command in commands)
    faults = {program: unfit_program(program, user) for program in programs}
    return {program: fault for program, fault in faults.items() if fault}


def on_the_network(
    detected: t.Sequence[t.Mapping[str, t.Any]], planned: t.Iterable[VrrpInstance], live: t.Sequence[VrrpInstance]
) -> tuple[list[str], list[str]]:
    """Return what is wrong with who else is on the network, and what is worth a warning."""
    segment = Segment(
        detected,
        homes(planned),
        own_macs(),
        intervals={one.virtual_router_id: one.advert_int or 1.0 for one in live},
        peers=[peer.address for one in live for peer in one.unicast_peer or ()],
    )
    try:
        seen = look(segment.questions(), link_local(), segment.seconds)
    except HoldfastError as error:
        return [], [str(error)]
    found = foreign_routers(segment, seen)
    # Adverts alone can be forged: whoever does must not keep this cluster from being changed.
    wrong = [sentence(one) for one in found if one.kind in ("holder", "twin")]
    doubtful = [sentence(one) for one in found if one.kind not in ("holder", "twin")]
    return wrong, [*doubtful, *former_peers(segment, seen)]


def main() -> None:
    module = QuietModule(
        argument_spec={
            # The action plugin puts the plan in its place.
            "roles": {"type": "list", "elements": "str"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "pins": {"type": "list", "elements": "dict", "default": []},
            "nginx_modules": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "programs": {"type": "list", "elements": "str", "default": ["nginx"]},
            "instances": {"type": "list", "elements": "dict", "default": [], "no_log": False},
            "detected": {"type": "list", "elements": "dict", "default": []},
            "sync_groups": {"type": "list", "elements": "dict", "default": []},
            "commands": {"type": "list", "elements": "raw", "default": []},
            "command_user": {"type": "str", "default": "nobody"},
            "adopt": {"type": "bool", "default": False},
            "track_processes": {"type": "bool", "default": False},
            "scripts": {"type": "dict", "default": {}},
            "script_users": {"type": "dict", "default": {}},
            "ipvs": {"type": "bool", "default": False},
            "real_time": {"type": "int", "default": 0},
            "nginx_names": {"type": "list", "elements": "dict", "default": []},
            "certificates": {"type": "list", "elements": "dict", "default": []},
            "root": {"type": "path", "default": "/etc/keepalived"},
        },
        supports_check_mode=True,
    )
    try:
        need_root()
        need_supported()
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    faults = port_faults(module.params["ports"], module.params["programs"])
    faults += undefined_names(module.params["nginx_names"])
    faults += unfit_certificates(module.params["certificates"])
    if module.params["track_processes"] and not tells_of_processes():
        faults.append(DEAF)
    try:
        for program, fault in program_faults(module.params["commands"], module.params["command_user"]).items():
            if module.check_mode and not os.path.exists(program):
                module.warn(fault)
            else:
                faults.append(fault)
    except ValueError as error:
        faults.append(f"commands: one {error}")
    users = module.params["script_users"]
    reasons = {
        where: unfit_program(str(program), str(users.get(where, "root")))
        for where, program in module.params["scripts"].items()
    }
    faults += [f"{where}: {reason}" for where, reason in reasons.items() if reason]
    if module.params["ipvs"] and not has_ipvs():
        faults.append(
            "the kernel of this host has no IPVS, which keepalived_virtual_servers need: load it (modprobe ip_vs; for "
            "a container, on the machine that runs it), or let nginx serve the port with balancer_streams"
        )
    if module.params["real_time"]:
        fault = real_time_fault(module.params["real_time"], may_raise=may_raise_limits())
        faults += [fault] if fault else []
    missing: list[str] = []
    try:
        root = module.params["root"]
        planned = refuse_unfit(module.params["instances"], root=root, adopt=module.params["adopt"])
        members = {peer for one in module.params["detected"] for peer in one["peers"]}
        alone = running_otherwise(
            planned, module.params["sync_groups"], members, root=root, adopt=module.params["adopt"]
        )
        faults += [alone] if alone else []
        strange, doubtful = on_the_network(module.params["detected"], planned, live_instances(root))
        faults += strange
        for one in doubtful:
            module.warn(f"{one}.")
    except HoldfastError as error:
        faults.append(str(error))
    modules: list[str] = []
    try:
        modules = packages_for(module.params["nginx_modules"])
        wanted = [*module.params["packages"], *modules]
        pins = list(dict.fromkeys(Pin(**one) for one in module.params["pins"]))
        missing = download(wanted, pins=pins, check_mode=module.check_mode)
    except HoldfastError as error:
        faults.append(str(error))
    if faults:
        module.fail_json(msg=" | ".join([*faults, "Nothing was changed."]))
    live = live_instances(module.params["root"])
    module.exit_json(
        changed=False,
        missing=missing,
        nginx_packages=[name for name in modules if name in missing],
        router_ids={one.name: one.virtual_router_id for one in live},
        running=bool(live) and main_pid() is not None,
        ansible_facts={**manager(), "service_mgr": "systemd"},
    )


if __name__ == "__main__":
    main()
