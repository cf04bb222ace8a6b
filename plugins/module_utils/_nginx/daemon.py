# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx as a program on the host: its own test, its reload, and the proof that the reload took. Private."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import TIMED_OUT, Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import assemble, parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import named_in
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import log_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import unit_properties
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import children
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import Check

__all__ = ("NginxDaemon", "workers")

# Directives whose argument is a file or folder that the test opens or makes. A superset does no harm.
_WRITING = re.compile(
    rb"(?:^|[\s;{}])(pid|error_log|access_log|lock_file|\w+_temp_path|\w+_cache_path)[ \t]+[\"']?([^\s;\"'$]+)"
)
_USER = re.compile(rb"(?:^|[\s;{}])user[ \t]+([^;]+);")
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_COMPILED = re.compile(
    r"--((?:prefix|user|group|pid-path|lock-path|error-log-path|http-log-path|http-[a-z-]+-temp-path))=(\S+)"
)
_NOT_FILES = ("off", "stderr", "syslog:", "memory:")
UNIT = "nginx.service"
HOME = "/etc/nginx"
_LINE = re.compile(r"^(?:\S+ \S+ )?(?:nginx: )?\[(emerg|alert|crit|error|warn)\] (?:\d+#\d+: )?(.*)$")
# What nginx says, and what there is to do where it names only one of two places.
_ADVICE = {
    "a duplicate default server": "two servers say default_server for one address: take it out of one of them. The "
    "roles say it for the first listed site unless another one does; balancer_default_server: none leaves that out",
}
# nginx tries to bind for some seconds before it gives the reload up.
_TRIES_AGAIN = re.compile(rf"bind\(\) to .* failed \({errno.EADDRINUSE}: .*")


@dataclass(frozen=True)
class _Generation:
    """The processes and the log before a reload."""

    main: int
    workers: frozenset[int]
    log: str | None
    log_size: int


class NginxDaemon(Daemon):
    """The nginx that the host runs."""

    name = "nginx"
    build_option = "-V"
    where = re.compile(r"(?P<file>/[^ :]+):(?P<line>\d+)")

    # What is asked for, with input paths as positions.
    blocks: t.Callable[[], t.Iterable[Block]] = staticmethod(tuple)
    # Folders that a change will make, and that its test needs.
    folders: tuple[str, ...] = ()
    # Whether its test has to wait for an earlier step, which check mode leaves out: a module's package, the kernel.
    awaits_step = False
    # What the last test was told to change.
    _changes: Changes = {}

    def redact(self, text: str) -> str:
        return redact(text)

    def version_in(self, text: str) -> Version:
        return parse_build(text).version

    def installed(self) -> bool:
        return super().installed() and os.path.exists(self.main_file) and not self.awaits_step

    def workers_group(self) -> int | None:
        """Return the group of nginx's workers, None where nginx is not there to say it or has none of that name."""
        try:
            with open(self.main_file, "rb") as file:
                directive = _USER.search(_COMMENT.sub(b"", file.read()))
        except OSError:
            return None
        names = directive[1].decode(errors="replace").split() if directive else []
        built = self._compiled()
        user = names[0] if names else built.get("user", "nobody")
        group = names[1] if len(names) > 1 else built.get("group", "")
        try:
            return grp.getgrnam(group).gr_gid if group else pwd.getpwnam(user).pw_gid
        except KeyError:
            return None

    def pid_files(self) -> t.Sequence[str]:
        return (self._pid_file(),)

    def check(self, changes: Changes) -> Check:
        self._changes = changes
        return Check(
            root=self.root,
            command=(self.binary, "-T", "-q", "-c", self.main_file),
            command_for=lambda copy: (self.binary, "-T", "-q", "-c", os.path.join(copy, "nginx.conf")),
            writes=tuple(sorted(self._written_paths(changes))),
            folders=self.folders,
        )

    def parsed(self, completed: Completed) -> dict[str, tuple[Block, ...]]:
        """Return the blocks of every file that the last test has read, the main file first, or raise ConfigError."""
        return parse_dump(completed.stdout, self._content)

    def findings(self, completed: Completed) -> list[Finding]:
        """The rules see the whole configuration; what they find in files of others is theirs."""
        try:
            blocks = assemble(self.parsed(completed))
        except ConfigError as error:  # nginx reads it, and that is what counts
            message = f"the rules of this collection were not applied: {error.message}; please report this"
            return [Finding("unreadable", "warning", str(error.position), message)]
        found = check(blocks, version=self.version)
        places = self.places() if found else {}
        ours = []
        for finding in found:
            at = self.where.fullmatch(finding.where)
            if at and at["file"] in places:
                path = places[at["file"]].get(int(at["line"]), "")
                ours.append(replace(finding, where=path, message=self.located(finding.message)))
        return ours

    def verdict(self, completed: Completed) -> str | None:
        if completed.rc == 0:
            return None
        if completed.rc == TIMED_OUT:
            return "its own test did not end in time: look for names of hosts that no DNS server answers for"
        messages = _logged(completed.stderr, "emerg", "alert", "crit", "error") or [completed.stderr.strip()]
        sentence = "; ".join(map(self.placed, filter(None, messages)))
        sentence = sentence or f"its test ended with code {completed.rc} and without a word"
        advice = next((advice for sign, advice in _ADVICE.items() if sign in sentence), "")
        return f"{sentence} ({advice})" if advice else sentence

    def placed(self, message: str) -> str:
        """Return a message of nginx behind the input path that it is about, also where nginx itself names no place."""
        shown = super().placed(message)
        block = named_in(message, self.blocks()) if shown == message else None
        return f"{where(block)}: {message}" if block else shown

    def warnings(self, completed: Completed) -> list[str]:
        return _logged(completed.stderr, "warn")

    @property
    def reload_command(self) -> tuple[str, ...]:
        return (self.binary, "-s", "reload", "-c", self.main_file)

    def wanted(self) -> bool:
        """Whether the distribution's service is enabled and has failed; one that was stopped on purpose stays so."""
        if self.root != HOME:
            return False
        state = unit_properties(UNIT, ("ActiveState", "UnitFileState"), self._runner)
        return state["UnitFileState"].startswith("enabled") and state["ActiveState"] in ("failed", "activating")

    def start(self, *, timeout: float) -> str | None:
        log = self.error_log()
        size = log_file.length(log)
        # systemd refuses one that it has given up.
        self._runner("systemctl", "reset-failed", UNIT)
        done = self._runner("systemctl", "start", UNIT, timeout=timeout)
        if done.rc == 0 and self.running():
            return None
        messages = list(dict.fromkeys(self.complaints(log_file.read_from(log, size))))
        return "; ".join(map(self.placed, messages)) or done.output or f"journalctl -u {UNIT} says why"

    def before_reload(self) -> _Generation:
        main = self.main_pid() or 0
        log = self.error_log()
        return _Generation(main, frozenset(workers(main)), log, log_file.length(log))

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """The new configuration runs when a new worker serves and every old one is gone or finishing its requests.

        A reload that nginx cannot carry out (a port taken by another program) leaves the old workers in place and
        says why in the error log.
        """
        if not isinstance(before, _Generation):
            raise TypeError("before_reload() gives what confirm() takes")
        deadline = time.monotonic() + timeout
        while True:
            serving = workers(before.main)
            if serving and not before.workers & set(serving):
                return None
            messages = list(dict.fromkeys(self.complaints(log_file.read_from(before.log, before.log_size))))
            if any(not _TRIES_AGAIN.fullmatch(word) for word in messages):
                return "; ".join(map(self.placed, messages))
            if self.main_pid() is None:
                return "it has ended (see: journalctl -u nginx)"
            if time.monotonic() > deadline:
                return "; ".join([*messages, f"no worker with the new configuration within {timeout:g} s"])
            time.sleep(0.01)

    @staticmethod
    def complaints(log: str) -> list[str]:
        """Return what stands in the log of errors that nginx cannot do without."""
        return _logged(log, "emerg", "alert")

    def _content(self, path: str) -> str | None:
        """Return what a file held in the last test, decoded as its output is."""
        if path in self._changes:
            wanted = self._changes[path]
            return wanted.content.decode(errors="replace") if wanted else None
        try:
            with open(path, "rb") as file:
                return file.read().decode(errors="replace")
        except OSError:
            return None

    def _compiled(self) -> dict[str, str]:
        return dict(_COMPILED.findall(self.build.output))

    def _pid_file(self) -> str:
        return self._directive("pid") or self._compiled().get("pid-path", "/run/nginx.pid")

    def error_log(self) -> str | None:
        """Return the path of its log of errors, None where that is no file."""
        path = self._directive("error_log") or self._compiled().get("error-log-path", "")
        return None if not path or path.startswith(_NOT_FILES) else self._absolute(path)

    def _directive(self, name: str) -> str | None:
        """Return the argument of a main-level directive of the live main file."""
        try:
            with open(self.main_file, "rb") as file:
                found = [value for key, value in _named(file.read()) if key == name.encode()]
        except OSError:
            return None
        return self._absolute(os.fsdecode(found[0])) if found else None

    def _absolute(self, path: str) -> str:
        return os.path.join(self._compiled().get("prefix", "/usr/share/nginx"), path)

    def _written_paths(self, changes: Changes) -> t.Iterator[str]:
        for name, path in self._compiled().items():
            if name not in ("prefix", "user", "group"):
                yield self._absolute(path)
        texts = [wanted.content for wanted in changes.values() if wanted is not None]
        for folder, _folders, names in os.walk(self.root):
            for path in (os.path.join(folder, name) for name in names):
                if path not in changes and os.path.isfile(path):
                    with open(path, "rb") as file:
                        texts.append(file.read())
        for text in texts:
            for _name, value in _named(text):
                path = os.fsdecode(value)
                if not path.startswith(_NOT_FILES):
                    yield self._absolute(path)


def _named(text: bytes) -> list[tuple[bytes, bytes]]:
    """Return directive and path for every file or folder that a configuration names for writing."""
    return _WRITING.findall(_COMMENT.sub(b"", text))


def workers(main: int) -> list[int]:
    """Return the worker processes of this main process that take new connections."""
    found = []
    for pid in children(main):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                title = file.read().rstrip(b"\0")
        except OSError:
            continue
        if title == b"nginx: worker process":
            found.append(pid)
    return found


def _logged(text: str, *levels: str) -> list[str]:
    """Return nginx's messages of these levels, without time stamps and process numbers."""
    found = (_LINE.match(line) for line in text.split("\n"))
    return [match[2].strip() for match in found if match and match[1] in levels]
