# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as files: what a host would have, without a host and without a secret."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan_files import digest, plan_files
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller, with_texts
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.plan_tree import INDEX, PlanTree
from authority import Authority
from inventory_builder import InventoryBuilder
from shipped_inventories import INVENTORIES, shipped
from test_fleet_action import INVENTORY

from harness.playing import ansible_playbook

SALT = "a salt of the fleet"
SECRETS = {
    "auth": "kR7-tq2w",
    "mail": "mail-pass-7431",
    "header": "header-tok-5521",
    "user": "site-pass-9917",
    "word": "word-of-command-3318",
    "check": "query-of-check-8842",
}
SECRET: dict[str, t.Any] = {
    "keepalived_timing": {"version": 2, "advert_int": 1},
    "keepalived_auth_pass": SECRETS["auth"],
    "keepalived_mail": {
        "host": "mail.example.com",
        "to": ["ops@example.com"],
        "from": "lb@example.com",
        "user": "lb",
        "password": SECRETS["mail"],
        "starttls": True,
    },
    "keepalived_checks": [
        {"name": "app", "url": f"http://127.0.0.1:9000/ready?key={SECRETS['check']}"},
        {"name": "disk", "command": ["/usr/local/bin/disk", "--login", SECRETS["word"]]},
    ],
    "keepalived_notify_commands": {"master": [["/usr/local/bin/tell", SECRETS["word"]], f"/bin/x {SECRETS['word']}"]},
    "balancer_sites": [
        {
            "server_name": "blog.example.com",
            "upstream": "blog",
            "auth_basic": "staff",
            "auth_basic_users": {"anna": SECRETS["user"]},
            "proxy_set_header": {"X-Api-Token": SECRETS["header"]},
        }
    ],
}


def files(everywhere: t.Any = None, host: str = "lb1", salt: str = "", **hosts: t.Any) -> dict[str, str]:
    """Return the files of a host."""
    inventory = InventoryBuilder(everywhere, **hosts)
    assert [str(one) for one in inventory.findings() if one.severity == "error"] == []
    return plan_files(inventory.examine().plan, host, digest(salt))


@pytest.mark.parametrize("folder", INVENTORIES, ids=lambda folder: folder.name)
def test_every_shipped_inventory_has_its_files(folder: Path) -> None:
    plan = shipped(folder).examined.plan
    for host in (*plan.members, *plan.fleet.backends):
        assert plan_files(plan, host, digest(SALT))


def test_a_balancer_has_what_its_daemons_read() -> None:
    found = files()
    assert "    server 10.0.0.21:8080;\n" in found["files/etc/nginx/conf.d/holdfast-50-upstream-blog.conf"]
    instance = found["files/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"]
    assert "    interface INTERFACE_IN_10.0.0.0/24\n" in instance
    assert "    priority 250\n" in instance
    watcher = json.loads(found["files/etc/holdfast/watcher.json"])
    assert watcher["addresses"] == [{"address": "10.0.0.100", "interface": "INTERFACE_IN_10.0.0.0/24"}]
    assert json.loads(found["files/etc/holdfast/ports.json"])["ports"][0]["first"] == 80
    for name in ("detector", "notify"):
        assert json.loads(found[f"files/etc/holdfast/{name}.json"])
    assert json.loads(found["keepalived/firewall.json"])["adverts"][0]["source"] == "10.0.0.12"
    assert json.loads(found["keepalived/kernel.json"])["settings"]
    summary = json.loads(found["host.json"])
    assert summary["instances"] == {"VI_1": {"priority": 250, "router_id": 100}}
    assert summary["packages"] == ["nginx", "keepalived", "logrotate", "nftables"]
    assert "INTERFACE_IN_" in summary["placeholders"]


def test_an_interface_that_the_inventory_says_stands_as_it_is() -> None:
    name = "files/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"
    assert "    interface eth7\n" in files({"keepalived_interface": "eth7"})[name]
    assert "    interface eth8\n" in files({"keepalived_vips": ["10.0.0.100/24 dev eth8"]})[name]


@pytest.mark.parametrize("server", ["nginx", "httpd"])
def test_a_backend_has_what_it_serves(server: str) -> None:
    found = files({"backend_server": server}, "web1")
    folder = {"nginx": "files/etc/nginx/conf.d/", "httpd": "files/etc/apache2/sites-enabled/"}[server]
    assert any(path.startswith(folder) for path in found)
    assert json.loads(found["host.json"])["role"] == "backend"


@pytest.mark.parametrize("server", ["nginx", "httpd"])
def test_no_header_of_a_backend_tells_a_secret(server: str) -> None:
    site = {"server_name": "a", "root": "/srv", "add_header": {"X-Api-Token": SECRETS["header"], "X-Site": "blue"}}
    text = "".join(files({"backend_server": server, "backend_sites": [site]}, "web1", SALT).values())
    assert SECRETS["header"] not in text
    assert "blue" in text


def test_keys_and_tickets_are_told_by_a_digest_that_is_the_same_every_day(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue("shop.example.com")
    tls = {"certificate": issued.certificate, "certificate_key": issued.key}
    site = {"server_name": "shop.example.com", "upstream": "blog", "tls": tls}
    said = {"balancer_sites": [site], "balancer_ssl_session_ticket_secret": "kR7-tq2w" * 5}
    variables = {**INVENTORY["all"]["vars"], **said, "holdfast_plan_salt": SALT}
    code, output = planned(tmp_path, inventory={**INVENTORY, "all": {"vars": variables}})
    assert code == 0, output
    found = {path: path.read_text() for path in (tmp_path / "plan").rglob("*") if path.is_file()}
    keys = [path for path, text in found.items() if re.fullmatch(r"secret-[0-9a-f]{16}\n", text)]
    assert len(keys) >= 4
    assert not any("PRIVATE KEY" in text for text in found.values())
    tickets = planned_tickets(said, now=0)
    assert not any(key in text for key in tickets for text in found.values())
    assert {f"{digest(SALT)(key)}\n" for key in tickets} <= set(found.values())


def planned_tickets(said: dict[str, t.Any], now: float) -> list[str]:
    """Return the keys that nginx has for session tickets at this time."""
    [site] = with_texts({**DEFAULTS, **said}, "", Controller(now=now))
    return list(site["tls"]["session_ticket_keys"])


def test_the_same_inventory_gives_the_same_files() -> None:
    assert files(SECRET, salt=SALT) == files(SECRET, salt=SALT)
    assert list(files()) == sorted(files())


@pytest.mark.parametrize("salt", ["", SALT])
@pytest.mark.parametrize("host", ["lb1", "web1"])
def test_no_secret_is_in_a_file(host: str, salt: str) -> None:
    text = "\n".join(files(SECRET, host, salt).values())
    assert [name for name, secret in SECRETS.items() if secret in text] == []


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("files/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf", {"keepalived_auth_pass": "Tq9+mW4x"}),
        ("files/etc/holdfast/notify.json", {"keepalived_mail": {**SECRET["keepalived_mail"], "password": "another"}}),
    ],
)
def test_with_a_salt_another_secret_is_another_digest(path: str, change: dict[str, t.Any]) -> None:
    other = {**SECRET, **change}
    assert files(SECRET, salt=SALT)[path] != files(other, salt=SALT)[path]
    assert files(SECRET)[path] == files(other)[path]
    # Who has not the salt of this fleet cannot compare a digest with what he tries.
    assert files(SECRET, salt=SALT)[path] != files(SECRET, salt="the salt of others")[path]


def test_the_index_knows_what_is_ours(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("a repository\n")
    tree = PlanTree(tmp_path)
    changes = tree.changes({"lb1": {"host.json": "{}\n", "files/a": "a\n"}, "../lb2": {"files/b": "b\n"}}, [])
    tree.write(changes)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "%2E.%2Flb2/files/b",
        "README",
        INDEX,
        "lb1/files/a",
        "lb1/host.json",
    ]
    assert PlanTree(tmp_path).changes({"lb1": {"host.json": "{}\n", "files/a": "a\n"}}, []) == []
    tree = PlanTree(tmp_path)
    tree.write(tree.changes({"lb1": {"host.json": "{}\n"}}, ["../lb2"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README", INDEX, "lb1"]
    assert [path.name for path in (tmp_path / "lb1").iterdir()] == ["host.json"]


def test_a_file_that_no_plan_has_written_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "lb1").mkdir()
    (tmp_path / "lb1" / "host.json").write_text("mine\n")
    with pytest.raises(HoldfastError, match="host.json is there, and no plan has written it"):
        PlanTree(tmp_path).changes({"lb1": {"host.json": "{}\n"}}, [])


def test_an_index_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(HoldfastError, match="cannot be read as the index of a plan"):
        PlanTree(tmp_path)


def planned(folder: Path, *arguments: str, inventory: t.Any = INVENTORY) -> tuple[int, str]:
    """Run the playbook on hosts that nobody can reach."""
    everywhere = {**inventory["all"]["vars"], "ansible_host_key_checking": False}
    (folder / "hosts.yml").write_text(yaml.safe_dump({**inventory, "all": {"vars": everywhere}}))
    return ansible_playbook(folder, "-i", "hosts.yml", "holdfast.nginx_ha.plan", *arguments)


def test_the_playbook_touches_no_host_and_shows_what_differs(tmp_path: Path) -> None:
    code, output = planned(tmp_path, "--check")
    assert code == 0, output
    assert not (tmp_path / "plan").exists()
    assert "changed=1" in output
    code, output = planned(tmp_path)
    assert code == 0, output
    first = {path: path.read_bytes() for path in (tmp_path / "plan").rglob("*") if path.is_file()}
    assert {path.name for path in (tmp_path / "plan").iterdir()} == {INDEX, "lb1", "lb2", "web1", "web2"}
    code, output = planned(tmp_path, "--diff")
    assert (code, "changed=1" in output) == (0, False), output
    assert first == {path: path.read_bytes() for path in first}

    fewer = {**INVENTORY, "backend": {"hosts": {"web1": {"ansible_host": "10.0.0.21"}}}}
    code, output = planned(tmp_path, "--diff", "--check", inventory=fewer)
    assert code == 0, output
    assert "-    server 10.0.0.22:8080;" in output
    code, output = planned(tmp_path, "--limit", "lb1", inventory=fewer)
    assert code == 0, output
    upstream = "files/etc/nginx/conf.d/holdfast-50-upstream-blog.conf"
    assert "10.0.0.22" not in (tmp_path / "plan" / "lb1" / upstream).read_text()
    assert "10.0.0.22" in (tmp_path / "plan" / "lb2" / upstream).read_text()
    assert (tmp_path / "plan" / "web2").is_dir()
    planned(tmp_path, inventory=fewer)
    assert not (tmp_path / "plan" / "web2").exists()


def test_a_router_id_of_the_plan_before_stays(tmp_path: Path) -> None:
    planned(tmp_path, "-e", "plan_folder=here")
    moved = {**INVENTORY, "all": {"vars": {**INVENTORY["all"]["vars"], "vip": "10.0.0.77/24"}}}
    code, output = planned(tmp_path, "-e", "plan_folder=here", inventory=moved)
    assert code == 0, output
    summary = json.loads((tmp_path / "here" / "lb1" / "host.json").read_text())
    assert (summary["addresses"], summary["instances"]["VI_1"]["router_id"]) == (["10.0.0.77"], 100)


def test_a_short_salt_is_refused(tmp_path: Path) -> None:
    code, output = planned(tmp_path, "-e", "holdfast_plan_salt=short")
    assert code != 0
    assert "holdfast_plan_salt: is shorter than 16 characters" in output
    assert not (tmp_path / "plan").exists()
