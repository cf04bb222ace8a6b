# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner makes of checks, probes and policies, and what of them it refuses."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import routes
from inventory_builder import InventoryBuilder, Variables

HTTP = {"interval": 1.0, "timeout": 1.0, "fall": 2, "rise": 2}
SITES: list[Variables] = [
    {
        "server_name": ["shop.example.com", "*.shop.example.com"],
        "listen": ["80", "443 ssl"],
        "ssl_certificate": "/etc/ssl/shop.pem",
        "ssl_certificate_key": "/etc/ssl/shop.key",
        "locations": [
            {"path": "= /alive", "return": "204"},
            {"path": "/static/", "root": "/srv"},
            {"path": "^~ /media/", "root": "/srv"},
            {"path": "~ \\.php$", "directives": ["fastcgi_pass 127.0.0.1:9000"]},
            {"path": "/", "upstream": "blog"},
        ],
    },
    {"server_name": "plain.example.com", "root": "/srv", "listen": ["8081"]},
    {"server_name": "old.example.com", "return": "301 https://new.example.com", "upstream": "blog"},
]


def listening(*listen: str) -> Variables:
    """Return one site that listens there."""
    tls = {"ssl_certificate": "/etc/ssl/a.pem", "ssl_certificate_key": "/etc/ssl/a.key"}
    site = {"server_name": "blog.example.com", "upstream": "blog", "listen": list(listen)}
    return {"balancer_sites": [{**site, **(tls if any("ssl" in one for one in listen) else {})}]}


def checks(*said: t.Any, **more: t.Any) -> Variables:
    return {"keepalived_checks": list(said), **more}


@pytest.mark.parametrize(
    ("said", "options"),
    [
        (
            {"name": "a", "url": "http://plain.example.com:8081/x?y=1"},
            {
                **{"kind": "url", "address": "127.0.0.1", "port": 8081, "tls": False},
                **{"host": "plain.example.com:8081", "path": "/x?y=1", **HTTP},
            },
        ),
        (
            {"name": "a", "url": "https://192.0.2.7", "fall": "3"},
            {
                **{"kind": "url", "address": "192.0.2.7", "port": 443, "tls": True},
                **{"host": "192.0.2.7", "path": "/", **HTTP, "fall": 3},
            },
        ),
        (
            {"name": "a", "url": "http://plain.example.com:8081/", "address": "::1"},
            {
                **{"kind": "url", "address": "::1", "port": 8081, "tls": False},
                **{"host": "plain.example.com:8081", "path": "/", **HTTP},
            },
        ),
        ({"name": "a", "port": 5432}, {"kind": "port", "address": "127.0.0.1", "port": 5432, **HTTP}),
        (
            {"name": "a", "port": 53, "address": "192.0.2.1", "interval": "0.5"},
            {"kind": "port", "address": "192.0.2.1", "port": 53, **HTTP, "interval": 0.5},
        ),
        (
            {"name": "a", "command": "/bin/x 'a b' c", "timeout": 5},
            {"kind": "command", "command": ["/bin/x", "a b", "c"], **HTTP, "timeout": 5.0},
        ),
        ({"name": "a", "command": ["/bin/x", 1]}, {"kind": "command", "command": ["/bin/x", "1"], **HTTP}),
        ({"name": "a", "file": "/run/x"}, {"kind": "file", "file": "/run/x", "state": "present", **HTTP}),
        (
            {"name": "a", "file": "/run/x", "state": "absent", "weight": 0},
            {"kind": "file", "file": "/run/x", "state": "absent", **HTTP},
        ),
    ],
)
def test_a_check_with_its_defaults(said: Variables, options: Variables) -> None:
    state = InventoryBuilder(checks(said)).documents("lb1")["keepalived"]["state"]
    assert state["watcher"]["document"]["checks"] == [{"name": "a", **options}]
    tracked = {"name": "check_a", "file": "/run/holdfast/track/check_a", "weight": 0}
    assert tracked in state["keepalived"]["track_files"]
    assert "check_a" in state["keepalived"]["instances"][0]["track_file"]


def test_an_instance_with_trackers_of_its_own_tracks_no_check() -> None:
    own = {"name": "VI_1", "vips": ["10.0.0.100/24"], "track_file": ["disk"]}
    said = checks({"name": "a", "file": "/run/x"}, keepalived_vips=None, keepalived_instances=[own])
    said["keepalived_track_files"] = [{"name": "disk", "file": "/run/disk"}]
    [instance] = InventoryBuilder(said).instances("lb1")["lb1"]
    assert instance["track_file"] == ["disk", "nginx_crash", "nginx_probe", "nginx_stop", "cut_off_VI_1"]


def test_the_programs_that_are_run_are_told() -> None:
    said = checks(
        {"name": "a", "command": "/usr/local/bin/a -x"},
        keepalived_vrrp_scripts=[{"name": "s", "script": "/usr/local/bin/s 1"}],
        keepalived_instance_options={"notify": {"command": "/usr/local/bin/n", "user": "root"}},
    )
    assert InventoryBuilder(said).documents("lb1")["keepalived"]["preflight"]["scripts"] == {
        "keepalived_checks[0].command": "/usr/local/bin/a",
        "keepalived_vrrp_scripts[0].script": "/usr/local/bin/s",
        "keepalived_instance_options.notify": "/usr/local/bin/n",
    }


def test_a_policy_is_what_an_instance_tracks() -> None:
    inventory = InventoryBuilder({"keepalived_policy": "restart_first", "keepalived_restart_patience": 3})
    plan, state = inventory.slices("lb1")["lb1"], inventory.documents("lb1")["keepalived"]["state"]
    tracked = ["nginx_down", "nginx_probe", "nginx_stop", "cut_off_VI_1"]
    assert plan["keepalived_instances"][0]["track_file"] == tracked
    assert [one["name"] for one in state["keepalived"]["track_files"]] == tracked
    assert state["watcher"]["document"]["nginx"]["patience"] == 3.0
    assert plan["outage"]["nginx_killed"] == pytest.approx(0.5)
    assert 3.0 < plan["outage"]["nginx_stays_dead"] < 3.2


def test_instances_may_have_different_policies() -> None:
    two = [
        {"name": "a", "vips": ["10.0.0.100/24"], "policy": "restart_first"},
        {"name": "b", "vips": ["10.0.0.101/24"]},
    ]
    inventory = InventoryBuilder({"keepalived_vips": None, "keepalived_instances": two})
    plan = inventory.slices("lb1")["lb1"]
    assert [one["track_file"][0] for one in plan["keepalived_instances"]] == ["nginx_down", "nginx_crash"]
    assert all("policy" not in one for one in plan["keepalived_instances"])
    assert plan["restart_first"] == ["a"]
    config = inventory.documents("lb1")["keepalived"]["state"]["keepalived"]
    names = [one["name"] for one in config["track_files"]]
    assert names == ["nginx_crash", "nginx_down", "nginx_probe", "nginx_stop", "cut_off_a", "cut_off_b"]
    assert plan["outage"]["nginx_stays_dead"] > plan["outage"]["nginx_killed"]


NAME = "keepalived_checks[0].name"


@pytest.mark.parametrize(
    ("variables", "rule", "where", "words"),
    [
        (checks({"file": "/x"}), "input", NAME, "is missing (name of the check; letters, digits, _, - and .)"),
        (checks({"name": "a/b", "file": "/x"}), "input", NAME, "`a/b` cannot be the name of a file"),
        (checks({"name": "..", "file": "/x"}), "input", NAME, "cannot be the name of a file"),
        (
            checks({"name": "a", "file": "/x"}, {"name": "a", "file": "/y"}),
            "input",
            "keepalived_checks[1].name",
            "`a` is the name of keepalived_checks[0] as well: give each its own",
        ),
        (
            checks({"name": "a", "file": "/x", "port": 1}),
            "input",
            "keepalived_checks[0]",
            "has port and file: a check looks at exactly one thing",
        ),
        (checks({"name": "a"}), "input", "keepalived_checks[0]", "has none of url, port, command and file"),
        (checks("a"), "input", "keepalived_checks[0]", "must be a mapping, not `a`"),
        ({"keepalived_checks": {"name": "a"}}, "input", "keepalived_checks", "must be a list, not a mapping"),
        (
            checks({"name": "a", "port": 1, "state": "absent"}),
            "input",
            "keepalived_checks[0].state",
            "is unknown in a check of port",
        ),
        (
            checks({"name": "a", "file": "/x", "weight": -20}),
            "input",
            "keepalived_checks[0].weight",
            "can only be 0: a check that fails takes the node out of the election",
        ),
        (
            checks({"name": "a", "command": "check.sh now"}),
            "input",
            "keepalived_checks[0].command",
            "`check.sh` is no whole path: no shell looks for it, so write where it lies",
        ),
        (checks({"name": "a", "command": []}), "input", "keepalived_checks[0].command", "is empty"),
        (
            checks({"name": "a", "command": "/bin/x 'a"}),
            "input",
            "keepalived_checks[0].command",
            "cannot be split into words: No closing quotation",
        ),
        (checks({"name": "a", "file": "x"}), "input", "keepalived_checks[0].file", "`x` is no whole path"),
        (
            checks({"name": "a", "file": "/x", "state": "gone"}),
            "input",
            "keepalived_checks[0].state",
            "must be present or absent, not `gone`",
        ),
        (
            checks({"name": "a", "url": "ftp://x/"}),
            "input",
            "keepalived_checks[0].url",
            "`ftp://x/` is no URL that can be asked: write http://name/path",
        ),
        (checks({"name": "a", "url": "http://x:port/"}), "input", "keepalived_checks[0].url", "is no URL"),
        (checks({"name": "a", "url": "http://x/a b"}), "input", "keepalived_checks[0].url", "write them as %20"),
        (checks({"name": "a", "port": 70000}), "input", "keepalived_checks[0].port", "use 1 to 65535"),
        (
            checks({"name": "a", "port": 1, "address": "db.example.com"}),
            "input",
            "keepalived_checks[0].address",
            "`db.example.com` is a name: write the address itself, names are never looked up",
        ),
        (checks({"name": "a", "port": 1, "interval": 0}), "input", "keepalived_checks[0].interval", "use 0.1 to 3600"),
        (
            checks({"name": "a", "port": 1, "timeout": "soon"}),
            "input",
            "keepalived_checks[0].timeout",
            "must be a number, not `soon`",
        ),
        (checks({"name": "a", "port": 1, "fall": 0}), "input", "keepalived_checks[0].fall", "use 1 to 1000"),
        # nginx's own probe
        ({"keepalived_probe_interval": 0}, "input", "keepalived_probe_interval", "use 0.01 to 3600"),
        ({"keepalived_probe_timeout": -1}, "input", "keepalived_probe_timeout", "use 0.01 to 3600"),
        ({"keepalived_probe_fall": 0}, "input", "keepalived_probe_fall", "use 1 to 1000"),
        ({"keepalived_probe_rise": "often"}, "input", "keepalived_probe_rise", "must be a whole number"),
        ({"keepalived_probe_port": 0}, "input", "keepalived_probe_port", "use 1 to 65535"),
        ({"keepalived_probe_path": "health"}, "input", "keepalived_probe_path", "begin it with /"),
        ({"keepalived_probe_host": "a b"}, "input", "keepalived_probe_host", "is no name of a host"),
        (
            {"keepalived_probe_address": "lb"},
            "input",
            "keepalived_probe_address",
            "is a name: write the address itself",
        ),
        ({"keepalived_allow_no_holder": "maybe"}, "input", "keepalived_allow_no_holder", "must be true or false"),
        # Policies
        (
            {"keepalived_policy": "restart"},
            "input",
            "keepalived_policy",
            "must be failover or restart_first, not `restart`",
        ),
        (
            {
                "keepalived_vips": None,
                "keepalived_instances": [{"vips": ["10.0.0.100/24"], "policy": "never"}],
            },
            "input",
            "keepalived_instances[0].policy",
            "must be failover or restart_first, not `never`",
        ),
        ({"keepalived_restart_patience": 0}, "input", "keepalived_restart_patience", "use 0.2 to 3600"),
        # Programs of keepalived's own
        (
            {"keepalived_vrrp_scripts": [{"name": "a", "script": "killall -0 nginx"}]},
            "input",
            "keepalived_vrrp_scripts[0].script",
            "`killall` is no whole path: keepalived runs no shell, so write where it lies",
        ),
        (
            {"keepalived_instance_options": {"notify_master": "tell.sh"}},
            "input",
            "keepalived_instance_options.notify_master",
            "`tell.sh` is no whole path",
        ),
        # Names
        (
            {"keepalived_track_files": [{"name": "nginx_crash", "file": "/run/x"}]},
            "duplicate-tracker",
            "keepalived_track_files[0].name",
            "`nginx_crash` is the name of a tracker of this collection as well",
        ),
        (
            checks({"name": "x", "file": "/x"}, keepalived_track_files=[{"name": "check_x", "file": "/run/x"}]),
            "duplicate-tracker",
            "keepalived_track_files[0].name",
            "`check_x` is the name of a tracker of keepalived_checks[0] as well",
        ),
        (
            {"keepalived_vrrp_scripts": [{"name": "a", "script": "/bin/a"}, {"name": "a", "script": "/bin/b"}]},
            "duplicate-tracker",
            "keepalived_vrrp_scripts[1].name",
            "`a` is the name of a tracker of keepalived_vrrp_scripts[0] as well",
        ),
        # Probes that a backend answers
        (
            checks({"name": "a", "url": "http://blog.example.com/"}),
            "no-holder",
            "keepalived_checks[0].url",
            "a backend answers http://blog.example.com/ (balancer_sites[0].upstream): with the backends down the check "
            "fails on every balancer at once, and nobody holds the address",
        ),
        (
            checks({"name": "a", "url": "http://10.0.0.100/"}),
            "no-holder",
            "keepalived_checks[0].url",
            "a backend answers http://10.0.0.100/",
        ),
        (
            checks({"name": "a", "url": "http://10.0.0.21:8080/"}),
            "no-holder",
            "keepalived_checks[0].url",
            "10.0.0.21 is the backend web1: with the backends down",
        ),
        (
            checks({"name": "a", "port": 8080, "address": "10.0.0.22"}),
            "no-holder",
            "keepalived_checks[0].port",
            "10.0.0.22 is the backend web2",
        ),
        (
            {"keepalived_probe_host": "blog.example.com", "keepalived_probe_path": "/", "keepalived_probe_port": 80},
            "no-holder",
            "keepalived_probe_path",
            "or set keepalived_allow_no_holder: true if that is wanted",
        ),
        (
            {"keepalived_probe_path": "/health"},
            "unanswered-probe",
            "keepalived_probe_path",
            "nginx answers http://health.holdfast.invalid/health to nobody, so every balancer would be unfit",
        ),
        # Listeners on which the question is not understood
        (
            {"keepalived_probe_port": 8080},
            "unanswered-probe",
            "keepalived_probe_path",
            "no site and not the health listener (balancer_health_listen) is at 127.0.0.1 port 8080",
        ),
        (
            {**listening("80 proxy_protocol"), "keepalived_probe_port": 80},
            "unanswered-probe",
            "keepalived_probe_path",
            "balancer_sites[0].listen[0] expects a PROXY header, which no question has",
        ),
        (
            checks({"name": "a", "url": "http://10.0.0.100:8443/"}, **listening("80", "8443 ssl")),
            "unanswered-probe",
            "keepalived_checks[0].url",
            "balancer_sites[0].listen[1] expects TLS, so http://10.0.0.100:8443/ fails on every balancer",
        ),
        (
            {"balancer_health_listen": ["80"], "keepalived_probe_port": 80},
            "shared-listener",
            "balancer_health_listen[0]",
            "port 80 is that of balancer_sites[0].listen[0] as well, and what a site does there would decide whether "
            "this balancer is fit",
        ),
        (
            {"balancer_health_listen": ["127.0.0.1:8005"], "keepalived_probe_port": 8005, **listening("8000-8010")},
            "shared-listener",
            "balancer_health_listen[0]",
            "port 8005 is that of balancer_sites[0].listen[0] as well",
        ),
        (
            {"balancer_health_listen": ["488 proxy_protocol"]},
            "input",
            "balancer_health_listen[0]",
            "is asked in plain HTTP, and not with proxy_protocol: use an address and a port alone",
        ),
        (
            {"balancer_health_listen": ["unix:/run/health"]},
            "input",
            "balancer_health_listen[0]",
            "is asked in plain HTTP, and not with a Unix socket",
        ),
    ],
)
def test_what_is_refused(variables: Variables, rule: str, where: str, words: str) -> None:
    [finding] = InventoryBuilder(variables).findings()
    assert (finding.rule, finding.severity, finding.where) == (rule, "error", f"lb1, lb2: {where}")
    assert words in finding.message


@pytest.mark.parametrize(
    ("variables", "where", "permission"),
    [
        (
            checks({"name": "a", "url": "http://blog.example.com/", "allow_no_holder": True}),
            "keepalived_checks[0].url",
            "allow_no_holder",
        ),
        (
            {
                "keepalived_probe_host": "blog.example.com",
                "keepalived_probe_path": "/",
                "keepalived_probe_port": 80,
                "keepalived_allow_no_holder": True,
            },
            "keepalived_probe_path",
            "keepalived_allow_no_holder",
        ),
    ],
)
def test_no_holder_is_allowed_with_a_warning(variables: Variables, where: str, permission: str) -> None:
    [finding] = InventoryBuilder(variables).findings()
    assert (finding.rule, finding.severity, finding.where) == ("no-holder", "warning", f"lb1, lb2: {where}")
    assert f"nobody holds the address, as {permission} allows" in finding.message


@pytest.mark.parametrize(
    "variables",
    [
        checks({"name": "a", "url": "http://192.0.2.1/"}),
        checks({"name": "a", "url": "http://shop.example.com/alive"}, balancer_sites=SITES),
        checks({"name": "a", "port": 80}),
        {"keepalived_probe_path": "/alive", "balancer_health_path": "/alive"},
        {"keepalived_probe_host": "x.invalid", "keepalived_probe_path": "/", "balancer_sites": []},
    ],
)
def test_what_nginx_answers_itself_is_not_refused(variables: Variables) -> None:
    assert [str(finding) for finding in InventoryBuilder(variables).findings()] == []


@pytest.mark.parametrize(
    ("host", "port", "path", "answers", "where"),
    [
        ("shop.example.com", 80, "/alive", routes.ITSELF, "balancer_sites[0].locations[0]"),
        ("shop.example.com", 80, "/alive?x=1", routes.ITSELF, "balancer_sites[0].locations[0]"),
        ("SHOP.example.com", 443, "/", routes.PROXIED, "balancer_sites[0].locations[4]"),
        ("a.shop.example.com", 80, "/alive/x", routes.PROXIED, "balancer_sites[0].locations[4]"),
        ("shop.example.com", 80, "/static/x", routes.ITSELF, "balancer_sites[0].locations[1]"),
        ("shop.example.com", 80, "/static/x.php", routes.PROXIED, "balancer_sites[0].locations[3]"),
        ("shop.example.com", 80, "/media/x.php", routes.ITSELF, "balancer_sites[0].locations[2]"),
        ("plain.example.com", 8081, "/", routes.ITSELF, "balancer_sites[1]"),
        ("whatever.example.com", 8081, "/", routes.ITSELF, "balancer_sites[1]"),
        ("whatever.example.com", 80, "/", routes.PROXIED, "balancer_sites[0].locations[4]"),
        ("old.example.com", 80, "/", routes.ITSELF, "balancer_sites[2]"),
        ("health.invalid", 80, "/alive", routes.ITSELF, ".locations[0]"),
        ("health.invalid", 80, "/", routes.SILENT, ".locations[1]"),
    ],
)
def test_who_answers_a_request(host: str, port: int, path: str, answers: str, where: str) -> None:
    servers = [*routes.sites(SITES, "balancer_sites"), routes.health_site("health.invalid", "/alive", ["80"])]
    assert routes.route(servers, address="127.0.0.1", port=port, host=host, path=path) == routes.Route(answers, where)


def test_a_server_that_names_the_address_goes_before_those_that_take_any() -> None:
    servers = routes.sites(
        [
            {"server_name": "a", "listen": ["80"], "upstream": "blog"},
            {"server_name": "b", "listen": ["10.0.0.100:80"], "return": "204"},
        ],
        "balancer_sites",
    )
    for address, answers in (("10.0.0.100", routes.ITSELF), ("127.0.0.1", routes.PROXIED)):
        found = routes.route(servers, address=address, port=80, host="a", path="/")
        assert found is not None
        assert found.answers == answers
    assert routes.route(servers, address="127.0.0.1", port=8080, host="a", path="/") is None
    assert routes.route(servers, address="::1", port=80, host="a", path="/") is None


@pytest.mark.parametrize(
    ("listens", "ports", "peer"),
    [
        (["80"], [("", 80, 80)], (80, False)),
        (["80 proxy_protocol", "443 ssl"], [("", 80, 80), ("", 443, 443)], (80, True)),
        (["443 ssl"], [("", 443, 443)], (443, False)),
        (["[::]:80", "443 quic", "127.0.0.1:9", "unix:/run/x"], [("", 80, 80), ("", 443, 443, "udp")], (80, False)),
        (["443 quic", "443 ssl"], [("", 443, 443, "udp"), ("", 443, 443)], (443, False)),
        (["10.0.0.100:8000-8010"], [("10.0.0.100", 8000, 8010)], None),
        (["10.0.0.12:81"], [("10.0.0.12", 81, 81)], (81, False)),
    ],
)
def test_the_ports_of_the_service_are_planned_and_a_peer_is_asked_at_one_of_them(
    listens: list[str], ports: list[tuple[t.Any, ...]], peer: tuple[int, bool] | None
) -> None:
    documents = InventoryBuilder(listening(*listens)).documents("lb1")
    found = documents["balancer"]["state"]["nginx"]["service_ports"]
    assert [tuple(one.values()) for one in found] == ports
    asked = documents["keepalived"]["state"]["watcher"]["document"]["probe"]["peers"]
    assert [(one["address"], one["port"], one["proxy_protocol"]) for one in asked] == (
        [("10.0.0.12", *peer)] if peer else []
    )


@pytest.mark.parametrize("listen", ["80 proxy_protocol", "443 ssl", "8080", "10.0.0.100:80", "[::]:80 ipv6only=off"])
def test_what_a_site_listens_with_never_decides_whether_a_balancer_is_fit(listen: str) -> None:
    """N2: the question goes to a listener of its own, in plain HTTP, whatever the sites are."""
    inventory = InventoryBuilder(listening(listen))
    assert [str(finding) for finding in inventory.findings()] == []
    documents = inventory.documents("lb1")
    probe = documents["keepalived"]["state"]["watcher"]["document"]["probe"]
    [health] = [
        one for one in documents["balancer"]["state"]["nginx"]["servers"] if one.get("name") == "holdfast-health"
    ]
    assert (health["listen"], probe["address"], probe["port"]) == (["127.0.0.1:488"], "127.0.0.1", 488)


HAPROXY: Variables = {
    "keepalived_guarded_unit": "haproxy.service",
    "keepalived_guarded_program": "haproxy",
    "keepalived_guarded_pid_file": "/run/haproxy.pid",
    "keepalived_guarded_ports": [80, 443],
    **{"balancer_sites": [], "balancer_upstreams": []},
}


def test_another_service_than_nginx_is_guarded_by_four_variables() -> None:
    inventory = InventoryBuilder(HAPROXY)
    plan, state = inventory.slices("lb1")["lb1"], inventory.documents("lb1")["keepalived"]["state"]
    watched = {"unit": "haproxy.service", "pid_file": "/run/haproxy.pid", "program": "haproxy", "patience": 0.0}
    assert state["watcher"]["document"]["nginx"] == watched
    asked = state["watcher"]["document"]["probe"]["peers"]
    assert [(one["address"], one["port"]) for one in asked] == [("10.0.0.12", 80), ("10.0.0.12", 443)]
    texts = {one["path"]: one.get("content", "") for one in state["files"]["files"]}
    assert "PartOf=haproxy.service\n" in texts["/etc/systemd/system/holdfast-guard.service"]
    assert "After=network.target haproxy.service\n" in texts["/etc/systemd/system/holdfast-watcher.service"]
    assert "CapabilityBoundingSet" not in texts["/etc/systemd/system/haproxy.service.d/holdfast.conf"]
    assert '"first": 443' in texts["/etc/holdfast/ports.json"]
    assert not any("nginx.service" in path for path in texts)
    assert "nginx.service" not in [one["name"] for one in state["services"]["services"]]
    assert plan["firewall"]["ports"] == ["80/tcp", "443/tcp"]
    assert [(one["port"], one["connects"]) for one in plan["client_requests"]] == [(80, True), (443, True)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keepalived_guarded_unit", "haproxy"),
        ("keepalived_guarded_program", "/usr/sbin/haproxy"),
        ("keepalived_guarded_pid_file", "haproxy.pid"),
        ("keepalived_guarded_ports", [70000]),
    ],
)
def test_what_says_no_service_is_refused(name: str, value: t.Any) -> None:
    [finding] = InventoryBuilder({**HAPROXY, name: value}).findings()
    assert finding.where.startswith(f"lb1, lb2: {name}")
