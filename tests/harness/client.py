# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of an address, as it notices what happens behind it."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, Window, running

__all__ = ("client",)


@contextmanager
def client(address: str, host: str, **more: t.Any) -> t.Iterator[Window]:
    """Ask the address 200 times a second from this machine, a third party on the network, until the body ends."""
    with running(Settings(address=address, host=host, served_by="body", duration=None, **more)) as window:
        window.settle(0.5)
        yield window
