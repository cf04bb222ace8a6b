# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site's content is one tree of the host, and what cannot be brought is told before any host is touched."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller
from inventory_builder import InventoryBuilder, Variables

THERE = {"shop": True, "/src/shop": True, "shop.zip": False}
"""What is on the controller, and whether it is a folder."""


def find(path: str, _folder: str, is_folder: bool) -> str:
    if THERE.get(path) is not is_folder:
        raise OSError(f"there is no {'folder' if is_folder else 'file'} {path} on the controller")
    return path


def faults(said: Variables) -> list[str]:
    return [str(finding) for finding in InventoryBuilder(said).findings(controller=Controller(find=find))]


def state(said: Variables) -> dict[str, t.Any]:
    assert faults(said) == []
    plan = InventoryBuilder(said).examine(controller=Controller(find=find)).plan
    found: dict[str, t.Any] = documents(plan, ["web1"])["web1"]["backend"]["state"]
    return found


def site(root: str = "/srv/shop", **more: t.Any) -> Variables:
    return {"server_name": "a.org", "root": root, **more}


def test_the_short_form_fills_its_folder_and_has_no_page() -> None:
    found = state({"backend_content": {"folder": "shop", "owner": "www-data"}})
    tree = {"path": "/var/www/holdfast", "where": "backend_content", "folder": "shop", "owner": "www-data"}
    assert found["content"] == {"trees": [tree]}
    assert found["nginx"]["servers"][0]["root"] == "/var/www/holdfast"
    assert found["files"]["folders"] == []
    assert [one for one in found["files"]["files"] if one["path"].endswith("index.html")] == []


def test_without_content_there_is_no_tree() -> None:
    assert state({})["content"] == {"trees": []}


@pytest.mark.parametrize("server", ["nginx", "httpd"])
def test_a_site_fills_its_root(server: str) -> None:
    sites = [
        site(content={"archive": "shop.zip", "strip_components": 1, "mode": "0640"}),
        {"server_name": "b.org", "content": {"template": "shop"}, "locations": [{"path": "/x", "return": "403"}]},
        site(server_name="c.org", content={"archive": "shop.zip", "strip_components": 1, "mode": "0640"}),
        site(server_name="d.org", root="/srv/other", page="other\n"),
    ]
    found = state({"backend_sites": sites, "backend_server": server})
    assert [(one["path"], one["where"]) for one in found["content"]["trees"]] == [
        ("/srv/shop", "backend_sites[0].content"),
        ("/var/www/holdfast", "backend_sites[1].content"),
    ]
    assert found["content"]["trees"][0]["mode"] == "0640"
    assert [one.get("content") for one in found[server]["servers"]] == [None] * 4
    assert found[server]["servers"][1]["root"] == "/var/www/holdfast"


PLACE = "web1, web2: backend_sites[0].content"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, None),
        (None, None),
        ({"folder": "shop"}, None),
        ({"folder": "/src/shop"}, None),
        ({"archive": "/opt/shop.tgz", "remote_src": True}, None),
        ({"folder": "none"}, f"{PLACE}.folder: there is no folder none on the controller"),
        ({"template": "shop.zip"}, f"{PLACE}.template: there is no folder shop.zip on the controller"),
        ({"archive": "shop"}, f"{PLACE}.archive: there is no file shop on the controller"),
        ({"mode": "0644"}, f"{PLACE}: comes from one of folder, archive, template, and this has none of them"),
        ({"folder": "shop", "archive": "shop.zip"}, "and this has folder and archive"),
        ({"foldr": "shop"}, f"{PLACE}.foldr: is unknown: did you mean folder?"),
        ({"folder": ["shop"]}, f"{PLACE}.folder: must be a text, not a list"),
        ({"folder": "shop", "remote_src": True}, f"{PLACE}.remote_src: is for an archive, and this is a folder"),
        ({"template": "shop", "strip_components": 1}, f"{PLACE}.strip_components: is for an archive"),
        ({"archive": "shop.zip", "strip_components": -1}, f"{PLACE}.strip_components: -1 is out of range"),
        ({"archive": "shop.zip", "strip_components": "one"}, f"{PLACE}.strip_components: must be a whole number"),
        ({"archive": "shop.zip", "remote_src": True}, f"{PLACE}.archive: `shop.zip` is no whole path"),
        ({"folder": "shop", "mode": 420}, f"{PLACE}.mode: `420` is no permission: write it in quotes"),
        ({"folder": "shop", "folder_mode": "rwx"}, f"{PLACE}.folder_mode: `rwx` is no permission"),
        ("shop", f"{PLACE}: must be a mapping, not `shop`"),
    ],
)
def test_content_that_cannot_be_brought_is_one_sentence(content: t.Any, told: str | None) -> None:
    found = faults({"backend_sites": [site(content=content)]})
    if told is None:
        assert found == []
    else:
        [sentence] = found
        assert told in sentence


SHOP: Variables = {"folder": "shop"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"backend_sites": [site("/srv", content=SHOP)]}, "[0].root: `/srv` cannot be replaced as a whole"),
        ({"backend_sites": [site("/srv/a/../b", content=SHOP)]}, "[0].root: `/srv/a/../b` cannot be replaced"),
        ({"backend_sites": [site(content=SHOP, page="x")]}, "[0].content: the site has a page as well"),
        (
            {"backend_sites": [site(content=SHOP), site(server_name="b.org", content={"archive": "shop.zip"})]},
            "[1].root: /srv/shop has other content by a site before",
        ),
        (
            {"backend_sites": [site(content=SHOP), site("/srv/shop/b", server_name="b.org", content=SHOP)]},
            "[1].root: /srv/shop/b and /srv/shop lie in each other",
        ),
        (
            {"backend_sites": [site(content=SHOP), site("/srv/shop/b", server_name="b.org", page="b")]},
            "backend_sites: /srv/shop/b/index.html lies in /srv/shop, which is replaced as a whole",
        ),
        (
            {"backend_sites": [site(content=SHOP)], "backend_files": [{"path": "/srv/shop/x", "content": ""}]},
            "backend_files[0].path: /srv/shop/x lies in /srv/shop",
        ),
        (
            {"backend_content": SHOP, "backend_folders": [{"path": "/var/www/holdfast"}]},
            "backend_folders[0].path: /var/www/holdfast lies in /var/www/holdfast",
        ),
        ({"backend_content": SHOP, "backend_root": "/www"}, "backend_root: `/www` cannot be replaced as a whole"),
    ],
)
def test_what_would_be_lost_or_is_there_twice_is_one_sentence(said: Variables, told: str) -> None:
    [sentence] = faults(said)
    assert told in sentence
