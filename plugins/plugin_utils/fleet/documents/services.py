# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a balancer beside its configurations, and its services. Private to this collection."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.service_ports import PORTS_FILE
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import agent, builds
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import TRACK_DIR

__all__ = ("AGENT_DIR", "NOTIFY_FIFO", "START_AGENT", "files", "services")

Variables = Mapping[str, t.Any]
Document = t.Dict[str, t.Any]

AGENT_DIR = "/usr/local/lib/holdfast"
# Nothing to import but what lies in its tree, and nothing is written there. The name of a part follows.
START_AGENT = f"/usr/bin/python3 -I -S -B {AGENT_DIR}/agent"
NOTIFY_FIFO = "/run/holdfast/notify.fifo"

UNITS = (
    "holdfast-watcher.service",
    "holdfast-guard.service",
    "holdfast-restore.service",
    "holdfast-detector.service",
    "holdfast-notify.socket",
    "holdfast-notify.service",
)
RSYSLOG = "/etc/rsyslog.d/30-holdfast.conf"
ROTATED = "/etc/logrotate.d/holdfast-keepalived"
# What it reads already is tested first: with an error in that it would not start again.
RSYSLOG_TESTS = (("rsyslogd", "-N1"), ("rsyslogd", "-N1", "-f", "@FILE@"))

# They are handled in this order. The log comes before those that write to it, or their first lines would stand in
# the log of all.
LOG: Document = {"name": "rsyslog.service", "enabled": True, "programs": [RSYSLOG]}
NO_LOG: Document = {"name": "rsyslog.service", "runs": False, "removed": [RSYSLOG]}
# keepalived and the guard are never restarted: the address would move.
SERVICES: tuple[Document, ...] = (
    {"name": "holdfast-notify.socket", "enabled": True},
    {
        "name": "holdfast-notify.service",
        "enabled": True,
        "part": "notifier",
        "settings": ["/etc/holdfast/notify.json"],
    },
    {
        "name": "holdfast-watcher.service",
        "enabled": True,
        "part": "watcher",
        "settings": ["/etc/holdfast/watcher.json"],
    },
    {"name": "holdfast-restore.service", "enabled": True, "runs": False},
    {"name": "holdfast-guard.service", "enabled": True, "restarts": False},
    {"name": "keepalived.service", "enabled": True, "restarts": False},
    {
        "name": "holdfast-detector.service",
        "enabled": True,
        "part": "detector",
        "programs": ["/etc/holdfast/detector.json"],
    },
)


def services(variables: Variables) -> list[Document]:
    """Return the services of a balancer, as the section ``services`` of ``host_state`` takes them."""
    log = LOG if variables["keepalived_log_file"] else NO_LOG
    guarded: Document = {"name": variables["keepalived_guarded_unit"], "runs": False}
    return [dict(one) for one in (log, guarded, *SERVICES)]


def files(variables: Variables, host: str, detected: Sequence[Variables], advertised: Sequence[int]) -> Document:
    """Return the files of a balancer, as the section ``files`` of ``host_state`` takes them.

    ``detected`` and ``advertised`` are as for ``agent.notifier``.
    """

    def text(template: str, **values: t.Any) -> str:
        return rendered("keepalived", f"{template}.j2", **values)

    metrics = variables["keepalived_metrics_file"].rpartition("/")[0]
    notifier = _json(agent.notifier(variables, host, detected, advertised))
    guarded = variables["keepalived_guarded_unit"]
    is_nginx = guarded == agent.NGINX_UNIT
    started = {"start_agent": START_AGENT, "track_dir": TRACK_DIR, "nginx_unit": guarded}
    units = {
        unit: text(
            unit,
            **started,
            notify_fifo=NOTIFY_FIFO,
            commands=bool(variables["keepalived_notify_commands"]),
            metrics_folder=metrics,
        )
        for unit in UNITS
    }
    names = agent.track_names(variables, detected)
    rotation = {"frequency": variables["keepalived_log_frequency"], "keep": variables["keepalived_log_keep"]}
    log = variables["keepalived_log_file"]
    found: list[Document] = [
        # Before its drop-in, which has its command line.
        *builds.unit(variables, "keepalived"),
        _file("/etc/tmpfiles.d/holdfast.conf", text("holdfast-tmpfiles.conf", track_dir=TRACK_DIR, names=names)),
        *(_file(f"/etc/systemd/system/{unit}", content) for unit, content in units.items()),
        _file(
            f"/etc/systemd/system/{guarded}.d/holdfast.conf",
            # What another service can do without is not known here.
            text("nginx-drop-in.conf", sandbox=variables["keepalived_sandbox"] and is_nginx),
        ),
        _file(
            "/etc/systemd/system/keepalived.service.d/holdfast.conf",
            text("keepalived-drop-in.conf", start_agent=START_AGENT),
            unit="keepalived.service",
        ),
        _file("/etc/logrotate.d/holdfast-events", text("events-logrotate", event_dir=agent.EVENT_DIR, **rotation)),
        _file("/etc/holdfast/detector.json", _json(agent.detector(variables, detected))),
        # It may hold the password of a mail server.
        _file("/etc/holdfast/notify.json", notifier, mode="0600", shown=False),
    ]
    if not is_nginx:
        # Those of nginx come with its configuration.
        found.append(_file(PORTS_FILE, _json({"ports": access.guarded_ports(variables)})))
    if log:
        found.append(
            _file(RSYSLOG, text("keepalived-rsyslog.conf", log=log), tests=[list(one) for one in RSYSLOG_TESTS])
        )
        found.append(_file(ROTATED, text("keepalived-logrotate", log=log, **rotation)))
    else:
        found += [{"path": RSYSLOG}, {"path": ROTATED}]
    folders: list[Document] = [{"path": agent.EVENT_DIR, "mode": "02750", "group": "adm"}]
    return {"folders": [*folders, *([{"path": metrics}] if metrics else [])], "files": found}


def _file(path: str, content: str, **more: t.Any) -> Document:
    return {"path": path, "content": content, **more}


def _json(document: Document) -> str:
    return json.dumps(document, indent=4) + "\n"
