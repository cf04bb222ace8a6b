# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Apache httpd: what it is told is tested, made live and confirmed, or it goes on as it was."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import Args, Host, hosts

PAGES = "/srv/pages"
INSTALL = f"""
set -e
systemctl stop nginx
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends apache2
cp -a /etc/apache2 /root/pristine/
mkdir -p {PAGES}/old {PAGES}/new
echo old >{PAGES}/old/index.html
echo new >{PAGES}/new/index.html
"""
RESET = """
systemctl stop nginx apache2 'test-*'
rm -rf /etc/apache2 /etc/nginx /var/lib/holdfast /run/holdfast-*
cp -a /root/pristine/apache2 /root/pristine/nginx /etc/
: >/var/log/apache2/error.log; : >/var/log/apache2/access.log
systemctl reset-failed
systemctl enable apache2 nginx
systemctl start apache2
"""
ROOTS = {"privileged": Host("httpd"), "unprivileged": Host("httpd-unprivileged", privileged=False)}


@pytest.fixture(scope="module")
def installed() -> t.Iterator[t.Mapping[str, Host]]:
    with hosts(*ROOTS.values()):
        for host in ROOTS.values():
            host.run(INSTALL)
        yield ROOTS


@pytest.fixture
def httpd(installed: t.Mapping[str, Host]) -> Host:
    """A host with httpd as Debian installs it, and an nginx that does not run."""
    installed["privileged"].run(RESET)
    return installed["privileged"]


def site(page: str = "old", *ports: str, **more: t.Any) -> Args:
    """Return the sections by which httpd serves a page on these ports, 8080 where there is none."""
    listen = list(ports or ("8080",))
    return {"httpd": {"servers": [{"name": "a", "listen": listen, "root": f"{PAGES}/{page}", **more}]}}


def outside(line: str) -> list[str]:
    """Return lines that say something for the whole server from inside a virtual host."""
    return ["</VirtualHost>", line, "<VirtualHost *:1>"]


def page(host: Host, port: int = 8080) -> str:
    """Return what is served there, which must be 200."""
    status, body = host.get(f"http://127.0.0.1:{port}/")
    assert status == 200
    return body.strip()


@pytest.fixture
def serving(httpd: Host) -> Host:
    """A host whose httpd serves the old page at 8080."""
    httpd.ok("host_state", site())
    assert page(httpd) == "old"
    return httpd


def sound(host: Host) -> None:
    """See that httpd would start again, and that nothing is left over of a change."""
    host.run("apachectl -t && systemctl restart apache2")
    assert host.run("find /var/lib/holdfast /run/holdfast-* -name 'journal*' -o -name 'holdfast-stage-*'") == ""


@pytest.mark.parametrize("port", ["80", "8080"])
def test_a_port_that_the_package_listens_on_already_is_not_said_twice(httpd: Host, port: str) -> None:
    shown = httpd.ok("host_state", site("old", port), check=True)
    assert "/etc/apache2" not in httpd.run("find /etc/apache2 -name '*holdfast*'")
    done = httpd.ok("host_state", site("old", port))
    assert done["changes"] == shown["changes"]
    assert done["sections"]["httpd"]["reloaded"]
    assert page(httpd, int(port)) == "old"
    sound(httpd)
    assert not httpd.ok("host_state", site("old", port))["changed"]


def test_several_ports_and_sites(httpd: Host) -> None:
    both = [*site("old", "80", "8081")["httpd"]["servers"], *site("new", "8082", name="b")["httpd"]["servers"]]
    httpd.ok("host_state", {"httpd": {"servers": both}})
    assert [page(httpd, port) for port in (80, 8081, 8082)] == ["old", "old", "new"]
    httpd.ok("host_state", {"httpd": {"servers": both[:1]}})
    assert httpd.get("http://127.0.0.1:8082/")[0] == 0
    assert page(httpd, 8081) == "old"
    sound(httpd)


@pytest.mark.parametrize("kind", ROOTS)
def test_what_httpd_refuses_leaves_the_old_site(installed: t.Mapping[str, Host], kind: str) -> None:
    host = installed[kind]
    host.run(RESET)
    host.ok("host_state", site())
    before = host.listing("/etc/apache2", "/var/lib/holdfast")
    for bad, words in (
        (site("new", httpd_directives=["NoSuchWord on"]), "Invalid command 'NoSuchWord'"),
        (site("new", httpd_directives=outside("Listen 80")), "Cannot define multiple Listeners on the same IP:port"),
        (
            site("new", "443 ssl", ssl_certificate=["/no"], ssl_certificate_key=["/no"]),
            "'/no' does not exist or is empty",
        ),
    ):
        for check in (True, False):
            told = host.refused("host_state", bad, check=check)
            assert told.startswith(
                "apache2 refuses the configuration, nothing was changed: servers[0]: AH00526: Syntax error on line"
            ), told
            assert words in told
            assert "\n" not in told
    assert host.listing("/etc/apache2", "/var/lib/holdfast") == before
    assert page(host) == "old"
    sound(host)


def test_a_port_of_another_program_is_refused_before_httpd_would_end_for_it(serving: Host) -> None:
    serving.run("systemd-run --unit=test-port python3 -m http.server 9000")
    serving.eventually(lambda: serving.get("http://127.0.0.1:9000/")[0] == 200, "the other program listens")
    told = serving.refused("host_state", site("new", "9000"))
    assert told.startswith("port 9000 is in use by python3, and Apache httpd would end for it, nothing was changed:")
    assert page(serving) == "old"


def test_a_reload_that_ends_httpd_is_undone_and_it_runs_again(serving: Host) -> None:
    serving.run("systemd-run --unit=test-port python3 -m http.server 9000")
    serving.eventually(lambda: serving.get("http://127.0.0.1:9000/")[0] == 200, "the other program listens")
    told = serving.refused("host_state", site("new", httpd_directives=outside("Listen 9000")))
    assert "apache2 did not take the new configuration, the old one was put back" in told
    assert "could not bind to address" in told
    assert page(serving) == "old"
    sound(serving)
    assert not serving.ok("host_state", site())["changed"]


def test_a_run_that_is_killed_at_any_step_is_finished_by_the_next(serving: Host) -> None:
    steps = serving.steps("host_state", site("new"))
    for step in range(1, steps, max(1, steps // 12)):
        serving.ok("host_state", site("old"))
        serving.killed("host_state", site("new"), step)
        assert page(serving) in ("old", "new")
        serving.ok("host_state", site("new"))
        assert page(serving) == "new"
    sound(serving)


def test_a_stopped_httpd_is_started_with_what_it_is_told(httpd: Host) -> None:
    httpd.run("systemctl stop apache2")
    services = {"services": {"services": [{"name": "apache2.service", "enabled": True, "restarts": False}]}}
    httpd.ok("host_state", {**site(), **services})
    assert page(httpd) == "old"


def test_the_client_is_seen_and_not_the_balancer(httpd: Host) -> None:
    seen = {"set_real_ip_from": ["127.0.0.1"], "real_ip_header": "X-Forwarded-For", "real_ip_recursive": True}
    quiet = {"locations": [{"path": "= /up", "return": "204", "access_log": "off"}]}
    httpd.ok("host_state", site("old", **seen, **quiet))
    httpd.run("curl -s -H 'X-Forwarded-For: 203.0.113.7, 198.51.100.9' http://127.0.0.1:8080/")
    assert httpd.get("http://127.0.0.1:8080/up") == (204, "")
    httpd.eventually(lambda: "GET / " in httpd.read("/var/log/apache2/access.log"), "the request is in the log")
    log = httpd.read("/var/log/apache2/access.log")
    assert log.startswith("198.51.100.9 ")
    assert "/up" not in log


def test_users_and_addresses_get_in_as_they_are_told(httpd: Host) -> None:
    httpd.run(f"htpasswd -bc {PAGES}/users me word 2>&1")
    locked = [{"path": "/old", "auth_basic": "mine", "auth_basic_user_file": f"{PAGES}/users"}]
    httpd.ok("host_state", site("", locations=[*locked, {"path": "/new", "access": ["allow 10.0.0.0/8", "deny all"]}]))
    assert httpd.get("http://127.0.0.1:8080/old/")[0] == 401
    assert httpd.get("http://me:word@127.0.0.1:8080/old/") == (200, "old\n")
    assert httpd.get("http://127.0.0.1:8080/new/")[0] == 403
    assert httpd.get("http://10.89.77.11:8080/new/")[0] == 200


def test_a_site_brings_its_users_and_pages_and_is_closed_by_one_word(httpd: Host) -> None:
    own = {"auth_basic_users": {"ann": "word"}, "error_pages": {"404": "Not here."}}
    httpd.ok("host_state", site("old", **own))
    assert httpd.get("http://127.0.0.1:8080/")[0] == 401
    assert httpd.get("http://ann:word@127.0.0.1:8080/") == (200, "old\n")
    assert httpd.get("http://ann:word@127.0.0.1:8080/no") == (404, "Not here.")
    assert httpd.run("stat -c '%a %U %G' /etc/apache2/holdfast-users.d/a") == "640 root www-data\n"
    assert not httpd.ok("host_state", site("old", **own))["changed"]
    httpd.ok("host_state", site("old", maintenance=True))
    status, body = httpd.get("http://127.0.0.1:8080/any")
    assert status == 503
    assert "Maintenance" in body
    httpd.ok("host_state", site("old"))
    assert page(httpd) == "old"
    assert httpd.run("find /etc/apache2 -name 'holdfast-*'") == ""


NGINX: Args = {"nginx": {"servers": [{"name": "a", "listen": ["8080"], "root": f"{PAGES}/new"}]}}
NGINX_RUNS: Args = {"services": {"services": [{"name": "nginx.service", "enabled": True, "restarts": False}]}}
HTTPD_RUNS: Args = {"services": {"services": [{"name": "apache2.service", "enabled": True, "restarts": False}]}}


@pytest.mark.parametrize("brought", [True, False])
def test_another_server_takes_the_port_over(serving: Host, brought: bool) -> None:
    ours = ["httpd"] if brought else []
    serving.ok("host_state", {"web_server": {"brought": ours, "replaces": ["nginx"]}, **site()})
    change = {"web_server": {"replaces": ["httpd"]}, **NGINX, **NGINX_RUNS}
    shown = serving.ok("host_state", change, check=True)
    assert page(serving) == "old"
    done = serving.ok("host_state", change)
    assert [one for one in shown["changes"] if "services" not in one] == [
        one for one in done["changes"] if "services" not in one
    ]
    assert page(serving) == "new"
    assert serving.run("find /etc/apache2 -name '*holdfast*'") == ""
    # One that was there before goes on without our site.
    assert serving.attempt("systemctl is-active apache2").stdout == ("inactive\n" if brought else "active\n")
    assert serving.attempt("systemctl is-enabled apache2").stdout == ("disabled\n" if brought else "enabled\n")
    assert not serving.ok("host_state", change)["changed"]
    # And back, where nginx stays as it was not brought.
    serving.ok("host_state", {"web_server": {"replaces": ["nginx"]}, **site(), **HTTPD_RUNS})
    assert page(serving) == "old"
    assert serving.attempt("systemctl is-active nginx").stdout == "active\n"
    sound(serving)


def test_a_server_makes_no_room_for_one_that_is_refused(serving: Host) -> None:
    bad = {"nginx": {"servers": [{"name": "a", "listen": ["8080"], "directives": ["no_such_word on"]}]}}
    told = serving.refused("host_state", {"web_server": {"replaces": ["httpd"]}, **bad})
    assert "no_such_word" in told
    assert page(serving) == "old"


def test_a_server_comes_back_where_the_other_cannot_take_its_place(serving: Host) -> None:
    serving.run("systemd-run --unit=test-port python3 -m http.server 9000")
    serving.run("systemctl start nginx")
    taken = {"nginx": {"servers": [{"name": "a", "listen": ["8080", "9000"], "root": f"{PAGES}/new"}]}}
    told = serving.refused("host_state", {"web_server": {"replaces": ["httpd"]}, **taken})
    assert "9000" in told
    assert page(serving) == "old"
    sound(serving)
