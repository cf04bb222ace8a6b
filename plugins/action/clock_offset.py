# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host's clock is from the controller's: the documentation is in modules/clock_offset.py."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase

ROUNDS = 5


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks for the time over the connection of the play and takes the answer that was the fastest.

    The host's clock was read somewhere between question and answer, so half of that time is the uncertainty
    (as in RFC 5905, section 8).
    """

    _VALID_ARGS: frozenset[str] = frozenset()
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        del tmp
        measured: list[tuple[float, float]] = []
        for _round in range(ROUNDS):
            asked = time.time()
            answer = self._low_level_execute_command("date +%s.%N", sudoable=False)
            answered = time.time()
            try:
                offset = float(answer["stdout"].strip()) - (asked + answered) / 2
            except ValueError:
                result.update(failed=True, msg=f"the host does not say what time it is: {answer['stderr'].strip()}")
                return result
            measured.append(((answered - asked) / 2, offset))
        uncertainty, offset = min(measured)
        result.update(changed=False, offset=round(offset, 6), uncertainty=round(uncertainty, 6))
        return result
