# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding names who else it is about, as far as this host knows."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector import findings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.adverts import Seen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.conflict import AddressConflict
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import Claim, InstanceMonitor
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.packets import Looked
from ansible_collections.holdfast.nginx_ha.tests.unit.detector.test_detector_reasons import (
    FOREIGN,
    PEER,
    WATCHED,
    advert,
)

VIP = "10.0.0.100"
MAC, OTHER_MAC = "02:00:00:00:00:0c", "02:00:00:00:00:63"
NOTHING_SEEN = Looked(0.0, 1.0, Seen(()), Seen(()))


@pytest.mark.parametrize(("macs", "who"), [({PEER: MAC, VIP: MAC}, f"{PEER} ({MAC})"), ({}, MAC)])
def test_who_holds_the_address_of_a_node_that_is_cut_off(macs: dict[str, str], who: str) -> None:
    conflict = AddressConflict()
    conflict.begin(1.0)
    conflict.claimed(1.0, VIP, MAC, holds=True)
    facts = findings.cut_off(conflict, macs)
    assert (facts["address"], facts["other_mac"], facts["reason"]) == (VIP, MAC, "cut_off")
    assert facts["message"].startswith(f"{VIP} is held by {who}, and none of 0 hosts")


@pytest.mark.parametrize(
    ("mac", "macs", "who"),
    [
        (MAC, {PEER: MAC}, f"{PEER} ({MAC})"),
        (OTHER_MAC, {PEER: MAC}, OTHER_MAC),
        ("", {PEER: MAC}, f"{PEER} ({MAC})"),
    ],
)
def test_who_else_holds_an_address(mac: str, macs: dict[str, str], who: str) -> None:
    monitor = InstanceMonitor(WATCHED)
    monitor.holding({VIP})
    claim = Claim(VIP, mac, "" if mac else PEER)
    facts = findings.split_brain(monitor, claim, NOTHING_SEEN, macs)
    assert facts["message"].startswith(f"{VIP} is held here and by {who}. ")
    assert facts["other_address"] == ("" if mac == OTHER_MAC else PEER)


def test_who_sends_adverts_with_our_id() -> None:
    facts = findings.foreign_adverts(advert(FOREIGN, mac=OTHER_MAC), WATCHED)
    assert (facts["other_address"], facts["other_mac"], facts["router_id"]) == (FOREIGN, OTHER_MAC, 51)
    assert facts["message"].startswith(f"{FOREIGN} ({OTHER_MAC}), which is no peer")
