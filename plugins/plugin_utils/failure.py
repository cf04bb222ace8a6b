# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the result of a task that failed to one line for a person. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

__all__ = ("failure",)

LONGEST = 600
HIDDEN = "what it said may hold a password, and is not shown"
ELSEWHERE = "another host failed: its error is above"
_FRAME = re.compile(r"^(?:(?:Task|Action|Module) failed: )+")  # what ansible-core 2.19 puts before it
_BEGINS, _TO_DO = "The role", "Mend that and run it again: it goes on from there."
# What Ansible says where the module itself said more, or nothing at all.
EMPTY = ("non-zero return code", "MODULE FAILURE", "Module result deserialization failed", "All items completed", "")


def failure(result: t.Any, role: str = "", task: str = "") -> str:
    """Return what a task that failed has to say, on one line and without a full stop.

    With the names of its role and of itself it is all that a person has to know, with its full stop.
    """
    message = _line(result)
    if not role or message.startswith(_BEGINS):  # one role inside another
        return f"{message}." if role else message
    where = f', at "{task}"' if task and message != ELSEWHERE else ""
    return f"{_BEGINS} {role} did not come to its end{where}: {message}. {_TO_DO}"


def _line(result: t.Any) -> str:
    if not isinstance(result, Mapping) or not result:
        return ELSEWHERE
    if result.get("_ansible_no_log") or "censored" in result:
        return HIDDEN
    items = result.get("results")
    failed = [one for one in items if _failed(one)] if isinstance(items, list) else []
    if failed:
        return _short("; ".join(dict.fromkeys(_of_item(one) for one in failed)))
    return _short(_message(result))


def _failed(one: t.Any) -> bool:
    return isinstance(one, Mapping) and bool(one.get("failed") or one.get("unreachable"))


def _of_item(one: Mapping[str, t.Any]) -> str:
    item = one.get("_ansible_item_label", one.get("item"))
    label = item.get("name", "") if isinstance(item, Mapping) else item
    message = _line({**one, "results": None})
    return f"{label}: {message}" if label and message != HIDDEN else message


def _message(result: Mapping[str, t.Any]) -> str:
    message = _FRAME.sub("", str(result.get("msg") or "").strip(), count=1)
    if not message.startswith(tuple(filter(None, EMPTY))) and message:
        return message
    command = result.get("cmd")
    if command is not None:
        line = command if isinstance(command, str) else " ".join(map(str, command))
        printed = _printed(result, "stderr", "stdout") or "it printed nothing"
        return f"`{line}` ended with {result.get('rc', 'an error')}: {printed}"
    # The last line of a traceback is what went wrong.
    last = _printed(result, "module_stderr", "stderr", "module_stdout", "stdout").split("\n")[-1]
    if "attempts" in result and not (message or last):
        return f"it was tried {result['attempts']} times, and what was waited for did not come"
    return ": ".join(part for part in (message, last) if part) or "it says no more than that"


def _printed(result: Mapping[str, t.Any], *names: str) -> str:
    return next((text for text in (str(result.get(name) or "").strip() for name in names) if text), "")


def _short(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]} ..."
