# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that certbot renews reaches both nodes with no controller; without the issuer the pair goes on."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
import sys
import typing as t

import pytest

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.node import Node
from harness.playing import ROOT, doctor, play
from harness.waiting import eventually

sys.path.insert(0, str(ROOT / "tests" / "support"))
PKI = ROOT / ".lab" / "tls_acme"
INVENTORIES = ("--inventory=inventory/lab", "--inventory=molecule/tls_acme/inventory")
ISSUED = (*INVENTORIES, "--inventory=molecule/tls_acme/issued")
AUTHORITY = "web2"
CONFIG = {
    "pebble": {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "0.0.0.0:15000",
        "certificate": "/etc/pebble.pem",
        "privateKey": "/etc/pebble.key",
        "httpPort": 80,
        "tlsPort": 443,
    }
}
CERTBOT = "REQUESTS_CA_BUNDLE=/etc/acme.pem certbot --quiet --non-interactive"
FETCH = "systemctl start holdfast-certificates.service"
LIVE = f"/etc/letsencrypt/live/{SITE}"


def write(node: Node, path: str, text: str) -> None:
    node.run(f"umask 077 && cat >{path} <<'END'\n{text.rstrip()}\nEND")


def found_an_authority() -> None:
    """Let pebble run on a backend, knowing where the site is, and let the issuer trust its directory."""
    from authority import Authority

    (PKI / "authority").mkdir(parents=True, exist_ok=True)
    own = Authority(PKI / "authority")
    served = own.issue(AUTHORITY)
    node, issuer = Node(AUTHORITY), Node("web1")
    node.run("apt-get install -qq pebble && sed -i '/blog.example.com/d' /etc/hosts || true")
    node.run(f"grep -q {SITE} /etc/hosts || echo {VIP} {SITE} >>/etc/hosts")
    write(node, "/etc/pebble.json", json.dumps(CONFIG))
    write(node, "/etc/pebble.pem", served.certificate + own.chain)
    write(node, "/etc/pebble.key", served.key)
    node.run(
        "systemctl is-active --quiet pebble || systemd-run --quiet --unit pebble --setenv PEBBLE_VA_NOSLEEP=1 "
        "--setenv PEBBLE_WFE_NONCEREJECT=0 pebble -config /etc/pebble.json"
    )
    issuer.run("apt-get install -qq certbot && systemctl disable --now --quiet certbot.timer")
    write(issuer, "/etc/acme.pem", own.root)
    eventually(
        lambda: not issuer.attempt(f"curl -sf --cacert /etc/acme.pem https://{AUTHORITY}:14000/dir").returncode,
        within=20,
        saying="pebble answers",
    )
    (PKI / "root.pem").write_text(issuer.run(f"curl -sf --cacert /etc/acme.pem https://{AUTHORITY}:15000/roots/0"))


@pytest.fixture(scope="module")
def pair() -> Cluster:
    """The pair of the scenario, with a certificate that certbot had issued through it, and that both nodes fetch."""
    found_an_authority()
    Node("web1").run(
        f"{CERTBOT} certonly --server https://{AUTHORITY}:14000/dir --standalone --http-01-port 8888 "
        f"--domain {SITE} --agree-tos --register-unsafely-without-email --keep-until-expiring"
    )
    play("playbooks/certificates.yml", *ISSUED)
    play("site.yml", *ISSUED)
    return Cluster()


def renew() -> None:
    Node("web1").run(f"{CERTBOT} renew --force-renewal --no-random-sleep-on-renew")


def connected() -> ssl.SSLSocket:
    """Return a connection to the site, as of a client that trusts the authority alone."""
    context = ssl.create_default_context(cafile=str(PKI / "root.pem"))
    return context.wrap_socket(socket.create_connection((VIP, 443), timeout=5), server_hostname=SITE)


def digest(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(re.split(r"(?<=-----END CERTIFICATE-----)", pem)[0])).hexdigest()


def shown_by(node: Node) -> str:
    """Return the SHA-256 of the certificate that nginx of a node shows, empty where it shows none."""
    asked = f"openssl s_client -connect 127.0.0.1:443 -servername {SITE} </dev/null 2>/dev/null | openssl x509"
    shown = node.attempt(asked)
    return "" if shown.returncode else digest(shown.stdout)


def issued() -> str:
    return digest(Node("web1").run(f"cat {LIVE}/cert.pem"))


def reloads(pair: Cluster) -> list[int]:
    return [int(node.run("grep -c 'signal 1 (SIGHUP) received' /var/log/nginx/error.log || true")) for node in pair]


def test_both_nodes_show_what_the_authority_has_issued(pair: Cluster) -> None:
    assert [shown_by(node) for node in pair] == [issued()] * 2
    with connected() as connection:
        assert hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest() == issued()


def test_a_second_run_of_either_playbook_changes_nothing(pair: Cluster) -> None:
    for name in ("playbooks/certificates.yml", "site.yml"):
        printed = play(name, *ISSUED)
        assert re.findall(r"changed=(\d+)", printed) == ["0"] * len(re.findall(r"changed=", printed)), printed
    assert re.search(rf"{SITE} has \d+ days left", printed)


def test_a_renewed_certificate_reaches_both_nodes_without_a_controller(pair: Cluster) -> None:
    """As by the timers of certbot and of the nodes, without the wait. No request fails, one under way among them."""
    before, reloaded = issued(), reloads(pair)
    with client(VIP, SITE, port=443, tls=True, validate_certs=False, rate=40, timeout=5) as seen:
        renew()
        begun = connected()
        begun.sendall(f"GET / HTTP/1.1\r\nHost: {SITE}\r\n".encode())
        for node in pair:
            assert node.run("systemctl is-active holdfast-certificates.timer") == "active"
            node.run(FETCH)
        eventually(
            lambda: [shown_by(node) for node in pair] == [issued()] * 2, within=10, saying="both nodes show the new one"
        )
        begun.sendall(b"Connection: close\r\n\r\n")
        assert begun.recv(1000).startswith(b"HTTP/1.1 200 ")
        begun.close()
        seen.settle(0.5)
    assert issued() != before
    assert seen.summary()["failed_total"] == 0, seen.summary()
    assert [after - once for once, after in zip(reloaded, reloads(pair))] == [1, 1]


def test_the_timer_fetches_by_itself(pair: Cluster) -> None:
    play("site.yml", *ISSUED, "--extra-vars", "balancer_certificates_interval=1")
    renew()
    eventually(
        lambda: [shown_by(node) for node in pair] == [issued()] * 2, within=90, saying="both nodes show the new one"
    )
    play("site.yml", *ISSUED)


def test_without_the_issuer_the_pair_goes_on_and_tells(pair: Cluster) -> None:
    before, reloaded = issued(), reloads(pair)
    issuer = Node("web1")
    issuer.run("systemctl stop ssh.service")
    try:
        for node in pair:
            assert node.attempt(FETCH).returncode != 0
            told = node.run("journalctl --unit holdfast-certificates --output cat | tail -20")
            assert re.search(rf"nothing can be fetched from web1: .*refused.*{SITE} has \d+ days left", told), told
            assert "certificates" in node.run("grep '\"raised\"' /var/log/holdfast/events.jsonl | tail -1")
        assert [shown_by(node) for node in pair] == [before] * 2
        assert reloads(pair) == reloaded
        code, findings, _printed = doctor(*ISSUED)
        assert code != 0
        assert sum("nothing can be fetched from web1" in one for one in findings) == 2, findings
        with connected():
            pass
    finally:
        issuer.run("systemctl start ssh.service")
    for node in pair:
        node.run(FETCH)
        assert "certificates" in node.run("grep '\"cleared\"' /var/log/holdfast/events.jsonl | tail -1")
    code, findings, printed = doctor(*ISSUED)
    assert (code, findings) == (0, [])
    assert re.search(rf"the certificate of {SITE} port 443 has \d+ days left", printed)


@pytest.mark.parametrize("case", ["key", "name"])
def test_a_wrong_certificate_is_refused_on_each_node(pair: Cluster, case: str) -> None:
    from authority import Authority

    own = Authority(PKI / "authority")
    wrong = own.issue("other.example.com" if case == "name" else SITE)
    before, reloaded, issuer = [shown_by(node) for node in pair], reloads(pair), Node("web1")
    issuer.run(f"cp -a {LIVE} {LIVE}.kept && rm {LIVE}/*.pem && cp -L {LIVE}.kept/privkey.pem {LIVE}/")
    try:
        write(issuer, f"{LIVE}/fullchain.pem", wrong.certificate + own.chain)
        if case == "name":
            write(issuer, f"{LIVE}/privkey.pem", wrong.key)
        issuer.run("systemctl start holdfast-issued.service")
        for node in pair:
            assert node.attempt(FETCH).returncode != 0
            told = node.run("journalctl --unit holdfast-certificates --output cat | tail -20")
            assert {"key": "it does not belong to the certificate", "name": "it is for other.example.com"}[case] in told
            assert "PRIVATE KEY" not in node.run("journalctl --boot")
        assert ([shown_by(node) for node in pair], reloads(pair)) == (before, reloaded)
    finally:
        issuer.run(f"rm -r {LIVE} && mv {LIVE}.kept {LIVE} && systemctl start holdfast-issued.service")
    for node in pair:
        node.run(FETCH)


def test_the_key_of_a_node_opens_nothing_but_its_own_file(pair: Cluster) -> None:
    for node in pair:
        asked = (
            "ssh -F none -T -i /etc/holdfast/issuer.key -o BatchMode=yes -o HostKeyAlias=web1 "
            "-o UserKnownHostsFile=/etc/holdfast/issuer.known_hosts holdfast-issued@10.89.50.21"
        )
        given: dict[str, t.Any] = json.loads(node.run(f"{asked} cat /etc/passwd"))
        assert list(given) == [SITE]
        forwarded = f"timeout 3 {asked} -N -L 127.0.0.1:9999:127.0.0.1:22"
        refused = node.attempt(f"{forwarded} & sleep 1; timeout 1 curl -s telnet://127.0.0.1:9999 </dev/null; wait")
        assert "SSH-" not in refused.stdout
        assert node.run("stat --format '%a %U' /etc/holdfast/issuer.key") == "600 root"
        # A stranger in the place of the issuer is not believed.
        assert node.attempt(asked.replace("HostKeyAlias=web1", "HostKeyAlias=web2")).returncode != 0
    mode = Node("web1").run("stat --format '%a %U %G' /var/lib/holdfast-issued/balancers/lb1")
    assert mode == "640 root holdfast-issued"


def test_a_node_that_was_away_catches_up_by_itself(pair: Cluster) -> None:
    pair.lb2.shut_down()
    renew()
    pair.lb1.run(FETCH)
    pair.recover()
    eventually(lambda: shown_by(pair.lb2) == issued(), within=120, saying="lb2 shows the new certificate")
