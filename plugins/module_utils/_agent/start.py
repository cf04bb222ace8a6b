# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts one part of the agent: /usr/bin/python3 -I -S -B /usr/local/lib/holdfast/agent PART [ARGUMENT ...]

On a host this file is ``__main__.py`` beside the folder ``holdfast``, which has the rest.
"""

from __future__ import annotations

import importlib
import os
import sys


def main(name: str = "", *arguments: str) -> int:
    """Return the exit status of a part, 2 where there is none of this name."""
    # The agent is a symbolic link, and may be another tree by the time of a later import.
    sys.path[0] = os.path.realpath(sys.path[0])
    parts = importlib.import_module("holdfast._agent.parts")
    if name not in parts.__all__:
        sys.stderr.write(f"usage: {sys.argv[0]} {'|'.join(parts.__all__)} [ARGUMENT ...]\n")
        return 2
    return int(getattr(parts, name)(*arguments))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
