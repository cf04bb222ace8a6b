# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair that the short inventory makes, seen from this machine, a third host on its network."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
import testinfra

from harness.playing import play
from lab.inventory import DEFAULT_INVENTORY, hosts_of, read_inventory
from lab.podman import container_name, containers, held

INVENTORY = read_inventory([DEFAULT_INVENTORY])
VARIABLES = INVENTORY["_meta"]["hostvars"]["lb1"]
VIP = VARIABLES["keepalived_vips"][0]
SITE = VARIABLES["balancer_sites"][0]["server_name"]
BACKENDS = hosts_of(INVENTORY, "backend")


def answer(address: str, host: str) -> str:
    """Return the first line of what an address answers for a site."""
    request = urllib.request.Request(f"http://{address}/", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=2) as response:
        return str(response.read().decode().split("\n")[0])


@pytest.mark.parametrize(
    ("node", "unit"),
    [
        *((node, unit) for node in ("lb1", "lb2") for unit in ("nginx", "keepalived", "holdfast-watcher")),
        *(("web1", "nginx"), ("web2", "nginx"), ("web3", "apache2")),
    ],
)
def test_a_unit_runs_and_comes_back_at_boot(node: str, unit: str) -> None:
    service = testinfra.get_host(f"podman://{container_name(node)}").service(unit)
    assert service.is_running
    assert service.is_enabled


def test_the_preferred_node_alone_holds_the_address() -> None:
    assert {one.node: held(one) for one in containers() if one.node in ("lb1", "lb2")} == {"lb1": [VIP], "lb2": []}


def test_every_backend_answers_through_the_address() -> None:
    answers = [answer(VIP.split("/")[0], SITE) for _request in range(4 * len(BACKENDS))]
    assert set(answers) == set(BACKENDS)


@pytest.mark.parametrize("node", ["lb1", "lb2"])
def test_either_balancer_serves_the_site(node: str) -> None:
    address = INVENTORY["_meta"]["hostvars"][node]["ansible_host"]
    assert answer(address, SITE) in BACKENDS


@pytest.mark.parametrize("node", ["lb1", "lb2"])
def test_keepalived_goes_before_all_else(node: str) -> None:
    host = testinfra.get_host(f"podman://{container_name(node)}")
    bounding_set = int(host.check_output("sed -n 's/^CapBnd:[[:space:]]*//p' /proc/1/status"), 16)
    wanted = "RR -" if bounding_set >> 24 & 1 else "TS -20"  # 24: CAP_SYS_RESOURCE
    assert wanted in host.check_output("ps -C keepalived -o cls=,ni= | tr -s ' ' | sed 's/^ //'").split("\n")


def test_an_address_of_another_host_is_refused_before_anything_is_changed() -> None:
    web3 = testinfra.get_host(f"podman://{container_name('web3')}")
    free = VIP.replace(".100/", ".101/")
    mac = web3.check_output("cat /sys/class/net/eth0/address")
    web3.check_output(f"ip address add {free} dev eth0")
    try:
        vips = json.dumps({"keepalived_vips": [VIP, free]})
        told = play("site.yml", "--inventory", str(DEFAULT_INVENTORY), "--tags", "always", "-e", vips, fails=True)
    finally:
        web3.check_output(f"ip address del {free} dev eth0")
    assert f"{free.split('/')[0]} of VI_1 belongs to another host: {mac} answers for it on eth0" in told
    assert "Nothing was changed." in told


def test_only_the_balancer_that_differs_is_set_up_again_and_every_change_is_named() -> None:
    lb2 = testinfra.get_host(f"podman://{container_name('lb2')}")
    lb2.check_output("echo >>/etc/holdfast/detector.json")
    told = play("site.yml", "--inventory", str(DEFAULT_INVENTORY))
    assert "[lb2] files: /etc/holdfast/detector.json" in told
    assert "[lb2] services: restart holdfast-detector.service" in told
    assert re.search(r"^lb1 .* changed=0 ", told, re.MULTILINE), told
    # Both were compared, and one was set up.
    assert told.count("Deploy nginx, its sites and keepalived") == 1, told


@pytest.mark.parametrize("node", ["lb1", "lb2", "web1"])
def test_nginx_conf_is_taken_over_with_a_limit_that_fits_and_kept_from_upgrades(node: str) -> None:
    host = testinfra.get_host(f"podman://{container_name(node)}")
    assert "server_tokens off;" in host.file("/etc/nginx/nginx.conf").content_string
    assert "worker_connections 768;" in host.file("/etc/nginx/nginx.conf.distrib").content_string
    assert "/etc/nginx/nginx.conf.distrib" in host.check_output("dpkg-divert --list /etc/nginx/nginx.conf")
    worker = "/proc/$(pgrep -f 'nginx: worker' | head -1)/limits"
    assert host.check_output(f"grep 'Max open files' {worker}").split()[3] == "16384"


def test_a_stream_installs_the_module_that_it_needs_and_is_served() -> None:
    lb2 = testinfra.get_host(f"podman://{container_name('lb2')}")
    assert not lb2.package("libnginx-mod-stream").is_installed
    said = {
        "balancer_stream_upstreams": [{"name": "raw", "servers_from": "backend", "port": 8080}],
        "balancer_streams": [{"name": "raw", "listen": ["7080"], "upstream": "raw"}],
    }
    play("site.yml", "--inventory", str(DEFAULT_INVENTORY), "-e", json.dumps(said))
    assert lb2.package("libnginx-mod-stream").is_installed
    address = INVENTORY["_meta"]["hostvars"]["lb2"]["ansible_host"]
    assert answer(f"{address}:7080", "backend") in BACKENDS
