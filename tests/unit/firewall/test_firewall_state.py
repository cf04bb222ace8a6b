# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was added to firewalld is remembered in a file; whatever is wrong with that is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.access import Access
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall_setup import host

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


def advert_rule(source: str) -> str:
    return f'rule family="ipv4" source address="{source}" protocol value="112" accept'


@pytest.mark.parametrize("keep", [True, False])
def test_a_peer_that_goes_is_let_in_while_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    goes, port = advert_rule("10.0.0.12"), 'rule port port="80" protocol="tcp" accept'

    def with_rules(*args: str, **more: object) -> Completed:
        return Completed(args, 0, f"{goes}\n{port}\n", "") if args[-1] == "--list-rich-rules" else runner(*args, **more)

    path = tmp_path / "firewalld.json"
    path.write_text(json.dumps({"public": [goes, port]}))
    monkeypatch.setattr(host, "STATE", str(path))
    outcome = host.Outcome()
    access = Access(adverts=(("10.0.0.13", ""),), interfaces=("eth0",))
    host._Firewalld(with_rules, check=True).settle(access, outcome, keep=keep)
    assert outcome.added == [f"firewalld public: {advert_rule('10.0.0.13')}"]
    assert outcome.removed == [f"firewalld public: {one}" for one in ([port] if keep else [goes, port])]
