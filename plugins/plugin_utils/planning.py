# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the variables of a task to the plan of the whole fleet. Private to this collection."""

from __future__ import annotations

import functools
import os
import re
import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, HoldfastError, errors
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import examine
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import specs
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # ansible-core 2.18 and older mark what they read in another way
    Origin = None

__all__ = ("planned_fleet", "whole_path")

# The steps of a path such as keepalived_instances[0].vips[1]
STEP = re.compile(r"(\w+)|\[(\d+)\]")


class HostVariables(t.Mapping[str, t.Any]):
    """The variables of all hosts, those of each merged once; Ansible merges them whenever it is asked for them."""

    def __init__(self, hostvars: Mapping[str, t.Any]) -> None:
        self._hostvars = hostvars
        self._merged: dict[str, t.Any] = {}

    def __getitem__(self, host: str) -> t.Any:
        if host not in self._merged:
            self._merged[host] = self._hostvars[host]
        return self._merged[host]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)


class Planned(t.NamedTuple):
    """A plan without a fault, and what the verifier warns of."""

    plan: Plan
    warnings: list[str]


def planned_fleet(
    variables: Mapping[str, t.Any],
    loader: DataLoader,
    in_use: Mapping[str, Mapping[str, int]] | None = None,
    now: float | None = None,
) -> Planned:
    """Return the plan of the whole inventory, whichever hosts a play is for; HoldfastError with every fault of it.

    ``variables`` are those of the task, ``loader`` is what reads files and vaults for it; ``in_use`` are the router ids
    that stay, by host and instance. ``now``, in seconds since the epoch, makes the keys of another day than today's.
    """
    examined = examine(
        variables["hostvars"],
        variables["groups"],
        specs(),
        roles=variables.get("holdfast_groups"),
        foreign=variables.get("holdfast_foreign_variables"),
        in_use=in_use,
        controller=Controller(_reader(loader), now, functools.partial(whole_path, loader)),
    )
    findings = examined.findings(_origin(variables["hostvars"]))
    faults = errors(findings)
    if faults:
        raise HoldfastError(_message(faults))
    return Planned(examined.plan, [str(finding) for finding in findings])


def whole_path(loader: DataLoader, path: str, folder: str, is_folder: bool) -> str:
    """Return where a file or a folder lies beside the inventory, whose ``folder`` it is, or beside the play.

    OSError with a sentence where there is none.
    """
    places = [os.path.join(place, path) for place in dict.fromkeys([folder, loader.get_basedir()]) if place]
    found = next(filter(os.path.isdir if is_folder else os.path.isfile, places), None)
    if found is None:
        what = "folder" if is_folder else "file"
        raise OSError(f"there is no {what} {' nor '.join(dict.fromkeys(places))} on the controller")
    return found


def _reader(loader: DataLoader) -> Callable[[str, str], str]:
    """Return a function that reads a file beside the inventory or the play; OSError with a sentence where it cannot."""

    @functools.lru_cache(maxsize=None)
    def read(path: str, folder: str) -> str:
        found = whole_path(loader, path, folder, is_folder=False)
        try:
            with open(loader.get_real_file(found), encoding="utf-8", errors="replace") as file:
                return file.read()
        except (OSError, AnsibleError) as error:
            raise OSError(f"{found} cannot be read on the controller: {error}") from None

    return read


def _message(faults: list[Finding]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = [f"- {fault}" for fault in faults]
    return "\n".join([f"The inventory has {count}; no host was touched.", *lines])


def _origin(hostvars: Mapping[str, t.Any]) -> Callable[[str, str], str]:
    """Return a function that tells file and line of a host's variable, empty where Ansible does not know them."""

    def origin(host: str, path: str) -> str:
        value, found = hostvars[host], ""
        for name, index in STEP.findall(path):
            try:
                value = value[int(index)] if index else value[name]
            except Exception:  # noqa: BLE001  the rest of the path is not there, or cannot be templated
                break
            found = _line(value) or found
        return found

    return origin


def _line(value: t.Any) -> str:
    tag = Origin.get_tag(value) if Origin else None
    file, line = (tag.path, tag.line_num) if tag else getattr(value, "ansible_pos", (None, 0, 0))[:2]
    if not file or not line:
        return ""
    near = os.path.relpath(file)
    return f"{file if near.startswith(os.pardir) else near}:{line}"
