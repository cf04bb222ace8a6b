# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are left out of all upstreams for a while, whatever the inventory says. Private to this collection.

Which these are is remembered on the host, so that a rollout, a reload or a reboot does not bring one back by
surprise. In the text of an upstream a server that is left out is ``down``, with a comment behind it: that tells it from
one that the inventory says to be down.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import FOLDERS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted, read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import replace_text
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Transaction,
    owned_files,
)

__all__ = ("MARK", "Drain", "connections", "drained", "with_drained")

DRAINED = "/etc/holdfast/drained.json"
MARK = "left out by nginx_drain"
PORT = 80  # what nginx takes for a server of http without one

# include/net/tcp_states.h: both sides can still send, or one of them can
_OPEN = frozenset({"01", "02", "04", "05", "08"})


def drained(path: str = DRAINED) -> dict[str, str]:
    """Return the addresses that are left out on this host, with the time since when; HoldfastError where unreadable."""
    content = read_state(path).content
    if content is None:
        return {}
    with contextlib.suppress(ValueError):
        found = json.loads(content.decode(errors="replace"))
        if isinstance(found, dict) and all(isinstance(since, str) for since in found.values()):
            return found
    raise HoldfastError(f"{path} cannot be read: it is what nginx_drain has left out; remove it to bring all back")


def with_drained(text: str, addresses: t.Container[str]) -> str:
    """Return the text of a file with these servers left out of its upstreams, and no others."""
    blocks = parse(text)
    changed = tuple(_upstream(block, addresses) if block.name == "upstream" else block for block in blocks)
    return text if changed == blocks else render(changed)


def _upstream(block: Block, addresses: t.Container[str]) -> Block:
    children: list[Block] = []
    for child in block.children or ():
        if child.is_comment and child.args == (MARK,):
            children[-1] = replace(children[-1], args=children[-1].args[:-1])
        else:
            children.append(child)
    marked: list[Block] = []
    for child in children:
        if child.name == "server" and child.args and _host(child.args[0])[0] in addresses and "down" not in child.args:
            marked += [replace(child, args=(*child.args, "down")), comment(MARK)]
        else:
            marked.append(child)
    return replace(block, children=tuple(marked))


def _host(server: str) -> tuple[str, int]:
    """Return address and port of a server; the address is empty for a name and for a socket."""
    host, _colon, port = server.rpartition(":") if server.rpartition(":")[2].isdigit() else (server, "", "")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port or PORT)
    except ValueError:
        return "", 0


@dataclass
class Drain:
    """The upstreams of a host whose files this collection owns, and what leaving servers out makes of them."""

    root: str = "/etc/nginx"

    def __post_init__(self) -> None:
        self._daemon = NginxDaemon(root=self.root)
        folders = tuple(os.path.join(self.root, folder) for folder in FOLDERS.values())
        self._owners = {
            path: entry.owner
            for path, entry in owned_files(self._daemon.name).items()
            if os.path.dirname(path) in folders and "-upstream-" in os.path.basename(path)
        }
        self._states = {path: read_state(path) for path in self._owners}
        self._texts = {
            path: state.content.decode(errors="replace")
            for path, state in self._states.items()
            if state.content is not None
        }

    def upstreams(self, addresses: t.Container[str]) -> dict[str, list[int]]:
        """Return the ports at which an upstream goes to any of these addresses, by its name."""
        found: dict[str, list[int]] = {}
        for block in self._blocks():
            ports = [_host(server.args[0]) for server in block.find("server")]
            listed = [port for host, port in ports if host in addresses]
            if listed:
                found.setdefault(block.args[0], []).extend(listed)
        return found

    def refuse_last(self, addresses: t.Container[str]) -> None:
        """Raise HoldfastError where an upstream would have nobody left."""
        for block in self._blocks(addresses):
            servers = block.find("server")
            if self.upstreams(addresses).get(block.args[0]) and all("down" in server.args for server in servers):
                raise HoldfastError(
                    f"nobody would be left in upstream {block.args[0]}, and clients would get errors: bring another "
                    "server back first, or say force"
                )

    def apply(self, addresses: t.Collection[str], *, check: bool) -> tuple[list[str], list[dict[str, str]], list[str]]:
        """Leave out exactly these; return the changed files, their differences, and warnings. All of it or nothing."""
        changes: list[str] = []
        differences: list[dict[str, str]] = []
        warnings: list[str] = []
        for owner in sorted(set(self._owners.values())):
            owned: dict[str, Wanted | None] = {}
            for path, text in self._texts.items():
                after = with_drained(text, addresses)
                if self._owners[path] == owner and after != text:
                    owned[path] = Wanted(after.encode(), self._states[path].mode)
            if owned:
                with Transaction(self._daemon, check_mode=check) as change:
                    result = change.apply(Request(owner, owned, prune=False))
                changes += [f"{path} {action}" for path, action in sorted(result.files.items())]
                differences += result.diff
                warnings += result.warnings
        return changes, differences, warnings

    def remember(self, addresses: t.Iterable[str]) -> None:
        """Write down that these are left out, and since when."""
        before, now = drained(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        after = {address: before.get(address, now) for address in addresses}
        if after != before:
            os.makedirs(os.path.dirname(DRAINED), mode=0o755, exist_ok=True)
            replace_text(DRAINED, json.dumps(after, indent=4) + "\n" if after else None, 0o644)

    def _blocks(self, addresses: t.Container[str] = ()) -> t.Iterator[Block]:
        for text in self._texts.values():
            marked = with_drained(text, addresses) if addresses else text
            yield from (block for block in parse(marked) if block.name == "upstream")


def connections(addresses: t.Container[str], ports: t.Container[int], proc: str = "/proc") -> int:
    """Return how many connections of TCP this host has to these addresses and ports.

    The kernel is asked, so those of workers that nginx has told to finish count as well.
    """
    found = 0
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{proc}/net/{table}", encoding="ascii") as file:
            for line in file.read().split("\n")[1:]:
                fields = line.split()
                if len(fields) > 3 and fields[3] in _OPEN:
                    host, _colon, port = fields[2].partition(":")
                    found += int(port, 16) in ports and _address(host) in addresses
    return found


def _address(text: str) -> str:
    """Return an address as the kernel shows it: words of 32 bits, each in the order of the machine's bytes."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)
