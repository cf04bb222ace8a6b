# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner makes of TLS: files of the controller, keys for tickets, who answers whom at which port."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller
from authority import Authority, Issued
from inventory_builder import InventoryBuilder

NAME = "shop.example.com"
SECRET = "kR7-tq2w" * 5
DAY = 86400


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue(NAME)


@pytest.fixture(scope="module")
def tls(authority: Authority, issued: Issued) -> dict[str, t.Any]:
    return {"certificate": issued.certificate + authority.chain, "certificate_key": issued.key}


def pair(tls: t.Mapping[str, t.Any], **more: t.Any) -> InventoryBuilder:
    site = {"server_name": NAME, "upstream": "blog", "tls": dict(tls), **more.pop("site", {})}
    return InventoryBuilder({"balancer_sites": [site], **more})


def faults(inventory: InventoryBuilder, **more: t.Any) -> list[str]:
    return [str(one) for one in inventory.findings(**more)]


def served(inventory: InventoryBuilder, **more: t.Any) -> list[dict[str, t.Any]]:
    """Return the servers of the first balancer, but for the one that the watcher asks."""
    plan = inventory.examine(controller=Controller(**more)).plan
    servers: list[dict[str, t.Any]] = documents(plan, ["lb1"])["lb1"]["balancer"]["state"]["nginx"]["servers"]
    return servers[:-1]


def test_a_site_of_https_is_asked_at_both_ports_and_let_in(tls: dict[str, t.Any]) -> None:
    inventory = pair(tls)
    assert faults(inventory) == []
    asked = inventory.slices("lb1")["lb1"]["client_requests"]
    assert [(one["port"], one["tls"], one["host"]) for one in asked] == [(443, True, NAME), (80, False, NAME)]
    ports = inventory.documents("lb1")["balancer"]["state"]["nginx"]["service_ports"]
    assert [one["first"] for one in ports] == [443, 80]


def test_the_first_site_is_the_default_where_http_leads_to_it_too(tls: dict[str, t.Any]) -> None:
    (site,) = served(pair(tls))
    assert (site["listen"], site["tls"]["redirect_listen"]) == (["443 ssl default_server"], ["80 default_server"])


def test_a_server_that_closes_has_the_profile_and_no_certificate(tls: dict[str, t.Any]) -> None:
    _site, closed = served(pair({**tls, "profile": "modern"}, balancer_default_server="close"))
    assert closed["listen"] == ["443 ssl default_server", "80 default_server"]
    assert (closed["tls"], closed["ssl_reject_handshake"]) == ({"profile": "modern"}, True)


def test_one_site_shares_the_socket_of_quic_out(tls: dict[str, t.Any]) -> None:
    more = {"server_name": "www.example.com", "upstream": "blog", "listen": ["443 quic", "443 ssl"]}
    inventory = pair(tls, site={"http3": True})
    for variables in inventory.hostvars.values():
        variables["balancer_sites"] = [*variables["balancer_sites"], {**more, "tls": dict(tls)}]
    first, second = served(inventory)
    assert first["listen"] == ["443 ssl default_server", "443 quic reuseport default_server"]
    assert second.get("listen", more["listen"]) == more["listen"]


def test_a_file_of_the_controller_is_handed_on_as_its_text(tls: dict[str, t.Any]) -> None:
    texts = {"shop.crt": tls["certificate"], "shop.key": tls["certificate_key"]}
    inventory = pair({"certificate": "shop.crt", "certificate_key": "shop.key"})
    (site,) = served(inventory, read=lambda path, _folder: texts[path])
    assert site["tls"]["certificate"] == tls["certificate"]
    assert site["tls"]["certificate_key"] == tls["certificate_key"]
    assert faults(inventory)[0] == "lb1, lb2: balancer_sites[0].tls.certificate: shop.crt is not there [input]"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"certificate_key": None}, "balancer_sites[0].tls.certificate_key: it is missing"),
        ({"profil": "modern"}, "balancer_sites[0].tls.profil: is unknown: did you mean profile?"),
        ({"profile": "old"}, "balancer_sites[0].tls.profile:"),
    ],
)
def test_what_cannot_be_is_told_with_its_path(tls: dict[str, t.Any], wrong: dict[str, t.Any], sentence: str) -> None:
    assert sentence in faults(pair({**tls, **wrong}))[0]


def test_a_name_beside_those_of_the_certificate_is_told(tls: dict[str, t.Any]) -> None:
    (told,) = faults(pair(tls, site={"server_name": [NAME, "other.example.com"]}))
    assert "balancer_sites[0].tls.certificate: it is for shop.example.com, and not for the server_name" in told


def test_a_site_that_answers_http_already_is_named(tls: dict[str, t.Any]) -> None:
    inventory = pair(tls)
    for variables in inventory.hostvars.values():
        own = {"name": "plain", "server_name": NAME, "listen": ["80"], "return": "204"}
        variables["balancer_sites"] = [*variables["balancer_sites"], own]
    (told,) = faults(inventory)
    assert "balancer_sites[0].tls.redirect" in told
    assert "balancer_sites[1]" in told


def test_preflight_judges_each_certificate(tls: dict[str, t.Any]) -> None:
    (asked,) = pair({**tls, "redirect": "yes"}).documents("lb1")["balancer"]["preflight"]["certificates"]
    assert (asked["path"], asked["names"], asked["has_responder"]) == ("balancer_sites[0].tls", [NAME], False)
    assert (asked["tls"]["certificate_key"], asked["tls"]["redirect"]) == (tls["certificate_key"], True)


def test_all_nodes_have_the_keys_of_this_period_and_of_those_beside_it(tls: dict[str, t.Any]) -> None:
    def keys(now: float) -> list[str]:
        inventory = pair(tls, balancer_ssl_session_ticket_secret=SECRET)
        found: list[str] = served(inventory, now=now)[0]["tls"]["session_ticket_keys"]
        return found

    today, tomorrow = keys(100.5 * DAY), keys(101.5 * DAY)
    assert [len(key) for key in today] == [80, 80, 80]
    assert keys(100.9 * DAY) == today
    # Each can read what the other has written.
    assert (tomorrow[0] in today, today[0] in tomorrow, len(set(today + tomorrow))) == (True, True, 4)
    assert not any(SECRET in key for key in today)


def test_a_secret_that_could_be_guessed_is_refused(tls: dict[str, t.Any]) -> None:
    (told,) = faults(pair(tls, balancer_ssl_session_ticket_secret="short-secret"))
    assert "balancer_ssl_session_ticket_secret: must have at least 32 characters" in told
    assert "short-secret" not in told


def test_a_file_beside_the_inventory_comes_out_of_its_vault(
    tls: dict[str, t.Any], tmp_path: Path, authority: Authority
) -> None:
    import subprocess
    import sys

    from harness.playing import ansible_playbook

    (tmp_path / "shop.crt").write_text(tls["certificate"])
    (tmp_path / "shop.key").write_text(tls["certificate_key"])
    (tmp_path / "password").write_text("open sesame\n")
    vault = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", "password"]
    subprocess.run([*vault, "shop.key"], cwd=tmp_path, check=True, capture_output=True)
    assert "PRIVATE KEY" not in (tmp_path / "shop.key").read_text()
    (tmp_path / "hosts.yml").write_text(
        """
master: {hosts: {lb1: {ansible_host: 10.0.0.11}}}
backup: {hosts: {lb2: {ansible_host: 10.0.0.12}}}
all:
  vars:
    ansible_connection: local
    keepalived_vips: [10.0.0.100/24]
    balancer_sites:
      - {server_name: shop.example.com, return: "204", tls: {certificate: shop.crt, certificate_key: shop.key}}
"""
    )
    (tmp_path / "plan.yml").write_text(
        "- {hosts: 'master:backup', gather_facts: false, tasks: [{holdfast.nginx_ha.fleet_plan: }]}\n"
    )
    code, output = ansible_playbook(
        tmp_path, "--inventory", "hosts.yml", "--vault-password-file", "password", "plan.yml", "-vvv"
    )
    assert code == 0, output
    assert tls["certificate_key"].split("\n")[1] not in output
    (tmp_path / "shop.crt").unlink()
    code, output = ansible_playbook(
        tmp_path, "--inventory", "hosts.yml", "--vault-password-file", "password", "plan.yml"
    )
    assert code != 0
    assert f"balancer_sites[0].tls.certificate (hosts.yml:9): there is no file {tmp_path}/shop.crt" in output


@pytest.mark.parametrize("strangers", ["first", "close", "none"])
def test_sites_of_one_address_have_one_profile_and_those_of_others_their_own(
    authority: Authority, tls: dict[str, t.Any], strangers: str
) -> None:
    other = authority.issue("other.example.com")
    own = {"certificate": other.certificate + authority.chain, "certificate_key": other.key}

    def told(profile: str, **more: t.Any) -> list[str]:
        first = {"server_name": NAME, "upstream": "blog", "tls": dict(tls)}
        second = {"server_name": "other.example.com", "upstream": "blog", "tls": {**own, "profile": profile}, **more}
        return faults(InventoryBuilder({"balancer_sites": [first, second], "balancer_default_server": strangers}))

    [fault] = told("modern")
    assert (
        "balancer_sites[1]: clients of *:443 get TLSv1.2 and TLSv1.3 of this server, as of balancer_sites[0], " in fault
    )
    assert told("modern", ssl_protocols=["TLSv1.3", "TLSv1.2"]) == []
    assert told("modern", listen=["8443 ssl"]) == []
    assert told("intermediate") == []


ISSUED = "/etc/holdfast/certificates"
OF_ISSUER = {
    "certificate": f"{ISSUED}/shop/fullchain.pem",
    "certificate_key": f"{ISSUED}/shop/privkey.pem",
    "acme_challenge": "http://10.0.0.21:8888",
}


def test_what_a_site_has_from_the_issuer_is_fetched_by_its_balancers(authority: Authority) -> None:
    inventory = pair({**OF_ISSUER, "trusted_certificate": authority.root})
    assert faults(inventory) == []
    assert inventory.slices("lb1")["lb1"]["issued"] == ["shop"]
    state = inventory.documents("lb1")["balancer"]["state"]
    files = {one["path"]: one.get("content") for one in state["files"]["files"]}
    asked = json.loads(files["/etc/holdfast/certificates.json"])
    assert asked["certificates"] == {"shop": [{"names": [NAME], "trusted": authority.root}]}
    assert {"name": "holdfast-certificates.timer", "enabled": True} in state["services"]["services"]
    assert state["agent"] == {"folder": "/usr/local/lib/holdfast"}
    timer = files["/etc/systemd/system/holdfast-certificates.timer"]
    other = {
        one["path"]: one.get("content") for one in inventory.documents("lb2")["balancer"]["state"]["files"]["files"]
    }
    assert timer == other["/etc/systemd/system/holdfast-certificates.timer"]  # both look at the same moment
    assert re.search(r"^OnCalendar=\*:0/10:[0-5][0-9]$", timer, re.MULTILINE)


def test_who_has_nothing_from_an_issuer_asks_none(tls: dict[str, t.Any]) -> None:
    inventory = pair(tls)
    state = inventory.documents("lb1")["balancer"]["state"]
    assert {"path": "/etc/holdfast/certificates.json"} in state["files"]["files"]
    assert "agent" not in state
    assert inventory.slices("lb1")["lb1"]["issued"] == []


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("certificate", f"{ISSUED}/shop.pem", f"{ISSUED}/shop/fullchain.pem"),
        ("certificate_key", "/etc/ssl/shop.key", f"{ISSUED}/shop/privkey.pem"),
        ("certificate_key", f"{ISSUED}/shop/fullchain.pem", f"{ISSUED}/shop/privkey.pem"),
        ("certificate", f"{ISSUED}/../shop/fullchain.pem", f"{ISSUED}/shop/fullchain.pem"),
    ],
)
def test_a_path_that_the_issuer_does_not_fill_is_refused(option: str, value: str, wanted: str) -> None:
    [told] = faults(pair({**OF_ISSUER, option: value}))
    shown = "********" if option == "certificate_key" else value
    assert f'balancer_sites[0].tls.{option}: "{shown}" is not what the issuer brings: write {wanted}' in told


def test_two_certificates_are_not_mixed() -> None:
    [told] = faults(pair({**OF_ISSUER, "certificate_key": f"{ISSUED}/blog/privkey.pem"}))
    assert "is not what the issuer brings" in told
