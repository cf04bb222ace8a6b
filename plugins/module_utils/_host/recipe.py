# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon is built from, and where it then lies. Private to this collection.

Only the program and its modules lie below the prefix. Configuration, pid file and logs lie where the packages of
distributions have them, so that nothing else need know how the daemon came to the host.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass

__all__ = ("COMMANDS", "Recipe", "is_fixed")

COMMANDS = "/usr/local/sbin"
"""Where the program is found by its name, before those of packages; hier(7)."""

FIXED: t.Mapping[str, tuple[str, ...]] = {
    "nginx": (
        "--prefix={prefix}",
        "--sbin-path={prefix}/sbin/nginx",
        "--modules-path={prefix}/modules",
        "--conf-path=/etc/nginx/nginx.conf",
        "--pid-path=/run/nginx.pid",
        "--lock-path=/run/nginx.lock",
        "--error-log-path=/var/log/nginx/error.log",
        "--http-log-path=/var/log/nginx/access.log",
        "--http-client-body-temp-path=/var/lib/nginx/body",
        "--http-proxy-temp-path=/var/lib/nginx/proxy",
        "--http-fastcgi-temp-path=/var/lib/nginx/fastcgi",
        "--http-uwsgi-temp-path=/var/lib/nginx/uwsgi",
        "--http-scgi-temp-path=/var/lib/nginx/scgi",
        "--user={user}",
        "--group={user}",
    ),
    # Its state is read as JSON.
    "keepalived": ("--prefix={prefix}", "--sysconfdir=/etc", "--localstatedir=/var", "--enable-json"),
}
"""What this collection says to ``configure``; https://nginx.org/en/docs/configure.html, keepalived's INSTALL."""


@dataclass(frozen=True)
class Recipe:
    """A tarball with its SHA-256 digest, the options of ``configure``, the prefix, and the user of nginx's workers."""

    daemon: str
    tarball: str
    checksum: str
    options: tuple[str, ...]
    prefix: str
    user: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The whole words behind ``configure``; what the user says comes last."""
        said = tuple(one.format(prefix=self.prefix, user=self.user) for one in FIXED[self.daemon])
        return (*said, *self.options)

    @property
    def text(self) -> str:
        """All that the build follows from; another text is another build."""
        return "".join(f"{line}\n" for line in (f"sha256 {self.checksum.lower()}", *self.arguments))

    @property
    def folder(self) -> str:
        """Where the build lies, named by what it follows from; the prefix is a link to it."""
        return f"{self.prefix}-{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"

    @property
    def program(self) -> str:
        """The path of its program, by way of the prefix."""
        return f"{self.prefix}/sbin/{self.daemon}"

    @property
    def command(self) -> str:
        """The link by which its program is started, whatever the prefix is."""
        return f"{COMMANDS}/{self.daemon}"

    def is_folder(self, path: str) -> bool:
        """Return whether a path is that of a build with this prefix."""
        return bool(re.fullmatch(re.escape(self.prefix) + "-[0-9a-f]{16}", path))


def is_fixed(daemon: str, option: str) -> bool:
    """Return whether an option of ``configure`` is this collection's to say."""
    return option.partition("=")[0] in {one.partition("=")[0] for one in FIXED[daemon]}
