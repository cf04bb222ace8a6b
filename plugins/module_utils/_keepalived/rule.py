# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule is, and what it is asked of. Private to this collection; rules.py has all of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = ("RULES", "Answer", "Placed", "Rule", "Subject", "rule")

Some = t.TypeVar("Some")


class Placed(t.NamedTuple):
    """A model and where it stands: an input path, under which its options have paths, or a file and line."""

    where: str
    model: t.Any
    is_input: bool

    def at(self, option: str) -> str:
        """Where an option of it stands."""
        return f"{self.where}.{option}" if self.is_input and option else self.where


@dataclass(frozen=True)
class Subject:
    """What the rules are asked of, and what is known around it.

    ``addresses`` are those of the host, ``held`` the ones among them that are there as virtual addresses. ``peers``
    are the priorities of the other members by the name of the instance.
    """

    placed: tuple[Placed, ...]
    addresses: tuple[HostAddress, ...] = ()
    held: frozenset[str] = frozenset()
    peers: t.Mapping[str, t.Sequence[int]] | None = None

    def of(self, kind: type[Some]) -> list[tuple[Placed, Some]]:
        """Return the models of a kind with their places."""
        return [(one, one.model) for one in self.placed if isinstance(one.model, kind)]

    @property
    def defaults(self) -> GlobalDefs:
        """The global_defs, several of them as one: of an option that is said twice the last counts."""
        found = [model for _place, model in self.of(GlobalDefs)]
        said = {name: value for model in found for name, value in vars(model).items() if value is not None}
        return GlobalDefs(**said)

    def version(self, instance: VrrpInstance) -> int:
        """The VRRP version that an instance speaks."""
        if instance.version:
            return instance.version
        is_ipv6 = any(one.family == 6 for one in instance.virtual_ipaddress or ())
        return 3 if is_ipv6 else self.defaults.vrrp_version or 2


Answer = t.Iterator[t.Tuple[str, str]]


class Rule(t.NamedTuple):
    """A rule: its name, ``error`` or ``warning``, and the function that finds what breaks it."""

    name: str
    severity: str
    find: t.Callable[[Subject], Answer]


RULES: dict[str, Rule] = {}


def rule(severity: str) -> t.Callable[[t.Callable[[Subject], Answer]], t.Callable[[Subject], Answer]]:
    """Enter a function into the table under its own name."""

    def enter(find: t.Callable[[Subject], Answer]) -> t.Callable[[Subject], Answer]:
        name = find.__name__.replace("_", "-")
        RULES[name] = Rule(name, severity, find)
        return find

    return enter
