# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived makes of a text, step by step."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import reader
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import decomment, shell_words, words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.reader import Reader, physical_lines
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build, parse_build

FILES = {
    "a.conf": "from_a\n",
    "b.conf": "from_b\n$X=b\n",
    "again.conf": "include again.conf\n",
    "long.conf": "long\n" * 300,
    # Each includes the next one twice: none includes itself, and yet there is no end.
    **{f"{at}.conf": f"include {at + 1}.conf\n" * 2 for at in range(60)},
}


def include(pattern: str, _folder: str) -> list[tuple[str, str]]:
    return [(name, FILES[name]) for name in pattern.split() if name in FILES]


def read(text: str, instance: str = "lb1") -> list[str]:
    """The lines that the keyword lookup of the main process gets."""
    return list(iter(Reader(physical_lines(text, "k.conf"), lambda *_note: None, include, instance).line, None))


@pytest.mark.parametrize(
    ("line", "code", "closed"),
    [
        ("  a b  # c", "a b", True),
        ("a!b", "a", True),
        ('"a#b" c # d', '"a#b" c', True),
        ("'a#b'", "'a", True),
        (r"a\#b", "a#b", True),
        (r'"a\#b"', r'"a\#b"', True),
        (r"a\nb", r"a\nb", True),
        ("a \\", "a\\", True),
        ("a # b \\", "a\\", True),
        (r"a # b \\", "a", True),
        ('a "b', 'a "b', False),
        (r'"a\"b"', r'"a\"b"', True),
    ],
)
def test_comments_end_where_keepalived_ends_them(line: str, code: str, closed: bool) -> None:
    assert decomment(line) == (code, closed)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a\tb  c", ("a", "b", "c")),
        ('a "b c"', ("a", "b c")),
        ('a"b"c', ("a", "b", "c")),
        ('a ""', ("a", "")),
        (r'a "b\" c', ("a", "b\\", "c")),
        ("a 'b c'", ("a", "'b", "c'")),
    ],
)
def test_words_have_double_quotes_only(line: str, found: tuple[str, ...]) -> None:
    assert words(line) == (found, True)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("script '/x y' z", ("script", "/x y", "z")),
        ("script \"/x 'a b' c\"", ("script", "/x 'a b' c")),
        ("script a'b'\"c\"", ("script", "abc")),
        (r"script a\ b \x41\101\n", ("script", "a b", "AA\n")),
        ("script 'a", None),
        ("script a\\", None),
    ],
)
def test_commands_have_the_quotes_of_a_shell(line: str, found: tuple[str, ...] | None) -> None:
    assert shell_words(line) == found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a {b}\n}\n", ["a", "{", "b", "}", "}"]),
        ('a "{"\n', ['a "{"']),
        ("a\r\nb\r\n", ["a", "b"]),
        ("@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d\n@lb1\n", ["a", "d"]),
        ("$A=1\nx $A, $A) $A\n", ["x 1, 1) 1"]),
        ("$A=1\nx $Ab ${A}b $A\n", ["x $Ab 1b 1"]),
        ("x $A\n$A=1\nx $A\n$A=2\nx $A\n", ["x $A", "x 1", "x 2"]),
        ("$A=$B\n$B=1\nx $A\n", ["x 1"]),
        ('$A=1\nx "$A"\nx "$A "\n', ['x "$A"', 'x "1 "']),
        ("$A=x {\\\n  y 1 \\\n  } \nbefore $A\nafter\n", ["before x", "{", "y 1", "}", "after"]),
        ("$A=1 \\\n2 \\\n\nx ${A}\n", ["x 1", "2"]),
        ("$A=1 \\\n2\nx $A y\n", ["x $A y"]),
        ("$B=a \\\nb\n$A=1 \\\n$B \\\n2\n$A\n", ["1", "a", "b", "2"]),
        ("~SEQ(N,3) v $N\n", ["v 1", "v 2", "v 3"]),
        ("~SEQ(N,2,2,6) v $N\n", ["v 2", "v 4", "v 6"]),
        ("~SEQ(N,-2) v $N\n", ["v -1", "v -2"]),
        ("~SEQ(N,2,0) v $N\n", ["v 2", "v 1", "v 0"]),
        ("~SEQx(N,9,11) fd00::$N\n", ["fd00::9", "fd00::a", "fd00::b"]),
        ("~SEQ(A,1,2) ~SEQ(B,1,2) $A $B\n", ["1 1", "1 2", "2 1", "2 2"]),
        ("~LST(A,x,y) v $A\n", ["v x", "v y"]),
        ("~LST({A,B},{1,2},{3}) v $A-${B}\n", ["v $A-2", "v $A-"]),
        ("$M=a $N \\\nb $N\n~SEQ(N,1,2) $M\n", ["a 1", "b 1", "a 2", "b 2"]),
        ("x ${_INSTANCE} ${_HASH}y\n", ["x lb1"]),
        ('x "${_HASH}y" ${_RANDOM 3 9}\n', ['x "#y" 3']),
        ("include a.conf\nx\n", ["from_a", "x"]),
        ("l {\nincluder a.conf b.conf\n}\nx $X\n", ["l", "{", "from_a", "from_b", "}", "x b"]),
        ("included a.conf\n", ["included a.conf"]),
        ("include none.conf\nx\n", ["x"]),
        (f"a\n# {'x' * 1100}\nb\n", ["a", "x" * 79, "b"]),
    ],
)
def test_the_steps_of_reading(text: str, lines: list[str]) -> None:
    assert read(text) == lines


@pytest.mark.parametrize(
    "text",
    [
        "$A=$A\nx $A\n",
        "$A=${A}\nx ${A}\n",
        "$A=$B\n$B=$A\nx $A\n",
        "$A=x \\\n$A\n$A\n",
        "$A=x \\\n$A \\\n$A\n$A\n",
        "$A=x { \\\n$B \\\n}\n$B=~SEQ(N,2) $A \\\nx\n$B\n",
        "$A={ $A\n$A\n",
    ],
)
def test_a_definition_inside_itself_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="a definition refers to itself"):
        expand(text, "k.conf", include)


@pytest.mark.parametrize("text", ["~SEQ(N,9999999) x\n", "~SEQ(A,999) ~SEQ(B,999) x $A $B\n"])
def test_loops_that_turn_too_often_are_an_error(text: str) -> None:
    reader = Reader(physical_lines(text, "k.conf"), lambda *_note: None)
    with pytest.raises(ConfigError, match="it grows by more than 500000 lines"):
        reader.line()


def test_what_is_written_may_be_as_long_as_it_is() -> None:
    with patch.object(reader, "MOST_MADE", 100):
        assert len(read("a {}\n\n" * 200 + "include long.conf\n")) == 200 * 3 + 300
        assert len(expand("vrrp_script s {\n}\n" * 200).blocks) == 200


@pytest.mark.parametrize(
    "text",
    [
        "include long.conf\n" * 2,
        "include 0.conf\n",
        "$A=a \\\nb \\\nc\n" + "$A\n" * 60,
        "$A={ } { } { \\\n} { }\n" + "$A\n" * 40,
        "~SEQ(N,60) a { b\n",
    ],
)
def test_what_is_made_of_lines_is_bounded(text: str) -> None:
    with patch.object(reader, "MOST_MADE", 100), pytest.raises(ConfigError, match="it grows by more than 100 lines"):
        read(text)


def test_a_file_that_includes_itself_is_an_error() -> None:
    with pytest.raises(ConfigError, match="includes itself"):
        expand("include again.conf\n", "k.conf", include)


def test_what_stands_twice_is_no_endless_definition() -> None:
    text = "$IN=x \\\ny\n$A=$IN \\\n~SEQ(N,2) $IN \\\n$IN\n~SEQ(M,2) $A\n$A\n"
    assert read(text) == ["x", "y"] * 12
    assert len(read("$IN=x \\\n$A\n$A=y\n~SEQ(N,40000) $IN\n")) == 80000


def test_a_chain_of_definitions_is_no_endless_one() -> None:
    chain = "".join(f"$A{at}=${{A{at + 1}}}\n" for at in range(100))
    assert read(f"{chain}$A100=end\nx $A0\n") == ["x end"]


GOOD = "vrrp_instance A {\nvirtual_router_id 5\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n"


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("frobnicate\n", "keyword-unknown", 1),
        ("global_defs {\npriority 1\n}\n", "keyword-unknown", 2),
        ("vrrp_instance A {\nPriority 1\n}\n", "keyword-unknown", 2),
        ("vrrp_instance A {\npriority\n}\n", "value-missing", 2),
        ("vrrp_instance A\npriority 1\n}\n", "brace-missing", 2),
        ("vrrp_instance A {\npriority 1 {\n}\n", "brace-unexpected", 2),
        ("vrrp_instance A {\n", "brace-open", 1),
        (GOOD + "}\n", "brace-extra", 7),
        ('router_id "a\n', "quote-open", 1),
        (GOOD + GOOD, "name-twice", 7),
        ("vrrp_instance {\n}\n", "name-missing", 1),
        ("vrrp_sync_group G {\ngroup A {\nA\n}\n}\n", "words-extra", 2),
        ("includem none.conf\n", "include-empty", 1),
        ("~SEQ() x\n", "loop-unreadable", 1),
    ],
)
def test_what_keepalived_complains_of_is_found_with_its_line(text: str, rule: str, line: int) -> None:
    found = [(one.rule, one.severity, one.where) for one in expand(text, "k.conf", include).findings]
    assert (rule, "error", f"k.conf:{line}") in found


def test_a_keyword_of_another_version_is_unknown_to_this_one() -> None:
    text = "vrrp_instance A {\ntimer_expired_backup\n}\n"
    assert expand(text).findings == ()
    (found,) = expand(text, build=Build(Version(2, 2, 7))).findings
    assert "2.2.8" in found.message


def test_the_children_read_a_copy_in_which_an_escaped_sign_is_a_comment() -> None:
    seen = expand("global_defs {\nrouter_id a\\#b\n}\nvrrp_script s {\nscript a\\#b\n}\n").blocks
    assert seen == (
        Block("global_defs", (), (Block("router_id", ("a#b",)),)),
        Block("vrrp_script", ("s",), (Block("script", ("a",)),)),
    )


def test_included_lines_know_their_file() -> None:
    (block,) = expand("include a.conf\n", "k.conf", include).blocks
    assert str(block.position) == "a.conf:1"


def test_a_build_tells_its_version_and_features() -> None:
    build = parse_build("Keepalived v2.2.7 (01/16,2022)\n\nConfig options:  LVS VRRP JSON\n\nSystem options: X\n")
    assert build == Build(Version(2, 2, 7), frozenset({"LVS", "VRRP", "JSON"}))
    assert build.has_json
    assert build.tests_as_first_process
    assert Version.parse("2.0.9") < Version.parse("2.0.10") < Version.parse("v2.1")
    with pytest.raises(ConfigError):
        parse_build("command not found")
