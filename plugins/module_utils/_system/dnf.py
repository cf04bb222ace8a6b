# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf: whether packages can be had before one of them is installed, and in which version. Private to this collection.

It is dnf 4, which RHEL 8, 9 and 10 have.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tempfile
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf_source import DnfSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_manager import PackageManager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import PackageSource, text_of
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin

__all__ = ("Dnf", "locked")

MINUTES = 600.0
REPOSITORIES = "/etc/yum.repos.d"
LOCKS = "/etc/dnf/plugins/versionlock.list"
"""Versions that dnf keeps to, one a line; dnf-versionlock(8)."""
LOCKS_PLUGIN, LOCKS_PACKAGE = "/etc/dnf/plugins/versionlock.conf", "python3-dnf-plugin-versionlock"
DONE_IN_CHECK_MODE = "Operation aborted."
"""What dnf says where it would only have to be let."""
EVR = re.compile(r"(?:(?P<epoch>\d+):)?(?P<version>[^-]+)-(?P<release>.+)")
COMPLAINT = re.compile(r"^(?:Error: ?|Ignoring repositories: ).*(?:\n +\S.*)*", re.MULTILINE)


class Dnf(PackageManager):
    """The package manager of Red Hat's family."""

    name = "dnf"
    remove = "dnf remove"
    purge = f"{remove} 'nginx*'"

    def download(
        self,
        packages: t.Sequence[str],
        *,
        check_mode: bool,
        pins: t.Sequence[Pin] = (),
        source: PackageSource | None = None,
    ) -> list[str]:
        pinned = {pin.package: pin for pin in pins}
        needed = [*packages, *([LOCKS_PACKAGE] if pins and not os.path.exists(LOCKS_PLUGIN) else [])]
        missing = [name for name in needed if not self._is_installed(name, pinned.get(name))]
        if not (missing or source):
            return missing
        with tempfile.TemporaryDirectory(prefix="holdfast-dnf-") as folder:
            # What is locked today need not be what is wanted.
            options = ["--disableplugin=versionlock"] if pins else []
            apart = [f"--setopt=cachedir={folder}/cache"]
            tries = [["--cacheonly"], apart] if check_mode else [[], ["--refresh"]]
            if source:
                # It is checked with the key when the package is installed; here the key would be left on the host.
                options += ["--nogpgcheck", self._tried(source, folder, apart if check_mode else [])]
                tries = tries[1:]
            how = ["--assumeno"] if check_mode else ["--assumeyes", "--downloadonly"]
            words = [self.word(pinned[name]) if name in pinned else name for name in missing]
            complaint = ""
            for more in tries if words else ():
                done = self._dnf(*options, *more, *how, "install", *words)
                if done.rc == 0 or DONE_IN_CHECK_MODE in done.output:
                    return missing
                complaint = _complaint(done)
                for pin in pins if more == tries[-1] else ():
                    self._refuse_absent(pin, *options, *more)
        if complaint:
            raise HoldfastError(
                f"{' and '.join(missing)} cannot be had from this host's package sources ({complaint}): "
                f"make `dnf install {' '.join(missing)}` work"
            )
        return missing

    def word(self, pin: Pin) -> str:
        return f"{pin.package}-{pin.version}"

    def files(self, daemon: str, pin: Pin | None, source: PackageSource | None) -> dict[str, str | None]:
        before = text_of(LOCKS)
        after = locked(before, daemon, self.word(pin) if pin else "")
        found: dict[str, str | None] = {} if after == before else {LOCKS: after}
        if daemon == "nginx":
            found.update(source.files() if source else dict.fromkeys(DnfSource.FILES))
        return found

    def read_source(self, source: PackageSource) -> None:
        self._make_cache(source)

    def maker_of_installed(self, package: str) -> tuple[str, str]:
        state = self._runner("rpm", "--query", "--queryformat", "%{EVR} %{VENDOR} %{PACKAGER}", package)
        version, _blank, maker = state.stdout.strip().partition(" ")
        return (version, maker) if state.rc == 0 else ("", "")

    def maker_of_candidate(self, package: str) -> str:
        query = ("repoquery", "--latest-limit=1", "--queryformat=%{vendor} %{packager}", package)
        return self._dnf("--cacheonly", "--quiet", *query).stdout

    def _is_installed(self, package: str, pin: Pin | None) -> bool:
        version, _maker = self.maker_of_installed(package)
        return bool(version) and (pin is None or _fits(version, pin.version))

    def _tried(self, source: PackageSource, folder: str, options: t.Sequence[str]) -> str:
        """Let dnf read a source that the host does not have, and return the option with which it knows all of them.

        HoldfastError for one that cannot be reached.
        """
        tried, key = os.path.join(folder, "repositories"), os.path.join(folder, "key")
        own = os.path.basename(DnfSource.REPOSITORY)
        os.mkdir(tried)
        for path, text in ((key, source.key), (os.path.join(tried, own), source.entry(key))):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for name in os.listdir(REPOSITORIES) if os.path.isdir(REPOSITORIES) else ():
            if name != own:
                os.symlink(os.path.join(REPOSITORIES, name), os.path.join(tried, name))
        known = f"--setopt=reposdir={tried}"
        self._make_cache(source, *options, known)
        return known

    def _make_cache(self, source: PackageSource, *options: str) -> None:
        alone = (f"--repo={DnfSource.ID}", f"--setopt={DnfSource.ID}.skip_if_unavailable=0")
        done = self._dnf(*options, *alone, "--refresh", "makecache")
        if done.rc:
            raise HoldfastError(
                f"nginx_source: {source.url} cannot be a package source of this host ({_complaint(done)})"
            )

    def _refuse_absent(self, pin: Pin, *options: str) -> None:
        """Raise HoldfastError where there are other versions of a package alone."""
        query = ("repoquery", "--showduplicates", "--queryformat=%{evr}", pin.package)
        there = list(dict.fromkeys(self._dnf(*options, "--quiet", *query).stdout.split()))
        if there and not any(_fits(one, pin.version) for one in there):
            raise HoldfastError(
                f"{pin.path}: the package sources of this host have no version {pin.version} of {pin.package}, but "
                f"{', '.join(reversed(there))}: use one of these, or add a source that has it"
            )

    def _dnf(self, *args: str) -> Completed:
        return self._runner("dnf", *args, timeout=MINUTES)


def locked(text: str, daemon: str, word: str) -> str:
    """Return the list of locks with that of a daemon, or without one where there is no word; others stay."""
    about = f"# {daemon}_version of holdfast.nginx_ha: edits by hand are lost."
    lines = text.split("\n")
    if about in lines:
        at = lines.index(about)
        del lines[at : at + 2]
    if word:
        lines[-1:] = [*([lines[-1]] if lines[-1] else []), about, word, ""]
    return "\n".join(lines)


def _fits(installed: str, wanted: str) -> bool:
    """Tell whether a version looks like the one that is wanted, which need not say epoch or release."""
    parts = EVR.fullmatch(installed)
    if not parts:
        return False
    version, release, epoch = parts["version"], parts["release"], parts["epoch"] or "0"
    forms = (version, f"{version}-{release}")
    return any(fnmatch.fnmatchcase(form, wanted) for each in forms for form in (each, f"{epoch}:{each}"))


def _complaint(done: Completed) -> str:
    """Return what dnf has to say against it, in one line."""
    found = " ".join(one[0] for one in COMPLAINT.finditer(done.output)) or done.output
    return " ".join(found.split())
