# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that the members of a cluster show: the same ones, and for how long. Private to this collection."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import DAY, FEW_DAYS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.case import (
    DRIFT,
    LATER,
    UNREACHABLE,
    Case,
    Finding,
)

__all__ = ("different_certificates", "ending_certificates", "unfetched_certificates")


def different_certificates(case: Case) -> t.Iterator[Finding]:
    """Yield the sites of which two members show different certificates."""
    for site, shown in _by_site(case).items():
        first, *others = shown.items()
        for host, one in others:
            if one["sha256"] != first[1]["sha256"]:
                yield Finding(
                    DRIFT,
                    host,
                    f"{host} shows another certificate for {site} (until {_date(one)}) than {first[0]} (until "
                    f"{_date(first[1])}), so clients would get it after a failover: run the playbook "
                    "holdfast.nginx_ha.site, or, where the certificates are files of the hosts, renew them on both and "
                    "reload nginx.",
                )


def ending_certificates(case: Case, now: float | None = None) -> t.Iterator[Finding]:
    """Yield the certificates that end soon or have ended, and how long the others last."""
    lasting: list[tuple[int, str]] = []
    for site, shown in _by_site(case).items():
        host, one = min(shown.items(), key=lambda pair: float(pair[1]["ends"]))
        days = int((one["ends"] - (time.time() if now is None else now)) // DAY)
        subject = f"{host}: the certificate of {site}"
        if days < 0:
            yield Finding(UNREACHABLE, host, f"{subject} ended on {_date(one)}, and clients refuse it: renew it.")
        elif days < FEW_DAYS:
            yield Finding(LATER, host, f"{subject} ends on {_date(one)}, {days} days from now: renew it.")
        else:
            lasting.append((days, site))
    for left, site in sorted(lasting)[:1]:
        more = f", the first of {len(lasting)} to end" if len(lasting) > 1 else ""
        yield Finding(LATER, "", f"the certificate of {site} has {left} days left{more}.", note=True)


def unfetched_certificates(case: Case) -> t.Iterator[Finding]:
    """Yield the members that could not fetch a certificate from the issuer when they looked last."""
    for host, facts in case.facts.items():
        if facts.get("unfetched") and case.plan[host].get("issued"):
            yield Finding(
                LATER, host, f"{host}: {facts['unfetched']}: mend that, then systemctl start holdfast-certificates."
            )


def _by_site(case: Case) -> dict[str, dict[str, t.Mapping[str, t.Any]]]:
    """Return what each member shows, by site."""
    found: dict[str, dict[str, t.Mapping[str, t.Any]]] = {}
    for host, facts in case.facts.items():
        for site, shown in facts.get("certificates", {}).items():
            found.setdefault(site, {})[host] = shown
    return found


def _date(shown: t.Mapping[str, t.Any]) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(shown["ends"]))
