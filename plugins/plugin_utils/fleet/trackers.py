# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights with which trackers count in an instance. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.instance_options import InstanceOptions

__all__ = (
    "DEFINITIONS",
    "POLICIES",
    "TRACK_DIR",
    "Weight",
    "check_file",
    "cut_off_file",
    "definition",
    "watched",
    "weights",
)

TRACK_DIR = "/run/holdfast/track"
"""Where the watcher, the guard and the detector write their files."""

POLICIES: dict[str, tuple[str, ...]] = {
    "failover": ("nginx_crash", "nginx_probe", "nginx_stop"),
    "restart_first": ("nginx_down", "nginx_probe", "nginx_stop"),
}
"""What an instance tracks of nginx: its death at once, or only that it stays dead. A freeze always moves it."""

DEFINITIONS: dict[str, str] = {
    "track_interface": "keepalived_track_interfaces",
    "track_file": "keepalived_track_files",
    "track_process": "keepalived_track_processes",
    "track_script": "keepalived_vrrp_scripts",
}
"""Option of an instance by which a tracker is used, and variable in which it is defined."""


def check_file(check: str) -> str:
    """Return the name of the tracker, and of its file, that belongs to the check of this name."""
    return f"check_{check}"


def cut_off_file(instance: str) -> str:
    """Return the name of the tracker, and of its file, by which a member that is cut off gives up an instance."""
    return f"cut_off_{re.sub(r'[^A-Za-z0-9_.-]', '_', instance)}"


def definition(name: str) -> dict[str, t.Any]:
    """Return the definition of such a file; weight 0 takes the node out of the election at once."""
    return {"name": name, "file": f"{TRACK_DIR}/{name}", "weight": 0}


def watched(policies: t.Iterable[str]) -> list[str]:
    """Return the names of all files that instances of these policies track of nginx, in order."""
    return sorted({name for policy in policies for name in POLICIES[policy]})


class Weight(t.NamedTuple):
    """A weight, and where the user wrote it."""

    value: int
    path: str


def weights(configured: InstanceOptions, variables: Mapping[str, t.Any]) -> dict[str, Weight]:
    """Return the weight of each tracker of an instance: the one said there, else its definition's, else 0."""
    found = {}
    for option, variable in DEFINITIONS.items():
        defined = {}
        for index, tracker in enumerate(variables[variable]):
            name, weight = _read(tracker)
            defined[name] = Weight(weight or 0, f"{variable}[{index}].weight")
        used = configured.options.get(option)
        for index, tracker in enumerate(used if isinstance(used, list) else ()):
            name, weight = _read(tracker)
            here = Weight(weight or 0, configured.place(f"{option}[{index}]"))
            found[f"{option} {name}"] = defined.get(name, here) if weight is None else here
    return found


def _read(tracker: t.Any) -> tuple[str, int | None]:
    """Return name and weight of ``name``, ``name weight -20`` or a mapping; the weight is None where none is said."""
    if isinstance(tracker, Mapping):
        name, given = str(tracker.get("name")), tracker.get("weight")
        weight, reverse = (
            (given.get("weight"), given.get("reverse"))
            if isinstance(given, Mapping)
            else (given, tracker.get("reverse"))
        )
    else:
        name, *words = str(tracker).split() or [""]
        weight, reverse = (words[1] if words[:1] == ["weight"] and words[1:] else None), words[2:] == ["reverse"]
    try:
        return name, None if weight is None else int(weight) * (-1 if reverse else 1)
    except (TypeError, ValueError):
        # What is no number is refused where the options are judged.
        return name, None
