# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interface that had another name is told from one that was down, for keepalived is deaf on it."""

from __future__ import annotations

import struct
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.links import Links
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.netlink import (
    HEADER,
    IFINFOMSG,
    RTATTR,
    RTM_DELLINK,
    RTM_NEWLINK,
    links,
)

Told = t.Tuple[int, str, bool]


@pytest.mark.parametrize(
    ("told", "back"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(3, "eth0", True), (3, "eth0", True)], [], id="down and up"),
        pytest.param([(3, "ren0", True)], [], id="another name"),
        pytest.param([(3, "ren0", True), (3, "eth0", True)], ["eth0"], id="another name and back"),
        pytest.param([(3, "ren0", True), (3, "eth0", True), (3, "eth0", True)], ["eth0"], id="told once"),
        pytest.param([(3, "eth0", False), (9, "eth0", True)], ["eth0"], id="another interface of this name"),
        pytest.param([(3, "x", True), (9, "y", True), (9, "eth0", True)], ["eth0"], id="two change places"),
        pytest.param([(9, "other", False), (9, "other", True)], [], id="nobody's"),
    ],
)
def test_what_is_back(told: list[Told], back: list[str]) -> None:
    found = Links(["eth0"])
    assert not found.update(3, "eth0", there=True)
    names = [found.update(index, name, there=there) for index, name, there in told]
    assert [name for name in names if name] == back


def test_one_that_comes_late_was_not_lost() -> None:
    assert not Links(["eth0"]).update(3, "eth0", there=True)


def message(kind: int, index: int, name: bytes) -> bytes:
    value = name + b"\0"
    attribute = RTATTR.pack(RTATTR.size + len(value), 3) + value + b"\0" * (-len(value) % 4)
    body = IFINFOMSG.pack(0, 0, 1, index, 0, 0) + attribute
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body


def test_what_the_kernel_tells() -> None:
    told = message(RTM_NEWLINK, 3, b"eth0") + message(20, 4, b"eth1") + message(RTM_DELLINK, 5, b"wg-0")
    assert list(links(told)) == [(3, "eth0", True), (5, "wg-0", False)]


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\xff" * 40, struct.pack("=IHHII", 16, 16, 0, 0, 0)])
def test_what_is_no_message_tells_of_nothing(data: bytes) -> None:
    assert list(links(data)) == []
