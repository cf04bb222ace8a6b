# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of others let Apache httpd listen. Private to this collection.

A second ``Listen`` of the same address and port is an error (AH00526), and one of an address beside one of all
addresses ends httpd when it is reloaded. So what is listened to already is not repeated.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import Layout
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import read_state

__all__ = ("Listener", "listeners_of_others")

EVERYWHERE = ("", "*", "0.0.0.0", "[::]")

_LISTEN = re.compile(r"[ \t]*Listen[ \t]+(?:(?P<host>\[[^]]*\]|[^:\s]*):)?(?P<port>\d+)\b", re.IGNORECASE)
_LOAD = re.compile(r"^[ \t]*LoadModule[ \t]+(?P<name>\w+?)_module\b", re.IGNORECASE | re.MULTILINE)
_BEGIN = re.compile(r"[ \t]*<If(?P<kind>Module|Define|Version|File|Directive|Section)\b[ \t]*(?P<test>[^>]*)>", re.I)
_END = re.compile(r"[ \t]*</If(?:Module|Define|Version|File|Directive|Section)>", re.IGNORECASE)


class Listener(t.NamedTuple):
    """An address and a port; no address is all of them. ``where`` is the file and line that says it."""

    host: str
    port: int
    where: str = ""

    @classmethod
    def of(cls, host: str, port: int, where: str = "") -> Listener:
        """Return it with the different ways to write all addresses made one."""
        return cls("" if host in EVERYWHERE else host, port, where)

    def covers(self, other: Listener) -> bool:
        """Return whether connections to the other one arrive here."""
        return self.port == other.port and self.host in ("", other.host)

    def collides(self, other: Listener) -> bool:
        """Return whether the kernel refuses the other one beside this one."""
        return self.port == other.port and (self.host == other.host or "" in (self.host, other.host))


def listeners_of_others(root: str, owned: t.Container[str], layout: Layout) -> list[Listener]:
    """Return what the files below ``root`` say that are not ``owned``, in the order in which httpd reads them."""
    paths = [os.path.join(root, name) for name in layout.main]
    for folder in layout.folders:
        place = os.path.join(root, folder)
        names = sorted(os.listdir(place)) if os.path.isdir(place) else ()
        paths += [os.path.join(place, name) for name in names if name.endswith((".conf", ".load"))]
    texts = {path: _text(path) for path in paths if path not in owned and os.path.exists(path)}
    loads = os.path.join(root, layout.loads)
    loaded = {
        one["name"] for path, text in texts.items() if os.path.dirname(path) == loads for one in _LOAD.finditer(text)
    }
    return [one for path, text in texts.items() for one in _listeners(text, path, loaded)]


def _text(path: str) -> str:
    return (read_state(os.path.realpath(path)).content or b"").decode(errors="replace")


def _listeners(text: str, path: str, loaded: t.Container[str]) -> t.Iterator[Listener]:
    holds: list[bool] = []
    for number, each in enumerate(text.split("\n"), 1):
        begin = _BEGIN.match(each)
        if begin:
            holds.append(begin["kind"].lower() == "module" and _is_loaded(begin["test"].strip(' \t"'), loaded))
        elif _END.match(each) and holds:
            holds.pop()
        elif all(holds):
            found = _LISTEN.match(each)
            if found:
                yield Listener.of(found["host"] or "", int(found["port"]), f"{path}:{number}")


def _is_loaded(test: str, loaded: t.Container[str]) -> bool:
    """Return whether the module of an IfModule is switched on; ssl_module and mod_ssl.c are the same."""
    name = test.lstrip("!")
    name = name[4:-2] if name.startswith("mod_") and name.endswith(".c") else name.replace("_module", "")
    return (name in loaded) != test.startswith("!")
