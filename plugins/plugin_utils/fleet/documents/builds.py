# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that is built on its host instead of installed. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import COMMANDS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered

__all__ = ("build", "builds", "is_built", "packages", "unit")

Variables = Mapping[str, t.Any]
Document = t.Dict[str, t.Any]

TARBALL = "tarball"
"""The source of a daemon that is built."""


def is_built(variables: Variables, daemon: str) -> bool:
    """Return whether a daemon is built from source."""
    return bool(variables[f"{daemon}_source"] == TARBALL)


def packages(variables: Variables, daemon: str) -> list[str]:
    """Return the packages that bring a daemon, or with which it is built."""
    if is_built(variables, daemon):
        return list(variables[f"{daemon}_build_packages"])
    return [variables[f"{daemon}_package"]]


def build(variables: Variables, daemon: str, question: Document | None = None) -> Document:
    """Return the section ``build`` of ``host_state``, where the daemon is built; ``question`` asks a new nginx."""
    if not is_built(variables, daemon):
        return {}
    document = {
        "daemon": daemon,
        "tarball": variables[f"{daemon}_tarball"],
        "checksum": variables[f"{daemon}_tarball_checksum"],
        "options": variables[f"{daemon}_configure_options"],
        "prefix": variables[f"{daemon}_prefix"],
        **({"user": variables["nginx_user"]} if daemon == "nginx" else {}),
        **({"question": question} if question else {}),
    }
    return {"build": document}


def builds(variables: Variables, daemon: str) -> Document:
    """Return the same as ``preflight`` takes it."""
    return {"builds": list(build(variables, daemon).values())} if is_built(variables, daemon) else {}


def unit(variables: Variables, daemon: str) -> list[Document]:
    """Return the unit of a daemon that is built, as the section ``files`` has it; a package brings its own."""
    if not is_built(variables, daemon):
        return []
    content = rendered(daemon, f"{daemon}.service.j2", command=f"{COMMANDS}/{daemon}")
    return [{"path": f"/etc/systemd/system/{daemon}.service", "content": content}]
