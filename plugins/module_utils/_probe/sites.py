# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many sites at many addresses, each asked as a client of it does, side by side. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import Certificate
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, probe
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.shown_certificate import shown_certificate
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import summary

__all__ = ("Shown", "ask", "certificates", "questions")

AT_ONCE = 16
MOST_A_SECOND = 400.0
"""Requests a second, of all sites together: a proof is no load test."""
FEWEST = 2.0


@dataclass(frozen=True)
class SiteResult:
    """What became of the requests for one site at one address: ``fault`` is empty where all got a good answer."""

    address: str
    shown: str
    ok: int
    fault: str


def questions(
    addresses: t.Iterable[str], requests: t.Iterable[t.Mapping[str, t.Any]], settings: Settings
) -> list[Settings]:
    """Return what to ask: each request at each address that it is for, with the rest of ``settings``."""
    made = [
        replace(
            settings,
            address=address,
            port=int(one["port"]),
            host=_host(str(one.get("host") or ""), int(one["port"]), tls=bool(one.get("tls"))),
            tls=bool(one.get("tls")),
            proxy_protocol=bool(one.get("proxy_protocol")),
            connects=bool(one.get("connects")),
            expect=(*settings.expect, *(one.get("expect") or ())),
        )
        for address in addresses
        for one in requests
        if one.get("address") in (None, "", address)
    ]
    most = max(MOST_A_SECOND / max(len(made), 1), FEWEST / (settings.duration or 1.0))
    return [replace(one, rate=min(one.rate, most)) for one in made]


def ask(asked: t.Sequence[Settings]) -> list[SiteResult]:
    """Return what became of each question, in this order."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(_result, asked))


class Shown(t.NamedTuple):
    """What certificates were shown: a sentence each, the first to end first; address and sentence of who is refused."""

    sentences: t.Sequence[str] = ()
    faults: t.Sequence[tuple[str, str]] = ()


def certificates(asked: t.Sequence[Settings], now: float | None = None) -> Shown:
    """Return what is shown where TLS is spoken; where no certificate is shown, the request itself has failed."""
    now = time.time() if now is None else now
    tls = [one for one in asked if one.tls and not one.connects]
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = [(one, shown) for one, shown in zip(tls, pool.map(_certificate, tls)) if shown]
    found.sort(key=lambda pair: pair[1].ends)
    sentences, faults = [], []
    for one, shown in found:
        day = time.strftime("%Y-%m-%d", time.gmtime(shown.ends))
        if shown.ends < now:
            faults.append((one.address, f"the certificate of {one.server_name} at {one.address} ended on {day}"))
        days = shown.days_left(now)
        sentences.append(f"{one.server_name} has {days} days left, until {day} ({shown.fingerprint[:16]})")
    return Shown(list(dict.fromkeys(sentences)), faults)


def _certificate(one: Settings) -> Certificate | None:
    try:
        return shown_certificate(one)
    except HoldfastError:
        return None


def _result(one: Settings) -> SiteResult:
    scheme = "tcp" if one.connects else "https" if one.tls else "http"
    shown = f"{scheme}://{one.host or one.address}" + (f":{one.port}" if one.connects else "")
    shown += f" at {one.address} port {one.port}" + (" with a PROXY header" if one.proxy_protocol else "")
    try:
        seen = summary(probe(one))
    except HoldfastError as error:
        return SiteResult(one.address, shown, 0, f"{shown} cannot be asked: {error}")
    if not seen["failed_total"]:
        return SiteResult(one.address, shown, seen["ok"], "")
    kinds = ", ".join(kind for kind, count in seen["failures"].items() if count)
    statuses = ", ".join(seen["statuses"]) or "none"
    return SiteResult(
        one.address,
        shown,
        seen["ok"],
        f"{shown} gave {seen['ok']} good answers to {seen['requests']} requests ({kinds}; statuses: {statuses})",
    )


def _host(name: str, port: int, *, tls: bool) -> str:
    """Return the Host header of a name: with the port where that is not the one of the scheme (RFC 9110, 7.2)."""
    return name if not name or port == (443 if tls else 80) else f"{name}:{port}"
