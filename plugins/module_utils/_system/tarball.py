# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source of a daemon as a tarball, which is used only where it has the digest that the inventory says. Private."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.download import fetched

__all__ = ("digest_of", "fetch", "is_url", "need_checksum")

PIECE = 1 << 16


def is_url(source: str) -> bool:
    """Return whether a host fetches this source itself; else it is a file of the controller."""
    return source.startswith(("http://", "https://"))


def fetch(daemon: str, url: str, checksum: str, path: str) -> None:
    """Fetch a tarball into a file, which everybody may read; InputError where that cannot be, or it is another one."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    partial = f"{path}.part"
    try:
        with fetched(url) as answer, open(partial, "wb") as file:
            shutil.copyfileobj(answer, file)
        need_checksum(daemon, url, digest_of(partial), checksum)
        os.chmod(partial, 0o644)
        os.rename(partial, path)
    except OSError as error:
        raise InputError(
            f"{daemon}_tarball",
            f"{url} cannot be fetched from this host ({error}): let the host reach it, or name a file of the "
            "controller",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def digest_of(path: str) -> str:
    """Return the SHA-256 digest of a file in hexadecimal digits; raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            digest.update(piece)
    return digest.hexdigest()


def need_checksum(daemon: str, source: str, found: str, checksum: str) -> None:
    """Raise InputError where a tarball has another digest than it shall have."""
    if found != checksum.lower():
        raise InputError(
            f"{daemon}_tarball_checksum",
            f"{source} has the SHA-256 digest {found}, which is another one: find out which of them is right",
        )
