# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent as a tree of files: what each of its parts imports. Private to this collection.

The tree holds each file of this folder that a part of the agent imports, under the name ``holdfast``, and beside it the
``__main__.py`` that starts a part, which is start.py here. The files import one another by their places, so they work
here and there alike. They are read out of the archive in which Ansible has sent this one: what it lacks is imported
nowhere.
"""

from __future__ import annotations

import functools
import pkgutil
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import parts, start
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import digest

__all__ = ("MAIN", "Tree", "manifest", "summary")

UTILS = start.__name__.partition("._agent")[0]
PACKAGE, MAIN, START, PARTS = "holdfast", "__main__.py", "_agent/start.py", "_agent/parts.py"

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
        files[MAIN] = _text(START) or ""
        always = {PARTS, *_packages(PARTS)}
        loaded = {}
        for name, body in PART.findall(texts[PARTS]):
            paths = always.union(*(_closure(path) for path in _imports(PARTS, body)))
            loaded[name] = sorted([MAIN, *(f"{PACKAGE}/{path}" for path in paths)])
        return cls(files, {name: loaded[name] for name in parts.__all__})

    @property
    def name(self) -> str:
        return f"agent-{digest(manifest(self.files).encode())[:16]}"


def manifest(files: t.Mapping[str, str]) -> str:
    """Return the path of each file with a digest of its text, a line each."""
    return "".join(f"{path} {digest(files[path].encode())[:16]}\n" for path in sorted(files))


def summary(manifest: str) -> str:
    """Return a manifest as one line: nobody reads the programs of an agent in the difference that a run shows."""
    count = manifest.count("\n")
    return f"the agent, {count} files, {digest(manifest.encode())[:16]}\n" if count else ""


@functools.lru_cache(maxsize=None)
def _text(path: str) -> str | None:
    """Return the text of a file of this folder, wherever it was imported from, None where there is none."""
    try:
        return (pkgutil.get_data(UTILS, path) or b"").decode()
    except OSError:
        return None


def _closure(start: str) -> set[str]:
    """Return the files of this folder that come with one of them: all that it imports, and their packages."""
    result, ahead = set(), [start]
    while ahead:
        path = ahead.pop()
        if path not in result:
            result.add(path)
            ahead += _imports(path, _text(path) or "")
            ahead += _packages(path)
    return result


def _packages(path: str) -> list[str]:
    folders = path.split("/")[:-1]
    return ["/".join([*folders[:count], "__init__.py"]) for count in range(len(folders) + 1)]


def _imports(path: str, text: str) -> list[str]:
    """Return the files that a text at this path imports; a name that is imported may be a file or stand in one."""
    result = []
    folder = path.split("/")[:-1]
    for match in IMPORT.finditer(text):
        place = [*folder[: len(folder) + 1 - len(match["dots"])], *filter(None, match["module"].split("."))]
        names = re.findall(r"\w+", match["many"] or match["few"])
        for module in (place, *([*place, name] for name in names)):
            source = "/".join(module) + ".py"
            if module and _text(source) is not None:
                result.append(source)
    return result
