# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value is one that the variable of a role can have. Private to this collection.

The roles' argument specs say it (``roles/*/meta/argument_specs.yml``), and ``limits.py`` what no spec can say. Ansible
holds the same specs against the values of a role when it comes to that role, which is after other hosts were changed.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.limits import LIMITS

__all__ = ("Spec", "Specs", "is_given", "meant", "missing", "unknown", "wrong", "wrong_option")

MOST_NAMED = 12
"""Words that a sentence lists; of more it would be read by nobody."""

_MARKUP = re.compile(r"\b[A-Z]\(([^()]*)\)")  # such as C(weight)

Spec = t.Mapping[str, t.Any]
"""An option as an argument spec describes it."""

Specs = t.Mapping[str, Spec]
"""The variables of all roles by name."""


def is_given(value: t.Any, spec: Spec) -> bool:
    """Return whether a value is there: an option without a default that is null is one that nobody set."""
    return value is not None or "default" in spec


def meant(value: t.Any, spec: Spec) -> t.Any:
    """Return a value that is not wrong in the type of its spec: "5", as an INI inventory has it, as 5."""
    kind, suboptions = spec.get("type", "str"), spec.get("options") or {}
    if kind == "list":
        element = {"type": spec.get("elements", "raw"), "options": suboptions}
        return [meant(one, element) for one in value]
    if suboptions and isinstance(value, Mapping):
        return {
            name: meant(one, suboptions[name]) if one is not None and name in suboptions else one
            for name, one in value.items()
        }
    return TYPES[kind](value, "")


def wrong(name: str, value: t.Any, specs: Specs) -> t.Iterator[InputError]:
    """Yield what is wrong with the value of a variable, each with its path; a secret is not repeated."""
    spec = specs[name]
    errors = list(_wrong(value, spec, name))
    yield from errors
    if name in LIMITS and not errors:
        for path, one in _elements(value, name) if spec["type"] == "list" else [(name, value)]:
            try:
                LIMITS[name](one, path)
            except InputError as error:
                yield error


def wrong_option(value: t.Any, spec: Spec, path: str) -> InputError | None:
    """Return the first thing that is wrong with an option of a module, None where nothing is to be seen."""
    return next(_wrong(value, spec, path), None)


def unknown(word: str, known: Iterable[str], path: str) -> InputError:
    """Return the error for a word that is none of the known ones."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    there_are = f"use {', '.join(known)}" if len(known) <= MOST_NAMED else "correct or remove it"
    return InputError(path, "is unknown: " + (f"did you mean {near[0]}?" if near else there_are))


def _wrong(value: t.Any, spec: Spec, path: str) -> t.Iterator[InputError]:
    kind, suboptions = spec.get("type", "str"), spec.get("options")
    try:
        TYPES[kind](value, path)
        if kind != "list" and spec.get("choices"):
            values.choice(value, path, spec["choices"])
    except InputError as error:
        yield InputError(path, SECRETS.get(kind, error.message)) if _is_secret(spec) else error
        return
    if kind == "list":
        element = {"type": spec.get("elements", "raw"), "choices": spec.get("choices"), "options": suboptions}
        for place, one in _elements(value, path):
            yield from _wrong(one, element, place)
    elif suboptions and isinstance(value, Mapping):
        yield from _wrong_options(value, suboptions, path)


def _elements(value: list[t.Any], path: str) -> list[tuple[str, t.Any]]:
    return [(f"{path}[{index}]", one) for index, one in enumerate(value)]


def _wrong_options(given: Mapping[str, t.Any], specs: Specs, path: str) -> t.Iterator[InputError]:
    for name, value in given.items():
        if name not in specs:
            yield unknown(name, specs, f"{path}.{name}")
        elif is_given(value, specs[name]):
            yield from _wrong(value, specs[name], f"{path}.{name}")
    for name, spec in specs.items():
        if spec.get("required") and given.get(name) is None:
            yield missing(spec, f"{path}.{name}")


def missing(spec: Spec, path: str) -> InputError:
    """Return the error for an option that has to be said."""
    return InputError(path, f"is missing{_meaning(spec)}")


def _meaning(spec: Spec) -> str:
    description = spec.get("description") or ""
    first = _MARKUP.sub(r"\1", str(description if isinstance(description, str) else description[0]).rstrip("."))
    return f" ({first[:1].lower()}{first[1:]})" if first else ""


def _is_secret(spec: Spec) -> bool:
    return bool(spec.get("no_log")) or any(map(_is_secret, (spec.get("options") or {}).values()))


TYPES: dict[str, t.Callable[[t.Any, str], t.Any]] = {
    "str": values.scalar,
    "path": values.scalar,
    "int": values.whole,
    "float": values.decimal,
    "bool": values.boolean,
    "list": values.items,
    "dict": values.mapping,
    "raw": values.something,
}
"""What a type of an argument spec takes. Roles hand texts on as they are, so a list is none, nor is a mapping."""

SECRETS: dict[str, str] = {
    "str": "must be a text",
    "dict": "must be a mapping",
    "list": "must be a list",
}
