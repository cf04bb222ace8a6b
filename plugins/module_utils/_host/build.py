# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a daemon from source on this host, and lets its commands lead to the build. Private to this collection.

It is built by a user that systemd makes for it, in a folder that nobody else can enter, with what is left of the
processors; root only takes what came of it. A build is complete before any link leads to it, and the one of before
stays beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import COMMANDS, Recipe
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packages import package_manager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    make_folders,
    naming_os_errors,
    point,
    sync_folder,
)

__all__ = (
    "DAEMONS",
    "Links",
    "built_command",
    "compile_daemon",
    "is_built",
    "links",
    "recipe_in",
    "refuse_others",
    "remove_others",
    "switch",
)

DAEMONS = ("nginx", "keepalived")
RECIPE = "holdfast-build"
"""The file in a build that says what it follows from, and so that it is one of this collection's."""
LONGEST = 3600
"""Seconds that a build may take."""
SHOWN = 3
"""Lines of a build that failed which are told."""
SCRIPT = """\
tarball=$1 prefix=$2
shift 2
rm -rf source result
mkdir source
tar --extract --file="$tarball" --directory=source --strip-components=1
cd source
./configure "$@"
make -j"$(nproc)"
make DESTDIR="$PWD/../result" install
test -d "../result$prefix"
"""
CAUSE = re.compile(r"(?i)\berror\b|not found|no such file|cannot|\*\*\*")


class Links(t.NamedTuple):
    """Where the prefix and the command of a daemon lead to; None for a link that is not there."""

    prefix: str | None
    command: str | None


def links(recipe: Recipe) -> Links:
    """Return where both lead to now."""
    return Links(_target(recipe.prefix), _target(recipe.command))


def is_built(recipe: Recipe) -> bool:
    """Return whether the whole build is on this host, in force or not."""
    return recipe_in(recipe.folder) == recipe.text


def recipe_in(folder: str) -> str:
    """Return what the build in a folder follows from, empty where there is none."""
    with contextlib.suppress(OSError), open(os.path.join(folder, RECIPE), encoding="utf-8") as file:
        return file.read()
    return ""


def refuse_others(recipe: Recipe, runner: Runner = run) -> None:
    """Raise InputError where somebody else has what the build takes: the prefix, the command, or a package."""
    for path, variable in ((recipe.prefix, f"{recipe.daemon}_prefix"), (recipe.command, f"{recipe.daemon}_source")):
        if os.path.lexists(path) and not recipe_in(_home(os.path.realpath(path))):
            raise InputError(variable, f"{path} is there already, and not made by this collection: move it away")
    manager = package_manager(runner)
    version, _maker = manager.maker_of_installed(recipe.daemon)
    if version:
        raise InputError(
            f"{recipe.daemon}_source",
            f"the package {recipe.daemon} {version} is installed here, and its unit and files would be in the way: "
            f"remove it first ({manager.remove} '{recipe.daemon}*'), one balancer after the other, or keep "
            f"{recipe.daemon}_source: distribution",
        )


def built_command(daemon: str) -> str:
    """Return the command of a daemon where it leads to a build of this collection, else nothing."""
    path = os.path.join(COMMANDS, daemon)
    return path if os.path.islink(path) and recipe_in(_home(os.path.realpath(path))) else ""


def compile_daemon(recipe: Recipe, tarball: str, runner: Runner = run) -> None:
    """Build it from this file, which has the right digest; HoldfastError with the last words of the build."""
    name = f"holdfast-build-{recipe.daemon}"
    work = f"/var/cache/private/{name}"
    unit = (
        *("systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={name}", "--service-type=exec"),
        *("--property=DynamicUser=yes", f"--property=CacheDirectory={name}", "--property=CacheDirectoryMode=0700"),
        *(f"--property=WorkingDirectory=/var/cache/{name}", f"--property=BindReadOnlyPaths={tarball}:/run/{name}.tar"),
        *("--property=PrivateNetwork=yes", "--property=CPUWeight=10", "--property=Nice=19"),
        *(f"--property=RuntimeMaxSec={LONGEST}", "--setenv=LC_ALL=C", f"--setenv=HOME=/var/cache/{name}"),
    )
    script = ("/bin/sh", "-euc", SCRIPT, "build", f"/run/{name}.tar", recipe.prefix, *recipe.arguments)
    try:
        done = runner(*unit, *script, timeout=LONGEST + 60.0)
        if done.rc:
            raise InputError(f"{recipe.daemon}_tarball", f"it cannot be built here: {_told(done.output)}")
        with naming_os_errors(recipe.folder, "nothing else was changed"):
            _take(f"{work}/result{recipe.prefix}", recipe)
            if recipe.daemon == "nginx":
                _take_settings(f"{work}/result/etc/nginx", "/etc/nginx")
    finally:
        shutil.rmtree(work, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(f"/var/cache/{name}")


def switch(recipe: Recipe, to: Links) -> None:
    """Let prefix and command lead there, each in one step; one that shall not be there goes."""
    with naming_os_errors(recipe.prefix, "run it again"):
        make_folders(COMMANDS)
        for link, target in ((recipe.prefix, to.prefix), (recipe.command, to.command)):
            if target is None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(link)
            elif _target(link) != target:
                point(link, target)


def remove_others(recipe: Recipe, kept: t.Container[str | None]) -> None:
    """Remove the builds of this prefix, but for these."""
    parent = os.path.dirname(recipe.prefix)
    with naming_os_errors(parent, "the new build is in force"):
        for path in (os.path.join(parent, name) for name in os.listdir(parent)):
            if recipe.is_folder(path) and path not in kept:
                shutil.rmtree(path)


def _told(output: str) -> str:
    """Return those of the lines of a failed build that say why."""
    lines = [line.strip() for line in output.split("\n") if line.strip()]
    causes = [line for line in lines if CAUSE.search(line) and not line.startswith("checking ")]
    return "; ".join((causes or lines)[-SHOWN:])


def _take(result: str, recipe: Recipe) -> None:
    """Make a folder of root's from what was built, which another user could have filled until now."""
    new = f"{recipe.folder}.new"
    shutil.rmtree(new, ignore_errors=True)
    make_folders(os.path.dirname(new))
    shutil.copytree(result, new, symlinks=True)
    for folder, folders, names in os.walk(new):
        for path in (folder, *(os.path.join(folder, name) for name in (*folders, *names))):
            _give_to_root(path)
    with open(os.path.join(new, RECIPE), "w", encoding="utf-8") as file:
        file.write(recipe.text)
    shutil.rmtree(recipe.folder, ignore_errors=True)
    os.sync()
    os.rename(new, recipe.folder)
    sync_folder(os.path.dirname(recipe.folder))


def _take_settings(result: str, folder: str) -> None:
    """Bring the tables that nginx.conf includes, as mime.types, where there are none yet."""
    make_folders(folder)
    for name in sorted(os.listdir(result)):
        source, target = os.path.join(result, name), os.path.join(folder, name)
        is_table = name != "nginx.conf" and not name.endswith(".default") and stat.S_ISREG(os.lstat(source).st_mode)
        if is_table and not os.path.lexists(target):
            shutil.copyfile(source, target)
            _give_to_root(target)


def _give_to_root(path: str) -> None:
    mode = os.lstat(path).st_mode
    os.chown(path, 0, 0, follow_symlinks=False)
    if not stat.S_ISLNK(mode):
        os.chmod(path, 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644)


def _home(path: str) -> str:
    """Return the folder of a build that a path is in, or is: its program lies two steps below."""
    return path if os.path.isdir(path) else os.path.dirname(os.path.dirname(path))


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None
