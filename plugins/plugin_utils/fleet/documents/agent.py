# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watcher, the detector and the notifier of a balancer read. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.service_ports import PORTS_FILE
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import checks, own_probe, probe, probe_rise
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import TRACK_DIR, check_file

__all__ = ("EVENTS", "EVENT_DIR", "NGINX_UNIT", "detector", "notifier", "track_names", "watcher")

Variables = Mapping[str, t.Any]

EVENTS = "/run/holdfast/events"
EVENT_DIR = "/var/log/holdfast"
NGINX_UNIT = "nginx.service"

OF_NGINX = ("nginx_crash", "nginx_down", "nginx_probe", "nginx_stop")
"""Track files that exist whatever is tracked, so that a change of the policy finds them."""

MAILED = ("master", "fault", "stop", "split_brain", "watcher", "certificates")
"""Events of which a mail tells by default."""


def track_names(variables: Variables, detected: Sequence[Variables]) -> tuple[str, ...]:
    """Return the names of all track files of a balancer; ``detected`` is that of its plan."""
    own = [check_file(one.name) for one in checks(variables)]
    cut_off = [one["track_file"].rpartition("/")[2] for one in detected if one["track_file"]]
    return (*OF_NGINX, *own, *cut_off)


def watcher(variables: Variables, detected: Sequence[Variables], patience: float) -> dict[str, t.Any]:
    """Return what the watcher reads, but for the addresses that the host ends up with; raises InputError.

    ``patience`` is how many seconds a dead nginx may stay away.
    """
    asked = probe(variables)
    return {
        "track_dir": TRACK_DIR,
        "events": EVENTS,
        "ports": PORTS_FILE,
        "nginx": {
            "unit": variables["keepalived_guarded_unit"],
            "pid_file": variables["keepalived_guarded_pid_file"],
            "program": variables["keepalived_guarded_program"],
            "patience": patience,
        },
        "probe": {
            **own_probe(variables),
            "interval": asked.interval,
            "timeout": asked.timeout,
            "fall": asked.fall,
            "rise": probe_rise(variables),
            "peers": [
                {"address": peer, **asked}
                for peer in dict.fromkeys(peer for instance in detected for peer in instance["peers"])
                for asked in _asked_of_a_peer(variables, peer)
            ],
        },
        "checks": [dict(one.options) for one in checks(variables)],
    }


def _asked_of_a_peer(variables: Variables, address: str) -> list[dict[str, t.Any]]:
    """Return how nginx of a peer can be asked whether it lives, nothing where it serves no HTTP at that address.

    Any answer will do, and nginx answers what is plain also where it expects TLS. What another service speaks is not
    known, so each of its ports is asked.
    """
    for site in range(len(variables["balancer_sites"])):
        alone = {"balancer_sites": variables["balancer_sites"][site : site + 1], "balancer_streams": []}
        for one in access.tcp_ports(alone):
            spoken = access.spoken_at(alone, address, one["first"])
            if one["address"] in ("", address) and spoken is not None:
                return [{"port": one["first"], "proxy_protocol": "proxy_protocol" in spoken[1]}]
    return [{"port": port, "proxy_protocol": False} for port in variables["keepalived_guarded_ports"]]


def detector(variables: Variables, detected: Sequence[Variables]) -> dict[str, t.Any]:
    """Return what the split-brain detector reads."""
    return {
        "state_file": "/run/holdfast/state/split_brain.json",
        "events": EVENTS,
        "known_file": "/var/lib/holdfast/detector/witnesses.json",
        "changes": "/var/lib/holdfast/keepalived",
        "interval": variables["keepalived_detector_interval"],
        "instances": [dict(instance) for instance in detected],
    }


def notifier(
    variables: Variables, host: str, detected: Sequence[Variables], advertised: Sequence[int]
) -> dict[str, t.Any]:
    """Return what the notifier reads; it may hold the password of a mail server.

    ``advertised`` says how many addresses of each instance are in its adverts, which are the first of them.
    """
    metrics = variables["keepalived_metrics_file"]
    measured = [{**_measured(one), "advertised": count} for one, count in zip(detected, advertised)]
    mail = variables.get("keepalived_mail")
    return {
        "host": host,
        "event_log": f"{EVENT_DIR}/events.jsonl",
        "state_file": "/var/lib/holdfast/notify/state.json",
        "timeout": variables["keepalived_notify_timeout"],
        "user": variables["keepalived_notify_user"],
        "commands": variables["keepalived_notify_commands"],
        "mail": {"events": list(MAILED), **mail} if mail else None,
        "metrics": {"file": metrics, "track_dir": TRACK_DIR, "instances": measured} if metrics else None,
    }


def _measured(instance: Variables) -> dict[str, t.Any]:
    """Return what of an instance stands in the labels of metrics."""
    return {name: instance[name] for name in ("name", "interface", "router_id", "address", "vips")}
