# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that does not repeat what it was given. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import HIDDEN, hide_in_urls

__all__ = ("QuietModule",)

NOT_SHOWN = "(not shown: it may hold secrets)"
PLAIN = ("name", "root")
Spec = t.Mapping[str, t.Any]


class QuietModule(AnsibleModule):  # type: ignore[misc]
    """A module whose arguments hold secrets in places that nobody can list, as the arguments of a command.

    Neither the journal of the host nor the result repeats what it was given; only switches and single words are told.
    """

    def __init__(self, *, secret_options: t.Callable[[], Spec] | None = None, **more: t.Any) -> None:
        """``secret_options`` returns the spec that says where the secrets are; else it is that of the module."""
        self._spec = secret_options or (lambda: t.cast("Spec", self.argument_spec))
        super().__init__(**more)

    def _log_invocation(self) -> None:
        self.log(f"Invoked with {' '.join(f'{name}={value}' for name, value in self._shown_arguments().items())}")

    def _shown_arguments(self) -> dict[str, t.Any]:
        shown: dict[str, t.Any] = {}
        for name, value in self.params.items():
            spec = self.argument_spec.get(name, {})
            plain = value is None or isinstance(value, (bool, int, float)) or "choices" in spec or name in PLAIN
            shown[name] = value if plain and not spec.get("no_log") else NOT_SHOWN
        return shown

    def exit_json(self, **result: t.Any) -> None:
        """End well. The result holds no secret, so none is looked for in it: a short one would be found everywhere."""
        self.no_log_values: set[str] = set()
        super().exit_json(invocation={"module_args": self._shown_arguments()}, **result)

    def fail_json(self, msg: str, **result: t.Any) -> None:
        """End with an error, whose sentence may be Ansible's own about a value of the wrong type."""
        for secret in sorted(set(_secrets(self._spec(), self.params)), key=len, reverse=True):
            msg = str(msg).replace(secret, HIDDEN)
        super().fail_json(hide_in_urls(str(msg)), invocation={"module_args": self._shown_arguments()}, **result)


def _secrets(options: t.Mapping[str, t.Any], given: t.Any) -> t.Iterator[str]:
    """Yield what was given where a secret is wanted, also where it is not of the type that is wanted."""
    for element in given if isinstance(given, (list, tuple)) else [given]:
        for name, spec in options.items():
            if spec.get("no_log"):
                yield from _texts(element.get(name) if isinstance(element, t.Mapping) else element)
            elif "options" in spec:
                yield from _secrets(spec["options"], element.get(name) if isinstance(element, t.Mapping) else element)


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif value not in (None, "", True, False):
        yield str(value)
