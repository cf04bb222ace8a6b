# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package repository of nginx.org, or a mirror of it, as a source of packages. Private to this collection.

Its layout is that of https://nginx.org/en/linux_packages.html.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt_source import AptSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf_source import DnfSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.download import fetched
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.openpgp import (
    armored,
    fingerprints,
    packets_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import PackageSource, text_of
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packages import package_manager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import RED_HAT, System, of_this_host

__all__ = ("FINGERPRINTS", "comes_from_nginx_org", "refuse_other_package", "source")

KEY_URL = "https://nginx.org/keys/nginx_signing.key"
# From "gpg --import-options import-show" on https://nginx.org/en/linux_packages.html.
FINGERPRINTS = (
    "8540A6F18833A80E9C1653A42FD21310B49F6B46",  # signing-key-2@nginx.com, 2024-05-29
    "573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62",  # signing-key@nginx.com, 2011-08-19, expires 2027-05-24
    "9E9BE90EACBCDE69FE9B204CBCDCD8A38D88A2B3",  # signing-key-3@nginx.com, 2024-05-29
)
MAKER = "nginx-packaging@"
"""Who makes its packages, as they say it themselves."""
LARGEST = 1 << 20


def source(said: t.Mapping[str, t.Any], system: System | None = None) -> PackageSource:
    """Return the source that is said, for this system or another one.

    Said are its ``url``, ``key`` where it is given, and ``fingerprints`` where it has its own.
    The key is that which is given, or is there already, or else it is fetched. HoldfastError for one that nobody knows.
    """
    system = system or of_this_host()
    # nginx.org has one folder for the whole family of Red Hat, called centos.
    kind, folder = (DnfSource, "centos") if system.family == RED_HAT else (AptSource, system.id)
    key = str(said.get("key") or "") or text_of(kind.KEY)
    origin = "nginx_source_key" if said.get("key") else kind.KEY if key else KEY_URL
    packets = packets_of(key.encode() if key else _fetched(KEY_URL))
    known = [one.replace(" ", "").upper() for one in said.get("fingerprints") or FINGERPRINTS]
    try:
        found = fingerprints(packets)
    except HoldfastError as error:
        raise HoldfastError(f"nginx_source: {origin}: {error}") from error
    strange = [one for one in found if one not in known]
    if strange:
        raise HoldfastError(
            f"nginx_source: the key of {origin} has the fingerprint {strange[0]}, which is none of {', '.join(known)}: "
            "find out whose it is, and only then name it in nginx_source_fingerprints"
        )
    suite = system.major if kind is DnfSource else system.codename
    return kind(f"{str(said['url']).rstrip('/')}/{folder}", suite, armored(packets))


def refuse_other_package(package: str, runner: Runner = run) -> None:
    """Raise HoldfastError where nginx of another source is installed, whose files would be left in the way."""
    manager = package_manager(runner)
    version, maker = manager.maker_of_installed(package)
    if version and MAKER not in maker:
        raise HoldfastError(
            f"nginx_source: {package} {version} of the distribution is installed here, and its files would be "
            f"in the way of those of nginx.org: remove it first ({manager.purge}), one balancer "
            "after the other, or keep nginx_source: distribution"
        )


def comes_from_nginx_org(package: str, runner: Runner = run) -> bool:
    """Tell whether the package sources of this host would bring nginx from nginx.org."""
    return MAKER in package_manager(runner).maker_of_candidate(package)


def _fetched(url: str) -> bytes:
    try:
        with fetched(url) as answer:
            return answer.read(LARGEST)
    except OSError as error:
        raise HoldfastError(
            f"nginx_source: the key {url} cannot be fetched from this host ({error}): let the host reach it, or give "
            "the key in nginx_source_key"
        ) from error
