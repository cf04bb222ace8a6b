# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel: now, at every boot, and back to what they were. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.kernel import Setting, parse, render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)

__all__ = ("set_kernel",)


def set_kernel(path: str, settings: t.Sequence[Setting], *, check: bool) -> Outcome:
    """Have the kernel know these settings, by the file of sysctl.d at this path; one that is in it no more goes back.

    HoldfastError where the kernel refuses one that is needed. Others that it refuses are warnings, and ``refused``.
    """
    there = read_text(path)
    earlier = parse(there)
    wanted = [
        replace(one, before=earlier[one.name].before if one.name in earlier else _current(one)) for one in settings
    ]
    text = render(wanted) if wanted else ""
    names = [one.name for one in wanted]
    values = [(one, one.value) for one in wanted if _current(one) != one.value]
    values += [
        (one, one.before)
        for one in earlier.values()
        if one.name not in names and one.before and _current(one) == one.value
    ]
    outcome = Outcome(diff=[difference(path, there, text)])
    if text != there:
        outcome.changes.append(path)
        if not check:
            replace_text(path, text or None)
    for setting, value in values:
        fault = "" if check else _assign(setting, value)
        if fault and setting.is_needed:
            raise HoldfastError(f"{fault}. Set it where the kernel is (for a container, on the machine that runs it)")
        (outcome.warnings if fault else outcome.changes).append(fault or f"{setting.name} = {value}")
    outcome.returned = {"refused": list(outcome.warnings)}
    return outcome


def _current(setting: Setting) -> str:
    """Return the value in the running kernel, empty where it has no such setting."""
    try:
        with open(setting.path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _assign(setting: Setting, value: str) -> str:
    """Set it in the running kernel; return why that failed, empty where it did not."""
    try:
        with open(setting.path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError as error:
        return f"{setting.name} = {value} is refused by the kernel ({error.strerror}): {setting.reason}"
    return ""
