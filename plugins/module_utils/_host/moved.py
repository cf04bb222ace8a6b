# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a planned move has left on a host. Private to this collection."""

from __future__ import annotations

import json

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("remembered",)

FILE = "/etc/holdfast/move.json"


def remembered(path: str = FILE) -> dict[str, int]:
    """Return the priorities that a planned move has left, by the instance: none where nothing was moved.

    HoldfastError where the file holds anything else: without them an address would move back by surprise.
    """
    try:
        with open(path, encoding="utf-8") as file:
            marks = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise HoldfastError(f"{path} cannot be read ({error}): it holds the planned moves of this host") from None
    if not isinstance(marks, dict) or not all(isinstance(mark, int) for mark in marks.values()):
        raise HoldfastError(
            f"{path} holds no priorities by the instance: run the playbook holdfast.nginx_ha.move with -e back=true"
        )
    return marks
