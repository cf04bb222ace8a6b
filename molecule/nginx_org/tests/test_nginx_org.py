# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx comes from the repository, and only from it, in the version that is said."""

from __future__ import annotations

import json
import typing as t
import urllib.request

import pytest

from harness.node import Node
from harness.playing import ROOT, playbook

INVENTORIES = ("--inventory=inventory/lab", "--inventory=molecule/nginx_org/inventory")
BALANCERS = ("lb1", "lb2")
HOSTS = (*BALANCERS, "web1", "web2")
NEWER, OLDER = "1.26.3-1~bookworm", "1.26.2-1~bookworm"
FILES = (
    "/etc/apt/keyrings/holdfast-nginx.asc",
    "/etc/apt/sources.list.d/holdfast-nginx.sources",
    "/etc/apt/preferences.d/holdfast-nginx-source",
)


def site(**variables: t.Any) -> tuple[int, str]:
    """Run site.yml with these variables; return the exit code and what was printed."""
    done = playbook("site.yml", *INVENTORIES, "--extra-vars", json.dumps(variables), result_format="json")
    return done.returncode, done.stdout + done.stderr


def changes(output: str) -> int:
    return sum(int(word.partition("=")[2]) for word in output.split() if word.startswith("changed="))


def versions() -> dict[str, str]:
    """Return the version of nginx on each host that has it, with who made the package."""
    shown = "dpkg-query --show --showformat='${Version} ${Maintainer}' nginx"
    return {name: Node(name).run(shown) for name in HOSTS}


def made(version: str) -> dict[str, str]:
    return dict.fromkeys(HOSTS, f"{version} NGINX Packaging <nginx-packaging@f5.com>")


def state(name: str) -> str:
    """Return what a run may have changed on a host: packages, and files of nginx and apt."""
    return Node(name).run(
        "dpkg-query --show; find /etc/apt /etc/nginx /etc/keepalived -type f -exec sha256sum {} +; "
        "systemctl show --property=MainPID nginx keepalived"
    )


def served() -> str:
    request = urllib.request.Request("http://10.89.50.100/", headers={"Host": "blog.example.com"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text.split("\n")[0]


def test_the_packages_are_those_of_the_repository() -> None:
    assert versions() == made(NEWER)
    for name in HOSTS:
        for path in FILES:
            assert Node(name).run(f"stat -c %a:%U {path}") == "644:root"
    assert served() in ("web1", "web2", "web3")


def test_no_welcome_page_is_left_and_the_workers_are_those_of_its_user() -> None:
    for name in BALANCERS:
        assert Node(name).attempt("ls /etc/nginx/conf.d/default.conf").returncode != 0
        assert "nginx" in Node(name).run("ps -o user= -C nginx").split()


def test_a_version_is_a_downgrade_then_a_hold_and_then_an_upgrade() -> None:
    code, output = site(nginx_version=OLDER)
    assert code == 0, output
    assert versions() == made(OLDER)
    assert served() in ("web1", "web2", "web3")
    code, output = site(nginx_version=OLDER)
    assert (code, changes(output)) == (0, 0), output
    for name in HOSTS:
        assert "Inst nginx" not in Node(name).run("apt-get --simulate upgrade")
    code, output = site(nginx_version="1.26.3*")
    assert code == 0, output
    assert versions() == made(NEWER)
    code, output = site()
    assert code == 0, output
    assert Node("lb1").attempt("ls /etc/apt/preferences.d/holdfast-nginx").returncode != 0
    assert versions() == made(NEWER)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"nginx_version": "9.*"},
            f"nginx_version: the package sources of this host have no version 9.* of nginx, but {NEWER}, {OLDER}",
        ),
        ({"nginx_source_fingerprints": ["0" * 40]}, f"which is none of {'0' * 40}: find out whose it is"),
        (
            {"nginx_source_url": "http://10.89.50.23:9/packages"},
            "nginx_source: http://10.89.50.23:9/packages/debian cannot be a package source of this host",
        ),
        ({"nginx_source_key": "no key"}, "nginx_source: nginx_source_key: this is no public key of OpenPGP"),
    ],
)
def test_a_source_that_cannot_be_is_refused_and_nothing_is_changed(variables: dict[str, t.Any], told: str) -> None:
    before = {name: state(name) for name in HOSTS}
    for more in ((), ("--check",)):
        done = playbook("site.yml", *INVENTORIES, *more, "--extra-vars", json.dumps(variables), result_format="json")
        assert done.returncode != 0
        assert told in done.stdout
    assert {name: state(name) for name in HOSTS} == before


def test_a_source_that_another_key_has_signed_is_refused() -> None:
    key = ROOT / "tests" / "support" / "keys" / "two_keys.asc"
    known = ["626950290DB6619523089C78C7EC133E502D71DB", "95BCA9AEED1936E9A15A2E2AF398B0ABB72DF6D9"]
    code, output = site(nginx_source_key=key.read_text(), nginx_source_fingerprints=known)
    assert code != 0
    assert "nginx_source: http://10.89.50.23:8000/packages/debian cannot be a package source of this host" in output
