# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An include, a file, and whether nginx finds it: the unit test asks us, the integration test asks nginx."""

from __future__ import annotations

__all__ = ("INCLUDES",)

INCLUDES = [
    ("c/*.conf", "c/a.conf", True),
    ("c/*.conf", "c/.hidden.conf", False),
    ("c/.*.conf", "c/.hidden.conf", True),
    ("c/.hidden.conf", "c/.hidden.conf", True),
    ("c/?hidden.conf", "c/.hidden.conf", False),
    ("c/[.]hidden.conf", "c/.hidden.conf", False),
    ("*/a.conf", ".c/a.conf", False),
    ("c/*.conf", "c/d/a.conf", False),
    ("c/*/a.conf", "c/d/a.conf", True),
    (r"c/\[x\].conf", "c/[x].conf", True),
    (r"c/\[x\].conf", "c/x.conf", False),
    (r"c/\*.conf", "c/*.conf", True),
    (r"c/\*.conf", "c/a.conf", False),
    (r"c/\a.conf", r"c/\a.conf", True),
    (r"c/\a.conf", "c/a.conf", False),
    (r"c/\a*", "c/a.conf", True),
    ("c/[]y].conf", "c/].conf", True),
    ("c/[]y].conf", "c/y.conf", True),
    ("c/[!]y].conf", "c/z.conf", True),
    ("c/[^]y].conf", "c/].conf", False),
    ("c/[[:digit:]].conf", "c/7.conf", True),
    ("c/[[:digit:]].conf", "c/d.conf", False),
    ("c/[![:alpha:]-].conf", "c/-.conf", False),
    ("c/[a-c].conf", "c/b.conf", True),
    ("c/[a-c.conf", "c/[a-c.conf", True),
    (r"c/[\]].conf", "c/].conf", True),
    ("c/[a/b].conf", "c/[a/b].conf", True),
    ("c/{a,b}.conf", "c/a.conf", False),
    ("c/{a,b}.conf", "c/{a,b}.conf", True),
    ("c/**", "c/a.conf", True),
    ("c//*.conf", "c//a.conf", True),
]
