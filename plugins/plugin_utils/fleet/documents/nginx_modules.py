# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules of nginx, of those with packages of their own, a plan needs. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dynamic import needed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import statements

__all__ = ("nginx_modules",)


def nginx_modules(document: Mapping[str, t.Any]) -> list[str]:
    """Return the modules, sorted; ``document`` is the section ``nginx`` of ``host_state``.

    No option of ours comes from such a module but those of stream; all else is text of the user's own.
    """
    inside: dict[str, list[Block]] = {"main": [], "http": []}
    for option, value in document.items():
        context = "stream" if option.startswith("stream") else "main" if option == "main" else "http"
        if value and context == "stream":
            inside.setdefault("stream", [])
        for text in _directives(value):
            # What nginx could not read is told where the options are judged.
            with contextlib.suppress(InputError):
                inside[context] += statements(option, str(text))
    main = inside.pop("main")
    return sorted(needed([*main, *(Block(name, (), tuple(blocks)) for name, blocks in inside.items())]))


def _directives(value: t.Any) -> Iterator[t.Any]:
    """Yield the texts of nginx in a value and in all that it holds."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            texts = one.get("directives")
            yield from texts if isinstance(texts, list) else [texts] if texts else []
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
