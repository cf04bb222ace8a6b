# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only root can see is refused to others in a sentence that says what to do."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import info as vrrp_info
from ansible_collections.holdfast.nginx_ha.plugins.modules import nginx_info


@pytest.mark.parametrize("gather", [nginx_info.gather, vrrp_info.gather])
def test_another_user_is_told_to_become_root(
    gather: t.Callable[..., t.Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HoldfastError, match="this needs root: set ansible_become"):
        gather(str(tmp_path), configuration=False)
