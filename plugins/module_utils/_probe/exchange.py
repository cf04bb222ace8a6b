# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request over one new connection, as steps that never block. Private to this collection."""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import typing as t
from dataclasses import dataclass

__all__ = ("Answer", "Incomplete", "Steps", "exchange")

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
CHUNK = 65536
LINE_END = b"\r\n"
HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

# Yields the event it waits for, returns the answer; raises OSError, Incomplete or ssl.SSLError.
Steps = t.Generator[int, None, "Answer"]


class Incomplete(Exception):
    """The peer closed the connection before the answer was complete, or what it sent is no HTTP answer."""


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers by lower-case name (the last of each), body without its transfer coding."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    @property
    def first_line(self) -> str:
        """The first line of the body, stripped and at most 100 characters long."""
        return self.body.split(b"\n", 1)[0][:100].decode(errors="replace").strip()


def exchange(
    connection: socket.socket,
    address: tuple[t.Any, ...],
    request: bytes,
    tls: ssl.SSLContext | None,
    name: str,
    header: bytes = b"",
) -> Steps:
    """Connect, send the request and read one whole answer; ``name`` is the server's name for TLS.

    ``header`` goes before all else, TLS too. Without a request a connection is all that is wanted; its answer has
    status 0. The connection stays the caller's, who closes it whatever happens here.
    """
    error = connection.connect_ex(address)
    if error == errno.EINPROGRESS:
        yield WRITE
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "connect")
    if not request:
        return Answer(0, {}, b"")
    while header:
        try:
            header = header[connection.send(header) :]
        except BlockingIOError:
            yield WRITE
    if tls is not None:
        return (yield from _secure(connection, request, tls, name))
    while request:
        try:
            request = request[connection.send(request) :]
        except BlockingIOError:
            yield WRITE
    received = b""
    while True:
        yield READ
        try:
            part = connection.recv(CHUNK)
        except BlockingIOError:
            continue
        received += part
        answer = read_answer(received, ended=not part)
        if answer is not None:
            return answer


def _secure(connection: socket.socket, request: bytes, tls: ssl.SSLContext, name: str) -> Steps:
    """The same over TLS: its own buffers between the engine's socket and the library."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.wrap_bio(incoming, outgoing, server_hostname=name)

    def finished(step: t.Callable[[], object]) -> t.Generator[int, None, None]:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                yield from flushed()
                yield READ
                part = connection.recv(CHUNK)
                if part:
                    incoming.write(part)
                else:
                    incoming.write_eof()
            else:
                yield from flushed()
                return

    def flushed() -> t.Generator[int, None, None]:
        pending = outgoing.read()
        while pending:
            try:
                pending = pending[connection.send(pending) :]
            except BlockingIOError:
                yield WRITE

    received: list[bytes] = []

    def receive() -> None:
        try:
            received.append(session.read(CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            received.append(b"")

    yield from finished(session.do_handshake)
    yield from finished(lambda: session.write(request))
    while True:
        yield from finished(receive)
        answer = read_answer(b"".join(received), ended=not received[-1])
        if answer is not None:
            return answer


def read_answer(received: bytes, *, ended: bool) -> Answer | None:
    """Return the answer in what was received so far, None while it is incomplete.

    ``ended`` says that nothing more will come: what is incomplete then raises Incomplete.
    """
    head, separator, body = received.partition(HEAD_END)
    if not separator:
        if ended:
            raise Incomplete(f"closed after {len(received)} bytes")
        return None
    first, *lines = head.split(LINE_END)
    words = first.split(b" ", 2)
    if not words[0].startswith(b"HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        raise Incomplete("not an HTTP answer")
    status = int(words[1])
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
    whole = _body(status, headers, body, ended)
    if whole is None:
        if ended:
            raise Incomplete(f"closed after {len(body)} bytes of the body")
        return None
    return Answer(status, headers, whole)


def _body(status: int, headers: t.Mapping[str, str], body: bytes, ended: bool) -> bytes | None:
    """Return the whole body, None while it is incomplete (RFC 9112, section 6.3)."""
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _joined(body) if body == LAST_CHUNK or body.endswith(LINE_END + LAST_CHUNK) else None
    length = headers.get("content-length", "")
    if length.isdigit():
        return body[: int(length)] if len(body) >= int(length) else None
    return body if ended else None


def _joined(chunks: bytes) -> bytes:
    """Return the content of a chunked body; raises Incomplete where its sizes do not add up."""
    content = []
    rest = chunks
    while rest:
        size, _end, rest = rest.partition(LINE_END)
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            raise Incomplete("a chunk without a size") from None
        if not length:
            break
        content.append(rest[:length])
        rest = rest[length + len(LINE_END) :]
    return b"".join(content)
