# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The track files of the watcher: each verdict is written where the file does not say so."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..service import ERROR, NOTICE, WARNING, log
from ..track import FIT, UNFIT, content, put


class TrackFiles:
    """The files of one folder. ``warn`` is told once where one cannot be written."""

    def __init__(self, folder: str, warn: t.Callable[[str], None]) -> None:
        self.folder = folder
        self.warn = warn
        self._published: dict[str, bytes] = {}

    def publish(self, name: str, unfit: bool, reason: str) -> None:
        """Write one file where it does not say so; it is read now and then, so damage by another hand is put right."""
        wanted = UNFIT if unfit else FIT
        if self._published.get(name) == wanted:
            return
        path = os.path.join(self.folder, name)
        if content(path) != wanted:
            try:
                put(path, wanted)
            except OSError as error:
                self.warn(f"{path} cannot be written, keepalived learns nothing: {error.strerror}.")
                return
            log(WARNING if unfit else NOTICE, f"{name} is {wanted.decode().strip()}: {reason}.")
        self._published[name] = wanted

    def look_again(self) -> None:
        """Read each file again when it is published next."""
        self._published.clear()

    def set_fit(self, name: str) -> None:
        """Write that nothing is wrong, whatever was known."""
        try:
            put(os.path.join(self.folder, name), FIT)
        except OSError as error:
            log(ERROR, f"{name} cannot be set to 0: {error.strerror}.")

    def remove_checks_but(self, names: t.Iterable[str]) -> None:
        """Remove the files of checks that are no more; nobody tracks them."""
        known = set(names)
        with contextlib.suppress(OSError):
            for name in os.listdir(self.folder):
                if name.startswith("check_") and name not in known:
                    os.unlink(os.path.join(self.folder, name))
