# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as it was seen from all sides, and what is found in it. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

NOBODY, TWICE, UNREACHABLE, STALE, FOREIGN, DOWN, BLIND, FAULT, DRIFT, CLOCK, LATER = range(11)
"""Ranks, worst first."""


@dataclass(frozen=True)
class Finding:
    """One sentence or two. What has a lower ``rank`` is worse; a ``note`` is told and does not make a pair ill."""

    rank: int
    where: str
    message: str
    note: bool = False


@dataclass(frozen=True)
class Outside:
    """What another host sees of the addresses: which of them answered it, and whom it takes for their holder.

    ``mute`` has by address a sentence for every site that did not answer there.
    """

    host: str
    answered: t.Mapping[str, bool]
    neighbours: t.Mapping[str, str]
    mute: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One cluster: its plan and the facts by member, members that were not seen, clocks, and the view of others."""

    plan: t.Mapping[str, t.Mapping[str, t.Any]]
    facts: t.Mapping[str, t.Mapping[str, t.Any]]
    unseen: t.Sequence[str] = ()
    clocks: t.Mapping[str, tuple[float, float]] | None = None
    outside: t.Sequence[Outside] = ()
