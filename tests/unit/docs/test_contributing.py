# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages for contributors name is there: stages, files, tests, links."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from documented import ROOT

PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "developing").glob("*.md"))]
EVERY_PAGE = sorted(
    path
    for pattern in ("*.md", "docs/using/*.md", "docs/developing/*.md", "roles/*/README.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
SESSION = re.compile(r"@nox\.session(?:\(.*\))?\n(?:@.*\n)*def (\w+)")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    return re.sub(r"(?ms)^```.*?^```", "", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.+)$", without_code(page.read_text()))
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=relative)
def test_a_link_leads_to_a_file_and_a_heading_of_the_tree(page: Path) -> None:
    for target, anchor in LINK.findall(without_code(page.read_text())):
        if ":" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_stage_that_a_page_names_is_one_of_nox(page: Path) -> None:
    sessions = set(SESSION.findall((ROOT / "noxfile.py").read_text()))
    assert {"lint", "unit", "docs", "scenario"} <= sessions
    assert set(re.findall(r"nox -s (\w+)", page.read_text())) <= sessions


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_file_that_a_page_names_is_there(page: Path) -> None:
    text = re.sub(r"(?ms)^```text\n.*?^```", "", page.read_text())
    for name in re.findall(r"(?<![\w/.-])(?:tests|plugins|roles|playbooks|molecule|docs)/[\w/.*-]+", text):
        path = name.rstrip(".").replace("NAME", "*")
        assert list(ROOT.glob(path)), f"{relative(page)} names {name}"
    for name in re.findall(r"scenario -- (\w+)|test -s (\w+)", text):
        scenario = next(filter(None, name))
        assert scenario == "NAME" or (ROOT / "molecule" / scenario / "molecule.yml").exists(), scenario


def test_the_tests_shown_on_the_page_pass() -> None:
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```$", (ROOT / "docs" / "developing" / "testing.md").read_text())
    assert blocks
    for block in blocks:
        names: dict[str, t.Any] = {}
        exec(compile(block, "testing.md", "exec"), names)
        tests = [value for name, value in names.items() if name.startswith("test_")]
        assert tests
        for test in tests:
            test()
