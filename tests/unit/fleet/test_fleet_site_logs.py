# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of single sites have a folder and are rotated, unless the package of nginx does it."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.site_logs import site_logs

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
    assert found["folders"] == [{"path": "/var/log/nginx/shop"}]
    [rotation] = found["files"]
    assert rotation["path"] == ROTATION
    logs = [line for line in rotation["content"].split("\n") if line.startswith('"')]
    assert logs == ['"/var/log/nginx/shop/access.log"', '"/var/log/nginx/shop/error"', '"/srv/logs/a.log" {']
