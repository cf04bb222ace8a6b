# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that looks like nginx to the watcher: fake_nginx.py ADDRESS PORT PID_FILE STATUS DELAY.

It listens before it has a pid file, and gives each answer DELAY seconds after it was asked.

SIGUSR1 closes the listener, as a graceful stop does; SIGUSR2 lets it spin; SIGTERM removes the pid file and ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time


def serve(address: str, port: int, pid_file: str, status: str, delay: float) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(64)
    with open(f"{pid_file}.new", "w", encoding="ascii") as stream:
        stream.write(f"{os.getpid()}\n")
    os.replace(f"{pid_file}.new", pid_file)

    def close(_number: int, _frame: object) -> None:
        listener.close()
        signal.pause()

    def spin(_number: int, _frame: object) -> None:
        while True:
            pass

    def end(_number: int, _frame: object) -> None:
        os.unlink(pid_file)
        os._exit(0)

    signal.signal(signal.SIGUSR1, close)
    signal.signal(signal.SIGUSR2, spin)
    signal.signal(signal.SIGTERM, end)

    def answer(connection: socket.socket) -> None:
        # Whoever asked may be gone.
        with connection, contextlib.suppress(ConnectionError):
            connection.recv(4096)
            time.sleep(delay)
            connection.sendall(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    while True:
        connection, _peer = listener.accept()
        if delay:
            threading.Thread(target=answer, args=[connection], daemon=True).start()
        else:
            answer(connection)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5]))
