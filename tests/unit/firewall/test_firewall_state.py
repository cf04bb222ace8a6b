# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was added to firewalld is remembered in a file; whatever is wrong with that is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall import host
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.firewall.access import Access
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Completed

DAMAGED = [b"{", b"\xff\xfe", b"null", b"[]", b"1", b'"text"', b'{"public": 1}', b'{"public": [1]}', b"[" * 100_000]


def runner(*args: str, **_more: object) -> Completed:
    said = {"--get-active-zones": "public\n  interfaces: eth0\n", "--get-default-zone": "public\n"}
    return Completed(args, 0, said.get(args[-1], ""), "")


@pytest.mark.parametrize("content", [*DAMAGED, None])
def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    path = tmp_path / "firewalld.json"
    monkeypatch.setattr(host, "STATE", str(path))
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(HoldfastError) as refused:
        host._Firewalld(runner, check=True).settle(Access(), host.Outcome())
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
