# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an instance that hold secrets: no plan carries them. Private to this collection.

A plan is registered, copied to every host of a batch and handed to modules that have no use for a password. What needs
one is given the finished documents of its host.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import (
    HIDDEN,
    StandIn,
    hide,
    hide_in_urls,
    mask,
    sounds_secret,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules_instances import NOTIFIES

__all__ = ("SECRET_OPTIONS", "hiding", "secret_options", "spoken_name", "unreadable", "without_secrets")

SECRET_OPTIONS: tuple[str, ...] = ("authentication", "auth_hmac")

SHORTEST = 4
"""Characters; what is shorter is looked for in no sentence, as it would be found in every one."""

HOLDING: tuple[str, ...] = (
    "balancer_sites",
    "balancer_ssl_session_ticket_secret",
    "keepalived_auth_pass",
    "keepalived_instance_options",
    "keepalived_instances",
    "keepalived_mail",
)
"""Variables that hold secrets. A fault in another one has nothing to hide, and a word of it may be a password too."""

COMMANDS = ("command", "commands", "misc_path", "notify_down", "notify_up", "quorum_down", "quorum_up", *NOTIFIES)
"""Options of a plan that are command lines."""

_NAME = re.compile(r"\w*")


def spoken_name(instance: Mapping[str, t.Any], number: int) -> t.Any:
    """Return the name of an element of ``keepalived_instances``; ``number`` counts from 0."""
    return instance.get("name", f"VI_{number + 1}")


def secret_options(variables: Mapping[str, t.Any], instance: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return them for an instance; ``instance`` is that of ``keepalived_instances``, empty where it is derived."""
    found: dict[str, t.Any] = {}
    if variables.get("keepalived_auth_pass") is not None:
        found["authentication"] = {"auth_type": "PASS", "auth_pass": str(variables["keepalived_auth_pass"])}
    for options in (variables.get("keepalived_instance_options") or {}, instance):
        found.update((name, options[name]) for name in SECRET_OPTIONS if options.get(name) is not None)
    return found


def without_secrets(options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of an instance that may be seen."""
    return {name: value for name, value in options.items() if name not in SECRET_OPTIONS}


def unreadable(value: t.Any, stand_in: StandIn = mask, name: str = "") -> t.Any:
    """Return plain data without its secrets: what sounds like one, words of commands, queries of URLs.

    ``name`` is that of the option whose value it is.
    """
    if isinstance(value, Mapping):
        return {key: unreadable(one, stand_in, name if name == "commands" else str(key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        if name in COMMANDS and name != "commands" and all(isinstance(one, str) for one in value):
            return [*value[:1], *map(stand_in, value[1:])]
        words = "command" if name == "commands" else name
        return [unreadable(one, stand_in, words if isinstance(one, list) else name) for one in value]
    if not isinstance(value, str):
        return value
    if name in COMMANDS:
        program, blank, words = value.partition(" ")
        return f"{program} {stand_in(words)}" if blank else value
    if name == "path" and "?" in value:
        path, _sign, query = value.partition("?")
        return f"{path}?{stand_in(query)}"
    return stand_in(value) if value and sounds_secret(name) else hide(value, stand_in)


def hiding(hosts: Iterable[Mapping[str, t.Any]]) -> t.Callable[[str, str], str]:
    """Return a function that takes the secrets out of what is told of a variable, given by its path.

    ``hosts`` are the variables of all that have some. A secret is taken out as a whole word only: a password that is
    also a part of an address or of a name spoils neither.
    """
    secrets = {secret for variables in hosts for secret in _secrets(variables) if len(secret) >= SHORTEST}
    longest_first = sorted(secrets, key=len, reverse=True)

    def hide(path: str, message: str) -> str:
        message = hide_in_urls(message)
        # A fleet has thousands of secrets, and of faults: an expression of all of them is tried at every letter.
        there = "|".join(re.escape(one) for one in longest_first if one in message) if _root(path) in HOLDING else ""
        return re.sub(rf"(?<![\w-])(?<!\d\.)(?:{there})(?!\.?[\w-])", HIDDEN, message) if there else message

    return hide


def _root(path: str) -> str:
    return t.cast("re.Match[str]", _NAME.match(path)).group()


def _secrets(variables: Mapping[str, t.Any]) -> t.Iterator[str]:
    yield from _texts(variables.get("keepalived_auth_pass"))
    yield from _texts(variables.get("balancer_ssl_session_ticket_secret"))
    yield from _texts(list(_users(variables.get("balancer_sites"))))
    mail = variables.get("keepalived_mail")
    yield from _texts(mail.get("password") if isinstance(mail, Mapping) else mail)
    instances = variables.get("keepalived_instances")
    for options in (variables.get("keepalived_instance_options"), *(instances if isinstance(instances, list) else ())):
        for name in SECRET_OPTIONS if isinstance(options, Mapping) else ():
            yield from _texts(options.get(name))


def _users(sites: t.Any) -> t.Iterator[t.Any]:
    """Yield the passwords of those who may come into a site, or a location of one."""
    for site in sites if isinstance(sites, list) else ():
        if isinstance(site, Mapping):
            users = site.get("auth_basic_users")
            yield from users.values() if isinstance(users, Mapping) else ()
            tls = site.get("tls")
            yield tls.get("certificate_key") if isinstance(tls, Mapping) else ()
            yield from _users(site.get("locations"))


def _texts(value: t.Any) -> t.Iterator[str]:
    """Yield every text in a value, but for the words that are no secrets in any combination."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key not in ("auth_type", "id", "active_key", "anti_replay", "mode", "time_window"):
                yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None:
        yield str(value)
