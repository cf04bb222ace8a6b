# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of both daemons have the last word on every option, before any host is asked. Private to this collection.

A host takes the same options through the same models later; what is wrong with them for every version of a daemon
can be said here already.
"""

from __future__ import annotations

import difflib
import json
import typing as t
from collections.abc import Collection, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived import options as keepalived
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.model import (
    GlobalDefs,
    SyncGroup,
    TrackFile,
    TrackProcess,
    VirtualServer,
    VrrpInstance,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.model.config import KINDS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import SERVICE, VIRTUAL_SERVERS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Instance, Plan

__all__ = ("accepted_options", "typed")

TRACKERS: dict[str, tuple[t.Any, Mapping[str, t.Any]]] = {
    "keepalived_track_files": (TrackFile, keepalived.TRACK_FILE_OPTIONS),
    "keepalived_vrrp_scripts": (VrrpScript, keepalived.SCRIPT_OPTIONS),
    "keepalived_track_processes": (TrackProcess, keepalived.TRACK_PROCESS_OPTIONS),
    "keepalived_sync_groups": (SyncGroup, keepalived.SYNC_GROUP_OPTIONS),
}
GLOBAL = "keepalived_global_options"
MODELS = {kind.option: kind.model for kind in KINDS}


def accepted_options(plan: Plan, known_bad: Collection[str]) -> t.Iterator[Fault]:
    """Yield what a model refuses; hosts in ``known_bad`` have their fault told already, in better words."""
    judged: dict[str, list[InputError]] = {}
    for member in plan.fleet.balancers:
        if member.name in known_bad:
            continue
        errors = [error for instance in plan.instances[member.name] for error in _instance_errors(instance, member)]
        errors += _global_errors(member.variables[GLOBAL])
        for variable, (model, spec) in TRACKERS.items():
            errors += _refused(model, spec, member.variables[variable], variable)
        for variable, option in SERVICE.items():
            said = plan.upstreams[member.name].get(variable, member.variables[variable])
            # Thousands of hosts say the same, and it takes milliseconds to judge.
            written = json.dumps([variable, member.variables[variable]], sort_keys=True)
            if written not in judged:
                more = {"context": "stream" if option.startswith("stream_") else "http"}
                model, spec = MODELS[option], NGINX_OPTIONS[option]["options"]
                judged[written] = list(_refused(model, spec, said, variable, **(more if model is Upstream else {})))
            errors += judged[written]
        servers = json.dumps(plan.virtual_servers[member.name], sort_keys=True)
        if servers not in judged:
            spec = keepalived.VIRTUAL_SERVER_OPTIONS
            # A copy, in which nothing is shared: Ansible writes into what it validates.
            judged[servers] = list(_refused(VirtualServer, spec, json.loads(servers), VIRTUAL_SERVERS))
        errors += judged[servers]
        yield from (Fault("option", member.name, error.path, error.message) for error in errors)


def typed(given: Mapping[str, t.Any], spec: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    """Return the options as Ansible hands them to a module; raises InputError for an unknown or a wrong one."""
    _refuse_unknown(given, spec, path)
    # An option that is neither given nor required needs no look.
    spec = {key: one for key, one in spec.items() if key in given or one.get("required")}
    result = ArgumentSpecValidator(spec).validate(dict(given))
    if result.error_messages:
        raise InputError(path, result.error_messages[0])
    return dict(result.validated_parameters)


def _refuse_unknown(given: Mapping[str, t.Any], spec: Mapping[str, t.Any], path: str) -> None:
    for key, value in given.items():
        if key not in spec:
            near = difflib.get_close_matches(key, spec, n=1)
            raise InputError(
                f"{path}.{key}", f"is unknown: did you mean {near[0]}?" if near else "is unknown: remove it"
            )
        suboptions = spec[key].get("options")
        if suboptions:
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(item, Mapping):
                    place = f"{path}.{key}[{index}]" if isinstance(value, list) else f"{path}.{key}"
                    _refuse_unknown(item, suboptions, place)


def _refused(
    model: t.Any, spec: Mapping[str, t.Any], elements: t.Any, path: str, **more: t.Any
) -> t.Iterator[InputError]:
    """Yield what the model says of each element of a list."""
    try:
        listed = values.items(elements, path)
    except InputError as error:
        yield error
        return
    for index, element in enumerate(listed):
        place = f"{path}[{index}]"
        try:
            model.from_options(typed(values.mapping(element, place), spec, place), place, **more)
        except InputError as error:
            yield error


def _global_errors(said: t.Any) -> t.Iterator[InputError]:
    try:
        GlobalDefs.from_options(typed(values.mapping(said, GLOBAL), keepalived.GLOBAL_OPTIONS, GLOBAL), GLOBAL)
    except InputError as error:
        yield error


def _instance_errors(instance: Instance, member: Balancer) -> t.Iterator[InputError]:
    if instance.options.get("unicast_src_ip") and not instance.options.get("unicast_peer"):
        return  # it lost its peers to a fault that is told already: half an instance tells nothing more
    try:
        VrrpInstance.from_options(typed(instance.options, keepalived.INSTANCE_OPTIONS, instance.path), instance.path)
    except InputError as error:
        yield InputError(_place(error.path, instance, member), error.message)


def _place(path: str, instance: Instance, member: Balancer) -> str:
    """Return where the user wrote what stands at this path of the derived options."""
    option = path[len(instance.path) + 1 :]
    for name, first in (("virtual_ipaddress", 0), ("virtual_ipaddress_excluded", instance.advertised)):
        if option.startswith(f"{name}["):
            number, _sign, rest = option[len(name) + 1 :].partition("]")
            return instance.vips[first + int(number)].path + rest
    shared = member.variables["keepalived_instance_options"]
    if option.partition(".")[0].partition("[")[0] in shared:
        return f"keepalived_instance_options.{option}"
    return path
