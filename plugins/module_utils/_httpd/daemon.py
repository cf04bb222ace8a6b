# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apache httpd as a program on the host: its own test, its graceful restart, and the proof that it took. Private."""

from __future__ import annotations

import grp
import os
import re
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import Layout, layout_of_this_host
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import log_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import children
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import Check

__all__ = ("HttpdDaemon",)

_VERSION = re.compile(r"Apache/(\d+\.\d+\.\d+)")
# [time] [module:level] [pid 1:tid 1] (98)Address already in use: AH00072: ..., or what is said before there is a log
_LOGGED = re.compile(r"(?:\[[^]]*\] \[[^]:]*:(?P<level>\w+)\] (?:\[[^]]*\] )*)?(?P<words>.*)")
_WRONG = ("emerg", "alert", "crit", "error")
_RESUMED = "AH00489"
# The own name of the host, which no site needs, and what apachectl adds to each error.
_CHATTER = re.compile(r"AH00558|Action '-t' failed|The Apache error log may have more information|Syntax OK")


@dataclass(frozen=True)
class _Generation:
    """The processes and the length of the log before a graceful restart."""

    main: int
    children: frozenset[int]
    log_size: int


class HttpdDaemon(Daemon):
    """The Apache httpd of the package of this host, whose name and places are its layout's."""

    build_option = "-v"
    where = re.compile(r"line (?P<line>\d+) of (?P<file>/[^:\s]+)")

    # Folders that a change will make, and that its test needs.
    folders: tuple[str, ...] = ()

    def __init__(self, *, root: str = "", layout: Layout | None = None) -> None:
        self.layout = layout or layout_of_this_host()
        self.name = self.layout.name
        super().__init__(root=root)

    @property
    def main_file(self) -> str:
        return os.path.join(self.root, self.layout.main[0])

    def version_in(self, text: str) -> Version:
        found = _VERSION.search(text)
        return Version.parse(found[1] if found else text.split("\n")[0])

    def installed(self) -> bool:
        return super().installed() and os.path.exists(self.main_file)

    def pid_files(self) -> t.Sequence[str]:
        return (self.layout.pid_file,)

    def workers_group(self) -> int | None:
        """Return the number of the group of the processes that serve, None where the host does not have it."""
        try:
            return grp.getgrnam(self.layout.group).gr_gid
        except KeyError:
            return None

    def check(self, changes: Changes) -> Check:
        return Check(
            root=self.root,
            command=self.layout.test,
            command_for=lambda copy: tuple(word.format(copy=copy) for word in self.layout.test_copy),
            folders=self.folders,
        )

    def verdict(self, completed: Completed) -> str | None:
        if completed.rc == 0:
            return None
        message = " ".join(_sentences(completed.output))
        return self.placed(message or f"its test ended with code {completed.rc} and without a word")

    def warnings(self, completed: Completed) -> list[str]:
        return _sentences(completed.output)

    @property
    def reload_command(self) -> tuple[str, ...]:
        """A graceful restart that fails ends httpd; so what ran is started again with the files of before."""
        return ("systemctl", "reload-or-restart" if self.running() else "try-reload-or-restart", self.layout.unit)

    @property
    def restart_command(self) -> tuple[str, ...]:
        return ("systemctl", "restart" if self.running() else "try-restart", self.layout.unit)

    def before_reload(self) -> _Generation:
        main = self.main_pid() or 0
        return _Generation(main, frozenset(children(main)), log_file.length(self.layout.error_log))

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """The new configuration runs when the main process has said so and has new children.

        One that it cannot carry out, as a port that another program has, ends it.
        """
        if not isinstance(before, _Generation):
            raise TypeError("before_reload() gives what confirm() takes")
        deadline = time.monotonic() + timeout
        while True:
            main = self.main_pid()
            entries = _log_from(self.layout.error_log, before.log_size)
            if main is None:
                messages = [one["words"] for one in entries if one["level"] in (*_WRONG, None) and one["words"]]
                return "; ".join(map(self.placed, dict.fromkeys(messages))) or "it has ended without a word"
            resumed = any(_RESUMED in one["words"] for one in entries) or not os.path.exists(self.layout.error_log)
            if resumed and set(children(main)) - before.children:
                return None
            if time.monotonic() > deadline:
                return f"no process with the new configuration within {timeout:g} s"
            time.sleep(0.02)


def _sentences(output: str) -> list[str]:
    return [line.strip() for line in output.split("\n") if line.strip() and not _CHATTER.search(line)]


def _log_from(path: str, offset: int) -> list[t.Match[str]]:
    """Return the lines of a log of errors from there on."""
    lines = (
        _LOGGED.fullmatch(line) for line in log_file.read_from(path, offset).split("\n") if not _CHATTER.search(line)
    )
    return [line for line in lines if line]
