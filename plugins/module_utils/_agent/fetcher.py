# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the certificates of sites from the host that has them issued, and lets nginx serve them.

They come by ssh: the issuer knows this host by its key, and lets it read one file; this host knows the issuer by the
key that the inventory's own connection has shown. What comes is judged as that of a playbook is, before it takes the
place of the one that is served. Certificate and key change in one step, by a link to the folder that holds both.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import typing as t

from .._core.certificate import certificates, pem_blocks
from .._core.judgement import Refused, Verifier, day, in_order, in_time, is_for
from .service import ERROR, NOTICE, faults_in_words, log, read, replace_file, tell

CONFIG = "/etc/holdfast/certificates.json"
ISSUER = "/etc/holdfast/issuer.json"
LOCK = "/run/holdfast-nginx.lock"
NGINX = "nginx.service"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CONNECT, TIMEOUT = 10, 30.0  # seconds
LOCKED = 60.0  # seconds for which a run of a playbook may change nginx meanwhile
PENDING = ".reload"
"""A file that is there from before the first certificate changes until nginx has read it."""

Run = t.Callable[..., str]


class Pair(t.NamedTuple):
    """A certificate with its chain, and its key, in PEM."""

    fullchain: str
    privkey: str

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self).encode()).hexdigest()[:16]


class Site(t.NamedTuple):
    """The names of a site, and the authority that its clients trust: a text, a path, or None for those of the host."""

    names: t.Sequence[str]
    trusted: str | None


class Config:
    """The configuration file; raises ValueError with a sentence where it is no such file.

    ``certificates`` are the sites of each certificate, by its name, and ``folder`` is where they lie.
    """

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.folder = str(data["folder"])
            self.state_file = str(data["state_file"])
            self.events = str(data["events"])
            self.certificates: dict[str, list[Site]] = {
                name: [Site(list(map(str, one["names"])), one["trusted"]) for one in sites]
                for name, sites in data["certificates"].items()
            }
            if not all(map(NAME.fullmatch, self.certificates)):
                raise ValueError("a certificate has a name that is none")


class Issuer:
    """The file that says how the issuer is reached; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.host, self.address, self.user = (str(data[name]) for name in ("host", "address", "user"))
            self.port = int(data["port"])
            self.key, self.known_hosts = str(data["key"]), str(data["known_hosts"])

    @property
    def command(self) -> list[str]:
        """The words that print what the issuer has for this host. No setting of the host or of a user counts."""
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "HostKeyAlias": self.host,
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "none",
            "UpdateHostKeys": "no",
            "ConnectTimeout": str(CONNECT),
            "ServerAliveInterval": "5",
            "LogLevel": "ERROR",
        }
        said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", "-T", "-i", self.key, "-p", str(self.port), *said, f"{self.user}@{self.address}"]


def run(*words: str) -> str:
    """Run a command and return what it prints; raises OSError with its last words where it fails."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{words[0]} takes longer than {TIMEOUT:g} s") from None
    if done.returncode:
        last = done.stderr.strip().split("\n")[-1]
        raise OSError(f"{words[0]} ended with status {done.returncode}{': ' * bool(last)}{last}")
    return done.stdout


def fetch(issuer: Issuer, run: Run) -> dict[str, Pair]:
    """Return what the issuer has for this host, by the name; raises OSError, and ValueError for anything else."""
    text = run(*issuer.command)
    with faults_in_words():
        return {
            str(name): Pair(_blocks(one["fullchain"], "CERTIFICATE"), _blocks(one["privkey"], "PRIVATE KEY"))
            for name, one in json.loads(text).items()
        }


def _blocks(text: str, kind: str) -> str:
    """Return the blocks of PEM that are of this kind, or of a more special one."""
    return "".join(block for found, block in pem_blocks(text) if found.endswith(kind))


def judge(pair: Pair, sites: t.Iterable[Site], verifier: Verifier, now: float) -> None:
    """Raise Refused where a client of one of the sites would not take it, as when a playbook brings it."""
    try:
        sent = certificates(pair.fullchain)
    except ValueError as error:
        raise Refused("certificate", f"a certificate in it cannot be read: {error}") from None
    if not sent or not pair.privkey:
        raise Refused("certificate", "it is empty, or has no key")
    in_order(sent, sent)
    in_time(sent, now)
    for site in sites:
        is_for(sent, site.names)
        verifier.verify(pair.fullchain, pair.privkey, _trusted(site.trusted))


def _trusted(said: str | None) -> str | None:
    if said is None or "-----BEGIN" in said:
        return said
    try:
        with open(said, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError as error:
        raise Refused("trusted_certificate", f"{said} cannot be read: {error.strerror}") from None


class Store:
    """The folder in which each certificate is a link to a folder beside it, which holds it with its key."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @property
    def pending(self) -> bool:
        """Whether something has changed that nginx may not have read."""
        return os.path.exists(os.path.join(self._folder, PENDING))

    def read(self, name: str) -> Pair | None:
        """Return what is in place, None for nothing."""
        try:
            texts = []
            for part in Pair._fields:
                with open(os.path.join(self._folder, name, f"{part}.pem"), encoding="ascii", errors="replace") as file:
                    texts.append(file.read())
            return Pair(*texts)
        except FileNotFoundError:
            return None

    def target(self, name: str) -> str | None:
        """Return where the link leads to, None where there is none; raises OSError where it is no link."""
        try:
            return os.readlink(os.path.join(self._folder, name))
        except FileNotFoundError:
            return None

    def add(self, name: str, pair: Pair) -> str:
        """Write a pair to the disk, beside the one that is in place, and return what the link is to lead to."""
        target = f".{name}-{pair.digest}"
        folder = os.path.join(self._folder, target)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, 0o755)
        for part, text in pair._asdict().items():
            mode = 0o600 if part == "privkey" else 0o644
            handle = os.open(os.path.join(folder, f"{part}.pem"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        _sync(folder)
        return target

    def point(self, targets: t.Mapping[str, str | None]) -> None:
        """Let each link lead to its target, in one step each; None takes it away."""
        for name, target in targets.items():
            link = os.path.join(self._folder, name)
            beside = f"{link}.new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(link if target is None else beside)
            if target is not None:
                os.symlink(target, beside)
                os.rename(beside, link)
        _sync(self._folder)

    def begin(self) -> None:
        """Remember that nginx has to read what changes from here on."""
        with open(os.path.join(self._folder, PENDING), "w", encoding="ascii") as file:
            os.fsync(file.fileno())
        _sync(self._folder)

    def end(self) -> None:
        """Forget that, and remove what no link leads to."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._folder, PENDING))
        names = os.listdir(self._folder)
        kept = {self.target(name) for name in names if os.path.islink(os.path.join(self._folder, name))}
        for name in names:
            if name.startswith(".") and name not in kept:
                shutil.rmtree(os.path.join(self._folder, name), ignore_errors=True)


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def bring(config: Config, issuer: Issuer, verifier: Verifier, run: Run, now: float, lock: str = LOCK) -> list[str]:
    """Bring what the issuer has into place, and return a sentence for each certificate with which that fails.

    What is in place of such a one stays. nginx reads all that have changed in one reload.
    """
    store = Store(config.folder)
    faults, new = [], {}
    there: dict[str, Pair] = {}
    try:
        there = fetch(issuer, run)
    except (OSError, ValueError) as error:
        faults.append(f"nothing can be fetched from {issuer.host}: {error}")
    for name, sites in config.certificates.items() if not faults else ():
        try:
            if name not in there:
                faults.append(f"{issuer.host} has no certificate {name}")
            elif there[name] != store.read(name):
                judge(there[name], sites, verifier, now)
                store.target(name)
                new[name] = there[name]
        except Refused as error:
            faults.append(f"the new {error.part} of {name} is refused: {error.message}")
        except OSError as error:
            faults.append(f"{name} is not in place: {error}")
    if new or store.pending:
        faults += _serve(store, new, run, lock)
    return [f"{fault}; {_left(store, config.certificates, now)}" for fault in faults]


def _serve(store: Store, new: t.Mapping[str, Pair], run: Run, lock: str) -> list[str]:
    """Put new pairs in place and let nginx read them, or have the former ones there again, with a sentence why."""
    with _locked(lock):
        before = {name: store.target(name) for name in new}
        targets = {name: store.add(name, pair) for name, pair in new.items()}
        store.begin()
        store.point(targets)
        try:
            if _runs(run):
                run("systemctl", "reload", NGINX)
        except OSError as error:
            store.point(before)
            return [f"nginx does not take {' and '.join(new) or 'what was brought before'}: {error}"]
        store.end()
    for name, pair in new.items():
        log(NOTICE, f"{name} was renewed: its new certificate ends {day(certificates(pair.fullchain)[0].ends)}.")
    return []


def _runs(run: Run) -> bool:
    return run("systemctl", "show", "--property=ActiveState", "--value", NGINX).strip() in ("active", "reloading")


def _left(store: Store, names: t.Iterable[str], now: float) -> str:
    """Return how long what is in place lasts, in words."""
    said = []
    for name in names:
        sent: t.Sequence[t.Any] = ()
        with contextlib.suppress(OSError, ValueError):
            pair = store.read(name)
            sent = certificates(pair.fullchain) if pair else ()
        said.append(f"{name} has {sent[0].days_left(now)} days left" if sent else f"{name} is not there")
    return ", ".join(said)


@contextlib.contextmanager
def _locked(path: str) -> t.Iterator[None]:
    """Keep a playbook from changing nginx meanwhile; raises OSError where one goes on doing so."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # none has run since the host has started
        yield
        return
    try:
        deadline = time.monotonic() + LOCKED
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OSError("a playbook is changing nginx all the time") from None
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def report(config: Config, faults: t.Sequence[str]) -> None:
    """Tell of faults, and whoever wants to know of their beginning and their end."""
    message = "; ".join(faults)
    for fault in faults:
        log(ERROR, f"{fault}.")
    before: t.Any = None
    with contextlib.suppress(OSError, ValueError), open(config.state_file, encoding="utf-8") as file:
        before = json.load(file)
    replace_file(config.state_file, json.dumps({"message": message}), 0o644)
    was_faulty = isinstance(before, dict) and bool(before.get("message"))
    if bool(faults) != was_faulty:
        state = "raised" if faults else "cleared"
        said = message or "All certificates can be fetched from the issuer again."
        tell(config.events, event="certificates", state=state, instance="", message=said)


def main(config_file: str = CONFIG, issuer_file: str = ISSUER) -> int:
    """Return 0, 1 where a certificate could not be brought and the former one stays, 2 for a wrong configuration."""
    try:
        config, issuer = read(config_file, Config), read(issuer_file, Issuer)
    except ValueError as error:
        log(ERROR, f"No certificate is fetched, its configuration {error}.")
        return 2
    verifier = Verifier(os.environ.get("RUNTIME_DIRECTORY", "/run"), "holdfast-certificate-")
    try:
        faults = bring(config, issuer, verifier, run, time.time())
        report(config, faults)
    except OSError as error:
        log(ERROR, f"The certificates are as they were: {error}.")
        return 1
    return 1 if faults else 0
