# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both daemons run from a build of their own, are upgraded without a lost request, and bad input changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import typing as t
from pathlib import Path

import pytest

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.fault_injection import SINGLE_RUN, inject_fault
from harness.faults import named
from harness.node import Node
from harness.playing import playbook

INVENTORIES = ("--inventory=inventory/lab", "--inventory=molecule/source_build/inventory")
BALANCERS = (Node("lb1"), Node("lb2"))


def site(*arguments: str, **variables: t.Any) -> tuple[int, str]:
    """Run site.yml with these variables; return the exit code and what was printed."""
    done = playbook("site.yml", *INVENTORIES, *arguments, "--extra-vars", json.dumps(variables), result_format="json")
    return done.returncode, done.stdout + done.stderr


def changes(output: str) -> int:
    return sum(int(word.partition("=")[2]) for word in output.split() if word.startswith("changed="))


def programs(node: Node) -> str:
    """Return what runs: the main processes as systemd knows them, and the programs of these."""
    return node.run(
        "for unit in nginx keepalived; do pid=$(systemctl show --property=MainPID --value $unit);"
        " echo $unit $pid $(readlink /proc/$pid/exe); done"
    )


def state(node: Node) -> str:
    """Return what a run may have changed on a host."""
    return programs(node) + node.run(
        "dpkg-query --show; ls -l /opt/balancer /usr/local /usr/local/sbin /var/cache/holdfast /etc/systemd/system;"
        " find /etc/nginx /etc/keepalived -type f -exec sha256sum {} +"
    )


SHAM = """\
#!/bin/sh
# Instead of nginx this builds a program that tells of itself as that of before does, and then does something else.
for word in "$@"; do
    case $word in --prefix=*) home=${word#--prefix=} ;; esac
done
cat >Makefile <<EOF
all:
install:
	mkdir -p \$(DESTDIR)$home/sbin \$(DESTDIR)$home/of-before \$(DESTDIR)/etc/nginx
	cp -L /usr/local/sbin/nginx \$(DESTDIR)$home/of-before/
	cp mute.conf \$(DESTDIR)$home/
	install program \$(DESTDIR)$home/sbin/nginx
EOF
sed -i "s|@HOME@|$home|" program
"""
PROGRAM = """\
#!/bin/sh
home=@HOME@
case " $* " in
*" -t "*) grep -q '^ *# which refuses all$' "$0" && { echo "nginx: [emerg] its own words" >&2; exit 1; } ;;
*" -T "* | *" -v "* | *" -V "*) ;;
*)
    STARTS
    exit 1
    ;;
esac
exec "$home/of-before/nginx" "$@"
"""
MUTE = "user balancer;\npid /run/nginx.pid;\nerror_log /dev/null;\nevents {}\nhttp { access_log off; }\n"


def sham(folder: Path, starts: str) -> Path:
    """Write a tarball that builds in a moment; its nginx passes every test, and starts in this way."""
    path = folder / "sham.tar.gz"
    texts = {"configure": SHAM, "program": PROGRAM.replace("STARTS", starts), "mute.conf": MUTE}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(f"sham/{name}")
            member.size, member.mode = len(text.encode()), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def of(tarball: Path) -> dict[str, str]:
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    return {"nginx_tarball": str(tarball), "nginx_tarball_checksum": digest}


def main_pid(node: Node) -> int:
    return int(node.run("cat /run/nginx.pid"))


def test_both_run_from_their_builds_and_the_workers_are_those_of_the_user(pair: Cluster) -> None:
    assert pair.audit() == []
    for node in BALANCERS:
        assert "/opt/balancer/nginx-" in programs(node)
        assert "/usr/local/keepalived-" in programs(node)
        assert "balancer" in node.run("ps -o user= -C nginx").split()
        assert node.attempt("dpkg-query --show nginx keepalived").returncode != 0
        assert node.run("find /opt/balancer /usr/local/keepalived-* ! -user root").strip() == ""
        assert node.attempt("ls /var/cache/private/holdfast-build-nginx").returncode != 0


def test_a_second_run_builds_nothing() -> None:
    code, output = site()
    assert (code, changes(output)) == (0, 0), output


def test_the_address_moves_when_nginx_is_killed(pair: Cluster) -> None:
    fault = named("nginx killed")
    seen = inject_fault(pair, lambda: fault.inject(pair.lb1), successor=pair.lb2, isolated=fault.isolated)
    print(f"MEASURED {seen.figures('nginx killed, built from source')}")
    seen.assert_within(SINGLE_RUN * fault.gap, SINGLE_RUN * fault.lost)
    assert pair.audit() == []


def test_an_upgrade_in_place_and_the_way_back_lose_no_request(pair: Cluster, tmp_path: Path) -> None:
    # Another build of the same program: it is there in a moment, and takes over by the same signals.
    tarball = sham(tmp_path, 'exec "$home/of-before/nginx" "$@"')
    before = [main_pid(node) for node in BALANCERS]
    was = [programs(node) for node in BALANCERS]
    for variables, folder in ((of(tarball), "of-before"), ({}, "sbin")):
        with client(VIP, SITE) as window:
            code, output = site(**variables)
            window.settle(1.0)
        assert code == 0, output
        summary = window.summary()
        print(f"MEASURED upgrade in place: {summary['requests']} requests, {summary['failed_total']} failed")
        assert summary["failed_total"] == 0
        assert pair.lb1.holds(VIP)
        for node in BALANCERS:
            assert re.search(
                f"nginx {main_pid(node)} /opt/balancer/nginx-[0-9a-f]{{16}}/{folder}/nginx", programs(node)
            )
            assert node.attempt("ls /run/nginx.pid.oldbin").returncode != 0
    assert all(main_pid(node) not in before for node in BALANCERS)
    assert [re.sub(r"nginx \d+", "nginx", programs(node)) for node in BALANCERS] == [
        re.sub(r"nginx \d+", "nginx", one) for one in was
    ]
    assert pair.audit() == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"nginx_tarball_checksum": "0" * 64}, "nginx_tarball_checksum: "),
        ({"keepalived_tarball_checksum": "0" * 64}, "keepalived_tarball_checksum: "),
        (
            {"nginx_tarball": "http://10.89.50.23:9/nginx.tar.gz", "nginx_tarball_checksum": "0" * 64},
            "nginx_tarball: http://10.89.50.23:9/",
        ),
        ({"keepalived_tarball": "nowhere.tar.gz"}, "keepalived_tarball: there is no file "),
        (
            {
                "nginx_configure_options": ["--with-http_ssl_module"],
                "balancer_status_listen": ["127.0.0.1:8081"],
            },
            "needs --with-http_stub_status_module in nginx_configure_options",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_and_nothing_is_changed(variables: dict[str, t.Any], told: str) -> None:
    before = [state(node) for node in BALANCERS]
    for more in (("--check",), ()):
        code, output = site(*more, **variables)
        assert code != 0
        assert told in output
    assert [state(node) for node in BALANCERS] == before
