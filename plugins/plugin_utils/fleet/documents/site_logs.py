# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of single sites: their folders, and their rotation where no package sees to it. Private to this collection."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import LAYOUTS, NAME
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered

__all__ = ("rotation_file", "rotation_packages", "site_logs")


class _Writer(t.NamedTuple):
    """The folders of a web server's logs, one for each family of systems, and what opens the logs anew.

    There its package rotates what ends in .log.
    """

    homes: tuple[str, ...]
    reopen: str


WRITERS = {
    "nginx": _Writer(("/var/log/nginx",), "systemctl kill -s USR1 --kill-who=main nginx.service"),
    "httpd": _Writer(tuple(f"/var/log/{one.name}" for one in LAYOUTS), f"systemctl reload {NAME}.service"),
}


def site_logs(sites: t.Any, server: str = "nginx") -> dict[str, list[dict[str, t.Any]]]:
    """Return the folders and files that the logs of sites need, as the section ``files`` of a host has them.

    A folder elsewhere than below that of the server is made where it is not there, and else left as somebody has it.
    Without such a log there is no rotation.
    """
    homes, reopen = WRITERS[server]
    paths = [path for path in dict.fromkeys(_logs(sites)) if not _is_rotated(path, homes)]
    folders = [path for path in dict.fromkeys(map(os.path.dirname, paths)) if path not in (*homes, "/")]
    rotation = rotation_file(server)
    if paths:
        listed = "\n".join(f'"{path}"' for path in paths)
        rotation["content"] = rendered("nginx", "logrotate.j2", paths=listed, reopen=reopen)
    return {
        "folders": [
            {"path": path} if path.startswith(tuple(f"{home}/" for home in homes)) else {"path": path, "kept": True}
            for path in folders
        ],
        "files": [rotation],
    }


def rotation_file(server: str) -> dict[str, t.Any]:
    """Return the file by which logs of this server are rotated, without content: that there be none."""
    return {"path": f"/etc/logrotate.d/holdfast-{server}"}


def rotation_packages(files: t.Sequence[t.Mapping[str, t.Any]], server: str = "nginx") -> list[str]:
    """Return the packages that the rotation of sites' logs needs, if it is among the finished files of a host."""
    rotation = rotation_file(server)["path"]
    return ["logrotate"] if any(one["path"] == rotation and one.get("content") for one in files) else []


def _is_rotated(path: str, homes: t.Container[str]) -> bool:
    return os.path.dirname(path) in homes and path.endswith(".log")


def _logs(sites: t.Any) -> Iterator[str]:
    """Yield the whole paths of the logs of sites and of their locations; one with a variable is nobody's to rotate."""
    for site in sites if isinstance(sites, list) else ():
        if isinstance(site, Mapping):
            for name in ("access_log", "error_log"):
                words = str(values.listed(site.get(name))[0]).split() if site.get(name) else []
                if words and words[0].startswith("/") and "$" not in words[0] and os.path.dirname(words[0]) != "/dev":
                    yield os.path.normpath(words[0])
            yield from _logs(site.get("locations"))
