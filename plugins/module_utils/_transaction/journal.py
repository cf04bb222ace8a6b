# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a change undoable until it is confirmed, whatever happens in between. Private to this collection.

Before the first live file is touched, the journal folder holds every old file and a shell script that puts them back
and reloads the daemon. It appears at once (a rename), and goes when the change is confirmed. While it is there,
the change is not confirmed: the next run undoes it, or systemd does so at the deadline (see settle.py), or nobody
needs to.
The script needs a POSIX shell only, so that it also works when whoever wrote it is gone.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pkgutil
import shlex
import shutil
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    FileState,
    missing_folders,
    prepared_path,
    read_state,
    sync_folder,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.manifest import Manifest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.settle import AGREEMENT, END_OF_UNDO

__all__ = ("Journal",)

# real FOLDER PLACE: it is no link by now that leads away from where the file was.
_UNDO = """#!/bin/sh
# Undo an unconfirmed change. Safe to run again, and after being killed at any line.
exec 9>{lock}
flock -w 60 9 || exit 75
[ -d {journal} ] || exit 0
[ -e {journal}/confirmed ] && exit 0
{record}
cd {journal} || exit 1
real() {{
    [ "$(cd -P -- "$1" 2>/dev/null && pwd -P)" = "$2" ] || {{ echo "$1 is not the folder that it was" >&2; false; }}
}}
same() {{ cmp -s -- "$1" "$2" && [ "$(stat -c %a:%u:%g -- "$1")" = "$(stat -c %a:%u:%g -- "$2")" ]; }}
failed=0
{restore}
{made}
sync {folders} 2>/dev/null || true
# Whoever looks at what the daemon then does says so. Else nobody would see what a reload has not brought.
if [ "${{1:-}}" = attended ]; then {reload}; else {restart}; fi || true
[ "$failed" = 0 ] || exit 1
cd / && rm -rf {undone} && mv {journal} {undone} && rm -rf {undone}
"""
# What cannot be put back need not be where it has never gone.
_RESTORE = (
    "{{ real {folder} {place} && [ ! -d {path} ] && cp -p -- old/{number} {beside} && mv -f -- {beside} {path}; }} "
    "|| {{ rm -f -- {beside}; same old/{number} {path}; }} || failed=1"
)
_REMOVE = "[ ! -e {folder} ] || {{ real {folder} {place} && rm -f -- {path} {beside}; }} || failed=1"
_MADE = "rmdir -- {folder} 2>/dev/null || true"
# Written down first: whoever asks from now on hears the same.
_RECORD = "mkdir -p -m 700 {folder} && (umask 077 && echo {words} >{record}.new) && mv -f {record}.new {record}"


class Journal:
    """The open change of one daemon, below its state folder."""

    def __init__(self, folder: str, lock: str) -> None:
        self.folder = os.path.join(folder, "journal")
        self.lock = lock
        self._new = os.path.join(folder, "journal.new")
        self._gone = os.path.join(folder, "journal.gone")

    @property
    def is_open(self) -> bool:
        return os.path.isdir(self.folder)

    @property
    def is_confirmed(self) -> bool:
        return os.path.exists(os.path.join(self.folder, "confirmed"))

    @property
    def undo_command(self) -> tuple[str, ...]:
        return ("/bin/sh", os.path.join(self.folder, "undo.sh"))

    @property
    def deadline(self) -> float | None:
        """When the open change undoes itself, in seconds since the epoch; None where it does not, or is none."""
        try:
            with open(os.path.join(self.folder, "deadline"), encoding="ascii") as file:
                return _instant(file.read())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise HoldfastError(
                f"{self.folder}/deadline is damaged: undo the change, or remove the file, and the next run undoes it"
            ) from None

    @property
    def has_deadline(self) -> bool:
        """Whether the open change was to undo itself some time, known or not."""
        return os.path.lexists(os.path.join(self.folder, "deadline"))

    def begin(
        self,
        old: t.Sequence[FileState],
        *,
        reload: t.Sequence[str],
        restart: t.Sequence[str],
        manifest: bytes,
        deadline: float | None = None,
        agreement: t.Mapping[str, t.Any] | None = None,
        record: str = "",
    ) -> None:
        """Open the journal: these files are about to change, and this will be the manifest when it is confirmed.

        ``agreement`` is what was agreed with peers, ``record`` the file in which the outcome is written down for them.
        An undo that is attended ends with ``reload``, one that nobody looks at with ``restart``.
        """
        self.sweep()
        os.mkdir(self._new, 0o700)
        os.mkdir(os.path.join(self._new, "old"), 0o700)
        lines = []
        for number, state in enumerate(old):
            folder = os.path.dirname(state.path)
            paths = {
                "path": state.path,
                "beside": prepared_path(state.path),
                "folder": folder,
                "place": os.path.realpath(folder),
            }
            words = {name: shlex.quote(path) for name, path in paths.items()}
            if state.exists:
                lines.append(_RESTORE.format(number=number, **words))
                self._save(os.path.join("old", str(number)), state.content or b"", state)
            else:
                lines.append(_REMOVE.format(**words))
        folders = sorted({os.path.dirname(state.path) for state in old})
        script = _UNDO.format(
            lock=shlex.quote(self.lock),
            journal=shlex.quote(self.folder),
            undone=shlex.quote(self._gone),
            record=_recording(record, str(agreement["id"])) if agreement else "",
            restore="\n".join(lines),
            made="\n".join(_MADE.format(folder=shlex.quote(folder)) for folder in missing_folders(folders)),
            folders=" ".join(shlex.quote(folder) for folder in folders),
            reload=" ".join(shlex.quote(word) for word in reload) or "true",
            restart=" ".join(shlex.quote(word) for word in restart) or "true",
        )
        # To close the journal must need no room any more: confirming it renames this file, the rest only removes.
        self._save("unconfirmed", b"")
        self._save("undo.sh", os.fsencode(script + END_OF_UNDO))
        self._save("manifest.json", manifest)
        if deadline is not None:
            self._save("deadline", repr(deadline).encode())
            self._save("settle.py", pkgutil.get_data(__package__, "settle.py") or b"")
        if agreement is not None:
            self._save(AGREEMENT, json.dumps(agreement).encode())
        sync_folder(os.path.join(self._new, "old"))
        sync_folder(self._new)
        os.rename(self._new, self.folder)
        sync_folder(os.path.dirname(self.folder))

    def confirm(self) -> None:
        """Mark the change as good: from here on it is finished, never undone."""
        os.rename(os.path.join(self.folder, "unconfirmed"), os.path.join(self.folder, "confirmed"))
        sync_folder(self.folder)

    def manifest(self) -> Manifest:
        """Return what the collection owns once the change is finished; HoldfastError where that cannot be read."""
        path = os.path.join(self.folder, "manifest.json")
        return Manifest.load(read_state(path).content, path)

    def finish(self, manifest_path: str) -> None:
        """Put the new manifest in place and close the journal."""
        with contextlib.suppress(FileNotFoundError):
            os.replace(os.path.join(self.folder, "manifest.json"), manifest_path)
        sync_folder(os.path.dirname(manifest_path))
        self.abandon()

    def undo(self, *, unlock: t.Callable[[], None], relock: t.Callable[[], None], runner: Runner = run) -> None:
        """Put the old files back, reload, and close the journal; raise when a file could not be put back."""
        script = read_state(self.undo_command[-1])
        if not (script.content or b"").endswith(END_OF_UNDO.encode()):
            raise HoldfastError(
                f"the change cannot be undone, as {script.path} is {'damaged' if script.exists else 'gone'}: what was "
                f"there before lies in {self.folder}/old; put it back by hand where it is needed, then remove "
                f"{self.folder}"
            )
        unlock()
        done = runner(*self.undo_command, "attended", timeout=120.0)
        relock()
        if self.is_open and not self.is_confirmed:
            reason = "; ".join(done.output.split("\n")) or "no reason given"
            raise HoldfastError(
                f"the change could not be undone: {reason}. Mend that, then run {' '.join(self.undo_command)}"
            )

    def abandon(self) -> None:
        """Close the journal of a change that has touched no live file yet."""
        if self.is_open:
            os.rename(self.folder, self._gone)
        self.sweep()

    def sweep(self) -> None:
        """Remove what was left half made or half removed."""
        for leftover in (self._new, self._gone):
            shutil.rmtree(leftover, ignore_errors=True)

    def _save(self, name: str, content: bytes, like: FileState | None = None) -> None:
        path = os.path.join(self._new, name)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if like is not None:
                os.fchown(file.fileno(), like.uid, like.gid)
                os.fchmod(file.fileno(), like.mode)
            file.flush()
            os.fsync(file.fileno())


def _instant(text: str) -> float:
    instant = float(text)
    if not math.isfinite(instant):
        raise ValueError(f"{text} is no instant")
    return instant


def _recording(record: str, identity: str) -> str:
    """Return the line of shell that writes down that the change was undone."""
    words = {"folder": os.path.dirname(record), "words": f"{identity} undone", "record": record}
    return _RECORD.format(**{name: shlex.quote(word) for name, word in words.items()})
