# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sites say of TLS, with the texts of the controller's files in it and the keys for session tickets.

Keys for tickets are made of one secret, which stays on the controller, and of the number of the period that it is. So
all nodes of a cluster have the same ones, whenever each was set up, and nothing has to be kept. A node knows the key of
the period before and that of the next one too: clients resume their sessions while one node is a run ahead.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import SOURCES, is_pem
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.issued import issued_name

__all__ = ("Controller", "with_texts")

SITES, SECRET, DAYS = (*("balancer_sites", "balancer_ssl_session_ticket_secret", "balancer_ssl_session_ticket_days"),)
SHORTEST = 32
"""Characters of the secret: 192 bits, where they are of base64."""

DAY = 86400
KEY_BYTES = 60  # 80 characters of base64, which is the size that nginx takes AES-256 from


def _no_file(path: str, _folder: str) -> str:
    raise OSError(f"{path} is not there")


def _nothing(path: str, _folder: str, _is_folder: bool) -> str:
    raise OSError(f"{path} is not there")


class Controller(t.NamedTuple):
    """What the planner asks of the controller: the text of a file, of a folder where its path is relative; the time.

    ``find`` returns the whole path of a file, or of a folder where that is meant. Both raise OSError with a sentence
    where there is none.
    """

    read: t.Callable[[str, str], str] = _no_file
    now: float | None = None
    find: t.Callable[[str, str, bool], str] = _nothing


def with_texts(variables: Mapping[str, t.Any], folder: str, controller: Controller) -> list[t.Any]:
    """Return the sites of a balancer; ``folder`` is that of its inventory. InputError for a file that is not there."""
    sites = list(variables[SITES])
    keys = _ticket_keys(variables, time.time() if controller.now is None else controller.now)
    for index, site in enumerate(sites):
        tls = site.get("tls") if isinstance(site, Mapping) else None
        if isinstance(tls, Mapping):
            place = f"{SITES}[{index}].tls"
            issued_name(tls, place)
            texts = {name: _text(tls[name], f"{place}.{name}", folder, controller) for name in SOURCES if name in tls}
            more = {"session_ticket_keys": keys} if keys and not tls.get("session_ticket_keys") else {}
            sites[index] = {**site, "tls": {**tls, **texts, **more}}
            if tls.get("client_certificate"):
                sites[index].setdefault("ssl_verify_client", "on")
    return sites


def _text(value: t.Any, path: str, folder: str, controller: Controller) -> t.Any:
    """Return the text of a file of the controller, and anything but the relative path of one as it is."""
    if not isinstance(value, str) or is_pem(value) or "\n" in value.strip() or value.startswith("/") or not value:
        return value
    try:
        return controller.read(value.strip(), folder)
    except OSError as error:
        raise InputError(path, str(error)) from None


def _ticket_keys(variables: Mapping[str, t.Any], now: float) -> list[str]:
    """Return the key that encrypts now, the next one and the one before; nothing where there is no secret."""
    secret = str(variables.get(SECRET) or "")
    if not secret:
        return []
    if len(secret) < SHORTEST:
        raise InputError(SECRET, f"must have at least {SHORTEST} characters, as `openssl rand -base64 48` makes them")
    period = int(now // (DAY * values.integer(variables[DAYS], DAYS, 1, 365)))
    return [_ticket_key(secret, number) for number in (period, period + 1, period - 1)]


def _ticket_key(secret: str, number: int) -> str:
    made = hmac.new(secret.encode(), f"holdfast.nginx_ha session ticket {number}".encode(), hashlib.sha512).digest()
    return base64.b64encode(made[:KEY_BYTES]).decode()
