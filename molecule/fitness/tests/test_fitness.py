# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A balancer is fit when nginx answers and its ports are open; what a site does with them decides nothing."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.playing import doctor, play, playbook
from harness.waiting import eventually

FILE = f"/etc/nginx/conf.d/holdfast-60-server-{SITE}.conf"
BLOG: dict[str, t.Any] = {"server_name": SITE, "upstream": "blog"}
PEM = "/etc/ssl/private/fitness.pem"
TLS = {"ssl_certificate": PEM, "ssl_certificate_key": PEM}


@pytest.fixture(scope="module")
def pair() -> Cluster:
    """The pair, with a certificate that both balancers have."""
    pair = Cluster()
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={SITE}", "-keyout", "-", "-out", "-"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    for node in pair.balancers:
        node.run(f"umask 077 && cat > {PEM} <<'END'\n{made.stdout}END")
    return pair


def said(variables: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the words of a command line that says variables otherwise than the inventory."""
    return "--extra-vars", json.dumps(variables)


def rolled_out(**variables: t.Any) -> str:
    """Run site.yml with these variables, and return what it printed."""
    return play("playbooks/site.yml", *said(variables))


def test_nginx_was_never_started_before_its_configuration_was_there(pair: Cluster) -> None:
    for node in pair.balancers:
        first = node.run("journalctl --unit nginx --output short-unix --grep '^Start(ed|ing)' | head -1").split()[0]
        assert float(first) >= float(node.run(f"stat --format %W {FILE}")), node
        assert node.run("systemctl is-enabled nginx").strip() == "enabled"


@pytest.mark.parametrize(
    "listen",
    [["80 proxy_protocol"], ["443 ssl"], ["80", f"{VIP}:8080", "8443 ssl proxy_protocol"]],
    ids=" ".join,
)
def test_a_site_of_any_kind_takes_the_address_from_nobody(pair: Cluster, listen: list[str]) -> None:
    """N2: both stay fit, and the proof of site.yml asks as a client of this site does."""
    tls = TLS if any("ssl" in one for one in listen) else {}
    site = {**BLOG, "listen": listen, **tls}
    with watching(VIP, pair.balancers) as holders:
        rolled_out(balancer_sites=[site])
    assert holders.moves() == 0, holders
    assert pair.holder() == "lb1"
    for node in pair.balancers:
        assert node.run("cat /run/holdfast/track/nginx_*").split() == ["0"] * 4, node
        assert "is fit" in node.run("systemctl show --property=StatusText holdfast-watcher")
    code, findings, printed = doctor(*said({"balancer_sites": [site]}))
    assert (code, findings) == (0, []), printed


def test_a_port_that_nobody_listens_on_makes_a_balancer_unfit(pair: Cluster) -> None:
    rolled_out()
    pair.held_by(pair.lb1, within=30)
    pair.lb1.run(f"sed -i 's/listen 80/listen 81/' {FILE} && nginx -s reload")
    pair.held_by(pair.lb2, within=5)
    assert "nginx_probe is 1: nobody listens on port 80" in pair.lb1.run("journalctl --unit holdfast-watcher")
    rolled_out()
    pair.held_by(pair.lb1, within=30)


def test_a_corrected_inventory_is_rolled_out_where_nginx_is_down(pair: Cluster) -> None:
    """N3: its files are broken, and systemd has given it up on both."""
    for node in pair.balancers:
        node.run(f"echo broken > {FILE}; systemctl kill --signal=KILL nginx")
    for node in pair.balancers:
        eventually(
            lambda: node.run("systemctl is-failed nginx || true").strip() == "failed",  # noqa: B023
            within=60,
            saying=f"nginx of {node} is given up",
        )
    rolled_out(balancer_sites=[{**BLOG, "listen": ["80", "8081"]}])
    pair.held_by(pair.lb1, within=30)


def test_a_standby_that_becomes_unfit_ends_the_run_before_the_master_is_touched(pair: Cluster) -> None:
    pair.held_by(pair.lb1, within=30)
    pair.lb1.run("touch /run/only-here")
    checks = {"keepalived_checks": [{"name": "only", "file": "/run/only-here"}]}
    done = playbook("playbooks/site.yml", *said(checks))
    assert done.returncode != 0
    assert "VI_1 is in FAULT here (check_only says 1)" in " ".join(done.stdout.split())
    assert pair.lb2.run("grep -rl check_only /etc/keepalived").strip()
    assert pair.lb1.run("grep -rl check_only /etc/keepalived || true").strip() == ""
    assert pair.holder() == "lb1"


def test_the_rest_is_as_it_was(pair: Cluster) -> None:
    rolled_out()
    pair.held_by(pair.lb1, within=30)
    assert pair.audit() == []
