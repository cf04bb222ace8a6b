# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection says of itself: documented options, real ones, and the difference in words."""

from __future__ import annotations

import importlib
import pathlib
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.holdfast.nginx_ha.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))

Options = t.Mapping[str, t.Mapping[str, t.Any]]


class _Asked(Exception):
    """A module got as far as naming its options."""


def real_options(name: str, monkeypatch: t.Any) -> Options:
    """Return the argument spec of a module, or that of the action plugin which it documents."""
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    if not hasattr(module, "main"):
        action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
        return getattr(action, "ARGUMENTS", {})
    asked: dict[str, t.Any] = {}

    def stop(*, argument_spec: Options, **_more: t.Any) -> None:
        asked.update(argument_spec)
        raise _Asked

    made = "QuietModule" if hasattr(module, "QuietModule") else "AnsibleModule"
    monkeypatch.setattr(module, made, stop)
    try:
        module.main()
    except _Asked:
        return asked
    raise AssertionError(f"{name} made no AnsibleModule")


def documented_options(name: str) -> dict[str, t.Any]:
    """Return the options in the documentation of a module, those of its fragments included."""
    documentation = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{name}").DOCUMENTATION)
    found: dict[str, t.Any] = {}
    for fragment in documentation.get("extends_documentation_fragment", ()):
        module = importlib.import_module(f"{PLUGINS}.doc_fragments.{fragment.rpartition('.')[2]}")
        found.update(yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"] or {})
    found.update(documentation.get("options") or {})
    return found


def role_specs(role: str) -> dict[str, t.Any]:
    """Return the options of all entry points of a role."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return {name: spec for entry in specs["argument_specs"].values() for name, spec in entry["options"].items()}


def role_defaults(role: str) -> dict[str, t.Any]:
    """Return the defaults of a role."""
    defaults: dict[str, t.Any] = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    return defaults


def differences(documented: Options, real: Options, path: str = "") -> t.Iterator[str]:
    """Yield a sentence for everything in which documentation and argument spec are not the same."""
    suboptions = "suboptions" if any("suboptions" in one for one in documented.values()) else "options"
    for name in sorted({*documented, *real}):
        where = f"{path}{name}"
        if name not in documented:
            told = {key: value for key, value in real[name].items() if key != "options"}
            yield f"{where} is not documented: {told}"
            continue
        if name not in real:
            yield f"{where} is documented, and there is no such option"
            continue
        said, meant = documented[name], real[name]
        if not said.get("description"):
            yield f"{where} has no description"
        for key, default in (
            ("type", "str"),
            ("elements", None),
            ("choices", None),
            ("required", False),
            ("default", None),
        ):
            one, other = said.get(key, default), meant.get(key, default)
            if key == "choices" and one and other:
                one, other = list(one), list(other)
            if one != other or type(one) is not type(other):
                yield f"{where}: {key} is documented as {one!r}, and is {other!r}"
        yield from differences(said.get(suboptions) or {}, meant.get("options") or {}, f"{where}.")


def text(option: t.Mapping[str, t.Any]) -> str:
    """Return the description of an option."""
    found = option.get("description") or ""
    return found if isinstance(found, str) else "\n".join(found)
