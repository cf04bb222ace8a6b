# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value must be beyond its type, where nothing else of the planner reads it. Private to this collection.

An argument spec has no ranges and no forms. Where a model knows them they are asked of the model; what only a program
on the host knows is listed here, and a test compares it with the program.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.access import Access, AccessError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.listen import Listen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.values import time
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import checks, values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import group_address, reachable

__all__ = ("LIMITS", "LONGEST")

Limit = t.Callable[[t.Any, str], t.Any]
"""Takes a value of the right type and its path; raises InputError."""

LONGEST = 3600.0
"""Seconds that anything here may last."""


def between(low: float, high: float) -> Limit:
    return lambda value, path: values.number(value, path, low, high)


def form(pattern: str, sentence: str) -> Limit:
    """Take what matches; ``sentence`` says what is wrong with everything else, and what to do."""
    compiled = re.compile(pattern)

    def judge(value: t.Any, path: str) -> None:
        if not compiled.fullmatch(str(value)):
            raise InputError(path, f"{values.shown(value)} {sentence}")

    return judge


def global_option(name: str, none: float | None = None) -> Limit:
    """Take what keepalived does for the global option of this name, and ``none``, with which it is left out."""

    def judge(value: t.Any, path: str) -> None:
        number = values.decimal(value, path)
        if number == none:
            return
        try:
            GlobalDefs.from_options({name: number if number % 1 else int(number)}, "")
        except InputError as error:
            raise InputError(path, error.message) from None

    return judge


def listen(value: t.Any, path: str) -> None:
    """Take what nginx does for a listen."""
    Listen.from_option(str(value), path)


def health_listen(value: t.Any, path: str) -> None:
    """Take what nginx does for a listen on which the watcher's question is understood."""
    listen(value, path)
    address, *words = str(value).split()
    foreign = [word for word in words if word in ("ssl", "quic", "udp", "proxy_protocol")]
    if address.startswith("unix:") or foreign:
        what = foreign[0] if foreign else "a Unix socket"
        raise InputError(path, f"is asked in plain HTTP, and not with {what}: use an address and a port alone")


def network(value: t.Any, path: str) -> None:
    """Take an address or a network."""
    try:
        Access.read((), (), [str(value)])
    except AccessError as error:
        raise InputError(path, str(error).partition(": ")[2]) from None


PACKAGE = "is no name of a package: write it without blanks"
# As deb-version(7) has it, and any of it as a star.
VERSION = r"|[0-9*][A-Za-z0-9.+~:*-]*"
NO_VERSION = (
    "is no version of a package: write it as `apt-cache policy` or `dnf list` shows it, or with a star, as 1.22.*"
)

OPTION = r"--[a-z][A-Za-z0-9_-]*(?:=\S(?:[^\n]*\S)?)?"
NO_OPTION = "is no option of configure: write it whole, as --with-http_ssl_module"
PREFIX = r"(?:/[A-Za-z0-9._-]+){2,}"
NO_PREFIX = "is no whole path of plain letters below another folder: use one like /usr/local/nginx"
DIGEST = r"|[0-9A-Fa-f]{64}"
NO_DIGEST = "is no SHA-256 digest: write the 64 digits that `sha256sum` prints"

OF_ONE = ("name", "virtual_ipaddress", "virtual_ipaddress_excluded")


def shared_options(value: t.Mapping[str, t.Any], path: str) -> None:
    """Refuse an option that two instances never share."""
    for name in OF_ONE:
        if value.get(name) is not None:
            raise InputError(f"{path}.{name}", "belongs to one instance: say it there, in keepalived_instances")


LIMITS: dict[str, Limit] = {
    "backend_address": reachable,
    "backend_fail_timeout": lambda value, path: time(path, str(value)),
    "backend_health_path": lambda value, path: checks.request_path(value, path) if value else None,
    "backend_root": form(r"/[A-Za-z0-9._/-]*", "is no whole path of plain letters: use one like /var/www/site"),
    "backend_server_name": form(
        r"~\S+|[A-Za-z0-9_.*-]+", "is no name of a site: write one, as www.example.com, or `_` for every name"
    ),
    "balancer_certificates_interval": between(1, 59),
    "balancer_health_host": checks.host_name,
    "balancer_health_listen": health_listen,
    "balancer_health_path": checks.request_path,
    "balancer_status_allow": network,
    "balancer_status_listen": listen,
    "issuer_address": form(r"|[A-Za-z0-9:][A-Za-z0-9.:_-]*", "is no name or address of a host"),
    "issuer_certificates": form(r"/[A-Za-z0-9._/-]*", "is no whole path of plain letters: write that of the folder"),
    "issuer_hooks": form(r"|/[A-Za-z0-9._/-]*", "is no whole path of plain letters: write that of the folder"),
    "issuer_port": between(1, 65535),
    "keepalived_address": reachable,
    "keepalived_address6": reachable,
    "keepalived_cluster": form(r"\S(?:.*\S)?", "is no name of a cluster: write one, as `shop`"),
    "keepalived_detector_interval": between(0.25, LONGEST),
    "keepalived_firewall_sources": network,
    "keepalived_garp_master_refresh": global_option("vrrp_garp_master_refresh"),
    "keepalived_garp_master_repeat": global_option("vrrp_garp_master_repeat"),
    "keepalived_instance_options": shared_options,
    "keepalived_guarded_pid_file": form(r"/\S+", "is no whole path: write that of the file, as /run/haproxy.pid"),
    "keepalived_guarded_ports": between(1, 65535),
    "keepalived_guarded_program": form(r"[A-Za-z0-9_.+-]+", "is no name of a program: write it without its folder"),
    "keepalived_guarded_unit": form(
        r"[A-Za-z0-9@_.:-]+\.service", "is no name of a service: write all of it, as haproxy.service"
    ),
    "keepalived_log_file": form(
        r"|/[A-Za-z0-9._/-]+", "is no whole path of plain letters: use one like /var/log/keepalived.log"
    ),
    "keepalived_log_keep": between(0, 10000),
    "keepalived_metrics_file": form(
        r"|/(?:[A-Za-z0-9._-]+/)+[A-Za-z0-9._-]+\.prom",
        "is no whole path of plain letters that ends in .prom, as node_exporter reads: use one like "
        "/var/lib/prometheus/node-exporter/holdfast.prom",
    ),
    "keepalived_multicast_group": lambda value, path: group_address(value, path, 4),
    "keepalived_multicast_group6": lambda value, path: group_address(value, path, 6),
    "keepalived_notify_timeout": between(0.1, LONGEST),
    "keepalived_notify_user": form(
        r"[A-Za-z_][A-Za-z0-9_.-]*\$?", "is no name of a user: write that of one that the balancers have"
    ),
    "keepalived_package": form(r"[^\s,-][^\s,]*", PACKAGE),
    "keepalived_prove_expect": between(100, 599),
    "keepalived_rt_priority": global_option("vrrp_rt_priority"),
    "keepalived_startup_delay": global_option("vrrp_startup_delay", none=0),
    "keepalived_version": form(VERSION, NO_VERSION),
    "nginx_package": form(r"[^\s,-]\S*", PACKAGE),
    "nginx_source_fingerprints": form(
        r"(?:[0-9A-Fa-f]{4} *){10}",
        "is no fingerprint of a key: write its forty digits, as `gpg --fingerprint` shows them",
    ),
    "nginx_source_url": form(r"|https?://[^\s/]+(?:/\S*)?", "is no address of a repository: begin it with https://"),
    "keepalived_build_packages": form(r"[^\s,-]\S*", PACKAGE),
    "keepalived_configure_options": form(OPTION, NO_OPTION),
    "keepalived_prefix": form(PREFIX, NO_PREFIX),
    "keepalived_tarball_checksum": form(DIGEST, NO_DIGEST),
    "nginx_build_packages": form(r"[^\s,-]\S*", PACKAGE),
    "nginx_configure_options": form(OPTION, NO_OPTION),
    "nginx_prefix": form(PREFIX, NO_PREFIX),
    "nginx_tarball_checksum": form(DIGEST, NO_DIGEST),
    "nginx_user": form(
        r"[A-Za-z_][A-Za-z0-9_.-]*", "is no name of a user: write that of the one whom nginx's workers shall be"
    ),
    "nginx_version": form(VERSION, NO_VERSION),
}
"""By variable; of a list, each of the elements is judged."""
