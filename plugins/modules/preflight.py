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
  nginx_source:
    description:
      - Package repository of nginx.org, or a mirror of it, that O(packages) shall come from besides those of the host,
        with C(url), the C(package) of nginx, and C(key) and C(fingerprints) where they are said.
      - The key is fetched where it is not given and not there yet, and refused where its fingerprint is not known.
    type: dict
    default: {}
  nginx_modules:
    description:
      - Modules of nginx that the configuration needs, as the plan gives them. The package of each that nginx does not
        have yet adds to O(packages), and is named in RV(nginx_packages).
    type: list
    elements: str
    default: []
  builds:
    description:
      - Daemons that will be built from source, each as the section C(build) of M(holdfast.nginx_ha.host_state) has it.
        Their tarballs are fetched and compared.
    type: list
    elements: dict
    default: []
    suboptions:
      daemon:
        description: Which one.
        type: str
        required: true
        choices: [nginx, keepalived]
      tarball:
        description: Its source, an address or a file of the controller.
        type: str
        required: true
      checksum:
        description: SHA-256 digest of O(builds[].tarball).
        type: str
        required: true
      options:
        description: Options of its C(configure).
        type: list
        elements: str
        default: []
      prefix:
        description: Where it shall lie.
        type: str
        required: true
      user:
        description: Whom the workers of nginx run as.
        type: str
        default: ""
      question:
        description: What a new nginx has to answer.
        type: dict
        suboptions:
          address:
            description: Address that is asked.
            type: str
            required: true
          port:
            description: Port there.
            type: int
            required: true
          host:
            description: Host that is asked for.
            type: str
            required: true
          path:
            description: Path that is asked for.
            type: str
            required: true
      pack:
        description: Where the controller has sent its own file.
        type: path
        default: ""
  newest:
    description: Those of O(packages) that have to be the newest, which only the package manager can find out.
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
  log:
    description: Whether rsyslog has to be there, or among O(packages).
    type: bool
    default: false
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
  description: Packages that are not installed. They were downloaded, but not in check mode.
  returned: success
  type: list
  elements: str
pinned:
  description: Those of RV(missing) that shall have a version, as the package manager takes both.
  returned: success
  type: list
  elements: str
  sample: ["nginx=1.22.*"]
install:
  description: RV(missing) as the package manager takes them, with the versions that some shall have.
  returned: success
  type: list
  elements: str
  sample: ["nginx=1.22.*", "keepalived"]
nginx_packages:
  description: Those of RV(missing) that bring modules of nginx.
  returned: success
  type: list
  elements: str
adds_source:
  description: Whether O(nginx_source) is not among the package sources of this host yet.
  returned: success
  type: bool
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

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.fitness import (
    FITNESS_OPTIONS,
    fitness,
    secret_options,
)


def main() -> None:
    module = QuietModule(
        argument_spec={
            # The action plugin puts the plan in its place.
            "roles": {"type": "list", "elements": "str"},
            **FITNESS_OPTIONS,
        },
        supports_check_mode=True,
        secret_options=secret_options,
    )
    try:
        found = fitness(module.params, check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    for warning in found.warnings:
        module.warn(warning)
    if found.faults:
        module.fail_json(msg=found.sentence)
    module.exit_json(changed=False, **found.returned)


if __name__ == "__main__":
    main()
