# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server is taken out of the upstreams of a real nginx while requests go on, and comes back."""

from __future__ import annotations

import json
import typing as t

import pytest
from real_hosts import Args, Host

ONE, TWO = "127.0.0.21", "127.0.0.22"
BACKEND = """
import http.server, sys, time
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(10)
        body = sys.argv[1].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer((sys.argv[1], 9000), Page).serve_forever()
"""
SITE: Args = {
    "upstreams": [
        {"name": "blog", "servers": [{"address": one, "port": 9000} for one in (ONE, TWO)]},
        {"name": "api", "servers": [{"address": ONE, "port": 9000}, {"address": TWO, "port": 9000, "down": True}]},
    ],
    "servers": [{"server_name": ["site.example"], "upstream": "blog"}],
}
FORCE: Args = {"force": True}


@pytest.fixture
def balancer(host: Host) -> t.Iterator[Host]:
    """A host whose nginx spreads requests over two servers."""
    host.run("rm -rf /etc/holdfast")
    host.write("/root/backend.py", BACKEND)
    for number, address in enumerate((ONE, TWO)):
        host.run(f"systemd-run --unit=test-backend-{number} python3 /root/backend.py {address}")
        host.eventually(lambda: host.get(f"http://{address}:9000/")[0] == 200, f"{address} serves")  # noqa: B023
    host.ok("nginx_config", SITE)
    yield host
    host.run("rm -rf /etc/holdfast; systemctl stop 'test-*'")


def answers(host: Host) -> set[str]:
    """Return who answers twenty requests, all of which must succeed."""
    said = [host.get("http://127.0.0.1/", "site.example") for _request in range(20)]
    assert {status for status, _body in said} == {200}
    return {body for _status, body in said}


def drain(*addresses: str, **more: t.Any) -> Args:
    return {"addresses": list(addresses), "timeout": 20, **FORCE, **more}


def test_a_server_gets_no_more_requests_and_comes_back(balancer: Host) -> None:
    assert answers(balancer) == {ONE, TWO}
    shown = balancer.ok("nginx_drain", drain(ONE), check=True)
    assert answers(balancer) == {ONE, TWO}
    done = balancer.ok("nginx_drain", drain(ONE))
    assert (shown["changed"], shown["diff"]) == (True, done["diff"])
    assert (sorted(done["upstreams"]), done["connections"], list(done["drained"])) == (["api", "blog"], 0, [ONE])
    assert answers(balancer) == {TWO}
    assert not balancer.ok("nginx_drain", drain(ONE))["changed"]
    back = balancer.ok("nginx_drain", drain(ONE, state="active"))
    assert (back["changed"], back["drained"]) == (True, {})
    assert answers(balancer) == {ONE, TWO}
    # The rest is as the inventory says, down and all.
    assert not balancer.ok("nginx_config", SITE)["changed"]
    assert not balancer.ok("nginx_drain", drain(ONE, state="active"))["changed"]


def test_a_request_of_an_old_worker_is_waited_for(balancer: Host) -> None:
    balancer.ok("nginx_drain", drain(TWO))
    balancer.run("systemd-run --unit=test-slow curl -s -o /run/test-slow -H 'Host: site.example' http://127.0.0.1/slow")
    balancer.eventually(lambda: "9000" in balancer.run(f"ss -Htn dst {ONE}"), "the request is on its way")
    balancer.ok("nginx_drain", drain(TWO, state="active"))
    done = balancer.ok("nginx_drain", drain(ONE))
    assert done["connections"] == 0
    assert 0.2 < done["waited"] < 12
    assert balancer.read("/run/test-slow") == ONE


@pytest.mark.parametrize("at_timeout", ["fail", "continue"])
def test_what_lasts_longer_is_told_and_the_user_says_what_then(balancer: Host, at_timeout: str) -> None:
    balancer.ok("nginx_drain", drain(TWO))
    balancer.run("systemd-run --unit=test-slow curl -s -m 20 -H 'Host: site.example' http://127.0.0.1/slow")
    balancer.eventually(lambda: "9000" in balancer.run(f"ss -Htn dst {ONE}"), "the request is on its way")
    balancer.ok("nginx_drain", drain(TWO, state="active"))
    asked = drain(ONE, timeout=0.5, at_timeout=at_timeout)
    words = f"1 connections to {ONE} are still open after 0.5 s"
    if at_timeout == "fail":
        assert balancer.refused("nginx_drain", asked).startswith(f"{words}: it gets requests again")
        assert answers(balancer) == {ONE, TWO}
        assert balancer.attempt("ls /etc/holdfast/drained.json").rc != 0
    else:
        assert balancer.ok("nginx_drain", asked)["warnings"] == [f"{words}, and the play goes on"]
        assert answers(balancer) == {TWO}


def test_a_rollout_meanwhile_leaves_it_out_and_says_so(balancer: Host) -> None:
    balancer.ok("nginx_drain", drain(ONE))
    again = balancer.ok("nginx_config", SITE)
    assert not again["changed"]
    assert any(f"{ONE} is left out of the upstreams since" in one for one in again["warnings"])
    more = {**SITE, "upstreams": [*SITE["upstreams"], {"name": "new", "servers": [{"address": ONE}, {"address": TWO}]}]}
    balancer.ok("nginx_config", more)
    assert balancer.run("grep -l nginx_drain -r /etc/nginx | wc -l") == "3\n"
    assert answers(balancer) == {TWO}
    balancer.ok("nginx_drain", drain(ONE, state="active"))
    assert not balancer.ok("nginx_config", more)["changed"]


def test_what_cannot_be_drained_is_told_and_nothing_is_changed(balancer: Host) -> None:
    before = balancer.listing("/etc/nginx", "/var/lib/holdfast")
    for asked, words in (
        (drain("10.9.9.9"), "10.9.9.9: no upstream of this collection on this host has it"),
        (drain("web1"), "addresses[0]: web1 is no address"),
        (drain(ONE, force=False), "nobody would be left in upstream api"),
    ):
        assert words in balancer.refused("nginx_drain", asked)
    balancer.run("mkdir -p /etc/holdfast")
    balancer.write("/etc/holdfast/drained.json", json.dumps([ONE]))
    assert "remove it to bring all back" in balancer.refused("nginx_drain", drain(ONE))
    assert balancer.listing("/etc/nginx", "/var/lib/holdfast") == before
