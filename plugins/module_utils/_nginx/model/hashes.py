# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large nginx's hashes of names have to be for what is served. Private to this collection.

ngx_hash_init refuses a name that no bucket can hold, and warns where its names do not fit into the buckets that it may
make. An element takes a pointer, the length and the name, aligned; a bucket ends in one more pointer.
"""

from __future__ import annotations

import typing as t

__all__ = ("hash_sizes",)

_POINTER = 8
_BUCKET, _SERVER_NAMES, _MAP_ENTRIES = 64, 512, 2048
"""nginx's own defaults, on the processors of today."""
_MOST = 32768
"""The largest power of two that nginx takes for a bucket."""


def hash_sizes(models: t.Mapping[str, t.Sequence[t.Any]]) -> dict[str, dict[str, int]]:
    """Return, by context, the sizes that must be larger than nginx's own for these models."""
    names = [name for server in models.get("servers", ()) for name in server.server_names]
    found = {"http": _sizes("server_names", names, _SERVER_NAMES), "stream": {}}
    for context, option in (("http", "maps"), ("stream", "stream_maps")):
        of_each = [[entry.match for entry in one.entries or ()] for one in models.get(option, ())]
        # Each map has a hash of its own, of sizes that all have in common.
        for entries in of_each:
            for name, size in _sizes("map", entries, _MAP_ENTRIES).items():
                found[context][name] = max(size, found[context].get(name, 0))
    return found


def _sizes(hash_name: str, names: t.Sequence[str], most: int) -> dict[str, int]:
    if not names:
        return {}
    element = _POINTER + -(-(max(len(name.encode()) for name in names) + 2) // _POINTER) * _POINTER
    # Where there are many, some bucket gets several.
    share = 1 if len(names) < 64 else 2 if len(names) < 512 else 4
    bucket = min(_power_of_two(max(_BUCKET, share * element + _POINTER)), _MOST)
    buckets = _power_of_two(max(most, 2 * len(names)))
    sizes = {f"{hash_name}_hash_bucket_size": (bucket, _BUCKET), f"{hash_name}_hash_max_size": (buckets, most)}
    return {name: size for name, (size, default) in sizes.items() if size > default}


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
