# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server listens. Private to this collection."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import require

__all__ = ("Listen",)

_FLAGS = {
    "http": (
        *("default_server", "ssl", "http2", "quic", "proxy_protocol", "deferred", "bind", "reuseport", "multipath"),
    ),
    "stream": ("default_server", "ssl", "udp", "proxy_protocol", "deferred", "bind", "reuseport", "multipath"),
}
_VALUES = re.compile(
    r"(?:setfib|fastopen|backlog)=-?\d+|(?:rcvbuf|sndbuf)=\d+[kKmM]?|accept_filter=\w+|ipv6only=(?:on|off)|so_keepalive=\S+",
    re.ASCII,
)
_CONNECTIONS_ONLY = re.compile(r"ssl|proxy_protocol|deferred|(?:backlog|fastopen|so_keepalive)=.*")
_ADDRESS = re.compile(
    r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|\*|[A-Za-z0-9_.-]*[A-Za-z0-9_-]):)?(?P<port>\d+)(?:-(?P<last>\d+))?",
    re.ASCII,
)
_HOST_ONLY = re.compile(r"\[[0-9A-Fa-f:.]+\]|\*|[A-Za-z0-9_.-]*[A-Za-z_][A-Za-z0-9_.-]*|(?:\d+\.){3}\d+", re.ASCII)


@dataclass(frozen=True)
class Listen:
    """An address and the parameters behind it, in the words of nginx."""

    address: str
    parameters: tuple[str, ...] = ()

    @classmethod
    def from_option(cls, text: str, path: str, *, context: str = "http", version: Version | None = None) -> Listen:
        """Return what an option such as ``443 ssl`` says, or raise InputError."""
        address, *parameters = values.words(path, text)
        _check_address(path, address)
        for parameter in parameters:
            if parameter not in _FLAGS[context] and not _VALUES.fullmatch(parameter):
                raise InputError(path, f"{shown(parameter)} is no parameter of listen in {context}; in: {text}")
            if context == "stream" and "udp" in parameters and _CONNECTIONS_ONLY.fullmatch(parameter):
                raise InputError(path, f"{shown(parameter)} is for connections, and udp has none; in: {text}")
            require(f"{context} listen", parameter, None, path, version)
        return cls(address, tuple(parameters))

    @property
    def is_tls(self) -> bool:
        return "ssl" in self.parameters

    @property
    def is_quic(self) -> bool:
        return "quic" in self.parameters

    def without(self, parameter: str) -> Listen:
        """Return the same without a parameter."""
        return Listen(self.address, tuple(each for each in self.parameters if each != parameter))

    def words(self, *more: str) -> tuple[str, ...]:
        """Return the arguments of the directive, with more parameters."""
        return (self.address, *self.parameters, *more)


def _check_address(path: str, address: str) -> None:
    if address.startswith("unix:/"):
        return
    match = _ADDRESS.fullmatch(address)
    if match is None:
        if not _HOST_ONLY.fullmatch(address):
            raise InputError(
                path, f"{shown(address)} is no address to listen on: write 80, 10.0.0.1:80, [::]:80 or unix:/path"
            )
        return
    first = values.above(path, int(match.group("port")), 1, 65535)
    if match.group("last"):
        values.above(path, int(match.group("last")), first, 65535)
