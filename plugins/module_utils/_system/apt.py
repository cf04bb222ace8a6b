# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt: whether packages can be had before one is installed, and in which version. Private to this collection."""

from __future__ import annotations

import fnmatch
import os
import tempfile
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed, Runner
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt_source import AptSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_manager import PackageManager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import OWNED, PackageSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin

__all__ = ("Apt",)

MINUTES = 600.0
LISTS, SOURCE_PARTS = "/var/lib/apt/lists", "/etc/apt/sources.list.d"
PREFERENCES = "/etc/apt/preferences.d"
ABOVE_INSTALLED = 1001
"""With more than 1000 a version goes before a newer one that is installed; apt_preferences(5)."""
ABOUT_PRIORITY = "# Above 1000, so that it goes before a newer one that is installed; apt_preferences(5).\n"


class Apt(PackageManager):
    """The package manager of Debian's family."""

    name = "apt"
    remove = "apt-get purge"
    purge = f"{remove} 'nginx*' 'libnginx-mod-*'"

    def download(
        self,
        packages: t.Sequence[str],
        *,
        check_mode: bool,
        pins: t.Sequence[Pin] = (),
        source: PackageSource | None = None,
    ) -> list[str]:
        runner = self._runner
        wanted_versions = {pin.package: pin.version for pin in pins}
        missing = [name for name in packages if not self._is_installed(name, wanted_versions.get(name, "*"))]
        if not (missing or source):
            return missing
        with tempfile.TemporaryDirectory(prefix="holdfast-apt-") as folder:
            os.makedirs(os.path.join(folder, "lists", "partial"))
            lists = ("-o", f"Dir::State::lists={folder}/lists") if check_mode or source else ()
            apart = ("-o", f"Dir::Cache={folder}", "-o", f"Dir::Log={folder}") if check_mode else ()
            if pins or source:
                apart = (*apart, "-o", f"Dir::Etc::Preferences={_preferences(pins, source, folder)}")
            words = [f"{name}={wanted_versions[name]}" if name in wanted_versions else name for name in missing]
            how = ("--yes", "--allow-downgrades", "--simulate" if check_mode else "--download-only")
            wanted = (*how, "install", *words)
            if source:
                apart = (*apart, *_tried(source, folder, (*apart, *lists), runner))
            done = _apt(*apart, *(lists if source else ()), *wanted, runner=runner)
            if done.rc:
                refreshed = _apt(*apart, *lists, "update", runner=runner)
                done = _apt(*apart, *lists, *wanted, runner=runner)
            for pin in pins if done.rc else ():
                there = _versions(pin.package, *apart, *lists, runner=runner)
                if there and not any(fnmatch.fnmatchcase(one, pin.version) for one in there):
                    raise HoldfastError(
                        f"{pin.path}: the package sources of this host have no version {pin.version} of "
                        f"{pin.package}, but {', '.join(there)}: use one of these, or add a source that has it"
                    )
        if done.rc:
            # An update that reached nobody counts as one for apt, but says so.
            complaints = _complaints(refreshed) or _complaints(done) or [done.output]
            raise HoldfastError(
                f"{' and '.join(missing)} cannot be had from this host's package sources ({complaints[0].strip()}): "
                f"make `apt-get update && apt-get install {' '.join(missing)}` work"
            )
        return missing

    def word(self, pin: Pin) -> str:
        return f"{pin.package}={pin.version}"

    def files(self, daemon: str, pin: Pin | None, source: PackageSource | None) -> dict[str, str | None]:
        pinned = f"{OWNED}{_pinned(pin, ABOUT_PRIORITY)}" if pin else None
        found: dict[str, str | None] = {f"{PREFERENCES}/holdfast-{daemon}": pinned}
        if daemon == "nginx":
            found.update(source.files() if source else dict.fromkeys(AptSource.FILES))
        return found

    def read_source(self, source: PackageSource) -> None:
        _update(source, AptSource.SOURCES, runner=self._runner)

    def maker_of_installed(self, package: str) -> tuple[str, str]:
        shown = "--showformat=${db:Status-Status} ${Version} ${Maintainer}"
        state = self._runner("dpkg-query", "--show", shown, package)
        status, _blank, more = state.stdout.strip().partition(" ")
        version, _blank, maker = more.partition(" ")
        return (version, maker) if state.rc == 0 and status == "installed" else ("", "")

    def maker_of_candidate(self, package: str) -> str:
        return self._runner("apt-cache", "show", "--no-all-versions", package).stdout

    def _is_installed(self, package: str, version: str) -> bool:
        """Tell whether a package is installed, in a version that looks like this."""
        installed, _maker = self.maker_of_installed(package)
        return bool(installed) and fnmatch.fnmatchcase(installed, version)


def _update(source: PackageSource, path: str, *options: str, runner: Runner) -> None:
    alone = ("-o", f"Dir::Etc::SourceList={path}", "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Get::List-Cleanup=0")
    done = _apt(*options, *alone, "update", runner=runner)
    complaints = _complaints(done)
    if done.rc or complaints:
        words = (complaints or [done.output])[0].strip()
        raise HoldfastError(f"nginx_source: {source.url} cannot be a package source of this host ({words})")


def _tried(source: PackageSource, folder: str, options: t.Sequence[str], runner: Runner) -> tuple[str, ...]:
    """Read what a source has into lists beside links to those of the host; return the options with which apt knows it.

    HoldfastError for a source that cannot be reached, or that the key has not signed.
    """
    lists, parts = os.path.join(folder, "lists"), os.path.join(folder, "parts")
    key, own = os.path.join(folder, "key.asc"), os.path.join(parts, "holdfast-nginx.sources")
    os.mkdir(parts)
    for path, text in ((key, source.key), (own, source.entry(key))):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)
    for path in (folder, lists, parts):
        # apt's own user reads here.
        os.chmod(path, 0o755)
    for name in os.listdir(LISTS) if os.path.isdir(LISTS) else ():
        if os.path.isfile(os.path.join(LISTS, name)) and name != "lock":
            os.symlink(os.path.join(LISTS, name), os.path.join(lists, name))
    _update(source, own, *options, runner=runner)
    for name in os.listdir(SOURCE_PARTS) if os.path.isdir(SOURCE_PARTS) else ():
        if name != os.path.basename(own):
            os.symlink(os.path.join(SOURCE_PARTS, name), os.path.join(parts, name))
    return ("-o", f"Dir::Etc::SourceParts={parts}")


def _preferences(pins: t.Sequence[Pin], source: PackageSource | None, folder: str) -> str:
    """Write the pins, and that of the source, into a file of apt, and return its path."""
    path = os.path.join(folder, "preferences")
    with open(path, "w", encoding="utf-8") as file:
        if source:
            file.write(f"{source.preferences()}\n")
        for pin in pins:
            file.write(f"{_pinned(pin)}\n")
    return path


def _pinned(pin: Pin, about: str = "") -> str:
    """Return an entry of apt_preferences(5), which holds for all packages of its source."""
    whose = f"Package: {pin.package} src:{pin.package}\nPin: version {pin.version}\n"
    return f"{whose}{about}Pin-Priority: {ABOVE_INSTALLED}\n"


def _versions(package: str, *options: str, runner: Runner) -> list[str]:
    """Return the versions of a package that can be had, newest first."""
    lines = runner("apt-cache", *options, "madison", package).stdout.split("\n")
    columns = (line.split("|") for line in lines)
    return list(dict.fromkeys(words[1].strip() for words in columns if len(words) > 1))


def _apt(*args: str, runner: Runner) -> Completed:
    return runner("apt-get", "-o", "DPkg::Lock::Timeout=60", *args, timeout=MINUTES)


def _complaints(done: Completed) -> list[str]:
    return [line for line in done.output.split("\n") if line.startswith(("E:", "W: Failed to fetch", "W: GPG error"))]
