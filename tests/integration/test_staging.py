# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's own test leaves no trace and says the same, by whatever method the host allows."""

from __future__ import annotations

import os
import random
import typing as t
from pathlib import Path

import pytest
from real_hosts import HOME, PEER, VIP, Args, Host

TREES = Path(__file__).parents[1] / "support" / "staged_trees.py"

STAGE = "ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage"
SITE: Args = {
    "cache_paths": [{"path": "/var/cache/site", "name": "site", "zone_size": "1m"}],
    "servers": [
        {
            "server_name": ["site.example"],
            "locations": [{"path": "/", "return": "200 hello"}],
            "access_log": "/var/log/nginx/site.log",
            "error_log": "/var/log/nginx/site-errors.log",
        }
    ],
}
BAD_SITE: Args = dict(SITE, servers=[dict(SITE["servers"][0], root="/srv", directives="root /srv;")])
INSTANCE: Args = {
    "name": "VI_1",
    "virtual_router_id": 51,
    "unicast_src_ip": "10.89.77.11",
    "unicast_peer": [PEER],
    "virtual_ipaddress": [f"{VIP}/24"],
}
METHODS = ("overlay", "bind", "copy")
MAP: Args = {"source": "$host", "variable": "$mapped", "default": "yes"}


def only(method: str) -> str:
    """Return what makes a module use this method alone."""
    return f"import functools, {STAGE} as s; s.check_staged = functools.partial(s.check_staged, methods=({method!r},))"


def told(host: Host, module: str, args: Args, prelude: str = "") -> tuple[str, Args]:
    """Return how the configuration was staged and everything else that check mode says, after a look for traces."""
    before = host.listing("/etc", "/run", "/var", "/tmp", "/srv")
    result = host.module(module, args, check=True, prelude=prelude)
    assert host.listing("/etc", "/run", "/var", "/tmp", "/srv") == before
    del result["invocation"]
    return result.pop("staged_with", ""), result


@pytest.mark.parametrize("nginx", ["running", "stopped"])
@pytest.mark.parametrize(
    ("module", "args", "words"),
    [
        ("nginx_config", SITE, ""),
        (
            "nginx_config",
            BAD_SITE,
            'nginx refuses the configuration, nothing was changed: servers[0].root: "root" directive is duplicate in '
            "/etc/nginx/conf.d/holdfast-60-server-site.example.conf:",
        ),
        ("vrrp_instance", INSTANCE, ""),
        (
            "vrrp_instance",
            dict(INSTANCE, track_script=["missing"]),
            "keepalived refuses the configuration, nothing was changed: "
            "track_script.missing: (/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf: Line ",
        ),
    ],
)
def test_every_method_says_the_same_and_leaves_no_trace(
    host: Host, unprivileged: Host, nginx: str, module: str, args: Args, words: str
) -> None:
    if nginx == "stopped":
        for one in (host, unprivileged):
            one.run("systemctl stop nginx; rm -rf /run/nginx.pid /var/log/nginx/* /var/lib/nginx/*")
    by_itself, expected = told(host, module, args)
    assert expected.get("msg", "")[: len(words)] == words
    results = {method: told(host, module, args, only(method)) for method in METHODS}
    results["unprivileged"] = told(unprivileged, module, args)
    if words:
        assert {method: result for method, (_staged, result) in results.items()} == dict.fromkeys(results, expected)
        return
    assert by_itself == "overlay"
    wanted: dict[str, t.Any] = {method: (method, expected) for method in METHODS}
    assert results == dict(wanted, unprivileged=("copy", expected))
    assert expected["validated"] == "daemon"


@pytest.mark.parametrize("method", METHODS)
def test_a_change_is_made_with_every_method(host: Host, method: str) -> None:
    done = host.ok("nginx_config", SITE, prelude=only(method))
    assert (done["staged_with"], done["reloaded"]) == (method, True)
    assert host.get("http://127.0.0.1/", "site.example") == (200, "hello")
    assert host.ok("vrrp_instance", INSTANCE, prelude=only(method))["staged_with"] == method
    assert host.run("ls -d /run/holdfast-stage-* 2>/dev/null || true") == ""


def test_files_that_no_daemon_reads_do_no_harm(host: Host, unprivileged: Host) -> None:
    for one in (host, unprivileged):
        one.run("mkfifo /etc/nginx/pipe; mkdir /etc/nginx/folder; ln -s nowhere /etc/nginx/folder/dangling")
        assert one.ok("nginx_config", SITE)["reloaded"]
    assert host.ok("nginx_config", SITE, prelude=only("bind"))["staged_with"] == "bind"


def test_scripts_of_another_user_are_tested_where_the_host_allows_it(host: Host, unprivileged: Host) -> None:
    # keepalived 2.2.5 to 2.2.7 ends itself under -t then, unless it is process 1.
    args = {
        "global_defs": {"enable_script_security": True, "script_user": "nobody"},
        "vrrp_scripts": [{"name": "fit", "script": "/bin/true"}],
        "instances": [dict(INSTANCE, track_script=["fit"])],
    }
    assert host.ok("keepalived_config", args, check=True)["validated"] == "daemon"
    version = tuple(int(number) for number in host.ok("vrrp_info", {})["version"].split("."))
    if version < (2, 2, 8):
        assert unprivileged.refused("keepalived_config", args) == (
            "keepalived refuses the configuration, nothing was changed: its own test ends itself before the end. "
            "keepalived 2.2.5 to 2.2.7 does so for scripts of another user than root, on hosts where root may not "
            "unshare: let them run as root, or update keepalived"
        )
    else:
        assert unprivileged.ok("keepalived_config", args)["validated"] == "daemon"


def test_a_daemon_whose_test_never_ends_is_refused_in_time(host: Host) -> None:
    # keepalived expands a definition that refers to itself for ever.
    host.write("/etc/keepalived/keepalived.conf", "$A=$A\nvrrp_instance $A {\n}\n")
    made = "s.Check.__init__"
    quick = f"import {STAGE} as s; s.Check.timeout = 1.0; {made}.__defaults__ = (*{made}.__defaults__[:-1], 1.0)"
    words = host.refused("vrrp_instance", INSTANCE, prelude=quick)
    assert words.endswith("its own test did not end in time: look for a definition that refers to itself")
    assert host.run("pgrep -x keepalived || true; ls -d /run/holdfast-stage-* 2>/dev/null || true") == ""


def blog(*names: str, uses: str = "") -> Args:
    """Return options with which these names answer from one upstream; the first is the default server."""
    locations = [{"path": "/", "upstream": "blog"}, *([{"path": "/m", "return": f"200 ${uses}"}] if uses else [])]
    servers = [
        {"server_name": [name], "listen": [f"80{' default_server' if not at else ''}"], "locations": locations}
        for at, name in enumerate(names)
    ]
    return {"upstreams": [{"name": "blog", "servers": [{"address": "10.89.77.21"}]}], "servers": servers}


@pytest.mark.parametrize("method", [*METHODS, "unprivileged"])
def test_a_file_that_a_change_removes_is_gone_for_the_test(host: Host, unprivileged: Host, method: str) -> None:
    prelude = "" if method == "unprivileged" else only(method)
    on = unprivileged if method == "unprivileged" else host
    # Each site that the next replaces would be in its way: two default servers at one address.
    for name in ("blog.example", "other.example", "blog.example"):
        for check in (True, False):
            assert on.ok("nginx_config", blog(name), check=check, prelude=prelude)["changed"]
    # What is still used is missed before anything is changed.
    with_map = dict(blog("blog.example", uses="mapped"), maps=[MAP])
    assert on.ok("nginx_config", with_map, prelude=prelude)["reloaded"]
    for check in (True, False):
        without_map = dict(blog("blog.example", uses="mapped"), maps=[])
        words = on.refused("nginx_config", without_map, check=check, prelude=prelude)
        assert words.startswith(
            "nginx refuses the configuration, nothing was changed: servers[0].locations[1].return: "
            'unknown "mapped" variable'
        )
    # keepalived, too: a file of its own that repeats an instance is in the way of it until it goes.
    for name in ("VI_1", "VI_2"):
        args = {"instances": [dict(INSTANCE, name=name)]}
        assert on.ok("keepalived_config", args, check=True, prelude=prelude)["changed"]
        assert on.ok("keepalived_config", args, prelude=prelude)["changed"]


def test_an_nginx_that_is_down_for_a_name_takes_the_change_that_removes_it(host: Host) -> None:
    host.run("echo '10.89.77.21 backend.example' >>/etc/hosts")
    servers = [{"address": "backend.example"}]
    bad: Args = {"upstreams": [{"name": "bad", "servers": servers}], "servers": SITE["servers"]}
    host.ok("nginx_config", bad)
    # /etc/hosts is a mount of the container: it cannot be replaced
    host.run("grep -v backend.example /etc/hosts >/root/hosts; cat /root/hosts >/etc/hosts; systemctl stop nginx")
    assert host.attempt("nginx -t").rc == 1
    for check in (True, False):
        assert (
            host.ok("nginx_config", {"servers": SITE["servers"], "upstreams": []}, check=check)["validated"] == "daemon"
        )
    host.run("systemctl start nginx")
    assert host.get("http://127.0.0.1/", "site.example") == (200, "hello")


def test_what_the_test_writes_below_the_configuration_is_no_fault(host: Host) -> None:
    # As with the packages of nginx.org, for which a relative path begins in /etc/nginx.
    host.run("mkdir /etc/nginx/logs /etc/nginx/cache")
    site = dict(SITE["servers"][0], access_log="/etc/nginx/logs/site.log")
    args = {"cache_paths": [{"path": "/etc/nginx/cache/site", "name": "site", "zone_size": "1m"}], "servers": [site]}
    for method in METHODS:
        staged, result = told(host, "nginx_config", args, only(method))
        assert (staged, result.get("validated")) == (method, "daemon"), result


def test_a_mount_below_a_folder_is_seen(host: Host) -> None:
    # A certificate that comes by a mount of its own below /run, and a conf.d that is one.
    host.run(
        "mkdir -p /run/secrets && mount -t tmpfs holdfast-test /run/secrets && echo 'return 200 hello;' >/run/secrets/x"
    )
    host.run("mount -t tmpfs holdfast-test /etc/nginx/conf.d")
    try:
        site = {"server_name": ["site.example"], "directives": "include /run/secrets/x;"}
        staged, result = told(host, "nginx_config", {"servers": [site]})
        assert (staged, result.get("validated")) == ("bind", "daemon"), result
        host.run("umount /etc/nginx/conf.d")
        staged, result = told(host, "nginx_config", {"servers": [site]})
        assert (staged, result.get("validated")) == ("overlay", "daemon"), result
    finally:
        host.run("umount /run/secrets; umount -q /etc/nginx/conf.d || true")


@pytest.mark.parametrize("method", [*METHODS, "unprivileged"])
def test_the_staged_tree_is_the_future_tree(host: Host, unprivileged: Host, method: str) -> None:
    """HOLDFAST_TREES is the seed of one tree to try again, as a failure says it."""
    on, how = (unprivileged, "copy") if method == "unprivileged" else (host, method)
    seed = os.environ.get("HOLDFAST_TREES", "")
    rounds = 1 if seed else 15
    seed = seed or str(random.randrange(10**6))
    print(f"seed {seed}, {rounds} trees")
    on.write(f"{HOME}/staged_trees.py", TREES.read_text(encoding="utf-8"))
    wrong = on.run(f"python3 {HOME}/staged_trees.py {how} {seed} {rounds}")
    assert wrong == "", wrong
