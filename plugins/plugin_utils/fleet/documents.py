# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resident services of a balancer read, whole and with typed values. Private to this collection.

A template would make text of a number under some versions of ansible-core and not under others, so that two controllers
would write each other's files anew.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import own_probe, probe, probe_rise
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import TRACK_DIR

__all__ = ("detector", "watcher")

EVENTS = "/run/holdfast/events"


def watcher(
    variables: t.Mapping[str, t.Any],
    detected: t.Iterable[t.Mapping[str, t.Any]],
    checks: t.Iterable[t.Mapping[str, t.Any]],
    patience: float,
) -> dict[str, t.Any]:
    """Return what the watcher reads, but for the addresses that the host ends up with; raises InputError.

    ``patience`` is how many seconds a dead nginx may stay away.
    """
    asked = probe(variables)
    return {
        "track_dir": TRACK_DIR,
        "events": EVENTS,
        "nginx": {"unit": "nginx.service", "pid_file": "/run/nginx.pid", "patience": patience},
        "probe": {
            **own_probe(variables),
            "interval": asked.interval,
            "timeout": asked.timeout,
            "fall": asked.fall,
            "rise": probe_rise(variables),
            "peers": list(dict.fromkeys(peer for instance in detected for peer in instance["peers"])),
        },
        "checks": [dict(check) for check in checks],
    }


def detector(variables: t.Mapping[str, t.Any], detected: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Return what the split-brain detector reads."""
    return {
        "state_file": "/run/holdfast/state/split_brain.json",
        "events": EVENTS,
        "known_file": "/var/lib/holdfast/detector/witnesses.json",
        "changes": "/var/lib/holdfast/keepalived",
        "interval": float(variables["keepalived_detector_interval"]),
        "instances": [dict(instance) for instance in detected],
    }
