# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the tests change: made once a session, brought back to what the packages left before each test."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import Host, hosts

FLEET = {
    "normal": Host("normal"),
    "unprivileged": Host("unprivileged", privileged=False),
    "fresh": Host("fresh", installed=False),
}


@pytest.fixture(scope="session")
def fleet() -> t.Iterator[t.Mapping[str, Host]]:
    with hosts(*FLEET.values()):
        yield FLEET


@pytest.fixture
def host(fleet: t.Mapping[str, Host]) -> Host:
    """A host with nginx and keepalived as Debian installs them; root may do what root may do."""
    fleet["normal"].reset()
    return fleet["normal"]


@pytest.fixture
def unprivileged(fleet: t.Mapping[str, Host]) -> Host:
    """The same where root may neither mount nor unshare, as in many a container."""
    fleet["unprivileged"].reset()
    return fleet["unprivileged"]


@pytest.fixture
def fresh(fleet: t.Mapping[str, Host]) -> Host:
    """A host that has neither nginx nor keepalived, but could install them."""
    return fleet["fresh"]
