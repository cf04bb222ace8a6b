# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open-loop client against a server that refuses, resets, stalls and answers with errors."""

from __future__ import annotations

import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, probe, running
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import Sample, summary
from ansible_collections.holdfast.nginx_ha.tests.unit.probe.misbehaving import (
    Behaviour,
    Service,
    answering,
    page,
    resetting,
    stalling,
)


def settings(port: int, **changes: t.Any) -> Settings:
    values = {"rate": 100.0, "duration": 0.3, "timeout": 2.0, "slow_after": 1.0, **changes}
    return Settings("127.0.0.1", port, **values)


def test_a_healthy_service(service: Service) -> None:
    service.behaviour = page(headers=b"X-Served-By: web1\r\n")
    seen = summary(probe(settings(service.port, served_by="X-Served-By")))
    assert seen["requests"] == seen["ok"] == 30
    assert seen["served_by"] == {"web1": 30}
    assert seen["gap_ms"] < 1000  # none of them failed: what is left is how long a busy machine stands still
    assert not seen["ended_in_outage"]
    assert seen["length_s"] == 0.3


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        pytest.param(resetting, "reset", id="reset"),
        pytest.param(stalling, "timeout", id="stall"),
        pytest.param(page(status=b"503 Service Unavailable"), "status", id="error page"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "reset", id="half a body"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nContent-"), "reset", id="half a head"),
        pytest.param(
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            "reset",
            id="half of chunks",
        ),
        pytest.param(answering(b""), "reset", id="closed without a word"),
        pytest.param(answering(b"SSH-2.0-OpenSSH\r\n\r\n"), "reset", id="another protocol"),
    ],
)
def test_failures_by_kind(service: Service, behaviour: Behaviour, kind: str) -> None:
    service.behaviour = behaviour
    seen = summary(probe(settings(service.port, rate=40.0)))
    assert seen["failures"][kind] == seen["requests"] == 12
    assert seen["gap_ms"] == 300
    assert seen["ended_in_outage"]


def test_a_refused_connection(closed_port: int) -> None:
    seen = summary(probe(settings(closed_port)))
    assert seen["failures"]["refused"] == 30


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nweb2\nmore", "web2", id="counted body"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nweb3\n", "web3", id="body until the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nweb\r\n2;x=y\r\n4\n\r\n0\r\n\r\n",
            "web4",
            id="chunks",
        ),
    ],
)
def test_the_first_line_of_the_body_says_who_answered(service: Service, text: bytes, first_line: str) -> None:
    service.behaviour = answering(text)
    assert summary(probe(settings(service.port, served_by="body")))["served_by"] == {first_line: 30}


def test_an_answer_without_a_body(service: Service) -> None:
    service.behaviour = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert summary(probe(settings(service.port, expect=(204,))))["ok"] == 30


def test_slow_is_not_failed(service: Service) -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.12)
        page()(connection)

    service.behaviour = slowly
    seen = summary(probe(settings(service.port, slow_after=0.1)))
    assert (seen["failed_total"], seen["slow"]) == (0, 30)
    assert 120 <= seen["p50_ms"] < 1000


def test_an_answer_in_pieces_is_complete_when_its_last_piece_is_there(service: Service) -> None:
    def trickle(connection: socket.socket) -> None:
        for piece in (b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 4\r\n\r\n", b"do", b"ne"):
            connection.sendall(piece)
            time.sleep(0.01)

    service.behaviour = trickle
    seen = summary(probe(settings(service.port)))
    assert seen["ok"] == 30
    assert seen["p50_ms"] >= 30


def test_a_stalled_service_does_not_slow_the_questions_down(service: Service) -> None:
    """The heart of an open loop: 600 requests outstanding, and each one still goes out when it is due."""
    service.behaviour = stalling
    samples = probe(settings(service.port, rate=400.0, duration=1.5, timeout=1.5))
    assert len(samples.requests) == 600
    assert sorted(sample.due for sample in samples.requests) == pytest.approx([number / 400 for number in range(600)])
    assert summary(samples)["failures"]["timeout"] == 600
    lateness = sorted(sample.begin - sample.due for sample in samples.requests)
    assert lateness[300] < 0.1  # each of those before takes 1.5 s
    assert all(1.5 <= sample.seconds < 4 for sample in samples.requests)


def test_the_request_is_what_was_asked_for(service: Service) -> None:
    probe(settings(service.port, duration=0.01, path="/a?b=c", host="blog.example.com", headers={"X-One": "1"}))
    lines = service.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert {"Host: blog.example.com", "X-One: 1", "Connection: close"} <= set(lines)


def test_a_given_host_header_is_the_only_one(service: Service) -> None:
    probe(settings(service.port, duration=0.01, headers={"host": "other.example.com"}))
    hosts = [line for line in service.requests[0].decode().split("\r\n") if line.lower().startswith("host:")]
    assert hosts == ["host: other.example.com"]


def test_stop_ends_a_window_without_end(service: Service) -> None:
    stop = threading.Event()
    seen: list[Sample] = []

    def keep(sample: Sample) -> None:
        seen.append(sample)
        if len(seen) == 10:
            stop.set()

    samples = probe(settings(service.port, duration=None), stop, keep)
    assert 10 <= len(samples.requests) == len(seen) < 100
    assert samples.length == pytest.approx(max(sample.due for sample in seen), abs=1.0)


def test_a_window_around_an_act(service: Service) -> None:
    with running(settings(service.port, duration=None)) as window:
        window.settle(0.1)
        service.behaviour = page(status=b"502 Bad Gateway")
        with pytest.raises(HoldfastError, match="without a failed request"):
            window.settle(0.1, timeout=0.3)
        service.behaviour = page()
        window.settle(0.1)
    seen = window.summary()
    assert 200 <= seen["gap_ms"] < 1000
    assert seen["failures"]["status"] == seen["failed_total"] > 10
    assert not seen["ended_in_outage"]


def test_a_client_that_cannot_work_says_so_where_the_window_was_opened() -> None:
    with pytest.raises(HoldfastError, match="no-such-host.invalid cannot be looked up"), running(
        Settings("no-such-host.invalid")
    ):
        pytest.fail("the body must not run")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"rate": 0.0}, "rate"),
        ({"duration": -1.0}, "duration"),
        ({"timeout": 0.0}, "timeout"),
        ({"slow_after": 0.0}, "slow_after"),
        ({"path": "index.html"}, "path"),
        ({"host": "a\r\nX: y"}, "host"),
        ({"headers": {"X": "a\nb"}}, "headers"),
    ],
)
def test_wrong_input_is_named(changes: dict[str, t.Any], path: str) -> None:
    with pytest.raises(InputError) as caught:
        settings(80, **changes)
    assert caught.value.path == path


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_out_of_range(port: int) -> None:
    with pytest.raises(InputError, match="port: must be from 1 to 65535"):
        settings(port)
