# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration reads and says."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab.demo import Service, connected, outcome
from lab.inventory import DEFAULT_INVENTORY, read_inventory

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0132590A:CE1A 6432590A:0050 {state} 00000000:00000000 00:00000000 00000000     0        0 1 1
"""


def test_the_lab_is_what_is_demonstrated() -> None:
    assert Service.of(read_inventory([DEFAULT_INVENTORY])) == Service(
        "10.89.50.100", "blog.example.com", ("lb1", "lb2")
    )


@pytest.mark.parametrize(
    ("state", "address", "expected"),
    [
        ("01", "10.89.50.100", True),
        ("02", "10.89.50.100", True),
        ("06", "10.89.50.100", False),  # of an earlier request, long closed
        ("01", "10.89.50.101", False),
    ],
)
def test_a_client_is_noticed(tmp_path: Path, state: str, address: str, expected: bool) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE.format(state=state))
    assert connected(address, table) is expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (
            {
                "gap_ms": 311.2,
                "ok": 1191,
                "failed_total": 9,
                "failures": {"refused": 0, "timeout": 9},
                "slow": 52,
                "ended_in_outage": False,
            },
            [
                "longest time without an answer: 311 ms",
                "requests: 1191 answered, 9 failed (9 timeout), 52 of the answers slow",
            ],
        ),
        (
            {
                "gap_ms": 4000.0,
                "ok": 400,
                "failed_total": 0,
                "failures": {"refused": 0},
                "slow": 0,
                "ended_in_outage": True,
            },
            [
                "longest time without an answer: 4000 ms",
                "requests: 400 answered, 0 failed, 0 of the answers slow",
                "and the outage was not over when the measurement ended",
            ],
        ),
    ],
)
def test_an_outage_never_stands_alone(seen: dict[str, t.Any], expected: list[str]) -> None:
    assert outcome(seen) == expected
