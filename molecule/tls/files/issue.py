# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issues certificates for sites of example.com, the chain behind each: issue.py SITE ...

They lie in .lab/tls of the clone, with the authority that goes on from one call to the next.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
FOLDER = ROOT / ".lab" / "tls"


def issue(*sites: str) -> None:
    """Write a new certificate and key for each site, and the root beside them."""
    from authority import Authority

    (FOLDER / "authority").mkdir(parents=True, exist_ok=True)
    authority = Authority(FOLDER / "authority")
    (FOLDER / "root.pem").write_text(authority.root)
    for site in sites:
        issued = authority.issue(f"{site}.example.com", more="extendedKeyUsage=serverAuth,clientAuth\n")
        (FOLDER / f"{site}.pem").write_text(issued.certificate + authority.chain)
        (FOLDER / f"{site}.key").write_text(issued.key)


if __name__ == "__main__":
    issue(*sys.argv[1:])
