# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx reads what we write as we meant it, and refuses what our parser refuses.

Its words are asked for over HTTP: ``geo`` keeps a value as it was read, without looking for variables in it, and
``return`` sends it back.
"""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote, render
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from real_nginx import Nginx

# What the lexer looks at, and some of what it does not.
SPECIAL = " \t\r\n;{}()\"'\\#$trn_/.~*:a0\x0b\x0c\x00é\u2028\udcff"

SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def nginx() -> t.Iterator[Nginx]:
    # Not tmp_path, whose name can be too long for a socket.
    with tempfile.TemporaryDirectory() as folder:
        yield Nginx(Path(folder))


def as_read(text: str) -> str:
    """Return the text as it would be read from a file: what is not UTF-8 becomes single bytes."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def as_bytes(words: t.Iterable[str]) -> list[bytes]:
    return [word.encode("utf-8", "surrogateescape") for word in words]


def read_back(nginx: Nginx, texts: t.Sequence[str]) -> list[bytes]:
    """Return what nginx makes of values; each text is one value as it stands in the file."""
    path = str(nginx.folder / "socket")
    answers = [Block("return", ("200", f"$word{i}")) for i in range(len(texts))]
    places = [Block("location", ("=", f"/{i}"), (answer,)) for i, answer in enumerate(answers)]
    server = render([Block("server", (), (Block("listen", (f"unix:{path}",)), *places))])
    geo = nginx.write("geo.conf", "".join(f"geo $word{i} {{ default {text}; }}\n" for i, text in enumerate(texts)))
    with nginx.running(nginx.main(f"include {geo};\n{server}"), path):
        return [nginx.ask(path, f"/{i}") for i in range(len(texts))]


def accepted_by_nginx(nginx: Nginx, text: str) -> bool:
    """Tell whether nginx reads this text as the inside of a block of directives with any words: ``types``."""
    types = nginx.write("types", f"types {{ {text}\n}}")
    return nginx.accepts(nginx.main(f"include {types};"))


def accepted_by_us(text: str) -> bool:
    """Tell the same of our parser."""
    try:
        blocks = parse(f"types {{ {text}\n}}")
    except ConfigError:
        return False
    # Behind the end of "types" anything is an error, and so is a block in it or a file that does not exist.
    return all(block.is_comment for block in blocks[1:]) and all(
        block.children is None and block.name != "include" for block in blocks[0].children or ()
    )


@given(st.lists(st.text(SPECIAL, max_size=12) | st.text(max_size=12), min_size=1, max_size=60))
@SLOW
@example(["", '"', "'", "\"'", "\\", "\\\\", "\\n", "\n", "$a{", "${a}", "a}", "#", "a;b", "\\;", "\\ ", "\\\"'"])
def test_a_rendered_word_is_read_back_as_it_was(nginx: Nginx, texts: list[str]) -> None:
    words = [as_read(text) for text in texts]
    assert read_back(nginx, [quote(word) for word in words]) == as_bytes(words)


@given(st.lists(st.text(SPECIAL, min_size=1, max_size=10), min_size=1, max_size=60))
@SLOW
def test_a_word_means_to_our_parser_what_it_means_to_nginx(nginx: Nginx, texts: list[str]) -> None:
    ours: dict[str, str] = {}
    for raw in map(as_read, texts):
        try:
            blocks = parse(f"default {raw}\n;")
        except ConfigError:
            continue
        if len(blocks) == 1 and blocks[0].children is None and len(blocks[0].args) == 1:
            ours[f"{raw}\n"] = blocks[0].args[0]
    if ours:
        assert read_back(nginx, list(ours)) == as_bytes(ours.values())


@given(st.text(SPECIAL, max_size=14))
@settings(SLOW, max_examples=200)
@example('"a"b;')
@example('"a");')
@example("a${{b;")
@example("a{b;")
@example("a}b;")
@example("a } b;")
@example("a #b\n;")
@example("a#b;")
@example("\\;;")
@example("}")
def test_nginx_and_our_parser_refuse_the_same_text(nginx: Nginx, text: str) -> None:
    raw = as_read(text)
    assert accepted_by_nginx(nginx, raw) == accepted_by_us(raw)


LONG = [
    "a %s;",
    "a %s ;",
    "%s b;",
    'a "%s";',
    "a '%s' ;",
    'a x"%s;',
    "a '\\'%s\\\\';",
    'a "\n%s";',
    "#%s\na b;",
    "a b; #%s\n",
]


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("before", ["", "# before\n" * 600])
def test_nginx_and_our_parser_hold_words_of_the_same_length(nginx: Nginx, text: str, before: str) -> None:
    verdicts = set()
    for size in range(4088, 4098):
        raw = f"{before}map $uri $long {{ {text % ('x' * size)}\n}}"
        refused = "too long parameter" in nginx.test(nginx.main(f"include {nginx.write('long', raw)};"))[1]
        verdicts.add(refused)
        try:
            rendered = render(parse(raw))
        except ConfigError:
            assert refused
        else:
            assert not refused
            assert "too long" not in nginx.test(nginx.main(f"include {nginx.write('long', rendered)};"))[1]
    assert verdicts == {True, False}
