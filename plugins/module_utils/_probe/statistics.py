# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window of requests says about an outage: numbers out of samples, nothing else. Private to this collection."""

from __future__ import annotations

import math
import typing as t
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ("FAILURES", "OK", "Sample", "Samples", "longest_gap", "percentile", "summary")

OK = "ok"
REFUSED = "refused"
RESET = "reset"
TIMEOUT = "timeout"
STATUS = "status"
UNREACHABLE = "unreachable"
TLS = "tls"
OTHER = "other"
FAILURES = (REFUSED, RESET, TIMEOUT, STATUS, UNREACHABLE, TLS, OTHER)


@dataclass(frozen=True)
class Sample:
    """One request. Times are seconds since the window began; ``status`` is 0 where no answer came."""

    due: float
    begin: float
    end: float
    outcome: str
    status: int = 0
    server: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome == OK

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Samples:
    """All requests of a window: ``began`` is its wall clock in seconds of the epoch, ``length`` is in seconds."""

    began: float
    length: float
    slow_after: float
    requests: tuple[Sample, ...]


def summary(samples: Samples) -> dict[str, t.Any]:
    """Return what a client saw, as plain data; latencies are None where no request was answered as expected."""
    requests = sorted(samples.requests, key=lambda sample: sample.due)
    good = [sample for sample in requests if sample.ok]
    slow = [sample for sample in good if sample.seconds > samples.slow_after]
    latencies = sorted(sample.seconds for sample in good)
    gap_begin, gap = longest_gap((sample.end for sample in good), samples.length)
    outcomes = Counter(sample.outcome for sample in requests)
    return {
        "requests": len(requests),
        "ok": len(good),
        "slow": len(slow),
        "failures": {kind: outcomes[kind] for kind in FAILURES},
        "failed_total": len(requests) - len(good),
        "statuses": _counted(str(sample.status) for sample in requests if sample.status),
        "served_by": _counted(sample.server for sample in good if sample.server),
        "p50_ms": _milliseconds(percentile(latencies, 0.50)),
        "p99_ms": _milliseconds(percentile(latencies, 0.99)),
        "max_ms": _milliseconds(percentile(latencies, 1.0)),
        "gap_ms": _milliseconds(gap),
        "gap_begin_s": round(gap_begin, 4),
        "gap_begin": _wall_clock(samples.began + gap_begin),
        "ended_in_outage": not requests or not requests[-1].ok or requests[-1].seconds > samples.slow_after,
        "began": _wall_clock(samples.began),
        "length_s": round(samples.length, 4),
        "late_ms": _milliseconds(max((sample.begin - sample.due for sample in requests), default=0.0)),
    }


def longest_gap(answers: t.Iterable[float], length: float) -> tuple[float, float]:
    """Return begin and length of the longest time without an answer between 0 and ``length``, both edges included.

    Answers after the end of the window do not count: nobody asked any more, so the time until them means nothing.
    """
    best_begin, best = 0.0, -1.0
    last = 0.0
    for moment in [*sorted(moment for moment in answers if moment <= length), length]:
        if moment - last > best:
            best_begin, best = last, moment - last
        last = moment
    return best_begin, best


def percentile(ordered: t.Sequence[float], part: float) -> float | None:
    """Return the smallest value that ``part`` (0 to 1) of the ordered values do not exceed; None if there are none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _counted(names: t.Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _wall_clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
