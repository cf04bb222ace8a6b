# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that looks like nginx to the watcher: fake_nginx.py PORT PID_FILE STATUS. Listens before it has a pid file.

SIGUSR1 closes the listener, as a graceful stop does; SIGTERM removes the pid file and ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys


def serve(port: int, pid_file: str, status: str) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    with open(f"{pid_file}.new", "w", encoding="ascii") as stream:
        stream.write(f"{os.getpid()}\n")
    os.replace(f"{pid_file}.new", pid_file)

    def close(_number: int, _frame: object) -> None:
        listener.close()
        signal.pause()

    def end(_number: int, _frame: object) -> None:
        os.unlink(pid_file)
        os._exit(0)

    signal.signal(signal.SIGUSR1, close)
    signal.signal(signal.SIGTERM, end)
    while True:
        connection, _peer = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3])
