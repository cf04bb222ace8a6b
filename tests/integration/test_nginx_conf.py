# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx.conf on a real host: taken over with a copy kept, left in peace by an upgrade, and given back as it was."""

from __future__ import annotations

import pytest
from real_hosts import Args, Host

CONF, BEFORE = "/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf.distrib"
DIVERSIONS = "/var/lib/dpkg/diversions"
MANAGED: Args = {"nginx_conf": "managed"}
# The package of nginx.conf as it is here, but newer and with another nginx.conf, installed with nobody to answer.
UPGRADE = r"""
set -e
cd "$(mktemp -d)"
owner=$(dpkg-query -S /etc/nginx/nginx.conf | sed -n 's/^\([a-z-]*\): .*/\1/p' | tail -1)
mkdir -p new/DEBIAN new/etc/nginx
dpkg-query -L "$owner" | grep ^/ >listed
while read -r path; do
    # A link with something behind it is a folder of the package, as /lib is.
    if [ -f "$path" ] || { [ -L "$path" ] && ! grep -q "^$path/" listed; }; then
        mkdir -p "new${path%/*}"; cp -a "$path" "new$path"
    fi
done <listed
printf 'Package: %s\nVersion: 99.0\nArchitecture: all\n' "$owner" >new/DEBIAN/control
printf 'Maintainer: nobody\nDescription: newer\n' >>new/DEBIAN/control
dpkg-query -W -f '${Conffiles}\n' "$owner" | awk 'NF {print $1}' >new/DEBIAN/conffiles
sed 's/worker_connections .*/worker_connections 4321;/' /root/pristine/nginx/nginx.conf >new/etc/nginx/nginx.conf
while read -r path; do
    mkdir -p "new${path%/*}"
    [ -e "new$path" ] || cp "/root/pristine/nginx${path#/etc/nginx}" "new$path" 2>/dev/null || : >"new$path"
done <new/DEBIAN/conffiles
dpkg-deb --build new newer.deb >/dev/null
cp /var/lib/dpkg/status /root/status
cp -a /var/lib/dpkg/info /root/info
dpkg --force-depends --force-overwrite --install newer.deb </dev/null 2>&1
"""
DOWNGRADE = """
[ -e /root/status ] || exit 0
mv /root/status /var/lib/dpkg/status; rm -rf /var/lib/dpkg/info; mv /root/info /var/lib/dpkg/info
"""


def loaded(host: Host) -> str:
    return host.run("nginx -T 2>/dev/null")


def actions(result: Args) -> dict[str, str]:
    return {one["path"]: one["action"] for one in result["files"]}


def test_it_is_taken_over_checked_first_and_the_second_run_changes_nothing(host: Host) -> None:
    before = host.read(CONF)
    listing = host.listing("/etc", "/var", "/run")
    checked = host.ok("nginx_config", MANAGED, check=True)
    assert host.listing("/etc", "/var", "/run") == listing
    done = host.ok("nginx_config", MANAGED)
    assert actions(done) == actions(checked) == {CONF: "changed", BEFORE: "created", DIVERSIONS: "changed"}
    assert done["diff"] == checked["diff"]
    assert done["reloaded"]
    assert host.read(BEFORE) == before
    # What was included is included, and what runs the workers is as before.
    text = host.read(CONF)
    for line in ("include /etc/nginx/modules-enabled/*.conf;", "include /etc/nginx/conf.d/*.conf;"):
        assert line in text
    for line in ("include /etc/nginx/sites-enabled/*;", "user www-data;", "pid /run/nginx.pid;", "server_tokens off;"):
        assert line in text
    assert "worker_connections 8192;" in text
    assert "worker_rlimit_nofile 16384;" in text
    assert host.run("grep 'Max open files' /proc/$(pgrep -f 'nginx: worker' | head -1)/limits").split()[3] == "16384"
    for check in (True, False):
        again = host.ok("nginx_config", MANAGED, check=check)
        assert not again["changed"]
        assert not again["reloaded"]


def test_an_upgrade_of_the_package_asks_nobody_and_changes_nothing_that_runs(host: Host) -> None:
    host.ok("nginx_config", MANAGED)
    ours = host.read(CONF)
    try:
        told = host.attempt(UPGRADE)
        assert told.rc == 0, told
        assert "Configuration file" not in told.stdout
        assert host.read(CONF) == ours
        assert "worker_connections 4321;" in host.read(BEFORE)
        assert not host.ok("nginx_config", MANAGED)["changed"]
        # Given back, it is that of the newer package.
        host.ok("nginx_config", {"nginx_conf": "package"})
        assert "worker_connections 4321;" in host.read(CONF)
    finally:
        host.run(DOWNGRADE)


def test_it_is_given_back_as_it_was(host: Host) -> None:
    before = host.read(CONF)
    host.ok("nginx_config", MANAGED)
    done = host.ok("nginx_config", {"nginx_conf": "package"})
    assert actions(done) == {CONF: "changed", BEFORE: "removed", DIVERSIONS: "changed"}
    assert host.read(CONF) == before
    assert not host.ok("nginx_config", {"nginx_conf": "package"})["changed"]
    assert "nginx.conf" not in host.read(DIVERSIONS)
    # And taken over anew.
    assert actions(host.ok("nginx_config", MANAGED))[CONF] == "changed"


def test_a_task_that_does_not_name_it_leaves_it_alone(host: Host) -> None:
    host.ok("nginx_config", MANAGED)
    ours = host.read(CONF)
    assert not host.ok("nginx_config", {})["changed"]
    host.ok("nginx_upstream", {"name": "blog", "servers": [{"address": "10.89.77.21"}]})
    assert host.read(CONF) == ours
    assert not host.ok("nginx_config", MANAGED)["changed"]


def test_an_edit_by_hand_is_drift(host: Host) -> None:
    host.ok("nginx_config", MANAGED)
    host.run(f"sed -i 's/server_tokens off/server_tokens on/' {CONF}")
    assert f"{CONF} was edited by hand" in host.refused("nginx_config", {**MANAGED, "drift": "fail"})
    assert host.ok("nginx_config", {**MANAGED, "drift": "keep"})["drifted"] == [CONF]
    done = host.ok("nginx_config", MANAGED)
    assert done["drifted"] == [CONF]
    assert "server_tokens off;" in host.read(CONF)


def test_what_somebody_else_says_lives_on_and_a_default_gives_way(host: Host) -> None:
    streams = "stream { server { listen 127.0.0.1:7000; return hello; } }\n"
    host.write(CONF, host.read(CONF).replace("http {", "http {\n log_format short '$status';") + streams)
    host.write("/etc/nginx/conf.d/own.conf", "client_max_body_size 77m; gzip_types text/css;\n")
    host.ok("nginx_config", MANAGED)
    text = loaded(host)
    assert text.count("client_max_body_size 77m;") == 1
    assert "client_max_body_size 16m;" not in text
    assert "log_format short $status;" in text
    assert "listen 127.0.0.1:7000;" in text
    said = host.refused("nginx_config", {**MANAGED, "http": {"client_max_body_size": "5m"}})
    assert '"client_max_body_size" directive is duplicate in /etc/nginx/conf.d/own.conf:1' in said


def test_streams_come_and_go_with_their_block(host: Host) -> None:
    streams = {"stream_servers": [{"name": "echo", "listen": ["127.0.0.1:7001"], "return": "hello"}]}
    none: Args = {"stream_servers": []}
    include = "include /etc/nginx/holdfast-stream.d/*.conf;"
    for said in (MANAGED, {}):  # by a task that says nothing of nginx.conf, too
        host.ok("nginx_config", {**MANAGED, **none})
        before = host.read(CONF)
        assert "stream {" not in before
        host.ok("nginx_config", {**said, **streams})
        assert include in host.read(CONF)
        # Whoever says nothing of them leaves them there, and what is written is the same whichever task wrote it.
        assert not host.ok("nginx_config", MANAGED)["changed"]
        host.ok("nginx_config", {**said, **none})
        assert host.read(CONF) == before
        assert not host.ok("nginx_config", MANAGED)["changed"]


def test_streams_come_and_go_beside_what_else_is_in_their_block(host: Host) -> None:
    streams = {"stream_servers": [{"name": "echo", "listen": ["127.0.0.1:7001"], "return": "hello"}]}
    host.ok("nginx_config", {**MANAGED, "stream": {"proxy_timeout": "5s"}})
    before = host.read(CONF)
    host.ok("nginx_config", streams)
    assert loaded(host).count("stream {") == 1
    assert "listen 127.0.0.1:7001;" in loaded(host)
    host.ok("nginx_config", {"stream_servers": []})
    assert host.read(CONF) == before
    assert "proxy_timeout 5s;" in before


def test_every_context_takes_text_of_nginx_and_settings_are_laid_over(host: Host) -> None:
    host.ok(
        "nginx_config",
        {
            **MANAGED,
            "main": {"worker_processes": "2", "worker_priority": -1, "directives": ["debug_points abort"]},
            "events": {"worker_connections": 2000},
            "http": {"gzip": False, "directives": ["map $host $x { default 1; }"]},
        },
    )
    text = host.read(CONF)
    assert "worker_processes 2;" in text
    assert "worker_priority -1;" in text
    assert "worker_rlimit_nofile 4000;" in text
    assert "debug_points abort;" in text
    assert "gzip off;" in text
    assert "map $host $x {" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"http": {"directives": ["gzip on"]}}, "http.directives: gzip is an option of its own"),
        ({"main": {"worker_processes": "many"}}, 'main.worker_processes: "many" is no number of processes'),
        ({"events": {"worker_connections": 0}}, "events.worker_connections: 0 is not"),
        ({"http": {"client_max_body_size": "5x"}}, 'http.client_max_body_size: "5x" is not a size'),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_path(host: Host, options: Args, sentence: str) -> None:
    before = host.listing("/etc", "/var/lib")
    for check in (True, False):
        assert sentence in host.refused("nginx_config", {**MANAGED, **options}, check=check)
    assert host.listing("/etc", "/var/lib") == before


def test_settings_without_the_file_are_refused(host: Host) -> None:
    assert "say nginx_conf: managed as well" in host.refused("nginx_config", {"http": {"gzip": True}})


def test_a_cache_gets_its_folder_with_the_right_owner(host: Host) -> None:
    cache = {"cache_paths": [{"name": "pages"}, {"name": "deep", "path": "/srv/a/b/c"}]}
    listing = host.listing("/srv", "/var/cache")
    host.ok("nginx_config", {**MANAGED, **cache}, check=True)
    assert host.listing("/srv", "/var/cache") == listing
    host.ok("nginx_config", {**MANAGED, **cache})
    for path in ("/var/cache/nginx/pages", "/srv/a/b/c"):
        assert host.run(f"stat -c '%U %a' {path}") == "www-data 700\n"
    host.run("rm -rf /srv/a")


def test_where_root_may_not_mount_it_is_the_same(unprivileged: Host) -> None:
    cache = {"cache_paths": [{"name": "deep", "path": "/srv/a/b/c"}]}
    listing = unprivileged.listing("/srv", "/etc")
    unprivileged.ok("nginx_config", {**MANAGED, **cache}, check=True)
    assert unprivileged.listing("/srv", "/etc") == listing
    done = unprivileged.ok("nginx_config", {**MANAGED, **cache})
    assert done["staged_with"] == "copy"
    assert done["reloaded"]
    assert not unprivileged.ok("nginx_config", {**MANAGED, **cache})["changed"]
    unprivileged.run("rm -rf /srv/a")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"servers": [{"server_name": ["a.example"], "access_log": "/var/log/nginx/a.log mian", "return": "204"}]},
            'servers[0].access_log: unknown log format "mian"',
        ),
        (
            {"servers": [{"server_name": ["a.example"], "return": "200 $frobnicated"}]},
            'servers[0].return: unknown "frobnicated" variable',
        ),
        (
            {"http": {"directives": ["brotli on"]}},
            "The module http_brotli_filter has this directive: install libnginx-mod-http-brotli-filter",
        ),
    ],
)
def test_an_error_names_the_input_that_is_wrong(host: Host, options: Args, sentence: str) -> None:
    assert sentence in host.refused("nginx_config", {**MANAGED, **options})


def test_a_bare_host_is_checked_by_the_rules(fresh: Host) -> None:
    streams = {"stream_servers": [{"name": "echo", "listen": ["7001"], "return": "hello"}]}
    done = fresh.ok("nginx_config", {**MANAGED, **streams}, check=True)
    assert done["validated"] == "model"


def test_check_mode_does_not_wait_for_a_module_that_comes_with_the_run(host: Host) -> None:
    done = host.ok("nginx_config", {**MANAGED, "http": {"directives": ["brotli on"]}}, check=True)
    assert done["validated"] == "model"


def test_names_by_the_thousand_fit_into_the_hashes(host: Host) -> None:
    names = [f"{'n' * (number % 50)}{number}.example.com" for number in range(3000)]
    sites = {"servers": [{"server_name": names, "return": "204"}]}
    done = host.ok("nginx_config", {**MANAGED, **sites})
    assert not [one for one in done.get("warnings", ()) if "hash" in one]
