# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for daemons that are built from source, and what of it is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import NAME as HTTPD
from inventory_builder import InventoryBuilder

DIGEST = "9ebb333a9e82b952acd3e2b4aeb1d4ff6406f72491bab6cd9fe69f0dea737f31"
NGINX: dict[str, t.Any] = {
    "nginx_source": "tarball",
    "nginx_tarball": "https://example.com/nginx.tar.gz",
    "nginx_tarball_checksum": DIGEST,
}
KEEPALIVED: dict[str, t.Any] = {
    "keepalived_source": "tarball",
    "keepalived_tarball": "keepalived.tar.gz",
    "keepalived_tarball_checksum": DIGEST,
}


def test_packages_to_build_with_take_the_place_of_the_daemons() -> None:
    documents = InventoryBuilder({**NGINX, **KEEPALIVED}).documents("lb1")
    assert "nginx" not in documents["balancer"]["preflight"]["packages"]
    assert "keepalived" not in documents["keepalived"]["preflight"]["packages"]
    assert "libpcre2-dev" in documents["balancer"]["preflight"]["packages"]
    assert documents["balancer"]["preflight"]["nginx_modules"] == []
    [build] = documents["nginx"]["preflight"]["builds"]
    assert documents["nginx"]["state"]["build"] == {
        **build,
        "question": documents["nginx"]["state"]["build"]["question"],
    }
    assert documents["nginx"]["state"]["build"]["question"]["port"] == 488
    assert documents["keepalived"]["state"]["build"]["tarball"] == "keepalived.tar.gz"
    paths = [one["path"] for one in documents["keepalived"]["state"]["files"]["files"]]
    unit, drop_in = (f"/etc/systemd/system/keepalived.service{more}" for more in ("", ".d/holdfast.conf"))
    assert paths.index(unit) < paths.index(drop_in)


def test_a_package_is_not_built() -> None:
    documents = InventoryBuilder({}).documents("lb1")
    assert "build" not in documents["nginx"]["state"]
    assert "build" not in documents["keepalived"]["state"]
    assert "nginx" in documents["balancer"]["preflight"]["packages"]


def test_a_backend_builds_it_as_well_and_another_web_server_does_not() -> None:
    inventory = InventoryBuilder(NGINX, web1={"backend_server": "httpd"})
    assert "build" not in inventory.documents("web1")["nginx"]["state"]
    assert inventory.documents("web1")["backend"]["preflight"]["packages"][0] == HTTPD
    assert "question" not in inventory.documents("web2")["nginx"]["state"]["build"]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"nginx_source": "tarball"}, "nginx_tarball: is needed with the source tarball"),
        ({"nginx_source": "tarball"}, "nginx_tarball_checksum: is needed with the source tarball"),
        ({**NGINX, "nginx_version": "1.22.*"}, "nginx_version: is the version of a package"),
        ({**NGINX, "nginx_configure_options": ["--conf-path=/x"]}, "nginx_configure_options[0]: --conf-path=/x is for"),
        ({**NGINX, "nginx_configure_options": []}, "needs --with-http_realip_module in nginx_configure_options"),
        ({**KEEPALIVED, "keepalived_configure_options": ["--enable-json"]}, "keepalived_configure_options[0]: "),
        (
            {**NGINX, "nginx_http": {"directives": ["image_filter_buffer 1m;"]}},
            "needs the module http_image_filter",
        ),
    ],
)
def test_what_cannot_be_built_or_cannot_do_what_is_asked_is_refused(variables: dict[str, t.Any], told: str) -> None:
    more = {"nginx_http": {"set_real_ip_from": ["192.0.2.1"]}} if "realip" in told else {}
    assert any(told in str(one) for one in InventoryBuilder({**variables, **more}).findings())


def test_a_module_of_somebody_else_may_be_called_anything() -> None:
    variables = {
        **NGINX,
        "nginx_configure_options": ["--with-http_ssl_module", "--with-http_realip_module", "--add-module=/x"],
        "nginx_http": {"directives": ["image_filter_buffer 1m;"]},
    }
    assert [one for one in InventoryBuilder(variables).findings() if one.rule == "missing-module"] == []
