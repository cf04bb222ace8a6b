# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails over STARTTLS with a login: to a server that is trusted, and never to another."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_harness import MailServer, NotifyHarness
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import eventually
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and the certificate of 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harness")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_server(certificate: Path) -> t.Iterator[MailServer]:
    """A mail server that speaks STARTTLS and wants a login."""
    server = MailServer()
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)
    try:
        yield server
    finally:
        server.close()


def settings(harness: NotifyHarness, server: MailServer) -> dict[str, t.Any]:
    return harness.mail(server.port, starttls=True, user="lb", password="seCret")


def test_a_login_goes_over_tls(
    harness: NotifyHarness, tls_server: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    harness.configure(mail=settings(harness, tls_server))
    harness.start()
    harness.write('INSTANCE "VI_1" MASTER 150')
    eventually(lambda: tls_server.subjects == ["lb1: VI_1 became MASTER"], lambda: harness.journal.read_text())
    assert [base64.b64decode(login) for login in tls_server.logins] == [b"\0lb\0seCret"]


def test_a_server_that_nobody_trusts_learns_nothing(harness: NotifyHarness, tls_server: MailServer) -> None:
    harness.configure(mail=settings(harness, tls_server))
    harness.start()
    harness.write('INSTANCE "VI_1" MASTER 150')
    eventually(lambda: "certificate verify failed" in harness.journal.read_text(), "the certificate is refused")
    assert (tls_server.logins, tls_server.received) == ([], [])
    assert "seCret" not in harness.journal.read_text()
