# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx text is read by nginx's own rules, and what we render is read back as it was."""

from __future__ import annotations

import sys
import time

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position, comment, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.lexer import words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote, render
from hypothesis import example, given, settings
from hypothesis import strategies as st

WORDS = [
    ("a b;", ["a", "b"]),
    ("a\tb\r\n c ;", ["a", "b", "c"]),
    ("a \"b c\" 'd e';", ["a", "b c", "d e"]),
    ('a "";', ["a", ""]),
    ('a "b\nc";', ["a", "b\nc"]),
    # a quote, a sign of comment and a closing brace inside a word are characters
    ("a b'c d\"e f#g h}i;", ["a", "b'c", 'd"e', "f#g", "h}i"]),
    # escapes: these six are decoded, in quotes and without; any other pair stays
    (r"""a "\"" '\'' \\ \t\r\n;""", ["a", '"', "'", "\\", "\t\r\n"]),
    (r'a "\.php$" \.php$ \d;', ["a", r"\.php$", r"\.php$", r"\d"]),
    (r"a b\ c b\;d b\{e;", ["a", r"b\ c", r"b\;d", r"b\{e"]),
    (r"a \"b\";", ["a", '"b"']),
    # a brace behind a dollar sign belongs to the word
    ("a b${c}.$d;", ["a", "b${c}.$d"]),
    ("a ${{b;", ["a", "${{b"]),
    # behind a quoted word may come a closing parenthesis, as in the condition of an if
    ('a ("b" = "c");', ["a", '("b"', "=", "c", ")"]),
    ("a ~ ^/x/[0-9]+$;", ["a", "~", "^/x/[0-9]+$"]),
    ("\ufeffa \u00a0b\x0bc;", ["\ufeffa", "\u00a0b\x0bc"]),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_words(text: str, expected: list[str]) -> None:
    (block,) = parse(text)
    assert [block.name, *block.args] == expected
    assert words(text[:-1]) == expected


def test_blocks_comments_and_positions() -> None:
    text = "#first\nhttp {\n  # in\n  server { listen 80 # why\n [::]:80; } }\n#\n"
    assert parse(text, "f.conf") == (
        comment("first"),
        Block("http", (), (comment("in"), Block("server", (), (comment("why"), Block("listen", ("80", "[::]:80")))))),
        comment(""),
    )
    places = {(block.name, block.args[:1]): block.position for block in walk(parse(text, "f.conf"))}
    assert places["http", ()] == Position("f.conf", 2, 1)
    assert places["#", ("in",)] == Position("f.conf", 3, 3)
    assert places["server", ()] == Position("f.conf", 4, 3)
    assert places["listen", ("80",)] == Position("f.conf", 4, 12)
    assert str(places["#", ("why",)]) == "f.conf:4"


def test_a_body_of_lua_is_kept_as_it_is() -> None:
    body = " -- a } here\n local s = \"}\" .. '}' .. [[ } ]] .. [==[ ]] } ]==] --[[ } ]]\n if x then y = { 1 } end "
    (block,) = parse(f"set_by_lua_block $x {{{body}}}")
    assert block == Block("set_by_lua_block", ("$x",), raw=body)
    assert render([block]) == f"set_by_lua_block $x {{{body}}}\n"


LUA = [
    # a string ends with its line, whatever stands before the newline
    (' a = "}\n}', ' a = "', "}"),
    (' a = "}\\\n}', ' a = "', "}"),
    (" a = '\\'} \\\\' }", " a = '\\'} \\\\' ", ""),
    # two dashes begin a comment before all else
    (" ---[[ }\n}", " ---[[ }\n", ""),
    (" --[==\n}", " --[==\n", ""),
    (" a[b[1]] = { [[}]], [=[}]=] }}", " a[b[1]] = { [[}]], [=[}]=] }", ""),
]


@pytest.mark.parametrize(("text", "body", "behind"), LUA)
def test_lua_ends_where_the_lua_module_ends_it(text: str, body: str, behind: str) -> None:
    if behind:
        with pytest.raises(ConfigError):
            parse(f"a_by_lua_block {{{text}")
        text = text[: len(body) + 1]
    assert parse(f"a_by_lua_block {{{text}") == (Block("a_by_lua_block", (), raw=body),)


UNCLOSED = ["[[", "[=[\n", "--[[\n", '"', '"\\"', "'\\'\n", "'\\'", "\\\n\"'", "[=", "{", "[[ ]]", "--[[ ]]"]


@pytest.mark.parametrize("piece", UNCLOSED)
def test_lua_that_does_not_end_is_refused_in_linear_time(piece: str) -> None:
    begin = time.process_time()
    with pytest.raises(ConfigError):
        parse("a_by_lua_block { " + piece * (200_000 // len(piece)))
    assert time.process_time() - begin < 1.0


ERRORS = [
    ("a b", 1, 'the ";" or "{" is missing'),
    ("a;\nb 'c\nd;", 2, "the ' that begins here is never closed"),
    ("a {\nb c;\n", 1, 'the block "a" is never closed'),
    ("a {\n} }", 2, 'there is no "{" that this "}" could close'),
    ("a {\nb }\n", 2, '"}" is not expected here'),
    ("\n;", 2, '";" is not expected here'),
    ("{}", 1, '"{" is not expected here'),
    ('a "b"c;', 1, '"c" is not expected here'),
    ("a \\", 1, 'the ";" or "{" is missing'),
    ("content_by_lua_block {\n a = '}'\n", 1, 'the "{" that begins here is never closed'),
    ("a_by_lua_block {\n [[ } }", 2, 'the "[[" that begins here is never closed by "]]"'),
    ("a_by_lua_block {\n x = [==[ ]] ]=] }\n}", 2, 'the "[==[" that begins here is never closed by "]==]"'),
    ("a_by_lua_block {\n\n--[=[ } ]]\n}", 3, 'the "--[=[" that begins here is never closed by "]=]"'),
]


@pytest.mark.parametrize(("text", "line", "message"), ERRORS)
def test_an_error_says_where_and_what(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.conf")
    assert str(caught.value) == f"f.conf:{line}: {message}"


@pytest.mark.parametrize("text", ["a; b", "a {", "a } b", "a # b", "}", "a;"])
def test_arguments_must_not_leave_their_directive(text: str) -> None:
    with pytest.raises(ConfigError):
        words(text)


# Text with a place for as many bytes, and how many nginx 1.22 takes there.
LONGEST = [
    ("#%s\na;", 4094),
    ("a;#%s", 4095),
    ("a;\n  # %s\n", 4093),
    ("a %s;", 4095),
    ("a %s ;", 4094),
    ("a %s{ }", 4095),
    ("%s b;", 4094),
    ('a "%s";', 4094),
    ("a '%s' ;", 4093),
    ('a ("%s");', 4091),
    ('a "%s") ;', 4094),
    ("a \\;%s;", 4093),
]


@pytest.mark.parametrize("character", ["x", "\u00e9", "\udcff"])
@pytest.mark.parametrize("before", ["", "b;\n" * 1000])
@pytest.mark.parametrize(("text", "longest"), LONGEST)
def test_a_word_fits_into_the_buffer_of_nginx(text: str, longest: int, before: str, character: str) -> None:
    size = 2 if character == "\u00e9" else 1
    fitting = character * (longest // size) + "x" * (longest % size)
    assert parse(before + text % fitting)
    with pytest.raises(ConfigError, match="too long: nginx can hold 4096 bytes"):
        parse(before + text % (fitting + "x"))
    assert parse(before + text % (fitting + "x"), judged=True)


WRITTEN_AT_LENGTH = [
    ("#%s\n", 4094),
    ("a %s;", 4095),
    ("a %s b;", 4094),
    ('a "\n%s";', 4093),
    ("a x'\"%s;", 4092),
    ("a '\"%s';", 4093),
    ('a "\'%s\\"";', 4091),
    ('a \\"%s\\\\n;', 4090),
    ("a \\;%s;", 4093),
]


@pytest.mark.parametrize(("text", "longest"), WRITTEN_AT_LENGTH)
def test_quotes_do_not_make_a_word_too_long(text: str, longest: int) -> None:
    for size in (longest, longest - 1, longest - 4):
        tree = parse(text % ("x" * size))
        assert parse(render(tree)) == tree
        assert render(parse(render(tree))) == render(tree)


@pytest.mark.parametrize("block", [Block("a", ("x" * 4096,)), Block("x y" * 2000), comment("x" * 4096)])
def test_what_no_quotes_make_fit_is_not_written(block: Block) -> None:
    with pytest.raises(ConfigError) as caught:
        render([Block("b", (), (Block(block.name, block.args, position=Position("f", 7)),))])
    assert caught.value.position == Position("f", 7)
    assert "is longer than nginx can hold as one" in caught.value.message
    assert len(caught.value.message) < 120


QUOTED = [
    ("plain-1.2_x:80/y", "plain-1.2_x:80/y"),
    ("$host", "$host"),
    ("${a}b", "${a}b"),
    (r"\.php$", r"\.php$"),
    ("~^/(a|b)+$", "~^/(a|b)+$"),
    ("", '""'),
    ("a b", '"a b"'),
    ('say "hi"', "'say \"hi\"'"),
    ("it's", '"it\'s"'),
    ("'\"", '"\'\\""'),
    ("a;b", '"a;b"'),
    ("a{2}", '"a{2}"'),
    ("#x", '"#x"'),
    ("a\nb\tc", r'"a\nb\tc"'),
    (r"a\n", r'"a\\n"'),
    ("a\\", r'"a\\"'),
    ("ключ", '"ключ"'),
]


@pytest.mark.parametrize(("word", "text"), QUOTED)
def test_a_word_gets_quotes_where_it_needs_them(word: str, text: str) -> None:
    assert quote(word) == text


def test_layout() -> None:
    blocks = [
        comment("two\nlines"),
        Block("user", ("nginx",)),
        Block("http", (), (Block("b", ("c",)), Block("d", (), ()), comment("#!"), Block("e", ("f",), ()))),
    ]
    assert render(blocks) == (
        "# two\n# lines\nuser nginx;\n\nhttp {\n    b c;\n\n    d {\n    }\n\n    ##!\n    e f {\n    }\n}\n"
    )
    assert render(blocks[1:2], depth=2) == "        user nginx;\n"


def test_the_sign_of_comments_can_be_a_key() -> None:
    text = 'map $a $b {\n    "#" c;\n    # d\n}\n'
    assert render(parse(text)) == text
    assert parse(text)[0].find("#")[0] != comment("c")


SPECIAL = " \t\r\n;{}()\"'\\#$trn_/.~*a0\x0b\x00é\u2028"
WORD = st.text(SPECIAL, max_size=8) | st.text(max_size=8)
COMMENT = st.text(SPECIAL.replace("\n", "") + "#", max_size=8).map(comment)
RAW = st.sampled_from(["", " a = {} ", "\n-- }\n", " '}' "])


def directive(name: str, args: list[str], children: list[Block] | None) -> Block:
    body = None if children is None else tuple(children)
    return Block(name, tuple(args), body, '"#"' if name == "#" else None)


def blocks(children: st.SearchStrategy[list[Block] | None]) -> st.SearchStrategy[list[Block]]:
    lua = st.builds(lambda args, raw: Block("x_by_lua_block", tuple(args), raw=raw), st.lists(WORD, max_size=2), RAW)
    plain = st.builds(directive, WORD.filter(lambda name: not name.endswith("_by_lua_block")), st.lists(WORD), children)
    return st.lists(st.one_of(plain, plain, COMMENT, lua), max_size=4)


TREES = st.recursive(blocks(st.none()), lambda inner: blocks(st.none() | inner), max_leaves=12)


@given(TREES)
@settings(max_examples=200, deadline=None)
@example([Block("a", ('\\"', "\\", "\\\\n", "${", "$", "{", "}"))])
def test_what_is_rendered_is_parsed_as_it_was(tree: list[Block]) -> None:
    text = render(tree)
    assert parse(text) == tuple(tree)
    assert render(parse(text)) == text
    assert text.endswith("\n")


def test_nesting_has_no_limit() -> None:
    depth = 20 * sys.getrecursionlimit()
    (block,) = parse("a {" * depth + "}" * depth)
    found = 0
    while block.children:
        (block,) = block.children
        found += 1
    assert found == depth - 1
    deep = parse("a {" * 2000 + "}" * 2000)
    assert render(deep).count("{") == 2000


def test_a_megabyte_is_parsed_in_a_second() -> None:
    server = """\
    server {
        listen 443 ssl;
        server_name www.example.com "quoted name" ~^www\\d+\\.example\\.net$;  # a comment
        location ~ \\.php$ { proxy_pass http://backend$request_uri; proxy_set_header X-Real-IP $remote_addr; }
    }
"""
    text = server * (1_000_000 // len(server) + 1)
    begin = time.process_time()
    assert len(parse(text)) == text.count("server {")
    assert time.process_time() - begin < 1.0
