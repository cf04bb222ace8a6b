# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host's clock is from the controller's: the documentation is in modules/clock_offset.py."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

ROUNDS = 5


class ActionModule(ReadOnlyAction):
    """Asks for the time over the connection of the play and takes the answer that was the fastest.

    The host's clock was read somewhere between question and answer, so half of that time is the uncertainty
    (as in RFC 5905, section 8).
    """

    _requires_connection = True

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        measured: list[tuple[float, float]] = []
        for _round in range(ROUNDS):
            asked = time.time()
            answer = self._low_level_execute_command("date +%s.%N", sudoable=False)
            answered = time.time()
            try:
                offset = float(answer["stdout"].strip()) - (asked + answered) / 2
            except ValueError:
                raise HoldfastError(f"the host does not say what time it is: {answer['stderr'].strip()}") from None
            measured.append(((answered - asked) / 2, offset))
        uncertainty, offset = min(measured)
        return {"offset": round(offset, 6), "uncertainty": round(uncertainty, 6)}
