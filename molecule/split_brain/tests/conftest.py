# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy pair for every test, and a healthy pair left behind, of which no detector thinks that it is split."""

from __future__ import annotations

import typing as t

import pytest

from harness.cluster import Cluster


@pytest.fixture
def pair() -> t.Iterator[Cluster]:
    cluster = Cluster()
    recover(cluster)
    yield cluster
    recover(cluster)


def recover(cluster: Cluster) -> None:
    cluster.recover()
    cluster.settled()
