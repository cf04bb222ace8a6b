# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this collection is known to work on the system of a host. Private to this collection."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("DEBIAN", "RED_HAT", "SUPPORTED", "System", "need_supported", "of_this_host")

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")

DEBIAN, RED_HAT = "debian", "redhat"
_RED_HAT_RELEASES = ("8", "9", "10")


class Supported(t.NamedTuple):
    """A distribution that this collection supports: its name for people, its family, and its releases."""

    name: str
    family: str
    releases: tuple[str, ...]


SUPPORTED: t.Mapping[str, Supported] = {
    "debian": Supported("Debian", DEBIAN, ("11", "12", "13")),
    "ubuntu": Supported("Ubuntu", DEBIAN, ("22.04", "24.04")),
    "rhel": Supported("Red Hat Enterprise Linux", RED_HAT, _RED_HAT_RELEASES),
    "centos": Supported("CentOS Stream", RED_HAT, _RED_HAT_RELEASES),
    "rocky": Supported("Rocky Linux", RED_HAT, _RED_HAT_RELEASES),
    "almalinux": Supported("AlmaLinux", RED_HAT, _RED_HAT_RELEASES),
    "ol": Supported("Oracle Linux", RED_HAT, _RED_HAT_RELEASES),
}
"""By ID of os-release(5). VERSION_ID is one of the releases, or one with a minor number, as 9.4."""


class System(t.NamedTuple):
    """A distribution, the name of its release, as in debian and bookworm, its family, and the first number of it."""

    id: str
    codename: str
    family: str
    major: str


def of_this_host(paths: t.Sequence[str] = OS_RELEASE) -> System:
    """Return what os-release(5) says; what it does not say is empty. One that is not supported counts to Debian's."""
    told = _read(paths)
    known = SUPPORTED.get(told.get("ID", ""))
    return System(
        told.get("ID", ""),
        told.get("VERSION_CODENAME", ""),
        known.family if known else DEBIAN,
        told.get("VERSION_ID", "").split(".")[0],
    )


def need_supported(paths: t.Sequence[str] = OS_RELEASE) -> None:
    """Raise HoldfastError unless this is a system of the list."""
    told = _read(paths)
    known, version = SUPPORTED.get(told.get("ID", "")), told.get("VERSION_ID", "")
    if not known or not any(version == one or version.startswith(f"{one}.") for one in known.releases):
        is_named = told.get("PRETTY_NAME") or " ".join(told[key] for key in ("ID", "VERSION_ID") if told.get(key))
        raise HoldfastError(
            f"this host runs {is_named or 'a system without /etc/os-release'}, and this collection supports {_all()}: "
            "use one of these. Nothing was changed."
        )


def _all() -> str:
    """Return all systems for people; those with the same releases are told together."""
    names: dict[tuple[str, ...], list[str]] = {}
    for one in SUPPORTED.values():
        names.setdefault(one.releases, []).append(one.name)
    return " and ".join(f"{', '.join(named)} {', '.join(releases)}" for releases, named in names.items())


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
