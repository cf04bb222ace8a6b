# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of a playbook as a file on the controller, for other programs. Private to this collection."""

from __future__ import annotations

import json
import os
import typing as t
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("inventory_order", "write_report")


def inventory_order(hosts: Collection[str], variables: Mapping[str, t.Any]) -> list[str]:
    """Return the hosts in the order of the inventory; that of a group which a play has made is left to chance.

    ``variables`` are those of the task.
    """
    return [str(host) for host in variables["groups"]["all"] if host in hosts]


def write_report(path: str, report: t.Any) -> None:
    """Write it as JSON, whole or not at all; raises HoldfastError."""
    file = Path(os.path.abspath(path))
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise HoldfastError(f"{file} cannot be written: {error.strerror}") from None
