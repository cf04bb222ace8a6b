# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When results that come one after the other make a verdict: no input, no output, no clock."""

from __future__ import annotations


class Hysteresis:
    """Whether something has failed. It takes ``fall`` bad results in a row to fail, and ``rise`` good ones to recover.

    ``failed`` is None until the first result, which suffices.
    """

    def __init__(self, *, fall: int, rise: int) -> None:
        self.fall = fall
        self.rise = rise
        self.failed: bool | None = None
        self._row = 0  # results that speak against the verdict

    def count(self, *, good: bool) -> bool:
        """Count a result, and return whether the verdict is another one now."""
        if self.failed is (not good):
            self._row = 0
            return False
        self._row += 1
        if self.failed is not None and self._row < (self.rise if good else self.fall):
            return False
        self.failed, self._row = not good, 0
        return True
