# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Idle connections to an upstream follow from the workers of the host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.idle import (
    Workers,
    kept,
    with_idle,
    workers_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse

MANAGED: dict[str, t.Any] = {"nginx_conf": "managed"}


@pytest.mark.parametrize(
    ("options", "text", "found"),
    [
        (MANAGED, "worker_processes 9;", Workers(6, 8192)),
        ({**MANAGED, "main": {"worker_processes": "4"}}, "", Workers(4, 8192)),
        ({**MANAGED, "main": {"worker_processes": "auto"}, "events": {"worker_connections": 100}}, "", Workers(6, 100)),
        (
            {"nginx_conf": "package", "main": {}},
            "worker_processes auto; events { worker_connections 768; }",
            Workers(6, 768),
        ),
        ({}, "worker_processes 2; events { }", Workers(2, 512)),
        # nginx has one where nothing says it.
        ({}, "", Workers(1, 512)),
    ],
)
def test_workers_are_those_of_the_file_that_will_be(options: dict[str, t.Any], text: str, found: Workers) -> None:
    assert workers_of(options, parse(text), processors=6) == found


@pytest.mark.parametrize(
    ("servers", "workers", "number"),
    [
        (3, Workers(1, 8192), 128),
        (3, Workers(2, 8192), 64),
        (3, Workers(3, 8192), 43),
        (3, Workers(4, 8192), 32),
        (3, Workers(64, 8192), 16),
        (50, Workers(64, 8192), 100),
        (5000, Workers(4, 8192), 2048),
        (3, Workers(1, 100), 25),
        (3, Workers(1, 2), 1),
    ],
)
def test_each_worker_keeps_its_share(servers: int, workers: Workers, number: int) -> None:
    assert kept(servers, workers) == number


def test_what_is_said_stays_as_it_is() -> None:
    servers = [{"address": "a"}]
    said = [{"name": "a", "servers": servers, "keepalive": 0}, {"name": "b", "servers": servers, "keepalive": None}]
    found = with_idle([*said, {"name": "c"}, "wrong"], Workers(2, 8192))
    assert [one["keepalive"] for one in found[:2]] == [0, 64]
    assert found[2:] == [{"name": "c"}, "wrong"]
    assert with_idle(None, Workers(2, 8192)) is None
