# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs from the plan, in sentences."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet_drift import host_drift, report

SKIPPED: dict[str, t.Any] = {"skipped": True, "changed": False}
AS_PLANNED: dict[str, t.Any] = {"changes": [], "changed": False}


def test_a_host_that_is_as_planned() -> None:
    assert host_drift([AS_PLANNED, AS_PLANNED, SKIPPED]) == {"differs": [], "error": ""}


def test_what_would_be_changed_is_what_differs() -> None:
    looks: list[dict[str, t.Any]] = [
        {"changes": ["files: /etc/a"], "changed": True},
        {"changes": ["services: restart a.service"]},
        SKIPPED,
    ]
    assert host_drift(looks) == {"differs": ["files: /etc/a", "services: restart a.service"], "error": ""}


def test_what_cannot_be_told_is_no_agreement() -> None:
    assert host_drift([{"unreachable": True, "msg": "Connection refused"}])["error"] == (
        "cannot be reached: Connection refused"
    )
    failed = {"failed": True, "msg": "nginx.servers[0]: wrong.", "changes": ["files: /etc/a"]}
    assert host_drift([failed, AS_PLANNED]) == {"differs": ["files: /etc/a"], "error": "nginx.servers[0]: wrong"}
    assert host_drift([SKIPPED])["error"] == "was not looked at"


def test_the_sentences_count_those_that_are_as_planned() -> None:
    hosts = {
        "lb1": {"differs": ["files: /etc/a", "services: restart a.service"], "error": ""},
        "lb2": {"differs": [], "error": "cannot be reached: Connection refused"},
        "web1": {"differs": [], "error": ""},
    }
    assert report(hosts) == [
        "lb1 differs from its plan: files: /etc/a; services: restart a.service",
        "lb2: cannot be reached: Connection refused",
        "1 of 3 hosts are as planned.",
    ]
