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
import json
import os
import re
import sys
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, HoldfastError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import settle, stage
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    FileState,
    Wanted,
    digest,
    discard,
    missing_folders,
    naming_os_errors,
    prepare,
    prepared_path,
    read_state,
    refuse_unsafe,
    sync_folder,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.journal import Journal
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.manifest import Entry, Manifest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.pending import Pending

__all__ = ("DRIFT", "Request", "Result", "Transaction", "drifted", "owned_files")

DRIFT = ("overwrite", "keep", "fail")
STATE_FOLDER = "/var/lib/holdfast"
RUNTIME_FOLDER = "/run"
UNIT_FOLDER = "/etc/systemd/system"
FOLDER_PREFIX = "holdfast-"
"""How the folders begin, below that of a daemon, that are there for files of this collection alone."""
PREPARED, BARELY = 1.5, 0.3
"""Seconds before the instant: from when peers are asked whether they are prepared, and until when they must be."""
_IDENTITY = re.compile(r"[A-Za-z0-9]{16,64}")

_UNIT = """# Owned by holdfast.nginx_ha: it goes when the change is kept or undone.
[Unit]
Description=Keep or undo a change of {name} that nobody has confirmed
After=network.target
# On a host that was started anew it is known first what its configuration is.
Before={name}.service
ConditionPathIsDirectory={journal}
StartLimitIntervalSec=0

[Service]
SyslogIdentifier=holdfast-undo
Type=notify
ExecStart={command}
Restart=always
RestartPreventExitStatus=0
RestartSec=1s
TimeoutStartSec=infinity

[Install]
WantedBy={targets}
"""


@dataclass(frozen=True)
class Request:
    """What shall be: the owned files, the shared ones, and what to do with files that were edited by hand.

    ``owner`` is the module in whose name this happens; ``owned`` are all its files, others of its own are removed
    (with ``prune``: every one it owns that is not named here, and whose path begins with none of ``spared``; without:
    only those named with None).
    ``shared`` are files of somebody else that get a line of ours, or go where None is wanted; they are never owned.
    Those among them in ``keep`` are replaced as a whole: a copy of each is kept in the state folder.
    ``adopted`` are files that were there before this collection: they may be owned all the same, and stay where a
    request does not name them.
    ``findings`` are what the rules say of the request itself.
    """

    owner: str
    owned: t.Mapping[str, Wanted | None]
    shared: t.Mapping[str, Wanted | None] = field(default_factory=dict)
    prune: bool = True
    spared: tuple[str, ...] = ()
    drift: str = "overwrite"
    findings: t.Sequence[Finding] = ()
    keep: t.Collection[str] = ()
    adopted: t.Collection[str] = ()


@dataclass
class Result:
    """What happened. ``files`` holds path -> created, changed or removed; ``diff`` is what Ansible prints.

    ``running`` is whether the daemon runs at the end, ``started`` whether this change has started it, or would.
    """

    files: dict[str, str] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    validated: str = "model"
    staged_with: str | None = None
    reloaded: bool = False
    running: bool = True
    started: bool = False
    warnings: list[str] = field(default_factory=list)
    repaired: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.files) or self.repaired or self.started

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "files": [{"path": path, "action": action} for path, action in sorted(self.files.items())],
            "diff": self.diff,
            "drifted": self.drifted,
            "validated": self.validated,
            "staged_with": self.staged_with,
            "reloaded": self.reloaded,
            "running": self.running,
            "started": self.started,
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
        units: str = UNIT_FOLDER,
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
        self._agreement_path = os.path.join(self._folder, settle.AGREEMENT)
        self._lock: int | None = None
        self._made: list[str] = []
        self.journal = Journal(self._folder, self._lock_path)
        self._open_change = settle.Change(self._folder, runtime, units)
        self._settle_command = (
            *(sys.executable or "/usr/bin/python3", "-I", "-S", "-B", os.path.join(self.journal.folder, "settle.py")),
            *(self._folder, runtime, units),
        )

    def __enter__(self) -> Transaction:
        if not self.check_mode:
            with naming_os_errors(self._runtime, "nothing was changed"):
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
        self._test(changes, request, result)
        if not changes:
            self._mend(result)
        if self.check_mode:
            return result
        if not self.daemon.installed() and any(changes.values()):
            raise HoldfastError(f"{self.daemon.name} is not installed on this host: install it first")
        if not changes:
            with naming_os_errors(self._folder, "nothing was changed"):
                self._own(request)
            return result
        self._keep(request, old)
        self._open(changes, old, self._manifest_after(request, changes))
        self._swap(changes, result)
        self.confirm()
        return result

    def stage(self, request: Request) -> Result:
        """Plan and test a change and keep it on the host for ``commit``; nothing live is touched.

        Raises as ``apply`` does. A change that was staged before and not committed is forgotten.
        """
        result = Result(repaired=self.repair())
        changes, old = self._plan(request, result)
        self._test(changes, request, result)
        if not self.check_mode:
            self._keep(request, old)
            replaces = {state.path: state.digest for state in old}
            with naming_os_errors(self._folder, "nothing was changed"):
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
                self._forget()
                Pending(changes, replaces, self._manifest_after(request, changes).dump()).save(self._folder)
        return result

    def agree(self, identity: str, peers: t.Sequence[str]) -> None:
        """Name the staged change, which these peers make too: they can ask each other what becomes of it.

        ``identity`` is known to them alone. HoldfastError where nothing is staged, or others could guess it.
        """
        if not _IDENTITY.fullmatch(identity):
            raise HoldfastError("id: it has to be 16 to 64 letters and digits that nobody can guess")
        Pending.load(self._folder)
        prepare(self._agreement_path, Wanted(json.dumps({"id": identity, "peers": list(peers)}).encode(), 0o600))
        os.rename(prepared_path(self._agreement_path), self._agreement_path)

    def commit(self, *, at: float | None = None, confirm_within: float | None = None) -> Result:
        """Make the staged change live at an instant (seconds since the epoch; None: now).

        With ``confirm_within`` (seconds) the host undoes it by itself unless ``confirm`` comes in time; without,
        it is confirmed at once. HoldfastError, with nothing changed, where nothing is staged, the files have changed
        since, the instant has passed, or a peer with which it was agreed is not prepared; and with the old files put
        back where the daemon does not take it.
        """
        self.repair()
        pending = Pending.load(self._folder)
        agreement = self._agreement()
        result, old = Result(), [read_state(path) for path in pending.changes]
        for state in old:
            refuse_unsafe(state.path, self.daemon.root)
            if state.digest != pending.replaces[state.path]:
                raise HoldfastError(f"{state.path} has changed since the change was staged: stage it again")
            self._note(state, pending.changes[state.path], result)
        if not pending.changes and agreement is None:
            self._mend(result)
            self._forget()
            return result
        _refuse_past(at)
        deadline = None if confirm_within is None else (at or time.time()) + confirm_within
        manifest = Manifest.load(pending.manifest, self._manifest_path)
        self._open(pending.changes, old, manifest, deadline, agreement)
        try:
            if deadline is not None:
                self._arm(deadline, at or time.time())
            if agreement is not None and at is not None:
                self._see_prepared(agreement, at)
            _refuse_past(at)
        except HoldfastError:
            if agreement is not None:
                self._open_change.write_down(agreement["id"], settle.UNDONE)
            self._disarm()
            self._abandon(pending.changes)
            raise
        time.sleep(max(0.0, (at or 0.0) - time.time()))
        self._swap(pending.changes, result)
        self._forget()
        if deadline is None:
            self.confirm()
        return result

    def forget(self) -> bool:
        """Drop the staged change; return whether there was one. Peers that ask hear that it was undone."""
        agreement = self._agreement()
        if agreement is not None:
            self._open_change.write_down(agreement["id"], settle.UNDONE)
        return self._forget() or agreement is not None

    def repair(self) -> bool:
        """Finish or undo what a killed run left; return whether there was anything. In check mode nothing is done."""
        if self.check_mode or not self.journal.is_open:
            return self.journal.is_open
        if self.journal.is_confirmed:
            self._finish()
            return True
        if self.journal.deadline is None:
            self.undo()
            return True
        left = -self._open_change.overdue
        if left > 0:
            raise HoldfastError(
                f"a change of {self.daemon.name} on this host still awaits its confirmation for "
                f"{left:.0f} s: confirm it, undo it, or wait until it has undone itself"
            )
        if self._open_change.agreement:
            # Peers may have kept it: undone here alone, it would be old beside new.
            self._release_lock()
            self.runner(*self._settle_command, timeout=2 * settle.SILENT_PEER_AFTER)
            self._take_lock()
        if self.journal.is_open:
            self.undo()
        return True

    def undo(self) -> None:
        """Put back what the open journal holds, reload, and see that it runs as before; HoldfastError where not.

        Where it was armed, the host goes on trying until it succeeds.
        """
        armed = self.journal.has_deadline
        running = self.daemon.running()
        before = self.daemon.before_reload() if running else None
        self.journal.undo(unlock=self._release_lock, relock=self._take_lock, runner=self.runner)
        if armed:
            self._disarm()
        refusal = self.daemon.restored(before, timeout=self.timeout) if running else None
        if refusal is not None:
            raise HoldfastError(
                f"the old files of {self.daemon.name} are back, and it does not run as they say: {refusal}. "
                f"Restart it: systemctl restart {self.daemon.name}"
            )

    def confirm(self, identity: str = "") -> None:
        """Close the journal: the change stays, as it does where a peer has told this host already.

        ``identity`` is that of a change that was agreed with peers. HoldfastError where there is none any more to
        confirm, and from a moment before its deadline on: from then on it is settled with the peers alone.
        """
        if not self.journal.is_open:
            if identity and self._open_change.decided == (identity, settle.CONFIRMED):
                return
            raise HoldfastError(f"no change of {self.daemon.name} awaits its confirmation: it has undone itself")
        agreed = self._open_change.agreement.get("id", "")
        if self.journal.has_deadline and not self.journal.is_confirmed:
            undone = agreed and self._open_change.decided == (agreed, settle.UNDONE)
            if undone or self._open_change.overdue > -settle.LAST_MOMENT:
                raise HoldfastError(
                    f"the change of {self.daemon.name} can no longer be confirmed: it undoes itself, unless a peer has "
                    f"kept it (see {self.journal.folder})"
                )
        try:
            with naming_os_errors(self.journal.folder, "all was put back"):
                self.journal.confirm()
        except HoldfastError:
            self.undo()
            raise
        self._finish()

    def _finish(self) -> None:
        """Close the journal of the confirmed change, and note it down for peers that ask later."""
        armed, agreed = self.journal.has_deadline, self._open_change.agreement.get("id", "")
        if agreed:
            with contextlib.suppress(OSError):
                self._open_change.write_down(agreed, settle.CONFIRMED)
        # Before the journal closes: a run that is killed here is finished by the next.
        with contextlib.suppress(HoldfastError):
            self._remove_emptied(self.journal.manifest())
        with naming_os_errors(
            self._folder, f"the change is in force and stays, and the next run closes {self.journal.folder}"
        ):
            self.journal.finish(self._manifest_path)
        if armed:
            self._disarm()

    def _remove_emptied(self, after: Manifest) -> None:
        """Remove the folders of this collection that hold nothing any more once ``after`` is all that it owns."""
        for path in set(self.manifest().files) - set(after.files):
            folder = os.path.dirname(path)
            while f"{os.sep}{FOLDER_PREFIX}" in folder[len(self.daemon.root) :]:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                folder = os.path.dirname(folder)

    def manifest(self) -> Manifest:
        """Return what the collection owns on this host."""
        return Manifest.load(read_state(self._manifest_path).content, self._manifest_path)

    def _plan(self, request: Request, result: Result) -> tuple[dict[str, Wanted | None], list[FileState]]:
        manifest = self.manifest()
        wanted: dict[str, Wanted | None] = {}
        if request.prune:
            owned = (path for path in manifest.owned_by(request.owner) if path not in request.adopted)
            wanted.update({path: None for path in owned if not path.startswith(request.spared)})
        wanted.update(request.owned)
        wanted.update(request.shared)
        changes: dict[str, Wanted | None] = {}
        old: list[FileState] = []
        for path in sorted(wanted):
            refuse_unsafe(path, self.daemon.root)
            state, entry = read_state(path), manifest.files.get(path)
            if entry is not None and entry.owner != request.owner and path not in request.shared:
                raise HoldfastError(f"{path} belongs to {entry.owner} on this host: make the change there")
            is_foreign = entry is None and path in request.owned and path not in request.adopted
            if is_foreign and state.exists and not state.satisfies(wanted[path]):
                raise HoldfastError(
                    f"{path} is there already and was not written by this collection: move it away, it would be lost"
                )
            if state.satisfies(wanted[path]):
                continue
            if entry is not None and state.digest != entry.digest and path not in request.shared:
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
        shown = (self.daemon.redact((text or b"").decode(errors="replace")) for text in (state.content, after))
        if wanted is not None and state.content == after:
            sides = ((state.mode, state.gid), (wanted.mode, wanted.gid))
            other_group = wanted.gid not in (None, state.gid)
            shown = (f"mode: {mode:04o}\n" + (f"group: {gid}\n" if other_group else "") for mode, gid in sides)
        before, now = shown
        result.diff.append(
            {
                "before_header": state.path,
                "after_header": state.path,
                "before": before,
                "after": now,
            }
        )

    def _test(self, changes: Changes, request: Request, result: Result) -> None:
        self._heed(request.findings, result)
        if not self.daemon.installed():
            return
        try:
            staged = stage.check_staged(
                self.daemon.check(changes), changes, name=self.daemon.name, runtime=self._runtime, runner=self.runner
            )
        except OSError as error:
            raise HoldfastError(
                f"the configuration cannot be tested, nothing was changed: {error.filename or self._runtime}: "
                f"{error.strerror or error}"
            ) from None
        result.staged_with, result.validated = staged.method, "daemon"
        result.warnings += self.daemon.warnings(staged.completed)
        refusal = self.daemon.verdict(staged.completed)
        if refusal is not None:
            raise HoldfastError(f"{self.daemon.name} refuses the configuration, nothing was changed: {refusal}")
        self._heed(self.daemon.findings(staged.completed), result)

    def _heed(self, findings: t.Sequence[Finding], result: Result) -> None:
        """Show the warnings among these, and raise where there are errors."""
        result.warnings += [str(finding) for finding in findings if finding.severity == "warning"]
        wrong = [str(finding) for finding in errors(findings)]
        if wrong:
            raise HoldfastError(f"{'; '.join(wrong)}. Nothing was changed.")

    def _keep(self, request: Request, old: t.Sequence[FileState]) -> None:
        """Copy what is about to be replaced as a whole, and is nobody's else to bring back."""
        folder = os.path.join(self._folder, "adopted")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for state in old:
            if state.path in request.keep and state.content is not None:
                path = os.path.join(folder, f"{os.path.basename(state.path)}.{now}")
                try:
                    os.makedirs(folder, mode=0o700, exist_ok=True)
                    prepare(path, Wanted(state.content, 0o600))
                    os.rename(prepared_path(path), path)
                except OSError as error:
                    raise HoldfastError(f"{path} cannot be written ({error.strerror}), nothing was changed") from None

    def _open(
        self,
        changes: Changes,
        old: t.Sequence[FileState],
        manifest: Manifest,
        deadline: float | None = None,
        agreement: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        """Open the journal and write the new files beside the old ones."""
        self._made = missing_folders(os.path.dirname(path) for path in changes)
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            self.journal.begin(
                old,
                reload=self.daemon.reload_command,
                restart=self.daemon.restart_command,
                manifest=manifest.dump(),
                deadline=deadline,
                agreement=agreement,
                record=self._open_change.record,
            )
            for path, wanted in changes.items():
                if wanted is not None:
                    prepare(path, wanted)
        except OSError as error:
            self._abandon(changes)
            raise HoldfastError(
                f"{error.filename or self._folder} cannot be written ({error.strerror}), nothing was changed"
            ) from None

    def _abandon(self, changes: Changes) -> None:
        """Close the journal of a change that has not become live, and remove what was prepared for it."""
        for path in changes:
            with contextlib.suppress(OSError):
                discard(path)
        for folder in self._made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        with naming_os_errors(self.journal.folder, "nothing was changed"):
            self.journal.abandon()

    def _swap(self, changes: Changes, result: Result) -> None:
        """Put the new files in place and have the daemon run them, or put the old ones back."""
        try:
            for path, wanted in changes.items():
                if wanted is None:
                    os.unlink(path)
                else:
                    os.rename(prepared_path(path), path)
            for folder in sorted({os.path.dirname(path) for path in changes}):
                sync_folder(folder)
            if changes:
                self._reload(changes, result)
        except OSError as error:
            self.undo()
            raise HoldfastError(f"{error.filename} cannot be replaced ({error.strerror}), all was put back") from None
        except HoldfastError as error:
            try:
                self.undo()
            except HoldfastError as undone:
                raise HoldfastError(f"{error}; {undone}") from None
            raise
        except BaseException:
            self.undo()
            raise

    def _manifest_after(self, request: Request, changes: Changes) -> Manifest:
        written = {}
        for path, wanted in request.owned.items():
            # A file that was edited by hand and is kept stays owned by what was written to it, so it stays drift.
            if wanted is not None and (path in changes or read_state(path).digest == digest(wanted.content)):
                written[path] = Entry(request.owner, digest(wanted.content))
        manifest = self.manifest()
        gone = [path for path in changes if changes[path] is None]
        # Given back: what is shared is nobody's.
        gone += [path for path in manifest.owned_by(request.owner) if path in request.shared]
        # Somebody else removed these before us.
        for path in manifest.owned_by(request.owner):
            if path in request.adopted and path not in request.owned:
                continue
            unwanted = request.owned.get(path) is None and (request.prune or path in request.owned)
            if unwanted and not read_state(path).exists:
                gone.append(path)
        return manifest.replaced(written=written, removed=gone)

    def _own(self, request: Request) -> None:
        """Take files into the manifest that were right already."""
        manifest = self._manifest_after(request, {})
        if manifest != self.manifest():
            self._remove_emptied(manifest)
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            prepare(self._manifest_path, Wanted(manifest.dump(), 0o600))
            os.rename(prepared_path(self._manifest_path), self._manifest_path)

    def _start(self, result: Result, put_back: str = "") -> None:
        """Start the daemon where it is wanted and does not run, or note that it does not; in check mode say it."""
        result.running = self.daemon.running()
        if result.running or not self.daemon.installed() or not self.daemon.wanted():
            return
        if not self.check_mode:
            refusal = self.daemon.start(timeout=self.timeout)
            if refusal is not None:
                raise HoldfastError(f"{self.daemon.name} did not run, and does not start{put_back}: {refusal}")
            result.running = True
        result.started = True

    def _reload(self, changes: Changes, result: Result) -> None:
        if not self.daemon.running():
            self._start(result, " with the new configuration, the old one was put back")
            return
        before = self.daemon.before_reload()
        done = self.runner(*self.daemon.reload_command, timeout=self.timeout)
        # Why a daemon has ended, before the reload or by it, it says better than the command that failed for it.
        refused = done.output if done.rc and self.daemon.running() else ""
        refusal = refused or self.daemon.confirm(before, changes, timeout=self.timeout)
        if refusal is not None:
            raise HoldfastError(
                f"{self.daemon.name} did not take the new configuration, the old one was put back: "
                f"{refusal or 'it gives no reason'}"
            )
        result.reloaded = True
        result.warnings += self.daemon.mended

    def _mend(self, result: Result) -> None:
        """Bring what a former run or a hand left wrong although no file differs; in check mode say it."""
        if not self.daemon.running():
            self._start(result)
            return
        if self.check_mode:
            wrong = self.daemon.differs()
        else:
            refusal = self.daemon.mend()
            if refusal is not None:
                raise HoldfastError(f"{self.daemon.name} runs, and not as its files say: {refusal}")
            wrong = self.daemon.mended
        result.repaired = result.repaired or bool(wrong)
        result.warnings += wrong

    def _agreement(self) -> dict[str, t.Any] | None:
        """Return what was agreed with the peers about the staged change, None for a change of this host alone."""
        content = read_state(self._agreement_path).content
        return None if content is None else dict(json.loads(content.decode()))

    def _forget(self) -> bool:
        was_there = Pending.exists(self._folder)
        with contextlib.suppress(OSError):  # it fits no second time: what it replaces is gone
            Pending.remove(self._folder)
        with contextlib.suppress(OSError):
            os.unlink(self._agreement_path)
        return was_there

    def _see_prepared(self, agreement: t.Mapping[str, t.Any], at: float) -> None:
        """Raise HoldfastError where a peer that answers will not make the change at its instant.

        One that has never answered cannot be asked (an older version of this collection, or no way to it).
        """
        time.sleep(max(0.0, at - PREPARED - time.time()))
        answers: dict[str, str] = {}
        while True:
            answers.update(settle.ask(agreement["id"], agreement["peers"], within=0.3))
            late = [f"{peer} ({word})" for peer, word in answers.items() if word != settle.OPEN]
            if not late or time.time() > at - BARELY:
                break
            time.sleep(0.1)
        if late:
            raise HoldfastError(
                f"not all nodes are prepared for the change at its instant ({', '.join(late)}), nothing was changed: "
                "choose a later one"
            )

    def _arm(self, deadline: float, instant: float) -> None:
        """Have systemd settle the change, whoever lives at its deadline; raise HoldfastError where it will not."""
        unit = self._open_change.unit
        text = _UNIT.format(
            name=self.daemon.name,
            journal=self.journal.folder,
            command=" ".join(self._settle_command),
            targets=" ".join(self._open_change.wanted_by),
        )
        try:
            prepare(self._open_change.unit_file, Wanted(text.encode(), 0o644))
            os.rename(prepared_path(self._open_change.unit_file), self._open_change.unit_file)
            self._open_change.arm(seconds=deadline - time.time(), instant=instant - time.time())
        except OSError as error:
            raise HoldfastError(
                f"{error.filename or unit} cannot be written ({error.strerror}), so the change could not undo itself; "
                "nothing was changed"
            ) from None
        for order in (("enable", unit), ("restart", unit)):
            done = self.runner("systemctl", *order)
            if done.rc:
                raise HoldfastError(
                    "systemd does not take the unit that would undo the change "
                    f"({done.output or 'it gives no reason'}), nothing was changed"
                )

    def _disarm(self) -> None:
        self.runner("systemctl", "stop", self._open_change.unit)
        self._open_change.disarm()

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


def _refuse_past(instant: float | None) -> None:
    if instant is not None and instant < time.time():
        raise HoldfastError(
            f"the instant passed {time.time() - instant:.1f} s ago, nothing was changed: choose a later one"
        )
