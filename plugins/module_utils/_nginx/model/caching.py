# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a location that keeps answers gets where no level says anything else. Private to this collection."""

from __future__ import annotations

import typing as t

__all__ = ("cached",)

STATUS = {"X-Cache-Status": "$upstream_cache_status"}
"""Whether an answer was kept; nginx leaves a header out whose value is empty."""

STALE = ("error", "timeout", "updating", "http_500", "http_502", "http_503", "http_504")


def cached(
    passes: str, options: t.Mapping[str, t.Any], around: t.Container[str], known: t.Container[str]
) -> dict[str, t.Any]:
    """Return the settings; none where there is no cache.

    ``passes`` is the directive that names the target, ``said`` what the location says, ``around`` the directives of the
    levels around it, and ``known`` those that an option can say. One of many clients that ask for the same gets to the
    backend, the others wait for its answer, or get an old one while the new one is fetched or the backend fails.
    """
    prefix = passes.partition("_")[0]
    name = f"{prefix}_cache"
    own = options.get(name)
    if own == "off" or (own is None and name not in around):
        return {}
    wanted = {"lock": True, "use_stale": list(STALE), "background_update": True, "revalidate": True}
    settings = {f"{name}_{word}": value for word, value in wanted.items() if f"{name}_{word}" in known}
    return {**settings, "add_header": STATUS}
