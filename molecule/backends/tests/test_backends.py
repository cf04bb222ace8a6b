# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends with nginx and with httpd serve the same; a refused change, a drain and a switch lose nothing."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.node import Node
from harness.playing import play
from harness.waiting import eventually

VIP = "10.89.50.100"
ADDRESSES = {"web1": "10.89.50.21", "web2": "10.89.50.22", "web3": "10.89.50.23"}
SHOP, DOCS = "shop.example.com", "docs.example.com"
INVENTORY = ("--inventory=inventory/lab", "--inventory=molecule/backends/inventory")
HTTPD = ("web2", "web3")


class Answer(t.NamedTuple):
    status: int
    body: str


def ask(address: str, host: str, path: str = "/", *options: str) -> Answer:
    """Return what is answered there; 0 where nothing is."""
    command = [
        "curl",
        "-s",
        "-m",
        "3",
        "-H",
        f"Host: {host}",
        "-w",
        "\n%{http_code}",
        *options,
        f"http://{address}{path}",
    ]
    body, _newline, status = subprocess.run(command, capture_output=True, text=True, check=False).stdout.rpartition(
        "\n"
    )
    return Answer(int(status or 0), body.strip())


def site(*arguments: str, fails: bool = False) -> str:
    return play("site.yml", *INVENTORY, *arguments, fails=fails)


@pytest.mark.parametrize("host", [SHOP, DOCS])
def test_every_backend_serves_both_sites_through_the_address(host: str) -> None:
    answers = {ask(VIP, host) for _request in range(15)}
    assert answers == {Answer(200, f"{host.partition('.')[0]} of {name}") for name in ADDRESSES}


@pytest.mark.parametrize("name", ADDRESSES)
def test_each_backend_is_as_it_was_told_and_would_start_again(name: str) -> None:
    node, address = Node(name), ADDRESSES[name]
    node.run("apachectl -t && systemctl restart apache2" if name in HTTPD else "nginx -t && systemctl restart nginx")
    eventually(lambda: ask(address, SHOP).status == 200, within=5, saying=f"{name} serves")
    assert ask(f"{address}:81", SHOP).body == f"shop of {name}"
    assert ask(f"{address}:8080", DOCS).body == f"docs of {name}"
    assert ask(address, SHOP, "/no") == Answer(404, "not in the shop")
    assert ask(address, SHOP, "/healthz") == Answer(204, "")
    assert ask(address, SHOP, "/staff").status == 401
    assert ask(address, SHOP, "/staff", "-u", "ann:word").status == 404
    assert node.run("stat -c '%a %U %G' /etc/shop.users /var/cache/shop").split("\n")[:2] == [
        "640 root www-data",
        "750 www-data root",
    ]


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_log_has_the_client_and_not_the_balancer(name: str) -> None:
    log = "/var/log/apache2/access.log" if name in HTTPD else "/var/log/nginx/access.log"
    mark = f"/mark-{time.monotonic_ns()}"
    for _request in range(9):
        ask(VIP, SHOP, mark)
    line = Node(name).run(f"sleep 0.5; grep {mark} {log} | head -1")
    assert line, f"{name} got none of nine requests"
    assert line.split()[0] not in ("10.89.50.11", "10.89.50.12")
    # Nobody but a balancer is believed.
    ask(ADDRESSES[name], SHOP, f"{mark}-forged", "-H", "X-Forwarded-For: 203.0.113.9")
    assert not Node(name).run(f"sleep 0.5; grep {mark}-forged {log}").startswith("203.0.113.9")


@pytest.mark.parametrize("name", ["web1", "web2"])
def test_content_is_as_its_source_and_what_others_did_to_it_is_mended(name: str) -> None:
    node, address = Node(name), ADDRESSES[name]
    assert ask(f"{address}:8080", DOCS, "/css/docs.css") == Answer(200, "body { color: teal }")
    listed = "cd /srv/docs && stat -c '%n %a %U %G' $(find . | sort)"
    found = node.run(listed)
    assert found.split("\n")[:2] == [". 755 root www-data", "./css 755 root www-data"]
    assert "./index.html 640 root www-data" in found
    # A browser that asked another host before has what this one has.
    answers = [ask(f"{one}:8080", DOCS, "/css/docs.css", "--include").body for one in ADDRESSES.values()]
    assert len({line for answer in answers for line in answer.split("\n") if line.startswith("Last-Modified: ")}) == 1
    node.run("cd /srv/docs && echo more >css/more.css && echo edited >css/docs.css && rm index.html")
    told = site("--tags", "backend", "--limit", name, "--diff")
    assert "+index.html" in told
    assert "-css/more.css" in told
    assert node.run(listed) == found
    assert "changed=0" in site("--tags", "backend", "--limit", name).split("PLAY RECAP")[1]


def test_content_comes_from_an_archive_on_the_host_too() -> None:
    web1 = Node("web1")
    web1.run("cd /srv && tar czf /tmp/docs.tgz --transform 's,^docs,docs-2,' docs")
    served = {"server_name": "a", "listen": ["80", "81", "8080"], "root": "/srv/archived"}
    content = {"archive": "/tmp/docs.tgz", "remote_src": True, "strip_components": 1}
    said = json.dumps({"backend_sites": [{**served, "content": content}]})
    site("--tags", "backend", "--limit", "web1", "-e", said)
    assert ask(f"{ADDRESSES['web1']}:8080", "a", "/css/docs.css").body == "body { color: teal }"
    for source, told in (
        ("/tmp/none.tgz", "/tmp/none.tgz is not there"),
        ("/etc/hostname", "cannot be read as an archive"),
    ):
        bad = json.dumps({"backend_sites": [{**served, "content": {"archive": source, "remote_src": True}}]})
        for options in (("--check",), ()):
            words = site("--tags", "backend", "--limit", "web1", "-e", bad, *options, fails=True)
            assert f"backend_sites[0].content: {source}" in words
            assert told in words
    assert ask(f"{ADDRESSES['web1']}:8080", "a", "/css/docs.css").status == 200
    site("--tags", "backend", "--limit", "web1")
    assert ask(f"{ADDRESSES['web1']}:8080", DOCS).body == "docs of web1"


def test_a_source_that_is_not_there_is_told_before_any_host_is_touched() -> None:
    bad = '{"backend_sites": [{"server_name": "a", "listen": ["80", "81", "8080"], "content": {"folder": "none"}}]}'
    for options in (("--check",), ()):
        told = site("-e", bad, *options, fails=True)
        assert "web1, web2, web3: backend_sites[0].content.folder: there is no folder" in told
        assert "no host was touched" in told


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_log_of_its_own_has_its_folder_and_is_rotated(name: str) -> None:
    node, server = Node(name), "httpd" if name in HTTPD else "nginx"
    mark = f"/mark-{time.monotonic_ns()}"
    ask(f"{ADDRESSES[name]}:8080", DOCS, mark)
    assert mark in node.run("sleep 0.5; cat /var/log/docs/access")
    assert node.run("stat -c '%a %U' /var/log/docs") == "755 root"
    node.run(f"logrotate --force /etc/logrotate.d/holdfast-{server}")
    ask(f"{ADDRESSES[name]}:8080", DOCS, f"{mark}-again")
    found = node.run("sleep 1.5; cat /var/log/docs/access")
    assert f"{mark}-again" in found
    assert f"{mark} " not in found


def test_what_httpd_refuses_is_told_in_its_words_and_changes_nothing() -> None:
    # Only of those that have it: nginx knows no such option.
    of_httpd = "{'httpd_directives': ['NoSuch word']} if backend_server | default('nginx') == 'httpd' else {}"
    sites = f"{{{{ [{{'server_name': 'a', 'listen': ['80', '81', '8080']}} | combine({of_httpd})] }}}}"
    bad = json.dumps({"backend_sites": sites})
    told = site("--tags", "backend", "--limit", "web2", "-e", bad, fails=True)
    assert "Invalid command 'NoSuch'" in told
    assert "nothing was changed" in told
    assert ask(ADDRESSES["web2"], SHOP).body == "shop of web2"
    Node("web2").run("apachectl -t")


def test_what_httpd_cannot_do_is_told_before_any_host_is_touched() -> None:
    bad = '{"backend_sites": [{"server_name": "a", "listen": ["80", "81", "8080"], "gzip": true}]}'
    told = site("-e", bad, fails=True)
    assert "web2, web3: backend_sites[0].gzip: gzip has no equal in Apache httpd" in told


def test_a_backend_is_drained_without_a_lost_request() -> None:
    stop: list[bool] = []

    def ask_on() -> list[Answer]:
        found = []
        while not stop:
            found.append(ask(VIP, SHOP))
        return found

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask_on) for _client in range(4)]
        try:
            play("playbooks/drain.yml", *INVENTORY, "-e", "host=web1")
            assert "shop of web1" not in {ask(VIP, SHOP).body for _request in range(12)}
            again = site("--tags", "balancer")
            assert "is left out of the upstreams since" in again
            assert "shop of web1" not in {ask(VIP, SHOP).body for _request in range(12)}
            play("playbooks/drain.yml", *INVENTORY, "-e", "host=web1", "-e", "back=true")
        finally:
            stop.append(True)
    answers = [answer for one in clients for answer in one.result()]
    assert len(answers) > 100
    assert [answer for answer in answers if answer.status != 200] == []
    assert "shop of web1" in {ask(VIP, SHOP).body for _request in range(12)}


def test_another_server_takes_the_place_of_one_that_the_role_has_brought() -> None:
    web3 = Node("web3")
    site("--tags", "backend", "--limit", "web3", "-e", "backend_server=nginx")
    for port, host in ((80, SHOP), (81, SHOP), (8080, DOCS)):
        assert ask(f"{ADDRESSES['web3']}:{port}", host).status == 200
        assert "nginx" in web3.run(f"ss -Hltnp sport = :{port}")
    assert web3.run("systemctl is-active apache2 || true").strip() == "inactive"
    assert web3.run("find /etc/apache2 -name '*holdfast*'") == ""
    site("--tags", "backend", "--limit", "web3")
    assert "apache2" in web3.run("ss -Hltnp sport = :80")
    assert web3.run("systemctl is-active nginx || true").strip() == "inactive"
    assert ask(ADDRESSES["web3"], SHOP).body == "shop of web3"
    assert "changed=0" in site("--tags", "backend", "--limit", "web3").split("PLAY RECAP")[1]


def test_a_host_that_leaves_keeps_neither_site_nor_rule() -> None:
    web3 = Node("web3")
    web3.run(
        "nft add table inet own; nft 'add chain inet own input { type filter hook input priority 0; policy drop; }'"
    )
    web3.run("nft add rule inet own input tcp dport 22 accept; nft add rule inet own input ct state established accept")
    try:
        site("--tags", "backend", "--limit", "web3")
        assert "10.89.50.11" in web3.run("nft list ruleset")
        play("playbooks/drain.yml", *INVENTORY, "-e", "host=web3", "-e", "leave=true")
        assert "shop of web3" not in {ask(VIP, SHOP).body for _request in range(12)}
        assert "10.89.50.11" not in web3.run("nft list ruleset")
        assert web3.run("ss -Hltn sport = :80 or sport = :8080") == ""
        assert web3.run("find /etc/apache2 /etc/nginx -name '*holdfast*.conf'") == ""
    finally:
        web3.run("nft delete table inet own")
        site("--tags", "backend", "--limit", "web3")
        play("playbooks/drain.yml", *INVENTORY, "-e", "host=web3", "-e", "back=true")
    assert ask(ADDRESSES["web3"], SHOP).body == "shop of web3"
