# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of single sites have a folder and are rotated, unless the package of the web server does it."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.site_logs import site_logs
from inventory_builder import InventoryBuilder

ROTATION = "/etc/logrotate.d/holdfast-nginx"


def test_what_the_package_rotates_or_nobody_can_is_left_out() -> None:
    sites = [
        {"access_log": "/var/log/nginx/a.log main"},
        {"access_log": "off", "error_log": "/dev/null"},
        {"access_log": "syslog:server=unix:/dev/log"},
        {"access_log": "/srv/$host.log", "error_log": False},
        {},
    ]
    assert site_logs(sites) == {"folders": [], "files": [{"path": ROTATION}]}


def test_other_logs_are_rotated_and_a_folder_below_that_of_nginx_is_made() -> None:
    inner = {"path": "/", "locations": [{"path": "/a", "access_log": "/srv/logs/a.log combined buffer=32k"}]}
    sites = [{"access_log": "/var/log/nginx/shop/access.log", "error_log": ["/var/log/nginx/shop/error"]}, inner]
    found = site_logs([*sites, {"locations": [inner]}, sites[0]])
    assert found["folders"] == [{"path": "/var/log/nginx/shop"}, {"path": "/srv/logs", "kept": True}]
    [rotation] = found["files"]
    assert rotation["path"] == ROTATION
    logs = [line for line in rotation["content"].split("\n") if line.startswith('"')]
    assert logs == ['"/var/log/nginx/shop/access.log"', '"/var/log/nginx/shop/error"', '"/srv/logs/a.log" {']
    assert "USR1 --kill-who=main nginx.service" in rotation["content"]


def test_httpd_has_its_own_folder_and_its_own_way_to_open_a_log_anew() -> None:
    found = site_logs([{"access_log": "/var/log/apache2/a.log", "error_log": "/var/log/apache2/shop/e.log"}], "httpd")
    assert found["folders"] == [{"path": "/var/log/apache2/shop"}]
    [rotation] = found["files"]
    assert rotation["path"] == "/etc/logrotate.d/holdfast-httpd"
    assert '"/var/log/apache2/shop/e.log" {' in rotation["content"]
    assert "systemctl reload @HTTPD@.service" in rotation["content"]


def test_a_site_of_a_backend_has_them_too_and_those_of_a_former_server_go() -> None:
    for server, home, other in (("nginx", "nginx", "httpd"), ("httpd", "apache2", "nginx")):
        log = f"/var/log/{home}/shop/access.log"
        sites = [{"server_name": "a.org", "access_log": log}]
        said = {"backend_server": server, "backend_sites": sites, "backend_folders": [{"path": "/srv/logs"}]}
        backend = InventoryBuilder(said).documents("web1")["backend"]
        assert "logrotate" in backend["preflight"]["packages"]
        files = backend["state"]["files"]
        assert files["folders"][0] == {"path": f"/var/log/{home}/shop"}
        assert files["folders"][-1]["path"] == "/srv/logs"
        rotations = {one["path"]: one.get("content", "") for one in files["files"] if "logrotate" in one["path"]}
        assert log in rotations[f"/etc/logrotate.d/holdfast-{server}"]
        assert rotations[f"/etc/logrotate.d/holdfast-{other}"] == ""
