# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is rendered is read back as it was, and whatever was read is rendered so that it means the same."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import reader
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import refusal, words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.reader import Reader, physical_lines
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import hidden
from hypothesis import assume, given
from hypothesis import strategies as st

# By their older names, which every hypothesis from Python 3.7 on knows.
CHARACTERS = st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r\0\\")
# What can be printed and written at all, so that hardly a word is refused.
PRINTABLE = st.characters(
    blacklist_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"],
    whitelist_characters=" ",
    blacklist_characters='"$\\',
)
WORDS = st.text(PRINTABLE, min_size=1, max_size=12).filter(lambda word: not refusal(word))
KEYWORDS = st.sampled_from(["vrrp_script", "script", "vrrp_instance", "notify", "track_script", "include", "priority"])
NAMES = (KEYWORDS | WORDS).filter(lambda word: word != "#")
COMMENTS = st.builds(lambda text: comment(text.strip()), st.text(CHARACTERS))
MACROS = st.sampled_from(
    [
        "$NAME=value",
        "$LINES=a \\\nb { \\\nc }",
        "$ENDED=a \\\n\n",
        "@lb1 priority 200",
        "@^lb1 priority 100",
        "~SEQ(N,1,3) 192.0.2.$N",
        "include conf.d/{a,b}/*.conf",
        "priority $NAME",
        "auth_pass a\\#b",
        '"" empty',
    ]
)


def _macro(code: str) -> Block:
    return parse(code)[0]


def _with_children(children: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    return st.builds(
        lambda name, args, inner: Block(name, tuple(args), tuple(inner)),
        NAMES,
        st.lists(WORDS, max_size=3),
        st.lists(children, max_size=4),
    )


LEAVES = (
    st.builds(lambda name, args: Block(name, tuple(args)), NAMES, st.lists(WORDS, max_size=4))
    | COMMENTS
    | st.builds(_macro, MACROS)
)
TREES = st.lists(st.recursive(LEAVES, _with_children, max_leaves=12), max_size=5)

PIECES = (
    ["abc", "1", "{", "}", "{", "}", "#", "!", "\\", '"', "'", "$A", "${A}", "$A=", "@", "~", ",", "é", "\\#", "script"]
    + [" ", " ", "\n", "\n", "\n", "\t", "\f", "\r\n", "\\\n", "$A=x \\\n", "@id ", "@^id ", "~SEQ(A,1,2) "]
    + ["~LST(A,x,y) ", "include x\n", "vrrp_script x {\n"]
)
SOUP = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(TREES)
def test_what_is_rendered_is_read_back(tree: list[Block]) -> None:
    text = render(tree)
    assert parse(text) == tuple(tree)
    assert render(parse(text)) == text


def _lines(text: str) -> list[list[tuple[str, ...]]]:
    """The words that keepalived's main process and its children look up."""
    reader = Reader(physical_lines(text, "f"), lambda *_note: None, lambda _pattern, _folder: [("x", "inside\n")], "id")
    main = [found for line in iter(reader.line, None) for found in [words(line)[0]] if found]
    copy = Reader(iter(reader.copy), lambda *_note: None, lambda _pattern, _folder: [("x", "inside\n")], "id", True)
    return [main, [found for line in iter(copy.line, None) for found in [words(line)[0]] if found]]


@given(SOUP)
def test_rendering_what_was_read_means_the_same(text: str) -> None:
    try:
        tree = parse(text)
        expected = _lines(text)
    except ConfigError:
        assume(False)
    rendered = render(tree)
    assert parse(rendered) == tree
    assert _lines(rendered) == expected


@given(SOUP)
def test_expanding_ends(text: str) -> None:
    # Definitions that use others several times grow up to the limit, which takes seconds.
    with patch.object(reader, "MOST_MADE", 2000):
        try:
            blocks = expand(text, "f", lambda _pattern, _folder: [("x", "inside\n")], "id").blocks
        except ConfigError:
            return
    assert isinstance(blocks, tuple)


def test_a_tree_may_be_deeper_than_the_stack() -> None:
    deep = "".join(f"a{at} {{\n" for at in range(5000)) + "auth_pass x\nb\n" + "}\n" * 5000
    (tree,) = parse(deep)
    assert [line.strip() for line in render([tree]).split("\n")] == deep.split("\n")
    shown = [line.strip() for line in render([hidden(tree)]).split("\n")]
    assert shown == deep.replace("auth_pass x", "auth_pass ********").split("\n")
    assert [one.rule for one in expand(deep).findings][:2] == ["keyword-unknown", "brace-unexpected"]


@pytest.mark.parametrize(
    ("text", "words_of_error"),
    [
        ("vrrp_instance a {\n", "not closed"),
        ("global_defs {\n}\n}\n", "without its {"),
        ('router_id "a\n', "double quote"),
    ],
)
def test_a_broken_text_is_an_error_with_its_line(text: str, words_of_error: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "k.conf")
    assert words_of_error in str(error.value)
    assert str(error.value).startswith("k.conf:")


@pytest.mark.parametrize("word", ['a"b', "a\nb", "", "$a", "a\\b", "{", "x" * 600])
def test_a_word_that_cannot_be_written_is_refused(word: str) -> None:
    with pytest.raises(ConfigError):
        render([Block("router_id", (word,))])


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Block("auth_pass", ("P@##D321!",)), 'auth_pass "P@##D321!"\n'),
        (Block("auth_pass", ("a{b",)), 'auth_pass "a{b"\n'),
        (Block("include", ("x",)), '"include" x\n'),
        (Block("@lb1", ("x",)), '"@lb1" x\n'),
        (Block("a", (), ()), "a {\n}\n"),
        (comment("a"), "# a\n"),
    ],
)
def test_a_word_that_would_be_cut_is_quoted(tree: Block, text: str) -> None:
    assert render([tree]) == text


def test_a_missing_value_in_the_main_process_ends_everything() -> None:
    seen = expand("global_defs {\n  vrrp_garp_interval\n}\nvrrp_instance V {\n  frob\n}\n")
    assert [finding.rule for finding in seen.findings] == ["value-missing"]
    assert seen.blocks == ()
