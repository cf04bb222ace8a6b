# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches Debian's original tarballs into a folder, from the mirror that this machine has."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))

from lab.command import run
from lab.image import machine_mirrors
from lab.number import outside

TARBALLS = (
    "k/keepalived/keepalived_2.2.7.orig.tar.gz",
    "n/nginx/nginx_1.22.1.orig.tar.gz",
)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in TARBALLS:
        url = f"{machine_mirrors().archive}/pool/main/{name}"
        target = str(folder / name.rpartition("/")[2])
        run(*outside(), "curl", "--silent", "--show-error", "--fail", "--location", "--output", target, url)
