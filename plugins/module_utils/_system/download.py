# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host fetches from an address itself. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t

__all__ = ("fetched",)

SECONDS = 30.0


@contextlib.contextmanager
def fetched(url: str) -> t.Iterator[t.IO[bytes]]:
    """Open an address, to be read in the body; OSError with the reason alone where that, or the body, fails."""
    # Here, because who only names an address needs nothing of Ansible.
    from ansible.module_utils.urls import ConnectionError as UrlError
    from ansible.module_utils.urls import open_url

    try:
        with contextlib.closing(open_url(url, timeout=SECONDS)) as answer:
            yield answer
    except (OSError, UrlError) as error:
        raise OSError(str(getattr(error, "reason", None) or error)) from error
