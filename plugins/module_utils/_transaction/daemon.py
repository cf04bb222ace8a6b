# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the transaction needs to know of a daemon. Private to this collection; each language room has one."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Completed, Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import named_process
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import Check

__all__ = ("Changes", "Daemon")

Changes = t.Mapping[str, t.Optional[Wanted]]
# Returns file -> line -> the path of the input that this line was made of.
Places = t.Callable[[], t.Mapping[str, t.Mapping[int, str]]]


class Daemon:
    """A daemon whose configuration lies below ``root``. Subclasses answer; they never write a file.

    ``binary`` is its program, which tells its build under the option ``build_option``; both ``root`` and ``binary``
    follow from the name where they are not given. ``places`` says which input the lines of the owned files come from,
    ``where`` how the daemon names file and line. ``mended`` gets a sentence for everything that a reload did not
    bring, and that was brought in another way.
    """

    name = ""
    build_option = "--version"
    where: t.Pattern[str] = re.compile(r"(?!)")

    def __init__(self, *, root: str = "", binary: str = "", places: Places = dict, runner: Runner = run) -> None:
        self.root = root or f"/etc/{self.name}"
        self.binary = binary or self.name
        self.places = places
        self.mended: list[str] = []
        self._runner = runner
        self._build: Completed | None = None

    @property
    def main_file(self) -> str:
        """The file that the daemon reads first."""
        return os.path.join(self.root, f"{self.name}.conf")

    @property
    def build(self) -> Completed:
        """What the program says of its build; exit code 127 where it is not installed."""
        if self._build is None:
            self._build = self._runner(self.binary, self.build_option)
        return self._build

    @property
    def version(self) -> Version | None:
        """The version of the program; None where it is not installed, HoldfastError where it is another program."""
        return self.version_in(self.build.output) if self.installed() else None

    def version_in(self, text: str) -> Version:
        """Return the version that stands in what the program says of its build."""
        raise NotImplementedError

    def installed(self) -> bool:
        """Return whether its own test can be run."""
        return self.build.rc != NOT_FOUND

    def pid_files(self) -> t.Sequence[str]:
        """Return the files one of which names the main process."""
        raise NotImplementedError

    def main_pid(self) -> int | None:
        """Return the main process that a pid file names, or None where it does not run."""
        return named_process(os.path.basename(self.binary), self.pid_files())

    def running(self) -> bool:
        """Return whether there is a process to reload."""
        return self.main_pid() is not None

    def wanted(self) -> bool:
        """Return whether a change has to start it where it does not run, instead of only saying so."""
        return False

    def start(self, *, timeout: float) -> str | None:
        """Start it where it does not run; return None, or in its own words why it does not run then."""
        raise NotImplementedError

    def check(self, changes: Changes) -> Check:
        """Return how to test the tree with these changes."""
        raise NotImplementedError

    def verdict(self, completed: Completed) -> str | None:
        """Return None where the test passed, else the daemon's own words."""
        raise NotImplementedError

    def warnings(self, completed: Completed) -> list[str]:
        """Return what the test said although it passed."""
        return []

    def findings(self, completed: Completed) -> list[Finding]:
        """Return what the rules of this collection say of the whole configuration, once it has passed the test."""
        return []

    @property
    def reload_command(self) -> tuple[str, ...]:
        """The command that makes a running daemon read its files again; harmless when it does not run."""
        raise NotImplementedError

    @property
    def restart_command(self) -> tuple[str, ...]:
        """The command after which a running daemon surely runs what its files say; a reload, where that is enough."""
        return self.reload_command

    def before_reload(self) -> object:
        """Return what ``confirm`` needs to tell the new configuration from the old one."""
        raise NotImplementedError

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """Wait until the new configuration runs; return None, or in the daemon's words why it does not."""
        raise NotImplementedError

    def restored(self, before: object, *, timeout: float) -> str | None:
        """Wait until what was put back runs again; return None, or why it does not. ``before`` is of before that."""
        return None

    def differs(self) -> list[str]:
        """Return in what the host is not as the files say although no file differs; a sentence each."""
        return []

    def mend(self) -> str | None:
        """Bring what ``differs`` finds; return None, or what cannot be brought."""
        return None

    def placed(self, message: str) -> str:
        """Return a message of the daemon behind the input path of what it is about, where it names a line of that."""
        paths = (self._origin(match) for match in self.where.finditer(message))
        path = next(filter(None, paths), None)
        return f"{path}: {message}" if path else message

    def located(self, sentence: str) -> str:
        """Return a sentence of this collection with the input path before each file and line that was made of input."""

        def name(match: t.Match[str]) -> str:
            path = self._origin(match)
            return f"{path}, {match[0]}" if path else match[0]

        return self.where.sub(name, sentence)

    def _origin(self, place: t.Match[str]) -> str | None:
        """Return the input path that file and line were made of, None where they are somebody else's."""
        return self.places().get(place["file"], {}).get(int(place["line"]))

    def redact(self, text: str) -> str:
        """Return this file's text without its secrets, for a diff."""
        return text
