# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_config and nginx_upstream on a real nginx: what they say is what they do, and nothing else changes."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import Args, Host

BLOG = "/etc/nginx/conf.d/holdfast-50-upstream-blog.conf"
SITE = "/etc/nginx/conf.d/holdfast-60-server-site.example.conf"
UPSTREAM: Args = {
    "name": "blog",
    "servers": [
        {"address": "10.89.77.21", "port": 8080, "weight": 4, "max_fails": 2, "fail_timeout": "30s"},
        {"address": "10.89.77.22", "port": 8080, "backup": True},
    ],
}


def site(word: str, **more: t.Any) -> Args:
    """Return options with which nginx answers every request for site.example with a word."""
    answers = {"path": "/", "return": f"200 {word}"}
    return {"servers": [dict({"server_name": ["site.example"], "locations": [answers]}, **more)]}


def word(host: Host) -> str:
    """Return what nginx answers, which must be 200."""
    status, body = host.get("http://127.0.0.1/", "site.example")
    assert status == 200
    return body


def files_of(result: Args) -> dict[str, str]:
    return {one["path"]: one["action"] for one in result["files"]}


def run_four_times(host: Host, module: str, args: Args) -> Args:
    """Check, run, check again, run again; return what the first run said."""
    before = host.listing("/etc", "/var", "/run")
    checked = host.ok(module, args, check=True)
    assert host.listing("/etc", "/var", "/run") == before
    done = host.ok(module, args)
    assert done["changed"]
    assert done["diff"] == checked["diff"]
    assert done["files"] == checked["files"]
    assert done["validated"] == checked["validated"] == "daemon"
    for check in (True, False):
        again = host.ok(module, args, check=check)
        assert not again["changed"]
        assert not again["reloaded"]
        assert again["diff"] == again["files"] == []
        assert again["validated"] == "daemon"
    return done


def test_an_upstream_is_added_changed_and_removed(host: Host) -> None:
    done = run_four_times(host, "nginx_upstream", UPSTREAM)
    assert files_of(done) == {BLOG: "created"}
    assert done["reloaded"]
    assert host.read(BLOG) == done["diff"][0]["after"]
    assert host.run(f"stat -c '%a %U %G' {BLOG}") == "640 root root\n"

    heavier = dict(UPSTREAM, servers=[dict(UPSTREAM["servers"][0], weight=5)])
    done = run_four_times(host, "nginx_upstream", heavier)
    assert files_of(done) == {BLOG: "changed"}
    assert "weight=4" in done["diff"][0]["before"]
    assert "weight=5" in done["diff"][0]["after"]

    done = run_four_times(host, "nginx_upstream", {"name": "blog", "state": "absent"})
    assert files_of(done) == {BLOG: "removed"}
    assert host.attempt(f"test -e {BLOG}").rc == 1


def test_what_the_diff_says_is_what_nginx_loads(host: Host) -> None:
    run_four_times(host, "nginx_config", dict(site("hello"), upstreams=[UPSTREAM]))
    assert word(host) == "hello"
    loaded = host.run("nginx -T 2>/dev/null")
    assert f"# configuration file {BLOG}:\n{host.read(BLOG)}" in loaded
    run_four_times(host, "nginx_config", site("goodbye"))
    assert word(host) == "goodbye"


def test_only_own_files_are_pruned(host: Host) -> None:
    host.ok("nginx_upstream", dict(UPSTREAM, name="other"))
    host.write("/etc/nginx/conf.d/foreign.conf", "upstream foreign { server 10.89.77.30; }\n")
    host.ok("nginx_config", dict(site("hello"), upstreams=[UPSTREAM]))
    before = host.listing("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/foreign.conf")

    # A list that is left out is not asked for.
    assert not host.ok("nginx_config", site("hello"))["changed"]
    done = host.ok("nginx_config", dict(site("hello"), upstreams=[]))
    assert files_of(done) == {BLOG: "removed"}
    assert host.run("ls /etc/nginx/conf.d").split() == [
        "foreign.conf",
        "holdfast-50-upstream-other.conf",
        "holdfast-60-server-site.example.conf",
    ]
    done = host.ok("nginx_config", {"servers": []})
    assert files_of(done) == {SITE: "removed"}
    assert host.listing("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/foreign.conf") == before


def test_an_edit_by_hand_is_kept_refused_or_taken_back(host: Host) -> None:
    host.ok("nginx_config", site("hello"))
    edited = host.read(SITE).replace("hello", "edited")
    host.write(SITE, edited)
    words = host.refused("nginx_config", dict(site("hello"), drift="fail"))
    assert words == f"{SITE} was edited by hand: take the edit into the inventory, or allow to overwrite it"
    for _again in range(2):
        kept = host.ok("nginx_config", dict(site("hello"), drift="keep"))
        assert kept["drifted"] == [SITE]
        assert not kept["changed"]
        assert host.read(SITE) == edited

    done = host.ok("nginx_config", site("hello"))
    assert done["drifted"] == [SITE]
    assert done["diff"][0]["before"] == edited
    assert word(host) == "hello"
    assert host.ok("nginx_config", site("hello"))["drifted"] == []


def test_a_file_that_somebody_removed_comes_back_or_is_forgotten(host: Host) -> None:
    host.ok("nginx_config", site("hello"))
    host.run(f"rm {SITE}")
    assert files_of(host.ok("nginx_config", site("hello"))) == {SITE: "created"}
    host.run(f"rm {SITE}")
    host.ok("nginx_config", {"servers": []})
    assert "site.example" not in host.read("/var/lib/holdfast/nginx/manifest.json")


def test_a_wrong_mode_is_mended(host: Host) -> None:
    host.ok("nginx_config", site("hello"))
    host.run(f"chmod 666 {SITE}")
    done = host.ok("nginx_config", site("hello"))
    assert (done["diff"][0]["before"], done["diff"][0]["after"]) == ("mode: 0666\n", "mode: 0640\n")
    assert host.run(f"stat -c %a {SITE}") == "640\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            f"echo '# mine' >{SITE}",
            f"{SITE} is there already and was not written by this collection: move it away, it would be lost",
        ),
        (
            f"ln -s /etc/hostname {SITE}",
            f"{SITE} is a symbolic link: replace it by a regular file or remove it",
        ),
        (
            "mv /etc/nginx/conf.d /etc/nginx/elsewhere && ln -s elsewhere /etc/nginx/conf.d",
            "/etc/nginx/conf.d is a symbolic link: files are not written through it; make it a real folder",
        ),
        (
            "chown ops /etc/nginx/conf.d",
            "/etc/nginx/conf.d belongs to user id 1000: give it back to root (chown root /etc/nginx/conf.d)",
        ),
    ],
)
def test_what_belongs_to_others_is_refused_with_nothing_changed(host: Host, script: str, words: str) -> None:
    host.run(script)
    before = host.listing("/etc", "/var")
    for check in (True, False):
        assert host.refused("nginx_config", site("hello"), check=check) == words
    assert host.listing("/etc", "/var") == before


def test_layer_4_lies_in_a_folder_of_its_own(host: Host) -> None:
    upstream = {"name": "db", "servers": [{"address": "10.89.77.21", "port": 5432}]}
    server = {"name": "db", "listen": ["5432"], "upstream": "db"}
    main = host.read("/etc/nginx/nginx.conf")
    done = run_four_times(host, "nginx_config", {"stream_upstreams": [upstream], "stream_servers": [server]})
    assert files_of(done) == {
        "/etc/nginx/nginx.conf": "changed",
        "/etc/nginx/holdfast-stream.d/holdfast-50-upstream-db.conf": "created",
        "/etc/nginx/holdfast-stream.d/holdfast-60-server-db.conf": "created",
    }
    assert host.read("/etc/nginx/nginx.conf").startswith(main)
    assert "LISTEN" in host.run("ss -Hltn 'sport = 5432'")
    done = host.ok("nginx_config", {"stream_servers": []})
    assert len(done["files"]) == 1
    # The block goes with the last file that it includes, and the main file is what it was.
    done = host.ok("nginx_config", {"stream_upstreams": []})
    assert files_of(done)["/etc/nginx/nginx.conf"] == "changed"
    assert host.run("ss -Hltn 'sport = 5432'") == ""
    assert host.read("/etc/nginx/nginx.conf") == main
    host.ok("nginx_upstream", dict(upstream, context="stream"))
    assert host.read("/etc/nginx/nginx.conf") != main
    host.ok("nginx_upstream", {"name": "db", "context": "stream", "state": "absent"})
    assert host.read("/etc/nginx/nginx.conf") == main


def test_a_task_for_one_list_or_with_another_scope_leaves_all_others_alone(host: Host) -> None:
    zones = {"limit_req_zones": [{"name": "by_address", "rate": "10r/s"}]}
    host.ok("nginx_config", site("hello"))
    done = run_four_times(host, "nginx_config", zones)
    assert [one["action"] for one in done["files"]] == ["created"]
    assert word(host) == "hello"
    assert not host.ok("nginx_config", dict(zones, servers=site("hello")["servers"]))["changed"]
    other = {"server_name": ["other.example"], "locations": [{"path": "/", "return": "200 other"}]}
    host.ok("nginx_config", {"scope": "other", "servers": [other]})
    assert word(host) == "hello"
    host.ok("nginx_config", {"servers": [], "limit_req_zones": []})
    assert host.get("http://127.0.0.1/", "other.example") == (200, "other")
    words = host.refused("nginx_config", {"servers": [other]})
    assert "server-other.example.conf belongs to nginx_config (scope other) on this host: make the change" in words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"access_log": "/var/log/nginx/a.log main"}, 'servers[0].access_log: unknown log format "main" in /etc/'),
        ({"limit_req": ["zone=nowhere"]}, 'servers[0].limit_req: zero size shared memory zone "nowhere"'),
        ({"limit_conn": ["nowhere 5"]}, 'servers[0].limit_conn: zero size shared memory zone "nowhere"'),
        ({"proxy_cache": "nowhere"}, 'servers[0].proxy_cache: "proxy_cache" zone "nowhere" is unknown in '),
        ({"add_header": {"X-A": "$nowhere"}}, 'servers[0].add_header.X-A: unknown "nowhere" variable'),
        ({"directives": ["set $a $nowhere"]}, 'servers[0].set: unknown "nowhere" variable'),
    ],
)
def test_what_nginx_refuses_is_told_by_its_place_in_the_input(host: Host, more: Args, words: str) -> None:
    before = host.listing("/etc", "/var")
    for check in (True, False):
        assert words in host.refused("nginx_config", site("hello", **more), check=check)
    assert host.listing("/etc", "/var") == before


def test_rules_see_the_whole_configuration_and_speak_of_our_part_of_it(host: Host) -> None:
    host.write("/etc/nginx/conf.d/a-foreign.conf", "server { listen 80; server_name taken.example; return 204; }\n")
    host.ok("nginx_upstream", UPSTREAM)
    # What another module or hand defined is known.
    assert "warnings" not in host.ok("nginx_config", {"servers": [{"server_name": ["a.example"], "upstream": "blog"}]})

    before = host.listing("/etc", "/var")
    for check in (True, False):
        words = host.refused(
            "nginx_config", {"servers": [{"server_name": ["taken.example"], "listen": ["80"]}]}, check=check
        )
        assert words == (
            'servers[0]: nginx ignores this server "taken.example" at *:80, as '
            "/etc/nginx/conf.d/a-foreign.conf:1 has both [conflicting-server-name]. Nothing was changed."
        )
    assert host.listing("/etc", "/var") == before

    alone = {"name": "alone", "servers": [{"address": "10.89.77.21", "max_fails": 3}]}
    for _again in range(2):
        assert host.ok("nginx_upstream", alone)["warnings"] == [
            'servers[0]: nginx ignores max_fails=3 in upstream "alone": its only server never counts as failed '
            "[single-server-never-fails]"
        ]


def test_lines_of_a_saved_output_hide_nothing(host: Host) -> None:
    saved = "# configuration file %s:\n"
    main = host.read("/etc/nginx/nginx.conf")
    inside = main.replace("http {\n", "http {\n" + saved % "/etc/nginx/mime.types")
    host.write("/etc/nginx/nginx.conf", saved % "/somewhere/else.conf" + inside + saved % SITE)
    foreign = "server { listen 80; server_name taken.example; return 204; }\n"
    host.write("/etc/nginx/conf.d/a-foreign.conf", saved % "/etc/nginx/conf.d/b.conf" + foreign)
    words = host.refused("nginx_config", {"servers": [{"server_name": ["taken.example"], "listen": ["80"]}]})
    assert "/etc/nginx/conf.d/a-foreign.conf:2 has both [conflicting-server-name]" in words
    host.ok("nginx_config", site("one"))
    found = [file["path"] for file in host.ok("nginx_info", {"configuration": True})["configuration"]]
    assert found[0] == "/etc/nginx/nginx.conf"
    assert [path for path in found if "conf.d" in path or "else" in path] == ["/etc/nginx/conf.d/a-foreign.conf", SITE]


def test_a_tree_is_as_deep_as_nginx_takes_it(host: Host) -> None:
    deep = "server { listen 81; " + "location / { " * 1500 + "}" * 1500 + "}\n"
    host.write("/etc/nginx/conf.d/a-deep.conf", deep)
    assert "warnings" not in host.ok("nginx_config", site("one"))
    assert word(host) == "one"
    assert "configuration" not in host.ok("nginx_info", {})
    words = host.refused("nginx_info", {"configuration": True})
    assert words == "/etc/nginx/conf.d/a-deep.conf:1: this is 100 blocks deep, more than can be shown"


def test_a_download_goes_on_over_a_change_that_does_not_wait_for_it(host: Host) -> None:
    host.run("mkdir -p /srv/files; head -c 4000000 /dev/urandom >/srv/files/file")
    files = {"path": "/", "root": "/srv/files", "limit_rate": "1500k"}
    host.ok("nginx_config", {"servers": [{"server_name": ["site.example"], "locations": [files]}]})
    curl = "curl -s -H 'Host: site.example' -o /dev/shm/file http://127.0.0.1/file"
    host.run(f"rm -f /dev/shm/file; systemd-run -q --unit=test-download {curl}")
    host.eventually(lambda: host.attempt("test -s /dev/shm/file").rc == 0, "the download has begun")
    assert host.ok("nginx_config", site("new"))["reloaded"]
    assert word(host) == "new"
    assert host.attempt("systemctl is-active test-download").stdout == "active\n"
    host.eventually(lambda: host.attempt("cmp /srv/files/file /dev/shm/file").rc == 0, "the download is complete")


def test_a_stopped_nginx_stays_stopped(host: Host) -> None:
    host.run("systemctl stop nginx; rm -f /run/nginx.pid /var/log/nginx/*")
    done = run_four_times(host, "nginx_config", site("hello", access_log="/var/log/nginx/site.log"))
    assert not done["reloaded"]
    assert host.get("http://127.0.0.1/")[0] == 0
    assert host.run("ls /var/log/nginx; ls /run/nginx.pid 2>/dev/null || true") == ""
    host.run("systemctl start nginx")
    assert word(host) == "hello"


@pytest.mark.parametrize("kind", ["normal", "unprivileged"])
def test_the_folder_of_a_log_is_there_for_the_test_before_it_is_made(fleet: t.Mapping[str, Host], kind: str) -> None:
    host, folder = fleet[kind], "/var/log/nginx/of-its-own"
    host.reset()
    host.run(f"rm -rf {folder}")
    options = site("hello", access_log=f"{folder}/access.log combined")
    wanted = {"files": {"folders": [{"path": folder}]}, "nginx": options}
    before = host.listing("/etc", "/var")
    shown = host.ok("host_state", wanted, check=True)
    assert shown["sections"]["nginx"]["validated"] == "daemon"
    assert host.listing("/etc", "/var") == before
    done = host.ok("host_state", wanted)
    assert done["changes"] == shown["changes"]
    assert word(host) == "hello"
    host.ok("host_state", {"nginx": site("hello")})
    host.run(f"rm -rf {folder}")
    assert f"{folder}/access.log" in host.refused("host_state", {"nginx": options}, check=True)
