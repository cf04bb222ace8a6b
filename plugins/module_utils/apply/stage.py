# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon's own test, run on the tree as it would be, while the live tree stays as it is. Private to this collection.

Three methods, the best that the host allows, found out by trying:

``overlay``
    In a private mount namespace the changed files are laid over the live folder. Nothing is copied.
``bind``
    The same namespace, with a changed copy of the folder in the folder's place, for kernels without overlayfs.
``copy``
    A changed copy elsewhere, its paths rewritten, for hosts (containers) where root may not mount.

In the first two, whatever the test writes (a pid file, empty logs, folders) goes to memory and is gone with it.
After the third, what did not exist before and is empty is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.files import Wanted
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import NOT_FOUND, Completed, Runner, run

__all__ = ("METHODS", "Check", "Staged", "check_staged", "sweep")

METHODS = ("overlay", "bind", "copy")
REFUSED = 97  # the script's own exit code: this host does not allow the method

_MOUNTS = """
set -e
work=$1 root=$2 method=$3; shift 3
refused() { echo "$*" >&2; exit 97; }
mount -t tmpfs -o mode=0700 holdfast "$work/mem" 2>/dev/null || refused "tmpfs"
# From here on the memory is named from inside: a folder that is laid over below may be the one that it is mounted in.
cd "$work/mem"
number=0
while [ "$1" != -- ]; do
    number=$((number + 1))
    mkdir "$number" "$number.work"
    chmod --reference="$1" "$number"
    chown --reference="$1" "$number"
    if [ "$method" = overlay ]; then
        layers=lowerdir=$1,upperdir=$number,workdir=$number.work
        mount -t overlay -o "$layers" overlay "$1" 2>/dev/null || refused "overlay on $1"
    else
        for entry in "$1"/* "$1"/.[!.]*; do
            name=$work/mem/$number/${entry##*/}
            if [ -L "$entry" ]; then cp -P "$entry" "$name"
            elif [ -d "$entry" ]; then mkdir "$name"; mount --rbind "$entry" "$name" || refused "bind on $1"
            elif [ -e "$entry" ]; then : > "$name"; mount --bind "$entry" "$name" || refused "bind on $1"
            fi
        done
        mount --rbind "$work/mem/$number" "$1" || refused "bind on $1"
    fi
    shift
done
shift
if [ "$method" = overlay ]; then
    mount -t overlay -o "ro,lowerdir=$work/tree:$root" overlay "$root" 2>/dev/null || refused "overlay on $root"
else
    mount --bind "$work/tree" "$root" 2>/dev/null || refused "bind on $root"
fi
cd /
exec "$@"
"""


@dataclass(frozen=True)
class Check:
    """How a daemon tests its configuration.

    ``command`` tests the tree at ``root``; with ``own_pids`` it runs as the first process of a PID namespace where
    that is possible. ``writes`` are the files and folders that it may leave behind.
    For the copy, ``command_for(copy)`` is the command.
    """

    root: str
    command: tuple[str, ...]
    command_for: t.Callable[[str], tuple[str, ...]]
    writes: tuple[str, ...] = ()
    own_pids: bool = False
    timeout: float = 30.0


@dataclass(frozen=True)
class Staged:
    """What the test said: the method that was used and the program's answer, in terms of the live paths."""

    method: str
    completed: Completed
    refused: t.Mapping[str, str] = field(default_factory=dict)


def check_staged(
    check: Check,
    changes: t.Mapping[str, Wanted | None],
    *,
    name: str = "",
    runtime: str = "/run",
    methods: t.Sequence[str] = METHODS,
    runner: Runner = run,
) -> Staged:
    """Run the test on the live tree with these changes (path -> new file, or None to remove it) laid over it.

    The first method that this host allows is used. Nothing is left behind, in check mode or not.
    """
    refused: dict[str, str] = {}
    for method in methods:
        # mkdtemp: mode 0700, it may hold secrets
        work = tempfile.mkdtemp(prefix=f"{_prefix(name)}{os.getpid()}-", dir=runtime)
        try:
            if method == "copy":
                return Staged(method, _check_copy(check, changes, work, runner), refused)
            completed = _check_mounted(check, changes, work, method, runner)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if completed is not None:
            return Staged(method, completed, refused)
        refused[method] = "not allowed on this host"
    raise HoldfastError("no staging method is left to try: " + ", ".join(methods))


def sweep(runtime: str, name: str) -> None:
    """Remove this daemon's stages of runs that were killed; another process may be looking in check mode right now."""
    for folder in os.listdir(runtime):
        if folder.startswith(_prefix(name)):
            process = folder[len(_prefix(name)) :].partition("-")[0]
            if not os.path.exists(f"/proc/{process}"):
                shutil.rmtree(os.path.join(runtime, folder), ignore_errors=True)


def _prefix(name: str) -> str:
    return f"holdfast-stage-{name}-"


def _check_mounted(
    check: Check, changes: t.Mapping[str, Wanted | None], work: str, method: str, runner: Runner
) -> Completed | None:
    tree = os.path.join(work, "tree")
    os.mkdir(os.path.join(work, "mem"))
    try:
        if method == "overlay":
            _lay_over(check.root, changes, tree)
        else:
            _copy(check.root, changes, tree)
    except PermissionError:
        return None  # a whiteout is a device node, and this host does not let us make one
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if check.own_pids:
        unshare += ["--pid", "--fork", "--kill-child"]
    folders = _folders(check)
    completed = runner(
        *unshare,
        "sh",
        "-c",
        _MOUNTS,
        "holdfast-stage",
        work,
        check.root,
        method,
        *folders,
        "--",
        *check.command,
        timeout=check.timeout,
    )
    denied = completed.rc == NOT_FOUND or completed.stderr.startswith("unshare:")
    return None if completed.rc == REFUSED or denied else completed


def _check_copy(check: Check, changes: t.Mapping[str, Wanted | None], work: str, runner: Runner) -> Completed:
    tree = os.path.join(work, "tree")
    _copy(check.root, changes, tree)
    for folder, _folders_below, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                target = os.readlink(path)
                if target == check.root or target.startswith(check.root + os.sep):
                    os.unlink(path)
                    os.symlink(tree + target[len(check.root) :], path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                # Whatever lies below the root lies in the copy too, so every mention may point there.
                if b"\0" not in content and os.fsencode(check.root) + b"/" in content:
                    with open(path, "wb") as file:
                        file.write(content.replace(os.fsencode(check.root) + b"/", os.fsencode(tree) + b"/"))
    before = {path for path in check.writes if os.path.lexists(path)}
    command = check.command_for(tree)
    completed = Completed((), NOT_FOUND, "", "")
    if check.own_pids:
        completed = runner("unshare", "--pid", "--fork", "--kill-child", *command, timeout=check.timeout)
    if completed.rc == NOT_FOUND or completed.stderr.startswith("unshare:"):
        completed = runner(*command, timeout=check.timeout)
    for path in check.writes:
        if path not in before:
            _remove_if_empty(path)
    return Completed(
        check.command,
        completed.rc,
        completed.stdout.replace(tree, check.root),
        completed.stderr.replace(tree, check.root),
    )


def _folders(check: Check) -> list[str]:
    """Return the existing folders that the test writes to, outermost first, none inside another."""
    found: list[str] = []
    for path in sorted({os.path.realpath(os.path.dirname(path.rstrip("/"))) for path in check.writes}):
        inside = any(path == outer or path.startswith(outer.rstrip("/") + "/") for outer in found + [check.root])
        if not inside and path != "/" and os.path.isdir(path):
            found.append(path)
    return found


def _lay_over(root: str, changes: t.Mapping[str, Wanted | None], tree: str) -> None:
    """Build the upper layer: the changed files, and a whiteout for each that goes."""
    os.mkdir(tree)
    shutil.copystat(root, tree)
    for path, wanted in changes.items():
        target = tree + path[len(root) :]
        _folder_like(os.path.dirname(path), os.path.dirname(target), tree)
        if wanted is not None:
            _write(target, wanted)
        elif os.path.lexists(path):
            os.mknod(target, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _folder_like(live: str, target: str, tree: str) -> None:
    if os.path.isdir(target):
        return
    _folder_like(os.path.dirname(live), os.path.dirname(target), tree)
    os.mkdir(target, 0o755)
    if os.path.isdir(live):
        shutil.copystat(live, target)


def _copy(root: str, changes: t.Mapping[str, Wanted | None], tree: str) -> None:
    shutil.copytree(root, tree, symlinks=True, ignore=_special)
    for path, wanted in changes.items():
        target = tree + path[len(root) :]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        if wanted is not None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _write(target, wanted)


def _special(folder: str, names: list[str]) -> set[str]:
    """Return which of these are neither files nor folders: a pipe cannot be copied, and no daemon reads it."""
    modes = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
    return {
        name for name, mode in modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
    }


def _write(path: str, wanted: Wanted) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(wanted.content)
        os.fchmod(file.fileno(), wanted.mode)


def _remove_if_empty(path: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            os.rmdir(path)
        elif os.path.getsize(path) == 0:
            os.unlink(path)
