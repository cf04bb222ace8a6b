# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the site: guides as they lie in the tree, option pages by antsibull-docs, every link checked.

``python docs/site/build.py`` writes ``.lab/site/html``. It ends with 1 and the list of what is wrong when a page does
not build without a warning, or a link leads to nothing. ``--external`` asks the links to other sites as well.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import typing as t
import urllib.parse
import zlib
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / ".lab" / "site"
SOURCE, HTML = SITE / "source", SITE / "html"
PAGES = ("*.md", "docs/using/*.md", "docs/developing/*.md", "roles/*/README.md")
PICTURES = ("docs/*.svg", "docs/*/*.svg")
REPOSITORY = "https://github.com/holdfast/nginx_ha"
# What the option pages name of Ansible's own documentation, so that the site is built without the network.
ANSIBLE = {
    "action_plugins": "plugins/action.html#action-plugins",
    "ansible_collections.ansible.builtin.uri_module": "collections/ansible/builtin/uri_module.html",
    "ansible_collections.ansible.builtin.stat_module": "collections/ansible/builtin/stat_module.html",
    "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
    "common_return_values": "reference_appendices/common_return_values.html#common-return-values",
}
# A link of Markdown: ](target), in one line.
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
# The theme shows the headings of a page beside it, and objects to a list of them in it.
CONTENTS = re.compile(r"(?m)^\.\. contents::\n(?: +:.*\n)*")
FENCE = re.compile(r"(?ms)^( *)```.*?^\1```")


def pages() -> list[Path]:
    """Return the Markdown files that become pages."""
    return sorted(path for pattern in PAGES for path in ROOT.glob(pattern))


def outward(text: str, page: Path, inside: t.Collection[Path]) -> str:
    """Return a page with its links to files of the tree that are no pages made links to the repository."""

    def replaced(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        if ":" in target:
            return found[0]
        path = (page.parent / target).resolve()
        if path in inside or not path.exists():
            return found[0]
        kind = "tree" if path.is_dir() else "blob"
        return f"]({REPOSITORY}/{kind}/main/{path.relative_to(ROOT)}{anchor})"

    parts, last = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(replaced, text[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, LINK.sub(replaced, text[last:])])


def gather() -> None:
    """Lay the pages out below SOURCE as they lie in the tree."""
    shutil.rmtree(SITE, ignore_errors=True)
    SOURCE.mkdir(parents=True, mode=0o755)
    pictures = [path for pattern in PICTURES for path in ROOT.glob(pattern)]
    inside = {*pages(), *pictures}
    for path in inside:
        copy = SOURCE / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            copy.write_text(outward(path.read_text(), path, inside))
        else:
            shutil.copyfile(path, copy)
    shutil.copyfile(ROOT / "docs/site/index.md", SOURCE / "index.md")
    labels = "".join(f"{name} std:label -1 {place} -\n" for name, place in ANSIBLE.items())
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# compressed by zlib\n"
    (SITE / "ansible.inv").write_bytes(head.encode() + zlib.compress(labels.encode()))


def run(*command: str) -> int:
    """Run a tool of the environment that this program runs in, and return its exit code."""
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {**os.environ, "PATH": tools, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    return subprocess.run(command, cwd=ROOT, env=own, check=False).returncode


class Links(HTMLParser):
    """What a page of HTML leads to, and the anchors in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.append(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def dead_links() -> t.Iterator[str]:
    """Yield a sentence for every link between two pages of HTML that leads to nothing."""
    known = {path.resolve(): Links(path) for path in sorted(HTML.rglob("*.html"))}
    for page, links in known.items():
        for target in links.targets:
            scheme, place, path, _query, anchor = urllib.parse.urlsplit(target)
            if scheme or place:
                continue
            file = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
            where = f"{page.relative_to(HTML)}: {target}"
            if not file.is_file():
                yield f"{where} leads to no file"
            elif anchor and file in known and urllib.parse.unquote(anchor) not in known[file].anchors:
                yield f"{where} leads to no heading"


def build(*, external: bool = False) -> list[str]:
    """Build the site, and return a sentence for everything that is wrong with it."""
    gather()
    option_pages = (
        "antsibull-docs",
        "collection",
        "--use-current",
        "--fail-on-error",
        "--no-add-antsibull-docs-version",
    )
    if run(*option_pages, f"--dest-dir={SOURCE}", "holdfast.nginx_ha"):
        return ["antsibull-docs made no option pages: it says above why"]
    for page in SOURCE.rglob("*.rst"):
        page.write_text(CONTENTS.sub("", page.read_text()))
    for builder, folder in (("html", HTML), *((("linkcheck", SITE / "linkcheck"),) if external else ())):
        strict = ("--fail-on-warning", "--quiet", "--jobs=auto", f"--conf-dir={ROOT / 'docs/site'}")
        if run("sphinx-build", "--builder", builder, *strict, str(SOURCE), str(folder)):
            return [f"sphinx-build ({builder}) has warnings: they are above"]
    return list(dead_links())


def main() -> int:
    """Build what the command line asks for; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--external", action="store_true", help="ask the links to other sites as well")
    wrong = build(external=parser.parse_args().external)
    print("\n".join(wrong) or f"{len(list(HTML.rglob('*.html')))} pages: {HTML / 'index.html'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
