# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon small enough to see through: it reads a folder, refuses files that say BAD, cannot load those with POISON.

Run as a program it applies one change, and kills itself at the N-th thing that it does to the system.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import Check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Request, Transaction


class FakeDaemon(Daemon):
    """Its running configuration is what ``loaded`` beside its folder holds: all files, one after the other.

    Where ``loaded.lost`` is, it has lost something that its files say; for good where that is a folder.
    """

    name = "daemon"

    def __init__(self, home: str) -> None:
        super().__init__(root=os.path.join(home, "etc"))
        self.loaded = os.path.join(home, "loaded")
        self.trace = os.path.join(home, "trace")

    def installed(self) -> bool:
        return True

    def running(self) -> bool:
        return True

    def check(self, changes: Changes) -> Check:
        def command(root: str) -> tuple[str, ...]:
            return ("sh", "-c", f": > {self.trace}; if grep -rs BAD {root} >&2; then exit 1; fi")

        return Check(self.root, command(self.root), command, writes=(self.trace,))

    def verdict(self, completed: Completed) -> str | None:
        return None if completed.rc == 0 else completed.output

    @property
    def reload_command(self) -> tuple[str, ...]:
        return ("sh", "-c", f"grep -rqs POISON {self.root} || cat {self.root}/*.conf > {self.loaded} 2>/dev/null; true")

    def before_reload(self) -> object:
        return None

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        return None if self.running_text() == self.files_text() else "it still runs the old configuration"

    def restored(self, before: object, *, timeout: float) -> str | None:
        return "it has lost something" if os.path.exists(f"{self.loaded}.lost") else None

    def differs(self) -> list[str]:
        return ["it has lost something"] if os.path.exists(f"{self.loaded}.lost") else []

    def mend(self) -> str | None:
        lost = self.differs()
        if lost and os.path.isdir(f"{self.loaded}.lost"):
            return "it has lost something for good"
        self.mended += lost
        if lost:
            os.unlink(f"{self.loaded}.lost")
        return None

    def running_text(self) -> str:
        with open(self.loaded, encoding="utf-8") as file:
            return file.read()

    def files_text(self) -> str:
        paths = [os.path.join(self.root, name) for name in sorted(os.listdir(self.root)) if not name.startswith(".")]
        return "".join(open(path, encoding="utf-8").read() for path in paths if os.path.isfile(path))


def transaction(home: str, *, check_mode: bool = False) -> Transaction:
    return Transaction(
        FakeDaemon(home),
        check_mode=check_mode,
        state_folder=os.path.join(home, "var"),
        runtime=os.path.join(home, "run"),
    )


def request(home: str, texts: t.Mapping[str, str], **more: t.Any) -> Request:
    owned = {os.path.join(home, "etc", name): Wanted(text.encode()) for name, text in texts.items()}
    return Request("toy_config", owned, **more)


_ACTS = ("open", "os.", "subprocess.Popen", "shutil.")


def _kill_at(step: int) -> None:
    seen = 0

    def count(event: str, args: tuple[t.Any, ...]) -> None:
        nonlocal seen
        if not event.startswith(_ACTS) or event in ("os.listdir", "os.scandir"):
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            return
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def main() -> None:
    home, texts, step = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    _kill_at(step)
    with transaction(home) as change:
        change.apply(request(home, texts))


if __name__ == "__main__":
    main()
