# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a change that nobody has confirmed: it is undone, unless a peer has kept it. Private.

A copy of this file lies in the journal of such a change, and systemd runs it from there: now and after every boot,
again when it is killed, and before the daemon starts on a host that was started anew. So it imports the standard
library alone. Where the change was made on several nodes together, they ask each other, because old beside new would
be two holders. The first node that is confirmed decides for all of them, and none is confirmed by anybody but a peer
once its time is over (``late``): from then on what the nodes have can no longer change, and each finds the same.

=====================================  =======================================================================
what the peers say                     what this node does
=====================================  =======================================================================
one has ``confirmed``                  keeps the change: who kept it spoke for all
one has ``undone`` it, or only         undoes it at once: every moment longer is old beside new. Nobody was
``staged`` it when the instant came    confirmed, for that needs the word of all nodes that it is live on them
all are ``late``                       undoes it: nobody was confirmed, nobody will be. Three seconds after the
                                       deadline, which is the same on all, so that all do it at once
one is ``open``                        waits: the controller may confirm it yet
one is silent                          waits until it has asked for a minute since the deadline, or since it was
                                       started anew; then undoes it. The peer is dead or cut off, or it reasons
                                       alike. What was known good is the safer half of what cannot be known
=====================================  =======================================================================

===================================  ======================================================================
what happened                        what follows
===================================  ======================================================================
the controller dies before it has    all are late at their deadline, and all undo it
confirmed any node
... after it has confirmed one       the others hear of it within two seconds, and keep the change
one node is started anew             it is late, and its daemon waits; it follows what the others do
all are started anew                 those that were confirmed run at once and say so; if none was, all are late
one never got the order              before the instant it says ``staged``, and nobody begins
a peer stays silent for good         undone after a minute; if just that one was confirmed, and comes back later,
                                     they differ: the doctor tells it, and together makes them one again
===================================  ======================================================================

They ask by UDP, with the id of the change as a key that nobody else has. The detector of the agent answers; see
_agent/detector/answer.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
import typing as t

__all__ = (
    "AGREEMENT",
    "CONFIRMED",
    "END_OF_UNDO",
    "LATE",
    "OPEN",
    "PORT",
    "STAGED",
    "UNDONE",
    "Change",
    "answer",
    "ask",
    "decide",
)

CONFIRMED, UNDONE, STAGED, OPEN, LATE = "confirmed", "undone", "staged", "open", "late"
KEEP, UNDO, WAIT = "keep", "undo", "wait"
PORT = 7112
AGREEMENT = "joint.json"
END_OF_UNDO = "# the end of the undo\n"
"""The last line of the script that undoes a change: without it the script was cut."""
GRACE = 3.0
"""Seconds from the deadline until nodes that are all late undo the change in the same instant."""
SILENT_PEER_AFTER = 60.0
LAST_MOMENT = 1.0
"""Seconds before its deadline from which nobody can confirm a change any more."""
ROUND = 1.0
AFTER_INSTANT = 2.0
LONGEST_PAUSE = 60.0
_QUESTION, _ANSWER = b"holdfast?", b"holdfast!"
_NONCE, _DIGEST = 16, 32


def decide(answers: t.Mapping[str, str], peers: t.Collection[str], *, overdue: float, asked: float) -> str:
    """Return what to do, by the table above.

    ``answers`` are the last ones, by peer. ``overdue`` are the seconds since the deadline, infinite on a host that was
    started anew; ``asked`` are those for which the peers have been asked.
    """
    verdicts = [answers[peer] for peer in peers if peer in answers]
    if CONFIRMED in verdicts:
        return KEEP
    if UNDONE in verdicts or STAGED in verdicts:
        return UNDO
    if overdue < 0:
        return WAIT
    if len(verdicts) == len(peers) and OPEN not in verdicts:
        return UNDO if overdue >= GRACE or not peers else WAIT
    return UNDO if min(overdue, asked) >= SILENT_PEER_AFTER else WAIT


def question(identity: str, nonce: bytes) -> bytes:
    return _QUESTION + nonce + _signed(identity, b"?" + nonce)


def answer(data: bytes, known: t.Mapping[str, str]) -> bytes | None:
    """Return the answer to a question about one of the known changes (id -> how it stands), None for all else."""
    nonce = data[len(_QUESTION) : len(_QUESTION) + _NONCE]
    for identity, word in known.items():
        if hmac.compare_digest(data, question(identity, nonce)):
            payload = nonce + word.encode()
            return _ANSWER + payload + _signed(identity, b"!" + payload)
    return None


def understood(identity: str, nonce: bytes, data: bytes) -> str | None:
    """Return the word in an answer to this question, None where it is none or somebody else's."""
    payload = data[len(_ANSWER) : -_DIGEST]
    if data[: len(_ANSWER)] != _ANSWER or payload[:_NONCE] != nonce:
        return None
    return (
        payload[_NONCE:].decode() if hmac.compare_digest(data[-_DIGEST:], _signed(identity, b"!" + payload)) else None
    )


def _signed(identity: str, data: bytes) -> bytes:
    return hmac.new(identity.encode(), data, hashlib.sha256).digest()


def ask(identity: str, peers: t.Sequence[str], *, within: float = ROUND, port: int = PORT) -> dict[str, str]:
    """Ask every peer once how the change stands there; return its word by peer, without those that are silent."""
    nonce = os.urandom(_NONCE)
    result: dict[str, str] = {}
    deadline = time.monotonic() + within
    with contextlib.ExitStack() as stack:
        sockets = {}
        for peer in peers:
            family = socket.AF_INET6 if ":" in peer else socket.AF_INET
            with contextlib.suppress(OSError):
                if family not in sockets:
                    sockets[family] = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                sockets[family].sendto(question(identity, nonce), (peer, port))
        while sockets and len(result) < len(peers) and time.monotonic() < deadline:
            ready = select.select(list(sockets.values()), [], [], max(0.0, deadline - time.monotonic()))[0]
            for item in ready:
                with contextlib.suppress(OSError):
                    data, sender = item.recvfrom(512)
                    word = understood(identity, nonce, data)
                    if word is not None and sender[0] in peers:
                        result[sender[0]] = word
    return result


class Change:
    """A change of a daemon as it lies on this host. ``folder`` is the daemon's state folder, ``runtime`` is /run."""

    def __init__(self, folder: str, runtime: str, units: str = "/etc/systemd/system") -> None:
        self.folder = folder
        self.name = os.path.basename(folder)
        self.journal = os.path.join(folder, "journal")
        self.unit = f"holdfast-undo-{self.name}.service"
        self.wanted_by = ("multi-user.target", f"{self.name}.service")
        self.unit_file = os.path.join(units, self.unit)
        self._links = [os.path.join(units, f"{target}.wants", self.unit) for target in self.wanted_by]
        self._lock = os.path.join(runtime, f"holdfast-{self.name}.lock")
        # Only a host that was not started anew since still has it.
        self._armed = os.path.join(runtime, f"holdfast-{self.name}.armed")
        self.record = os.path.join(os.path.dirname(folder), "decided", self.name)

    @property
    def is_open(self) -> bool:
        return os.path.isdir(self.journal)

    @property
    def is_confirmed(self) -> bool:
        return os.path.exists(os.path.join(self.journal, CONFIRMED))

    @property
    def is_armed(self) -> bool:
        """Whether the undo was armed since the host was started."""
        return os.path.exists(self._armed)

    @property
    def overdue(self) -> float:
        """Seconds since its time was over, negative until then. The clock of the day may be set meanwhile."""
        return self._since(0)

    @property
    def begun(self) -> float:
        """Seconds since the instant at which it was to become live, negative until then."""
        return self._since(1)

    def _since(self, number: int) -> float:
        try:
            return time.monotonic() - float(_text(self._armed).split()[number])
        except (ValueError, IndexError):
            return float("inf")

    @property
    def agreement(self) -> dict[str, t.Any]:
        """What was agreed with the peers (``id`` and ``peers``); empty for a change of this host."""
        return _agreement(os.path.join(self.journal, AGREEMENT))

    @property
    def decided(self) -> tuple[str, str]:
        """Return id and outcome of the change that was decided last; two empty texts for none."""
        identity, _blank, outcome = _text(self.record).strip().rpartition(" ")
        return identity, outcome

    def known(self) -> dict[str, str]:
        """Return how the changes stand that a peer may ask about, by their ids."""
        result = {}
        staged = _agreement(os.path.join(self.folder, AGREEMENT)).get("id")
        if staged:
            result[staged] = STAGED
        identity, outcome = self.decided
        if identity:
            result[identity] = outcome
        under_way = self.agreement.get("id")
        if under_way and result.get(under_way) != UNDONE:
            result[under_way] = CONFIRMED if self.is_confirmed else OPEN if self.overdue < 0 else LATE
        return result

    def write_down(self, identity: str, outcome: str) -> None:
        """Remember how a change ended, for peers that ask later."""
        os.makedirs(os.path.dirname(self.record), mode=0o700, exist_ok=True)
        _write(self.record, f"{identity} {outcome}\n")

    def arm(self, *, seconds: float, instant: float) -> None:
        """Note that the undo was armed since the host was started: in how many seconds what is to happen."""
        now = time.monotonic()
        _write(self._armed, f"{now + seconds!r} {now + instant!r}\n")

    def disarm(self) -> None:
        """Remove what runs this program again."""
        for path in (*self._links, self.unit_file, self._armed):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def keep(self) -> None:
        """Close the journal; the change stays. Nothing happens where it was decided otherwise meanwhile."""
        with open(self._lock, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            identity = self.agreement.get("id", "")
            if not self.is_open or self.decided == (identity, UNDONE):
                return
            # All of this needs no room on the disk but the note for peers.
            if not self.is_confirmed:
                os.rename(os.path.join(self.journal, "unconfirmed"), os.path.join(self.journal, CONFIRMED))
            if identity:
                with contextlib.suppress(OSError):
                    self.write_down(identity, CONFIRMED)
            with contextlib.suppress(FileNotFoundError):
                os.replace(os.path.join(self.journal, "manifest.json"), os.path.join(self.folder, "manifest.json"))
            gone = os.path.join(self.folder, "journal.gone")
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(self.journal, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def undo(self) -> str:
        """Put the old files back and reload; return why it did not work, empty when it did."""
        script = os.path.join(self.journal, "undo.sh")
        if not _text(script).endswith(END_OF_UNDO):
            return f"{script} is damaged: put back by hand what lies in {self.journal}/old"
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            ["/bin/sh", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if not self.is_open or self.is_confirmed:
            return ""
        return done.stdout.decode(errors="replace").strip() or f"it ended with code {done.returncode}"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _agreement(path: str) -> dict[str, t.Any]:
    try:
        result = json.loads(_text(path))
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _write(path: str, text: str) -> None:
    """Write a file that only root reads, whole or not at all."""
    descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def settle(change: Change, ready: t.Callable[[], None] = lambda: None) -> None:
    """Wait until it is known what becomes of the change, and bring that about, however often it takes.

    ``ready`` is called when the daemon may run: at once, but on a host that was started anew only at the end.
    """
    if change.is_armed:
        ready()
    answers: dict[str, str] = {}
    began, failed = time.monotonic(), 0
    while change.is_open:
        agreed = change.agreement
        peers = [str(peer) for peer in agreed.get("peers") or ()]
        if change.is_confirmed:
            verdict = KEEP
        elif agreed and change.decided == (agreed.get("id"), UNDONE):
            verdict = UNDO
        else:
            verdict = decide(answers, peers, overdue=change.overdue, asked=time.monotonic() - began)
        if verdict == KEEP:
            change.keep()
        elif verdict == UNDO:
            reason = change.undo()
            if reason:
                pause = min(2.0**failed, LONGEST_PAUSE)
                failed += 1
                _say(f"The change of {change.name} could not be undone, tried again in {pause:g} s: {reason}")
                time.sleep(pause)
        else:
            time.sleep(max(0.02, min(ROUND, -change.overdue if change.overdue < 0 else GRACE - change.overdue)))
            if peers and change.begun > AFTER_INSTANT:
                answers.update(ask(str(agreed["id"]), peers))
    change.disarm()
    ready()


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _tell_systemd() -> None:
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.sendto(b"READY=1", "\0" + path[1:] if path[0] == "@" else path)


def main(arguments: t.Sequence[str]) -> int:
    """Settle the change in the state folder that is given, with the folders for runtime files and for units."""
    settle(Change(*arguments), _tell_systemd)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
