# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays in the packet filter of a host, and puts it back when somebody has taken it away. Private to this
collection.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t
from dataclasses import dataclass

from .access import Access, AccessError
from .heard import Heard
from .netfilter import Netfilter, Runner

__all__ = ("WANTED", "Kept", "locked", "put_back")

WANTED = "/etc/holdfast/firewall.json"
LOCK = "/run/holdfast-firewall.lock"


@dataclass(frozen=True)
class Kept:
    """What is let in through the rules of the host, and whose adverts are heard at all; None where that is not wanted.

    ``iptables``: these rules are the host's own, and not those of a program that has them to itself.
    """

    access: Access | None = None
    heard: Heard | None = None
    iptables: bool = True

    def to_text(self) -> str:
        """Return it as a text that ``from_text`` reads."""
        data = {
            "access": None if self.access is None else self.access.to_data(),
            "heard": None if self.heard is None else self.heard.to_data(),
            "iptables": self.iptables,
        }
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Kept:
        """Raises ValueError, KeyError or TypeError where it is no such text."""
        data = json.loads(text)
        return cls(
            access=None if data["access"] is None else Access.from_data(data["access"]),
            heard=None if data["heard"] is None else Heard.from_data(data["heard"]),
            iptables=bool(data["iptables"]),
        )


@contextlib.contextmanager
def locked() -> t.Iterator[None]:
    """Let one program at a time look at the rules and change them."""
    # Whoever may open it can lock it.
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def put_back(run: Runner, wanted: str = WANTED) -> tuple[Kept, list[str]]:
    """Bring the rules of nftables and iptables back, and return what is kept, and in words what was done.

    Raises AccessError when the firewall refuses them.
    """
    with locked():
        try:
            with open(wanted, encoding="utf-8") as file:
                kept = Kept.from_text(file.read())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AccessError(f"{wanted} cannot be read: {error}. Run the playbook again") from None
        filters = Netfilter(run)
        if not kept.iptables:
            filters.iptables.clear()
        steps = filters.hearing(kept.heard)
        if kept.access is not None:
            steps += filters.steps(kept.access)
        filters.perform(steps)
        return kept, [f"added to {line}" for step in steps for line in step.added]
