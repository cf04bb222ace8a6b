# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx -T prints becomes one tree that knows the file of every block."""

from __future__ import annotations

import ctypes
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import assemble, parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nginx_include_cases import INCLUDES

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
events {}
http {
    include mime.types;
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/[a-c]?te;
}

# configuration file /etc/nginx/mime.types:
types { text/html html; }

# configuration file /etc/nginx/conf.d/b.conf:
# configuration file of b
server { listen 80; server_name same.lan; }

# configuration file /etc/nginx/conf.d/sub/c.conf:
never_included here;

# configuration file /etc/nginx/sites-enabled/bite:

server { listen 80; server_name same.lan; }

"""


def test_files_lie_where_they_are_included() -> None:
    files = parse_dump(DUMP)
    assert list(files)[0] == "/etc/nginx/nginx.conf"
    tree = assemble(files)
    names = [(block.name, str(block.position)) for block in walk(tree) if block.name in ("types", "server", "include")]
    assert names == [
        ("types", "/etc/nginx/mime.types:1"),
        ("server", "/etc/nginx/conf.d/b.conf:2"),
        ("server", "/etc/nginx/sites-enabled/bite:2"),
    ]


def test_rules_see_across_files() -> None:
    (finding,) = check(assemble(parse_dump(DUMP)))
    assert (finding.rule, finding.where) == ("conflicting-server-name", "/etc/nginx/sites-enabled/bite:2")
    assert "/etc/nginx/conf.d/b.conf:2" in finding.message


def test_a_file_that_includes_itself_is_an_error() -> None:
    with pytest.raises(ConfigError, match="/a.conf includes itself"):
        assemble(parse_dump("# configuration file /a.conf:\ninclude /a.conf;\n\n"))


def test_nothing_becomes_nothing() -> None:
    assert assemble(parse_dump("nginx: the configuration file syntax is ok\n")) == ()


def printed(files: t.Mapping[str, str]) -> str:
    """Return what nginx prints of these files."""
    return "".join(f"# configuration file {path}:\n{text}\n" for path, text in files.items())


SAVED = "# configuration file %s:\n"
SITE = "server { listen 80; }\n"

# Files that hold a line of a saved output, in the order in which nginx opens them.
SAVED_DUMPS: dict[str, dict[str, str]] = {
    "in a block": {"/n/nginx.conf": "http {\n" + SAVED % "/n/else.conf" + "}\n"},
    "at the top": {"/n/nginx.conf": SAVED % "/n/else.conf" + "events {}\nhttp { }\n"},
    "its own": {"/n/nginx.conf": SAVED % "/n/nginx.conf" + "events {}\n" + SAVED % "/n/nginx.conf"},
    "at the end, without a newline": {"/n/nginx.conf": "events {}\n" + SAVED % "/n/else.conf" + "# x"},
    "among the words of a directive": {
        "/n/nginx.conf": "include *.conf; user\n" + SAVED % "/n/a.conf" + "root;",
        "/n/a.conf": SITE,
    },
    "in quotes": {
        "/n/nginx.conf": "include *.conf; a '\n" + SAVED % "/n/a.conf" + "';",
        "/n/a.conf": SITE,
    },
    "in Lua": {
        "/n/nginx.conf": "include *.conf; a_by_lua_block { [[\n" + SAVED % "/n/a.conf" + "]] }",
        "/n/a.conf": SITE,
    },
    "before the file is included": {
        "/n/nginx.conf": SAVED % "/n/a.conf" + "include a.conf;",
        "/n/a.conf": SAVED % "/n/a.conf" + SITE,
    },
    "while another file is next": {
        "/n/nginx.conf": "include a.conf;\n" + SAVED % "/n/b.conf" + "include b.conf;",
        "/n/a.conf": SITE,
        "/n/b.conf": SAVED % "/n/a.conf" + SITE,
    },
    "of a file that no pattern finds": {
        "/n/nginx.conf": "include d/*.conf;",
        "/n/d/a.conf": SAVED % "/n/d/.b.conf" + SAVED % "/n/d/e/b.conf" + SAVED % "/n/d/b.conf~" + SITE,
        "/n/d/c.conf": SITE,
    },
    "of one that was opened already": {
        "/n/nginx.conf": "include d/*;",
        "/n/d/a": "include /n/x;" + SITE,
        "/n/x": "include /n/y;",
        "/n/y": SAVED % "/n/d/a" + SAVED % "/n/x",
        "/n/d/b": SAVED % "/n/x" + SAVED % "/n/d/a" + SITE,
    },
}


@pytest.mark.parametrize("files", SAVED_DUMPS.values(), ids=SAVED_DUMPS)
def test_a_line_that_somebody_saved_begins_no_file(files: dict[str, str]) -> None:
    assert parse_dump(printed(files)) == {path: parse(text, path) for path, text in files.items()}


# Which of two lines begins the file cannot be told from the text alone.
EQUAL_LINES: list[dict[str, str]] = [
    {
        "/n/nginx.conf": "include d/*;\n" + SAVED % "/n/d/b",
        "/n/d/a": SITE,
        "/n/d/b": SITE,
    },
    {
        "/n/nginx.conf": "include d/*;",
        "/n/d/a": "include /n/x;\n" + SAVED % "/n/x" + SITE + SAVED % "/n/d/else",
        "/n/x": SAVED % "/n/d/a" + SAVED % "/n/d/b",
        "/n/d/b": SAVED % "/n/d/c",
    },
]


@pytest.mark.parametrize("files", [*SAVED_DUMPS.values(), *EQUAL_LINES])
def test_what_the_files_hold_tells_where_they_end(files: dict[str, str]) -> None:
    assert parse_dump(printed(files), files.get) == {path: parse(text, path) for path, text in files.items()}


@pytest.mark.parametrize("files", SAVED_DUMPS.values())
def test_files_that_have_changed_since_do_not_mislead(files: dict[str, str]) -> None:
    expected = {path: parse(text, path) for path, text in files.items()}
    assert parse_dump(printed(files), lambda path: files[path][:-1] + "# new") == expected


def test_the_daemon_reads_what_was_tested(tmp_path: Path) -> None:
    main, site = str(tmp_path / "nginx.conf"), str(tmp_path / "d/a")
    files = {main: "include d/*;\n" + SAVED % site, site: SITE}
    Path(main).write_text(files[main])
    daemon = NginxDaemon(root=str(tmp_path), runner=lambda *_: Completed((), 127, "", ""))
    daemon.check({site: Wanted(SITE.encode(), 0o644), "/gone": None})
    done = Completed((), 0, printed(files), "")
    assert daemon.parsed(done) == {path: parse(text, path) for path, text in files.items()}


def test_positions_count_the_saved_line() -> None:
    (block,) = parse_dump(printed({"/n/a": "\n" + SAVED % "/n/b" + "user root;"}))["/n/a"][1:]
    assert str(block.position) == "/n/a:3"


def test_a_file_is_printed_once_however_often_it_is_included() -> None:
    files = {
        "/n/nginx.conf": "a { include s; } b { include s; } include z; include ?;",
        "/n/s": "same;",
        "/n/z": "last;",
        "/n/m": "middle;",
    }
    names = [block.name for block in walk(assemble(parse_dump(printed(files))))]
    assert names == ["a", "same", "b", "same", "last", "middle", "same", "last"]


def test_what_is_not_read_is_said() -> None:
    daemon = NginxDaemon(runner=lambda *_: Completed((), 127, "", ""))
    text = printed({"/n/nginx.conf": "include a;", "/n/a": "include a;"})
    (finding,) = daemon.findings(Completed((), 0, text, ""))
    assert (finding.severity, finding.where) == ("warning", "/n/a:1")
    assert "rules of this collection were not applied: /n/a includes itself" in finding.message


def found(pattern: str, names: t.Iterable[str]) -> list[str]:
    """Return the files that lie in the place of an include."""
    files = {"/n/nginx.conf": parse(f"include '{pattern}';"), **{f"/n/{name}": parse("x;", name) for name in names}}
    return [block.position.file for block in assemble(files)]


@pytest.mark.parametrize(("pattern", "name", "expected"), INCLUDES)
def test_an_include_finds_what_glob_finds(pattern: str, name: str, expected: bool) -> None:
    assert found(pattern, [name]) == [name] * expected


class Found(ctypes.Structure):
    """glob_t of the GNU C library, as far as it is looked at."""

    _fields_ = [("count", ctypes.c_size_t), ("paths", ctypes.POINTER(ctypes.c_char_p)), ("more", ctypes.c_void_p * 8)]


def glob(pattern: str) -> list[str]:
    """Return what glob(3) finds."""
    result = Found()
    ctypes.CDLL(None).glob(os.fsencode(pattern), 0, None, ctypes.byref(result))
    return [os.fsdecode(t.cast(bytes, result.paths[i])) for i in range(result.count)]


PIECES = ["a", "b", "]", "[", "!", "-", "\\", ".", "*", "?", "[:alpha:]", "^", "/"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
@settings(max_examples=150, deadline=None)
@example("[]a]")
@example("d/[!.]*")
@example(".*/a")
def test_patterns_are_those_of_the_c_library(tmp_path_factory: pytest.TempPathFactory, pattern: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "globbed"
    names = ["a", "b", "ab", ".a", "]", "[", "-", "!", "[a]", "d/a", "d/.a", "d/]", ".d/a", "*", "\\"]
    for name in names:
        Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, name).touch()
    is_path = any(sign in pattern for sign in "*?[") and not pattern.startswith("/") and "/" not in pattern[-1]
    is_odd = "//" in pattern.replace("\\/", "//") or {".", ".."} & set(pattern.split("/"))
    if is_path and not is_odd:
        there = [path for path in glob(f"{folder}/{pattern}") if os.path.isfile(path)]
        listed: dict[str, tuple[Block, ...]] = {"/n/nginx.conf": (Block("include", (f"{folder}/{pattern}",)),)}
        # A leading period matches `.` and `..` as well, so nginx prints some files by a second name.
        listed.update({path: parse("x;", path) for path in [*(str(folder / name) for name in names), *there]})
        assert [block.position.file for block in assemble(listed)] == there
