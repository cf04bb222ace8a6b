# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever goes wrong with a change of a real nginx, it goes on serving what it served, and the person is told why."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from real_hosts import Args, Host

SITE = "/etc/nginx/conf.d/holdfast-60-server-site.example.conf"


def site(word: str, **more: t.Any) -> Args:
    """Return options with which nginx answers every request for site.example with a word."""
    answers = {"path": "/", "return": f"200 {word}"}
    return {"servers": [dict({"server_name": ["site.example"], "locations": [answers]}, **more)]}


def word(host: Host) -> str:
    """Return what nginx answers, which must be 200."""
    status, body = host.get("http://127.0.0.1/", "site.example")
    assert status == 200
    return body


@pytest.fixture
def serving(host: Host) -> Host:
    """A host whose nginx answers "old"."""
    host.ok("nginx_config", site("old"))
    assert word(host) == "old"
    return host


def leftovers(host: Host) -> str:
    """Return what a change that is over must not leave: a journal, stages, files that wait to be renamed."""
    return host.run(
        "find /var/lib/holdfast /run/holdfast-* /etc/nginx -name 'journal*' -o -name 'holdfast-stage-*' "
        "-o -name '*.holdfast-new'"
    )


def test_what_nginx_rejects_a_hundred_times_leaves_the_old_site(serving: Host) -> None:
    before = serving.listing("/etc", "/run", "/var")
    for number in range(100):
        bad = site(f"new{number}", root="/srv", directives="root /srv;")
        words = serving.refused("nginx_config", bad)
        assert words.startswith(
            'nginx refuses the configuration, nothing was changed: servers[0].root: "root" directive is duplicate '
            f"in {SITE}:"
        )
        assert word(serving) == "old"
    access_log = "/var/log/nginx/access.log"
    assert [one for one in serving.listing("/etc", "/run", "/var") if access_log not in one] == [
        one for one in before if access_log not in one
    ]


@pytest.mark.parametrize(
    ("module", "args", "words"),
    [
        (
            "nginx_upstream",
            {"name": "blog", "servers": [{"address": "10.89.77.21"}, {"address": "nowhere.invalid", "port": 8080}]},
            'servers[1]: host not found in upstream "nowhere.invalid:8080" in '
            "/etc/nginx/conf.d/holdfast-50-upstream-blog.conf:",
        ),
        (
            "nginx_config",
            {"upstreams": [{"name": "blog", "servers": [{"address": "nowhere.invalid"}]}]},
            'upstreams[0].servers[0]: host not found in upstream "nowhere.invalid" in '
            "/etc/nginx/conf.d/holdfast-50-upstream-blog.conf:",
        ),
        (
            "nginx_config",
            site("new", ssl_certificate="/nowhere.pem", ssl_certificate_key="/nowhere.key", listen=["443 ssl"]),
            'servers[0].ssl_certificate: cannot load certificate "/nowhere.pem": ',
        ),
        (
            "nginx_config",
            site("new", access_log="/nowhere/access.log"),
            'servers[0].access_log: open() "/nowhere/access.log" failed (2: No such file or directory)',
        ),
    ],
)
def test_the_words_name_what_cannot_be_had(serving: Host, module: str, args: Args, words: str) -> None:
    for check in (True, False):
        assert f"nginx refuses the configuration, nothing was changed: {words}" in serving.refused(
            module, args, check=check
        )
    assert word(serving) == "old"


@pytest.mark.parametrize("check", [True, False])
def test_a_tree_that_others_broke_is_named_without_a_change_of_ours(serving: Host, check: bool) -> None:
    serving.write("/etc/nginx/conf.d/foreign.conf", "# mine\nnonsense on;\n")
    words = serving.refused("nginx_config", site("old"), check=check)
    assert words == (
        "nginx refuses the configuration, nothing was changed: "
        'unknown directive "nonsense" in /etc/nginx/conf.d/foreign.conf:2'
    )
    assert word(serving) == "old"


def test_a_reload_that_fails_behind_a_good_test_is_undone(serving: Host) -> None:
    serving.run("systemd-run -q --unit=test-taker python3 -m http.server 8081")
    serving.eventually(lambda: "python3" in serving.run("ss -Hltnp 'sport = 8081'"), "a program takes the port")
    before = serving.run("pgrep -P $(cat /run/nginx.pid)")
    try:
        words = serving.refused("nginx_config", site("new", listen=["80", "8081"]))
    finally:
        serving.run("systemctl stop test-taker")
    assert words.startswith("nginx did not take the new configuration, the old one was put back: ")
    assert "bind() to 0.0.0.0:8081 failed (98: Address already in use); still could not bind()" in words
    assert word(serving) == "old"
    assert "old" in serving.read(SITE)
    assert leftovers(serving) == ""
    serving.eventually(lambda: serving.run("pgrep -P $(cat /run/nginx.pid)") != before, "the old one is loaded again")
    # Nothing of the failure is left to be taken for one of the next run.
    assert serving.ok("nginx_config", site("new", listen=["80", "8081"]))["reloaded"]
    assert serving.get("http://127.0.0.1:8081/", "site.example") == (200, "new")


def test_a_port_that_comes_free_while_nginx_tries_is_no_failure(serving: Host) -> None:
    serving.run("systemd-run -q --unit=test-taker python3 -m http.server 8081")
    serving.eventually(lambda: "python3" in serving.run("ss -Hltnp 'sport = 8081'"), "a program takes the port")
    # nginx tries for 2.5 s
    serving.run("systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms systemctl stop test-taker")
    assert serving.ok("nginx_config", site("new", listen=["80", "8081"]))["reloaded"]
    assert serving.get("http://127.0.0.1:8081/", "site.example") == (200, "new")


def test_killed_at_any_point_the_next_run_mends_it(serving: Host) -> None:
    steps = serving.steps("nginx_config", site("new"))
    assert steps > 20
    repaired = []
    # Most of the steps are those of the test; the change itself is near the end.
    for step in (*range(2, steps * 2 // 3, 10), *range(steps * 2 // 3, steps + 1, 2)):
        serving.ok("nginx_config", site("old"))
        assert serving.killed("nginx_config", site("new"), step), step
        assert word(serving) in ("old", "new")
        done = serving.ok("nginx_config", site("new"))
        repaired.append(done["repaired"])
        assert word(serving) == "new"
        assert leftovers(serving) == ""
        assert not serving.ok("nginx_config", site("new"))["changed"]
    assert any(repaired), "no kill fell between the first and the last change"
    assert not all(repaired), "no kill fell before the first change"


def test_killed_before_it_was_confirmed_it_can_be_undone_by_hand(serving: Host) -> None:
    # The last steps are those of a change that is live and not confirmed.
    steps = serving.steps("nginx_config", site("new"))
    for step in range(steps, 0, -1):
        serving.ok("nginx_config", site("old"))
        serving.killed("nginx_config", site("new"), step)
        if serving.attempt("test -d /var/lib/holdfast/nginx/journal").rc == 0 and "new" in serving.read(SITE):
            break
    serving.run("rm -f /var/lib/holdfast/nginx/journal/confirmed; sh /var/lib/holdfast/nginx/journal/undo.sh")
    assert leftovers(serving) == ""
    serving.eventually(lambda: word(serving) == "old", "the old one is loaded again")


def test_two_runs_at_once_come_one_after_the_other(serving: Host) -> None:
    def upstream(name: str) -> Args:
        return {"name": name, "servers": [{"address": "10.89.77.21"}]}

    with serving.beside() as beside, ThreadPoolExecutor(2) as pool:
        for number in range(5):
            names = [f"first{number}", f"second{number}"]
            runs = [
                pool.submit(host.ok, "nginx_upstream", upstream(name)) for host, name in zip((serving, beside), names)
            ]
            assert all(run.result()["reloaded"] for run in runs)
            loaded = serving.run("nginx -T 2>/dev/null")
            assert all(f"upstream {name} {{" in loaded for name in names)
    assert leftovers(serving) == ""


# The test's tree is laid out, and waits until somebody says go.
WAITING = """
import os, ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage as stage
def lay_over(*args, original=stage.lay_over):
    original(*args)
    os.mkfifo("/dev/shm/go")
    open("/dev/shm/go").close()
    os.unlink("/dev/shm/go")
stage.lay_over = lay_over
"""


def test_a_look_in_check_mode_is_not_disturbed_by_a_change(serving: Host) -> None:
    with serving.beside() as beside, ThreadPoolExecutor(1) as pool:
        look = pool.submit(serving.ok, "nginx_config", site("looked"), check=True, prelude=WAITING)
        beside.eventually(lambda: beside.attempt("test -p /dev/shm/go").rc == 0, "the look has begun")
        assert beside.ok("nginx_config", site("new"))["reloaded"]
        beside.run(": >/dev/shm/go")
        assert look.result()["staged_with"] == "overlay"
    assert word(serving) == "new"


def test_a_killed_nginx_is_not_started_by_a_change(serving: Host) -> None:
    serving.run("pkill -KILL -x nginx; while pgrep -x nginx; do :; done")
    done = serving.ok("nginx_config", site("new"))
    assert done["changed"]
    assert not done["reloaded"]
    serving.run("systemctl reset-failed nginx; systemctl restart nginx")
    assert word(serving) == "new"


KILLED = "systemctl kill -s KILL nginx; for try in $(seq 50); do systemctl -q is-failed nginx && break; sleep 0.1; done"


def test_a_failed_nginx_is_started_with_the_files_that_mend_it(serving: Host) -> None:
    """N3: its files were broken by hand, it has died, and systemd has given it up."""
    serving.write(SITE, "no configuration\n")
    serving.run("systemctl kill -s KILL nginx; for try in $(seq 25); do systemctl start nginx; done 2>/dev/null; true")
    assert serving.attempt("systemctl is-active nginx").rc
    would = serving.ok("nginx_config", site("new"), check=True)
    assert would["changed"]
    assert serving.attempt("systemctl is-active nginx").rc
    done = serving.ok("nginx_config", site("new"))
    assert (done["changed"], done["running"], done["started"]) == (True, True, True)
    assert word(serving) == "new"


def test_a_dead_nginx_is_started_although_no_file_differs(serving: Host) -> None:
    serving.run(KILLED)
    would = serving.ok("nginx_config", site("old"), check=True)
    assert (would["changed"], would["started"], would["files"]) == (True, True, [])
    assert serving.ok("nginx_config", site("old"))["started"]
    assert word(serving) == "old"
    assert not serving.ok("nginx_config", site("old"))["changed"]


def test_one_that_nothing_wants_to_run_is_told_of(serving: Host) -> None:
    serving.run("systemctl disable --now nginx")
    try:
        done = serving.ok("nginx_config", site("new"))
        assert (done["changed"], done["running"], done["started"]) == (True, False, False)
        assert done["warnings"] == ["nginx does not run here, so what was written is not in force: start it."]
    finally:
        serving.run("systemctl enable --now nginx")


def test_one_whose_port_is_taken_keeps_its_old_files(serving: Host) -> None:
    serving.run(
        f"{KILLED}; systemd-run --unit=test-taken python3 -m http.server 8099; "
        "for try in $(seq 50); do ss -tln | grep -q :8099 && break; sleep 0.1; done"
    )
    words = serving.refused("nginx_config", site("new", listen=["80", "8099"]))
    assert words.startswith(
        "nginx did not run, and does not start with the new configuration, the old one was put back"
    )
    assert "bind() to 0.0.0.0:8099 failed" in words
    serving.run("systemctl stop test-taken; systemctl reset-failed nginx; systemctl start nginx")
    assert word(serving) == "old"
