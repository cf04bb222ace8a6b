# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine that a managed host may have as well."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

__all__ = ("PYTHONS", "available", "search_path")

PYTHONS = tuple(f"3.{minor}" for minor in range(7, 14))
"""What a managed host may have: from the oldest that ansible-core 2.17 supports there."""


def search_path(environment: t.Mapping[str, str] = os.environ) -> str:
    """Return the PATH with every Python of pyenv on it, and without its shims, which promise more than there is."""
    home = Path(environment.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [folder for folder in environment["PATH"].split(":") if Path(folder) != home / "shims"]
    return ":".join([*folders, *map(str, sorted(home.glob("versions/*/bin")))])


def available() -> list[str]:
    """Return those of PYTHONS that this machine has."""
    return [version for version in PYTHONS if shutil.which(f"python{version}", path=search_path())]
