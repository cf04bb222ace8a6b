# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers that tell a browser what it may not do, by profile. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.inheritance import merged

__all__ = ("PROFILES", "secured")

_BASIC = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
PROFILES: t.Mapping[str, t.Mapping[str, str]] = {
    "basic": _BASIC,
    "strict": {
        **_BASIC,
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'self'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    },
}
"""As the OWASP Secure Headers Project has them; strict is for sites that load nothing from elsewhere."""

_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""Sent where a site speaks TLS; a browser ignores it elsewhere. Subdomains are left to who owns them (RFC 6797)."""


def secured(profile: str | None, headers: t.Mapping[str, str], *, speaks_tls: bool) -> dict[str, str]:
    """Return the headers of a profile, None or none for no headers, with those that are said laid over them."""
    if profile is None or profile not in PROFILES:
        return dict(headers)
    return merged(PROFILES[profile], _TLS_ONLY if speaks_tls else {}, headers)
