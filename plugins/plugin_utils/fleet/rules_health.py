# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of what is watched: it can be asked, and never unfit everywhere at once. Private to this collection."""

from __future__ import annotations

import functools
import ipaddress
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access, checks, routes, values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import (
    STRANGERS,
    with_default_servers,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.scripts import scripts
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import POLICIES, check_file, cut_off_file

__all__ = ("distinct_trackers", "own_listener", "somebody_answers", "sound_checks", "whole_paths")

PROBE = "keepalived_probe_path"


class Question(t.NamedTuple):
    """A request that the watcher makes of a balancer; ``path`` is that of the variable."""

    path: str
    asked: Mapping[str, t.Any]
    allow_no_holder: bool
    permission: str

    def __str__(self) -> str:
        return f"http{'s' if self.asked.get('tls') else ''}://{self.asked['host']}{self.asked['path']}"


def sound_checks(plan: Plan) -> t.Iterator[Fault]:
    """What the watcher is told must make sense, each part by itself."""
    parts: tuple[t.Callable[[Mapping[str, t.Any]], t.Any], ...] = (
        checks.probe,
        checks.own_probe,
        checks.patience,
        checks.checks,
        lambda value: values.boolean(value["keepalived_allow_no_holder"], "keepalived_allow_no_holder"),
    )
    for member in plan.fleet.balancers:
        for part in parts:
            yield from _refused(part, member.variables, member.name)
        for place, value in _listed(member):
            yield from _refused(functools.partial(checks.check, value), place, member.name)


def whole_paths(plan: Plan) -> t.Iterator[Fault]:
    """A program that keepalived or the watcher runs is named by its whole path."""
    for member in plan.fleet.balancers:
        instances = [instance.configured for instance in plan.instances[member.name]]
        yield from _refused(functools.partial(scripts, member.variables), instances, member.name)


def _refused(part: t.Callable[[t.Any], t.Any], value: t.Any, host: str) -> t.Iterator[Fault]:
    try:
        part(value)
    except InputError as error:
        yield Fault("input", host, error.path, error.message)


def distinct_trackers(plan: Plan) -> t.Iterator[Fault]:
    """Of two trackers with one name keepalived takes one, and nobody can say which."""
    for member in plan.fleet.balancers:
        found = _checks(member)
        taken = {name: "this collection" for names in POLICIES.values() for name in names}
        taken.update((check_file(one.name), one.path) for one in found)
        taken.update((cut_off_file(one.name), "this collection") for one in plan.instances[member.name])
        for variable in ("keepalived_track_files", "keepalived_vrrp_scripts", "keepalived_track_processes"):
            users = dict(taken) if variable == "keepalived_track_files" else {}
            for index, value in enumerate(_list(member.variables[variable])):
                name = str(value.get("name", "")) if isinstance(value, Mapping) else ""
                place = f"{variable}[{index}]"
                first = users.setdefault(name, place) if name else place
                if first != place:
                    message = f"`{name}` is the name of a tracker of {first} as well: give each its own"
                    yield Fault("duplicate-tracker", member.name, f"{place}.name", message)


def own_listener(plan: Plan) -> t.Iterator[Fault]:
    """No site shares the listener of the question whether nginx lives: its TLS or its PROXY header would decide it."""
    for member in plan.fleet.balancers:
        variables = member.variables
        listens = [(path, access.port_range(text)) for path, text in access.written(variables)]
        for index, value in enumerate(variables["balancer_health_listen"]):
            own = access.port_range(value)
            for path, other in listens:
                if own and other and own[0] <= other[1] and other[0] <= own[1]:
                    message = (
                        f"port {own[0]} is that of {path} as well, and what a site does there would decide "
                        "whether this balancer is fit: give the health listener a port of its own, as 127.0.0.1:488"
                    )
                    yield Fault("shared-listener", member.name, f"balancer_health_listen[{index}]", message)
                    break


def somebody_answers(plan: Plan) -> t.Iterator[Fault]:
    """A question that a backend answers fails on every balancer when the backends are down, and nobody holds on."""
    backends = {host.address: name for name, host in plan.fleet.backends.items() if host.address}
    for member in plan.fleet.balancers:
        own = {str(vip.address) for vip in member.vips} | set(member.addresses.values())
        servers = _servers(member.variables)
        for question in _questions(member):
            address = question.asked["address"]
            if address in backends and address not in own:
                yield _no_holder(member, question, f"{address} is the backend {backends[address]}")
                continue
            if "path" not in question.asked or not (address in own or ipaddress.ip_address(address).is_loopback):
                continue
            misheard = _misheard(member, question)
            if misheard:
                yield Fault("unanswered-probe", member.name, question.path, misheard)
                continue
            name = str(question.asked["host"]).rpartition(":")[0] or str(question.asked["host"])
            found = routes.route(
                servers, address=address, port=question.asked["port"], host=name, path=question.asked["path"]
            )
            if found is None and question.path == PROBE and servers:
                message = (
                    f"no site and not the health listener (balancer_health_listen) is at {address} port "
                    f"{question.asked['port']}, so every balancer would be unfit: set keepalived_probe_address and "
                    "keepalived_probe_port to those of the health listener"
                )
                yield Fault("unanswered-probe", member.name, question.path, message)
            if found is None:
                continue  # some other configuration of nginx may listen there
            if found.answers == routes.PROXIED:
                yield _no_holder(member, question, f"a backend answers {question} ({found.path})")
            elif found.answers == routes.SILENT:
                message = (
                    f"nginx answers {question} to nobody, so every balancer would be unfit: ask for the health "
                    "location (balancer_health_host, balancer_health_path)"
                )
                yield Fault("unanswered-probe", member.name, question.path, message)


def _misheard(member: Balancer, question: Question) -> str:
    """Return why a listener would not understand a question, empty where it does."""
    found = access.spoken_at(member.variables, question.asked["address"], question.asked["port"])
    if found is None:
        return ""
    path, parameters = found
    if "proxy_protocol" in parameters:
        expected = "a PROXY header, which no question has"
    elif ("ssl" in parameters) != bool(question.asked.get("tls")):
        expected = "TLS" if "ssl" in parameters else "no TLS"
    else:
        return ""
    return (
        f"{path} expects {expected}, so {question} fails on every balancer: ask for the health location "
        "(balancer_health_host, balancer_health_path)"
    )


def _no_holder(member: Balancer, question: Question, why: str) -> Fault:
    harm = f"{why}: with the backends down the check fails on every balancer at once, and nobody holds the address"
    if question.allow_no_holder:
        return Fault("no-holder", member.name, question.path, f"{harm}, as {question.permission} allows", "warning")
    message = f"{harm}; ask for what nginx answers itself, or set {question.permission}: true if that is wanted"
    return Fault("no-holder", member.name, question.path, message)


def _questions(member: Balancer) -> t.Iterator[Question]:
    variables = member.variables
    try:
        permission = "keepalived_allow_no_holder"
        allowed = values.boolean(variables[permission], permission)
        yield Question(PROBE, checks.own_probe(variables), allowed, permission)
    except InputError:
        pass  # told already
    for one in _checks(member):
        if one.kind in ("url", "port"):
            yield Question(f"{one.path}.{one.kind}", one.options, one.allow_no_holder, "allow_no_holder")


def _servers(variables: Mapping[str, t.Any]) -> list[routes.Site]:
    """Return the servers in the order in which the balancer role hands them to nginx; none where it serves nothing."""
    found = routes.sites(variables["balancer_sites"], "balancer_sites")
    if not found:
        return []
    strangers = values.choice(variables["balancer_default_server"], "balancer_default_server", STRANGERS)
    served = with_default_servers([site.options for site in found], strangers)
    found = [routes.Site(found[at].path if at < len(found) else "", options) for at, options in enumerate(served)]
    health = (variables[f"balancer_health_{name}"] for name in ("host", "path", "listen"))
    return [*found, routes.health_site(*health)]


def _checks(member: Balancer) -> list[checks.Check]:
    found = []
    for place, value in _listed(member):
        try:
            found.append(checks.check(value, place))
        except InputError:
            continue  # told already
    return found


def _listed(member: Balancer) -> t.Iterator[tuple[str, t.Any]]:
    """Yield the checks as they are written, with their paths."""
    for index, value in enumerate(_list(member.variables["keepalived_checks"])):
        yield f"keepalived_checks[{index}]", value


def _list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []
