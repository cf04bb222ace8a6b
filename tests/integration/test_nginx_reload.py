# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads of the real nginx while five hundred clients POST over the connections that they keep.

A worker that ends closes the connections on which nothing is asked at that moment, and a request that is on its way
there is reset. From nginx 1.27.4 on it waits for `keepalive_min_timeout`; before, nothing in a configuration helps.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import typing as t
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from real_nginx import Nginx

from harness.posting import CLOSED, CUT_OFF, WAITS, posting
from harness.waiting import eventually

RELOADS = 20
CLIENTS = 500
PAUSE = 1.0  # seconds between two requests of a client
EVERY = 0.6  # seconds from one reload to the next
SITE = "site.example"
BACKEND = 'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "accepted"; }} }}'
MAIN = """
pid {folder}/pid;
worker_processes 2;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def serving(folder: Path, port: int, http: str) -> t.Iterator[t.Callable[[], None]]:
    """Run nginx with a main process and two workers; what is handed out reloads it."""
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, http=http))
    command = [Nginx(folder).binary, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"]
    process = subprocess.Popen(command)
    try:
        eventually(lambda: listens(port), within=20, saying=f"nginx listens on {port}")
        yield lambda: os.kill(int((folder / "pid").read_text()), signal.SIGHUP)
    finally:
        process.terminate()
        process.wait()


def test_reloads_reset_no_request_where_nginx_waits_and_few_where_it_cannot(tmp_path: Path) -> None:
    port, behind = free_port(), free_port()
    version = Nginx(tmp_path).build().version
    options = {
        "upstreams": [{"name": "blog", "servers": [{"address": "127.0.0.1", "port": behind}]}],
        "servers": [{"server_name": [SITE], "listen": [f"127.0.0.1:{port}"], "upstream": "blog"}],
    }
    waits = "keepalive_min_timeout 5s;" if version >= WAITS else ""
    sites = files(NginxConfig.from_options(options, version=version)).values()
    backend = serving(tmp_path / "backend", behind, BACKEND.format(port=behind))
    balancer = serving(tmp_path / "balancer", port, "\n".join([waits, *sites]))
    clients = posting("127.0.0.1", SITE, "/order/", clients=CLIENTS, pause=PAUSE, port=port)
    with backend, balancer as reload, clients as posted:
        time.sleep(PAUSE)
        for _number in range(RELOADS):
            reload()
            time.sleep(EVERY)
    print(f"MEASURED {RELOADS} reloads of nginx {version}: {posted}")
    log = (tmp_path / "backend" / "access.log").read_text()
    came = Counter(int(number) for number in re.findall(r"POST /order/([0-9]+) ", log))
    assert len(posted.answered) > RELOADS * EVERY * CLIENTS / 4, posted
    assert len(posted.failed) <= (0 if version >= WAITS else CUT_OFF * RELOADS), posted
    # Nobody is refused, waits in vain, or gets an answer that no backend gave; and what was cut off may be repeated.
    assert set(posted.failed.values()) <= CLOSED, posted
    assert posted.failed.keys() & came.keys() == set()
    assert set(posted.answered) <= set(came)
    assert {number for number, count in came.items() if count > 1} == set()
