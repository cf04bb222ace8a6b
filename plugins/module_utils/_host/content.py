# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sites of a host serve: the section of it. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.place import Content, bring, differing
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference

__all__ = ("CONTENT_OPTIONS", "lacking", "serve")

Given = t.Mapping[str, t.Any]
Options = t.Dict[str, t.Dict[str, t.Any]]

CONTENT_OPTIONS: Options = {
    "trees": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "where": {"type": "str", "required": True},
            "folder": {"type": "str", "default": ""},
            "archive": {"type": "str", "default": ""},
            "template": {"type": "str", "default": ""},
            "remote_src": {"type": "bool", "default": False},
            "strip_components": {"type": "int", "default": 0},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0644"},
            "folder_mode": {"type": "str", "default": "0755"},
            "entries": {"type": "dict"},
            "pack": {"type": "path", "default": ""},
        },
    }
}
"""A tree says its source as the inventory does, and the controller adds what is in it, and where it was sent to."""


def lacking(given: Given) -> list[str]:
    """Return the folders that differ from a source on the controller that was not sent; raises HoldfastError."""
    return differing(one for one in _contents(given) if one.wanted is not None and not one.archive)


def serve(given: Given, *, check: bool) -> Outcome:
    """Let the sites serve it; raises HoldfastError."""
    changes = bring(_contents(given), check=check)
    return Outcome(
        [change.path for change in changes],
        [difference(change.path, change.before, change.after) for change in changes],
    )


def _contents(given: Given) -> list[Content]:
    return [
        Content(
            path=one["path"],
            where=one["where"],
            archive=one["archive"] if one["remote_src"] else one["pack"],
            strip=one["strip_components"] if one["remote_src"] else 0,
            wanted=None if one["remote_src"] else one["entries"] or {},
            owner=one["owner"],
            group=one["group"],
            mode=int(one["mode"], 8),
            folder_mode=int(one["folder_mode"], 8),
        )
        for one in given["trees"]
    ]
