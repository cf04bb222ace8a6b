# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, of either family, in their one spelling."""

from __future__ import annotations

import socket
import typing as t


class HostAddress(t.NamedTuple):
    """An address that an interface of the host has."""

    interface: str
    address: str
    prefix_length: int


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(address: str) -> bytes:
    """Return the bytes of an address; OSError where it is none."""
    return socket.inet_pton(family_of(address), address)


def canonical(address: str) -> str:
    """Return an address in its one spelling; OSError where it is none."""
    return socket.inet_ntop(family_of(address), packed(address))
