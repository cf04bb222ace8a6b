# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent as a tree of files on a host, brought there whole. Private to this collection.

The tree holds each file of this folder that a part of the agent imports, under the name ``holdfast``, and beside it the
``__main__.py`` that starts a part. The files import one another by their places, so they work here and there alike.
They are read out of the archive in which Ansible has sent this one: what it lacks is imported nowhere.

The tree is called after its content, and a symbolic link leads to it. A new one is complete before the link is moved,
so whoever starts meanwhile finds the old one or the new one. What both have is one file, with the time at which it was
written: a service is stale only if something that it imports is newer than its start.
"""

from __future__ import annotations

import compileall
import contextlib
import os
import pkgutil
import py_compile
import re
import shutil
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import __main__, parts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.files import (
    Wanted,
    digest,
    make_folders,
    prepare,
    prepared_path,
    read_state,
    refuse_unsafe,
    sync_folder,
    told,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError, InputError

__all__ = ("AGENT", "FOLDER", "Delivery", "Tree", "deliver", "units_of_agent", "withdraw")

FOLDER = "/usr/local/lib/holdfast"
AGENT = "agent"
"""The link to the tree that is in force."""
UNITS, UNIT = "/etc/systemd/system", re.compile(r"holdfast-[a-z]+\.service")
UTILS = __main__.__name__.partition("._agent")[0]
PACKAGE, MAIN, PARTS = "holdfast", "__main__.py", "_agent/parts.py"
MODE = 0o644
TREE = re.compile(r"agent-[0-9a-f]{16}")

# In parts.py each function is a part, and imports what it needs itself.
PART = re.compile(r"^def (\w+)(.*?)(?=^def |\Z)", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(
    r"""^\ *from\ (?P<dots>\.+)(?P<module>[\w.]*)\ import\ # by places, as all of these files do
        (?:\((?P<many>[^)]*)\)|(?P<few>.*))$""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class Tree:
    """The text of each file by its path in the tree, and the paths that each part loads."""

    files: t.Mapping[str, str]
    parts: t.Mapping[str, t.Sequence[str]]

    @classmethod
    def of_this_collection(cls) -> Tree:
        """Return the tree of the collection that runs."""
        texts = {path: _text(path) or "" for path in _closure(PARTS)}
        files = {f"{PACKAGE}/{path}": text for path, text in sorted(texts.items())}
        files[MAIN] = _text(f"_agent/{MAIN}") or ""
        always = {PARTS, *_packages(PARTS)}
        loaded = {}
        for name, body in PART.findall(texts[PARTS]):
            paths = always.union(*(_closure(path) for path in _imports(PARTS, body)))
            loaded[name] = sorted([MAIN, *(f"{PACKAGE}/{path}" for path in paths)])
        return cls(files, {name: loaded[name] for name in parts.__all__})

    @property
    def manifest(self) -> str:
        """The name of each file with a digest of its content, a line each."""
        return _manifest(self.files)

    @property
    def name(self) -> str:
        return f"agent-{digest(self.manifest.encode())[:16]}"


@dataclass(frozen=True)
class Delivery:
    """What was done, or in check mode would be: the manifests before and after, and the parts that load another file.

    ``path`` is the link to the tree, and ``paths`` are those that each part loads, as they are reached through it.
    """

    path: str
    before: str
    after: str
    parts: t.Sequence[str]
    paths: t.Mapping[str, t.Sequence[str]]

    @property
    def changed(self) -> bool:
        return self.before != self.after


def deliver(folder: str = FOLDER, *, check: bool) -> Delivery:
    """Bring the agent of this collection into a folder; HoldfastError where it cannot be, and then the old one stays.

    The tree before this one is kept as well, for what has begun to start from it.
    """
    if not os.path.isabs(folder):
        raise InputError("folder", f"{folder} is no absolute path")
    folder = os.path.normpath(folder)
    tree = Tree.of_this_collection()
    link = os.path.join(folder, AGENT)
    if os.path.lexists(link) and not os.path.islink(link):
        raise HoldfastError(f"{link} is no symbolic link to the agent: move it away")
    old, new = _target(link), os.path.join(folder, tree.name)
    there = _read(old) if old else {}
    changed = [path for path, text in tree.files.items() if there.get(path) != text]
    delivery = Delivery(
        path=link,
        before=_manifest(there),
        after=tree.manifest,
        parts=[name for name, paths in tree.parts.items() if not set(changed).isdisjoint(paths)],
        paths={name: [os.path.join(link, path) for path in paths] for name, paths in tree.parts.items()},
    )
    if not check and delivery.changed:
        refuse_unsafe(os.path.join(new, MAIN), "/")
        with told(new, "the agent is as it was"):
            _build(new, tree, changed, old)
            _point(link, new)
        with told(folder, "the new agent is in force"):
            _remove_trees_but(folder, {old, new})
    return delivery


def units_of_agent(folder: str = FOLDER, units: str = UNITS) -> set[str]:
    """Return the units of this collection that start a part of the agent."""
    found = set()
    for name in os.listdir(units) if os.path.isdir(units) else ():
        state = read_state(os.path.join(units, name)) if UNIT.fullmatch(name) else None
        if state and f" {os.path.join(folder, AGENT)} ".encode() in (state.content or b""):
            found.add(name)
    return found


def withdraw(folder: str = FOLDER, *, check: bool) -> list[str]:
    """Remove the agent, which nothing on this host starts any more, and return the link to it if it is there.

    HoldfastError where that fails.
    """
    link = os.path.join(folder, AGENT)
    if _target(link) is None:
        return []
    if not check:
        with told(folder, "the agent may be there in part, and nothing starts it"):
            os.unlink(link)
            _remove_trees_but(folder, ())
            if not os.listdir(folder):
                os.rmdir(folder)
    return [link]


def _build(new: str, tree: Tree, changed: t.Collection[str], old: str | None) -> None:
    """Write what has changed, link the rest from the old tree, compile it, and bring all of it to the disk."""
    if new != old:
        shutil.rmtree(new, ignore_errors=True)  # of a delivery that was cut short, or of long ago
    for path, text in tree.files.items():
        target = os.path.join(new, path)
        if path in changed:
            prepare(target, Wanted(text.encode(), MODE))
            os.rename(prepared_path(target), target)
        elif old and old != new:
            make_folders(os.path.dirname(target))
            os.link(os.path.join(old, path), target)
    for path in _read(new):
        if path not in tree.files:  # of somebody else, in a tree that was damaged
            os.unlink(os.path.join(new, path))
    # What is compiled starts in three quarters of the time. It holds for as long as its source is the same.
    compileall.compile_dir(new, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    for folder, _folders, names in os.walk(new):
        for name in names:
            _sync(os.path.join(folder, name))
        sync_folder(folder)


def _sync(path: str) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _point(link: str, new: str) -> None:
    """Let the link lead to the new tree, in one step."""
    beside = prepared_path(link)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    os.symlink(os.path.basename(new), beside)
    os.rename(beside, link)
    sync_folder(os.path.dirname(link))


def _remove_trees_but(folder: str, kept: t.Container[str | None]) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if TREE.fullmatch(name) and path not in kept:
            shutil.rmtree(path)


def _target(link: str) -> str | None:
    """Return the tree that a link leads to, None where there is none."""
    try:
        name = os.readlink(link)
    except OSError:
        return None
    return os.path.join(os.path.dirname(link), name) if TREE.fullmatch(name) else None


def _read(tree: str) -> dict[str, str]:
    """Return the text of each file of Python in a tree; one that not everybody may read counts as missing."""
    found = {}
    for folder, _folders, names in os.walk(tree):
        for name in (name for name in names if name.endswith(".py")):
            path = os.path.join(folder, name)
            state = read_state(path)
            if state.content is not None and state.mode == MODE:
                found[os.path.relpath(path, tree)] = state.content.decode(errors="replace")
    return found


def _manifest(files: t.Mapping[str, str]) -> str:
    return "".join(f"{path} {digest(files[path].encode())[:16]}\n" for path in sorted(files))


def _text(path: str) -> str | None:
    """Return the text of a file of this folder, wherever it was imported from, None where there is none."""
    try:
        return (pkgutil.get_data(UTILS, path) or b"").decode()
    except OSError:
        return None


def _closure(start: str) -> set[str]:
    """Return the files of this folder that come with one of them: all that it imports, and their packages."""
    found, ahead = set(), [start]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += _imports(path, _text(path) or "")
            ahead += _packages(path)
    return found


def _packages(path: str) -> list[str]:
    folders = path.split("/")[:-1]
    return ["/".join([*folders[:count], "__init__.py"]) for count in range(len(folders) + 1)]


def _imports(path: str, text: str) -> list[str]:
    """Return the files that a text at this path imports; a name that is imported may be a file or stand in one."""
    found = []
    folder = path.split("/")[:-1]
    for match in IMPORT.finditer(text):
        place = [*folder[: len(folder) + 1 - len(match["dots"])], *filter(None, match["module"].split("."))]
        names = re.findall(r"\w+", match["many"] or match["few"])
        for module in (place, *([*place, name] for name in names)):
            source = "/".join(module) + ".py"
            if module and _text(source) is not None:
                found.append(source)
    return found
