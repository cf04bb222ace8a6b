# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs on this controller, and whether another run here has ended. Private to this collection."""

from __future__ import annotations

import getpass
import os
import platform
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import process

__all__ = ("has_ended", "identify", "refused", "with_lock")

Result = t.Dict[str, t.Any]


def began(pid: int) -> str:
    """Return when a process of this controller began, which tells it from another of its number; empty if it ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass  # somebody else's, and alive
    found = process(pid)
    return found.began if found is not None else "unknown"  # no Linux


def identify(pid: int) -> dict[str, str]:
    """Return the identity and the name of the run whose main process this is."""
    controller = platform.node()
    name = f"{getpass.getuser()} on {controller} (process {pid})"
    return {"id": f"{controller} {pid} {began(pid)}", "name": name}


def has_ended(identity: str) -> bool:
    """Whether a run of this controller has ended; of another controller's that is not known."""
    controller, _blank, rest = identity.rpartition(" ")[0].rpartition(" ")
    since = identity.rpartition(" ")[2]
    return controller == platform.node() and rest.isdigit() and began(int(rest)) != since


def with_lock(ask: Callable[[Mapping[str, t.Any]], Result]) -> Result:
    """Return what a module answers that is asked for the lock of a host, by the options ``holder`` and ``ended``.

    The lock is for the process that started this one for a task, which is the run. Of a run of this controller that
    has ended it is taken over.
    """
    own = {"holder": identify(os.getppid())}
    result = ask(own)
    if result.get("holder") and has_ended(result["holder"]["id"]):
        result = ask({**own, "ended": result["holder"]["id"]})
    return result


def refused(result: Mapping[str, t.Any], host: str) -> None:
    """Raise HoldfastError where a module says that another run has the lock of a host."""
    other = result.get("holder")
    if other:
        raise HoldfastError(
            f"{other['name']} is changing {host} right now: wait until that run has ended. Had it been cut off, its "
            f"lock would end by itself within {other['left']} s."
        )
