# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change to all files that a module owns, tested before and confirmed after, or not at all. Private to it.

The steps, in this order: repair what a killed run left; refuse what is unsafe to write; test the whole tree as it
would be; (check mode ends here); open the journal; write the new files beside the old ones; rename; reload; confirm
that the new configuration runs; close the journal. Until the first rename nothing live has changed; until the journal
closes, everything can be undone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply import stage
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.files import (
    FileState,
    Wanted,
    digest,
    discard,
    prepare,
    prepared_path,
    read_state,
    refuse_unsafe,
    sync_folder,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.journal import Journal
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.manifest import Entry, Manifest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Runner, run

__all__ = ("DRIFT", "Request", "Result", "Transaction", "drifted", "owned_files")

DRIFT = ("overwrite", "keep", "fail")
STATE_FOLDER = "/var/lib/holdfast"
RUNTIME_FOLDER = "/run"


@dataclass(frozen=True)
class Request:
    """What shall be: the owned files, the shared ones, and what to do with files that were edited by hand.

    ``owner`` is the module in whose name this happens; ``owned`` are all its files, others of its own are removed
    (with ``prune``: every one it owns that is not named here; without: only those named with None).
    ``shared`` are files of somebody else that get a line of ours; they are changed, but never owned or removed.
    """

    owner: str
    owned: t.Mapping[str, Wanted | None]
    shared: t.Mapping[str, Wanted] = field(default_factory=dict)
    prune: bool = True
    drift: str = "overwrite"


@dataclass
class Result:
    """What happened. ``files`` holds path -> created, changed or removed; ``diff`` is what Ansible prints."""

    files: dict[str, str] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    validated: str = "model"
    staged_with: str | None = None
    reloaded: bool = False
    warnings: list[str] = field(default_factory=list)
    repaired: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.files) or self.repaired

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "files": [{"path": path, "action": action} for path, action in sorted(self.files.items())],
            "diff": self.diff,
            "drifted": self.drifted,
            "validated": self.validated,
            "staged_with": self.staged_with,
            "reloaded": self.reloaded,
            "warnings": self.warnings,
            "repaired": self.repaired,
        }


def owned_files(daemon: str, *, state_folder: str = STATE_FOLDER) -> t.Mapping[str, Entry]:
    """Return the files of this daemon that the collection owns on this host."""
    path = os.path.join(state_folder, daemon, "manifest.json")
    return Manifest.load(read_state(path).content, path).files


def drifted(files: t.Mapping[str, Entry]) -> list[str]:
    """Return those of the owned files that no longer hold what was written to them."""
    return sorted(path for path, entry in files.items() if read_state(path).digest != entry.digest)


class Transaction:
    """The one way in which files of a daemon are changed. Use it as a context manager: it holds the lock."""

    def __init__(
        self,
        daemon: Daemon,
        *,
        check_mode: bool = False,
        state_folder: str = STATE_FOLDER,
        runtime: str = RUNTIME_FOLDER,
        runner: Runner = run,
        timeout: float = 15.0,
    ) -> None:
        self.daemon = daemon
        self.check_mode = check_mode
        self.timeout = timeout
        self.runner = runner
        self._runtime = runtime
        self._folder = os.path.join(state_folder, daemon.name)
        self._manifest_path = os.path.join(self._folder, "manifest.json")
        self._lock_path = os.path.join(runtime, f"holdfast-{daemon.name}.lock")
        self._lock: int | None = None
        self.journal = Journal(self._folder, self._lock_path)

    def __enter__(self) -> Transaction:
        if not self.check_mode:
            self._take_lock()
            stage.sweep(self._runtime, self.daemon.name)
            self.journal.sweep()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._release_lock()

    def apply(self, request: Request) -> Result:
        """Bring the host to what is requested, now and confirmed; else raise HoldfastError with nothing changed."""
        result = Result(repaired=self.repair())
        changes, old = self._plan(request, result)
        self._test(changes, result)
        if self.check_mode:
            return result
        if not changes:
            self._own(request)
            return result
        self._swap(request, changes, old)
        try:
            self._reload(changes, result)
        except HoldfastError:
            self.undo()
            raise
        self.confirm()
        return result

    def repair(self) -> bool:
        """Finish or undo what a killed run left; return whether there was anything. In check mode nothing is done."""
        if self.check_mode or not self.journal.is_open:
            return False
        if self.journal.is_confirmed:
            self.journal.finish(self._manifest_path)
            return True
        deadline = self.journal.about()["deadline"]
        if deadline is not None and time.time() < deadline:
            raise HoldfastError(
                f"a change of {self.daemon.name} on this host still awaits its confirmation for "
                f"{deadline - time.time():.0f} s: confirm it, undo it, or wait until it has undone itself"
            )
        self.undo()
        return True

    def undo(self) -> None:
        """Put back what the open journal holds, and reload."""
        self.journal.undo(unlock=self._release_lock, relock=self._take_lock, runner=self.runner)

    def confirm(self) -> None:
        """Close the journal: the change stays."""
        self.journal.confirm()
        self.journal.finish(self._manifest_path)

    def manifest(self) -> Manifest:
        """Return what the collection owns on this host."""
        return Manifest.load(read_state(self._manifest_path).content, self._manifest_path)

    def _plan(self, request: Request, result: Result) -> tuple[dict[str, Wanted | None], list[FileState]]:
        manifest = self.manifest()
        wanted: dict[str, Wanted | None] = {}
        if request.prune:
            wanted.update({path: None for path in manifest.owned_by(request.owner)})
        wanted.update(request.owned)
        wanted.update(request.shared)
        changes: dict[str, Wanted | None] = {}
        old: list[FileState] = []
        for path in sorted(wanted):
            refuse_unsafe(path, self.daemon.root)
            state, entry = read_state(path), manifest.files.get(path)
            if entry is not None and entry.owner != request.owner:
                raise HoldfastError(f"{path} belongs to {entry.owner} on this host: make the change there")
            if path in request.owned and entry is None and state.exists and not state.satisfies(wanted[path]):
                raise HoldfastError(
                    f"{path} is there already and was not written by this collection: move it away, it would be lost"
                )
            if state.satisfies(wanted[path]):
                continue
            if entry is not None and state.digest != entry.digest:
                result.drifted.append(path)
                if request.drift == "keep" and state.exists:
                    continue
                if request.drift == "fail":
                    raise HoldfastError(
                        f"{path} was edited by hand: take the edit into the inventory, or allow to overwrite it"
                    )
            changes[path] = wanted[path]
            old.append(state)
            self._note(state, wanted[path], result)
        return changes, old

    def _note(self, state: FileState, wanted: Wanted | None, result: Result) -> None:
        after = None if wanted is None else wanted.content
        action = "removed" if after is None else "changed" if state.exists else "created"
        result.files[state.path] = action
        before, now = ((content or b"").decode(errors="replace") for content in (state.content, after))
        if before == now and wanted is not None:
            before, now = f"mode: {state.mode:04o}\n", f"mode: {wanted.mode:04o}\n"
        result.diff.append(
            {
                "before_header": state.path,
                "after_header": state.path,
                "before": self.daemon.redact(before),
                "after": self.daemon.redact(now),
            }
        )

    def _test(self, changes: Changes, result: Result) -> None:
        if not self.daemon.installed():
            return
        staged = stage.check_staged(
            self.daemon.check(changes), changes, name=self.daemon.name, runtime=self._runtime, runner=self.runner
        )
        result.staged_with, result.validated = staged.method, "daemon"
        result.warnings += self.daemon.warnings(staged.completed)
        words = self.daemon.verdict(staged.completed)
        if words is not None:
            raise HoldfastError(f"{self.daemon.name} refuses the configuration, nothing was changed: {words}")

    def _swap(self, request: Request, changes: Changes, old: t.Sequence[FileState]) -> None:
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            self.journal.begin(
                old, reload=self.daemon.reload_command, manifest=self._manifest_after(request, changes).dump()
            )
            for path, wanted in changes.items():
                if wanted is not None:
                    prepare(path, wanted)
        except OSError as error:
            for path in changes:
                with contextlib.suppress(OSError):
                    discard(path)
            self.journal.abandon()
            raise HoldfastError(
                f"{error.filename or self._folder} cannot be written ({error.strerror}), nothing was changed"
            ) from None
        try:
            for path, wanted in changes.items():
                if wanted is None:
                    os.unlink(path)
                else:
                    os.rename(prepared_path(path), path)
            for folder in sorted({os.path.dirname(path) for path in changes}):
                sync_folder(folder)
        except OSError as error:
            self.undo()
            raise HoldfastError(f"{error.filename} cannot be replaced ({error.strerror}), all was put back") from None

    def _manifest_after(self, request: Request, changes: Changes) -> Manifest:
        written = {}
        for path, wanted in request.owned.items():
            # A file that was edited by hand and is kept stays owned by what was written to it, so it stays drift.
            if wanted is not None and (path in changes or read_state(path).digest == digest(wanted.content)):
                written[path] = Entry(request.owner, digest(wanted.content))
        return self.manifest().replaced(written=written, removed=(path for path in changes if changes[path] is None))

    def _own(self, request: Request) -> None:
        """Take files into the manifest that were right already."""
        manifest = self._manifest_after(request, {})
        if manifest != self.manifest():
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            prepare(self._manifest_path, Wanted(manifest.dump(), 0o600))
            os.rename(prepared_path(self._manifest_path), self._manifest_path)

    def _reload(self, changes: Changes, result: Result) -> None:
        if not self.daemon.running():
            return
        before = self.daemon.before_reload()
        done = self.runner(*self.daemon.reload_command, timeout=self.timeout)
        words = done.output if done.rc else self.daemon.confirm(before, changes, timeout=self.timeout)
        if words is not None:
            raise HoldfastError(
                f"{self.daemon.name} did not take the new configuration, the old one was put back: "
                f"{words or 'it gives no reason'}"
            )
        result.reloaded = True

    def _take_lock(self) -> None:
        handle = os.open(self._lock_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        deadline = time.monotonic() + 60.0
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise HoldfastError(
                        f"another change of {self.daemon.name} is running on this host for over a minute: "
                        "wait for it, or end it"
                    ) from None
                time.sleep(0.05)
        self._lock = handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
