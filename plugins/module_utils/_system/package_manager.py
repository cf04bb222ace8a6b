# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package manager of a host answers, whichever it is. Private to this collection."""

from __future__ import annotations

import abc
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import PackageSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin

__all__ = ("PackageManager",)


class PackageManager(abc.ABC):
    """What this collection asks of a package manager, whose subclasses answer."""

    name: str
    """As Ansible's fact ``pkg_mgr`` has it."""
    remove: str
    """The command that removes packages, whose names follow."""
    purge: str
    """The command that removes an nginx and its modules."""

    def __init__(self, runner: Runner = run) -> None:
        self._runner = runner

    @abc.abstractmethod
    def download(
        self,
        packages: t.Sequence[str],
        *,
        check_mode: bool,
        pins: t.Sequence[Pin] = (),
        source: PackageSource | None = None,
    ) -> list[str]:
        """Download what is not installed, or in another version, and return its names; HoldfastError if it is not had.

        ``source`` is one more source than the host has; nothing of it is left there but what was downloaded.
        In check mode the manager only says whether it would know how, with lists that are fetched for the purpose where
        those of the host do not suffice.
        """

    @abc.abstractmethod
    def word(self, pin: Pin) -> str:
        """Return a package with its version, as the manager takes both."""

    @abc.abstractmethod
    def files(self, daemon: str, pin: Pin | None, source: PackageSource | None) -> dict[str, str | None]:
        """Return what the manager reads of the version of a daemon, and nginx's source; None is no such file."""

    @abc.abstractmethod
    def read_source(self, source: PackageSource) -> None:
        """Read what a source of this host has, and no other; HoldfastError as for one that is tried."""

    @abc.abstractmethod
    def maker_of_installed(self, package: str) -> tuple[str, str]:
        """Return the version of an installed package and who has made it; empty where it is not installed."""

    @abc.abstractmethod
    def maker_of_candidate(self, package: str) -> str:
        """Return what the manager knows of a package that it would install, with who has made it; or nothing."""
