# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real nginx is asked for each site as its clients ask, and by the watcher of another balancer."""

from __future__ import annotations

import selectors
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher import ports as service_ports
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.main import Peers
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.probe import Target
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.prober import Prober
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.silence import Silence
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.sites import ask, questions
from real_nginx import Nginx

HERE = "127.0.0.1"
NAME = "shop.example.com"
LISTENS = ("", "proxy_protocol", "ssl", "ssl proxy_protocol")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((HERE, 0)) for _one in range(count)]
    found = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return found


@pytest.fixture
def served(tmp_path: Path) -> t.Iterator[dict[str, int]]:
    """The ports of a real nginx by what stands behind them in the listen."""
    pem = tmp_path / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={NAME}", "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    ports = dict(zip(LISTENS, free_ports(len(LISTENS))))
    servers = [
        f"server {{ listen {HERE}:{port} {words}; server_name {NAME}; ssl_certificate {pem}; "
        f"ssl_certificate_key {pem}; location / {{ return 204; }} }}\n"
        f"server {{ listen {HERE}:{port} default_server {words}; ssl_certificate {pem}; ssl_certificate_key {pem}; "
        "location / { return 444; } }"
        for words, port in ports.items()
    ]
    wait = tmp_path / "wait"
    servers.append(f"server {{ listen unix:{wait}; location / {{ return 200; }} }}")
    nginx = Nginx(tmp_path)
    with nginx.running(nginx.main("\n".join(servers)), str(wait)):
        yield ports


def site_probe(*requests: t.Mapping[str, t.Any]) -> list[str]:
    """Return the faults of these requests."""
    settings = Settings("", rate=20, duration=0.2, timeout=1, validate_certs=False, expect=(204,))
    return [one.fault for one in ask(questions([HERE], requests, settings)) if one.fault]


def request(words: str, port: int, **more: t.Any) -> dict[str, t.Any]:
    return {"port": port, "host": NAME, "tls": "ssl" in words, "proxy_protocol": "proxy_protocol" in words, **more}


def test_every_site_answers_who_asks_as_its_clients_do(served: dict[str, int]) -> None:
    assert site_probe(*(request(words, port) for words, port in served.items())) == []


def test_a_connection_is_enough_where_no_http_is_spoken(served: dict[str, int]) -> None:
    assert site_probe(*({"port": port, "connects": True} for port in served.values())) == []
    [closed] = free_ports(1)
    assert site_probe({"port": closed, "connects": True}) == [
        f"tcp://{HERE}:{closed} at {HERE} port {closed} gave 0 good answers to 4 requests (refused; statuses: none)"
    ]


@pytest.mark.parametrize("words", LISTENS)
def test_asked_in_another_way_it_does_not(served: dict[str, int], words: str) -> None:
    right = request(words, served[words])
    for wrong in (
        {**right, "tls": not right["tls"]},
        {**right, "proxy_protocol": not right["proxy_protocol"]},
        {**right, "host": "other.example.com"},
    ):
        [fault] = site_probe(wrong)
        assert "gave 0 good answers to 4 requests" in fault


@pytest.mark.parametrize("words", LISTENS)
def test_a_peer_is_seen_to_live_at_whatever_site_it_has(served: dict[str, int], words: str) -> None:
    """The question of the watcher to another balancer: plain also where TLS is spoken, which nginx answers with 400."""
    silence = Silence(0.26)
    peers = Peers(silence)
    with selectors.DefaultSelector() as selector:
        prober = Prober(selector, frequent=peers.__class__(silence))
        target = Target(
            {
                **{"address": HERE, "port": served[words], "host": NAME, "path": "/health"},
                "proxy_protocol": "proxy_protocol" in words,
            }
        )
        prober.ask(target, peers, time.monotonic(), 2.0)
        deadline = time.monotonic() + 2.0
        while prober.probes and time.monotonic() < deadline:
            for key, _events in selector.select(0.1):
                key.data()
    assert silence.peer_answers


def test_the_kernel_tells_on_which_ports_it_listens(served: dict[str, int]) -> None:
    there = service_ports.listening()
    planned = [service_ports.Port(HERE, port, port) for port in served.values()]
    assert service_ports.closed(planned, there) == []
    [closed] = free_ports(1)
    gone = service_ports.Port(HERE, closed, closed)
    assert service_ports.closed([*planned, gone], there) == [gone]
