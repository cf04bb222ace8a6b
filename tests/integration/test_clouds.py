# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of the guide that has a provider send an address to the new holder, against a stand-in of its API."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
import typing as t
from contextlib import contextmanager
from pathlib import Path

from documented import ROOT

TOKEN = "of-the-provider"
HERE, ELSEWHERE = "127.0.0.1", "203.0.113.10"  # an address that every host has, and one that none has (RFC 5737)


class Api(http.server.BaseHTTPRequestHandler):
    """Sends the address to the server that is named, and is out of order for the first requests."""

    failures = 0
    routed: t.ClassVar[list[str]] = []

    def do_PUT(self) -> None:  # noqa: N802 - the name is http.server's
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status = 401
        elif Api.failures:
            Api.failures -= 1
            status = 503
        else:
            status = 204
            Api.routed.append(json.loads(body)["server"])
        self.send_response(status)
        self.end_headers()


@contextmanager
def api(failures: int = 0) -> t.Iterator[str]:
    Api.failures, Api.routed[:] = failures, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/addresses/1"
        finally:
            server.shutdown()


def claim(folder: Path, url: str, *, address: str = HERE) -> subprocess.CompletedProcess[str]:
    """Run the command as the guide has it, but for where its settings lie."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs/using/clouds.md").read_text(), re.DOTALL)
    assert found
    (folder / "settings.json").write_text(json.dumps({"address": address, "url": url, "token": TOKEN}))
    (folder / "claim-address").write_text(found[1].replace("/etc/claim-address.json", str(folder / "settings.json")))
    words = [sys.executable, str(folder / "claim-address")]
    environment = {"HOLDFAST_HOST": "lb2", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_provider_is_asked_until_it_sends_the_address_here(tmp_path: Path) -> None:
    with api(failures=2) as url:
        done = claim(tmp_path, url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Api.routed == ["lb2"]


def test_a_provider_that_never_does_is_told_without_the_token(tmp_path: Path) -> None:
    with api(failures=100) as url:
        done = claim(tmp_path, url)
    assert done.returncode == 1
    assert done.stderr == f"{url}: HTTP Error 503: Service Unavailable\n"
    assert Api.routed == []


def test_a_host_that_has_lost_the_address_takes_it_from_nobody(tmp_path: Path) -> None:
    with api() as url:
        done = claim(tmp_path, url, address=ELSEWHERE)
    assert (done.returncode, done.stderr) == (1, "this host does not hold the address any more\n")
    assert Api.routed == []
