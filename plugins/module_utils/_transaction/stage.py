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
    A changed copy elsewhere, its paths and links rewritten, for hosts (containers) where root may not mount.

In the first two, whatever the test writes (a pid file, empty logs, folders) goes to memory and is gone with it.
After the third, what did not exist before and is empty is removed; and a file outside of the folder that names one
inside still leads to the live one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Completed, Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import mounts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    make_folders,
    missing_folders,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.tree import copy, lay_over, lead_into

__all__ = ("METHODS", "Check", "check_staged", "sweep")

METHODS = ("overlay", "bind", "copy")


@dataclass(frozen=True)
class Check:
    """How a daemon tests its configuration.

    ``command`` tests the tree at ``root``; with ``own_pids`` it runs as the first process of a PID namespace where
    that is possible. ``writes`` are the files and folders that it may leave behind, ``folders`` those that have to be
    there for it, and that the change will make.
    For the copy, ``command_for(copy)`` is the command.
    """

    root: str
    command: tuple[str, ...]
    command_for: t.Callable[[str], tuple[str, ...]]
    writes: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
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
        work = os.path.realpath(tempfile.mkdtemp(prefix=f"{_prefix(name)}{os.getpid()}-", dir=runtime))
        # Over the root of all folders nothing can be laid.
        bare = [path for path in check.writes if method == "copy" or os.path.dirname(path.rstrip("/")) == "/"]
        new = [path for path in bare if not os.path.lexists(path)]
        # Where they cannot be made out of sight, they are made, and go with the test.
        here = [folder for folder in check.folders if method == "copy" or _at_the_top(folder)]
        made = missing_folders(here)
        for folder in here:
            make_folders(folder)
        try:
            if method == "copy":
                return Staged(method, _check_copy(check, changes, work, runner), refused)
            completed = _check_mounted(check, changes, work, method, runner)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            for path in (*new, *made):
                _remove_if_empty(path)
        if completed is not None:
            return Staged(method, completed, refused)
        refused[method] = "not allowed on this host"
    raise HoldfastError("no staging method is left to try: " + ", ".join(methods))


def _at_the_top(folder: str) -> bool:
    """Return whether a folder cannot be made out of sight: over the root of all folders nothing can be laid."""
    return not os.path.isdir("/" + folder.split("/")[1])


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
    root = os.path.realpath(check.root)
    tree, memory, script = (os.path.join(work, name) for name in ("tree", "memory", "script"))
    overlay = method == "overlay"
    inside = [point for point in mounts.mount_points() if mounts.below(point, root)]
    if overlay and any(mounts.below(os.path.realpath(path), point) for path in changes for point in inside):
        return None  # what is mounted below the root stays on top of whatever is laid over it
    try:
        (lay_over if overlay else copy)(check.root, changes, tree)
    except PermissionError:
        return None  # a whiteout is a device node, and this host does not let us make one
    os.mkdir(memory)
    with open(script, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(mounts.script(root, tree, memory, check.writes, check.folders, overlay=overlay))
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if check.own_pids:
        unshare += ["--pid", "--fork", "--kill-child"]
    completed = runner(*unshare, "sh", script, *check.command, timeout=check.timeout)
    denied = completed.rc == NOT_FOUND or completed.stderr.startswith("unshare:")
    return None if completed.rc == mounts.REFUSED or denied else completed


def _check_copy(check: Check, changes: t.Mapping[str, Wanted | None], work: str, runner: Runner) -> Completed:
    tree = os.path.join(work, "tree")
    copy(check.root, changes, tree)
    lead_into(tree, check.root)
    command = check.command_for(tree)
    completed = Completed((), NOT_FOUND, "", "")
    if check.own_pids:
        completed = runner("unshare", "--pid", "--fork", "--kill-child", *command, timeout=check.timeout)
    if completed.rc == NOT_FOUND or completed.stderr.startswith("unshare:"):
        completed = runner(*command, timeout=check.timeout)
    return Completed(
        check.command,
        completed.rc,
        completed.stdout.replace(tree, check.root),
        completed.stderr.replace(tree, check.root),
    )


def _remove_if_empty(path: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            os.rmdir(path)
        elif os.path.getsize(path) == 0:
            os.unlink(path)
