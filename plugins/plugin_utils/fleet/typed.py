# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as Ansible hands them to a module, and the path of a wrong one. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import COMMERCIAL
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import missing, unknown, wrong_option

__all__ = ("typed",)


def typed(given: Mapping[str, t.Any], spec: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    """Return the options as Ansible hands them to a module; raises InputError for an unknown or a wrong one."""
    _refuse_unknown(given, spec, path)
    spec = _looked_at(spec, [given])
    result = ArgumentSpecValidator(spec).validate(dict(given))
    if result.error_messages:
        raise _where(given, spec, path) or InputError(path, result.error_messages[0])
    return dict(result.validated_parameters)


def _looked_at(spec: Mapping[str, t.Any], given: t.Sequence[t.Any]) -> dict[str, t.Any]:
    """Return the part of a spec that mappings need: what is neither given nor required needs no look, and is most."""
    if not all(isinstance(one, Mapping) for one in given):
        return dict(spec)  # a text, which Ansible reads as a mapping
    keys = {key for each in given for key in each}
    found: dict[str, t.Any] = {}
    for key, one in spec.items():
        if key in keys or one.get("required") or one.get("default") is not None:
            found[key] = (
                {**one, "options": _looked_at(one["options"], _inside_of(given, key))} if "options" in one else one
            )
    return found


def _inside_of(given: t.Iterable[Mapping[str, t.Any]], key: str) -> list[t.Any]:
    """Return what the mappings have at this key, one by one."""
    found: list[t.Any] = []
    for value in (each.get(key) for each in given):
        found += value if isinstance(value, list) else [value]
    return [one for one in found if one is not None]


def _where(given: Mapping[str, t.Any], spec: Mapping[str, t.Any], path: str) -> InputError | None:
    """Return the first option that is wrong, with its path, which Ansible does not tell."""
    for key, value in given.items():
        alone = ArgumentSpecValidator({key: spec[key]}).validate({key: value})
        if alone.error_messages:
            place = f"{path}.{key}"
            return (
                _inside(value, spec[key].get("options") or {}, place)
                or wrong_option(value, spec[key], place)
                or InputError(place, alone.error_messages[0])
            )
    lacking = [name for name, one in spec.items() if one.get("required") and given.get(name) is None]
    return missing(spec[lacking[0]], f"{path}.{lacking[0]}") if lacking else None


def _inside(value: t.Any, suboptions: Mapping[str, t.Any], path: str) -> InputError | None:
    listed = [(f"{path}[{index}]", one) for index, one in enumerate(value)] if isinstance(value, list) else []
    found = (_where(one, suboptions, place) for place, one in listed or [(path, value)] if isinstance(one, Mapping))
    return next((one for one in found if one), None) if suboptions else None


def _refuse_unknown(given: Mapping[str, t.Any], spec: Mapping[str, t.Any], path: str) -> None:
    for key, value in given.items():
        if key not in spec and key in COMMERCIAL:
            raise InputError(f"{path}.{key}", "is of the commercial nginx alone: remove it")
        if key not in spec:
            raise unknown(key, spec, f"{path}.{key}")
        suboptions = spec[key].get("options")
        if suboptions:
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                place = f"{path}.{key}[{index}]" if isinstance(value, list) else f"{path}.{key}"
                if isinstance(item, Mapping):
                    _refuse_unknown(item, suboptions, place)
                elif item is not None and not isinstance(item, str):
                    # Ansible takes some texts for a mapping, and looks into a number as if it were one.
                    raise wrong_option(item, {**spec[key], "type": "dict"}, place) or InputError(place, "is no mapping")
