# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients of https get through the address, while certificates are renewed and nodes fail."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import sys
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.client import client
from harness.cluster import VIP, Cluster, pair
from harness.playing import doctor, play
from harness.waiting import eventually

__all__ = ("pair",)

ROOT = Path(__file__).resolve().parents[3]
PKI = ROOT / ".lab" / "tls"
INVENTORIES = ("--inventory=inventory/lab", "--inventory=molecule/tls/inventory")
CERTIFICATE = "/etc/nginx/holdfast-tls.d/blog.example.com/certificate.pem"


class Browser:
    """A client that trusts the authority of this scenario; ``shows`` is the site whose certificate is its own."""

    def __init__(self, shows: str = "", most: ssl.TLSVersion | None = None) -> None:
        self.context = ssl.create_default_context(cafile=str(PKI / "root.pem"))
        if shows:
            self.context.load_cert_chain(PKI / f"{shows}.pem", PKI / f"{shows}.key")
        if most is not None:
            self.context.maximum_version = most

    def connect(self, site: str = "blog", session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        plain = socket.create_connection((VIP, 443), timeout=5)
        return self.context.wrap_socket(plain, server_hostname=f"{site}.example.com", session=session)

    def ask(self, site: str = "blog") -> tuple[int, str]:
        """Return the status and the body of the answer to one request."""
        with self.connect(site) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {site}.example.com\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read().decode()


def issue(*sites: str) -> None:
    subprocess.run([sys.executable, ROOT / "molecule/tls/files/issue.py", *sites], check=True)


@contextmanager
def replaced(*names: str) -> t.Iterator[None]:
    """Lend files of the authority to be replaced, and put them back."""
    for name in names:
        shutil.copy2(PKI / name, PKI / f"{name}.kept")
    try:
        yield
    finally:
        for name in names:
            (PKI / f"{name}.kept").replace(PKI / name)


def reloads(pair: Cluster) -> list[int]:
    """Return how often nginx of each node was told to read its configuration again."""
    return [int(node.run("grep -c 'signal 1 (SIGHUP) received' /var/log/nginx/error.log || true")) for node in pair]


def shown() -> str:
    """Return the SHA-256 of the certificate that a client gets."""
    with Browser().connect() as connection:
        return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def test_a_client_gets_https_by_http2_and_is_led_there_from_http(pair: Cluster) -> None:
    assert Browser().ask()[0] == 200
    asked = (
        f"--silent --cacert .lab/tls/root.pem --resolve blog.example.com:443:{VIP} --resolve blog.example.com:80:{VIP}"
    )
    told = "--output /dev/null --write-out '%{http_version} %{response_code} %{num_redirects}' --location"
    done = subprocess.run(
        f"curl {asked} {told} http://blog.example.com/",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2 200 1"


def test_a_member_has_to_show_a_certificate(pair: Cluster) -> None:
    assert Browser().ask("members")[0] == 400
    assert Browser("members").ask("members")[0] == 200


def test_a_renewed_certificate_comes_by_one_reload_and_no_request_fails(pair: Cluster) -> None:
    before, reloaded = shown(), reloads(pair)
    issue("blog")
    with client(VIP, "blog.example.com", port=443, tls=True, validate_certs=False, rate=40) as seen:
        play("site.yml", *INVENTORIES)
        seen.settle(0.5)
    assert seen.summary()["failed_total"] == 0, seen.summary()
    assert seen.summary()["requests"] > 100
    assert shown() != before
    assert [after - once for once, after in zip(reloaded, reloads(pair))] == [1, 1]
    again = play("site.yml", *INVENTORIES)
    assert re.findall(r"changed=(\d+)", again) == ["0"] * len(re.findall(r"changed=", again))
    assert "blog.example.com has 89 days left" in again


def test_a_session_goes_on_at_the_other_node(pair: Cluster) -> None:
    """A client of TLS 1.2, which Python's library can hand a session on to."""
    browser = Browser(most=ssl.TLSVersion.TLSv1_2)
    with browser.connect() as connection:
        session = connection.session
    with client(VIP, "blog.example.com", port=443, tls=True, validate_certs=False) as seen:
        pair.lb1.kill()
        pair.held_by(pair.lb2, within=5)
        eventually(lambda: Browser().ask()[0] == 200, within=5, saying="the other node answers")
        seen.settle(1.0)
    with browser.connect(session=session) as connection:
        assert connection.session_reused
    assert seen.summary()["ok"] > 0
    assert seen.summary()["gap_ms"] < 2000
    pair.recover()


def test_nodes_with_different_certificates_are_told_and_mended(pair: Cluster) -> None:
    code, findings, output = doctor(*INVENTORIES)
    assert (code, findings) == (0, [])
    assert re.search(r"the certificate of \w+\.example\.com port 443 has \d+ days left", output)
    # As somebody does who renews by hand, on one node.
    pair.lb2.run(f"cp /etc/nginx/holdfast-tls.d/members.example.com/certificate.pem {CERTIFICATE}")
    pair.lb2.run("cd /etc/nginx/holdfast-tls.d && cp members.example.com/certificate_key.pem blog.example.com/")
    pair.lb2.run("systemctl reload nginx")
    code, findings, _output = doctor(*INVENTORIES)
    assert code != 0
    assert any("another certificate for blog.example.com port 443" in one for one in findings)
    play("site.yml", *INVENTORIES)
    assert doctor(*INVENTORIES)[:2] == (0, [])


@pytest.mark.parametrize("arguments", [("--check",), ()], ids=["check", "run"])
def test_a_wrong_certificate_is_one_sentence_and_nothing_changes(pair: Cluster, arguments: tuple[str, ...]) -> None:
    before, reloaded = shown(), reloads(pair)
    sentences = {
        "tls.certificate_key: it does not belong to the certificate": ("blog.key", "members.key"),
        "it is for members.example.com, and not for the server_name": ("blog.pem", "members.pem"),
        "tls.certificate_key (molecule/tls/inventory/group_vars/all.yml": ("blog.key", None),
    }
    for sentence, (name, other) in sentences.items():
        with replaced(name):
            if other:
                shutil.copy2(PKI / other, PKI / name)
            else:
                (PKI / name).unlink()
            output = play("site.yml", *INVENTORIES, *arguments, fails=True)
        assert sentence in " ".join(output.split())
        assert "PRIVATE KEY" not in output
        assert re.findall(r"changed=(\d+)", output) == ["0"] * len(re.findall(r"changed=", output))
    assert (shown(), reloads(pair)) == (before, reloaded)
