# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles say of their variables, in their own files. Private to this collection.

A variable is written in two places, the role's ``defaults/main.yml`` and its ``meta/argument_specs.yml``. Both are part
of the collection, and so the same in every run.
"""

from __future__ import annotations

import functools
import pathlib
import typing as t

import jinja2
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import Specs

__all__ = ("defaults", "rendered", "specs")

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"


@functools.lru_cache(maxsize=None)
def specs(role: str = "*", entry: str = "*") -> Specs:
    """Return the argument specs of a role and of one of its entry points, or of all, by the variable."""
    found: dict[str, t.Any] = {}
    for path in sorted(ROLES.glob(f"{role}/meta/argument_specs.yml")):
        for name, spec in _read(path)["argument_specs"].items():
            if entry in ("*", name):
                found.update(spec.get("options") or {})
    return found


@functools.lru_cache(maxsize=None)
def defaults() -> t.Mapping[str, t.Any]:
    """Return the defaults of all roles as they are written, by the variable."""
    found: dict[str, t.Any] = {}
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        found.update(_read(path))
    return found


@functools.lru_cache(maxsize=None)
def rendered(role: str, template: str, **values: t.Any) -> str:
    """Return the text of a template of a role, which may use these values and nothing else."""
    environment = jinja2.Environment(  # noqa: S701  no page of the web
        trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    text = (ROLES / role / "templates" / template).read_text(encoding="utf-8")
    return environment.from_string(text).render(**values)


def _read(path: pathlib.Path) -> t.Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
