# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role wants of a host is complete, and the same to the byte however the inventory writes its numbers."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.state import SECTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS
from documented import role_specs
from inventory_builder import InventoryBuilder, Variables

NUMBERS: dict[str, t.Any] = {
    "keepalived_probe_port": 8080,
    "keepalived_probe_interval": 0.1,
    "keepalived_probe_timeout": 0.5,
    "keepalived_probe_fall": 3,
    "keepalived_probe_rise": 1,
    "keepalived_detector_interval": 2.0,
    "keepalived_rt_priority": 40,
    "keepalived_startup_delay": 2.5,
    "keepalived_garp_master_repeat": 4,
    "keepalived_notify_timeout": 5,
    "keepalived_log_keep": 3,
    "backend_port": 8081,
}
CHECK: dict[str, t.Any] = {"name": "dns", "port": 53, "interval": 2.0, "timeout": 1.0, "fall": 5}
SWITCHES = ("keepalived_sandbox", "keepalived_guard", "keepalived_adopt", "keepalived_log_install")


def everything(variables: Variables, check: Variables) -> list[str]:
    fixed = {"balancer_health_listen": ["8080"], "keepalived_log_file": "/var/log/keepalived.log"}
    inventory = InventoryBuilder({**fixed, **variables, "keepalived_checks": [check]})
    return [json.dumps(inventory.documents(host)) for host in ("lb1", "web1")]


def state(said: Variables | None = None, role: str = "keepalived", host: str = "lb1") -> dict[str, t.Any]:
    found: dict[str, t.Any] = InventoryBuilder(said).documents(host)[role]["state"]
    return found


def test_numbers_are_numbers_whoever_wrote_them() -> None:
    as_text = [{name: str(value) for name, value in said.items()} for said in (NUMBERS, CHECK)]
    assert everything(NUMBERS, CHECK) == everything(*as_text)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_one_however_it_is_written(name: str) -> None:
    assert everything({name: False}, CHECK) == everything({name: "no"}, CHECK)
    assert everything({name: True}, CHECK) == everything({name: "yes"}, CHECK)
    assert everything({name: False}, CHECK) != everything({name: True}, CHECK)


def test_a_default_that_is_said_changes_nothing() -> None:
    said = {name: value for name, value in DEFAULTS.items() if name in role_specs("keepalived")}
    del said["keepalived_vips"]
    assert InventoryBuilder(said).documents("lb1") == InventoryBuilder().documents("lb1")


def test_the_sections_of_a_role_are_those_of_a_host() -> None:
    inventory = InventoryBuilder()
    for host in ("lb1", "web1"):
        for role, document in inventory.documents(host).items():
            assert set(document["state"]) <= set(SECTIONS), role


def test_the_watcher_and_the_detector_are_told_all_of_it() -> None:
    found = state({**NUMBERS, "balancer_health_listen": ["8080"], "keepalived_checks": [CHECK]})
    watcher = found["watcher"]["document"]
    probe = watcher["probe"]
    assert [probe[name] for name in ("port", "interval", "timeout", "fall", "rise")] == [8080, 0.1, 0.5, 3, 1]
    assert probe["peers"] == [{"address": "10.0.0.12", "port": 80, "proxy_protocol": False}]
    assert [check["name"] for check in watcher["checks"]] == ["dns"]
    texts = {one["path"]: one.get("content") for one in found["files"]["files"]}
    detector = json.loads(texts["/etc/holdfast/detector.json"])
    assert [one["name"] for one in detector["instances"]] == ["VI_1"]
    assert detector["interval"] == 2.0
    for name in (*(f"/run/holdfast/track/{one}" for one in ("nginx_crash", "check_dns", "cut_off_VI_1")),):
        assert f"f {name} 0644 root root - 0\\n" in texts["/etc/tmpfiles.d/holdfast.conf"]


def test_the_site_of_the_watcher_comes_last_and_is_nobodys_default() -> None:
    sites = [{"server_name": name, "upstream": "blog"} for name in "ab"]
    first, second, health = state({"balancer_sites": sites}, "balancer")["nginx"]["servers"]
    assert (first.get("listen"), second.get("listen")) == (["80 default_server"], None)
    assert health["locations"][0] == {"path": "= /holdfast-health", "return": "204"}
    assert health["listen"] == ["127.0.0.1:488"]


def test_without_a_site_nginx_tells_only_whether_it_is_well() -> None:
    [health] = state({"balancer_sites": []}, "balancer")["nginx"]["servers"]
    assert health["server_name"] == ["health.holdfast.invalid"]


def test_what_a_firewall_is_told_and_when_it_is_left_alone() -> None:
    assert state()["firewall"] == {
        "adverts": [{"source": "10.0.0.12"}],
        "ports": ["80/tcp"],
        "addresses": ["10.0.0.11"],
        "authenticated": False,
        "sources": [],
        "through": True,
        "guard": True,
        "senders": "joined",
    }
    assert state({"keepalived_firewall": "none"})["firewall"]["through"] is False
    assert "firewall" not in state({"keepalived_firewall": "none", "keepalived_guard": False})
    backend = state(role="backend", host="web1")
    assert backend["firewall"] == {
        "ports": ["8080/tcp"],
        "sources": ["10.0.0.11", "10.0.0.12"],
        "addresses": ["10.0.0.21"],
    }
    assert "firewall" not in state({"backend_firewall": "none"}, "backend", "web1")
    assert "nginx" not in state({"backend_server": "httpd"}, "backend", "web1")


def test_a_log_of_its_own_has_rsyslog_looked_after_before_who_writes_to_it() -> None:
    assert gone(state()) >= {"/etc/rsyslog.d/30-holdfast.conf", "/etc/logrotate.d/holdfast-keepalived"}
    found = state({"keepalived_log_file": "/var/log/keepalived.log"})
    assert found["services"]["services"][0]["name"] == "rsyslog.service"
    assert not {path for path in gone(found) if "log" in path}


def gone(found: t.Any) -> set[str]:
    """Return the files that shall not be there."""
    return {one["path"] for one in found["files"]["files"] if "content" not in one}


def test_a_source_of_nginx_is_looked_for_where_its_package_is_wanted() -> None:
    url = "https://nginx.org/packages/mainline"
    wanted = {"url": url, "package": "nginx", "key": "", "fingerprints": []}
    inventory = InventoryBuilder({"nginx_source": "nginx.org-mainline"}, web1={"backend_server": "httpd"})
    assert inventory.documents("lb1")["balancer"]["preflight"]["nginx_source"] == wanted
    assert "nginx_source" not in inventory.documents("web1")["backend"]["preflight"]
    mirror = {"nginx_source": "nginx.org", "nginx_source_url": "http://10.0.0.9/x", "nginx_source_key": "k"}
    found = InventoryBuilder(mirror).documents("web1")["backend"]["preflight"]["nginx_source"]
    assert found == {**wanted, "url": "http://10.0.0.9/x", "key": "k"}
    assert "nginx_source" not in InventoryBuilder({}).documents("lb1")["balancer"]["preflight"]


def test_a_source_of_nginx_goes_with_its_variable_and_its_welcome_page_unless_changed() -> None:
    with_source = InventoryBuilder({"nginx_source": "nginx.org"}).documents("lb1")["nginx"]["state"]
    without = InventoryBuilder({}).documents("lb1")["nginx"]["state"]
    assert with_source["package_sources"]["nginx_source"]["url"] == "https://nginx.org/packages"
    assert "pin" not in with_source["package_sources"]
    assert with_source["files"]["files"] == [{"path": "/etc/nginx/conf.d/default.conf", "conffile_of": "nginx"}]
    assert without["package_sources"] == {"daemon": "nginx"}
    assert without["files"]["files"] == [{"path": "/etc/nginx/sites-enabled/default"}]


def test_a_version_is_looked_for_by_who_has_the_package_and_its_pin_goes_with_it() -> None:
    said = {"nginx_version": "1.22.*", "keepalived_version": "1:2.2.7-1"}
    documents, own = InventoryBuilder(said).documents("lb1"), InventoryBuilder(said).documents("web1")
    nginx = {"package": "nginx", "version": "1.22.*", "path": "nginx_version"}
    keepalived = {"package": "keepalived", "version": "1:2.2.7-1", "path": "keepalived_version"}
    assert documents["balancer"]["preflight"]["pins"] == own["backend"]["preflight"]["pins"] == [nginx]
    assert documents["keepalived"]["preflight"]["pins"] == [keepalived]
    assert documents["nginx"]["state"]["package_sources"] == own["nginx"]["state"]["package_sources"]
    assert documents["keepalived"]["state"]["package_sources"] == {"daemon": "keepalived", "pin": keepalived}
    assert state()["package_sources"] == {"daemon": "keepalived"}


def test_every_port_of_nginx_is_one_on_which_selinux_shall_let_it_listen() -> None:
    said = {
        "balancer_sites": [{"listen": ["80", "443 quic", "127.0.0.1:9"], "return": "204"}],
        "balancer_health_listen": ["127.0.0.1:81"],
    }
    assert InventoryBuilder(said).documents("lb1")["balancer"]["state"]["selinux_ports"]["ports"] == [
        {"first": 80, "last": 80},
        {"first": 443, "last": 443, "protocol": "udp"},
        {"first": 9, "last": 9},
        {"first": 81, "last": 81},
    ]


def test_what_is_looked_for_before_nginx_balances() -> None:
    sites = [{"server_name": "a", "upstream": "blog", "listen": ["80", "443 quic", "8000-8002", "127.0.0.1:9"]}]
    documents = InventoryBuilder({"balancer_sites": sites, "nginx_package": "nginx-full"}).documents("lb1")
    assert documents["balancer"]["preflight"] == {
        "packages": ["nginx-full"],
        "nginx_modules": [],
        "ports": [80, 8000, 8001, 8002, 488],
    }
    assert documents["keepalived"]["preflight"]["packages"] == ["keepalived", "logrotate", "nftables"]


def test_the_modules_that_streams_and_text_of_the_user_need_are_looked_for() -> None:
    streams = {
        "balancer_stream_upstreams": [{"name": "db", "servers_from": "backend", "port": 5432}],
        "balancer_streams": [{"name": "db", "listen": ["5432"], "upstream": "db"}],
    }
    location = {"path": "/", "upstream": "blog", "directives": ["image_filter resize 100 100"]}
    site = {"server_name": "a", "locations": [location], "directives": ["not { closed"]}
    said = {**streams, "balancer_sites": [site], "nginx_http": {"directives": ["brotli on"]}}
    found = InventoryBuilder(said).documents("lb1")["balancer"]["preflight"]["nginx_modules"]
    assert found == ["http_brotli_filter", "http_image_filter", "stream"]


def test_nginx_conf_and_its_limit_of_files_go_along() -> None:
    said = {"nginx_events": {"worker_connections": 1000}, "nginx_http": {"gzip": False}}
    document = state(said, "balancer")
    nginx = document["nginx"]
    assert (nginx["nginx_conf"], nginx["events"], nginx["http"]) == ("managed", said["nginx_events"], {"gzip": False})
    [drop_in] = [one for one in document["files"]["files"] if "limits" in one["path"]]
    assert drop_in["path"] == "/etc/systemd/system/nginx.service.d/holdfast-limits.conf"
    assert "\nLimitNOFILE=2000:524288\n" in drop_in["content"]
    assert state(said, "backend", "web1")["nginx"]["events"] == said["nginx_events"]
    given_back = state({**said, "nginx_conf": "package"}, "balancer")
    assert given_back["nginx"]["nginx_conf"] == "package"
    assert "http" not in given_back["nginx"]
    assert "content" not in given_back["files"]["files"][0]


def test_every_definition_reaches_nginx() -> None:
    zone = [{"name": "z", "rate": "1r/s"}]
    for variable, option, value in (
        ("balancer_limit_req_zones", "limit_req_zones", zone),
        ("balancer_cache_paths", "cache_paths", [{"name": "c"}]),
        ("balancer_stream_maps", "stream_maps", [{"source": "$a", "variable": "$b", "default": "1"}]),
        ("balancer_geos", "geos", [{"variable": "$b", "default": "1"}]),
    ):
        assert state({variable: value}, "balancer")["nginx"][option] == value


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({}, []),
        ({"balancer_sites": [{"server_name": "a", "upstream": "blog", "access_log": "/x json"}]}, ["json"]),
        ({"nginx_http": {"access_log": "/x json buffer=32k"}}, ["json"]),
        (
            {"nginx_http": {"access_log": "/x json"}, "balancer_log_formats": [{"name": "json", "format": "x"}]},
            ["json"],
        ),
    ],
)
def test_the_ready_format_is_there_where_a_log_names_it(said: dict[str, t.Any], names: list[str]) -> None:
    formats = state(said, "balancer")["nginx"]["log_formats"]
    assert [one["name"] for one in formats] == names
