# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our complaints about a keepalived configuration beside those of keepalived itself."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import Expanded

__all__ = ("PLACE", "Complaint", "agree", "complaints", "their_complaints")

PLACE = re.compile(r"^\((?:(?P<file>.*): )?Line (?P<line>\d+)\) ", re.MULTILINE)
# Our complaints, and how keepalived puts them. The word in parentheses is compared too.
COMPLAINTS: t.Mapping[str, tuple[str, str]] = {
    "keyword-unknown": (
        r"(?:there is no keyword|keepalived \S+ does not know) (.*?)(?: in \w+)?(?:, which came .*)?",
        r"Unknown keyword '(.*)'",
    ),
    "brace-unexpected": ("", r"Unexpected '\{' - ignoring"),
    "brace-missing": ("", r"Missing '\{' at beginning of configuration block"),
    "brace-extra": ("", r"Extra '\}' found"),
    "brace-open": (r"(\d+) braces .*", r"There are (\d+) missing '\}'s or extra '\{'s"),
    "quote-open": ("", r"(?:Unterminated quote|Unmatched quote:) '.*"),
    "value-missing": (
        r"a value is missing behind (\S+),.*",
        r"\*\*\* Configuration line starting `.*` is missing a parameter after keyword `(.*)` at word position \d+",
    ),
    "name-missing": (r"(\w+) must have exactly one name", r"(\w+) must have a name(?: - skipping)?"),
    "name-twice": (
        r"\S+ (\S+) is there already.*",
        r"(?:vrrp instance|vrrp sync group|track_group) (\S+) already defined"
        r"|BFD (\S+) already specified|Configuration error: BFD instance (\S+) already configured - ignoring",
    ),
    "name-long": ("", r"BFD name .* too long|Configuration error: BFD instance .* name too long .*"),
    "group-twice": ("", r"Group list already specified for sync group .*"),
    "place-wrong": (
        "",
        r"Invalid virtual server IP address(?:/port)? .* - skipping|Invalid real server ip address/port .* - skipping"
        r"|virtual server fwmark '.*' must be in .* - ignoring"
        r"|Configuration error: BFD instance .* has malformed neighbou?r address .*, ignoring instance",
    ),
    "command-open": ("", r"String '.*': missing terminating ['\"]"),
    "words-extra": (r"(\S+) has a block, and .*", r"Block (\S+) has extra parameters .*"),
    "include-empty": (r"no file is there to include: (.*)", r"Config files missing '(.*)'\."),
}
_OURS = {rule: re.compile(ours or "().*", re.DOTALL) for rule, (ours, _theirs) in COMPLAINTS.items()}
_THEIRS = {rule: re.compile(theirs) for rule, (_ours, theirs) in COMPLAINTS.items()}

# Rule, line and word.
Complaint = t.Tuple[str, str, str]


def complaints(expanded: Expanded, folder: Path) -> set[Complaint]:
    """Return what we complain of, as far as keepalived has words for the same; paths are those below the folder."""
    found: set[Complaint] = set()
    for finding in expanded.findings:
        if finding.rule in _OURS:
            matched = _OURS[finding.rule].fullmatch(finding.message)
            word = matched.group(1) if matched else "?"
            line = "" if finding.rule == "brace-open" else finding.where.rpartition(":")[2]
            found.add((finding.rule, line, word.replace(f"{folder}/", "")))
    return found


def their_complaints(words: str) -> set[Complaint]:
    """Return what keepalived complained of, as far as it is of structure."""
    found: set[Complaint] = set()
    for line in words.split("\n"):
        place = PLACE.match(line)
        for rule, pattern in _THEIRS.items():
            matched = pattern.fullmatch(line[place.end() :] if place else line)
            if matched:
                word = next(filter(None, matched.groups()), "")
                word = shown(word) if rule == "keyword-unknown" else word
                found.add((rule, place["line"] if place else "", word))
    return found


def agree(ours: set[Complaint], theirs: set[Complaint], only_first: bool = False) -> bool:
    """Tell whether the complaints are the same ones.

    Of a pattern that includes nothing keepalived does not always speak, nor of a backslash that ends a command.
    """
    return theirs <= ours and (
        only_first or all(rule in ("include-empty", "command-open") for rule, _line, _word in ours - theirs)
    )
