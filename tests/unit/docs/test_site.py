# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The builder of the site finds links that lead to nothing, and leads those to sources into the repository."""

from __future__ import annotations

import importlib.util
import typing as t
from pathlib import Path

import pytest
from documented import ROOT

PAGE = ROOT / "docs" / "using" / "page.md"
REPOSITORY = "https://github.com/holdfast/nginx_ha"


@pytest.fixture(scope="module")
def build() -> t.Any:
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs" / "site" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](modes.md#timing)", "[a](modes.md#timing)"),
        ("[a](https://example.com/x.md)", "[a](https://example.com/x.md)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](../../galaxy.yml)", f"[a]({REPOSITORY}/blob/main/galaxy.yml)"),
        ("[a](../../inventory/two_way)", f"[a]({REPOSITORY}/tree/main/inventory/two_way)"),
        # Left for Sphinx to complain of.
        ("[a](missing.md)", "[a](missing.md)"),
        ("```\n[a](../../galaxy.yml)\n```\n", "```\n[a](../../galaxy.yml)\n```\n"),
    ],
)
def test_a_link_to_a_source_leads_into_the_repository(build: t.Any, text: str, expected: str) -> None:
    assert build.outward(text, PAGE, {ROOT / "docs" / "using" / "modes.md"}) == expected


def test_a_link_to_nothing_is_found(build: t.Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#there"></a><a href="#top"></a><a href="https://example.com/"></a>'
        '<a href="b.html#gone"></a><img src="c.svg"><a href="d.html"></a><a href="#bottom"></a>'
    )
    (tmp_path / "b.html").write_text('<h2 id="there"></h2>')
    monkeypatch.setattr(build, "HTML", tmp_path)
    assert list(build.dead_links()) == [
        "a.html: b.html#gone leads to no heading",
        "a.html: c.svg leads to no file",
        "a.html: d.html leads to no file",
        "a.html: #bottom leads to no heading",
    ]


def test_the_pages_are_the_guides_and_the_readmes(build: t.Any) -> None:
    pages = {str(path.relative_to(ROOT)) for path in build.pages()}
    assert {"README.md", "CHANGELOG.md", "docs/using/modes.md", "docs/developing/options.md"} <= pages
    assert {f"roles/{name}/README.md" for name in ("nginx", "backend", "balancer", "keepalived")} <= pages
