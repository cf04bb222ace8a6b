#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Bring about, in one step, all that a role of this collection wants of a host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the roles of this collection, and may change with any of its releases.
  - Each option is a section of the host's state. Those that are given are brought about in the order in which they
    stand here, each only where the host differs. The first that cannot be ends the task with its error. What was done
    before stays, and the next run goes on from there.
  - In check mode every section says what it would do, as far as that can be known before the others are done.
  - Neither the journal nor the result repeats what it was given.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  roles:
    description:
      - Roles of this collection. What M(holdfast.nginx_ha.fleet_plan) has planned for them on this host is brought
        about, role by role, with the options of the task laid over their sections.
    type: list
    elements: str
  only:
    description: The sections of O(roles) that are brought about; without it, all.
    type: list
    elements: str
  steps:
    description:
      - Sections as in the other options, with the C(role) that they belong to, one step after the other. The controller
        fills this in.
    type: list
    elements: dict
    default: []
  package_sources:
    description:
      - Files that the package manager of the host reads; a play brings them about before it installs. C(pin) is the
        version that a C(daemon), C(nginx) or C(keepalived), shall have, with C(package), C(version) and C(path). With
        C(nginx_source), as in M(holdfast.nginx_ha.preflight), those of the repository of nginx are added, which is then
        read. What is not said goes.
    type: dict
  build:
    description:
      - A C(daemon) that is built on this host from a C(tarball) with the C(checksum), by C(options) of its
        C(configure), below a C(prefix), for a C(user). It is built only where these are others than before, and takes
        over from the one that runs. nginx loses no request then, and has to answer the C(question), with C(address),
        C(port), C(host) and C(path), before the one of before goes. The controller adds C(pack), where it has sent a
        file of its own.
    type: dict
  agent:
    description:
      - The agent of this collection, which runs on a balancer for ever, in C(folder). Its files become a folder
        C(agent-DIGEST), which is complete before the symbolic link C(agent) is moved to it. The folder of before stays.
    type: dict
  files:
    description:
      - Files and folders that this collection owns, replaced as a whole and atomically. C(folders) have C(path),
        C(mode), C(owner), C(group), and C(kept), whether one that is there stays as it is. C(files) have C(path),
        C(mode), C(owner), C(group), C(content), without which there shall be none, and C(shown), whether a difference
        may be shown. In the drop-in of a C(unit) C(@EXEC_START@) stands for the command line of that; where there is no
        such unit, the lines that begin with C(ExecStart=) go. C(@HTTPD@) stands for
        what Apache httpd is called on this host.
      - C(tests) are commands that have to succeed before a file is written, each a list of words in which C(@FILE@)
        stands for a file with the new content. One without C(content) that is a C(conffile_of) a package goes only
        where nobody has changed it.
      - Where a file below C(/etc/systemd/system) has changed, systemd reads its units again. What a file below
        C(/etc/tmpfiles.d) names is made in every run.
    type: dict
  content:
    description:
      - What sites serve. C(trees) have the C(path) of a folder, which is replaced as a whole and in one step, with
        C(owner), C(group), the C(mode) of its files and the C(folder_mode) of its folders; C(said), where the inventory
        says it; and its source, one of C(folder), C(archive) and C(template). An archive with C(remote_src) is one on
        this host. Of any other source the controller adds C(entries), what is in it with digests, and where they
        differ the C(pack) that it has sent.
    type: dict
  kernel:
    description:
      - Settings of the kernel in a file of C(sysctl.d) at C(path), now and at every boot. C(settings) have C(name),
        C(value), C(reason) and C(needed), whether the host is of no use without it. One that is listed no longer goes
        back to what it was, and with none the file goes.
    type: dict
  loopback:
    description:
      - The shared C(addresses) that a real server of LVS has for itself alone, on the loopback interface, now and at
        every boot. The kernel is told first not to speak for them to anybody, and last to do so again where none is
        left.
    type: dict
  firewall:
    description: Which adverts and clients are let in, with the options of M(holdfast.nginx_ha.vrrp_firewall).
    type: dict
  selinux_ports:
    description:
      - Where SELinux is on, the C(ports) on which the web server will listen, each with its C(first), its C(last) and
        its C(protocol), get the type C(http_port_t) unless they have it.
    type: dict
  web_server:
    description:
      - Web servers that the host served with before, and shall not any more, are what this section C(replaces). Their
        sites of this collection go. The service of one that this collection has installed is stopped for good; one
        that was there before goes on.
      - First what O(nginx) or O(httpd) says is tested. Where it is refused later, what was replaced serves again.
      - Those that were installed just now are C(brought), which the host remembers.
    type: dict
  nginx:
    description:
      - What nginx serves, with the options of M(holdfast.nginx_ha.nginx_config).
      - The watcher looks after C(service_ports), each an C(address), or none for all of them, and the C(first) and the
        C(last) port there, of C(tcp) unless C(protocol) says C(udp). One that goes is looked after no longer before
        nginx closes it.
    type: dict
  httpd:
    description:
      - What Apache httpd serves. C(servers) are those of M(holdfast.nginx_ha.nginx_config), translated for it, with
        C(httpd_directives), which are lines of its own. An option that has no equal there is refused.
      - Tested, made live and confirmed as those of nginx, or as it was before.
    type: dict
  keepalived:
    description:
      - What keepalived does, with the options of M(holdfast.nginx_ha.keepalived_config). C(moved) are the priorities of
        a planned move, by the instance; without it, those that one has left on the host.
    type: dict
  watcher:
    description: The C(document) of the watcher; it gets the addresses of O(keepalived) and their interfaces.
    type: dict
  networkd:
    description:
      - Given, even if empty, systemd-networkd keeps the addresses on C(interfaces) and on those of O(keepalived), where
        it manages them. It would take them away with any reload.
    type: dict
  selinux:
    description: Where SELinux is on, the labels of C(paths) and all below them, and C(booleans) that have to be on.
    type: dict
  services:
    description:
      - C(services) in the order in which they are looked after, each with its C(name). One is restarted if its unit, a
        drop-in of that, one of its C(programs) or a file that its C(part) of the agent loads was written after it was
        last started, and reloaded if one of its C(settings) was written after it was last started or reloaded. One
        that does not run is started. With V(false), C(runs) and C(restarts) leave that alone. C(enabled) is whether it
        starts at boot; without it that stays as it is. One that runs is restarted when a file of C(removed) has gone.
      - A play that writes a file and restarts its service later may end in between, and a restart that rests on
        C(is changed) never comes then. So the host is looked at.
    type: dict
"""

EXAMPLES = r"""
- name: Start a service
  holdfast.nginx_ha.host_state:
    files:
      files:
        - {path: /etc/systemd/system/example.service, content: "{{ lookup('ansible.builtin.template', 'example.j2') }}"}
        - {path: /etc/example.json, content: "{{ example | to_nice_json }}", mode: "0600", shown: false}
        - {path: /etc/example.old}
    kernel:
      path: /etc/sysctl.d/90-example.conf
      settings:
        - {name: net.ipv4.ip_nonlocal_bind, value: "1", reason: nginx listens on a shared address itself}
    services:
      services:
        - {name: example.service, settings: [/etc/example.json]}
"""

RETURN = r"""
changes:
  description: What was changed, or in check mode would be, by section and in the order in which that happened.
  returned: always
  type: list
  elements: str
  sample: ["files: /etc/example.json", "services: reload example.service"]
sections:
  description: What each section says besides, such as what M(holdfast.nginx_ha.keepalived_config) returns.
  returned: always
  type: dict
lacks:
  description: Folders that differ from a source on the controller that was not sent. Then nothing was done.
  returned: where there are any
  type: list
  elements: str
role:
  description: The role whose section could not be brought about; empty where none was named.
  returned: failure
  type: str
"""

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.state import (
    SECTIONS,
    HostState,
    checked,
    section_options,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root


def secret_options() -> dict[str, t.Any]:
    """Return the spec with what each section takes, which is a free dict to Ansible."""
    sections = section_options()
    return {**sections, "steps": {"options": sections}}


def lacking_content(sections: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Return the folders of the section ``content`` whose sources the controller has to send first."""
    options = section_options()
    builds = [checked("build", options["build"]["options"], one["build"]) for one in sections if one.get("build")]
    if builds:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.built import lacking as lacking_tarballs

        missing = [path for one in builds for path in lacking_tarballs(one)]
    else:
        missing = []
    given = [one["content"] for one in sections if (one.get("content") or {}).get("trees")]
    if not given:
        return missing
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.content import lacking

    trees = options["content"]["options"]
    return missing + [path for one in given for path in lacking(checked("content", trees, one))]


def main() -> None:
    module = QuietModule(
        argument_spec={
            # The action plugin puts the plan in their place.
            "roles": {"type": "list", "elements": "str"},
            "only": {"type": "list", "elements": "str"},
            "steps": {"type": "list", "elements": "dict", "default": []},
            **{name: {"type": "dict"} for name in SECTIONS},
        },
        supports_check_mode=True,
        secret_options=secret_options,
    )
    state = HostState(check=module.check_mode)
    fault = ""
    try:
        need_root()
        lacks = [] if module.check_mode else lacking_content([module.params, *module.params["steps"]])
        if lacks:
            module.exit_json(changed=False, changes=[], sections={}, lacks=lacks)
        state.bring(module.params)
        for step in module.params["steps"]:
            state.bring(step, step.get("role", ""))
    except HoldfastError as error:
        fault = str(error)
    for warning in state.warnings:
        module.warn(warning)
    result = {"changes": state.changes, "diff": state.diff, "sections": state.returned}
    if fault:
        module.fail_json(msg=fault, changed=bool(state.changes), role=state.role, **result)
    module.exit_json(changed=bool(state.changes), **result)


if __name__ == "__main__":
    main()
