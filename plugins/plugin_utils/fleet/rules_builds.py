# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of daemons that are built from source: what is needed to build them, and what they can do then. Private."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import is_fixed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.modules import needed_modules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import Build, build_of
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_sites import origin
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_sites import served as served_behind
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import VIRTUAL_SERVERS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.builds import is_built
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx import served
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx_modules import nginx_modules
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import in_inventory
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed

__all__ = ("modules_of_builds", "sound_builds")

Variables = Mapping[str, t.Any]


def sound_builds(plan: Plan) -> t.Iterator[Fault]:
    """What is built has a tarball, a digest to know it by, and options that leave its place to this collection."""
    for name, variables, daemons in _hosts(plan):
        for daemon in daemons:
            if is_built(variables, daemon):
                for path, message in _unsound(variables, daemon):
                    yield Fault("build", name, path, message)


def modules_of_builds(plan: Plan) -> t.Iterator[Fault]:
    """An nginx that is built has the modules that its sites need."""
    judged: dict[str, list[tuple[str, str]]] = {}
    for name, variables, _daemons in _hosts(plan):
        if not is_built(variables, "nginx"):
            continue
        options = variables["nginx_configure_options"]
        document = served(plan, name) if name in plan.members else _behind(plan, name)
        written = json.dumps([options, document], sort_keys=True, default=str)
        if written not in judged:
            judged[written] = list(_lacking(document, build_of(options), options))
        for path, message in judged[written]:
            place = in_inventory(path) if name in plan.members else origin(path, variables)
            yield Fault("missing-module", name, place, message)
    for member in plan.fleet.balancers:
        variables = member.variables
        leaves_out = is_built(variables, "keepalived") and "--disable-lvs" in variables["keepalived_configure_options"]
        if leaves_out and variables[VIRTUAL_SERVERS]:
            message = "needs LVS, which --disable-lvs in keepalived_configure_options leaves out: remove one of them"
            yield Fault("missing-module", member.name, VIRTUAL_SERVERS, message)


def _hosts(plan: Plan) -> t.Iterator[tuple[str, Variables, tuple[str, ...]]]:
    """Yield each host with its variables and the daemons that this collection brings it."""
    for member in plan.fleet.balancers:
        yield member.name, member.variables, ("nginx", "keepalived")
    for backend in plan.fleet.backends.values():
        if backend.name not in plan.members and backend.variables["backend_server"] == "nginx":
            yield backend.name, backend.variables, ("nginx",)


def _unsound(variables: Variables, daemon: str) -> t.Iterator[tuple[str, str]]:
    if not variables[f"{daemon}_tarball"]:
        yield f"{daemon}_tarball", "is needed with the source tarball: write a URL, or the path of a file"
    if not variables[f"{daemon}_tarball_checksum"]:
        yield f"{daemon}_tarball_checksum", "is needed with the source tarball: write what `sha256sum` says of it"
    if variables[f"{daemon}_version"]:
        yield f"{daemon}_version", "is the version of a package, and a tarball is one version: leave it out"
    for index, option in enumerate(variables[f"{daemon}_configure_options"]):
        if is_fixed(daemon, str(option)):
            message = f"{option} is for this collection to say, which looks for {daemon} there: leave it out"
            yield f"{daemon}_configure_options[{index}]", message


def _behind(plan: Plan, host: str) -> dict[str, t.Any]:
    """Return what a backend serves, nothing where it cannot be, which is told elsewhere."""
    try:
        return {"servers": served_behind(plan.fleet.backends[host].variables, plan.demands[host])}
    except InputError:
        return {}


def _lacking(document: Mapping[str, t.Any], build: Build, options: t.Sequence[str]) -> t.Iterator[tuple[str, str]]:
    given = {option: value for option, value in document.items() if option in NGINX_OPTIONS}
    # A copy, in which nothing is shared: Ansible writes into what it validates.
    given = json.loads(json.dumps(given, default=str))
    try:
        spec = {option: NGINX_OPTIONS[option] for option in given}
        blocks = NginxConfig.from_options(typed(given, spec, "nginx")).to_blocks()
    except InputError:
        return  # told where the options are judged
    told = set()
    for block, module, what in needed_modules(blocks):
        if not build.has(module) and module not in told:
            told.add(module)
            yield where(block), f"`{what}` needs --with-{_option(module)} in nginx_configure_options: add it"
    if any(one.startswith(("--add-module=", "--add-dynamic-module=")) for one in options):
        return  # a module of somebody else's may be called anything
    for module in nginx_modules(given):
        if not build.has(module) and module not in told:
            message = f"what the sites say needs the module {module}, which they leave out: add it"
            yield "nginx_configure_options", message


def _option(module: str) -> str:
    return module if module in ("stream", "mail") else f"{module}_module"
