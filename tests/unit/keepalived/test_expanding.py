# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's processes read one after the other: each stops and skips where it does, and says what it sees till then.

What is expected here is what ``keepalived -t`` of version 2.2.7 says.
"""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lint import lint
from keepalived_texts import MISSING, SKIPPED, server


def complaints(text: str) -> list[tuple[str, int]]:
    """The rules that are broken, with their lines, in the order in which keepalived would say so."""
    return [(one.rule, int(one.where.rpartition(":")[2])) for one in expand(text, "k.conf").findings]


@pytest.mark.parametrize("case", MISSING.values(), ids=MISSING)
def test_a_missing_value_ends_it_where_the_process_reads_it(case: tuple[str, list[tuple[str, int]]]) -> None:
    text, expected = case
    assert complaints(text) == expected


@pytest.mark.parametrize("case", SKIPPED.values(), ids=SKIPPED)
def test_what_keepalived_skips_is_not_looked_at(case: tuple[str, list[tuple[str, int]]]) -> None:
    text, expected = case
    assert complaints(text) == expected


def test_a_block_that_is_skipped_is_not_there() -> None:
    assert expand("virtual_server nowhere 80 {\n}\n").blocks == ()
    (block,) = expand(server("real_server x 80 {\n}\nreal_server 192.0.2.2 80 {\n}")).blocks
    assert [child.args for child in block.children or ()] == [("192.0.2.2", "80")]


def test_the_blocks_of_all_processes_stand_in_their_order() -> None:
    text = "vrrp_script s {\n}\nvirtual_server 192.0.2.1 80 {\n}\nbfd_instance B {\n}\ntrack_file f {\n}\nodd\n"
    names = ["vrrp_script", "virtual_server", "bfd_instance", "track_file", "odd"]
    assert [block.name for block in expand(text).blocks] == names


def test_lint_says_what_keepalived_would_say_and_no_more() -> None:
    missing = "vrrp_instance A {\ninterface eth0\npreempt_delay\n}\nvirtual_server 192.0.2.1 80 {\nunknown_word\n}\n"
    assert [one.rule for one in lint(missing)][:2] == ["keyword-unknown", "value-missing"]
    skipped = "virtual_server nowhere 80 {\nreal_server x 80 {\nTCP_CHECK {\nodd\n}\n}\n}\n"
    assert [one.rule for one in lint(skipped)] == ["place-wrong"]
