# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx includes what we find, prints its files as we read them, and answers as before once we wrote them."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote, render
from nginx_include_cases import INCLUDES
from real_nginx import Nginx


@pytest.fixture
def nginx() -> t.Iterator[Nginx]:
    # Not tmp_path, whose name can be too long for a socket.
    with tempfile.TemporaryDirectory() as folder:
        yield Nginx(Path(folder))


@pytest.mark.parametrize(("pattern", "name", "expected"), INCLUDES)
def test_nginx_includes_what_we_find(nginx: Nginx, pattern: str, name: str, expected: bool) -> None:
    path = nginx.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("map $uri $included { }\n")
    main = nginx.main(f"include {quote(pattern)}; server {{ listen 127.0.0.1:7999; return 200 $included; }}")
    # Without the variable, it is refused.
    assert nginx.accepts(main) == expected


def test_lines_of_a_saved_output_begin_no_file(nginx: Nginx) -> None:
    saved = f"# configuration file {nginx.folder}/%s:\n"
    sites = {
        "a.conf": saved % "a.conf" + "map $uri $a { }\n" + saved % "nginx.conf",
        "b.conf": saved % "else.conf" + "include c;\n" + saved % "c" + "map $uri $b {\n" + saved % "d.conf" + "}",
        "c": "map $uri $c { }\n" + saved % "a.conf",
        "d.conf": saved % "d.conf" * 2,
    }
    for name, text in sites.items():
        nginx.write(name, text)
    main = saved % "else.conf" + nginx.main("\n" + saved % "a.conf" + "include [a-d].conf;") + saved % "b.conf"
    order = {"nginx.conf": main, **sites}
    expected = {str(nginx.folder / name): parse(text, str(nginx.folder / name)) for name, text in order.items()}
    assert parse_dump(nginx.dump(main), lambda path: Path(path).read_text()) == expected


# The inside of a server, and what it answers at these paths: its words, or the beginning of those of nginx.
ANSWERS: list[tuple[str, dict[str, str]]] = [
    ("return 200 one; if ($uri) { return 200 two; }", {"/": "one"}),
    ("if ($uri) { return 200 one; } return 200 two;", {"/": "one"}),
    ("if ($uri = /x) { return 200 one; } return 200 two; return 200 three;", {"/x": "one", "/": "two"}),
    ("set $a one; return 200 $a; set $a two;", {"/": "one"}),
    ("rewrite ^/x /y; if ($uri = /y) { return 200 one; } rewrite ^/y /z; return 200 $uri;", {"/x": "one", "/z": "/z"}),
    ("return 200 one; include returns.conf;", {"/": "one"}),
    ("include returns.conf; return 200 one;", {"/": "included"}),
    ("break; return 200 one;", {"/file": "content"}),
    ("include denies.conf; allow all;", {"/file": "<html>"}),
    ("allow all; include denies.conf;", {"/file": "content"}),
    ("deny all; include allows.conf;", {"/file": "<html>"}),
    ("location ~ f { return 200 one; } include locations.conf;", {"/f": "one"}),
    ("include locations.conf; location ~ f { return 200 one; }", {"/f": "included"}),
    ("location =/a { return 200 one; } location /a { return 200 two; }", {"/a": "one", "/ab": "two"}),
    ("location ~^/b { return 200 one; } location ^~/bc { return 200 two; }", {"/b": "one", "/bcd": "two"}),
    ("location ~*^/C { return 200 one; } location '= /d' { return 200 two; }", {"/c": "one", "/%20/d": "<html>"}),
    ("location / { return 200 one; if ($uri) { return 200 two; } }", {"/": "one"}),
    ("location / { include denies.conf; allow all; }", {"/file": "<html>"}),
    ("error_page 404 = @a; include pages.conf; location @a { return 200 one; }", {"/none": "one"}),
    ("include pages.conf; error_page 404 = @a; location @a { return 200 one; }", {"/none": "included"}),
]


@pytest.mark.parametrize(("text", "answers"), ANSWERS)
def test_a_server_that_was_taken_over_answers_as_before(nginx: Nginx, text: str, answers: dict[str, str]) -> None:
    nginx.write("file", "content")
    nginx.write("returns.conf", "return 200 included;")
    nginx.write("denies.conf", "deny all;")
    nginx.write("allows.conf", "allow all;")
    nginx.write("locations.conf", "location ~ ^/f { return 200 included; }")
    nginx.write("pages.conf", "error_page 404 = @b; location @b { return 200 included; }")
    before, after = (str(nginx.folder / name) for name in ("before", "after"))
    (block,) = parse(f"server {{ {text} }}")
    texts = []
    for path, site in ((before, block), (after, Server.from_block(block, "name").to_block())):
        more = (Block("listen", (f"unix:{path}",)), Block("root", (str(nginx.folder),)))
        texts.append(render([Block("server", (), (*more, *(site.children or ())))]))
    with nginx.running(nginx.main("".join(texts)), after):
        for uri, answer in answers.items():
            assert nginx.ask(before, uri).decode().startswith(answer), uri
            assert nginx.ask(after, uri) == nginx.ask(before, uri)
