# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open-loop client over TLS, against a certificate that nobody trusts."""

from __future__ import annotations

import datetime
import socket
import ssl
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, probe
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.shown_certificate import certificates_here
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.sites import certificates, questions
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import summary
from ansible_collections.holdfast.nginx_ha.tests.unit.probe.misbehaving import Service
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.fixture
def tls_service(service: Service, tmp_path: Path) -> Service:
    """The misbehaving server behind a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "blog.example.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    service.wrap = lambda connection: context.wrap_socket(connection, server_side=True)
    return service


def ask(port: int, **changes: t.Any) -> dict[str, t.Any]:
    settings = Settings(
        "127.0.0.1", port, rate=50, duration=0.2, timeout=2, tls=True, host="blog.example.com", **changes
    )
    return summary(probe(settings))


def test_an_untrusted_certificate_is_a_failure_of_its_own_kind(tls_service: Service) -> None:
    seen = ask(tls_service.port)
    assert seen["failures"]["tls"] == seen["requests"] == 10


def test_an_untrusted_certificate_may_be_accepted(tls_service: Service) -> None:
    seen = ask(tls_service.port, validate_certs=False)
    assert seen["ok"] == seen["requests"] == 10


def test_an_answer_larger_than_a_record(tls_service: Service) -> None:
    body = b"web1\n" + b"x" * 200_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body

    def send(connection: socket.socket) -> None:
        connection.sendall(answer)

    tls_service.behaviour = send
    assert ask(tls_service.port, validate_certs=False, served_by="body")["served_by"] == {"web1": 10}


def test_a_server_without_tls(service: Service) -> None:
    assert ask(service.port, validate_certs=False)["failed_total"] == 10


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("", "192.0.2.1"),
        ("blog.example.com", "blog.example.com"),
        ("blog.example.com:8443", "blog.example.com"),
        ("[2001:db8::1]:8443", "2001:db8::1"),
    ],
)
def test_the_name_that_a_certificate_has_to_bear(host: str, name: str) -> None:
    assert Settings("192.0.2.1", host=host).server_name == name


def test_the_certificate_that_is_shown_is_told_with_its_days(tls_service: Service) -> None:
    request = {"port": tls_service.port, "host": "blog.example.com", "tls": True}
    asked = questions(["127.0.0.1"], [request], Settings("127.0.0.1", duration=0.1))
    now = time.time()
    told = certificates(asked, now)
    assert list(told.faults) == []
    (sentence,) = told.sentences
    assert sentence.startswith("blog.example.com has 0 days left, until ")
    late = certificates(asked, now + 2 * 86400)
    (fault,) = late.faults
    assert fault[0] == "127.0.0.1"
    assert fault[1].startswith("the certificate of blog.example.com at 127.0.0.1 ended on ")


def test_a_host_tells_which_certificates_it_shows_itself(tls_service: Service) -> None:
    request = {"port": tls_service.port, "host": "blog.example.com", "tls": True}
    elsewhere = {**request, "address": "192.0.2.1"}
    found = certificates_here([request, elsewhere, {"port": 1, "host": "none.example.com", "tls": True}])
    (name,) = found
    assert name == f"blog.example.com port {tls_service.port}"
    assert len(found[name]["sha256"]) == 64
