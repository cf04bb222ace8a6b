# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks may lie in each other as deep as nginx takes them, which is deeper than Python lets calls do."""

from __future__ import annotations

import json

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, plain, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import assemble
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import redact


def nested(depth: int, inside: str = "") -> tuple[Block, ...]:
    return parse("a b {" * depth + inside + "}" * depth)


def test_a_tree_is_as_deep_as_nginx_takes_it() -> None:
    tree = nested(3000, "proxy_set_header token 1;")
    assert tree == nested(3000, "proxy_set_header token 1;")
    assert tree != nested(3000, "proxy_set_header token 2;")
    assert len({*tree, *nested(3000), *nested(3000)}) == 2
    assert [block.name for block in walk(tree)] == ["a"] * 3000 + ["proxy_set_header"]
    text = render(tree)
    assert parse(text) == tree
    assert len(text) < 1_000_000
    assert redact(text).count("a b {") == 3000
    assert "token 1" not in redact(text)
    assert assemble({"f": tree}) == tree
    assert check([Block("http", (), tree)]) == []


def test_what_is_too_deep_for_json_is_an_error_of_ours() -> None:
    (block,) = parse("a { " + "# c\nb {} " * 2 + "}")
    assert plain(block) == {
        "directive": "a",
        "args": [],
        "line": 1,
        "block": [{"directive": "b", "args": [], "line": line, "block": []} for line in (2, 3)],
    }
    assert json.dumps(plain(nested(100)[0]), indent=1).count("directive") == 100
    with pytest.raises(ConfigError, match="is 100 blocks deep, more than can be shown"):
        plain(nested(101)[0])


def test_an_option_can_nest_its_text() -> None:
    text = "if (a) {" * 3000 + "}" * 3000
    config = NginxConfig.from_options({"servers": [{"name": "s", "directives": [text]}]})
    assert next(iter(files(config).values())).count("if (a)") == 3000
    assert len(list(walk(config.to_blocks()))) == 3003
