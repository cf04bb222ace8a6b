# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that nobody has changed since its package brought it, as rpm tells of it."""

from __future__ import annotations

import hashlib
import os
import pathlib

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import change
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import packaged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packaged import is_as_packaged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import RED_HAT, System


def test_a_file_with_the_digest_that_rpm_knows_is_as_packaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text("vrrp_instance VI_1 {\n}\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def rpm(*words: str) -> Completed:
        assert words == ("rpm", "--query", "--queryformat", "[%{FILENAMES} %{FILEDIGESTS}\\n]", "keepalived")
        return Completed(words, 0, f"/etc/keepalived \n{path} {digest}\n/usr/sbin/keepalived 0123\n", "")

    monkeypatch.setattr(packaged, "of_this_host", lambda: System("rocky", "", RED_HAT, "9"))
    assert is_as_packaged(str(path), "keepalived", rpm)
    path.write_text("vrrp_instance MINE {\n}\n")
    assert not is_as_packaged(str(path), "keepalived", rpm)
    assert not is_as_packaged(str(tmp_path / "absent"), "keepalived", rpm)
    os.symlink(path, tmp_path / "link")
    assert not is_as_packaged(str(tmp_path / "link"), "keepalived", rpm)


@pytest.mark.parametrize(("is_packaged", "fault"), [(True, ""), (False, "VI_1")])
def test_the_example_of_a_package_is_nobodys_and_may_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, is_packaged: bool, fault: str
) -> None:
    """Another one with the same router id on the same interface would be refused."""
    (tmp_path / "keepalived.conf").write_text(
        "vrrp_instance VI_1 {\n    interface lo\n    virtual_router_id 51\n    priority 100\n"
        "    virtual_ipaddress {\n        192.0.2.9\n    }\n}\n"
    )
    monkeypatch.setattr(change, "is_as_packaged", lambda *_about: is_packaged)
    wanted = {"name": "OURS", "interface": "lo", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.9"]}
    try:
        change.refuse_unfit([wanted], root=str(tmp_path), adopt=False)
        told = ""
    except HoldfastError as error:
        told = str(error)
    assert fault in told
    assert bool(fault) == bool(told)
