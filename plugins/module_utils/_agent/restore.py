# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the folder of the track files back where it was removed or replaced, and lets all who use it find it again.

keepalived watches the folder that was there when it read its configuration: of another one of this name it sees nothing
until it reads it again. The watcher and the detector see it through their sandboxes, which systemd makes when they
start; keepalived's FIFO lies beside it. The watcher starts this program when the folder is not the one that it holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from .service import ERROR, WARNING, log, tell

CONFIG = "/etc/holdfast/watcher.json"
TMPFILES = "/etc/tmpfiles.d/holdfast.conf"
SOCKET = "holdfast-notify.socket"
WATCHER, DETECTOR, KEEPALIVED = "holdfast-watcher.service", "holdfast-detector.service", "keepalived.service"
TIMEOUT = 20.0

Run = t.Callable[..., str]


def run(*words: str) -> str:
    """Run a command and return what it prints; raises OSError with its last words where it fails."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{' '.join(words)} takes longer than {TIMEOUT:g} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).split("\n")[-1]
        raise OSError(f"{' '.join(words)} ended with status {done.returncode}: {last}")
    return done.stdout


def listens(shown: str) -> list[str]:
    """Return the paths of a socket unit, from its property Listen."""
    return [line.partition("=")[2].rpartition(" (")[0] for line in shown.split("\n") if line.startswith("Listen=")]


def restore(folder: str, events: str, run: Run) -> None:
    """Bring everything back in the order in which it is needed; raises OSError where a step fails."""
    run("systemd-tmpfiles", "--create", TMPFILES)
    if not all(map(os.path.exists, listens(run("systemctl", "show", "--property=Listen", SOCKET)))):
        run("systemctl", "restart", SOCKET, SOCKET.replace(".socket", ".service"))
    message = f"{folder} was removed or replaced: it is made anew, and keepalived reads its configuration again."
    log(WARNING, message)
    tell(events, event="watcher", state="raised", instance="", message=message)
    # It says in the new files what holds, before keepalived reads them.
    run("systemctl", "try-restart", WATCHER)
    run("systemctl", "try-reload-or-restart", KEEPALIVED)
    run("systemctl", "--no-block", "try-restart", DETECTOR)
    tell(events, event="watcher", state="cleared", instance="", message=f"keepalived watches {folder} again.")


def main(config_file: str = CONFIG) -> int:
    """Return 0, or 1 with a sentence in the journal where it failed."""
    try:
        with open(config_file, encoding="utf-8") as stream:
            config = json.load(stream)
        restore(config["track_dir"], config["events"], run)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log(ERROR, f"The folder of the track files is not back, keepalived learns nothing from it: {error}.")
        return 1
    return 0
