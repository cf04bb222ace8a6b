# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches nginx and tells keepalived, by its track files, whether this node is fit to hold the address.

``nginx_crash`` is 1 while nginx's main process is dead or its listener refuses connections, ``nginx_down`` when systemd
has not brought it back within the grace period of the policy ``restart_first``, or has given up, and ``nginx_probe``
while nginx is there and does not answer, or nobody listens on a port of the service. ``check_<name>`` is 1 while a
check of the user's fails. keepalived sees every file through inotify as soon as it is written. The main process is held
by a pidfd, so its death is an event and not found by asking; a frozen nginx is found by asking it, many times a second,
for a location that it answers itself. Who answers late is not frozen: see silence.py.

Where this program stops or fails, all files become 0: its own faults must not take the address from every node.
``watcher CONFIG ended``, which systemd runs behind it, raises the alarm, however it ended.
"""

from __future__ import annotations

import selectors
import signal
import time

from ..._system.processes import read_pid
from ..service import ERROR, NOTICE, WARNING, log, log_left_out, notify, read, serve, wakened_by
from ..track import Folder, is_here
from .alarm import clear_alarm, raise_alarm
from .checker import Checker
from .children import Child, Command
from .config import Config
from .health import Health, RestartGrace
from .ports import ServicePorts
from .probe import READ, Listener, Probe
from .prober import Prober
from .process import Gone, MainProcess, Workers
from .silence import LONGEST, Silence
from .track_files import TrackFiles

CONFIG = "/etc/holdfast/watcher.json"
CRASH, DOWN, PROBE = "nginx_crash", "nginx_down", "nginx_probe"
NGINX_FILES = (CRASH, DOWN, PROBE)
WITHOUT_PIDFD = 0.02
PING = 0.5
STALL = 0.01
UNFIT_INTERVAL = 0.2  # seconds between two probes to an unfit nginx: no client waits for the result
PEERS_INTERVAL = 0.1
ASK_SYSTEMD = 0.2
SYSTEMCTL = "/usr/bin/systemctl"
RESTORE = "holdfast-restore.service"
RESTORE_AGAIN = 10.0
LET_GO = 2.0  # seconds within which keepalived has let the addresses of an unfit node go, many times over


class Peers(Listener):
    """Hears whether nginx of another node answers, if only that it lets nobody in. ``due``: when to ask next."""

    def __init__(self, silence: Silence) -> None:
        self.silence = silence
        self.due = 0.0

    def answered(self, status: int) -> None:
        if status < 500:
            self.silence.peer_answers = True

    def refused(self, reason: str) -> None:
        pass

    def silent(self, reason: str) -> None:
        pass


class Watcher(Listener):
    """The event loop: everything that happens becomes a word to Health or to a check, and the verdicts become files."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.health = Health(rise=config.rise)
        self.silence = Silence(config.limit)
        self.peers = Peers(self.silence)
        self.bad = ""  # what was wrong with the last answer, where it was a bad one
        self.grace = RestartGrace(config.patience)
        self.selector = selectors.DefaultSelector()
        self.main: MainProcess | None = None
        self.main_is_dead = False
        self.workers: Workers | None = None  # while it is in doubt whether nginx is frozen
        self.prober = Prober(self.selector, self)
        self.checker = Checker(self.selector, self.prober)
        self.ask_systemd = 0.0
        self.has_given_up: Command | None = None  # the question to systemd that is under way
        self.folder = Folder(config.track_dir)
        self.restore_due = 0.0
        self.unfit = False
        self.let_go_due: float | None = None  # when keepalived has to have let the addresses go, None once looked
        self.files = TrackFiles(config.track_dir, self.warn)
        self.ports = ServicePorts(config.ports_file, self.warn)
        self.warned: set[str] = set()
        self.running = True
        self.reload = False

    def run(self, config_file: str) -> None:
        """Watch until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        wakeup = wakened_by(signals, self.signalled)
        self.selector.register(wakeup, READ, lambda: wakeup.recv(64))
        tick = ping = time.monotonic()
        ready = False
        self.files.remove_checks_but(check.file_name for check in self.config.checks)
        while self.running:
            now = time.monotonic()
            if self.reload:
                self.reload = False
                self.read_again(config_file)
            if now >= tick:
                self.tick(now)
                tick = now + (self.config.interval if self.health.fit else max(self.config.interval, UNFIT_INTERVAL))
            for check in self.config.checks:
                if now >= check.due:
                    check.due = now + check.interval
                    self.checker.begin(check, now)
            if now >= ping:
                ping = now + PING
                log_left_out()
                self.ports.look(alive=self.health.crashed is False)
                self.report()
                self.files.look_again()
                self.look_after_folder(now)
                self.look_whether_it_let_go(now)
            doubt = self.doubt(now)
            self.judge(now)
            if not ready and self.health.crashed is not None:
                ready = True
                notify("READY=1")
                clear_alarm(self.config.track_dir, self.config.events)
            due = [tick, ping, *(check.due for check in self.config.checks), *self.await_systemd(now)]
            self.wait(min([*due, *doubt]))

    def signalled(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            self.reload = True
        elif number != signal.SIGCHLD:  # which only has to wake the loop
            self.running = False

    def tick(self, now: float) -> None:
        """Many times a second: look for a main process where none is known, and ask."""
        if self.main is None:
            self.find_main(f"{self.config.pid_file} names no running nginx")
        self.prober.hear()
        self.silence.asked(now)
        self.prober.ask(self.config.target, self, now, LONGEST * self.config.limit)

    def doubt(self, now: float) -> list[float]:
        """Judge the silence, if there is one, and ask the peers in time; return when to do so again."""
        frozen, doubtful = self.silence.frozen(now), self.silence.doubtful(now)
        if frozen is None or doubtful is None or self.health.crashed or self.health.frozen:
            self.workers = None
            return []
        if doubtful == 0 and self.workers is None and self.main is not None:
            self.workers = Workers(self.main.pid, now)
        if frozen == 0 and not self.silence.starved and self.workers is not None and self.workers.starve(now):
            self.silence.starved = True
            return [now]
        if frozen == 0:
            self.prober.hear()
            if self.silence.since is None:
                return []
            seconds = now - self.silence.since
            reason = self.bad or f"{self.config.target} has given no answer for {seconds:.2f} s"
            self.health.silent(reason)
            self.health.froze(reason)
            self.prober.drop(self.prober.open())
            return []
        if doubtful == 0 and now >= self.peers.due:
            self.peers.due = now + PEERS_INTERVAL
            for target in self.config.peers:
                self.prober.ask(target, self.peers, now, self.config.limit)
        return [now + frozen, max(now + doubtful, self.peers.due)]

    def report(self) -> None:
        """Tell systemd that the loop turns, and the verdict for ``systemctl status``."""
        state = "fit" if self.health.fit else "unfit"
        ports = f"; {self.ports.reason}" if self.ports.failed else ""
        failed = [check.name for check in self.config.checks if check.hysteresis.failed]
        checks = f"; failed checks: {', '.join(failed)}" if failed else ""
        notify(f"WATCHDOG=1\nSTATUS=nginx is {state}: {self.health.reason}{ports}{checks}")

    def wait(self, due: float) -> None:
        """Sleep until something happens or is due, and handle it. What has arrived counts before what is overdue.

        Time in which this program itself did not run (a paused machine, a starved processor) is not held against nginx.
        """
        until = min([due, *(one.deadline for one in self.under_way())])
        polling = self.main is not None and self.main.descriptor is None
        timeout = max(0.0, until - time.monotonic())
        for key, _events in self.selector.select(min(timeout, WITHOUT_PIDFD) if polling else timeout):
            key.data()
        if polling and self.main is not None and not self.main.alive():
            self.main_ended()
        for command, status in self.checker.reap():
            if command is self.has_given_up and status == 0 and self.grace.waits():
                self.grace.over = True
                self.health.reason = f"systemd has given {self.config.unit} up"
        now = time.monotonic()
        if now - until > STALL:
            for one in self.under_way():
                one.deadline += now - until
            self.silence.slept(now - until)
        self.prober.give_up(now)
        self.checker.give_up(now)

    def under_way(self) -> list[Probe | Child]:
        """Return what has a time limit that is not over."""
        return [*self.prober.probes, *self.checker.under_way()]

    # The main process

    def find_main(self, reason: str) -> None:
        """Take hold of the process that the pid file names; ``reason`` is why nginx is unfit if that one is dead.

        A pid file that is missing is no proof of death (nginx may have been told to write it elsewhere):
        then the answers alone decide. One that names no live nginx is.
        """
        self.main_is_dead = False
        try:
            self.main = MainProcess(read_pid(self.config.pid_file), self.config.program)
        except (OSError, ValueError):
            return
        except Gone:
            self.main_is_dead = True
            self.health.dead(reason)
            return
        self.warned.clear()
        if self.main.descriptor is not None:
            self.selector.register(self.main.descriptor, READ, self.main_ended)
        self.health.alive()

    def main_ended(self) -> None:
        """The held process is dead: that is a crash, unless another main process has taken its place already."""
        pid = self.forget_main()
        reason = f"main process {pid} has ended"
        self.find_main(reason)
        if self.main is None:
            self.health.dead(reason)
        else:
            log(NOTICE, f"nginx's main process {pid} has handed over to {self.main.pid}.")

    def forget_main(self) -> int:
        if self.main is None:
            return 0
        if self.main.descriptor is not None:
            self.selector.unregister(self.main.descriptor)
        self.main.close()
        pid, self.main = self.main.pid, None
        return pid

    # The probes

    def refused(self, reason: str) -> None:
        """A closed listener is as good as a dead nginx."""
        self.health.dead(reason)

    def silent(self, reason: str) -> None:
        self.bad = reason
        self.health.silent(reason)

    def answered(self, status: int) -> None:
        """A 5xx is a bad answer. Any other proves that nginx lives, though maybe without our location: no reason to
        take the address away, least of all from both nodes at once."""
        target = self.config.target
        if status >= 500:
            if status in (502, 504):
                self.warn(
                    f"nginx answers {status} for {target.path}, so a backend is asked: "
                    "with all of them down no balancer holds the address."
                )
            self.silent(f"{target} answers {status} for {target.path}")
            return
        if not 200 <= status < 300:
            self.warn(f"nginx answers {status} instead of 204 for {target.path}: is the health location missing?")
        elif self.main is None and not self.main_is_dead:
            self.warn(f"nginx answers, but {self.config.pid_file} does not exist: its crash will be seen late.")
        self.bad = ""
        now = time.monotonic()
        self.silence.answered(now, self.prober.open()[0].asked, crashed=bool(self.health.crashed))
        self.health.answered(main_is_dead=self.main_is_dead)

    # The checks of the user's, and what systemd says

    def await_systemd(self, now: float) -> list[float]:
        """Ask systemd, as long as nginx may come back, whether it has given up; return when to look again."""
        if not self.grace.waits() or self.grace.since is None:
            return []
        if now >= self.ask_systemd and not self.checker.runs(self.has_given_up):
            self.ask_systemd = now + ASK_SYSTEMD
            self.has_given_up = self.checker.start(SYSTEMCTL, "is-failed", "--quiet", self.config.unit, now=now)
        return [self.grace.since + self.grace.seconds, max(self.ask_systemd, now + WITHOUT_PIDFD)]

    def look_after_folder(self, now: float) -> None:
        """Have the folder of the track files brought back where it is another one, which keepalived does not watch."""
        if now >= self.restore_due and self.folder.replaced():
            self.restore_due = now + RESTORE_AGAIN
            log(
                ERROR,
                f"{self.config.track_dir} was removed or replaced, keepalived learns nothing: starting {RESTORE}.",
            )
            self.checker.start(SYSTEMCTL, "start", "--no-block", RESTORE, now=now)

    def look_whether_it_let_go(self, now: float) -> None:
        """Have keepalived read its configuration again, once, where it holds the addresses of a node that is unfit.

        It sees no file where inotify is exhausted (it says "Unable to monitor track files", and takes all for fit), nor
        where a file system came and went over the folder; there reading again helps.
        """
        if self.let_go_due is None or now < self.let_go_due:
            return
        self.let_go_due = None
        held = [address for address in self.config.addresses if is_here(address)]
        if held:
            log(
                ERROR,
                f"keepalived holds {', '.join(held)} {LET_GO:g} s after it was told that this node is unfit: it reads "
                "its configuration again. If it holds on, see whether journalctl -u keepalived says that it is unable "
                "to monitor track files: then raise fs.inotify.max_user_instances and restart it.",
            )
            self.checker.start(SYSTEMCTL, "--no-block", "reload", "keepalived.service", now=now)

    def warn(self, sentence: str) -> None:
        if sentence not in self.warned:
            self.warned.add(sentence)
            log(WARNING, sentence)

    # The files

    def judge(self, now: float) -> None:
        """Make all files say what is known."""
        crashed = self.health.crashed
        down = self.grace.look(crashed, now)
        if crashed is not None:
            mute = self.health.frozen or self.ports.failed
            unfit = down or mute
            if unfit != self.unfit:
                self.unfit, self.let_go_due = unfit, now + LET_GO if unfit else None
            for name, unfit in ((CRASH, crashed), (DOWN, down), (PROBE, mute)):
                is_shut = name == PROBE and self.ports.failed and not self.health.frozen
                self.files.publish(name, unfit, self.ports.reason if is_shut else self.health.reason)
        for check in self.config.checks:
            while check.warnings:
                self.warn(check.warnings.pop())
            if check.hysteresis.failed is not None:
                self.files.publish(check.file_name, check.hysteresis.failed, check.reason)

    def read_again(self, config_file: str) -> None:
        """Take over a changed configuration; keep the old one where the new one is wrong."""
        try:
            self.config = read(config_file, Config)
        except ValueError as error:
            log(ERROR, f"{config_file} is not taken over: {error}.")
            return
        self.forget_main()
        self.prober.drop(self.prober.probes)
        self.checker.stop()
        self.files = TrackFiles(self.config.track_dir, self.warn)
        self.files.remove_checks_but(check.file_name for check in self.config.checks)
        if self.ports.path != self.config.ports_file:
            self.ports = ServicePorts(self.config.ports_file, self.warn)
        self.grace.seconds = self.config.patience
        self.health.answers.rise = self.config.rise
        self.silence = Silence(self.config.limit)
        self.peers = Peers(self.silence)
        log(NOTICE, f"{config_file} has been read again.")

    def give_up(self) -> None:
        """Say fit, whatever was known: who does not watch must not take an address away."""
        self.checker.stop()
        for name in (*NGINX_FILES, *(check.file_name for check in self.config.checks)):
            self.files.set_fit(name)
        log(ERROR, "The watcher stops. Until it is back nobody sees a crash or a freeze of nginx.")


def watch(config: Config, config_file: str) -> None:
    """Watch until told to stop; whatever ends this, the node counts as fit then."""
    watcher = Watcher(config)
    try:
        watcher.run(config_file)
    finally:
        watcher.give_up()


def main(config_file: str = CONFIG, action: str = "watch") -> int:
    """Return the exit status, as ``serve`` has it."""
    if action == "ended":
        return serve(config_file, Config, lambda config: raise_alarm(config.track_dir, config.events))
    return serve(config_file, Config, lambda config: watch(config, config_file))
