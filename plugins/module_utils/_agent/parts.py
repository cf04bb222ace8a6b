# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the agent, each started on its own. Private to this collection.

A part is imported when it is started and not before, so each loads only what it needs. Ansible sends to a host what is
reached by import: these imports are what makes it send all parts. A module that a part imports is delivered with it.
"""

from __future__ import annotations

__all__ = ("detector", "fetcher", "firewall", "guard", "notifier", "publisher", "restore", "supervisor", "watcher")


def watcher(*arguments: str) -> int:
    """Watch nginx and tell keepalived whether this node is fit."""
    from .watcher.main import main

    return main(*arguments)


def detector(*arguments: str) -> int:
    """Notice when two nodes hold an address at once, and yield when cut off."""
    from .detector.main import main

    return main(*arguments)


def notifier(*arguments: str) -> int:
    """Write down what keepalived does, and tell who wants to know."""
    from .notifier.main import main

    return main(*arguments)


def guard(*arguments: str) -> int:
    """Let the address go before nginx stops, and clear up behind a keepalived that died."""
    from .guard import main

    return main(*arguments)


def restore(*arguments: str) -> int:
    """Bring back the folder of the files that keepalived watches."""
    from .restore import main

    return main(*arguments)


def fetcher(*arguments: str) -> int:
    """Fetch the certificates of sites from the host that has them issued."""
    from .fetcher import main

    return main(*arguments)


def publisher(*arguments: str) -> int:
    """Lay out, on that host, what each balancer may fetch."""
    from .publisher import main

    return main(*arguments)


def firewall() -> int:
    """Keep the rules of this collection in the firewall of this host."""
    from .firewall.main import main

    return main()


def supervisor(grace: str, *command: str) -> int:
    """Run a command, and leave nothing of it behind."""
    from .supervisor import main

    return main(grace, *command)
