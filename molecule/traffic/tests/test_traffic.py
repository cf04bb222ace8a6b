# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients get through the address, and what the application behind it sees."""

from __future__ import annotations

import base64
import collections
import http.client
import json
import socket
import struct
import subprocess
import tempfile
import threading
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.node import Node
from harness.waiting import eventually

VIP = "10.89.50.100"
MODE = "/run/traffic-mode"
UNIT = "traffic-application"


class Answer(t.NamedTuple):
    status: int
    headers: t.Mapping[str, str]
    body: str

    @property
    def told(self) -> t.Any:
        return json.loads(self.body)


def ask(site: str, path: str = "/", *, method: str = "GET", within: float = 15, **headers: str) -> Answer:
    """Return the answer to one request, over a connection of its own; X_Name stands for X-Name."""
    connection = http.client.HTTPConnection(VIP, timeout=within)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": f"{site}.example.com", **named})
        answer = connection.getresponse()
        return Answer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        )
    finally:
        connection.close()


def shares(site: str, count: int, **headers: str) -> collections.Counter[str]:
    """Return how many of so many requests each backend answers, over ten connections at a time."""
    found: collections.Counter[str] = collections.Counter()
    failed: list[str] = []

    def some() -> None:
        connection = http.client.HTTPConnection(VIP, timeout=15)
        for _again in range(count // 10):
            connection.request("GET", "/", headers={"Host": f"{site}.example.com", **headers})
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status == 200:
                found[json.loads(body)["backend"]] += 1
            else:
                failed.append(body)
        connection.close()

    threads = [threading.Thread(target=some) for _number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(found.values()) == count
    return found


@contextmanager
def broken(command: str, mend: str, name: str = "web1") -> t.Iterator[Node]:
    """Break the application of a backend by one command, and mend it by the other."""
    node = Node(name)
    node.run(command)
    try:
        yield node
    finally:
        node.run(mend)
        # It is tried again when its time is over.
        eventually(lambda: name in shares("tough", 50), within=30, saying=f"{name} answers again")


def test_requests_are_shared_by_weight_within_one_percent() -> None:
    found = shares("weighted", 10_000)
    assert {name: round(count / 100) for name, count in found.items()} == {"web1": 50, "web2": 30, "web3": 20}


def test_a_client_with_a_cookie_stays_where_it_is() -> None:
    homes = set()
    for session in range(20):
        found = {ask("sticky", Cookie=f"session={session}").told["backend"] for _again in range(5)}
        assert len(found) == 1
        homes |= found
    assert len(homes) > 1


@pytest.mark.parametrize(
    ("command", "mend"),
    [
        (f"systemctl stop {UNIT}", f"systemctl start {UNIT}"),
        (f"systemctl kill --signal=STOP {UNIT}", f"systemctl kill --signal=CONT {UNIT}"),
        (f"echo slow >{MODE}", f"rm {MODE}"),
        (f"echo 500 >{MODE}", f"rm {MODE}"),
    ],
    ids=["killed", "frozen", "slow", "failing"],
)
def test_clients_see_nothing_of_a_backend_that_fails(command: str, mend: str) -> None:
    with broken(command, mend):
        assert set(shares("tough", 300)) == {"web2", "web3"}


def test_a_spare_backend_answers_only_when_no_other_does() -> None:
    assert set(shares("spare", 50)) == {"web1"}
    with broken(f"systemctl stop {UNIT}", f"systemctl start {UNIT}"):
        assert set(shares("spare", 50)) == {"web2"}


def test_a_share_of_the_requests_gets_the_new_release() -> None:
    found = shares("share", 10_000)
    assert abs(found["web2"] / 10_000 - 0.1) < 0.015


def test_method_and_header_choose_the_release() -> None:
    assert ask("chosen").told["backend"] == "web1"
    assert ask("chosen", method="POST").told["backend"] == "web2"
    assert ask("chosen", X_Release="beta").told["backend"] == "web2"


def test_the_application_sees_the_client_and_what_the_site_says() -> None:
    seen = ask("shop", "/a?b=c", X_Real_IP="192.0.2.1").told
    own = socket.create_connection((VIP, 80))
    with own:
        address = own.getsockname()[0]
    assert (seen["uri"], seen["headers"]["host"], seen["headers"]["x-shop"]) == ("/a?b=c", "shop.example.com", "yes")
    assert (seen["headers"]["x-real-ip"], seen["headers"]["x-forwarded-for"]) == (address, address)
    assert seen["headers"]["x-forwarded-proto"] == "http"


def test_static_content_comes_from_elsewhere() -> None:
    answers = {ask("shop", "/static/").body.split("\n")[0] for _again in range(9)}
    assert answers == {"web1", "web2", "web3"}


def test_headers_of_a_site_are_in_every_answer() -> None:
    assert ask("shop").headers["x-site"] == "shop"
    slow = ask("shop", "/slow/")
    assert (slow.headers["x-site"], slow.headers["x-slow"]) == ("shop", "yes")
    assert ask("blog").headers["x-content-type-options"] == "nosniff"


def test_a_path_of_before_is_redirected() -> None:
    answer = ask("shop", "/old/things")
    assert (answer.status, answer.headers["location"]) == (301, "http://shop.example.com/new/things")


def test_who_asks_too_often_is_told_so() -> None:
    time.sleep(1)
    statuses = collections.Counter(ask("shop", "/slow/").status for _again in range(12))
    assert statuses[429] >= 4
    assert statuses[200] >= 3
    assert ask("shop").status == 200


def test_members_come_in_by_their_passwords() -> None:
    assert ask("shop", "/members/").status == 401
    login = base64.b64encode(b"alice:wonderland").decode()
    assert ask("shop", "/members/", Authorization=f"Basic {login}").status == 200
    for name in ("lb1", "lb2"):
        told = Node(name).run("stat -c '%a %U %G' /etc/nginx/holdfast-users.d/*; cat /etc/nginx/holdfast-users.d/*")
        assert told.startswith("640 root www-data\n")
        assert "wonderland" not in told


def test_pages_of_the_site_stand_for_errors_and_for_maintenance() -> None:
    assert ask("shop", "/down")[::2] == (502, "<p>Soon</p>")
    closed = ask("closed")
    assert (closed.status, closed.headers["retry-after"]) == (503, "300")
    assert "This site will be back soon" in closed.body


def test_a_websocket_gets_through_and_stays_open() -> None:
    with socket.create_connection((VIP, 80), timeout=10) as connection:
        head = "GET /chat HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
        for word in (b"hello\n", b"again\n"):
            connection.sendall(word)
            assert connection.recv(4096) == word
            time.sleep(1)


def call(message: str, *options: str) -> tuple[str, dict[str, str]]:
    """Return the message that a service of gRPC answers through the address, and its headers with the trailers."""
    framed = b"\0" + struct.pack(">I", len(message)) + message.encode()
    with tempfile.TemporaryDirectory() as folder:
        body, headers = Path(folder, "body"), Path(folder, "headers")
        body.touch()
        command = ["curl", "-s", "-m", "10", "--http2-prior-knowledge", "--data-binary", "@-"]
        command += ["-o", str(body), "-D", str(headers)]
        said = ("Host: greeter.example.com", "Content-Type: application/grpc", "TE: trailers", *options)
        asked = [
            *command,
            *(word for one in said for word in ("-H", one)),
            f"http://{VIP}:50051/holdfast.Greeter/Greet",
        ]
        subprocess.run(asked, input=framed, check=True)
        lines = [line.partition(":") for line in headers.read_text().splitlines()]
        return body.read_bytes()[5:].decode(), {name.lower().strip(): value.strip() for name, _colon, value in lines}


def test_grpc_gets_through_with_its_trailers() -> None:
    answers = [call(f"hello {number}") for number in range(20)]
    assert {message.partition(" ")[0] for message, _headers in answers} == {"web1", "web2"}
    for number, (message, headers) in enumerate(answers):
        assert message.endswith(f" got hello {number}")
        assert "http/2 200" in headers
        assert (headers["content-type"], headers["grpc-status"]) == ("application/grpc", "0")


def test_a_fault_of_a_grpc_service_is_its_own_and_no_reason_to_ask_another() -> None:
    message, headers = call("fail")
    assert (message, headers["grpc-status"]) == ("", "5")
    assert headers["grpc-message"] in ("not on web1", "not on web2")


def test_clients_of_grpc_see_nothing_of_a_backend_that_is_gone() -> None:
    node = Node("web1")
    node.run("systemctl stop traffic-greeter")
    try:
        answers = [call("hello") for _again in range(20)]
        assert {(message, headers["grpc-status"]) for message, headers in answers} == {("web2 got hello", "0")}
    finally:
        node.run("systemctl start traffic-greeter")


def test_an_answer_is_kept_and_an_old_one_stands_for_a_backend_that_is_gone() -> None:
    path = f"/page-{time.monotonic_ns()}"

    def status() -> str:
        answer = ask("cached", path)
        assert answer.status == 200
        return answer.headers["x-cache-status"]

    assert [status(), status()] == ["MISS", "HIT"]
    with broken(f"systemctl stop {UNIT}", f"systemctl start {UNIT}"):
        # It was kept for 2 s; who asks for it later gets it while nginx tries for another one.
        eventually(lambda: status() in ("STALE", "UPDATING"), within=10, saying="the old answer is sent")
    eventually(lambda: status() == "HIT", within=10, saying="a new answer was fetched")


def test_an_application_of_fastcgi_gets_the_request() -> None:
    seen = ask("script", "/shop/index.php?item=1").told
    wanted = {"QUERY_STRING": "item=1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/shop/index.php?item=1"}
    assert {name: seen[name] for name in wanted} == wanted
    assert ask("script", "/", Proxy="http://evil.example").told.get("HTTP_PROXY", "") == ""


def test_a_stranger_gets_the_first_site() -> None:
    answer = ask("nowhere")
    assert answer.status == 200
    assert answer.body.split("\n")[0] in ("web1", "web2", "web3")


def test_the_status_is_for_the_host_itself() -> None:
    for name in ("lb1", "lb2"):
        assert "Active connections" in Node(name).run("curl -s http://127.0.0.1:8081/")
