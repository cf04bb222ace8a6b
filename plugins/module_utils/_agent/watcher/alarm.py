# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alarm that nobody watches nginx: a file for whoever looks, a line in the journal, an event."""

from __future__ import annotations

import contextlib
import os

from ..service import ERROR, log, tell
from ..track import FIT, UNFIT, content, put

ALARM = "watcher_alarm"


def raise_alarm(track_dir: str, events: str) -> None:
    """Say that the watcher is gone, for the reason that systemd gives."""
    result = os.environ.get("SERVICE_RESULT", "success")
    how = "was stopped" if result == "success" else f"ended ({result})"
    message = f"The watcher of nginx {how}. Until it is back nobody sees a crash or a freeze of nginx."
    if result != "success":  # else it has said so itself
        log(ERROR, message)
    try:
        put(os.path.join(track_dir, ALARM), UNFIT)
    except OSError as error:
        log(ERROR, f"The alarm cannot be kept: {error.strerror}.")
    tell(events, event="watcher", state="raised", instance="", message=message)


def clear_alarm(track_dir: str, events: str) -> None:
    """Take back the alarm that was raised when the watcher before this one ended."""
    path = os.path.join(track_dir, ALARM)
    if content(path) == UNFIT:
        with contextlib.suppress(OSError):
            put(path, FIT)
        tell(events, event="watcher", state="cleared", instance="", message="The watcher of nginx is back.")
