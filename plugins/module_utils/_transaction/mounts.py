# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private view of the host in which a staged tree stands in the place of the live one. Private to this collection.

The view is made by a shell script in a mount namespace of its own, which then becomes the daemon's test.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import typing as t

__all__ = ("REFUSED", "below", "mount_points", "script")

REFUSED = 97
"""The script's own exit code: this host does not allow one of its steps."""

_BEGIN = """set -e
trap 'exit 97' EXIT
entries() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        if [ -L "$entry" ]; then cp -P "$entry" "$2/"
        elif [ -d "$entry" ]; then mkdir "$2/${entry##*/}"; mount --rbind "$entry" "$2/${entry##*/}"
        elif [ -e "$entry" ]; then : >"$2/${entry##*/}"; mount --bind "$entry" "$2/${entry##*/}"
        fi
    done
}
"""
_END = """trap - EXIT
cd /
exec "$@"
"""
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def script(
    root: str, tree: str, memory: str, writes: t.Sequence[str], made: t.Sequence[str] = (), *, overlay: bool
) -> str:
    """Return the script that puts the tree in the place of the root and memory where the test writes, and runs it.

    With ``overlay`` the tree holds the changes alone, else all that shall be there. ``memory`` is an empty folder.
    ``made`` are folders that are made in it where they are not there.
    The root comes first: its tree is looked for before anything covers the folder that it lies in. Then come the
    folders that are written to, from the inside out. Each is made beside, gets all that is mounted below it, and then
    covers the folder: so every path means the same before and after, also where the memory itself lies below it.
    """
    above = [os.path.join(_there(folder), "made") for folder in made]
    folders = [root, *_folders((*writes, *above), root)]
    places = [f"{memory}/{number}" for number in range(len(folders))]
    lines = [_command("mount", "-t", "tmpfs", "-o", "mode=0700", "holdfast", memory)]
    lines.append(_command("mkdir", "-m", "0755", *(place + end for place in places for end in ("", ".upper", ".work"))))
    covered = [*mount_points(), memory]
    for number, (folder, view) in enumerate(zip(folders, places)):
        about, upper = os.stat(folder), f"{view}.upper"
        if (about.st_uid, about.st_gid) != (0, 0):
            lines.append(_command("chown", f"{about.st_uid}:{about.st_gid}", view, upper))
        if stat.S_IMODE(about.st_mode) != 0o755:
            lines.append(_command("chmod", f"{stat.S_IMODE(about.st_mode):04o}", view, upper))
        if overlay:
            lower = folder if number else f"{tree}:{folder}"
            layers = f"lowerdir={lower},upperdir={upper},workdir={view}.work"
            lines.append(_command("mount", "-t", "overlay", "-o", layers, "overlay", view))
            for point in _outermost(point for point in covered if below(point, folder)):
                again = _command("mount", "--rbind", point, view + point[len(folder) :])
                lines.append(f"[ ! -e {shlex.quote(point)} ] || {again}")
        elif number:
            lines.append(_command("entries", folder, view))
        else:
            lines.append(_command("mount", "--bind", tree, view))
        lines.append(_command("mount", "--rbind", view, folder))
        covered.append(folder)
    lines += [_command("mkdir", "-p", "-m", "0755", folder) for folder in made]
    return _BEGIN + "\n".join(lines) + "\n" + _END


def _there(folder: str) -> str:
    """Return the folder, or the first one above it that is there."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def mount_points() -> list[str]:
    """Return where something is mounted."""
    with open("/proc/self/mountinfo", "rb") as file:
        fields = [line.split(b" ")[4] for line in file.read().split(b"\n") if line]
    return [os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), field)) for field in fields]


def below(path: str, folder: str) -> bool:
    """Return whether a path lies inside of a folder, by their names."""
    return path.startswith(folder.rstrip("/") + "/")


def _command(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _outermost(paths: t.Iterable[str]) -> list[str]:
    """Return these paths without those that lie below another of them."""
    result: list[str] = []
    for path in sorted(set(paths), key=lambda item: item.split("/")):
        if not result or not below(path, result[-1]):
            result.append(path)
    return result


def _folders(writes: t.Sequence[str], root: str) -> list[str]:
    """Return the existing folders outside of the root in which these are written, each before those around it."""
    result: set[str] = set()
    for path in writes:
        if os.path.isfile(path) or os.path.isdir(path) or not os.path.exists(path):  # into a device nothing is made
            result.update(os.path.realpath(os.path.dirname(end.rstrip("/"))) for end in (path, os.path.realpath(path)))
    outside = (item for item in result if item not in ("/", root) and not below(item, root) and os.path.isdir(item))
    return sorted(outside, key=lambda item: (-item.count("/"), item))
