# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule is, and what it is asked of. Private to this collection; rules.py has all of them."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.rule import Rules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = ("RULES", "Answer", "Placed", "Subject", "each", "rule")

Some = t.TypeVar("Some")


class Placed(t.NamedTuple):
    """A model and its place: an input path, under which its options have paths, or a file and line."""

    where: str
    model: t.Any
    is_input: bool

    def at(self, option: str) -> str:
        """The place of an option of it."""
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
        return [(item, item.model) for item in self.placed if isinstance(item.model, kind)]

    @property
    def defaults(self) -> GlobalDefs:
        """The global_defs, several of them as one: of an option that is said twice the last counts."""
        result = [model for _place, model in self.of(GlobalDefs)]
        options = {name: value for model in result for name, value in vars(model).items() if value is not None}
        return GlobalDefs(**options)

    def version(self, instance: VrrpInstance) -> int:
        """The VRRP version that an instance speaks."""
        if instance.version:
            return instance.version
        is_ipv6 = any(item.family == 6 for item in instance.virtual_ipaddress or ())
        return 3 if is_ipv6 else self.defaults.vrrp_version or 2


Answer = t.Iterator[t.Tuple[str, str]]


RULES: Rules[Subject, str] = Rules(str)
rule = RULES.rule


def each(severity: str, *kinds: type[t.Any]) -> t.Callable[[t.Callable[[Subject, t.Any], Answer]], t.Any]:
    """Enter a function that is asked of every model of these kinds by itself, and yields option and sentence."""

    def enter(find: t.Callable[[Subject, t.Any], Answer]) -> t.Callable[[Subject], Answer]:
        @functools.wraps(find)
        def everywhere(subject: Subject) -> Answer:
            for place, model in (result for kind in kinds for result in subject.of(kind)):
                for option, message in find(subject, model):
                    yield place.at(option), message

        return rule(severity)(everywhere)

    return enter
