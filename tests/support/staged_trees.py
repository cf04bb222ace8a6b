# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random trees and random changes to them: what a daemon's test sees of a change, and what the change then makes.

Runs inside a host: METHOD SEED ROUNDS. The daemon's test is this program itself, which lists what it sees (``list``).
Prints the first tree and change of which the two listings differ, as JSON; nothing where all agree.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import random
import shutil
import stat
import sys
import tempfile
import typing as t

MODES = (0o644, 0o600, 0o640, 0o664, 0o755)
WRITTEN = "written.pid"
NAMES = ("a.conf", "b.conf", "c d.conf", ".hidden", "..twice", "-dash", "é.conf", "conf.d", "x", "y", "sites")


def listing(root: str) -> dict[str, list[t.Any]]:
    """Return all that lies below a folder: kind, mode, owner, and content; of a link what it leads to.

    What the test itself has written is left out.
    """
    found: dict[str, list[t.Any]] = {}
    for folder, folders, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in folders + names)):
            if os.path.basename(path) == WRITTEN:
                continue
            about = os.lstat(path)
            one: list[t.Any] = [stat.filemode(about.st_mode), about.st_uid, about.st_gid]
            if stat.S_ISLNK(about.st_mode):
                one.append(end(path))
            if os.path.isdir(path):
                ours = (WRITTEN, "holdfast-")  # a link may lead to where the stage and the lock lie
                one.append(sorted(name for name in os.listdir(path) if not name.startswith(ours)))
            elif os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    one.append(file.read())
            found[os.path.relpath(path, root)] = one
    return found


def end(path: str) -> str:
    """Return where a link leads in the end; where one would stand in a loop is no matter."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "nowhere: a loop"
    return os.path.realpath(path)


def test(root: str, *writes: str) -> None:
    """What a daemon does when it is asked to test: it makes empty files here and there, and says what it has read."""
    for path in writes:
        with open(path, "a", encoding="utf-8"):
            pass
    json.dump(listing(root), sys.stdout, ensure_ascii=False)


class InventoryBuilder:
    """A folder with a random tree in it, a place for stages beside or above it, and what the test writes to."""

    def __init__(self, home: str, chance: random.Random) -> None:
        self.chance = chance
        self.home = home
        self.root = os.path.join(home, "etc", "toy")
        self.runtime = os.path.join(home, *chance.choice(((), ("run",), ("run", "deep"))))
        self.elsewhere = os.path.join(home, "elsewhere")
        for folder in (self.root, self.runtime, self.elsewhere, os.path.join(home, "log")):
            os.makedirs(folder, exist_ok=True)
        self._file(os.path.join(self.elsewhere, "file"), "outside\n")
        folders = [self.root]
        for _number in range(chance.randrange(4, 16)):
            self._grow(folders)
        # Below these the test writes: beside the stage, above it, above the root, in the root.
        places = [self.runtime, home, os.path.dirname(self.root), os.path.join(home, "log"), self.root]
        self.writes = [os.path.join(one, WRITTEN) for one in chance.sample(places, chance.randrange(1, 6))]

    def _file(self, path: str, text: str) -> None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, self.chance.choice(MODES))

    def _grow(self, folders: list[str]) -> None:
        path = os.path.join(self.chance.choice(folders), self.chance.choice(NAMES))
        kind = self.chance.choice(("file", "file", "folder", "link", "pipe", "foreign"))
        if os.path.lexists(path):
            return
        if kind == "folder":
            os.mkdir(path)
            os.chmod(path, self.chance.choice((0o755, 0o750, 0o2755, 0o1777, 0o700)))
            folders.append(path)
        elif kind == "link":
            os.symlink(self._end(path), path)
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            self._file(path, self.text())
            if kind == "foreign":
                os.chown(path, 33, 33)

    def _end(self, path: str) -> str:
        """Return where a link may lead: up and down, from the top or from here, out and back in, nowhere."""
        inside = os.path.join(self.root, *self.chance.sample(NAMES, self.chance.randrange(1, 3)))
        outside = os.path.join(self.elsewhere, self.chance.choice(("file", "nothing", "..", "back")))
        back = os.path.join(self.elsewhere, "back")
        if not os.path.lexists(back):
            os.symlink(inside, back)
        end = self.chance.choice((inside, outside, self.root))
        return end if self.chance.random() < 0.5 else os.path.relpath(end, os.path.dirname(path))

    def text(self) -> str:
        inside = os.path.join(self.root, self.chance.choice(NAMES))
        around = self.chance.choice(("include {};\n", "path /other{};\n", "{}\n", "x={}.bak\n", "'{}' {}/*.conf\n"))
        return around.replace("{}", inside) + f"{self.chance.random()}\n" * self.chance.randrange(3)

    def wish(self, owned: t.Mapping[str, t.Any], wanted: t.Callable[[bytes, int], t.Any]) -> dict[str, t.Any]:
        """Return which files shall be ours: some of those that are, changed or not, and new ones, in new folders."""
        wish = {path: one for path, one in owned.items() if self.chance.random() < 0.6}
        for path in wish:
            if self.chance.random() < 0.5:
                wish[path] = wanted(wish[path].content, self.chance.choice(MODES))
        for _number in range(self.chance.randrange(4)):
            path = os.path.join(self.root, *self.chance.choices(NAMES, k=self.chance.randrange(1, 4)))
            if not os.path.lexists(path) or path in owned:
                wish[path] = wanted(self.text().encode(), self.chance.choice(MODES))
        return wish


def differs(method: str, seed: str) -> dict[str, t.Any] | None:
    """Change one random tree a few times; return what the test did not see as it then was."""
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import stage, transaction
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted

    chance = random.Random(seed)
    home = tempfile.mkdtemp(dir=chance.choice(("/root", "/run")))
    inventory = InventoryBuilder(home, chance)

    class Lister(Daemon):
        name = "toy"
        said = ""

        def installed(self) -> bool:
            return True

        def running(self) -> bool:
            return False

        def check(self, changes: Changes) -> stage.Check:
            def command(root: str) -> tuple[str, ...]:
                writes = (
                    root + one[len(self.root) :] if one.startswith(self.root) else one for one in inventory.writes
                )
                return (sys.executable, "-S", os.path.abspath(__file__), "list", root, *writes)

            return stage.Check(self.root, command(self.root), command, writes=tuple(inventory.writes))

        def verdict(self, completed: Completed) -> str | None:
            self.said = completed.stdout
            return None if completed.rc == 0 else completed.stderr or "no reason"

        @property
        def reload_command(self) -> tuple[str, ...]:
            return ("true",)

    only = functools.partial(stage.check_staged, methods=(method,))
    transaction.stage.check_staged = only  # type: ignore[attr-defined]
    owned: dict[str, Wanted] = {}
    try:
        for step in range(4):
            wish = inventory.wish(owned, Wanted)
            seen, before = [], listing(inventory.home)
            for check_mode in (True, False):
                daemon = Lister(root=inventory.root)
                change = transaction.Transaction(
                    daemon, check_mode=check_mode, state_folder="/var/lib/holdfast-trees", runtime=inventory.runtime
                )
                try:
                    with change:
                        change.apply(transaction.Request("toy", wish))
                except HoldfastError as error:
                    if not daemon.said:  # a link or a file is where a folder shall be: refused before any test
                        wish = owned
                        break
                    return {"seed": seed, "step": step, "error": str(error)}
                seen.append(json.loads(daemon.said))
                traces = [path for path in inventory.writes if os.path.exists(path)]
                if traces or (check_mode and listing(inventory.home) != before):
                    return {
                        "seed": seed,
                        "step": step,
                        "traces": traces or _difference(before, listing(inventory.home)),
                    }
            else:
                owned, live = wish, listing(inventory.root)
                if seen != [live, live]:
                    wrong = [_difference(one, live) for one in seen]
                    return {"seed": seed, "step": step, "writes": inventory.writes, "seen": wrong}
    finally:
        shutil.rmtree(home)
        shutil.rmtree("/var/lib/holdfast-trees", ignore_errors=True)
    return None


def _difference(seen: t.Mapping[str, t.Any], live: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        path: [seen.get(path), live.get(path)] for path in sorted({*seen, *live}) if seen.get(path) != live.get(path)
    }


def main() -> None:
    if sys.argv[1] == "list":
        test(*sys.argv[2:])
        return
    method, seed, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for number in range(rounds):
        wrong = differs(method, f"{seed}-{number}" if rounds > 1 else seed)
        if wrong is not None:
            print(json.dumps(wrong, indent=1, ensure_ascii=False))
            return


if __name__ == "__main__":
    main()
