# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is left out of its upstreams is told from one that the inventory says to be down, and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import drain
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.drain import (
    Drain,
    connections,
    drained,
    with_drained,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig

SERVERS = [
    {"address": "10.0.0.21", "port": 8080, "weight": 2},
    {"address": "10.0.0.22", "port": 8080, "down": True},
    {"address": "10.0.0.2", "port": 8080},
    {"address": "fd00::21", "port": 80},
    {"address": "10.0.0.21", "port": 81},
    {"address": "web.example.com"},
    {"address": "unix:/run/a"},
]
[TEXT] = files(NginxConfig.from_options({"upstreams": [{"name": "blog", "servers": SERVERS}]})).values()
# A connection of 10.0.0.11 to 10.0.0.21:8080, one that listens, one that is over, one to another port.
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00000A:C350 1500000A:1F90 01 00000000:00000000 00:00000000 00000000     0        0 1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0B00000A:C351 1500000A:1F90 06 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0B00000A:C352 1500000A:0050 01 00000000:00000000 00:00000000 00000000     0        0 4
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 000000FD000000000000000011000000:C350 000000FD000000000000000021000000:1F90 01 00000000:00000000
   1: 0000000000000000FFFF00000B00000A:C350 0000000000000000FFFF00001500000A:1F90 01 00000000:00000000
"""


def test_every_server_of_an_address_is_left_out_and_comes_back_as_it_was() -> None:
    left_out = with_drained(TEXT, {"10.0.0.21", "fd00::21"})
    down = [line.split()[1] for line in left_out.split("\n") if line.strip().startswith("server") and "down" in line]
    assert down == ["10.0.0.21:8080", "10.0.0.22:8080", "[fd00::21]:80", "10.0.0.21:81"]
    assert with_drained(left_out, {"10.0.0.21", "fd00::21"}) == left_out
    assert with_drained(left_out, {"10.0.0.21"}).count(drain.MARK) == 2
    assert with_drained(left_out, ()) == TEXT


def test_what_is_down_by_the_inventory_stays_so() -> None:
    left_out = with_drained(TEXT, {"10.0.0.22"})
    assert left_out == TEXT
    assert "10.0.0.22:8080 down;" in with_drained(left_out, ())


@pytest.mark.parametrize(
    ("addresses", "ports", "count"),
    [
        ({"10.0.0.21"}, {8080}, 2),
        ({"10.0.0.21"}, {8080, 80}, 3),
        ({"fd00::21"}, {8080}, 1),
        ({"10.0.0.22"}, {8080}, 0),
    ],
)
def test_connections_are_counted_as_the_kernel_has_them(
    tmp_path: Path, addresses: set[str], ports: set[int], count: int
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    (tmp_path / "net" / "tcp6").write_text(TCP6)
    assert connections(addresses, ports, str(tmp_path)) == count


@pytest.mark.parametrize("content", ["", "[]", "{", '{"10.0.0.21": 1}'])
def test_a_note_that_cannot_be_read_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "drained.json"
    assert drained(str(path)) == {}
    path.write_text(content)
    with pytest.raises(HoldfastError, match="remove it to bring all back"):
        drained(str(path))
    path.write_text(json.dumps({"10.0.0.21": "now"}))
    assert drained(str(path)) == {"10.0.0.21": "now"}


def test_nobody_is_left_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Drain("/nowhere")
    monkeypatch.setattr(two, "_texts", {"a": TEXT})
    assert two.upstreams({"10.0.0.21", "10.9.9.9"}) == {"blog": [8080, 81]}
    two.refuse_last({"10.0.0.21"})
    text = "upstream b { server 10.0.0.21; server 10.0.0.22 down; }"
    monkeypatch.setattr(two, "_texts", {"a": text})
    with pytest.raises(HoldfastError, match="nobody would be left in upstream b"):
        two.refuse_last({"10.0.0.21"})
