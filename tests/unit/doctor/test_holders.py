# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every address has exactly one holder, or a sentence says what is wrong."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.holders import wrong_holders

VIP = "10.0.0.100"
BALANCER: dict[str, t.Any] = {"cluster": "all", "members": ["lb1", "lb2"], "vips": [VIP]}
PLANS = {"lb1": BALANCER, "lb2": BALANCER, "web1": {"address": "10.0.0.21"}}


def seen(*holders: str, **more: t.Any) -> dict[str, dict[str, t.Any]]:
    return {
        host: {"unsettled": "", "amiss": [], "held": [VIP] if host in holders else [], **more.get(host, {})}
        for host in ("lb1", "lb2")
    }


def test_one_holder_is_well() -> None:
    assert wrong_holders(PLANS, seen("lb2")) == []


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        (seen("lb1", "lb2"), f"{VIP} is held by lb1 and lb2: they do not hear each other."),
        (seen(), f"{VIP} is held by nobody, neither by lb1 nor by lb2: none of them is fit"),
        (
            seen("lb1", lb1={"amiss": ["VI_1 lacks x"]}),
            "On lb1 VI_1 lacks x: ",
        ),
        # Without the rest, which it explains.
        (seen(lb2={"unsettled": "VI_1 is in FAULT here, after 15 s"}), "On lb2 VI_1 is in FAULT here, after 15 s."),
    ],
    ids=["two", "none", "amiss", "unsettled"],
)
def test_what_is_wrong_is_said(found: dict[str, t.Any], begins: str) -> None:
    [sentence] = wrong_holders(PLANS, found)
    assert sentence.startswith(begins)


def test_a_part_of_a_cluster_is_not_judged() -> None:
    assert wrong_holders(PLANS, {"lb2": seen()["lb2"]}) == []
