# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of words: what keepalived reads otherwise than it was meant. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, Position, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.grammar import ROOT, keywords
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lexer import BLANK, split_comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scope import Found, Scope, rule

__all__ = ()

# Keywords that take so many words; keepalived says nothing of more.
WORDS = {
    **dict.fromkeys(("nopreempt", "track_src_ip", "dont_track_primary", "init_fail", "enable_script_security"), 0),
    **dict.fromkeys(
        ("state", "interface", "virtual_router_id", "priority", "advert_int", "version", "preempt_delay"), 1
    ),
    **dict.fromkeys(("unicast_src_ip", "mcast_src_ip", "auth_type", "auth_pass", "interval", "timeout"), 1),
    **dict.fromkeys(("rise", "fall", "router_id", "quorum", "vrrp_version", "garp_master_delay"), 1),
}
PLACES = ("global_defs", "vrrp_instance", "vrrp_script", "vrrp_track_process", "authentication")
_REFERENCE = re.compile(r"\$([A-Za-z_]\w*)|\$\{([A-Za-z]\w*)\}")
_PLACEHOLDER = re.compile(r"<[^<>]+>")


def _owners(blocks: t.Iterable[Block], table: str | None = ROOT) -> t.Iterator[tuple[str | None, Block]]:
    """Yield every keyword with the kind of the block that it stands in; None among items that are no keywords."""
    for block in blocks:
        known = keywords(table).get(block.name) if table is not None else None
        yield table, block
        if block.children:
            yield from _owners(block.children, known.table if known else None)


@rule("warning")
def words_ignored(scope: Scope) -> Found:
    """keepalived ignores what stands behind the last word that it needs."""
    for table, block in _owners(scope.blocks):
        most = WORDS.get(block.name)
        if table in PLACES and most is not None and len(block.args) > most and block.raw is None:
            shown = "" if block.name == "auth_pass" else f" {' '.join(block.args[most:])!r}"
            yield (
                block,
                f"{block.name} takes {most or 'no'} word{'s' * (most != 1)}, and the rest{shown} is ignored: remove it",
            )


@rule("warning")
def keyword_twice(scope: Scope) -> Found:
    """Of two lines of a keyword keepalived takes the last."""
    for table, block in _owners(scope.blocks):
        known = keywords(table).get(block.name) if table is not None else None
        if not known or known.table not in PLACES or known.table == "global_defs":
            continue
        names = set()
        for line in block.children or ():
            if line.name in names and line.name in WORDS:
                yield line, f"{line.name} is said more than once, and the last one counts: keep one"
            names.add(line.name)


@rule("error")
def brace_in_value(scope: Scope) -> Found:
    """A brace ends a value, wherever it stands outside double quotes."""
    for table, block in _owners(scope.blocks):
        known = keywords(table).get(block.name) if table is not None else None
        if known and not known.has_body and block.children is not None:
            yield block, f'a {{ ends the value of {block.name} and opens a block: put the value into double quotes (")'


@rule("error")
def comment_in_value(scope: Scope) -> Found:
    """A # or ! inside a word begins a comment."""
    for file, text in (scope.sources or {}).items():
        for at, line in enumerate(text.split("\n"), 1):
            code, comment, _closed = split_comment(line.strip(BLANK))
            words = code.split()
            if comment and words and len(words) > 1 and code[-1] not in f'{BLANK}{{}}";':
                yield (
                    Block(words[0], position=Position(file, at, 1)),
                    f"the {comment[0]} begins a comment, so the value of {words[0]} ends before it: put the value into "
                    'double quotes ("), or a blank before the comment',
                )


@rule("warning")
def placeholder_left(scope: Scope) -> Found:
    """A value is a placeholder or a definition that is not there."""
    for table, block in _owners(scope.blocks):
        known = keywords(table).get(block.name) if table is not None else None
        if block.is_comment or not scope.is_whole or (known and known.is_script):
            continue
        for word in block.args if known else (block.name, *block.args):
            found = _REFERENCE.search(word) or _PLACEHOLDER.fullmatch(word)
            if found and block.name != "auth_pass":
                yield (
                    block,
                    f"{found.group()} was to be replaced by something: define it before this line, or write the value",
                )


@rule("warning")
def dollar_in_password(scope: Scope) -> Found:
    """A definition would change a password."""
    for block in walk(scope.blocks):
        if block.name == "auth_pass" and block.args and _REFERENCE.search(block.args[0]):
            yield block, "a $ with a name in the password is replaced wherever that name is defined: choose another"
