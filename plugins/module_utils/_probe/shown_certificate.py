# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a server shows to a client of a name. Private to this collection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import Certificate
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import PROXY_HEADER, Settings

__all__ = ("certificates_here", "shown_certificate")

LOOPBACK = "127.0.0.1"


def shown_certificate(asked: Settings) -> Certificate:
    """Return the first certificate that is shown; HoldfastError where none is. It is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((asked.address, asked.port), timeout=asked.timeout) as plain:
            if asked.proxy_protocol:
                plain.sendall(PROXY_HEADER)
            with context.wrap_socket(plain, server_hostname=asked.server_name) as connection:
                der = connection.getpeercert(binary_form=True)
        return Certificate.from_der(der or b"")
    except (OSError, ValueError) as error:
        raise HoldfastError(
            f"{asked.server_name} at {asked.address} port {asked.port} shows no certificate: {error}"
        ) from None


def certificates_here(requests: t.Iterable[t.Mapping[str, t.Any]], timeout: float = 2.0) -> dict[str, dict[str, t.Any]]:
    """Return fingerprint and end of the certificate of each site that this host itself serves, by ``name port N``.

    ``requests`` are those that the plan has for a client. A site that listens at a shared address alone is left out:
    that may be elsewhere. So is what shows none, of which others tell.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for one in requests:
        if one.get("tls") and not one.get("address"):
            asked = Settings(
                address=LOOPBACK,
                port=int(one["port"]),
                host=str(one.get("host") or ""),
                timeout=timeout,
                proxy_protocol=bool(one.get("proxy_protocol")),
            )
            with contextlib.suppress(HoldfastError):
                shown = shown_certificate(asked)
                found[f"{asked.server_name} port {asked.port}"] = {"sha256": shown.fingerprint, "ends": shown.ends}
    return found
