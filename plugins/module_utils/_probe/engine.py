# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An open-loop client: requests go out at fixed times, whatever became of the earlier ones. Private to this collection.

A client that waits for an answer before it asks again goes silent in an outage and so hides it. This one never waits:
one thread, one selector, each request its own connection.
"""

from __future__ import annotations

import errno
import math
import resource
import selectors
import socket
import ssl
import struct
import threading
import time
import typing as t
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe import statistics
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.exchange import Incomplete, Steps, exchange
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import Sample, Samples

__all__ = ("Settings", "Window", "probe", "running")

BODY = "body"
PROXY_HEADER = b"PROXY UNKNOWN\r\n"  # haproxy.org, proxy-protocol.txt, section 2.1
KINDS = {
    errno.ECONNREFUSED: statistics.REFUSED,
    errno.ECONNRESET: statistics.RESET,
    errno.EPIPE: statistics.RESET,
    errno.ETIMEDOUT: statistics.TIMEOUT,
    errno.EHOSTUNREACH: statistics.UNREACHABLE,
    errno.ENETUNREACH: statistics.UNREACHABLE,
    errno.EHOSTDOWN: statistics.UNREACHABLE,
}
# Close by a reset: 200 connections a second would otherwise leave 12,000 ports of this host in TIME_WAIT.
AT_ONCE = struct.pack("ii", 1, 0)
DESCRIPTORS_BESIDE = 64


@dataclass(frozen=True)
class Settings:
    """What to ask, how often and for how long. Times are in seconds; ``duration`` None means until stopped.

    With ``proxy_protocol`` a PROXY header goes first, which tells no address. With ``connects`` a connection is all
    that is wanted, and ``expect`` means nothing. ``served_by`` names the answer header that says who answered, or is
    ``body`` for the first line of the body.
    """

    address: str
    port: int = 80
    path: str = "/"
    host: str = ""
    headers: t.Mapping[str, str] = field(default_factory=dict)
    rate: float = 200.0
    duration: float | None = 10.0
    timeout: float = 3.0
    slow_after: float = 0.5
    expect: tuple[int, ...] = (200,)
    served_by: str = ""
    tls: bool = False
    validate_certs: bool = True
    proxy_protocol: bool = False
    connects: bool = False

    def __post_init__(self) -> None:
        for name in ("rate", "timeout", "slow_after"):
            if getattr(self, name) <= 0:
                raise InputError(name, f"must be above 0, not {getattr(self, name):g}")
        if self.duration is not None and self.duration <= 0:
            raise InputError("duration", f"must be above 0, not {self.duration:g}")
        if not 1 <= self.port <= 65535:
            raise InputError("port", f"must be from 1 to 65535, not {self.port}")
        if not self.path.startswith("/"):
            raise InputError("path", f"must begin with a slash, not {shown(self.path)}")
        for name, text in [("path", self.path), ("host", self.host), ("headers", "".join(_flat(self.headers)))]:
            if "\r" in text or "\n" in text:
                raise InputError(name, "must not contain a line end")

    @property
    def server_name(self) -> str:
        """The name that a certificate has to bear: the host without its port."""
        return urlsplit(f"//{self.host}").hostname or self.address

    def request(self) -> bytes:
        """Return the bytes of the request, the same each time."""
        name = f"[{self.address}]" if ":" in self.address else self.address
        headers = {"Host": self.host or name, "User-Agent": "holdfast-vip-probe", "Accept": "*/*"}
        given = {key.lower() for key in self.headers}
        headers = {key: value for key, value in headers.items() if key.lower() not in given}
        headers.update(self.headers)
        headers["Connection"] = "close"
        lines = [f"GET {self.path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("utf-8")


def probe(
    settings: Settings,
    stop: threading.Event | None = None,
    on_sample: t.Callable[[Sample], None] | None = None,
) -> Samples:
    """Ask for ``duration`` seconds or until ``stop`` is set, wait for the last answers, return every request.

    ``on_sample`` is called for each request when its fate is known, in the probing thread: it must be quick.
    """
    return _Client(settings, stop or threading.Event(), on_sample or (lambda sample: None)).run()


class _Client:
    def __init__(self, settings: Settings, stop: threading.Event, on_sample: t.Callable[[Sample], None]) -> None:
        self.settings = settings
        self.stop = stop
        self.on_sample = on_sample
        self.family, self.address = _resolve(settings.address, settings.port)
        self.request = settings.request()
        self.tls = _tls(settings)
        self.selector = selectors.DefaultSelector()
        self.pending: deque[_Pending] = deque()
        self.outstanding = 0
        self.done: list[Sample] = []
        self.began = 0.0

    def run(self) -> Samples:
        settings = self.settings
        _allow_descriptors(int(settings.rate * settings.timeout) + DESCRIPTORS_BESIDE)
        wall_clock = time.time()
        self.began = time.monotonic()
        length = math.inf if settings.duration is None else settings.duration
        sent = 0
        try:
            while True:
                now = self.now()
                if self.stop.is_set():
                    length = min(length, now)
                due = sent / settings.rate
                while due <= now and due < length:
                    self.start(due)
                    sent += 1
                    due = sent / settings.rate
                self.expire()
                if due >= length and not self.outstanding:
                    break
                self.wait(due if due < length else math.inf)
        finally:
            for request in self.pending:
                request.connection.close()
            self.selector.close()
        return Samples(wall_clock, length, settings.slow_after, tuple(self.done))

    def now(self) -> float:
        return time.monotonic() - self.began

    def wait(self, due: float) -> None:
        """Sleep until the next request is due, the oldest one is overdue or a connection has news; handle the news."""
        deadline = self.pending[0].deadline if self.pending else math.inf
        for key, _events in self.selector.select(max(0.0, min(due, deadline) - self.now())):
            self.advance(key.data)

    def start(self, due: float) -> None:
        try:
            connection = socket.socket(self.family, socket.SOCK_STREAM)
        except OSError as error:
            raise HoldfastError(f"this host cannot open another connection: {error.strerror}") from error
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        settings = self.settings
        header = PROXY_HEADER if settings.proxy_protocol else b""
        request = b"" if settings.connects else self.request
        steps = exchange(connection, self.address, request, self.tls, settings.server_name, header)
        begin = self.now()
        pending = _Pending(due, begin, begin + settings.timeout, connection, steps)
        self.pending.append(pending)
        self.outstanding += 1
        self.advance(pending)

    def advance(self, request: _Pending) -> None:
        """Take a request one step further; when its fate is known, keep it."""
        try:
            event = next(request.steps)
        except StopIteration as result:
            answer = result.value
            settings = self.settings
            named = (
                answer.first_line if settings.served_by == BODY else answer.headers.get(settings.served_by.lower(), "")
            )
            is_good = settings.connects or answer.status in settings.expect
            self.finish(request, statistics.OK if is_good else statistics.STATUS, answer.status, named)
        except ssl.SSLError:
            self.finish(request, statistics.TLS)
        except Incomplete:
            self.finish(request, statistics.RESET)
        except OSError as error:
            self.finish(request, KINDS.get(error.errno or 0, statistics.OTHER))
        else:
            if event != request.event:
                if request.event:
                    self.selector.modify(request.connection, event, request)
                else:
                    self.selector.register(request.connection, event, request)
                request.event = event

    def expire(self) -> None:
        """End what has waited too long. All have the same patience, so the oldest stands first."""
        while self.pending and (self.pending[0].over or self.pending[0].deadline <= self.now()):
            request = self.pending.popleft()
            if not request.over:
                self.finish(request, statistics.TIMEOUT)

    def finish(self, request: _Pending, outcome: str, status: int = 0, server: str = "") -> None:
        if request.event:
            self.selector.unregister(request.connection)
        request.connection.close()
        request.over = True
        self.outstanding -= 1
        sample = Sample(request.due, request.begin, self.now(), outcome, status, server)
        self.done.append(sample)
        self.on_sample(sample)


class _Pending:
    """A request under way: ``event`` is what its connection is registered for, 0 before the first wait."""

    __slots__ = ("begin", "connection", "deadline", "due", "event", "over", "steps")

    def __init__(self, due: float, begin: float, deadline: float, connection: socket.socket, steps: Steps) -> None:
        self.due = due
        self.begin = begin
        self.deadline = deadline
        self.connection = connection
        self.steps = steps
        self.event = 0
        self.over = False


class Window:
    """A window that is open in the background. ``samples`` is there once it has been closed."""

    def __init__(self) -> None:
        self.samples: Samples | None = None
        self.error: BaseException | None = None
        self._changed = threading.Condition()
        self._good_since: float | None = None
        self._last_good = 0.0

    def seen(self, sample: Sample) -> None:
        with self._changed:
            if not sample.ok:
                self._good_since = None
            elif self._good_since is None:
                self._good_since = sample.end
            self._last_good = sample.end
            self._changed.notify_all()

    def settle(self, quiet: float = 1.0, timeout: float = 30.0) -> None:
        """Wait until every request of the last ``quiet`` seconds was answered as expected; else raise HoldfastError."""

        def settled() -> bool:
            return self._good_since is not None and self._last_good - self._good_since >= quiet

        with self._changed:
            self._good_since = None
            if not self._changed.wait_for(settled, timeout):
                raise HoldfastError(f"no {quiet:g} s without a failed request within {timeout:g} s")

    def summary(self) -> dict[str, t.Any]:
        """Return the statistics of the closed window."""
        if self.samples is None:
            raise HoldfastError("the window is still open: its statistics are there when it has been closed")
        return statistics.summary(self.samples)


@contextmanager
def running(settings: Settings) -> t.Iterator[Window]:
    """Ask in the background for as long as the body lasts: ``with running(settings) as window: break_something()``.

    The body begins when a first request has met its fate.
    """
    window, stop, asked = Window(), threading.Event(), threading.Event()

    def seen(sample: Sample) -> None:
        window.seen(sample)
        asked.set()

    def ask() -> None:
        try:
            window.samples = probe(settings, stop, seen)
        except BaseException as error:  # raised again where the window was opened
            window.error = error
        finally:
            asked.set()

    thread = threading.Thread(target=ask, name="vip-probe", daemon=True)
    thread.start()
    try:
        asked.wait()
        if window.error is None:
            yield window
    finally:
        stop.set()
        thread.join()
    if window.error is not None:
        raise window.error


def _flat(headers: t.Mapping[str, str]) -> t.Iterator[str]:
    for name, value in headers.items():
        yield name
        yield value


def _resolve(address: str, port: int) -> tuple[int, tuple[t.Any, ...]]:
    """Look an address up once, before the window opens: a slow name server is no outage."""
    try:
        family, _kind, _protocol, _name, result = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise HoldfastError(f"{address} cannot be looked up: {error}; give a literal address") from error
    return family, result


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context()
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _allow_descriptors(needed: int) -> None:
    """Raise this process's own limit of open files where the requests outstanding in an outage need it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise HoldfastError(
                f"rate times timeout needs {needed} open connections, the limit is {hard}: lower rate or timeout"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
