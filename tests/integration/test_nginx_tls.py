# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of a site, shown by clients of the real nginx, and by what lies on a host afterwards."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import typing as t
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from authority import Authority, Issued
from inventory_builder import InventoryBuilder
from real_hosts import Host
from served_sites import Options, Sites, backend

from harness.waiting import eventually

NAME = "shop.example.com"
LIMIT = 10.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue(NAME)


@pytest.fixture(scope="module")
def said(authority: Authority, issued: Issued) -> Options:
    return {
        "certificate": issued.certificate,
        "certificate_key": issued.key,
        "chain": authority.chain,
        "trusted_certificate": authority.root,
    }


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Client:
    """A browser that trusts the authority; ``offers`` are the protocols of ALPN."""

    def __init__(self, authority: Authority, *offers: str, most: ssl.TLSVersion | None = None) -> None:
        self.context = ssl.create_default_context(cadata=authority.root)
        self.context.set_alpn_protocols(list(offers) or ["http/1.1"])
        if most is not None:
            self.context.maximum_version = most

    def connect(self, port: int, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        return self.context.wrap_socket(plain, server_hostname=NAME, session=session)

    def ask(self, port: int) -> str:
        """Return the head of the answer to one request."""
        with self.connect(port) as connection:
            return answer(connection)


def answer(connection: socket.socket) -> str:
    connection.sendall(f"GET /x?y HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")[0]


def sites(folder: Path, tls: Options, port: int, plain: int, **more: t.Any) -> Sites:
    server = {
        "server_name": [NAME],
        "listen": [f"127.0.0.1:{port} ssl"],
        "return": "200 well",
        "tls": {"redirect_listen": [f"127.0.0.1:{plain}"], **tls},
        **more,
    }
    folder.mkdir(exist_ok=True)
    return Sites(folder, {"servers": [server]})


def test_a_client_is_served_by_https_and_led_there_from_http(
    tmp_path: Path, said: Options, authority: Authority
) -> None:
    port, plain = free_port(), free_port()
    with sites(tmp_path, said, port, plain).running():
        assert Client(authority).ask(port).startswith("HTTP/1.1 200")
        with Client(authority, "h2", "http/1.1").connect(port) as connection:
            assert (connection.selected_alpn_protocol(), connection.version()) == ("h2", "TLSv1.3")
        with socket.create_connection(("127.0.0.1", plain), timeout=LIMIT) as connection:
            told = answer(connection)
        assert told.startswith("HTTP/1.1 301")
        assert f"Location: https://{NAME}:{port}/x?y" in told


@pytest.mark.parametrize(
    ("profile", "most", "spoken"),
    [
        ("intermediate", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("intermediate", ssl.TLSVersion.TLSv1_1, None),
        ("modern", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("modern", ssl.TLSVersion.TLSv1_2, None),
    ],
)
def test_a_profile_serves_the_clients_that_it_is_for(
    tmp_path: Path, said: Options, authority: Authority, profile: str, most: ssl.TLSVersion, spoken: str | None
) -> None:
    port = free_port()
    with sites(tmp_path, {**said, "profile": profile}, port, free_port()).running():
        client = Client(authority, most=most)
        if spoken is None:
            with pytest.raises(ssl.SSLError):
                client.ask(port)
        else:
            with client.connect(port) as connection:
                assert connection.version() == spoken


def test_a_client_has_to_show_a_certificate(tmp_path: Path, said: Options, authority: Authority) -> None:
    port = free_port()
    with sites(tmp_path, {**said, "client_certificate": authority.root + authority.chain}, port, free_port()).running():
        client = Client(authority)
        assert client.ask(port).startswith("HTTP/1.1 400")
        own = authority.issue("client.example.com", more="extendedKeyUsage=clientAuth\n")
        (tmp_path / "client.pem").write_text(own.key + own.certificate + authority.chain)
        client.context.load_cert_chain(tmp_path / "client.pem")
        assert client.ask(port).startswith("HTTP/1.1 200")


@pytest.mark.parametrize("shared", [True, False])
def test_a_session_goes_on_at_the_other_node_where_the_keys_are_shared(
    tmp_path: Path, said: Options, authority: Authority, *, shared: bool
) -> None:
    """Of two nodes, the second is a run ahead, and its first key is the second one of the other."""
    keys = [letter * 80 for letter in "abc"]
    ports = free_port(), free_port()
    tls = [
        {**said, **({"session_ticket_keys": some} if shared else {})} for some in (keys, [keys[1], "d" * 80, keys[0]])
    ]
    first, second = (sites(tmp_path / f"{port}", one, port, free_port()) for one, port in zip(tls, ports))
    client = Client(authority, most=ssl.TLSVersion.TLSv1_2)
    with first.running(), second.running():
        with client.connect(ports[0]) as connection:
            answer(connection)
            session = connection.session
        assert session is not None
        assert session.has_ticket is shared
        with client.connect(ports[1], session) as connection:
            assert connection.session_reused is shared


def test_challenges_reach_the_issuer_by_http_and_by_https(tmp_path: Path, said: Options, authority: Authority) -> None:
    port, plain = free_port(), free_port()
    with backend("issuer") as issuer:
        tls = {**said, "acme_challenge": f"http://127.0.0.1:{issuer.server['port']}"}
        with sites(
            tmp_path, tls, port, plain, **{"return": None, "locations": [{"path": "/", "return": "204"}]}
        ).running():
            asked = (
                f"GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
            )
            for connection in (socket.create_connection(("127.0.0.1", plain)), Client(authority).connect(port)):
                with connection:
                    connection.sendall(asked)
                    told = b"".join(iter(lambda: connection.recv(65536), b"")).decode()  # noqa: B023  read in the loop
                assert '"uri": "/.well-known/acme-challenge/token"' in told
            assert Client(authority).ask(port).startswith("HTTP/1.1 204")


@contextmanager
def responder(folder: Path, port: int, certificate: str) -> t.Iterator[None]:
    """Answer at this port for the authority of this folder, which has issued the certificate and not revoked it."""
    asked = ["openssl", "x509", "-noout", "-serial"]
    told = subprocess.run(asked, input=certificate, capture_output=True, text=True, check=True).stdout
    (folder / "index").write_text(f"V\t491231235959Z\t\t{told.partition('=')[2].strip()}\tunknown\t/CN={NAME}\n")
    signer = ("-rsigner", "intermediate.crt", "-rkey", "intermediate.key", "-CA", "intermediate.crt")
    process = subprocess.Popen(["openssl", "ocsp", "-index", "index", "-port", str(port), *signer], cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_the_answer_of_the_authority_is_sent_along(tmp_path: Path) -> None:
    (tmp_path / "authority").mkdir()
    authority, asked, port = Authority(tmp_path / "authority"), free_port(), free_port()
    issued = authority.issue(NAME, more=f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{asked}\n")
    tls = {
        "certificate": issued.certificate + authority.chain,
        "certificate_key": issued.key,
        "trusted_certificate": authority.root,
        "stapling": True,
    }
    client = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME, "-status"]

    def stapled() -> bool:
        done = subprocess.run(client, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return "Cert Status: good" in done.stdout

    served = sites(tmp_path / "nginx", tls, port, free_port())
    with responder(tmp_path / "authority", asked, issued.certificate), served.running():
        # The first client makes nginx ask, and others get what it has heard.
        eventually(stapled, within=10, saying="an answer is stapled")


def state(tls: Options, **more: t.Any) -> Options:
    """Return the section nginx of what the planner makes for a balancer with one site of https."""
    site = {"server_name": NAME, "upstream": "blog", "tls": tls}
    inventory = InventoryBuilder({"balancer_sites": [site], **more})
    assert [str(one) for one in inventory.findings() if one.severity == "error"] == []
    found: Options = inventory.documents("lb1")["balancer"]["state"]["nginx"]
    return found


def test_a_key_comes_to_a_host_for_root_alone_and_is_seen_nowhere(host: Host, said: Options, issued: Issued) -> None:
    wanted = {"nginx": state(said, balancer_ssl_session_ticket_secret="kR7-tq2w" * 5)}
    for check in (True, False):
        done = host.ok("host_state", wanted, check=check)
        assert done["changed"]
        assert not any(line in str(done) for line in issued.key.split("\n")[1:-2])
        assert f'"{NAME}" by "Test Intermediate" for {NAME}' in str(done["diff"])
    beside = "/etc/nginx/holdfast-tls.d/shop.example.com"
    shown = host.run(
        f"stat -c '%a %U' {beside}/certificate.pem {beside}/certificate_key.pem /etc/nginx/holdfast-tickets.d/0.key"
    )
    assert shown.split() == ["644", "root", "600", "root", "600", "root"]
    line = issued.key.split("\n")[1]
    assert host.run(f"grep -rlF -e '{line}' /run /tmp /var/lib/holdfast /var/log || true").strip() == ""
    assert not host.ok("host_state", wanted)["changed"]


def test_a_renewed_certificate_is_brought_by_one_reload(host: Host, said: Options, authority: Authority) -> None:
    host.ok("host_state", {"nginx": state(said)})
    renewed = authority.issue(NAME)
    new = {**said, "certificate": renewed.certificate, "certificate_key": renewed.key}
    done = host.ok("host_state", {"nginx": state(new)})
    assert done["sections"]["nginx"]["reloaded"]
    assert [change for change in done["changes"] if not change.startswith("nginx: /etc/nginx/holdfast-tls.d/")] == []
    served = host.run(
        f"openssl s_client -connect 127.0.0.1:443 -servername {NAME} </dev/null 2>/dev/null | openssl x509"
    )
    assert served.strip() == renewed.certificate.strip()


@pytest.mark.parametrize("check", [True, False])
def test_what_a_client_would_refuse_changes_nothing(
    host: Host, said: Options, authority: Authority, *, check: bool
) -> None:
    host.ok("host_state", {"nginx": state(said)})
    before = host.run("find /etc/nginx -type f | sort | xargs sha256sum")
    other, ended = authority.issue(NAME), authority.issue(NAME, days=0)
    time.sleep(1.1)
    wrong: dict[str, Options] = {
        "certificate_key: it does not belong to the certificate": {"certificate_key": other.key},
        'certificate: the certificate of "shop.example.com" ended on ': {
            "certificate": ended.certificate,
            "certificate_key": ended.key,
        },
        'certificate: its chain ends with "shop.example.com", issued by "Test Intermediate", and does not lead to': {
            "chain": None
        },
        "certificate: /etc/ssl/none.pem cannot be read on this host": {
            "certificate": "/etc/ssl/none.pem",
            "chain": None,
        },
    }
    for sentence, more in wrong.items():
        told = host.refused("host_state", {"nginx": state({**said, **more})}, check=check)
        assert f"servers[0].tls.{sentence}" in told
    assert host.run("find /etc/nginx -type f | sort | xargs sha256sum") == before


def test_preflight_refuses_on_a_bare_host_too(fresh: Host, said: Options, authority: Authority) -> None:
    wrong = {**said, "certificate_key": authority.issue(NAME).key}
    inventory = InventoryBuilder({"balancer_sites": [{"server_name": NAME, "upstream": "blog", "tls": wrong}]})
    asked = {"certificates": inventory.documents("lb1")["balancer"]["preflight"]["certificates"]}
    told = fresh.refused("preflight", asked, check=True)
    assert "balancer_sites[0].tls.certificate_key: it does not belong to the certificate" in told
