# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout has come, as data and in sentences. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

__all__ = ("progress", "sentences")

DONE, BEGUN, NOT_BEGUN = "done", "begun", "not begun"
Wave = t.Dict[str, t.Any]


def progress(waves: Sequence[Sequence[str]], at: int) -> list[Wave]:
    """Return each wave with its state when that of number ``at``, from 1, begins; the last is done at one more."""
    states = (DONE if number < at else BEGUN if number == at else NOT_BEGUN for number in range(1, len(waves) + 1))
    return [{"clusters": list(clusters), "state": state} for clusters, state in zip(waves, states)]


def sentences(waves: Sequence[Wave]) -> list[str]:
    """Return what a person reads before a wave begins, and at the end."""
    clusters = {
        state: [name for wave in waves if wave["state"] == state for name in wave["clusters"]]
        for state in (DONE, BEGUN, NOT_BEGUN)
    }
    now = [number for number, wave in enumerate(waves, 1) if wave["state"] == BEGUN]
    lines = [f"Wave {number} of {len(waves)}: {_listed(clusters[BEGUN])}." for number in now]
    lines += [f"Done: {_listed(clusters[DONE])}."] if clusters[DONE] else []
    lines += [f"Not begun: {_listed(clusters[NOT_BEGUN])}."] if clusters[NOT_BEGUN] else []
    return lines


SHOWN = 20


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
