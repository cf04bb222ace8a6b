# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of every role is judged by the plan, for every host, from the spec that its role has."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import TICK
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import PREFIXES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.limits import LIMITS
from documented import ROOT, role_defaults
from inventory_builder import SPECS, InventoryBuilder, Variables

NO_TEXT: tuple[t.Any, ...] = ([], ["x"], {}, {"x": 1}, True)
NO_NUMBER: tuple[t.Any, ...] = ("", " ", "x", "1 2", "0x10", "1_0", "٣", *NO_TEXT)
OF_ANOTHER_TYPE: dict[str, tuple[t.Any, ...]] = {
    "str": NO_TEXT,
    "path": NO_TEXT,
    "int": (*NO_NUMBER, 1.5, "1.5", 1e300),
    "float": (*NO_NUMBER, "nan", "inf"),
    "bool": ("", "x", "maybe", 2, -1, 1.0, [], {}),
    "list": ("", "x", 1, True, {}, {"x": 1}, "[1]"),
    "dict": ("", "x", 1, True, [], ["x"]),
    "raw": ([], True, -1, {"x": 1}),
}

HOSTS = {
    "backend": "web1, web2: ",
    "balancer": "lb1, lb2: ",
    "issuer": "web1: ",
    "keepalived": "lb1, lb2: ",
    "nginx": "lb1, lb2, web1 and 1 more: ",
}

ISSUER: dict[str, dict[str, Variables]] = {"issuer": {"web1": {"ansible_host": "10.0.0.21"}}}


def refused(name: str, value: t.Any) -> list[str]:
    """Return what is told where all hosts have this value."""
    inventory = InventoryBuilder(groups=ISSUER)
    for variables in inventory.hostvars.values():
        variables[name] = value
    return [str(one) for one in inventory.findings() if one.severity == "error"]


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_value_of_another_type_is_one_fault_of_this_variable_and_these_hosts(name: str) -> None:
    where = HOSTS[name.partition("_")[0]] + name
    told = {repr(value): refused(name, value) for value in OF_ANOTHER_TYPE[SPECS[name]["type"]]}
    assert {value: one for value, one in told.items() if len(one) != 1 or not one[0].startswith(where)} == {}


@pytest.mark.parametrize("name", [name for name in sorted(SPECS) if "default" in SPECS[name]])
def test_nothing_is_no_value_where_there_is_a_default(name: str) -> None:
    assert len(refused(name, None)) == 1


@pytest.mark.parametrize("name", [name for name in sorted(SPECS) if "default" not in SPECS[name]])
def test_nothing_is_as_if_it_was_not_said_where_there_is_no_default(name: str) -> None:
    assert refused(name, None) == []


@pytest.mark.parametrize("name", [name for name in sorted(SPECS) if SPECS[name].get("choices")])
def test_a_word_that_is_no_choice_is_refused(name: str) -> None:
    [told] = refused(name, "x")
    assert f"must be {' or '.join(SPECS[name]['choices'])}, not `x`" in told


CASES: list[tuple[str, t.Any, str]] = [
    ("keepalived_detector_interval", 0.1, "0.1 is out of range: use 0.25 to 3600"),
    ("keepalived_detector_interval", "0.24", "out of range"),
    ("keepalived_notify_timeout", 0, "0 is out of range: use 0.1 to 3600"),
    ("keepalived_notify_timeout", -5, "out of range"),
    ("keepalived_log_keep", -1, "-1 is out of range: use 0 to 10000"),
    ("keepalived_log_keep", 10**12, "out of range"),
    (
        "keepalived_log_file",
        "keepalived.log",
        "is no whole path of plain letters: use one like /var/log/keepalived.log",
    ),
    ("keepalived_log_file", "/var/log/x y", "is no whole path"),
    ("keepalived_log_file", "/var/log/x\n*.* /etc/passwd", "is no whole path"),
    ("keepalived_rt_priority", 0, ""),
    ("keepalived_rt_priority", 100, ""),
    ("keepalived_garp_master_repeat", 0, ""),
    ("keepalived_garp_master_refresh", -1, ""),
    ("keepalived_startup_delay", -1, ""),
    ("keepalived_startup_delay", 10**9, ""),
    ("keepalived_notify_user", "", "is no name of a user"),
    ("keepalived_notify_user", "1000", "is no name of a user"),
    ("keepalived_notify_user", "no body", "is no name of a user"),
    ("keepalived_package", "", "is no name of a package"),
    ("keepalived_package", "-y", "is no name of a package"),
    ("nginx_package", "nginx extras", "is no name of a package"),
    ("nginx_version", "stable", "is no version of a package"),
    ("nginx_version", "1.22.1 -9", "is no version of a package"),
    ("keepalived_version", "=2.2.7", "is no version of a package"),
    ("nginx_source", "nginx", "nginx"),
    ("nginx_source_url", "nginx.org/packages", "is no address of a repository"),
    ("nginx_source_fingerprints", ["7BD9BF62"], "[0]: `7BD9BF62` is no fingerprint of a key"),
    ("keepalived_firewall_sources", ["10.0.0.0/8", "office"], "[1]: 'office' is neither an address nor a network"),
    ("keepalived_firewall_sources", ["10.0.0.1/8/8"], "[0]: "),
    ("keepalived_prove_expect", [200, 99], "[1]: 99 is out of range: use 100 to 599"),
    ("keepalived_prove_expect", ["ok"], "[0]: must be a whole number, not `ok`"),
    ("keepalived_address6", "lb1.example.com", "`lb1.example.com` is a name"),
    ("keepalived_address6", "::1", "::1 cannot be reached from other hosts"),
    ("keepalived_multicast_group", "10.0.0.1", "is no multicast address of IPv4"),
    ("keepalived_multicast_group6", "239.1.1.1", "is no multicast address of IPv6"),
    ("keepalived_cluster", " ", "is no name of a cluster"),
    ("keepalived_instances", [], "is empty: list an instance"),
    ("keepalived_instance_options", {"name": "x"}, ".name: belongs to one instance"),
    ("keepalived_instance_options", {"virtual_ipaddress": []}, ".virtual_ipaddress: belongs to one instance"),
    ("keepalived_notify_commands", {"master": None}, ".master: must be a list, not empty"),
    ("keepalived_notify_commands", {"master": [["/x", {}]]}, ".master[0]: must be a text, not a mapping"),
    ("keepalived_mail", {"to": ["a@b"], "from": "a@b"}, ".host: is missing (name or address of the mail server)"),
    ("balancer_health_host", "no name", "is no name of a host"),
    ("balancer_health_path", "alive", "is no path: begin it with /"),
    ("balancer_health_listen", [""], "[0]: "),
    ("balancer_health_listen", ["80 defaut_server"], "[0]: "),
    ("backend_root", "srv/www", "is no whole path"),
    ("backend_root", "/srv/a b", "is no whole path"),
    ("backend_server_name", "a b", "is no name of a site"),
    ("backend_server_name", "a;b", "is no name of a site"),
    ("backend_fail_timeout", "soon", "is not a time"),
    ("backend_weight", 0, "0 is out of range: use 1 to 65535"),
    ("backend_page", float("inf"), "has `inf`, which is no number that can be written"),
    ("keepalived_checks", [{"name": "a", "port": 16**999}], "has a number of hundreds of digits"),
]


@pytest.mark.parametrize(("name", "value", "words"), CASES, ids=lambda one: str(one)[:40])
def test_a_value_that_would_be_refused_later_is_refused(name: str, value: t.Any, words: str) -> None:
    [told] = refused(name, value)
    assert told.startswith(HOSTS[name.partition("_")[0]] + name)
    assert words in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keepalived_log_file", ""),
        ("keepalived_startup_delay", 0),
        ("keepalived_startup_delay", "0.5"),
        ("keepalived_log_keep", "7"),
        ("keepalived_guard", "no"),
        ("keepalived_firewall_sources", ["10.0.0.0/8", "fd00::1"]),
        ("keepalived_prove_expect", ["200"]),
        ("nginx_package", "nginx=1.22.1-9"),
        ("nginx_version", "1.22.1-9+deb12u1"),
        ("nginx_version", 1.22),
        ("keepalived_version", "1:2.2.7*"),
        ("backend_page", ""),
        ("backend_server_name", "~^www\\d+"),
        ("backend_fail_timeout", 30),
        ("keepalived_cluster", 7),
    ],
)
def test_what_a_role_can_use_is_taken_however_it_is_written(name: str, value: t.Any) -> None:
    assert refused(name, value) == []


def test_the_defaults_of_all_roles_are_taken() -> None:
    everywhere: Variables = {}
    for role in ("nginx", "backend", "balancer", "keepalived"):
        everywhere.update(role_defaults(role))
    everywhere["backend_page"] = "web1\n"
    assert (
        InventoryBuilder(
            {**everywhere, "keepalived_vips": ["10.0.0.100/24"], "balancer_health_listen": ["80"]}
        ).findings()
        == []
    )


def test_limits_are_those_of_variables_that_there_are() -> None:
    assert sorted(set(LIMITS) - set(SPECS)) == []


def test_every_role_is_for_the_balancers_the_backends_or_the_issuer() -> None:
    roles = {f"{path.name}_" for path in (ROOT / "roles").iterdir()}
    assert roles == set(PREFIXES)


def test_the_detector_takes_what_the_plan_does() -> None:
    assert refused("keepalived_detector_interval", TICK) == []
    assert len(refused("keepalived_detector_interval", TICK - 0.001)) == 1


def test_what_a_backend_says_of_a_balancers_role_harms_nobody() -> None:
    assert InventoryBuilder(web1={"keepalived_log_keep": "many"}, lb1={"backend_server": "iis"}).findings() == []


class Undefined(t.Dict[str, t.Any]):
    """Variables of a host, one of which cannot be templated."""

    def __getitem__(self, key: str) -> t.Any:
        if self.get(key) is Undefined:
            raise ValueError("'vip' is undefined")
        return super().__getitem__(key)


@pytest.mark.parametrize("name", [name for name in sorted(SPECS) if not name.startswith(("backend_", "issuer_"))])
@pytest.mark.parametrize("hosts", [("lb1",), ("lb1", "lb2")], ids=["on one", "on both"])
def test_what_is_undefined_is_one_fault(name: str, hosts: tuple[str, ...]) -> None:
    inventory = InventoryBuilder()
    for host in hosts:
        inventory.hostvars[host] = Undefined({**inventory.hostvars[host], name: Undefined})
    [told] = [str(one) for one in inventory.findings()]
    assert told.startswith(
        f"{', '.join(hosts)}: {name}: cannot be resolved from the inventory alone: 'vip' is undefined"
    )


def test_a_template_that_older_versions_of_ansible_leave_is_one_fault() -> None:
    [told] = [str(one) for one in InventoryBuilder({"keepalived_vips": ["{{ vip }}"]}).findings()]
    assert told.startswith("lb1, lb2: keepalived_vips: cannot be resolved from the inventory alone: {{ vip }}")


def test_values_are_judged_on_all_hosts_before_anything_is_derived() -> None:
    inventory = InventoryBuilder(
        {"keepalived_preempt": "maybe", "keepalived_log_keep": -1, "balancer_sites": [{"upstream": "nowhere"}]},
        web2={"backend_weight": "much"},
    )
    assert [one.where for one in inventory.findings()] == [
        "lb1, lb2: keepalived_preempt",
        "lb1, lb2: keepalived_log_keep",
        "web2: backend_weight",
    ]


def test_what_is_only_for_a_role_keeps_nothing_from_being_derived() -> None:
    inventory = InventoryBuilder(
        {"keepalived_log_keep": -1, "balancer_sites": [{"server_name": "a", "upstream": "nowhere"}]}
    )
    assert [one.where for one in inventory.findings()] == [
        "lb1, lb2: keepalived_log_keep",
        "lb1, lb2: balancer_sites[0].upstream",
    ]


@pytest.mark.parametrize("value", [1, True, 0.5], ids=str)
def test_what_is_no_mapping_where_one_belongs_is_a_fault(value: t.Any) -> None:
    [finding] = InventoryBuilder({"keepalived_instance_options": {"authentication": value}}).findings()
    assert finding.where == "lb1, lb2: keepalived_instance_options.authentication"
