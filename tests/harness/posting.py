# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that keep their connections and POST over them, and repeat nothing: what each request came to."""

from __future__ import annotations

import asyncio
import random
import select
import threading
import typing as t
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ("CLOSED", "CUT_OFF", "WAITS", "Posted", "posting")

LIMIT = 10.0  # seconds for one request
BODY = b"x" * 256

CLOSED = {"reset", "closed without an answer"}
"""How a request fails over a connection that a worker closes when it ends."""

WAITS = (1, 27, 4)
"""The first nginx whose workers wait for such requests (keepalive_min_timeout)."""

CUT_OFF = 2.0
"""Requests that may fail so at each reload of an older one: 0.5 were measured with 1.22, of a thousand a second."""


@dataclass
class Posted:
    """What came of the requests, each by its number: answered with 200, or how it failed."""

    answered: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    connections: int = 0
    asked_to_leave: int = 0  # connections that an answer said would be closed
    left_alone: int = 0  # connections that were closed while nothing was asked

    @property
    def rate(self) -> float:
        """Failed requests of all."""
        return len(self.failed) / max(1, len(self.answered) + len(self.failed))

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(self.failed.values()).items()))
        total = len(self.answered) + len(self.failed)
        return (
            f"{total} requests over {self.connections} connections, {len(self.failed)} failed ({kinds or 'none'}); "
            f"closed: {self.asked_to_leave} after an answer that said so, {self.left_alone} while idle"
        )


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[tuple[int, bool]] | None = None
        self._received = b""
        self._open = False
        self._poll = select.poll()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = t.cast(asyncio.Transport, transport)
        self._open = True
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    @property
    def open(self) -> bool:
        """Whether the other side has kept it; asked of the kernel just before a request, as clients with a pool do."""
        return self._open and not self._poll.poll(0)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or self._answer is None:
            return
        lines = head.lower().split(b"\r\n")
        [length] = [int(line[15:]) for line in lines if line.startswith(b"content-length:")] or [0]
        if len(body) >= length and not self._answer.done():
            self._answer.set_result((int(lines[0].split()[1]), b"connection: close" in lines))

    def eof_received(self) -> bool:
        return self._ended("closed without an answer")

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended("reset" if exc else "closed without an answer")

    def _ended(self, how: str) -> bool:
        self._open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(how))
        return False

    async def post(self, request: bytes) -> tuple[int, bool]:
        """Return the status, and whether the answer says that the connection ends; raises ConnectionError."""
        self._received, self._answer = b"", self._loop.create_future()
        self._transport.write(request)
        try:
            return await asyncio.wait_for(self._answer, LIMIT)
        finally:
            self._answer = None

    def close(self) -> None:
        self._open = False
        self._transport.close()


class _Clients:
    """All of them, on one loop."""

    def __init__(self, address: str, port: int, host: str, path: str, pause: float) -> None:
        self._to, self._host, self._path, self._pause = (address, port), host, path, pause
        self._next = 0
        self.posted = Posted()
        self.stopping = False

    async def run(self, count: int) -> None:
        await asyncio.gather(*(self._client() for _client in range(count)))

    async def _client(self) -> None:
        connection: _Connection | None = None
        await asyncio.sleep(random.uniform(0, self._pause))
        while not self.stopping:
            if connection is None or not connection.open:
                if connection is not None:
                    self.posted.left_alone += 1
                    connection.close()
                connection = await self._connected()
            number = self._next = self._next + 1
            head = f"POST {self._path}{number} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(BODY)}\r\n\r\n"
            try:
                status, ends = await connection.post(head.encode() + BODY)
            except (ConnectionError, TimeoutError, asyncio.TimeoutError) as error:
                self.posted.failed[number] = str(error) or f"not answered in {LIMIT:g} s"
                connection.close()
                connection = None
            else:
                if status == 200:
                    self.posted.answered.append(number)
                else:
                    self.posted.failed[number] = f"answered {status}"
                if ends:
                    self.posted.asked_to_leave += 1
                    connection.close()
                    connection = None
            await asyncio.sleep(random.uniform(0.5, 1.5) * self._pause)
        if connection is not None:
            connection.close()

    async def _connected(self) -> _Connection:
        # A connection that nobody takes is no request yet: it is tried until it is there.
        while True:
            try:
                _transport, made = await asyncio.wait_for(
                    asyncio.get_running_loop().create_connection(_Connection, *self._to), LIMIT
                )
            except (OSError, asyncio.TimeoutError):
                self.posted.failed[-len(self.posted.failed) - 1] = "no connection"
                await asyncio.sleep(self._pause)
            else:
                self.posted.connections += 1
                return made


@contextmanager
def posting(address: str, host: str, path: str, *, clients: int, pause: float, port: int = 80) -> t.Iterator[Posted]:
    """Let so many clients POST until the body ends, each again some ``pause`` seconds after its last answer.

    The path of each request ends in its number. What came of them is whole when the body has ended.
    """
    crowd = _Clients(address, port, host, path, pause)
    thread = threading.Thread(target=lambda: asyncio.run(crowd.run(clients)), daemon=True)
    thread.start()
    try:
        yield crowd.posted
    finally:
        crowd.stopping = True
        thread.join()
