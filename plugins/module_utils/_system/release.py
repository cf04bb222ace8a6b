# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this collection is known to work on the system of a host. Private to this collection."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("SUPPORTED", "need_supported", "of_this_host")

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")

SUPPORTED: t.Mapping[str, tuple[str, tuple[str, ...]]] = {
    "debian": ("Debian", ("11", "12", "13")),
    "ubuntu": ("Ubuntu", ("22.04", "24.04")),
}
"""By ID of os-release(5): the name for people, and VERSION_ID of the releases."""


class System(t.NamedTuple):
    """A distribution and the name of its release, as in debian and bookworm."""

    id: str
    codename: str


def of_this_host(paths: t.Sequence[str] = OS_RELEASE) -> System:
    """Return what os-release(5) says; what it does not say is empty."""
    said = _read(paths)
    return System(said.get("ID", ""), said.get("VERSION_CODENAME", ""))


def need_supported(paths: t.Sequence[str] = OS_RELEASE) -> None:
    """Raise HoldfastError unless this is a system of the list."""
    release = _read(paths)
    _name, versions = SUPPORTED.get(release.get("ID", ""), ("", ()))
    if release.get("VERSION_ID", "") not in versions:
        is_named = release.get("PRETTY_NAME") or " ".join(
            release[key] for key in ("ID", "VERSION_ID") if release.get(key)
        )
        known = " and ".join(f"{name} {', '.join(versions)}" for name, versions in SUPPORTED.values())
        raise HoldfastError(
            f"this host runs {is_named or 'a system without /etc/os-release'}, and this collection supports {known}: "
            "use one of these. Nothing was changed."
        )


def _read(paths: t.Sequence[str]) -> dict[str, str]:
    """Return the fields of the first of these files that is there."""
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().split("\n")
        except OSError:
            continue
        return {name: _unquoted(value) for name, equals, value in (line.partition("=") for line in lines) if equals}
    return {}


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value
