# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can become what is planned for it, before anything is changed. Private to this collection."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.build import DAEMONS, built_command
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.built import BUILD_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.built import look as look_at_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import filled
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import (
    homes,
    live_instances,
    refuse_unfit,
    running_otherwise,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import main_pid
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import CONFIG_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import (
    may_raise_limits,
    real_time_fault,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.certificates import Question, judge
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import Tls
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import defined_in
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.provision import packages_for
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import argument_spec
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import (
    has_ipvs,
    link_local,
    listeners,
    need_root,
    tells_of_processes,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.nginx_org import refuse_other_package, source
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import PackageSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packages import package_manager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.platforms import platform
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.programs import program_of, unfit_program
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.python import unfit_python
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import need_supported
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import (
    NO_SEMANAGE,
    Ports,
    is_enabled,
    needs_semanage,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.foreign_routers import (
    Segment,
    foreign_routers,
    former_peers,
    sentence,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import own_macs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.segment import look

__all__ = ("FITNESS_OPTIONS", "fitness", "router_ids", "secret_options")

FITNESS_OPTIONS: dict[str, dict[str, t.Any]] = {
    "packages": {"type": "list", "elements": "str", "default": []},
    "pins": {"type": "list", "elements": "dict", "default": []},
    "nginx_source": {"type": "dict", "default": {}},
    "nginx_modules": {"type": "list", "elements": "str", "default": []},
    "builds": {"type": "list", "elements": "dict", "default": [], "options": BUILD_OPTIONS},
    "newest": {"type": "list", "elements": "str", "default": []},
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
    "log": {"type": "bool", "default": False},
    "nginx_names": {"type": "list", "elements": "dict", "default": []},
    "certificates": {"type": "list", "elements": "dict", "default": []},
    "root": {"type": "path", "default": "/etc/keepalived"},
}

RSYSLOG = "/usr/sbin/rsyslogd"
NO_LOG = (
    "keepalived_log_file: rsyslog is not installed here. Set keepalived_log_install to true, or leave "
    "keepalived_log_file empty and read the journal (journalctl -u keepalived -u 'holdfast-*')"
)
DEAF = (
    "keepalived cannot watch processes here: the kernel tells of them in the initial network namespace only, and this "
    "is another one, as in a container, so the instances would stay in FAULT for ever; use a file or a script instead "
    "(keepalived_track_files, keepalived_vrrp_scripts)"
)
NO_IPVS = (
    "the kernel of this host has no IPVS, which keepalived_virtual_servers need: load it (modprobe ip_vs; for "
    "a container, on the machine that runs it), or let nginx serve the port with balancer_streams"
)


def secret_options() -> dict[str, t.Any]:
    """Return the spec of those of FITNESS_OPTIONS that hold secrets, which is a free dict to Ansible."""
    return {
        "instances": CONFIG_OPTIONS["instances"],
        "certificates": {"options": {"tls": {"options": argument_spec(Tls)}}},
    }


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


def unfit_certificates(certificates: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return a sentence for every certificate that cannot be used here; of one that ends soon host_state tells."""
    return [
        f"{one.where}: {one.message}" for one in errors(judge(Question.from_options(**one) for one in certificates))
    ]


def program_faults(commands: list[t.Any], user: str) -> dict[str, str]:
    """Return a sentence for every program that is not fit to be run by this user; raises ValueError for no program."""
    programs = dict.fromkeys(program_of(command) for command in commands)
    faults = {program: unfit_program(program, user) for program in programs}
    return {program: fault for program, fault in faults.items() if fault}


def unfit_builds(
    builds: t.Sequence[t.Mapping[str, t.Any]], packages: t.Sequence[str], *, check: bool
) -> t.Iterator[str]:
    """Yield a sentence for every daemon that cannot be built here, or that is built and shall come as a package."""
    for one in builds:
        try:
            look_at_build(one, check=check)
        except HoldfastError as error:
            yield str(error)
    built = {one["daemon"] for one in builds}
    for daemon in DAEMONS:
        command = built_command(daemon)
        if command and daemon not in built and any(name.partition("-")[0] == daemon for name in packages):
            yield (
                f"{daemon}_source: {daemon} was built from a tarball here, and its unit would be in the way of that of "
                f"the package: end it (systemctl disable --now {daemon}), remove {command} and "
                f"/etc/systemd/system/{daemon}.service, one balancer after the other, or keep {daemon}_source: tarball"
            )


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


@dataclass(frozen=True)
class Fitness:
    """What is wrong with a host, what is worth a warning, and what will be installed on it.

    ``install`` are the missing as the package manager takes them, with the versions that some shall have; ``pinned``
    are these alone. ``nginx_packages`` are those that bring modules of nginx, and ``adds_source`` is whether the
    repository that nginx comes from is to be added first. ``router_ids`` are those with which its instances run, by
    their names, and ``running`` is whether they do.
    """

    faults: t.Sequence[str]
    warnings: t.Sequence[str]
    missing: t.Sequence[str]
    install: t.Sequence[str]
    pinned: t.Sequence[str]
    nginx_packages: t.Sequence[str]
    adds_source: bool
    router_ids: t.Mapping[str, int]
    running: bool

    @property
    def sentence(self) -> str:
        """All that is wrong, in one line; empty where nothing is."""
        return " | ".join([*self.faults, "Nothing was changed."]) if self.faults else ""

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the result of a module says, with the facts that modules for packages would find out each time."""
        return {
            "missing": list(self.missing),
            "pinned": list(self.pinned),
            "install": list(self.install),
            "nginx_packages": list(self.nginx_packages),
            "adds_source": self.adds_source,
            "router_ids": dict(self.router_ids),
            "running": self.running,
            "ansible_facts": {"pkg_mgr": package_manager().name, "service_mgr": "systemd"},
        }


def _unfit_selinux(ports: t.Iterable[int]) -> str:
    """Return a sentence where the policy has to be told of a port, and cannot be; else nothing."""
    needed = is_enabled() and needs_semanage(Ports(port, port) for port in ports)
    return NO_SEMANAGE if needed and shutil.which("semanage") is None else ""


def router_ids(root: str) -> dict[str, int]:
    """Return the router ids of the instances that this collection has configured here, by their names."""
    return {one.name: one.virtual_router_id for one in live_instances(root)}


def fitness(wanted: t.Mapping[str, t.Any], *, check: bool) -> Fitness:
    """Look for everything that would stop a deployment half-way; ``wanted`` are values of FITNESS_OPTIONS.

    HoldfastError where this does not run as root. Packages that are missing are downloaded, but not with ``check``.
    """
    need_root()
    need_supported()
    warnings: list[str] = []
    faults = port_faults(wanted["ports"], [filled(name) for name in wanted["programs"]])
    faults += filter(None, [unfit_python(), _unfit_selinux(wanted["ports"])])
    faults += undefined_names(wanted["nginx_names"])
    faults += unfit_certificates(wanted["certificates"])
    if wanted["track_processes"] and not tells_of_processes():
        faults.append(DEAF)
    try:
        for program, fault in program_faults(wanted["commands"], wanted["command_user"]).items():
            (warnings if check and not os.path.exists(program) else faults).append(fault)
    except ValueError as error:
        faults.append(f"commands: one {error}")
    runs_at = platform()
    if runs_at and not runs_at.by_arp and wanted["instances"] and not wanted["commands"]:
        warnings.append(f"this host runs at {runs_at.name}, and {runs_at.advice}.")
    users = wanted["script_users"]
    reasons = {
        where: unfit_program(str(program), str(users.get(where, "root")))
        for where, program in wanted["scripts"].items()
    }
    faults += [f"{where}: {reason}" for where, reason in reasons.items() if reason]
    if wanted["ipvs"] and not has_ipvs():
        faults.append(NO_IPVS)
    if wanted["log"] and "rsyslog" not in wanted["packages"] and not os.path.exists(RSYSLOG):
        faults.append(NO_LOG)
    if wanted["real_time"]:
        fault = real_time_fault(wanted["real_time"], may_raise=may_raise_limits())
        faults += [fault] if fault else []
    missing: list[str] = []
    modules: list[str] = []
    added: PackageSource | None = None
    pins = list(dict.fromkeys(Pin(**one) for one in wanted["pins"]))
    manager, packages = package_manager(), [*filter(None, map(filled, wanted["packages"]))]
    root, adopt = wanted["root"], wanted["adopt"]
    try:
        planned = refuse_unfit(wanted["instances"], root=root, adopt=adopt)
        members = {peer for one in wanted["detected"] for peer in one["peers"]}
        alone = running_otherwise(planned, wanted["sync_groups"], members, root=root, adopt=adopt)
        faults += [alone] if alone else []
        strange, doubtful = on_the_network(wanted["detected"], planned, live_instances(root))
        faults += strange
        warnings += [f"{one}." for one in doubtful]
    except HoldfastError as error:
        faults.append(str(error))
    faults += unfit_builds(wanted["builds"], wanted["packages"], check=check)
    try:
        said = wanted["nginx_source"]
        if said:
            refuse_other_package(said["package"])
            found = source(said)
            added = None if found.is_added() else found
        modules = packages_for(wanted["nginx_modules"], of_nginx_org=bool(said))
        missing = manager.download([*packages, *modules], pins=pins, source=added, check_mode=check)
    except HoldfastError as error:
        faults.append(str(error))
    ids, words = router_ids(root), {pin.package: manager.word(pin) for pin in pins}
    return Fitness(
        faults,
        warnings,
        missing,
        [words.get(name, name) for name in missing],
        [words[name] for name in missing if name in words],
        [name for name in modules if name in missing],
        added is not None,
        ids,
        bool(ids) and main_pid() is not None,
    )
