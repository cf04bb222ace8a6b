# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of single sites: their folders, and their rotation where no package sees to it. Private to this collection."""

from __future__ import annotations

import fnmatch
import os
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered

__all__ = ("site_logs",)

ROTATION = "/etc/logrotate.d/holdfast-nginx"
HOME = "/var/log/nginx"
ROTATED = f"{HOME}/*.log"
"""What the package of nginx rotates."""


def site_logs(sites: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """Return the folders and files that the logs of sites need, as the section ``files`` of a host has them.

    A folder is made below that of nginx alone; others belong to somebody. Without such a log there is no rotation.
    """
    paths = [path for path in dict.fromkeys(_logs(sites)) if not _is_rotated(path)]
    folders = dict.fromkeys(os.path.dirname(path) for path in paths if path.startswith(f"{HOME}/"))
    rotation: dict[str, t.Any] = {"path": ROTATION}
    if paths:
        listed = "\n".join(f'"{path}"' for path in paths)
        rotation["content"] = rendered("balancer", "nginx-logrotate.j2", paths=listed)
    return {"folders": [{"path": path} for path in folders if path != HOME], "files": [rotation]}


def _is_rotated(path: str) -> bool:
    return os.path.dirname(path) == HOME and fnmatch.fnmatchcase(path, ROTATED)


def _logs(sites: t.Any) -> Iterator[str]:
    """Yield the whole paths of the logs of sites and of their locations; one with a variable is nobody's to rotate."""
    for site in sites if isinstance(sites, list) else ():
        if isinstance(site, Mapping):
            for name in ("access_log", "error_log"):
                words = str(values.listed(site.get(name))[0]).split() if site.get(name) else []
                if words and words[0].startswith("/") and "$" not in words[0] and os.path.dirname(words[0]) != "/dev":
                    yield os.path.normpath(words[0])
            yield from _logs(site.get("locations"))
