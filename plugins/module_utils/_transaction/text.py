# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text file that a module owns as a whole: read, compared and replaced on its own. Private to this collection.

What a daemon reads goes through a transaction instead, which tests it first and can put it back.
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    discard,
    naming_os_errors,
    prepare,
    prepared_path,
    read_state,
    refuse_unsafe,
    sync_folder,
)

__all__ = ("difference", "read_text", "replace_text")


def read_text(path: str) -> str:
    """Return the text of the file, empty where there is none; HoldfastError where it is no regular file."""
    return (read_state(path).content or b"").decode(errors="replace")


def replace_text(path: str, text: str | None, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Write the file atomically with these permission bits, or remove it where the text is None.

    ``owner`` are the numbers of its user and group; without, they are those of the user who applies it.
    HoldfastError where it cannot be, and then it is as it was.
    """
    refuse_unsafe(path, "/")
    with naming_os_errors(path, f"{path} is as it was"):
        try:
            if text is None:
                os.unlink(path)
            else:
                prepare(path, Wanted(text.encode(), mode))
                if owner is not None:
                    os.chown(prepared_path(path), *owner)
                    os.chmod(prepared_path(path), mode)  # a change of the owner takes bits away
                os.rename(prepared_path(path), path)
        except OSError:
            with contextlib.suppress(OSError):
                discard(path)
            raise
        sync_folder(os.path.dirname(path))


def difference(path: str, before: str, after: str) -> dict[str, str]:
    """Return the difference as Ansible shows it."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}
