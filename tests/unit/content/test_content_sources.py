# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sites serve is read on the controller, templates are rendered, and what is wrong is told with its path."""

from __future__ import annotations

import hashlib
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.members import archive_members, entries
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.content import Sources

PATH, SAID = "/srv/shop", "backend_sites[0].content"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "index.html.j2").write_text("{% include 'who.j2' %} on {{ backend_port }}\n")
    (tmp_path / "shop" / "who.j2").write_text("{{ inventory_hostname }}")
    (tmp_path / "shop" / "raw").write_bytes(b"{{ not rendered }}\xff")
    loader = DataLoader()
    variables = {"inventory_hostname": "web1", "inventory_dir": str(tmp_path), "backend_port": 81}
    return Sources(loader, Templar(loader=loader, variables=variables), variables)


def tree(**source: t.Any) -> dict[str, t.Any]:
    return {"path": PATH, "where": SAID, **source}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_templates_are_rendered_and_all_else_is_as_it_is(sources: Sources, tmp_path: Path) -> None:
    [found] = sources.with_entries([tree(template="shop")])
    assert found["entries"] == {
        "index.html": digest(b"web1 on 81\n"),
        "raw": digest(b"{{ not rendered }}\xff"),
        "who": digest(b"web1"),
    }
    packed = str(tmp_path / "pack")
    sources.pack(found, packed)
    assert entries(archive_members(packed)) == found["entries"]


def test_a_folder_and_an_archive_are_brought_as_they_are(sources: Sources, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shop.tgz", "w:gz") as tar:
        tar.add(tmp_path / "shop", "shop-1.0")
    trees = [tree(folder=str(tmp_path / "shop")), tree(archive="shop.tgz", strip_components=1)]
    of_folder, of_archive = sources.with_entries(trees)
    assert of_folder["entries"] == of_archive["entries"]
    assert set(of_folder["entries"]) == {"index.html.j2", "raw", "who.j2"}


def test_an_archive_of_the_host_is_not_looked_for_here(sources: Sources) -> None:
    there = tree(archive="/opt/shop.tgz", remote_src=True)
    assert sources.with_entries([there]) == [there]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ no_such_variable }}", "no_such_variable"),
        ("{% if %}", "has bad.j2, which cannot be rendered"),
        ("{{ 1 / 0 }}", "has bad.j2, which cannot be rendered"),
    ],
)
def test_a_bad_template_is_one_sentence_with_its_path(sources: Sources, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "shop" / "bad.j2").write_text(text)
    with pytest.raises(InputError) as caught:
        sources.with_entries([tree(template="shop")])
    assert str(caught.value).startswith(f"{SAID}.template: {tmp_path}/shop has bad.j2, which cannot be rendered: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_that_leads_out_is_told_with_its_path(sources: Sources, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as tar:
        tar.add(tmp_path / "shop" / "raw", "../raw")
    with pytest.raises(InputError) as caught:
        sources.with_entries([tree(archive="bad.tgz")])
    assert str(caught.value) == (
        f'{SAID}.archive: {tmp_path}/bad.tgz has "../raw", which lies outside of it: leave it out'
    )
    with pytest.raises(InputError, match="there is no folder .*/none nor .*/none on the controller"):
        sources.with_entries([tree(folder="none")])
