# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what is to become true."""

from __future__ import annotations

import time
import typing as t

__all__ = ("eventually",)


def eventually(
    what: t.Callable[[], t.Any], *, within: float, saying: str | t.Callable[[], str], every: float = 0.1
) -> float:
    """Wait until it is true and return the seconds that it took; fail with the sentence, made then, otherwise."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > within:
            raise AssertionError(f"not within {within:g} s: {saying() if callable(saying) else saying}")
        time.sleep(every)
    return time.monotonic() - began
