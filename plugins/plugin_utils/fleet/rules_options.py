# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of both daemons have the last word on every option, before any host is asked. Private to this collection.

A host takes the same options through the same models, and asks the same rules of them, later; what is wrong with them
for every version of a daemon can be said here already.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping, Set

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import hide
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import options as keepalived
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    GlobalDefs,
    SyncGroup,
    TrackFile,
    TrackProcess,
    VirtualServer,
    VrrpInstance,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules import RULES, Placed, Subject
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import KINDS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import MODELS as CONTEXTS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import nginx_configuration as configuration
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import (
    DRAWING,
    MAIN_FILE,
    SERVICE,
    UPSTREAMS,
    VIRTUAL_SERVERS,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import nginx
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Instance, Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed

__all__ = ("accepted_options",)

TRACKERS: dict[str, tuple[t.Any, Mapping[str, t.Any]]] = {
    "keepalived_track_files": (TrackFile, keepalived.TRACK_FILE_OPTIONS),
    "keepalived_vrrp_scripts": (VrrpScript, keepalived.SCRIPT_OPTIONS),
    "keepalived_track_processes": (TrackProcess, keepalived.TRACK_PROCESS_OPTIONS),
    "keepalived_sync_groups": (SyncGroup, keepalived.SYNC_GROUP_OPTIONS),
}
GLOBAL = "keepalived_global_options"
MODELS = {kind.option: kind.model for kind in KINDS}

ROLES_OWN = {"enable_script_security": True}
"""What the role says before the user's global options (its vars/main.yml), as far as a rule asks for it."""

OF_THE_HOST = ("router-id-twice",)
"""Rules that look at interfaces, which a host derives; the planner has its own by segments."""

CHECKS = "keepalived_checks"
PLACE = "instance"


def accepted_options(plan: Plan, known_bad: Set[str]) -> t.Iterator[Fault]:
    """Yield what a model refuses; hosts in ``known_bad`` have their fault told already, in better words."""
    judged: dict[str, list[InputError]] = {}
    for cluster in plan.fleet.clusters:
        # What a rule says of a member may be the fault of another, which is told already.
        rules = known_bad.isdisjoint(member.name for member in cluster.members)
        for member in cluster.members:
            if member.name not in known_bad:
                refused = [*_keepalived_errors(plan, member, rules=rules), *_service_errors(plan, member, judged)]
                yield from (Fault("option", member.name, error.path, error.message) for error in refused)

    for backend in plan.fleet.backends.values():
        if backend.name not in known_bad and backend.name not in plan.members:
            for error in _main_file_errors(backend.variables, judged):
                yield Fault("option", backend.name, error.path, error.message)


def _main_file_errors(variables: Mapping[str, t.Any], judged: dict[str, list[InputError]]) -> t.Iterator[InputError]:
    """Yield what is refused of nginx.conf."""
    for variable, context in MAIN_FILE.items():
        value = variables[variable]
        written = json.dumps([variable, value], sort_keys=True)
        if written not in judged:
            judged[written] = _errors([_context(context, value, variable)])
        yield from judged[written]


def _context(context: str, value: t.Any, variable: str) -> t.Any:
    spec = NGINX_OPTIONS[context]["options"]
    try:
        return CONTEXTS[context].from_options(typed(values.mapping(value, variable), spec, variable), variable)
    except InputError as error:
        return error


def _service_errors(plan: Plan, member: Balancer, judged: dict[str, list[InputError]]) -> t.Iterator[InputError]:
    """Yield what is refused of upstreams, sites and virtual servers.

    Thousands of hosts say the same, and it takes milliseconds to judge; ``judged`` remembers it.
    """
    refused = False
    whole: list[str] = ["whole", str(member.variables["balancer_default_server"])]
    for variable, option in SERVICE.items():
        value = plan.upstreams[member.name].get(variable, member.variables[variable])
        written = json.dumps([variable, member.variables[variable]], sort_keys=True)
        if written not in judged:
            more = {"context": "stream" if option.startswith("stream_") else "http"} if variable in UPSTREAMS else {}
            spec = NGINX_OPTIONS[option]["options"]
            judged[written] = _errors(_models(MODELS[option], spec, value, variable, **more))
        yield from judged[written]
        whole.append(written)
        refused = refused or bool(judged[written])
    of_main = list(_main_file_errors(member.variables, judged))
    yield from of_main
    together = "\n".join((*whole, json.dumps([member.variables[one] for one in ("nginx_conf", *MAIN_FILE)])))
    if not refused and not of_main and together not in judged:
        judged[together] = list(configuration.judged(nginx.served(plan, member.name)).errors)
    yield from judged.get(together, ())
    servers = json.dumps(plan.virtual_servers[member.name], sort_keys=True)
    if servers not in judged:
        # A copy, in which nothing is shared: Ansible writes into what it validates.
        value = json.loads(servers)
        judged[servers] = _errors(_models(VirtualServer, keepalived.VIRTUAL_SERVER_OPTIONS, value, VIRTUAL_SERVERS))
    yield from judged[servers]


def _errors(models: t.Iterable[t.Any]) -> list[InputError]:
    return [one for one in models if isinstance(one, InputError)]


def _models(model: t.Any, spec: Mapping[str, t.Any], listed: t.Any, path: str, **more: t.Any) -> t.Iterator[t.Any]:
    """Yield the model of each element of a list, or the InputError that it raises."""
    for index, element in enumerate(listed):
        place = f"{path}[{index}]"
        if path in DRAWING and not (element.get("servers") or element.get("real_servers")):
            continue  # none of its hosts has an address, which is told already
        try:
            yield model.from_options(typed(values.mapping(element, place), spec, place), place, **more)
        except InputError as error:
            yield error


def _keepalived_errors(plan: Plan, member: Balancer, *, rules: bool) -> list[InputError]:
    """Return what the models refuse; where they refuse nothing, what the rules do that need to know no host."""
    there: list[tuple[t.Callable[[str], str], t.Any]] = [(_below(GLOBAL), _global_defs(member.variables[GLOBAL]))]
    for variable, (model, spec) in TRACKERS.items():
        models = _models(model, spec, member.variables[variable], variable)
        there += [(_below(f"{variable}[{index}]"), one) for index, one in enumerate(models)]
    there += [(one.place, _instance(one)) for one in plan.instances[member.name] if not _is_half(one)]
    refused = _errors(one for _place, one in there)
    if refused or not rules:
        return refused
    there += [(_below(CHECKS), TrackFile.from_options(one)) for one in plan.own_track_files(member)]
    placed = [Placed(str(number), model, True) for number, (_place, model) in enumerate(there)]
    for one in errors(RULES.ask(Subject(tuple(placed)))):
        number, _point, option = one.where.partition(".")
        if one.rule not in OF_THE_HOST:
            refused.append(InputError(there[int(number)][0](option), hide(one.message)))
    return refused


def _below(path: str) -> t.Callable[[str], str]:
    """Return a function that returns where an option of the value at this path was written."""
    return lambda option: f"{path}.{option}" if option else path


def _global_defs(value: Mapping[str, t.Any]) -> t.Any:
    try:
        return GlobalDefs.from_options({**ROLES_OWN, **typed(value, keepalived.GLOBAL_OPTIONS, GLOBAL)}, GLOBAL)
    except InputError as error:
        return error


def _is_half(instance: Instance) -> bool:
    """Return whether an instance lost its peers to a fault that is told already: it tells nothing more."""
    return bool(instance.options.get("unicast_src_ip")) and not instance.options.get("unicast_peer")


def _instance(instance: Instance) -> t.Any:
    try:
        return VrrpInstance.from_options(typed(instance.options, keepalived.INSTANCE_OPTIONS, PLACE), PLACE)
    except InputError as error:
        return InputError(instance.place(error.path[len(PLACE) + 1 :]), error.message)
