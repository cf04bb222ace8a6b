# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each set-up of the guides: applied twice, served through its addresses, which move when the holder's nginx stops.

A slice has all tests of one set-up, drawn by the seed.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import typing as t

import pytest

from harness.node import Node
from harness.playing import ROOT, play
from harness.waiting import eventually


class Question(t.NamedTuple):
    """What is asked at the addresses, and the answers that come, each of them sooner or later."""

    answers: t.Collection[str]
    host: str
    path: str = "/"
    port: int = 80
    header: str = "X-None: none"


class SetUp(t.NamedTuple):
    """The addresses and what is served there; of those that go back to their first holder, which that is."""

    addresses: t.Sequence[str]
    questions: t.Sequence[Question]
    home: str | None = "lb1"  # None: whoever has an address keeps it


STATIC, DYNAMIC = ([f"{kind} of web{number}" for number in (1, 2, 3)] for kind in ("static", "dynamic"))
SET_UPS: dict[str, SetUp] = {
    "000": SetUp(
        ["10.89.50.18"],
        [Question([f"blog of mg-nginx-0{number}" for number in (3, 4, 5)], "blog-uat.example.com")],
    ),
    "001": SetUp(
        ["10.89.50.20"],
        [
            # All that come from one network go to one server, and the cache answers with its page.
            Question([f"www of server-{number}" for number in (101, 102, 118)], "www.example.com"),
            Question([f"oa of server-{number}" for number in (101, 102)], "oa.example.com"),
            Question(["svn of server-118"], "dev.example.com", "/svn/"),
            Question(["submin of server-118"], "dev.example.com", "/submin/index.html"),
        ],
    ),
    "002": SetUp(
        ["10.89.50.100"],
        [Question(["Server 10.89.50.21", "Server 10.89.50.22"], "www.example.com")],
    ),
    "004": SetUp(
        ["10.89.50.188", "10.89.50.189"],
        [
            Question(DYNAMIC, "www.example.com"),
            Question(STATIC, "www.example.com", "/index.html"),
            Question(DYNAMIC[2:], "www.example.com", header="Cookie: preview=yes"),
            Question(DYNAMIC[2:], "www.example.com", header="X-Preview: yes"),
            Question(STATIC, "any", port=9000),
        ],
        home=None,
    ),
}
STICKY = ("001",)
"""Where one client gets the answers of one server alone."""

DRAWN = random.Random(os.environ.get("HOLDFAST_SEED", "0")).choice(sorted(SET_UPS))
NAMES = [DRAWN] if os.environ.get("HOLDFAST_SLICE") else sorted(SET_UPS)
UNCHANGED = re.compile(r"^\S+ +: ok=\d+ +changed=0 +unreachable=0 +failed=0 ", re.MULTILINE)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of a set-up that was brought onto new nodes."""
    name = str(request.param)
    if name != NAMES[0]:
        subprocess.run([ROOT / "bin" / "lab", "up", "--fresh"], check=True, capture_output=True)
    site(name)
    return name


def site(name: str) -> str:
    return play("site.yml", f"--inventory=inventory/reference/{name}", "--inventory=molecule/reference/inventory")


def ask(address: str, question: Question) -> str:
    """Return the first line of what comes to a question there, and nothing where it fails."""
    command = ["curl", "--silent", "--fail", "--max-time", "2", "--header", f"Host: {question.host}"]
    command += ["--header", question.header, f"http://{address}:{question.port}{question.path}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def holders(name: str) -> list[str]:
    """Return who holds each address of a set-up; names joined where there are several."""
    nodes = [Node(one) for one in ("lb1", "lb2")]
    return ["+".join(node.name for node in nodes if node.holds(one)) for one in SET_UPS[name].addresses]


def held(name: str, by: t.Collection[str | None], *, within: float) -> None:
    """Wait until each address has one holder, of these names; None for any."""
    allowed = {"lb1", "lb2"} if None in by else set(by)
    eventually(lambda: set(holders(name)) <= allowed, within=within, saying=lambda: f"{holders(name)} hold, not {by}")


def test_a_second_run_changes_nothing(name: str) -> None:
    recap = site(name).partition("PLAY RECAP")[2]
    hosts = re.findall(r"^\S+ +: ok=", recap, re.MULTILINE)
    assert len(hosts) >= 4
    assert len(UNCHANGED.findall(recap)) == len(hosts), recap


def test_every_page_comes_through_the_address(name: str) -> None:
    wanted = SET_UPS[name]
    held(name, [wanted.home], within=20)
    for address in wanted.addresses:
        for question in wanted.questions:
            answers = {ask(address, question) for _request in range(20)}
            expected = set(question.answers)
            assert answers <= expected if name in STICKY else answers == expected, question


def test_the_address_moves_when_the_nginx_of_its_holder_stops(name: str) -> None:
    wanted = SET_UPS[name]
    held(name, [wanted.home], within=20)
    lb1 = Node("lb1")
    lb1.run("systemctl stop nginx")
    try:
        held(name, ["lb2"], within=10)
        for address in wanted.addresses:
            for question in wanted.questions:
                assert ask(address, question) in question.answers, question
    finally:
        lb1.run("systemctl start nginx")
    # A home of its own or not: where it stays, it stays at the node that took it.
    held(name, [wanted.home or "lb2"], within=30)
